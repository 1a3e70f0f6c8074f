"""Quantiles with Woodruff's intervals against R `svyquantile`: cases 17 and 08."""

import math

import numpy as np
import pytest

from assets.estimates.design.design import DesignError
from assets.estimates.design.quantiles import Quantile, Rule, quantile, quantiles, replicate_quantiles
from assets.estimates.design.share_intervals import Method
from tests.design_oracles import Case, case
from tests.test_design_replicates import KINDS, producer

CASE17 = "case17_quantile"
PS = {"0.1": 0.1, "0.25": 0.25, "0.5": 0.5, "0.75": 0.75, "0.9": 0.9}
RULES = ("math", "school", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")


def known(estimates: list[Quantile] | None) -> list[Quantile]:
    assert estimates is not None
    return estimates


def compare(c: Case, key: str, ours: list[Quantile], ps: list[str]) -> None:
    first = next(stat for stat in c.answers if stat.startswith(f"{key}.["))
    value = first.split(",")[1].rstrip("]")  # R names the column after the quantile rule's own attribute
    for name, field in ((value, "value"), ("ci.2.5", "low"), ("ci.97.5", "high"), ("se", "error")):
        c.agree([getattr(q, field) for q in ours], c.r(*(f"{key}.[{p},{name}]" for p in ps)))


@pytest.mark.parametrize("rule", RULES)
def test_case17_rules(rule: Rule) -> None:
    c = case(CASE17)
    ours = known(quantiles(c.design(), c.column("score"), list(PS.values()), rule=rule))
    compare(c, rule, ours, list(PS))
    if rule in ("math", "school"):
        compare(c, {"math": "hf1", "school": "hf2"}[rule], ours, list(PS))


@pytest.mark.parametrize("method", ["mean", "beta", "xlogit", "asin"])
def test_case17_intervals(method: Method) -> None:
    c = case(CASE17)
    compare(
        c,
        f"int_{method}",
        known(quantiles(c.design(), c.column("score"), [0.1, 0.5, 0.9], method=method)),
        ["0.1", "0.5", "0.9"],
    )


def test_case17_few_values_and_domains() -> None:
    c = case(CASE17)
    compare(c, "age", known(quantiles(c.design(), c.column("age"), [0.25, 0.5, 0.75])), ["0.25", "0.5", "0.75"])
    for sex in "fm":
        (q,) = known(quantiles(c.design(), c.column("score"), [0.5], c.where("sex", sex)))
        c.agree([q.value, q.error], c.r(f"by.est[{sex}]", f"by.se[{sex}]"))


@pytest.mark.parametrize("mse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_case08_median_with_replicates(kind: str, mse: bool) -> None:
    c = case(f"case08_rep_{kind}")
    (q,) = known(replicate_quantiles(producer(c, mse), c.column("score"), [0.5]))
    c.agree([q.error], c.r(f"mse{str(mse).upper()}.median.score"))


def test_case08_the_largest_value_with_replicates_has_a_share_of_one() -> None:
    c = case("case08_rep_subbootstrap")
    for at in range(3, len(c.rows)):  # lengths at which the order of addition could show
        r = producer(c, True)
        part = np.arange(len(c.rows)) <= at
        (q,) = known(replicate_quantiles(r, c.column("score"), [1.0], part, method="wilson"))
        assert q.value == c.column("score")[part].max()


def test_ties_and_ends_by_hand() -> None:
    x, w = np.array([3.0, 1.0, 2.0, 9.0]), np.array([0.1, 0.1, 0.1, 0.0])
    assert [quantile(x, w, 2 / 3, rule) for rule in ("math", "school")] == [2.0, 2.5]
    sevenths = np.arange(7.0), np.full(7, 0.7)  # their running sum falls short of k / 7 of the total by a last digit
    assert [quantile(*sevenths, k / 7) for k in range(1, 7)] == [0, 1, 2, 3, 4, 5]
    assert [quantile(*sevenths, k / 7, "school") for k in range(1, 7)] == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert (quantile(x, w, 0), quantile(x, w, 1)) == (1.0, 3.0)
    assert math.isnan(quantile(x, w, 1.01))
    assert quantile(np.array([4.0]), np.array([2.0]), 0.3, "hf7") == 4.0
    with pytest.raises(DesignError, match="positive"):
        quantile(x, w * 0, 0.5)


def test_case17_nobody_has_no_quantile() -> None:
    c = case(CASE17)
    assert quantiles(c.design(), c.column("score"), [0.5], c.where("sex", "x")) is None
