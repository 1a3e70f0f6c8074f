"""Families of tests: p-values that a reader sees together, adjusted together, and the verdict that follows.

Belongs here: Holm's and Benjamini and Hochberg's adjustment, the level, the verdict; many families at once. Does not
belong here: the tests themselves (assets.trends.change, assets.trends.linear_trend).

Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70; Benjamini and Hochberg 1995, JRSS B 57, 289-300; in R
`p.adjust` with "holm" and "BH". Holm holds however the tests depend on each other, as answers of one question do.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

LEVEL = 0.05
VERDICTS = ("not_tested", "rise", "fall", "no_detectable_change")


@dataclass(frozen=True, eq=False)
class Adjusted:
    """What families make of tests.

    Attributes:
        holm: (tests,) the chance of any false alarm in the family stays below the level; nan where not tested.
        benjamini_hochberg: (tests,) the expected share of false alarms among the findings.
        verdict: (tests,) position in `VERDICTS`, by Holm's.
    """

    holm: Floats
    benjamini_hochberg: Floats
    verdict: npt.NDArray[np.int8]


def adjust(p: npt.ArrayLike, family: npt.ArrayLike, difference: npt.ArrayLike) -> Adjusted:
    """Adjust p-values within their families.

    Args:
        p: (tests,) p-values; nan is no test, which counts in no family.
        family: (tests,) number of the family, from 0, in any order.
        difference: (tests,) figures whose sign is the direction.
    """
    value, of = np.asarray(p, np.float64), np.asarray(family, np.intp)
    strict, loose = np.full(len(value), np.nan), np.full(len(value), np.nan)
    there = np.flatnonzero(~np.isnan(value))
    if len(there):
        strict[there], loose[there] = _within(value[there], of[there])
    rises = np.asarray(difference, np.float64) > 0
    verdict = np.where(np.isnan(value), 0, np.where(strict < LEVEL, np.where(rises, 1, 2), 3))
    return Adjusted(strict, loose, verdict.astype(np.int8))


def holm(p: npt.ArrayLike) -> Floats:
    """Adjusted p-values of one family, (tests,), in the order given; R `p.adjust(p, "holm")`."""
    return adjust(p, np.zeros(np.size(p), np.intp), p).holm


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Adjusted p-values of one family, (tests,), in the order given; R `p.adjust(p, "BH")`."""
    return adjust(p, np.zeros(np.size(p), np.intp), p).benjamini_hochberg


def _within(p: Floats, family: Codes) -> tuple[Floats, Floats]:
    """Both adjustments; no nan among the p-values. Runs over ranks, and at each over all families that have it."""
    order = np.lexsort((p, family))
    ordered, starts = p[order], np.flatnonzero(np.diff(family[order], prepend=-1))
    size = np.diff(np.append(starts, len(p)))
    many, rank = np.repeat(size, size), np.arange(len(p)) - np.repeat(starts, size)
    strict, loose = np.minimum(1.0, ordered * (many - rank)), np.minimum(1.0, ordered * many / (rank + 1))
    largest = np.argsort(-size, kind="stable")
    first, last, size = starts[largest], (starts + size - 1)[largest], size[largest]
    for step in range(1, int(size[0])):
        live = int(np.searchsorted(-size, -step, side="left"))  # families of more than `step` tests
        up, down = first[:live] + step, last[:live] - step
        strict[up] = np.maximum(strict[up], strict[up - 1])
        loose[down] = np.minimum(loose[down], loose[down + 1])
    out = np.empty_like(p), np.empty_like(p)
    out[0][order], out[1][order] = strict, loose
    return out
