"""Making the trends of the house: from ledger and lake to the tables of estimates, trends and changes.

Belongs here: reading what the computation needs and leaving its tables as Parquet in the work folder of a refresh.
Does not belong here: the computation (assets.trends.steps), the database (publication).
"""

from pathlib import Path

import pyarrow
import pyarrow.parquet

from assets.estimates import history
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf
from assets.trends import agreement, steps

MADE = ("vintages", "estimates", "revisions", "trends", "changes", "agreement")


def make(ledger: Ledger, shelf: Shelf, work: Path, recomputed: pyarrow.Table | None = None) -> dict[str, int]:
    """Write the tables `MADE` to `work`; returns their row counts."""
    past = history.assemble(ledger, shelf.standing(), recomputed)
    questions = {(row["release"], row["question"]): row for row in shelf.rows("questions").to_pylist()}
    waves = {(w["organisation"], w["series"], w["wave"]): w for w in shelf.waves()}
    trends, changes = steps.compute(past.estimates.to_pylist(), questions, waves)
    compared = agreement.compare(shelf, past.estimates)
    made = (past.vintages, past.estimates, past.revisions, trends, changes, compared)
    tables = dict(zip(MADE, made, strict=True))
    for name, table in tables.items():
        pyarrow.parquet.write_table(table, work / f"{name}.parquet")
    return {name: table.num_rows for name, table in tables.items()}
