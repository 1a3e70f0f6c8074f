"""Design effects: what the design costs against a simple random sample.

Belongs here: design effects and effective sizes. Does not belong here: the intervals that use them.

Source: `survey::svymean(deff =)`, `survey::svyvar`; Kish 1992, Journal of Official Statistics 8, 183-200.
"""

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Floats
from assets.estimates.design.linear import Estimate, answered
from assets.estimates.design.replicates import Replicated


def design_effects(
    weights: Floats, values: npt.ArrayLike, estimate: Estimate | Replicated, *, with_replacement: bool = False
) -> Floats:
    """Variance of means over that of a simple random sample of as many interviews.

    Args:
        weights: (n,) of the design.
        values: (n,) or (n, k) that the means are of.
        estimate: what `means` made of them, in a domain or not.
        with_replacement: False counts the sum of the weights as the population from which the sample was drawn without
            replacement (R `deff = TRUE`), True ignores its size (R `deff = "replace"`).

    Returns:
        (k,); nan where nothing varies, or the weights sum to no more than the number of interviews.
    """
    y, _ = answered(len(weights), values, estimate.member)
    w = np.where(estimate.member, weights, 0.0)
    whole, n = w.sum(), estimate.n
    if n < 2:
        return np.full(len(estimate.values), np.nan)
    variance = w @ (y - estimate.values) ** 2 / whole * n / (n - 1)
    simple = variance / n if with_replacement else variance * (whole - n) / (whole * n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(simple > 0, np.diag(estimate.covariance) / simple, np.nan)


def kish(weights: Floats) -> tuple[float, float]:
    """Design effect of unequal weights alone, n sum w^2 / (sum w)^2 over positive weights, and the effective n.

    Raises:
        ValueError: no weight is positive.
    """
    w = weights[weights > 0]
    if not len(w):
        raise ValueError("no weight is positive")
    effective = float(w.sum() ** 2 / (w**2).sum())
    return len(w) / effective, effective
