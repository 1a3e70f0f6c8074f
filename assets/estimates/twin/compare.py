"""The engine's sums against those of the statements, cell by cell.

Belongs here: what is compared, and how a difference is measured. Does not belong here: either way of making sums,
printing.

Figures differ relative to themselves, with two exceptions, where a figure is small because large ones cancel. A mean
may be 0 by chance: its difference is relative to the scores' standard deviation, if that is larger. An error may be 0
because all PSUs are alike, or all people of a column are in one PSU: then nothing is left of the deviations but their
rounding. Its difference is relative to the error of a simple random sample of the same base, if that is larger.
The spread is the standard deviation of scores, which the design effect of a mean takes, and whether all are the same.
Numbers of people and degrees of freedom are whole, and differ by what they differ. A figure that one way has and the
other has not differs by infinity.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assets.estimates.engine.coded import Answers, Question
from assets.estimates.engine.frame import Floats
from assets.estimates.engine.moments import Base, Means, Shares
from assets.estimates.engine.sweep import counted, frame_of
from assets.estimates.twin.results import Sums

TOLERANCE = 1e-12
FIGURES = ("percent", "mean", "spread", "standard_error", "weighted_n", "n", "degrees_of_freedom")


class Difference(NamedTuple):
    """The largest difference of one figure, and where it is; no cell was compared if cells is 0."""

    figure: str
    cells: int
    largest: float
    where: str


def engine_sums(answers: Answers, compiled_from: int = 0) -> list[Sums]:
    """Sums of every question by the engine, compiled where that is possible, in the header's order.

    Args:
        answers: coded.
        compiled_from: see `..engine.sums`.

    Raises:
        ValueError: the rows are not in the order of strata and PSUs, or a PSU lies in two strata.
    """
    return [Sums(one.shares, one.means) for one in counted(answers, frame_of(answers), compiled_from)]


def differences(answers: Answers, engine: Sequence[Sums], twin: Sequence[Sums]) -> list[Difference]:
    """The largest difference of every figure over all cells, without figures that the statements cannot make."""
    left_out = _left_out(answers)
    found: dict[str, list[Difference]] = {name: [] for name in FIGURES}
    for question, ours, theirs in zip(answers.header.questions, engine, twin, strict=True):
        for name, cells in _compared(ours, theirs):
            if name in left_out:
                continue
            found[name].append(_largest(name, cells, answers, question))
    return [worst(name, of) for name, of in found.items()]


def worst(figure: str, of: Iterable[Difference]) -> Difference:
    """The largest of several differences of one figure, with the cells of all."""
    told = list(of)
    top = max(told, key=lambda one: one.largest, default=Difference(figure, 0, 0.0, ""))
    return Difference(figure, sum(one.cells for one in told), top.largest, top.where)


def _left_out(answers: Answers) -> frozenset[str]:
    """Errors that come from replicate weights, with their degrees of freedom, or from weights made to meet targets."""
    if answers.header.replicates is not None:
        return frozenset({"standard_error", "degrees_of_freedom"})
    return frozenset() if answers.header.calibration is None else frozenset({"standard_error"})


def _compared(ours: Sums, theirs: Sums) -> Iterator[tuple[str, Floats]]:
    """Figures with the differences of their cells, (D,) or (D, O); nan where there is no cell."""
    for one, other in ((ours.shares, theirs.shares), (ours.means, theirs.means)):
        if one is None or other is None:
            if one is not other:
                yield "n", np.array([np.inf])
            continue
        yield from _bases(one.base, other.base)
        there = (one.base.n > 0) | (other.base.n > 0)
        if isinstance(one, Shares) and isinstance(other, Shares):
            simple = np.sqrt(one.share * one.rest / one.base.n.clip(1)[:, None])
            yield "percent", _among(there, _relative(one.share, other.share))
            yield "percent", _among(there, _relative(one.rest, other.rest))
        elif isinstance(one, Means) and isinstance(other, Means):
            deviation = np.sqrt(one.spread)
            simple = deviation / np.sqrt(one.base.n.clip(1))
            yield "mean", _among(there, _relative(one.value, other.value, deviation))
            yield "spread", _among(there, _relative(deviation, np.sqrt(other.spread)))
            yield "spread", _among(there, np.where(one.constant == other.constant, 0.0, np.inf))
        yield "standard_error", _among(there, _relative(*_errors(one, other), simple))


def _errors(one: Shares | Means, other: Shares | Means) -> tuple[Floats, Floats]:
    # A base without an error has nan; a variance of rounding below 0 does not occur, as all are sums of squares.
    return np.sqrt(one.variance), np.sqrt(other.variance)


def _bases(one: Base, other: Base) -> Iterator[tuple[str, Floats]]:
    there = (one.n > 0) | (other.n > 0)
    yield "n", _among(there, np.abs(one.n - other.n).astype(np.float64))
    yield "degrees_of_freedom", _among(there, np.abs(one.df - other.df).astype(np.float64))
    yield "weighted_n", _among(there, _relative(one.weight, other.weight))
    yield "weighted_n", _among(there, _relative(one.squares, other.squares))


def _relative(one: Floats, other: Floats, least: Floats | float = 0.0) -> Floats:
    """Differences relative to the first, or to `least` where that is larger; 0 where neither is known."""
    scale = np.fmax(np.abs(one), least)
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.where(one == other, 0.0, np.abs(one - other) / scale)
    off[np.isnan(one) & np.isnan(other)] = 0.0
    off[np.isnan(one) ^ np.isnan(other)] = np.inf
    return np.asarray(off)


def _among(there: npt.NDArray[np.bool_], off: Floats) -> Floats:
    return np.where(there if off.ndim == 1 else there[:, None], off, np.nan)


def _largest(figure: str, cells: Floats, answers: Answers, question: Question) -> Difference:
    known = int((~np.isnan(cells)).sum())
    if not known:
        return Difference(figure, 0, 0.0, "")
    at = np.unravel_index(np.nanargmax(cells), cells.shape)
    columns = ["everyone", *(f"{one.subgroup}: {value}" for one in answers.header.banners for value in one.values)]
    outputs = [*question.categories, *question.nets]
    place = [question.question, *([outputs[at[1]]] if cells.ndim > 1 else []), columns[at[0]]]
    return Difference(figure, known, float(cells[at]), ", ".join(place))
