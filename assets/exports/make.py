"""One export: from what was asked for to the bytes of its files.

Belongs here: the formats by name, what each takes. Does not belong here: the formats themselves, writing to disk.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from assets.exports import datapackage, jsonld, tabular
from assets.exports.ddi import codebook
from assets.exports.gates import Gate, NothingMayLeaveError, Withheld
from assets.exports.passing import Passing, SelectionError, chosen_table, passing
from assets.exports.reading import TOTAL, Facts, codes, facts
from assets.exports.workbook import workbook
from schemas.tables import BY_NAME

TABLE, SUBJECT, WAVE, NOTHING = "table", "item or wave", "wave", "nothing"


@dataclass(frozen=True)
class Asked:
    """What an export is to hold.

    Attributes:
        selection: a table, an item, or organisation/series/wave; None for a package.
        chosen: organisation, series, wave or item by which tables are narrowed.
        safe: whether texts of CSV files that a spreadsheet would run get an apostrophe; None as the format has it.
        stem: name of the file without its ending, for files that lie beside it.
    """

    selection: str | None
    chosen: dict[str, str] = field(default_factory=dict)
    safe: bool | None = None
    stem: str = "export"


@dataclass(frozen=True)
class Made:
    """An export that is ready to be written.

    Attributes:
        files: bytes by path; "" is the file that was asked for, others lie beside it, in a package below it.
        rows: rows of tables, or figures, in it.
        withheld: what stayed here.
    """

    files: dict[str, bytes]
    rows: int
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Format:
    """A format: what it takes, the ending of its files, what it is, and how it is made."""

    takes: str
    ending: str
    about: str
    make: Callable[[duckdb.DuckDBPyConnection, Gate, Asked], Made]


def export(con: duckdb.DuckDBPyConnection, gate: Gate, name: str, asked: Asked) -> Made:
    """The files of an export.

    Args:
        con: the published database.
        gate: what may leave (`.gates.gate`).
        name: one of `FORMATS`.
        asked: what it is to hold.

    Raises:
        SelectionError: what was asked for is not there, or the format does not take it.
        NothingMayLeaveError: all of it stays here.
    """
    form = FORMATS[name]
    if form.takes == NOTHING and asked.selection is not None:
        raise SelectionError(f"{name} holds all tables; narrow it with --organisation, --series, --wave or --item")
    if form.takes != NOTHING and asked.selection is None:
        raise SelectionError(f"{name} needs a selection: {_WANTED[form.takes]}")
    if form.takes in (SUBJECT, WAVE) and asked.chosen:
        raise SelectionError(f"{name} takes no --{min(asked.chosen)}; name the {form.takes} itself")
    if form.takes == WAVE and "/" not in str(asked.selection):
        raise SelectionError(f"{name} describes one wave; expected organisation/series/wave, found {asked.selection!r}")
    return form.make(con, gate, asked)


_WANTED = {
    TABLE: "the name of a table, for example estimates (docs/tables.md lists them)",
    SUBJECT: "an item, for example belarus-army-role, or organisation/series/wave",
    WAVE: "organisation/series/wave, for example chatham-house/belarus/08",
}


def _table(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> tuple[Passing, int]:
    table = chosen_table(str(asked.selection), gate)
    if isinstance(table, Withheld):
        raise NothingMayLeaveError([table])
    found = passing(con, gate, table, asked.chosen)
    number = tabular.count(con, found)
    if not number and found.withheld:
        raise NothingMayLeaveError(found.withheld)
    if not number and asked.chosen:
        told = " and ".join(f"{name} {value}" for name, value in asked.chosen.items())
        raise SelectionError(f"{table.name} has no row of {told}")
    return found, number


def _csv(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> Made:
    found, number = _table(con, gate, asked)
    return Made({"": tabular.as_csv(con, found, safe=asked.safe is not False)}, number, found.withheld)


def _parquet(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> Made:
    found, number = _table(con, gate, asked)
    return Made({"": tabular.as_parquet(con, found)}, number, found.withheld)


def _package(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> Made:
    files, withheld, number = datapackage.package(con, gate, asked.chosen, safe=asked.safe is True)
    return Made(files, number, tuple(withheld))


def _xlsx(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> Made:
    found = facts(con, gate, str(asked.selection))
    return Made({"": workbook(_with_figures(found))}, len(found.estimates) + len(found.scores), found.withheld)


def _ddi(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> Made:
    found = facts(con, gate, str(asked.selection))
    own, held = codes(con, gate, found.releases)
    number = sum((row["subgroup"], row["subgroup_value"]) == TOTAL for row in found.estimates)
    return Made({"": codebook(found, own)}, number, (*found.withheld, *held))


def _jsonld(con: duckdb.DuckDBPyConnection, gate: Gate, asked: Asked) -> Made:
    """The description, and beside it the CSV of figures that it describes."""
    selection = str(asked.selection)
    house = jsonld.House(con, gate.today)
    jsonld.dataset(house, selection)  # refuses what is not there, or may not leave
    names = ("organisation", "series", "wave") if "/" in selection else ("item",)
    parts = selection.split("/") if "/" in selection else [selection]
    table = BY_NAME["estimates"]
    found = passing(con, gate, table, dict(zip(names, parts, strict=True)))
    data = tabular.as_csv(con, found, safe=asked.safe is True)
    name = f"{asked.stem}-estimates.csv"
    file = jsonld.DataFile(name, name, hashlib.sha256(data).hexdigest(), len(data), table)
    told = json.dumps(jsonld.dataset(house, selection, file=file), ensure_ascii=False, indent=2) + "\n"
    return Made({"": told.encode(), name: data}, tabular.count(con, found), found.withheld)


def _with_figures(found: Facts) -> Facts:
    if not found.estimates and not found.scores:
        raise SelectionError(f"{found.subject} has no figure; there is no table to make")
    return found


FORMATS: dict[str, Format] = {
    "xlsx": Format(SUBJECT, ".xlsx", "a workbook of toplines, crosstabs and notes", _xlsx),
    "csv": Format(TABLE, ".csv", "a table as CSV", _csv),
    "parquet": Format(TABLE, ".parquet", "a table as Parquet", _parquet),
    "datapackage": Format(NOTHING, ".zip", "a Frictionless Data Package of the tables", _package),
    "ddi": Format(WAVE, ".xml", "a wave as a DDI codebook 2.5", _ddi),
    "jsonld": Format(SUBJECT, ".jsonld", "schema.org and Croissant metadata, with the CSV that they describe", _jsonld),
}
