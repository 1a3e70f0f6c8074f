"""Making the trends of the house: from ledger and lake to the tables of estimates, trends and changes.

Belongs here: reading what the computation needs and leaving its tables as Parquet in the work folder of a refresh.
Does not belong here: the computation (assets.trends.steps, linear_trend, houses), the database (publication).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from assets.estimates import history
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf
from assets.trends import agreement, houses, linear_trend, steps

MADE = (
    "vintages",
    "estimates",
    "revisions",
    "trends",
    "changes",
    "trend_tests",
    "house_lines",
    "house_effects",
    "agreement",
)


def make(ledger: Ledger, shelf: Shelf, work: Path, recomputed: pyarrow.Table | None = None) -> dict[str, int]:
    """Write the tables `MADE` to `work`; returns their row counts."""
    past = history.assemble(ledger, shelf.standing(), recomputed)
    questions = {(row["release"], row["question"]): row for row in shelf.rows("questions").to_pylist()}
    waves = {(w["organisation"], w["series"], w["wave"]): w for w in shelf.waves()}
    estimates = past.estimates.to_pylist()
    trends, changes = steps.compute(estimates, questions, waves, shelf.baselines)
    ordered = trends.to_pylist()
    by_id = {row["estimate_id"]: row for row in estimates}

    def asked(row: Mapping[str, Any]) -> dict[str, Any]:
        estimate = by_id[row["estimate_id"]]
        wave = waves[(row["organisation"], row["series"], row["wave"])]
        question = questions[(estimate["release"], estimate["question"])]
        return {**question, "base": estimate["base"], "population": wave["population"], "mode": wave["mode"]}

    made = (
        past.vintages,
        past.estimates,
        past.revisions,
        trends,
        changes,
        linear_trend.table(ordered),
        *houses.tables(ordered, asked, estimates),
        agreement.compare(shelf, past.estimates),
    )
    tables = dict(zip(MADE, made, strict=True))
    for name, table in tables.items():
        pyarrow.parquet.write_table(table, work / f"{name}.parquet")
    return {name: table.num_rows for name, table in tables.items()}
