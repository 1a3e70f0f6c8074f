"""Calibrated weights and the errors after them against R: case 15; and what is refused."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assets.estimates.design.calibration import calibrate, poststratify, rake, raked_replicates
from assets.estimates.design.design import Design, DesignError, survey_design
from assets.estimates.design.linear import Estimate, contrast, means, shares, together, totals
from assets.estimates.design.replicates import (
    Replicated,
    replicate_means,
    replicate_shares,
    replicate_totals,
)
from assets.estimates.design.resampling import jackknife
from tests.design_oracles import Case, case

CASE15 = "case15_rake"
SEX, AGE = (8800.0, 8200.0), (3600.0, 5000.0, 4900.0, 3500.0)


def margins(c: Case) -> list[tuple[np.ndarray, tuple[float, ...]]]:
    return [(c.codes("sex", "fm"), SEX), (c.codes("age", "1234"), AGE)]


def calibrated(c: Case, how: str) -> Design:
    return calibrated_design(c.design(), c.codes("sex", "fm"), c.codes("age", "1234"), how)


def calibrated_design(d: Design, sex: np.ndarray, age: np.ndarray, how: str) -> Design:
    columns = np.column_stack([np.ones(d.size), sex == 1, age == 1, age == 2, age == 3])
    known = (17000, 8200, 5000, 4900, 3500)
    made = {
        "rake": lambda: rake(d, [(sex, SEX), (age, AGE)], tolerance=1e-14),
        "cal_raking": lambda: calibrate(d, columns, known),
        "cal_linear": lambda: calibrate(d, columns, known, "linear"),
        "cal_logit": lambda: calibrate(d, columns, known, "logit", (0.4, 2.5)),
        "post": lambda: poststratify(d, sex, SEX),
    }
    return made[how]()


def compare(c: Case, key: str, stat: str, ours: Estimate | Replicated | None, tolerance: float) -> None:
    assert ours is not None
    names = (
        ("score",)
        if len(ours.values) == 1
        else tuple(f"q{option}" for option in ("agree", "disagree", "dk", "neither"))
    )
    for part, figures in (("est", ours.values), ("se", ours.errors)):
        group, _, sex = stat.partition(":")
        stats = [f"{key}.{group}.{part}[{sex + ':' if sex else ''}{name}]" for name in names]
        c.agree(figures, c.r(*stats), tolerance, of=key)


@pytest.mark.parametrize("how", ["rake", "cal_raking", "cal_linear", "cal_logit", "post"])
def test_case15_estimates_and_errors(how: str) -> None:
    c = case(CASE15)
    d = calibrated(c, how)
    q, tolerance = c.codes(), 1e-9 if how in ("rake", "cal_raking", "cal_logit") else 1e-12
    compare(c, how, "prop", shares(d, q, 4), tolerance)
    compare(c, how, "mean", means(d, c.column("score")), tolerance)
    compare(c, how, "total", totals(d, np.eye(4)[q]), tolerance)
    for sex in "fm":
        compare(c, how, f"dom:{sex}", shares(d, q, 4, c.where("sex", sex)), tolerance)


@pytest.mark.parametrize(("how", "stat"), [("rake", "w_rake"), ("cal_linear", "w_linear"), ("cal_logit", "w_logit")])
def test_case15_weights(how: str, stat: str) -> None:
    c = case(CASE15)
    theirs = c.r(*(f"{stat}.{i}" for i in range(1, len(c.rows) + 1)))
    c.agree(calibrated(c, how).weights, theirs, 1e-12 if how == "cal_linear" else 1e-9, of=how)


def test_case15_raked_replicates() -> None:
    c = case(CASE15)
    r = raked_replicates(jackknife(c.design()), margins(c), tolerance=1e-14)
    q = c.codes()
    compare(c, "rake_jkn", "prop", replicate_shares(r, q, 4), 1e-9)
    compare(c, "rake_jkn", "mean", replicate_means(r, c.column("score")), 1e-9)
    compare(c, "rake_jkn", "total", replicate_totals(r, np.eye(4)[q]), 1e-9)
    for sex in "fm":
        compare(c, "rake_jkn", f"dom:{sex}", replicate_shares(r, q, 4, c.where("sex", sex)), 1e-9)


def test_case15_weights_taken_as_design_weights_give_another_error() -> None:
    c = case(CASE15)
    p = shares(c.design(), c.codes(), 4)
    naive = shares(replace(calibrated(c, "rake"), adjustments=()), c.codes(), 4)
    assert p is not None and naive is not None
    c.agree(p.errors, c.r_q("design_only.se[#]"))
    c.agree(naive.errors, c.r_q("NAIVE_se_ignoring_raking.se[#]"), 1e-9, of="rake")


def test_case15_raked_and_calibrated_weights_are_one_and_their_errors_two() -> None:
    c = case(CASE15)
    raked, fitted = calibrated(c, "rake"), calibrated(c, "cal_raking")
    np.testing.assert_allclose(raked.weights, fitted.weights, rtol=1e-10)
    one, two = shares(raked, c.codes(), 4), shares(fitted, c.codes(), 4)
    assert one is not None and two is not None
    assert one.errors[0] > 1.05 * two.errors[0]


def test_case18_standardised_waves_are_poststratified_within_waves() -> None:
    c = case("case18_standardize")
    d, wave, age = c.design(), c.codes("wave", "123456"), c.codes("age", "1234")
    population = np.outer(np.bincount(wave, d.weights), (0.25, 0.3, 0.25, 0.2))
    standard = poststratify(d, wave * 4 + age, population.ravel())
    waves = []
    for t in range(6):
        m = means(standard, c.column("y"), wave == t)
        assert m is not None
        c.agree([m.values[0], m.errors[0]], c.r(f"std.est[{t + 1}]", f"std.se[{t + 1}]"))
        waves.append(m)
        crude = means(d, c.column("y"), wave == t)
        assert crude is not None
        c.agree([crude.values[0], crude.errors[0]], c.r(f"crude.est[{t + 1}]", f"crude.se[{t + 1}]"))
    whole = means(poststratify(d, age, d.weights.sum() * np.array((0.25, 0.3, 0.25, 0.2))), c.column("y"))
    assert whole is not None
    c.agree([whole.values[0], whole.errors[0]], c.r("overall.est[y]", "overall.se[y]"))
    change = contrast(together(standard, waves), [-1, 0, 0, 0, 0, 1])
    c.agree([change.values[0], change.errors[0]], c.r("diff61.est[contrast]", "diff61.se[contrast]"))


def test_a_known_total_has_no_error() -> None:
    c = case(CASE15)
    for how in ("cal_raking", "cal_linear", "cal_logit"):
        t = totals(calibrated(c, how), c.where("sex", "m"))
        assert t is not None
        assert t.values[0] == pytest.approx(8200, rel=1e-10)
        assert t.errors[0] < 1e-6


def test_known_totals_in_turn_the_last_hold_exactly_and_the_first_still_help() -> None:
    c = case(CASE15)
    d, sex, age = c.design(), c.codes("sex", "fm"), c.codes("age", "1234")
    only, both = poststratify(d, age, AGE), poststratify(poststratify(d, sex, SEX), age, AGE)
    last = totals(both, np.eye(4)[age])
    assert last is not None and last.errors.max() < 1e-8
    women, women_only = totals(both, sex == 0), totals(only, sex == 0)
    assert women is not None and women_only is not None
    assert women.errors[0] < 0.5 * women_only.errors[0]


def test_far_totals_are_met_by_shorter_steps() -> None:
    d = survey_design([1.0, 2.0])
    np.testing.assert_allclose(calibrate(d, np.ones((2, 1)), [3e5]).weights, [1e5, 2e5], rtol=1e-10)


@pytest.mark.parametrize("how", ["rake", "cal_raking", "cal_linear", "cal_logit", "post"])
def test_rows_without_weight_change_nothing(how: str) -> None:
    c = case(CASE15)
    w = c.column("w").copy()
    w[::7] = 0
    kept = w > 0
    found = []
    for rows in (np.ones(len(w), np.bool_), kept):
        d = survey_design(w[rows], strata=c.column("stratum")[rows], psu=c.column("psu")[rows])
        part = calibrated_design(d, c.codes("sex", "fm")[rows], c.codes("age", "1234")[rows], how)
        e = shares(part, c.codes()[rows], 4)
        assert e is not None
        found.append(e)
    np.testing.assert_allclose(found[0].values, found[1].values, rtol=1e-9)
    assert np.isfinite(found[0].errors).all()
    if how != "rake":  # its unweighted means count rows without weight, as R's do
        np.testing.assert_allclose(found[0].errors, found[1].errors, rtol=1e-9)


def test_a_calibrated_domain_still_sees_lone_psus_elsewhere() -> None:
    d = survey_design(np.ones(5), strata=[1, 1, 1, 1, 2])
    domain = np.array([1, 1, 0, 0, 0], np.bool_)
    assert means(d, np.arange(5.0), domain) is not None
    with pytest.raises(DesignError, match="stratum 2"):
        means(poststratify(d, np.array([0, 1, 0, 1, 1]), [4.0, 6.0]), np.arange(5.0), domain)


def test_the_unit_of_a_column_does_not_matter() -> None:
    c = case(CASE15)
    d, score = c.design(), c.column("score")
    columns = np.column_stack([np.ones(d.size), score])
    known = np.array([17000.0, 95000.0])
    one, two = calibrate(d, columns, known), calibrate(d, columns * (1, 1e9), known * (1, 1e9))
    np.testing.assert_allclose(two.weights, one.weights, rtol=1e-9)
    a, b = means(one, c.column("age")), means(two, c.column("age"))
    assert a is not None and b is not None
    assert b.errors[0] == pytest.approx(a.errors[0], rel=1e-9)


def test_totals_that_cannot_be_met_are_refused() -> None:
    d = survey_design([1.0, 1.0, 1.0])
    ones = np.ones((3, 1))
    cells = np.array([0, 1, 1])
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: poststratify(d, np.array([0, 0, 0]), [1.0, 2.0]), "cell 1 has no weight"),
        (lambda: poststratify(d, np.array([0, 1, 2]), [1.0, 2.0]), "cell 2 has no known"),
        (lambda: poststratify(d, np.array([0, -1, 0]), [1.0]), "needs a cell"),
        (lambda: poststratify(d, cells, [1.0, 0.0]), "above 0"),
        (lambda: rake(d, [(cells, [1.0, 2.0]), (cells, [1.0, 3.0])]), "sums differ"),
        (lambda: rake(d, [(cells, [1.0, 2.0]), (cells, [2.0, 1.0])]), "did not settle"),
        (lambda: calibrate(d, ones, [1.0, 2.0]), "do not fit"),
        (lambda: calibrate(d, np.ones((3, 2)), [4.0, 4.0]), "depend"),
        (lambda: calibrate(d, ones, [9.0], "logit", (0.5, 2.0)), "not met|any further"),
        (lambda: calibrate(d, ones, [9.0], "logit"), "bounds"),
        (lambda: calibrate(d, ones, [9.0], rounds=1), "not met"),
        (lambda: calibrate(d, np.array([[1.0], [0.0], [-1.0]]), [9.0], "linear"), "negative"),
    ]
    for call, told in refused:
        with pytest.raises(DesignError, match=told):
            call()
