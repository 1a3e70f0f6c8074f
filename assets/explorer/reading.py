"""Reading the published database: the small tables, whole.

Belongs here: queries whose rows several pages share. Does not belong here: figures, which are read one item or one wave
at a time (streams), so that the memory of a build does not grow with the warehouse; what the pages make of the rows.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from assets.explorer import words
from assets.explorer.streams import WAVE, ByItem, Stream, by_wave
from warehouse import connect
from warehouse.rows import Row as Row
from warehouse.rows import rows

Answer = TypeVar("Answer")


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
        self.tables = frozenset(
            name
            for (name,) in con.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal UNION ALL"
                " SELECT function_name FROM duckdb_functions() WHERE function_type = 'table_macro' AND NOT internal"
                " UNION ALL SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        )
        self.about: dict[str, str] = dict(con.execute("SELECT key, value FROM about").fetchall())
        self.organisations = {row["organisation"]: row for row in rows(con, "FROM organisations ORDER BY organisation")}
        self.series = {
            (row["organisation"], row["series"]): row for row in rows(con, "FROM series ORDER BY organisation, series")
        }
        self.waves = {
            (row["organisation"], row["series"], row["wave"]): row
            for row in rows(con, "FROM waves ORDER BY organisation, series, wave")
        }
        self.concepts = {row["concept"]: row["name"] for row in self._optional("concepts", "FROM concepts")}
        self.items = {row["item"]: row for row in rows(con, "FROM items ORDER BY item")}
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
        self.releases_of = Groups(self.releases, *WAVE)
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
        self.revised_of, self.revised_in = Groups(self.revisions, "item"), Groups(self.revisions, *WAVE)
        self.claims = rows(con, "FROM claims ORDER BY published DESC, claim")
        self.claims_of = Groups(self.claims, "item")
        self.candidates = Groups(
            self._optional("claim_candidates", "FROM claim_candidates ORDER BY claim, view, position"), "claim"
        )
        self.scores = Groups(
            rows(
                con,
                "FROM scores WHERE subgroup = 'total' ORDER BY item, statistic, organisation, series, fieldwork_start",
            ),
            "item",
        )
        self.house_effects = Groups(
            self._optional(
                "house_effects",
                "FROM house_effects ORDER BY item, category, effect DESC NULLS LAST, organisation, series",
            ),
            "item",
        )
        self.house_lines = {
            (row["item"], row["category"]): row
            for row in self._optional(
                "house_lines",
                "SELECT item, category, max(day) AS day, arg_max(level, day) AS level,"
                " arg_max(level_low, day) AS level_low, arg_max(level_high, day) AS level_high FROM house_lines"
                " GROUP BY item, category",
            )
        }
        self.digest = self._optional("digest.position", "FROM digest ORDER BY position")
        self.overdue = self._optional(
            "overdue_on",
            "FROM overdue_on((SELECT try_cast(max(value) AS TIMESTAMP) FROM about WHERE key = 'refreshed_at'))"
            " ORDER BY overdue_days, organisation, series",
        )
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

    @cached_property
    def _on_concept(self) -> Groups:
        asked = [row for name, row in self.items.items() if name in self.dates]
        return Groups(sorted(asked, key=lambda row: (-self.dates[row["item"]][2], row["item"])), "concept")

    @cached_property
    def latest(self) -> Groups:
        """Figures of everyone in the latest wave of each series, of items that others set themselves apart from."""
        names = {text.partition(": ")[0] for row in self.items.values() for text in row["apart_from"]}
        return Groups(
            rows(
                self._con,
                "SELECT e.*, c.label, c.kind FROM estimates AS e JOIN categories AS c USING (item, category)"
                " WHERE subgroup = 'total' AND item IN (SELECT unnest($1))"
                " QUALIFY dense_rank() OVER (PARTITION BY item, organisation, series"
                " ORDER BY fieldwork_end DESC NULLS LAST, fieldwork_start DESC, wave DESC) = 1"
                " ORDER BY item, fieldwork_end DESC NULLS LAST, organisation, series, c.position",
                [sorted(names)],
            ),
            "item",
        )

    def asked_on(self, concept: str) -> list[Row]:
        """Items of a concept that have figures, those of most waves first."""
        return self._on_concept[concept]

    def neighbours(self, key: tuple[str, str, str]) -> tuple[Row | None, Row | None]:
        """The waves before and after one, by fieldwork."""
        of_series = [row for row in self.waves_of[key[:2]] if row["fieldwork_start"]]
        place = next((at for at, row in enumerate(of_series) if row["wave"] == key[2]), None)
        if place is None:
            return None, None
        after = of_series[place + 1] if place + 1 < len(of_series) else None
        return (of_series[place - 1] if place else None), after

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

    def concept(self, name: str) -> str:
        """The name of a concept; its id as words where the catalogue has none."""
        return self.concepts.get(name) or words.concept(name)

    def by_item(self, only: Sequence[str] | None = None) -> ByItem:
        """Figures, one item after the other; of these items only, if they are given."""
        return ByItem(self._con, self.tables, only)

    def by_wave(self, only: Sequence[str] | None = None) -> Stream:
        """Estimates, one wave after the other; of these (organisation/series/wave) only, if they are given."""
        return by_wave(self._con, only)

    def read(self, reader: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """What another room reads from the same database."""
        return reader(self._con)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query, as tuples."""
        return self._con.execute(query).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._con.close()

    def _optional(self, table: str, query: str) -> list[Row]:
        """Rows of a table; none from a database that was published before there was such a table."""
        return rows(self._con, query) if table in self.tables else []


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
