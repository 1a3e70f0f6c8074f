"""Jobs: what can be started.

Belongs here: selections and executors. Does not belong here: when they start (schedules, sensors).
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

REFRESH = "refresh"


def refresh_job() -> UnresolvedAssetJobDefinition:
    """Everything from discovery to publication, in one process: a step costs 0.06 s there, seconds elsewhere."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.assets(
            "releases",
            "responses",
            "toplines",
            "questions",
            "estimates",
            "trends",
            "claims",
            "warehouse",
            "published",
            "site",
        ),
        executor_def=dg.in_process_executor,
        description="Load what changed, compute trends, check claims, build the database, audit it, publish it, write "
        "the site. If nothing changed, nothing is rewritten. Safe to start at any time: one run writes, others wait.",
    )
