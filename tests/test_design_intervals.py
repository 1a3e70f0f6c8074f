"""Intervals of a share against R `svyciprop`: case 09, with what is decided at 0 and at 1."""

import math

import pytest

from assets.estimates.design.linear import Estimate, means
from assets.estimates.design.share_intervals import Interval, Method, share_interval
from tests.design_oracles import EXACT, Case, case

CASE09 = "case09_svyciprop"
METHODS: tuple[Method, ...] = ("logit", "xlogit", "asin", "beta", "mean", "wilson", "likelihood")
# R's logit stops its iterations at 1e-8 and its likelihood reads the ends off a spline: ours are the exact ones.
TOLERANCE = {"logit": 3e-9, "likelihood": 2e-3}


def estimate(c: Case, column: str, domain: str) -> Estimate:
    e = means(c.design(), c.column(column), c.where("sex", "f") if domain == "f" else None)
    assert e is not None
    return e


@pytest.mark.parametrize(("column", "domain"), [("y1", "all"), ("y1", "f"), ("y2", "all"), ("y3", "all"), ("y3", "f")])
@pytest.mark.parametrize("method", METHODS)
def test_case09_interval(method: Method, column: str, domain: str) -> None:
    c = case(CASE09)
    e = estimate(c, column, domain)
    i = share_interval(e.values[0], e.covariance[0, 0], e.df, e.n, method)
    assert i is not None and i.method == method
    theirs = c.r(f"{method} {column} {domain}.lci", f"{method} {column} {domain}.uci")
    if (method, column, domain) == ("asin", "y1", "f"):  # R's sine turns back below 0: its low end is above 0
        assert i.low == 0 < theirs[0]
        theirs[0] = 0
    c.agree([i.low, i.high], theirs, TOLERANCE.get(method, EXACT), of=method)
    c.agree(e.values, c.r(f"xlogit {column} {domain}.est"))


def test_case09_degrees_of_freedom_and_another_level() -> None:
    c = case(CASE09)
    e = estimate(c, "y3", "all")
    i = share_interval(e.values[0], e.covariance[0, 0], e.df, e.n, "beta", 0.9)
    assert i is not None
    c.agree([i.low, i.high], c.r("lev90.lci", "lev90.uci"), of="beta")
    assert (e.df, estimate(c, "y3", "f").df) == (c.r("df.")[0], c.r("df_f.")[0])


@pytest.mark.parametrize("method", [*METHODS, "korn_graubard"])
@pytest.mark.parametrize(("column", "domain"), [("y0", "all"), ("y0", "f"), ("y4", "all"), ("y4", "f"), ("y2", "f")])
def test_case09_at_the_ends_clopper_pearson_on_n_where_r_has_none(method: Method, column: str, domain: str) -> None:
    c = case(CASE09)
    e = estimate(c, column, domain)
    p = float(e.values[0])
    assert p in (0.0, 1.0) and e.errors[0] == 0
    i = share_interval(p, e.covariance[0, 0], e.df, e.n, method)
    width = 1 - 0.025 ** (1 / e.n)  # Clopper-Pearson at 0, in closed form
    assert i is not None and i.method == "clopper_pearson_n"
    assert (i.low, i.high) == pytest.approx((0, width) if p == 0 else (1 - width, 1), rel=1e-12)


def test_korn_graubard_is_capped_at_n_and_r_beta_is_not() -> None:
    p, n = 0.3, 100
    better = p * (1 - p) / 400  # a design four times as good as a simple random sample
    beta = share_interval(p, better, 60, n, "beta")
    capped = share_interval(p, better, 60, n, "korn_graubard")
    plain = share_interval(p, p * (1 - p) / n, n - 1, n, "beta")
    assert beta and capped and plain
    assert beta.high - beta.low < 0.6 * (capped.high - capped.low)
    assert capped[:2] == pytest.approx(plain[:2], rel=1e-12)
    worse = [share_interval(p, p * (1 - p) / 50, 60, n, method) for method in ("beta", "korn_graubard")]
    assert worse[0] and worse[1] and worse[0][:2] == worse[1][:2]


def test_likelihood_ends_are_where_the_likelihood_ratio_is_t_squared() -> None:
    p, n, t = 0.2, 50.0, 2.0452296421327034  # qt(0.975, 29)
    i = share_interval(p, p * (1 - p) / n, 29, 80, "likelihood")
    assert i is not None
    for end in i[:2]:
        ratio = 2 * n * (p * math.log(p / end) + (1 - p) * math.log((1 - p) / (1 - end)))
        assert ratio == pytest.approx(t * t * 80 / 79, rel=1e-11)


def test_asin_stops_at_the_end_where_r_turns_back() -> None:
    i = share_interval(0.01, 0.01**2, 3, 50, "asin")
    assert i is not None and i.low == 0


def test_no_interval_without_degrees_of_freedom_and_a_point_without_variance() -> None:
    assert share_interval(0.4, 0.01, 0, 10, "logit") is None
    assert share_interval(0.4, math.nan, 5, 10, "logit") is None
    assert share_interval(0.4, 0.0, 5, 10, "logit") == Interval(0.4, 0.4, "no_variance")
    for wrong in ((1.1, 0.1, 5, 10, "logit"), (0.5, -1, 5, 10, "logit"), (0.5, 0.1, 5, 0, "logit")):
        with pytest.raises(ValueError, match="no interval"):
            share_interval(*wrong)
    with pytest.raises(ValueError, match="unknown method"):
        share_interval(0.5, 0.1, 5, 10, "wald")  # type: ignore[arg-type]
