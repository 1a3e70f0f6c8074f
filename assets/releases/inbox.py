"""The drop folder: files and whole release folders that a person puts there by hand; no network takes part.

Belongs here: finding a file by its checksum whatever its name, there and in the folders that WEATHERVANE_FILES names.
Does not belong here: dropped release folders (assets.releases.discover), fetching (assets.releases.fetching), copying
into the archive, reading any file.

Whoever may write into the drop folder may also put links and pipes there, on purpose or by unpacking an
archive: only plain files are opened, and no link is followed.
"""

import contextlib
import hashlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

LARGEST_BYTES = 512 * 2**20


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
        self._listing: list[tuple[Path, int]] | None = None
        self._of_size: dict[int, list[Path]] = {}
        self._not_yet_hashed: Iterator[Path] = iter(())
        self._by_hash: dict[str, list[Path]] = {}
        self._hashes: dict[tuple[Path, int, int], str] = {}  # by path, size, time of the last change
        self._lock = threading.Lock()

    def find(self, sha256: str, size: int | None = None) -> Path | None:
        """The file with this checksum.

        The caller hashes it once more while copying it: a person may replace it at any moment.

        Args:
            sha256: 64 lower-case hexadecimal digits.
            size: bytes; if known, only files of this size are read, however large.

        Returns:
            Its path, the first in the order of names if there are several, or None.
        """
        with self._lock:
            self._look()
            for path in self._by_hash.get(sha256, []):
                if self._hash(path, size) == sha256:
                    return path
            for path in self._not_yet_hashed if size is None else iter(self._of_size.get(size, [])):
                found = self._hash(path, size)
                if found is not None and path not in self._by_hash.setdefault(found, []):
                    self._by_hash[found].append(path)
                if found == sha256:
                    return path
            return None

    def _look(self) -> None:
        if self._listing is None:
            self._listing = list(self._files())
            for path, size in self._listing:
                self._of_size.setdefault(size, []).append(path)
            self._not_yet_hashed = (path for path, _ in self._listing)

    def _files(self) -> Iterator[tuple[Path, int]]:
        """Every plain file with its size, folder by folder, in the order of names."""
        waiting = [self.path]
        while waiting:
            below = []
            for path, about in self._list(waiting.pop()):
                if stat.S_ISDIR(about.st_mode):
                    below.append(path)
                elif stat.S_ISREG(about.st_mode):
                    yield path, about.st_size
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

    def _hash(self, path: Path, wanted: int | None = None) -> str | None:
        try:
            # Since the look into its folder the file may have become a link (NOFOLLOW), or a pipe, whose
            # opening would wait for a writer (NONBLOCK).
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    self._skip(path, "not a plain file")
                    return None
                if about.st_size > self.largest_bytes and about.st_size != wanted:
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


class Places:
    """The drop folder and the folders of survey files that people keep elsewhere, as one refresh finds them."""

    def __init__(self, inbox: Path, kept: Iterable[Path] = ()) -> None:
        """Nothing is read yet."""
        self.inbox = Inbox(inbox)
        self._kept = [Inbox(folder) for folder in kept]

    def find(self, sha256: str, size: int | None = None) -> Path | None:
        """The file with this checksum, as `Inbox.find`.

        What people keep elsewhere may be large and many: there only files of the declared size are read at all, and
        none without a declared size.
        """
        found = self.inbox.find(sha256, size)
        for folder in self._kept if size is not None and found is None else ():
            found = folder.find(sha256, size)
            if found is not None:
                break
        return found

    @property
    def skipped(self) -> dict[str, str]:
        """What was passed over in the drop folder, and why."""
        return self.inbox.skipped
