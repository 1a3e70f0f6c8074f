"""A refresh that is killed at any moment, waits for another, or meets a full disk loses nothing."""

import contextlib
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.refresh import refresh
from assets.releases.archive import Archive
from assets.releases.ledger import Ledger
from tests import children, factory
from tests.conftest import no_audit
from warehouse import connect
from warehouse.build import BuildError
from warehouse.layout import Layout
from warehouse.lock import writer

KILLS = 30
STAGES = ("starting", "loading", "writing the ledger", "computing trends", "building the database", "auditing",
          "publishing")  # fmt: skip
SEED = 20240229


class Child:
    """A refresh in a process of its own."""

    def __init__(self, layout: Layout, go_on: Any = None) -> None:
        self.told, theirs = children.CONTEXT.Pipe(duplex=False)
        self.process = children.CONTEXT.Process(target=children.refreshing, args=(layout, theirs, go_on))
        self.process.start()
        theirs.close()
        self.heard: list[Any] = []

    def hear(self, seconds: float = 60) -> Any:
        """The next thing that it says; None if it ended."""
        try:
            said = self.told.recv() if self.told.poll(seconds) else "silent"
        except EOFError:
            return None
        self.heard.append(said)
        return said

    def wait_for(self, stage: str) -> bool:
        """Whether it came to this stage."""
        while (said := self.hear()) is not None and not isinstance(said, tuple):
            if _stage(said) == stage:
                return True
        return False

    def kill(self) -> str:
        """Kill it with -9; the stage in which it was."""
        self.process.kill()
        self.process.join(10)
        while self.hear(0) not in (None, "silent"):
            pass
        said = [_stage(text) for text in self.heard if isinstance(text, str) and text != "silent"]
        return "done" if any(isinstance(text, tuple) for text in self.heard) else said[-1]


def _stage(said: str) -> str:
    return "loading" if "releases to load" in said else said


def change(layout: Layout, chance: random.Random) -> None:
    """New figures in two of the releases."""
    for wave in chance.sample(range(1, 7), 2):
        agree = chance.randint(10, 80)
        factory.release(layout.catalogue, f"{wave:02d}", percents=(agree, 90 - agree, 10), month=wave)


def is_sound(layout: Layout) -> None:
    """What is published opens and fits together, and the archive holds."""
    with connect.read(layout.link) as con:
        facts = con.execute(
            """
            SELECT (SELECT value::INT FROM about WHERE key = 'refresh') = (SELECT max(refresh) FROM digest),
                   (SELECT count(*) FROM estimates) = (SELECT sum(estimates) FROM releases),
                   (SELECT count(*) FROM vintages WHERE latest) = (SELECT count(*) FROM estimates),
                   (SELECT count(*) FROM estimates ANTI JOIN toplines USING (release, category)) = 0,
                   (SELECT bool_and(abs(total - 100) < 1e-9)
                    FROM (SELECT sum(percent) AS total FROM estimates GROUP BY wave))
            """
        ).fetchone()
    assert facts == (True,) * 5
    assert Archive(layout.archive).damaged() == []


def leftovers(layout: Layout) -> list[str]:
    marks = (".part", ".writing", ".building", ".spill", ".wal")
    return [
        str(path.relative_to(layout.data))
        for path in layout.data.rglob("*")
        if path.name.endswith(marks) or path.name.startswith(".weathervane")
    ]


def figures(layout: Layout) -> dict[str, list[tuple[Any, ...]]]:
    with connect.read(layout.link) as con:
        return {name: con.execute(f"FROM {name}").fetchall() for name in ("estimates", "trends", "changes", "waves")}


def test_a_refresh_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    layout = factory.small_house(tmp_path / "house", waves=6)
    refresh(layout, audit=no_audit)
    lasts = _durations(layout, chance)
    killed: Counter[str] = Counter()
    for number in range(KILLS):
        change(layout, chance)
        stage = STAGES[number % len(STAGES)]
        child = Child(layout)
        assert child.wait_for(stage), f"it never came to {stage}: {child.heard}"
        time.sleep(chance.random() * lasts[stage])
        killed[child.kill()] += 1
        is_sound(layout)
        if number % 10 == 9:
            refresh(layout, audit=no_audit)
            assert leftovers(layout) == []
    change(layout, chance)
    refresh(layout, audit=no_audit)
    is_sound(layout)
    assert leftovers(layout) == []
    numbers = [int(folder.name) for folder in Ledger(layout.ledger).segments()]
    assert numbers == list(range(1, len(numbers) + 1))
    undisturbed = Layout(tmp_path / "undisturbed", layout.catalogue)
    refresh(undisturbed, audit=no_audit)
    assert figures(layout) == figures(undisturbed)
    assert sum(killed.values()) == KILLS
    assert {stage for stage in STAGES if killed[stage]} == set(STAGES), f"killed in {dict(killed)}"


def _durations(layout: Layout, chance: random.Random) -> dict[str, float]:
    """How long each stage lasts when nobody kills it (the second time: the first one warms caches)."""
    for _ in range(2):
        change(layout, chance)
        child, began = Child(layout), {}
        while (said := child.hear()) is not None:
            began["end" if isinstance(said, tuple) else _stage(said)] = time.monotonic()
        child.process.join(10)
        assert child.process.exitcode == 0
    return {stage: began[after] - began[stage] for stage, after in zip(STAGES, (*STAGES[1:], "end"), strict=True)}


def test_two_refreshes_at_once_work_one_after_the_other_and_the_second_finds_nothing_to_do(tmp_path: Path) -> None:
    layout = factory.small_house(tmp_path)
    go_on = children.CONTEXT.Event()
    first = Child(layout, go_on)
    assert first.wait_for("auditing")
    second = Child(layout)
    waiting = f"waiting for the writer's lock, held by weathervane refresh (process {first.process.pid})"
    assert [second.hear(), second.hear()] == ["starting", waiting]
    go_on.set()
    while first.hear() is not None:
        pass
    assert first.heard[-1] == (True, "nothing is published yet")
    assert second.hear() == (False, None)
    assert len(Ledger(layout.ledger).segments()) == 1
    assert len(list(layout.versions.glob("*.duckdb"))) == 1


def test_a_writer_killed_with_9_frees_the_lock(tmp_path: Path) -> None:
    layout = factory.small_house(tmp_path)
    go_on = children.CONTEXT.Event()
    child = Child(layout, go_on)
    assert child.wait_for("auditing")
    assert child.kill() == "auditing"
    with writer(layout.lock, "the test", wait_seconds=0):
        assert layout.lock.read_text().startswith("the test (process ")
    done = refresh(layout, audit=no_audit)
    assert (done.report.changed, done.why) == (False, "nothing is published yet")
    is_sound(layout)


# --- a full disk -------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a disk of its own, which can be made smaller and larger."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64m", "weathervane-test", str(place)], capture_output=True, text=True
    )
    if not done or done.returncode:
        pytest.skip(f"needs a small disk, and mounting a tmpfs is not permitted here: {done and done.stderr.strip()}")
    yield place
    with contextlib.suppress(OSError):
        subprocess.run(["umount", "-l", str(place)], check=False)


def leave(disk: Path, free: int) -> None:
    """Resize the disk so that about so many bytes are free."""
    usage = shutil.disk_usage(disk)
    size = usage.total - usage.free + free
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


@pytest.mark.parametrize("free", [0, 60_000, 400_000, 1_500_000])
def test_a_full_disk_is_named_leaves_what_is_published_and_is_forgotten_once_there_is_room(
    small_disk: Path, tmp_path: Path, free: int
) -> None:
    layout = Layout(small_disk / "data", factory.small_house(tmp_path / "house", waves=6).catalogue)
    refresh(layout, audit=no_audit)
    version = layout.link.readlink()
    change(layout, random.Random(free))
    leave(small_disk, free)
    with pytest.raises((OSError, BuildError)) as raised:
        refresh(layout, audit=no_audit)
    assert "no space left on device" in str(raised.value).lower()
    assert str(layout.data) in str(raised.value)
    assert layout.link.readlink() == version
    is_sound(layout)
    leave(small_disk, 64_000_000)
    refresh(layout, audit=no_audit)
    assert layout.link.readlink() != version
    assert leftovers(layout) == []
    is_sound(layout)
