"""Shares and means of one cell by the formula as textbooks print it, in plain numpy: no sharing of work, no tricks.

Sarndal, Swensson and Wretman 1992, result 5.6.1 (ratio of two estimated totals) with the between-PSU estimator of
section 4.5; lone PSUs as R `survey` describes `survey.lonely.psu`.
"""

from typing import NamedTuple

import numpy as np


class Cell(NamedTuple):
    """One figure; nan where nobody with a weight is in the base, or the rule for lone PSUs gives no variance."""

    n: int
    weight: float
    value: float
    variance: float
    df: int


def mean(weights, stratum, psu, population, inside, y, lonely) -> Cell:
    """Weighted mean of y over the rows inside; of 0 and 1 it is a share.

    Args:
        weights: (n,) of all rows of the sample.
        stratum: (n,) or None.
        psu: (n,), or None for every row its own.
        population: (n,) PSUs in the population of the stratum, or None for drawing with replacement.
        inside: (n,) rows of the base.
        y: (n,) not looked at outside.
        lonely: rule for strata of one PSU.
    """
    rows = len(weights)
    h = np.zeros(rows, int) if stratum is None else stratum
    u = np.arange(rows) if psu is None else psu
    counted = inside & (weights > 0)
    whole = weights[counted].sum()
    df = len(np.unique(u[counted])) - len(np.unique(h[counted]))
    if not counted.any():
        return Cell(0, 0.0, np.nan, np.nan, 0)
    value = (weights[counted] * y[counted]).sum() / whole
    z = np.zeros(rows)
    z[inside] = weights[inside] * (y[inside] - value) / whole
    variance, present, lone = 0.0, 0, 0
    for one in np.unique(h):
        units = np.unique(u[h == one])
        totals = np.array([z[u == unit].sum() for unit in units])
        here, m = bool((inside & (h == one)).any()), len(units)
        present += here
        left = 1.0 if population is None else 1 - m / population[h == one][0]
        if m > 1:
            variance += left * m / (m - 1) * ((totals - totals.mean()) ** 2).sum()
        elif here and left > 0:
            lone += 1
            variance += left * totals[0] ** 2 if lonely == "adjust" else 0.0
    if lonely == "average" and lone and (stratum is not None or psu is not None):
        variance = variance * present / (present - lone) if present > lone else np.nan
    return Cell(int(counted.sum()), whole, value, variance, max(df, 0))
