"""Regression on respondents with the design's errors: linear and logistic.

Belongs here: coefficients that solve the weighted estimating equations, and their covariance between PSUs. Does not
belong here: which columns a question asks for, lines through finished estimates (assets.trends.linear_trend).

Source: `survey::svyglm` with `gaussian` and `quasibinomial` (Binder 1983, International Statistical Review 51,
279-292).
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Floats, Mask, degrees_of_freedom
from assets.estimates.design.distributions import expit, t_two_sided
from assets.estimates.design.linear import Estimate, answered
from assets.estimates.design.spread import covariance

Link = Literal["identity", "logit"]
_ROUNDS = 50
_CLOSE = 1e-13  # relative to the size of the coefficients


def regression(
    design: Design, outcome: npt.ArrayLike, columns: npt.ArrayLike, link: Link = "identity", domain: Mask | None = None
) -> Estimate | None:
    """Weighted regression of an outcome on columns; put a column of ones in for the intercept.

    Args:
        design: the full design.
        outcome: (n,) numbers; with the logit link between 0 and 1. nan is no answer.
        columns: (n, k); nan takes the row out.
        link: of the mean: itself, or its log odds.
        domain: (n,) mask.

    Returns:
        k coefficients. `df` is R's `df.residual`: degrees of freedom of the design + 1 - k. None where no member has
        an answer and a positive weight.

    Raises:
        DesignError: lengths differ, the columns depend on each other, an outcome that is no share under the logit
            link, no convergence (an outcome that a column tells apart without error), or a lone PSU under "fail".
    """
    x = np.asarray(columns, np.float64)
    x = x[:, None] if x.ndim == 1 else x
    both, member = answered(design.size, np.column_stack([np.asarray(outcome, np.float64), x]), domain)
    y, x = both[:, 0], both[:, 1:]
    w = np.where(member, design.weights, 0.0)
    if not w.any():
        return None
    if link == "logit" and ((y < 0) | (y > 1)).any():
        raise DesignError("a logistic regression of an outcome that is not between 0 and 1")
    coefficients, inverse, mean = _solved(y, x, w, link)
    z = (x * (w * (y - mean))[:, None]) @ inverse
    inside = member & (design.weights > 0)
    df = degrees_of_freedom(design, member) + 1 - x.shape[1]
    return Estimate(coefficients, covariance(design, z, member), df, int(inside.sum()), member, z)


def p_values(estimate: Estimate) -> Floats:
    """(k,) two-sided p-values of coefficients that are 0, by Student's t."""
    ratios = estimate.values / estimate.errors
    return np.array([t_two_sided(float(t), estimate.df) for t in ratios])


def _solved(y: Floats, x: Floats, w: Floats, link: Link) -> tuple[Floats, Floats, Floats]:
    """Coefficients (k,), the inverse of the information (k, k), and the means (n,), by Newton's method."""
    b: Floats = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        mean = x @ b if link == "identity" else expit(x @ b)
        weight = w if link == "identity" else w * mean * (1 - mean)
        information = x.T @ (x * weight[:, None])
        if np.linalg.matrix_rank(information) < len(b):
            raise DesignError(
                "the columns of a regression depend on each other, or tell the outcome apart without error"
            )
        inverse = np.asarray(np.linalg.inv(information), np.float64)
        step = inverse @ (x.T @ (w * (y - mean)))
        b = np.asarray(b + step, np.float64)
        if np.abs(step).max() <= _CLOSE * max(1.0, float(np.abs(b).max())):
            return b, inverse, mean
    raise DesignError("a regression that does not converge: a column tells the outcome apart without error")
