"""The Dagster face of the room: the asset `claims` and its contract.

Belongs here: declarations, metadata. Does not belong here: checking.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow.parquet

from assets.claims import make
from assets.faces import House, Site, contract, spec
from assets.releases.archive import Archive
from assets.releases.shelf import Surroundings

CLAIMS = spec(
    "claims",
    "claims",
    "claims",
    "May it be printed? Press sentences that quote a survey, each checked twice: with what was known at its date, and "
    "with what stands today.\n\n"
    "**See here** each claim with its verdicts; its page in the explorer has the figures that it may mean and the "
    "reasons (`claim_candidates` in SQL). **To check** another sentence: `weathervane claim`.",
    ("trends",),
)
CONTRACT = dg.AssetCheckSpec(
    "claims_meet_contract",
    asset="claims",
    blocking=True,
    description="Claims and their candidates meet their declared tables (pandera): known words only, every claim with "
    "a verdict and a sentence. Blocks publication.",
)


@dg.multi_asset(name="claims", specs=[CLAIMS], check_specs=[CONTRACT], required_resource_keys={"house"})
def claims_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Check every claim of the catalogue into the run's work folder."""
    house: House = context.resources.house
    house.say(context, "checking claims")
    rows = make.make(Surroundings.read(Archive(house.layout.archive), house.ledger()), house.shelf(), house.work)
    judged = pyarrow.parquet.read_table(house.work / "claims.parquet").to_pylist()
    metadata: dict[str, Any] = {
        "dagster/row_count": rows["claims"],
        "candidates": rows["claim_candidates"],
        "verdicts": dg.MetadataValue.md(_told(judged, house.site)),
    }
    yield dg.MaterializeResult("claims", metadata=metadata, data_version=house.data_version())
    yield contract(CONTRACT, house.work, make.MADE)


def _told(rows: list[dict[str, Any]], site: Site) -> str:
    """Verdicts counted, and one line a claim that leads to its page."""
    counts = Counter(row["verdict"] for row in rows)
    lines = [", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in sorted(counts.items())), ""]
    lines += ["| claim | at its date | today |", "|---|---|---|"]
    lines += [
        f"| {site.claim(r['claim'], r['claim'])} | " + f"{r['verdict']} | {r['verdict_today']} |".replace("_", " ")
        for r in rows
    ]
    return "\n".join(lines)
