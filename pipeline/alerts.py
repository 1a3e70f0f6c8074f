"""Alerts: one for every run that failed, and one for every run in which a check failed that had not failed so before.

Belongs here: putting an alert together. Does not belong here: noticing that a run has ended (pipeline.sensors,
pipeline.run), keeping and sending it once (pipeline.outbox).
An alert goes to `data/alerts.jsonl` always and to WEATHERVANE_ALERT_URL if set. No row values, no respondent data.
"""

from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from pipeline import delivery
from pipeline.outbox import Outbox
from pipeline.settings import Settings
from warehouse.layout import Layout

FILE = "alerts.jsonl"
LONGEST = 300
MOST = 3  # failed checks named in the message; the alert itself lists them all
_BACK = 20  # evaluations of a check looked at to find the one before this run's


@dataclass(frozen=True)
class Alert:
    """What to tell: of which run, how it ended, which checks failed and why."""

    run_id: str
    status: str
    failed_checks: list[dict[str, str]]
    message: str


def tell(instance: dg.DagsterInstance, run_id: str, layout: Layout, settings: Settings) -> Alert | None:
    """Send the alert of a finished run unless that was done (the command and the sensors may both notice).

    Never raises because an alert cannot be sent: a run is not worse for it.

    Returns:
        The alert if there was one and nobody had told of it before.
    """
    alert = of_run(instance, run_id)
    channels = (
        {"": lambda line: delivery.post(url, {"text": line["message"], **line})} if (url := settings.alert_url) else {}
    )
    box = Outbox(layout.data / FILE, "run_id", "alert of run", channels)
    new, _ = box.tell(lambda _: None if alert is None else asdict(alert))
    return alert if new is not None else None


def of_run(instance: dg.DagsterInstance, run_id: str) -> Alert | None:
    """The alert of a finished run; None if it ended well and no check failed that had not failed so before."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return None
    failed: dict[tuple[str, str], dg.AssetCheckEvaluation] = {}
    errors: dict[str, None] = {}
    events = {
        dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE,
    }  # fmt: skip
    for entry in instance.all_logs(run_id, of_type=events):
        event = entry.dagster_event
        if event is None:
            continue
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                failed[_where(check), check.check_name] = check
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            errors[_innermost(event.step_failure_data.error)] = None
        elif not errors:  # the step's own words are better than "steps failed"
            errors[_innermost(getattr(event.event_specific_data, "error", None)) or event.message or ""] = None
    broken = run.status == dg.DagsterRunStatus.FAILURE
    if not broken and not any(_news(instance, run_id, check) for check in failed.values()):
        return None
    checks = [
        {
            "asset": asset,
            "check": name,
            "severity": check.severity.value,
            "found": (check.description or "failed")[:LONGEST],
        }
        for (asset, name), check in sorted(failed.items())
    ]
    return Alert(run_id, run.status.value, checks, _message(broken, checks, [e for e in errors if e]))


def _message(broken: bool, checks: list[dict[str, str]], errors: list[str]) -> str:
    count = "1 check failed" if len(checks) == 1 else f"{len(checks)} checks failed"
    what = "the run failed" if broken else "the run succeeded"
    lines = [f"Weathervane: {what}" + (f", {count}" if checks else "")]
    lines += [error[:LONGEST] for error in errors[:MOST]]
    lines += [f"{one['asset']} / {one['check']}: {one['found']}" for one in checks[:MOST]]
    return "\n".join(lines + ([f"and {len(checks) - MOST} more"] if len(checks) > MOST else []))


def _news(instance: dg.DagsterInstance, run_id: str, check: dg.AssetCheckEvaluation) -> bool:
    """Whether the check said something else the last time before this run (or had passed, or is new)."""
    history = instance.event_log_storage.get_asset_check_execution_history(check.asset_check_key, limit=_BACK)
    after = True
    for record in history:  # newest first
        if record.run_id == run_id:
            after = False
        elif not after and record.partition == check.partition and record.event is not None:
            event = record.event.dagster_event
            if event is not None and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                return _says(event.asset_check_evaluation_data) != _says(check)
    return True


def _says(check: dg.AssetCheckEvaluation) -> tuple[Any, ...]:
    return check.passed, check.severity, check.description


def _where(check: dg.AssetCheckEvaluation) -> str:
    return check.asset_key.to_user_string() + (f" {check.partition}" if check.partition else "")


def _innermost(error: Any) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    return "" if error is None else str(error.message).strip()
