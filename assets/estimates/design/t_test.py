"""t tests of means under a design.

Belongs here: one mean against a value, two domains against each other. Does not belong here: adjusting families of
tests (trends), tables (`chi_square`).

Source: `survey::svyttest`; with a 0/1 group its regression coefficient is the difference of the two domain means.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, Mask
from assets.estimates.design.distributions import t_quantile, t_two_sided
from assets.estimates.design.linear import Estimate, contrast, means, together


class TTest(NamedTuple):
    """Difference in the values' unit, its error, t, degrees of freedom, two-sided p, and interval.

    t and p are nan where the error is 0; p and the ends where df is below 1.
    """

    difference: float
    error: float
    t: float
    df: int
    p: float
    low: float
    high: float


def two_domains(design: Design, values: npt.ArrayLike, first: Mask, second: Mask, level: float = 0.95) -> TTest | None:
    """Mean of the second domain minus that of the first, with the covariance from PSUs they share.

    Args:
        design: the full design.
        values: (n,); nan is no answer.
        first: (n,) mask.
        second: (n,) mask.
        level: coverage of the interval.

    Returns:
        None where either domain is empty. The degrees of freedom are PSUs minus strata of both, minus 1, as in R.

    Raises:
        DesignError: as for `linear.totals`.
    """
    one, two = means(design, values, first), means(design, values, second)
    if one is None or two is None:
        return None
    return _tested(contrast(together(design, [one, two]), [-1.0, 1.0]), level)


def one_domain(
    design: Design, values: npt.ArrayLike, against: float = 0.0, domain: Mask | None = None, level: float = 0.95
) -> TTest | None:
    """Mean of a domain minus a value; arguments, None, degrees of freedom and errors as for `two_domains`."""
    e = means(design, np.asarray(values, dtype=np.float64) - against, domain)
    return None if e is None else _tested(e, level)


def _tested(estimate: Estimate, level: float) -> TTest:
    difference, error, df = float(estimate.values[0]), float(estimate.errors[0]), estimate.df - 1
    t = difference / error if error > 0 else float("nan")
    half = t_quantile((1 + level) / 2, df) * error
    return TTest(difference, error, t, df, t_two_sided(t, df), difference - half, difference + half)
