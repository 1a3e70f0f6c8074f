"""The Dagster face of the room: the asset `questions` and its check.

Belongs here: declarations and what the UI is told. Does not belong here: the crosswalk.
"""

import dagster as dg

from assets.faces import spec
from assets.releases.asset import bullets, some
from assets.releases.ledger import Ledger

QUESTIONS = spec(
    "questions",
    "questions",
    "questions",
    "Which question of which wave is which item, as people decided and reviewed. Look here for wording, match, "
    "decision and reason.",
    ("toplines",),
    skippable=True,
)
CROSSWALK_IS_COMPLETE = dg.AssetCheckSpec(
    "crosswalk_is_complete",
    asset="questions",
    description="Every option, base and question has its row in the crosswalk, and every row is used. A release where "
    "that is not so is set aside.",
)


def check(ledger: Ledger) -> dg.AssetCheckResult:
    """The check, over every release that is set aside now."""
    found = [p for state in ledger.quarantined().values() for p in state.last.problems if p.cause == "crosswalk"]
    return dg.AssetCheckResult(
        asset_key="questions",
        check_name=CROSSWALK_IS_COMPLETE.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=some(found) or "every row fits",
        metadata={"found": len(found), "problems": dg.MetadataValue.md(bullets(found) or "none")},
    )
