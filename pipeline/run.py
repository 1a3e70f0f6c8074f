"""Running the job `refresh` in this process, on the instance that the UI uses, so that the run shows there.

Belongs here: starting the job and reading back what it did. Does not belong here: printing (pipeline.cli), the job.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline import home
from warehouse.layout import Layout

LAST_RUN = "last-run.json"
LOCATION = "weathervane"


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        run_id: Dagster's id of it.
        success: whether it succeeded.
        errors: first lines of what went wrong.
        notes: what the steps noted (see assets.faces.House.notes).
        unsent: what could not be sent to those who want to know what moved.
    """

    run_id: str
    success: bool
    errors: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    unsent: list[str] = field(default_factory=list)


def refresh(layout: Layout, accept: Sequence[str] = (), say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run the job and wait for its end; `say` is told what the steps say."""
    home.prepare(layout)
    import dagster as dg

    from pipeline import alerts, digests
    from pipeline.build import build_defs
    from pipeline.jobs import REFRESH
    from pipeline.progress import listening
    from pipeline.settings import Settings

    settings = Settings.from_environment()
    # With nothing to do the gate says nothing either, and Dagster warns of that; there is no other way to skip steps.
    logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
    job = build_defs(settings=settings).resolve_job_def(REFRESH)
    with dg.DagsterInstance.get() as instance, listening(say):
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"silent": {}}, "resources": {"house": {"config": {"accept": list(accept)}}}},
            tags={
                home.PID_TAG: home.this_process(),
                "weathervane/started_by": "command",
                ".dagster/repository": f"__repository__@{LOCATION}",
            },
        )
        errors = [_error(event) for event in result.all_events if event.is_failure]
        alerts.tell(instance, result.run_id, layout, settings)
        unsent = digests.tell(layout, settings)
    return Outcome(result.run_id, result.success, [e for e in errors if e], notes(layout, result.run_id), unsent)


def notes(layout: Layout, run_id: str) -> dict[str, Any]:
    """What the steps of a run noted; empty if another run came after it."""
    file = layout.data / LAST_RUN
    if not file.exists():
        return {}
    found: dict[str, Any] = json.loads(file.read_text())
    return found if found.get("run_id") == run_id else {}


def _error(event: Any) -> str | None:
    """The innermost cause of a failure, which is what a person needs."""
    data = event.event_specific_data
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return None if error is None else str(error.message).strip()
