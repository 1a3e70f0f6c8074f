"""Alerts: one for every run that failed, and one for every run in which a check failed that had not failed so before.

Belongs here: putting an alert together and sending it once. Does not belong here: noticing that a run has ended
(pipeline.sensors, pipeline.run).
An alert goes to `data/alerts.jsonl` always and to WEATHERVANE_ALERT_URL if set. No row values, no respondent data.

The file holds one JSON object a line: alerts (they have a `message`), and after each what became of sending it (`sent`,
and `error` if it was not). What could not be sent is tried again when the next run ends.
"""

import contextlib
import datetime as dt
import fcntl
import io
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, TextIO

import dagster as dg

from pipeline.settings import Settings
from warehouse.layout import Layout

FILE = "alerts.jsonl"
SECONDS = 10
LONGEST = 300
MOST = 3  # failed checks named in the message; the alert itself lists them all
_BACK = 20  # evaluations of a check looked at to find the one before this run's

_log = logging.getLogger(__name__)


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
    with _open(layout) as file:
        lines = _read(file)
        told = {line["run_id"] for line in lines if "message" in line}
        new = alert if alert is not None and run_id not in told else None
        if new is not None:
            lines.append({**asdict(new), "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")})
            _write(file, lines[-1])
        if settings.alert_url:
            _send(file, lines, new, settings.alert_url)
    return new


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


def _send(file: TextIO, lines: list[dict[str, Any]], new: Alert | None, url: str) -> None:
    """Post what could not be sent before and what is new, oldest first; the first failure ends it."""
    due = {line["run_id"]: not line["sent"] for line in lines if "sent" in line}
    if new is not None:
        due[new.run_id] = True
    for alert in lines:
        run_id = alert["run_id"]
        if "message" not in alert or not due.get(run_id):
            continue
        import httpx  # imported here: only who sends pays for it

        try:
            httpx.post(url, json={"text": alert["message"], **alert}, timeout=SECONDS).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as bad:
            # The address stays out of file and log: it often carries a secret.
            status = f" {bad.response.status_code}" if isinstance(bad, httpx.HTTPStatusError) else ""
            why = f"{type(bad).__name__}{status}"
            _write(file, {"run_id": run_id, "sent": False, "error": why})
            _log.warning("the alert of run %s could not be sent (%s); it will be tried again", run_id, why)
            return
        _write(file, {"run_id": run_id, "sent": True})


@contextlib.contextmanager
def _open(layout: Layout) -> Iterator[TextIO]:
    """The file, locked: of two who notice the same run one writes and sends, the other finds it done."""
    try:
        file: TextIO = (layout.data / FILE).open("a+", encoding="utf-8")
    except OSError as bad:
        _log.warning("alerts cannot be kept: %s", bad)
        file = io.StringIO()
    with file:
        if not isinstance(file, io.StringIO):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _read(file: TextIO) -> list[dict[str, Any]]:
    file.seek(0)
    lines = []
    for line in file:
        with contextlib.suppress(ValueError):  # a torn line: somebody was killed while writing it
            lines.append(json.loads(line))
    return lines


def _write(file: TextIO, line: dict[str, Any]) -> None:
    try:
        file.seek(0, os.SEEK_END)
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
    except OSError as bad:  # a full disk is what many alerts are about: sending goes on
        _log.warning("the alert of run %s cannot be kept: %s", line["run_id"], bad)
