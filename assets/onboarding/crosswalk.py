"""The crosswalk of the new wave: each question of the previous one with its new variable, wording and codes.

Belongs here: the rows of `questions.csv` and `categories.csv` in the making. Does not belong here: the manifest
(assets.onboarding.manifest), files and pages (assets.onboarding.writing).

No row has a reviewer, whatever the previous wave had: that two labels are equal, a program can see; that two questions
are one, a person says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from assets.onboarding.codes import Code, codes_of, compare, count, undecided
from assets.onboarding.conditions import translate
from assets.onboarding.contents import Contents
from assets.onboarding.matching import Match, Matching, Subject, match, subjects_of
from assets.onboarding.previous import Previous, Written
from assets.onboarding.words import plain, stem
from schemas.codebook import MultipleResponse, Variable
from schemas.conditions import parse_condition
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.item import Item
from schemas.respondents import DeclaredSet
from schemas.vocabulary import Decision, OptionsMatch, QuestionMatch


@dataclass(frozen=True)
class Question:
    """One question of the previous wave, and what has become of it.

    Attributes:
        old: its row there.
        status: `same` or `reworded`; `unknown` where there is no label to compare; `gone`; `derived` (computed from
            other questions).
        row: the drafted row; None if there is none.
        match: the variables; None for a set or a derived question.
        codes: its codes, none if it is gone.
        why_not: why there is no row.
        label: the new label.
    """

    old: QuestionRow
    status: str
    row: QuestionRow | None = None
    match: Match | None = None
    codes: tuple[Code, ...] = ()
    why_not: str | None = None
    label: str | None = None

    @property
    def variables(self) -> set[str]:
        """Variables of the previous wave that it was asked in."""
        return {self.match.old} if self.match else {one.row.code or "" for one in self.codes if one.row}

    @property
    def changes(self) -> list[str]:
        """What differs from the previous wave, in words of the report."""
        if self.status == "gone":
            return ["gone"]
        out = [self.status]
        if self.row and self.row.variable != self.old.variable:
            out.append("moved")
        named = {"recoded": "recoded", "relabelled": "relabelled", "new": "new options", "gone": "options gone"}
        return out + [word for status, word in named.items() if count(self.codes, status)]


@dataclass(frozen=True)
class Crosswalk:
    """The drafted crosswalk, and everything that was compared for it."""

    questions: tuple[Question, ...] = ()
    matching: Matching | None = None
    sets: tuple[DeclaredSet, ...] = ()
    recodes: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    @property
    def rows(self) -> list[QuestionRow]:
        """Rows of questions.csv."""
        return [one.row for one in self.questions if one.row is not None]

    @property
    def categories(self) -> list[CategoryRow]:
        """Rows of categories.csv."""
        return [row for one in self.questions if one.row is not None for row in _category_rows(one)]

    @property
    def names(self) -> dict[str, str]:
        """New name by old name."""
        return {} if self.matching is None else {old: one.new for old, one in self.matching.pairs.items()}

    def open_points(self) -> list[str]:
        """What a person must decide before a refresh takes the crosswalk."""
        out = []
        for one in self.questions:
            if one.why_not and one.status != "gone":
                out.append(f"{one.old.question} ({one.old.item}) has no row: {one.why_not}")
            if one.row is not None:
                out += [
                    f"{one.row.question}: code {code.code}"
                    + (f" {code.label!r}" if code.label else "")
                    + (f" ({code.n:,} rows)" if code.n else "")
                    + " has no category"
                    + (f"; {code.note}" if code.note else "")
                    for code in one.codes
                    if undecided(code) or (code.status == "new" and one.row.answer == "multiple")
                ]
        return out


def draft_crosswalk(previous: Previous, contents: Contents, items: Mapping[str, Item]) -> Crosswalk:
    """Compare the previous wave's crosswalk with a new file.

    Args:
        previous: the wave before.
        contents: the new file, with counts.
        items: the items of the catalogue, for derived questions.
    """
    return _Drafting(previous, contents, items).crosswalk()


class _Drafting:
    def __init__(self, previous: Previous, contents: Contents, items: Mapping[str, Item]) -> None:
        self.written, self.previous, self.contents, self.items = previous.written, previous, contents, items
        self.wave = previous.written.manifest.wave
        self.old_sets = _sets_of(previous)
        occurring = {name: frozenset(one.codes) for name, one in contents.tallies.items() if one.codes is not None}
        self.matching = match(_old_subjects(previous, self.old_sets), subjects_of(contents.codebook, occurring))
        self.names = {old: one.new for old, one in self.matching.pairs.items()}
        self.recodes = _recodes(previous, contents, self.names)
        self.sets: list[DeclaredSet] = []

    def crosswalk(self) -> Crosswalk:
        asked = [self._question(row) for row in self.written.questions if not self._derived(row)]
        asked = _once(asked)
        drafted = {one.row.item for one in asked if one.row is not None}
        for row in self.written.questions:
            if self._derived(row):
                asked.append(self._derived_question(row, drafted))
        return Crosswalk(tuple(asked), self.matching, tuple(self.sets), self.recodes)

    def _derived(self, row: QuestionRow) -> bool:
        item = self.items.get(row.item)
        return row.variable is None and item is not None and item.derived is not None

    def _derived_question(self, row: QuestionRow, drafted: set[str]) -> Question:
        derived = self.items[row.item].derived
        lacking = [part for part in (derived.of if derived else []) if part not in drafted]
        if lacking:
            return Question(row, "gone", why_not=f"it is computed from {', '.join(lacking)}, which this wave lacks")
        drafted.add(row.item)
        return Question(row, "derived", row.model_copy(update={"reviewed_by": None}))

    def _question(self, row: QuestionRow) -> Question:
        name = row.variable or row.question
        members = self.old_sets.get(name)
        if members is not None:
            return self._set(row, members)
        found = self.matching.pairs.get(name)
        if found is None:
            near = next((one for one in self.matching.perhaps if one.old == name), None)
            why = "no variable of the new file is like it"
            why += f"; nearest is {near.new} ({', '.join(near.why)})" if near else ""
            why += (
                f"; what is called {name} now is worded otherwise"
                if name in self.matching.taken_over and not near
                else ""
            )
            return Question(row, "gone", why_not=why)
        variable = _variable(self.contents, found.new)
        tally = self.contents.tallies.get(found.new)
        answers = self.written.manifest.respondents
        filtered = bool(row.where or (answers and answers.rows))
        codes = compare(self.written.codes(row.question), variable, tally, filtered=filtered)
        return self._drafted(row, found.wording, variable.label, found.new, tuple(codes), found)

    def _set(self, row: QuestionRow, members: Sequence[str]) -> Question:
        """A multiple-response set: its members are matched one by one."""
        new = {old: self.names[old] for old in members if old in self.names}
        sets = {one.name: one for one in self.contents.codebook.sets}
        best = max(sets.values(), key=lambda one: len(set(one.members) & set(new.values())), default=None)
        needed = max(2, (len(members) + 1) // 2)  # `other` and `hard to say` alone are in every battery
        if len(new) < needed:
            why = f"{len(new)} of the {len(members)} members of the battery are in the new file"
            return Question(row, "gone", why_not=why)
        if best is None or len(set(best.members) & set(new.values())) < needed:
            best = self._declare(row, [*new.values(), *self._siblings(list(new.values()))])
        codes = _member_codes(self.written.codes(row.question), new, best, self.contents)
        wording = "same" if plain(best.label) == plain(row.variable_label) else "reworded"
        if not (plain(best.label) and plain(row.variable_label)):
            wording = "unknown"
        return self._drafted(row, wording, best.label, best.name, tuple(codes), None)

    def _declare(self, row: QuestionRow, members: list[str]) -> MultipleResponse:
        respondents = self.written.manifest.respondents
        old = next((one for one in (respondents.reading.sets if respondents else []) if one.name == row.variable), None)
        name, counted = self._set_name(row.variable or row.question, members), old.counted if old else "1"
        label = old.label if old else row.variable_label or ""
        self.sets.append(DeclaredSet(name=name, label=label, members=members, counted=counted))
        return MultipleResponse(
            name=name, label=label, kind="dichotomy", counted=counted, members=members, declared="manifest"
        )

    def _siblings(self, members: Sequence[str]) -> list[str]:
        """Unmatched variables that stand beside the members, by name and options: new answers of the battery."""
        batteries = {stem(name) for name in members}
        options = {_option_labels(_variable(self.contents, name)) for name in members}
        taken = set(self.names.values())
        return [
            one.name
            for one in self.contents.codebook.variables
            if one.dropped is None and one.name not in taken
            if stem(one.name) in batteries and one.name not in members and _fits(one, options)
        ]

    def _set_name(self, name: str, members: Sequence[str]) -> str:
        """A set called after its members goes with them; no set is called like a variable."""
        own = re.sub(r"_[0-9]+$", "", members[0])
        before = {re.sub(r"_[0-9]+$", "", old) for old in self.old_sets[name]}
        prefix = next((one for one in before if name == one or name.startswith(f"{one}_")), None)
        wanted = [name] if prefix is None else [own + name[len(prefix) :], name]
        taken = {one.name for one in self.contents.codebook.variables}
        return next((one for one in wanted if one not in taken), f"{name}_set")

    def _drafted(
        self,
        old: QuestionRow,
        wording: str,
        label: str | None,
        variable: str,
        codes: tuple[Code, ...],
        found: Match | None,
    ) -> Question:
        where, why_not = (None, "") if old.where is None else translate(old.where, self.names, self.recodes)
        if why_not:
            return Question(
                old,
                wording,
                None,
                found,
                codes,
                f"it is {variable} now, but its condition {old.where} does not carry over: {why_not}",
            )
        judged = _judge(old, wording, codes, self.wave)
        same = wording in ("same", "unknown")
        row = old.model_copy(
            update={
                **judged,
                "question": _renamed(old, variable),
                "wording": old.wording if same else " ".join((label or old.wording).split()),
                "wording_kind": old.wording_kind if same else "verbatim",
                "variable": variable,
                "variable_label": label or None,
                "where": where,
                "n": None if old.n is None else "unknown",
                "reviewed_by": None,
                "note": None,
            }
        )
        return Question(old, wording, row, found, codes, label=label)


def _judge(old: QuestionRow, wording: str, codes: Sequence[Code], wave: str) -> dict[str, object]:
    """What a draft may say of comparability: the same only where the texts are the same."""
    options_same = not any(one.status in ("relabelled", "by_code", "new") for one in codes) and not any(
        one.status == "gone" and one.code != "." for one in codes
    )
    question: QuestionMatch = old.question_match
    options: OptionsMatch = old.options_match
    reasons = []
    if wording != "same":
        question = "similar" if question == "same" else question
        differs = "wording differs from" if wording == "reworded" else "no label to compare with"
        reasons.append(f"draft: {differs} wave {wave}")
    if not options_same:
        options = "changed" if options == "same" else options
        reasons.append(f"draft: options differ from wave {wave}")
    if old.reason and (old.question_match != "same" or old.options_match != "same" or old.decision == "exclude"):
        reasons.append(old.reason)  # what the previous wave said of the item holds for this one too
    decision: Decision = "exclude" if old.decision == "exclude" else "note" if reasons else "join"
    return {
        "question_match": question,
        "options_match": options,
        "decision": decision,
        "reason": "; ".join(reasons) or None,
    }


def _category_rows(one: Question) -> list[CategoryRow]:
    assert one.row is not None  # noqa: S101
    return [
        code.row.model_copy(
            update={
                "question": one.row.question,
                "option": None,
                "code": code.code,
                "label": code.label or None,
                "note": code.row.note,
            }
        )
        for code in one.codes
        if code.row is not None and code.status != "gone"
    ]


def _member_codes(
    rows: Sequence[CategoryRow], new: Mapping[str, str], found: MultipleResponse, contents: Contents
) -> list[Code]:
    """The members of a 0/1 battery as codes; a set of another kind has codes like a single question."""
    if found.kind == "category":
        first = _variable(contents, found.members[0])
        return compare(rows, first, contents.tallies.get(first.name))
    out, placed = [], set()
    for row in rows:
        member = new.get(row.code or "")
        if member is None or member not in found.members:
            out.append(Code("gone", row.code or row.option or "", row.label, None, row))
            continue
        label = _variable(contents, member).label
        placed.add(member)
        same = plain(label) == plain(row.label)
        note = f"was {row.code}" if same and member != row.code else None
        note = note if same else f"label was {row.label!r}, is {label!r}"
        status = "same" if same else "relabelled"
        out.append(Code(status, member, label, _chosen(contents, member, found.counted), row, note))
    for member in found.members:
        if member not in placed:
            label = _variable(contents, member).label
            out.append(Code("new", member, label, _chosen(contents, member, found.counted)))
    return out


def _option_labels(variable: Variable) -> frozenset[str]:
    return frozenset(plain(one.label) for one in variable.labels)


def _fits(variable: Variable, options: set[frozenset[str]]) -> bool:
    return variable.stored != "text" and _option_labels(variable) in options


def _chosen(contents: Contents, member: str, counted: str | None) -> int | None:
    tally = contents.tallies.get(member)
    return None if tally is None or tally.codes is None or counted is None else tally.codes.get(counted, 0)


def _variable(contents: Contents, name: str) -> Variable:
    found = contents.codebook.variable(name)
    if found is None:  # pragma: no cover  names come from this very codebook
        raise KeyError(name)
    return found


def _sets_of(previous: Previous) -> dict[str, tuple[str, ...]]:
    """Members of each multiple-response set that the crosswalk names."""
    respondents = previous.written.manifest.respondents
    out = {one.name: tuple(one.members) for one in (respondents.reading.sets if respondents else [])}
    if previous.codebook is not None:
        out |= {one.name: tuple(one.members) for one in previous.codebook.sets}
    for row in previous.written.questions:
        if row.variable and row.answer == "multiple" and row.variable not in out:
            members = tuple(one.code for one in previous.written.codes(row.question) if one.code)
            out[row.variable] = members
    return out


def _old_subjects(previous: Previous, sets: Mapping[str, Sequence[str]]) -> list[Subject]:
    """What the new file is compared with: the old file's variables, or what people wrote of them."""
    coded: dict[str, frozenset[str]] = {}
    for row in previous.written.questions:
        if row.variable and row.variable not in sets:
            own = {one.code for one in previous.written.codes(row.question) if one.code}
            coded[row.variable] = coded.get(row.variable, frozenset()) | own
    if previous.codebook is not None:
        return subjects_of(previous.codebook, coded)
    found: dict[str, Subject] = {}
    for row in previous.written.questions:
        codes = previous.written.codes(row.question)
        if row.variable in sets:
            found |= {one.code: Subject(one.code, one.label or "") for one in codes if one.code}
        elif row.variable or previous.written.manifest.respondents is None:
            name = row.variable or row.question
            options = [(one.code or one.option or "", one.label or one.option or "") for one in codes]
            found[name] = Subject(
                name, row.variable_label or row.wording, tuple((c, t) for c, t in options if t), coded.get(name)
            )
    for name in _mentioned(previous.written):
        found.setdefault(name, Subject(name))
    return list(found.values())


def _mentioned(written: Written) -> list[str]:
    """Variables that conditions, banners and design name."""
    respondents = written.manifest.respondents
    conditions = [row.where for row in written.questions if row.where]
    names: list[str] = []
    if respondents is not None:
        conditions += [respondents.rows] if respondents.rows else []
        names += [banner.variable for banner in respondents.banners if banner.variable]
        names += respondents.design.variables.values() if respondents.design else []
        names += [respondents.weight_variable] if respondents.weight_variable else []
    return [clause.variable for text in conditions for clause in parse_condition(text)] + names


def _recodes(previous: Previous, contents: Contents, names: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
    """Per old variable the new code of each labelled old code, where both files have labels."""
    out: dict[str, dict[str, str | None]] = {}
    for one in previous.codebook.variables if previous.codebook else []:
        if one.name not in names or not one.labels:
            continue
        now = codes_of(_variable(contents, names[one.name]), contents.tallies.get(names[one.name]))
        by_label = {plain(label): code for code, (label, _) in now.items() if label}
        if by_label:
            out[one.name] = {pair.code: by_label.get(plain(pair.label)) for pair in one.labels}
    return out


def _renamed(old: QuestionRow, variable: str) -> str:
    """A question that is called after its variable is called after the new one."""
    if old.variable and old.question.startswith(old.variable):
        return variable + old.question[len(old.variable) :]
    return old.question


def _once(questions: Sequence[Question]) -> list[Question]:
    """Ids of questions, each once: Q5 may have moved to Q6 while Q6 kept its own id."""
    seen: dict[str, int] = {}
    out = []
    for one in questions:
        if one.row is not None:
            name = one.row.question
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                row = one.row.model_copy(update={"question": f"{name}-{seen[name]}"})
                one = replace(one, row=row)
        out.append(one)
    return out
