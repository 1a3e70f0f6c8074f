"""Resources of the definitions: the house, with the writer's lock held for the length of a run.

Belongs here: what steps are given. Does not belong here: what they do with it.
"""

import json
from collections.abc import Iterator

import dagster as dg

from assets.faces import House
from assets.refresh import great_expectations, now
from pipeline.home import PID_TAG, bury_dead_runs
from pipeline.progress import say
from pipeline.run import LAST_RUN
from warehouse import versions
from warehouse.files import write_whole
from warehouse.layout import Layout
from warehouse.lock import writer


@dg.resource(
    description="The folders of the house, for one run. Holds the writer's lock: a second run waits until the first is done; "
    "the kernel frees the lock of a process that dies.",
    config_schema={"accept": dg.Field([str], default_value=[], description="Audit expectations accepted this once")},
)
def house(context: dg.InitResourceContext) -> Iterator[House]:
    """One house for one run."""
    layout = Layout.from_environment().ensure()
    run_id = context.run_id or "no-run"
    log = context.log
    with writer(layout.lock, f"run {run_id}", say=say):
        if context.instance:
            for dead in bury_dead_runs(context.instance):
                if dead != run_id and log:
                    log.info(f"run {dead} had died with its process ({PID_TAG}); marked as failed")
        accepted = tuple(context.resource_config["accept"])

        def audit(candidate, previous, docs):  # type: ignore[no-untyped-def]
            return great_expectations(candidate, previous, docs, accepted=accepted)

        made = House(layout, run_id, now(), audit, say)
        try:
            yield made
        finally:
            versions.clean(layout)  # the work folder: published or not, nobody needs it any more
            write_whole(layout.data / LAST_RUN, json.dumps({"run_id": run_id, **made.notes}).encode(), flush=False)
