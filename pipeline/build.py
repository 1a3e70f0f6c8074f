"""Putting the definitions together, in one function, so that tests and other houses can replace parts.

Belongs here: the list of what there is. Does not belong here: what any of it does.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.claims.asset import claims_step
from assets.explorer.asset import site_step
from assets.publication.asset import audit_step, published_step, warehouse_step
from assets.releases.asset import STATUS, loads
from assets.step import ingest_step
from assets.trends.asset import trends_step
from pipeline.jobs import refresh_job
from pipeline.links import linked
from pipeline.progress import silent
from pipeline.resources import house
from pipeline.schedules import nightly_refresh
from pipeline.sensors import alert_sensors, new_releases
from pipeline.settings import Settings


def build_defs(*, settings: Settings | None = None, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Everything that Dagster should know.

    Args:
        settings: default from the environment.
        resources: replace resources by name.

    Raises:
        pipeline.settings.SettingError: a setting cannot be used.
    """
    settings = settings or Settings.from_environment()
    steps = (ingest_step, trends_step, claims_step, warehouse_step, published_step, site_step)
    return dg.Definitions(
        assets=[linked(STATUS, settings), *(step.map_asset_specs(lambda s: linked(s, settings)) for step in steps)],
        asset_checks=[loads, audit_step],
        jobs=[refresh_job()],
        schedules=[nightly_refresh(settings)],
        sensors=[new_releases(settings), *alert_sensors(settings)],
        resources={"house": house, **(resources or {})},
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "silent": silent},
    )
