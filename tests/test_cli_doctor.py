"""`doctor`: what is in order, what is not, and how each is mended.

Belongs here: a house that is damaged in one way, and the line that says so. Does not belong here: mending.
"""

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.refresh import refresh
from pipeline.cli import checkup, shapes
from pipeline.cli.main import app
from pipeline.cli.shape import faults
from tests import factory
from tests.conftest import no_audit
from warehouse.layout import Layout

Look = Callable[[], dict[str, list[checkup.Finding]]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = factory.small_house(tmp_path_factory.mktemp("sound"))
    refresh(layout, audit=no_audit)
    return layout


@pytest.fixture
def house(sound: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A copy that a test may damage."""
    shutil.copytree(sound.data.parent, tmp_path / "house", symlinks=True)
    layout = Layout(tmp_path / "house" / "data", tmp_path / "house" / "catalog")
    monkeypatch.setenv("WEATHERVANE_DATA", str(layout.data))
    monkeypatch.setenv("WEATHERVANE_CATALOG", str(layout.catalogue))
    monkeypatch.delenv("WEATHERVANE_FILES", raising=False)
    # What this machine has installed is not what these tests are about, and a child process costs time.
    monkeypatch.setitem(checkup.CHECKS, "isolation", lambda _: iter(()))
    return layout


def problems(layout: Layout) -> dict[str, checkup.Finding]:
    return {one.check: one for one in checkup.findings(layout) if one.status == "problem"}


def test_a_sound_house_has_no_problem(house: Layout) -> None:
    assert problems(house) == {}
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert "MEND" not in done.output and "ok    archive" in done.output


def _no_catalogue(layout: Layout) -> None:
    shutil.rmtree(layout.catalogue)


def _no_ledger(layout: Layout) -> None:
    shutil.rmtree(layout.ledger)


def _no_lake(layout: Layout) -> None:
    shutil.rmtree(layout.lake / "acme" / "monthly" / "02")


def _damaged_archive(layout: Layout) -> None:
    file = max((p for p in layout.archive.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])


def _no_link(layout: Layout) -> None:
    layout.link.unlink()


def _damaged_database(layout: Layout) -> None:
    version = layout.link.resolve()
    version.chmod(0o644)
    version.write_bytes(b"not a database" * 1000)


def _stray_log(layout: Layout) -> None:
    layout.link.resolve().with_name(layout.link.resolve().name + ".wal").write_bytes(b"")


def _file_in_the_place_of_a_folder(layout: Layout) -> None:
    shutil.rmtree(layout.inbox)
    layout.inbox.write_text("")


def _unreadable_ledger(layout: Layout) -> None:
    (layout.ledger / "000001" / "events.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize(
    ("damage", "check", "what", "mend"),
    [
        (_no_catalogue, "catalogue", "there is no", "WEATHERVANE_CATALOG"),
        (_no_ledger, "ledger", "nothing was ever loaded", "weathervane refresh"),
        (_no_lake, "lake", "acme/monthly/02", "weathervane rebuild --from-archive"),
        (_damaged_archive, "archive", "1 damaged files", "backup"),
        (_no_link, "database", "nothing is published", "weathervane rebuild"),
        (_damaged_database, "database", "could not be checked", "weathervane rebuild"),
        (_stray_log, "database", "1 stray .wal", "weathervane rebuild"),
        (_file_in_the_place_of_a_folder, "folders", "inbox", "folders that this user may read and write"),
        (_unreadable_ledger, "ledger", "could not be checked", "backup"),
    ],
)
def test_each_damage_is_named_with_the_way_to_mend_it(
    house: Layout, damage: Callable[[Layout], None], check: str, what: str, mend: str
) -> None:
    damage(house)
    found = problems(house)
    assert check in found, f"found only {list(found)}"
    assert what in found[check].what and mend in (found[check].mend or ""), found[check]
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert told["problems"] == len(found) and check in {one["check"] for one in told["findings"]}


def test_looking_and_building_pages_in_json(house: Layout) -> None:
    for shape, words in (("doctor", ["doctor"]), ("site", ["site", "--build"]), ("status", ["status"])):
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == 0, done.output
        assert list(faults(json.loads(done.stdout), shapes.SHAPES[shape])) == []


def test_a_database_that_is_not_the_ledgers_is_named(house: Layout) -> None:
    manifest = house.catalogue / "releases" / "acme" / "monthly" / "02" / "release.yml"
    manifest.write_text(manifest.read_text().replace("n: 1000", "n: 1100"))
    before = house.link.resolve()
    refresh(house, audit=no_audit)
    house.link.unlink()
    house.link.symlink_to(before)
    found = problems(house)
    assert "acme/monthly/02" in found["database"].what and found["database"].mend == "weathervane refresh"
    notes = [one.what for one in checkup.findings(house) if one.status == "note"]
    assert any("is newer and was never published" in what for what in notes), notes


def test_wrong_settings_are_named(house: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHERVANE_NIGHTLY_AT", "quarter past four")
    assert "WEATHERVANE_NIGHTLY_AT" in problems(house)["settings"].what
    monkeypatch.setenv("WEATHERVANE_DATA", str(house.data / "nowhere"))
    elsewhere = problems(Layout.from_environment())
    assert "WEATHERVANE_DATA" in (elsewhere["folders"].mend or "")
    assert not (house.data / "nowhere").exists(), "looking makes nothing"
    monkeypatch.setenv("WEATHERVANE_DATA", str(house.data))
    monkeypatch.setenv("WEATHERVANE_FILES", str(house.data / "no-such-folder"))
    assert "WEATHERVANE_FILES" in problems(Layout.from_environment())["folders"].what


def test_a_writer_at_work_and_a_release_set_aside_are_no_problems(house: Layout) -> None:
    manifest = house.catalogue / "releases" / "acme" / "monthly" / "03" / "release.yml"
    manifest.write_text(manifest.read_text().replace("title:", "titel:"))
    refresh(house, audit=no_audit)
    with house.lock.open("w") as held:
        held.write("weathervane refresh (process 1)")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        notes = {one.check: one.what for one in checkup.findings(house) if one.status == "note"}
    assert "weathervane refresh (process 1) is at work" in notes["writer"]
    assert notes["set aside"].startswith("1 releases") and not problems(house)


def test_a_check_that_fails_does_not_stop_the_others(house: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Layout) -> Iterator[checkup.Finding]:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setitem(checkup.CHECKS, "disk", broken)
    found = problems(house)
    assert set(found) == {"disk"} and "Permission denied" in found["disk"].what
    assert found["disk"].mend == "make the folder readable and writable for this user"


def test_packages_are_compared_with_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.lock"
    monkeypatch.setattr(checkup, "LOCK", lock)
    import typer

    there = f"typer=={typer.__version__} \\\n    --hash=sha256:0\n"
    other = "rich==0.0.1 ; python_full_version >= '3.11' \\\n    --hash=sha256:0\n"
    elsewhere = "pywin32==1 ; sys_platform == 'win32'\n"
    lock.write_text(f"# a remark\n{there}{elsewhere}")
    layout: Any = None
    assert [one.status for one in checkup.CHECKS["packages"](layout)] == ["ok"]
    lock.write_text(f"{there}{other}no-such-package==2.0\n{elsewhere}")
    (found,) = checkup.CHECKS["packages"](layout)
    assert found.status == "problem" and "make run" in (found.mend or "")
    assert "missing: no-such-package" in found.what and "instead of 0.0.1" in found.what
    assert "pywin32" not in found.what
