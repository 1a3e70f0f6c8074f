"""Making the published database again: from ledger and lake, or all the way from the archived bytes.

Belongs here: the proof that the database is derived. Does not belong here: loading anything new; a rebuild reads
neither the catalogue nor the net.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path

import pyarrow

from assets import loading
from assets.ingest import Report, naming_the_disk
from assets.loading import Loaded
from assets.publication import candidate as candidates
from assets.publication.publish import publish
from assets.refresh import Audit, Refreshed, check_row, derive, great_expectations, now, write_site
from assets.releases.archive import Archive
from assets.releases.discover import Context, Found, Seen
from assets.releases.fetching import FetchPolicy
from assets.releases.inbox import Places
from assets.releases.ledger import Event, Ledger
from assets.releases.opening import Opened, open_release
from assets.releases.shelf import lake_folder, read_items
from assets.responses.lake import ResponsesLake
from assets.watching import counted
from schemas.problems import Problem, ProblemsError
from warehouse import versions
from warehouse.files import flush_all
from warehouse.layout import Layout
from warehouse.lock import writer


def rebuild(
    layout: Layout,
    *,
    from_archive: bool = False,
    audit: Audit | None = None,
    say: Callable[[str], None] = lambda _: None,
    at: dt.datetime | None = None,
) -> Refreshed:
    """Build and publish the database again.

    Args:
        layout: the house.
        from_archive: parse the archived bytes of every live release again (and mend the lake) instead of trusting it.
        audit: the audit of the built database (default: Great Expectations).
        say: told about progress.
        at: names the published version; naive UTC.

    Raises:
        ProblemsError: archived bytes that once loaded do not load any more (the code has become stricter).
        OSError: the archive is damaged, the disk is full.
        GateError, BuildError, BusyError: as in a refresh. The published database stays as it was.
    """
    layout.ensure()
    at = at or now()
    with naming_the_disk(layout), writer(layout.lock, "weathervane rebuild", say=say):
        versions.clean(layout)
        ledger = Ledger(layout.ledger)
        if not ledger.head:
            raise FileNotFoundError(f"there is nothing to rebuild in {layout.data}: run a refresh first")
        recomputed = _from_archive(layout, ledger, say) if from_archive else None
        work = versions.work_folder(layout, uuid.uuid4().hex)
        rows = derive(layout, ledger, work, say, recomputed)
        candidate = work / candidates.DATABASE
        say("auditing")
        results = list((audit or great_expectations)(candidate, versions.published(layout), layout.site / "audit"))
        candidates.write_checks(candidate, [check_row(result) for result in results])
        why = "rebuilt from the archive" if from_archive else "rebuilt from the lake"
        published = publish(layout, candidate, results, at)
        write_site(layout, say)
        return Refreshed(Report(refresh=ledger.head), why, published, rows, results)


def _from_archive(layout: Layout, ledger: Ledger, say: Callable[[str], None]) -> pyarrow.Table:
    """The values of the latest loads, computed again from bytes; their folders in the lake are written anew."""
    archive = Archive(layout.archive)
    parents = _parents(archive, ledger)
    opened: dict[str, Opened] = {}
    contexts: dict[str, Context] = {}
    problems: list[Problem] = []
    live = ledger.live()
    say(f"parsing the archived bytes of {len(live)} releases")
    for name, event in live.items():
        found, contexts[name] = _as_it_stood(name, event, archive, parents)
        read = open_release(found, contexts[name], archive, Places(layout.inbox), FetchPolicy())
        if isinstance(read, Opened):
            opened[name] = read
        else:
            problems += read
    responses = ResponsesLake(layout.responses)
    responses.forget()  # all of them are made again
    loading.parse(opened, archive, responses, loading.workers())
    rows = []
    for name, one in counted(opened.items(), "releases loaded"):
        items, broken = read_items(contexts[name].files)
        outcome = loading.finish(one, items, contexts[name], archive)
        problems += [problem for found in broken.values() for problem in found]
        if not isinstance(outcome, Loaded):
            problems += outcome
            continue
        load = live[name].load_vintage or 1
        loading.write_lake(lake_folder(layout, name, load), outcome)
        rows += [{**row, "load_vintage": load} for row in outcome.values]
    if problems:
        raise ProblemsError(problems)
    flush_all(layout.lake)
    return loading.values_table(rows)


def _parents(archive: Archive, ledger: Ledger) -> dict[str, bytes]:
    """The descriptions of organisations and series, which every release needs beside it."""
    context = ledger.context
    listing = archive.read_tree(context.tree_sha256)["context"] if context and context.tree_sha256 else {}
    return {path: archive.read(digest) for path, digest in listing.items() if path.startswith("releases/")}


def _as_it_stood(name: str, event: Event, archive: Archive, parents: dict[str, bytes]) -> tuple[Found, Context]:
    """A release folder and its items as they stood when it was loaded."""
    if event.tree_sha256 is None:
        raise ValueError(f"the ledger names no archived listing for {name}")
    tree = archive.read_tree(event.tree_sha256)
    found = Found(name, Path(name))
    for path, digest in tree["files"].items():
        place = archive.path(digest)
        found.files[path] = Seen(digest, place.stat().st_size, place)
    items = {path: archive.read(digest) for path, digest in tree["items"].items()}
    return found, Context({**parents, **items})
