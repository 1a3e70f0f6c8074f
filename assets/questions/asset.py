"""The Dagster face of the room: the asset `questions` and its check.

Belongs here: declarations and what the UI is told. Does not belong here: the crosswalk.
"""

from collections import Counter
from typing import Any

import dagster as dg

from assets.faces import problems_met, shown, spec
from assets.releases.asset import some
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf

QUESTIONS = spec(
    "questions",
    "questions",
    "questions",
    "Which question of which wave is which item, as people decided and reviewed: wording, match, decision, reason.\n\n"
    "**Query it** before you compare two waves: it has what was really asked. What nobody has reviewed stays out of "
    "trends: `weathervane review` lists it. **To change** a decision edit `questions.csv` or `categories.csv` of the "
    "release and start the job `refresh`.",
    ("toplines", "responses"),
    skippable=True,
)
CROSSWALK_IS_COMPLETE = dg.AssetCheckSpec(
    "crosswalk_is_complete",
    asset="questions",
    description="Every option, base and question has its row in the crosswalk, and every row is used. A release where "
    "that is not so is set aside; the table says which row of which file, and the nearest label that exists.",
)


def reviewed(shelf: Shelf) -> dict[str, Any]:
    """Metadata: how many questions were decided how, and how many nobody has reviewed."""
    rows = shelf.rows("questions").select(["decision", "reviewed_by"]).to_pylist()
    decisions = Counter(row["decision"] for row in rows)
    return {
        "awaiting review": sum(not row["reviewed_by"] for row in rows),
        "decisions": shown(["decision", "questions"], decisions.most_common()),
    }


def check(ledger: Ledger) -> dg.AssetCheckResult:
    """The check, over every release that is set aside now."""
    found = [p for state in ledger.quarantined().values() for p in state.last.problems if p.cause == "crosswalk"]
    return dg.AssetCheckResult(
        asset_key="questions",
        check_name=CROSSWALK_IS_COMPLETE.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=some(found) or "every row fits",
        metadata=problems_met(found),
    )
