"""The candidate: a private database with every table, built whole from ledger, lake and archive.

Belongs here: gathering the tables, quarantine, checks and the facts about the database. Does not belong here: what
moved (assets.digest), judging it (audit), letting people see it (publish).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from assets import contracts
from assets.claims.make import MADE as CLAIMS
from assets.digest import make as digest
from assets.publication.publish import stamp_of_build
from assets.releases.archive import Archive
from assets.releases.ledger import CONTEXT, Event, Ledger, awaited
from assets.releases.shelf import Shelf, Surroundings
from assets.trends.make import MADE
from schemas.problems import Problem
from schemas.tables import BY_NAME
from schemas.vocabulary import QUARANTINE_CAUSES
from warehouse import build
from warehouse.build import ParquetFiles
from warehouse.layout import Layout

DATABASE = "candidate.duckdb"
IN_THE_LAKE = ("toplines", "questions", "codes", "weights", "scores")


def build_candidate(layout: Layout, ledger: Ledger, shelf: Shelf, work: Path) -> Path:
    """Build the candidate in `work` from the tables that trends and claims left there and from the shelf.

    What it has in `digest` is how it differs from the version that is published now.

    Raises:
        warehouse.build.BuildError: DuckDB could not write it (disk full and the like).
        RuntimeError: a table breaks its contract.
    """
    around = Surroundings.read(Archive(layout.archive), ledger)
    rows: dict[str, list[dict[str, Any]]] = {
        "organisations": around.organisations,
        "series": around.series,
        "items": around.items,
        "concepts": around.concepts,
        "categories": around.categories,
        "waves": shelf.waves(),
        "releases": shelf.releases(),
        "conflicts": shelf.conflicts(),
        "quarantine": list(_quarantine(ledger, around)),
        "awaiting": list(_awaiting(ledger)),
        "checks": [*_release_checks(ledger), *_contract_checks(work)],
        "about": _about(ledger),
    }
    tables: dict[str, Any] = {}
    for name, records in rows.items():
        table = BY_NAME[name]
        frame = table.frame([{column: record.get(column) for column in table.columns} for record in records])
        problems = table.problems(frame)
        if problems:
            raise RuntimeError(f"table {name} breaks its contract: " + "; ".join(str(p) for _, p in problems[:5]))
        tables[name] = table.to_arrow(frame)
    tables |= {name: ParquetFiles(shelf.parquet(name)) for name in IN_THE_LAKE}
    tables |= {name: ParquetFiles([work / f"{name}.parquet"]) for name in (*MADE, *CLAIMS)}
    candidate = work / DATABASE
    build.create(candidate, tables)
    digest.make(layout, candidate)
    return candidate


def _contract_checks(work: Path) -> Iterable[dict[str, Any]]:
    """A row per derived table: its rows meet their contract, or nothing is built at all."""
    looked = contracts.held(work, (*MADE, *CLAIMS))
    broken = [f"table {one.table} breaks its contract: {one.message}" for one in looked if one.problems]
    if broken:
        raise RuntimeError("; ".join(broken))
    yield from (one.row() for one in looked)


def write_checks(candidate: Path, results: Iterable[dict[str, Any]]) -> None:
    """Add the audit's results to the `checks` table of the candidate."""
    table = BY_NAME["checks"]
    arrow = table.to_arrow(table.frame(list(results)))
    con = duckdb.connect(str(candidate))
    try:
        con.register("results", arrow)
        con.execute("INSERT INTO checks BY NAME SELECT * FROM results ORDER BY level, subject, check_name")
        con.execute("CHECKPOINT")
    except duckdb.Error as bad:
        raise build.BuildError(f"writing the checks into {candidate} failed: {bad}") from bad
    finally:
        con.close()


def _quarantine(ledger: Ledger, around: Surroundings) -> Iterable[dict[str, Any]]:
    """One row per problem of every release that is set aside now, and of every catalogue file that cannot be read."""
    causes = {cause: place for place, cause in enumerate(QUARANTINE_CAUSES)}
    for name, state in ledger.quarantined().items():
        errors = sorted(state.last.problems, key=lambda p: (causes.get(p.cause, 99), p.file, p.row or 0))
        for position, problem in enumerate(errors, start=1):
            yield _problem_row(
                name, position, problem, state.since, state.loaded.load_vintage if state.loaded else None
            )
    context = ledger.context
    by_file: dict[str, list[Problem]] = {}
    for problem in [
        *around.problems,
        *(p for p in (context.problems if context else []) if p not in around.problems),
    ]:
        by_file.setdefault(problem.file, []).append(problem)
    for file, problems in sorted(by_file.items()):
        for position, problem in enumerate(problems, start=1):
            yield _problem_row(file, position, problem, context.happened_at if context else None, None)


def _awaiting(ledger: Ledger) -> Iterable[dict[str, Any]]:
    """One row per file that is not at hand."""
    for name, (state, files) in ledger.awaiting().items():
        for file in files:
            yield {"release": name, "since": state.since, **file}


def _problem_row(name: str, position: int, problem: Problem, since: Any, published: int | None) -> dict[str, Any]:
    row = problem.as_row()
    return {
        "release": name,
        "position": position,
        "since": since,
        "cause": row["cause"],
        "file": row["file"],
        "line": row["row"],
        "column_name": row["column"],
        "value": row["value"],
        "expected": row["expected"],
        "nearest": row["nearest"],
        "message": row["message"],
        "published_load": published,
    }


_WARNED = {"toplines": "adds up", "manifest": "files are named"}  # cause of a warning -> what was checked


def _release_checks(ledger: Ledger) -> Iterable[dict[str, Any]]:
    """A row per release: did it load? And one per warning of its load."""
    for name, state in sorted(ledger.states.items()):
        if name == CONTEXT or state.last.status == "withdrawn":
            continue
        problems = [p for p in state.last.problems if p.severity == "error"]
        yield {
            "level": "release",
            "subject": name,
            "check_name": "loads",
            "passed": not problems,
            "severity": "error",
            "message": "; ".join(map(str, problems[:3])) + _more(problems) if problems else _loads(state.last),
        }
        broken = [p for p in problems if p.cause == "contract"]
        if broken or state.last.status == "loaded":  # whatever else sets a release aside does so before pandera looks
            yield {**contracts.Held(name, broken).row(), "level": "release"}
        warnings = [p for p in state.loaded.problems if p.severity == "warning"] if state.loaded else []
        for number, warning in enumerate(warnings, start=1):
            yield {
                "level": "release",
                "subject": name,
                "check_name": f"{_WARNED.get(warning.cause, warning.cause)} ({number})",
                "passed": False,
                "severity": "warning",
                "message": str(warning),
            }


def _loads(event: Event) -> str:
    files = awaited(event)
    if not files:
        return "loaded"
    names = ", ".join(f"{file['file']} ({file['obtain'] or 'nobody says where it is'})" for file in files)
    return f"{'awaits' if event.status == 'awaiting' else 'loaded without'} {names}"


def _more(problems: list[Problem]) -> str:
    return f"; and {len(problems) - 3} more, see quarantine" if len(problems) > 3 else ""


def _about(ledger: Ledger) -> list[dict[str, Any]]:
    last = ledger.events[-1] if ledger.events else None
    facts = {
        "refresh": str(ledger.head),
        "refreshed_at": last.happened_at.isoformat(timespec="seconds") + "Z" if last else "never",
        "releases": str(len(ledger.live())),
        "quarantined": str(len(ledger.quarantined())),
        "build": stamp_of_build(),
    }
    return [{"key": key, "value": value} for key, value in facts.items()]
