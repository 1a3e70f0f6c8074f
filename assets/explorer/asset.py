"""The Dagster face of the room: the asset `site` and the check that says whether it was written.

Belongs here: declarations, metadata. Does not belong here: pages.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.explorer.build import INDEX, build, stands
from assets.faces import House, spec
from assets.publication.publish import read_about
from warehouse.layout import Layout

SITE = spec(
    "site",
    "explorer",
    None,
    "The explorer: pages for people who do not write SQL, in `data/site`, made from the published database.\n\n"
    "**Open** `index.html` from the disk, or the address that `weathervane ui` and `weathervane site` print. Only "
    "pages that changed are written. If the check `site_is_written` fails, `weathervane site --build` mends it.",
    ("published",),
    skippable=True,
)
WRITTEN = dg.AssetCheckSpec(
    "site_is_written",
    asset="site",
    description="The pages were made from what is published. If not, the database stands all the same and the pages "
    "are those of an earlier version: see the message, then `weathervane site --build`.",
)


@dg.multi_asset(name="site", specs=[SITE], check_specs=[WRITTEN], required_resource_keys={"house"})
def site_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Write the site. A failure is a warning: what is published stays published."""
    house: House = context.resources.house
    house.say(context, "writing the site")
    try:
        done = build(house.layout.link, house.layout.site)
    except Exception as bad:  # whatever it is, it must not fail a run that has published
        context.log.exception("the site could not be written")
        told = f"{type(bad).__name__}: {bad}"
        house.say(context, f"the site could not be written, its pages are of an earlier version ({told})")
        yield dg.AssetCheckResult(
            asset_key="site",
            check_name=WRITTEN.name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{told}. The database is published; the pages are of an earlier version.",
        )
        return
    told = f"{len(done.written)} of {done.pages} pages written, {len(done.removed)} removed"
    yield dg.MaterializeResult(
        "site",
        metadata={
            "open this": house.site.page(INDEX),
            "pages": done.pages,
            "written": len(done.written),
            "removed": len(done.removed),
            "seconds": round(done.seconds, 2),
        },
        data_version=house.data_version(),
    )
    yield dg.AssetCheckResult(asset_key="site", check_name=WRITTEN.name, passed=True, description=told)


def tell_what_stands(context: dg.AssetExecutionContext, layout: Layout) -> None:
    """Say again whether the pages are those of what is published, in a run that has no reason to write them."""
    good = stands(read_about(layout.link.resolve()), layout.site)
    told = "as published" if good else "the pages are not of the published version: weathervane site --build"
    context.log_event(
        dg.AssetCheckEvaluation(
            dg.AssetKey("site"), WRITTEN.name, good, severity=dg.AssetCheckSeverity.WARN, description=told
        )
    )
