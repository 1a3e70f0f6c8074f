"""What must hold for any design: a second formula, symmetries, and the jackknife of a total."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.estimates.design.design import Design, Floats, survey_design
from assets.estimates.design.linear import means, ratio, shares, totals
from assets.estimates.design.replicates import replicate_totals
from assets.estimates.design.resampling import jackknife


def sample(seed: int) -> tuple[Design, dict[str, np.ndarray]]:
    """A random sample of 2 to 4 strata with 2 to 4 PSUs each, zero weights and missing answers among its rows."""
    random = np.random.default_rng(seed)
    psus = random.integers(2, 5, random.integers(2, 5))
    of_psu = np.repeat(np.arange(len(psus)), psus)
    psu = np.repeat(np.arange(len(of_psu)), random.integers(1, 6, len(of_psu)))
    n = len(psu)
    columns = {
        "w": np.where(random.random(n) < 0.1, 0.0, random.lognormal(0, 1, n)),
        "stratum": of_psu[psu],
        "psu": psu,
        "size": psus[of_psu[psu]] + 10 * of_psu[psu],
        "q": random.integers(-1, 3, n),
        "x": random.normal(5, 2, n),
        "domain": random.random(n) < 0.5,
    }
    columns["w"][0] = 1.0
    return design(columns), columns


def design(c: dict[str, np.ndarray]) -> Design:
    return survey_design(c["w"], strata=c["stratum"], psu=c["psu"], population=c["size"])


def moments(d: Design, s: Floats, t: Floats) -> float:
    """Between-PSU covariance of two columns of PSU totals in the moment form, the one a compiled kernel sums."""
    h, m, f = d.first.stratum, d.first.sampled, d.first.fraction
    raw = np.bincount(h, s * t) - np.bincount(h, s) * np.bincount(h, t) / m
    return float((raw * (1 - f) * m / (m - 1)).sum())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_a_share_by_moments_of_psu_totals(seed: int) -> None:
    d, c = sample(seed)
    inside = c["domain"] & (c["q"] >= 0)
    result = shares(d, c["q"], 3, c["domain"])
    units = len(d.first.stratum)
    base = np.bincount(d.first.unit, d.weights * inside, units).astype(np.float64)
    if not base.sum():
        assert result is None
        return
    assert result is not None
    for k in range(3):
        s = np.bincount(d.first.unit, d.weights * (inside & (c["q"] == k)), units).astype(np.float64)
        p = s.sum() / base.sum()
        variance = (moments(d, s, s) - 2 * p * moments(d, s, base) + p * p * moments(d, base, base)) / base.sum() ** 2
        assert result.values[k] == pytest.approx(p, rel=1e-12, abs=1e-15)
        assert result.covariance[k, k] == pytest.approx(variance, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("n", [2, 7, 9, 127, 129, 8191, 100_003])
def test_a_share_of_everyone_is_one_and_of_nobody_zero_to_the_last_digit(n: int) -> None:
    d = survey_design(np.random.default_rng(n).lognormal(0, 2, n))
    for k in range(5):
        p = shares(d, np.full(n, k), 5)
        assert p is not None
        assert p.values.tolist() == [float(option == k) for option in range(5)]
        assert p.errors.tolist() == [0.0] * 5


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_order_of_rows_names_and_unit_of_weights_do_not_matter(seed: int) -> None:
    d, c = sample(seed)
    order = np.random.default_rng(seed).permutation(len(c["w"]))
    other = {name: column[order] for name, column in c.items()} | {"w": 1000 * c["w"][order]}
    other["psu"], other["stratum"] = -other["psu"], np.array([f"h{h}" for h in other["stratum"]])
    one = means(d, c["x"], c["domain"])
    two = means(design(other), other["x"], other["domain"])
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        np.testing.assert_allclose(two.values, one.values, rtol=1e-12)
        np.testing.assert_allclose(two.errors, one.errors, rtol=1e-9, atol=1e-12)
        assert (two.df, two.n) == (one.df, one.n)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_shares_sum_to_one_without_error_and_the_jackknife_of_a_total_is_its_linear_error(seed: int) -> None:
    d, c = sample(seed)
    p = shares(d, c["q"], 3)
    if p is not None:
        assert p.values.sum() == pytest.approx(1, abs=1e-12)
        assert abs(p.covariance.sum()) < 1e-12
    linear, jackknifed = totals(d, c["x"]), replicate_totals(jackknife(d), c["x"])
    assert linear is not None and jackknifed is not None
    np.testing.assert_allclose(jackknifed.errors, linear.errors, rtol=1e-9, atol=1e-9)
    r, m = ratio(d, c["x"] * c["domain"], c["domain"]), means(d, c["x"], c["domain"])
    assert (r is None) == (m is None)
    if r is not None and m is not None:
        np.testing.assert_allclose(r.errors, m.errors, rtol=1e-9, atol=1e-12)
