"""Checking the claims of the house: from the tables of a build to `claims` and `claim_candidates`.

Belongs here: reading what the checks need and leaving their tables as Parquet in the work folder of a refresh. Does not
belong here: the check (assets.claims.check), the database (publication).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet

from assets.claims.check import Checked, check
from assets.claims.facts import Figure, read
from assets.releases.shelf import Shelf, Surroundings
from schemas.claim import Claim
from schemas.dates import last_day
from schemas.tables import BY_NAME
from schemas.vocabulary import ClaimView
from warehouse.connect import memory

MADE = ("claims", "claim_candidates")
VIEWS: tuple[tuple[ClaimView, str], ...] = (("its_date", ""), ("today", "_today"))  # and the ending of its columns
_FROM_TRENDS = ("vintages", "trends")
_FROM_THE_LAKE = ("toplines", "questions")
_AROUND = ("organisations", "series", "items", "categories")


def make(around: Surroundings, shelf: Shelf, work: Path) -> dict[str, int]:
    """Write the tables `MADE` to `work`, where assets.trends.make has left its own; returns their row counts."""
    con = memory()
    try:
        _register(con, around, shelf, work)
        made = dict(zip(MADE, rows(con, [Claim.model_validate(row) for row in around.claims]), strict=True))
    finally:
        con.close()
    for name, records in made.items():
        table = pyarrow.Table.from_pylist(records, schema=BY_NAME[name].arrow())
        pyarrow.parquet.write_table(table, work / f"{name}.parquet")
    return {name: len(records) for name, records in made.items()}


def rows(con: duckdb.DuckDBPyConnection, claims: Iterable[Claim]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of `claims` and of `claim_candidates`.

    Args:
        con: has the tables that assets.claims.facts reads.
        claims: the claims, as the catalogue has them.
    """
    claims = list(claims)
    facts = read(con, {claim.item for claim in claims})
    judged, beside = [], []
    for claim in claims:
        checked = {view: check(claim, facts, view) for view, _ in VIEWS}
        judged.append(_row(claim, checked))
        for one in checked.values():
            beside += _candidates(claim, one)
    return judged, beside


def _row(claim: Claim, checked: Mapping[ClaimView, Checked]) -> dict[str, Any]:
    row: dict[str, Any] = {**claim.model_dump(), "checked_for": last_day(claim.published)}
    row["direction"] = claim.goes()
    for view, ending in VIEWS:
        one = checked[view]
        row |= {
            f"verdict{ending}": one.verdict,
            f"findings{ending}": [str(finding) for finding in one.findings],
            f"sentence{ending}": one.sentence,
            f"estimate_ids{ending}": [f.estimate_id for f in one.figures if isinstance(f, Figure)],
        }
    return row


def _candidates(claim: Claim, checked: Checked) -> list[dict[str, Any]]:
    out = []
    for position, candidate in enumerate(checked.candidates, start=1):
        figure = candidate.figure
        row = {name: getattr(figure, name, None) for name in BY_NAME["claim_candidates"].columns}
        row |= {"claim": claim.claim, "view": checked.view, "position": position, "role": candidate.role}
        row |= {"agrees": candidate.agrees, "why": candidate.why, "flags": list(getattr(figure, "flags", ()))}
        out.append(row)
    return out


def _register(con: duckdb.DuckDBPyConnection, around: Surroundings, shelf: Shelf, work: Path) -> None:
    """The tables of the warehouse that the checks read, before there is a warehouse."""
    for name in _AROUND:
        con.register(name, _table(name, getattr(around, name)))
    con.register("waves", _table("waves", shelf.waves()))
    for name in _FROM_TRENDS:
        con.register(name, pyarrow.parquet.read_table(work / f"{name}.parquet"))
    for name in _FROM_THE_LAKE:
        con.register(name, shelf.rows(name))


def _table(name: str, records: list[dict[str, Any]]) -> pyarrow.Table:
    schema = BY_NAME[name].arrow()
    named = [{column: record.get(column) for column in schema.names} for record in records]
    return pyarrow.Table.from_pylist(named, schema=schema)
