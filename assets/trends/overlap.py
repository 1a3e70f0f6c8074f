"""Two waves that share primary units or people: their estimates with the covariance that comes from it.

Belongs here: two samples put side by side as one design. Does not belong here: variances (assets.estimates.design), the
test of a change (assets.trends.change).

Source: in R `svydesign` of both files stacked, then `svyby(~y, ~wave, covmat = TRUE)`. No refresh calls this: nothing
in a manifest says that the units of two files carry the same names.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Lonely, survey_design
from assets.estimates.design.linear import Estimate, contrast, means, together


@dataclass(frozen=True, eq=False)
class Sample:
    """One wave.

    Attributes:
        weights: (n,) at least 0.
        values: (n,) or (n, k); 0 and 1 for a share, nan for no answer.
        unit: (n,) name of the PSU, or of the person where no PSU was drawn; the same in both waves for the same unit.
        strata: (n,) name of the stratum; None is one stratum.
    """

    weights: npt.ArrayLike
    values: npt.ArrayLike
    unit: npt.ArrayLike
    strata: npt.ArrayLike | None = None


def side_by_side(one: Sample, two: Sample, lonely: Lonely = "fail") -> Estimate:
    """Means of both waves, those of the first before those of the second, with all their covariances.

    Waves that share no unit keep their strata apart and have covariance 0.

    Args:
        one: earlier wave.
        two: later wave, with the same columns of values.
        lonely: rule for strata of one PSU.

    Raises:
        DesignError: a unit lies in another stratum in the second wave, a wave has nobody who answered, and as for
            `survey_design`.
    """
    stacked = pooled(one, two, lonely)
    columns = [np.asarray(sample.values, np.float64) for sample in (one, two)]
    columns = [column[:, None] if column.ndim == 1 else column for column in columns]
    if columns[0].shape[1] != columns[1].shape[1]:
        raise DesignError(f"{columns[0].shape[1]} columns in the first wave, {columns[1].shape[1]} in the second")
    values, first = np.vstack(columns), np.arange(stacked.size) < len(columns[0])
    estimates = [means(stacked, values, wave) for wave in (first, ~first)]
    known = [estimate for estimate in estimates if estimate is not None]
    if len(known) < 2:
        raise DesignError("a wave has nobody who answered")
    return together(stacked, known)


def changes(one: Sample, two: Sample, lonely: Lonely = "fail") -> Estimate:
    """Means of the second wave minus those of the first, (k,); arguments and errors as for `side_by_side`."""
    both = side_by_side(one, two, lonely)
    k = len(both.values) // 2
    return contrast(both, np.hstack([-np.eye(k), np.eye(k)]))


def pooled(one: Sample, two: Sample, lonely: Lonely = "fail") -> Design:
    """Both waves as one design, rows of the first before those of the second; errors as for `survey_design`."""
    units = [np.asarray(sample.unit).astype(str) for sample in (one, two)]
    shared = np.isin(units[0], units[1]).any()
    strata = []
    for name, sample, unit in zip(("1", "2"), (one, two), units, strict=True):
        own = np.full(len(unit), "all") if sample.strata is None else np.asarray(sample.strata).astype(str)
        # Strata that were sampled afresh are strata of another sample: pooling them would invent PSUs without answers.
        strata.append(own if shared else np.char.add(f"{name}:", own))
    weights = np.concatenate([np.asarray(sample.weights, np.float64) for sample in (one, two)])
    return survey_design(weights, strata=np.concatenate(strata), psu=np.concatenate(units), lonely=lonely)
