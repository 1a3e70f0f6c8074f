"""Quantiles and tails of distributions, typed: the only place that imports scipy.

Belongs here: one line per function, of one number or of arrays, and what it says where it is not defined. Does not
belong here: statistics.

Source: `scipy.special`; in R `qt`, `pt`, `qbeta`, `pf`, `pchisq`, `qlogis`, `plogis`.
"""

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@cache
def _scipy() -> Any:
    """`scipy.special`, imported by the first call: a quarter of a second that declarations need not wait for."""
    from scipy import special

    return special


def t_quantile(p: float, df: float) -> float:
    """Quantile of Student's t; nan where df is not above 0, normal at inf."""
    if not df > 0:
        return math.nan
    return float(_scipy().ndtri(p) if math.isinf(df) else _scipy().stdtrit(df, p))


def t_two_sided(t: float, df: float) -> float:
    """Probability of a t as far from 0 or farther; nan where df is not above 0."""
    return 2 * float(_scipy().stdtr(df, -abs(t))) if df > 0 else math.nan


def t_quantiles(p: float, df: Floats) -> Floats:
    """Quantile of Student's t for several degrees of freedom; nan where they are not above 0, normal at inf."""
    known, at = np.unique(df, return_inverse=True)  # a sample has few different ones
    found: Floats = np.where(
        np.isinf(known), _scipy().ndtri(p), _scipy().stdtrit(np.where(known > 0, known, math.nan), p)
    )
    return found[at].reshape(df.shape)


def beta_quantiles(p: float, a: Floats, b: Floats) -> Floats:
    """Quantile of beta distributions, a and b above 0."""
    return np.asarray(_scipy().betaincinv(a, b, p))


def f_tail(f: float, df_top: float, df_bottom: float) -> float:
    """Probability of an F at least as large."""
    return float(_scipy().fdtrc(df_top, df_bottom, f))


def chi_square_tail(x: float, df: float) -> float:
    """Probability of a chi square at least as large."""
    return float(_scipy().chdtrc(df, x))


def chi_square_tails(x: Floats, df: npt.ArrayLike) -> Floats:
    """Probabilities of chi squares at least as large."""
    return np.asarray(_scipy().chdtrc(df, x))


def logit(p: Floats) -> Floats:
    """Logarithm of the odds, p above 0 and below 1."""
    return np.asarray(_scipy().logit(p))


def expit(x: Floats) -> Floats:
    """Probability with these log odds."""
    return np.asarray(_scipy().expit(x))


def log_expit(x: Floats) -> Floats:
    """Logarithm of `expit`, exact far out."""
    return np.asarray(_scipy().log_expit(x))
