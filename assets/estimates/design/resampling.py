"""Replicate weights that are made from a design: jackknife, balanced half samples, bootstrap.

Belongs here: which PSUs a replicate leaves out or takes twice, and the scale that follows. Does not belong here:
replicate weights of a producer, estimates from any of them (`replicates`).

Source: R `as.svrepdesign(type = "JK1", "JKn", "BRR", "Fay", "subbootstrap")`; McCarthy 1969, Review of the
International Statistical Institute 37, 239-264 (balanced half samples); Judkins 1990, Journal of Official Statistics 6,
223-239 (Fay); Rao and Wu 1988, JASA 83, 231-241 (rescaled bootstrap of m - 1 PSUs).
"""

from typing import Literal

import numpy as np

from assets.estimates.design.design import Design, DesignError, Floats, Mask, Stage
from assets.estimates.design.replicates import Replicates, common_scale

Made = Literal["JK1", "JKn", "BRR", "Fay", "bootstrap"]


def jackknife(design: Design, kind: Literal["JK1", "JKn"] = "JKn", mse: bool = False) -> Replicates:
    """Delete one PSU at a time, R `as.svrepdesign(type =)`.

    Args:
        design: one stratum for JK1; the population sizes of the first stage enter the scales.
        kind: JKn reweights the rest of the stratum.
        mse: see `Replicates`.

    Raises:
        DesignError: JK1 of several strata; a calibrated design (calibrate every replicate instead, see
            `calibration.raked_replicates`); a lone PSU, unless the rule is "remove" or "certainty".
    """
    lone = check(design, kind)
    first = design.first
    m = first.sampled[first.stratum]
    left_out = np.flatnonzero(~lone)
    others = first.stratum[:, None] == first.stratum[left_out]
    factor = np.where(others, (m / np.maximum(m - 1, 1))[:, None], 1.0)
    factor[left_out, np.arange(len(left_out))] = 0.0
    scales = ((m - 1) / m * (1 - first.fraction[first.stratum]))[left_out]
    return _of(design, factor, scales, mse)


def half_samples(design: Design, rho: float = 0.0, mse: bool = False) -> Replicates:
    """Balanced half samples of strata with two PSUs each: one of them counts 2 - rho times, the other rho times.

    The halves follow the columns of Sylvester's Hadamard matrix, the smallest power of two above the number of strata;
    R's `hadamard` may give fewer replicates. Errors of totals are the same with any of them, and with linearisation.

    Args:
        design: without population sizes.
        rho: 0 for BRR; Fay's coefficient otherwise, below 1.
        mse: see `Replicates`.

    Raises:
        DesignError: a stratum has more than two PSUs, population sizes are given, rho is not from 0 to below 1;
            otherwise as for `jackknife`.
    """
    lone = check(design, "Fay")
    first = design.first
    strata = np.flatnonzero(first.sampled == 2)
    signs = _sylvester(1 << len(strata).bit_length())[:, 1 : len(strata) + 1].T  # the first column is constant
    factor = np.ones((len(lone), signs.shape[1]))
    for row, stratum in enumerate(strata):
        one, two = np.flatnonzero(first.stratum == stratum)
        factor[one], factor[two] = 1 + (1 - rho) * signs[row], 1 - (1 - rho) * signs[row]
    scale = common_scale("Fay", signs.shape[1], rho)
    return _of(design, factor, np.full(signs.shape[1], scale), mse)


def bootstrap(design: Design, replicates: int = 500, seed: int = 1, mse: bool = False) -> Replicates:
    """Rao and Wu's rescaled bootstrap: m - 1 of the m PSUs of a stratum are drawn with replacement, m / (m - 1) times.

    Args:
        design: without population sizes.
        replicates: how many, at least 2.
        seed: of the draws. The same seed gives the same weights with any version of numpy (its generator is frozen).
        mse: see `Replicates`.

    Raises:
        DesignError: population sizes are given, fewer than two replicates; otherwise as for `jackknife`.
    """
    lone = check(design, "bootstrap")
    first = design.first
    scale = common_scale("bootstrap", replicates)
    draw = np.random.RandomState(seed)  # frozen, where the stream of a Generator may change (NEP 19)
    factor = np.ones((len(lone), replicates))
    for stratum, m in enumerate(first.sampled.astype(int).tolist()):
        if m > 1:
            times = draw.multinomial(m - 1, np.full(m, 1 / m), size=replicates)
            factor[first.stratum == stratum] = times.T * (m / (m - 1))
    return _of(design, factor, np.full(replicates, scale), mse)


def made(
    design: Design, kind: Made, *, rho: float = 0.0, replicates: int = 500, seed: int = 1, mse: bool = False
) -> Replicates:
    """Replicate weights of a kind; arguments and errors as for the functions above."""
    if kind == "JK1" or kind == "JKn":
        return jackknife(design, kind, mse)
    if kind == "bootstrap":
        return bootstrap(design, replicates, seed, mse)
    return half_samples(design, rho if kind == "Fay" else 0.0, mse)


def number(sampled: Floats, kind: Made, replicates: int) -> int:
    """How many replicates a kind makes.

    Args:
        sampled: (H,) PSUs of every stratum.
        kind: which.
        replicates: of a bootstrap.
    """
    if kind == "bootstrap":
        return replicates
    if kind in ("BRR", "Fay"):
        return 1 << int((sampled == 2).sum()).bit_length()
    return int(sampled[sampled > 1].sum())


def _sylvester(order: int) -> Floats:
    """(order, order) Hadamard matrix of a power of two: signs whose rows are orthogonal, and the columns."""
    signs = np.ones((1, 1))
    while len(signs) < order:
        signs = np.block([[signs, signs], [signs, -signs]])
    return signs


def _of(design: Design, factor: Floats, scales: Floats, mse: bool) -> Replicates:
    return Replicates(design.weights, design.weights[:, None] * factor[design.first.unit], scales, mse)


def check(design: Design, kind: Made) -> Mask:
    """(PSUs,) which are alone in their stratum and stay in every replicate.

    Raises:
        DesignError: replicates of this kind cannot be made of the design.
    """
    first: Stage = design.first
    lone: Mask = first.sampled[first.stratum] < 2
    if design.adjustments:
        raise DesignError("make replicates of the design first, then calibrate them")
    if kind == "JK1" and len(first.names) > 1:
        raise DesignError("JK1 is for designs without strata: use JKn")
    if lone.any() and design.lonely not in ("remove", "certainty"):
        told = first.names[first.stratum[np.argmax(lone)]]
        raise DesignError(f"one PSU only in stratum {told}: no replicates with rule {design.lonely}")
    if kind in ("BRR", "Fay", "bootstrap") and (first.fraction > 0).any():
        raise DesignError(f"{kind} takes no population sizes: leave them out, or use JKn")
    if kind in ("BRR", "Fay"):
        many = np.flatnonzero(first.sampled > 2)
        if len(many):
            told = f"{first.names[many[0]]} has {first.sampled[many[0]]:.0f}"
            raise DesignError(f"half samples need two PSUs in every stratum; {told}: use JKn")
        if lone.all():
            raise DesignError("half samples need a stratum with two PSUs")
    return lone
