"""Making the trends of the house: from ledger and lake to the tables of estimates, trends and changes.

Belongs here: reading what the computation needs and leaving its tables as Parquet in the work folder of a refresh.
Does not belong here: the computation (assets.trends.comparisons, houses), the database (publication).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from assets.estimates import history
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf
from assets.trends import agreement, comparisons, houses, readings, splits
from assets.trends.shared import Shared
from warehouse.connect import memory, quoted

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
    "readings",
    "change_readings",
    "composition",
)
ANSWERS = "answers.parquet"  # as assets.estimates.engine.coded.NAME, which a house without answers does not import
_OF_QUESTIONS = (
    "release", "question", "question_match", "options_match", "decision", "reason", "reviewed_by", "form", "wording",
)  # fmt: skip
_ASKED_BY_SEVERAL = """
SELECT item, category FROM estimates WHERE subgroup = 'total'
GROUP BY ALL HAVING count(DISTINCT organisation) > 1
"""


def make(ledger: Ledger, shelf: Shelf, work: Path, recomputed: pyarrow.Table | None = None) -> dict[str, int]:
    """Write the tables `MADE` to `work`; returns their row counts."""
    past = history.assemble(ledger, shelf.standing(), recomputed)
    tables = {
        "vintages": past.vintages,
        "estimates": past.estimates,
        "revisions": past.revisions,
        "agreement": agreement.compare(shelf, past.estimates),
    }
    rows = _write(tables, work)
    del past, tables
    rows["readings"] = readings.write_standing(shelf.parquet("readings"), work)
    questions = shelf.rows("questions").select(_OF_QUESTIONS).to_pylist()
    told = comparisons.Told(
        {(row["release"], row["question"]): row for row in questions},
        {(row["organisation"], row["series"], row["wave"]): row for row in shelf.waves()},
        shelf.baselines,
        _shared(shelf),
        readings=readings.of_pieces(work) if rows["readings"] else None,
    )
    rows |= comparisons.write(work / "estimates.parquet", told, work)
    groups = {name: folder / splits.FILE for name, folder in shelf.folders.items()}
    rows["composition"] = splits.write(work, {name: file for name, file in groups.items() if file.is_file()})
    made = zip(("house_lines", "house_effects"), _houses(told, work), strict=True)
    return rows | _write(dict(made), work)


def _shared(shelf: Shelf) -> Shared | None:
    """What live releases share, as their coded answers name it."""
    files = {name: folder / ANSWERS for name, folder in shelf.folders.items() if (folder / ANSWERS).is_file()}
    if not files:
        return None
    # Imported here: without respondents' answers a refresh need not wait for what reads them.
    from assets.trends.panels import read

    return read(files, {name: about["wave"]["wave"] for name, about in shelf.abouts.items()})


def _write(tables: Mapping[str, pyarrow.Table], work: Path) -> dict[str, int]:
    for name, table in tables.items():
        pyarrow.parquet.write_table(table, work / f"{name}.parquet")
    return {name: table.num_rows for name, table in tables.items()}


def _houses(told: comparisons.Told, work: Path) -> tuple[pyarrow.Table, pyarrow.Table]:
    """Houses side by side, of items that two organisations or more ask."""
    con = memory()
    try:
        for name in ("estimates", "trends"):
            con.execute(f"CREATE VIEW {name} AS FROM read_parquet({quoted(work / f'{name}.parquet')})")
        con.execute(f"CREATE TABLE asked AS {_ASKED_BY_SEVERAL}")
        trends, estimates = (
            con.sql(query).to_arrow_table().to_pylist()
            for query in (
                """SELECT t.*, e.release, e.question, e.base FROM trends AS t
                JOIN asked USING (item, category)
                JOIN estimates AS e USING (organisation, series, wave, item, category, subgroup, subgroup_value)
                WHERE t.subgroup = 'total'""",
                """SELECT DISTINCT organisation, series, item, category, subgroup FROM estimates
                JOIN asked USING (item, category) WHERE subgroup = 'total'""",
            )
        )
    finally:
        con.close()

    def asked(row: Mapping[str, Any]) -> dict[str, Any]:
        wave = told.waves[row["organisation"], row["series"], row["wave"]]
        question = told.questions[row["release"], row["question"]]
        return {**question, "base": row["base"], "population": wave["population"], "mode": wave["mode"]}

    return houses.tables(trends, asked, estimates)
