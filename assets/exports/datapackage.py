"""A Frictionless Data Package: public tables as CSV with a `datapackage.json` that says what they are.

Belongs here: the descriptor, made from the declarations of the tables. Does not belong here: which rows may leave
(`.passing`), how CSV is written (`.tabular`).

Source of the format: Data Package standard 2.0 (datapackage.org/standard/data-package), with its profiles Data
Resource and Table Schema.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from assets.exports.citing import PROGRAM
from assets.exports.gates import Gate, Withheld
from assets.exports.passing import FILTERS, passing
from assets.exports.tabular import as_csv, count
from schemas.tables import BY_NAME, Table
from warehouse.connect import quoted
from warehouse.files import write_whole
from warehouse.rows import Row, rows

# What answers the questions that people have; `waves` first, all others refer to it.
TABLES = (
    "waves", "organisations", "series", "releases", "items", "categories", "questions", "codes", "weights",
    "toplines", "estimates", "scores", "trends", "changes",
)  # fmt: skip
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
DESCRIPTOR = "datapackage.json"

_TYPES = {
    "VARCHAR": "string", "DOUBLE": "number", "INTEGER": "integer", "BIGINT": "integer", "BOOLEAN": "boolean",
    "DATE": "date", "TIMESTAMP": "datetime", "VARCHAR[]": "array",
}  # fmt: skip
# Names that people use, and what they are called in the list of licences of SPDX.
_SPDX = re.compile(r"CC (BY(?:-[A-Z]{2})*) (\d\.\d)$")


def package(
    con: duckdb.DuckDBPyConnection, gate: Gate, chosen: dict[str, str], *, safe: bool
) -> tuple[dict[str, bytes], list[Withheld], int]:
    """The files of a package by path, what stayed here, and how many rows there are.

    Args:
        con: the published database.
        gate: what may leave.
        chosen: organisation, series, wave or item; every table that has the column is narrowed by it.
        safe: see `.tabular.as_csv`.

    Raises:
        SelectionError: there is no such organisation, series, wave or item.
    """
    files: dict[str, bytes] = {}
    withheld: dict[Withheld, None] = {}
    resources, total = [], 0
    named: dict[str, list[Row]] = {}
    for name in TABLES:
        table = BY_NAME[name]
        own = {column: value for column, value in chosen.items() if column in table.columns}
        found = passing(con, gate, table, own, _within(table, chosen))
        withheld.update(dict.fromkeys(found.withheld))
        path = f"data/{name}.csv"
        files[path] = as_csv(con, found, safe=safe)
        number = count(con, found)
        total += number
        resources.append(_resource(table, path, files[path], number))
        if name in ("releases", "organisations"):
            named[name] = rows(con, found.query)
    about = dict(con.execute("SELECT key, value FROM about").fetchall())
    told = (
        _descriptor(about, chosen, safe) | _origin(named["releases"], named["organisations"]) | {"resources": resources}
    )
    files[DESCRIPTOR] = (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()
    return files, list(withheld), total


# Of tables without a column for items: the rows that belong to those who ask it.
_ASKING = (("release",), ("organisation", "series", "wave"), ("organisation", "series"), ("organisation",))


def _within(table: Table, chosen: dict[str, str]) -> list[str]:
    """Conditions that narrow a table to an item that it has no column for."""
    if "item" not in chosen or "item" in table.columns:
        return []
    for columns in _ASKING:
        if set(columns) <= set(table.columns):
            names = ", ".join(columns)
            return [f"({names}) IN (SELECT {names} FROM questions WHERE item = {quoted(chosen['item'])})"]
    return []


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a package, the descriptor last: a package with one is whole.

    Raises:
        FileExistsError: there is something else at the place.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / DESCRIPTOR).is_file())):
        raise FileExistsError(f"{folder} is there and is no data package; choose another place with --out")
    (folder / DESCRIPTOR).unlink(missing_ok=True)
    for path, data in sorted(files.items(), key=lambda one: one[0] == DESCRIPTOR):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, data)


def field(table: Table, name: str) -> dict[str, Any]:
    """A column as a field of Table Schema."""
    column = table.columns[name]
    told: dict[str, Any] = {"name": name, "type": _TYPES[table.sql_type(name)], "description": table.describe(name)}
    limits: dict[str, Any] = {} if column.nullable or told["type"] == "string" else {"required": True}
    allowed = (column.metadata or {}).get("allowed")
    if allowed and told["type"] == "string":
        limits["enum"] = list(allowed)
    return told | ({"constraints": limits} if limits else {})


def schema(table: Table) -> dict[str, Any]:
    """A declared table as a Table Schema."""
    return {"fields": [field(table, name) for name in table.columns], "primaryKey": list(table.key),
            "missingValues": [""]}  # fmt: skip


def licences(releases: Sequence[Row]) -> list[dict[str, str]]:
    """The licences under which releases let their files be passed on, each once."""
    named = sorted({row["licence"] for row in releases if row["redistribute"]})
    return [{"name": _SPDX.sub(r"CC-\1-\2", name).replace(" ", "-"), "title": name} for name in named]


def _resource(table: Table, path: str, data: bytes, number: int) -> dict[str, Any]:
    return {
        "name": table.name, "path": path, "title": table.name, "description": table.description,
        "type": "table", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8",
        "bytes": len(data), "hash": f"sha256:{hashlib.sha256(data).hexdigest()}", "rows": number,
        "schema": schema(table),
    }  # fmt: skip


def _descriptor(about: dict[str, str], chosen: dict[str, str], safe: bool) -> dict[str, Any]:
    """What the package is."""
    narrowed = [(name, chosen[name]) for name in FILTERS if name in chosen]
    what = ", ".join(f"{name} {value}" for name, value in narrowed)
    return {
        "$schema": PROFILE,
        "name": "-".join(["weathervane", *(value for _, value in narrowed)]),
        "title": f"Opinion surveys: {what}" if what else "Opinion surveys",
        "description": _DESCRIPTION + (_ESCAPED if safe else ""),
        "version": about.get("build", "unknown"),
        "created": about.get("refreshed_at", "1980-01-01T00:00:00Z"),
        "keywords": ["public opinion", "survey"],
    }


def _origin(releases: Sequence[Row], organisations: Sequence[Row]) -> dict[str, Any]:
    """Who made it, from what, and under which licences."""
    asking = {row["organisation"] for row in releases}
    houses = [
        {"title": row["name"], "roles": ["creator"]} | ({"path": row["url"]} if row["url"] else {})
        for row in organisations
        if row["organisation"] in asking
    ]
    told: dict[str, Any] = {"contributors": [{"title": PROGRAM, "roles": ["publisher"]}, *houses]}
    if releases:
        told["sources"] = _sources(releases)
    named = licences(releases)
    return told | ({"licenses": named} if named else {})


_DESCRIPTION = (
    "Figures of opinion surveys with their intervals, wordings and methods. Figures and the words of questions may be "
    "quoted with their source. Licences are those of the files of the releases; a release whose licence is unknown "
    "gives no codebook here. Shares that rest on fewer than 30 effective interviews are left out (flag suppressed)."
)
_ESCAPED = " Texts that a spreadsheet would run as a formula begin with an apostrophe."


def _sources(releases: Sequence[Row]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in releases:
        title = row["title"] or row["release"]
        one = {"title": title, "version": row["vintage"]} | ({"path": row["source_url"]} if row["source_url"] else {})
        found[title, row["source_url"] or ""] = one
    return [found[key] for key in sorted(found)]
