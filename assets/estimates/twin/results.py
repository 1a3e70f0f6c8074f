"""From results of statements to sums of all columns of all banners, in the shape of the engine's.

Belongs here: putting results side by side. Does not belong here: the statements, running them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.engine.coded import Header
from assets.estimates.engine.frame import Floats
from assets.estimates.engine.moments import Base, Means, Shares
from assets.estimates.twin.measures import Measure, mean_name, measures, share_name
from assets.estimates.twin.statements import Statement

Result = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of one question over the columns of all banners, the total first; None where it has no such measure.

    Attributes:
        shares: of categories, then nets.
        means: of scores.
    """

    shares: Shares | None
    means: Means | None


def gathered(header: Header, results: Iterable[tuple[Statement, Result]]) -> list[Sums]:
    """Sums of every question, in the header's order.

    Args:
        header: of the coded answers.
        results: of every statement its columns by name, nan for NULL.
    """
    starts = np.cumsum([0, 1, *(len(one.values) for one in header.banners)])
    made = [(number, one) for number, asked in enumerate(header.questions) for one in measures(asked, number)]
    tables = {one.name: _empty(one, int(starts[-1])) for _, one in made}
    by_question: dict[int, list[Measure]] = {}
    for number, one in made:
        by_question.setdefault(number, []).append(one)
    for statement, result in results:
        at = starts[0 if statement.banner is None else statement.banner + 1] + result["d"].astype(np.intp)
        for number in statement.questions:
            for one in by_question[number]:
                for column, values in tables[one.name].items():
                    values[at] = result[f"{one.name}_{column}"]
    return [
        Sums(_shares(tables.get(share_name(number))), _means(tables.get(mean_name(number))))
        for number in range(len(header.questions))
    ]


def _empty(of: Measure, size: int) -> dict[str, Floats]:
    own = [f"{letter}{at}" for at in range(of.outputs) for letter in ("p", "v")]
    return {name: np.full(size, np.nan) for name in ("n", "w", "ww", "df", *own, *of.more)}


def _shares(table: Mapping[str, Floats] | None) -> Shares | None:
    if table is None:
        return None
    outputs = range(sum(name.startswith("p") for name in table))
    side = {letter: np.column_stack([table[f"{letter}{at}"] for at in outputs]) for letter in ("p", "q", "v")}
    return Shares(_base(table), side["p"], side["q"], side["v"])


def _means(table: Mapping[str, Floats] | None) -> Means | None:
    if table is None:
        return None
    base = _base(table)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = table["e0"] / np.where(base.n > 0, base.weight, np.nan)
    return Means(base, table["p0"], spread, ~(table["low"] < table["high"]), table["v0"])


def _base(table: Mapping[str, Floats]) -> Base:
    n, df = (np.nan_to_num(table[name]).astype(np.int64) for name in ("n", "df"))
    return Base(n, np.nan_to_num(table["w"]), np.nan_to_num(table["ww"]), df)
