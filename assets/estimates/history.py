"""From the values of all loads to the estimates that stand today, what stood before, and what was revised.

Belongs here: vintages, their days, the latest value of a cell, revisions. Does not belong here: computing a value.

A value is available from the day its producer printed it (the last day of a month or year, if that is all we know, but
no later than the day of our load); a figure that only a later load of ours brought (a correction, a changed crosswalk)
from the day of that load.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow

from assets.releases.ledger import VALUES, Ledger
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
            rows = con.sql(f"SELECT {columns} FROM {source} ORDER BY {', '.join(table.key)}")
            tables[name] = rows.to_arrow_table().cast(table.arrow())
        return History(**tables)
    finally:
        con.close()


_SAME = ", ".join(name for name in VALUES.names if name != "load_vintage")

_SQL = f"""
-- One row per stretch of consecutive loads (without a withdrawal between) in which a release said exactly the same of
-- a value. A value that comes back after another one is a new stretch.
CREATE TABLE stretches AS
WITH numbered AS (
    SELECT readings.*, epoch,
        load_vintage - row_number() OVER (PARTITION BY {_SAME}, epoch ORDER BY load_vintage) AS island
    FROM readings JOIN loads USING (release, load_vintage)
)
SELECT {_SAME}, min(load_vintage) AS load_vintage, max(load_vintage) AS last_load
FROM numbered
GROUP BY {_SAME}, epoch, island;

-- The day from which a value stood. We cannot have known a figure before the day on which its source printed it, nor
-- is it unknown once we have loaded it: a month's last day may lie ahead.
CREATE TABLE placed AS
SELECT s.*, first_load.loaded_at, first_load.cause,
    CASE WHEN s.standing = 'figure' AND s.load_vintage > 1 THEN first_load.loaded_at::DATE
         WHEN printed.last_day IS NOT NULL THEN least(printed.last_day, first_load.loaded_at::DATE)
    END AS available_from,
    final_load.ended_at::DATE AS ended_on,  -- replaced by a later load of the same release, or gone with it
    live.release IS NOT NULL AND s.last_load = live.load_vintage AS current_load,
    live.rank
FROM stretches s
JOIN loads first_load ON first_load.release = s.release AND first_load.load_vintage = s.load_vintage
JOIN loads final_load ON final_load.release = s.release AND final_load.load_vintage = s.last_load
LEFT JOIN live ON live.release = s.release
LEFT JOIN printed ON printed.text = s.vintage;

-- The latest value of a cell: a figure of a current load; from respondents' answers if there is one, or else of the
-- best release of the wave.
CREATE TABLE ranked AS
SELECT *, current_load AND standing = 'figure'
    AND row_number() OVER (
        PARTITION BY {_CELL}
        ORDER BY (current_load AND standing = 'figure') DESC, basis = 'microdata' DESC, rank DESC, release DESC
    ) = 1 AS latest
FROM placed;

-- The values of a cell in the order in which they stood, the latest last. An undated figure stands behind the values
-- that its release says it replaced.
CREATE TABLE ordered AS
SELECT *, row_number() OVER (
    PARTITION BY {_CELL}
    ORDER BY latest,
        CASE WHEN standing = 'figure' THEN coalesce(available_from, loaded_at::DATE)
             ELSE available_from END NULLS FIRST,
        loaded_at, standing = 'figure', vintage, release, estimate_id
) AS place
FROM ranked;

CREATE TABLE vintages AS
SELECT *,
    CASE WHEN latest THEN NULL
         ELSE greatest(available_from, least(ended_on, min(available_from) OVER later)) END AS available_until
FROM ordered
WINDOW later AS (
    PARTITION BY {_CELL} ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
);

-- Two successive values of a cell. A producer's own re-issue has cause 'producer', a later load of ours that load's.
CREATE TABLE revisions AS
WITH steps AS (
    SELECT *, lag(percent) OVER w AS percent_before, lag(published_text) OVER w AS text_before,
        lag(basis) OVER w AS basis_before, lag(vintage) OVER w AS vintage_before, lag(estimate_id) OVER w AS id_before,
        lag(ended_on) OVER w AS ended_before
    FROM vintages
    WINDOW w AS (PARTITION BY {_CELL} ORDER BY place)
)
SELECT {_CELL}, percent_before, percent AS percent_after, percent - percent_before AS difference,
    vintage_before, vintage AS vintage_after,
    CASE WHEN load_vintage = 1 OR standing <> 'figure' THEN 'producer' ELSE cause END AS cause,
    greatest(available_from, ended_before) AS revised_on, release, estimate_id, load_vintage
FROM steps
WHERE id_before IS NOT NULL
    -- What was printed, or, of respondents' answers, what comes out; the last bits of a sum are no revision.
    AND CASE WHEN basis = 'microdata' AND basis_before = 'microdata'
             THEN (percent IS NULL) <> (percent_before IS NULL) OR abs(percent - percent_before) > 1e-9
             ELSE published_text IS DISTINCT FROM text_before END;
"""


def _loads(ledger: Ledger) -> pyarrow.Table:
    """Every load with its time and cause, the time at which the next load or a withdrawal ended it, and its epoch.

    A withdrawal ends an epoch: what comes back afterwards was not there in between.
    """
    rows: list[dict[str, object]] = []
    last: dict[str, dict[str, object]] = {}
    epochs: dict[str, int] = {}
    for event in ledger.events:
        if event.status not in ("loaded", "withdrawn"):
            continue
        before = last.get(event.release)
        if before and before["ended_at"] is None:
            before["ended_at"] = event.happened_at
        if event.status == "withdrawn":
            epochs[event.release] = epochs.get(event.release, 0) + 1
            continue
        row: dict[str, object] = {
            "release": event.release,
            "load_vintage": event.load_vintage,
            "loaded_at": event.happened_at,
            "cause": event.cause,
            "ended_at": None,
            "epoch": epochs.get(event.release, 0),
        }
        rows.append(row)
        last[event.release] = row
    schema = pyarrow.schema(
        [
            ("release", pyarrow.string()),
            ("load_vintage", pyarrow.int32()),
            ("loaded_at", pyarrow.timestamp("us")),
            ("cause", pyarrow.string()),
            ("ended_at", pyarrow.timestamp("us")),
            ("epoch", pyarrow.int32()),
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
