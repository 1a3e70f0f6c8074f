"""Building a database file: tables, order, types, comments, storage version, and what a failure leaves behind."""

import os
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from schemas.tables import BY_NAME, TABLES
from warehouse import build, connect
from warehouse.build import BuildError, ParquetFiles

ABOUT, CATEGORIES = BY_NAME["about"], BY_NAME["categories"]


def about(**values: str) -> pyarrow.Table:
    return ABOUT.to_arrow(ABOUT.frame([{"key": key, "value": value} for key, value in values.items()]))


def categories(*names: str) -> pyarrow.Table:
    records = [
        {"item": "war", "category": name, "position": place, "label": name, "kind": "substantive", "parts": [name, "x"]}
        for place, name in enumerate(names, start=1)
    ]
    return CATEGORIES.to_arrow(CATEGORIES.frame(records))


def rows(database: Path, query: str) -> list[Any]:
    with connect.read(database) as db:
        return db.execute(query).fetchall()


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    return tmp_path / "candidate.duckdb"


def test_every_declared_table_is_there_with_types_and_comments(candidate: Path) -> None:
    counts = build.create(candidate, {})
    assert counts == {table.name: 0 for table in TABLES}
    found = rows(
        candidate,
        "SELECT c.table_name, column_name, data_type, is_nullable, c.comment FROM duckdb_columns() AS c"
        " JOIN duckdb_tables() AS t USING (table_name) WHERE NOT c.internal",
    )
    declared = [
        (table.name, name, table.sql_type(name), bool(column.nullable), table.describe(name))
        for table in TABLES
        for name, column in table.columns.items()
    ]
    assert sorted(found) == sorted(declared)
    tables = dict(rows(candidate, "SELECT table_name, comment FROM duckdb_tables()"))
    assert tables == {table.name: table.description for table in TABLES}


def test_macros_are_there_with_comments(candidate: Path) -> None:
    build.create(candidate, {})
    query = "SELECT function_name, comment FROM duckdb_functions() WHERE function_type = 'table_macro' AND NOT internal"
    comments = dict(rows(candidate, query))
    assert set(comments) == {"trend", "compare", "compare_groups", "estimates_as_of", "cite", "overdue_on"}
    for name, comment in comments.items():
        assert comment.startswith(f"{name}(")
        assert "\n" not in comment


def test_older_clients_can_open_it(candidate: Path) -> None:
    build.create(candidate, {"about": about(build_no="1")})
    tags = rows(candidate, "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal")
    assert tags[0][0].startswith(build.STORAGE_VERSION)


def test_it_is_whole_without_a_log_and_without_a_spill_folder(candidate: Path) -> None:
    build.create(candidate, {"about": about(build_no="1")})
    assert [path.name for path in candidate.parent.iterdir()] == [candidate.name]


def test_same_rows_in_any_order_make_the_same_tables(tmp_path: Path) -> None:
    generator = random.Random(7)
    names = [f"c{number}" for number in range(500)]
    table = categories(*names)
    # Two rows with one key: the audit will complain, but even they must not lie there in the order of arrival.
    twice = pyarrow.concat_tables([table, table.slice(0, 50).set_column(3, table.field("label"), [["other"] * 50])])
    seen = []
    for attempt in range(3):
        order = list(range(twice.num_rows))
        generator.shuffle(order)
        halves = twice.take(order[:300]), twice.take(order[300:])
        files = []
        for half, part in enumerate(halves):
            files.append(tmp_path / f"{attempt}-{half}.parquet")
            pyarrow.parquet.write_table(part, files[-1])
        for source in (twice.take(order), ParquetFiles(files)):
            database = tmp_path / f"{attempt}-{type(source).__name__}.duckdb"
            build.create(database, {"categories": source})
            seen.append(rows(database, "SELECT * FROM categories"))
    assert len(seen[0]) == 550
    assert all(one == seen[0] for one in seen)
    assert [row[1] for row in seen[0]] == sorted(row[1] for row in seen[0])


def test_declared_types_win_over_those_of_the_frame(candidate: Path) -> None:
    loose = pyarrow.table(
        {
            "score": pyarrow.nulls(2),
            "parts": pyarrow.array([[], ["a"]], pyarrow.large_list(pyarrow.large_string())),
            "kind": pyarrow.array(["net", "net"]).dictionary_encode(),
            "label": ["it's", 'a "label"'],
            "position": pyarrow.array([1, 2], pyarrow.int64()),
            "category": ["a", "b"],
            "item": ["war", "war"],
        }
    )
    assert build.create(candidate, {"categories": loose})["categories"] == 2
    assert rows(candidate, "SELECT * FROM categories") == [
        ("war", "a", 1, "it's", "net", [], None),
        ("war", "b", 2, 'a "label"', "net", ["a"], None),
    ]


def test_no_files_are_an_empty_table(candidate: Path) -> None:
    assert build.create(candidate, {"about": ParquetFiles([])})["about"] == 0


def test_ten_thousand_files(candidate: Path) -> None:
    folder = candidate.parent / "lake"
    folder.mkdir()
    first = folder / "0.parquet"
    pyarrow.parquet.write_table(about(one="1"), first)
    files = [first]
    for number in range(1, 10_000):
        files.append(folder / f"{number}.parquet")
        os.link(first, files[-1])
    assert build.create(candidate, {"about": ParquetFiles(files)})["about"] == 10_000


def test_folders_with_odd_names(candidate: Path) -> None:
    files = []
    for number, name in enumerate(("year=2022", "a [1]", "a 1", "what?", "star*", "it's")):
        folder = candidate.parent / name
        folder.mkdir()
        files.append(folder / "rows.parquet")
        pyarrow.parquet.write_table(about(**{f"k{number}": name}), files[-1])
    build.create(candidate, {"about": ParquetFiles(files)})
    assert [row[1] for row in rows(candidate, "SELECT * FROM about")] == [file.parent.name for file in files]


def test_a_database_in_a_folder_with_a_quote(tmp_path: Path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    build.create(folder / "candidate.duckdb", {"about": about(build_no="1")})
    assert rows(folder / "candidate.duckdb", "SELECT value FROM about") == [("1",)]


def test_a_file_from_before_a_column_was_declared(candidate: Path) -> None:
    old, new = candidate.parent / "old.parquet", candidate.parent / "new.parquet"
    pyarrow.parquet.write_table(categories("a").drop_columns(["score"]), old)
    pyarrow.parquet.write_table(categories("b"), new)
    build.create(candidate, {"categories": ParquetFiles([old, new])})
    assert rows(candidate, "SELECT category, score FROM categories") == [("a", None), ("b", None)]
    candidate.unlink()
    build.create(candidate, {"categories": ParquetFiles([old])})
    assert rows(candidate, "SELECT category, score FROM categories") == [("a", None)]


def broken_files(folder: Path) -> dict[str, tuple[dict[str, Any], str]]:
    lacking, more, hurt = (folder / f"{name}.parquet" for name in ("lacking", "more", "hurt"))
    pyarrow.parquet.write_table(categories("a").drop_columns(["label"]), lacking)
    pyarrow.parquet.write_table(categories("a").append_column("extra", pyarrow.array([1])), more)
    pyarrow.parquet.write_table(categories("a"), hurt)
    hurt.write_bytes(hurt.read_bytes()[:-20])
    null = categories("a").set_column(3, "label", pyarrow.nulls(1, pyarrow.string()))
    word = categories("a").set_column(2, "position", pyarrow.array(["first"]))
    return {
        "unknown table": ({"estimate": about(a="1")}, "no table 'estimate'.*nearest: 'estimates'"),
        "missing column": ({"categories": categories("a").drop_columns(["score"])}, "table categories: column score"),
        "undeclared column": ({"categories": ParquetFiles([more])}, "column extra is not declared"),
        "missing column in a file": ({"categories": ParquetFiles([lacking])}, "table categories.*NOT NULL.*label"),
        "missing value": ({"categories": null}, "table categories.*NOT NULL.*label"),
        "wrong type": ({"categories": word}, "table categories.*first"),
        "broken file": ({"categories": ParquetFiles([hurt])}, "table categories.*hurt.parquet"),
        "no file": ({"categories": ParquetFiles([folder / "gone.parquet"])}, "table categories.*gone.parquet"),
    }


@pytest.mark.parametrize(
    "case",
    [
        "unknown table",
        "missing column",
        "undeclared column",
        "missing column in a file",
        "missing value",
        "wrong type",
        "broken file",
        "no file",
    ],
)
def test_a_failed_build_says_where_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    tables, message = broken_files(tmp_path)[case]
    candidate = tmp_path / "work" / "candidate.duckdb"
    candidate.parent.mkdir()
    with pytest.raises(BuildError, match=f"(?s){message}"):
        build.create(candidate, {"about": about(build_no="1"), **tables})
    assert list(candidate.parent.iterdir()) == []


def test_an_existing_file_is_never_built_into(candidate: Path) -> None:
    candidate.write_text("mine")
    with pytest.raises(FileExistsError):
        build.create(candidate, {})
    assert candidate.read_text() == "mine"


def test_reading_is_read_only_and_fetches_nothing(candidate: Path) -> None:
    build.create(candidate, {})
    with connect.read(candidate) as db:
        with pytest.raises(duckdb.Error, match="read-only"):
            db.execute("CREATE TABLE mine (a INTEGER)")
        for connection in (db, connect.memory()):
            for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
                assert connection.execute(f"SELECT current_setting('{setting}')").fetchone() == (False,)


def test_reading_beside_a_connection_that_a_notebook_opened_itself(candidate: Path) -> None:
    build.create(candidate, {"about": about(build_no="1")})
    with duckdb.connect(str(candidate), read_only=True), connect.read(candidate) as ours:
        assert ours.execute("SELECT value FROM about").fetchone() == ("1",)


def test_reading_where_there_is_nothing(tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to("gone.duckdb")
    for path in (tmp_path / "none.duckdb", link):
        with pytest.raises(FileNotFoundError, match=r"no database at .*run a refresh"):
            connect.read(path)


def test_reading_what_is_no_database(tmp_path: Path) -> None:
    text = tmp_path / "text.duckdb"
    text.write_text("not a database" * 1000)
    with pytest.raises(duckdb.IOException, match=r"text\.duckdb"):
        connect.read(text)


def test_reading_tries_again_when_the_link_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, link = tmp_path / "one.duckdb", tmp_path / "two.duckdb", tmp_path / "link.duckdb"
    for number, path in enumerate((one, two), start=1):
        build.create(path, {"about": about(build_no=str(number))})
    link.symlink_to(one.name)
    opened = []
    really = connect._open

    def too_late(target: Path) -> duckdb.DuckDBPyConnection:
        opened.append(target.name)
        if target == one:
            one.unlink()
            link.unlink()
            link.symlink_to(two.name)
        return really(target)

    monkeypatch.setattr(connect, "_open", too_late)
    with connect.read(link) as db:
        assert db.execute("SELECT value FROM about").fetchone() == ("2",)
    assert opened == ["one.duckdb", "two.duckdb"]
