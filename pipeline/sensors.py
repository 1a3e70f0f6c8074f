"""Sensors: what is noticed without a clock. Belongs here: new releases, runs that ended. Does not belong here: loading,
what is told (pipeline.alerts, pipeline.digests).
"""

import hashlib
from collections.abc import Iterator

import dagster as dg

from assets.loading import CODE
from assets.releases import changes
from assets.releases.discover import discover
from assets.releases.inbox import Places
from assets.releases.ledger import Ledger
from pipeline import alerts, digests
from pipeline.jobs import REFRESH
from pipeline.settings import Settings
from warehouse.layout import Layout


def new_releases(settings: Settings) -> dg.SensorDefinition:
    """Starts `refresh` when the content of the catalogue or the drop folder differs from what the ledger says."""

    @dg.sensor(
        name="new_releases",
        job_name=REFRESH,
        minimum_interval_seconds=settings.sensor_seconds,
        description="Looks at the content of the catalogue and of data/inbox (not at times or names) and starts a "
        "refresh when a release is new, changed or gone, or when a file that it awaited has come. Each tick says why "
        "it did nothing. Off until somebody switches it on.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        layout = Layout.from_environment().ensure()
        found, context_files = discover(layout)
        places = Places(layout.inbox, layout.files)
        ledger = Ledger(layout.ledger)
        plan = changes.plan(found, context_files, ledger, CODE, lambda *file: places.find(*file) is not None)
        if plan.nothing:
            context.update_cursor("")  # whatever differs next is new, also what was asked for once and put back since
            yield dg.SkipReason(f"nothing new: {plan.same} releases are as they were loaded{_standing(ledger)}")
            return
        content = hashlib.sha256("\n".join(f"{one.release} {one.digest()}" for one in found).encode())
        content.update(repr(sorted(context_files.digests().items())).encode())
        content.update(repr([one.release for one, _ in plan.todo]).encode())  # a file that was awaited has come
        seen = content.hexdigest()
        names = [one.release for one, _ in plan.todo] + plan.withdrawn
        # A cursor and not a run key: run keys are remembered for ever, and a file put back as it was would be missed.
        if context.cursor == seen:
            yield dg.SkipReason(
                "a refresh was asked for with this content already; what differs still is set aside, or that run "
                f"failed ({_named(names)}). Start the job `refresh` to try again"
            )
            return
        context.update_cursor(seen)
        context.log.info(f"a refresh is asked for: {_named(names) or 'items, claims or descriptions changed'}")
        yield dg.RunRequest(tags={"weathervane/started_by": "new_releases", "weathervane/changed": str(len(names))})

    return sensor


def _standing(ledger: Ledger) -> str:
    """What a person might have expected to be tried: what is set aside, what awaits its file."""
    aside, waiting = ledger.quarantined(), ledger.awaiting()
    said = f"; {len(aside)} set aside until somebody mends the files ({_named(list(aside))})" if aside else ""
    return said + (f"; {len(waiting)} await a file that is not here yet" if waiting else "")


def _named(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """An alert for failed runs, and one for runs that succeeded although a check failed. On by default."""

    def tell(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run.run_id
        alert = alerts.tell(context.instance, run, Layout.from_environment(), settings)
        if alert:
            context.log.info(alert.message)
            return None
        return dg.SkipReason(
            f"run {run[:8]}: no check says anything that it did not say before, or somebody has told of it already"
        )

    @dg.run_failure_sensor(
        name="alert_on_failed_run",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of a failed run, once: in data/alerts.jsonl and at WEATHERVANE_ALERT_URL.",
    )
    def on_failure(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        return tell(context)

    @dg.run_status_sensor(
        name="alert_on_failed_check",
        run_status=dg.DagsterRunStatus.SUCCESS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of a run that succeeded although a check failed (a release set aside, a warning), once: not "
        "again while the check says the same. Sends the digest too, where something moved (WEATHERVANE_DIGEST_URL).",
    )
    def on_success(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        skipped = tell(context)
        for unsent in digests.tell(Layout.from_environment(), settings):
            context.log.warning(unsent)
        return skipped

    return [on_failure, on_success]
