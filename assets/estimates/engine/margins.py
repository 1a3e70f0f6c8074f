"""Shares and means of many cells with error, interval, design effect and flags, as arrays.

Belongs here: from sums and variances to the numbers of rows, and what is said where there are none. Does not belong
here: the sums (`.moments`), formulas of intervals (`..design.share_intervals`), names of cells (`.tables`).

Source: R `survey`, as `..design` says of itself. Intervals have the degrees of freedom of the group, which is what
`svyciprop(formula, subset(design, ...))` takes by default (`df = degf(design)`, and the design is the subset).

What is decided at the edges:

- share of 0 or 1: no method of R gives an interval of any width. It is Clopper-Pearson's with Kish's effective n in
  place of n (Korn and Graubard 1998), called `beta (p = 0)` or `beta (p = 1)`; the error is 0, as R says. Only unequal
  weights reduce that n: the effect of strata and clusters is not known where nothing varies.
- variance 0 in between (all PSUs alike, or every stratum lone under a rule that counts them as 0), or no variance that
  the rule for lone PSUs could give in this group: the share without error and interval, flag `no_variance`. A width of
  0 would claim certainty.
- no degrees of freedom (as many strata as PSUs in the group): error without interval, flag `no_degrees_of_freedom`.
- less than 30 effective interviews, one respondent included: only the sizes, flag `suppressed`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.design.distributions import t_quantiles
from assets.estimates.design.share_intervals import Method, interval_ends
from assets.estimates.engine.frame import Floats
from assets.estimates.engine.moments import Base, Means, Shares
from assets.estimates.rows import SMALL_BASE, SUPPRESSED_BASE

TAIL = 0.025  # of a 95 % interval, on either side
NOTHING = 1e-20  # a variance this small, relative to a simple random sample's, is rounding
NEAR = 1e-12  # 30 equal weights of 0.7 are 30 effective interviews, whatever their sums round to

FLAGS = ("suppressed", "small_base", "no_variance", "no_degrees_of_freedom")
SUPPRESSED, SMALL, NO_VARIANCE, NO_DF = (1 << at for at in range(len(FLAGS)))
NO_RULE, ASKED, AT_ZERO, AT_ONE = range(4)


@dataclass(frozen=True, eq=False)
class Margins:
    """Numbers of cells; all arrays have one shape, nan is unknown.

    Attributes:
        value: share of 1, or mean in the unit of the score.
        error: standard error in the same unit.
        low: lower end of the 95 % interval.
        high: upper end.
        effect: design effect.
        rule: NO_RULE, ASKED (the method of the manifest; of means t), AT_ZERO or AT_ONE.
        flags: sum of SUPPRESSED, SMALL, NO_VARIANCE, NO_DF.
    """

    value: Floats
    error: Floats
    low: Floats
    high: Floats
    effect: Floats
    rule: npt.NDArray[np.int8]
    flags: npt.NDArray[np.int8]


def kish(base: Base) -> tuple[Floats, Floats]:
    """Design effect of unequal weights alone and effective n, (D,) each; nan where the base is empty."""
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = base.weight**2 / base.squares
        return base.n / effective, effective


def share_margins(of: Shares, method: Method, normal: bool) -> Margins:
    """Margins of shares (D, O); of a column with an empty base all are nan.

    Args:
        of: the shares.
        method: of the intervals between 0 and 1.
        normal: whether intervals take the normal quantile in place of Student's t.
    """
    p, shape = of.share, of.share.shape
    kish_effect, effective = (np.broadcast_to(one[:, None], shape) for one in kish(of.base))
    n, df = (np.broadcast_to(one[:, None], shape).astype(np.float64) for one in (of.base.n, of.base.df))
    flags = _sizes(effective)
    shown = (flags & SUPPRESSED) == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = of.variance / (p * of.rest / (n - 1))
        nothing, all_ = shown & (p == 0), shown & (p == 1)
        between = shown & ~nothing & ~all_
        varies = between & (effect > NOTHING)
        known = varies & (normal | (df >= 1))
        width = 1 - TAIL ** (1 / effective)  # Clopper-Pearson where nobody, or everybody, is counted
    flags[between & ~varies] |= NO_VARIANCE
    flags[varies & ~known] |= NO_DF
    low, high = np.where(nothing, 0.0, np.where(all_, 1 - width, np.nan)), np.where(all_, 1.0, np.nan)
    high[nothing] = width[nothing]
    ends = interval_ends(
        p[known], of.variance[known], np.full(int(known.sum()), np.inf) if normal else df[known], n[known], method
    )
    # The symmetric interval may leave 0 to 1, as in R; a table of percentages has no room for that.
    low[known], high[known] = np.maximum(ends[0], 0.0), np.minimum(ends[1], 1.0)
    error = np.where(nothing | all_, 0.0, np.where(varies, np.sqrt(np.abs(of.variance)), np.nan))
    rule = np.select([known, nothing, all_], [ASKED, AT_ZERO, AT_ONE], NO_RULE).astype(np.int8)
    return Margins(np.where(shown, p, np.nan), error, low, high, np.where(varies, effect, kish_effect), rule, flags)


def mean_margins(of: Means, normal: bool) -> Margins:
    """Margins of means (D,) with t intervals, or normal ones."""
    _, effective = kish(of.base)
    flags = _sizes(effective)
    shown = (flags & SUPPRESSED) == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = of.variance / (of.spread / (of.base.n - 1))
        varies = shown & ~of.constant & (of.spread > 0) & (effect > NOTHING)
    known = varies & (normal | (of.base.df >= 1))
    flags[shown & ~varies] |= NO_VARIANCE
    flags[varies & ~known] |= NO_DF
    error = np.where(varies, np.sqrt(np.abs(of.variance)), np.nan)
    df = np.full(len(error), np.inf) if normal else of.base.df.astype(np.float64)
    half = np.where(known, t_quantiles(1 - TAIL, df) * error, np.nan)
    value = np.where(shown, of.value, np.nan)
    rule = np.where(known, ASKED, NO_RULE).astype(np.int8)
    return Margins(value, error, value - half, value + half, np.where(known, effect, np.nan), rule, flags)


def _sizes(effective: Floats) -> npt.NDArray[np.int8]:
    near = effective * (1 + NEAR)
    return np.select([near < SUPPRESSED_BASE, near < SMALL_BASE], [SUPPRESSED, SMALL], 0).astype(np.int8)
