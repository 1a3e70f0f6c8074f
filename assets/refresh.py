"""A refresh from end to end as plain calls, and the rebuild of the published database.

Belongs here: the order of the stages and what each hands to the next (a work folder). Does not belong here: the
orchestrator, which runs the same stages as steps (pipeline), and the stages themselves (the rooms).
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets import ingest as walk
from assets.claims import make as claims
from assets.publication import candidate as candidates
from assets.publication.publish import publish, why_build
from assets.releases.archive import Archive
from assets.releases.fetching import FetchPolicy
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf, Surroundings
from assets.trends import make
from warehouse import versions
from warehouse.layout import Layout
from warehouse.lock import writer

Audit = Callable[[Path, Path | None, Path | None], Sequence[Any]]


@dataclass
class Refreshed:
    """What a refresh did."""

    report: walk.Report
    why: str | None
    published: Path | None
    rows: dict[str, int]
    results: list[Any]


def now() -> dt.datetime:
    """Naive UTC, microseconds."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def refresh(
    layout: Layout,
    *,
    audit: Audit | None = None,
    policy: FetchPolicy | None = None,
    say: Callable[[str], None] = lambda _: None,
    at: dt.datetime | None = None,
) -> Refreshed:
    """Load what changed, build, audit, publish; nothing if nothing changed.

    Args:
        layout: the house.
        audit: the audit of the built database (default: Great Expectations, several seconds).
        policy: what may be fetched.
        say: told about progress.
        at: time of the refresh, naive UTC.

    Raises:
        BusyError, EmptyCatalogueError, GateError, BuildError, OSError: the published database stays as it was.
    """
    layout.ensure()
    at = at or now()
    with walk.naming_the_disk(layout), writer(layout.lock, "weathervane refresh", say=say):
        versions.clean(layout)
        report = walk.ingest(layout, at, policy=policy, say=say)
        return finish(layout, report, at, audit, say)


def finish(
    layout: Layout, report: walk.Report, at: dt.datetime, audit: Audit | None, say: Callable[[str], None]
) -> Refreshed:
    """The stages after the walk; the caller holds the lock."""
    ledger = Ledger(layout.ledger)
    why = why_build(layout, ledger)
    if why is None:
        return Refreshed(report, None, versions.published(layout), {}, [])
    work = versions.work_folder(layout, uuid.uuid4().hex)
    rows = derive(layout, ledger, work, say)
    candidate = work / candidates.DATABASE
    say("auditing")
    results = list((audit or great_expectations)(candidate, versions.published(layout), layout.site / "audit"))
    candidates.write_checks(candidate, [check_row(result) for result in results])
    say("publishing")
    published = publish(layout, candidate, results, at)
    write_site(layout, say)
    return Refreshed(report, why, published, rows, results)


def write_site(layout: Layout, say: Callable[[str], None]) -> None:
    """The explorer's pages of what is published. Whatever goes wrong there is told and undoes nothing."""
    from assets.explorer.build import build

    say("writing the site")
    try:
        build(layout.link, layout.site)
    except Exception as bad:
        say(f"the site could not be written, its pages are of an earlier version ({type(bad).__name__}: {bad})")


def derive(
    layout: Layout, ledger: Ledger, work: Path, say: Callable[[str], None], recomputed: Any = None
) -> dict[str, int]:
    """Trends, claims, then the candidate database, in `work`."""
    shelf = Shelf.read(layout, ledger)
    say("computing trends")
    rows = make.make(ledger, shelf, work, recomputed)
    say("checking claims")
    rows |= claims.make(Surroundings.read(Archive(layout.archive), ledger), shelf, work)
    say("building the database")
    candidates.build_candidate(layout, ledger, shelf, work)
    return rows


def great_expectations(
    candidate: Path, previous: Path | None, docs: Path | None, accepted: Sequence[str] = ()
) -> Sequence[Any]:
    """The audit of the built database; imported here because it costs seconds."""
    from assets.publication.audit import audit

    return audit(candidate, previous, docs, accepted=accepted)


def check_row(result: Any) -> dict[str, Any]:
    """A result of the audit as a row of `checks`. What passed says what it means, so that a rebuild says the same."""
    return {
        "level": "warehouse",
        "subject": "database",
        "check_name": result.name,
        "passed": result.passed,
        "severity": result.severity,
        "message": result.says if result.passed else result.message,
    }
