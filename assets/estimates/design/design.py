"""The design of a sample: strata, primary units (PSUs), weights, population sizes, and the rule for lone PSUs.

Belongs here: what is known before any answer is looked at, checked once. Does not belong here: variances (`spread`),
weights adjusted afterwards (`calibration`), replicate weights (`replicates`).

Source: `survey::svydesign` and `survey::degf` (Lumley 2010, Complex Surveys, ch. 2 and 3).
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Lonely = Literal["fail", "remove", "certainty", "adjust", "average"]


class DesignError(ValueError):
    """The design contradicts itself, or does not allow what is asked of it."""


class Adjustment(Protocol):
    """Weights made to meet known totals: what of a contribution remains uncertain after that."""

    def residual(self, contributions: Floats) -> Floats:
        """Contributions (n, k) in, contributions (n, k) out."""
        ...


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of sampling: units drawn within strata.

    Attributes:
        unit: (n,) unit of every row, 0 to U - 1.
        stratum: (U,) stratum of every unit, 0 to H - 1.
        sampled: (H,) units of the full sample in every stratum.
        fraction: (H,) sampled units / units in the population; 0 where drawn with replacement or unknown.
        names: the H strata as the producer calls them.
    """

    unit: Codes
    stratum: Codes
    sampled: Floats
    fraction: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Design:
    """A sample of n respondents and how it was drawn.

    Attributes:
        weights: (n,) weights, 0 allowed.
        first: PSUs within strata.
        second: second-stage units within PSUs, if the population sizes of both stages are known; else None.
        lonely: what to do with a stratum of one PSU, as R's `survey.lonely.psu`.
        lonely_in_domains: whether "adjust" and "average" also hold where one PSU is left only inside a domain, as R's
            `survey.adjust.domain.lonely`.
        adjustments: calibrations of the weights, in the order in which they were made.
    """

    weights: Floats
    first: Stage
    second: Stage | None = None
    lonely: Lonely = "fail"
    lonely_in_domains: bool = False
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.weights)


def survey_design(
    weights: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    psu: npt.ArrayLike | None = None,
    population: npt.ArrayLike | None = None,
    second: npt.ArrayLike | None = None,
    second_population: npt.ArrayLike | None = None,
    lonely: Lonely = "fail",
    lonely_in_domains: bool = False,
) -> Design:
    """Check and code a design.

    Args:
        weights: (n,) at least 0, finite.
        strata: (n,) stratum of every row; None is one stratum.
        psu: (n,) PSU of every row, unique over strata; None makes every row its own.
        population: (n,) PSUs in the population of the row's stratum; None is sampling with replacement.
        second: (n,) second-stage unit, unique over PSUs; without it the PSU is the ultimate cluster.
        second_population: (n,) second-stage units in the population of the row's PSU.
        lonely: rule for strata of one PSU.
        lonely_in_domains: see `Design`.

    Raises:
        DesignError: lengths differ, a value is missing, a weight is negative, a unit lies in two strata, a population
            size varies in a stratum or is below the sample, a second stage comes without both population sizes.
    """
    w = np.array(weights, dtype=np.float64)
    if w.ndim != 1 or not len(w):
        raise DesignError("weights must be one column with at least one row")
    if not np.isfinite(w).all() or (w < 0).any():
        raise DesignError("weights must be finite and at least 0")
    if lonely not in get_args(Lonely):
        raise DesignError(f"unknown rule for lone PSUs: {lonely}")
    stratum, names = _coded(strata, len(w), "strata") if strata is not None else (np.zeros(len(w), np.intp), ("all",))
    unit, units = _coded(psu, len(w), "psu") if psu is not None else (np.arange(len(w)), ())
    first = _stage(unit, stratum, names, population, "psu", units)
    if second is None:
        if second_population is not None:
            raise DesignError("second_population without second")
        return Design(w, first, None, lonely, lonely_in_domains)
    if population is None or second_population is None:
        raise DesignError("a second stage needs the population sizes of both stages; without them leave it out")
    inner, inners = _coded(second, len(w), "second")
    parents = units or tuple(str(i) for i in range(len(w)))
    below = _stage(inner, unit, parents, second_population, "second", inners)
    return Design(w, first, below, lonely, lonely_in_domains)


def degrees_of_freedom(design: Design, member: Mask | None = None) -> int:
    """PSUs minus strata, of rows with a positive weight inside the domain; R `degf(subset(design, ...))`.

    Args:
        design: the full design.
        member: (n,) rows of the domain; None is everyone.
    """
    inside = design.weights > 0
    if member is not None:
        inside = inside & member
    units = np.flatnonzero(np.bincount(design.first.unit[inside]))
    return len(units) - len(np.unique(design.first.stratum[units]))


def _coded(values: npt.ArrayLike, size: int, what: str) -> tuple[Codes, tuple[str, ...]]:
    column: npt.NDArray[Any] = np.asarray(values)
    if column.shape != (size,):
        raise DesignError(f"{what} has shape {column.shape}, the weights have {size} rows")
    if column.dtype.kind == "f" and np.isnan(column).any():
        raise DesignError(f"{what} has missing values")
    if column.dtype.kind == "O":
        if any(value is None or value != value for value in column):
            raise DesignError(f"{what} has missing values")
        column = column.astype(str)
    levels, codes = np.unique(column, return_inverse=True)
    names = (f"{level:.15g}" if column.dtype.kind == "f" else str(level) for level in levels)
    return codes.astype(np.intp), tuple(names)


def _stage(
    unit: Codes,
    stratum: Codes,
    names: tuple[str, ...],
    population: npt.ArrayLike | None,
    what: str,
    units: tuple[str, ...],
) -> Stage:
    owner = np.zeros(unit.max() + 1, np.intp)
    owner[unit] = stratum
    astray = np.flatnonzero(owner[unit] != stratum)
    if len(astray):
        raise DesignError(f"{what} {units[unit[astray[0]]]} lies in more than one stratum: give it unique names")
    sampled = np.bincount(owner, minlength=len(names)).astype(np.float64)
    if population is None:
        return Stage(unit, owner, sampled, np.zeros(len(names)), names)
    sizes = np.asarray(population, dtype=np.float64)
    if sizes.shape != unit.shape or not (sizes > 0).all():
        raise DesignError(f"the population sizes of {what} must be above 0, one per row")
    whole = np.zeros(len(names))
    whole[stratum] = sizes
    for h in np.unique(stratum[sizes != whole[stratum]]):
        raise DesignError(f"stratum {names[h]}: the population size of {what} is not the same in all rows")
    for h in np.flatnonzero(whole < sampled):
        raise DesignError(f"stratum {names[h]}: {sampled[h]:g} sampled from a population of {whole[h]:g}")
    return Stage(unit, owner, sampled, sampled / whole, names)
