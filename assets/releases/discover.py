"""Finding what people put into the catalogue and the drop folder, and taking its fingerprint by content.

Belongs here: walking folders, refusing links, oversize and special files, hashing. Does not belong here: parsing
(a manifest is not opened here), deciding what changed (assets.releases.changes).
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assets.releases.archive import sha256
from schemas.problems import Problem
from warehouse.layout import Layout

LARGEST_FILE = 64 * 1024 * 1024  # bytes; published figures are small, see docs/architecture.md
CONCEPTS = "concepts.yml"
MANIFEST, QUESTIONS, CATEGORIES = "release.yml", "questions.csv", "categories.csv"
CROSSWALK = (QUESTIONS, CATEGORIES)


@dataclass(frozen=True)
class Seen:
    """A file as it was seen: checksum, size, place."""

    sha256: str
    size: int
    path: Path


@dataclass
class Found:
    """A release folder: `organisation/series/folder`, its files by relative path, and what is unsafe about it."""

    release: str
    folder: Path
    files: dict[str, Seen] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def digest(self, *names: str, besides: tuple[str, ...] = ()) -> str:
        """One checksum over some files (all but `besides` if no names are given) and over the unsafe ones."""
        chosen = names or tuple(name for name in self.files if name not in besides)
        lines = [f"{name} {self.files[name].sha256}" for name in sorted(chosen) if name in self.files]
        lines += [str(problem) for problem in self.problems] if not names else []
        return sha256("\n".join(lines).encode())


@dataclass
class Context:
    """The files of the catalogue that are not of one release: items, concepts, claims, organisations, series."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def digests(self) -> dict[str, str]:
        """Checksum by path (`items/belarus-army-role.yml`, `releases/chatham-house/organisation.yml`).

        What is unsafe counts as well, under the path `*`: a new link among the items must not go unnoticed.
        """
        out = {path: sha256(data) for path, data in sorted(self.files.items())}
        return out | ({"*": sha256("\n".join(map(str, self.problems)).encode())} if self.problems else {})


def discover(layout: Layout) -> tuple[list[Found], Context]:
    """Everything in the catalogue and the drop folder.

    A release that stands in both is taken from the catalogue, and the copy in the drop folder becomes a problem of
    the release, so that nothing is chosen silently.
    """
    context = Context()
    found: dict[str, Found] = {}
    for entry in _entries(layout.catalogue):
        if entry.name == CONCEPTS:
            _take_context(entry, CONCEPTS, context)
    for room in ("items", "claims"):
        for entry in _entries(layout.catalogue / room):
            name = f"{room}/{_readable(entry.name)}"
            if entry.name.endswith(".yml"):
                _take_context(entry, name, context)
            elif entry.name.endswith(".yaml"):  # one spelling, or two files could claim one item
                context.problems.append(
                    Problem("manifest", name, "another ending", expected="a name that ends in .yml")
                )
    for root in (layout.catalogue / "releases", layout.inbox):
        for release in _releases(root, context):
            if release.release in found:
                what = "this release stands in the catalogue and in the drop folder"
                found[release.release].problems.append(
                    Problem("duplicate", release.release, what, expected="one place; remove one of the two")
                )
            else:
                found[release.release] = release
    return [found[name] for name in sorted(found)], context


def _releases(root: Path, context: Context) -> Iterator[Found]:
    for organisation in _entries(root):
        if not _is_plain_folder(organisation, _readable(organisation.name), context):
            continue
        for series in _entries(Path(organisation.path)):
            name = f"{_readable(organisation.name)}/{_readable(series.name)}"
            if series.name == "organisation.yml":
                _take_context(series, f"releases/{name}", context)
            elif _is_plain_folder(series, name, context):
                for folder in _entries(Path(series.path)):
                    if folder.name == "series.yml":
                        _take_context(folder, f"releases/{name}/{folder.name}", context)
                    elif folder.is_symlink() or _is_folder(folder):
                        yield _look_into(folder, f"{name}/{_readable(folder.name)}")


def _look_into(entry: os.DirEntry[str], release: str) -> Found:
    found = Found(release, Path(entry.path))
    if entry.is_symlink():
        found.problems.append(_unsafe(release, "a symbolic link instead of a folder"))
        return found
    if "\\" in release:
        found.problems.append(_unsafe(release, "a name with backslashes or bytes that are not UTF-8"))
        return found
    for path in sorted(_walk(found.folder)):
        name = _readable(path.relative_to(found.folder).as_posix())
        file = f"{release}/{name}"
        mode = path.lstat().st_mode
        if "\\" in name:
            found.problems.append(_unsafe(file, "a name with backslashes or bytes that are not UTF-8"))
        elif stat.S_ISLNK(mode):
            found.problems.append(_unsafe(file, "a symbolic link"))
        elif not stat.S_ISREG(mode):
            found.problems.append(_unsafe(file, "not a regular file"))
        elif (size := path.stat().st_size) > LARGEST_FILE:
            what = f"{size:,} bytes are too many for published figures"
            found.problems.append(Problem("too_large", file, what, expected=f"at most {LARGEST_FILE:,} bytes"))
        else:
            try:
                with path.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
            except PermissionError:  # one closed file must not stop all other releases
                found.problems.append(_unsafe(file, "a file that may not be read"))
                continue
            found.files[name] = Seen(digest, size, path)
    if MANIFEST not in found.files and not found.problems:
        what = "no manifest in this folder"
        found.problems.append(Problem("manifest", f"{release}/{MANIFEST}", what, expected="a release.yml"))
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, links not followed; hidden files and editors' backups are nobody's release."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name.endswith("~"):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _take_context(entry: os.DirEntry[str], name: str, context: Context) -> None:
    if entry.is_symlink() or not entry.is_file(follow_symlinks=False):
        context.problems.append(_unsafe(name, "not a regular file"))
    elif entry.stat().st_size > LARGEST_FILE:
        context.problems.append(Problem("too_large", name, f"{entry.stat().st_size:,} bytes", expected="a small file"))
    else:
        context.files[name] = Path(entry.path).read_bytes()


def _unsafe(file: str, what: str) -> Problem:
    return Problem("unsafe_path", file, what, expected="plain files and folders, no links")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def _is_plain_folder(entry: os.DirEntry[str], name: str, context: Context) -> bool:
    """Whether to look into it. A link is reported: else the releases behind it would just be gone."""
    if entry.is_symlink():
        context.problems.append(_unsafe(f"releases/{name}", "a symbolic link"))
        return False
    return _is_folder(entry)


def _readable(name: str) -> str:
    """The name as text that every table can hold: bytes that are not UTF-8 become escapes (`\\xe9`)."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)
