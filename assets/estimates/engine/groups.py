"""What one wave says of groups: the weight of every group and answer, and how uncertain all of it is together.

Belongs here: totals by cell (a column of a banner and an option of a question) with their design covariance, from which
follows the error of anything linear in them. Does not belong here: what is made of two waves (assets.trends.splits).

A load keeps this beside its answers (`groups.parquet`), so that a later refresh can split a change between any two
waves without reading the answers of either again: of a pair only the slopes are new, and an error is slopes times
covariance times slopes. Where every row is its own PSU of one stratum, cells share no row and the slopes of a split sum
to zero, so the variances alone are enough.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow
from scipy.sparse import csr_matrix

from assets.estimates.design.design import DesignError
from assets.estimates.design.spread import covariance
from assets.estimates.engine.coded import Answers, Array, Question
from assets.estimates.engine.frame import Codes, Floats, Frame
from assets.estimates.engine.moments import Banners, Indices, strata_of
from assets.estimates.engine.sweep import frame_of

NAME = "groups.parquet"
MOST_CELLS = 160  # of a covariance that is kept: 100 kB

_TEXTS, _DOUBLES = pyarrow.list_(pyarrow.string()), pyarrow.list_(pyarrow.float64())
SCHEMA = pyarrow.schema(
    [
        ("item", pyarrow.string()),
        ("banner", pyarrow.string()),
        ("groups", _TEXTS),  # G columns of the banner
        ("outputs", _TEXTS),  # O categories and nets
        ("parts", pyarrow.list_(pyarrow.bool_())),  # (O, K) which options an output unites
        ("n", pyarrow.list_(pyarrow.int32())),  # (G,) people with a weight
        ("weight", _DOUBLES),  # (G, K)
        ("outside", pyarrow.float64()),  # weight of the base in no column
        ("covariance", _DOUBLES),  # of the G * K cells: variances, or the lower triangle; NULL for too many cells
    ]
)

Cells = Callable[[Indices, Indices, int], Floats]


def groups_of(answers: Answers) -> pyarrow.Table:
    """Cells of every question by every banner, rows of `SCHEMA`.

    Args:
        answers: coded.
    """
    header = answers.header
    asked = [one for one in header.questions if one.column is not None or one.columns]
    if not header.banners or not asked:
        return SCHEMA.empty_table()
    drawn = frame_of(answers)
    spread = _spread(drawn)
    members = [(one, answers.columns([one.column])[one.column]) for one in header.banners]
    rows = []
    for question in asked:
        names = [name for name in (question.column, *question.columns) if name is not None]
        arrays = answers.columns(names)
        for outputs, codes, parts in _options(question, arrays):
            for banner, member in members:
                row = _cells(drawn, spread, codes, parts, member, len(banner.values))
                rows.append({"item": question.item, "banner": banner.subgroup, "groups": banner.values,
                             "outputs": outputs, **row})  # fmt: skip
    return pyarrow.Table.from_pylist(rows, schema=SCHEMA)


def _options(question: Question, arrays: Mapping[str, Array]) -> Iterator[tuple[list[str], Codes, Array]]:
    """Outputs, options of the rows (-1 outside the base), and which options each output unites.

    A question with one answer gives one such set, one with several answers a set for every output.
    """
    places = {category: at for at, category in enumerate(question.categories)}
    nets = [[places[part] for part in of] for of in question.nets.values()]
    outputs = [*question.categories, *question.nets]
    if question.column is not None:
        codes = arrays[question.column]
        parts = np.zeros((len(outputs), max(len(places), int(codes.max(initial=0)) + 1)), np.bool_)
        for at, of in enumerate([*([one] for one in places.values()), *nets]):
            parts[at, of] = True
        yield outputs, codes, parts
        return
    ticks = [arrays[name] for name in question.columns]
    for output, codes in zip(
        outputs, [*ticks, *(np.max([ticks[at] for at in of], axis=0) for of in nets)], strict=True
    ):
        yield [output], codes.astype(np.int16), np.array([[False, True]])


def _cells(
    drawn: Frame, spread: Cells, codes: Codes, parts: Array, member: Array, groups: int
) -> dict[str, object]:  # fmt: skip
    options = parts.shape[1]
    size = groups * options
    asked, weighed = codes >= 0, drawn.weights > 0
    inside = np.flatnonzero(asked & (member >= 0))
    cell = member[inside].astype(np.intp) * options + codes[inside]
    kept = spread(inside, cell, size) if 0 < size <= MOST_CELLS else None
    return {
        "parts": parts.ravel().tolist(),
        "n": np.bincount(member[asked & weighed & (member >= 0)], minlength=groups).tolist(),
        "weight": np.bincount(cell, drawn.weights[inside], size).tolist(),
        "outside": float(drawn.weights[asked & (member < 0)].sum()),
        "covariance": None if kept is None else kept.tolist(),
    }


def _spread(drawn: Frame) -> Cells:
    """How the design makes the covariance of cells of some rows: variances, or the lower triangle."""
    if drawn.replicates is None and not drawn.adjustments and drawn.psu_start is None:

        def plain(inside: Indices, cell: Indices, size: int) -> Floats:
            return np.asarray(np.bincount(cell, drawn.weights[inside] ** 2, size) * drawn.plain_factor)

        return plain
    whole = (
        _of_replicates(drawn) if drawn.replicates else _of_residuals(drawn) if drawn.adjustments else _of_psus(drawn)
    )

    def folded(inside: Indices, cell: Indices, size: int) -> Floats:
        return np.asarray(whole(inside, cell, size)[np.tril_indices(size)])

    return folded


def _of_psus(drawn: Frame) -> Cells:
    everyone = Banners(drawn, np.zeros((drawn.rows, 1), np.uint16), 1)
    pairs = everyone.pairs[0]

    def made(inside: Indices, cell: Indices, size: int) -> Floats:
        pair = pairs.of_row[inside]
        flat = np.bincount(pair * size + cell, drawn.weights[inside], len(pairs.column) * size)
        sums = flat.astype(np.float64, copy=False).reshape(-1, size)
        seen = strata_of(everyone, pairs, pair)
        mean = seen.means(sums)
        off = (sums[seen.there] - mean[seen.of]) * np.sqrt(seen.factor)[seen.of, None]
        rest = mean * np.sqrt(seen.factor * seen.part)[:, None]
        return np.asarray((off.T @ off + rest.T @ rest) * seen.scale[0])

    return made


def _of_residuals(drawn: Frame) -> Cells:
    design, everyone = drawn.design, np.ones(drawn.rows, np.bool_)

    def made(inside: Indices, cell: Indices, size: int) -> Floats:
        z = np.zeros((drawn.rows, size))
        z[inside, cell] = drawn.weights[inside]
        try:
            return covariance(design, z, everyone)
        except DesignError:  # the rule for lone PSUs finds no stratum to go by
            return np.full((size, size), np.nan)

    return made


def _of_replicates(drawn: Frame) -> Cells:
    """Of every replicate the cells as parts of its own whole, as a replicate's share is of its own base."""
    told = drawn.replicates
    if told is None:
        raise ValueError("a frame without replicate weights")

    def made(inside: Indices, cell: Indices, size: int) -> Floats:
        belongs = csr_matrix((np.ones(len(inside)), (cell, inside)), shape=(size, drawn.rows))
        sums = np.asarray(belongs @ told.columns)
        whole = sums.sum(axis=0)
        there = whole != 0
        scaled = (sums[:, there] / whole[there]).T * drawn.weights[inside].sum()
        weight = np.bincount(cell, drawn.weights[inside], size)
        off = scaled - (weight if told.mse else scaled.mean(axis=0))
        return np.asarray((off * told.scales[there, None]).T @ off)

    return made
