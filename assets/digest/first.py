"""The digest of a first version: what there is, in a few rows, as nothing can have moved.

Belongs here: the counts and how they are told. Does not belong here: comparisons.
"""

import duckdb

from assets.digest.house import DAY
from assets.digest.query import Row, count, fetch
from assets.words import said

_WORDS = {"rise": "rises", "fall": "falls", "no_detectable_change": "without a detectable change"}


def summary(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """One row each for figures, changes, revisions, claims, and what is open; none where there is nothing to tell."""
    waves, series, houses, estimates, items = _one(
        con,
        "SELECT (SELECT count(*) FROM waves), (SELECT count(DISTINCT (organisation, series)) FROM waves),"
        " (SELECT count(DISTINCT organisation) FROM waves), (SELECT count(*) FROM estimates),"
        " (SELECT count(DISTINCT item) FROM estimates)",
    )
    overdue, aside, awaited = _one(
        con,
        f"SELECT (SELECT count(*) FROM overdue_on({DAY.format(of='main')})),"
        " (SELECT count(DISTINCT release) FROM quarantine), (SELECT count(DISTINCT release) FROM awaiting)",
    )
    changes = _by(con, "SELECT verdict, count(*) FROM changes WHERE verdict <> 'not_tested' GROUP BY ALL ORDER BY ALL")
    claims = _by(con, "SELECT verdict_today, count(*) FROM claims GROUP BY ALL ORDER BY ALL")
    revisions = _by(con, "SELECT cause, count(*) FROM revisions GROUP BY ALL ORDER BY ALL")
    told = {
        "waves": f"first version: {count(waves, 'wave')} of {series} series by {count(houses, 'organisation')},"
        f" {count(estimates, 'estimate')} of {count(items, 'item')}",
        "changes": changes and f"changes tested: {changes}",
        "revisions": revisions and f"revisions by cause: {revisions}",
        "claims": claims and f"claims read today: {claims}",
        "quarantine": aside and f"{count(aside, 'release')} set aside",
        "overdue": overdue and f"{overdue} series overdue",
        "awaiting": awaited and f"{count(awaited, 'release')} awaiting files",
    }
    return [{"kind": "version", "subject": subject, "what": what} for subject, what in told.items() if what]


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return tuple(fetch(con, query)[0].values())


def _by(con: duckdb.DuckDBPyConnection, query: str) -> str:
    return ", ".join(f"{number:,} {said(_WORDS, word)}" for word, number in con.execute(query).fetchall())
