"""Totals, means, shares and ratios in domains, by Taylor linearisation.

Belongs here: estimates whose error follows from one contribution per row, their joint covariance and contrasts. Does
not belong here: intervals of shares (`share_intervals`), quantiles, errors from replicate weights (`replicates`).

Source: `survey::svytotal`, `svymean`, `svyratio`, `svyby(covmat = TRUE)`, `svycontrast`; Woodruff 1971, JASA 66,
411-414. A domain is a mask over the full design, never a design of the rows that are left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Floats, Mask, degrees_of_freedom
from assets.estimates.design.distributions import t_quantile
from assets.estimates.design.spread import covariance


@dataclass(frozen=True, eq=False)
class Estimate:
    """k estimates from the same design.

    Attributes:
        values: (k,).
        covariance: (k, k).
        df: degrees of freedom of the domain: its PSUs minus its strata.
        n: members with an answer and a positive weight.
        member: (n rows,) those members, zero weights included.
        contributions: (n rows, k) weighted influence of every row, for covariances with other estimates.
    """

    values: Floats
    covariance: Floats
    df: int
    n: int
    member: Mask
    contributions: Floats

    @property
    def errors(self) -> Floats:
        """(k,) standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def totals(design: Design, values: npt.ArrayLike, domain: Mask | None = None) -> Estimate | None:
    """Weighted sums.

    Args:
        design: the full design.
        values: (n,) or (n, k); nan is no answer and takes the row out of all k.
        domain: (n,) mask; None is everyone.

    Returns:
        None where no member has an answer and a positive weight: nothing is known, which is not 0.

    Raises:
        DesignError: lengths differ; a lone PSU under the rule "fail".
    """
    y, member = answered(design.size, values, domain)
    z = y * design.weights[:, None]
    return _estimate(design, z.sum(axis=0), z, member)


def means(design: Design, values: npt.ArrayLike, domain: Mask | None = None) -> Estimate | None:
    """Weighted means; arguments, None and errors as for `totals`."""
    y, member = answered(design.size, values, domain)
    w = np.where(member, design.weights, 0.0)
    sums = weighted_sums(y, w[:, None])
    if not sums[-1]:
        return None
    centre = sums[:-1] / sums[-1]
    return _estimate(design, centre, (y - centre) * (w / sums[-1])[:, None], member)


def shares(design: Design, answer: npt.ArrayLike, options: int, domain: Mask | None = None) -> Estimate | None:
    """Share of every option of a question among those who answered.

    Args:
        design: the full design.
        answer: (n,) whole numbers 0 to options - 1; below 0 is no answer.
        options: number of options, chosen by anyone or not.
        domain: (n,) mask.

    Returns:
        Values (options,) that sum to 1; None as for `totals`.

    Raises:
        DesignError: an answer is not among the options; otherwise as for `totals`.
    """
    return means(design, indicators(answer, options), domain)


def ratio(
    design: Design, numerator: npt.ArrayLike, denominator: npt.ArrayLike, domain: Mask | None = None
) -> Estimate | None:
    """Ratio of two totals, one value.

    Args:
        design: the full design.
        numerator: (n,); nan is no answer.
        denominator: (n,); nan is no answer.
        domain: (n,) mask.

    Returns:
        None as for `totals`, and where the denominator's total is 0.

    Raises:
        DesignError: as for `totals`.
    """
    both, member = answered(design.size, np.column_stack([numerator, denominator]), domain)
    w = np.where(member, design.weights, 0.0)
    top, bottom = w @ both
    if not bottom:
        return None
    r = top / bottom
    z = (both[:, :1] - r * both[:, 1:]) * (w / bottom)[:, None]
    return _estimate(design, np.array([r]), z, member)


def together(design: Design, estimates: Sequence[Estimate]) -> Estimate:
    """Estimates side by side with their covariances: domains, waves of one panel, several questions.

    The covariance is that of the full design over the members of any of them, as R `svyby(covmat = TRUE)`; a rule for
    lone PSUs sees that union.

    Raises:
        DesignError: as for `totals`.
    """
    values = np.concatenate([estimate.values for estimate in estimates])
    z = np.column_stack([estimate.contributions for estimate in estimates])
    member = np.logical_or.reduce([estimate.member for estimate in estimates])
    joint = _estimate(design, values, z, member)
    if joint is None:
        raise DesignError("no estimate has a member with a positive weight")
    return joint


def contrast(estimate: Estimate, coefficients: npt.ArrayLike) -> Estimate:
    """Weighted sums of estimates, such as differences and net scores.

    Args:
        estimate: k estimates, from `together` if they are of different domains.
        coefficients: (k,) for one sum or (c, k) for c.
    """
    rows = np.atleast_2d(np.asarray(coefficients, dtype=np.float64))
    return Estimate(
        rows @ estimate.values,
        rows @ estimate.covariance @ rows.T,
        estimate.df,
        estimate.n,
        estimate.member,
        estimate.contributions @ rows.T,
    )


def t_interval(estimate: Estimate, level: float = 0.95, df: float | None = None) -> Floats:
    """Symmetric intervals (k, 2), R `confint(df =)`; nan where df is below 1.

    Args:
        estimate: k estimates.
        level: coverage, 0 to 1.
        df: degrees of freedom; None takes the estimate's own, inf is the normal interval.
    """
    half = t_quantile((1 + level) / 2, estimate.df if df is None else df) * estimate.errors
    return np.column_stack([estimate.values - half, estimate.values + half])


def answered(size: int, values: npt.ArrayLike, domain: Mask | None) -> tuple[Floats, Mask]:
    """Columns (size, k) with 0 for every row that is no member or gave no answer, and the mask of the others.

    Raises:
        DesignError: lengths differ, or a value is infinite.
    """
    y = np.array(values, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or len(y) != size:
        raise DesignError(f"values have shape {y.shape}, the design has {size} rows")
    if np.isinf(y).any():
        raise DesignError("values must be finite or nan")
    member: Mask = np.asarray(~np.isnan(y).any(axis=1))
    if domain is not None:
        if domain.shape != (size,) or domain.dtype != np.bool_:
            raise DesignError(f"the domain must be a mask of {size} rows")
        member = member & domain
    y[~member] = 0.0
    return y, member


def weighted_sums(y: Floats, w: Floats) -> Floats:
    """Sums (k + 1,) of y (n, k) with weights (n, 1), then the sum of the weights.

    All in the same order of addition, so that a share of everyone is 1 and not 1 - 1e-16.
    """
    columns = np.vstack([y.T, np.ones(len(y))]) * w.T  # each in one piece of memory, so summed pairwise
    result: Floats = columns.sum(axis=1)
    return result


def indicators(answer: npt.ArrayLike, options: int) -> Floats:
    """Columns (n, options) of 0 and 1, a row of nan where the answer is below 0.

    Raises:
        DesignError: an answer is not among the options.
    """
    codes = np.asarray(answer)
    if codes.ndim != 1 or codes.dtype.kind not in "iu" or (codes >= options).any():
        raise DesignError(f"answers must be whole numbers below {options}, in one column")
    columns: Floats = (codes[:, None] == np.arange(options)).astype(np.float64)
    columns[codes < 0] = np.nan
    return columns


def _estimate(design: Design, values: Floats, z: Floats, member: Mask) -> Estimate | None:
    n = int(np.count_nonzero(member & (design.weights > 0)))
    if not n:
        return None
    return Estimate(values, covariance(design, z, member), degrees_of_freedom(design, member), n, member, z)
