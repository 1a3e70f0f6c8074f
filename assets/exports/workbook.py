"""Workbooks (XLSX) of one wave or of one item over its waves.

Belongs here: which sheets a workbook has. Does not belong here: the sheets (`.sheets`, `.sheets_item`, `.notes`).
"""

import datetime as dt
import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from assets.exports import notes, sheets, sheets_item, styles
from assets.exports.citing import PROGRAM, database
from assets.exports.crosstabs import Crosstab, crosstabs, ordered
from assets.exports.reading import TOTAL, Facts, key_of
from assets.exports.zips import timeless
from assets.words import days

_EARLIEST = "1980-01-01T00:00:00Z"


def workbook(facts: Facts) -> bytes:
    """The workbook of a wave or an item, the same bytes for the same facts."""
    book = Workbook()
    book.remove(book.active)
    tables = crosstabs(facts)
    title, subtitle = _titles(facts)
    first = book.create_sheet("Contents")
    told = [("Toplines", "every answer of everyone asked, with interval")]
    dated = facts.item is not None
    if dated:
        sheets_item.trend(book.create_sheet("Trend"), title, facts, tables)
        told.insert(0, ("Trend", "waves side by side, breaks marked"))
    places = sheets.toplines(book.create_sheet("Toplines"), title, tables, dated)
    crossed = _crosstabs(book, facts, title, tables)
    told += crossed
    if facts.changes:
        sheets_item.changes(book.create_sheet("Changes"), title, facts)
        told.append(("Changes", "pairs of waves, tested where they compare"))
    if dated:
        sheets_item.wording(book.create_sheet("Wording"), title, facts)
        told.append(("Wording", "the question as it was asked in every wave"))
    told.append(("Notes", "conventions, significance, method, licence, source, vintage: read with every figure"))
    notes.notes(book.create_sheet("Notes"), facts, facts.withheld, bool(crossed))
    notes.contents(first, title, subtitle, told, tables, places, dated)
    return _bytes(book, facts, title)


def _titles(facts: Facts) -> tuple[str, str]:
    if facts.item is not None:
        houses = dict.fromkeys(facts.house(wave) for wave in facts.waves)
        return facts.item["title"], f"{facts.item['item']}: {len(facts.waves)} waves of {'; '.join(houses)}"
    wave = facts.waves[0]
    size = f"n = {wave['n']}" if wave["n"] else "n not stated"
    whom = wave["population"] or "population not stated"
    return (
        f"{facts.house(wave)}: {wave['title'] or facts.line(wave)}, wave {wave['wave']}",
        f"{days(wave['fieldwork_start'], wave['fieldwork_end'])}; {size}; {whom}",
    )


def _crosstabs(book: Workbook, facts: Facts, title: str, tables: Sequence[Crosstab]) -> list[tuple[str, str]]:
    """A sheet for each series that has subgroups; of a wave there is one."""
    told = []
    for series in dict.fromkeys(key_of(table.wave)[:2] for table in tables):
        own = [table for table in tables if key_of(table.wave)[:2] == series and set(table.groups) - {TOTAL}]
        if not own:
            continue
        house = f"Crosstabs {series[0]}" if facts.item is not None else "Crosstabs"
        sheet: Worksheet = book.create_sheet(styles.sheet_name(house, book.sheetnames))
        groups = ordered(group for table in own for group in table.groups)
        sheets.crosstabs(sheet, title, own, groups, facts.item is not None)
        banners = dict.fromkeys(banner.replace("_", " ") for banner, _ in groups if banner != "total")
        told.append((sheet.title, f"{facts.line(own[0].wave)}: by {', '.join(banners)}"))
    return told


def _bytes(book: Workbook, facts: Facts, title: str) -> bytes:
    when = facts.about.get("refreshed_at", _EARLIEST)
    book.properties.title = title
    book.properties.creator = PROGRAM
    book.properties.description = database(facts)
    book.properties.created = dt.datetime.fromisoformat(when).replace(tzinfo=None)
    out = io.BytesIO()
    book.save(out)
    return timeless(out.getvalue(), when)
