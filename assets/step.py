"""The Dagster face of the walk: one step that loads what changed and speaks for four rooms.

Belongs here: running assets.ingest and telling the UI about it. Does not belong here: what loading means.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets import ingest
from assets.estimates.asset import ESTIMATES
from assets.explorer import asset as explorer
from assets.faces import House
from assets.publication import asset as publication
from assets.publication.publish import why_build
from assets.questions import asset as questions
from assets.releases import asset as releases
from assets.toplines import asset as toplines
from warehouse import versions


@dg.multi_asset(
    name="ingest",
    specs=[releases.RELEASES, toplines.TOPLINES, questions.QUESTIONS, ESTIMATES],
    check_specs=[
        releases.EVERY_RELEASE_LOADS,
        toplines.FIGURES_ADD_UP,
        toplines.FIGURES_MEET_CONTRACT,
        questions.CROSSWALK_IS_COMPLETE,
    ],
    required_resource_keys={"house"},
    description="Load what changed: archive, read, harmonise, estimate. Nothing changed: nothing runs after it.",
)
def ingest_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Load what changed; if nothing did and the published database is current, the steps after this are skipped."""
    house: House = context.resources.house
    for line in versions.clean(house.layout):
        house.say(context, line)
    before = house.ledger()
    report = ingest.ingest(house.layout, house.at, say=lambda text: house.say(context, text))
    ledger = house.ledger()
    releases.tell(context, report, before, ledger)
    set_aside = {name: state.last.problems for name, state in ledger.quarantined().items()}
    why = why_build(house.layout, ledger)
    house.notes |= {
        "changed": report.changed,
        "same": report.same,
        "loaded": sorted(report.loaded),
        "withdrawn": report.withdrawn,
        "awaiting": report.awaiting,
        "set_aside": {name: [str(p) for p in problems] for name, problems in set_aside.items()},
        "why": why,
    }
    yield releases.loads_check(set_aside, ledger)
    yield from toplines.checks(ledger)
    yield questions.check(ledger)
    if why is None:
        publication.tell_what_stands(context, house.layout)
        explorer.tell_what_stands(context, house.layout)
        house.say(context, f"nothing changed: {report.same} releases are as they were loaded; nothing is rewritten")
        return
    house.audit_is_coming()
    house.say(context, f"{len(report.loaded)} loaded, {len(set_aside)} set aside, {report.same} as before; {why}")
    shelf = house.shelf()
    about = [one["release"] for one in shelf.abouts.values()]
    rows = {
        "releases": len(about),
        "toplines": sum(one["figures"] for one in about),
        "questions": sum(one["questions"] for one in about),
        "estimates": sum(one["estimates"] for one in about),
    }
    for key, count in rows.items():
        metadata = {"dagster/row_count": count, "loaded in this run": len(report.loaded), "set aside": len(set_aside)}
        yield dg.MaterializeResult(key, metadata=metadata, data_version=dg.DataVersion(f"refresh-{ledger.head}"))
