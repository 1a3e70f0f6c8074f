"""Did it change: families of tests, long pairs, straight lines, shared units, several houses, parts of a change."""

import datetime as dt
import itertools
import math
from typing import Any

import numpy as np
import pytest

from assets.estimates.design.design import DesignError, survey_design
from assets.estimates.design.distributions import chi_square_tail, expit
from assets.estimates.design.linear import contrast, means, together
from assets.estimates.design.regression import p_values, regression
from assets.estimates.design.spread import covariance
from assets.refresh import refresh
from assets.trends import change, composition, families, houses, linear_trend, overlap
from tests import factory
from tests.comparing import compared
from tests.conftest import no_audit
from tests.design_oracles import Case, case
from tests.test_trends import House
from warehouse import connect
from warehouse.layout import Layout

WAVES = range(1, 7)

# --- families --------------------------------------------------------------------------------------------------------


def test_holm_and_benjamini_hochberg_are_those_of_r() -> None:
    c = case("case12_waves_independent")
    p = [float(x) for x in c.r(*(f"p_norm.{t}" for t in range(1, 6)))]
    c.agree(families.holm(p), c.r(*(f"holm.{t}" for t in range(1, 6))), of="Holm")
    c.agree(families.benjamini_hochberg(p), c.r(*(f"BH.{t}" for t in range(1, 6))), of="BH")


def test_ties_and_families_of_none_and_one() -> None:
    for p, strict, loose in (([], [], []), ([0.03], [0.03], [0.03]), ([0.03, 0.03], [0.06, 0.06], [0.03, 0.03])):
        assert families.holm(p).tolist() == strict
        assert families.benjamini_hochberg(p).tolist() == loose


def test_many_families_are_adjusted_as_each_alone() -> None:
    """Ties, families of one, rows in any order, rows without a test."""
    draw = np.random.default_rng(11)
    family, p = draw.integers(0, 12, 200), np.round(draw.random(200) ** 2, 2)
    p[draw.random(200) < 0.2] = np.nan
    found = families.adjust(p, family, draw.normal(size=200))
    for one in range(12):
        rows = np.flatnonzero((family == one) & ~np.isnan(p))
        assert found.holm[rows].tolist() == families.holm(p[rows]).tolist()
        assert found.benjamini_hochberg[rows].tolist() == families.benjamini_hochberg(p[rows]).tolist()
    assert np.isnan(found.holm[np.isnan(p)]).all()
    assert not found.verdict[np.isnan(p)].any(), "what was not tested has no verdict"


def test_the_looser_adjustment_stands_beside_and_decides_nothing() -> None:
    found = families.adjust([0.04, 0.03, 0.02, math.nan], [0] * 4, [-1.0, -1.0, -1.0, math.nan])
    verdicts = [families.VERDICTS[at] for at in found.verdict]
    assert verdicts == ["no_detectable_change"] * 3 + ["not_tested"]
    assert found.holm[:3] == pytest.approx([0.06] * 3)
    assert found.benjamini_hochberg[:3] == pytest.approx([0.04] * 3)


# --- pairs -----------------------------------------------------------------------------------------------------------


def changes_of(house: House, baseline: str | None = None) -> dict[tuple[str, str, str], dict[str, Any]]:
    declared = {(house.organisation, house.series): baseline} if baseline else {}
    rows = compared(house.estimates, house.questions, house.waves, baselines=declared).changes.to_pylist()
    return {(row["pair"], row["wave_from"], row["wave_to"]): row for row in rows}


def test_a_rise_in_small_steps_is_found_from_first_to_last() -> None:
    found = changes_of(House().wave(40).wave(42).wave(44).wave(46))
    steps = [row for (pair, *_), row in found.items() if pair == "consecutive"]
    assert {row["verdict"] for row in steps} == {"no_detectable_change"}
    long = found["first_last", "01", "04"]
    assert (long["change"], long["verdict"]) == (pytest.approx(6), "rise")
    assert long["standard_error"] == pytest.approx(100 * math.sqrt((0.24 + 0.2484) / 1000))
    assert long["family"] == "first to last wave of army / total / all, all answers"
    assert [pair for pair in found if pair[0] == "first_last"] == [("first_last", "01", "04")]


def test_first_to_last_stays_within_a_segment_and_two_waves_are_one_step() -> None:
    house = House().wave(40).wave(41).wave(50, decision="break", reason="new list").wave(51).wave(52)
    found = changes_of(house)
    assert [pair for pair in found if pair[0] == "first_last"] == [("first_last", "03", "05")]


def test_a_long_pair_compares_as_its_worst_step_with_the_reasons_of_all() -> None:
    """The mode changes and changes back: the ends are alike, the way between them is not."""
    house = House().wave(40).wave(41, mode="CAWI").wave(42, decision="note", reason="shortened")
    long = changes_of(house)["first_last", "01", "03"]
    assert long["comparability"] == "with_note"
    assert long["reasons"] == ["mode changes from 'CATI' to 'CAWI'", "wave 03: shortened",
                               "mode changes from 'CAWI' to 'CATI'"]  # fmt: skip


def test_the_answers_of_an_item_are_one_family_from_first_to_last() -> None:
    """Two answers of p 0.04: each alone would be a finding."""
    house = House()
    for join, stay in ((40, 60), (42, 58), (44.51, 55.49)):
        house.wave(join)
        house.estimates.append({**house.estimates[-1], "category": "stay", "percent": stay,
                                "estimate_id": f"stay{join}"})  # fmt: skip
    rows = [row for row in compared(house.estimates, house.questions, house.waves).changes.to_pylist()
            if row["pair"] == "first_last"]  # fmt: skip
    assert [row["p_value"] for row in rows] == pytest.approx([0.0407] * 2, abs=5e-4)
    assert [row["p_adjusted"] for row in rows] == pytest.approx([2 * rows[0]["p_value"]] * 2)
    assert {row["verdict"] for row in rows} == {"no_detectable_change"}


def test_waves_against_a_declared_baseline_are_a_family_and_a_break_is_shown_untested() -> None:
    house = House().wave(40).wave(42).wave(46).wave(60, decision="break", reason="new list")
    found = {pair[1:]: row for pair, row in changes_of(house, "02").items() if pair[0] == "baseline"}
    assert {pair: row["verdict"] for pair, row in found.items()} == {
        ("01", "02"): "no_detectable_change",
        ("02", "03"): "no_detectable_change",
        ("02", "04"): "not_tested",
    }
    assert found["02", "04"]["reasons"] == ["break at wave 04: new list"]
    assert (found["02", "04"]["change"], found["02", "04"]["p_value"]) == (None, None)
    assert found["02", "03"]["p_adjusted"] == pytest.approx(2 * found["02", "03"]["p_value"])
    assert found["02", "03"]["family"] == "waves of army / join / total / all against the baseline"


def test_a_covariance_makes_the_error_of_a_change_smaller() -> None:
    one, two = figures((40.0, 3.0, 266.0)), figures((45.0, 4.0, 150.0))
    alone, panel = change.tested(one, two), change.tested(one, two, covariance=8.0)
    assert (alone.standard_error[0], panel.standard_error[0]) == (5, 3)
    assert panel.p_value[0] == pytest.approx(2 * 0.0477903523, abs=1e-9)
    assert change.tested(one, one, covariance=9.0).cannot_vary.all(), "everybody again, and nobody moved"


def test_the_detectable_change_of_a_panel_solves_its_equation() -> None:
    """d = (z_0.975 + z_0.80) * se(d), se(d)^2 = v1 + v2(d) - 2 rho sqrt(v1 v2(d)); rho 0 as without."""
    percent, n, rho = np.array([3.0, 40.0, 97.0]), np.array([850.0, 600.0, 850.0]), np.array([0.4, 0.7, 0.4])
    found = change.detectable(percent, n, n, rho) / 100
    p = np.minimum(percent, 100 - percent) / 100
    one, two = p * (1 - p) / n, (p + found) * (1 - p - found) / n
    assert found == pytest.approx(2.801585218 * np.sqrt(one + two - 2 * rho * np.sqrt(one * two)), rel=1e-8)
    assert (found < change.detectable(percent, n, n) / 100).all()
    assert change.detectable(percent, n, n, 1e-13) == pytest.approx(change.detectable(percent, n, n), rel=1e-9)


def figures(*rows: tuple[float, float, float]) -> change.Figures:
    """Percent, standard error and effective n, one row each."""
    return change.Figures(*np.array(rows).T)


# --- lines -----------------------------------------------------------------------------------------------------------


def columns(c: Case, *names: str) -> np.ndarray:
    """Columns of a model as R names them."""
    wave, sex = c.column("wave"), c.where("sex", "m").astype(float)
    known = {
        "(Intercept)": np.ones(len(wave)),
        "wave": wave,
        "I(wave^2)": wave**2,
        "sexm": sex,
        "wave:sexm": wave * sex,
    }
    return np.column_stack([known[name] for name in names])


def test_case13_the_linear_trend_of_respondents() -> None:
    c = case("case13_linear_trend")
    terms = ("(Intercept)", "wave")
    line = regression(c.design(), c.column("score"), columns(c, *terms))
    assert line is not None
    c.agree(line.values, c.r(*(f"lin.coef[{t}]" for t in terms)), of="linear")
    c.agree(line.errors, c.r(*(f"lin.se[{t}]" for t in terms)), of="linear")
    c.agree(p_values(line), c.r(*(f"lin.p[{t}]" for t in terms)), 1e-11, of="p")
    assert line.df == c.r("lin.df.residual") == 71


LOGISTIC = {
    "logit": ("(Intercept)", "wave"),
    "quad": ("(Intercept)", "wave", "I(wave^2)"),
    "interaction": ("(Intercept)", "wave", "sexm", "wave:sexm"),
}


@pytest.mark.parametrize("model", LOGISTIC)
def test_case13_logistic_trends_as_far_as_r_iterates(model: str) -> None:
    """R stops when the deviance moves by 1e-8 and takes the working weights of the step before: so the last digits."""
    c, terms = case("case13_linear_trend"), LOGISTIC[model]
    design, y, x = c.design(), c.column("y"), columns(case("case13_linear_trend"), *terms)
    found = regression(design, y, x, "logit")
    assert found is not None
    c.agree(found.values, c.r(*(f"{model}.coef[{t}]" for t in terms)), 1e-9, of="logit")
    errors = c.r(*(f"{model}.se[{t}]" for t in terms))
    c.agree(found.errors, errors, 5e-7, of="logit errors")
    c.agree(p_values(found), c.r(*(f"{model}.p[{t}]" for t in terms)), 5e-6, of="logit p")
    assert found.df == c.r(f"{model}.df.residual")
    c.agree(_errors_as_r_stops(design.weights, y, x, design), errors, 1e-9, of="logit errors, stopped as R")


def _errors_as_r_stops(w: np.ndarray, y: np.ndarray, x: np.ndarray, design: Any) -> np.ndarray:
    """`glm.fit` written out: it starts at (w y + 0.5) / (w + 1) with w scaled to mean 1, and stops at 1e-8."""
    w = w / w.mean()
    mean, before = (w * y + 0.5) / (w + 1), math.inf
    eta = np.log(mean / (1 - mean))
    while True:
        working = w * mean * (1 - mean)
        b = np.linalg.solve(x.T @ (x * working[:, None]), x.T @ (working * (eta + (y - mean) / (mean * (1 - mean)))))
        eta = x @ b
        mean = expit(eta)
        deviance = -2 * float(np.sum(w * np.log(np.where(y == 1, mean, 1 - mean))))
        if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-8:
            break
        before = deviance
    residual = (y - mean) / (mean * (1 - mean)) * working
    z = (x * residual[:, None]) @ np.linalg.inv(x.T @ (x * working[:, None]))
    return np.asarray(np.sqrt(np.diag(covariance(design, z, np.ones(len(y), np.bool_)))))


def test_case13_the_line_through_the_waves() -> None:
    """What `trend_tests` has: the waves' means weighed by their errors, which are known."""
    c = case("case13_linear_trend")
    design, wave = c.design(), c.column("wave")
    each = [means(design, c.column("score"), wave == t) for t in WAVES]
    of_waves = together(design, [one for one in each if one is not None])
    line = linear_trend.through(list(WAVES), of_waves.values, of_waves.errors)
    c.agree([line.slope[0], line.error[0]], c.r("gls_on_means.est", "gls_on_means.se"), 1e-9, of="waves")
    assert line.df.tolist() == [4]
    fitted = np.polyval(np.polyfit(np.arange(1, 7), of_waves.values, 1, w=1 / of_waves.errors), np.arange(1, 7))
    assert line.misfit[0] == pytest.approx(float(np.sum(((of_waves.values - fitted) / of_waves.errors) ** 2)), rel=1e-9)


def test_two_and_a_half_points_a_year_by_hand() -> None:
    """Errors alike: the slope is that of least squares, its error 2 / sqrt(2), and 1 point off twice and -2 once."""
    several = linear_trend.through([1, 1, 0, 1, 2], [10, 12, 10, 9.5, 15], [1, 1, 2, 2, 2], start=[0, 2])
    assert several.slope.tolist() == pytest.approx([math.nan, 2.5], nan_ok=True), "two of one time have no line"
    assert several.error[1] == pytest.approx(math.sqrt(2))
    assert (several.misfit[1], several.df[1]) == (pytest.approx((1 + 4 + 1) / 4), 1)


def lines_of(house: House) -> list[dict[str, Any]]:
    return compared(house.estimates, house.questions, house.waves).trend_tests.to_pylist()


def test_a_steady_rise_is_a_line() -> None:
    [row] = lines_of(House().wave(40).wave(41).wave(42).wave(43).wave(44))
    months = (dt.date(2022, 5, 1) - dt.date(2022, 1, 1)).days / 365.25
    assert row["slope"] == pytest.approx(4 / months, rel=0.01)
    assert (row["verdict"], row["straight"], row["waves"]) == ("rise", True, 5)
    assert row["family"] == "lines of army / total / all, all answers"
    assert row["slope_low"] > 0
    assert (row["wave_from"], row["wave_to"], row["comparability"]) == ("01", "05", "comparable")


def test_up_and_down_again_is_no_line_whatever_its_slope() -> None:
    [row] = lines_of(House().wave(30).wave(50).wave(55).wave(38))
    assert row["p_value"] < 0.001
    assert row["misfit_p"] < 1e-10
    assert row["misfit_p"] == pytest.approx(chi_square_tail(row["misfit"], 2))
    assert (row["verdict"], row["straight"]) == ("not_straight", False)


def test_a_line_stays_within_a_segment_and_says_which_waves_it_leaves_out() -> None:
    house = House().wave(10).wave(60, decision="break", reason="new list").wave(61, None).wave(62, mode="CAWI")
    [row] = lines_of(house.wave(63, mode="CAWI").wave(64, mode="CAWI"))
    assert (row["segment"], row["wave_from"], row["wave_to"], row["waves"]) == (2, "02", "06", 4)
    assert row["comparability"] == "with_note"
    assert row["reasons"] == ["mode changes from 'CATI' to 'CAWI'", "wave 03 is left out: no standard error"]


def test_what_cannot_be_tested_says_why() -> None:
    [row] = lines_of(House().wave(10).wave(0).wave(12))
    assert (row["verdict"], row["slope"], row["p_value"], row["straight"]) == ("not_tested", None, None, None)
    assert row["reasons"][-1] == "not tested: a standard error in 2 waves only"
    assert lines_of(House().wave(10).wave(12)) == []
    house = House().wave(10).wave(11).wave(12)
    for one in house.estimates:
        one["fieldwork_start"] = one["fieldwork_end"] = dt.date(2022, 1, 1)
    assert lines_of(house)[0]["reasons"] == ["not tested: all waves are of the same time"]


@pytest.mark.parametrize(
    ("outcome", "second", "link", "said"),
    [
        ([0, 1, 0, 1], [1, 2, 3, 4], "logit", None),
        ([0, 1, 0, 2], [1, 2, 3, 4], "logit", "not between 0 and 1"),
        ([0, 0, 1, 1], [1, 2, 3, 4], "logit", "tell"),
        ([0, 1, 0, 1], [2, 2, 2, 2], "identity", "depend on each other"),
    ],
)
def test_a_regression_that_cannot_be_is_refused(outcome: Any, second: Any, link: Any, said: str | None) -> None:
    design = survey_design([1.0] * 4)
    x = np.column_stack([np.ones(4), second])
    if said is None:
        assert regression(design, outcome, x, link) is not None
    else:
        with pytest.raises(DesignError, match=said):
            regression(design, outcome, x, link)
    assert regression(design, [math.nan] * 4, x, link) is None


# --- shared units ----------------------------------------------------------------------------------------------------


def sample(c: Case, wave: int, name: str = "y") -> overlap.Sample:
    rows = c.column("wave") == wave
    return overlap.Sample(*(c.column(what)[rows] for what in ("w", name, "psu", "stratum")))


def test_case14_two_waves_of_a_panel_from_two_files() -> None:
    c = case("case14_waves_panel_overlap")
    both = overlap.side_by_side(sample(c, 1), sample(c, 2))
    c.agree(both.covariance, c.r(*(f"cov.[{i},{j}]" for j in (1, 2) for i in (1, 2))), of="overlap")
    found = overlap.changes(sample(c, 1), sample(c, 2))
    c.agree(found.errors, c.r("diff.se[contrast]"), of="overlap")
    assert found.errors[0] < 0.55 * c.r("WRONG_independent_se.")[0]
    points = [100 * float(error) for error in both.errors]
    one, two = (figures((100 * float(both.values[t]), points[t], 100.0)) for t in (0, 1))
    assert change.tested(one, two, 1e4 * both.covariance[0, 1]).standard_error[0] == pytest.approx(
        100 * float(found.errors[0]), rel=1e-12
    )


def test_case12_and_19_waves_that_share_nobody() -> None:
    c = case("case12_waves_independent")
    for t, later in itertools.pairwise(WAVES):
        both = overlap.side_by_side(sample(c, t), sample(c, later))
        assert both.covariance[0, 1] == 0
        found = overlap.changes(sample(c, t), sample(c, later))
        c.agree(found.errors, c.r(f"diff.{t}.se[contrast]"), of="overlap")


def test_strata_of_the_same_name_are_not_pooled_where_no_unit_is_shared() -> None:
    """Two files that both call their strata north and south, with PSUs drawn afresh."""
    generator = np.random.default_rng(1)
    files = [
        overlap.Sample(np.ones(40), generator.integers(0, 2, 40), [f"{wave}{i // 5}" for i in range(40)],
                       ["north"] * 20 + ["south"] * 20)
        for wave in "ab"
    ]  # fmt: skip
    both = overlap.side_by_side(*files)
    for t, file in enumerate(files):
        alone = means(survey_design(file.weights, strata=file.strata, psu=file.unit), file.values)
        assert alone is not None
        assert both.covariance[t, t] == pytest.approx(alone.covariance[0, 0], rel=1e-12)
    with pytest.raises(DesignError, match="more than one stratum"):
        moved = overlap.Sample(files[0].weights, files[0].values, files[0].unit, ["south"] * 20 + ["north"] * 20)
        overlap.side_by_side(files[0], moved)


# --- houses ----------------------------------------------------------------------------------------------------------

DAYS = range(1, 31)
HOUSES = ("A", "B", "C", "D")


def given(c: Case) -> tuple[Any, ...]:
    return (list(DAYS), c.column("t") - 1, c.codes("house", HOUSES), c.column("y"), c.column("se"))


def test_case21_level_and_houses() -> None:
    c = case("case21_local_level_house_effects")
    found = houses.smooth(*given(c), variance=0.36, house_sd=2.0)
    c.agree(found.level, c.r(*(f"level.t{t}" for t in DAYS)), 1e-10, of="level")
    c.agree(found.effect, c.r(*(f"house.{h}" for h in HOUSES)), 1e-10, of="houses")
    c.agree(found.effect_error, c.r(*(f"house_se.{h}" for h in HOUSES)), 1e-10, of="houses")
    c.agree([found.log_likelihood], c.r("loglik."), of="likelihood")
    # R subtracts variances of about 10,000 that leave 0.3, so its own errors of the level end at the seventh digit.
    c.agree(found.level_error, c.r(*(f"level_se.t{t}" for t in DAYS)), 2e-7, of="level errors")


def test_case21_by_a_second_formula() -> None:
    """The posterior from its precision, where nothing cancels."""
    c = case("case21_local_level_house_effects")
    days, at, house, y, se = given(c)
    found = houses.smooth(*given(c), variance=0.36, house_sd=2.0)
    size = len(days)
    step = np.diff(np.eye(size), axis=0)
    precision = np.zeros((size + 4, size + 4))
    precision[:size, :size] = step.T @ step / 0.36
    precision[0, 0] += 1e-4
    precision[size:, size:] = np.eye(4) / 4 + 1e8  # 2 squared, and a sum that is known to be 0
    sight = np.hstack([np.eye(size)[at.astype(int)], np.eye(4)[house]])
    spread = np.linalg.inv(precision + sight.T @ (sight / se[:, None] ** 2))
    middle = spread @ (sight.T @ ((y - 50) / se**2))
    assert found.level == pytest.approx(50 + middle[:size], rel=1e-8)
    assert found.level_error == pytest.approx(np.sqrt(np.diag(spread)[:size]), rel=1e-6)
    assert found.effect == pytest.approx(middle[size:], rel=1e-6)


def test_the_order_of_figures_does_not_matter_and_effects_sum_to_nothing() -> None:
    days, *rest = given(case("case21_local_level_house_effects"))
    found = houses.smooth(days, *rest, variance=0.36)
    turned = houses.smooth(days, *(column[::-1] for column in rest), variance=0.36)
    assert turned.level == pytest.approx(found.level, rel=1e-12)
    assert turned.log_likelihood == pytest.approx(found.log_likelihood, rel=1e-12)
    assert float(found.effect.sum()) == pytest.approx(0, abs=1e-12)


def test_a_level_that_does_not_move_is_the_weighted_mean() -> None:
    """One house, no drift, and next to nothing known before: sum y / se^2 over sum 1 / se^2."""
    found = houses.smooth([0, 5], [0, 1], [0, 0], [40, 46], [1, 2], variance=0.0, start=(50.0, 1e6))
    assert found.level == pytest.approx([41.2, 41.2], abs=1e-6)
    assert found.level_error == pytest.approx([math.sqrt(0.8)] * 2, rel=1e-4)


def test_the_walks_variance_is_where_the_likelihood_is_highest() -> None:
    assert houses.likeliest(lambda q: -((np.log(q) - math.log(0.02)) ** 2)) == pytest.approx(0.02, rel=1e-3)
    c = case("case21_local_level_house_effects")
    tried = np.array([1e-6, 0.01, 0.36, 1.0])
    alone = [houses.smooth(*given(c), variance=float(q)).log_likelihood for q in tried]
    assert houses.log_likelihoods(*given(c), variances=tried) == pytest.approx(alone, rel=1e-12)
    best = houses.likeliest(lambda q: houses.log_likelihoods(*given(c), variances=q))
    top = houses.smooth(*given(c), variance=best).log_likelihood
    assert all(top >= houses.smooth(*given(c), variance=best * by).log_likelihood for by in (0.5, 0.9, 1.1, 2))


def house_tables(*lines: House, **differs: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    trends, _ = lines[0].computed(*lines[1:])
    same = {"question_match": "same", "options_match": "same", "form": "full", "base": "all respondents",
            "population": "adults", "reason": None, "mode": "CATI"}  # fmt: skip
    line, effects = houses.tables(trends, lambda row: same | differs.get(row["organisation"], {}))
    return line.to_pylist(), effects.to_pylist()


def test_houses_that_ask_the_same_make_one_line_with_a_band() -> None:
    line, effects = house_tables(House("alpha").wave(40).wave(41).wave(42), House("beta").wave(46).wave(47).wave(48))
    assert [(row["organisation"], row["combined"], row["figures"]) for row in effects] == [
        ("alpha", True, 3),
        ("beta", True, 3),
    ]
    assert effects[0]["effect"] == pytest.approx(-effects[1]["effect"])
    assert effects[1]["effect_low"] < 3 * 0.98 < effects[1]["effect_high"]
    assert [row["day"] for row in line] == [dt.date(2022, month, 1) for month in (1, 2, 3)]
    assert [row["level"] for row in line] == pytest.approx([43, 44, 45], abs=0.9)
    assert all(row["level_low"] < row["level"] < row["level_high"] for row in line)
    assert line[0]["houses"] == ["alpha/monitor", "beta/monitor"]
    assert line[0]["figures"] == 6


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another question": ({"question_match": "different", "reason": "on either side"},
                         "another question in beta/monitor: on either side"),
    "other options": ({"options_match": "different"}, "other options in beta/monitor"),
    "one wording of several": ({"form": "version"}, "one of several wordings in beta/monitor"),
    "another base": ({"base": "voters"}, "base: all respondents and voters in alpha/monitor and beta/monitor"),
    "another population": ({"population": "urban adults"},
                           "population: 'adults' and 'urban adults' in alpha/monitor and beta/monitor"),
    "no population": ({"population": None}, "nobody says of whom beta/monitor speaks"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_houses_that_do_not_compare_are_refused_with_the_reason(name: str) -> None:
    differs, reason = REFUSED[name]
    line, effects = house_tables(House("alpha").wave(40).wave(41), House("beta").wave(46).wave(47), beta=differs)
    assert line == []
    assert [(row["combined"], row["effect"], row["reasons"]) for row in effects] == [(False, None, [reason])] * 2


def test_what_is_similar_is_combined_and_noted() -> None:
    differs = {"question_match": "similar", "reason": "shorter", "mode": "CAWI"}
    line, effects = house_tables(House("alpha").wave(40).wave(41), House("beta").wave(46).wave(47), beta=differs)
    assert line
    assert effects[0]["reasons"] == ["similar question in beta/monitor: shorter",
                                     "mode: 'CATI' and 'CAWI' in alpha/monitor and beta/monitor"]  # fmt: skip


def test_one_organisation_is_no_company_and_its_two_series_are_other_samples() -> None:
    assert house_tables(House("alpha").wave(40).wave(41), House("alpha", "weekly").wave(46)) == ([], [])
    lines = (House("alpha").wave(40).wave(41), House("alpha", "weekly").wave(46), House("beta").wave(43))
    line, effects = house_tables(*lines)
    assert line == []
    assert effects[0]["reasons"] == ["alpha asks it in several series, which are other samples: monitor, weekly"]


def test_a_house_that_nobody_reviewed_is_named_and_never_combined() -> None:
    lines = [
        House("alpha").wave(40).wave(41),
        House("beta").wave(46).wave(47),
        House("gamma").wave(9, reviewed_by=None),
    ]
    trends, _ = lines[0].computed(*lines[1:])
    estimates = [row for one in lines for row in one.estimates]
    same = {"question_match": "same", "options_match": "same", "form": "full", "base": "all respondents",
            "population": "adults", "reason": None, "mode": "CATI"}  # fmt: skip
    line, effects = houses.tables(trends, lambda _: same, estimates)
    assert line.column("houses").to_pylist() == [["alpha/monitor", "beta/monitor"]] * 2
    absent = "gamma/monitor is not in trends: not reviewed, excluded, or undated"
    assert [(row["combined"], row["figures"], row["reasons"]) for row in effects.to_pylist()] == [
        (True, 2, []),
        (True, 2, []),
        (False, 0, [absent]),
    ]
    alone = [row for row in trends if row["organisation"] == "alpha"]
    effects = houses.tables(alone, lambda _: same, [*lines[0].estimates, *lines[2].estimates])[1]
    assert effects.column("reasons").to_pylist() == [["no other organisation's figures are in trends"], [absent]]


def test_a_house_without_errors_is_not_smoothed_away() -> None:
    line, effects = house_tables(House("alpha").wave(40).wave(41), House("beta").wave(46, None))
    assert line == []
    assert effects[1]["reasons"] == [
        "no figure with a standard error from beta/monitor",
        "2 figures with a standard error, 3 are needed",
    ]


# --- parts of a change -----------------------------------------------------------------------------------------------


def test_kitagawa_by_hand() -> None:
    """A town of young and old: 1 of 4 and 3 of 4 agree, then the shares turn and the old move to all of them.

    First wave 4 young (1 agrees) and 4 old (3 agree); second 2 young (1 agrees) and 6 old (6 agree).
    composition = (1/4 - 1/2)(1/4 + 1/2)/2 + (3/4 - 1/2)(3/4 + 1)/2 = 1/8;
    within = (1/2 - 1/4)(1/2 + 1/4)/2 + (1 - 3/4)(1/2 + 3/4)/2 = 1/4; change = 7/8 - 1/2.
    """
    y = [1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]
    group = np.array([0] * 4 + [1] * 4 + [0] * 2 + [1] * 6)
    first = np.arange(16) < 8
    split = composition.kitagawa(survey_design(np.ones(16)), y, group, first, ~first)
    assert split.values == pytest.approx([3 / 8, 1 / 8, 1 / 4], abs=1e-15)
    assert split.composition == pytest.approx([-3 / 32, 7 / 32])
    assert split.within == pytest.approx([3 / 32, 5 / 32])


def test_the_parts_add_up_and_their_errors_are_those_of_the_difference() -> None:
    c = case("case18_standardize")
    design, wave, age = c.design(), c.column("wave"), c.column("age").astype(int) - 1
    split = composition.kitagawa(design, c.column("y"), age, wave == 1, wave == 6)
    each = [means(design, c.column("y"), wave == t) for t in (1, 6)]
    crude = contrast(together(design, [one for one in each if one is not None]), [-1, 1])
    c.agree(split.values[0], crude.values, of="Kitagawa")
    c.agree(split.errors[0], crude.errors, of="Kitagawa")
    assert split.values[0] == pytest.approx(split.values[1] + split.values[2], abs=1e-15)
    assert split.covariance[0, 0] == pytest.approx(
        split.covariance[1, 1] + split.covariance[2, 2] + 2 * split.covariance[1, 2], rel=1e-12
    )
    back = composition.kitagawa(design, c.column("y"), age, wave == 6, wave == 1)
    assert back.values == pytest.approx(-split.values, abs=1e-15)


def test_errors_of_the_parts_by_leaving_out_one_psu_at_a_time() -> None:
    """The stratified jackknife of both parts: another road to their errors, equal to first order."""
    c = case("case18_standardize")
    keep = np.isin(c.column("wave"), (1, 6))
    w, stratum, psu, wave, y = (c.column(name)[keep] for name in ("w", "stratum", "psu", "wave", "y"))
    age = c.column("age")[keep].astype(int) - 1

    def parts(weights: np.ndarray) -> np.ndarray:
        design = survey_design(weights, strata=stratum, psu=psu)
        return composition.kitagawa(design, y, age, wave == 1, wave == 6).values

    whole, variance = parts(w), np.zeros(3)
    for h in np.unique(stratum):
        units = np.unique(psu[stratum == h])
        for unit in units:
            more = np.where((stratum == h) & (psu != unit), len(units) / (len(units) - 1), 1.0)
            variance += (len(units) - 1) / len(units) * (parts(w * more * (psu != unit)) - whole) ** 2
    found = composition.kitagawa(survey_design(w, strata=stratum, psu=psu), y, age, wave == 1, wave == 6)
    assert np.sqrt(variance) == pytest.approx(found.errors, rel=0.12)


def test_case18_standardised_waves() -> None:
    c = case("case18_standardize")
    wave, age = c.column("wave"), c.column("age").astype(int) - 1
    masks = [wave == t for t in WAVES]
    found = composition.standardised(c.design(), c.column("y"), age, [0.25, 0.3, 0.25, 0.2], masks)
    c.agree(found.values, c.r(*(f"std.est[{t}]" for t in WAVES)), of="standardised")
    c.agree(found.errors, c.r(*(f"std.se[{t}]" for t in WAVES)), of="standardised")
    apart = contrast(found, [-1, 0, 0, 0, 0, 1])
    c.agree(apart.errors, c.r("diff61.se[contrast]"), of="standardised")


def test_a_group_that_nobody_is_in_cannot_be_split() -> None:
    first = np.array([True, True, False, False])
    with pytest.raises(DesignError, match="group 1 has nobody who answered in one of the waves"):
        composition.kitagawa(survey_design(np.ones(4)), [1, 0, 1, 0], np.array([0, 1, 0, 0]), first, ~first)


# --- through a refresh -----------------------------------------------------------------------------------------------


def test_a_refresh_writes_lines_long_pairs_houses_and_the_baseline_once_it_is_declared(layout: Layout) -> None:
    """Four waves of one house, two of another; then the first house says that its second wave is the baseline."""
    factory.item(layout.catalogue)
    for organisation, waves, lift in (("acme", 4, 0), ("other", 2, 6)):
        factory.series(layout.catalogue, organisation)
        for number in range(1, waves + 1):
            agree = 40 + 2 * number + lift
            factory.release(layout.catalogue, f"{number:02d}", organisation=organisation, month=number,
                            percents=(agree, 90 - agree, 10))  # fmt: skip
    refresh(layout, audit=no_audit)
    with connect.read(layout.link) as db:
        assert db.execute("SELECT pair, count(*) FROM changes GROUP BY pair ORDER BY pair").fetchall() == [
            ("consecutive", 3 * 3 + 3),
            ("first_last", 3),
        ]
        lines = db.execute("SELECT category, waves, slope > 0, straight FROM trend_tests ORDER BY category").fetchall()
        assert lines[:2] == [("agree", 4, True, True), ("disagree", 4, False, True)]
        drawn = db.execute("SELECT figures, houses, level FROM house_lines WHERE category = 'agree' ORDER BY day")
        rows = drawn.fetchall()
        assert [row[:2] for row in rows] == [(6, ["acme/monthly", "other/monthly"])] * 4
        assert [row[2] for row in rows] == pytest.approx([45, 47, 49, 51], abs=1.5)
        effect = db.execute(
            "SELECT combined, effect, reasons FROM house_effects WHERE category = 'agree' AND organisation = 'other'"
        ).fetchall()
        assert effect == [(True, pytest.approx(3, abs=0.7), [])]
    place = layout.catalogue / "releases/acme/monthly/series.yml"
    factory.write(place, place.read_text(encoding="utf-8") + 'baseline: "02"\n')
    refresh(layout, audit=no_audit)
    with connect.read(layout.link) as db:
        found = db.execute(
            "SELECT organisation, wave_from, wave_to FROM changes WHERE pair = 'baseline' AND category = 'agree'"
            " ORDER BY ALL"
        ).fetchall()
        assert found == [("acme", "01", "02"), ("acme", "02", "03"), ("acme", "02", "04")]
        assert db.execute("SELECT baseline FROM series ORDER BY organisation").fetchall() == [("02",), (None,)]
