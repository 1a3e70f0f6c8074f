"""Weights cut to limits, their sum kept.

Belongs here: trimming of weights. Does not belong here: meeting targets again afterwards (assets.estimates.weighting),
limits within a calibration (`calibration`, logit).

Source: R `survey::trimWeights`, 4.5; Potter 1990, Proceedings of the Survey Research Methods Section (ASA), 225-230.
"""

import math

import numpy as np

from assets.estimates.design.design import DesignError, Floats


def trimmed(weights: Floats, lowest: float = 0.0, highest: float = math.inf, *, strict: bool = False) -> Floats:
    """Weights within limits; what was cut is spread evenly over the weights that were not.

    Args:
        weights: (n,) at least 0; 0 is no respondent and stays 0.
        lowest: limit below, in the unit of the weights.
        highest: limit above.
        strict: whether those whom the spreading pushes beyond a limit are cut in turn, until none is beyond (R
            `strict = TRUE`); who was cut once stays at the limit.

    Returns:
        (n,) with the sum of the weights.

    Raises:
        DesignError: the limits cross, or nobody is left to take what was cut.
    """
    if not 0 <= lowest < highest:
        raise DesignError(f"weights cannot be trimmed to {lowest:g} and above, {highest:g} and below")
    out, there = weights, weights > 0
    cut = np.zeros(len(weights), np.bool_)
    while True:  # ends: every round cuts somebody who was not cut before
        beyond = there & ((out < lowest) | (out > highest)) & ~cut
        if not beyond.any():
            return out
        cut |= beyond
        inside = there & ~cut
        within = np.where(there, np.clip(out, lowest, highest), 0.0)
        if not inside.any():
            raise DesignError("every weight is at a limit: nobody is left to take what was cut")
        within[inside] += (out - within).sum() / np.count_nonzero(inside)
        out = within
        if not strict:
            return out
