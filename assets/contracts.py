"""Pandera over whole derived tables: which meet their declaration, kept beside them for whoever asks next.

Belongs here: looking at the Parquet tables of a work folder, once, and wording the result as the audit words its own.
Does not belong here: rows of one release (assets.loading.contracts), what holds across tables (schemas.expectations).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

from schemas.problems import Problem
from schemas.remedies import CONTRACT, CONTRACT_HOLDS, CONTRACT_MEND
from schemas.tables import BY_NAME
from warehouse.files import write_whole

SHOWN = 5


@dataclass(frozen=True)
class Held:
    """What pandera says of one table.

    Attributes:
        table: its name.
        problems: what does not hold; `file` names the table and the keys of the row.
    """

    table: str
    problems: list[Problem]

    @property
    def message(self) -> str:
        """What was found, how much of it, where, and what to do; the form of the audit's messages."""
        if not self.problems:
            return CONTRACT_HOLDS
        shown = "; ".join(map(str, self.problems[:SHOWN]))
        more = f"; and {len(self.problems) - SHOWN:,} more" if len(self.problems) > SHOWN else ""
        return f"Found {len(self.problems):,}: {shown}{more}. {CONTRACT_MEND}"

    def row(self) -> dict[str, Any]:
        """The row of `checks`."""
        return {
            "level": "warehouse",
            "subject": self.table,
            "check_name": CONTRACT,
            "passed": not self.problems,
            "severity": "error",
            "message": self.message,
        }


def held(work: Path, tables: Iterable[str]) -> list[Held]:
    """Look at tables of a work folder; one that was looked at before is not looked at again.

    Args:
        work: folder with `<table>.parquet`.
        tables: their names.

    Raises:
        FileNotFoundError: a table is not there.
    """
    return [_kept(work, name) or _look(work, name) for name in tables]


def _look(work: Path, name: str) -> Held:
    table = BY_NAME[name]
    frame = table.from_arrow(pyarrow.parquet.read_table(work / f"{name}.parquet"))
    found = Held(name, [_placed(problem, frame, row, table.key) for row, problem in table.problems(frame)])
    kept = json.dumps([asdict(problem) for problem in found.problems]).encode()
    write_whole(_note(work, name), kept, flush=False)
    return found


def _kept(work: Path, name: str) -> Held | None:
    """What was found before, unless the table was written again since."""
    note, table = _note(work, name), work / f"{name}.parquet"
    if not note.exists() or note.stat().st_mtime_ns < table.stat().st_mtime_ns:
        return None
    return Held(name, [Problem.from_row(row) for row in json.loads(note.read_bytes())])


def _note(work: Path, name: str) -> Path:
    return work / f"{name}.contract.json"


def _placed(problem: Problem, frame: Any, row: int, key: Sequence[str]) -> Problem:
    """The problem with the keys of its row; the frame as a whole has none."""
    if row < 0:
        return problem
    keys = ", ".join(f"{name}={frame.iloc[row][name]}" for name in key)
    return Problem(**{**asdict(problem), "file": f"{problem.file} ({keys})"})
