"""Resources of the definitions: the house, with the writer's lock held for the length of a run.

Belongs here: what steps are given. Does not belong here: what they do with it.
"""

import json
from collections.abc import Iterator

import dagster as dg

from assets.faces import House
from assets.refresh import now
from pipeline import alerts, home
from pipeline.auditing import Auditor
from pipeline.home import PID_TAG, this_process
from pipeline.progress import say
from pipeline.run import LAST_RUN
from pipeline.settings import Settings
from warehouse import versions
from warehouse.files import write_whole
from warehouse.layout import Layout
from warehouse.lock import writer


@dg.resource(
    description="The folders of the house, for one run. Holds the writer's lock: a second run waits until the first is "
    "done; the kernel frees the lock of a process that dies.",
    config_schema={
        "accept": dg.Field(
            [str], default_value=[], description="Expectations of the audit whose failure is accepted once"
        )
    },
)
def house(context: dg.InitResourceContext) -> Iterator[House]:
    """One house for one run."""
    layout = Layout.from_environment().ensure()
    run_id = context.run.run_id if context.run else "no-run"
    if context.instance and context.run and PID_TAG not in context.run.tags:
        context.instance.add_run_tags(run_id, {PID_TAG: this_process()})  # before waiting: whoever waits may die too
    with writer(layout.lock, f"run {run_id}", say=say):
        if context.instance:
            bury_dead_runs(context.instance, layout)
        audit = Auditor(context.resource_config["accept"])
        site = Settings.from_environment().site_url
        made = House(layout, run_id, now(), audit, say, audit.get_ready, site_url=site)
        try:
            yield made
        finally:
            audit.stop()
            versions.clean(layout)  # the work folder: published or not, nobody needs it any more
            write_whole(layout.data / LAST_RUN, json.dumps({"run_id": run_id, **made.notes}).encode(), flush=False)


def bury_dead_runs(instance: dg.DagsterInstance, layout: Layout) -> list[str]:
    """Mark runs as failed whose process is gone, and tell of them; returns their ids. The caller holds the lock."""
    dead = home.bury_dead_runs(instance)
    for run_id in dead:
        alerts.tell(instance, run_id, layout, Settings.from_environment())
    return dead
