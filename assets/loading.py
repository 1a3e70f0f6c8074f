"""Loading a release: figures parsed in isolation, harmonised, checked, estimated, and written to the lake.

Belongs here: what happens between an opened release and its place in lake and ledger. Does not belong here: which
releases to load and what becomes of the rest (assets.ingest), respondents' answers (assets.counting).
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from assets import counting, isolation, rows
from assets.estimates import published, readings
from assets.questions.cells import check_cells, check_sums
from assets.questions.harmonise import Inputs, harmonise
from assets.releases import changes
from assets.releases.archive import Archive, sha256
from assets.releases.discover import Context, Found
from assets.releases.ledger import VALUES
from assets.releases.opening import Opened
from assets.responses import lake
from assets.responses.lake import ResponsesLake
from assets.watching import counted
from schemas.item import Item
from schemas.manifest import Release
from schemas.problems import Problem
from schemas.tables.catalogue import CODES, QUESTIONS, WEIGHTS
from schemas.tables.declare import Table
from schemas.tables.figures import AGREEMENT, ESTIMATES, SCORES, TOPLINES
from schemas.tables.readings import READINGS
from warehouse.files import move_whole

# Raised by hand when a change of these rooms can change a figure: every release is then loaded again, cause `code`.
CODE = f"toplines 1, questions 2, estimates 3, groups 1, {readings.CODE}, {lake.CODE}"
WORKERS, WORKERS_VARIABLE = 2, "WEATHERVANE_WORKERS"
ANSWERS = "answers.parquet"  # as assets.estimates.engine.coded.NAME, which a load without answers does not import
GROUPS = "groups.parquet"  # as assets.estimates.engine.groups.NAME, likewise
READER = "assets.toplines.read:read"
_CELL = ("item", "category", "subgroup", "subgroup_value")


@dataclass
class Loaded:
    """A release that passed: everything the lake and the ledger keep of it."""

    found: Found
    manifest: Release
    parts: dict[str, str]
    items: list[str]
    tree: str
    toplines: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    values: list[dict[str, Any]]
    about: dict[str, Any]
    warnings: list[Problem]
    counted: counting.Counted = field(default_factory=counting.Counted)
    published: list[dict[str, Any]] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    awaits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether everything that it would say lies in files that are not at hand."""
        return bool(self.awaits) and not self.values and not self.toplines


def workers(environ: Mapping[str, str] = os.environ) -> int:
    """How many children read files at a time: what WEATHERVANE_WORKERS says, or two.

    Raises:
        ValueError: the variable is no whole number of at least 1.
    """
    text = environ.get(WORKERS_VARIABLE, "").strip() or str(WORKERS)
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ValueError(f"{WORKERS_VARIABLE} is {text!r}; expected a whole number of reading processes, at least 1")
    return int(text)


def parse(opened: Mapping[str, Opened], archive: Archive, responses: ResponsesLake, workers: int) -> None:
    """Read every data file in a child process; figures, readings and problems land on the releases."""
    _read_figures(opened, archive, workers)
    counting.read(opened, archive, responses, workers)


def _read_figures(opened: Mapping[str, Opened], archive: Archive, workers: int) -> None:
    jobs, owners = [], {}
    for name, one in opened.items():
        for file, digest in one.files:
            if file.role != "toplines":
                continue
            label = f"{name}/{file.path}"
            owners[label] = (one, digest)
            jobs.append(isolation.Job(label, (str(archive.path(digest)), label, file.sheet), label))
    for outcome in counted(isolation.run(READER, jobs, isolation.Limits(), workers), "files read", len(jobs)):
        one, digest = owners[outcome.key]
        one.problems += outcome.problems
        for row in outcome.value or []:
            one.figures.append({**row, "file": outcome.key, "file_sha256": digest})


def finish(one: Opened, items: Mapping[str, Item], context: Context, archive: Archive) -> "Loaded | list[Problem]":
    """Harmonise, check and estimate one release; or its problems."""
    if any(p.severity == "error" for p in one.problems):
        return one.problems
    manifest, name = one.manifest, one.found.release
    written = {Path(path).stem for path in context.files if path.startswith("items/")}
    unreadable = written - set(items)
    inputs = Inputs(name, manifest, one.figures, one.questions, one.categories, items, unreadable)
    figures, problems = harmonise(inputs)
    counted, of_answers = counting.count(one, items, unreadable)
    known = {str(problem) for problem in problems}  # both look at the crosswalk
    problems = [*one.problems, *problems, *(p for p in of_answers if str(p) not in known)]
    if not any(p.severity == "error" for p in problems):
        problems += check_cells(figures) + check_sums(figures)
    if any(p.severity == "error" for p in problems):
        return problems
    used = sorted({question.item for _, question in one.questions})
    parts = changes.fingerprint(one.found, used, context, CODE)
    parts["files"] = _digest(*sorted(f"{file.path} {digest}" for file, digest in one.files))
    answered = [manifest.respondents.weight] if manifest.respondents else []
    parts["weights"] = _digest(manifest.sample, manifest.method.weighting, *answered)
    parts["corrections"] = _digest(*manifest.corrections)
    files = {path: seen.sha256 for path, seen in one.found.files.items()} | {f.path: d for f, d in one.files}
    tree = archive.put_tree(
        {
            "release": name,
            "files": files,
            "items": {f"items/{item}.yml": archive.put(context.files[f"items/{item}.yml"]) for item in used},
        }
    )
    if one.awaits:
        parts["awaits"] = json.dumps([rows.awaited(file) for file in one.awaits])
    # What respondents' answers give takes the place of what was published of the same cell; that stays in toplines.
    cells = {tuple(row[name] for name in _CELL) for row in counted.values}
    printed = published.estimate(manifest, name, figures)
    values = [row for row in printed if tuple(row[name] for name in _CELL) not in cells] + counted.values
    several = {row.question for _, row in one.questions if row.answer == "multiple"}
    read = readings.of_published(values, items, several) + counted.readings
    reading = one.reading.folder.name if one.reading else None
    about = rows.about(manifest, name, files, tree, figures, values, len(one.questions), one.awaits, reading)
    return Loaded(
        one.found,
        manifest,
        parts,
        used,
        tree,
        [rows.topline(manifest, name, figure) for figure in figures],
        [rows.question(manifest, name, row) for _, row in one.questions],
        values,
        about,
        problems,
        counted,
        [rows.published(manifest, name, cell, row) for cell, row in one.published],
        read,
        [rows.awaited(file) for file in one.awaits],
    )


def _digest(*things: Any) -> str:
    return sha256("\n".join(str(thing) for thing in things).encode())


def contracts(loaded: Mapping[str, Loaded]) -> dict[str, list[Problem]]:
    """What breaks the declared tables, by release: one pandera call a table over all releases, not one a release."""
    tables: tuple[tuple[Table, Callable[[Loaded], list[dict[str, Any]]]], ...] = (
        (TOPLINES, lambda one: one.toplines),
        (QUESTIONS, lambda one: one.questions),
        (ESTIMATES, lambda one: one.values),
        (SCORES, lambda one: one.counted.scores),
        (CODES, lambda one: one.counted.codes),
        (WEIGHTS, lambda one: one.counted.weights),
        (READINGS, lambda one: one.readings),
    )
    broken: dict[str, list[Problem]] = {}
    for table, rows_of in tables:
        owned = [(name, row) for name, one in loaded.items() for row in rows_of(one)]
        if not owned:
            continue
        for position, problem in table.problems(table.frame([row for _, row in owned])):
            if position < 0:
                raise RuntimeError(f"the frame itself breaks its contract: {problem}")
            name, row = owned[position]
            where = str(row.get("cell") or row.get("question") or row.get("variable"))
            broken.setdefault(name, []).append(
                replace(problem, file=f"{name}/{where}", what=f"{table.name}: {problem.what}")
            )
    return broken


def write_lake(folder: Path, one: Loaded) -> None:
    """Write one load: figures, questions, and the plain facts; whole or not at all (flushed by the caller's batch)."""
    aside = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for table, records in ((TOPLINES, one.toplines), (QUESTIONS, one.questions)):
        _write(aside / f"{table.name}.parquet", records, table.arrow())
    counted = one.counted
    some = ((SCORES, counted.scores), (CODES, counted.codes), (WEIGHTS, counted.weights), (READINGS, one.readings))
    for table, records in some:
        if records:  # most releases have none, and a file each would cost more than all their figures
            _write(aside / f"{table.name}.parquet", records, table.arrow())
    if counted.coded is not None:
        from assets.estimates.engine.coded import write  # needs scipy: only where there are answers

        write(aside / ANSWERS, counted.coded)
    if counted.groups is not None and counted.groups.num_rows:
        pyarrow.parquet.write_table(counted.groups, aside / GROUPS, compression="zstd")
    if one.published:
        schema = pyarrow.schema([AGREEMENT.arrow().field(name) for name in rows.PUBLISHED])
        _write(aside / "published.parquet", one.published, schema)
    (aside / "about.json").write_text(json.dumps(one.about, ensure_ascii=False, sort_keys=True))
    move_whole(aside, folder)


def _write(path: Path, records: list[dict[str, Any]], schema: pyarrow.Schema) -> None:
    arrow = pyarrow.Table.from_pylist([{k: row.get(k) for k in schema.names} for row in records], schema=schema)
    pyarrow.parquet.write_table(arrow, path)


def values_table(rows: list[dict[str, Any]]) -> pyarrow.Table:
    """Rows of estimates as the ledger keeps them."""
    return pyarrow.Table.from_pylist([{name: row.get(name) for name in VALUES.names} for row in rows], schema=VALUES)
