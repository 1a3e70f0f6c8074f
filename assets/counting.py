"""Respondents' answers of releases: read in isolation once, then harmonised and estimated release by release.

Belongs here: what happens to answers between an opened release and its rows. Does not belong here: published figures
(assets.loading), which releases to load (assets.ingest), any step itself (assets.responses, questions, estimates).
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets import rows
from assets.releases.archive import Archive
from assets.releases.discover import MANIFEST, QUESTIONS
from assets.releases.opening import Opened
from assets.responses import running
from assets.responses.lake import Reading, ResponsesLake
from assets.watching import counted
from schemas.item import Item
from schemas.manifest import File
from schemas.problems import Problem, ProblemsError, nearest
from schemas.respondents import Respondents

if TYPE_CHECKING:
    import pyarrow

    from assets.estimates.engine.coded import Coded


@dataclass
class Counted:
    """What the answers of one release gave: rows of tables, the coded answers that they follow from, their groups."""

    values: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    codes: list[dict[str, Any]] = field(default_factory=list)
    weights: list[dict[str, Any]] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    coded: "Coded | None" = None
    groups: "pyarrow.Table | None" = None


def read(opened: Mapping[str, Opened], archive: Archive, lake: ResponsesLake, workers: int) -> None:
    """Read the respondents' files of these releases that the lake does not have; readings and problems land on them."""
    waiting: dict[Path, list[Opened]] = {}
    jobs: dict[str, running.Reading] = {}
    for name, one in opened.items():
        found = answers_file(one)
        if found is None or one.manifest.respondents is None:
            continue
        file, digest = found
        try:
            keyed, given = _options(one, one.manifest.respondents, archive)
        except ProblemsError as bad:
            one.problems += bad.problems
            continue
        one.reading = lake.reading(digest, keyed)
        if one.reading.whole:
            continue
        folder = one.reading.folder
        if folder not in waiting:
            label = f"{name}/{file.path}"
            jobs[label] = running.Reading(archive.path(digest), label, folder, given)
        waiting.setdefault(folder, []).append(one)
    if jobs:
        _run(jobs, waiting, lake, workers)


def _run(
    jobs: Mapping[str, running.Reading], waiting: Mapping[Path, list[Opened]], lake: ResponsesLake, workers: int
) -> None:
    lake.tidy()
    lake.scratch.mkdir(parents=True)
    for job in jobs.values():
        lake.clear(job.folder)
    try:
        outcomes = running.read_all(jobs.values(), lake.scratch, workers)
        for outcome in counted(outcomes, "files of answers read", len(jobs)):
            for one in waiting[jobs[outcome.key].folder]:
                # One file may be of many releases; each is told in its own name.
                own = outcome.key.rpartition("/")[2]
                told = f"{one.found.release}/{own}"
                one.problems += [replace(p, file=told) if p.file == outcome.key else p for p in outcome.problems]
    finally:
        lake.tidy()


def answers_file(one: Opened) -> tuple[File, str] | None:
    """The file of respondents' answers with its checksum; None if there is none, or it is not at hand."""
    return next((found for found in one.files if found[0].role == "respondents"), None)


def _options(one: Opened, told: Respondents, archive: Archive) -> tuple[dict[str, Any], dict[str, Any]]:
    """The reading options, with checksums (what a reading is known by) and with paths (what the reader takes)."""
    keyed = told.reading.model_dump(exclude_defaults=True)
    given = dict(keyed)
    for key in ("codebook", "catalog"):
        path = getattr(told.reading, key)
        if path is None:
            continue
        seen = one.found.files.get(path)
        if seen is None:
            here = [name for name in one.found.files if name != MANIFEST]
            raise ProblemsError(
                [
                    Problem(
                        "manifest",
                        f"{one.found.release}/{MANIFEST}",
                        "a file that is not in this folder",
                        column=f"respondents.reading.{key}",
                        value=path,
                        expected="a file beside the manifest",
                        nearest=nearest(path, here),
                    )
                ]
            )
        keyed[key], given[key] = seen.sha256, str(archive.path(seen.sha256))
    return keyed, given


def count(one: Opened, items: Mapping[str, Item], unreadable: Set[str]) -> tuple[Counted, list[Problem]]:
    """Harmonise and estimate the answers of one release; nothing if it has none or awaits its file."""
    manifest, name = one.manifest, one.found.release
    told, found = manifest.respondents, answers_file(one)
    if told is None or found is None or not isinstance(one.reading, Reading):
        return Counted(), []
    # Imported here: a refresh without respondents' answers need not wait for scipy.
    from assets.estimates.engine.groups import groups_of
    from assets.estimates.engine.tables import estimate
    from assets.estimates.readings import of_answers
    from assets.estimates.respondents import code_respondents
    from assets.estimates.weighting import make_weights
    from assets.questions.respondents import RespondentInputs, harmonise_respondents

    file, digest = found
    inputs = RespondentInputs(
        name,
        told,
        one.questions,
        one.categories,
        items,
        one.reading.codebook,
        one.reading.answers,
        f"{name}/{file.path}",
        unreadable,
    )
    sample, problems = harmonise_respondents(inputs)
    if sample is None:
        return Counted(), problems
    problems += _one_question_a_cell(one)
    if any(p.severity == "error" for p in problems):
        return Counted(), problems
    try:
        sample, warnings = make_weights(told, name, sample)
        coded = code_respondents(manifest, name, sample, digest)
    except ProblemsError as bad:
        return Counted(), [*problems, *bad.problems]
    problems += warnings
    values, scores = (table.to_pylist() for table in estimate(coded))
    codes = [
        rows.code(manifest, name, answer.question, counted) for answer in sample.answers for counted in answer.codes
    ]
    weights = [rows.weight(manifest, name, sample.facts)]
    return Counted(values, scores, codes, weights, of_answers(coded, values, items), coded, groups_of(coded)), problems


def _one_question_a_cell(one: Opened) -> list[Problem]:
    """Two wordings asked in one wave are two items, or there would be two figures for one cell."""
    asked = [(line, row) for line, row in one.questions if row.variable is not None]
    times = Counter(row.item for _, row in asked)
    first: dict[str, str] = {}
    problems = []
    for line, row in asked:
        if times[row.item] > 1 and row.item in first:
            problems.append(
                Problem(
                    "crosswalk",
                    f"{one.found.release}/{QUESTIONS}",
                    f"a second question for one item (the other is {first[row.item]})",
                    row=line,
                    column="item",
                    value=row.item,
                    expected="an item of its own, kept apart by apart_from",
                )
            )
        first.setdefault(row.item, row.question)
    return problems
