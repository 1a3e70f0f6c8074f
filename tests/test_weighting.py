"""Weights made from the targets of a manifest: R's weights, shares and errors; diagnostics; and what is refused.

R's answers are those of tests/oracles (R 4.2.2, survey 4.5; the calls lie beside them). The way of every case is
that of a release: manifest, file, crosswalk, weights, estimates.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from assets.estimates.dependence import of_sample
from assets.estimates.design.calibration import fit
from assets.estimates.design.design import DesignError
from assets.estimates.design.trimming import trimmed
from assets.estimates.respondents import estimate_respondents
from assets.estimates.weighting import make_weights
from assets.questions.answers import Sample
from assets.questions.respondents import harmonise_respondents
from assets.refresh import refresh
from schemas.expectations import EXPECTATIONS
from schemas.handwritten import read_yaml
from schemas.problems import ProblemsError
from schemas.respondents import Respondents
from tests import design_oracles, factory, surveys
from tests.conftest import no_audit
from tests.design_oracles import OPTIONS
from tests.test_chronicles import inputs
from tests.test_respondent_estimates import release
from tests.test_respondents import RELEASE, Case, code, item, variable

CLOSE = 1e-9
SEXES = {"f": 8800, "m": 8200}
AGES = {"1": 3600, "2": 5000, "3": 4900, "4": 3500}
SOURCE = "Register 2021, table 3"


def margin(name: str, counts: dict[str, float], **more: Any) -> dict[str, Any]:
    return {"variable": name, "values": [{"codes": one, "count": n} for one, n in counts.items()], **more}


def banner(name: str, codes: str) -> dict[str, Any]:
    return {"subgroup": name, "variable": name, "values": [{"value": one, "codes": one} for one in codes]}


def raking(*margins: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"source": SOURCE, "margins": list(margins), **more}


BOTH = (margin("sex", SEXES), margin("age", AGES))
DESIGN = {"strata": ["stratum"], "psu": "psu"}


def as_release(c: design_oracles.Case, folder: Path, weight: Any, **told: Any) -> Case:
    """A case of R's as a release: a file with texts and numbers, and a crosswalk."""
    texts = {name: c.text(name) for name in ("sex", "q") if name in c.rows[0]}
    numbers = {name: c.column(name).tolist() for name in c.rows[0] if name not in texts}
    return Case(
        folder,
        {**texts, **numbers},
        [*(variable(name, stored="text") for name in texts), *(variable(name) for name in numbers)],
        [item("army", *OPTIONS)],
        [{"question": "q", "item": "army", "variable": "q"}],
        [code("q", one, None, one, "substantive") for one in OPTIONS],
        {"weight": weight, "design": DESIGN, **told},
    )


def weighted(case: Case) -> tuple[Respondents, Sample, list[str]]:
    """The manifest's block, the sample with its weights, and warnings."""
    told = Respondents.model_validate({"file": "wave.sav", "expect_rows": 1, **case.told})
    sample, warnings = make_weights(told, RELEASE, case.sample())
    return told, sample, [str(one) for one in warnings]


def refused(case: Case) -> str:
    with pytest.raises(ProblemsError) as bad:
        weighted(case)
    (problem,) = bad.value.problems
    return str(problem).replace(f"{RELEASE}/release.yml, column respondents.weight.", "")


def rows_of(told: Respondents, sample: Sample) -> tuple[dict[tuple[str, str], dict[str, Any]], list[dict[str, Any]]]:
    manifest = release(told=told.model_dump(exclude_none=True, exclude_defaults=True, exclude={"file", "expect_rows"}))
    estimates, scores = estimate_respondents(manifest, RELEASE, sample, "0" * 64)
    return {(row["category"], row["subgroup_value"]): row for row in estimates}, scores


MADE: dict[str, tuple[dict[str, Any], str]] = {
    "rake": ({"variance": "rake"}, "raked to sex, age; variance as R rake"),
    "cal_raking": ({}, "raked to sex, age; residual variance"),
    "cal_linear": ({"method": "linear"}, "calibrated (linear) to sex, age; residual variance"),
    "cal_logit": (
        {"method": "logit", "bounds": {"lowest": 0.4, "highest": 2.5}},
        "calibrated (logit) to sex, age; residual variance",
    ),
    "post": ({"margins": [margin("sex", SEXES)]}, "raked to sex; residual variance"),
}


@pytest.mark.parametrize("how", MADE)
def test_case15_a_manifest_with_rs_targets_gives_rs_weights_shares_and_errors(how: str, tmp_path: Path) -> None:
    c, (more, said) = design_oracles.case("case15_rake"), MADE[how]
    targets = raking(*BOTH, total=17000) | more
    case = as_release(c, tmp_path, {"base": {"variable": "w"}, "targets": targets}, banners=[banner("sex", "fm")])
    told, sample, warnings = weighted(case)
    assert warnings == []
    if stat := {"rake": "w_rake", "cal_linear": "w_linear", "cal_logit": "w_logit"}.get(how):
        c.agree(sample.weights, c.r(*(f"{stat}.{i}" for i in range(1, len(c.rows) + 1))), CLOSE, of=f"manifest {how}")
    scored = replace(sample.answers[0], scores=c.column("score"))
    rows, scores = rows_of(told, replace(sample, answers=(scored,)))
    for column, key in (("all", "prop"), ("f", "dom"), ("m", "dom")):
        sex = "" if column == "all" else f"{column}:"
        for name, part in (("percent", "est"), ("standard_error", "se")):
            ours = [rows[one, column][name] / 100 for one in OPTIONS]
            theirs = c.r(*(f"{how}.{key}.{part}[{sex}q{one}]" for one in OPTIONS))
            c.agree(ours, theirs, CLOSE, of=f"manifest {how}")
    total = scores[0]
    c.agree([total["value"], total["standard_error"]], c.r(f"{how}.mean.est[score]", f"{how}.mean.se[score]"), CLOSE)
    assert rows["agree", "all"]["variance_method"] == f"Taylor linearisation, strata and PSU; {said}"
    assert sample.weights.sum() == pytest.approx(17000, rel=1e-12)
    assert sample.facts["largest_difference"] == pytest.approx(0, abs=1e-12)


def test_shares_in_percent_and_a_sum_of_n_give_the_same_shares_and_errors(tmp_path: Path) -> None:
    c = design_oracles.case("case15_rake")
    shares = [
        {"variable": name, "values": [{"codes": one, "share": n / 170} for one, n in counts.items()]}
        for name, counts in (("sex", SEXES), ("age", AGES))
    ]
    told, sample, _ = weighted(as_release(c, tmp_path, {"base": {"variable": "w"}, "targets": raking(*shares)}))
    assert sample.weights.sum() == pytest.approx(len(c.rows), rel=1e-12)
    rows, _ = rows_of(told, sample)
    ours = [rows[one, "all"]["standard_error"] / 100 for one in OPTIONS]
    c.agree(ours, c.r_q("cal_raking.prop.se[#]"), CLOSE)


def test_case18_waves_standardised_by_a_target_of_crossed_banners(tmp_path: Path) -> None:
    c = design_oracles.case("case18_standardize")
    waves = np.bincount(c.codes("wave", "123456"), c.column("w"))
    values = [
        {"value": f"{wave}, {age}", "count": float(waves[int(wave) - 1] * part)}
        for wave in "123456"
        for age, part in zip("1234", (0.25, 0.3, 0.25, 0.2), strict=True)
    ]
    case = as_release(
        c,
        tmp_path,
        {"base": {"variable": "w"}, "targets": raking({"banner": "wave_by_age", "values": values})},
        banners=[
            banner("wave", "123456"),
            banner("age", "1234"),
            {"subgroup": "wave_by_age", "cross": ["wave", "age"]},
        ],
    )
    told, sample, _ = weighted(case)
    answered = replace(sample.answers[0], scores=c.column("y"), base=~np.isnan(c.column("y")))
    _, scores = rows_of(told, replace(sample, answers=(answered,)))
    found = {row["subgroup_value"]: row for row in scores if row["subgroup"] == "wave"}
    for wave in "123456":
        ours = found[wave]["value"], found[wave]["standard_error"]
        c.agree(ours, c.r(f"std.est[{wave}]", f"std.se[{wave}]"), CLOSE, of="manifest")


@pytest.mark.parametrize(("rule", "stat"), [("once", "w"), ("strict", "w_strict")])
def test_case16_trimmed_weights_as_r(rule: str, stat: str, tmp_path: Path) -> None:
    c = design_oracles.case("case16_trim")
    trim = {"lowest": 0.3, "highest": 1.6, "rule": rule}
    told, sample, _ = weighted(as_release(c, tmp_path, {"base": {"variable": "w"}, "trim": trim}))
    c.agree(sample.weights, c.r(*(f"{stat}.{i}" for i in range(1, len(c.rows) + 1))), of=f"manifest {rule}")
    prop = "prop" if rule == "once" else "prop_strict"
    rows, _ = rows_of(told, sample)
    for name, part in (("percent", "est"), ("standard_error", "se")):
        c.agree([rows[one, "all"][name] / 100 for one in OPTIONS], c.r_q(f"{prop}.{part}[#]"), CLOSE)
    assert rows["agree", "all"]["variance_method"] == "Taylor linearisation, strata and PSU"
    if rule == "once":
        c.agree([sample.facts["n_effective"]], c.r("kish_neff_trim."))
    else:
        assert float(str(sample.facts["highest"])) == pytest.approx(1.6 * c.column("w").mean(), rel=1e-12)
    assert sample.facts["method"] == f"trimmed to at least 0.3 and at most 1.6 of the mean, {rule}"
    assert sample.facts["iterations"] is None


def test_trimming_keeps_the_sum_and_who_has_no_weight() -> None:
    given = np.array([0.0, 1.0, 2.0, 3.0, 10.0, 0.0])
    for strict in (False, True):
        out = trimmed(given, 1.5, 5, strict=strict)
        assert out.sum() == pytest.approx(given.sum())
        assert (out[[0, 5]] == 0).all()
    assert trimmed(given, 0.5, 20) is given
    assert trimmed(given, 1.5, 5).max() > 5 >= trimmed(given, 1.5, 5, strict=True).max()
    with pytest.raises(DesignError, match="nobody is left"):
        trimmed(np.array([1.0, 9.0]), 4.0, 6.0)
    with pytest.raises(DesignError, match="cannot be trimmed to 3 and above, 2 and below"):
        trimmed(given, 3, 2)


def test_a_fit_says_how_near_it_came() -> None:
    ones = np.ones((3, 1))
    near = fit(np.ones(3), ones, np.array([6.0]), "logit", (0.5, 1.5))
    assert near.off > 0.2
    assert (near.g < 1.5 + 1e-12).all()
    assert fit(np.ones(3), ones, np.array([3.0])).rounds == 0


# A file of 400 whose sex and age are known; the target's shares are not the sample's.


@pytest.fixture
def small(tmp_path: Path) -> Case:
    draw = np.random.default_rng(5)
    sex, age = draw.choice([1.0, 2.0], 400, p=[0.6, 0.4]), draw.choice([1.0, 2.0, 3.0], 400)
    return Case(
        tmp_path,
        {
            "q": draw.choice([1.0, 2.0], 400).tolist(),
            "sex": sex.tolist(),
            "age": age.tolist(),
            "w": draw.uniform(0.5, 2, 400).tolist(),
        },
        [
            variable("q", "1=Yes", "2=No"),
            variable("sex", "1=male", "2=female"),
            variable("age"),
            variable("w", label="Weight"),
        ],
        [item("army", "yes", "no")],
        [{"question": "q", "item": "army", "variable": "q"}],
        [code("q", "1", "Yes", "yes"), code("q", "2", "No", "no")],
    )


def sex_target(men: float = 45.2, **more: Any) -> dict[str, Any]:
    values = [
        {"codes": "1", "share": men, "label": "male"},
        {"codes": "2", "share": 100 - men, "label": "female"},
    ]
    return {"variable": "sex", "values": values, **more}


def age_target(*shares: float, **more: Any) -> dict[str, Any]:
    values = [
        {"value": f"age {at}", "codes": str(at), "share": one} for at, one in enumerate(shares or (20, 50, 30), 1)
    ]
    return {"variable": "age", "values": values, **more}


def make(case: Case, *margins: dict[str, Any], base: Any = "none", trim: Any = None, **more: Any) -> Case:
    case.told["weight"] = {"base": base, "targets": raking(*margins, **more)} | ({"trim": trim} if trim else {})
    return case


def test_targets_without_a_base_and_what_is_said_of_the_weights(small: Case) -> None:
    told, sample, warnings = weighted(make(small, sex_target(), age_target()))
    w, facts = sample.weights, sample.facts
    assert warnings == []
    sex, age = np.array(small.columns["sex"]), np.array(small.columns["age"])
    assert w[sex == 1].sum() / w.sum() == pytest.approx(0.452, rel=1e-12)
    assert [w[age == at].sum() / w.sum() for at in (1, 2, 3)] == pytest.approx([0.2, 0.5, 0.3], rel=1e-12)
    assert facts["variable"] is None
    assert facts["method"] == f"raking to sex, age; targets from {SOURCE}"
    assert 1 <= int(str(facts["iterations"])) < 10
    assert (facts["n"], facts["mean"], facts["share_at_bounds"]) == (400, pytest.approx(1), None)
    assert facts["design_effect"] == pytest.approx(400 * (w**2).sum() / w.sum() ** 2)
    assert (facts["lowest"], facts["highest"]) == (w.min(), w.max())
    rows, _ = rows_of(told, sample)
    row = rows["yes", "all"]
    assert row["variance_method"] == "Taylor linearisation, weights only; raked to sex, age; residual variance"
    assert "unweighted" not in row["flags"]


def test_raking_equals_margins_met_in_turn(small: Case) -> None:
    _, sample, _ = weighted(make(small, sex_target(), age_target(), base={"variable": "w"}))
    w = np.array(small.columns["w"])
    sex, age = np.array(small.columns["sex"]), np.array(small.columns["age"])
    for _ in range(200):
        for column, code_, share in ((sex, 1, 0.452), (sex, 2, 0.548), (age, 1, 0.2), (age, 2, 0.5), (age, 3, 0.3)):
            w = np.where(column == code_, w * share * 400 / w[column == code_].sum(), w)
    np.testing.assert_allclose(sample.weights, w, rtol=1e-10)


def test_an_answer_that_follows_from_the_targets_is_surer_than_its_weights_say(small: Case) -> None:
    small.columns["q"] = [1.0 if age == 1 else 2.0 for age in small.columns["age"]]
    small.columns["q"][:40] = [2.0, 1.0] * 20
    told, sample, _ = weighted(make(small, sex_target(), age_target()))
    known, naive = (rows_of(told, one)[0]["yes", "all"] for one in (sample, replace(sample, calibration=None)))
    assert known["percent"] == naive["percent"]
    assert known["standard_error"] < 0.6 * naive["standard_error"]


def test_an_answer_that_is_a_target_has_no_error(small: Case) -> None:
    small.columns["q"] = list(small.columns["sex"])
    told, sample, _ = weighted(make(small, sex_target(), age_target(), base={"variable": "w"}))
    row = rows_of(told, sample)[0]["yes", "all"]
    assert row["percent"] == pytest.approx(45.2, rel=1e-12)
    assert (row["standard_error"], row["percent_low"]) == (None, None)
    assert "no_variance" in row["flags"]


def test_logit_stays_within_its_bounds_and_says_how_many_are_near(small: Case) -> None:
    bounds = {"lowest": 0.4, "highest": 2.2}
    _, sample, _ = weighted(
        make(small, sex_target(), age_target(), base={"variable": "w"}, method="logit", bounds=bounds)
    )
    w = np.array(small.columns["w"])
    ratio = sample.weights / w * w.mean()
    assert 0.4 < ratio.min() < ratio.max() < 2.2
    assert sample.facts["share_at_bounds"] == 0
    assert str(sample.facts["method"]).startswith("logit calibration to sex, age within 0.4 to 2.2 of the base; ")


def test_limits_and_targets_are_kept_together(small: Case) -> None:
    trim = {"lowest": 0.4, "highest": 1.8}
    _, sample, _ = weighted(make(small, sex_target(), age_target(), base={"variable": "w"}, trim=trim))
    w, facts = sample.weights, sample.facts
    assert w.min() >= 0.4 * (1 - 1e-9) and w.max() <= 1.8 * (1 + 1e-9)
    assert float(str(facts["largest_difference"])) <= 1e-6
    assert w[np.array(small.columns["sex"]) == 1].sum() / w.sum() == pytest.approx(0.452, rel=1e-6)
    at = ((w < 0.4 * (1 + 1e-9)) | (w > 1.8 * (1 - 1e-9))).mean()
    assert facts["share_at_bounds"] == pytest.approx(at) and at > 0.05
    small.told["weight"]["trim"] = trim | {"rule": "strict"}
    _, left, _ = weighted(small)
    assert float(str(left.facts["largest_difference"])) > 0.01
    assert left.calibration is not None and left.calibration.after.max() > 1.9
    assert "trimmed to at least 0.4 and at most 1.8 of the mean, strict; " in str(left.facts["method"])


def test_within_the_limits_weights_are_a_factor_for_every_cell_times_the_base(small: Case) -> None:
    """What raking says of everybody then holds of those who are not at a limit, and nobody is there without need."""
    limits = {"lowest": 0.4, "highest": 1.8}
    _, sample, _ = weighted(make(small, sex_target(), age_target(), base={"variable": "w"}, trim=limits))
    base = np.array(small.columns["w"])
    ratio, cell = sample.weights / base, 3 * np.array(small.columns["sex"]) + np.array(small.columns["age"])
    low, high = sample.weights < 0.4 * (1 + 1e-9), sample.weights > 1.8 * (1 - 1e-9)
    assert low.any() and high.any()
    for one in np.unique(cell):
        inside = ratio[(cell == one) & ~low & ~high]
        factor = inside.mean()
        assert np.ptp(inside) < 1e-9
        assert (factor * base[(cell == one) & low] <= 0.4 * (1 + 1e-9)).all()
        assert (factor * base[(cell == one) & high] >= 1.8 * (1 - 1e-9)).all()


def test_a_printed_table_that_adds_up_to_99_9_is_brought_to_100(small: Case) -> None:
    _, sample, _ = weighted(make(small, sex_target(), age_target(20, 50, 29.9)))
    age = np.array(small.columns["age"])
    assert sample.weights[age == 1].sum() / 400 == pytest.approx(20 / 99.9, rel=1e-12)


def test_a_target_that_follows_from_others_changes_nothing(small: Case) -> None:
    _, one, _ = weighted(make(small, sex_target(), age_target()))
    _, two, _ = weighted(make(small, sex_target(), age_target(), sex_target(name="sex again")))
    np.testing.assert_allclose(two.weights, one.weights, rtol=1e-10)


def test_who_is_outside_a_target_has_no_weight_and_is_counted(small: Case) -> None:
    small.columns["age"][:3] = [None, 9.0, None]
    outside = {"outside": ".|9"}
    _, sample, _ = weighted(make(small, sex_target(), age_target(**outside), left_out=3))
    assert (sample.weights == 0).tolist() == [True] * 3 + [False] * 397
    assert (sample.facts["n"], sample.facts["zeros"], sample.facts["missing"]) == (397, 3, 0)
    assert sample.weights.sum() == pytest.approx(397)
    assert sum(one.n for one in sample.answers[0].codes) == 397
    make(small, sex_target(), age_target(**outside))
    assert small.problems() == [
        "release.yml, column respondents.weight.targets.left_out: another number of rows that are in no cell of a "
        "target (found '3'); expected 0, as the manifest says"
    ]


def test_missing_values_in_a_target_are_refused_unless_they_are_said_to_be_outside(small: Case) -> None:
    small.columns["age"][:3] = [None, 9.0, None]
    assert make(small, age_target()).problems() == [
        "release.yml, column respondents.weight.targets.margins.0.values: codes of age in no cell of age "
        "(found '9, .'); expected every code under values or outside"
    ]


def test_codes_labels_and_names_of_targets_are_checked_as_those_of_banners(small: Case) -> None:
    wrong = {
        "variable": "sex",
        "values": [{"codes": "1", "share": 50, "label": "Male"}, {"codes": "1|2", "share": 50, "label": "male|female"}],
    }
    place = "release.yml, column respondents.weight.targets.margins"
    assert make(small, wrong, age_target(20, 20, 20, 40), {**sex_target(), "variable": "sx"}).problems() == [
        f"{place}.0.values.0.label: the label of the codes is not the file's (found 'Male'); "
        "expected the file's label 'male'",
        f"{place}.0.values: codes of sex in two cells of sex, or in one and outside (found '1'); "
        "expected each code once",
        f"{place}.1.values.3.codes: a code that age does not have (found '4'); expected one of 1, 2, 3",
        f"{place}.2.variable: a variable that wave.sav does not have (found 'sx'); "
        "expected the name of a variable of the file; nearest: 'sex'",
    ]


def test_an_empty_cell_is_named(small: Case) -> None:
    age = np.array(small.columns["age"])
    small.columns["w"] = np.where(age == 3, 0.0, 1.0).tolist()
    base = {"variable": "w", "zeros": int((age == 3).sum())}
    place = "release.yml, column respondents.weight.targets.margins.0.values"
    assert make(small, age_target(), base=base).problems() == [
        f"{place}.2.share: an empty cell: nobody with a base weight above 0 is in age 'age 3'; "
        "expected cells that are merged, or rows that belong to this release"
    ]
    small.variables[2] = variable("age", "4=very old")
    values = [*age_target(20, 50, 20)["values"], {"codes": "4", "share": 10, "label": "very old"}]
    assert make(small, {"variable": "age", "values": values}).problems() == [
        f"{place}.3.codes: a stale cell: nobody is in age 'very old' (found '4'); "
        "expected codes that somebody has, or no such cell"
    ]


def test_columns_of_a_banner_need_their_shares(small: Case) -> None:
    small.told["banners"] = [
        {"subgroup": "sex", "variable": "sex", "values": [
            {"value": "men", "codes": "1", "label": "male"}, {"value": "women", "codes": "2", "label": "female"}]},
    ]  # fmt: skip
    target = {"banner": "sex", "values": [{"value": "men", "share": 50}, {"value": "woman", "share": 50}]}
    place = "release.yml, column respondents.weight.targets.margins.0.values"
    assert make(small, target).problems() == [
        f"{place}.1.value: an empty cell: nobody is in sex 'woman' (found 'woman'); "
        "expected columns of the banner that somebody is in; nearest: 'women'",
        f"{place}: a column of sex without a share (found 'women'); "
        "expected every column of the banner; nearest: 'woman'",
    ]
    target["values"][1]["value"] = "women"
    _, sample, _ = weighted(make(small, target))
    assert sample.facts["method"] == f"raking to sex; targets from {SOURCE}"


def test_targets_that_contradict_each_other_or_the_sample_are_not_met(small: Case) -> None:
    found = refused(make(small, sex_target(45), sex_target(50, name="sex again")))
    assert found == (
        "targets: the weights do not meet the targets after 5 of 50 iterations (found \"sex again 'male': 45 in "
        'place of 50 percent"); expected targets that this sample can meet together; merge cells, widen limits, or '
        "allow more iterations"
    )
    sex = np.array(small.columns["sex"])
    small.columns["age"] = np.where(sex == 1, 1.0, small.columns["age"]).tolist()  # all men are young
    assert "do not meet the targets after" in refused(make(small, sex_target(80), age_target(50, 30, 20)))
    few = refused(make(small, sex_target(10), age_target(20, 50, 30), iterations=1))
    assert "after 1 of 1 iterations" in few


def test_a_declared_tolerance_is_what_counts(small: Case) -> None:
    for steps in range(1, 6):
        make(small, sex_target(30), age_target(), iterations=steps, tolerance=0.01)
        try:
            _, sample, _ = weighted(small)
        except ProblemsError:
            continue
        assert 1e-9 < float(str(sample.facts["largest_difference"])) <= 0.01
        make(small, sex_target(30), age_target(), iterations=steps)
        assert f"after {steps} of {steps} iterations" in refused(small)
        return
    raise AssertionError("no number of steps is near and not there")


def test_linear_calibration_may_not_make_weights_negative(small: Case) -> None:
    found = refused(make(small, sex_target(2), age_target(2, 96, 2), method="linear"))
    assert found.startswith("targets.method: linear calibration gives ")
    assert found.endswith("(found 'linear'); expected raking, or logit with bounds")


def test_bounds_that_are_too_narrow(small: Case) -> None:
    bounds = {"lowest": 0.95, "highest": 1.05}
    assert "do not meet the targets" in refused(make(small, sex_target(), method="logit", bounds=bounds))
    narrow = {"lowest": 0.98, "highest": 1.02}
    assert "do not meet the targets" in refused(make(small, sex_target(), age_target(), trim=narrow))
    small.columns["w"] = [1.0, 3.0] * 200
    small.told["weight"] = {"base": {"variable": "w"}, "trim": narrow}
    assert refused(small) == (
        "trim: every weight is at a limit: nobody is left to take what was cut (found '1.96 to 2.04'); "
        "expected limits that leave most weights as they are"
    )


def test_trimming_most_weights_is_warned_of(small: Case) -> None:
    small.told["weight"] = {"base": {"variable": "w"}, "trim": {"lowest": 0.98, "highest": 1.02}}
    try:
        _, _, (warning,) = weighted(small)
    except ProblemsError as bad:
        raise AssertionError("these limits leave somebody in between") from bad
    assert "column respondents.weight.trim: most weights are at a limit" in warning
    assert "percent of respondents'); expected limits that leave most weights as they are" in warning


def test_the_base_is_checked_where_it_stands(small: Case) -> None:
    assert make(small, sex_target(), base={"variable": "w", "zeros": 2, "mean": 3}).problems() == [
        "release.yml, column respondents.weight.base.zeros: another number of rows with weight 0 (found '0'); "
        "expected 2, as the manifest says",
        f"release.yml, column respondents.weight.base.mean: another mean of the weights above 0 "
        f"(found '{np.mean(small.columns['w']):.6g}'); expected 3 to 1 %, as the manifest says",
    ]
    assert (
        make(small, sex_target(), base={"variable": "q"})
        .problems()[0]
        .startswith("release.yml, column respondents.weight.base.variable: q looks like codes")
    )


BASE = "file: a.sav\nexpect_rows: 3\nweight:\n"
CELLS = "values: [{codes: 1, share: 45}, {codes: 2, share: 55}]"
# The block of a weight, or the targets of one, and what is said of it.
WRONG = (
    ("  base: none\n", "weight: neither targets nor trim; expected one of them, or only the variable of the weight"),
    (
        "  base: none\n  trim: {highest: 3}\n",
        "weight: equal weights cannot be trimmed; expected a base with its variable, or targets",
    ),
    (
        "  base: {variable: w}\n  trim: {}\n",
        "weight.trim: neither lowest nor highest; expected one of them, or no trim at all",
    ),
    (
        "  base: {variable: w}\n  trim: {highest: 0.5}\n",
        "weight.trim.highest: input should be greater than 1 (found '0.5')",
    ),
    (
        "  base: {variable: w}\n  trim: {highest: inf}\n",
        "weight.trim.highest: input should be a finite number (found 'inf')",
    ),
    (
        "  base: {variable: w}\n  trim: {highest: 3, rule: together}\n",
        "weight: trim rule together without targets; expected strict or once",
    ),
    (
        "  base: {variabel: w}\n  trim: {highest: 3}\n",
        "weight.base.variabel: unknown key; expected one of variable, mean, lowest, highest, zeros, missing, note; "
        "nearest: 'variable'",
    ),
    (
        "  variable: w\n  trim: {highest: 3}\n",
        "weight.variable: unknown key; expected one of base, targets, trim, note",
    ),
)
TARGETS = (
    (
        "margins: [{variable: Q1, values: [{codes: 1, share: 45}, {codes: 2, share: 54}]}]",
        "the shares of target 'Q1' add up to 99; expected 100, or 0.1 less or more by rounding",
    ),
    (
        "margins: [{variable: Q1, values: [{codes: 1, share: 45}, {codes: 2, count: 54}]}]",
        "target 'Q1'; expected share for every cell, or count for every cell",
    ),
    (
        "margins: [{variable: Q1, values: [{codes: 1, share: 100}, {codes: 2, share: 0}]}]",
        "weight.targets.margins.0.values.1.share: input should be greater than 0 (found '0')",
    ),
    (
        "margins: [{variable: Q1, values: [{value: a, share: 45}, {codes: 2, share: 55}]}]",
        "target 'Q1' has a cell without codes; expected codes and share",
    ),
    (f"margins: [{{variable: Q1, banner: a, {CELLS}}}]", "target 'Q1'; expected variable with codes, or banner"),
    (f"margins: [{{banner: a, {CELLS}}}]", "target 'a' is a banner; expected values with value and share only"),
    (
        "margins: [{banner: a, values: [{value: x, share: 45}, {value: x, share: 55}]}]",
        "target 'a' has 'x' twice; expected each cell once",
    ),
    (
        "margins: [{banner: a, values: [{value: x, share: 45}, {value: y, share: 55}]}]",
        "the target 'a' is no banner of this release; expected a banner among respondents.banners",
    ),
    (
        f"margins: [{{variable: Q1, {CELLS}}}, {{variable: Q1, {CELLS}}}]",
        "the target 'Q1' stands twice; expected each once, or a name for each",
    ),
    (
        f"method: logit, margins: [{{variable: Q1, {CELLS}}}]",
        "bounds belong to logit, and logit needs them; expected both or neither",
    ),
    (
        f"method: linear, variance: rake, margins: [{{variable: Q1, {CELLS}}}]",
        "variance rake with method linear; expected residual",
    ),
)


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_what_a_manifest_may_not_say_of_a_weight(text: str, told: str) -> None:
    with pytest.raises(ProblemsError) as bad:
        read_yaml((BASE + text).encode(), "release.yml", Respondents)
    assert told in str(bad.value)


@pytest.mark.parametrize(("text", "told"), TARGETS)
def test_what_a_manifest_may_not_say_of_targets(text: str, told: str) -> None:
    whole = f"{BASE}  base: none\n  targets: {{source: register, {text}}}\n"
    with pytest.raises(ProblemsError) as bad:
        read_yaml(whole.encode(), "release.yml", Respondents)
    (problem,) = bad.value.problems
    assert told in str(problem)


def test_ids_of_estimates_depend_on_what_makes_the_weight_and_not_on_its_words(small: Case) -> None:
    def told(weight: Any) -> str:
        return of_sample(Respondents.model_validate({"file": "a.sav", "expect_rows": 3, "weight": weight}))

    one = {"base": "none", "targets": raking(sex_target())}
    assert told(one) == told(one | {"note": "by hand", "targets": raking(sex_target(), left_out=3, source="elsewhere")})
    assert len({told(one), told("none"), told(one | {"targets": raking(sex_target(44))}),
                told(one | {"trim": {"highest": 3}}), told(one | {"base": {"variable": "w"}})}) == 5  # fmt: skip

    def by_banner(split: int) -> str:
        values = [{"value": "young", "codes": f"..{split}"}, {"value": "old", "codes": f"{split + 1}.."}]
        aged = {"banner": "aged", "values": [{"value": "young", "share": 40}, {"value": "old", "share": 60}]}
        weight = {"base": "none", "targets": raking(aged)}
        block = {"file": "a.sav", "expect_rows": 3, "weight": weight}
        banners = [{"subgroup": "aged", "variable": "age", "values": values}]
        return of_sample(Respondents.model_validate(block | {"banners": banners}))

    assert by_banner(34) != by_banner(39)


def test_a_refresh_makes_weights_and_says_so(tmp_path: Path) -> None:
    house = factory.house(tmp_path)
    survey = surveys.write_survey(tmp_path / "files")
    sexes = survey.values("sex")
    target = {
        "variable": survey.name("sex"),
        "values": [{"codes": str(one), "share": share, "label": sexes[one]} for one, share in ((1, 48), (2, 52))],
    }
    given = {"base": {"variable": "wes", "zeros": surveys.ZEROS}, "targets": raking(target), "trim": {"highest": 1.6}}
    surveys.write_release(house.catalogue, survey, with_file=True, respondents={"weight": given})
    done = refresh(house, audit=no_audit)
    assert done.report.quarantined == {}
    assert done.published is not None
    with duckdb.connect(str(done.published), read_only=True) as database:
        facts = database.sql("SELECT variable, method, n, zeros, weighted_n, largest_difference < 1e-6 FROM weights")
        method = f"raking to sex; trimmed to at most 1.6 of the mean, together; targets from {SOURCE}"
        n = len(survey.rows) - surveys.ZEROS
        (row,) = facts.fetchall()
        assert row == ("wes", method, n, surveys.ZEROS, pytest.approx(n), True)
        men = database.sql(
            "SELECT DISTINCT weighted_n FROM estimates WHERE item = 'council-trust' AND subgroup_value = 'male'"
        ).fetchall()
        assert men == [(pytest.approx(0.48 * n, rel=1e-6),)]
        methods = database.sql("SELECT DISTINCT variance_method FROM estimates WHERE standard_error > 0").fetchall()
    assert methods == [("Taylor linearisation, strata and PSU; raked to sex; residual variance",)]


def test_the_audit_takes_a_weight_made_here_for_one() -> None:
    (statement,) = (one for one in EXPECTATIONS if one.name == "weights-are-like-those-of-the-wave-before")
    rows = (("01", "'w'", "NULL"), ("02", "NULL", "'raking to sex'"), ("03", "NULL", "NULL"))
    with duckdb.connect() as database:
        weights = " UNION ALL ".join(
            f"SELECT 'o' AS organisation, 's' AS series, '{wave}' AS wave, {name} AS variable, {method} AS method, "
            "1.0 AS mean, 1.2 AS design_effect, 0 AS zeros, 0 AS missing, 10 AS rows"
            for wave, name, method in rows
        )
        database.execute(f"CREATE TABLE weights AS {weights}")
        database.execute(
            "CREATE TABLE waves AS SELECT organisation, series, wave, wave AS fieldwork_start FROM weights"
        )
        found = database.sql(statement.query).fetchall()
    assert [row[2:7] for row in found] == [("03", "02", "weighted in one wave only", "raking to sex", None)]


def test_a_weight_that_cannot_be_made_sets_the_release_aside(tmp_path: Path) -> None:
    house = factory.house(tmp_path)
    survey = surveys.write_survey(tmp_path / "files")
    values = survey.values("sex")
    both = [
        {
            "name": str(men),
            "variable": survey.name("sex"),
            "values": [
                {"codes": str(one), "share": share, "label": values[one]} for one, share in ((1, men), (2, 100 - men))
            ],
        }
        for men in (48, 60)
    ]
    given = {"base": {"variable": "wes", "zeros": surveys.ZEROS}, "targets": raking(*both)}
    surveys.write_release(house.catalogue, survey, with_file=True, respondents={"weight": given})
    ((problem,),) = refresh(house, audit=no_audit).report.quarantined.values()
    assert problem.column == "respondents.weight.targets"
    assert problem.value == f"60 '{values[2]}': 52 in place of 40 percent"


# Chronicles 15, Analytical Report, pp. 3-4, first set of coefficients (Rosstat, 1 January 2024). The report multiplies
# three factors (population share / sample share), which meets no margin exactly, and its factors are not all what its
# shares give: the Ural's is printed 1.010526, where 8.2 / 9.5 is 0.863.
TARGETS_OF_15 = {
    "Q43": (45.2, 54.8),
    "Q2": (15.3, 19.7, 19.1, 15.6, 30.2),
    "Q4": (28.2, 9.8, 11.4, 6.5, 19.6, 8.2, 11.1, 5.2),
}
URAL = 5


@pytest.mark.shared
def test_chronicles_15_raked_to_the_targets_of_its_report_beside_its_own_weights(shared: Path, tmp_path: Path) -> None:
    file = shared / "microdata" / "chronicles-russia" / "data" / "wave_15_ru.xlsx"
    given = inputs("15", file, tmp_path / "read")
    theirs, problems = harmonise_respondents(given)
    assert theirs is not None, problems
    delivered = theirs.weights / theirs.weights.mean()

    def raked(targets: dict[str, Any]) -> Sample:
        margins = [margin(name, {str(at): n for at, n in enumerate(one, 1)}) for name, one in targets.items()]
        told = given.told.model_dump() | {"weight": {"base": "none", "targets": raking(*margins)}}
        block = Respondents.model_validate(told)
        sample, found = harmonise_respondents(replace(given, told=block))
        assert sample is not None, found
        return make_weights(block, given.release, sample)[0]

    ours = raked(TARGETS_OF_15)
    assert float(str(ours.facts["largest_difference"])) < 1e-12
    assert ours.facts["design_effect"] == pytest.approx(1.115, abs=5e-4)
    assert theirs.facts["design_effect"] == pytest.approx(1.112, abs=5e-4)
    apart = np.abs(ours.weights / delivered - 1)
    assert np.corrcoef(ours.weights, delivered)[0, 1] == pytest.approx(0.973, abs=5e-4)
    assert (apart.mean(), apart.max()) == (pytest.approx(0.057, abs=5e-4), pytest.approx(0.201, abs=5e-4))
    in_ural = next(one.cells for one in ours.targets if one.called == "Q4") == URAL
    assert delivered[in_ural].sum() / delivered.sum() == pytest.approx(0.0969, abs=5e-5)  # target: 8.2 %

    # A product of factors is what raking to its own margins gives: only one row with another district's factor differs.
    own = {one.called: np.bincount(one.cells, delivered).tolist() for one in ours.targets}
    again = np.abs(raked(own).weights / delivered - 1)
    assert np.sort(again)[-2] < 2e-4
    assert again.max() == pytest.approx(0.0101, abs=1e-4)
