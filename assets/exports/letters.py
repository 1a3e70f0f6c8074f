"""Letters of significance: which columns of a banner differ in a row of a crosstab.

Belongs here: the column test and the letters. Does not belong here: the layout of tables, tests between waves
(assets.trends).

The test is the usual one of tables of the field: two columns of one banner, share against share, two-sided at 95 %,
with the effective bases in place of the numbers of interviews and the share of both together in the variance:

    z = (p1 - p2) / sqrt(p (1 - p) (1 / e1 + 1 / e2)),  p = (e1 p1 + e2 p2) / (e1 + e2)

In R `prop.test(c(e1 * p1, e2 * p2), c(e1, e2), correct = FALSE)`, whose chi square is z squared. It takes the columns
as independent (a cluster that has people in both is not allowed for) and does not adjust for the number of pairs.
"""

import math
from collections.abc import Sequence

from assets.estimates.rows import SUPPRESSED_BASE
from warehouse.rows import Row

Z95 = 1.959963984540054  # qnorm(0.975)


def letter(number: int) -> str:
    """The letter of a column, from 0: A to Z, then AA, AB and so on."""
    text = ""
    number += 1
    while number:
        number, at = divmod(number - 1, 26)
        text = chr(ord("A") + at) + text
    return text


def z_score(p1: float, e1: float, p2: float, e2: float) -> float:
    """The statistic of the column test.

    Args:
        p1: share in the first column, 0 to 1.
        e1: its effective base, above 0.
        p2: share in the second column.
        e2: its effective base.

    Returns:
        0 where both shares are 0 or both 1: nothing differs.
    """
    both = (e1 * p1 + e2 * p2) / (e1 + e2)
    variance = both * (1 - both) * (1 / e1 + 1 / e2)
    return 0.0 if variance <= 0 else (p1 - p2) / math.sqrt(variance)


def testable(cell: Row | None) -> bool:
    """Whether a cell may be tested: an exact share from answers, with an effective base of 30 or more.

    Columns of published tables are not tested: their sources do not say whether a person may stand in two of them.
    """
    return (
        cell is not None
        and cell["basis"] == "microdata"
        and cell["percent"] is not None
        and (cell["n_effective"] or 0) >= SUPPRESSED_BASE
    )


def letters(cells: Sequence[Row | None], names: Sequence[str]) -> list[list[str]]:
    """For each cell of a row the letters of the columns whose share is significantly lower.

    Args:
        cells: estimates of one category in the columns of one banner; None where a column has none.
        names: the letters of the columns.
    """
    found: list[list[str]] = [[] for _ in cells]
    for at, one in enumerate(cells):
        for other in range(at + 1, len(cells)):
            two = cells[other]
            if one is None or two is None or not (testable(one) and testable(two)):
                continue
            z = z_score(one["percent"] / 100, one["n_effective"], two["percent"] / 100, two["n_effective"])
            if z > Z95:
                found[at].append(names[other])
            elif z < -Z95:
                found[other].append(names[at])
    return [sorted(own, key=names.index) for own in found]
