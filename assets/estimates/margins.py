"""Shares and means of one group of respondents with error, interval and size of the base, ready for a table.

Belongs here: from the estimators of `.design` to the numbers of a row, and what is said where they give none. Does not
belong here: which group, question or category it is (`.respondents`).

Source: R `survey`, as `.design` says of itself. Intervals have the degrees of freedom of the group, which is what
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

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Floats, Stage, degrees_of_freedom
from assets.estimates.design.effects import design_effects, kish
from assets.estimates.design.linear import Estimate, means, t_interval
from assets.estimates.design.share_intervals import Method, share_interval
from assets.estimates.rows import SMALL_BASE, SUPPRESSED_BASE

Rows = npt.NDArray[np.intp]
Indicators = npt.NDArray[np.bool_]

TAIL = 0.025  # of a 95 % interval, on either side
NOTHING = 1e-20  # a variance this small, relative to a simple random sample's, is rounding


@dataclass(frozen=True, eq=False)
class Group:
    """Respondents in the base of a question and a column of a banner.

    Attributes:
        design: of these rows only, with the PSUs per stratum of the full design.
        n: rows with a weight above 0, at least 1.
        weighted_n: sum of the weights.
        design_effect: Kish's, of unequal weights alone.
        n_effective: n divided by it.
        df: PSUs minus strata.
    """

    design: Design
    n: int
    weighted_n: float
    design_effect: float
    n_effective: float
    df: int

    @property
    def suppressed(self) -> bool:
        """Whether it is too small for any share."""
        return self.n_effective < SUPPRESSED_BASE

    @property
    def flags(self) -> set[str]:
        """What its size alone says: `suppressed` or `small_base`."""
        if self.suppressed:
            return {"suppressed"}
        return {"small_base"} if self.n_effective < SMALL_BASE else set()


@dataclass(frozen=True)
class Margin:
    """One estimate. `value`, `error`, `low`, `high` are shares of 1, or in the unit of the score; None is unknown."""

    value: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    design_effect: float | None = None
    rule: str | None = None
    flags: set[str] = field(default_factory=set)


def group(design: Design, rows: Rows) -> Group | None:
    """These rows of the full design; None where none of them has a weight above 0."""
    part = _part(design, rows)
    weights = part.weights[part.weights > 0]
    if not len(weights):
        return None
    deff, effective = kish(weights)
    return Group(part, len(weights), math.fsum(weights), deff, effective, degrees_of_freedom(part))


def share_margins(of: Group, chosen: Indicators, method: Method, normal: bool = False) -> list[Margin]:
    """Margins of several shares.

    Args:
        of: the group.
        chosen: (rows of the group, k) who chose what, or one of the parts of a net.
        method: of the intervals between 0 and 1.
        normal: whether intervals take the normal quantile in place of Student's t.
    """
    if of.suppressed:
        return [Margin(design_effect=of.design_effect, flags=of.flags)] * chosen.shape[1]
    columns = chosen.astype(np.float64)
    found = _means(of.design, columns)
    effects = design_effects(of.design.weights, columns, found, with_replacement=True)
    variances = np.diag(found.covariance)
    return [
        _share(of, float(p), float(variance), found, float(effect), method, normal)
        for p, variance, effect in zip(found.values, variances, effects, strict=True)
    ]


def mean_margin(of: Group, scores: Floats, normal: bool = False) -> Margin:
    """Margin of a mean with its t (or normal) interval; scores has a finite number for every row of the group."""
    if of.suppressed:
        return Margin(flags=of.flags)
    found = _means(of.design, scores[:, None])
    value, flags = float(found.values[0]), of.flags
    effect = float(design_effects(of.design.weights, scores, found, with_replacement=True)[0])
    if not effect > NOTHING or not np.ptp(scores[of.design.weights > 0]):
        return Margin(value, flags=flags | {"no_variance"})
    error = float(found.errors[0])
    if found.df < 1 and not normal:
        return Margin(value, error, flags=flags | {"no_degrees_of_freedom"})
    low, high = t_interval(found, df=math.inf if normal else None)[0]
    return Margin(value, error, float(low), float(high), effect, "normal" if normal else "t", flags)


def _share(
    of: Group, p: float, variance: float, found: Estimate, effect: float, method: Method, normal: bool
) -> Margin:
    if p in (0.0, 1.0):
        width = 1 - TAIL ** (1 / of.n_effective)  # Clopper-Pearson where nobody, or everybody, is counted
        low, high = (0.0, width) if p == 0 else (1 - width, 1.0)
        return Margin(p, 0.0, low, high, of.design_effect, f"beta (p = {p:.0f})", of.flags)
    if not effect > NOTHING:
        return Margin(p, design_effect=of.design_effect, flags=of.flags | {"no_variance"})
    error = math.sqrt(variance)
    interval = share_interval(p, variance, math.inf if normal else found.df, found.n, method)
    if interval is None:
        return Margin(p, error, design_effect=effect, flags=of.flags | {"no_degrees_of_freedom"})
    # The symmetric interval may leave 0 to 1, as in R; a table of percentages has no room for that.
    rule = f"{interval.method} (normal quantile)" if normal else interval.method
    return Margin(p, error, max(0.0, interval.low), min(1.0, interval.high), effect, rule, of.flags)


def _means(design: Design, columns: Floats) -> Estimate:
    """Means of rows of whom at least one has a weight; nan as variance where the rule for lone PSUs finds none."""
    try:
        found = means(design, columns)
    except DesignError:
        found = means(replace(design, lonely="remove"), columns)
        found = found and replace(found, covariance=np.full_like(found.covariance, math.nan))
    if found is None:
        raise ValueError("a group without weights; expected at least one weight above 0")
    return found


def _part(design: Design, rows: Rows) -> Design:
    """The design of some of its rows: fewer rows to add up, the same strata and PSUs.

    In a design of one stratum the PSUs without a row are left out: they only enter by their number, which stays, and
    by the mean of the PSUs' contributions, which is 0 for a mean or share.
    """
    first = design.first
    unit, stratum = first.unit[rows], first.stratum
    if len(first.names) == 1:
        seen = np.zeros(len(stratum), np.bool_)
        seen[unit] = True
        unit, stratum = (np.cumsum(seen) - 1)[unit], stratum[seen]
    stage = Stage(unit, stratum, first.sampled, first.fraction, first.names)
    return replace(design, weights=design.weights[rows], first=stage)
