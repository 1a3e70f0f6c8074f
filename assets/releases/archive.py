"""The archive: every byte that was ever read, by its sha256, before anything parses it.

Belongs here: storing and finding bytes, and the listing (tree) of a release folder as it stood. Does not belong here:
what the bytes mean.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.files import write_whole


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Archive:
    """Content-addressed files under `root`, two-letter folders, read-only."""

    root: Path

    def path(self, digest: str) -> Path:
        """Where the bytes with this checksum lie (whether or not they are there)."""
        return self.root / digest[:2] / digest

    def __contains__(self, digest: str) -> bool:
        """Whether the bytes are there."""
        return self.path(digest).is_file()

    def put(self, data: bytes) -> str:
        """Keep bytes; flushing is left to the caller, once for a batch."""
        digest = sha256(data)
        place = self.path(digest)
        if not place.is_file() or place.read_bytes() != data:  # absent, or damaged: here is the good copy
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, data, flush=False)
            place.chmod(0o444)
        return digest

    def put_file(self, source: Path, digest: str) -> None:
        """Keep a (possibly large) file whose checksum is known; the copy is checked, and replaces a damaged one.

        Raises:
            OSError: the file changed while it was copied, or is itself the damaged file of the archive.
        """
        place = self.path(digest)
        if self.holds(digest):
            return
        if source == place:
            raise self._damaged(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_name(f".{digest}.part")
        shutil.copyfile(source, aside)
        with aside.open("rb") as copy:
            found = hashlib.file_digest(copy, "sha256").hexdigest()
        if found != digest:
            aside.unlink()
            raise OSError(f"{source} changed while it was being archived; run the refresh again")
        aside.chmod(0o444)
        aside.replace(place)

    def read(self, digest: str) -> bytes:
        """The bytes.

        Raises:
            FileNotFoundError: they are not in the archive.
            OSError: the archived bytes no longer have their checksum.
        """
        data = self.path(digest).read_bytes()
        if sha256(data) != digest:
            raise self._damaged(digest)
        return data

    def holds(self, digest: str) -> bool:
        """Whether the bytes are there and still have their checksum: nothing is parsed that does not."""
        if digest not in self:
            return False
        with self.path(digest).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest

    def _damaged(self, digest: str) -> OSError:
        return OSError(f"the archive is damaged: {self.path(digest)} no longer has its checksum")

    def put_tree(self, listing: Mapping[str, Any]) -> str:
        """Keep a listing as canonical JSON."""
        return self.put(json.dumps(listing, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())

    def read_tree(self, digest: str) -> dict[str, Any]:
        """A listing."""
        listing: dict[str, Any] = json.loads(self.read(digest))
        return listing

    def damaged(self) -> list[str]:
        """Checksums of archived files that no longer hold; leftovers of killed runs (`.part`) do not count."""
        bad = []
        for place in sorted(self.root.glob("??/*")):
            if place.name.startswith("."):
                continue
            if not self.holds(place.name):
                bad.append(place.name)
        return bad

    def tidy(self) -> None:
        """Remove what a killed run left half-written."""
        for leftover in self.root.glob("??/.*.part"):
            leftover.unlink(missing_ok=True)
