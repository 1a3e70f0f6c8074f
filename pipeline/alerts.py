"""Alerts: one for every run that failed and for every run in which a check failed.

Belongs here: putting an alert together and sending it once. Does not belong here: noticing (pipeline.sensors, the command).
An alert goes to `data/alerts.jsonl` always and to WEATHERVANE_ALERT_URL if set. No row values, no respondent data.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg

from pipeline.settings import Settings
from warehouse.layout import Layout

FILE = "alerts.jsonl"


@dataclass(frozen=True)
class Alert:
    """What to tell: of which run, how it ended, which checks failed and why."""

    run_id: str
    status: str
    failed_checks: list[dict[str, str]]
    message: str


def of_run(instance: dg.DagsterInstance, run_id: str) -> Alert | None:
    """The alert of a finished run; None if it ended well and no check failed."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return None
    failed: dict[tuple[str, str], str] = {}
    errors: list[str] = []
    for entry in instance.all_logs(
        run_id, of_type={dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE}
    ):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                where = check.asset_key.to_user_string() + (f" [{check.partition}]" if check.partition else "")
                failed[(where, check.check_name)] = f"{check.severity.value}: {check.description or 'failed'}"
        elif event.step_failure_data.error is not None:
            errors.append(event.step_failure_data.error.message.strip().splitlines()[0][:300])
    if run.status != dg.DagsterRunStatus.FAILURE and not failed:
        return None
    checks = [{"asset": asset, "check": name, "found": found} for (asset, name), found in sorted(failed.items())]
    what = "run failed" if run.status == dg.DagsterRunStatus.FAILURE else "run succeeded, checks failed"
    message = f"Weathervane: {what}; {len(checks)} failed checks" + ("; " + "; ".join(errors[:3]) if errors else "")
    return Alert(run_id, run.status.value, checks, message)


def send(alert: Alert, layout: Layout, settings: Settings) -> bool:
    """Send an alert unless this run's has been sent (the command and the sensor may both notice); True if sent now."""
    if not _first(alert, layout.data / FILE):
        return False
    if settings.alert_url:
        import httpx

        httpx.post(settings.alert_url, json={"text": alert.message, **asdict(alert)}, timeout=10).raise_for_status()
    return True


def _first(alert: Alert, file: Path) -> bool:
    """Append the alert to the file unless one of the same run is there."""
    with file.open("a+", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        if any(json.loads(line)["run_id"] == alert.run_id for line in log if line.strip()):
            return False
        log.seek(0, os.SEEK_END)
        log.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")
    return True
