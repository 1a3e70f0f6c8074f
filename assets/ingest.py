"""The walk: from the folders that changed to archive, lake and ledger, release by release, in one step.

Belongs here: the order in which a release passes through the rooms releases, toplines, questions and estimates, and
what happens to one that fails on the way. Does not belong here: what the rooms do, the published database.

A step per release would cost seconds each in any orchestrator; so this is one step that consults the ledger, and the
orchestrator is told about each release afterwards (pipeline).
"""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from assets import isolation
from assets.estimates import published
from assets.questions.cells import check_cells, check_sums, conflicts
from assets.questions.harmonise import Figure, Inputs, harmonise
from assets.releases import changes
from assets.releases.archive import Archive, sha256
from assets.releases.discover import CATEGORIES, MANIFEST, QUESTIONS, Context, Found, Seen, discover
from assets.releases.fetch import FetchPolicy, fetch
from assets.releases.inbox import Inbox
from assets.releases.ledger import CONTEXT, VALUES, Event, Ledger
from assets.releases.shelf import lake_folder, read_items
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.dates import first_day, last_day
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import File, Release
from schemas.problems import Problem, ProblemsError, nearest
from schemas.tables.catalogue import QUESTIONS as QUESTIONS_TABLE
from schemas.tables.declare import Table
from schemas.tables.figures import ESTIMATES, TOPLINES
from warehouse.files import flush_all, move_whole
from warehouse.layout import Layout

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


@dataclass
class Report:
    """What a walk did, for people and for the orchestrator."""

    refresh: int = 0
    changed: bool = False
    same: int = 0
    loaded: dict[str, Event] = field(default_factory=dict)
    quarantined: dict[str, list[Problem]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    estimates: dict[str, int] = field(default_factory=dict)
    context_changed: bool = False


class EmptyCatalogueError(Exception):
    """There is no release at all where there were some: a wrong path, not a wish to withdraw everything."""


def ingest(
    layout: Layout,
    at: dt.datetime,
    *,
    policy: FetchPolicy | None = None,
    say: Callable[[str], None] = lambda _: None,
    workers: int = 2,
) -> Report:
    """Load what changed. The caller holds the writer's lock.

    Args:
        layout: the house.
        at: time of this refresh, naive UTC.
        policy: what may be fetched; default from the environment.
        say: told about progress.
        workers: parsing processes.

    Raises:
        EmptyCatalogueError: no release found although the ledger knows some.
        OSError: disk full and the like; nothing is recorded then.
    """
    ledger, archive = Ledger(layout.ledger), Archive(layout.archive)
    ledger.tidy()
    archive.tidy()
    found, context = discover(layout)
    if not found and ledger.live():
        raise EmptyCatalogueError(
            f"no release found in {layout.catalogue / 'releases'} although {len(ledger.live())} are loaded; "
            "is WEATHERVANE_CATALOG right?"
        )
    plan = changes.plan(found, context, ledger, CODE)
    report = Report(same=plan.same, withdrawn=plan.withdrawn, context_changed=plan.context_changed)
    if plan.nothing:
        report.refresh = ledger.head
        return report
    say(f"{len(plan.todo)} of {len(found)} releases to load")
    items, context_problems = read_items(context.files)
    loaded, failed = _load(plan, context, items, layout, archive, ledger, policy, say, workers)
    _one_claimant(loaded, failed, ledger)
    _contracts(loaded, failed)
    events, values = _record(loaded, layout, ledger)
    events += [_set_aside(ledger, context, *failed[name]) for name in sorted(failed)]
    events += [Event(name, "withdrawn") for name in plan.withdrawn]
    events += _context_events(context, context_problems, archive, ledger) if plan.context_changed else []
    say("writing the ledger")
    flush_all(layout.archive)
    flush_all(layout.lake)
    report.refresh = ledger.append(events, values, at)
    report.changed = True
    report.loaded = {e.release: e for e in events if e.status == "loaded"}
    report.quarantined = {e.release: e.problems for e in events if e.status == "quarantined"}
    report.figures = {name: len(one.toplines) for name, one in loaded.items()}
    report.estimates = {name: len(one.values) for name, one in loaded.items()}
    return report


# --- loading -------------------------------------------------------------------------------------------------------

Failed = dict[str, tuple[Found, list[Problem], list[str]]]


@dataclass
class _Open:
    """A release on its way: manifest and crosswalk read, figures still being parsed."""

    found: Found
    last: Event | None
    manifest: Release
    questions: list[tuple[int, QuestionRow]]
    categories: list[tuple[int, CategoryRow]]
    files: list[tuple[File, str]]  # declared data files with their checksums
    figures: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _load(
    plan: changes.Plan,
    context: Context,
    items: Mapping[str, Item],
    layout: Layout,
    archive: Archive,
    ledger: Ledger,
    policy: FetchPolicy | None,
    say: Callable[[str], None],
    workers: int,
) -> tuple[dict[str, Loaded], Failed]:
    failed: Failed = {}
    opened: dict[str, _Open] = {}
    inbox = Inbox(layout.inbox)
    for found, last in plan.todo:
        read = open_release(found, last, context, archive, inbox, policy)
        if isinstance(read, list):
            failed[found.release] = (found, read, last.items if last else [])
        else:
            opened[found.release] = read
    parse(opened, archive, workers)
    loaded: dict[str, Loaded] = {}
    for name, one in opened.items():
        outcome = finish(one, items, context, archive, ledger)
        if isinstance(outcome, Loaded):
            loaded[name] = outcome
        else:
            failed[name] = (one.found, outcome, sorted({q.item for _, q in one.questions}))
    return loaded, failed


def open_release(
    found: Found,
    last: Event | None,
    context: Context,
    archive: Archive,
    inbox: Inbox,
    policy: FetchPolicy | None,
) -> "_Open | list[Problem]":
    """Archive the bytes, then read manifest and crosswalk and find (or fetch) the declared files; or the problems."""
    if found.problems:
        return list(found.problems)
    for seen in found.files.values():
        archive.put_file(seen.path, seen.sha256)
    problems: list[Problem] = []
    manifest_file = f"{found.release}/{MANIFEST}"
    try:
        manifest = read_yaml(archive.read(found.files[MANIFEST].sha256), manifest_file, Release)
    except ProblemsError as bad:
        return bad.problems
    problems += _matches_its_place(found, manifest, context)
    files = []
    for number, file in enumerate(manifest.files):
        try:
            files.append((file, _locate(file, number, found, archive, inbox, policy)))
        except ProblemsError as bad:
            problems += bad.problems
    questions, categories = [], []
    if manifest.files:
        try:
            questions = read_csv(_crosswalk(found, QUESTIONS, archive), f"{found.release}/{QUESTIONS}", QuestionRow, "crosswalk")
        except ProblemsError as bad:
            problems += bad.problems
        try:
            categories = read_csv(_crosswalk(found, CATEGORIES, archive), f"{found.release}/{CATEGORIES}", CategoryRow, "crosswalk")
        except ProblemsError as bad:
            problems += bad.problems
    return problems or _Open(found, last, manifest, questions, categories, files)


def _crosswalk(found: Found, name: str, archive: Archive) -> bytes:
    if name not in found.files:
        raise ProblemsError([Problem("crosswalk", f"{found.release}/{name}", "the file is missing", expected=name)])
    return archive.read(found.files[name].sha256)


def _matches_its_place(found: Found, manifest: Release, context: Context) -> Iterable[Problem]:
    organisation, series, _ = found.release.split("/")
    file = f"{found.release}/{MANIFEST}"
    for column, said, place in (("organisation", manifest.organisation, organisation), ("series", manifest.series, series)):
        if said != place:
            yield Problem("manifest", file, "the manifest names another folder", column=column, value=said, expected=place)
    for parent in (f"{organisation}/organisation.yml", f"{organisation}/{series}/series.yml"):
        if f"releases/{parent}" not in context.files:
            yield Problem("manifest", parent, "the file is missing", expected=f"a description of {Path(parent).parent}")


def _locate(
    file: File, number: int, found: Found, archive: Archive, inbox: Inbox, policy: FetchPolicy | None
) -> str:
    """Checksum of a declared file, by then in the archive: from the folder, the archive, the drop folder or the net."""
    name, manifest = f"{found.release}/{file.path}", f"{found.release}/{MANIFEST}"
    seen = found.files.get(file.path)
    if seen is not None:
        if file.sha256 and file.sha256 != seen.sha256:
            raise ProblemsError(
                [Problem("checksum", name, "the bytes are not the declared ones", value=seen.sha256, expected=file.sha256)]
            )
        return seen.sha256
    if file.sha256:
        if file.sha256 in archive:
            return file.sha256
        dropped = inbox.find(file.sha256)
        if dropped is None and file.url:
            into = archive.root / "fetched"
            dropped = fetch(file.url, file.sha256, name, policy or FetchPolicy.from_environment(), into)
            archive.put_file(dropped, file.sha256)
            dropped.unlink()
            return file.sha256
        if dropped is not None:
            archive.put_file(dropped, file.sha256)
            return file.sha256
    here = [n for n in found.files if n not in (MANIFEST, QUESTIONS, CATEGORIES)]
    raise ProblemsError(
        [
            Problem(
                "manifest", manifest, "a declared file is not there", column=f"files.{number}.path", value=file.path,
                expected="the file in this folder, or its address with a checksum", nearest=nearest(file.path, here),
            )  # fmt: skip
        ]
    )


def parse(opened: Mapping[str, _Open], archive: Archive, workers: int) -> None:
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


def finish(
    one: _Open, items: Mapping[str, Item], context: Context, archive: Archive, ledger: Ledger | None
) -> "Loaded | list[Problem]":
    """Harmonise, check and estimate one release; or its problems."""
    if any(p.severity == "error" for p in one.problems):
        return one.problems
    manifest, name = one.manifest, one.found.release
    inputs = Inputs(name, manifest, one.figures, one.questions, one.categories, items)
    figures, problems = harmonise(inputs)
    problems = [*one.problems, *problems]
    if not any(p.severity == "error" for p in problems):
        problems += check_cells(figures) + check_sums(figures)
    if any(p.severity == "error" for p in problems):
        return problems
    used = sorted({question.item for _, question in one.questions})
    state = ledger.states.get(name) if ledger else None
    before = state.loaded if state else None
    parts = changes.fingerprint(one.found, used, context, CODE)
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
    about = _about(manifest, name, files, tree, figures, values, problems)
    return Loaded(
        one.found, manifest, {**parts, "_before": str(before.load_vintage) if before else "0"}, used, tree,
        [_topline(manifest, name, figure) for figure in figures],
        [_question(manifest, name, row) for _, row in one.questions],
        values, about, problems,
    )  # fmt: skip


def _digest(*things: Any) -> str:
    return sha256("\n".join(str(thing) for thing in things).encode())


# --- rows ----------------------------------------------------------------------------------------------------------


def _key(manifest: Release, name: str) -> dict[str, Any]:
    return {"release": name, "organisation": manifest.organisation, "series": manifest.series, "wave": manifest.wave}


def _topline(manifest: Release, name: str, figure: Figure) -> dict[str, Any]:
    row = figure.row
    return _key(manifest, name) | {
        "cell": row["cell"],
        "file_sha256": row["file_sha256"],
        "question": row["question"],
        "wording": row["wording"],
        "option": row["option"],
        "percent_text": row["percent"],
        "percent": row["percent_value"],
        "percent_from": row["percent_from"],
        "percent_to": row["percent_to"],
        "qualifier": row["qualifier"],
        "qualifier_text": row["qualifier_text"],
        "base_text": row["base"],
        "n_text": row["n"],
        "published": row["published"],
        "source_url": row["source_url"],
        "confidence": row["confidence"],
        "standing": row["standing"],
        "note": row["note"],
        "item": figure.item.item,
        "category": figure.category,
        "subgroup": figure.base.subgroup,
        "subgroup_value": figure.base.value,
        "base": figure.base.base,
    }


def _question(manifest: Release, name: str, row: QuestionRow) -> dict[str, Any]:
    out = _key(manifest, name) | row.model_dump()
    out["n_unknown"] = row.n == "unknown" or (row.n is None and row.form in ("half", "version"))
    out["n"] = row.n if isinstance(row.n, int) else None
    return out


def _about(
    manifest: Release,
    name: str,
    files: Mapping[str, str],
    tree: str,
    figures: list[Figure],
    values: list[dict[str, Any]],
    warnings: list[Problem],
) -> dict[str, Any]:
    """What the tables `waves`, `releases`, `conflicts` and `checks` need of this release, as plain data."""
    sample, fieldwork, method = manifest.sample, manifest.fieldwork, manifest.method
    disclosed = manifest.disclosed()
    deff = sample.design_effect
    wave = {
        "organisation": manifest.organisation,
        "series": manifest.series,
        "wave": manifest.wave,
        "title": manifest.title,
        "fieldwork_start": _iso(first_day(fieldwork.start)),
        "fieldwork_end": _iso(last_day(fieldwork.end)),
        "fieldwork": f"{fieldwork.start} to {fieldwork.end}" + (f" ({fieldwork.note})" if fieldwork.note else ""),
        "n": manifest.n,
        "n_stated": sample.stated,
        "population": method.population,
        "mode": method.mode,
        "sampling": method.sampling,
        "weighting": method.weighting,
        "probability_sample": sample.probability,
        "margin_of_error": sample.margin_of_error,
        "margin_note": sample.margin_note,
        "design_effect": deff.value if deff else None,
        "design_effect_basis": deff.basis if deff else None,
        "design_effect_reason": deff.reason if deff else None,
        "disclosed_items": sum(disclosed.values()),
        "undisclosed": [item for item, told in disclosed.items() if not told],
        "note": manifest.our_notes,
    }
    release = _key(manifest, name) | {
        "vintage": manifest.vintage,
        "status": manifest.status,
        "title": manifest.title,
        "source_url": manifest.source_url,
        "tree_sha256": tree,
        "files": [f"{digest}  {path}" for path, digest in sorted(files.items())],
        "licence": manifest.licence.name,
        "redistribute": manifest.licence.redistribute,
        "embargo_until": manifest.embargo_until,
        "figures": len(figures),
        "estimates": len(values),
        "producer_notes": manifest.producer_notes,
        "our_notes": manifest.our_notes,
    }
    return {
        "wave": wave,
        "release": release,
        "conflicts": conflicts(figures, manifest.conflicts),
        "warnings": [str(problem) for problem in warnings],
    }


def _iso(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


# --- checks across releases, and what is kept ------------------------------------------------------------------------


def _one_claimant(loaded: dict[str, Loaded], failed: Failed, ledger: Ledger) -> None:
    """No two releases claim one wave and vintage, and no two wave ids differ only in writing (8 and 08)."""
    claims: dict[str, list[str]] = {}
    spellings: dict[str, dict[str, str]] = {}
    # A release that stands already keeps its claim unless it is being loaded again with another one.
    for name, event in ledger.live().items():
        if name not in loaded and name not in failed and event.wave_key:
            claims.setdefault(event.wave_key, []).append(name)
            spellings.setdefault(_spelling(event.wave_key), {})[event.wave_key.split("@")[0]] = name
    standing = {name for names in claims.values() for name in names}
    for name, one in loaded.items():
        key = wave_key(one.manifest)
        claims.setdefault(key, []).append(name)
        spellings.setdefault(_spelling(key), {}).setdefault(key.split("@")[0], name)
    for name in list(loaded):
        one = loaded[name]
        key = wave_key(one.manifest)
        file = f"{name}/{MANIFEST}"
        others = [other for other in claims[key] if other != name]
        alike = [other for wave, other in spellings[_spelling(key)].items() if wave != key.split("@")[0]]
        problem = None
        if others:
            what = f"two releases claim wave {one.manifest.wave} and vintage {one.manifest.vintage}"
            problem = Problem("duplicate", file, what, column="vintage", value=one.manifest.vintage,
                              expected="another vintage, or one release less", nearest=others[0])  # fmt: skip
        elif alike:
            what = "the same wave under another spelling"
            problem = Problem("duplicate", file, what, column="wave", value=one.manifest.wave,
                              expected="one spelling in the whole series", nearest=alike[0])  # fmt: skip
        if problem:
            failed[name] = (one.found, [problem], one.items)
            del loaded[name]
    del standing


def wave_key(manifest: Release) -> str:
    """`organisation/series/wave@vintage`."""
    return f"{manifest.organisation}/{manifest.series}/{manifest.wave}@{manifest.vintage}"


def _spelling(key: str) -> str:
    wave = key.split("@")[0]
    head, _, last = wave.rpartition("/")
    return f"{head}/{last.lstrip('0') or '0'}"


def _contracts(loaded: dict[str, Loaded], failed: Failed) -> None:
    """pandera over all releases at once (one call a table, not one a release), each problem brought back to its release."""
    tables: tuple[tuple[Table, Callable[[Loaded], list[dict[str, Any]]]], ...] = (
        (TOPLINES, lambda one: one.toplines),
        (QUESTIONS_TABLE, lambda one: one.questions),
        (ESTIMATES, lambda one: one.values),
    )
    for table, rows_of in tables:
        owners, rows = [], []
        for name, one in loaded.items():
            for row in rows_of(one):
                owners.append(name)
                rows.append(row)
        if not rows:
            continue
        for position, problem in table.problems(table.frame(rows)):
            if position < 0:
                raise RuntimeError(f"the frame itself breaks its contract: {problem}")
            name = owners[position]
            row = rows[position]
            where = str(row.get("cell") or row.get("question"))
            told = Problem(**{**problem.__dict__, "file": f"{name}/{where}", "what": f"{table.name}: {problem.what}"})
            if name in failed:
                failed[name][1].append(told)
            elif name in loaded:
                failed[name] = (loaded[name].found, [told], loaded[name].items)
        for name in [n for n in loaded if n in failed]:
            del loaded[name]


def write_lake(folder: Path, one: Loaded) -> None:
    """Write one load: figures, questions, and the plain facts; whole or not at all (flushed by the caller's batch)."""
    aside = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for table, rows in ((TOPLINES, one.toplines), (QUESTIONS_TABLE, one.questions)):
        arrow = pyarrow.Table.from_pylist([{k: row.get(k) for k in table.columns} for row in rows], schema=table.arrow())
        pyarrow.parquet.write_table(arrow, aside / f"{table.name}.parquet")
    (aside / "about.json").write_text(json.dumps(one.about, ensure_ascii=False, sort_keys=True))
    move_whole(aside, folder)


def _record(loaded: Mapping[str, Loaded], layout: Layout, ledger: Ledger) -> tuple[list[Event], pyarrow.Table]:
    events, rows = [], []
    for name, one in sorted(loaded.items()):
        load = int(one.parts.pop("_before")) + 1
        state = ledger.states.get(name)
        write_lake(lake_folder(layout, name, load), one)
        events.append(
            Event(
                name, "loaded", one.parts, load, changes.cause(state.loaded if state else None, one.parts), one.tree,
                wave_key(one.manifest), one.items, one.warnings,
            )  # fmt: skip
        )
        rows += [{**row, "load_vintage": load} for row in one.values]
    return events, values_table(rows)


def values_table(rows: list[dict[str, Any]]) -> pyarrow.Table:
    """Rows of estimates as the ledger keeps them."""
    return pyarrow.Table.from_pylist([{name: row.get(name) for name in VALUES.names} for row in rows], schema=VALUES)


def _set_aside(ledger: Ledger, context: Context, found: Found, problems: list[Problem], items: list[str]) -> Event:
    parts = changes.fingerprint(found, items, context, CODE)
    return Event(found.release, "quarantined", parts, items=items, problems=problems)


def _context_events(
    context: Context, item_problems: Mapping[str, list[Problem]], archive: Archive, ledger: Ledger
) -> list[Event]:
    """The context's own event; a file of it that cannot be read is set aside like a release, under its path."""
    listing = {path: archive.put(raw) for path, raw in sorted(context.files.items())}
    tree = archive.put_tree({"context": listing})
    bad = [p for problems in item_problems.values() for p in problems]
    return [Event(CONTEXT, "context", context.digests(), 1, None, tree, problems=[*bad, *context.problems])]


__all__ = ["EmptyCatalogueError", "Report", "Seen", "ingest"]
