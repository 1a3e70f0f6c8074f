"""Designs as manifests declare them: population sizes, replicate weights given and made, and waves that differ.

The way of every case is that of a release: manifest, file, crosswalk, estimates. R's answers lie in tests/oracles.
"""

import csv
import hashlib
import os
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from assets.estimates.dependence import of_sample
from assets.estimates.design.design import survey_design
from assets.estimates.design.replicates import given, rank, replicate_means
from assets.estimates.design.resampling import jackknife, made
from assets.estimates.engine import margins
from assets.estimates.engine.coded import CodedFile, Header, write
from assets.estimates.engine.tables import estimate
from assets.estimates.replication import scales
from assets.estimates.respondents import code_respondents
from assets.refresh import refresh
from pipeline import extras
from schemas.handwritten import read_yaml
from schemas.problems import ProblemsError
from schemas.respondents import Replicates, Respondents, SampleDesign
from tests import design_oracles, factory, surveys
from tests.conftest import no_audit
from tests.design_oracles import OPTIONS, ORACLES
from tests.test_gss_anes import CATALOGUE, Estimated, answers, estimated
from tests.test_respondent_estimates import release
from tests.test_respondents import NAN, RELEASE, Case, code, item, variable
from tests.test_weighting import CLOSE, DESIGN, as_release, banner, rows_of

EXACT = 1e-12
HALVES = {"method": "BRR"}
KINDS: dict[str, dict[str, Any]] = {
    "JK1": {"method": "JK1"},
    "JKn": {"method": "JKn", "rscales": [0.5] * 8},
    "BRR": HALVES,
    "Fay": {"method": "Fay", "fay": 0.3},
    "subbootstrap": {"method": "bootstrap"},
    "mrbbootstrap": {"method": "other", "scale": 1, "rscales": [1 / 39] * 40},
}
SAID = {
    "JK1": "JK1, 8 replicate weights of the producer",
    "JKn": "JKn, 8 replicate weights of the producer",
    "BRR": "BRR, 8 replicate weights of the producer",
    "Fay": "Fay (0.3), 8 replicate weights of the producer",
    "subbootstrap": "bootstrap, 40 replicate weights of the producer",
    "mrbbootstrap": "replicates, 40 replicate weights of the producer",
}


def told_by(case: Case) -> Respondents:
    return Respondents.model_validate({"file": "wave.sav", "expect_rows": 1, **case.told})


def rows(case: Case, scores: np.ndarray | None = None) -> tuple[dict[tuple[str, str], dict[str, Any]], list[Any]]:
    sample = case.sample()
    if scores is not None:
        sample = replace(sample, answers=(replace(sample.answers[0], scores=scores), *sample.answers[1:]))
    return rows_of(told_by(case), sample)


def designed(c: design_oracles.Case, folder: Path, design: dict[str, Any], **told: Any) -> Case:
    return as_release(c, folder, {"variable": "w"}, design=design, banners=[banner("sex", "fm")], **told)


def column(
    found: dict[tuple[str, str], dict[str, Any]], name: str, value: str = "all", unit: float = 100
) -> list[float]:
    return [found[one, value][name] / unit for one in OPTIONS]


def test_case02_a_population_of_psus_as_r(tmp_path: Path) -> None:
    c = design_oracles.case("case02_fpc_one_stage")
    found, _ = rows(designed(c, tmp_path, DESIGN | {"population": "fpc"}))
    c.agree(column(found, "percent"), c.r_q("prop.est[#]"), EXACT, of="manifest")
    c.agree(column(found, "standard_error"), c.r_q("prop.se[#]"), EXACT, of="manifest")
    c.agree(column(found, "percent", "f"), c.r_q("dom.est[#]"), EXACT, of="manifest")
    c.agree(column(found, "standard_error", "f"), c.r_q("dom.se[#]"), EXACT, of="manifest")
    row = found["agree", "all"]
    assert row["degrees_of_freedom"] == c.r("df.")[0]
    assert row["variance_method"] == "Taylor linearisation, strata and PSU, finite population correction"


def test_case03_the_psu_as_the_ultimate_cluster_of_two_stages_as_r(tmp_path: Path) -> None:
    c = design_oracles.case("case03_two_stage_fpc")
    case = Case(
        tmp_path,
        {"stype": c.text("stype"), "dnum": c.column("dnum").tolist(), "pw": c.column("pw").tolist()},
        [variable("stype", stored="text"), variable("dnum"), variable("pw")],
        [item("army", "e", "h", "m")],
        [{"question": "q", "item": "army", "variable": "stype"}],
        [code("q", one.upper(), None, one, "substantive") for one in "ehm"],
        {"weight": {"variable": "pw"}, "design": {"psu": "dnum"}},
    )
    found, _ = rows(case)
    for name, part in (("percent", "est"), ("standard_error", "se")):
        theirs = c.r(*(f"prop_ultimate_cluster.{part}[stype{one}]" for one in "EHM"))
        c.agree([found[one, "all"][name] / 100 for one in "ehm"], theirs, EXACT, of="manifest")


@pytest.fixture
def small_groups_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases of replicates have 64 respondents, too few for a column of their own."""
    monkeypatch.setattr(margins, "SUPPRESSED_BASE", 2)


@pytest.mark.usefixtures("small_groups_shown")
@pytest.mark.parametrize("mse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_case08_replicate_weights_of_the_producer_as_r(kind: str, mse: bool, tmp_path: Path) -> None:
    c = design_oracles.case(f"case08_rep_{kind}")
    many = sum(name.startswith("rw") for name in c.rows[0])
    design = {"replicates": {"prefix": "rw", "count": many, "mse": mse, **KINDS[kind]}}
    found, scores = rows(designed(c, tmp_path, design), c.column("score"))
    key = f"mse{str(mse).upper()}"
    c.agree(column(found, "percent"), c.r_q(f"{key}.prop.est[#]"), EXACT, of="manifest")
    c.agree(column(found, "standard_error"), c.r_q(f"{key}.prop.se[#]"), EXACT, of="manifest")
    for sex in "fm":
        c.agree(column(found, "percent", sex), c.r_q(f"{key}.dom.est[{sex}:#]"), EXACT, of="manifest")
        c.agree(column(found, "standard_error", sex), c.r_q(f"{key}.dom.se[{sex}:#]"), EXACT, of="manifest")
    mean = next(row for row in scores if row["subgroup"] == "total")
    theirs = c.r(f"{key}.mean.est[score]", f"{key}.mean.se[score]")
    c.agree([mean["value"], mean["standard_error"]], theirs, EXACT, of="manifest")
    row = found["agree", "all"]
    assert row["degrees_of_freedom"] == mean["degrees_of_freedom"] == c.r(f"{key}.df.")[0]
    assert row["variance_method"] == SAID[kind] + (", deviations from the whole sample" if mse else "")
    assert row["percent_low"] < row["percent"] < row["percent_high"]
    assert row["interval_method"] == "logit"


@pytest.mark.usefixtures("small_groups_shown")
@pytest.mark.parametrize("kind", ["JK1", "JKn"])
def test_case08_replicates_made_from_strata_and_psus_as_r(kind: str, tmp_path: Path) -> None:
    c = design_oracles.case(f"case08_rep_{kind}")
    strata = {"strata": ["stratum"]} if kind == "JKn" else {}
    found, scores = rows(
        designed(c, tmp_path, {"psu": "psu", "replicates": {"make": kind}, **strata}), c.column("score")
    )
    c.agree(column(found, "standard_error"), c.r_q("mseFALSE.prop.se[#]"), EXACT, of="manifest, made")
    for sex in "fm":
        theirs = c.r_q(f"mseFALSE.dom.se[{sex}:#]")
        c.agree(column(found, "standard_error", sex), theirs, EXACT, of="manifest, made")
    c.agree([scores[0]["standard_error"]], c.r("mseFALSE.mean.se[score]"), EXACT, of="manifest, made")
    row = found["agree", "all"]
    assert row["degrees_of_freedom"] == c.r("mseFALSE.df.")[0]
    where = "strata and PSU" if strata else "PSU"
    assert row["variance_method"] == f"{kind}, 8 replicate weights made from {where}"


@pytest.mark.usefixtures("small_groups_shown")
@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"make": "BRR"}, "BRR, 8 replicate weights made from strata and PSU"),
        ({"make": "Fay", "fay": 0.3}, "Fay (0.3), 8 replicate weights made from strata and PSU"),
        (
            {"make": "bootstrap", "count": 60, "seed": 7},
            "bootstrap, 60 replicate weights made from strata and PSU, seed 7",
        ),
    ],
    ids=["BRR", "Fay", "bootstrap"],
)
def test_half_samples_and_bootstraps_that_a_manifest_asks_for(told: dict[str, Any], words: str, tmp_path: Path) -> None:
    c = design_oracles.case("case08_rep_BRR")
    found, _ = rows(designed(c, tmp_path, {"psu": "psu", "strata": ["stratum"], "replicates": told}))
    drawn = survey_design(c.column("w"), strata=c.column("stratum"), psu=c.column("psu"))
    draws = {"rho": told.get("fay", 0.0), "replicates": told.get("count", 0), "seed": told.get("seed", 1)}
    theirs = replicate_means(made(drawn, told["make"], **draws), np.eye(4)[c.codes()])
    assert theirs is not None
    c.agree(column(found, "standard_error"), theirs.errors, EXACT, of="manifest, made")
    assert found["agree", "all"]["variance_method"] == words


def test_a_jackknife_of_a_finite_population_has_its_fractions(tmp_path: Path) -> None:
    c = design_oracles.case("case02_fpc_one_stage")
    design = DESIGN | {"population": "fpc", "replicates": {"make": "JKn"}}
    found, _ = rows(designed(c, tmp_path, design))
    drawn = survey_design(c.column("w"), strata=c.column("stratum"), psu=c.text("psu"), population=c.column("fpc"))
    theirs = replicate_means(jackknife(drawn), np.eye(4)[c.codes()], c.where("sex", "f"))
    assert theirs is not None
    c.agree(column(found, "standard_error", "f"), theirs.errors, EXACT, of="manifest, made")
    assert found["agree", "f"]["degrees_of_freedom"] == theirs.df
    assert found["agree", "f"]["variance_method"].endswith("made from strata and PSU, finite population correction")


def small(folder: Path, rows_: int = 240) -> Case:
    """Four strata of three PSUs, a question with a net-free list, a filter, a weight, a population, two replicates."""
    chance = np.random.default_rng(5)
    at = np.arange(rows_)
    w = chance.uniform(0.5, 2, rows_)
    columns: dict[str, list[Any]] = {
        "q": chance.integers(1, 4, rows_).astype(float).tolist(),
        "sex": chance.integers(1, 3, rows_).astype(float).tolist(),
        "w": w.tolist(),
        "stratum": (at % 4).astype(float).tolist(),
        "psu": (at // 4 % 3).astype(float).tolist(),
        "size": (at % 4 + 5).astype(float).tolist(),
        "rep01": (w * chance.choice([0.0, 2.0], rows_)).tolist(),
        "rep02": (w * chance.choice([0.0, 2.0], rows_)).tolist(),
        "rep03": (w * chance.choice([0.0, 2.0], rows_)).tolist(),
    }
    return Case(
        folder,
        columns,
        [variable(name) for name in columns],
        [item("army", "agree:1", "disagree:2", "neither:3")],
        [{"question": "q", "item": "army", "variable": "q"}],
        [code("q", str(n), None, one, "substantive") for n, one in enumerate(("agree", "disagree", "neither"), 1)],
        {"weight": {"variable": "w"}, "design": {}, "banners": [banner("sex", "12")]},
    )


def replicated(**more: Any) -> dict[str, Any]:
    return {"replicates": {"prefix": "rep", "count": 3, "digits": 2, "method": "BRR", **more}}


def drawn(folder: Path, design: dict[str, Any]) -> Case:
    case = small(folder)
    case.told["design"] = design
    return case


def test_factors_of_the_weight_are_multiplied_by_it(tmp_path: Path) -> None:
    combined, _ = rows(drawn(tmp_path, replicated()))
    factors = drawn(tmp_path, replicated(combined=False))
    for name in ("rep01", "rep02", "rep03"):
        factors.columns[name] = [one / w for one, w in zip(factors.columns[name], factors.columns["w"], strict=True)]
    apart, _ = rows(factors)
    for key, row in combined.items():
        assert apart[key]["standard_error"] == pytest.approx(row["standard_error"], rel=1e-12)


def test_the_figures_of_one_column_at_a_time_come_out(tmp_path: Path) -> None:
    case = drawn(tmp_path, replicated(mse=True))
    case.columns["w"][:20] = [0.0] * 20
    case.told["weight"]["zeros"] = 20
    found, scores = rows(case)
    sample = case.sample()
    assert sample.replicates is not None
    r = given(sample.weights, sample.replicates, 1 / 3, True)
    q, sex = np.array(case.columns["q"]), np.array(case.columns["sex"])
    for value, inside in (("all", sex > 0), ("1", sex == 1), ("2", sex == 2)):
        shares = replicate_means(r, np.column_stack([q == one for one in (1, 2, 3)]), inside)
        mean = replicate_means(r, q, inside)
        assert shares is not None and mean is not None
        for at, category in enumerate(("agree", "disagree", "neither")):
            row = found[category, value]
            assert row["standard_error"] / 100 == pytest.approx(shares.errors[at], rel=1e-12)
            assert (row["degrees_of_freedom"], row["n"]) == (shares.df, shares.n)
        (score,) = (one for one in scores if one["subgroup_value"] == value)
        assert score["standard_error"] == pytest.approx(mean.errors[0], rel=1e-12)


def test_a_row_with_weight_0_needs_neither_size_nor_replicate_weights(tmp_path: Path) -> None:
    for design, name in ((DESIGN | {"population": "size"}, "size"), (replicated(), "rep02")):
        case = drawn(tmp_path, design)
        case.columns["w"][4], case.columns["rep02"][4] = 0.0, 0.0
        case.told["weight"] = {"variable": "w", "zeros": 1}
        whole, _ = rows(case)
        case.columns[name][4] = NAN
        assert rows(case)[0] == whole


def test_the_rank_of_replicate_weights_is_that_of_their_singular_values() -> None:
    chance = np.random.default_rng(7)
    for n, many, of in ((200, 12, 12), (200, 12, 5), (6, 12, 6), (6, 12, 3), (40, 40, 39)):
        columns = chance.uniform(0.1, 2, (n, of)) @ chance.uniform(0.1, 2, (of, many)) * 1e6
        assert rank(columns) == of == np.linalg.matrix_rank(columns, tol=1e-5 * np.linalg.norm(columns, 2)), (n, of)
    assert rank(np.zeros((3, 2))) == 0


def test_a_population_without_strata_and_psus_corrects_the_plain_error(tmp_path: Path) -> None:
    case = drawn(tmp_path, {"population": "size"})
    case.columns["size"] = [960.0] * 240
    corrected = rows(case)[0]["agree", "1"]
    case.told["design"] = None
    plain = rows(case)[0]["agree", "1"]
    assert corrected["standard_error"] == pytest.approx(plain["standard_error"] * (1 - 240 / 960) ** 0.5, rel=1e-12)
    assert corrected["variance_method"] == "Taylor linearisation, weights only, finite population correction"


def test_a_stratum_that_is_the_whole_population_may_have_one_psu_and_adds_no_error(tmp_path: Path) -> None:
    case = drawn(tmp_path, DESIGN | {"population": "size"})
    first = [at for at, one in enumerate(case.columns["stratum"]) if one == 0]
    for at in first:
        case.columns["psu"][at], case.columns["size"][at] = 0.0, 1.0
    row = rows(case)[0]["agree", "all"]
    assert row["standard_error"] > 0 and row["degrees_of_freedom"] == 10 - 4
    assert "lone PSU" not in row["variance_method"]
    case.told["design"] = DESIGN | {"population": "size", "replicates": {"make": "JKn"}}
    with pytest.raises(ProblemsError, match="a stratum with one PSU only: no variance \\(found 'stratum=0'\\)"):
        rows(case)


def test_coded_answers_keep_the_design_and_old_ones_are_still_read(tmp_path: Path) -> None:
    population = DESIGN | {"population": "size"}
    sized = drawn(tmp_path, population)
    for design in (population, replicated(), DESIGN | {"replicates": {"make": "JKn"}}):
        case = drawn(tmp_path, design)
        told = case.told | {"design": design}
        coded = code_respondents(release(told=told), RELEASE, case.sample(), "0" * 64)
        write(tmp_path / "answers.parquet", coded)
        back = CodedFile(tmp_path / "answers.parquet")
        assert estimate(back)[0].equals(estimate(coded)[0])
        assert [name for name in sorted(back.names) if name.startswith(("population", "replicate"))] == (
            ["population"] if "population" in design else [f"replicate_{n}" for n in (1, 2, 3)] * ("psu" not in design)
        )
    back = code_respondents(release(told=told | {"design": population}), RELEASE, sized.sample(), "0" * 64)
    plain, compiled = (estimate(back, start)[0].to_pydict() for start in (10**9, 0))
    assert compiled["standard_error"] == pytest.approx(plain["standard_error"], rel=1e-12), "the compiled sums know it"
    older = {key: value for key, value in coded.header.model_dump(mode="json").items() if key != "replicates"}
    assert Header.model_validate(older).replicates is None


@pytest.mark.parametrize(
    ("design", "change", "problem"),
    [
        (
            DESIGN | {"population": "size"},
            lambda c: c["size"].__setitem__(4, 9.0),
            "respondents.design.population: several population sizes in the stratum stratum=0 (found '5 and 9'); "
            "expected one number of PSUs for all of a stratum",
        ),
        (
            DESIGN | {"population": "size"},
            lambda c: c["size"].__setitem__(slice(None), [2.0] * 240),
            "respondents.design.population: a population of fewer PSUs than the sample has in the stratum stratum=0 "
            "(found '2'); expected 3 or more",
        ),
        (
            DESIGN | {"population": "size"},
            lambda c: c["size"].__setitem__(4, NAN),
            "respondents.design.population: respondents without a population size (found '1 row'); expected a number "
            "for everyone with a weight above 0",
        ),
        (
            DESIGN | {"population": "sise"},
            lambda c: None,
            "respondents.design.population: a variable that wave.sav does not have (found 'sise'); expected the name "
            "of a variable of the file; nearest: 'size'",
        ),
        (
            replicated(),
            lambda c: c["rep02"].__setitem__(4, NAN),
            "respondents.design.replicates.prefix.1: respondents without the replicate weight rep02 (found '1 row'); "
            "expected a number for everyone with a weight above 0",
        ),
        (
            replicated(),
            lambda c: c["rep02"].__setitem__(slice(None), [0.0] * 240),
            "respondents.design.replicates.prefix.1: a replicate weight that is 0 for everyone (found 'rep02'); "
            "expected weights",
        ),
        (
            replicated(count=2),
            lambda c: None,
            "respondents.design.replicates.count: the file has more replicate weights with this prefix (found '2'); "
            "expected the number that the file has, or variables; nearest: 'rep03'",
        ),
        (
            replicated(count=5),
            lambda c: None,
            "respondents.design.replicates.prefix: a variable that wave.sav does not have (found 'rep04'); expected "
            "the name of a variable of the file; nearest: 'rep01'",
        ),
        (
            {"replicates": {"variables": ["rep01", "repp"], "method": "BRR"}},
            lambda c: None,
            "respondents.design.replicates.variables.1: a variable that wave.sav does not have (found 'repp'); "
            "expected the name of a variable of the file; nearest: 'rep01'",
        ),
    ],
)
def test_what_the_file_does_not_bear_out_is_said(
    design: dict[str, Any], change: Any, problem: str, tmp_path: Path
) -> None:
    case = drawn(tmp_path, design)
    change(case.columns)
    said = case.problems()
    assert said[0] == f"release.yml, column {problem}"
    assert len(said) == (4 if "fewer" in problem else 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("replicates: {method: JK1}", "replicates need one of variables, prefix with count, or make"),
        ("replicates: {prefix: r, method: JK1}", "prefix and count belong together"),
        ("replicates: {prefix: r, count: 4}", "replicates without method; expected JK1"),
        ("replicates: {prefix: r, count: 4, method: JKn}", "method JKn without rscales"),
        ("replicates: {prefix: r, count: 4, method: JKn, rscales: [1, 1]}", "2 rscales for 4 replicate weights"),
        ("replicates: {prefix: r, count: 2, method: BRR, rscales: [1, 1]}", "rscales of BRR without scale"),
        ("replicates: {prefix: r, count: 4, method: Fay}", "fay belongs to method Fay"),
        ("replicates: {prefix: r, count: 4, method: BRR, fay: 0.3}", "fay belongs to method Fay"),
        ("replicates: {prefix: r, count: 4, method: Fay, fay: 0.3, scale: 1}", "the scale of Fay follows from fay"),
        ("replicates: {prefix: r, count: 4, method: other}", "method other without scale"),
        ("replicates: {variables: [a], method: BRR}", "one replicate weight gives no error"),
        ("replicates: {variables: [a, a], method: BRR}", "the replicate weight 'a' stands twice"),
        ("replicates: {variables: [a, b], method: BRR, digits: 2}", "digits belong to prefix"),
        ("psu: p\n  replicates: {prefix: r, count: 4, method: BRR}", "psu beside the producer's replicate weights"),
        ("lonely: adjust\n  replicates: {prefix: r, count: 4, method: BRR}", "lonely beside the producer's"),
        ("psu: p\n  replicates: {make: JKn, scale: 2}", "replicates that are made have their own scale"),
        ("strata: [h]\n  replicates: {make: JKn}", "make JKn without psu"),
        ("psu: p\n  replicates: {make: bootstrap}", "make bootstrap without count"),
        ("psu: p\n  replicates: {make: BRR, seed: 1}", "seed belongs to make: bootstrap"),
        ("psu: p\n  replicates: {make: BRR, count: 8}", "prefix and count belong together"),
        ("psu: p\n  replicates: {make: Fay}", "fay belongs to method Fay or make Fay"),
        ("psu: p\n  population: n\n  replicates: {make: BRR}", "make BRR with population; expected JKn"),
        ("strata: [h]\n  psu: p\n  replicates: {make: JK1}", "make JK1 with strata; expected JKn"),
        ("psu: p\n  lonely: adjust\n  replicates: {make: JK1}", "make JK1 with lonely adjust"),
        ("lonely: adjust", "neither strata nor psu; expected one of them, or no design at all"),
    ],
)
def test_what_a_manifest_may_not_say_of_a_design(text: str, told: str) -> None:
    text = f"file: a.sav\nexpect_rows: 3\nweight: {{variable: w}}\ndesign:\n  {text}\n"
    with pytest.raises(ProblemsError, match=told):
        read_yaml(text.encode(), "release.yml", Respondents)


def test_replicates_need_the_weight_that_they_belong_to() -> None:
    block = {"file": "a.sav", "expect_rows": 3, "design": replicated()}
    with pytest.raises(ValueError, match="replicate weights with weight none; expected the weight of the whole sample"):
        Respondents.model_validate(block | {"weight": "none"})
    with pytest.raises(ValueError, match="replicate weights with a weight that is made here"):
        Respondents.model_validate(block | {"weight": {"base": {"variable": "w"}, "trim": {"highest": 3}}})
    assert Respondents.model_validate(block | {"weight": "none", "design": replicated(combined=False)})


def test_scales_follow_from_the_method() -> None:
    def of(**more: Any) -> list[float]:
        return scales(Replicates.model_validate({"prefix": "r", "count": 4, **more})).tolist()

    assert of(method="JK1") == [0.75] * 4
    assert of(method="BRR") == [0.25] * 4
    assert of(method="Fay", fay=0.5) == [1.0] * 4
    assert of(method="bootstrap") == pytest.approx([1 / 3] * 4)
    assert of(method="bootstrap", scale=0.25) == [0.25] * 4
    assert of(method="JKn", scale=1) == [1.0] * 4
    assert of(method="JKn", rscales=[0.5, 0.5, 0.75, 0.75]) == [0.5, 0.5, 0.75, 0.75]
    assert of(method="other", scale=2, rscales=[1, 2, 3, 4]) == [2.0, 4.0, 6.0, 8.0]


def test_ids_of_estimates_depend_on_the_design_and_not_on_its_words() -> None:
    def told(design: Any, weight: str = "w") -> str:
        block = {"file": "a.sav", "expect_rows": 3, "weight": {"variable": weight}, "design": design}
        return of_sample(Respondents.model_validate(block))

    assert '"design":{"lonely":"fail","psu":"psu","strata":["stratum"]}' in told(DESIGN), "ids of before stay"
    names = ["rep01", "rep02", "rep03"]
    first = told(replicated())
    assert told(replicated() | {"note": "said so"}) == first
    assert told({"replicates": {"variables": names, "method": "BRR"}}) == first
    assert told({"replicates": {"variables": names, "method": "other", "scale": 1 / 3}}) == first, "the same figures"
    others = [
        told(DESIGN),
        told(DESIGN | {"population": "size"}),
        told(DESIGN | {"replicates": {"make": "JKn"}}),
        told(DESIGN | {"replicates": {"make": "JKn", "mse": True}}),
        told(replicated(mse=True)),
        told(replicated(combined=False)),
        told(replicated(method="JK1")),
        told({"replicates": {"variables": names[::-1], "method": "JKn", "rscales": [0.5, 0.5, 1]}}),
    ]
    assert len({first, *others}) == 9


def test_the_variables_of_a_design_are_named_for_those_who_draft_the_next_wave() -> None:
    design = SampleDesign.model_validate(DESIGN | {"population": "size"})
    assert list(design.variables.values()) == ["stratum", "psu", "size"]
    assert list(SampleDesign.model_validate(replicated()).variables.values()) == ["rep01", "rep02", "rep03"]


def with_columns(survey: surveys.Survey, more: dict[str, list[float]], without: list[str]) -> surveys.Survey:
    """The file of a survey with some columns more, and some less."""
    frame, meta = pyreadstat.read_sav(survey.path, user_missing=True)
    pyreadstat.write_sav(
        pd.concat([frame.drop(columns=without), pd.DataFrame(more)], axis=1), survey.path,
        column_labels=meta.column_names_to_labels, variable_value_labels=meta.variable_value_labels,
        missing_ranges=meta.missing_ranges,
    )  # fmt: skip
    return survey


def test_waves_of_one_series_with_different_designs(tmp_path: Path) -> None:
    house = factory.house(tmp_path)
    files = [surveys.write_survey(tmp_path / f"files{at}", seed=at) for at in range(1, 6)]
    weight = np.array([row["wes"] for row in files[2].rows])
    group = np.arange(len(weight)) % 10
    left_out = {f"rep{at + 1}": np.where(group == at, 0, weight * 10 / 9).tolist() for at in range(10)}
    sizes = [40.0 if row["stratum"] < 3 else 8.0 for row in files[3].rows]
    with_columns(files[1], {}, ["stratum", "psu"])
    with_columns(files[2], left_out, ["stratum", "psu"])
    with_columns(files[3], {"npsu": sizes}, [])
    designs: list[Any] = [
        DESIGN,
        None,
        {"replicates": {"prefix": "rep", "count": 10, "method": "JK1"}},
        DESIGN | {"population": "npsu"},
        DESIGN | {"replicates": {"make": "JKn"}},
    ]
    for at, (survey, design) in enumerate(zip(files, designs, strict=True), 1):
        surveys.write_release(
            house.catalogue, survey, f"{at:02d}", month=at, with_file=True, respondents={"design": design}
        )
    done = refresh(house, audit=no_audit)
    assert done.report.quarantined == {}
    assert done.published is not None
    query = (
        "SELECT wave, variance_method, percent, standard_error, degrees_of_freedom FROM estimates "
        "WHERE item = 'plan-support' AND category = 'support' AND subgroup = 'total' ORDER BY wave"
    )
    with duckdb.connect(str(done.published), read_only=True) as database:
        found = database.sql(query).fetchall()
    assert [(wave, method) for wave, method, *_ in found] == [
        ("01", "Taylor linearisation, strata and PSU"),
        ("02", "Taylor linearisation, weights only"),
        ("03", "JK1, 10 replicate weights of the producer"),
        ("04", "Taylor linearisation, strata and PSU, finite population correction"),
        ("05", "JKn, 20 replicate weights made from strata and PSU"),
    ]
    n = sum(row["wes"] > 0 and row["Q1"] != 98 for row in files[1].rows)
    assert [df for *_, df in found] == [15, n - 1, 9, 15, 15]
    for (_, _, percent, error, _), survey in zip(found, files, strict=True):
        assert percent == pytest.approx(survey.shares["plan-support", "support", "total", "all"].value, rel=1e-9)
        assert 0.5 < error < 5
    jackknifed = given(weight, np.column_stack(list(left_out.values())), 0.9)
    q1 = np.array([row["Q1"] for row in files[2].rows])
    theirs = replicate_means(jackknifed, (q1 == 1).astype(float), q1 != 98)
    assert theirs is not None and found[2][3] / 100 == pytest.approx(theirs.errors[0], rel=1e-9)


class Oracle:
    """Answers of R for a real file that is not here."""

    def __init__(self, name: str) -> None:
        with (ORACLES / name / "answers.csv").open(encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))

    def disagreeing(self, found: Estimated, item_of: Any, column_of: Any) -> tuple[int, list[str]]:
        """Figures compared, and those further than 1e-9 of R's from it."""
        names = {
            "share": "percent", "standard_error": "standard_error", "low": "percent_low", "high": "percent_high",
            "n": "n", "degrees_of_freedom": "degrees_of_freedom", "mean": "value", "mean_error": "standard_error",
        }  # fmt: skip
        bad, compared = [], 0
        for row in self.rows:
            theirs, statistic = float(row["value"]), row["statistic"]
            of, column_ = item_of(row), column_of(row)
            if statistic.startswith("mean"):
                ours = found.means[of[0], column_][names[statistic]]
            elif row["category"]:
                one = found.shares[of[0], of[1], column_]
                if "suppressed" in one["flags"]:
                    continue
                ours = one[names[statistic]] / 100
            else:
                ours = next(
                    one[names[statistic]] for key, one in found.shares.items() if (key[0], key[2]) == (of[0], column_)
                )
            compared += 1
            if abs(ours - theirs) > CLOSE * abs(theirs):
                bad.append(f"{row}: {ours!r}")
        return compared, bad


@pytest.fixture(scope="module")
def norway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ESS10NO.csv: of the package, or in a folder that WEATHERVANE_FILES names."""
    (one,) = (data for data in extras.DATA_SETS if data.name == "ESS10NO")
    for folder in filter(None, os.environ.get("WEATHERVANE_FILES", "").split(":")):
        path = Path(folder) / "ESS10NO.csv"
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == one.written:
            return path
    try:
        metadata.distribution(extras.PACKAGE)
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs ESS10NO.csv, of the package {extras.PACKAGE} {extras.VERSION} (make extra); it is not here")
    return extras.put(one, tmp_path_factory.mktemp("extra"))


def test_norway_has_the_shares_errors_intervals_and_means_of_r(norway: Path, tmp_path: Path) -> None:
    """R 4.2.2, survey 4.1.1; the call is tests/oracles/ess10no/call.R.txt."""
    name = "ess/norway/round-10"
    found = estimated(name, answers(norway, tmp_path / "read"))
    with (CATALOGUE / "releases" / name / "categories.csv").open(encoding="utf-8") as file:
        categories = {(row["question"], row["code"]): row["category"] for row in csv.DictReader(file)}
    items = {"eu_vote": "ess-eu-membership-vote", "imbgeco": "ess-immigration-economy"}
    compared, bad = Oracle("ess10no").disagreeing(
        found,
        lambda row: (items[row["item"]], categories.get((row["item"], row["category"]))),
        lambda row: row["column"],
    )
    assert bad == []
    assert compared == 156


@pytest.mark.shared
def test_the_gss_of_1977_by_sex_and_age_has_the_shares_errors_and_normal_intervals_of_r(
    shared: Path, tmp_path: Path
) -> None:
    """R 4.2.2, survey 4.1.1; the call is tests/oracles/gss1977/call.R.txt."""
    source = answers(shared / "microdata/gss-1972-2024/gss_sub.dta", tmp_path / "read")
    found = estimated("norc/gss/1977", source)
    categories = dict(enumerate(("", "strongly_agree", "agree", "disagree", "strongly_disagree")))
    compared, bad = Oracle("gss1977").disagreeing(
        found,
        lambda row: ("gss-man-achiever-woman-home", categories[int(row["category"] or 0)]),
        lambda row: row["column"],
    )
    assert bad == []
    assert compared == 90
