"""The estimates as SQL: equal to the engine and to the textbook, whatever the design; text that Spark takes too.

The textbook's formula is tests/textbook.py, one cell at a time.
"""

import json
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from assets.estimates.engine import coded
from assets.estimates.engine.coded import Banner, Coded, CodedFile, Header, Question
from assets.estimates.engine.frame import order
from assets.estimates.engine.margins import share_margins
from assets.estimates.engine.tables import estimate
from assets.estimates.twin import duck
from assets.estimates.twin.compare import FIGURES, TOLERANCE, Difference, differences, engine_sums, worst
from assets.estimates.twin.results import Sums
from assets.estimates.twin.statements import Statement, statements, strata
from assets.refresh import refresh
from pipeline.cli import codes, show
from pipeline.cli.main import app
from schemas.problems import ProblemsError
from tests import factory, surveys, textbook
from tests.conftest import no_audit
from warehouse.layout import PROJECT, Layout

CATEGORIES = ["for", "against", "neither"]
NETS = {"opinion": ["for", "against"], "all": CATEGORIES}
NUMPY = 1 << 62  # so much work that nothing is compiled
RULES = ("fail", "remove", "certainty", "adjust", "average")
DESIGNS = [("plain", "average"), ("strata", "average"), ("strata", "adjust"), ("psu", "average")]
DESIGNS += [("both", rule) for rule in RULES] + [("population", rule) for rule in ("remove", "adjust", "average")]


def header(banners: list[Banner], questions: list[Question], lonely: str = "remove", **more: Any) -> Header:
    return Header.model_validate(
        {
            "release": "house/series/1", "organisation": "house", "series": "series", "wave": "1", "vintage": "undated",
            "fieldwork_start": None, "fieldwork_end": None, "source_url": None, "inputs": "0" * 64, "depends": "",
            "lonely": lonely, "variance_method": "Taylor linearisation", "interval": "logit", "normal": False,
            "model_based": False, "banners": banners, "questions": questions,
        }
        | more
    )  # fmt: skip


def asked(name: str, **more: Any) -> Question:
    return Question(question=name, item=name, base="all respondents", flags=[], depends="", **more)


def one_of_each() -> list[Question]:
    """One answer with scores; several answers."""
    return [
        asked("war", categories=CATEGORIES, nets=NETS, column="q_war", scores="score_war"),
        asked("media", categories=CATEGORIES, nets=NETS, columns=[f"q_media__{one}" for one in CATEGORIES]),
    ]


def random_answers(seed: int, rows: int, kind: str, lonely: str, lone: bool = True) -> Coded:
    """A design of up to five strata of one to four PSUs, weights with zeros, an empty column, rows in no column."""
    draw = np.random.default_rng(seed)
    psus = draw.integers(1 if lone else 2, 5, draw.integers(1, 6))
    of_psu = np.repeat(np.arange(len(psus)), psus)
    psu = np.concatenate([np.arange(len(of_psu)), draw.integers(0, len(of_psu), rows)])
    n = len(psu)
    chosen = draw.integers(-1, 5 if draw.random() < 0.8 else 1, n)  # 4 is left out below, 3 is none of them
    ticked = draw.random((3, n)) < draw.random((3, 1))
    outside = draw.random(n) < 0.2
    media = zip(CATEGORIES, np.where(outside, -1, ticked).astype(np.int8), strict=True)
    arrays = {
        "weight": np.where(draw.random(n) < 0.15, 0.0, draw.choice([0.25, 1.0, draw.lognormal()], n)),
        "stratum": of_psu[psu].astype(np.int32),
        "psu": psu.astype(np.int32),
        "by_sex": np.where(draw.random(n) < 0.1, -1, draw.integers(0, 2, n)).astype(np.int16),
        "by_region": np.where(psu == 0, 2, draw.integers(-1, 2, n)).astype(np.int16),
        "q_war": np.where(chosen == 4, 0, chosen).astype(np.int16),
        **{f"q_media__{one}": own for one, own in media},
        "score_war": np.where(draw.random(n) < 0.2, np.nan, draw.normal(0, 3, n).round(1)),
    }  # fmt: skip
    arrays["weight"] *= n / max(arrays["weight"].sum(), 1e-9)
    for name, kinds in (("stratum", ("strata", "both", "population")), ("psu", ("psu", "both", "population"))):
        if kind not in kinds:
            del arrays[name]
    if kind == "population":
        arrays["population"] = (psus * draw.choice([1.0, 1.5, 20.0], len(psus)))[of_psu[psu]]
    place = order(arrays.get("stratum"), arrays.get("psu"))
    made = {name: one if place is None else one[place] for name, one in arrays.items()}
    banners = [
        Banner(subgroup="sex", column="by_sex", values=["men", "women"], depends=""),
        Banner(subgroup="region", column="by_region", values=["north", "south", "capital", "nobody"], depends=""),
    ]
    return Coded(header(banners, one_of_each(), lonely), made)


def written(of: Coded, path: Path) -> CodedFile:
    coded.write(path, of)
    return CodedFile(path)


def large(rows: int, kind: str) -> Coded:
    """Unequal weights with mean 1, PSUs of about thirty people that lean one way, six columns."""
    draw = np.random.default_rng(rows)
    psu = np.sort(draw.integers(0, rows // 30, rows)).astype(np.int32)
    leaning = draw.normal(0, 0.8, rows // 30)[psu]
    weight = draw.lognormal(0, 0.6, rows)
    chosen = np.digitize(leaning + draw.normal(0, 1, rows), [0.2, 2.5, 3.2])  # the last is one in a thousand
    arrays = {
        "weight": weight / weight.mean(),
        "by_sex": draw.integers(0, 2, rows).astype(np.int16),
        "by_region": draw.choice(4, rows, p=[0.05, 0.6, 0.3, 0.05]).astype(np.int16) - 1,
        "q_war": np.where(draw.random(rows) < 0.05, -1, chosen).astype(np.int16),
        **{f"q_media__{one}": (draw.random(rows) < 0.3 + 0.1 * leaning).astype(np.int8) for one in CATEGORIES},
        "score_war": np.where(chosen == 2, np.nan, chosen - 5.0),
    } | ({"psu": psu, "stratum": psu // 25} if kind == "both" else {})
    arrays["by_region"] = arrays["by_region"].astype(np.int16)
    banners = [
        Banner(subgroup="sex", column="by_sex", values=["men", "women"], depends=""),
        Banner(subgroup="region", column="by_region", values=["north", "south", "capital"], depends=""),
    ]
    return Coded(header(banners, one_of_each(), "adjust"), arrays)


def by_the_book(of: Coded, shape: list[Sums]) -> list[Sums]:
    """Sums like those given, every cell filled from the textbook's formula."""
    a, filled = of.arrays, deepcopy(shape)
    columns = [np.ones(of.rows, bool)] + [
        a[one.column] == at for one in of.header.banners for at in range(len(one.values))
    ]
    parts = [[at] for at in range(3)] + [[CATEGORIES.index(one) for one in net] for net in NETS.values()]
    several = [a[f"q_media__{one}"] for one in CATEGORIES]
    outputs = [
        [np.isin(a["q_war"], of_) for of_ in parts],
        [np.any([several[at] == 1 for at in of_], axis=0) for of_ in parts],
    ]
    bases = [a["q_war"] >= 0, several[0] >= 0]
    design = a["weight"], a.get("stratum"), a.get("psu"), a.get("population")
    for question, base in enumerate(bases):
        shares = filled[question].shares
        assert shares is not None
        for at, column in enumerate(columns):
            for o, y in enumerate(outputs[question]):
                cell = textbook.mean(*design, base & column, y, of.header.lonely)
                fill(shares.base, at, cell)
                shares.share[at, o], shares.rest[at, o] = cell.value, 1 - cell.value
                shares.variance[at, o] = cell.variance
    means = filled[0].means
    assert means is not None
    for at, column in enumerate(columns):
        cell = textbook.mean(*design, ~np.isnan(a["score_war"]) & column, a["score_war"], of.header.lonely)
        fill(means.base, at, cell)
        means.value[at], means.variance[at] = cell.value, cell.variance
    return filled


def fill(base: Any, at: int, cell: textbook.Cell) -> None:
    base.n[at], base.weight[at], base.df[at] = cell.n, cell.weight, cell.df


def agree(told: list[Difference]) -> None:
    assert [one for one in told if one.largest > TOLERANCE] == []
    assert {one.figure for one in told if one.cells} == set(FIGURES)


# Without shrinking: a smaller seed is not a simpler design.
@settings(derandomize=True, deadline=None, max_examples=3, database=None, phases=[Phase.generate])
@given(st.integers(0, 2**32), st.integers(3, 60))
@pytest.mark.parametrize(("kind", "lonely"), DESIGNS)
def test_engine_sql_and_textbook_agree_on_any_small_design(
    tmp_path_factory: pytest.TempPathFactory, kind: str, lonely: str, seed: int, rows: int
) -> None:
    # Where a stratum of one PSU has no rule the release is set aside before anything is estimated.
    of = random_answers(seed, rows, kind, lonely, lone=lonely != "fail")
    path = tmp_path_factory.mktemp("twin") / coded.NAME
    coded.write(path, of)
    sql, numpy = duck.sums(path), engine_sums(of, NUMPY)
    agree(differences(of, engine_sums(of), sql))
    agree(differences(of, engine_sums(of), duck.sums(path, together=0)))
    agree(differences(of, numpy, sql))
    agree(differences(of, by_the_book(of, numpy), sql))


@pytest.mark.parametrize(
    ("rows", "kind", "weight"),
    [(10_000, "plain", None), (10_000, "both", None), (100_000, "both", None), (100_000, "plain", 0.7)],
)
def test_tens_of_thousands_of_rows_differ_by_rounding_only(
    tmp_path: Path, rows: int, kind: str, weight: float | None
) -> None:
    of = large(rows, kind)
    if weight is not None:  # all alike, so that every sum is rounded the same way
        of.arrays["weight"][:] = weight
    coded.write(tmp_path / coded.NAME, of)
    engine, sql = engine_sums(of), duck.sums(tmp_path / coded.NAME)
    agree(differences(of, engine, sql))
    for one, other in zip(engine, sql, strict=True):
        assert one.shares is not None
        assert other.shares is not None
        assert np.sqrt(other.shares.variance) == pytest.approx(np.sqrt(one.shares.variance), rel=TOLERANCE, nan_ok=True)


def test_intervals_and_errors_of_the_tables_follow_from_the_sums_of_the_statements(tmp_path: Path) -> None:
    of = large(2_000, "both")
    coded.write(tmp_path / coded.NAME, of)
    found = estimate(of)[0].to_pandas().set_index(["question", "category", "subgroup_value"])
    for question, sums in zip(of.header.questions, duck.sums(tmp_path / coded.NAME), strict=True):
        assert sums.shares is not None
        margins = share_margins(sums.shares, "logit", normal=False)
        for o, category in enumerate([*question.categories, *question.nets]):
            for at, column in enumerate(["all", "men", "women", "north", "south", "capital"]):
                row = found.loc[(question.question, category, column)]
                told = [margins.value[at, o], margins.error[at, o], margins.low[at, o], margins.high[at, o]]
                expected = row[["percent", "standard_error", "percent_low", "percent_high"]].astype(float) / 100
                assert told == pytest.approx(list(expected), rel=TOLERANCE)
                assert sums.shares.base.n[at] == row["n"]


def test_a_share_of_everyone_has_no_variance_and_an_empty_column_no_figure(tmp_path: Path) -> None:
    of = random_answers(3, 40, "both", "remove", lone=False)
    of.arrays["q_war"][:] = 0
    coded.write(tmp_path / coded.NAME, of)
    shares = duck.sums(tmp_path / coded.NAME)[0].shares
    assert shares is not None
    assert (shares.share[0, 0], shares.rest[0, 0], shares.variance[0, 0]) == (1.0, 0.0, 0.0)
    assert (shares.share[0, 1], shares.rest[0, 1], shares.variance[0, 1]) == (0.0, 1.0, 0.0)
    assert shares.base.n[-1] == 0
    assert np.isnan(shares.share[-1]).all()
    assert np.isnan(shares.variance[-1]).all()


@pytest.mark.parametrize("lonely", RULES)
def test_a_single_respondent_is_no_lone_psu(tmp_path: Path, lonely: str) -> None:
    of = random_answers(4, 10, "plain", lonely)
    one = Coded(of.header, {name: values[:1].copy() for name, values in of.arrays.items()})
    one.arrays["weight"][0], one.arrays["q_war"][0], one.arrays["score_war"][0] = 2.0, 1, 5.0
    coded.write(tmp_path / coded.NAME, one)
    found = duck.sums(tmp_path / coded.NAME)
    assert [told.largest for told in differences(one, engine_sums(one), found)] == [0.0] * len(FIGURES)
    assert found[0].shares is not None
    assert (found[0].shares.share[0, 1], found[0].shares.variance[0, 1]) == (1.0, 0.0)


@pytest.mark.parametrize("together", [0, 1 << 20])
def test_names_from_a_file_stay_names(tmp_path: Path, together: int) -> None:
    of = random_answers(5, 40, "both", "adjust")
    evil = {
        "by_sex": 'by_"; DROP TABLE strata; --', "q_war": "q_select", "score_war": "score_it's", "by_region": "by_d",
        "q_media__for": 'q_""', "q_media__against": "w", "q_media__neither": "q_media_1",
    }  # fmt: skip
    told = of.header.model_dump_json()
    for name, other in evil.items():
        told = told.replace(f'"{name}"', json.dumps(other))
    named = Coded(Header.model_validate_json(told), {evil.get(name, name): one for name, one in of.arrays.items()})
    coded.write(tmp_path / "it's.parquet", named)
    agree(differences(named, engine_sums(named), duck.sums(tmp_path / "it's.parquet", together=together)))


def test_a_header_that_names_what_is_not_there_is_refused(tmp_path: Path) -> None:
    of = random_answers(5, 40, "both", "adjust")
    del of.arrays["q_war"], of.arrays["by_sex"]
    coded.write(tmp_path / coded.NAME, of)
    for together in (0, 1 << 20):
        with pytest.raises(ProblemsError, match=r"names columns that the file does not have.*by_sex, q_war"):
            duck.sums(tmp_path / coded.NAME, together=together)


def test_questions_stand_side_by_side_up_to_the_width_and_are_never_split(tmp_path: Path) -> None:
    of = random_answers(5, 40, "both", "adjust")
    names = frozenset(of.arrays)
    assert [(one.banner, one.questions) for one in statements(of.header, names)] == [
        (None, (0, 1)), (0, (0, 1)), (1, (0, 1))
    ]  # fmt: skip
    assert [one.questions for one in statements(of.header, names, width=1)] == [(0,), (1,)] * 3
    coded.write(tmp_path / coded.NAME, of)
    right = duck.sums(tmp_path / coded.NAME)
    for together in (0, 1 << 20):
        agree(differences(of, duck.sums(tmp_path / coded.NAME, width=1, together=together), right))


@pytest.mark.parametrize(("kind", "lonely"), [("plain", "fail"), ("strata", "adjust"), ("population", "average")])
def test_every_statement_has_a_form_that_spark_parses(kind: str, lonely: str) -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="needs sqlglot (requirements-dev.lock)")
    from assets.estimates.twin.dialects import translated

    of = random_answers(5, 40, kind, lonely)
    names = frozenset(of.arrays)
    for sql in [strata(names), *(one.sql for one in statements(of.header, names))]:
        text = translated(sql)
        assert "MATERIALIZED" not in text
        assert "TRY_CAST" not in text
        assert '"' not in text
        parsed = sqlglot.parse_one(text, read="spark")
        functions = {one.sql_name() for one in parsed.find_all(sqlglot.exp.Func)} - {"TRY_CAST"}  # Spark's CAST
        assert functions <= {
            "COUNT", "SUM", "MIN", "MAX", "AVG", "VARIANCE_POP", "CASE", "IF", "NULLIF", "GREATEST", "CAST", "AND",
            "OR",
        }, f"Spark was asked for {functions}"  # fmt: skip


def test_the_form_for_spark_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlglot = pytest.importorskip("sqlglot", reason="needs sqlglot (requirements-dev.lock)")
    from assets.estimates.twin.dialects import translated

    of = random_answers(6, 60, "both", "average")
    coded.write(tmp_path / coded.NAME, of)
    right = duck.sums(tmp_path / coded.NAME)

    def there_and_back(*given: Any, **more: Any) -> list[Statement]:
        return [
            replace(one, sql=sqlglot.transpile(translated(one.sql), read="spark", write="duckdb")[0])
            for one in statements(*given, **more)
        ]

    monkeypatch.setattr(duck, "statements", there_and_back)
    agree(differences(of, right, duck.sums(tmp_path / coded.NAME, together=0)))


def test_differences_are_told_with_their_place(tmp_path: Path) -> None:
    of = random_answers(8, 60, "both", "remove")
    coded.write(tmp_path / coded.NAME, of)
    engine, sql = engine_sums(of), duck.sums(tmp_path / coded.NAME)
    assert sql[1].shares is not None
    sql[1].shares.share[2, 3] *= 1 + 1e-9
    sql[1].shares.variance[0, 1] = np.nan
    sql[1].shares.base.n[1] += 2
    told = {one.figure: one for one in differences(of, engine, sql)}
    assert told["percent"].largest == pytest.approx(1e-9, rel=1e-3)
    assert told["percent"].where == "media, opinion, sex: women"
    assert (told["standard_error"].largest, told["standard_error"].where) == (np.inf, "media, against, everyone")
    assert (told["n"].largest, told["n"].where) == (2, "media, sex: men")
    assert told["mean"].largest < TOLERANCE
    assert worst("n", [told["n"], Difference("n", 5, 3.0, "there")]) == ("n", told["n"].cells + 5, 3.0, "there")


def test_errors_of_weights_made_to_meet_targets_are_left_out(tmp_path: Path) -> None:
    of = random_answers(8, 60, "psu", "remove", lone=False)
    w = of.arrays["weight"]
    made = {"targets": [{"called": "sex", "column": "target_sex", "names": ["men", "women"]}], "rake": True,
            "before": "weight_before", "after": "weight_after", "said": "raked"}  # fmt: skip
    cell = np.where(w > 0, of.arrays["by_sex"] == 1, -1).astype(np.int16)
    raked = Coded(
        Header.model_validate(of.header.model_dump() | {"calibration": made}),
        {**of.arrays, "target_sex": cell, "weight_before": w, "weight_after": w},
    )
    coded.write(tmp_path / coded.NAME, raked)
    told = {one.figure: one for one in differences(raked, engine_sums(raked), duck.sums(tmp_path / coded.NAME))}
    assert told["standard_error"].cells == 0
    assert told["percent"].cells > 0
    assert max(one.largest for one in told.values()) <= TOLERANCE


def test_errors_and_degrees_of_freedom_of_replicate_weights_are_left_out(tmp_path: Path) -> None:
    of = random_answers(8, 60, "plain", "fail")
    made = {"make": "JK1", "mse": False}
    replicated = Coded(Header.model_validate(of.header.model_dump() | {"replicates": made}), of.arrays)
    coded.write(tmp_path / coded.NAME, replicated)
    told = {
        one.figure: one.cells
        for one in differences(replicated, engine_sums(replicated), duck.sums(tmp_path / coded.NAME))
    }
    assert (told["standard_error"], told["degrees_of_freedom"]) == (0, 0)
    assert min(told["percent"], told["mean"], told["n"]) > 0


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A house with two waves, refreshed."""
    layout = factory.house(tmp_path_factory.mktemp("twins"))
    for month in (1, 2):
        survey = surveys.write_survey(tmp_path_factory.mktemp("survey"), seed=month, n=400)
        surveys.write_release(layout.catalogue, survey, f"{month:02d}", month=month, with_file=True)
    done = refresh(layout, audit=no_audit)
    assert done.report.quarantined == {}
    return layout


@pytest.fixture
def house(loaded: Layout, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("WEATHERVANE_DATA", str(loaded.data))
    monkeypatch.setenv("WEATHERVANE_CATALOG", str(loaded.catalogue))
    return loaded


def test_verify_prints_the_largest_difference_of_every_release(house: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show.out, "width", 160)
    done = CliRunner().invoke(app, ["verify", "--engine", "acme"])
    assert done.exit_code == 0, done.output
    assert "acme/monthly/01" in done.output
    assert "acme/monthly/02" in done.output
    assert "2 releases" in done.output
    assert "allowed: 1e-12" in done.output
    told = json.loads(CliRunner().invoke(app, ["verify", "--engine", "acme/monthly/02", "--json"]).output)
    assert list(told["releases"]) == ["acme/monthly/02"]
    assert [one["figure"] for one in told["overall"]] == list(FIGURES)
    assert all(one["cells"] > 0 and one["largest"] <= TOLERANCE for one in told["overall"])


def test_verify_fails_where_the_two_differ_or_the_release_is_unknown(
    house: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = duck.sums

    def wrong(path: Path) -> list[Sums]:
        found = right(path)
        means = next(one.means for one in found if one.means is not None)
        means.value[0] += 1
        return found

    monkeypatch.setattr(duck, "sums", wrong)
    monkeypatch.setattr(show.out, "width", 160)
    done = CliRunner().invoke(app, ["verify", "--engine", "acme/monthly/02"])
    assert done.exit_code == 1
    assert "mean DIFFERS by" in done.output
    assert "everyone" in done.output
    unknown = CliRunner().invoke(app, ["verify", "--engine", "acme/monthly/03"])
    assert unknown.exit_code == codes.USAGE
    assert "no release 'acme/monthly/03' is loaded" in unknown.output


def test_verify_names_loads_without_coded_answers(house: Layout, tmp_path: Path) -> None:
    kept = house.lake / "acme/monthly/01/0001" / coded.NAME
    kept.rename(tmp_path / "aside")
    try:
        done = CliRunner().invoke(app, ["verify", "--engine", "acme/monthly/01"], env={"COLUMNS": "160"})
    finally:
        (tmp_path / "aside").rename(kept)
    assert done.exit_code == 0
    assert "1 releases were loaded before coded answers were kept" in done.output


@pytest.mark.shared
def test_real_answers_out_of_a_refresh(shared: Path, tmp_path: Path) -> None:
    catalogue, releases = PROJECT / "catalog", ("chronicles/russia-war/01", "norc/gss/1977", "norc/gss/1993")
    for name in releases:
        series = (catalogue / "releases" / name).parent
        copied = tmp_path / "catalog/releases" / name
        shutil.copytree(catalogue / "releases" / name, copied)
        shutil.copy(series / "series.yml", copied.parent)
        shutil.copy(series.parent / "organisation.yml", copied.parent.parent)
    (tmp_path / "catalog/items").mkdir()
    for path in [*catalogue.glob("items/russia-*.yml"), *catalogue.glob("items/gss-*.yml")]:
        shutil.copy(path, tmp_path / "catalog/items")
    files = (shared / "microdata/chronicles-russia/data", shared / "microdata/gss-1972-2024")
    layout = Layout(tmp_path / "data", tmp_path / "catalog", files=files)
    done = refresh(layout, audit=no_audit)
    assert done.report.quarantined == {}
    for name in releases:
        path = layout.lake / name / "0001" / coded.NAME
        answers = CodedFile(path)
        told = differences(answers, engine_sums(answers), duck.sums(path))
        assert [one for one in told if one.largest > TOLERANCE] == [], name
        assert sum(one.cells for one in told) > 100, name
