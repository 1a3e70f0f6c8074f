"""From the answers of a release as its file has them to answers of items: the crosswalk applied to respondents.

Belongs here: the way of a release's answers through this room, in order. Does not belong here: any step of it, counting
(assets.estimates.respondents), published figures (assets.questions.harmonise).

Every code has its row, every row its code, every label is the file's: what a person has not looked at is no estimate.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from assets.questions import multiple
from assets.questions.answers import Answer, Mask, Sample
from assets.questions.banners import banners
from assets.questions.codes import Asked, Live, check_labels, check_variable_label, everyone, rows_by_code, single
from assets.questions.columns import AnswerFile
from assets.questions.conditions import fulfilled, labels_of
from assets.questions.harmonise import check_crosswalk
from assets.questions.panels import units
from assets.questions.recipes import computed
from assets.questions.source import Place, Source, number_of_rows
from assets.questions.strata import design
from assets.questions.weighting import aims
from assets.questions.weights import column_of_weight, weights
from assets.releases.discover import MANIFEST
from schemas.codebook import Codebook, MultipleResponse, Variable
from schemas.conditions import parse_condition
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.item import Item
from schemas.problems import Problem
from schemas.respondents import Respondents, SampleDesign


@dataclass
class RespondentInputs:
    """What people wrote about one release with respondents' answers, and where the answers are.

    Attributes:
        release: organisation/series/folder, for messages.
        told: the block `respondents` of the manifest.
        questions: rows of questions.csv with their lines; those of published figures are passed over.
        categories: rows of categories.csv with their lines; those without a code are passed over.
        items: all items.
        codebook: of the file.
        answers: its `responses.parquet`.
        file: what people call the file: `<release>/<path>`.
        unreadable: items whose file is there but broken.
    """

    release: str
    told: Respondents
    questions: list[tuple[int, QuestionRow]]
    categories: list[tuple[int, CategoryRow]]
    items: Mapping[str, Item]
    codebook: Codebook
    answers: Path
    file: str
    unreadable: Set[str] = frozenset()


def harmonise_respondents(given: RespondentInputs) -> tuple[Sample | None, list[Problem]]:
    """Apply the crosswalk to the answers of one release.

    Problems come all at once: of the crosswalk itself (the same that `harmonise` finds, for a caller who asks both), of
    names, labels and codes against the file, of the weight, the design and the banners. Where the rows of the sample
    cannot be told, names and labels are still checked.

    Returns:
        The sample, or None if a problem is an error; and the problems, each once.
    """
    found: list[Problem] = []
    check_crosswalk(given, found)
    _check_rows(given, found)
    with AnswerFile(given.answers) as file:
        source = Source(given.file, given.codebook, file, found)
        whole = _select(source, given)
        sample = _sample(source, given, whole)
    problems = list(dict.fromkeys(found))
    return (None if any(one.severity == "error" for one in problems) else sample), problems


def _check_rows(given: RespondentInputs, problems: list[Problem]) -> None:
    """A file that was cut on its way looks like a file with fewer respondents."""
    told, there = given.told.expect_rows, given.codebook.rows
    if there < told:
        what = "the file has fewer rows than the manifest says: it was cut, or is another file"
        problems.append(
            Problem("truncated", given.file, what, value=number_of_rows(there), expected=number_of_rows(told))
        )
    elif there > told:
        place = Place("manifest", f"{given.release}/{MANIFEST}", None, "respondents.expect_rows")
        what = "the file has more rows than the manifest says"
        problems.append(place.problem(what, str(told), f"{there}, if this is the file that was meant"))


def _select(source: Source, given: RespondentInputs) -> bool:
    """Take the rows of this release; False with problems if they cannot be told."""
    if given.told.rows is None:
        return True
    place = Place("manifest", f"{given.release}/{MANIFEST}", None, "respondents.rows")
    rows = fulfilled(given.told.rows, source, place)
    if rows is not None:
        source.file.select(rows)
    return rows is not None


def _sample(source: Source, given: RespondentInputs, whole: bool) -> Sample | None:
    """The sample; with `whole` False only names and labels are checked."""
    told = given.told
    if not whole:
        _check_names(source, given)
    weighed = weights(source, given.release, told) if whole else None
    columns = banners(source, given.release, told.banners) if whole else ()
    aimed = aims(source, given.release, told, columns, weighed[0]) if weighed else None
    counted = everyone(source.file.size) if aimed is None else aimed.weights > 0
    # Without weights nobody can say whose stratum may be missing: then everyone's may, and only names are checked.
    drawn = design(source, given.release, told.design, counted if aimed else ~counted) if whole else None
    again = units(source, given.release, told, counted if aimed else ~counted) if whole else None
    answers = _answers(source, given, counted, whole)
    if weighed is None or aimed is None or drawn is None:
        return None
    parts = drawn.stratum, drawn.psu, drawn.names, columns, tuple(answers), weighed[1], aimed.targets
    return Sample(aimed.weights, *parts, population=drawn.population, replicates=drawn.replicates, panel=again)


def _check_names(source: Source, given: RespondentInputs) -> None:
    """Whether weight, design and banners name variables of the file, where their values cannot be looked at."""
    told = given.told
    design_of = told.design or SampleDesign.model_construct()
    targets = told.made.targets.margins if told.made and told.made.targets else []
    names = {
        f"{column_of_weight(told).removeprefix('respondents.')}.variable": told.weight_variable,
        **{f"weight.targets.margins.{at}.variable": one.variable for at, one in enumerate(targets)},
        **{f"design.{key}": name for key, name in design_of.variables.items()},
        **(told.panel.variables if told.panel else {}),
        **{f"banners.{at}.variable": one.variable for at, one in enumerate(told.banners)},
    }
    for column, name in names.items():
        if name is not None:
            source.variable(name, Place("manifest", f"{given.release}/{MANIFEST}", None, f"respondents.{column}"))


def _answers(source: Source, given: RespondentInputs, counted: Mask, whole: bool) -> list[Answer]:
    """Answers in the order of the questions, derived ones included."""
    answers: dict[int, Answer] = {}
    derived: list[tuple[Asked, Mask | None]] = []
    failed: set[str] = set()
    all_rows = everyone(source.file.size)
    for asked in _asked(given):
        where = _where(source, asked, whole)
        told = whole and (where is not None or asked.question.where is None)
        if asked.question.variable is None:
            if told:
                derived.append((asked, where))
            else:
                failed.add(asked.item.item)
            continue
        here = all_rows if where is None else where
        answer = _one(source, asked, Live(here, counted), told)
        if answer is None:
            failed.add(asked.item.item)
        else:
            answers[asked.line] = answer
    if whole:
        lines = {asked.question.question: asked.line for asked, _ in derived}
        made, problems = computed(list(answers.values()), derived, failed | _itemless(given), source.file.size)
        source.problems += problems
        answers |= {lines[one.question.question]: one for one in made}
    return [answers[line] for line in sorted(answers)]


def _asked(given: RespondentInputs) -> list[Asked]:
    """The questions of respondents whose item is known, each once."""
    found: dict[str, Asked] = {}
    for line, question in given.questions:
        item = given.items.get(question.item)
        if item is None or question.question in found or (question.variable is None and item.derived is None):
            continue
        rows = tuple(
            (at, row) for at, row in given.categories if row.question == question.question and row.code is not None
        )
        found[question.question] = Asked(given.release, line, question, item, rows if question.variable else ())
    return list(found.values())


def _itemless(given: RespondentInputs) -> set[str]:
    return {question.item for _, question in given.questions if question.item not in given.items}


def _where(source: Source, asked: Asked, whole: bool) -> Mask | None:
    """(rows,) who was asked; None if everyone was, or with problems if that cannot be told."""
    question = asked.question
    if question.where is None:
        return None
    if question.form == "full" and question.base is None:
        what = "a question with where, and nothing says in words who was asked"
        source.problems.append(asked.place("base").problem(what, None, "the base in words, or form half or version"))
    if whole:
        return fulfilled(question.where, source, asked.place("where"))
    for clause in parse_condition(question.where):
        source.variable(clause.variable, asked.place("where"))
    return None


def _one(source: Source, asked: Asked, live: Live, whole: bool) -> Answer | None:
    """The answer of a question with a variable or set; with `whole` False only its labels are checked."""
    question = asked.question
    found = source.variable_or_set(question.variable or "", asked.place("variable"), question.variable_label)
    if found is None:
        return None
    before = len(source.problems)
    check_variable_label(source, asked, found.label)
    _check_kind(source, asked, found)
    members = source.members(found, asked.place("variable")) if isinstance(found, MultipleResponse) else None
    if isinstance(found, Variable):
        if whole and not asked.item.derived:
            answer = single(source, asked, found, live)
        else:
            check_labels(source, asked, rows_by_code(source, asked, found), labels_of(found))
            answer = None
    elif members is None or not whole:
        answer = None
    elif found.kind == "dichotomy":
        answer = multiple.dichotomy(source, asked, found, members, live)
    else:
        answer = multiple.category(source, asked, members, live)
    return None if any(one.severity == "error" for one in source.problems[before:]) else answer


def _check_kind(source: Source, asked: Asked, found: Variable | MultipleResponse) -> None:
    """One variable has one answer, a set has several; a derived item has no variable."""
    wanted = "multiple" if isinstance(found, MultipleResponse) else "single"
    if asked.question.answer != wanted:
        thing = "a multiple-response set" if wanted == "multiple" else "one variable"
        what = f"{found.name} is {thing}"
        source.problems.append(asked.place("answer").problem(what, asked.question.answer, wanted))
    if asked.item.derived is not None:
        what = f"{asked.item.item} is computed from other items, and this question has a variable"
        source.problems.append(asked.place("variable").problem(what, found.name, "no variable, or another item"))
