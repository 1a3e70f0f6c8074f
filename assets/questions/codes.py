"""Codes and labels of the crosswalk against the codebook and the data: every code has its row, every row its code.

Belongs here: the checks of every code and label, and the answer of a question with one variable. Does not belong here:
multiple-response sets (assets.questions.multiple), items computed from others (assets.questions.recipes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.questions.answers import Answer, CodeCount, Codes, Floats, Mask
from assets.questions.conditions import labels_of, plain_code
from assets.questions.source import Place, Source, label_difference, plain_label
from assets.releases.discover import CATEGORIES, QUESTIONS
from schemas.codebook import Variable
from schemas.conditions import SYSTEM_MISSING
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.item import Item
from schemas.problems import Problem, nearest, shorten

MOST_UNKNOWN = 50  # problems of one question; a variable with more codes is not the one that was meant
_SURE = 90.0  # of 100: a label of another code or variable is named only if it is all but the same


@dataclass(frozen=True)
class Asked:
    """One question of respondents: its row, item, and the rows of its codes, with their lines."""

    release: str
    line: int
    question: QuestionRow
    item: Item
    rows: tuple[tuple[int, CategoryRow], ...] = ()

    def place(self, column: str) -> Place:
        """A place in the question's row."""
        return Place("crosswalk", f"{self.release}/{QUESTIONS}", self.line, column)

    def row_place(self, line: int, column: str) -> Place:
        """A place in the row of a code."""
        return Place("crosswalk", f"{self.release}/{CATEGORIES}", line, column)


@dataclass(frozen=True)
class Live:
    """Who is asked and who counts: both (rows,) over the sample."""

    asked: Mask
    weighted: Mask  # weight above 0


Rows = dict[str, tuple[int, CategoryRow]]


@dataclass(frozen=True, eq=False)
class Meaning:
    """What each of some codes means, by position.

    Attributes:
        categories: ids without nets, in the item's order: those that some code of this question can give. An option
            that was not offered is no category with 0 percent.
        position: (codes,) position in `categories`; -1 outside the base.
        in_base: (codes,).
        score: (codes,) nan without one or outside the base.
    """

    categories: tuple[str, ...]
    position: Codes
    in_base: Mask
    score: Floats


def single(source: Source, asked: Asked, variable: Variable, live: Live) -> Answer | None:
    """The answer of a question with one variable; None with problems."""
    before = len(source.problems)
    labels = labels_of(variable)
    rows = rows_by_code(source, asked, variable)
    check_labels(source, asked, rows, labels)
    coded = source.file.coded(variable)
    occurring = coded.occurring(live.asked)
    check_codes(source, asked, rows, occurring, labels)
    check_base(source, asked, rows, occurring)
    if any(one.severity == "error" for one in source.problems[before:]):
        return None
    meaning = meanings(asked, rows, coded.codes)
    # Outside `where` a code may have no row: it means nothing there.
    base = meaning.in_base[coded.at] & live.asked
    chosen = np.where(base, meaning.position[coded.at], np.int16(-1)).astype(np.int16)
    scores = None
    if not np.isnan(meaning.score).all():
        scores = np.where(base, meaning.score[coded.at], np.nan)
    counts = dict(zip(coded.codes, coded.counts(live.asked & live.weighted).tolist(), strict=True))
    codes = code_counts(asked, rows, labels, counts)
    return Answer(asked.question, asked.item, meaning.categories, chosen, None, shared(base, live.asked), scores, codes)


def rows_by_code(source: Source, asked: Asked, variable: Variable) -> Rows:
    """The rows of a question by code as the codebook writes it; `1` and `1.0` of a numeric variable are the same."""
    rows: Rows = {}
    for line, row in asked.rows:
        code = plain_code(row.code or "", variable)
        if code not in rows:
            rows[code] = (line, row)
        elif rows[code][1].code != row.code:  # the same text twice is a problem of the crosswalk itself
            what = f"a code stands twice (first in row {rows[code][0]})"
            source.problems.append(asked.row_place(line, "code").problem(what, row.code, "each code once"))
    check_nets(source, asked, rows)
    return rows


def check_nets(source: Source, asked: Asked, rows: Rows) -> None:
    """A net is the sum of categories, and nobody's answer."""
    for line, row in rows.values():
        if row.kind == "net":
            what, expected = "a code that is a net", "one of the categories that the net adds up"
            source.problems.append(asked.row_place(line, "category").problem(what, row.category, expected))


def check_variable_label(source: Source, asked: Asked, label: str | None) -> None:
    """The label of the question's variable or set must be the file's."""
    written, given = plain_label(asked.question.variable_label), plain_label(label)
    if written != given:
        others = {plain_label(one.label): one.name for one in source.codebook.variables if one.label}
        near = nearest(written, list(others), _SURE)
        shown = f"{others[near]} {shorten(near)}" if near and near != given else None
        place, what = asked.place("variable_label"), f"the label of {asked.question.variable}"
        source.problems.append(_other_label(place, what, written, given, shown))


def check_labels(source: Source, asked: Asked, rows: Rows, labels: Mapping[str, str]) -> None:
    """The label of every code must be the file's; the nearest is another code that has the label."""
    others = {plain_label(label): code for code, label in labels.items()}
    for code, (line, row) in rows.items():
        written, given = plain_label(row.label), plain_label(labels.get(code))
        if written != given:
            near = nearest(written, list(others), _SURE)
            shown = f"{others[near]} {shorten(near)}" if near and near != given else None
            place, what = asked.row_place(line, "label"), f"the label of code {code}"
            source.problems.append(_other_label(place, what, written, given, shown))


def check_codes(source: Source, asked: Asked, rows: Rows, occurring: Sequence[str], labels: Mapping[str, str]) -> None:
    """Every code that occurs needs a row, and every row a code that occurs or has a label in the file."""
    unknown = [code for code in occurring if code not in rows]
    place = asked.place("variable")
    if len(unknown) > MOST_UNKNOWN:
        what = f"{len(unknown)} codes of {asked.question.variable} without a row"
        source.problems.append(
            place.problem(what, asked.question.variable, "a variable with the answers to a question")
        )
        unknown = []
    known = {plain_label(row.label): code for code, (_, row) in rows.items() if row.label}
    for code in unknown:
        source.problems.append(_without_row(asked, code, labels.get(code), known))
    for code, (line, row) in rows.items():
        if code not in occurring and code not in labels:
            there = [one for one in [*occurring, *labels] if one not in rows]
            what = f"a stale row: {asked.question.variable} has no such code among those who were asked"
            near = nearest(code, there)
            expected = "a code that occurs or has a label in the file, or no row"
            source.problems.append(asked.row_place(line, "code").problem(what, row.code, expected, near))


def check_base(source: Source, asked: Asked, rows: Rows, occurring: Sequence[str]) -> None:
    """Where some were not asked, the base must say so in words, unless the form does."""
    question = asked.question
    if question.base is not None or question.form != "full":
        return
    not_asked = [code for code in occurring if code in rows and _not_asked(rows[code][1])]
    if not_asked:
        what = f"part of the sample was not asked (code {not_asked[0]})"
        expected = "the base in words, or form half or version"
        source.problems.append(asked.place("base").problem(what, None, expected))


def meanings(asked: Asked, rows: Rows, codes: Sequence[str]) -> Meaning:
    """What the codes mean; one without a row means nothing and is outside the base."""
    own_scores = {one.id: one.score for one in asked.item.categories}
    given = {row.category for _, row in rows.values() if row.counts}
    categories = tuple(one.id for one in asked.item.categories if one.kind != "net" and one.id in given)
    positions = {name: at for at, name in enumerate(categories)}
    position = np.full(len(codes), -1, dtype=np.int16)
    score = np.full(len(codes), np.nan)
    for at, code in enumerate(codes):
        row = rows[code][1] if code in rows else None
        if row is None or row.category not in positions or not row.counts:
            continue
        position[at] = positions[row.category]
        worth = row_score(row, own_scores)
        score[at] = np.nan if worth is None else worth
    return Meaning(categories, position, position >= 0, score)


def row_score(row: CategoryRow, own_scores: Mapping[str, float | None]) -> float | None:
    """The score of a code: its own, or that of its category."""
    return row.score if row.score is not None else own_scores.get(row.category or "")


def code_counts(
    asked: Asked, rows: Rows, labels: Mapping[str, str], counts: Mapping[str, int]
) -> tuple[CodeCount, ...]:
    """The rows of a question's codes with the number of respondents, in the order of the crosswalk."""
    own_scores = {one.id: one.score for one in asked.item.categories}
    return tuple(
        CodeCount(
            code,
            plain_label(labels.get(code)) or None,
            row.category,
            row.kind,
            row.counts,
            row_score(row, own_scores) if row.counts else None,
            int(counts.get(code, 0)),
        )
        for code, (_, row) in rows.items()
    )


def shared(base: Mask, asked: Mask) -> Mask:
    """The base, in the memory of `asked` where both are the same: most questions have the same base."""
    return asked if np.array_equal(base, asked) else base


def everyone(rows: int) -> npt.NDArray[np.bool_]:
    """(rows,) a mask of all."""
    return np.ones(rows, dtype=np.bool_)


def _not_asked(row: CategoryRow) -> bool:
    return row.kind == "not_asked" and not row.counts


def _other_label(place: Place, what: str, written: str, given: str, near: str | None) -> Problem:
    part = label_difference(written, given)
    if not given:
        return place.problem(f"{what}, which the file does not label", written, "nothing", near)
    expected = f"the file's label {shorten(given)!r}"
    if not written:
        return place.problem(f"{what} is missing", None, expected)
    return place.problem(f"{what} is not the file's{part}", written, expected, near)


def _without_row(asked: Asked, code: str, label: str | None, known: Mapping[str, str]) -> Problem:
    name = asked.question.variable
    if code == SYSTEM_MISSING:
        what = f"the system-missing value of {name} without a row"
        expected = f"a row with code . in {CATEGORIES}"
    else:
        what = f"a code of {name} without a row"
        said = f" and label {shorten(plain_label(label))!r}" if label else ""
        expected = f"a row with code {shorten(code)}{said} in {CATEGORIES}"
    near = nearest(plain_label(label), list(known))
    shown = None if near is None else f"{known[near]} {shorten(near)}"
    return asked.place("variable").problem(what, code, expected, shown)
