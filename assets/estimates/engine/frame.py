"""Who was drawn how, in the order in which the sums are made: rows by stratum and PSU.

Belongs here: the design as offsets into sorted rows, and the order itself. Does not belong here: sums (`.moments`,
`.kernel`), designs with two stages (`..design`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Adjustment, Design, Lonely, Stage
from assets.estimates.design.replicates import Replicates

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]
Units = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frame:
    """The design of n rows that are sorted by stratum and, within it, by PSU.

    Attributes:
        weights: (n,) at least 0.
        psu_start: (P + 1,) first row of every PSU; None where every row is its own in a single stratum.
        stratum_start: (H + 1,) first PSU of every stratum.
        fraction: (H,) sampled PSUs / PSUs in the population; 0 where drawn with replacement or unknown.
        lonely: what to do with a stratum of one PSU, see `..design.design.Design`.
        lonely_in_domains: see there.
        adjustments: calibrations of the weights, see there.
        replicates: replicate weights of the n rows, from which all errors are taken; None without.
    """

    weights: Floats
    psu_start: Positions | None
    stratum_start: Positions
    fraction: Floats
    lonely: Lonely
    lonely_in_domains: bool = False
    adjustments: tuple[Adjustment, ...] = ()
    replicates: Replicates | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.weights)

    @property
    def sampled(self) -> Floats:
        """(H,) PSUs of the full sample in every stratum."""
        return np.diff(self.stratum_start).astype(np.float64)

    @property
    def plain_factor(self) -> float:
        """What sums of squares are multiplied by where every row is its own PSU of one stratum."""
        return float((1 - self.fraction[0]) * self.rows / max(self.rows - 1, 1))

    @property
    def lone(self) -> bool:
        """Whether a stratum has one PSU beside other strata."""
        return len(self.fraction) > 1 and bool(((self.sampled == 1) & (self.fraction < 1)).any())

    @property
    def design(self) -> Design:
        """The same for functions that take one figure at a time; strata have numbers for names."""
        start = np.arange(self.rows + 1) if self.psu_start is None else self.psu_start
        unit = np.repeat(np.arange(len(start) - 1), np.diff(start))
        stratum = np.repeat(np.arange(len(self.fraction)), np.diff(self.stratum_start))
        stage = Stage(unit, stratum, self.sampled, self.fraction, tuple(map(str, range(len(self.fraction)))))
        return Design(self.weights, stage, None, self.lonely, self.lonely_in_domains, self.adjustments)


def frame(
    weights: Floats,
    stratum: Units | None,
    psu: Units | None,
    lonely: Lonely,
    fraction: Floats | None = None,
    lonely_in_domains: bool = False,
    population: Floats | None = None,
) -> Frame:
    """The frame of sorted rows.

    Args:
        weights: (n,) at least 0, n at least 1.
        stratum: (n,) ascending; None is one stratum.
        psu: (n,) ascending within the stratum, unique over strata; None makes every row its own.
        lonely: rule for strata of one PSU.
        fraction: (H,) in the order of the strata; None is drawn with replacement.
        lonely_in_domains: see `Frame`.
        population: (n,) PSUs in the population of the row's stratum, in place of `fraction`.

    Raises:
        ValueError: the rows are not sorted, or a PSU lies in two strata.
    """
    n = len(weights)
    if stratum is not None and bool((np.diff(stratum) < 0).any()):
        raise ValueError("the rows are not in the order of their strata")
    new_stratum = _changes(stratum, n)
    if stratum is None and psu is None:
        start = None
        stratum_start = np.array([0, n], np.int64)
    else:
        new_psu = np.ones(n, np.bool_) if psu is None else _changes(psu, n)
        heads = np.empty(0) if psu is None else psu[new_psu]
        if bool((new_stratum & ~new_psu).any()) or len(np.unique(heads)) != len(heads):
            raise ValueError("a PSU lies in two strata, or the rows are not in the order of their PSUs")
        start = np.append(np.flatnonzero(new_psu), n).astype(np.int64)
        stratum_start = np.append(np.flatnonzero(new_stratum[start[:-1]]), len(start) - 1).astype(np.int64)
    drawn = np.zeros(len(stratum_start) - 1) if fraction is None else np.asarray(fraction, np.float64)
    if population is not None:
        heads_of_strata = stratum_start[:-1] if start is None else start[stratum_start[:-1]]
        drawn = np.diff(stratum_start) / population[heads_of_strata]
    return Frame(np.ascontiguousarray(weights), start, stratum_start, drawn, lonely, lonely_in_domains)


def order(stratum: Units | None, psu: Units | None) -> npt.NDArray[np.intp] | None:
    """The order of rows by stratum and PSU that keeps the file's within a PSU; None if they are in it."""
    keys = [key for key in (psu, stratum) if key is not None]
    if not keys or _sorted(stratum, psu):
        return None
    return np.lexsort(keys)


def _sorted(stratum: Units | None, psu: Units | None) -> bool:
    if stratum is None:
        return psu is None or not bool((np.diff(psu) < 0).any())
    step = np.diff(stratum)
    return not bool((step < 0).any()) and (psu is None or not bool(((np.diff(psu) < 0) & (step == 0)).any()))


def _changes(key: Units | None, n: int) -> npt.NDArray[np.bool_]:
    """(n,) whether a row opens a new run of the key."""
    out = np.zeros(n, np.bool_)
    out[0] = True
    if key is not None:
        np.not_equal(key[1:], key[:-1], out=out[1:])
    return out
