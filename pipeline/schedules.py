"""Schedules: when jobs start by the clock. Belongs here: times. Does not belong here: what runs."""

import dagster as dg

from pipeline.jobs import REFRESH
from pipeline.settings import Settings


def nightly_refresh(settings: Settings) -> dg.ScheduleDefinition:
    """The nightly refresh, off until somebody switches it on."""
    return dg.ScheduleDefinition(
        name="nightly_refresh",
        job_name=REFRESH,
        cron_schedule=settings.cron,
        execution_timezone=settings.timezone,
        description=f"The job refresh, every night at {settings.nightly_at} {settings.timezone}, for as long as the UI "
        "runs. Off until somebody switches it on: one click here. To move it, set WEATHERVANE_NIGHTLY_AT and "
        "WEATHERVANE_TIMEZONE and start the UI again. Without the UI: docs/how-to/nightly.md.",
        tags={"weathervane/started_by": "nightly_refresh"},
    )
