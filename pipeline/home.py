"""Dagster's home inside the data folder: its configuration, and the one instance that the UI and the command share.

Belongs here: `dagster.yaml`, telemetry off, finding dead runs. Does not belong here: definitions.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.layout import Layout

if TYPE_CHECKING:
    from dagster import DagsterInstance

PID_TAG = "weathervane/pid"

_CONFIGURATION = """# Written by `weathervane`; edit freely, it is not overwritten.
telemetry:
  enabled: false
nux:
  enabled: false
# One SQLite file for all runs, kept open: a run that tells of hundreds of releases writes thousands of events.
event_log_storage:
  module: pipeline.history
  class: History
  config:
    base_dir: history
# A run that does not start is marked as failed by the daemon; one whose process died, by the next refresh.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  poll_interval_seconds: 30
retention:
  sensor:
    purge_after_days: 30
  schedule:
    purge_after_days: 365
"""


def prepare(layout: Layout) -> Path:
    """Create the home if need be and point this process (and its children) at it; returns its folder."""
    home = layout.ensure().dagster
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(_CONFIGURATION)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    os.environ["WEATHERVANE_DATA"] = str(layout.data)
    os.environ["WEATHERVANE_CATALOG"] = str(layout.catalogue)
    return home


def bury_dead_runs(instance: "DagsterInstance") -> list[str]:
    """Mark runs as failed whose process on this machine is gone (`kill -9`, a power cut); returns their ids."""
    from dagster import DagsterRunStatus, RunsFilter

    buried = []
    statuses = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING]
    for run in instance.get_runs(RunsFilter(statuses=statuses)):
        who = run.tags.get(PID_TAG)
        if who and not _alive(who):
            instance.report_run_failed(run, message=f"the process {who} that ran this is gone")
            buried.append(run.run_id)
    return buried


def this_process() -> str:
    """`pid@start`, so that a recycled process id is not taken for the old process."""
    return f"{os.getpid()}@{_started(os.getpid())}"


def _alive(who: str) -> bool:
    pid, _, started = who.partition("@")
    return pid.isdigit() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """Start of a process in clock ticks since boot (field 22 of /proc/PID/stat), or empty if it is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
