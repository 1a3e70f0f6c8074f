"""What is wrong with an input, said so that a person can mend it: file, row, column, value, expectation, nearest match.

Belongs here: the `Problem` record, the exception that carries several, and the search for the nearest match.
Does not belong here: finding the problems (the contracts do) or deciding what follows (assets.publication does).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.vocabulary import Severity

LONGEST_VALUE = 80


@dataclass(frozen=True)
class Problem:
    """One defect of one input.

    Attributes:
        cause: one of `schemas.vocabulary.QUARANTINE_CAUSES`.
        file: path as the person knows it, relative to the catalogue (`chatham-house/belarus/08/toplines.csv`).
        what: the defect in a few words, without file or position.
        row: line of the file, counted from 1 (the header of a CSV is line 1).
        column: column name or key path (`fieldwork.start`).
        value: what stands there, shortened.
        expected: what should stand there.
        nearest: the closest admissible value, if one is close.
        severity: an `error` sets the release aside, a `warning` is reported and the release goes on.
    """

    cause: str
    file: str
    what: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    expected: str | None = None
    nearest: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        """One sentence: `file, row 4, column percent: '103' is not …; expected …; did you mean …?`."""
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.column:
            where += f", column {self.column}"
        text = f"{where}: {self.what}"
        if self.value is not None:
            text += f" (found {shorten(self.value)!r})".replace("\\\\", "\\")  # shorten has escaped already
        if self.expected:
            text += f"; expected {self.expected}"
        if self.nearest:
            text += f"; nearest: {self.nearest!r}"
        return text

    def as_row(self) -> dict[str, Any]:
        """The problem as a flat record, with the sentence under `message`."""
        row = asdict(self)
        row["value"] = None if self.value is None else shorten(self.value)
        return {**row, "message": str(self)}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Problem":
        """The inverse of `as_row`."""
        return cls(**{k: v for k, v in row.items() if k != "message"})


class ProblemsError(Exception):
    """Several problems of one input at once: an input is read to its end before anything is raised."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems; the message is one line each."""
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


def shorten(value: object) -> str:
    """A value fit for a message: one line, at most `LONGEST_VALUE` characters."""
    text = str(value).replace("\n", "\\n").replace("\r", "\\r").replace("\x00", "\\0")
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def nearest(value: str, choices: Sequence[str], at_least: float = 60.0) -> str | None:
    """The choice most like `value` (rapidfuzz's ratio, case folded), or None if none reaches `at_least` of 100."""
    if not value or not choices:
        return None
    from rapidfuzz import fuzz, process  # imported here: only bad input pays for it

    found = process.extractOne(value, choices, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=at_least)
    return None if found is None else str(found[0])
