"""Published versions: immutable files in `data/versions/`, and the link that leads to one of them.

Belongs here: where a build may work, publishing, which version is published, removing old ones, and what
careless users leave behind. Does not belong here: building (warehouse.build), whether a candidate is fit to
be published (assets.publication), the writer's lock (pipeline): `work_folder`, `clean`, `publish` and
`prune` expect that the caller holds it.

A database is never replaced under its name. DuckDB keeps its write-ahead log beside the file, so the log of
somebody who had opened the old file for writing would be replayed into the new one, or block every reader.
"""

import contextlib
import datetime as dt
import itertools
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from warehouse.layout import Layout

KEEP = 3
AT_LEAST_SECONDS = 3600

_STAMP = "%Y%m%dT%H%M%S%fZ"
_VERSION = re.compile(r"weathervane-(\d{8}T\d{12}Z)\.duckdb")
_BUILDING = ".building"
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_ASIDE = ".aside-"


class PublishError(Exception):
    """The candidate could not be published; the link is where it was."""


def work_folder(layout: Layout, run_id: str) -> Path:
    """An empty folder in which the run may build, on the disk of the versions: publishing is a rename.

    What an earlier attempt of the same run left there is thrown away.

    Raises:
        ValueError: the id would not make a plain folder name.
    """
    if not _RUN.fullmatch(run_id):
        raise ValueError(f"{run_id!r} is no run id; expected letters, digits, dots, dashes, underscores")
    folder = layout.versions / f".{run_id}{_BUILDING}"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def clean(layout: Layout) -> list[str]:
    """Delete what killed runs left: work folders, and links never moved into place. Says what it removed."""
    removed = []
    for folder in sorted(layout.versions.glob(f".*{_BUILDING}")):
        shutil.rmtree(folder)
        removed.append(f"removed {folder.relative_to(layout.data)}, left by a run stopped while building")
    for link in sorted(layout.data.glob(f".{layout.link.name}.*")):
        link.unlink()
        removed.append(f"removed {link.relative_to(layout.data)}, left by a run stopped while publishing")
    return removed


def publish(layout: Layout, candidate: Path, stamp: dt.datetime) -> Path:
    """Make the closed, checked database `candidate` the published version and return its new path.

    The moment of publication is the move of the link; killed before it, nothing has happened, killed after
    it, all that matters has. Logs that careless users left beside the link or a version are set aside under
    a name that no client reads; so is a regular file that somebody put in the place of the link, with its
    log. The work folder goes, if nothing else is in it.

    Args:
        layout: the folders.
        candidate: a file in a work folder; it is moved, not copied.
        stamp: when, with a time zone. It becomes the name of the version.

    Raises:
        ValueError: `stamp` has no time zone.
        FileNotFoundError: there is no `candidate`.
        FileExistsError: a version with this stamp exists; versions are never overwritten.
        PublishError: the candidate has a write-ahead log (it was not closed), or a folder is in the place
            of the link.
        OSError: the disk refuses (full, read-only, the candidate on another disk).
    """
    if stamp.tzinfo is None:
        raise ValueError("the stamp of a version needs a time zone")
    name = stamp.astimezone(dt.UTC).strftime(_STAMP)
    version = layout.versions / f"weathervane-{name}.duckdb"
    if _wal(candidate).exists():
        raise PublishError(f"{_wal(candidate)} exists: {candidate.name} was not checkpointed and closed")
    if layout.link.is_dir():
        raise PublishError(f"{layout.link} is a folder; move it away: the link belongs there")
    if version.exists():
        raise FileExistsError(f"{version} exists; versions are never overwritten")

    _sync(candidate)
    candidate.chmod(0o444)
    candidate.rename(version)
    _sync(layout.versions)

    before = published(layout)
    if layout.link.exists() and not layout.link.is_symlink():
        # A second name first, then the move: at no moment is there nothing at the link.
        kept = layout.link.with_name(f"{layout.link.stem}{_ASIDE}{name}{layout.link.suffix}")
        kept.hardlink_to(layout.link)
        if _wal(layout.link).exists():
            _wal(layout.link).rename(_wal(kept))
    for wal in stray_wals(layout):
        wal.rename(wal.with_name(f"{wal.name}{_ASIDE}{name}"))
    link = layout.data / f".{layout.link.name}.{name}"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(version, layout.data))  # relative: data/ may be moved as a whole
    link.replace(layout.link)
    _sync(layout.data)

    # From here on nothing may raise: what has happened must not look like a failure.
    if candidate.parent.name.endswith(_BUILDING):
        with contextlib.suppress(OSError):
            candidate.parent.rmdir()
    prune(layout, spare=() if before is None else (before,))
    return version


def published(layout: Layout) -> Path | None:
    """The version to which the link leads; None for no link, a dangling one, a file in its place."""
    if not layout.link.is_symlink():
        return None
    target = layout.link.resolve()
    return target if target.is_file() else None


def stray_wals(layout: Layout) -> list[Path]:
    """Write-ahead logs beside the link or beside a version: somebody opened what is published for writing.

    Beside a version DuckDB replays it for every reader of that version. Beside the link DuckDB 2.0 ignores
    it, but older clients, which do not resolve links, replay it into whatever version the link leads to.
    """
    beside = [_wal(layout.link), *sorted(map(_wal, there(layout)))]
    return [wal for wal in beside if wal.exists()]


def prune(
    layout: Layout, keep: int = KEEP, at_least_seconds: float = AT_LEAST_SECONDS, spare: Iterable[Path] = ()
) -> list[Path]:
    """Remove old versions and return them.

    Kept are the newest `keep`, the published one, those in `spare`, and each that was replaced by the next
    less than `at_least_seconds` ago: its own age says nothing, a version of last night may have been the
    published one until a second ago, and somebody may stand between resolving the link and opening the
    file. Readers that have a removed version open keep it until they close.

    A version that the disk does not let go is left for the next time.

    Raises:
        ValueError: `keep` is below 1.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; expected at least 1")
    versions = there(layout)
    now = dt.datetime.now(dt.UTC)
    spared = {path.resolve() for path in spare} | {published(layout)}
    removed = []
    for version, successor in itertools.pairwise(versions):
        replaced_for = (now - _stamp(successor)).total_seconds()
        if version in versions[-keep:] or version.resolve() in spared or replaced_for < at_least_seconds:
            continue
        with contextlib.suppress(OSError):
            version.unlink()
            removed.append(version)
            for left in layout.versions.glob(f"{version.name}.wal*"):
                left.unlink()
    return removed


def there(layout: Layout) -> list[Path]:
    """All versions, oldest first. Files with other names are nobody's business here."""
    if not layout.versions.is_dir():
        return []
    return sorted(path for path in layout.versions.iterdir() if _VERSION.fullmatch(path.name))


def _stamp(version: Path) -> dt.datetime:
    found = _VERSION.fullmatch(version.name)
    if found is None:
        raise ValueError(f"{version.name} is no version")
    return dt.datetime.strptime(found[1], _STAMP).replace(tzinfo=dt.UTC)


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")


def _sync(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk: a rename may not get there before what it names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
