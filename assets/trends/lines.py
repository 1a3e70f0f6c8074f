"""Estimates in their lines: which wave follows which, how each step compares, where a line must be broken.

Belongs here: the order of waves, predecessors, segments, verdicts of steps and of longer ways. Does not belong here:
the rules of comparability (assets.trends.comparability), figures and tests (assets.trends.steps, linear_trend).

A line is a cell (house, series, item, category, column of a banner) over time. All lines of an item share its
questions, so a step is judged once for each pair of questions and not once a line.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow

from assets.trends import columns
from assets.trends.columns import Codes
from assets.trends.comparability import WORST_FIRST, End, joins, judge

Mask = npt.NDArray[np.bool_]

ITEM = ("organisation", "series", "item")
CELL = (*ITEM, "category", "subgroup", "subgroup_value")
BEST = len(WORST_FIRST) - 1
_JOINED = np.array([joins(verdict) for verdict in WORST_FIRST])


class Reasons:
    """Lists of reasons, each kept once and known by its number; 0 is the empty one."""

    def __init__(self) -> None:
        """Begin with the empty list."""
        self.lists: list[tuple[str, ...]] = [()]
        self._known: dict[tuple[str, ...], int] = {(): 0}
        self._joined: dict[tuple[int, int], int] = {}

    def number(self, reasons: Sequence[str]) -> int:
        """The number of a list."""
        key = tuple(reasons)
        at = self._known.setdefault(key, len(self.lists))
        if at == len(self.lists):
            self.lists.append(key)
        return at

    def joined(self, one: int, two: int) -> int:
        """The number of two lists, one behind the other, every reason once."""
        if not two or one == two:
            return one
        key = (one, two)
        at = self._joined.get(key)
        if at is None:
            at = self._joined[key] = self.number(list(dict.fromkeys((*self.lists[one], *self.lists[two]))))
        return at

    def all(self, numbers: Iterable[int]) -> int:
        """The number of several lists one behind the other."""
        out = 0
        for number in numbers:
            out = self.joined(out, int(number)) if out else int(number)
        return out


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of estimates of one line, the earlier first.

    Attributes:
        one: (pairs,) rows of the earlier estimates.
        two: (pairs,) rows of the later ones.
        verdict: (pairs,) position in `WORST_FIRST`.
        reason: (pairs,) number of the reasons.
    """

    one: Codes
    two: Codes
    verdict: Codes
    reason: Codes

    @property
    def columns(self) -> tuple[Codes, Codes, Codes, Codes]:
        """All four."""
        return self.one, self.two, self.verdict, self.reason

    @property
    def joined(self) -> Mask:
        """(pairs,) whether a line may be drawn from one to the other and a change be computed."""
        return _JOINED[self.verdict]


@dataclass(frozen=True, eq=False)
class Reviewed:
    """The reviewed estimates of all lines, in order: what `trends` has.

    Attributes:
        row: (points,) their rows.
        line: (points,) their line.
        first: (points,) whether a line begins here.
        verdict: (points,) of the step that leads here, as in `Pairs`; `BEST` for the first.
        reason: (points,) of that step; 0 for the first.
        start: (segments,) points at which a segment begins.
        size: (segments,) its points.
    """

    row: Codes
    line: Codes
    first: Mask
    verdict: Codes
    reason: Codes
    start: Codes
    size: Codes

    @property
    def position(self) -> Codes:
        """(points,) order in the line, from 1."""
        return _since(np.flatnonzero(self.first), len(self.row)) + 1

    @cached_property
    def segment(self) -> Codes:
        """(points,) number of the segment in its line, from 1."""
        opened = np.zeros(len(self.row), np.intp)
        opened[self.start] = 1
        count = np.cumsum(opened)
        begun = np.flatnonzero(self.first)
        return count - np.repeat(count[begun], np.diff(np.append(begun, len(count)))) + 1

    def ways(self, reasons: Reasons, fewest: int) -> Pairs:
        """From first to last point of the segments that have `fewest` points; they compare as their worst step."""
        chosen = self.size >= fewest
        start, last = self.start[chosen], (self.start + self.size - 1)[chosen]
        inner, noted = self.verdict.copy(), self.reason.copy()
        inner[self.start], noted[self.start] = BEST, 0  # the step to a segment is none of its own
        worst = np.minimum.reduceat(inner, self.start)[chosen] if len(inner) else inner
        reason = np.zeros(len(start), np.intp)
        spoken = np.add.reduceat(noted != 0, self.start)[chosen] if len(inner) else inner
        known: dict[bytes, int] = {}  # the lines of an item mostly have the same steps
        for at in np.flatnonzero(spoken):
            way = noted[start[at] + 1 : last[at] + 1]
            key = way.tobytes()
            if key not in known:
                known[key] = reasons.all(way)
            reason[at] = known[key]
        return Pairs(self.row[start], self.row[last], worst, reason)


class Lines:
    """The lines of whole items.

    Attributes:
        columns: of the estimates in the order of lines and, within them, of fieldwork; those without a day, or whose
            question is excluded, are gone. Texts are dictionaries.
        line: (rows,) number of the line, from 0.
        item: (rows,) number of the item of a house and series.
        column: (rows,) number of the item in one column of a banner, all categories together.
        start: (rows,) first day of interviewing, in days since 1970.
        end: (rows,) last day, or the first where it is unknown.
        reviewed: (rows,) whether the question is.
        reasons: all lists of reasons that steps have.
    """

    def __init__(
        self,
        estimates: pyarrow.Table,
        questions: Mapping[tuple[str, str], Mapping[str, Any]],
        waves: Mapping[tuple[str, str, str], Mapping[str, Any]],
    ) -> None:
        """Place estimates in their lines.

        Args:
            estimates: rows of `estimates` of whole items, ordered by `CELL`, fieldwork and wave.
            questions: rows of `questions` by (release, question).
            waves: rows of `waves` by (organisation, series, wave).
        """
        self.columns = columns.whole(estimates)
        dated = ~columns.missing(self.columns["fieldwork_start"])
        asked, first = columns.together(*(columns.codes(self.columns[name]) for name in ("release", "question")))
        named = self.texts(first, "release", "question")
        kept = np.array([questions[key]["decision"] != "exclude" for key in named], np.bool_)
        keep = dated & kept[asked] if len(kept) else dated
        if not keep.all():
            at = pyarrow.array(np.flatnonzero(keep))
            self.columns = {name: column.take(at) for name, column in self.columns.items()}
        self.reasons = Reasons()
        self._place()
        named = self.texts(self._first_of_end, "release", "question")
        where = self.texts(self._first_of_end, "organisation", "series", "wave", "base")
        self._ends = [
            _end(questions[asked], waves[place[:3]], *place[2:]) for asked, place in zip(named, where, strict=True)
        ]
        self._wordings = [questions[asked]["wording"] for asked in named]
        told = np.array([end.reviewed for end in self._ends], np.bool_)
        self.reviewed: Mask = told[self._end_of] if len(told) else np.zeros(0, np.bool_)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.line)

    def _place(self) -> None:
        """Numbers of lines, of the waves that an item was asked in, and of the questions asked there."""
        code = {name: columns.codes(self.columns[name]) for name in (*CELL, "release", "question", "base")}
        self.line = columns.runs(*(code[name] for name in CELL))
        self.item = columns.runs(*(code[name] for name in ITEM))
        self.column, self._first_of_column = columns.together(self.item, code["subgroup"], code["subgroup_value"])
        start, end = self.columns["fieldwork_start"], self.columns["fieldwork_end"]
        self.start = columns.days(start)
        self.end = np.where(columns.missing(end), self.start, columns.days(end))
        self._wave_of, first = columns.together(
            self.item, self.start, self.end, columns.ranks(self.columns["wave"])
        )  # ascending: what lies between two waves of an item lies between their numbers
        asked, _ = columns.together(*(code[name] for name in ("release", "question", "base")))
        self._end_of, self._first_of_end = columns.together(self._wave_of, asked)
        self._end_of_wave = self._end_of[first]

    def texts(self, rows: Codes, *names: str) -> list[tuple[Any, ...]]:
        """What some columns of texts have in these rows, row by row."""
        place = pyarrow.array(rows)
        return list(zip(*(self.columns[name].take(place).to_pylist() for name in names), strict=True))

    def wordings(self, rows: Codes) -> pyarrow.Array:
        """The wording of the question that these rows answer."""
        texts, of = np.unique(np.array(self._wordings, object), return_inverse=True)
        return columns.words(texts.tolist(), of[self._end_of[rows]])

    def called(self, text: str, by: Literal["line", "column"]) -> list[str]:
        """Names of families, by the number of the line or of the column: `text` with {} filled in."""
        if by == "line":
            named = self.texts(np.flatnonzero(np.diff(self.line, prepend=-1)), *CELL[2:])
        else:
            named = self.texts(self._first_of_column, "item", "subgroup", "subgroup_value")
        return [text.format(" / ".join(one)) for one in named]

    def judged(self, one: Codes, two: Codes) -> Pairs:
        """Pairs of rows with what the rules say of them."""
        of, first = columns.together(self._end_of[one], self._end_of[two])
        found = [self._judge(int(one[at]), int(two[at])) for at in first]
        verdict, reason = (np.array([pair[which] for pair in found], np.intp) for which in (0, 1))
        return Pairs(one, two, verdict[of], reason[of])

    def _judge(self, one: int, two: int) -> tuple[int, int]:
        between = self._end_of_wave[self._wave_of[one] + 1 : self._wave_of[two]]
        ends = self._ends[self._end_of[one]], self._ends[self._end_of[two]]
        verdict, reasons = judge(*ends, tuple(self._ends[at] for at in between))
        return WORST_FIRST.index(verdict), self.reasons.number(reasons)

    def consecutive(self) -> tuple[Pairs, Reviewed]:
        """Every estimate with the one before, and every reviewed one with the reviewed one before, each pair once.

        Returns:
            The pairs, of each line those of the first kind before what the second adds; and the reviewed estimates.
        """
        two = np.flatnonzero(np.diff(self.line, prepend=-1) == 0)
        row = np.flatnonzero(self.reviewed)
        first = np.diff(self.line[row], prepend=-1) != 0
        before = np.where(first, row, np.roll(row, 1))
        apart = ~first & (before != row - 1)
        found = self.judged(np.append(two - 1, before[apart]), np.append(two, row[apart]))
        verdict, reason = np.full(len(row), BEST), np.zeros(len(row), np.intp)
        step = np.full(self.size, -1)  # of every row the pair with the row before it
        step[two] = np.arange(len(two))
        own = np.where(apart, len(two) + np.cumsum(apart) - 1, step[row])
        verdict[~first], reason[~first] = found.verdict[own[~first]], found.reason[own[~first]]
        start = np.flatnonzero(first | ~_JOINED[verdict])
        size = np.diff(np.append(start, len(row)))
        order = np.argsort(self.line[found.two], kind="stable")
        pairs = Pairs(*(column[order] for column in found.columns))
        return pairs, Reviewed(row, self.line[row], first, verdict, reason, start, size)

    def from_baseline(self, reviewed: Reviewed, declared: Callable[[str, str], str | None]) -> Pairs:
        """Every reviewed estimate against that of the wave which its series declares; worst step and all reasons.

        Args:
            reviewed: of these lines.
            declared: the wave of an organisation and series, or None.
        """
        wave = self.columns["wave"]
        known = {text: at for at, text in enumerate(wave.dictionary.to_pylist())}
        house, first = columns.together(*(columns.codes(self.columns[name]) for name in ("organisation", "series")))
        named = self.texts(first, "organisation", "series")
        wanted = np.array([known.get(declared(*one) or "", -1) for one in named], np.intp)
        base = np.flatnonzero(columns.codes(wave)[reviewed.row] == wanted[house[reviewed.row]]) if len(first) else first
        if not len(base):
            none = np.zeros(0, np.intp)
            return Pairs(none, none, none, none)
        begun = np.flatnonzero(reviewed.first)
        ended = np.append(begun[1:], len(reviewed.row))
        made = [self._around(reviewed, int(begun[at]), int(ended[at]), int(middle))
                for at, middle in zip(np.searchsorted(begun, base, "right") - 1, base, strict=True)]  # fmt: skip
        return Pairs(*(np.concatenate(column) for column in zip(*made, strict=True)))

    def _around(self, reviewed: Reviewed, start: int, stop: int, base: int) -> tuple[Codes, Codes, Codes, Codes]:
        """The points of one line against that at `base`: rows of both ends, worst verdict, all reasons."""
        others = np.delete(np.arange(start, stop), base - start)
        one, two = np.minimum(others, base), np.maximum(others, base)
        steps, spoken = reviewed.verdict[start:stop], reviewed.reason[start:stop]
        at = base - start
        worst = np.concatenate([np.minimum.accumulate(steps[at:0:-1])[::-1], np.minimum.accumulate(steps[at + 1 :])])
        reason = np.zeros(len(others), np.intp)
        if spoken[1:].any():
            number = 0
            for place in range(at, 0, -1):
                number = self.reasons.joined(int(spoken[place]), number)
                reason[place - 1] = number
            number = 0
            for place in range(at + 1, len(spoken)):
                number = self.reasons.joined(number, int(spoken[place]))
                reason[place - 1] = number
        return reviewed.row[one], reviewed.row[two], worst, reason


def _end(question: Mapping[str, Any], wave: Mapping[str, Any], name: str, base: str) -> End:
    return End(
        name,
        question["question_match"],
        question["options_match"],
        question["decision"],
        question["reason"],
        question["reviewed_by"] is not None,
        question["form"],
        base,
        wave["mode"],
        wave["population"],
        wave["weighting"],
    )


def _since(start: Codes, size: int) -> Codes:
    """(size,) steps since the last start; the first start is 0."""
    return np.arange(size) - np.repeat(start, np.diff(np.append(start, size)))
