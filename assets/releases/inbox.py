"""The drop folder: files and whole release folders that a person puts there by hand; no network takes part.

Belongs here: finding a file by its checksum whatever its name, finding dropped release folders. Does not belong
here: fetching (assets.releases.fetching), copying into the archive, reading any file.

Whoever may write into the drop folder may also put links and pipes there, on purpose or by unpacking an
archive: only plain files are opened, and no link is followed.
"""

import contextlib
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

LARGEST_BYTES = 512 * 2**20
MANIFEST = "release.yml"


class Inbox:
    """A drop folder as one refresh finds it. What is dropped later is seen by the next refresh's `Inbox`.

    It is walked and hashed once, and only as far as the searches need; a search that finds nothing is free
    after that. Threads may share it.

    Attributes:
        path: the folder; it may be missing, and it may itself be a link (nothing in it may).
        largest_bytes: larger files are passed over.
        skipped: what was passed over and why, by path below the folder: for a warning if nothing was found.
    """

    def __init__(self, path: Path, largest_bytes: int = LARGEST_BYTES) -> None:
        """Nothing is read yet."""
        self.path = path
        self.largest_bytes = largest_bytes
        self.skipped: dict[str, str] = {}
        self._not_yet_hashed = self._files()
        self._by_hash: dict[str, list[Path]] = {}
        self._hashes: dict[tuple[Path, int, int], str] = {}  # by path, size, time of the last change
        self._lock = threading.Lock()

    def find(self, sha256: str) -> Path | None:
        """The file with this checksum.

        The caller hashes it once more while copying it: a person may replace it at any moment.

        Args:
            sha256: 64 lower-case hexadecimal digits.

        Returns:
            Its path, the first in the order of names if there are several, or None.
        """
        with self._lock:
            for path in self._by_hash.get(sha256, []):
                if self._hash(path) == sha256:
                    return path
            for path in self._not_yet_hashed:
                found = self._hash(path)
                if found is not None:
                    self._by_hash.setdefault(found, []).append(path)
                if found == sha256:
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

    def _files(self) -> Iterator[Path]:
        """Every plain file, folder by folder, in the order of names."""
        waiting = [self.path]
        while waiting:
            below = []
            for path, about in self._list(waiting.pop()):
                if stat.S_ISDIR(about.st_mode):
                    below.append(path)
                elif stat.S_ISREG(about.st_mode):
                    yield path
                else:
                    self._skip(path, "a link" if stat.S_ISLNK(about.st_mode) else "not a plain file")
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

    def _hash(self, path: Path) -> str | None:
        try:
            # Since the look into its folder the file may have become a link (NOFOLLOW), or a pipe, whose
            # opening would wait for a writer (NONBLOCK).
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    self._skip(path, "not a plain file")
                    return None
                if about.st_size > self.largest_bytes:
                    self._skip(path, f"larger than {self.largest_bytes} bytes")
                    return None
                key = (path, about.st_size, about.st_mtime_ns)
                if key in self._hashes:
                    return self._hashes[key]
                hashed, left = hashlib.sha256(), about.st_size
                while left > 0 and (block := file.read(min(left, 2**20))):
                    hashed.update(block)
                    left -= len(block)
                after = os.fstat(descriptor)
        except OSError as error:
            self._skip(path, f"cannot be read ({error.strerror})")
            return None
        if (path, after.st_size, after.st_mtime_ns) != key:
            self._skip(path, "changed while it was read")  # a copy that is still under way
            return None
        self._hashes[key] = hashed.hexdigest()
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
