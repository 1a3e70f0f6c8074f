"""The Dagster face of the room: the asset `trends`, its contract and its picture.

Belongs here: declarations, metadata. Does not belong here: computing or drawing.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow.parquet

from assets.faces import House, contract, image, shown, spec
from assets.trends import make, plot
from schemas.vocabulary import Agreement, words

TRENDS = spec(
    "trends",
    "trends",
    "trends",
    "Did opinion change? Reviewed questions in time order, each step with its comparability and the reasons, and waves "
    "compared where they may be.\n\n"
    "**Query it** with `weathervane trend ITEM`, `trend(item, category)` in SQL, or look at an item's page in the "
    "explorer. `changes` has the tests; across a break there is none. The picture shows one line; steps that are a "
    "break or that nobody has reviewed are never joined.",
    ("estimates", "questions"),
)
CONTRACT = dg.AssetCheckSpec(
    "trends_meet_contract",
    asset="trends",
    blocking=True,
    description="Vintages, estimates, trends and changes meet their declared tables (pandera): intervals in order, no "
    "p-value across a break, known words only. Blocks publication.",
)


@dg.multi_asset(name="trends", specs=[TRENDS], check_specs=[CONTRACT], required_resource_keys={"house"})
def trends_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Compute trends and changes into the run's work folder."""
    house: House = context.resources.house
    house.say(context, "computing trends")
    rows = make.make(house.ledger(), house.shelf(), house.work)
    house.notes["rows"] = rows
    metadata: dict[str, Any] = {"dagster/row_count": rows["trends"], "changes": rows["changes"]}
    picture = plot.headline(house.work / "trends.parquet")
    if picture is not None:
        below = "Hollow: no interval can be given. Not joined: the step is a break, or nobody has reviewed it."
        metadata["trend"] = image(picture.title, picture.svg, below)
        metadata["explorer"] = house.site.item(picture.title.partition(" / ")[0])
    for name, column in (("trends", "comparability"), ("changes", "verdict")):
        found = pyarrow.parquet.read_table(house.work / f"{name}.parquet", columns=[column])[column].to_pylist()
        counts = Counter(word or "first of its line" for word in found).most_common()
        metadata[f"{name} by {column}"] = shown([column, "rows"], [(w.replace("_", " "), n) for w, n in counts])
    compared = pyarrow.parquet.read_table(house.work / "agreement.parquet").to_pylist()
    if compared:
        metadata["published and recomputed"] = dg.MetadataValue.md(_agreement(compared))
    yield dg.MaterializeResult("trends", metadata=metadata, data_version=house.data_version())
    yield contract(CONTRACT, house.work, make.MADE)


def _agreement(rows: list[dict[str, Any]]) -> str:
    """Per release how many published figures the respondents' answers reproduce, and those that they do not."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["release"], Counter())[row["verdict"]] += 1
    verdicts = words(Agreement)
    lines = ["| release | " + " | ".join(word.replace("_", " ") for word in verdicts) + " |", "|---" * 6 + "|"]
    lines += [
        f"| {name} | " + " | ".join(str(found[word] or "") for word in verdicts) + " |"
        for name, found in counts.items()
    ]
    apart = [row for row in rows if row["verdict"] == "differs"]
    lines += [""] * bool(apart)
    lines += [
        f"- {row['release']}, {row['cell']}: {row['item']}, {row['category']}, {row['subgroup_value']}: published "
        f"{row['published_text']}, recomputed {row['recomputed']:.4g}"
        for row in apart
    ]
    return "\n".join(lines)
