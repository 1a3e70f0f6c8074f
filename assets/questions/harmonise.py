"""From published figures as transcribed to figures of items: every option, base and question accounted for.

Belongs here: the join and the refusal of everything unaccounted for (no silent else, no stale row), and the checks of
the crosswalk that need neither figures nor answers. Does not belong here: sums and standing of cells
(assets.questions.cells), respondents' answers (assets.questions.respondents).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from assets.releases.discover import CATEGORIES, MANIFEST, QUESTIONS
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.item import Item
from schemas.manifest import ALL_RESPONDENTS, Base, Correction, Release
from schemas.problems import Problem, nearest

Numbered = Sequence[tuple[int, Any]]


class Written(Protocol):
    """What every crosswalk has, whether its release publishes figures or has respondents' answers."""

    @property
    def release(self) -> str:
        """organisation/series/folder."""

    @property
    def questions(self) -> list[tuple[int, QuestionRow]]:
        """Rows of questions.csv with their lines."""

    @property
    def categories(self) -> list[tuple[int, CategoryRow]]:
        """Rows of categories.csv with their lines."""

    @property
    def items(self) -> Mapping[str, Item]:
        """All items."""

    @property
    def unreadable(self) -> Set[str]:
        """Items whose file is there but broken."""


@dataclass
class Inputs:
    """What people wrote about one release, read but not yet joined. Line numbers come with every row."""

    release: str
    manifest: Release
    figures: list[dict[str, Any]]  # as assets.toplines.read gives them, plus `file` and `file_sha256`
    questions: list[tuple[int, QuestionRow]]
    categories: list[tuple[int, CategoryRow]]
    items: Mapping[str, Item]
    unreadable: Set[str] = frozenset()  # items whose file is there but broken


@dataclass
class Figure:
    """One published figure, placed: which item, category and subgroup it is of."""

    row: dict[str, Any]
    question: QuestionRow
    item: Item
    category: str
    base: Base
    flags: set[str] = field(default_factory=set)

    @property
    def cell(self) -> tuple[str, str, str, str]:
        """Item, category, subgroup, subgroup value."""
        return self.item.item, self.category, self.base.subgroup, self.base.value

    @property
    def where(self) -> str:
        """The file of the figure, for messages."""
        return str(self.row["file"])


def harmonise(given: Inputs) -> tuple[list[Figure], list[Problem]]:
    """Place every figure, or say what is missing or left over. Figures come only if there is no error."""
    problems: list[Problem] = []
    questions, categories = check_crosswalk(given, problems)
    problems += _stale(given)
    bases = {base.text: base for base in given.manifest.bases}
    figures, unplaced = _place(given, questions, categories, bases)
    problems += unplaced
    problems += _correct(given.manifest.corrections, figures, given.release)
    return figures, problems


def check_crosswalk(
    given: Written, problems: list[Problem]
) -> tuple[dict[tuple[str, ...], QuestionRow], dict[tuple[str, ...], CategoryRow]]:
    """What can be said of a crosswalk without its figures or answers: rows that stand twice, items, categories, kinds.

    Args:
        given: the crosswalk and the items.
        problems: takes what is found, the same whoever asks.

    Returns:
        Questions by (name,), and categories by (question, option).
    """
    questions = _once(given.questions, lambda r: (r.question,), f"{given.release}/{QUESTIONS}", "question", problems)
    file = f"{given.release}/{CATEGORIES}"
    options = [(line, row) for line, row in given.categories if row.option is not None]
    codes = [(line, row) for line, row in given.categories if row.code is not None]
    categories = _once(options, lambda r: (r.question, r.option), file, "option", problems)
    _once(codes, lambda r: (r.question, r.code), file, "code", problems)
    problems += _crosswalk_against_items(given, questions)
    return questions, categories


def _place(
    given: Inputs,
    questions: Mapping[tuple[str, ...], QuestionRow],
    categories: Mapping[tuple[str, ...], CategoryRow],
    bases: Mapping[str, Base],
) -> tuple[list[Figure], list[Problem]]:
    figures: list[Figure] = []
    problems: list[Problem] = []

    def lost(row: dict[str, Any], column: str, what: str, place: str, known: Iterable[str]) -> None:
        value, choices = str(row[column]), sorted(set(known))
        problems.append(
            Problem(
                "crosswalk",
                row["file"],
                what,
                row=row["row"],
                column=column,
                value=value,
                expected=f"a row for it in {place}",
                nearest=nearest(value, choices),
            )
        )

    for row in given.figures:
        question = questions.get((row["question"],))
        if question is None:
            lost(row, "question", "a question without a row", QUESTIONS, (q for (q,) in questions))
            continue
        category = categories.get((row["question"], row["option"]))
        if category is None:
            known = (o for q, o in categories if q == row["question"])
            lost(row, "option", "an option without a row", CATEGORIES, known)
        base = bases.get(row["base"])
        if base is None:
            lost(row, "base", "a base that the manifest does not explain", f"{MANIFEST} under bases", bases)
        item = given.items.get(question.item)
        if category is None or category.category is None or base is None or item is None:
            continue
        figures.append(Figure(row, question, item, category.category, base))
    return figures, problems


def _crosswalk_against_items(given: Written, questions: Mapping[tuple[str, ...], QuestionRow]) -> list[Problem]:
    problems: list[Problem] = []
    for line, question in given.questions:
        file = f"{given.release}/{QUESTIONS}"
        if question.item in given.unreadable:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    "an item whose file cannot be read",
                    row=line,
                    column="item",
                    value=question.item,
                    expected=f"items/{question.item}.yml without the problems that the quarantine names",
                )
            )
        elif question.item not in given.items:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    "an item that does not exist",
                    row=line,
                    column="item",
                    value=question.item,
                    expected="a file of that name in catalog/items",
                    nearest=nearest(question.item, list(given.items)),
                )
            )
        if question.decision != "join" and not question.reason:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    "a decision without a reason",
                    row=line,
                    column="reason",
                    value=question.decision,
                    expected="why this question does not simply join",
                )
            )
    for line, row in given.categories:
        file = f"{given.release}/{CATEGORIES}"
        owner = questions.get((row.question,))
        item = given.items.get(owner.item) if owner else None
        if owner is None:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    "a category row of a question without a row",
                    row=line,
                    column="question",
                    value=row.question,
                    expected=f"a row for it in {QUESTIONS}",
                    nearest=nearest(row.question, [q for (q,) in questions]),
                )
            )
        elif row.code is not None and owner.variable is None:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    "a code of a question without a variable",
                    row=line,
                    column="code",
                    value=row.code,
                    expected=f"variable in its row of {QUESTIONS}, or no code",
                )
            )
        elif item is None or row.category is None:
            continue  # the question has said so; or a code outside the base
        elif row.category not in item.kinds():
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    f"a category that item {item.item} does not have",
                    row=line,
                    column="category",
                    value=row.category,
                    expected="one of " + ", ".join(item.kinds()),
                    nearest=nearest(row.category, list(item.kinds())),
                )
            )
        elif item.kinds()[row.category] != row.kind:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    f"another kind than item {item.item} gives {row.category}",
                    row=line,
                    column="kind",
                    value=row.kind,
                    expected=item.kinds()[row.category],
                )
            )
    return problems


def _stale(given: Inputs) -> list[Problem]:
    """Rows of the crosswalk and of the manifest that no figure uses: a renamed option leaves its old row behind.

    A question of respondents' answers needs no figure, nor do its codes; an option always does.
    """
    problems: list[Problem] = []
    asked = {row["question"] for row in given.figures}
    options = {(row["question"], row["option"]) for row in given.figures}
    bases = {row["base"] for row in given.figures}
    answered = {question.question for _, question in given.questions if _of_respondents(question, given.items)}

    def stale(file: str, line: int | None, column: str, value: str, near: Iterable[str]) -> None:
        problems.append(
            Problem(
                "crosswalk",
                f"{given.release}/{file}",
                "a stale row: no figure uses it",
                row=line,
                column=column,
                value=value,
                expected="a row that a figure uses, or none",
                nearest=nearest(value, sorted(set(near))),
            )
        )

    for line, question in given.questions:
        if question.question not in asked | answered:
            stale(QUESTIONS, line, "question", question.question, asked)
    for line, row in given.categories:
        if row.option is None or (row.question, row.option) in options:
            continue
        if row.question in asked | answered:
            stale(CATEGORIES, line, "option", row.option, (o for q, o in options if q == row.question))
    for base in given.manifest.bases:
        if base.text not in bases and base.text != ALL_RESPONDENTS:
            stale(MANIFEST, None, "bases", base.text, bases)
    return problems


def _of_respondents(question: QuestionRow, items: Mapping[str, Item]) -> bool:
    """Whether a question is answered by respondents, or computed from what they answered."""
    item = items.get(question.item)
    return question.variable is not None or (item is not None and item.derived is not None)


def _correct(corrections: Sequence[Correction], figures: Sequence[Figure], release: str) -> list[Problem]:
    """Apply corrections; one whose `expect` no longer stands in the source must go."""
    problems: list[Problem] = []
    for number, correction in enumerate(corrections):
        column = f"corrections.{number}"
        hits = [
            figure
            for figure in figures
            if (figure.row["question"], figure.row["option"], figure.row["base"])
            == (correction.question, correction.option, correction.base)
            and figure.row["standing"] == "figure"
        ]
        if not hits:
            what = "a correction of a figure that is not there"
            problems.append(Problem("crosswalk", f"{release}/{MANIFEST}", what, column=column, value=correction.option))
        for figure in hits:
            if figure.row["percent"] != correction.expect:
                problems.append(
                    Problem(
                        "crosswalk",
                        f"{release}/{MANIFEST}",
                        "the source has changed under a correction",
                        column=f"{column}.expect",
                        value=str(figure.row["percent"]),
                        expected=correction.expect,
                    )
                )
                continue
            value = float(correction.percent)
            figure.row = {
                **figure.row,
                "percent": correction.percent,
                "percent_value": value,
                "note": correction.reason,
            }
            figure.row |= {"percent_from": None, "percent_to": None}
            figure.flags.add("corrected")
    return problems


def _once(rows: Numbered, key: Any, file: str, column: str, problems: list[Problem]) -> dict[tuple[str, ...], Any]:
    seen: dict[tuple[str, ...], tuple[int, Any]] = {}
    for line, row in rows:
        name = key(row)
        if name in seen:
            problems.append(
                Problem(
                    "crosswalk",
                    file,
                    f"a row stands twice (first in row {seen[name][0]})",
                    row=line,
                    column=column,
                    value=name[-1],
                    expected="each once",
                )
            )
        else:
            seen[name] = (line, row)
    return {name: row for name, (_, row) in seen.items()}
