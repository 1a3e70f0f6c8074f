"""Sheets of toplines and crosstabs.

Belongs here: where each figure of a table stands. Does not belong here: which figures there are (`.crosstabs`), notes
and contents (`.notes`), sheets of trends (`.sheets_item`).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from openpyxl.worksheet.worksheet import Worksheet

from assets.estimates.rows import SMALL_BASE
from assets.exports import styles
from assets.exports.crosstabs import Crosstab, Group, column_letters
from assets.exports.reading import TOTAL
from assets.exports.styles import put
from assets.words import HIDDEN, KINDS, days, flags, said
from warehouse.rows import Row

LEGEND = (
    f"* above 0 and under 0.5    - zero    {HIDDEN} hidden: under 30 effective interviews    "
    "† and slanted: small base, under 100 effective interviews    bases are those of the question"
)
LETTERS = "Letters: significantly higher than the column of that letter (same banner, 95 %); see Notes."
_BASES = (
    ("Unweighted base", "n"),
    ("Weighted base", "weighted_n"),
    ("Effective base (lowest)", "n_effective"),
)
_TOPLINE_WIDTHS = (52.0, 9.0, 9.0, 9.0, 12.0, 62.0)
_LABELS, _COLUMN, _FIRST_TABLE = 40.0, 10.0, 6


def toplines(sheet: Worksheet, title: str, tables: Sequence[Crosstab], dated: bool) -> dict[int, int]:
    """Every table for everyone asked, one below the other; the row at which each begins, by its number."""
    styles.widths(sheet, *_TOPLINE_WIDTHS)
    styles.page(sheet, "3:3", wide=False)
    put(sheet, 1, 1, title, styles.TITLE)
    put(sheet, 2, 1, LEGEND, styles.SMALL)
    for at, name in enumerate(("Answer", "Percent", "95 % from", "to", "Effective n", "To be read with"), start=1):
        put(
            sheet,
            3,
            at,
            name,
            replace(styles.HEAD, align="right") if 1 < at < 6 else replace(styles.HEAD_LEFT, indent=at // 6),
        )
    sheet.freeze_panes = "A4"
    places, row = {}, 5
    for table in tables:
        if TOTAL not in table.groups:
            continue
        places[table.number] = row
        row = _topline(sheet, row, table, dated) + 2
    return places


def _topline(sheet: Worksheet, row: int, table: Crosstab, dated: bool) -> int:
    row = _heading(sheet, row, table, len(_TOPLINE_WIDTHS), sum(_TOPLINE_WIDTHS), dated)
    put(sheet, row, 1, base_text(table), styles.SMALL)
    common = _common_flags(table)
    if common:
        row += 1
        put(sheet, row, 1, "; ".join(flags(common)), styles.SMALL)
    for category in table.categories:
        cell = table.cells.get((TOTAL, category["category"]))
        if cell is None:
            continue
        row += 1
        put(sheet, row, 1, category["label"], replace(styles.TEXT, bold=category["kind"] == "net"))
        styles.height(sheet, row, category["label"], _TOPLINE_WIDTHS[0])
        share(sheet, row, 2, cell, bold=category["kind"] == "net")
        for at, name in ((3, "percent_low"), (4, "percent_high")):
            if cell[name] is not None:
                put(sheet, row, at, cell[name], replace(_number(cell), form=styles.POINTS))
        if cell["n_effective"] is not None:
            effective(sheet, row, 5, cell["n_effective"])
        told = [word for word in (said(KINDS, category["kind"]) if category["kind"] != "substantive" else "",) if word]
        told += flags(flag for flag in cell["flags"] if flag not in common)
        put(sheet, row, 6, "; ".join(told), replace(styles.TEXT, size=9, grey=True, indent=1))
    for statistic, of in table.scores.items():
        if TOTAL in of:
            row += 1
            score = of[TOTAL]
            put(sheet, row, 1, statistic.capitalize(), replace(styles.TEXT, italic=True))
            for at, name in ((2, "value"), (3, "value_low"), (4, "value_high")):
                if score[name] is not None:
                    put(sheet, row, at, score[name], replace(styles.PLAIN, align="right", form=styles.MEAN))
    return row


def crosstabs(sheet: Worksheet, title: str, tables: Sequence[Crosstab], groups: list[Group], dated: bool) -> None:
    """Tables below one another under one header of banners; `groups` are its columns.

    Rows that a test can reach have a second row with the letters.
    """
    names = column_letters(groups)
    last = len(groups) + 1
    styles.widths(sheet, _LABELS, *[_COLUMN] * len(groups))
    styles.page(sheet, "1:5")
    put(sheet, 1, 1, title, styles.TITLE)
    put(sheet, 2, 1, f"{LEGEND}    {LETTERS}", styles.SMALL)
    _banners(sheet, groups, names)
    sheet.freeze_panes = "C6"
    row = _FIRST_TABLE + 1
    for table in tables:
        row = _heading(sheet, row, table, last, _LABELS + _COLUMN * len(groups), dated) - 1
        row = _bases(sheet, row, table, groups)
        for category in table.categories:
            row = _line(sheet, row, table, category, groups)
        row = _scores(sheet, row, table, groups) + 3


def _banners(sheet: Worksheet, groups: list[Group], names: list[str]) -> None:
    """Rows 3 to 5: banner, column, letter."""
    for row in (3, 4, 5):
        put(sheet, row, 1, ("", "Percent of each column", "")[row - 3], styles.HEAD_LEFT)
    at = 2
    for banner, members in groupby(groups, key=lambda group: group[0]):
        own = list(members)
        for place, (group, value) in enumerate(own, start=at):
            look = replace(styles.HEAD, gap=place == at and group != "total")
            put(sheet, 3, place, "" if place > at or banner == "total" else _plain(banner), look)
            put(sheet, 4, place, "Total" if (group, value) == TOTAL else value, look)
            put(sheet, 5, place, names[place - 2], look)
        if len(own) > 1:
            sheet.merge_cells(start_row=3, start_column=at, end_row=3, end_column=at + len(own) - 1)
        at += len(own)
    styles.height(sheet, 4, max((value for _, value in groups), key=len), _COLUMN - 1)


def _bases(sheet: Worksheet, row: int, table: Crosstab, groups: list[Group]) -> int:
    for name, column in _BASES:
        values = [table.base(group, column) for group in groups]
        if column != "n" and not any(value is not None for value in values):
            continue
        row += 1
        look = replace(styles.PLAIN, italic=True, grey=True, below=column == "n_effective")
        put(sheet, row, 1, name, look)
        for at, (group, value) in enumerate(zip(groups, values, strict=True), start=2):
            if value is not None and column == "n_effective":
                effective(sheet, row, at, value, look)
            elif value is not None:
                put(sheet, row, at, value, replace(look, form=styles.COUNT, align="right"))
            elif column == "n" and group in table.groups:
                put(sheet, row, at, "not stated", replace(look, align="right", size=9))
            elif look.below:
                put(sheet, row, at, None, look)
    return row


def _line(sheet: Worksheet, row: int, table: Crosstab, category: Row, groups: list[Group]) -> int:
    row += 1
    net = category["kind"] == "net"
    put(sheet, row, 1, category["label"], replace(styles.TEXT, bold=net))
    styles.height(sheet, row, category["label"], _LABELS - 1)
    for at, cell in enumerate(table.line(category["category"], groups), start=2):
        if cell is not None:
            share(sheet, row, at, cell, bold=net)
    told = table.letters(category["category"], groups)
    if any(cell is not None and cell["basis"] == "microdata" for cell in table.line(category["category"], groups)):
        row += 1
        for at, own in enumerate(told, start=2):
            if own:
                put(sheet, row, at, " ".join(own), styles.LETTERS)
    return row


def _scores(sheet: Worksheet, row: int, table: Crosstab, groups: list[Group]) -> int:
    for statistic, of in table.scores.items():
        row += 1
        put(sheet, row, 1, statistic.capitalize(), replace(styles.TEXT, italic=True))
        for at, group in enumerate(groups, start=2):
            if group in of:
                mean(sheet, row, at, of[group])
    return row


def _heading(sheet: Worksheet, row: int, table: Crosstab, last: int, characters: float, dated: bool) -> int:
    """Title and wording of a table over its whole width; the row below."""
    wave = table.wave
    when = f"   wave {wave['wave']}, {days(wave['fieldwork_start'], wave['fieldwork_end'])}" if dated else ""
    put(sheet, row, 1, f"Table {table.number}. {table.item['title']}{when}", styles.HEADING)
    row += 1
    wording = str(table.question.get("wording") or "Wording not known")
    kind = table.question.get("wording_kind", "verbatim")
    text = f"{table.question['question']}: {wording}" + ("" if kind == "verbatim" else f" ({kind})")
    put(sheet, row, 1, text, styles.TEXT)
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=min(last, 12))
    wide = characters if last <= 12 else _LABELS + 11 * _COLUMN
    styles.height(sheet, row, text, wide * 1.05)
    return row + 1


def base_text(table: Crosstab) -> str:
    """Whom the shares of everyone are of, and how many those are."""
    first = table.rows_of(TOTAL)[0]
    n, weighted = table.base(TOTAL, "n"), table.base(TOTAL, "weighted_n")
    size = "n not stated" if n is None else f"n = {n:,.0f}"
    return f"Base: {first['base']}, {size}" + ("" if weighted is None else f", weighted {weighted:,.0f}")


def _common_flags(table: Crosstab) -> list[str]:
    told = [set(cell["flags"]) for (group, _), cell in table.cells.items() if group == TOTAL]
    return sorted(set.intersection(*told) - {"suppressed", "small_base"}) if told else []


def share(sheet: Worksheet, row: int, column: int, cell: Row, bold: bool = False, gap: bool = False) -> None:
    """A share as the field prints it; what is hidden, and what was published as words, as such."""
    look = replace(_number(cell), bold=bold, gap=gap)
    if "suppressed" in cell["flags"]:
        put(sheet, row, column, HIDDEN, look)
    elif cell["percent"] is None:
        put(sheet, row, column, str(cell["published_text"] or ""), look)
    else:
        put(
            sheet,
            row,
            column,
            cell["percent"],
            replace(look, form=styles.QUALIFIED.get(cell["qualifier"], styles.SHARE)),
        )


def mean(sheet: Worksheet, row: int, column: int, score: Row, gap: bool = False) -> None:
    """A mean or index, or the mark of what is hidden."""
    hidden = "suppressed" in score["flags"] or score["value"] is None
    look = styles.Look(align="right", gap=gap, form=styles.MEAN)
    put(sheet, row, column, HIDDEN if hidden else score["value"], look)


def effective(sheet: Worksheet, row: int, column: int, value: float, look: styles.Look = styles.PLAIN) -> None:
    """An effective base, marked where it is small."""
    form = styles.SMALL_COUNT if value < SMALL_BASE else styles.COUNT
    put(sheet, row, column, value, replace(look, align="right", form=form))


def _number(cell: Row) -> styles.Look:
    return styles.Look(align="right", italic="small_base" in cell["flags"])


def _plain(banner: str) -> str:
    return banner.replace("_", " ").capitalize()
