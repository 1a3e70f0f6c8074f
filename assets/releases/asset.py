"""The Dagster face of the room: the asset `releases`, and one status per release.

Belongs here: declarations and what the UI is told. Does not belong here: anything clever.

A step per release would cost a second or more each; so one step loads them all (assets.step) and tells the external,
partitioned asset `release` what became of each.
"""

import dagster as dg

from assets.faces import OWNER, spec
from assets.ingest import Report
from schemas.problems import Problem

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
    group_name="releases",
    partitions_def=PARTITIONS,
    owners=[OWNER],
    description="One partition per release: green when it is loaded, with a failed check when it was set aside. "
    "Nothing to start here; the job `refresh` loads what changed.",
)
EVERY_RELEASE_LOADS = dg.AssetCheckSpec(
    "every_release_loads",
    asset="releases",
    description="No release is set aside. A release that is keeps its last good load published.",
)


def partition(release: str) -> str:
    """The partition key of a release: its path with colons, which no browser misreads."""
    return release.replace("/", ":")


def tell(context: dg.AssetExecutionContext, report: Report, mended: set[str]) -> None:
    """Log what became of each release that was touched; `mended` are those that had been set aside before."""
    touched = [*report.loaded, *report.quarantined]
    context.instance.add_dynamic_partitions(str(PARTITIONS.name), sorted({partition(name) for name in touched}))
    for name, event in report.loaded.items():
        context.log_event(
            dg.AssetMaterialization(
                RELEASE,
                partition=partition(name),
                description=f"load {event.load_vintage}, cause: {event.cause}",
                metadata={
                    "figures": report.figures.get(name, 0),
                    "estimates": report.estimates.get(name, 0),
                    "load": event.load_vintage or 0,
                    "cause": event.cause or "",
                    "archived listing": event.tree_sha256 or "",
                },
            )
        )
        if name in mended:
            context.log_event(dg.AssetCheckEvaluation(dg.AssetKey(RELEASE), LOADS, True, partition=partition(name)))
    for name, problems in report.quarantined.items():
        context.log_event(
            dg.AssetCheckEvaluation(
                dg.AssetKey(RELEASE),
                LOADS,
                False,
                partition=partition(name),
                metadata={"problems": dg.MetadataValue.md(bullets(problems))},
                description=str(problems[0]) if problems else None,
            )
        )


def loads_check(quarantined: dict[str, list[Problem]]) -> dg.AssetCheckResult:
    """The check `every_release_loads` over all releases set aside now."""
    text = "\n".join(f"**{name}**\n{bullets(problems)}" for name, problems in quarantined.items())
    return dg.AssetCheckResult(
        asset_key="releases",
        check_name=EVERY_RELEASE_LOADS.name,
        passed=not quarantined,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(quarantined)} releases are set aside" if quarantined else "all releases are loaded",
        metadata={"set aside": len(quarantined), "problems": dg.MetadataValue.md(text or "none")},
    )


def bullets(problems: list[Problem], most: int = 10) -> str:
    """Problems as a Markdown list."""
    lines = [f"- {problem}" for problem in problems[:most]]
    return "\n".join(lines + ([f"- and {len(problems) - most} more"] if len(problems) > most else []))
