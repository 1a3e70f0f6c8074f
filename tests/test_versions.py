"""Publishing under readers, careless users, kills and a full disk; with real processes wherever one is meant."""

import datetime as dt
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from schemas.tables import BY_NAME
from warehouse import build, connect, versions
from warehouse.layout import PROJECT, Layout
from warehouse.versions import PublishError

PATIENCE = 60.0  # seconds; nothing here may wait longer

# Two facts that agree inside one snapshot: the number of the build, and that many rows in another table.
FACTS = "SELECT (SELECT value::INTEGER FROM about WHERE key = 'build_no'), count(*), sum(refresh) FROM digest"


def tables(number: int) -> dict[str, object]:
    about, digest = BY_NAME["about"], BY_NAME["digest"]
    happened = dt.datetime(2022, 10, 1)
    rows = [
        {"position": row, "refresh": number, "happened_at": happened, "kind": "wave", "subject": f"s{row}", "what": ""}
        for row in range(1, number + 1)
    ]
    return {
        "about": about.to_arrow(about.frame([{"key": "build_no", "value": str(number)}])),
        "digest": digest.to_arrow(digest.frame(rows)),
    }


def candidate(layout: Layout, number: int) -> Path:
    path = versions.work_folder(layout, f"run-{number}") / "candidate.duckdb"
    build.create(path, tables(number))
    return path


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def publish(layout: Layout, number: int) -> Path:
    return versions.publish(layout, candidate(layout, number), now())


def build_no(path: Path) -> int:
    """The number of the build, after its consistency was checked."""
    with connect.read(path) as db:
        found = db.execute(FACTS).fetchone()
    assert found is not None
    assert found == (found[0], found[0], found[0] ** 2)
    return int(found[0])


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data", tmp_path / "catalog").ensure()


class Script:
    """A Python process that runs `text` and talks over its pipes; ended whatever happens."""

    def __init__(self, text: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", text, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def hear(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            assert self.process.stderr is not None
            pytest.fail(self.process.stderr.read() or "the process ended without a word")
        return line

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> str:
        """What it said last, after it ended by itself."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        return out.strip()


# --- names, order, refusals ------------------------------------------------------------------------------------------


def test_a_published_version(layout: Layout) -> None:
    assert versions.published(layout) is None
    work = candidate(layout, 1)
    zone = dt.timezone(dt.timedelta(hours=2))
    version = versions.publish(layout, work, dt.datetime(2022, 10, 1, 2, 15, 0, 7, tzinfo=zone))
    assert version == layout.versions / "weathervane-20221001T001500000007Z.duckdb"
    assert versions.published(layout) == version.resolve()
    assert version.stat().st_mode & 0o777 == 0o444
    assert layout.link.readlink() == Path("versions") / version.name
    assert not work.parent.exists()
    assert build_no(layout.link) == 1


def test_the_folder_may_be_moved(layout: Layout) -> None:
    publish(layout, 1)
    elsewhere = layout.data.with_name("elsewhere")
    layout.data.rename(elsewhere)
    assert build_no(elsewhere / layout.link.name) == 1


def test_a_version_is_never_overwritten(layout: Layout) -> None:
    stamp = now()
    version = versions.publish(layout, candidate(layout, 1), stamp)
    with pytest.raises(FileExistsError, match="never overwritten"):
        versions.publish(layout, candidate(layout, 2), stamp)
    assert versions.published(layout) == version.resolve()
    assert build_no(layout.link) == 1


def test_a_candidate_that_was_not_closed_is_refused(layout: Layout) -> None:
    publish(layout, 1)
    work = candidate(layout, 2)
    with duckdb.connect(str(work)) as db:
        db.execute("INSERT INTO about VALUES ('open', 'yes')")
        with pytest.raises(PublishError, match="was not checkpointed and closed"):
            versions.publish(layout, work, now())
    assert build_no(layout.link) == 1


def test_a_stamp_without_a_zone_and_a_missing_candidate_are_refused(layout: Layout) -> None:
    with pytest.raises(ValueError, match="time zone"):
        versions.publish(layout, candidate(layout, 1), dt.datetime(2022, 10, 1))
    with pytest.raises(FileNotFoundError):
        versions.publish(layout, layout.versions / "nothing", now())
    assert versions.published(layout) is None


def test_a_file_in_the_place_of_the_link_is_kept_aside(layout: Layout) -> None:
    shutil.copy(candidate(layout, 1), layout.link)
    with duckdb.connect(str(layout.link)) as db:
        db.execute("INSERT INTO about VALUES ('mine', 'yes')")
        shutil.copy(f"{layout.link}.wal", layout.data / "log")
    (layout.data / "log").rename(f"{layout.link}.wal")
    shutil.copy(candidate(layout, 1), layout.link)  # the state in which a killed process leaves file and log
    assert versions.published(layout) is None
    publish(layout, 2)
    assert build_no(layout.link) == 2
    (aside,) = layout.data.glob("weathervane.aside-*.duckdb")
    with duckdb.connect(str(aside)) as db:  # with its log: nothing of what somebody wrote is lost
        assert sorted(db.execute("SELECT * FROM about").fetchall()) == [("build_no", "1"), ("mine", "yes")]
    assert versions.stray_wals(layout) == []


def test_a_folder_in_the_place_of_the_link_is_refused(layout: Layout) -> None:
    layout.link.mkdir()
    work = candidate(layout, 1)
    with pytest.raises(PublishError, match="is a folder"):
        versions.publish(layout, work, now())
    assert work.exists()


def test_a_dangling_link_is_nothing_published(layout: Layout) -> None:
    publish(layout, 1).unlink()
    assert versions.published(layout) is None
    publish(layout, 2)
    assert build_no(layout.link) == 2


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".hidden", "a b", "x" * 200])
def test_a_run_id_that_would_leave_its_folder_is_refused(layout: Layout, run_id: str) -> None:
    with pytest.raises(ValueError, match="is no run id"):
        versions.work_folder(layout, run_id)


def test_a_second_attempt_of_a_run_starts_empty(layout: Layout) -> None:
    (versions.work_folder(layout, "r1") / "half").write_text("half")
    assert list(versions.work_folder(layout, "r1").iterdir()) == []


def test_clean_says_what_it_removed_and_leaves_the_rest(layout: Layout) -> None:
    version = publish(layout, 1)
    (versions.work_folder(layout, "r1") / "half").write_text("half")
    (layout.data / f".{layout.link.name}.20221001T000000000000Z").symlink_to("versions/nothing")
    said = versions.clean(layout)
    assert len(said) == 2
    assert "versions/.r1.building" in said[0]
    assert ".weathervane.duckdb.20221001T000000000000Z" in said[1]
    assert versions.clean(layout) == []
    assert [path.name for path in layout.versions.iterdir()] == [version.name]
    assert build_no(layout.link) == 1


# --- removing old versions -------------------------------------------------------------------------------------------


def fake_versions(layout: Layout, ages_in_hours: list[float]) -> list[Path]:
    paths = []
    for age in ages_in_hours:
        stamp = (now() - dt.timedelta(hours=age)).strftime("%Y%m%dT%H%M%S%fZ")
        paths.append(layout.versions / f"weathervane-{stamp}.duckdb")
        paths[-1].touch()
    layout.link.unlink(missing_ok=True)
    layout.link.symlink_to(f"versions/{paths[-1].name}")
    return paths


def test_the_newest_stay(layout: Layout) -> None:
    paths = fake_versions(layout, [72, 60, 48, 36, 24])
    wal = paths[0].with_name(paths[0].name + ".wal")
    wal.touch()
    other = layout.versions / "notes.txt"
    other.touch()
    assert versions.prune(layout, keep=3) == paths[:2]
    assert sorted(layout.versions.iterdir()) == sorted([other, *paths[2:]])


def test_a_version_that_was_replaced_a_moment_ago_stays_however_old_it_is(layout: Layout) -> None:
    paths = fake_versions(layout, [72, 48, 0.3, 0.2, 0.1])
    assert versions.prune(layout, keep=1) == paths[:1]
    assert versions.prune(layout, keep=1, at_least_seconds=60) == paths[1:4]


def test_the_published_version_stays_even_if_it_is_the_oldest(layout: Layout) -> None:
    paths = fake_versions(layout, [72, 60, 48, 36])
    layout.link.unlink()
    layout.link.symlink_to(f"versions/{paths[0].name}")  # somebody went back to it by hand
    assert versions.prune(layout, keep=1) == paths[1:3]
    with pytest.raises(ValueError, match="at least 1"):
        versions.prune(layout, keep=0)


def test_publishing_spares_the_version_that_it_replaces(layout: Layout) -> None:
    paths = fake_versions(layout, [72, 60, 48, 36, 24])
    layout.link.unlink()
    layout.link.symlink_to(f"versions/{paths[1].name}")
    new = publish(layout, 1)
    # The newest three, the one just replaced, and the one whose successor is a moment old.
    assert sorted(layout.versions.iterdir()) == sorted([paths[1], *paths[3:], new])


# --- readers ---------------------------------------------------------------------------------------------------------

READER = f"""
import sys, time
from pathlib import Path
import duckdb
from warehouse import connect

link, stop, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
FACTS = {FACTS!r}

def open_link():
    # Half of them as analysts do it, half with our function.
    return duckdb.connect(str(link), read_only=True) if way == "plain" else connect.read(link)

def facts(db):
    whole = db.execute(FACTS).fetchone()
    number = db.execute("SELECT value::INTEGER FROM about WHERE key = 'build_no'").fetchone()[0]
    time.sleep(0.002)
    count = db.execute("SELECT count(*) FROM digest").fetchone()[0]
    if not whole == (number, count, count * count):
        sys.exit(f"mixed answer: {{whole}}, {{number}}, {{count}}")
    return number

kept = open_link()
seen = [facts(kept)]
print("ready", flush=True)
queries, deadline = 1, time.monotonic() + {PATIENCE}
last = False
while not last:
    last = stop.exists()  # one more look after the last publication
    if time.monotonic() > deadline:
        sys.exit("nobody said stop")
    if way == "keeps":
        if facts(kept) != seen[0]:
            sys.exit("the snapshot moved")
    else:
        with open_link() as db:
            number = facts(db)
        if number < seen[-1]:
            sys.exit(f"went back from {{seen[-1]}} to {{number}}")
        if number != seen[-1]:
            seen.append(number)
        if facts(kept) != seen[0]:
            sys.exit("the snapshot of the connection that stayed open moved")
    queries += 1
    time.sleep(0.8)  # 20 of them share the processors with the publisher
print(queries, *seen)
"""


def watch(layout: Layout, ways: list[str], publications: int, **pruning: float) -> list[list[int]]:
    """Publish under readers; what each reader saw: the number of its rounds, then the builds in order."""
    stop = layout.data.with_name("stop")
    readers = [Script(READER, layout.link, stop, way) for way in ways]
    try:
        for reader in readers:
            assert reader.hear() == "ready"
        for number in range(2, publications + 2):
            publish(layout, number)
            if pruning:
                versions.prune(layout, **pruning)  # type: ignore[arg-type]
        stop.touch()
        return [[int(word) for word in reader.end().split()] for reader in readers]
    finally:
        for reader in readers:
            reader.process.kill()
            reader.process.communicate()


def test_twenty_readers_while_ten_versions_are_published(layout: Layout) -> None:
    publish(layout, 1)
    ways = ["plain"] * 10 + ["ours"] * 9 + ["keeps"]
    saw = watch(layout, ways, publications=10)
    for way, (rounds, *builds) in zip(ways, saw, strict=True):
        assert rounds > 1
        assert builds[0] == 1
        assert builds[-1] == (1 if way == "keeps" else 11)
    assert len({build for _, *builds in saw for build in builds}) > 5  # they did read in between
    assert build_no(layout.link) == 11


WATCHER = """
import os, sys
link, stop = sys.argv[1:]
looks = gaps = 0
print("ready", flush=True)
while not looks % 1000 == 0 or not os.path.exists(stop):
    looks += 1
    try:
        os.readlink(link)
    except FileNotFoundError:
        gaps += 1
print(gaps)
"""


def test_at_no_moment_is_there_nothing_at_the_link(layout: Layout) -> None:
    """Opening takes milliseconds and would miss a gap of microseconds; so somebody looks without pause."""
    publish(layout, 1)
    stop = layout.data / "stop"
    with Script(WATCHER, layout.link, stop) as watcher:
        assert watcher.hear() == "ready"
        for number in range(60):
            work = versions.work_folder(layout, f"run-{number}") / "candidate.duckdb"
            shutil.copyfile(layout.link, work)
            versions.publish(layout, work, now())
        stop.touch()
        assert watcher.end() == "0"


def test_readers_when_old_versions_vanish_at_once(layout: Layout) -> None:
    publish(layout, 1)
    saw = watch(layout, ["ours"] * 4 + ["keeps"], publications=6, keep=1, at_least_seconds=0)
    assert [builds[-1] for _, *builds in saw] == [7, 7, 7, 7, 1]
    assert len(list(layout.versions.iterdir())) == 1


# --- careless users --------------------------------------------------------------------------------------------------

CARELESS = """
import sys, time
import duckdb
db = duckdb.connect(sys.argv[1])
db.execute("SET checkpoint_threshold = '1 GB'")
db.execute("INSERT INTO about VALUES ('foreign', 'row')")
db.execute("CREATE TABLE foreign_table AS SELECT 1 AS a")
db.execute("BEGIN")
db.execute("INSERT INTO digest BY NAME SELECT i AS position, 0 AS refresh, now()::TIMESTAMP AS happened_at, "
    "'foreign' AS kind, i::VARCHAR AS subject, '' AS what FROM range(100000) r(i)")
print("in the middle", flush=True)
time.sleep(600)
"""


def nothing_foreign(layout: Layout, number: int) -> None:
    for database in (layout.link, layout.link.resolve()):
        with duckdb.connect(str(database), read_only=True) as db:
            assert db.execute("SELECT * FROM about").fetchall() == [("build_no", str(number))]
            assert db.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'foreign_table'").fetchone() == (
                0,
            )
    assert build_no(layout.link) == number


def test_a_user_who_writes_and_is_killed(layout: Layout) -> None:
    version = publish(layout, 1)
    version.chmod(0o644)  # root is not held back by modes, and the owner can change them
    with Script(CARELESS, layout.link) as user:
        assert user.hear() == "in the middle"
        publish(layout, 2)  # nobody is blocked by a writer of the old version, nor by its log
        nothing_foreign(layout, 2)
        user.process.send_signal(signal.SIGKILL)
        user.process.wait(PATIENCE)
    versions.published(layout).chmod(0o644)  # type: ignore[union-attr]
    with Script(CARELESS, layout.link) as user:
        assert user.hear() == "in the middle"
        user.process.send_signal(signal.SIGKILL)
        user.process.wait(PATIENCE)
    wal = Path(f"{layout.link.resolve()}.wal")
    assert versions.stray_wals(layout) == [Path(f"{layout.versions / wal.name}")]
    publish(layout, 3)
    nothing_foreign(layout, 3)
    assert versions.stray_wals(layout) == []
    assert build_no(layout.versions / wal.name.removesuffix(".wal")) == 2  # the old one is itself again


def test_a_log_beside_the_link(layout: Layout) -> None:
    """DuckDB before 2.0 writes it there, and replays it into whatever version the link leads to."""
    publish(layout, 1).chmod(0o644)
    with Script(CARELESS, layout.link) as user:
        assert user.hear() == "in the middle"
    stray = Path(f"{layout.link}.wal")
    Path(f"{layout.link.resolve()}.wal").rename(stray)
    assert versions.stray_wals(layout) == [stray]
    publish(layout, 2)
    nothing_foreign(layout, 2)
    assert versions.stray_wals(layout) == []
    assert len(list(layout.data.glob(f"{stray.name}.aside-*"))) == 1


# --- kill -9 ---------------------------------------------------------------------------------------------------------

# Imports once and forks a publisher for each round: a fresh interpreter per round would cost a second each.
NURSERY = """
import itertools, os, shutil, signal, sys, time
sys.path.insert(0, "tests")
import test_versions as t
from pathlib import Path
from warehouse import versions
from warehouse.layout import Layout

layout = Layout(Path(sys.argv[1]), Path(sys.argv[1]))

def publisher(way, number):
    for number in itertools.count(number):
        if way == "build":
            t.publish(layout, number)
        else:  # only the last steps, so that a kill is likely to hit them
            work = versions.work_folder(layout, f"run-{number}") / "candidate.duckdb"
            shutil.copyfile(layout.link, work)
            versions.publish(layout, work, t.now())

print("ready", flush=True)
for line in sys.stdin:
    way, seconds, number = line.split()
    before = os.readlink(layout.link)
    child = os.fork()
    if child == 0:
        try:
            publisher(way, int(number))
        finally:
            os._exit(1)
    # On a busy machine a moment counted from the fork would never come to the last steps; so count from the first move.
    while way == "copy" and os.readlink(layout.link) == before and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    time.sleep(float(seconds))
    os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_a_publisher_that_is_killed_at_any_moment(layout: Layout) -> None:
    generator = random.Random(20221001)
    publish(layout, 1)
    leftovers: list[str] = []
    published = {versions.published(layout)}
    with Script(NURSERY, layout.data) as nursery:
        assert nursery.hear() == "ready"
        for round_ in range(30):
            way, longest = ("build", 0.6) if round_ % 2 else ("copy", 0.06)
            before = build_no(layout.link)
            nursery.say(f"{way} {generator.uniform(0, longest)} {before + 1}")
            assert nursery.hear() == str(int(signal.SIGKILL))
            assert versions.published(layout) is not None
            after = build_no(layout.link)
            assert after >= before
            published.add(versions.published(layout))
            leftovers += versions.clean(layout)
            assert versions.clean(layout) == []
            hidden = [path.name for path in (*layout.data.iterdir(), *layout.versions.iterdir()) if path.name[0] == "."]
            assert hidden == []
    assert leftovers
    assert len(published) > 15  # every other round came to the move of the link
    publish(layout, 1000)
    assert build_no(layout.link) == 1000


# --- full disk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except OSError as error:
        pytest.skip(f"a full disk is NOT tested here: {error}")
    if mounted.returncode:
        pytest.skip(f"a full disk is NOT tested here, mounting needs rights: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=PATIENCE)


@pytest.mark.parametrize("left", ["full while rows are written", "full at the checkpoint"])
def test_a_full_disk(small_disk: Path, left: str) -> None:
    layout = Layout(small_disk / "data", small_disk / "catalog").ensure()
    publish(layout, 1)
    number = 60_000 if left == "full while rows are written" else 2
    big = tables(2)
    about = BY_NAME["about"]
    generator = random.Random(1)
    values = [{"key": f"{row}", "value": generator.randbytes(100).hex()} for row in range(number)]
    big["about"] = about.to_arrow(about.frame(values))
    if left == "full at the checkpoint":
        free = shutil.disk_usage(small_disk).free
        (small_disk / "filler").write_bytes(b"x" * (free - 150_000))
    work = versions.work_folder(layout, "run-2") / "candidate.duckdb"
    with pytest.raises(build.BuildError, match="no space left on device") as failure:
        build.create(work, big)
    assert str(work) in str(failure.value)
    assert "WEATHERVANE_DATA" in str(failure.value)
    assert list(work.parent.iterdir()) == []  # the half-built file would keep the disk full
    assert build_no(layout.link) == 1
    (small_disk / "filler").unlink(missing_ok=True)
    publish(layout, 3)
    assert build_no(layout.link) == 3
