"""What a search engine and a program for data sets understand: schema.org's Dataset as JSON-LD, of an item or a wave.

Belongs here: which property says what. Does not belong here: pages (the explorer embeds `dataset` in them), the CSV
beside an exported file (`.tabular`).

    from assets.exports import jsonld
    house = jsonld.House(con, today)                            # reads the small tables, once for all pages
    found = jsonld.dataset(house, "belarus-army-role", url="items/belarus-army-role.html")
    html = jsonld.script(found)                                 # the text of <script type="application/ld+json">

Without a file it is a plain Dataset. With one it is also a Croissant 1.0 description of it, by which programs read the
file (`mlcroissant`). Sources: schema.org/Dataset; docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import duckdb

from assets.exports.citing import PROGRAM, QUOTED
from assets.exports.gates import NothingMayLeaveError, gate
from assets.exports.passing import SelectionError, unknown
from assets.exports.reading import grouped, key_of
from schemas.tables import Table
from warehouse.rows import Row, rows

CROISSANT = "http://mlcommons.org/croissant/1.0"
# The names of Croissant that are used here, as its specification writes them.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "conformsTo": "dct:conformsTo",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{name: {"@id": f"cr:{name}", "@type": "@json"} for name in ("data", "examples")},
    **{name: f"cr:{name}" for name in (
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
        "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
        "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
    )},
}  # fmt: skip
_TYPES = {
    "DOUBLE": "sc:Float", "INTEGER": "sc:Integer", "BIGINT": "sc:Integer", "BOOLEAN": "sc:Boolean", "DATE": "sc:Date",
    "TIMESTAMP": "sc:DateTime",
}  # fmt: skip
_FILE = "estimates"


@dataclass(frozen=True)
class DataFile:
    """A CSV of the figures.

    Attributes:
        name: of the file.
        url: where it lies, from the place of the JSON-LD.
        sha256: of its bytes.
        bytes: how many.
        table: its columns.
    """

    name: str
    url: str
    sha256: str
    bytes: int
    table: Table


class House:
    """The small tables of the published database, and what may leave today."""

    def __init__(self, con: duckdb.DuckDBPyConnection, today: dt.date) -> None:
        """Read them."""
        self.gate = gate(con, today)
        self.about: dict[str, str] = dict(con.execute("SELECT key, value FROM about").fetchall())
        self.items = {row["item"]: row for row in rows(con, "FROM items ORDER BY item")}
        self.categories = grouped(rows(con, "FROM categories ORDER BY item, position"), "item")
        self.questions = rows(con, "SELECT release, item, wording FROM questions ORDER BY release, question")
        self.asked_of = grouped(self.questions, "item")
        self.asked_in = grouped(self.questions, "release")
        self.releases = {row["release"]: row for row in rows(con, "FROM releases ORDER BY release")}
        self.organisations = {row["organisation"]: row for row in rows(con, "FROM organisations")}
        self.series = {(row["organisation"], row["series"]): row for row in rows(con, "FROM series")}
        order = "fieldwork_start NULLS LAST, organisation, series, wave"
        self.waves = {"/".join(key_of(row)): row for row in rows(con, f"FROM waves ORDER BY {order}")}
        self.of_wave: dict[str, list[str]] = {}
        for name, row in self.releases.items():
            self.of_wave.setdefault("/".join(key_of(row)), []).append(name)

    def name(self, wave: Row) -> str:
        """The organisation's name."""
        return str(self.organisations.get(wave["organisation"], {}).get("name") or wave["organisation"])


def dataset(house: House, selection: str, *, url: str | None = None, file: DataFile | None = None) -> dict[str, Any]:
    """The JSON-LD of `organisation/series/wave`, or of the item of that id.

    Args:
        house: what is published.
        selection: item or wave.
        url: address of the page that it describes.
        file: a CSV of its figures, if there is one.

    Raises:
        SelectionError: there is neither such an item nor such a wave.
        NothingMayLeaveError: all of it is under embargo.
    """
    item, found = _found(house, selection)
    free = [name for name in found if name not in house.gate.embargoed]
    if not free:
        raise NothingMayLeaveError([held for name in found if (held := house.gate.embargo(name))])
    releases = [house.releases[name] for name in free]
    keys = {"/".join(key_of(row)) for row in releases}
    waves = [row for name, row in house.waves.items() if name in keys]
    return _described(house, selection, item, waves, releases, url, file)


def script(found: dict[str, Any]) -> str:
    """JSON-LD as the text of a script element: nothing in it can end the element."""
    told = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _found(house: House, selection: str) -> tuple[Row | None, list[str]]:
    """The item, if it is one, and the releases behind it."""
    if "/" in selection:
        if selection not in house.of_wave:
            raise SelectionError(unknown("wave", selection, list(house.waves)))
        return None, house.of_wave[selection]
    if selection not in house.items:
        raise SelectionError(unknown("item", selection, list(house.items)))
    if selection not in house.asked_of:
        raise SelectionError(f"the item {selection} is in no release that is loaded; there is nothing to export")
    return house.items[selection], list(dict.fromkeys(row["release"] for row in house.asked_of[selection]))


def _measured(house: House, item: Row | None, releases: list[Row]) -> list[Row]:
    """What is measured: the answers of an item, or the questions of a wave."""
    if item is not None:
        own = house.categories.get(item["item"], [])
        return [{"@type": "PropertyValue", "name": row["label"], "alternateName": row["category"]} for row in own]
    asked = {row["item"]: row for release in releases for row in house.asked_in.get(release["release"], [])}
    return [
        {"@type": "PropertyValue", "name": house.items[name]["title"], "description": row["wording"]}
        for name, row in asked.items()
    ]


def _described(
    house: House, selection: str, item: Row | None, waves: list[Row], releases: list[Row], url: str | None,
    file: DataFile | None,
) -> dict[str, Any]:  # fmt: skip
    vintages = [row["vintage"] for row in releases if row["vintage"][:1].isdigit()]
    told: dict[str, Any] = {
        "@context": _CONTEXT if file else "https://schema.org/",
        "@type": "sc:Dataset" if file else "Dataset",
        "name": _name(house, item, waves),
        "description": _description(house, item, waves),
        "identifier": selection,
        "url": url,
        "creator": _creators(house, waves),
        "publisher": {"@type": "Organization", "name": PROGRAM},
        "license": _licence(releases),
        "isAccessibleForFree": True,
        "keywords": _keywords(item),
        "version": f"{house.about.get('refresh', '0')}.0.0",
        "dateModified": house.about.get("refreshed_at", "")[:10] or None,
        "datePublished": max(vintages, default=None),
        "temporalCoverage": _span(waves),
        "measurementTechnique": sorted({wave["mode"] for wave in waves if wave["mode"]}),
        "variableMeasured": _measured(house, item, releases),
        "isBasedOn": list(dict.fromkeys(row["source_url"] for row in releases if row["source_url"])),
    }
    if file:
        told |= _croissant(file, told["name"])
    return {name: value for name, value in told.items() if value not in (None, [], "")}


def _creators(house: House, waves: list[Row]) -> list[Row]:
    found: dict[str, Row] = {}
    for wave in waves:
        address = house.organisations.get(wave["organisation"], {}).get("url")
        own = {"@type": "Organization", "name": house.name(wave)}
        found[wave["organisation"]] = own | ({"url": address} if address else {})
    return list(found.values())


def _name(house: House, item: Row | None, waves: list[Row]) -> str:
    if item is not None:
        return str(item["title"])
    wave = waves[0]
    line = house.series.get((wave["organisation"], wave["series"]), {}).get("name") or wave["series"]
    return f"{house.name(wave)}, {wave['title'] or line}, wave {wave['wave']}"


def _description(house: House, item: Row | None, waves: list[Row]) -> str:
    houses = "; ".join(dict.fromkeys(house.name(wave) for wave in waves))
    who = "; ".join(dict.fromkeys(wave["population"] for wave in waves if wave["population"])) or "not stated"
    known = sum(wave["n"] or 0 for wave in waves)
    size = f"{known} interviews where the number is stated" if known else "number of interviews not stated"
    asked = f"The question: {item['wording']} " if item is not None else ""
    return (
        f"{asked}Shares of answers with intervals, as published or estimated: {len(waves)} "
        f"wave{'s' if len(waves) != 1 else ''} of {houses}, {size}. Population: {who}."
    )


def _licence(releases: list[Row]) -> str:
    names = sorted({row["licence"] for row in releases})
    return f"Licence of the files of the releases: {', '.join(names)}. {QUOTED}"


def _keywords(item: Row | None) -> list[str]:
    own = [] if item is None else [item["concept"], *item["keywords"]]
    return list(dict.fromkeys(["public opinion", "survey", *own]))


def _span(waves: list[Row]) -> str | None:
    days: list[dt.date] = [wave[end] for wave in waves for end in ("fieldwork_start", "fieldwork_end") if wave[end]]
    return f"{min(days).isoformat()}/{max(days).isoformat()}" if days else None


def _croissant(file: DataFile, name: str) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field", "@id": f"{_FILE}/{column}", "name": column, "description": file.table.describe(column),
            "dataType": _TYPES.get(file.table.sql_type(column), "sc:Text"),
            "source": {"fileObject": {"@id": file.name}, "extract": {"column": column}},
        }
        for column in file.table.columns
    ]  # fmt: skip
    return {
        "conformsTo": CROISSANT,
        "citeAs": f"{name}. {PROGRAM}.",
        "distribution": [
            {
                "@type": "cr:FileObject", "@id": file.name, "name": file.name, "contentUrl": file.url,
                "encodingFormat": "text/csv", "sha256": file.sha256, "contentSize": f"{file.bytes} B",
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet", "@id": _FILE, "name": _FILE, "description": file.table.description,
                "key": [{"@id": f"{_FILE}/{column}"} for column in file.table.key], "field": fields,
            }
        ],
    }  # fmt: skip
