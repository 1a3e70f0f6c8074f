"""Where the lake keeps respondents' answers: one folder per file and way of reading it.

Belongs here: the place of a reading, whether it is there, its codebook. Does not belong here: reading files (read,
running), what the answers mean (assets.questions).

A reading is known by the bytes of the file, the options and the version of the readers. So a file that holds thirty
waves is read once, a changed crosswalk reads nothing again, and a changed option never meets an old reading.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.responses.store import NAME
from schemas.codebook import Codebook

CODEBOOK = "codebook.json"
# Raised by hand when a change of the readers can change an answer, a label or what is dropped.
CODE = "responses 2"


@dataclass(frozen=True)
class Reading:
    """One file as read: the codebook, and the Parquet file with the answers."""

    folder: Path

    @property
    def answers(self) -> Path:
        """The answers."""
        return self.folder / NAME

    @property
    def codebook(self) -> Codebook:
        """What the file says of itself."""
        return Codebook.model_validate_json((self.folder / CODEBOOK).read_bytes())

    @property
    def whole(self) -> bool:
        """Whether both files are there. The folder is moved into place whole, so this is about foreign hands."""
        return self.answers.is_file() and (self.folder / CODEBOOK).is_file()


class ResponsesLake:
    """The readings below one folder (`Layout.responses`)."""

    def __init__(self, root: Path) -> None:
        """Nothing is read yet; the folder may be missing."""
        self.root = root

    def reading(self, sha256: str, options: dict[str, Any]) -> Reading:
        """The place of a reading, there or not.

        Args:
            sha256: of the file.
            options: as `assets.responses.options.Options` takes them, with checksums in place of paths.
        """
        how = hashlib.sha256(json.dumps([CODE, options], sort_keys=True).encode()).hexdigest()[:16]
        return Reading(self.root / sha256[:2] / f"{sha256}-{how}")

    def find(self, sha256: str) -> Reading | None:
        """Any reading of this file, the latest first."""
        found = [Reading(folder) for folder in (self.root / sha256[:2]).glob(f"{sha256}-*")]
        return max((one for one in found if one.whole), key=lambda one: one.folder.stat().st_mtime_ns, default=None)

    def forget(self, keep: Iterable[str] = ()) -> list[Path]:
        """Remove readings that nothing refers to any more (all but those of these names); returns their folders."""
        kept = set(keep)
        gone = [folder for folder in self.root.glob("??/*-*") if folder.name not in kept]
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
        return gone

    def clear(self, folder: Path) -> None:
        """Remove what is left of a reading that is not whole, so that it can be made again."""
        shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what a killed run left half-written."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    @property
    def scratch(self) -> Path:
        """Where files are read before they are moved into place; on the same disk."""
        return self.root / ".reading"
