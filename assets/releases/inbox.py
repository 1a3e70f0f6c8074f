"""The drop folder: files and whole release folders that a person puts there by hand; no network takes part.

Belongs here: finding a file by its checksum whatever its name, finding dropped release folders. Does not
belong
here: fetching (assets.releases.fetch), copying into the archive, reading any file.

Whoever may write into the drop folder may also put links and pipes there, on purpose or by unpacking an
archive: only plain files are opened, and no link is followed.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

LARGEST_BYTES = 512 * 2**20
MANIFEST = "release.yml"


class Inbox:
    """A drop folder during one refresh: a file is hashed once, and again only if its size or time changes."""

    def __init__(self, path: Path, largest_bytes: int = LARGEST_BYTES) -> None:
        """Nothing is read yet.

        Args:
            path: the folder; it may be missing, and it may itself be a link (its contents may not).
            largest_bytes: larger files are passed over.
        """
        self.path = path
        self.largest_bytes = largest_bytes
        # What the last search passed over and why, by path below the folder: for a warning if nothing was
        # found.
        self.skipped: dict[str, str] = {}
        self._hashes: dict[tuple[str, int, int], str] = {}

    def find(self, sha256: str) -> Path | None:
        """The file with this checksum.

        The caller hashes it once more while copying it: a person may replace it at any moment.

        Args:
            sha256: 64 lower-case hexadecimal digits.

        Returns:
            Its path, the first in the order of names if there are several, or None.
        """
        self.skipped = {}
        for path, about in self._files():
            if self._hash(path, about) == sha256:
                return path
        return None

    def release_folders(self) -> Iterator[Path]:
        """The folders `<organisation>/<series>/<folder>/` with a release.yml, in the order of their names.

        The layout is that of catalog/releases. Names that begin with a dot are passed over.

        Yields:
            Path of the folder, below `path`.
        """
        for organisation in self._folders(self.path):
            for series in self._folders(organisation):
                for folder in self._folders(series):
                    manifests = [about for path, about in self._list(folder) if path.name == MANIFEST]
                    if manifests and stat.S_ISREG(manifests[0].st_mode):
                        yield folder

    def _folders(self, parent: Path) -> list[Path]:
        visible = [(path, about) for path, about in self._list(parent) if not path.name.startswith(".")]
        return [path for path, about in visible if stat.S_ISDIR(about.st_mode)]

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every plain file, folder by folder, in the order of names."""
        waiting = [self.path]
        while waiting:
            below = []
            for path, about in self._list(waiting.pop()):
                if stat.S_ISDIR(about.st_mode):
                    below.append(path)
                elif not stat.S_ISREG(about.st_mode):
                    self._skip(path, "a link" if stat.S_ISLNK(about.st_mode) else "not a plain file")
                elif about.st_size > self.largest_bytes:
                    self._skip(path, f"larger than {self.largest_bytes} bytes")
                else:
                    yield path, about
            waiting.extend(reversed(below))

    def _list(self, folder: Path) -> list[tuple[Path, os.stat_result]]:
        """What is in a folder, links as links, in the order of names."""
        found = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):  # taken away while we look
                        found.append((Path(entry.path), entry.stat(follow_symlinks=False)))
        except FileNotFoundError:
            pass
        except OSError as error:
            self._skip(folder, f"cannot be read ({error.strerror})")
        return sorted(found, key=lambda item: item[0].name)

    def _hash(self, path: Path, about: os.stat_result) -> str | None:
        key = (str(path), about.st_size, about.st_mtime_ns)
        if key not in self._hashes:
            try:
                # Between the look and the opening the file may have become a link (NOFOLLOW) or a pipe, whose
                # opening would wait for a writer (NONBLOCK).
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                with os.fdopen(descriptor, "rb") as file:
                    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                        return None
                    found = hashlib.sha256()
                    left = self.largest_bytes
                    while left >= 0 and (block := file.read(2**20)):
                        found.update(block)
                        left -= len(block)
                    after = os.fstat(descriptor)
            except OSError as error:
                self._skip(path, f"cannot be read ({error.strerror})")
                return None
            if (after.st_size, after.st_mtime_ns) != key[1:]:
                self._skip(path, "changed while it was read")  # a copy that is still under way
                return None
            self._hashes[key] = found.hexdigest()
        return self._hashes[key]

    def _skip(self, path: Path, why: str) -> None:
        self.skipped[path.relative_to(self.path).as_posix()] = why


def find_by_checksum(inbox: Path, sha256: str, largest_bytes: int = LARGEST_BYTES) -> Path | None:
    """The file anywhere in a drop folder whose bytes have this checksum. For several, keep an `Inbox`.

    Args:
        inbox: the folder; it may be missing.
        sha256: 64 lower-case hexadecimal digits.
        largest_bytes: larger files are passed over.

    Returns:
        Its path, or None.
    """
    return Inbox(inbox, largest_bytes).find(sha256)
