"""What changed is decided by content: nothing is done twice, nothing is missed, nothing else is touched."""

import datetime as dt
import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from assets.ingest import EmptyCatalogueError
from assets.publication.publish import GateError
from assets.refresh import Refreshed, refresh
from assets.releases.ledger import CONTEXT, Ledger
from tests import factory
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout


@pytest.fixture
def house(made: Layout, tmp_path: Path) -> Layout:
    """A house of one's own: three waves, loaded; the second also asks another item."""
    shutil.copytree(made.data.parent, tmp_path / "house", symlinks=True)
    return Layout(tmp_path / "house/data", tmp_path / "house/catalog")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = factory.small_house(tmp_path_factory.mktemp("made"))
    factory.item(layout.catalogue, "other")
    factory.release(layout.catalogue, "02", items=("invented", "other"), month=2)
    refresh(layout, audit=no_audit)
    return layout


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with inode and time of change, but not the lock."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_ino, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
        if not path.is_dir() and path.name != "writer.lock"
    }


def again(house: Layout) -> Refreshed:
    return refresh(house, audit=no_audit)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def last_events(house: Layout) -> list[tuple[str, str, str | None]]:
    ledger = Ledger(house.ledger)
    return [(e.release, e.status, e.cause) for e in ledger.events if e.refresh == ledger.head]


def release(house: Layout, wave: str) -> Path:
    return house.catalogue / "releases/acme/monthly" / wave


def test_when_nothing_changed_nothing_is_written(house: Layout) -> None:
    before, target = files(house.data), house.link.readlink()
    done = again(house)
    assert (done.report.changed, done.why, done.report.same) == (False, None, 3)
    assert done.published == house.link.resolve()
    assert house.link.readlink() == target
    assert files(house.data) == before


def test_a_file_that_is_only_touched_has_not_changed(house: Layout) -> None:
    before = files(house.data)
    for path in house.catalogue.rglob("*.*"):
        os.utime(path, (time.time() + 99, time.time() + 99))
    assert again(house).report.changed is False
    assert files(house.data) == before


def test_one_figure_changed_does_that_release_again_and_touches_no_other(house: Layout) -> None:
    before = files(house.lake)
    edit(release(house, "02") / "toplines.csv", ",40,", ",41,")
    done = again(house)
    assert list(done.report.loaded) == ["acme/monthly/02"]
    assert last_events(house) == [("acme/monthly/02", "loaded", "data")]
    after = files(house.lake)
    assert {path: after[path] for path in before} == before
    assert {Path(path).parent.as_posix() for path in set(after) - set(before)} == {"acme/monthly/02/0002"}


def test_a_change_of_the_same_length_at_the_same_time_is_noticed(house: Layout) -> None:
    path = release(house, "01") / "toplines.csv"
    times = path.stat()
    edit(path, ",41,", ",42,")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert list(again(house).report.loaded) == ["acme/monthly/01"]


def test_a_comment_in_a_manifest_is_a_change_of_metadata(house: Layout) -> None:
    edit(release(house, "01") / "release.yml", "wave: 01", "wave: 01  # the first")
    again(house)
    assert last_events(house) == [("acme/monthly/01", "loaded", "metadata")]


def test_a_changed_item_does_only_the_releases_again_that_use_it(house: Layout) -> None:
    edit(house.catalogue / "items/other.yml", "concept: invented attitude", "concept: another attitude")
    again(house)
    assert last_events(house) == [("acme/monthly/02", "loaded", "crosswalk"), (CONTEXT, "context", None)]


def test_an_item_that_nobody_uses_and_a_renamed_series_change_only_the_surroundings(house: Layout) -> None:
    lake = files(house.lake)
    factory.item(house.catalogue, "unused")
    edit(house.catalogue / "releases/acme/monthly/series.yml", "name: Series monthly", "name: The Monthly")
    done = again(house)
    assert (done.report.context_changed, done.report.loaded) == (True, {})
    assert last_events(house) == [(CONTEXT, "context", None)]
    assert files(house.lake) == lake
    with connect.read(house.link) as con:
        assert con.execute("SELECT name FROM series").fetchall() == [("The Monthly",)]
        assert con.execute("SELECT count(*) FROM items").fetchall() == [(3,)]


def test_there_and_back_again_is_noticed_twice(house: Layout) -> None:
    path = release(house, "01") / "toplines.csv"
    edit(path, ",41,", ",44,")
    assert list(again(house).report.loaded) == ["acme/monthly/01"]
    edit(path, ",44,", ",41,")
    assert again(house).report.loaded["acme/monthly/01"].load_vintage == 3
    with connect.read(house.link) as con:
        found = con.execute("SELECT percent FROM estimates WHERE wave = '01' AND category = 'agree'").fetchall()
    assert found == [(41,)]


def test_a_file_more_in_a_release_folder_is_a_change_and_an_editors_backup_is_not(house: Layout) -> None:
    (release(house, "01") / "toplines.csv~").write_text("x")
    (release(house, "01") / ".toplines.csv.swp").write_text("x")
    assert again(house).report.changed is False
    (release(house, "01") / "README.txt").write_text("x")
    assert list(again(house).report.loaded) == ["acme/monthly/01"]


@pytest.mark.parametrize("empty", [True, False])
def test_a_wrong_catalogue_path_withdraws_nothing_but_is_an_error(house: Layout, empty: bool) -> None:
    before = files(house.data)
    wrong = Layout(house.data, house.data.parent / "elsewhere")
    if not empty:  # a release in the drop folder must not make it look like a catalogue
        shutil.copytree(release(house, "01"), house.inbox / "acme/monthly/07")
        before = files(house.data)
    with pytest.raises(EmptyCatalogueError) as raised:
        again(wrong)
    assert str(raised.value) == (
        f"no release found in {wrong.catalogue / 'releases'} although 3 are loaded; is WEATHERVANE_CATALOG right?"
    )
    assert files(house.data) == before


def test_after_a_failed_publication_the_next_refresh_publishes_though_nothing_changed(house: Layout) -> None:
    edit(release(house, "01") / "toplines.csv", ",41,", ",44,")
    target = house.link.readlink()
    failing = SimpleNamespace(
        name="sums", passed=False, severity="error", message="it adds up to 400", says="it adds up"
    )
    with pytest.raises(GateError) as raised:
        refresh(house, audit=lambda *_: [failing])
    assert str(raised.value) == "not published:\nsums: it adds up to 400"
    assert house.link.readlink() == target
    done = again(house)
    assert (done.report.changed, done.why) == (
        False,
        "the ledger is at refresh 2, the published database at 1",
    )
    with connect.read(house.link) as con:
        found = con.execute("SELECT percent FROM estimates WHERE wave = '01' AND category = 'agree'").fetchall()
    assert found == [(44,)]


def test_a_warning_is_published_and_stands_in_checks(house: Layout) -> None:
    edit(release(house, "01") / "toplines.csv", ",41,", ",44,")
    mild = SimpleNamespace(
        name="sums", passed=False, severity="warning", message="it adds up to 101", says="it adds up"
    )
    fine = SimpleNamespace(name="keys", passed=True, severity="error", message="", says="keys are unique")
    refresh(house, audit=lambda *_: [mild, fine])
    with connect.read(house.link) as con:
        found = con.execute(
            "SELECT check_name, passed, severity, message FROM checks WHERE level = 'warehouse'"
            " AND check_name IN ('keys', 'sums') ORDER BY 1"
        ).fetchall()
    assert found == [("keys", True, "error", "keys are unique"), ("sums", False, "warning", "it adds up to 101")]


def test_somebody_who_opened_the_published_file_for_writing_does_no_harm(house: Layout) -> None:
    version = house.link.resolve()
    version.chmod(0o644)
    con = duckdb.connect(str(version))
    con.execute("SET wal_autocheckpoint = '1GB'")
    con.execute("PRAGMA disable_checkpoint_on_shutdown")
    con.execute("CREATE TABLE mine (x INT)")
    con.close()
    wal = version.with_name(version.name + ".wal")
    assert wal.exists(), "the test needs a stray write-ahead log"
    done = again(house)
    assert done.why == f"somebody opened the published file for writing and left {wal.name}"
    assert house.link.resolve() != version
    with connect.read(house.link) as con:
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'").fetchall() == [(0,)]
    assert again(house).why is None


def test_a_published_file_that_cannot_be_read_is_replaced(house: Layout) -> None:
    version = house.link.resolve()
    version.chmod(0o644)
    version.write_bytes(b"no database")
    done = again(house)
    assert done.why is not None
    assert done.why.startswith("the published file cannot be read (")
    with connect.read(house.link) as con:
        assert con.execute("SELECT count(*) FROM estimates").fetchall() == [(12,)]


def test_a_release_that_stands_in_the_drop_folder_too_is_set_aside_and_chosen_by_nobody(house: Layout) -> None:
    shutil.copytree(release(house, "01"), house.inbox / "acme/monthly/01")
    done = again(house)
    assert [str(problem) for problem in done.report.quarantined["acme/monthly/01"]] == [
        "acme/monthly/01: this release stands in the catalogue and in the drop folder; "
        "expected one place; remove one of the two"
    ]
    shutil.rmtree(house.inbox / "acme")
    assert list(again(house).report.loaded) == ["acme/monthly/01"]


def test_the_same_second_refresh_a_day_later_still_says_when_it_was_loaded(house: Layout) -> None:
    with connect.read(house.link) as con:
        before = con.execute("SELECT value FROM about WHERE key = 'refreshed_at'").fetchone()
    refresh(house, audit=no_audit, at=dt.datetime(2030, 1, 1))
    with connect.read(house.link) as con:
        assert con.execute("SELECT value FROM about WHERE key = 'refreshed_at'").fetchone() == before


def test_a_published_version_that_somebody_wrote_into_is_replaced(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    factory.release(layout.catalogue)
    first = refresh(layout, audit=lambda *_: [])
    assert first.published is not None
    first.published.chmod(0o644)  # what root need not even do
    with duckdb.connect(str(first.published)) as careless:
        careless.execute("CREATE TABLE mine AS SELECT 1 AS one")
    assert not list(layout.versions.glob("*.wal"))

    second = refresh(layout, audit=lambda *_: [])
    assert second.why == "the published file was changed after it was published"
    assert second.published != first.published
    with connect.read(layout.link) as con:
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'").fetchone() == (0,)
    assert refresh(layout, audit=lambda *_: []).why is None
