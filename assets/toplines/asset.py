"""The Dagster face of the room: the asset `toplines` and its checks.

Belongs here: declarations and what the UI is told. Does not belong here: reading files.
"""

import dagster as dg

from assets.faces import problems_met, spec
from assets.releases.asset import some
from assets.releases.ledger import Ledger

TOPLINES = spec(
    "toplines",
    "toplines",
    "toplines",
    "Published figures exactly as transcribed, each with its cell and its address.\n\n"
    "**Query it** to see what a source really printed, including repeats, earlier values and retellings that disagree: "
    "`weathervane sql \"FROM toplines WHERE item = 'belarus-army-role'\"`. Shares with intervals are in `estimates`.",
    ("releases",),
    skippable=True,
)
FIGURES_ADD_UP = dg.AssetCheckSpec(
    "figures_add_up",
    asset="toplines",
    description="Options of single-choice questions add to no more than rounding explains. Those that do not are "
    "kept and flagged sum_over_100. Compare the row with its source; if the source prints it so, leave it.",
)
FIGURES_MEET_CONTRACT = dg.AssetCheckSpec(
    "figures_meet_contract",
    asset="toplines",
    description="Rows of every release meet the declared tables (pandera): types, words, ranges. A release with one "
    "that does not is set aside. The same is in the table `checks` as rows-meet-their-contract.",
)


def checks(ledger: Ledger) -> list[dg.AssetCheckResult]:
    """The checks, over every release that is loaded or set aside now: a run that read nothing says the same."""
    warned = [p for event in ledger.live().values() for p in event.problems if p.severity == "warning"]
    odd = [p for p in warned if p.cause == "toplines"]
    broken = [p for state in ledger.quarantined().values() for p in state.last.problems if p.cause == "contract"]
    return [
        dg.AssetCheckResult(
            asset_key="toplines",
            check_name=name,
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=some(found) or "none found",
            metadata=problems_met(found),
        )
        for name, found in ((FIGURES_ADD_UP.name, odd), (FIGURES_MEET_CONTRACT.name, broken))
    ]
