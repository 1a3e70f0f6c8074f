"""The ledger: what was loaded when, from which bytes, and why it was loaded again. Append-only.

Belongs here: events of releases and the values of each load, one folder of Parquet per refresh that changed anything.
Does not belong here: the published database (it is derived from this), Dagster's own event log.

Appending is one rename: a killed refresh leaves the ledger as it was.
"""

import datetime as dt
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow
import pyarrow.parquet

from schemas.problems import Problem
from schemas.tables.figures import VINTAGES
from schemas.vocabulary import Cause
from warehouse.files import flush_all, move_whole

CONTEXT = "*"  # stands where an event is about the catalogue as a whole

Status = Literal["loaded", "quarantined", "awaiting", "withdrawn", "context"]

_SCHEMA = pyarrow.schema(
    [
        ("refresh", pyarrow.int32()),
        ("happened_at", pyarrow.timestamp("us")),
        ("release", pyarrow.string()),
        ("status", pyarrow.string()),
        ("load_vintage", pyarrow.int32()),
        ("cause", pyarrow.string()),
        ("parts", pyarrow.string()),
        ("tree_sha256", pyarrow.string()),
        ("wave_key", pyarrow.string()),
        ("items", pyarrow.list_(pyarrow.string())),
        ("problems", pyarrow.string()),
    ]
)

# A load's values: the declared vintages without the columns that only history can tell, plus their standing.
_OF_HISTORY = ("loaded_at", "cause", "available_from", "available_until", "latest")
VALUES = pyarrow.schema(
    [f for f in VINTAGES.arrow() if f.name not in _OF_HISTORY] + [pyarrow.field("standing", pyarrow.string())]
)


@dataclass(frozen=True)
class Event:
    """What happened to one release (or to the context) in one refresh.

    Attributes:
        release: organisation/series/folder, or `CONTEXT`.
        status: loaded, quarantined, awaiting (nothing of it can be loaded before its file comes), withdrawn (the
            folder is gone), or context.
        parts: fingerprints of what the load depended on, by part (see assets.releases.changes).
        load_vintage: number of the load, from 1; None unless loaded.
        tree_sha256: archived listing of the inputs.
        wave_key: `organisation/series/wave@vintage`, which only one release may claim.
        items: items the release refers to.
        problems: errors of a quarantined release, warnings of a loaded one.
    """

    release: str
    status: Status
    parts: dict[str, str] = field(default_factory=dict)
    load_vintage: int | None = None
    cause: Cause | None = None
    tree_sha256: str | None = None
    wave_key: str | None = None
    items: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refresh: int = 0
    happened_at: dt.datetime = dt.datetime.min


@dataclass
class State:
    """Where a release stands: its last event and its last good load."""

    last: Event
    loaded: Event | None = None
    since: dt.datetime | None = None  # when the present run of events of this status began

    @property
    def live(self) -> bool:
        """Whether it has a good load that is published."""
        return self.loaded is not None and self.last.status != "withdrawn"


class Ledger:
    """The ledger of one house, read once and appended to by the writer."""

    def __init__(self, folder: Path) -> None:
        """Read every event."""
        self.folder = folder
        self.events: list[Event] = []
        self.states: dict[str, State] = {}
        for segment in self.segments():
            for event in _read(segment / "events.parquet"):
                self._note(event)

    def segments(self) -> list[Path]:
        """Folders of the refreshes, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(p for p in self.folder.iterdir() if p.is_dir() and p.name.isdigit())

    @property
    def head(self) -> int:
        """Number of the last refresh that changed anything; 0 for an empty ledger."""
        return self.events[-1].refresh if self.events else 0

    @property
    def context(self) -> Event | None:
        """The last event of the context."""
        state = self.states.get(CONTEXT)
        return state.last if state else None

    def live(self) -> dict[str, Event]:
        """Release -> its published load."""
        return {r: s.loaded for r, s in sorted(self.states.items()) if r != CONTEXT and s.live and s.loaded}

    def quarantined(self) -> dict[str, State]:
        """Release -> state, for those set aside now."""
        return {r: s for r, s in sorted(self.states.items()) if s.last.status == "quarantined"}

    def awaiting(self) -> dict[str, tuple[State, list[dict[str, Any]]]]:
        """Release -> state and the files that are not at hand (see assets.rows.awaited)."""
        out = {}
        for release, state in sorted(self.states.items()):
            files = awaited(state.last)
            if files and state.last.status in ("loaded", "awaiting"):
                out[release] = (state, files)
        return out

    def values(self) -> pyarrow.Table:
        """The values of every load (`VALUES`)."""
        files = [s / "values.parquet" for s in self.segments()]
        tables = [pyarrow.parquet.read_table(f, schema=VALUES) for f in files if f.is_file()]
        return pyarrow.concat_tables(tables) if tables else VALUES.empty_table()

    def append(self, events: Iterable[Event], values: pyarrow.Table, at: dt.datetime) -> int:
        """Append one refresh, whole or not at all; flushes everything written before it. Returns its number."""
        number = self.head + 1
        stamped = [Event(**{**e.__dict__, "refresh": number, "happened_at": at}) for e in events]
        aside = self.folder / f".{number:06d}.writing"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        pyarrow.parquet.write_table(_table(stamped), aside / "events.parquet")
        if values.num_rows:
            pyarrow.parquet.write_table(values.cast(VALUES), aside / "values.parquet")
        flush_all(aside)
        move_whole(aside, self.folder / f"{number:06d}")
        flush_all(self.folder)
        for event in stamped:
            self._note(event)
        return number

    def tidy(self) -> None:
        """Remove what a killed run left half-written."""
        for leftover in self.folder.glob(".*.writing"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _note(self, event: Event) -> None:
        self.events.append(event)
        before = self.states.get(event.release)
        loaded = event if event.status in ("loaded", "context") else (before.loaded if before else None)
        since = event.happened_at
        stays = event.status in ("quarantined", "awaiting") and before and before.last.status == event.status
        if stays and before and before.since:
            since = before.since
        self.states[event.release] = State(event, loaded, since)


def awaited(event: Event) -> list[dict[str, Any]]:
    """The files that a release awaited when this happened."""
    files: list[dict[str, Any]] = json.loads(event.parts.get("awaits", "[]"))
    return files


def _table(events: list[Event]) -> pyarrow.Table:
    rows: list[dict[str, Any]] = []
    for e in events:
        rows.append(
            {
                **e.__dict__,
                "parts": json.dumps(e.parts, sort_keys=True),
                "problems": json.dumps([p.as_row() for p in e.problems], ensure_ascii=False),
            }
        )
    return pyarrow.Table.from_pylist(rows, schema=_SCHEMA)


def _read(path: Path) -> list[Event]:
    rows = pyarrow.parquet.read_table(path, schema=_SCHEMA).to_pylist()
    for row in rows:
        row["parts"] = json.loads(row["parts"])
        row["problems"] = [Problem.from_row(p) for p in json.loads(row["problems"])]
    return [Event(**row) for row in rows]
