"""Reading the published database: small tables whole, figures one item or one wave at a time.

Belongs here: every query of the explorer. Does not belong here: what the pages make of the rows.
Figures are read in the order in which pages are made, so that the memory of a build does not grow with the warehouse.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from warehouse import connect

Row = dict[str, Any]
_BATCH = 20_000
_WAVE = ("organisation", "series", "wave")


class Stream:
    """Rows of a query ordered by a key, handed out key by key, in ascending order of the keys that are asked for."""

    def __init__(self, con: duckdb.DuckDBPyConnection, query: str, key: Sequence[str], then: str) -> None:
        self._rows = _rows(con.cursor(), f"{query} ORDER BY {', '.join(key)}, {then}")
        self._key = tuple(key)
        self._next: Row | None = next(self._rows, None)

    def take(self, *key: str) -> list[Row]:
        """The rows of this key; those of smaller keys are passed over."""
        found = []
        while self._next is not None:
            here = tuple(self._next[name] for name in self._key)
            if here > key:
                break
            if here == key:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


class Groups(dict[Any, list[Row]]):
    """Rows by the value of a column, or by the values of several; no rows for a key that is not there."""

    def __init__(self, found: Sequence[Row], *key: str) -> None:
        super().__init__()
        for row in found:
            self.setdefault(row[key[0]] if len(key) == 1 else tuple(row[name] for name in key), []).append(row)

    def __missing__(self, key: Any) -> list[Row]:
        return []


class Published:
    """The published database. Tables of the catalogue are read at once; `estimates`, `trends`, `changes` as streams."""

    def __init__(self, database: Path) -> None:
        self._con = connect.read(database)
        con = self._con
        self.about: dict[str, str] = dict(con.execute("SELECT key, value FROM about").fetchall())
        self.organisations = {row["organisation"]: row for row in rows(con, "FROM organisations ORDER BY organisation")}
        self.series = {
            (row["organisation"], row["series"]): row for row in rows(con, "FROM series ORDER BY organisation, series")
        }
        self.waves = {
            (row["organisation"], row["series"], row["wave"]): row
            for row in rows(con, "FROM waves ORDER BY organisation, series, wave")
        }
        self.items = {row["item"]: row for row in rows(con, "FROM items ORDER BY item")}
        self.on_concept = Groups(list(self.items.values()), "concept")
        self.categories = Groups(rows(con, "FROM categories ORDER BY item, position"), "item")
        self.questions = rows(
            con,
            "SELECT q.*, w.fieldwork_start, w.fieldwork_end FROM questions AS q"
            " LEFT JOIN waves AS w USING (organisation, series, wave)"
            " ORDER BY q.organisation, q.series, w.fieldwork_start NULLS LAST, q.wave, q.release, q.question",
        )
        self.asked_of = Groups(self.questions, "item")
        self.asked_in = Groups(self.questions, "release")
        self.options = _options(con)
        self.releases = rows(con, "FROM releases ORDER BY organisation, series, wave, vintage, release")
        self.releases_of = Groups(self.releases, *_WAVE)
        self.waves_of = Groups(
            sorted(self.waves.values(), key=lambda wave: (wave["fieldwork_start"] or dt.date.max, wave["wave"])),
            "organisation",
            "series",
        )
        self.weights = {row["release"]: row for row in rows(con, "FROM weights")}
        self.agreement = Groups(rows(con, "FROM agreement ORDER BY release, cell"), "release")
        self.conflicts = rows(con, "FROM conflicts ORDER BY release, position")
        self.conflicts_of = Groups(self.conflicts, "release")
        self.revisions = rows(
            con,
            "FROM revisions ORDER BY revised_on DESC NULLS LAST, organisation, series, wave, item, category,"
            " estimate_id",
        )
        self.revised_of, self.revised_in = Groups(self.revisions, "item"), Groups(self.revisions, *_WAVE)
        self.claims = rows(con, "FROM claims ORDER BY published DESC, claim")
        self.claims_of = Groups(self.claims, "item")
        self.candidates = self._claim_candidates()
        self.scores = Groups(
            rows(
                con,
                "FROM scores WHERE subgroup = 'total' ORDER BY item, statistic, organisation, series, fieldwork_start",
            ),
            "item",
        )
        self.digest = rows(con, "FROM digest ORDER BY kind, subject")
        self.checks = rows(con, "FROM checks WHERE NOT passed ORDER BY severity, level, subject, check_name")
        self.checks_of = Groups(self.checks, "subject")
        self.quarantine = rows(con, "FROM quarantine ORDER BY release, position")
        self.awaiting = rows(con, "FROM awaiting ORDER BY release, file")
        self.dates = {
            item: (first, last, waves, houses)
            for item, first, last, waves, houses in con.execute(
                "SELECT item, min(fieldwork_start), max(fieldwork_end), count(DISTINCT (organisation, series, wave)),"
                " count(DISTINCT organisation) FROM estimates GROUP BY item"
            ).fetchall()
        }

    def names(self, organisation: str, series: str) -> tuple[str, str]:
        """The names of an organisation and its series; ids where the catalogue has none."""
        return (
            str(self.organisations.get(organisation, {}).get("name", organisation)),
            str(self.series.get((organisation, series), {}).get("name", series)),
        )

    def name(self, organisation: str, series: str | None = None) -> str:
        """The name of an organisation, or of one of its series."""
        first, second = self.names(organisation, series or "")
        return first if series is None else f"{first}: {second}"

    def by_item(self) -> "ByItem":
        """Figures, one item after the other."""
        return ByItem(self._con)

    def by_wave(self) -> Stream:
        """Estimates, one wave after the other."""
        return Stream(
            self._con,
            "SELECT * FROM estimates",
            ("organisation", "series", "wave"),
            "item, question, subgroup, subgroup_value, category",
        )

    def close(self) -> None:
        """Let go of the file."""
        self._con.close()

    def _claim_candidates(self) -> Groups:
        """Figures that a claim may mean, by claim; none from a database that was published before there were any."""
        known = self._con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'claim_candidates'").fetchone()
        if not known:
            return Groups([])
        return Groups(rows(self._con, "FROM claim_candidates ORDER BY claim, view, position"), "claim")


class ByItem:
    """Streams of the tables that an item's page shows."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.estimates = Stream(
            con,
            "SELECT * FROM estimates",
            ("item",),
            "organisation, series, fieldwork_start NULLS LAST, fieldwork_end NULLS LAST, wave, subgroup,"
            " subgroup_value, category",
        )
        self.trends = Stream(
            con,
            "SELECT item, category, subgroup, subgroup_value, organisation, series, wave, segment, comparability,"
            " reasons FROM trends",
            ("item",),
            "organisation, series, position",
        )
        self.changes = Stream(
            con,
            "SELECT c.*, w.fieldwork_start AS later_start, v.fieldwork_start AS earlier_start FROM changes AS c"
            " LEFT JOIN waves AS w ON (w.organisation, w.series, w.wave) = (c.organisation, c.series, c.wave_to)"
            " LEFT JOIN waves AS v ON (v.organisation, v.series, v.wave) = (c.organisation, c.series, c.wave_from)",
            ("item",),
            "organisation, series, later_start NULLS LAST, wave_to, earlier_start, subgroup, subgroup_value, category",
        )


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    """All rows of a query."""
    return list(_rows(con, query))


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[Row]:
    found = con.execute(query)
    names = [column[0] for column in found.description or []]
    while batch := found.fetchmany(_BATCH):
        for row in batch:
            yield dict(zip(names, row, strict=True))


def _options(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[str]]:
    """(release, question) -> answers as the source words them, in its order."""
    found = con.execute(
        "SELECT release, question, option FROM (SELECT release, question, option, rowid AS place FROM toplines"
        "  WHERE standing IN ('figure', 'repeat')"
        " UNION ALL SELECT release, question, coalesce(label, code), rowid FROM codes WHERE in_base)"
        " GROUP BY ALL ORDER BY release, question, min(place)"
    ).fetchall()
    options: dict[tuple[str, str], list[str]] = defaultdict(list)
    for release, question, option in found:
        options[release, question].append(option)
    return dict(options)
