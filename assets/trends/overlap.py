"""Two waves that share primary units or people: their estimates with the covariance that comes from it.

Belongs here: two samples put side by side as one design, and the correlation of their figures. Does not belong here:
which waves share units and what is said of it (assets.trends.panels), variances (assets.estimates.design), the test of
a change (assets.trends.change).

Source: in R `svydesign` of both files stacked, then `svyby(~y, ~wave, covmat = TRUE)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Design, DesignError, Floats, Lonely, Mask, survey_design
from assets.estimates.design.linear import Estimate, contrast, means, together
from assets.estimates.design.spread import covariance


@dataclass(frozen=True, eq=False)
class Sample:
    """One wave.

    Attributes:
        weights: (n,) at least 0.
        values: (n,) or (n, k); 0 and 1 for a share, nan for no answer; asked for by `side_by_side` only.
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


@dataclass(frozen=True, eq=False)
class Questioned:
    """One item in one wave.

    Attributes:
        outputs: names of categories and nets.
        chosen: (n, outputs) 1 where the answer is one of them, else 0.
        base: (n,) who counts.
    """

    outputs: list[str]
    chosen: Floats
    base: Mask


Column = tuple[str, str]  # banner and its column


@dataclass(frozen=True, eq=False)
class Wave:
    """One wave of a panel.

    Attributes:
        sample: its units; no values.
        columns: of the banners, the total among them, with the mask (n,) of each.
        question: what it has of an item, or None.
        residual: what remains uncertain of contributions (n, k) after weights were made to meet totals.
    """

    sample: Sample
    columns: Mapping[Column, Mask]
    question: Callable[[str], Questioned | None]
    residual: Callable[[Floats], Floats] | None = None


def correlations(one: Wave, two: Wave, design: Design, item: str) -> dict[tuple[str, str, str], float]:
    """The correlation of the figures that both waves have of an item, by category and column of a banner.

    It is that of the stacked design. Whoever has better errors of the two figures (replicate weights, population sizes)
    applies it to those.

    Args:
        one: earlier wave.
        two: later wave.
        design: both `pooled`.
        item: the item.

    Returns:
        Without figures that cannot vary, or that nobody gave.
    """
    asked = [wave.question(item) for wave in (one, two)]
    first, second = asked
    if first is None or second is None:
        return {}
    outputs = [name for name in first.outputs if name in second.outputs]
    found: dict[tuple[str, str, str], float] = {}
    for column in one.columns:
        if column not in two.columns or not outputs:
            continue
        sides = [_contributions(wave, question, column, outputs) for wave, question in ((one, first), (two, second))]
        known = [side for side in sides if side is not None]
        if len(known) < 2:
            continue
        (z_one, in_one), (z_two, in_two) = known
        empty = np.zeros((len(z_one), len(outputs))), np.zeros((len(z_two), len(outputs)))
        z = np.block([[z_one, empty[0]], [empty[1], z_two]])
        try:
            both = covariance(design, z, np.concatenate([in_one, in_two]))
        except DesignError:  # the rule for lone PSUs finds no stratum to go by
            continue
        error, joint = np.sqrt(np.diag(both)), np.diag(both[: len(outputs), len(outputs) :])
        size = error[: len(outputs)] * error[len(outputs) :]
        for name, together_, whole in zip(outputs, joint, size, strict=True):
            if whole > 0:
                found[name, *column] = float(np.clip(together_ / whole, -1.0, 1.0))
    return found


def _contributions(
    wave: Wave, question: Questioned, column: Column, outputs: list[str]
) -> tuple[Floats, Mask] | None:  # fmt: skip
    """Weighted influence (n, outputs) of every row on the shares of a column, and the rows that matter."""
    member = question.base & wave.columns[column]
    weight = np.where(member, np.asarray(wave.sample.weights, np.float64), 0.0)
    whole = weight.sum()
    if not whole > 0:
        return None
    chosen = question.chosen[:, [question.outputs.index(name) for name in outputs]]
    z = (chosen - weight @ chosen / whole) * (weight / whole)[:, None]
    if wave.residual is None:
        return z, member
    return wave.residual(z), np.ones(len(z), np.bool_)  # outsiders contribute through the known totals
