"""The Dagster face of the room: the asset `questions` and its check.

Belongs here: declarations and what the UI is told. Does not belong here: the crosswalk.
"""

import dagster as dg

from assets.faces import spec
from assets.ingest import Report
from assets.releases.asset import bullets

QUESTIONS = spec(
    "questions",
    "questions",
    "questions",
    "Which question of which wave is which item, as reviewed people decided. Look here for wording, match, decision and "
    "reason.",
    ("toplines",),
    skippable=True,
)
CROSSWALK_IS_COMPLETE = dg.AssetCheckSpec(
    "crosswalk_is_complete",
    asset="questions",
    description="Every option, base and question read in this run has its row, and every row is used.",
)


def check(report: Report) -> dg.AssetCheckResult:
    """The check of this run."""
    found = [p for problems in report.quarantined.values() for p in problems if p.cause == "crosswalk"]
    return dg.AssetCheckResult(
        asset_key="questions",
        check_name=CROSSWALK_IS_COMPLETE.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"found": len(found), "problems": dg.MetadataValue.md(bullets(found) or "none")},
    )
