"""The walk: from the folders that changed to archive, lake and ledger, release by release, in one step.

Belongs here: the order in which a release passes through the rooms releases, toplines, questions and estimates, and
what happens to one that fails on the way. Does not belong here: what the rooms do, the published database.

A step per release would cost seconds each in any orchestrator; so this is one step that consults the ledger, and the
orchestrator is told about each release afterwards (pipeline).
"""

import contextlib
import datetime as dt
import errno
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow

from assets import loading
from assets.loading import CODE, Loaded
from assets.releases import changes, fetching
from assets.releases.archive import Archive
from assets.releases.claimants import duplicates, wave_key
from assets.releases.discover import Context, Found, discover
from assets.releases.fetching import FetchPolicy
from assets.releases.inbox import Places
from assets.releases.ledger import CONTEXT, Event, Ledger
from assets.releases.opening import FETCHED, Opened, open_release
from assets.releases.shelf import Shelf, lake_folder, read_items
from assets.responses.lake import ResponsesLake
from assets.watching import counted
from schemas.item import Item
from schemas.problems import Problem
from warehouse.files import flush_all
from warehouse.layout import Layout


@dataclass
class Report:
    """What a walk did, for people and for the orchestrator."""

    refresh: int = 0
    changed: bool = False
    same: int = 0
    loaded: dict[str, Event] = field(default_factory=dict)
    quarantined: dict[str, list[Problem]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    awaiting: list[str] = field(default_factory=list)
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
    workers: int | None = None,
) -> Report:
    """Load what changed. The caller holds the writer's lock.

    Args:
        layout: the house.
        at: time of this refresh, naive UTC.
        policy: what may be fetched; default from the environment.
        say: told about progress.
        workers: parsing processes; default from the environment.

    Raises:
        EmptyCatalogueError: no release found although the ledger knows some.
        OSError: disk full and the like; nothing is recorded then.
        ValueError: the environment's number of parsing processes is none.
    """
    workers = loading.workers() if workers is None else workers
    with naming_the_disk(layout):
        return _walk(layout, at, policy, say, workers)


@contextlib.contextmanager
def naming_the_disk(layout: Layout) -> Iterator[None]:
    """Say of a full disk which one it is and what to do: the error of a write often names no file."""
    try:
        yield
    except OSError as bad:
        if bad.errno != errno.ENOSPC or str(layout.data) in str(bad):
            raise
        what = (
            f"no space left on device: {shutil.disk_usage(layout.data).free / 1e6:.1f} MB are free for {layout.data}. "
            "Free space there, or set WEATHERVANE_DATA to a larger disk, and run again; what is published is untouched"
        )
        raise OSError(errno.ENOSPC, what) from bad


def _walk(
    layout: Layout, at: dt.datetime, policy: FetchPolicy | None, say: Callable[[str], None], workers: int
) -> Report:
    ledger, archive = Ledger(layout.ledger), Archive(layout.archive)
    ledger.tidy()
    archive.tidy()
    fetching.tidy(layout.archive / FETCHED)
    found, context = discover(layout)
    places = Places(layout.inbox, layout.files)
    responses = ResponsesLake(layout.responses)
    if ledger.live() and (not found or not (layout.catalogue / "releases").is_dir()):
        raise EmptyCatalogueError(
            f"no release found in {layout.catalogue / 'releases'} although {len(ledger.live())} are loaded; "
            "is WEATHERVANE_CATALOG right?"
        )

    def at_hand(sha256: str, size: int | None) -> bool:
        return archive.holds(sha256) or places.find(sha256, size) is not None

    plan = changes.plan(found, context, ledger, CODE, at_hand)
    report = Report(same=plan.same, withdrawn=plan.withdrawn, context_changed=plan.context_changed)
    if plan.nothing:
        report.refresh, report.awaiting = ledger.head, list(ledger.awaiting())
        return report
    say(f"{len(plan.todo)} of {len(found)} releases to load")
    items, item_problems = read_items(context.files)
    loaded, failed = _load(plan, context, items, places, archive, responses, policy, workers)
    absent = {name: loaded.pop(name) for name in list(loaded) if loaded[name].empty}
    events, values = _record(loaded, layout, ledger)
    waiting = [_awaiting(one) for _, one in sorted(absent.items())]
    events += [e for e in waiting if not _as_before(e, ledger)]
    aside = [_set_aside(context, *failed[name]) for name in sorted(failed)]
    report.quarantined = {e.release: e.problems for e in aside}
    # A release that was tried again (its file could not be fetched, say) and failed as before is no news.
    events += [e for e in aside if not _as_before(e, ledger)]
    events += [Event(name, "withdrawn") for name in plan.withdrawn]
    events += _context_events(context, item_problems, archive) if plan.context_changed else []
    if not events:
        report.refresh, report.awaiting = ledger.head, list(ledger.awaiting())
        return report
    say("writing the ledger")
    flush_all(layout.archive)
    flush_all(layout.lake)
    report.refresh = ledger.append(events, values, at)
    _forget_answers(layout, ledger, responses)
    report.changed, report.awaiting = True, list(ledger.awaiting())
    report.loaded = {e.release: e for e in events if e.status == "loaded"}
    report.figures = {name: len(one.toplines) for name, one in loaded.items()}
    report.estimates = {name: len(one.values) for name, one in loaded.items()}
    return report


Failed = dict[str, tuple[Found, list[Problem], list[str]]]  # with the items it refers to, as far as known


def _load(
    plan: changes.Plan,
    context: Context,
    items: Mapping[str, Item],
    places: Places,
    archive: Archive,
    responses: ResponsesLake,
    policy: FetchPolicy | None,
    workers: int,
) -> tuple[dict[str, Loaded], Failed]:
    failed: Failed = {}
    opened: dict[str, Opened] = {}
    loaded: dict[str, Loaded] = {}
    for found, last in counted(plan.todo, "releases opened"):
        read = open_release(found, context, archive, places, policy)
        if isinstance(read, Opened):
            opened[found.release] = read
        else:
            failed[found.release] = (found, read, last.items if last else [])
    loading.parse(opened, archive, responses, workers)
    for name, one in counted(opened.items(), "releases loaded"):
        outcome = loading.finish(one, items, context, archive)
        if isinstance(outcome, Loaded):
            loaded[name] = outcome
        else:
            failed[name] = (one.found, outcome, sorted({q.item for _, q in one.questions}))
    gone = set(plan.withdrawn)
    keep = {name: event for name, event in plan.live.items() if name not in gone}  # a wave may move to another folder
    claims = duplicates({name: one.manifest for name, one in loaded.items()}, keep)
    broken = {name: [problem] for name, problem in claims.items()} | loading.contracts(loaded)
    for name, problems in broken.items():
        bad = loaded.pop(name)
        failed[name] = (bad.found, problems, bad.items)
    return loaded, failed


def _record(loaded: Mapping[str, Loaded], layout: Layout, ledger: Ledger) -> tuple[list[Event], pyarrow.Table]:
    events: list[Event] = []
    rows: list[dict[str, Any]] = []
    for name, one in sorted(loaded.items()):
        state = ledger.states.get(name)
        before = state.loaded if state else None
        load = (before.load_vintage or 0) + 1 if before else 1
        loading.write_lake(lake_folder(layout, name, load), one)
        events.append(
            Event(
                name,
                "loaded",
                one.parts,
                load,
                changes.cause(before, one.parts),
                one.tree,
                wave_key(one.manifest),
                one.items,
                one.warnings,
            )
        )
        rows += [{**row, "load_vintage": load} for row in one.values]
    return events, loading.values_table(rows)


def _as_before(event: Event, ledger: Ledger) -> bool:
    state = ledger.states.get(event.release)
    before = state.last if state else None
    return before is not None and (before.status, before.parts, before.items, before.problems) == (
        event.status,
        event.parts,
        event.items,
        event.problems,
    )


def _forget_answers(layout: Layout, ledger: Ledger, responses: ResponsesLake) -> None:
    """Respondents' answers stay no longer than a published release needs them; the archive can give them again."""
    if not responses.root.is_dir():
        return
    shelf = Shelf.read(layout, ledger)
    responses.forget(about["reading"] for about in shelf.abouts.values() if about.get("reading"))
    needed = set(shelf.folders.values())
    for coded in layout.lake.glob(f"*/*/*/*/{loading.ANSWERS}"):
        if coded.parent not in needed:
            coded.unlink()


def _awaiting(one: Loaded) -> Event:
    return Event(one.found.release, "awaiting", one.parts, items=one.items, problems=one.warnings)


def _set_aside(context: Context, found: Found, problems: list[Problem], items: list[str]) -> Event:
    parts = changes.fingerprint(found, items, context, CODE)
    return Event(found.release, "quarantined", parts, items=items, problems=problems)


def _context_events(context: Context, item_problems: Mapping[str, list[Problem]], archive: Archive) -> list[Event]:
    """The context's own event; a file of it that cannot be read is set aside like a release, under its path."""
    listing = {path: archive.put(raw) for path, raw in sorted(context.files.items())}
    tree = archive.put_tree({"context": listing})
    bad = [p for problems in item_problems.values() for p in problems]
    return [Event(CONTEXT, "context", context.digests(), 1, None, tree, problems=[*bad, *context.problems])]
