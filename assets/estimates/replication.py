"""What a manifest says of replicate weights, as numbers and in words.

Belongs here: factors of squared deviations, and the words for `variance_method`. Does not belong here: the replicate
weights themselves (assets.questions.replicates), their errors (`.design.replicates`, `.engine.replicated`).
"""

import numpy as np

from assets.estimates.design.design import Floats
from assets.estimates.design.replicates import common_scale
from assets.estimates.design.resampling import number
from assets.questions.answers import Sample, Units
from schemas.respondents import Replicates


def scales(told: Replicates) -> Floats:
    """(R,) factors of the producer's replicates: scale times rscales, the scale by method unless it is told."""
    many = len(told.names)
    scale = told.scale or 1.0
    if told.scale is None and told.method in ("JK1", "BRR", "Fay", "bootstrap"):
        scale = common_scale(told.method, many, told.fay or 0.0)
    return scale * np.array(told.rscales or [1.0] * many)


def said(told: Replicates, strata: bool, sample: Sample) -> str:
    """`JKn, 40 replicate weights of the producer`."""
    words = ", deviations from the whole sample" if told.mse else ""
    if told.make is None:
        kind = f"Fay ({told.fay:g})" if told.method == "Fay" else told.method
        kind = "replicates" if kind == "other" else kind
        return f"{kind}, {len(told.names)} replicate weights of the producer{words}"
    design = "strata and PSU" if strata else "PSU"
    kind = f"Fay ({told.fay:g})" if told.make == "Fay" else told.make
    drawn = f", seed {1 if told.seed is None else told.seed}" if told.make == "bootstrap" else ""
    many = number(_sampled(sample.stratum, sample.psu), told.make, told.count or 0)
    return f"{kind}, {many} replicate weights made from {design}{drawn}{words}"


def _sampled(stratum: Units | None, psu: Units | None) -> Floats:
    """(H,) PSUs of every stratum."""
    if psu is None:
        return np.zeros(0)
    _, first = np.unique(psu, return_index=True)
    return np.bincount(np.zeros(len(first), np.intp) if stratum is None else stratum[first]).astype(np.float64)
