"""Where built things lie: the one place that knows the folders of `data/` and of the catalogue.

Belongs here: paths, and the environment variables that move them. Does not belong here: what is in the files.
"""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Layout:
    """The folders of one house: `data` holds everything built, `catalogue` what people wrote.

    `files` are folders of survey files that people keep elsewhere; nothing is written there.
    """

    data: Path
    catalogue: Path
    files: tuple[Path, ...] = ()

    @classmethod
    def from_environment(cls) -> "Layout":
        """`WEATHERVANE_DATA` and `WEATHERVANE_CATALOG`, else `data/` and `catalog/` of the project.

        `WEATHERVANE_FILES` names the folders of survey files, joined by colons (`os.pathsep`).
        """
        data = Path(os.environ.get("WEATHERVANE_DATA") or PROJECT / "data")
        catalogue = Path(os.environ.get("WEATHERVANE_CATALOG") or PROJECT / "catalog")
        kept = [folder for folder in (os.environ.get("WEATHERVANE_FILES") or "").split(os.pathsep) if folder]
        files = tuple(Path(folder).expanduser().absolute() for folder in kept)
        return cls(data.expanduser().absolute(), catalogue.expanduser().absolute(), files)

    @property
    def archive(self) -> Path:
        """Raw bytes by sha256."""
        return self.data / "archive"

    @property
    def inbox(self) -> Path:
        """The drop folder."""
        return self.data / "inbox"

    @property
    def lake(self) -> Path:
        """Parquet, one folder per release and load."""
        return self.data / "lake"

    @property
    def responses(self) -> Path:
        """Respondents' answers as read from their files; no organisation can be called that."""
        return self.lake / "_responses"

    @property
    def ledger(self) -> Path:
        """Append-only history, one folder per refresh that changed anything."""
        return self.data / "ledger"

    @property
    def versions(self) -> Path:
        """Immutable database versions."""
        return self.data / "versions"

    @property
    def link(self) -> Path:
        """What people open: a link to the published version."""
        return self.data / "weathervane.duckdb"

    @property
    def site(self) -> Path:
        """Pages for people."""
        return self.data / "site"

    @property
    def dagster(self) -> Path:
        """Dagster's home."""
        return self.data / "dagster"

    @property
    def lock(self) -> Path:
        """The writer's lock file."""
        return self.data / "writer.lock"

    def ensure(self) -> "Layout":
        """Create the folders."""
        for folder in (self.archive, self.inbox, self.lake, self.ledger, self.versions, self.site, self.dagster):
            folder.mkdir(parents=True, exist_ok=True)
        return self
