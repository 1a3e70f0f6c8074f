"""The Dagster face of the room: the asset `releases`, and one status per release.

Belongs here: declarations and what the UI is told. Does not belong here: anything clever.

A step per release would cost a second or more each; so one step loads them all (assets.step) and tells the external,
partitioned asset `release` what became of each.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.faces import KINDS, OWNER, Site, group, problems_met, shown, spec
from assets.ingest import Report
from assets.releases.ledger import Event, Ledger
from assets.releases.shelf import Shelf
from schemas.problems import Problem
from warehouse.layout import Layout

PARTITIONS = dg.DynamicPartitionsDefinition(name="release")
RELEASE = "release"
LOADS = "loads"
TAG = "release/"  # of a run: `release/<partition>` = what became of it
MOST_TAGGED = 12  # the list of runs shows every tag of each; a first load of hundreds would fill the page

RELEASES = spec(
    "releases",
    "releases",
    "releases",
    "Which surveys are here: every release of the catalogue and the drop folder, its bytes archived, and what changed "
    "since the last refresh, by content.\n\n"
    "**See here** when somebody last looked for new releases (the freshness policy: a warning after 36 hours, a "
    "failure after 8 days), which are set aside and why (check `every_release_loads`), which files are awaited. "
    "**To add** one: `weathervane add FILE`, or put a folder into `catalog/releases`, then start the job `refresh`. "
    "One release at a time is in the asset `release`.",
    skippable=True,
    # A run that finds nothing new is told here too, so this is about looking, and no quiet week raises it. Whether a
    # series itself is late is another question: see the check series_keep_their_rhythm.
    freshness_policy=dg.FreshnessPolicy.time_window(
        fail_window=dt.timedelta(days=8), warn_window=dt.timedelta(hours=36)
    ),
)
STATUS = dg.AssetSpec(
    RELEASE,
    deps=["releases"],
    group_name=group("releases"),
    partitions_def=PARTITIONS,
    owners=[OWNER],
    kinds=KINDS[RELEASE],
    description="One partition per release: green when a load of it is published, grey when none ever was, or when it "
    "awaits a file that people get by hand.\n\n"
    "**See here** for one release when it was loaded and why, how many figures it has, its page in the explorer and "
    "its source (tab Partitions). One that is set aside fails its check `loads`. Nothing to start: the job `refresh` "
    "loads what changed.",
)
EVERY_RELEASE_LOADS = dg.AssetCheckSpec(
    "every_release_loads",
    asset="releases",
    description="No release is set aside. One that is keeps its last good load published, and the others go on. The "
    "table names file, row and column, what was found and what to do: mend the file, then start the job `refresh`. "
    "Files that are awaited are no failure; the asset's metadata name them.",
)


def partition(release: str) -> str:
    """The partition key of a release: its path with colons, which no browser misreads."""
    return release.replace("/", ":")


def run_tags(report: Report) -> dict[str, str]:
    """Tags of the run that touched these releases, so that the list of runs can be asked for one of them."""
    became = {name: "loaded" for name in report.loaded} | {name: "withdrawn" for name in report.withdrawn}
    became |= {name: "set aside" for name in report.quarantined}
    counts = {"loaded": len(report.loaded), "set aside": len(report.quarantined), "withdrawn": len(report.withdrawn)}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing new"
    named = {f"{TAG}{partition(name)}": what for name, what in became.items()} if len(became) <= MOST_TAGGED else {}
    return {"weathervane/releases": told} | named


def materialized(report: Report, ledger: Ledger) -> dict[str, Any]:
    """Metadata of `releases`: how many there are, and what this run touched."""
    aside, waiting = ledger.quarantined(), _awaited(ledger)
    rows: list[tuple[object, ...]] = [
        (name, "loaded", event.cause, report.figures.get(name)) for name, event in report.loaded.items()
    ]
    rows += [(name, "set aside", some(problems, most=1), None) for name, problems in report.quarantined.items()]
    rows += [(name, "withdrawn", "its folder is gone from the catalogue", None) for name in report.withdrawn]
    metadata: dict[str, Any] = {
        "dagster/row_count": len(ledger.live()),
        "touched by this run": len(rows),
        "set aside": len(aside),
        "awaiting a file": len(ledger.awaiting()),
    }
    if rows:
        metadata["what changed"] = shown(["release", "what", "why", "figures"], rows)
    if waiting:
        metadata["awaited files"] = shown(["release", "file", "where to get it"], waiting)
    return metadata


def tell(
    context: dg.AssetExecutionContext, report: Report, before: Ledger, ledger: Ledger, shelf: Shelf | None, site: Site
) -> None:
    """Log what became of each release.

    That is of those that this run touched, and of those that the orchestrator has never heard of: a run was killed
    after it had written the ledger, or Dagster's home is new.

    Args:
        context: of the step.
        report: what the walk did.
        before: the ledger as it was before the walk.
        ledger: the ledger as it is now.
        shelf: what is on the shelf now; may be missing if nothing was loaded.
        site: where the explorer is.
    """
    live, set_aside, waiting = ledger.live(), ledger.quarantined(), ledger.awaiting()
    known = set(context.instance.get_dynamic_partitions(str(PARTITIONS.name)))
    for name, event in live.items():
        if name in report.loaded or (name not in set_aside and partition(name) not in known):
            about = shelf.abouts.get(name) if shelf else None
            context.log_event(_loaded(name, event, report, about, site))
            if name in before.quarantined():
                context.log_event(_check(name, []))
    for name, state in set_aside.items():
        if name in report.quarantined or partition(name) not in known:
            context.log_event(_check(name, state.last.problems))
    # Keys last: whoever is killed before this line tells the rest again.
    there = {partition(name) for name in (*live, *set_aside, *waiting)}
    if there - known:
        context.instance.add_dynamic_partitions(str(PARTITIONS.name), sorted(there - known))
    for gone in sorted(known - there):
        context.instance.delete_dynamic_partition(str(PARTITIONS.name), gone)


def _loaded(
    name: str, event: Event, report: Report, about: dict[str, Any] | None, site: Site
) -> dg.AssetMaterialization:
    metadata: dict[str, Any] = {"load": event.load_vintage or 0, "cause": event.cause or ""}
    if name in report.loaded:
        metadata |= {"figures": report.figures.get(name, 0), "estimates": report.estimates.get(name, 0)}
    if event.wave_key:
        metadata["explorer"] = site.wave(event.wave_key)
    source = about["release"]["source_url"] if about else None
    if source:
        metadata["source"] = dg.MetadataValue.url(source)
    if event.problems:
        metadata["warnings"] = problems_met(event.problems)["problems"]
    return dg.AssetMaterialization(
        RELEASE,
        partition=partition(name),
        description=f"load {event.load_vintage}, cause: {event.cause}",
        metadata={**metadata, "archived listing": event.tree_sha256 or ""},
    )


def _check(name: str, problems: list[Problem]) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        dg.AssetKey(RELEASE),
        LOADS,
        not problems,
        partition=partition(name),
        severity=dg.AssetCheckSeverity.WARN,
        description=some(problems) or "its last load is published",
        metadata=problems_met(problems),
    )


@dg.asset_check(
    asset=RELEASE,
    name=LOADS,
    description="The release as it stands is loaded. If not, it is set aside: what is wrong, with file, row and "
    "column; its last good load stays published. A refresh says it of each release that it touches; started here it "
    "looks at all.",
)
def loads() -> dg.AssetCheckResult:
    """What the ledger says of all releases."""
    set_aside = Ledger(Layout.from_environment().ledger).quarantined().values()
    problems = [problem for state in set_aside for problem in state.last.problems]
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description=some(problems) or "every release is loaded",
        metadata=problems_met(problems),
    )


def loads_check(quarantined: dict[str, list[Problem]], ledger: Ledger) -> dg.AssetCheckResult:
    """The check `every_release_loads` over all releases set aside now; which await their files is told, no failure."""
    waiting = _awaited(ledger)
    found = [problem for problems in quarantined.values() for problem in problems]
    said = f"{len(quarantined)} set aside: " if len(quarantined) > 1 else "set aside: "
    return dg.AssetCheckResult(
        asset_key="releases",
        check_name=EVERY_RELEASE_LOADS.name,
        passed=not quarantined,
        severity=dg.AssetCheckSeverity.WARN,
        description=some(found, said)
        if quarantined
        else "every release is loaded" + (f", but for {len(waiting)} files that are not at hand" if waiting else ""),
        metadata={"set aside": len(quarantined), **problems_met(found), "awaiting files": len(waiting)},
    )


def _awaited(ledger: Ledger) -> list[tuple[str, str, str]]:
    """Release, file and where people get it, of every file that is not at hand."""
    return [
        (name, file["file"], file["obtain"] or "nobody says where to get it")
        for name, (_, files) in ledger.awaiting().items()
        for file in files
    ]


def some(found: Sequence[object], before: str = "", most: int = 3) -> str:
    """The first of what was found, as one line; empty if nothing was."""
    more = [f"and {len(found) - most} more"] if len(found) > most else []
    return before + "; ".join([*map(str, found[:most]), *more]) if found else ""
