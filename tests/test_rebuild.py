"""The database is derived: made again from the lake, or from the archived bytes, it is the same row by row."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest

from assets.rebuild import rebuild
from assets.refresh import refresh
from assets.releases.archive import Archive
from assets.releases.ledger import Ledger
from schemas.tables import TABLES
from tests import factory
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout

Rows = dict[str, list[tuple[Any, ...]]]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def release(house: Layout, wave: str) -> Path:
    return house.catalogue / "releases/acme/monthly" / wave


@pytest.fixture
def house(made: Layout, tmp_path: Path) -> Layout:
    """A house of one's own with all that history."""
    shutil.copytree(made.data.parent, tmp_path / "house", symlinks=True)
    return Layout(tmp_path / "house/data", tmp_path / "house/catalog")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Every kind of history: several loads, a correction, quarantine with and without a good load, a withdrawal."""
    layout = factory.small_house(tmp_path_factory.mktemp("made"), waves=5)
    day = dt.datetime(2024, 6, 1, 3)
    refresh(layout, audit=no_audit, at=day)
    edit(release(layout, "01") / "toplines.csv", ",41,", ",40,")
    edit(release(layout, "02") / "toplines.csv", ",42,", ",420,")  # stays published with its first load
    shutil.rmtree(release(layout, "03"))
    edit(release(layout, "04") / "questions.csv", "verbatim,same", "verbatim,similar")
    factory.write(layout.catalogue / "items/broken.yml", "item: [")
    refresh(layout, audit=no_audit, at=day + dt.timedelta(1))
    edit(release(layout, "01") / "toplines.csv", ",40,", ",41,")
    with (release(layout, "05") / "release.yml").open("a") as file:
        file.write(
            "corrections:\n  - {question: q0, option: 'yes, agree', expect: 45, percent: 44, reason: r, by: t}\n"
        )
    edit(release(layout, "04") / "release.yml", "n: 1000", "n: none")
    refresh(layout, audit=no_audit, at=day + dt.timedelta(2))
    return layout


def everything(house: Layout) -> Rows:
    """Every table of the published database in its own order."""
    with connect.read(house.link) as con:
        return {table.name: con.execute(f"SELECT * FROM {table.name}").fetchall() for table in TABLES}


def same(found: Rows, expected: Rows) -> None:
    for table, rows in expected.items():
        assert found[table] == rows, table
    assert {table for table, rows in expected.items() if rows} >= {
        "estimates", "vintages", "revisions", "trends", "changes", "toplines", "questions", "releases", "waves",
        "quarantine", "checks", "digest", "about", "items", "categories", "organisations", "series",
    }  # fmt: skip


@pytest.mark.parametrize("from_archive", [False, True])
def test_a_rebuild_gives_every_table_row_by_row(house: Layout, from_archive: bool) -> None:
    before, version = everything(house), house.link.resolve()
    done = rebuild(house, from_archive=from_archive, audit=no_audit)
    assert house.link.resolve() == done.published != version
    same(everything(house), before)
    again = refresh(house, audit=no_audit)
    assert (again.report.changed, again.why) == (False, None)


def test_the_shipped_catalogue_is_rebuilt_from_its_bytes_row_by_row(published: Path) -> None:
    house = Layout(published.parent.parent, Path("/nowhere"))
    before = everything(house)
    rebuild(house, from_archive=True, audit=no_audit)
    after = everything(house)
    for table, rows in before.items():
        assert after[table] == rows, table
    assert len(before["estimates"]) > 500


def test_a_rebuild_reads_no_catalogue(house: Layout) -> None:
    before = everything(house)
    shutil.rmtree(house.catalogue)
    rebuild(house, from_archive=True, audit=no_audit)
    same(everything(house), before)


def test_a_lost_lake_is_told_and_mended_from_the_archive(house: Layout) -> None:
    before, version = everything(house), house.link.resolve()
    shutil.rmtree(house.lake)
    with pytest.raises(FileNotFoundError) as raised:
        rebuild(house, audit=no_audit)
    assert str(raised.value) == (
        "the lake lacks lake/acme/monthly/01/0003 (of 4), which the ledger names; "
        "weathervane rebuild --from-archive makes it again"
    )
    assert house.link.resolve() == version
    rebuild(house, from_archive=True, audit=no_audit)
    same(everything(house), before)
    rebuild(house, audit=no_audit)
    same(everything(house), before)


@pytest.mark.parametrize("which", ["toplines.csv", "release.yml", "the listing", "an item"])
def test_a_damaged_byte_in_the_archive_is_an_error_and_what_is_published_stays(house: Layout, which: str) -> None:
    archive, version = Archive(house.archive), house.link.resolve()
    event = Ledger(house.ledger).live()["acme/monthly/01"]
    tree = archive.read_tree(event.tree_sha256)
    named = {"the listing": event.tree_sha256, "an item": tree["items"]["items/invented.yml"]}
    digest = named.get(which) or tree["files"][which]
    place = archive.path(digest)
    place.chmod(0o644)
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)
    assert archive.damaged() == [digest]
    with pytest.raises(OSError) as raised:
        rebuild(house, from_archive=True, audit=no_audit)
    assert str(raised.value) == f"the archive is damaged: {place} no longer has its checksum"
    assert house.link.resolve() == version


def test_a_damaged_archive_is_mended_by_the_next_load_of_the_good_bytes(house: Layout) -> None:
    archive = Archive(house.archive)
    digest = archive.read_tree(Ledger(house.ledger).live()["acme/monthly/05"].tree_sha256)["files"]["toplines.csv"]
    place = archive.path(digest)
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-9])
    assert archive.damaged() == [digest]
    edit(release(house, "05") / "release.yml", "title: Invented", "title: Renamed")
    assert list(refresh(house, audit=no_audit).report.loaded) == ["acme/monthly/05"]
    assert archive.damaged() == []


def test_there_must_be_something_to_rebuild(layout: Layout) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        rebuild(layout, audit=no_audit)
    assert str(raised.value) == f"there is nothing to rebuild in {layout.data}: run a refresh first"
