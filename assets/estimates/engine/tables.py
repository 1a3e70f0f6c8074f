"""From coded answers to the tables of estimates and scores: every cell of a release, as Arrow columns.

Belongs here: which cells have a row, in which order, and their columns. Does not belong here: sums
(`.sweep`), what follows from them (`.margins`), the declarations of the tables (schemas.tables.figures).

A column of a banner in which nobody of the base has a weight above 0 has no rows: nothing is known, which is not 0. A
category that the question offered and nobody chose has its row with 0; one that no code of the question leads to has
none. A net is the share of those who chose one of its parts, with the error of just that, never a sum of errors; of a
question with several answers that is less than the sum of its parts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow

from assets.estimates.dependence import Ids
from assets.estimates.engine.coded import Answers, Header, Question
from assets.estimates.engine.frame import Floats
from assets.estimates.engine.margins import ASKED, AT_ONE, AT_ZERO, FLAGS, Margins, mean_margins, share_margins
from assets.estimates.engine.moments import Base, Indices, Means, Shares
from assets.estimates.engine.sums import COMPILED_FROM, MOST_THREADS
from assets.estimates.engine.sweep import Counted, counted, frame_of
from assets.releases.ledger import VALUES
from schemas.tables.figures import SCORES

TOTAL = ("total", "all")

Tables = tuple[pyarrow.Table, pyarrow.Table]

_SHARES = pyarrow.schema([one for one in VALUES if one.name != "load_vintage"])
_SCORES = SCORES.arrow()
_BASE = tuple(Base.__dataclass_fields__)


class Column(NamedTuple):
    """One column of a banner, with what ids of its estimates depend on."""

    subgroup: str
    value: str
    depends: str


def estimate(answers: Answers, compiled_from: int = COMPILED_FROM, most_threads: int = MOST_THREADS) -> Tables:
    """Estimates and scores of one release.

    Args:
        answers: coded.
        compiled_from: see `.sums`.
        most_threads: questions at once.

    Returns:
        Rows of `assets.releases.ledger.VALUES` without load_vintage, in percent and points, and rows of
        `schemas.tables.figures.SCORES` in the unit of the scores. By question; of each the total first, then banners;
        of each column categories, then nets.

    Raises:
        ValueError: the rows are not in the order of strata and PSUs, or a PSU lies in two strata.
    """
    drawn = frame_of(answers)
    return _tables(answers.header, counted(answers, drawn, compiled_from, most_threads), drawn.lone)


def of_sums(header: Header, sums: Iterable[tuple[Shares | None, Means | None]], lone: bool) -> Tables:
    """Estimates and scores of one release whose sums were made elsewhere, as `estimate` gives them.

    Args:
        header: of the coded answers.
        sums: by question, in the header's order; shares of categories, then nets.
        lone: whether a stratum has one PSU beside other strata.
    """
    return _tables(header, (Counted(one, *of) for one, of in zip(header.questions, sums, strict=True)), lone)


def _tables(header: Header, all_: Iterable[Counted], lone: bool) -> Tables:
    columns = _columns(header)
    shares, scores = _Shares(header, columns, lone), _Scores(header, columns, lone)
    for one in all_:
        shares.add(one)
        scores.add(one)
    return shares.table(), scores.table()


def _columns(header: Header) -> list[Column]:
    columns = [Column(*TOTAL, "")]
    return columns + [Column(one.subgroup, value, one.depends) for one in header.banners for value in one.values]


class _Cells:
    """Rows of a table, taken question by question; columns are made of all of them at once, which costs far less."""

    def __init__(self, header: Header, columns: Sequence[Column], lone: bool) -> None:
        self.header, self.columns = header, columns
        said = f"; {header.calibration.said}" if header.calibration else ""
        lonely = f"; lone PSU: {header.lonely}" if lone else ""
        self.variance_method = header.variance_method + said + lonely
        self.questions: list[Question] = []
        self.at: list[Indices] = []  # by question the columns of the banners that its cells are in
        self.numbers: dict[str, list[npt.NDArray[Any]]] = defaultdict(list)  # by question, one of each cell

    def put(self, question: Question, at: Indices, base: Base, **numbers: npt.NDArray[Any]) -> None:
        """Cells of a question in the columns `at` (cells,): numbers (cells,), the base (D,)."""
        self.questions.append(question)
        self.at.append(at)
        for name, values in ({one: getattr(base, one)[at] for one in _BASE} | numbers).items():
            self.numbers[name].append(values)

    def whole(self) -> tuple[Base, dict[str, npt.NDArray[Any]]]:
        """Bases and numbers of all cells."""
        made = {name: np.concatenate(values) for name, values in self.numbers.items()}
        return Base(**{name: made.pop(name) for name in _BASE}), made

    def shared(self, base: Base, margins: Margins, rules: Sequence[str]) -> dict[str, pyarrow.Array]:
        """Columns that shares and scores have alike."""
        model = ", model-based" if self.header.model_based else ""
        header, many, at = self.header, len(base.n), np.concatenate(self.at)
        of = np.repeat(np.arange(len(self.questions)), [len(one) for one in self.at])
        return {
            **{name: _same(getattr(header, name), many) for name in ("organisation", "series", "wave", "source_url")},
            "fieldwork_start": _same(header.fieldwork_start, many, pyarrow.date32()),
            "fieldwork_end": _same(header.fieldwork_end, many, pyarrow.date32()),
            "release": _same(header.release, many),
            "item": _taking([one.item for one in self.questions], of),
            "question": _taking([one.question for one in self.questions], of),
            "base": _taking([one.base for one in self.questions], of),
            "basis": _same("microdata", many),
            "subgroup": _taking([one.subgroup for one in self.columns], at),
            "subgroup_value": _taking([one.value for one in self.columns], at),
            "n": pyarrow.array(base.n),
            "weighted_n": pyarrow.array(base.weight),
            "degrees_of_freedom": pyarrow.array(base.df.astype(np.float64)),
            "variance_method": _taking([self.variance_method], np.where(np.isnan(margins.error), -1, 0)),
            "interval_method": _taking([one + model for one in rules], margins.rule.astype(np.intp) - 1),
            "flags": _flags([one.flags for one in self.questions], of, margins.flags),
        }


class _Shares(_Cells):
    """Rows of estimates."""

    def __init__(self, header: Header, columns: Sequence[Column], lone: bool) -> None:
        super().__init__(header, columns, lone)
        self.outputs: list[str] = []  # of all questions, one after the other
        self.of = Ids(header, columns)
        self.ids: list[pyarrow.Array] = []

    def add(self, one: Counted) -> None:
        """The rows of one question."""
        question, of = one.question, one.shares
        outputs = [*((one, "") for one in question.categories), *((n, "|".join(p)) for n, p in question.nets.items())]
        if of is None or not outputs:
            return
        there = np.flatnonzero(of.base.n > 0)
        output = np.tile(len(self.outputs) + np.arange(len(outputs)), len(there))
        self.outputs += [name for name, _ in outputs]
        cells = {name: getattr(of, name)[there].ravel() for name in ("share", "rest", "variance")}
        self.put(question, np.repeat(there, len(outputs)), of.base, output=output, **cells)
        made = self.of.of_question(question, outputs, there.tolist())
        self.ids.append(pyarrow.array(made, pyarrow.string()))

    def table(self) -> pyarrow.Table:
        """All rows."""
        if not self.questions:
            return _SHARES.empty_table()
        header, (base, numbers) = self.header, self.whole()
        output, many = numbers.pop("output"), len(base.n)
        sums = Shares(base, **{name: values[:, None] for name, values in numbers.items()})
        cells = _flat(share_margins(sums, header.interval, header.normal))
        normal = " (normal quantile)" if header.normal else ""
        rules = {ASKED: header.interval + normal, AT_ZERO: "beta (p = 0)", AT_ONE: "beta (p = 1)"}
        own = {
            "category": _taking(self.outputs, output),
            "percent": _numbers(100 * cells.value),
            "percent_low": _numbers(100 * cells.low),
            "percent_high": _numbers(100 * cells.high),
            "standard_error": _numbers(100 * cells.error),
            "n_effective": _numbers(base.n / cells.effect),
            "design_effect": _numbers(cells.effect),
            "qualifier": _same("exact", many),
            "published_text": _same(None, many),
            "vintage": _same(header.vintage, many),
            "standing": _same("figure", many),
            "estimate_id": pyarrow.concat_arrays(self.ids),
        }
        return _table(self.shared(base, cells, [rules[rule] for rule in sorted(rules)]) | own, _SHARES)


class _Scores(_Cells):
    """Rows of scores."""

    def add(self, one: Counted) -> None:
        """The rows of one question."""
        if (of := one.means) is not None:
            at = np.flatnonzero(of.base.n > 0)
            numbers = {name: getattr(of, name)[at] for name in ("value", "spread", "constant", "variance")}
            self.put(one.question, at, of.base, **numbers)

    def table(self) -> pyarrow.Table:
        """All rows."""
        if not self.questions:
            return _SCORES.empty_table()
        base, numbers = self.whole()
        cells = mean_margins(Means(base, **numbers), self.header.normal)
        statistics = [one.statistic for one in self.questions]
        own = {
            "statistic": _taking(statistics, np.repeat(np.arange(len(statistics)), [len(one) for one in self.at])),
            "value": _numbers(cells.value),
            "value_low": _numbers(cells.low),
            "value_high": _numbers(cells.high),
            "standard_error": _numbers(cells.error),
        }
        return _table(self.shared(base, cells, ["normal" if self.header.normal else "t"]) | own, _SCORES)


def _flat(margins: Margins) -> Margins:
    return Margins(**{name: getattr(margins, name).ravel() for name in Margins.__dataclass_fields__})


def _table(columns: dict[str, pyarrow.Array], schema: pyarrow.Schema) -> pyarrow.Table:
    return pyarrow.Table.from_arrays([columns[one.name].cast(one.type) for one in schema], schema=schema)


def _numbers(values: Floats) -> pyarrow.Array:
    return pyarrow.array(values, from_pandas=True)


def _same(value: Any, many: int, kind: pyarrow.DataType | None = None) -> pyarrow.Array:
    return pyarrow.repeat(pyarrow.scalar(value, kind or pyarrow.string()), many)


def _taking(texts: Sequence[str], at: npt.NDArray[np.integer[Any]]) -> pyarrow.Array:
    """Texts by position; NULL for -1."""
    return pyarrow.array(texts, pyarrow.string()).take(pyarrow.array(at, mask=at < 0))


def _flags(always: Sequence[Sequence[str]], of: Indices, sums: npt.NDArray[np.int8]) -> pyarrow.Array:
    """Lists of flags: those of each cell's question, of which it is the position, and its own, by their sum."""
    some = [[name for bit, name in enumerate(FLAGS) if sum_ >> bit & 1] for sum_ in range(1 << len(FLAGS))]
    told = [sorted({*one, *own}) for one in always for own in some]
    return pyarrow.array(told, pyarrow.list_(pyarrow.string())).take(pyarrow.array(of * len(some) + sums))
