"""What pairs of estimates have in common because units were in both samples, looked up piece by piece.

Belongs here: the shape of that knowledge, and finding it for pairs of rows. Does not belong here: where it comes from
(assets.trends.panels), the computation (assets.trends.overlap). This module imports nothing that reads answers.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assets.trends import columns
from assets.trends.columns import Codes, Floats
from assets.trends.lines import Lines

ALONE = "taken as independent"
Cell = tuple[str, str, str]  # category, banner, column of the banner
Correlations = Mapping[Cell, float]


@dataclass(frozen=True, eq=False)
class Common:
    """What pairs of estimates have in common.

    Attributes:
        correlation: (pairs,) of the two figures; nan where nobody said that the samples share units, or it is unknown.
        reason: (pairs,) number of what there is to say; 0 is nothing.
    """

    correlation: Floats
    reason: Codes

    @property
    def used(self) -> Floats:
        """(pairs,) correlation, 0 where none is known."""
        return np.nan_to_num(self.correlation)


@dataclass(frozen=True, eq=False)
class Overlap:
    """What two waves share.

    Attributes:
        says: for `reasons`.
        correlations: of the figures of an item; None where the names of units are not at hand.
    """

    says: str
    correlations: Callable[[str], Correlations] | None = None


@dataclass(frozen=True, eq=False)
class Shared:
    """What pairs of releases share, looked up by the release of the earlier wave and that of the later one."""

    find: Callable[[str, str], Overlap | None]

    def of(self, lines: Lines, one: Codes, two: Codes) -> Common:
        """What these pairs of rows have in common."""
        correlation, reason = np.full(len(one), np.nan), np.zeros(len(one), np.intp)
        release = columns.codes(lines.columns["release"])
        names = lines.columns["release"].dictionary.to_pylist()
        item = columns.codes(lines.columns["item"])
        of, first = columns.together(release[one], release[two], item[one])
        order = np.argsort(of, kind="stable")
        ends = np.cumsum(np.bincount(of, minlength=len(first)))
        for number, row in enumerate(first):
            found = self.find(names[release[one[row]]], names[release[two[row]]])
            if found is None:
                continue
            here = order[ends[number - 1] if number else 0 : ends[number]]
            asked = lines.columns["item"][int(one[row])].as_py()
            correlation[here], reason[here] = _looked_up(lines, found, asked, two[here])
        return Common(correlation, reason)

    def among(self, releases: Sequence[str]) -> bool:
        """Whether any two of these, in order of time, are known to share units."""
        found = (self.find(one, two) for one, two in itertools.combinations(releases, 2))
        return any(one is not None and one.correlations is not None for one in found)


def _looked_up(lines: Lines, found: Overlap, item: str, rows: Codes) -> tuple[Floats, Codes]:
    if found.correlations is None:
        return np.full(len(rows), np.nan), np.full(len(rows), lines.reasons.number([found.says]))
    known = found.correlations(item)
    cells = lines.texts(rows, "category", "subgroup", "subgroup_value")
    values = np.array([known.get(cell, np.nan) for cell in cells], np.float64)
    absent = f"{found.says}, but not of this figure: {ALONE}"
    told = [lines.reasons.number([absent if np.isnan(value) else found.says]) for value in values]
    return values, np.array(told, np.intp)
