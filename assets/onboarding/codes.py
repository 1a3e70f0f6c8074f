"""Which code of a question is which category now: by label first, by number only where there is nothing else.

Belongs here: comparing the codes of one question in two waves. Does not belong here: which question it is
(assets.onboarding.matching), writing rows (assets.onboarding.draft).

99 was `hard to say` and 3 is: a code that keeps its number and changes its label means another answer, one that keeps
its label and changes its number means the same. What is neither gets no row, so that a refresh names it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assets.onboarding.contents import Tally
from assets.onboarding.words import alike, plain
from schemas.codebook import Variable
from schemas.conditions import SYSTEM_MISSING
from schemas.crosswalk import CategoryRow

RELABELLED = 0.80  # labels of one code that are at least so alike are one answer in other words
RECODED = 0.95  # labels of two codes that are at least so alike are one answer under another number


@dataclass(frozen=True)
class Code:
    """One code of the new file, or one of the previous wave that is gone.

    Attributes:
        status: `same`; `recoded` (same label, other code); `relabelled` (same code, other label); `by_code` (no label
            to compare); `new` (no row is written); `gone` (not in the new file).
        code: in the new file; in the previous wave if gone.
        label: likewise.
        n: rows with it; None if unknown.
        row: the row of the previous wave that it continues; None for a new code.
        note: what a person should know.
    """

    status: str
    code: str
    label: str | None
    n: int | None
    row: CategoryRow | None = None
    note: str | None = None


def codes_of(variable: Variable, tally: Tally | None) -> dict[str, tuple[str | None, int | None]]:
    """Every code that is labelled or occurs, with its label and rows; `.` where values are missing.

    Of a variable with too many values to be codes only the labelled ones.
    """
    counts: Mapping[str, int] = (tally.codes if tally and tally.codes is not None else None) or {}
    counted = tally is not None and tally.codes is not None
    found: dict[str, tuple[str | None, int | None]] = {
        one.code: (one.label, counts.get(one.code, 0) if counted else None) for one in variable.labels
    }
    found |= {
        code: (None, n) for code, n in sorted(counts.items(), key=lambda pair: _order(pair[0])) if code not in found
    }
    if tally and tally.missing:
        found[SYSTEM_MISSING] = (None, tally.missing)
    return found


def compare(
    rows: Sequence[CategoryRow], variable: Variable, tally: Tally | None, *, filtered: bool = False
) -> list[Code]:
    """The codes of a question in the new file, then those of the previous wave that are gone.

    Args:
        rows: of the previous wave. Rows of published figures, which have no code, are compared by their option.
        variable: of the new file.
        tally: its counts.
        filtered: whether only a part of the rows is asked; then a missing value may just be outside that part, and one
            that is not is named by the refresh.
    """
    found = _Comparison(rows, codes_of(variable, tally), bool(variable.labels)).all()
    return [one for one in found if not (filtered and one.status == "new" and one.code == SYSTEM_MISSING)]


class _Comparison:
    def __init__(
        self, rows: Sequence[CategoryRow], codes: Mapping[str, tuple[str | None, int | None]], labelled: bool
    ) -> None:
        self.rows, self.codes, self.labelled = list(rows), codes, labelled
        self.before = {row.code: row for row in rows if row.code is not None}
        self.left = list(rows)
        self.found: dict[str, Code] = {}

    def all(self) -> list[Code]:
        self._same_label()
        self._similar_label()
        self._by_code()
        for code, (label, n) in self.codes.items():
            if code not in self.found:
                self.found[code] = Code("new", code, label, n, note=self._about_new(code, label))
        gone = [Code("gone", row.code or "", _text(row), None, row) for row in self.left]
        return [self.found[code] for code in self.codes] + gone

    def _same_label(self) -> None:
        """Labels that are equal after normalising; the same number first, where a label stands twice."""
        for same_number in (True, False):
            for code, (label, n) in self.codes.items():
                if code in self.found or not plain(label):
                    continue
                hits = [row for row in self.left if plain(_text(row)) == plain(label)]
                if same_number:
                    hits = [row for row in hits if row.code in (code, None)]
                if len(hits) == 1 or (hits and same_number):
                    self._take(code, label, n, hits[0], "same")

    def _similar_label(self) -> None:
        """Labels that are alike: of one number first, then, only if nearly equal, of two."""
        for least, same_number in ((RELABELLED, True), (RECODED, False)):
            for code, (label, n) in self.codes.items():
                if code in self.found or not label:
                    continue
                hits = [row for row in self.left if alike(label, _text(row) or "") >= least]
                hits = [row for row in hits if (row.code in (code, None)) == same_number]
                if len(hits) == 1:
                    self._take(code, label, n, hits[0], "relabelled")

    def _by_code(self) -> None:
        """Codes without a label here: the points of a scale, a file without labels, the missing value."""
        for code, (label, n) in self.codes.items():
            row = next((row for row in self.left if row.code == code), None)
            if code in self.found or row is None:
                continue
            bare = not row.label or plain(row.label) == plain(code)
            if code == SYSTEM_MISSING or (bare and plain(label) in ("", plain(code))):
                self._take(code, label, n, row, "same")
            elif label is None and not self.labelled:
                self._take(code, label, n, row, "by_code")

    def _take(self, code: str, label: str | None, n: int | None, row: CategoryRow, status: str) -> None:
        self.left.remove(row)
        moved = row.code is not None and row.code != code
        notes = []
        if moved:
            notes.append(f"{_text(row)!r} was {row.code}, is {code}")
            other = self.before.get(code)
            if other is not None and other is not row:
                notes.append(f"{code} was {_text(other) or 'without a label'!r} ({other.category or other.kind})")
        if status == "relabelled":
            notes.append(f"label was {_text(row)!r}, is {label!r}")
        if status == "by_code":
            notes.append(f"taken for {row.label!r} by its number alone: the file has no labels for it")
        self.found[code] = Code("recoded" if moved else status, code, label, n, row, "; ".join(notes) or None)

    def _about_new(self, code: str, label: str | None) -> str | None:
        other = self.before.get(code)
        if code == SYSTEM_MISSING:
            return "nobody was without a value before: not asked, or an answer that is delivered as a blank?"
        if other is not None:
            return f"{code} was {_text(other) or 'without a label'!r} ({other.category or other.kind}) before"
        close = max(self.left, key=lambda row: alike(label or "", _text(row) or ""), default=None)
        if label and close is not None and alike(label, _text(close) or "") >= RELABELLED:
            return f"like {_text(close)!r}, which was {close.code} ({close.category or close.kind})"
        return None


def _text(row: CategoryRow) -> str | None:
    """What a row calls its code: the file's label, or what published figures call it."""
    return row.label or (row.option if row.code is None else None)


def _order(code: str) -> tuple[bool, float, str]:
    try:
        return False, float(code), code
    except ValueError:
        return True, 0.0, code


def undecided(code: Code) -> bool:
    """Whether a refresh will ask for a row: a new code that somebody has."""
    return code.status == "new" and code.n != 0


def count(codes: Iterable[Code], status: str) -> int:
    """How many codes have a status."""
    return sum(one.status == status for one in codes)
