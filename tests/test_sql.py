"""The examples of docs/sql.md run as written, and the macros say what they should on invented rows."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from schemas.tables import BY_NAME
from schemas.vocabulary import Comparability, words
from warehouse import build, connect
from warehouse.layout import PROJECT

PAGE = PROJECT / "docs" / "sql.md"
BLOCK = re.compile(r"^```sql\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"^-- (rows|at least): (\d+)$", flags=re.MULTILINE)


def examples() -> Iterator[Any]:
    text = PAGE.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        heading = re.findall(r"^## (.*)$", text[: block.start()], flags=re.MULTILINE)[-1]
        line = text.count("\n", 0, block.start()) + 1
        yield pytest.param(block[1], id=f"line {line} {heading}")


@pytest.mark.parametrize("query", list(examples()))
def test_examples_of_the_page(query: str, published: Path) -> None:
    with connect.read(published) as db:
        rows = db.execute(query).fetchall()
    for kind, number in EXPECTED.findall(query):
        if kind == "rows":
            assert len(rows) == int(number)
        else:
            assert len(rows) >= int(number)


def test_the_page_starts_with_the_newspaper_case_and_has_enough_examples() -> None:
    queries = [param.values[0] for param in examples()]
    assert len(queries) >= 12
    assert "trend('belarus-army-role', 'join_russia')" in queries[0]
    text = PAGE.read_text(encoding="utf-8")
    for table in BY_NAME:
        assert f"`{table}`" in text, f"docs/sql.md does not mention the table {table}"


@pytest.mark.parametrize("column", ["organisation", "series", "item", "category"])
def test_the_names_in_the_examples_are_those_of_the_catalogue(column: str, published: Path) -> None:
    """An example about answers is empty without their files, so a name that is gone would not be missed."""
    table = {"organisation": "organisations", "series": "series", "item": "items", "category": "categories"}[column]
    named = {name for param in examples() for name in re.findall(rf"\b{column} = '([^']+)'", param.values[0])}
    assert named, f"no example names a {column}"
    with connect.read(published) as db:
        known = {name for (name,) in db.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()}
    assert not named - known, f"docs/sql.md names {', '.join(sorted(named - known))} in {column}"


# --- invented rows ---------------------------------------------------------------------------------------------------

HOUSE = {"organisation": "acme", "series": "monthly"}
CELL = {"item": "war", "category": "yes", "subgroup": "total", "subgroup_value": "all"}
# wave: percent, standard error, fieldwork
WAVES: dict[str, tuple[float | None, float | None, dt.date | None]] = {
    "01": (40.0, 1.5, dt.date(2022, 1, 1)),
    "02": (41.0, 1.5, dt.date(2022, 2, 1)),
    "03": (50.0, 1.5, dt.date(2022, 3, 1)),
    "04": (44.0, None, dt.date(2022, 4, 1)),
    "05": (30.0, 1.5, dt.date(2022, 5, 1)),
    "06": (31.0, 1.5, dt.date(2022, 6, 1)),
    "07": (32.0, 1.5, dt.date(2022, 7, 1)),
    "08": (33.0, 1.5, dt.date(2022, 8, 1)),
    "09": (34.0, 1.5, None),
}
# Steps into the waves that are in trends: comparability, reasons, segment. 06 to 08 are not in trends, nor is 09.
STEPS: dict[str, tuple[Comparability | None, list[str], int]] = {
    "01": (None, [], 1),
    "02": ("with_note", ["mode changes", "noted"], 1),
    "03": ("comparable", [], 1),
    "04": ("with_note", ["noted"], 1),
    "05": ("break", ["new question"], 2),
}
QUESTIONS = {
    "06": {"reviewed_by": None, "decision": "join"},
    "07": {"reviewed_by": "someone", "decision": "exclude", "reason": "a retelling"},
}


def estimate(wave: str, **changes: Any) -> dict[str, Any]:
    percent, error, day = WAVES[wave]
    row = {
        **HOUSE, **CELL, "wave": wave, "fieldwork_start": day, "fieldwork_end": day, "percent": percent,
        "percent_low": None if error is None or percent is None else percent - 2 * error,
        "percent_high": None if error is None or percent is None else percent + 2 * error,
        "standard_error": error, "n": 1000, "basis": "published", "qualifier": "exact",
        "published_text": f"{percent:g}", "interval_method": "wilson", "flags": [], "base": "all respondents",
        "vintage": "2022", "estimate_id": f"e{wave}", "source_url": f"https://example.org/{wave}",
        "release": f"acme/monthly/{wave}", "question": "q1",
    }  # fmt: skip
    return {**row, **changes}


def question(wave: str, **changes: Any) -> dict[str, Any]:
    row = {
        **HOUSE, "wave": wave, "release": f"acme/monthly/{wave}", "question": "q1", "item": "war",
        "wording": f"War, wave {wave}?", "wording_kind": "verbatim", "question_match": "same", "options_match": "same",
        "answer": "single", "form": "full", "n_unknown": False, "decision": "join", "reviewed_by": "someone",
    }  # fmt: skip
    return {**row, **QUESTIONS.get(wave, {}), **changes}


def trend(wave: str, **changes: Any) -> dict[str, Any]:
    comparability, reasons, segment = STEPS[wave]
    position = list(STEPS).index(wave) + 1
    before = list(STEPS)[position - 2] if position > 1 else None
    joined = comparability in ("comparable", "with_note")
    row = estimate(wave) | {
        "position": position, "segment": segment, "predecessor": before, "comparability": comparability,
        "reasons": reasons, "wording": f"War, wave {wave}?",
        "change": WAVES[wave][0] - WAVES[before][0] if joined and before else None,  # type: ignore[operator]
    }  # fmt: skip
    return {**row, **changes}


def vintage(wave: str, since: dt.date | None, until: dt.date | None, **changes: Any) -> dict[str, Any]:
    row = estimate(wave) | {
        "load_vintage": 1, "loaded_at": dt.datetime(2024, 1, 1), "cause": "new", "available_from": since,
        "available_until": until, "latest": until is None,
    }  # fmt: skip
    return {**row, **changes}


def topline(wave: str, **changes: Any) -> dict[str, Any]:
    row = {
        **HOUSE, **CELL, "wave": wave, "release": f"acme/monthly/{wave}", "cell": "toplines.csv, row 2",
        "file_sha256": "f" * 64, "question": "q1", "wording": "", "option": "yes",
        "percent_text": f"{WAVES[wave][0]:g}", "percent": WAVES[wave][0], "qualifier": "exact", "base_text": "all",
        "published": "2022", "source_url": f"https://example.org/{wave}", "confidence": "read_directly",
        "standing": "figure", "base": "all respondents",
    }  # fmt: skip
    return {**row, **changes}


def database(path: Path, rows: Mapping[str, list[dict[str, Any]]]) -> duckdb.DuckDBPyConnection:
    build.create(path, {name: BY_NAME[name].to_arrow(BY_NAME[name].frame(found)) for name, found in rows.items()})
    return connect.read(path)


def records(db: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = db.execute(query)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    men = {"subgroup": "sex", "subgroup_value": "men"}
    day = dt.date(2022, 6, 1)
    rows: dict[str, list[dict[str, Any]]] = {
        "organisations": [{"organisation": "acme", "name": "Acme Institute", "other_names": []}],
        "series": [{**HOUSE, "name": "Monthly survey"}],
        "waves": [
            {
                **HOUSE, "wave": wave, "fieldwork": f"wave {wave}, month known", "population": "adults", "mode": "CATI",
                "weighting": "age", "probability_sample": "yes", "disclosed_items": 4, "undisclosed": [], "releases": 1,
            }
            for wave in WAVES
        ],
        "categories": [
            {"item": "war", "category": name, "position": place, "label": label, "kind": "substantive", "parts": []}
            for place, (name, label) in enumerate({"yes": "Yes, in favour", "no": "No"}.items(), start=1)
        ],
        "questions": [question(wave) for wave in WAVES],
        "estimates": [
            *(estimate(wave) for wave in WAVES),
            estimate("01", category="no", estimate_id="e01no"),
            estimate("02", category="no", percent=41.0, estimate_id="e02no"),
            estimate("01", **men, percent=10.0, estimate_id="e01men"),
            estimate("02", **men, percent=90.0, estimate_id="e02men", base="men in work"),
            # Another house with the same names of waves, in the other order of time.
            estimate("01", organisation="bolt", fieldwork_start=dt.date(2023, 1, 1), estimate_id="b01"),
            estimate("02", organisation="bolt", fieldwork_start=dt.date(2022, 1, 1), estimate_id="b02"),
        ],
        "trends": [
            *(trend(wave) for wave in reversed(STEPS)),
            trend("01", category="no"),
            trend("02", category="no", comparability="comparable", reasons=[]),
            trend("01", **men),
            trend("02", organisation="bolt", position=1, comparability=None, reasons=[]),
            trend("01", organisation="bolt", position=2, segment=2, comparability="not_comparable", reasons=["other"]),
        ],
        "vintages": [
            vintage("01", dt.date(2022, 2, 1), day, estimate_id="old01", percent=39.0, percent_low=36.0,
                    published_text="39"),
            vintage("01", day, None),
            vintage("02", None, None),
            vintage("03", day, None),
            # Two that claim the same days: the later one stands.
            vintage("04", dt.date(2022, 4, 1), dt.date(2022, 9, 1), estimate_id="a", percent=1.0, percent_low=None),
            vintage("04", dt.date(2022, 5, 1), dt.date(2022, 9, 1), estimate_id="b", percent=2.0, percent_low=None),
            vintage("04", dt.date(2022, 9, 1), None),
        ],
        "toplines": [
            topline("01"), topline("01", percent_text="39", cell="toplines.csv, row 9", standing="superseded"),
            topline("02"), topline("02", cell="toplines.csv, row 1", standing="repeat", source_url="https://other.org"),
        ],
    }  # fmt: skip
    yes = estimate("05")
    rows["estimates"] += [
        {**yes, "wave": wave, "estimate_id": wave, "qualifier": qualifier, "published_text": text, "percent": percent,
         "percent_low": None, "percent_high": None, "n": None, "flags": ["second_hand"]}
        for wave, qualifier, text, percent in (
            ("about", "about", "25", 25.0), ("more", "more_than", "60", 60.0), ("less", "less_than", "1.5", 1.5),
            ("range", "range", "2-4", None),
        )
    ]  # fmt: skip
    with database(tmp_path_factory.mktemp("sql") / "invented.duckdb", rows) as connection:
        yield connection


def test_trend(db: duckdb.DuckDBPyConnection) -> None:
    rows = records(db, "FROM trend('war', 'yes')")
    assert [(row["organisation"], row["wave"]) for row in rows] == [
        *(("acme", wave) for wave in STEPS),
        ("bolt", "02"),
        ("bolt", "01"),
    ]
    assert [row["change"] for row in rows[:5]] == [None, 1.0, 9.0, -6.0, None]
    assert list(rows[0]) == [
        "organisation", "series", "wave", "fieldwork_start", "fieldwork_end", "n", "percent", "percent_low",
        "percent_high", "qualifier", "change", "comparability", "reasons", "segment", "flags", "wording", "source_url",
        "estimate_id",
    ]  # fmt: skip


def test_parameters_may_be_named_and_are_not_taken_for_columns(db: duckdb.DuckDBPyConnection) -> None:
    named = records(db, "FROM trend(category := 'no', item := 'war')")
    assert [row["wave"] for row in named] == ["01", "02"]
    assert records(db, "FROM trend('peace', 'yes')") == []
    assert len(records(db, "FROM compare(item := 'war', wave_a := '01', wave_b := '02') WHERE category = 'no'")) == 1
    assert len(records(db, "FROM cite(estimate_id := 'e01')")) == 1


@pytest.mark.parametrize("alias", ["v", "e", "t", "c", "d", "r", "p", "w", "s", "f"])
def test_a_column_as_argument_is_not_captured_by_a_name_inside(db: duckdb.DuckDBPyConnection, alias: str) -> None:
    """DuckDB puts the argument's text into the macro; a table or column of that name inside would take it."""
    for argument in (f"{alias}.estimate_id", "estimate_id"):
        cited = db.execute(f"SELECT {alias}.estimate_id, x.citation FROM vintages AS {alias}, cite({argument}) AS x")
        rows = cited.fetchall()
        assert len(rows) == 7
        assert [row for row in rows if not row[1].endswith(f"Estimate {row[0]}.")] == []
    for prefix in (f"{alias}.", ""):
        found = db.execute(
            f"""SELECT {alias}.item, {alias}.category, x.estimate_id FROM categories AS {alias},
            trend({prefix}item, {prefix}category) AS x"""
        ).fetchall()
        assert sorted(found) == sorted(
            db.execute("SELECT item, category, estimate_id FROM trends WHERE subgroup = 'total'").fetchall()
        )
        waves = f"(SELECT 'war' AS item, unnest(['02', '03']) AS wave_a, '01' AS wave_b) AS {alias}"
        pairs = db.execute(
            f"""SELECT {alias}.wave_a, x.wave_a, x.wave_b FROM {waves},
            compare({prefix}item, {prefix}wave_a, {prefix}wave_b) AS x
            WHERE x.organisation = 'acme' AND x.category = 'yes' ORDER BY ALL"""
        ).fetchall()
        assert pairs == [("02", "01", "02"), ("03", "01", "03")]
        days = f"(SELECT unnest([DATE '2022-02-01', DATE '2022-06-01']) AS day) AS {alias}"
        stood = db.execute(
            f"SELECT {alias}.day::VARCHAR, wave, percent FROM {days}, estimates_as_of({prefix}day) AS x ORDER BY ALL"
        ).fetchall()
        assert stood == [
            ("2022-02-01", "01", 39.0),
            ("2022-06-01", "01", 40.0),
            ("2022-06-01", "03", 50.0),
            ("2022-06-01", "04", 2.0),
        ]


def compared(db: duckdb.DuckDBPyConnection, one: str, two: str, category: str = "yes") -> dict[str, Any]:
    query = f"FROM compare('war', '{one}', '{two}') WHERE organisation = 'acme' AND category = '{category}'"
    (row,) = records(db, query)
    assert row == records(db, query.replace(f"'{one}', '{two}'", f"'{two}', '{one}'"))[0]  # either order
    return row


def test_compare_two_waves_that_join(db: duckdb.DuckDBPyConnection) -> None:
    row = compared(db, "03", "01")
    error = (2 * 1.5**2) ** 0.5
    assert (row["wave_a"], row["wave_b"], row["percent_a"], row["percent_b"]) == ("01", "03", 40.0, 50.0)
    assert row["change"] == 10.0
    assert row["standard_error"] == pytest.approx(error, rel=1e-12)
    assert row["change_low"] == pytest.approx(10 - 1.959963984540054 * error, rel=1e-12)
    assert row["change_high"] == pytest.approx(10 + 1.959963984540054 * error, rel=1e-12)
    assert row["comparability"] == "with_note"  # the worst step between, though the last one is comparable
    assert row["reasons"] == ["mode changes", "noted"]
    assert row["verdict"] == "rise"


def test_compare_says_when_nothing_can_be_told(db: duckdb.DuckDBPyConnection) -> None:
    assert compared(db, "01", "02")["verdict"] == "no_detectable_change"
    no_error = compared(db, "01", "04")
    assert (no_error["change"], no_error["standard_error"], no_error["verdict"]) == (4.0, None, "not_tested")
    assert no_error["reasons"] == ["mode changes", "noted", "not tested: no standard error in wave 04"]


@pytest.mark.parametrize(
    ("one", "two", "comparability", "reasons"),
    [
        ("04", "05", "break", ["new question"]),
        ("01", "05", "break", ["mode changes", "noted", "new question"]),
        ("05", "06", "unreviewed", ["not reviewed in wave 06"]),
        ("05", "07", "unreviewed", ["wave 07 is excluded from trends: a retelling"]),
        ("08", "09", "unreviewed", ["wave 08 is not in trends", "wave 09 has no date"]),
    ],
)
def test_compare_does_not_join_what_must_not_be_joined(
    db: duckdb.DuckDBPyConnection, one: str, two: str, comparability: str, reasons: list[str]
) -> None:
    row = compared(db, one, two)
    assert (row["wave_a"], row["comparability"], row["reasons"]) == (one, comparability, reasons)
    assert [row[name] for name in ("change", "standard_error", "change_low", "change_high")] == [None] * 4
    assert row["verdict"] == "not_tested"
    assert None not in (row["percent_a"], row["percent_b"])


def test_compare_keeps_houses_and_categories_apart(db: duckdb.DuckDBPyConnection) -> None:
    rows = records(db, "FROM compare('war', '01', '02')")
    found = [(row["organisation"], row["category"], row["wave_a"], row["comparability"]) for row in rows]
    assert found == [
        ("acme", "yes", "01", "with_note"),
        ("acme", "no", "01", "comparable"),
        ("bolt", "yes", "02", "not_comparable"),
    ]
    assert records(db, "FROM compare('war', '01', '01')") == []
    assert records(db, "FROM compare('war', '01', 'none')") == []


def test_compare_ranks_as_the_vocabulary_does() -> None:
    text = (build.SQL / "macros.sql").read_text(encoding="utf-8")
    assert "[" + ", ".join(f"'{word}'" for word in words(Comparability)) + "]" in text


def test_estimates_as_of(db: duckdb.DuckDBPyConnection) -> None:
    def stood(day: str) -> dict[str, float]:
        return {row["wave"]: row["percent"] for row in records(db, f"FROM estimates_as_of({day})")}

    assert stood("'2022-01-31'") == {}
    assert stood("'2022-02-01'") == {"01": 39.0}  # known from that day on; 02 is undated and never stands
    assert stood("DATE '2022-05-31'") == {"01": 39.0, "04": 2.0}
    assert stood("'2022-06-01'") == {"01": 40.0, "03": 50.0, "04": 2.0}  # replaced by the end of that day
    assert stood("TIMESTAMP '2022-09-01 12:00:00'")["04"] == 44.0
    assert list(records(db, "FROM estimates_as_of('2022-06-01')")[0]) == list(BY_NAME["estimates"].columns)


def test_cite(db: duckdb.DuckDBPyConnection) -> None:
    (row,) = records(db, "FROM cite('e01')")
    assert row["citation"] == (
        "Acme Institute, Monthly survey, wave 01. Fieldwork: wave 01, month known. Population: adults. Mode: CATI. "
        'n = 1000. Question: "War, wave 01?" Answer: "Yes, in favour": 40 % (95 % interval 37.0 to 43.0, wilson). '
        f"Weighting: age. Published: 2022. File sha256: {'f' * 64}. https://example.org/01. Estimate e01."
    )
    assert row["cell"] == "toplines.csv, row 2"
    assert row["replaced_on"] is None
    assert records(db, "FROM cite('none')") == []


def test_cite_a_figure_that_was_replaced(db: duckdb.DuckDBPyConnection) -> None:
    (row,) = records(db, "FROM cite('old01')")
    assert (row["percent"], row["replaced_on"]) == (39.0, dt.date(2022, 6, 1))
    assert row["cell"] == "toplines.csv, row 9"
    assert "Published: 2022; replaced on 2022-06-01. " in row["citation"]


def test_cite_takes_the_figure_and_not_its_repeat(db: duckdb.DuckDBPyConnection) -> None:
    assert records(db, "FROM cite('e02')")[0]["cell"] == "toplines.csv, row 2"


@pytest.mark.parametrize(
    ("estimate_id", "words_"),
    [
        ("about", "about 25 % (no interval)"),
        ("more", "more than 60 % (no interval)"),
        ("less", "less than 1.5 % (no interval)"),
        ("range", "2-4 % (no interval)"),
    ],
)
def test_cite_keeps_the_qualifier(db: duckdb.DuckDBPyConnection, estimate_id: str, words_: str) -> None:
    (row,) = records(db, f"FROM cite('{estimate_id}')")
    assert f'"Yes, in favour": {words_}. ' in row["citation"]
    assert ". n not stated. " in row["citation"]
    assert ". Flags: second hand. " in row["citation"]


def test_cite_names_subgroup_and_base(db: duckdb.DuckDBPyConnection) -> None:
    assert "n = 1000 (sex: men), base: men in work. " in records(db, "FROM cite('e02men')")[0]["citation"]


def test_every_estimate_of_the_catalogue_can_be_cited(published: Path) -> None:
    with connect.read(published) as db:
        cited = db.execute("SELECT v.estimate_id, c.citation FROM vintages AS v, cite(v.estimate_id) AS c").fetchall()
        everything = db.execute("SELECT estimate_id FROM vintages").fetchall()
    assert everything
    assert sorted(row[0] for row in cited) == sorted(row[0] for row in everything)
    assert [row for row in cited if not row[1] or not row[1].endswith(f"Estimate {row[0]}.")] == []


def test_compare_agrees_with_changes(published: Path) -> None:
    """Two roads to the same numbers: SQL here, Python in assets.trends."""
    with connect.read(published) as db:
        pairs = db.execute(
            """SELECT (c.organisation, c.item, c.category, c.wave_from, c.wave_to),
                (c.wave_from, c.wave_to, c.comparability, c.verdict = 'not_tested'),
                (c.change, c.standard_error, c.change_low),
                (x.wave_a, x.wave_b, x.comparability, x.verdict = 'not_tested'),
                (x.change, x.standard_error, x.change_low)
            FROM changes AS c, compare(c.item, c.wave_to, c.wave_from) AS x
            WHERE c.subgroup = 'total' AND x.organisation = c.organisation AND x.series = c.series
                AND x.category = c.category"""
        ).fetchall()
        everything = db.execute("SELECT count(*) FROM changes WHERE subgroup = 'total'").fetchone()
    assert everything == (len(pairs),)
    assert pairs
    for where, their_words, their_numbers, our_words, our_numbers in pairs:
        assert our_words == their_words, where
        for ours, theirs in zip(our_numbers, their_numbers, strict=True):
            assert (ours is None) == (theirs is None), where
            assert ours is None or ours == pytest.approx(theirs, rel=1e-12, abs=1e-12), where
