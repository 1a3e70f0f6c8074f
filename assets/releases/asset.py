"""The Dagster face of the room: the asset `releases`, and one status per release.

Belongs here: declarations and what the UI is told. Does not belong here: anything clever.

A step per release would cost a second or more each; so one step loads them all (assets.step) and tells the external,
partitioned asset `release` what became of each.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.faces import OWNER, spec
from assets.ingest import Report
from assets.releases.ledger import Event, Ledger
from schemas.problems import Problem
from warehouse.layout import Layout

PARTITIONS = dg.DynamicPartitionsDefinition(name="release")
RELEASE = "release"
LOADS = "loads"

RELEASES = spec(
    "releases",
    "releases",
    "releases",
    "Finds releases in the catalogue and the drop folder, fetches files that have an address, archives every byte and "
    "decides by content what changed. Look at the check to see which releases were set aside, and why.",
    skippable=True,
)
STATUS = dg.AssetSpec(
    RELEASE,
    deps=["releases"],
    group_name="releases",
    partitions_def=PARTITIONS,
    owners=[OWNER],
    kinds={"parquet"},
    description="One partition per release: green when a load of it is published, grey when none ever was, or when it "
    "awaits a file that people get by hand. One that is set aside fails its check `loads`. Nothing to start here; the "
    "job `refresh` loads what changed.",
)
EVERY_RELEASE_LOADS = dg.AssetCheckSpec(
    "every_release_loads",
    asset="releases",
    description="No release is set aside. A release that is keeps its last good load published.",
)


def partition(release: str) -> str:
    """The partition key of a release: its path with colons, which no browser misreads."""
    return release.replace("/", ":")


def tell(context: dg.AssetExecutionContext, report: Report, before: Ledger, ledger: Ledger) -> None:
    """Log what became of each release.

    That is of those that this run touched, and of those that the orchestrator has never heard of: a run was killed
    after it had written the ledger, or Dagster's home is new.

    Args:
        context: of the step.
        report: what the walk did.
        before: the ledger as it was before the walk.
        ledger: the ledger as it is now.
    """
    live, set_aside, waiting = ledger.live(), ledger.quarantined(), ledger.awaiting()
    known = set(context.instance.get_dynamic_partitions(str(PARTITIONS.name)))
    for name, event in live.items():
        if name in report.loaded or (name not in set_aside and partition(name) not in known):
            context.log_event(_loaded(name, event, report))
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


def _loaded(name: str, event: Event, report: Report) -> dg.AssetMaterialization:
    metadata: dict[str, Any] = {"load": event.load_vintage or 0, "cause": event.cause or ""}
    if name in report.loaded:
        metadata |= {"figures": report.figures.get(name, 0), "estimates": report.estimates.get(name, 0)}
    if event.problems:
        metadata["warnings"] = dg.MetadataValue.md(bullets(event.problems))
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
        description=str(problems[0]) if problems else "its last load is published",
        metadata={"problems": dg.MetadataValue.md(bullets(problems) or "none")},
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
        metadata={"problems": dg.MetadataValue.md(bullets(problems) or "none")},
    )


def loads_check(quarantined: dict[str, list[Problem]], ledger: Ledger) -> dg.AssetCheckResult:
    """The check `every_release_loads` over all releases set aside now; which await their files is told, no failure."""
    waiting = [
        f"- {name}: {file['file']}, {file['obtain'] or 'nobody says where to get it'}"
        for name, (_, files) in ledger.awaiting().items()
        for file in files
    ]
    text = "\n\n".join(f"**{name}**\n\n{bullets(problems)}" for name, problems in quarantined.items())
    found = [str(problem) for problems in quarantined.values() for problem in problems]
    said = f"{len(quarantined)} set aside: " if len(quarantined) > 1 else "set aside: "
    return dg.AssetCheckResult(
        asset_key="releases",
        check_name=EVERY_RELEASE_LOADS.name,
        passed=not quarantined,
        severity=dg.AssetCheckSeverity.WARN,
        description=some(found, said)
        if quarantined
        else "every release is loaded" + (f", but for {len(waiting)} files that are not at hand" if waiting else ""),
        metadata={
            "set aside": len(quarantined),
            "problems": dg.MetadataValue.md(text or "none"),
            "awaiting files": len(waiting),
            "files": dg.MetadataValue.md("\n".join(waiting) or "none"),
        },
    )


def some(found: Sequence[object], before: str = "", most: int = 3) -> str:
    """The first of what was found, as one line."""
    more = [f"and {len(found) - most} more"] if len(found) > most else []
    return before + "; ".join([*map(str, found[:most]), *more])


def bullets(problems: list[Problem], most: int = 10) -> str:
    """Problems as a Markdown list."""
    lines = [f"- {problem}" for problem in problems[:most]]
    return "\n".join(lines + ([f"- and {len(problems) - most} more"] if len(problems) > most else []))
