"""The Dagster face of the walk: one step that loads what changed and speaks for five rooms.

Belongs here: running assets.ingest and telling the UI about it. Does not belong here: what loading means.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from assets import ingest
from assets.estimates.asset import ESTIMATES
from assets.explorer import asset as explorer
from assets.faces import House, by_house
from assets.publication import asset as publication
from assets.publication.publish import why_build
from assets.questions import asset as questions
from assets.releases import asset as releases
from assets.releases.shelf import Shelf
from assets.responses import asset as responses
from assets.toplines import asset as toplines
from warehouse import versions


@dg.multi_asset(
    name="ingest",
    specs=[releases.RELEASES, responses.RESPONSES, toplines.TOPLINES, questions.QUESTIONS, ESTIMATES],
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
    why = why_build(house.layout, ledger)
    shelf = None if why is None else house.shelf()
    releases.tell(context, report, before, ledger, shelf, house.site)
    context.instance.add_run_tags(context.run.run_id, releases.run_tags(report))
    set_aside = {name: state.last.problems for name, state in ledger.quarantined().items()}
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
    version = dg.DataVersion(f"refresh-{ledger.head}")
    # Also when nothing changed: somebody has looked, which is what the freshness of `releases` is about.
    yield dg.MaterializeResult("releases", metadata=releases.materialized(report, ledger), data_version=version)
    if shelf is None:
        publication.tell_what_stands(context, house)
        explorer.tell_what_stands(context, house.layout)
        house.say(context, f"nothing changed: {report.same} releases are as they were loaded; nothing is rewritten")
        return
    house.audit_is_coming()
    house.say(context, f"{len(report.loaded)} loaded, {len(set_aside)} set aside, {report.same} as before; {why}")
    for key, metadata in _made(shelf, house.layout.responses):
        yield dg.MaterializeResult(key, metadata=metadata, data_version=version)


def _made(shelf: Shelf, readings: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Metadata of the other assets of this step, whose rows stand in the lake."""
    yield "responses", responses.materialized(shelf, readings)
    for key, rows in {"toplines": "figures", "questions": "questions", "estimates": "estimates"}.items():
        metadata = {
            "dagster/row_count": sum(about["release"][rows] for about in shelf.abouts.values()),
            "by organisation": by_house(shelf, rows),
        }
        yield key, metadata | (questions.reviewed(shelf) if key == "questions" else {})
