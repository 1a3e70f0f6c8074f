"""Variance between primary units: from contributions of rows to a covariance matrix.

Belongs here: the one place where strata, PSUs, population sizes and lone PSUs turn into a variance. Does not belong
here: what the contributions are of (`linear`, `quantiles`, `chi_square`).

Source: `survey::svyrecvar`, 4.5 (Binder 1983, International Statistical Review 51, 279-292; Sarndal, Swensson and
Wretman 1992, result 4.3.1 for two stages).
"""

import numpy as np

from assets.estimates.design.design import Design, DesignError, Floats, Lonely, Mask, Stage


def covariance(design: Design, contributions: Floats, member: Mask) -> Floats:
    """Design covariance of the column sums of contributions.

    With u the sums of contributions in a PSU, m PSUs in the stratum and f the sampled fraction, every stratum adds
    (1 - f) m / (m - 1) sum (u - mean u)(u - mean u)'; m is that of the full design, PSUs without a member count as 0.

    Args:
        design: the full design.
        contributions: (n, k) weighted influence of every row, 0 outside the domain.
        member: (n,) rows of the domain; strata and PSUs without any are not lone.

    Returns:
        (k, k), in the square of the contributions' unit.

    Raises:
        DesignError: a stratum has one PSU and the rule is "fail"; a PSU has one second-stage unit and the rule is not
            "remove" or "certainty"; "average" finds no stratum of several PSUs. The message names the stratum or PSU.
    """
    z = contributions
    for adjustment in reversed(design.adjustments):  # the last known totals hold exactly
        z = adjustment.residual(z)
    if design.adjustments:
        member = np.ones(design.size, np.bool_)  # outsiders contribute through the known totals
    total = _stage_covariance(design.first, z, member, design.lonely, design.lonely_in_domains)
    if design.second is None:
        return total
    lone = _lone(design.second, member)
    if lone.any() and design.lonely not in ("remove", "certainty"):
        told = ", ".join(design.second.names[h] for h in np.flatnonzero(lone))
        raise DesignError(f"one second-stage unit only in PSU {told}: no variance with rule {design.lonely}")
    share = np.sqrt(design.first.fraction[design.first.stratum[design.first.unit]])
    return total + _stage_covariance(design.second, z * share[:, None], member, design.lonely, False)


def unit_sums(stage: Stage, contributions: Floats) -> Floats:
    """Sums of contributions (n, k) per unit of the stage: (U, k)."""
    units = len(stage.stratum)
    sums = [np.bincount(stage.unit, column, units) for column in contributions.T]
    return np.column_stack(sums) if sums else np.zeros((units, 0))


def _seen(stage: Stage, member: Mask) -> Floats:
    """Units with a member, per stratum."""
    seen = np.bincount(stage.unit[member], minlength=len(stage.stratum)) > 0
    return np.bincount(stage.stratum[seen], minlength=len(stage.names)).astype(np.float64)


def _lone(stage: Stage, member: Mask) -> Mask:
    """Strata of one unit that have a member and are not fully sampled."""
    lone: Mask = (stage.sampled == 1) & (_seen(stage, member) > 0) & (stage.fraction < 1)
    return lone


def _stage_covariance(stage: Stage, z: Floats, member: Mask, lonely: Lonely, in_domains: bool) -> Floats:
    strata = len(stage.names)
    u = unit_sums(stage, z)
    seen = _seen(stage, member)
    lone = _lone(stage, member)
    if lonely == "fail" and lone.any():
        told = ", ".join(stage.names[h] for h in np.flatnonzero(lone))
        raise DesignError(f"one PSU only in stratum {told}: choose a rule for lone PSUs, or merge strata")
    if in_domains:
        lone |= (seen == 1) & (stage.fraction < 1)
    sums = np.column_stack([np.bincount(stage.stratum, column, strata) for column in u.T])
    centre = sums / np.maximum(stage.sampled, 1)[:, None]
    factor = (1 - stage.fraction) * stage.sampled / np.maximum(stage.sampled - 1, 1)
    scale = 1.0
    if lonely == "adjust" and lone.any():
        centre[lone] = u.sum(axis=0) / stage.sampled[seen > 0].sum()
    elif lonely == "average" and lone.any():
        good = np.count_nonzero((seen > 0) & ~lone)
        if not good:
            raise DesignError("rule average: every stratum has one PSU")
        factor[lone] = 0
        scale = np.count_nonzero(seen) / good
    deviation = (u - centre[stage.stratum]) * np.sqrt(factor)[stage.stratum][:, None]
    result: Floats = scale * (deviation.T @ deviation)
    return result
