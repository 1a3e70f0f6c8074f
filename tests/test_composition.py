"""Changes split into composition and within: R's figures, every kind of design, what is refused, a whole refresh.

R's answers are in tests/oracles/composition; the arithmetic of the split itself is also in tests/test_changes.py.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from assets.estimates.design.design import survey_design
from assets.estimates.design.linear import means, shares, together
from assets.estimates.engine import coded, groups
from assets.estimates.engine.coded import Coded, Header
from assets.estimates.engine.sweep import frame_of
from assets.trends import composition, splits
from schemas.tables.comparisons import CHANGES
from schemas.tables.figures import ESTIMATES
from schemas.tables.readings import COMPOSITION
from tests.design_oracles import OPTIONS, case
from tests.surveys import write_survey
from tests.test_readings import rows_of
from warehouse.layout import Layout

PARTS = {"change": "standard_error", "composition": "composition_error", "within": "within_error"}
AGES = ["18-29", "30-44", "45-59", "60+"]


def header(wave: str, values: list[str], question: dict[str, Any], **more: Any) -> Header:
    told = {
        "release": f"a/b/{wave}", "organisation": "a", "series": "b", "wave": wave, "vintage": "2024",
        "fieldwork_start": None, "fieldwork_end": None, "source_url": None, "inputs": "", "depends": "",
        "lonely": "fail", "variance_method": "Taylor linearisation", "interval": "logit", "normal": False,
        "model_based": False, "banners": [{"subgroup": "age", "column": "by_age", "values": values, "depends": ""}],
        "questions": [{"question": "q", "item": "army", "base": "all respondents", "flags": [], "depends": ""}
                      | question],
    }  # fmt: skip
    return Header.model_validate(told | more)


def wave(
    name: str, codes: Any, age: Any, weight: Any = None, *, options: tuple[str, ...] = ("agree", "disagree"),
    values: list[str] | None = None, nets: dict[str, list[str]] | None = None, design: dict[str, Any] | None = None,
    **more: Any,
) -> Coded:  # fmt: skip
    """Coded answers of one question by age; `design` are columns `stratum` and `psu`."""
    arrays = {
        "weight": np.asarray(np.ones(len(codes)) if weight is None else weight, np.float64),
        "by_age": np.asarray(age, np.int16),
        "q_q": np.asarray(codes, np.int16),
    }
    question = {"categories": list(options), "nets": nets or {}, "column": "q_q"}
    return Coded(header(name, values or AGES, question, **more), arrays | (design or {}))


def split(folder: Path, one: Coded, two: Coded, categories: tuple[str, ...] = ("agree",), pair: str = "consecutive"):
    """Rows of `composition` by category, out of files as a refresh writes them."""
    files = {}
    for answers in (one, two):
        files[answers.header.release] = folder / f"{answers.header.wave}.parquet"
        pyarrow.parquet.write_table(groups.groups_of(answers), files[answers.header.release])
    cell = {"organisation": "a", "series": "b", "item": "army", "subgroup": "total", "subgroup_value": "all"}
    estimates = [
        cell | {"wave": answers.header.wave, "category": category, "basis": "microdata",
                "release": answers.header.release}
        for answers in (one, two)
        for category in categories
    ]  # fmt: skip
    changes = [
        cell | {"wave_from": one.header.wave, "wave_to": two.header.wave, "category": category, "pair": pair,
                "comparability": "comparable", "change": 1.0}
        for category in categories
    ]  # fmt: skip
    for declared, rows in ((ESTIMATES, estimates), (CHANGES, changes)):
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pylist([{name: row.get(name) for name in declared.columns} for row in rows],
                                      pyarrow.schema([one.with_nullable(True) for one in declared.arrow()])),
            folder / f"{declared.name}.parquet",
        )  # fmt: skip
    splits.write(folder, files)
    found = pyarrow.parquet.read_table(folder / "composition.parquet")
    assert COMPOSITION.problems(COMPOSITION.from_arrow(found)) == []
    return {row["category"]: row for row in found.to_pylist()}


# --- against R and by hand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clustered", "plain"])
def test_parts_and_their_errors_as_r(tmp_path: Path, name: str) -> None:
    """R differentiates the nonlinear contrast by itself; ours are slopes times the covariance of cells."""
    c = case("composition")
    waves = []
    for number in (1, 6):
        rows = np.flatnonzero(c.column("wave") == number)
        order = rows[np.lexsort((c.column("psu")[rows], c.column("stratum")[rows]))]
        design = (
            {one: c.column(one)[order].astype(np.int32) for one in ("stratum", "psu")} if name == "clustered" else {}
        )
        waves.append(wave(str(number), c.codes()[order], c.column("age")[order] - 1, c.column("w")[order],
                          options=OPTIONS, design=design))  # fmt: skip
    found = split(tmp_path, *waves, OPTIONS)
    for part, error in PARTS.items():
        ours = [found[option][part] / 100 for option in OPTIONS]
        c.agree(ours, c.r(*(f"{name}.{part}.est.{option}" for option in OPTIONS)), 1e-12, unit=0.1)
        c.agree([found[option][error] / 100 for option in OPTIONS],
                c.r(*(f"{name}.{part}.se.{option}" for option in OPTIONS)))  # fmt: skip
    assert {row["groups"] for row in found.values()} == {4}
    smallest = min(int((c.column("age")[c.column("wave") == t] == g).sum()) for t in (1, 6) for g in (1, 2, 3, 4))
    assert {row["smallest_group"] for row in found.values()} == {smallest}


def test_a_split_by_hand(tmp_path: Path) -> None:
    """A town of young and old: 1 of 4 and 3 of 4 agree, then 1 of 2 and 6 of 6; see tests/test_changes.py."""
    one = wave("1", [0, 1, 1, 1, 0, 0, 0, 1], [0] * 4 + [1] * 4, values=["young", "old"])
    two = wave("2", [0, 1, *[0] * 6], [0] * 2 + [1] * 6, values=["young", "old"])
    row = split(tmp_path, one, two)["agree"]
    assert [row[part] for part in PARTS] == pytest.approx([37.5, 12.5, 25], abs=1e-12)
    assert row["reasons"] == ["fewer than 30 people in young, old"]
    back = split(tmp_path, two, one)["agree"]
    assert [back[part] for part in PARTS] == pytest.approx([-37.5, -12.5, -25], abs=1e-12)


def test_the_order_of_columns_and_other_options_do_not_matter(tmp_path: Path) -> None:
    """The second wave lists its columns the other way round and offered one answer more."""
    generator = np.random.default_rng(3)
    codes, age = generator.integers(0, 2, (2, 300)), generator.integers(0, 2, (2, 300))
    one = wave("1", codes[0], age[0], values=["young", "old"])
    row = split(tmp_path, one, wave("2", codes[1], age[1], values=["young", "old"]))["agree"]
    three = wave("2", codes[1] + 1, 1 - age[1], values=["old", "young"], options=("new", "agree", "disagree"))
    turned = split(tmp_path, one, three)["agree"]
    for name in (*PARTS, *PARTS.values()):
        assert turned[name] == pytest.approx(row[name], rel=1e-9), name


def test_nets_are_split_as_one_answer(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    codes, age = generator.integers(0, 3, (2, 400)), generator.integers(0, 4, (2, 400))
    options, nets = ("a", "b", "c"), {"some": ["a", "b"]}
    waves = [wave(str(t), codes[t], age[t], options=options, nets=nets) for t in (0, 1)]
    found = split(tmp_path, *waves, (*options, "some"))
    alone = split(tmp_path, *(wave(str(t), codes[t] // 2, age[t]) for t in (0, 1)))["agree"]
    for name in (*PARTS, *PARTS.values()):
        assert found["some"][name] == pytest.approx(alone[name], rel=1e-12), name
    assert found["some"]["composition"] == pytest.approx(found["a"]["composition"] + found["b"]["composition"])


def test_questions_with_several_answers(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    waves, plain = [], []
    for t in "12":
        ticks = generator.integers(0, 2, (2, 200)).astype(np.int8)
        arrays = {"weight": np.ones(200), "by_age": generator.integers(0, 4, 200).astype(np.int16),
                  "q_a": ticks[0], "q_b": ticks[1]}  # fmt: skip
        question = {"categories": ["a", "b"], "columns": ["q_a", "q_b"], "nets": {"any": ["a", "b"]}}
        waves.append(Coded(header(t, AGES, question), arrays))
        plain.append(wave(t, 1 - ticks.max(axis=0), arrays["by_age"]))
    found = split(tmp_path, *waves, ("a", "b", "any"))
    assert set(found) == {"a", "b", "any"}
    alone = split(tmp_path, *plain)["agree"]
    for name in (*PARTS, *PARTS.values()):
        assert found["any"][name] == pytest.approx(alone[name], rel=1e-12), name


# --- designs ---------------------------------------------------------------------------------------------------------


def of_design(answers: Coded, design: Any) -> Any:
    """The other implementation: shares and means of groups with their covariance, cell by cell."""
    age, agrees = answers.arrays["by_age"].astype(int), (answers.arrays["q_q"] == 0).astype(float)
    everyone = np.ones(len(age), np.bool_)
    found = [shares(design, age, 2, everyone), *(means(design, agrees, age == group) for group in (0, 1))]
    return together(design, [one for one in found if one is not None])


def errors_of(one: Coded, two: Coded, covariance: Callable[[Coded], Any]) -> list[float]:
    joint = [covariance(answers) for answers in (one, two)]
    (s1, m1), (s2, m2) = (np.split(of.values, 2) for of in joint)
    slopes = {
        "composition": (np.r_[-(m1 + m2), s2 - s1] / 2, np.r_[m1 + m2, s2 - s1] / 2),
        "within": (np.r_[m2 - m1, -(s1 + s2)] / 2, np.r_[m2 - m1, s1 + s2] / 2),
    }
    return [
        100 * math.sqrt(sum(of @ j.covariance @ of for of, j in zip(pair, joint, strict=True)))
        for pair in slopes.values()
    ]


def random_wave(name: str, seed: int, **more: Any) -> Coded:
    generator = np.random.default_rng(seed)
    n = 160
    stratum = np.sort(generator.integers(0, 4, n)).astype(np.int32)
    psu = (stratum * 10 + generator.integers(0, 3, n)).astype(np.int32)
    psu[stratum == 0] = 0  # a stratum of one PSU
    order = np.lexsort((psu, stratum))
    weight = generator.uniform(0.2, 3, n) * (generator.random(n) > 0.1)
    design = {"stratum": stratum[order], "psu": psu[order]}
    design |= more.pop("columns", lambda size: {})(n)
    return wave(name, generator.integers(0, 2, n), generator.integers(0, 2, n), weight, values=["f", "m"],
                design=design, **more)  # fmt: skip


@pytest.mark.parametrize("lonely", ["remove", "certainty", "adjust", "average"])
def test_lone_psus_and_weights_of_zero_by_every_rule(tmp_path: Path, lonely: str) -> None:
    one, two = (random_wave(t, seed, lonely=lonely) for t, seed in (("1", 1), ("2", 2)))

    def drawn(answers: Coded) -> Any:
        design = survey_design(answers.arrays["weight"], strata=answers.arrays["stratum"],
                               psu=answers.arrays["psu"], lonely=lonely)  # fmt: skip
        return of_design(answers, design)

    row = split(tmp_path, one, two)["agree"]
    assert [row["composition_error"], row["within_error"]] == pytest.approx(errors_of(one, two, drawn), rel=1e-10)


@pytest.mark.parametrize("rake", [True, False])
def test_weights_that_meet_targets(tmp_path: Path, rake: bool) -> None:
    """The target is a margin, so that the errors are those of residuals; the design of `..design` says the same."""
    told = {"targets": [{"called": "region", "column": "target_region", "names": ["n", "s"]}],
            "before": "weight_before", "after": "weight", "rake": rake, "said": "raked"}  # fmt: skip

    def columns(n: int) -> dict[str, Any]:
        generator = np.random.default_rng(n)
        return {"target_region": generator.integers(0, 2, n).astype(np.int16), "weight_before": np.ones(n)}

    one, two = (
        random_wave(t, seed, lonely="remove", calibration=told, columns=columns) for t, seed in (("1", 1), ("2", 2))
    )
    row = split(tmp_path, one, two)["agree"]
    errors = errors_of(one, two, lambda answers: of_design(answers, frame_of(answers).design))
    assert [row["composition_error"], row["within_error"]] == pytest.approx(errors, rel=1e-9)


def test_replicate_weights_to_first_order(tmp_path: Path) -> None:
    """JK1 of 400 people drawn alone is close to the linear error, which it is made from one person at a time."""
    generator = np.random.default_rng(8)
    waves, plain = [], []
    for t in "12":
        codes, age, weight = generator.integers(0, 2, 400), generator.integers(0, 4, 400), generator.uniform(1, 2, 400)
        plain.append(wave(t, codes, age, weight))
        waves.append(wave(t, codes, age, weight, replicates={"make": "JK1", "mse": False}))
    made, linear = split(tmp_path, *waves)["agree"], split(tmp_path, *plain)["agree"]
    for name in PARTS:
        assert made[name] == pytest.approx(linear[name], rel=1e-12)
    for name in PARTS.values():
        assert made[name] == pytest.approx(linear[name], rel=0.02)
        assert made[name] != linear[name]


# --- what is not split -----------------------------------------------------------------------------------------------


def ages(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)) - (1 if len(counts) == 5 else 0), counts)


REFUSED: dict[str, tuple[np.ndarray, list[str], list[str]]] = {
    "another column": (ages(50, 50), ["18-34", "35+"], [
        "not split: the earlier wave has no column 18-34, 35+", "not split: the later wave has no column 18-29, 30"]),
    "nobody": (ages(50, 0, 50, 50), AGES, ["not split: nobody in the later wave is in 30-44"]),
    "in no column": (ages(20, 45, 45, 45, 45), AGES, ["not split: 10.0 % of the later wave are in no column"]),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_split_says_why(tmp_path: Path, why: str) -> None:
    age, values, reasons = REFUSED[why]
    one = wave("1", np.arange(200) % 2, ages(50, 50, 50, 50))
    row = split(tmp_path, one, wave("2", np.arange(len(age)) % 2, age, values=values))["agree"]
    assert [row[name] for name in (*PARTS, *PARTS.values(), "groups", "smallest_group")] == [None] * 8
    for reason in reasons:
        assert any(told.startswith(reason) for told in row["reasons"]), row["reasons"]


def test_one_group_is_no_composition(tmp_path: Path) -> None:
    alone = [wave(t, np.arange(60) % 2, np.zeros(60), values=["all of them", "nobody"]) for t in "12"]
    assert split(tmp_path, *alone)["agree"]["reasons"] == ["not split: everybody is in one column"]


def test_few_in_no_column_are_left_out_and_counted(tmp_path: Path) -> None:
    age = ages(4, 24, 24, 24, 24)
    row = split(tmp_path, *(wave(t, np.arange(100) % 2, age) for t in "12"))["agree"]
    assert (row["outside_from"], row["outside_to"]) == (4, 4)
    assert [row[part] for part in PARTS] == pytest.approx([0, 0, 0], abs=1e-12)


def test_too_many_cells_keep_no_covariance(tmp_path: Path) -> None:
    values = [f"age {year}" for year in range(90)]
    waves = [wave(t, np.arange(900) % 2, np.arange(900) % 90, values=values) for t in "12"]
    [told] = split(tmp_path, *waves)["agree"]["reasons"][:1]
    assert told == "not split: too many columns and answers in the earlier wave for their errors to be kept"
    assert groups.groups_of(waves[0]).column("covariance").to_pylist() == [None]


def test_pairs_with_the_baseline_are_not_split(tmp_path: Path) -> None:
    waves = [wave(t, np.arange(200) % 2, np.arange(200) % 4) for t in "12"]
    assert split(tmp_path, *waves, pair="baseline") == {}
    assert set(split(tmp_path, *waves, pair="first_last")) == {"agree"}


def test_names_of_the_file_agree() -> None:
    from assets import loading

    assert groups.NAME == splits.FILE == loading.GROUPS
    assert coded.NAME == loading.ANSWERS


# --- through a refresh -----------------------------------------------------------------------------------------------


def test_the_split_of_a_refresh_by_plain_sums(answered: Layout, tmp_path: Path) -> None:
    """Shares of the sexes and of support within them, added up row by row."""
    sizes, support = [], []
    for seed, draws in ((1, 0.3), (2, 0.5)):
        survey = write_survey(tmp_path, seed, n=900, support=draws, name=f"wave{seed}.sav")
        base = [row for row in survey.rows if row["Q1"] != 98]
        weight = [math.fsum(row["wes"] for row in base if row["sex"] == sex) for sex in (1, 2)]
        yes = [math.fsum(row["wes"] for row in base if row["sex"] == sex and row["Q1"] == 1) for sex in (1, 2)]
        sizes.append([one / sum(weight) for one in weight])
        support.append([one / whole for one, whole in zip(yes, weight, strict=True)])
    composition_ = sum((sizes[1][g] - sizes[0][g]) * (support[0][g] + support[1][g]) / 2 for g in (0, 1))
    within = sum((support[1][g] - support[0][g]) * (sizes[0][g] + sizes[1][g]) / 2 for g in (0, 1))
    rows = rows_of(
        answered.link,
        """SELECT s.*, c.change AS all_of_it, c.standard_error AS error
        FROM composition AS s JOIN changes AS c USING (item, category, wave_from, wave_to, pair)
        WHERE s.item = 'plan-support' AND s.category = 'support' AND c.subgroup = 'total'""",
    )
    by_banner = {row["banner"]: row for row in rows}
    assert set(by_banner) == {"sex", "age", "region", "sex_age"}
    sex = by_banner["sex"]
    assert sex["composition"] == pytest.approx(100 * composition_, rel=1e-9)
    assert sex["within"] == pytest.approx(100 * within, rel=1e-9)
    for row in rows:
        assert row["change"] == pytest.approx(row["all_of_it"], rel=1e-9), row["banner"]
        assert row["standard_error"] == pytest.approx(row["error"], rel=1e-9), row["banner"]


def test_every_change_of_everyone_that_compares_is_there_by_every_banner(answered: Layout) -> None:
    """Four banners; questions that do not compare are not there."""
    [counts] = rows_of(
        answered.link,
        """SELECT count(*) AS rows, count(*) FILTER (change IS NULL AND len(reasons) = 0) AS unexplained,
            (SELECT count(*) FROM changes WHERE subgroup = 'total' AND change IS NOT NULL) AS changes,
            (SELECT count(*) FROM changes WHERE subgroup = 'total' AND change IS NULL) AS others,
        FROM composition""",
    )
    assert counts["unexplained"] == 0
    assert counts["rows"] == 4 * counts["changes"] > 50
    assert counts["others"] > 0
    assert tuple(PARTS) == composition.PARTS
