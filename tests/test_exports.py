"""What may leave, row by row and release by release; CSV and Parquet; letters; the command.

The house is tests.exports_house: acme/monthly 01 (MIT) and 02 (unknown licence) from respondents' answers, acme/weekly
01 (published) and 02 (published, under embargo until 2999-06-15). R 4.2.2 gave the chi squares of the column test.
"""

import csv
import datetime as dt
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet
import pytest
import typer.main
from typer.testing import CliRunner

from assets.exports import gates, letters, make, passing, tabular
from assets.exports.gates import RULES, Gate, NothingMayLeaveError, Standing, gate
from assets.exports.passing import SelectionError, chosen_table
from pipeline.cli import export as command
from pipeline.cli.main import app
from schemas.tables import BY_NAME, TABLES, Table
from tests.exports_house import FORMULA, UNTIL, House
from warehouse import connect
from warehouse.layout import PROJECT

TODAY = dt.date(2026, 11, 23)
FREE, CLOSED = "acme/monthly/01", "acme/monthly/02"
HELD = "acme/weekly/02"
NAMES = [table.name for table in TABLES]


@pytest.fixture
def con(exports_house: House) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect.read(exports_house.database) as opened:
        yield opened


@pytest.fixture
def here(con: duckdb.DuckDBPyConnection) -> Gate:
    return gate(con, TODAY)


def rows_of(con: duckdb.DuckDBPyConnection, of: Gate, name: str, **chosen: str) -> list[dict[str, Any]]:
    found = con.execute(passing.passing(con, of, BY_NAME[name], chosen).query)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


# ---- rules ----------------------------------------------------------------------------------------------------------


def test_the_page_has_every_rule_as_it_is() -> None:
    page = (PROJECT / "docs" / "exports.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert [row for row in told if row[0] in RULES] == [(r.name, r.covers, r.leaves) for r in RULES.values()]


@pytest.mark.parametrize(
    ("until", "last_held", "first_free"),
    [
        ("2030-02-10", dt.date(2030, 2, 9), dt.date(2030, 2, 10)),
        ("2030-02", dt.date(2030, 2, 27), dt.date(2030, 2, 28)),
        ("2030", dt.date(2030, 12, 30), dt.date(2030, 12, 31)),
    ],
)
def test_an_embargo_ends_on_its_day_or_on_the_last_day_it_can_mean(
    until: str, last_held: dt.date, first_free: dt.date
) -> None:
    one = Standing("a/b/c", "MIT", True, until)
    held = Gate([one], last_held).embargo("a/b/c")
    assert held is not None and held.rule == "embargo" and until in held.why
    assert Gate([one], first_free).embargo("a/b/c") is None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_release_under_embargo_is_in_any_table(
    con: duckdb.DuckDBPyConnection, here: Gate, name: str
) -> None:
    told = rows_of(con, here, name)
    for row in told:
        assert row.get("release") != HELD and row.get("subject") != HELD, f"{name}: {row}"
        if row.get("series") == "weekly":
            assert "02" not in (row.get("wave"), row.get("wave_from"), row.get("wave_to")), f"{name}: {row}"


@pytest.mark.parametrize("name", ["toplines", "estimates", "vintages", "waves", "releases", "questions", "trends"])
def test_the_embargo_is_what_keeps_it_back(con: duckdb.DuckDBPyConnection, here: Gate, name: str) -> None:
    after = rows_of(con, gate(con, dt.date.fromisoformat(UNTIL)), name, series="weekly")
    before = rows_of(con, here, name, series="weekly")
    assert any(row["wave"] == "02" for row in after), "the release is not there after its embargo either"
    assert [row for row in after if row["wave"] != "02"] == before
    told = passing.passing(con, here, BY_NAME[name], {"series": "weekly"}).withheld
    assert [(one.rule, one.release) for one in told] == [("embargo", HELD)]
    assert f"wait until {UNTIL}" in str(told[0]) and f"{HELD}/release.yml" in str(told[0])


def test_only_the_release_that_holds_rows_back_is_named() -> None:
    with connect.memory() as con:
        for name in ("releases", "questions", "items", "estimates"):
            con.execute(BY_NAME[name].ddl())
        for wave in ("1", "2", "3"):
            values = {"release": f"a/b/{wave}", "organisation": "a", "series": "b", "wave": wave}
            embargo = None if wave == "3" else "2999-01-01"
            _insert(con, BY_NAME["releases"], {**values, "redistribute": True, "embargo_until": embargo})
            _insert(con, BY_NAME["questions"], {**values, "item": "kept" if wave == "3" else "held"})
        _insert(con, BY_NAME["estimates"], {"release": "a/b/2"})
        _insert(con, BY_NAME["items"], {"item": "held"})
        _insert(con, BY_NAME["items"], {"item": "kept"})
        of = gate(con, TODAY)
        told = {
            name: [one.release for one in passing.passing(con, of, BY_NAME[name], {}).withheld]
            for name in ("estimates", "items", "questions")
        }
        assert told == {"estimates": ["a/b/2"], "items": ["a/b/1", "a/b/2"], "questions": ["a/b/1", "a/b/2"]}
        assert [row["item"] for row in rows_of(con, of, "items")] == ["kept"]


def test_a_change_from_or_to_an_embargoed_wave_stays_here(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    after = rows_of(con, gate(con, dt.date.fromisoformat(UNTIL)), "changes", series="weekly")
    assert len(after) == 3, "one step of each of three answers"
    assert rows_of(con, here, "changes", series="weekly") == []
    assert len(rows_of(con, here, "changes", series="monthly")) > 0


def test_every_table_with_figures_of_releases_is_tied_to_them() -> None:
    """A new table is held back with its releases without anybody thinking of it."""
    free = {"organisations", "series", "about"}
    loose = {t.name for t in TABLES if passing._tie(t) is None}
    assert loose & {t.name for t in TABLES if {"release", "wave", "estimate_id"} & set(t.columns)} == set()
    assert free <= loose


def test_the_codebook_leaves_where_files_may_be_passed_on(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    found = passing.passing(con, here, BY_NAME["codes"], {})
    (all_closed,) = con.execute("SELECT count(*) FROM codes WHERE release = ?", [CLOSED]).fetchone() or (0,)
    assert {row["release"] for row in rows_of(con, here, "codes")} == {FREE}
    assert all_closed > 0
    assert [(one.rule, one.release, one.what) for one in found.withheld] == [
        ("codebook", CLOSED, f"codes of the file: {all_closed}")
    ]
    assert "its licence is unknown" in str(found.withheld[0])
    assert "redistribute: true in acme/monthly/02/release.yml" in str(found.withheld[0])


def test_labels_of_variables_are_part_of_the_codebook(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    told = {row["release"]: row["variable_label"] for row in rows_of(con, here, "questions", item="plan-support")}
    assert told == {FREE: "Do you support the plan?", CLOSED: None}


def test_a_licence_that_is_known_but_does_not_allow_it_is_named() -> None:
    of = Gate([Standing("a/b/c", "CC BY-NC 4.0", False, None), Standing("a/b/d", "MIT", True, None)], TODAY)
    held = of.codebook("a/b/c", "codes of the file: 2")
    assert held is not None and "CC BY-NC 4.0" in held.why
    assert of.codebook("a/b/d", "codes of the file: 2") is None


def test_published_figures_and_our_estimates_leave_whatever_the_licence(
    con: duckdb.DuckDBPyConnection, here: Gate
) -> None:
    for name in ("estimates", "toplines", "scores"):
        (number,) = con.execute(f"SELECT count(*) FROM {name} WHERE release <> ?", [HELD]).fetchone() or (0,)
        assert len(rows_of(con, here, name)) == number > 0, name
    hidden = [row for row in rows_of(con, here, "estimates") if "suppressed" in row["flags"]]
    assert hidden, "the house has no suppressed cell; make a survey smaller"
    assert all(row["percent"] is None and row["percent_low"] is None for row in hidden)


@pytest.mark.parametrize(("redistribute", "leave"), [(False, ["with"]), (True, ["with", "without"])])
def test_a_wording_leaves_beside_a_figure_and_alone_only_with_a_licence(redistribute: bool, leave: list[str]) -> None:
    with connect.memory() as con:
        for name in ("releases", "questions", "estimates", "scores", "toplines"):
            con.execute(BY_NAME[name].ddl())
        values = {"release": "a/b/c", "organisation": "a", "series": "b", "wave": "c", "item": "i"}
        _insert(con, BY_NAME["releases"], {**values, "licence": "x", "redistribute": redistribute})
        for question in ("with", "without"):
            _insert(con, BY_NAME["questions"], {**values, "question": question, "wording": "Really?"})
        _insert(con, BY_NAME["estimates"], {**values, "question": "with"})
        of = gate(con, TODAY)
        found = passing.passing(con, of, BY_NAME["questions"], {})
        assert [row["question"] for row in rows_of(con, of, "questions")] == leave
        assert [one.rule for one in found.withheld] == ([] if redistribute else ["wording"])


def _insert(con: duckdb.DuckDBPyConnection, table: Table, values: dict[str, Any]) -> None:
    """A row; what is not given is something of its type, or NULL."""
    some = {"VARCHAR": "x", "BOOLEAN": False, "VARCHAR[]": [], "INTEGER": 1, "TIMESTAMP": dt.datetime(2026, 1, 1)}
    row = [
        values.get(name, None if column.nullable else some[table.sql_type(name)])
        for name, column in table.columns.items()
    ]
    con.execute(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(row))})", row)


@pytest.mark.parametrize("word", ["answers", "Responses", "respondents", "microdata"])
def test_respondents_answers_never_leave(here: Gate, word: str) -> None:
    told = chosen_table(word, here)
    assert isinstance(told, gates.Withheld) and told.rule == "answers"
    assert isinstance(chosen_table("estimates", here), Table)


def test_a_release_under_embargo_is_refused_by_name(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    for form in ("xlsx", "ddi", "jsonld"):
        with pytest.raises(NothingMayLeaveError, match=f"{HELD}, all of it .rule embargo: .*{UNTIL}"):
            make.export(con, here, form, make.Asked(HELD))


# ---- letters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p1", "e1", "p2", "e2", "chi_square"),
    [
        # prop.test(c(e1 * p1, e2 * p2), c(e1, e2), correct = FALSE)$statistic
        (0.41, 180.5, 0.29, 240.2, 6.5993704312143011),
        (0.05, 64, 0.16, 95, 4.5215041128084605),
        (0, 40, 0.10, 35, 4.195804195804196),
    ],
)
def test_the_column_test_is_that_of_r(p1: float, e1: float, p2: float, e2: float, chi_square: float) -> None:
    z = letters.z_score(p1, e1, p2, e2)
    assert z**2 == pytest.approx(chi_square, rel=1e-12)
    assert (z > 0) == (p1 > p2)
    assert letters.z_score(0, 40, 0, 50) == letters.z_score(1, 40, 1, 50) == 0


def cell(percent: float | None, effective: float | None, basis: str = "microdata") -> dict[str, Any]:
    return {"percent": percent, "n_effective": effective, "basis": basis}


def test_a_letter_stands_with_the_higher_share() -> None:
    found = letters.letters([cell(41, 180.5), cell(29, 240.2), cell(40, 200)], ["A", "B", "C"])
    assert found == [["B"], [], ["B"]]  # 41 and 40 against 29; 41 against 40 is nothing


@pytest.mark.parametrize(
    "other", [cell(1, 29.9), cell(None, 500), cell(1, None), cell(1, 500, "published"), None], ids=str
)
def test_only_cells_with_enough_base_and_from_answers_are_tested(other: dict[str, Any] | None) -> None:
    assert letters.letters([cell(90, 500), cell(1, 30)], ["A", "B"]) == [["B"], []]
    assert letters.letters([cell(90, 500), other], ["A", "B"]) == [[], []]


def test_letters_go_on_after_z() -> None:
    assert [letters.letter(number) for number in (0, 1, 25, 26, 27, 51, 52, 701, 702)] == [
        "A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


# ---- CSV and Parquet ------------------------------------------------------------------------------------------------

_READ: dict[str, Callable[[str], Any]] = {
    "VARCHAR": str, "DOUBLE": float, "INTEGER": int, "BIGINT": int, "BOOLEAN": {"true": True, "false": False}.get,
    "DATE": dt.date.fromisoformat, "TIMESTAMP": dt.datetime.fromisoformat, "VARCHAR[]": json.loads,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_csv_and_parquet_give_the_values_of_the_database(con: duckdb.DuckDBPyConnection, here: Gate, name: str) -> None:
    table = BY_NAME[name]
    found = passing.passing(con, here, table, {})
    expected = [tuple(None if value == "" else value for value in row) for row in con.execute(found.query).fetchall()]
    told = list(csv.reader(io.StringIO(tabular.as_csv(con, found, safe=False).decode("utf-8"))))
    assert told[0] == list(table.columns)
    kinds = [_READ[table.sql_type(column)] for column in table.columns]
    read = [
        tuple(None if text == "" else kind(text) for kind, text in zip(kinds, row, strict=True)) for row in told[1:]
    ]
    assert read == expected
    parquet = pyarrow.parquet.read_table(io.BytesIO(tabular.as_parquet(con, found)))
    assert [tuple(row.values()) for row in parquet.to_pylist()] == con.execute(found.query).fetchall()
    assert parquet.schema.names == list(table.columns)
    meaning = (parquet.schema.field(0).metadata or {})[b"description"].decode()
    assert meaning == table.describe(parquet.schema.names[0])


@pytest.mark.parametrize("risky", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_text_becomes_a_formula_and_no_number_becomes_a_text(risky: str) -> None:
    assert tabular.text(risky, safe=True) == f"'{risky}"
    assert tabular.text(risky, safe=False) == risky
    assert tabular.text(-1.5, safe=True) == "-1.5" and tabular.text(-3, safe=True) == "-3"
    assert tabular.text("plain = text", safe=True) == "plain = text"


def test_csv_is_safe_unless_exact_is_asked_for(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    def wording(safe: bool | None) -> str:
        made = make.export(con, here, "csv", make.Asked("items", {"item": "invented"}, safe))
        return next(csv.DictReader(io.StringIO(made.files[""].decode())))["wording"]

    assert wording(None) == wording(True) == f"'{FORMULA}"
    assert wording(False) == FORMULA


@pytest.mark.parametrize("form", list(make.FORMATS))
def test_the_same_version_gives_the_same_bytes(con: duckdb.DuckDBPyConnection, here: Gate, form: str) -> None:
    takes = make.FORMATS[form].takes
    asked = make.Asked({make.TABLE: "estimates", make.NOTHING: None}.get(takes, FREE))
    assert make.export(con, here, form, asked).files == make.export(con, here, form, asked).files


# ---- what is not there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "asked", "told"),
    [
        ("csv", make.Asked("estimats"), "nearest: estimates"),
        ("csv", make.Asked(None), "needs a selection"),
        ("csv", make.Asked("estimates", {"item": "plan-suport"}), "nearest: plan-support"),
        ("csv", make.Asked("about", {"item": "plan-support"}), "has no column item"),
        ("csv", make.Asked("estimates", {"item": "invented", "series": "monthly"}), "no row of"),
        ("xlsx", make.Asked("plan-suport"), "nearest: plan-support"),
        ("xlsx", make.Asked("acme/monthly/03"), "nearest: acme/monthly/0"),
        ("xlsx", make.Asked(FREE, {"item": "invented"}), "takes no --item"),
        ("ddi", make.Asked("plan-support"), "expected organisation/series/wave"),
        ("jsonld", make.Asked("acme/monthly/9"), "nearest: acme/monthly/0"),
        ("datapackage", make.Asked("estimates"), "holds all tables"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_with_the_nearest_name(
    con: duckdb.DuckDBPyConnection, here: Gate, form: str, asked: make.Asked, told: str
) -> None:
    with pytest.raises(SelectionError, match=re.escape(told)):
        make.export(con, here, form, asked)


# ---- the command ----------------------------------------------------------------------------------------------------

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(exports_house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("WEATHERVANE_DATA", str(exports_house.database.parents[1]))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)

    def invoked(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["export", *words])
        return done.exit_code, done.stdout, done.stderr + (str(done.exception) if done.exception else "")

    return invoked


def test_the_command_knows_the_formats_there_are() -> None:
    assert list(command._NAMES) == list(make.FORMATS)
    assert "export" in typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_fine_is_zero_and_the_file_is_where_it_was_wanted(run: Run, tmp_path: Path) -> None:
    code, out, err = run("csv", "estimates", "--series", "monthly", "--out", "out.csv")
    assert (code, err) == (0, "") and "out.csv" in out
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert {row["series"] for row in rows} == {"monthly"} and f"{len(rows):,} rows" in out


def test_without_a_place_the_file_is_named_after_what_it_holds(run: Run, tmp_path: Path) -> None:
    assert run("xlsx", FREE)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["acme-monthly-01.xlsx"]


def test_two_says_that_something_stayed_and_what_would_change_that(run: Run, tmp_path: Path) -> None:
    code, out, err = run("csv", "codes", "--out", "codes.csv")
    assert code == 2 and "codes.csv" in out
    assert "acme/monthly/02, codes of the file" in err and "rule codebook" in err and "To change that" in err
    assert (tmp_path / "codes.csv").is_file()


def test_json_has_all_of_it(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("datapackage", "--out", "pack", "--json")
    told = json.loads(out)
    assert code == 2 and told["format"] == "datapackage"
    assert sorted(told["files"]) == sorted(str(Path("pack") / p) for p in _files(tmp_path / "pack"))
    assert {(one["rule"], one["release"]) for one in told["withheld"]} == {("codebook", CLOSED), ("embargo", HELD)}
    assert told["bytes"] == sum((tmp_path / path).stat().st_size for path in told["files"])


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def test_one_says_that_nothing_leaves_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    for words in (("csv", "answers"), ("xlsx", HELD), ("csv", "estimates", "--series", "weekly", "--wave", "02")):
        code, _, err = run(*words)
        assert code == 1 and "nothing was exported" in err and "rule" in err, words
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_name_is_not_taken_for_something_that_stayed(run: Run) -> None:
    code, _, err = run("xslx", FREE)
    assert code not in (0, 1) and "nearest: xlsx" in err
    assert run("csv", "estimates", "--out", "nowhere/x.csv")[0] not in (0, 1)


def test_a_folder_that_is_no_package_is_not_written_into(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    code, _, err = run("datapackage", "--out", "mine")
    assert code == 1 and "is no data package" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert run("datapackage", "--out", "new")[0] == 2
    assert run("datapackage", "--out", "new")[0] == 2, "a package is written again in its place"


def test_no_database_and_a_damaged_one(
    exports_house: House, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path / "empty"))
    code, _, err = run("csv", "estimates")
    assert code == 1 and "no database at" in err and "run a refresh" in err
    (tmp_path / "bad").mkdir()
    damaged = tmp_path / "bad" / "weathervane.duckdb"
    shutil.copyfile(exports_house.database, damaged)
    damaged.chmod(0o644)
    damaged.write_bytes(b"\0" * 8192 + damaged.read_bytes()[8192:])
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path / "bad"))
    code, _, err = run("csv", "estimates")
    assert code == 1 and "not a valid DuckDB database" in err
    assert not list(tmp_path.glob("*.csv"))
