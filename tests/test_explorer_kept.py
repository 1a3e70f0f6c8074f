"""The explorer is made again where its inputs changed, and only there; pages stay small however much there is.

Belongs here: the state of the folder, fingerprints, sizes. Does not belong here: what stands on the pages
(test_explorer). The oracle of staleness is a site made from nothing: after any change of the database both must be the
same, file by file.
"""

import ast
import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pytest

from assets.explorer import addresses, build, describing, fingerprints, folder, wave
from assets.explorer.reading import Published
from assets.refresh import refresh
from tests import factory
from tests.conftest import no_audit
from warehouse.layout import PROJECT

HOUSE = ("acme", "monthly")
SMALL = 300_000


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house of two items in four waves, one of them in all; a copy that a test may write to."""
    layout = factory.house(tmp_path_factory.mktemp("kept"))
    for name in ("invented", "other"):
        factory.item(layout.catalogue, name)
    factory.series(layout.catalogue)
    for number in range(1, 5):
        items = ("invented", "other") if number in (2, 3) else ("invented",)
        percents = (40 + number, 50 - number, 10)
        factory.release(layout.catalogue, f"{number:02d}", items=items, percents=percents, month=number)
    refresh(layout, audit=no_audit)
    copy = layout.data / "copy.duckdb"
    shutil.copy(layout.link.resolve(), copy)
    copy.chmod(0o644)
    with duckdb.connect(str(copy)) as con:  # what so small a house does not have of itself
        con.execute(
            "INSERT INTO house_effects BY NAME SELECT 'invented' AS item, 'agree' AS category, 'acme' AS organisation,"
            " 'monthly' AS series, 4 AS figures, true AS combined, 1.5 AS effect, 0.5 AS effect_low,"
            " 2.5 AS effect_high, ['more by telephone'] AS reasons"
        )
        con.execute(
            "INSERT INTO house_lines BY NAME SELECT 'invented' AS item, 'agree' AS category, DATE '2024-04-05' AS day,"
            " 44.0 AS level, 42.0 AS level_low, 46.0 AS level_high, 1.0 AS standard_error, 0.5 AS drift, 4 AS figures,"
            " ['acme/monthly'] AS houses"
        )
        con.execute("INSERT INTO concepts VALUES ('invented attitude', 'An attitude', NULL)")
        con.execute(
            "INSERT INTO composition BY NAME SELECT 'acme' AS organisation, 'monthly' AS series, 'invented' AS item,"
            " 'agree' AS category, 'sex' AS banner, '01' AS wave_from, '02' AS wave_to, 'consecutive' AS pair,"
            " 'comparable' AS comparability, 2 AS groups, 1.0 AS change, 1.0 AS standard_error, 0.25 AS composition,"
            " 0.1 AS composition_error, 0.75 AS within, 0.1 AS within_error, [] AS reasons"
        )
        con.execute(
            "INSERT INTO claims BY NAME SELECT 'said' AS claim, 'a paper' AS said_by, '2024-05-02' AS published,"
            " 'More agree.' AS statement, 'invented' AS item, 'agree' AS category, 'exact' AS qualifier,"
            " 'level' AS comparison, DATE '2024-05-02' AS checked_for, 'supported' AS verdict, [] AS findings,"
            " 'So it is.' AS sentence, [] AS estimate_ids, 'supported' AS verdict_today, [] AS findings_today,"
            " 'So it is.' AS sentence_today, [] AS estimate_ids_today"
        )
        con.execute(
            "INSERT INTO revisions BY NAME SELECT organisation, series, wave, item, category, subgroup, subgroup_value,"
            " 39.0 AS percent_before, percent AS percent_after, 1.0 AS difference, 'data' AS cause,"
            " DATE '2024-03-01' AS revised_on, release, estimate_id, 2 AS load_vintage FROM estimates"
            " WHERE wave = '02' AND category = 'agree'"
        )
        con.execute(
            "INSERT INTO scores BY NAME SELECT organisation, series, wave, fieldwork_start, fieldwork_end, item,"
            " 'mean' AS statistic, subgroup, subgroup_value, 1.5 AS value, n, basis, [] AS flags, base, release,"
            " question FROM estimates WHERE wave = '02' AND category = 'agree'"
        )
        con.execute(
            "INSERT INTO weights BY NAME SELECT release, organisation, series, wave, 'w' AS variable, 10 AS rows,"
            " 10 AS n, 0 AS zeros, 0 AS missing, 1.0 AS lowest, 2.0 AS highest, [] AS strata FROM releases"
        )
        con.execute(
            "INSERT INTO agreement BY NAME SELECT release, organisation, series, wave, 'row 1' AS cell, item, category,"
            " subgroup, subgroup_value, 'share' AS statistic, '41' AS published_text, 41.0 AS published_value,"
            " 41.0 AS recomputed, 0.5 AS rounding, 'agrees' AS verdict, 'a report' AS source FROM estimates"
            " WHERE wave = '02' AND category = 'agree' AND item = 'invented'"
        )
        con.execute(
            "INSERT INTO conflicts BY NAME SELECT release, 1 AS position, 'figure' AS kind, 'agree' AS subject,"
            " '41' AS ours, '42' AS other, 'a report' AS source FROM releases WHERE wave = '02'"
        )
        con.execute(
            "INSERT INTO checks BY NAME SELECT 'release' AS level, release AS subject, 'adds up' AS check_name,"
            " false AS passed, 'warning' AS severity, 'adds up to 101' AS message FROM releases WHERE wave = '02'"
        )
    return copy


@pytest.fixture(scope="module")
def built(database: Path) -> Path:
    """Its site, made once; every test has a copy."""
    build.build(database, database.parent / "built")
    return database.parent / "built"


@pytest.fixture
def copied(database: Path, built: Path, tmp_path: Path) -> Path:
    """A copy of the database, and beside it of its site."""
    shutil.copytree(built, tmp_path / "site")
    shutil.copy(database, tmp_path / "copy.duckdb")
    return tmp_path / "copy.duckdb"


def change(database: Path, statement: str) -> None:
    with duckdb.connect(str(database)) as con:
        con.execute(statement)


def files(site: Path) -> dict[str, bytes]:
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.name != folder.STATE
    }


# Table -> a row of it, and a column whose value can be seen on a page of an item or a wave.
SEEN = {
    "organisations": ("organisation = 'acme'", "name = 'Another name'"),
    "series": ("series = 'monthly'", "name = 'Another series'"),
    "waves": ("wave = '02'", "population = 'somebody else'"),
    "waves, other dates": ("wave = '02'", "fieldwork_end = DATE '2024-02-11'"),
    "waves, other words on method": ("wave = '02'", "limitations = 'many', undisclosed = []"),
    "releases": ("wave = '02'", "licence = 'CC0'"),
    "items": ("item = 'invented'", "title = 'Another title'"),
    "items, words": ("item = 'other'", "wording = 'Another wording?'"),
    "items, on the same subject": ("item = 'other'", "title = 'Titled otherwise'"),
    "concepts": ("true", "name = 'Something else'"),
    "items, set apart": ("item = 'other'", "apart_from = ['invented: asked otherwise']"),
    "estimates, of another item": ("item = 'invented' AND wave = '04' AND category = 'agree'", "percent = 12.25"),
    "categories": ("item = 'invented' AND category = 'agree'", "label = 'Agrees'"),
    "questions": ("item = 'invented' AND wave = '02'", "wording = 'Asked otherwise?'"),
    "toplines": ("item = 'invented' AND wave = '02' AND category = 'agree'", "option = 'aye'"),
    "estimates": ("item = 'invented' AND wave = '02' AND category = 'agree'", "percent = 41.5"),
    "estimates, flags": ("item = 'invented' AND wave = '02' AND category = 'agree'", "flags = ['contested']"),
    "trends": ("item = 'invented' AND wave = '03'", "comparability = 'with_note', reasons = ['a note']"),
    "changes": ("item = 'invented' AND wave_to = '03'", "verdict = 'fall'"),
    "trend_tests": ("item = 'invented' AND category = 'agree'", "slope = -3"),
    "readings": ("item = 'invented' AND category = 'agree' AND reading = 'without_dont_know'", "percent = 60"),
    "change_readings": ("item = 'invented' AND reading = 'without_dont_know'", "change = -9, sign_flips = true"),
    "composition": ("true", "composition = 0.5, within = 0.5"),
    "house_effects": ("true", "effect = 2"),
    "house_lines": ("true", "level = 45"),
    "claims": ("true", "statement = 'Fewer agree.'"),
    "revisions": ("item = 'invented'", "percent_before = 38"),
    "scores": ("item = 'invented'", "value = 1.7"),
    "weights": ("wave = '02'", "highest = 3"),
    "agreement": ("true", "published_text = '42'"),
    "conflicts": ("true", "other = '43'"),
    "checks": ("true", "message = 'adds up to 102'"),
}


class Made:
    """Stands for the folder: every unit with what it was made from and its files, nothing written."""

    def __init__(self) -> None:
        self.made_from: dict[str, str] = {}
        self.files: dict[str, dict[str, bytes]] = {}

    def stands(self, unit: str, made_from: str) -> bool:
        return False

    def put(self, unit: str, made_from: str, files: Iterable[tuple[str, bytes]]) -> None:
        self.made_from[unit], self.files[unit] = made_from, dict(files)


def everything(database: Path) -> Made:
    """All pages of items and waves."""
    made = Made()
    house = Published(database)
    try:
        described = describing.Described(house, dt.date(2030, 1, 1))
        prints = fingerprints.Fingerprints(house, described.embargoed)
        build._items(house, described, prints, made)
        build._waves(house, described, prints, made)
    finally:
        house.close()
    return made


def test_a_change_of_any_table_reaches_the_pages(copied):
    """A page that comes out otherwise must be made from something else; and each of these changes is seen somewhere."""
    before = everything(copied)
    assert len(before.files) == 2 + 4
    for case, (where, what) in SEEN.items():
        change(copied, f"UPDATE {case.partition(',')[0]} SET {what} WHERE {where}")
        after = everything(copied)
        seen = [unit for unit in after.files if after.files[unit] != before.files[unit]]
        assert seen, f"a change of {case} is seen on no page"
        stale = [unit for unit in seen if after.made_from[unit] == before.made_from[unit]]
        assert not stale, f"{case} changes pages that would not be made again: {stale}"
        before = after


def test_rows_that_trade_their_values_are_noticed(copied, tmp_path):
    """Sums over rows could be blind to two rows that swap a value."""
    site, fresh = tmp_path / "site", tmp_path / "fresh"
    change(
        copied,
        "UPDATE estimates SET percent = CASE wave WHEN '02' THEN 43 ELSE 42 END"
        " WHERE wave IN ('02', '03') AND item = 'invented' AND category = 'agree'",
    )
    build.build(copied, site)
    build.build(copied, fresh)
    assert files(site) == files(fresh)


def test_what_goes_is_noticed(copied, tmp_path):
    """First two answers, then a wave with all that is said of it."""
    site, fresh = tmp_path / "site", tmp_path / "fresh"
    change(copied, "DELETE FROM categories WHERE category = 'disagree'")
    build.build(copied, site)
    with duckdb.connect(str(copied)) as con:
        columns = con.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE table_name IN (SELECT"
                              " table_name FROM duckdb_tables())").fetchall()  # fmt: skip
        for table, column in columns:
            if column in ("wave", "wave_from", "wave_to"):
                con.execute(f"DELETE FROM {table} WHERE {column} = '04'")
    build.build(copied, site)
    build.build(copied, fresh)
    assert files(site) == files(fresh)
    assert not (site / "waves" / "acme" / "monthly" / "04.html").exists()


def test_an_embargo_keeps_figures_out_of_files_for_programs_until_its_day(copied, tmp_path, monkeypatch):
    change(copied, "UPDATE releases SET embargo_until = '2030-01-10' WHERE wave = '04'")

    def at(day: int) -> dict[str, bytes]:
        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
                return dt.datetime(2030, 1, day, 12, tzinfo=tz)

        monkeypatch.setattr(build.dt, "datetime", Clock)
        build.build(copied, tmp_path / "site")
        return files(tmp_path / "site")

    before, after = at(9), at(10)
    assert b",04," not in before["items/invented.csv"] and b",03," in before["items/invented.csv"]
    assert b"application/ld+json" not in before["waves/acme/monthly/04.html"]
    assert b",04," in after["items/invented.csv"]
    assert b"application/ld+json" in after["waves/acme/monthly/04.html"]


def test_other_code_makes_every_page_again(copied, tmp_path, monkeypatch):
    site = tmp_path / "site"
    assert build.build(copied, site).made == 2  # what looks at the whole database
    monkeypatch.setattr(fingerprints, "code", lambda: "another version")
    again = build.build(copied, site)
    assert again.made == 2 + 2 + 4
    assert again.written == []


def test_the_code_that_counts_is_all_that_the_room_imports():
    room = PROJECT / "assets" / "explorer"
    counted = {source.relative_to(PROJECT).as_posix() for source in fingerprints.SOURCES}
    ours = set()
    for path in room.glob("*.py"):
        if path.name == "asset.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("assets."):
                ours.add(node.module.split(".")[1])
    assert ours <= {Path(source).stem for source in counted} | {"digest"}, "add it to fingerprints.SOURCES"
    digest = {path.name for path in room.glob("*.py") if "assets.digest" in path.read_text(encoding="utf-8")}
    assert digest <= {"overview.py", "fingerprints.py"}  # only for the front page, which is made at every build


@pytest.mark.parametrize(
    "spoil",
    [
        lambda site: (site / "items" / "invented.html").write_text("spoiled"),
        lambda site: (site / "items" / "invented.csv").unlink(),
        lambda site: (site / folder.STATE).unlink(),
        lambda site: (site / folder.STATE).write_text("{"),
        lambda site: (site / folder.STATE).write_text('["another", "shape"]'),
        lambda site: (site / folder.STATE).write_text('{"items/invented.html": "another shape"}'),
    ],
    ids=["page", "file beside it", "state gone", "state cut off", "no state", "no unit"],
)
def test_what_somebody_spoiled_is_mended(spoil: Callable[[Path], object], copied, tmp_path):
    site = tmp_path / "site"
    before = files(site)
    spoil(site)
    build.build(copied, site)
    assert files(site) == before
    assert json.loads((site / folder.STATE).read_text())["items/invented.html"][0]


# ---- size ------------------------------------------------------------------------------------------------------------


def test_a_wave_with_hundreds_of_questions_and_banners_is_split(copied, tmp_path):
    groups, questions = 40, 130
    with duckdb.connect(str(copied)) as con:
        con.execute(
            "INSERT INTO items BY NAME SELECT 'q' || i AS item, t.* EXCLUDE (item) FROM items AS t, range(?) AS r(i)"
            " WHERE item = 'other'",
            [questions],
        )
        con.execute(
            "INSERT INTO categories BY NAME SELECT 'q' || i AS item, t.* EXCLUDE (item) FROM categories AS t,"
            " range(?) AS r(i) WHERE item = 'other'",
            [questions],
        )
        con.execute(
            "INSERT INTO questions BY NAME SELECT 'q' || i AS item, 'q' || i AS question, repeat('Long? ', 40) AS"
            " wording, t.* EXCLUDE (item, question, wording) FROM questions AS t, range(?) AS r(i)"
            " WHERE item = 'other' AND wave = '02'",
            [questions],
        )
        con.execute(
            "INSERT INTO estimates BY NAME SELECT 'q' || i AS item, 'q' || i AS question,"
            " CASE j WHEN 0 THEN 'total' ELSE 'region' END AS subgroup, CASE j WHEN 0 THEN 'all' ELSE 'Region ' || j"
            " END AS subgroup_value, ['small_base'] AS flags, i || '/' || j || category AS estimate_id,"
            " t.* EXCLUDE (item, question, subgroup, subgroup_value, flags, estimate_id)"
            " FROM estimates AS t, range(?) AS r(i), range(?) AS s(j) WHERE item = 'other' AND wave = '02'",
            [questions, groups],
        )
    site = tmp_path / "site"
    build.build(copied, site)
    own = {name: data for name, data in files(site).items() if name.startswith("waves/acme/monthly/02")}
    assert len(own) > 5 and max(map(len, own.values())) < SMALL
    first = own["waves/acme/monthly/02.html"].decode()
    parts = [data.decode() for name, data in own.items() if "/02/" in name]
    for number in range(questions):
        anchor = f'id="{addresses.anchor(f"q{number}", f"q{number}")}"'
        assert anchor in first  # where it stands, or the line that leads there
        assert sum(page.count(f'<article class="topline" {anchor}') for page in [first, *parts]) == 1
    assert 'href="../../../waves/acme/monthly/02/2.html#' in first and 'aria-label="Pages of this wave"' in first
    shutil.rmtree(site / "waves" / "acme" / "monthly" / "02")
    assert build.build(copied, site).written  # a part that is missing is made again


def test_a_table_that_is_too_wide_goes_on_below():
    groups = [("total", "all"), *(("region", str(number)) for number in range(700))]
    tables = list(wave._across(groups, 5))
    assert len(tables) == 3 and all(table[0] == ("total", "all") for table in tables)
    assert [group for table in tables for group in table[1:]] == groups[1:]
    assert all(len(table) * 5 <= wave.MOST_CELLS for table in tables)
    assert list(wave._across(groups[:4], 5)) == [groups[:4]]


def test_questions_on_the_same_subject_are_not_all_listed(copied, tmp_path):
    with duckdb.connect(str(copied)) as con:
        for table in ("items", "categories", "estimates"):
            con.execute(
                f"INSERT INTO {table} BY NAME SELECT 'more-' || i AS item, t.* EXCLUDE (item) FROM {table} AS t,"
                " range(200) AS r(i) WHERE item = 'other'"
            )
    build.build(copied, tmp_path / "site")
    text = (tmp_path / "site" / "items" / "invented.html").read_text()
    assert text.count('href="../items/more-') <= 30
    assert 'href="../index.html?q=An%20attitude">and 171 more</a>' in text


def test_files_for_programs_say_what_the_pages_say(copied, tmp_path):
    build.build(copied, tmp_path / "site")
    text = (tmp_path / "site" / "items" / "invented.html").read_text()
    told = json.loads(text.partition('<script type="application/ld+json">')[2].partition("</script>")[0])
    assert told["@type"] == "sc:Dataset" and told["name"] == "Invented question invented"
    assert told["distribution"][0]["contentUrl"] == "invented.csv"
    data = (tmp_path / "site" / "items" / "invented.csv").read_bytes()
    assert told["distribution"][0]["contentSize"] == f"{len(data)} B" and "version" not in told
    assert data.decode().count("\n") == 1 + 4 * 3
    text = (tmp_path / "site" / "waves" / "acme" / "monthly" / "02.html").read_text()
    told = json.loads(text.partition('<script type="application/ld+json">')[2].partition("</script>")[0])
    assert told["@type"] == "Dataset" and told["identifier"] == "acme/monthly/02"
    assert len(told["variableMeasured"]) == 2 <= describing.MOST_NAMED
