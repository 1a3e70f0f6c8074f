"""Quantiles and tails of distributions, typed: the only place that imports scipy.

Belongs here: one line per function, and what it says where it is not defined. Does not belong here: statistics.

Source: `scipy.special`; in R `qt`, `pt`, `qbeta`, `pf`, `pchisq`, `qlogis`, `plogis`.
"""

import math
from collections.abc import Callable

from scipy import optimize, special


def t_quantile(p: float, df: float) -> float:
    """Quantile of Student's t; nan where df is not above 0, normal at inf."""
    if not df > 0:
        return math.nan
    return float(special.ndtri(p) if math.isinf(df) else special.stdtrit(df, p))


def t_two_sided(t: float, df: float) -> float:
    """Probability of a t as far from 0 or farther; nan where df is not above 0."""
    return 2 * float(special.stdtr(df, -abs(t))) if df > 0 else math.nan


def beta_quantile(p: float, a: float, b: float) -> float:
    """Quantile of the beta distribution, a and b above 0."""
    return float(special.betaincinv(a, b, p))


def f_tail(f: float, df_top: float, df_bottom: float) -> float:
    """Probability of an F at least as large."""
    return float(special.fdtrc(df_top, df_bottom, f))


def chi_square_tail(x: float, df: float) -> float:
    """Probability of a chi square at least as large."""
    return float(special.chdtrc(df, x))


def logit(p: float) -> float:
    """Logarithm of the odds, p above 0 and below 1."""
    return float(special.logit(p))


def expit(x: float) -> float:
    """Probability with these log odds."""
    return float(special.expit(x))


def log_expit(x: float) -> float:
    """Logarithm of `expit`, exact far out."""
    return float(special.log_expit(x))


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that changes sign between low and high is 0."""
    return float(optimize.brentq(function, low, high, xtol=1e-14, rtol=1e-14))
