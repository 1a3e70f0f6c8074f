"""The temporary file of one attempt, its size limit, its checksum and its rename.

Belongs here: everything that touches the folder of fetched files, and clearing away what killed fetches left in it.
Does not belong here: where the bytes come from (web, storage), when another attempt is made (transfer).
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
from pathlib import Path
from types import TracebackType

from assets.releases.fetching.failures import FailedError
from assets.releases.fetching.policy import LARGEST_VARIABLE

PART_SUFFIX = ".part"


class Part:
    """The temporary file of one attempt: gone when the attempt ends, unless `keep` has renamed it."""

    def __init__(self, into: Path, sha256: str, largest: int) -> None:
        self._into, self._sha256, self._largest = into, sha256, largest
        self._hash = hashlib.sha256()
        self.received = 0

    def __enter__(self) -> "Part":
        while True:
            self._path = self._into / f".{self._sha256[:16]}-{secrets.token_hex(8)}{PART_SUFFIX}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o666)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file).st_nlink:
                return self
            os.close(self._file)  # `tidy` came between the opening and the lock

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def announce(self, size: int) -> None:
        """The source says how large the file is, before its first byte."""
        if size > self._largest:
            raise FailedError(
                "too large: refused before the first byte",
                cause="too_large",
                value=f"{size} bytes",
                expected=f"at most {self._largest} ({LARGEST_VARIABLE})",
            )

    def add(self, block: bytes) -> None:
        """The next bytes of the file."""
        self.received += len(block)
        if self.received > self._largest:
            raise FailedError(
                "too large: ended while it was arriving",
                cause="too_large",
                value=f"{self.received} bytes and more to come",
                expected=f"at most {self._largest} ({LARGEST_VARIABLE})",
            )
        self._hash.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def keep(self) -> Path:
        """The whole file, if it is the expected one, on disk under its checksum."""
        found = self._hash.hexdigest()
        if found != self._sha256:
            raise FailedError(
                f"the {self.received} bytes received are not the expected file",
                cause="checksum",
                value=found,
                expected=f"sha256 {self._sha256}",
            )
        os.fsync(self._file)
        final = self._into / self._sha256
        self._path.replace(final)
        folder = os.open(self._into, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # without it a power cut may undo the rename
        finally:
            os.close(folder)
        return final


def holds(path: Path, sha256: str) -> bool:
    """Whether a plain file with these bytes is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return plain and hashlib.file_digest(file, "sha256").hexdigest() == sha256


def tidy(into: Path) -> int:
    """Delete what killed fetches left behind in a folder. Downloads that are still running are left alone.

    Args:
        into: the folder that was given to `fetch`; it may be missing.

    Returns:
        The number of files deleted.
    """
    deleted = 0
    for path in into.glob("*" + PART_SUFFIX):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                # A fetch holds this lock while it lives; the kernel drops it with the process. Age says
                # nothing: a slow download is old, and the leftover of a moment ago is young.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                deleted += 1
            finally:
                os.close(descriptor)
    return deleted
