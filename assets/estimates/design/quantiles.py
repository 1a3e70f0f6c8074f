"""Weighted quantiles and Woodruff's intervals.

Belongs here: rules for the quantile of weighted values, and intervals by inverting the distribution function. Does
not belong here: intervals of shares as such (`share_intervals`).

Source: `survey::svyquantile` 4.5; Woodruff 1952, JASA 47, 635-646; Hyndman and Fan 1996, The American Statistician
50, 361-365 for the numbers of the rules.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Floats, Mask
from assets.estimates.design.distributions import t_quantile
from assets.estimates.design.linear import answered, means
from assets.estimates.design.replicates import Replicates, replicate_means
from assets.estimates.design.share_intervals import Method, share_interval

Rule = Literal["math", "school", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"]
TIE = 1e-12  # relative; cumulated weights this close to p are at p
# Plotting position of a value: (cumulated weight - a * its weight) / (total + b * the last weight).
_POSITIONS = {"hf4": (0.0, 0.0), "hf5": (0.5, 0.0), "hf6": (0.0, 1.0), "hf8": (1 / 3, 1 / 3), "hf9": (3 / 8, 1 / 4)}


class Quantile(NamedTuple):
    """A quantile in the unit of the values; ends and error are nan where the data do not reach that far."""

    value: float
    low: float
    high: float
    error: float


class _At(NamedTuple):
    """The distribution function at one value."""

    p: float
    variance: float
    df: float
    n: int


def quantile(values: Floats, weights: Floats, p: float, rule: Rule = "math") -> float:
    """Quantile of weighted values.

    Args:
        values: (n,) without missing.
        weights: (n,) at least 0.
        p: 0 to 1.
        rule: math is the smallest value with p or more of the weight at or below it (Hyndman and Fan's 1, the default
            of R `svyquantile`); school takes the mean of two values where p falls between them (their 2); hf4 to hf9
            interpolate, between equal values in the order of the rows, as R.

    Returns:
        nan where p is outside 0 to 1, or an interpolating rule does not reach it.

    Raises:
        DesignError: no positive weight, or an unknown rule.
    """
    if rule not in get_args(Rule):
        raise DesignError(f"unknown rule {rule}")
    kept = weights > 0
    if not kept.any():
        raise DesignError("no value has a positive weight")
    if not 0 <= p <= 1:
        return float("nan")
    order = np.argsort(values[kept], kind="stable")
    x, w = values[kept][order], weights[kept][order]
    below = np.cumsum(w)
    if rule in ("math", "school"):
        at = int(np.searchsorted(below, p * below[-1] * (1 - TIE)))
        tied = at + 1 < len(x) and abs(below[at] - p * below[-1]) <= TIE * below[-1]
        return float((x[at] + x[at + 1]) / 2 if rule == "school" and tied else x[at])
    if rule == "hf7":
        if len(x) == 1:
            return float(x[0])
        positions = np.concatenate([[0.0], below[:-1]]) / below[-2]
    else:
        a, b = _POSITIONS[rule]
        positions = (below - a * w) / (below[-1] + b * w[-1])
    return float(np.interp(p, positions, x, left=np.nan, right=np.nan))


def quantiles(
    design: Design,
    values: npt.ArrayLike,
    ps: Sequence[float],
    domain: Mask | None = None,
    *,
    rule: Rule = "math",
    method: Method = "mean",
    level: float = 0.95,
) -> list[Quantile] | None:
    """Quantiles in a domain.

    The interval of the share at or below the quantile is read back through the same rule; the error is its length
    over twice the t quantile.

    Args:
        design: the full design.
        values: (n,); nan is no answer.
        ps: which quantiles, 0 to 1.
        domain: (n,) mask.
        rule: see `quantile`.
        method: interval of the share, see `share_intervals`.
        level: coverage.

    Returns:
        One per p; None where no member has an answer and a positive weight.

    Raises:
        DesignError: as for `linear.totals`.
    """
    y, member = answered(design.size, values, domain)

    def at(q: float) -> _At | None:
        e = means(design, np.where(y[:, 0] <= q, 1.0, 0.0), member)
        return None if e is None else _At(float(e.values[0]), float(e.covariance[0, 0]), e.df, e.n)

    return _woodruff(y[member, 0], design.weights[member], at, ps, rule, method, level)


def replicate_quantiles(
    replicates: Replicates,
    values: npt.ArrayLike,
    ps: Sequence[float],
    domain: Mask | None = None,
    *,
    rule: Rule = "math",
    method: Method = "mean",
    level: float = 0.95,
) -> list[Quantile] | None:
    """Quantiles with the share's error from replicates; arguments, None and errors as for `quantiles`."""
    y, member = answered(len(replicates.weights), values, domain)

    def at(q: float) -> _At | None:
        e = replicate_means(replicates, np.where(y[:, 0] <= q, 1.0, 0.0), member)
        return None if e is None else _At(float(e.values[0]), float(e.covariance[0, 0]), e.df, e.n)

    return _woodruff(y[member, 0], replicates.weights[member], at, ps, rule, method, level)


def _woodruff(
    values: Floats,
    weights: Floats,
    at: Callable[[float], _At | None],
    ps: Sequence[float],
    rule: Rule,
    method: Method,
    level: float,
) -> list[Quantile] | None:
    if not (weights > 0).any():
        return None
    results = []
    for p in ps:
        q = quantile(values, weights, p, rule)
        share = at(q)
        low = high = error = float("nan")
        if share is not None and (ends := share_interval(*share, method=method, level=level)) is not None:
            low, high = (quantile(values, weights, end, rule) for end in ends[:2])
            error = (high - low) / (2 * t_quantile((1 + level) / 2, share.df))
        results.append(Quantile(q, low, high, error))
    return results
