"""Errors from replicate weights, given by the producer or made from a design.

Belongs here: checking a producer's weights, scales, and estimates from any replicate weights. Does not belong here:
making them (`resampling`), linearised errors (`linear`).

Source: `survey::svrepdesign`, `as.svrepdesign`, `svrVar` (Wolter 2007, Introduction to Variance Estimation, ch. 3, 4;
Judkins 1990, Journal of Official Statistics 6, 223-239 for Fay).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import DesignError, Floats, Mask
from assets.estimates.design.linear import answered, indicators, weighted_sums

RANK = 1e-5  # R: columns of replicate weights closer than this are one


@dataclass(frozen=True, eq=False)
class Replicates:
    """n respondents with R replicate weights.

    Attributes:
        weights: (n,) full-sample weights.
        columns: (n, R) replicate weights, the sampling weight included (R `combined.weights = TRUE`).
        scales: (R,) factor of every replicate's squared deviation; R's scale times rscales.
        mse: deviations from the full-sample estimate; False takes the mean of the replicates.
    """

    weights: Floats
    columns: Floats
    scales: Floats
    mse: bool = False


@dataclass(frozen=True, eq=False)
class Replicated:
    """k estimates with errors from replicates.

    Attributes:
        values: (k,) with the full-sample weights.
        covariance: (k, k); nan where fewer than two replicates have an estimate.
        df: rank of the members' replicate weights minus 1.
        n: members with an answer and a positive weight.
        member: (n rows,) those members, zero weights included.
        by_replicate: (R, k), nan where a replicate has no member with a weight.
        lost: replicates without an estimate; they are left out of the sum, as in R.
    """

    values: Floats
    covariance: Floats
    df: int
    n: int
    member: Mask
    by_replicate: Floats
    lost: int

    @property
    def errors(self) -> Floats:
        """(k,) standard errors."""
        return np.sqrt(np.diag(self.covariance))


def given(weights: npt.ArrayLike, columns: npt.ArrayLike, scales: npt.ArrayLike, mse: bool = False) -> Replicates:
    """Check a producer's replicate weights.

    Args:
        weights: (n,) full-sample weights, at least 0.
        columns: (n, R) replicate weights; below 0 is allowed, some bootstraps have it.
        scales: (R,), or one number for all; see `common_scale`.
        mse: see `Replicates`.

    Raises:
        DesignError: shapes differ, a number is missing or infinite, a weight or scale is negative.
    """
    w, c = np.asarray(weights, np.float64), np.asarray(columns, np.float64)
    if w.ndim != 1 or c.ndim != 2 or len(c) != len(w) or not c.size:
        raise DesignError(f"replicate weights have shape {c.shape}, the weights {w.shape}")
    s = np.asarray(scales, np.float64)
    if s.shape not in ((), (c.shape[1],)):
        raise DesignError(f"{s.size} scales for {c.shape[1]} replicates")
    if not (np.isfinite(w).all() and np.isfinite(c).all() and np.isfinite(s).all()):
        raise DesignError("weights and scales must be finite")
    if (w < 0).any() or (s < 0).any():
        raise DesignError("weights and scales must be at least 0")
    return Replicates(w, c, np.broadcast_to(s, (c.shape[1],)).copy(), mse)


def common_scale(kind: Literal["JK1", "BRR", "Fay", "bootstrap"], replicates: int, rho: float = 0.0) -> float:
    """Scale of all R replicates: (R - 1) / R, 1 / R, 1 / (R (1 - rho)^2), 1 / (R - 1).

    Raises:
        DesignError: too few replicates, or rho outside 0 to 1.
    """
    if replicates < 2 or not 0 <= rho < 1:
        raise DesignError("at least two replicates, and rho from 0 to below 1")
    scales = {
        "JK1": (replicates - 1) / replicates,
        "BRR": 1 / replicates,
        "Fay": 1 / (replicates * (1 - rho) ** 2),
        "bootstrap": 1 / (replicates - 1),
    }
    return scales[kind]


def replicate_totals(replicates: Replicates, values: npt.ArrayLike, domain: Mask | None = None) -> Replicated | None:
    """Weighted sums of values (n,) or (n, k) in a domain; None and errors as in `linear.totals`."""
    y, member = answered(len(replicates.weights), values, domain)
    return evaluate(replicates, member, lambda w: w.T @ y[member])


def replicate_means(replicates: Replicates, values: npt.ArrayLike, domain: Mask | None = None) -> Replicated | None:
    """Weighted means of values (n,) or (n, k) in a domain; None and errors as in `linear.means`."""
    y, member = answered(len(replicates.weights), values, domain)
    inside = y[member]

    def statistic(w: Floats) -> Floats:
        if w.shape[1] == 1:  # the full sample, where a share of everyone must be 1 to the last digit
            sums = weighted_sums(inside, w)
            return _divided(sums[None, :-1], sums[None, -1:])
        return _divided(w.T @ inside, w.sum(axis=0)[:, None])

    return evaluate(replicates, member, statistic)


def replicate_shares(
    replicates: Replicates, answer: npt.ArrayLike, options: int, domain: Mask | None = None
) -> Replicated | None:
    """Share of every option in a domain; None and errors as in `linear.shares`."""
    return replicate_means(replicates, indicators(answer, options), domain)


def replicate_ratio(
    replicates: Replicates, numerator: npt.ArrayLike, denominator: npt.ArrayLike, domain: Mask | None = None
) -> Replicated | None:
    """Ratio of two totals in a domain; None and errors as in `linear.ratio`."""
    both, member = answered(len(replicates.weights), np.column_stack([numerator, denominator]), domain)
    y = both[member]
    result = evaluate(replicates, member, lambda w: _divided(w.T @ y[:, :1], w.T @ y[:, 1:]))
    return None if result is None or np.isnan(result.values).any() else result


def evaluate(replicates: Replicates, member: Mask, statistic: Callable[[Floats], Floats]) -> Replicated | None:
    """Any statistic of weights, with its error.

    Args:
        replicates: the weights.
        member: (n,) rows that count.
        statistic: of members' weights (members, c) the values (c, k), nan where there is none.

    Returns:
        None where no member has a positive weight.
    """
    w, columns = replicates.weights[member], replicates.columns[member]
    n = int(np.count_nonzero(w > 0))
    if not n:
        return None
    values = statistic(w[:, None])[0]
    thetas = statistic(columns)
    return _spread(replicates, values, thetas, rank(columns) - 1, n, member)


def rank(columns: Floats) -> int:
    """Replicates (n, R) that do not follow from the others, R `qr(columns, tol = 1e-5)$rank`.

    Singular values are those of the smaller product of the columns with themselves: R x R in place of n x R.
    """
    if not columns.any():
        return 0
    whole = columns / np.abs(columns).max()
    square = whole.T @ whole if len(columns) >= columns.shape[1] else whole @ whole.T
    values = np.linalg.eigvalsh(square)
    return int(np.count_nonzero(values > RANK**2 * values[-1]))


def variances(replicates: Replicates, values: Floats, thetas: Floats) -> Floats:
    """(k,) variances of estimates (k,) whose replicates are `thetas` (R, k); nan as in `Replicated.covariance`."""
    deviation = _deviations(replicates, values, thetas)
    return np.full(len(values), np.nan) if deviation is None else (deviation * deviation).sum(axis=0)


def replicates_together(replicates: Replicates, estimates: Sequence[Replicated]) -> Replicated:
    """Estimates side by side with their covariances; all must come from these replicates."""
    values = np.concatenate([estimate.values for estimate in estimates])
    thetas = np.column_stack([estimate.by_replicate for estimate in estimates])
    member = np.logical_or.reduce([estimate.member for estimate in estimates])
    joint = evaluate(replicates, member, lambda w: np.zeros((w.shape[1], 1)))
    if joint is None:
        raise DesignError("no estimate has a member with a positive weight")
    return _spread(replicates, values, thetas, joint.df, joint.n, member)


def _spread(replicates: Replicates, values: Floats, thetas: Floats, df: int, n: int, member: Mask) -> Replicated:
    deviation = _deviations(replicates, values, thetas)
    unknown = np.full((len(values),) * 2, np.nan)
    covariance = unknown if deviation is None else deviation.T @ deviation
    lost = int(np.count_nonzero(np.isnan(thetas).any(axis=1)))
    return Replicated(values, covariance, df, n, member, thetas, lost)


def _deviations(replicates: Replicates, values: Floats, thetas: Floats) -> Floats | None:
    """(replicates with an estimate, k) deviations times the root of their scales; None where fewer than two count."""
    good = ~np.isnan(thetas).any(axis=1)
    kept, scales = thetas[good], replicates.scales[good]
    if np.count_nonzero(scales > 0) < 2:
        return None
    centre = values if replicates.mse else kept[scales > 0].mean(axis=0)
    return np.asarray((kept - centre) * np.sqrt(scales)[:, None])


def _divided(top: Floats, bottom: Floats) -> Floats:
    """Ratio (c, k), nan where the denominator (c, 1) is 0."""
    return np.where(bottom == 0, np.nan, top / np.where(bottom == 0, 1.0, bottom))
