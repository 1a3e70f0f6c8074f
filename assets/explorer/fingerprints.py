"""What each page of an item or a wave is made from, as one short text: if it is the same, the page is the same.

Belongs here: all that such a page depends on. Does not belong here: the pages, the folder that they lie in.

A page depends on the code and templates of this room, on rows of large tables (summed up by DuckDB) and on rows of
small ones (which are in memory anyway). Rather too much counts than too little: a page that is made again without need
is compared with what lies there and costs time only. Whoever shows something new on these pages adds it here;
tests/test_explorer_kept.py changes every table and holds the result against a site that was made from nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from assets.explorer import item
from assets.explorer.reading import Published
from assets.explorer.streams import OF_ITEM, WAVE

_ROOM = Path(__file__).parent
# All code that can change a page: this room and what it imports from elsewhere in the house.
SOURCES = (_ROOM, _ROOM.parent / "words.py", _ROOM.parent / "exports")
Key = tuple[str, str, str]


def short(value: Any) -> str:
    """A checksum of plain data."""
    return hashlib.blake2b(repr(value).encode(), digest_size=12).hexdigest()


@cache
def code() -> str:
    """A checksum of the code and the templates; and of DuckDB and Jinja, which hash and write."""
    files = [path for source in SOURCES for path in ([source] if source.is_file() else source.rglob("*"))]
    told = [
        (path.relative_to(_ROOM.parent).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(files)
        if path.suffix in (".py", ".html")
    ]
    return short([told, duckdb.__version__, jinja2.__version__])


class Fingerprints:
    """Fingerprints of all items and waves of one database."""

    def __init__(self, house: Published, embargoed: frozenset[str]) -> None:
        self._house = house
        self._embargoed = embargoed
        tables = [table for table in OF_ITEM if table in house.tables]
        self._of_item = {table: _sums(house, table, ("item",)) for table in tables}
        self._of_wave = _sums(house, "estimates", WAVE)
        self._waves_with: dict[str, list[Key]] = {}
        self._items_in: dict[Key, list[str]] = {}
        self._releases_with: dict[str, list[str]] = {}
        found = house.ask("SELECT DISTINCT item, organisation, series, wave, release FROM estimates ORDER BY ALL")
        for name, organisation, series, wave, release in found:
            self._waves_with.setdefault(name, []).append((organisation, series, wave))
            self._items_in.setdefault((organisation, series, wave), []).append(name)
            self._releases_with.setdefault(name, []).append(release)
        self._items = {name: short([row, house.categories[name]]) for name, row in house.items.items()}
        self._waves = {key: self._wave(key) for key in house.waves}
        self._concepts: dict[str, str] = {}

    def item(self, name: str) -> str:
        """Of an item's page and the files beside it."""
        house = self._house
        row = house.items[name]
        asked = house.asked_of[name]
        waves = sorted({*self._waves_with.get(name, ()), *((q["organisation"], q["series"], q["wave"]) for q in asked)})
        others = [text.partition(": ")[0] for text in row["apart_from"]]
        apart = [
            (house.items.get(other, {}).get("title"), house.latest[other], self._houses(other)) for other in others
        ]
        lines = [house.house_lines.get((name, category["category"])) for category in house.categories[name]]
        return short(
            [
                code(),
                self._items[name],
                [sums.get((name,)) for sums in self._of_item.values()],
                [(q, house.options.get((q["release"], q["question"]))) for q in asked],
                [self._waves.get(key) for key in waves],
                [house.claims_of[name], house.revised_of[name], house.scores[name], house.dates.get(name), apart],
                [house.house_effects[name], lines],
                self._concept(row["concept"]),
                sorted(self._embargoed.intersection(self._releases_with.get(name, ()))),
            ]
        )

    def wave(self, key: Key) -> str:
        """Of a wave's pages."""
        house = self._house
        releases = sorted({row["release"] for row in house.releases_of[key]})
        of_release: tuple[Mapping[Any, Any], ...] = (
            house.asked_in, house.weights, house.agreement, house.conflicts_of, house.checks_of,
        )  # fmt: skip
        revised = house.revised_in[key]
        return short(
            [
                code(),
                self._waves.get(key),
                self._of_wave.get(key),
                [self._items.get(name) for name in self._items_in.get(key, ())],
                [self._items.get(row["item"]) for name in releases for row in house.asked_in[name]],
                sorted(self._embargoed.intersection(releases)),
                [[rows.get(name) for rows in of_release] for name in releases],
                [revised, [self._items.get(row["item"]) for row in revised]],
                house.neighbours(key),
            ]
        )

    def _wave(self, key: Key) -> str:
        house = self._house
        names = house.names(key[0], key[1])
        own = (house.organisations.get(key[0]), house.series.get((key[0], key[1])))
        return short([house.waves[key], house.releases_of[key], names, own])

    def _houses(self, name: str) -> list[tuple[str, str]]:
        return [self._house.names(row["organisation"], row["series"]) for row in self._house.latest[name]]

    def _concept(self, concept: str) -> str:
        if concept not in self._concepts:
            others = self._house.asked_on(concept)
            shown = [(row["item"], row["title"]) for row in others[: item.MOST_RELATED + 1]]
            self._concepts[concept] = short([self._house.concept(concept), shown, len(others)])
        return self._concepts[concept]


def _sums(house: Published, table: str, key: Iterable[str]) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Key -> number of its rows and two sums over them. Each row counts as text, so that values cannot trade places."""
    names = ", ".join(key)
    found = house.ask(
        f"SELECT {names}, count(*), bit_xor(told), sum(told) FROM (SELECT {names}, hash(CAST(t AS VARCHAR)) AS told"
        f" FROM {table} AS t) GROUP BY ALL"
    )
    return {row[:-3]: row[-3:] for row in found}
