"""Questions with several answers: the multiple-response sets of a file or a manifest.

Belongs here: which categories a respondent ticked, and whether he counts. Does not belong here: checks of codes and
labels that a set shares with one variable (assets.questions.codes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from assets.questions.answers import Answer, Mask
from assets.questions.codes import (
    Asked,
    Live,
    Meaning,
    Rows,
    check_base,
    check_codes,
    check_labels,
    check_nets,
    code_counts,
    meanings,
    rows_by_code,
    shared,
)
from assets.questions.columns import Coded, in_order
from assets.questions.conditions import is_missing, labels_of, plain_code
from assets.questions.source import Source
from schemas.codebook import MultipleResponse, Variable
from schemas.conditions import SYSTEM_MISSING
from schemas.problems import nearest, shorten


@dataclass
class _Ticks:
    """What is gathered over the members of a battery.

    Attributes:
        ticked: (rows, categories).
        answered: (rows,) has a value in some member.
        refused: (rows,) ticked a member that is outside the base.
        declared: (rows,) every member holds a code that the file declares missing.
        only_blanks: nobody asked has any other value than the counted code.
        counts: respondents with a weight who ticked each member.
    """

    ticked: npt.NDArray[np.bool_]
    answered: Mask
    refused: Mask
    declared: Mask
    only_blanks: bool = True
    counts: dict[str, int] = field(default_factory=dict)

    def base(self, asked: Mask) -> Mask:
        """(rows,) who counts; see `dichotomy`."""
        return asked & ~self.refused & (~self.declared if self.only_blanks else self.answered)


def dichotomy(
    source: Source, asked: Asked, one: MultipleResponse, members: list[Variable], live: Live
) -> Answer | None:
    """The answer of a battery: each member is an option, ticked where it equals the counted code.

    In the crosswalk `code` is the member's name and `label` its label. The base are those asked with a value in at
    least one member. Where the file has nothing but the counted code and blanks (chosen 1, not chosen blank, as many
    online panels and spreadsheets deliver), a blank says "not chosen", and everyone asked is in the base unless all
    members hold values that the file declares missing: nothing in such a file tells who was not asked, so `where` must.
    Ticking a member whose row is outside the base (`not asked`) puts a respondent outside. A third code that is not
    declared missing counts as not chosen, with a warning.
    """
    before = len(source.problems)
    names = {variable.name.strip(): variable for variable in members}
    labels = {name: variable.label or "" for name, variable in names.items()}
    rows: Rows = {}
    for line, row in asked.rows:
        rows.setdefault((row.code or "").strip(), (line, row))
    _check_members(source, asked, rows, labels)
    check_labels(source, asked, {code: row for code, row in rows.items() if code in names}, labels)
    check_nets(source, asked, rows)
    if len(source.problems) > before:
        return None
    meaning = meanings(asked, rows, list(names))
    found = _gather(source, asked, plain_code(one.counted or "1", members[0]), names, meaning, live)
    check_base(source, asked, rows, [name for name, count in found.counts.items() if count])
    if any(problem.severity == "error" for problem in source.problems[before:]):
        return None
    base = shared(found.base(live.asked), live.asked)
    found.ticked &= base[:, np.newaxis]
    codes = code_counts(asked, rows, labels, found.counts)
    return Answer(asked.question, asked.item, meaning.categories, None, found.ticked, base, None, codes)


def _gather(
    source: Source, asked: Asked, counted: str, names: Mapping[str, Variable], meaning: Meaning, live: Live
) -> _Ticks:
    """Go through the members, one column at a time; `meaning` is theirs, in their order."""
    size = source.file.size
    none = np.zeros(size, dtype=np.bool_)
    ticked = np.zeros((size, len(meaning.categories)), dtype=np.bool_)
    found = _Ticks(ticked, none.copy(), none.copy(), ~none)
    for at, (name, variable) in enumerate(names.items()):
        coded = source.file.coded(variable)
        chosen = _code_is(coded, counted)
        missing = np.array([is_missing(code, variable) for code in coded.codes], dtype=np.bool_) & ~chosen
        others = [code for code in coded.occurring(live.asked) if not (chosen | missing)[coded.codes.index(code)]]
        _warn_of_third(source, asked, name, others)
        rows = chosen[coded.at] & live.asked
        if meaning.in_base[at]:
            found.ticked[:, meaning.position[at]] |= rows
        else:
            found.refused |= rows
        found.answered |= ~missing[coded.at]
        found.declared &= (missing & ~_code_is(coded, SYSTEM_MISSING))[coded.at]
        found.only_blanks = found.only_blanks and not others
        found.counts[name] = int((rows & live.weighted).sum())
    return found


def category(source: Source, asked: Asked, members: list[Variable], live: Live) -> Answer | None:
    """The answer of a set whose members each hold one of the chosen answers.

    The codes of all members are the question's codes. The system-missing value needs a row, and can have one, only if
    somebody asked has it in every member: otherwise it only says that no further answer was given. The base are those
    with at least one code that counts.
    """
    before = len(source.problems)
    labels: dict[str, str] = {}
    for variable in members:
        labels = {**labels_of(variable), **labels}
    rows = rows_by_code(source, asked, members[0])
    check_labels(source, asked, rows, labels)
    blank = live.asked.copy()
    occurring: set[str] = set()
    for variable in members:
        coded = source.file.coded(variable)
        occurring |= set(coded.occurring(live.asked))
        blank &= _code_is(coded, SYSTEM_MISSING)[coded.at]
    there = in_order(code for code in occurring if code != SYSTEM_MISSING or blank.any())
    check_codes(source, asked, rows, there, labels)
    check_base(source, asked, rows, there)
    if any(problem.severity == "error" for problem in source.problems[before:]):
        return None
    meaning = meanings(asked, rows, list(rows))
    ticked, base, counts = _ticked_codes(source, members, list(rows), meaning, live, blank)
    ticked &= base[:, np.newaxis]
    codes = code_counts(asked, rows, labels, counts)
    return Answer(asked.question, asked.item, meaning.categories, None, ticked, shared(base, live.asked), None, codes)


def _ticked_codes(
    source: Source, members: Sequence[Variable], codes: list[str], meaning: Meaning, live: Live, blank: Mask
) -> tuple[npt.NDArray[np.bool_], Mask, dict[str, int]]:
    """(rows, categories) ticked, (rows,) base, and how many with a weight gave each code in any member."""
    size = source.file.size
    ticked = np.zeros((size, len(meaning.categories)), dtype=np.bool_)
    base = np.zeros(size, dtype=np.bool_)
    counts = dict.fromkeys(codes, 0)
    for at, code in enumerate(codes):
        if code == SYSTEM_MISSING:
            gave = blank
        else:
            gave = np.zeros(size, dtype=np.bool_)
            for variable in members:
                coded = source.file.coded(variable)
                gave |= _code_is(coded, code)[coded.at]
            gave &= live.asked
        counts[code] = int((gave & live.weighted).sum())
        if meaning.in_base[at]:
            ticked[:, meaning.position[at]] |= gave
            base |= gave
    return ticked, base, counts


def _check_members(source: Source, asked: Asked, rows: Rows, labels: Mapping[str, str]) -> None:
    """Every member of a battery needs a row, and every row a member."""
    known = {(row.label or "").strip(): code for code, (_, row) in rows.items() if row.label}
    for name, label in labels.items():
        if name not in rows:
            near = nearest(label, list(known))
            shown = None if near is None else f"{known[near]} {shorten(near)}"
            what = f"a member of {asked.question.variable} without a row"
            expected = f"a row with code {name} and label {shorten(label)!r} in categories.csv"
            source.problems.append(asked.place("variable").problem(what, name, expected, shown))
    for code, (line, row) in rows.items():
        if code not in labels:
            what = f"a stale row: {asked.question.variable} has no such member"
            expected = "the name of a member, or no row"
            near = nearest(code, [name for name in labels if name not in rows])
            source.problems.append(asked.row_place(line, "code").problem(what, row.code, expected, near))


def _warn_of_third(source: Source, asked: Asked, name: str, others: Sequence[str]) -> None:
    """Beside chosen and missing there is room for one code: not chosen."""
    if len(others) > 1:
        what = f"several codes of {name} count as not chosen"
        expected = "one code beside the counted one, or codes that the file declares missing"
        shown = ", ".join(others[:5])
        source.problems.append(asked.place("variable").problem(what, shown, expected, severity="warning"))


def _code_is(coded: Coded, code: str) -> Mask:
    return np.array([one == code for one in coded.codes], dtype=np.bool_)
