"""Intervals of one share from its estimate, variance, degrees of freedom and number of interviews.

Belongs here: the methods of R `svyciprop`, the capped Korn-Graubard interval, and what is said at 0 and at 1. Does not
belong here: the Wilson interval of published figures (`..published`), intervals of means (`linear.t_interval`).

Source: `survey::svyciprop` 4.5; Korn and Graubard 1998, Survey Methodology 24, 193-201; Clopper and Pearson 1934;
Parker et al. 2017, NCHS Vital and Health Statistics 2(175) for the cap and for shares of 0 and 1.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np

from assets.estimates.design.design import Floats
from assets.estimates.design.distributions import beta_quantiles, expit, log_expit, logit, t_quantiles

Method = Literal["logit", "xlogit", "likelihood", "asin", "beta", "korn_graubard", "mean", "wilson"]
STEPS = 100  # of Newton's method towards an end of a likelihood interval; a dozen are usual


class Interval(NamedTuple):
    """Ends of an interval of a share and the name of the rule that made it, which is not always the one asked for."""

    low: float
    high: float
    method: str


def share_interval(
    p: float, variance: float, df: float, n: int, method: Method, level: float = 0.95
) -> Interval | None:
    """Interval of a share.

    With t its quantile and n' = p (1 - p) / variance the effective number of interviews:

    - logit, xlogit (one formula): p -+ t errors on the scale log(p / (1 - p)).
    - likelihood: where 2 n' KL(p, p0) = t^2 n / (n - 1).
    - asin: p -+ t errors on the scale asin(sqrt p).
    - beta: Clopper-Pearson on n' (t of n - 1 df / t)^2, not capped, as R.
    - korn_graubard: that number capped at n, as the NCHS.
    - wilson: the score interval of n' with t.
    - mean: symmetric, may leave 0 to 1, as R.

    Args:
        p: share, 0 to 1.
        variance: of p, at least 0; nan is unknown.
        df: degrees of freedom of the domain.
        n: interviews with an answer, at least 1; 2 in between 0 and 1.
        method: see above.
        level: coverage.

    Returns:
        At p = 0 and p = 1 the Clopper-Pearson interval on n, named `clopper_pearson_n`, whatever was asked for; the
        point itself, named `no_variance`, where the variance is 0 in between; None where df is below 1 or the
        variance is unknown.

    Raises:
        ValueError: p, variance, n or level out of range, or an unknown method.
    """
    if not 0 <= p <= 1 or variance < 0 or n < 1 or not 0 < level < 1 or (n < 2 and 0 < p < 1):
        raise ValueError(f"no interval of share {p} with variance {variance}, n {n}, level {level}")
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method}")
    if p in (0.0, 1.0):
        low, high = _clopper_pearson(np.array([p]), np.array([n], np.float64), level)
        return Interval(float(low[0]), float(high[0]), "clopper_pearson_n")
    if df < 1 or math.isnan(variance):
        return None
    if variance == 0:
        return Interval(p, p, "no_variance")
    low, high = interval_ends(np.array([p]), np.array([variance]), np.array([df]), np.array([n]), method, level)
    return Interval(float(low[0]), float(high[0]), method)


def interval_ends(
    p: Floats, variance: Floats, df: Floats, n: Floats, method: Method, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Lower and upper ends of intervals of several shares, by the formulas of `share_interval`.

    Args:
        p: (k,) above 0 and below 1.
        variance: (k,) above 0.
        df: (k,) at least 1.
        n: (k,) at least 2.
        method: see `share_interval`.
        level: coverage.
    """
    t = t_quantiles((1 + level) / 2, df)
    if method == "likelihood":
        t = t * np.sqrt(n / (n - 1))
    n_effective = p * (1 - p) / variance
    if method in ("beta", "korn_graubard"):
        by_df = n_effective * (t_quantiles((1 + level) / 2, n - 1) / t) ** 2
        return _clopper_pearson(p, np.minimum(n, by_df) if method == "korn_graubard" else by_df, level)
    return _METHODS[method](p, np.sqrt(variance), n_effective, t)


def _clopper_pearson(p: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    tail = (1 - level) / 2
    low = np.where(p == 0, 0.0, beta_quantiles(tail, n * p, n * (1 - p) + 1))
    high = np.where(p == 1, 1.0, beta_quantiles(1 - tail, n * p + 1, n * (1 - p)))
    return low, high


def _logit(p: Floats, error: Floats, _: Floats, t: Floats) -> tuple[Floats, Floats]:
    centre, half = logit(p), t * error / (p * (1 - p))
    return expit(centre - half), expit(centre + half)


def _asin(p: Floats, error: Floats, _: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Beyond the ends of the scale R's sine turns back; ours stops at 0 and 1."""
    centre, half = np.arcsin(np.sqrt(p)), t * error / (2 * np.sqrt(p * (1 - p)))
    return np.sin(np.maximum(centre - half, 0.0)) ** 2, np.sin(np.minimum(centre + half, math.pi / 2)) ** 2


def _mean(p: Floats, error: Floats, _: Floats, t: Floats) -> tuple[Floats, Floats]:
    return p - t * error, p + t * error


def _wilson(p: Floats, _: Floats, n: Floats, t: Floats) -> tuple[Floats, Floats]:
    centre = (p + t * t / (2 * n)) / (1 + t * t / n)
    half = t / (1 + t * t / n) * np.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    return centre - half, centre + half


def _likelihood(p: Floats, _: Floats, n: Floats, t: Floats) -> tuple[Floats, Floats]:
    def excess(x: Floats) -> Floats:
        """Of twice the log likelihood ratio over t^2, at p0 = expit(x): convex, least at p0 = p."""
        divergence = p * (np.log(p) - log_expit(x))
        divergence += (1 - p) * (np.log1p(-p) - log_expit(-x))
        return 2 * n * divergence - t * t

    def end(step: float) -> Floats:
        centre = logit(p)
        far = np.full_like(p, step)
        while (near := excess(centre + far) < 0).any():
            far[near] *= 2
        x = centre + far
        for _ in range(STEPS):  # from outside, the steps of a convex function come nearer and never pass the root
            closer = x - excess(x) / (2 * n * (expit(x) - p))
            if (np.abs(closer - x) <= 1e-15 * (1 + np.abs(x))).all():
                break
            x = closer
        return expit(x)

    return end(-1.0), end(1.0)


_METHODS: dict[str, Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]] = {
    "logit": _logit,
    "xlogit": _logit,
    "likelihood": _likelihood,
    "asin": _asin,
    "mean": _mean,
    "wilson": _wilson,
}
