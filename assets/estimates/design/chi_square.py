"""Independence of two questions under a design: Pearson's statistic with the corrections of Rao and Scott.

Belongs here: tests of tables. Does not belong here: tests of means (`t_test`), adjusting families of tests (trends).

Source: `survey::svychisq(statistic = "F")` and `"Chisq"`; Rao and Scott 1984, Annals of Statistics 12, 46-60.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Floats, Mask, degrees_of_freedom
from assets.estimates.design.distributions import chi_square_tail, f_tail
from assets.estimates.design.linear import means


class RaoScott(NamedTuple):
    """Test of independence.

    Attributes:
        f: Pearson's statistic / trace of the design effects; second-order correction.
        df_top: degrees of freedom of its numerator (Satterthwaite).
        df_bottom: of its denominator.
        p: of f.
        pearson: statistic of the weighted table scaled to n interviews.
        df_pearson: (rows - 1)(columns - 1).
        p_first_order: of pearson / mean design effect as chi square; R `statistic = "Chisq"`.
        n: interviews with both answers.
    """

    f: float
    df_top: float
    df_bottom: float
    p: float
    pearson: float
    df_pearson: int
    p_first_order: float
    n: int


def independence(
    design: Design, row: npt.ArrayLike, column: npt.ArrayLike, domain: Mask | None = None
) -> RaoScott | None:
    """Test that two questions are independent in a domain.

    Args:
        design: the full design.
        row: (n,) whole numbers; below 0 is no answer.
        column: (n,) the same.
        domain: (n,) mask.

    Returns:
        None where fewer than two options of either are chosen, or nothing varies between PSUs.

    Raises:
        DesignError: codes that are not whole numbers or not n; a lone PSU under the rule "fail".
    """
    a, b = np.asarray(row), np.asarray(column)
    if a.shape != (design.size,) or b.shape != a.shape or a.dtype.kind not in "iu" or b.dtype.kind not in "iu":
        raise DesignError(f"both questions must be {design.size} whole numbers")
    member = (a >= 0) & (b >= 0) & (True if domain is None else domain)
    positive = member & (design.weights > 0)
    rows, columns = np.unique(a[positive]), np.unique(b[positive])
    if len(rows) < 2 or len(columns) < 2:
        return None
    # Zero weights may carry options that nobody with a weight chose: they stay members and fall in no cell.
    cells = (a[:, None, None] == rows[:, None]) & (b[:, None, None] == columns)
    table = means(design, cells.reshape(design.size, -1).astype(np.float64), member)
    if table is None:
        return None
    p = table.values.reshape(len(rows), len(columns))
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    pearson = table.n * float(((p - expected) ** 2 / expected).sum())
    effects = _design_effects(table.values, table.covariance, table.n, p.shape)
    trace, squared = float(np.trace(effects)), float(np.trace(effects @ effects))
    if not trace > 0:
        return None
    df_top = trace**2 / squared
    df_bottom = df_top * degrees_of_freedom(design, member)
    f = pearson / trace
    df = len(effects)
    return RaoScott(
        f=f,
        df_top=df_top,
        df_bottom=df_bottom,
        p=f_tail(f, df_top, df_bottom),
        pearson=pearson,
        df_pearson=df,
        p_first_order=chi_square_tail(pearson * df / trace, df),
        n=table.n,
    )


def _design_effects(p: Floats, covariance: Floats, n: int, shape: tuple[int, int]) -> Floats:
    """Generalised design effects of the interactions: (c, c) with c = (rows - 1)(columns - 1).

    As R: interactions of the cells' dummies after rows and columns, cells without anyone weighted 0.
    """
    i, j = (index.ravel() for index in np.indices(shape))
    mains = np.column_stack(
        [np.ones(len(p))] + [i == k for k in range(1, shape[0])] + [j == k for k in range(1, shape[1])]
    ).astype(np.float64)
    both = np.column_stack([(i == k) & (j == m) for k in range(1, shape[0]) for m in range(1, shape[1])]).astype(
        np.float64
    )
    contrasts = both - mains @ np.linalg.lstsq(mains, both, rcond=None)[0]
    inverse = np.where(p > 0, 1 / np.where(p > 0, p, 1.0), 0.0)[:, None]
    weighted = contrasts * inverse
    effects: Floats = np.asarray(
        np.linalg.solve(contrasts.T @ weighted / n, weighted.T @ covariance @ weighted), dtype=np.float64
    )
    return effects
