"""Loading a release: figures parsed in isolation, harmonised, checked, estimated, and written to the lake.

Belongs here: what happens between an opened release and its place in lake and ledger. Does not belong here: which
releases to load and what becomes of the rest (assets.ingest).
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from assets import isolation, rows
from assets.estimates import published
from assets.questions.cells import check_cells, check_sums
from assets.questions.harmonise import Inputs, harmonise
from assets.releases import changes
from assets.releases.archive import Archive, sha256
from assets.releases.discover import Context, Found
from assets.releases.ledger import VALUES
from assets.releases.opening import Opened
from schemas.item import Item
from schemas.manifest import Release
from schemas.problems import Problem
from schemas.tables.catalogue import QUESTIONS
from schemas.tables.declare import Table
from schemas.tables.figures import ESTIMATES, TOPLINES
from warehouse.files import move_whole

# Raised by hand when a change of these rooms can change a figure: every release is then loaded again, cause `code`.
CODE = "toplines 1, questions 1, estimates 1"
READER = "assets.toplines.read:read"


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


def parse(opened: Mapping[str, Opened], archive: Archive, workers: int) -> None:
    """Read every data file in a child process; figures and problems land on the releases."""
    jobs, owners = [], {}
    for name, one in opened.items():
        for file, digest in one.files:
            label = f"{name}/{file.path}"
            owners[label] = (one, digest)
            jobs.append(isolation.Job(label, (str(archive.path(digest)), label, file.sheet), label))
    for outcome in isolation.run(READER, jobs, isolation.Limits(), workers):
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
    inputs = Inputs(name, manifest, one.figures, one.questions, one.categories, items, written - set(items))
    figures, problems = harmonise(inputs)
    problems = [*one.problems, *problems]
    if not any(p.severity == "error" for p in problems):
        problems += check_cells(figures) + check_sums(figures)
    if any(p.severity == "error" for p in problems):
        return problems
    used = sorted({question.item for _, question in one.questions})
    parts = changes.fingerprint(one.found, used, context, CODE)
    parts["files"] = _digest(*sorted(f"{file.path} {digest}" for file, digest in one.files))
    parts["weights"] = _digest(manifest.sample, manifest.method.weighting)
    parts["corrections"] = _digest(*manifest.corrections)
    files = {path: seen.sha256 for path, seen in one.found.files.items()} | {f.path: d for f, d in one.files}
    tree = archive.put_tree(
        {
            "release": name,
            "files": files,
            "items": {f"items/{item}.yml": archive.put(context.files[f"items/{item}.yml"]) for item in used},
        }
    )
    values = published.estimate(manifest, name, figures)
    about = rows.about(manifest, name, files, tree, figures, values, len(one.questions))
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
    )


def _digest(*things: Any) -> str:
    return sha256("\n".join(str(thing) for thing in things).encode())


def contracts(loaded: Mapping[str, Loaded]) -> dict[str, list[Problem]]:
    """What breaks the declared tables, by release: one pandera call a table over all releases, not one a release."""
    tables: tuple[tuple[Table, Callable[[Loaded], list[dict[str, Any]]]], ...] = (
        (TOPLINES, lambda one: one.toplines),
        (QUESTIONS, lambda one: one.questions),
        (ESTIMATES, lambda one: one.values),
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
            where = str(row.get("cell") or row.get("question"))
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
        arrow = pyarrow.Table.from_pylist(
            [{k: row.get(k) for k in table.columns} for row in records], schema=table.arrow()
        )
        pyarrow.parquet.write_table(arrow, aside / f"{table.name}.parquet")
    (aside / "about.json").write_text(json.dumps(one.about, ensure_ascii=False, sort_keys=True))
    move_whole(aside, folder)


def values_table(rows: list[dict[str, Any]]) -> pyarrow.Table:
    """Rows of estimates as the ledger keeps them."""
    return pyarrow.Table.from_pylist([{name: row.get(name) for name in VALUES.names} for row in rows], schema=VALUES)
