"""From the values of all loads to the estimates that stand today, what stood before, and what was revised.

Belongs here: vintages, their days, the latest value of a cell, revisions. Does not belong here: computing a value.

A value is available from the day its producer printed it (the last day of a month or year, if that is all we know); a
value that only a later load of ours brought (a correction, a changed crosswalk) from the day of that load.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow

from assets.releases.ledger import CONTEXT, Ledger
from schemas.dates import last_day
from schemas.tables.figures import ESTIMATES, VINTAGES
from schemas.tables.house import REVISIONS
from warehouse.connect import memory

_CELL = "organisation, series, wave, item, category, subgroup, subgroup_value"


@dataclass(frozen=True)
class History:
    """Three tables of the published database."""

    vintages: pyarrow.Table
    estimates: pyarrow.Table
    revisions: pyarrow.Table


def assemble(
    ledger: Ledger, releases: Mapping[str, Mapping[str, object]], recomputed: pyarrow.Table | None = None
) -> History:
    """Build the history.

    Args:
        ledger: the loads.
        releases: live release -> its `vintage` and `status` (which of two releases of a wave counts).
        recomputed: values of the latest loads made again from the archive; they take the place of the ledger's.
    """
    con = memory()
    try:
        con.register("given", ledger.values())
        con.register("loads", _loads(ledger))
        con.register("live", _live(ledger, releases))
        con.register("printed", _printed(ledger))
        if recomputed is None:
            con.execute("CREATE TABLE readings AS SELECT * FROM given")
        else:
            con.register("again", recomputed)
            con.execute(
                """CREATE TABLE readings AS
                SELECT g.* FROM given g LEFT JOIN live l ON g.release = l.release AND g.load_vintage = l.load_vintage
                WHERE l.release IS NULL
                UNION ALL BY NAME SELECT * FROM again"""
            )
        con.execute(_SQL)
        picked = {
            "vintages": (VINTAGES, "vintages"),
            "estimates": (ESTIMATES, "(SELECT * FROM vintages WHERE latest)"),
            "revisions": (REVISIONS, "revisions"),
        }
        tables = {}
        for name, (table, source) in picked.items():
            columns = ", ".join(table.columns)
            rows = con.execute(f"SELECT {columns} FROM {source} ORDER BY {', '.join(table.key)}")
            tables[name] = rows.to_arrow_table().cast(table.arrow())
        return History(**tables)
    finally:
        con.close()


_SQL = f"""
-- One row per stretch of consecutive loads in which a release printed the same value for a cell.
CREATE TABLE stretches AS
WITH numbered AS (
    SELECT *,
        load_vintage - row_number() OVER (PARTITION BY release, estimate_id, standing ORDER BY load_vintage) AS island
    FROM readings
)
SELECT * EXCLUDE (island, load_vintage), min(load_vintage) AS load_vintage, max(load_vintage) AS last_load
FROM numbered
GROUP BY ALL;

CREATE TABLE placed AS
SELECT s.*, first_load.loaded_at, first_load.cause,
    CASE WHEN s.load_vintage = 1 THEN printed.last_day ELSE first_load.loaded_at::DATE END AS available_from,
    -- replaced by a later load of the same release, or gone with it
    CASE WHEN next_load.loaded_at IS NOT NULL THEN next_load.loaded_at::DATE
         WHEN live.release IS NULL THEN gone.loaded_at::DATE END AS replaced_on,
    live.release IS NOT NULL AND s.last_load = live.load_vintage AS current_load,
    live.rank
FROM stretches s
JOIN loads first_load ON first_load.release = s.release AND first_load.load_vintage = s.load_vintage
LEFT JOIN loads next_load ON next_load.release = s.release AND next_load.load_vintage = s.last_load + 1
LEFT JOIN loads gone ON gone.release = s.release AND gone.load_vintage IS NULL
LEFT JOIN live ON live.release = s.release
LEFT JOIN printed ON printed.text = s.vintage;

-- The latest value of a cell: a figure of a current load, of the best release of the wave.
CREATE TABLE ranked AS
SELECT *, current_load AND standing = 'figure'
    AND row_number() OVER (
        PARTITION BY {_CELL} ORDER BY (current_load AND standing = 'figure') DESC, rank DESC, release DESC
    ) = 1 AS latest
FROM placed;

CREATE TABLE vintages AS
SELECT r.*,
    CASE WHEN r.latest THEN NULL
         WHEN r.replaced_on IS NOT NULL THEN r.replaced_on
         ELSE greatest(l.available_from, r.available_from) END AS available_until
FROM ranked r
LEFT JOIN (SELECT {_CELL}, available_from FROM ranked WHERE latest) l USING ({_CELL});

-- Two successive values of a cell. A producer's own re-issue has cause 'producer', a later load of ours that load's.
CREATE TABLE revisions AS
WITH steps AS (
    SELECT *, lag(percent) OVER w AS percent_before, lag(published_text) OVER w AS text_before,
        lag(vintage) OVER w AS vintage_before, lag(estimate_id) OVER w AS id_before
    FROM vintages
    WINDOW w AS (PARTITION BY {_CELL} ORDER BY load_vintage, latest, available_from NULLS FIRST, estimate_id)
)
SELECT {_CELL}, percent_before, percent AS percent_after, percent - percent_before AS difference,
    vintage_before, vintage AS vintage_after,
    CASE WHEN load_vintage = 1 THEN 'producer' ELSE cause END AS cause,
    available_from AS revised_on, estimate_id
FROM steps
WHERE id_before IS NOT NULL AND published_text IS DISTINCT FROM text_before;
"""


def _loads(ledger: Ledger) -> pyarrow.Table:
    """Every load with its time and cause; a withdrawal is a row without a number."""
    rows = [
        {"release": e.release, "load_vintage": e.load_vintage, "loaded_at": e.happened_at, "cause": e.cause}
        for e in ledger.events
        if e.status == "loaded"
    ]
    rows += [
        {"release": name, "load_vintage": None, "loaded_at": state.last.happened_at, "cause": None}
        for name, state in ledger.states.items()
        if state.last.status == "withdrawn"
    ]
    schema = pyarrow.schema(
        [
            ("release", pyarrow.string()),
            ("load_vintage", pyarrow.int32()),
            ("loaded_at", pyarrow.timestamp("us")),
            ("cause", pyarrow.string()),
        ]
    )
    return pyarrow.Table.from_pylist(rows, schema=schema)


def _live(ledger: Ledger, releases: Mapping[str, Mapping[str, object]]) -> pyarrow.Table:
    """Live releases, ranked: a final release before an interim one, a later one before an earlier one."""
    rows = []
    for name, event in ledger.live().items():
        about = releases[name]
        printed = last_day(str(about["vintage"])) or dt.date.min
        rows.append(
            {
                "release": name,
                "load_vintage": event.load_vintage,
                "rank": f"{0 if about['status'] == 'interim' else 1} {printed.isoformat()}",
            }
        )
    schema = pyarrow.schema(
        [("release", pyarrow.string()), ("load_vintage", pyarrow.int32()), ("rank", pyarrow.string())]
    )
    return pyarrow.Table.from_pylist(rows, schema=schema)


def _printed(ledger: Ledger) -> pyarrow.Table:
    """Last day that each partial date can mean; undated ones have no row."""
    texts = [t for t in ledger.values().column("vintage").unique().to_pylist() if t and t != "undated"]
    return pyarrow.table(
        {
            "text": pyarrow.array(texts, pyarrow.string()),
            "last_day": pyarrow.array([last_day(t) for t in texts], pyarrow.date32()),
        }
    )


__all__ = ["CONTEXT", "History", "assemble"]
