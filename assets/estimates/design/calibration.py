"""Weights that meet known population totals.

Belongs here: post-stratification, raking, calibration, of a design and of its replicates. Does not belong here: what
calibration leaves of the error (`residuals`), trimming.

Source: `survey::postStratify`, `rake`, `calibrate`; Deming and Stephan 1940; Deville and Sarndal 1992, JASA 87,
376-382; Deville, Sarndal and Sautory 1993, JASA 88, 1013-1020.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Codes, Design, DesignError, Floats
from assets.estimates.design.replicates import Replicates
from assets.estimates.design.residuals import Cells, Margins, Regression

Distance = Literal["linear", "raking", "logit"]
Ratio = Callable[[Floats], tuple[Floats, Floats]]  # new over old weight, and its derivative
_RIDGE = 1e-9
HALVINGS = 40  # of a Newton step that leads away


@dataclass(frozen=True, eq=False)
class Fit:
    """How near weights came to known totals.

    Attributes:
        g: (n,) new weight / old weight.
        off: largest deviation from a total relative to that total.
        rounds: Newton steps taken.
    """

    g: Floats
    off: float
    rounds: int


def poststratify(design: Design, cells: Codes, population: npt.ArrayLike) -> Design:
    """Weights whose sum in every cell is known.

    Args:
        design: any design.
        cells: (n,) cell of every row, 0 to c - 1.
        population: (c,) known totals, above 0.

    Returns:
        The design with new weights and smaller errors.

    Raises:
        DesignError: a row is in no cell, a total is not above 0, or a cell has no weight to carry its total.
    """
    weights = _to_margin(design.weights, cells, _known(design, cells, population))
    adjustment = Cells(cells, weights)
    return replace(design, weights=weights, adjustments=(*design.adjustments, adjustment))


def rake(
    design: Design,
    margins: Sequence[tuple[Codes, npt.ArrayLike]],
    tolerance: float = 1e-10,
    rounds: int = 200,
) -> Design:
    """Margins met in turn until no weight changes; errors as R `rake`, which are not those of `calibrate`.

    Args:
        design: any design.
        margins: cells (n,) and known totals (c,) of every margin; the totals' sums must be the same.
        tolerance: largest relative change of a weight in the last round; margins must then be met to 1e-8.
        rounds: at most.

    Raises:
        DesignError: as for `poststratify`; sums of margins differ; no convergence.
    """
    weights, known = design.weights, [(cells, _known(design, cells, totals)) for cells, totals in margins]
    _same_sums([totals for _, totals in known])
    weights = _raked(weights, known, tolerance, rounds)
    adjustment = Margins(tuple(cells for cells, _ in known), weights)
    return replace(design, weights=weights, adjustments=(*design.adjustments, adjustment))


def raked_replicates(
    replicates: Replicates,
    margins: Sequence[tuple[Codes, npt.ArrayLike]],
    tolerance: float = 1e-10,
    rounds: int = 200,
) -> Replicates:
    """Full-sample and every replicate's weights raked alike, as R `rake` of a replicate design.

    Raises:
        DesignError: as for `rake`, for any replicate.
    """
    known = [(cells, np.asarray(totals, np.float64)) for cells, totals in margins]
    _same_sums([totals for _, totals in known])
    columns = [_raked(column, known, tolerance, rounds) for column in replicates.columns.T]
    return replace(
        replicates,
        weights=_raked(replicates.weights, known, tolerance, rounds),
        columns=np.column_stack(columns),
    )


def calibrate(
    design: Design,
    columns: npt.ArrayLike,
    totals: npt.ArrayLike,
    distance: Distance = "raking",
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-12,
    rounds: int = 50,
) -> Design:
    """Weights closest to the design's whose totals of some columns are known.

    Args:
        design: any design.
        columns: (n, k), without missing, linearly independent; put a column of ones in for the size of the population.
        totals: (k,) known.
        distance: linear may make weights negative and is refused then; raking is exp; logit keeps within bounds.
        bounds: lowest and highest ratio of new to old weight, around 1; logit only.
        tolerance: largest deviation from a total relative to that total.
        rounds: Newton steps at most.

    Raises:
        DesignError: shapes differ, columns depend on each other, bounds missing or out of place, no convergence, or a
            negative weight.
    """
    x, known = np.asarray(columns, np.float64), np.asarray(totals, np.float64)
    found = fit(design.weights, x, known, distance, bounds, tolerance, rounds)
    if found.off > 100 * tolerance:
        raise DesignError(f"the totals were not met: {found.off:.2g} off")
    weights = design.weights * found.g
    if (weights < 0).any():
        raise DesignError("linear calibration made weights negative: use raking, or logit with bounds")
    adjustment = Regression(x, design.weights, found.g)
    return replace(design, weights=weights, adjustments=(*design.adjustments, adjustment))


def fit(
    weights: Floats,
    columns: Floats,
    totals: Floats,
    distance: Distance = "raking",
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-12,
    rounds: int = 50,
    limits: tuple[float, float] | None = None,
) -> Fit:
    """As near to the totals as the distance gets, whether that is near enough or not.

    Args:
        weights: (n,) before, at least 0.
        columns: see `calibrate`, as the others that are not here.
        totals: (k,).
        distance: of raking or linear if there are limits.
        bounds: of logit.
        tolerance: where to stop.
        rounds: Newton steps at most.
        limits: lowest and highest new weight. Who would lie beyond gets the limit, and the others make up for it: the
            weights nearest to those before that keep both limits and totals (Deville and Sarndal 1992, section 2).

    Raises:
        DesignError: shapes differ, columns depend on each other, bounds missing or out of place.
    """
    if columns.ndim != 2 or len(columns) != len(weights) or totals.shape != columns.shape[1:]:
        raise DesignError(f"columns {columns.shape} and totals {totals.shape} do not fit {len(weights)} rows")
    if not np.isfinite(columns).all():
        raise DesignError("the columns have missing values")
    scale = np.abs(columns).max(axis=0)
    scale[scale == 0] = 1.0
    x, known = columns / scale, totals / scale  # so that columns in euros and in persons stand on one footing
    ratio = _ratios(distance, bounds)
    if limits is not None:
        ratio = _limited(ratio, *(end / np.where(weights > 0, weights, 1.0) for end in limits))
    slope, g = np.zeros(x.shape[1]), ratio(np.zeros(len(weights)))[0]
    size = np.where(known == 0, 1.0, np.abs(known))
    off = _off(weights, g, x, known, size)
    done = 0
    while off > tolerance and done < rounds:
        _, derivative = ratio(x @ slope)
        information = x.T @ (x * (weights * derivative)[:, None])
        if limits is not None:  # all rows of a cell may be at a limit for now
            information += _RIDGE * np.diag((x**2).T @ weights)
        elif np.linalg.matrix_rank(information) < len(slope):
            if not done:
                raise DesignError("the columns depend on each other")
            break  # no row can move any further
        step = np.linalg.solve(information, known - x.T @ (weights * g))
        done += 1
        for _ in range(HALVINGS):
            tried = ratio(x @ (slope + step))[0]
            if (now := _off(weights, tried, x, known, size)) < off:
                break
            step = step / 2
        else:
            break
        slope, off, g = slope + step, now, tried
    return Fit(g, off, done)


def _limited(ratio: Ratio, low: Floats, high: Floats) -> Ratio:
    """A ratio kept between (n,) limits, where it then stands still."""

    def limited(u: Floats) -> tuple[Floats, Floats]:
        g, slope = ratio(u)
        return np.clip(g, low, high), np.where((g > low) & (g < high), slope, 0.0)

    return limited


def _off(weights: Floats, g: Floats, x: Floats, known: Floats, size: Floats) -> float:
    return float(np.max(np.abs(x.T @ (weights * g) - known) / size))


def _ratios(distance: Distance, bounds: tuple[float, float] | None) -> Ratio:
    """New over old weight and its derivative, as functions of the linear predictor."""
    if (bounds is not None) != (distance == "logit"):
        raise DesignError("bounds belong to logit, and logit needs them")
    if distance == "linear":
        return lambda u: (1 + u, np.ones_like(u))
    if distance == "raking":
        return lambda u: (np.exp(np.minimum(u, 700.0)), np.exp(np.minimum(u, 700.0)))
    if bounds is None or distance != "logit" or not 0 <= bounds[0] < 1 < bounds[1]:
        raise DesignError(f"unknown distance {distance}, or bounds {bounds} not around 1")
    low, high = bounds
    steep = (high - low) / ((1 - low) * (high - 1))

    def logit(u: Floats) -> tuple[Floats, Floats]:
        odds = np.exp(np.clip(steep * u, -700.0, 700.0))
        bottom = (high - 1) + (1 - low) * odds
        g = (low * (high - 1) + high * (1 - low) * odds) / bottom
        return g, (g - low) * (high - g) / ((1 - low) * (high - 1))

    return logit


def _known(design: Design, cells: Codes, population: npt.ArrayLike) -> Floats:
    totals = np.asarray(population, np.float64)
    if totals.ndim != 1 or not (totals > 0).all() or not np.isfinite(totals).all():
        raise DesignError("known totals must be above 0, in one row")
    if cells.shape != (design.size,) or cells.dtype.kind not in "iu" or (cells < 0).any():
        raise DesignError(f"every one of {design.size} rows needs a cell, a whole number from 0")
    if cells.max() >= len(totals):
        raise DesignError(f"cell {cells.max()} has no known total")
    return totals


def _same_sums(totals: Sequence[Floats]) -> None:
    sums = [float(total.sum()) for total in totals]
    if not sums or max(sums) - min(sums) > 1e-9 * max(sums):
        raise DesignError(f"the margins' sums differ: {sums}")


def _to_margin(weights: Floats, cells: Codes, totals: Floats) -> Floats:
    present = np.bincount(cells, weights, len(totals))
    if (present <= 0).any():
        raise DesignError(f"cell {int(np.argmax(present <= 0))} has no weight to carry its total")
    result: Floats = weights * (totals / present)[cells]
    return result


def _raked(weights: Floats, known: Sequence[tuple[Codes, Floats]], tolerance: float, rounds: int) -> Floats:
    for _ in range(rounds):
        before = weights
        for cells, totals in known:
            weights = _to_margin(weights, cells, totals)
        if (np.abs(weights - before) <= tolerance * weights).all():
            break
    sums = [np.bincount(cells, weights, len(totals)) / totals for cells, totals in known]
    if all((np.abs(ratio - 1) <= max(tolerance, 1e-8)).all() for ratio in sums):
        return weights
    raise DesignError(f"raking did not settle in {rounds} rounds")
