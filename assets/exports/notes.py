"""The sheets of contents and notes.

Belongs here: what a reader must know about the figures of a workbook: conventions, method, licence, source, vintage.
Does not belong here: the figures.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from assets.exports import styles
from assets.exports.citing import citation, database, licence, sources
from assets.exports.crosstabs import Crosstab
from assets.exports.gates import Withheld
from assets.exports.reading import TOTAL, Facts
from assets.exports.sheets import LEGEND, base_text
from assets.exports.styles import put
from assets.words import days, disclosure, flags
from warehouse.rows import Row

Line = tuple[str, str]  # what it is about, what there is to say

CONVENTIONS: tuple[Line, ...] = (
    ("Marks", LEGEND),
    (
        "Rounding",
        "Cells hold unrounded shares and show whole points; nets are of unrounded shares. So a column need not add "
        "up to 100, and two shares that look alike may differ. What a house published is as precise as it was printed.",
    ),
    (
        "Bases",
        "Unweighted: persons asked the question in that column. Weighted: the sum of their weights. Effective: "
        "persons divided by the design effect. It differs from answer to answer; tables give the lowest.",
    ),
)
SIGNIFICANCE: tuple[Line, ...] = (
    (
        "Column test",
        "Two columns of one banner, share against share: z = (p1 - p2) / sqrt(p (1 - p) (1/e1 + 1/e2)) with p the "
        "share of both together and e the effective bases of the two cells; two-sided, 95 %, |z| above 1.96. The "
        "letter of the lower column stands below the higher share.",
    ),
    (
        "Tested",
        "Only where both cells come from respondents' answers and have an effective base of 30 or more. Columns of "
        "published tables are not tested: their sources do not say whether a person may stand in two of them. The "
        "column of everyone is not tested, because it contains the others.",
    ),
    (
        "Not allowed for",
        "The number of pairs: of twenty pairs without a difference one gets a letter by chance. Clusters with people "
        "in two columns: the columns are taken as independent. Letters say nothing about changes between waves.",
    ),
)


def contents(
    sheet: Worksheet, title: str, subtitle: str, sheets: Sequence[Line], tables: Sequence[Crosstab],
    places: dict[int, int], dated: bool,
) -> None:  # fmt: skip
    """Title, the sheets, and every table with its place among the toplines."""
    styles.widths(sheet, 10, 60, 46, 22)
    styles.page(sheet, wide=False)
    put(sheet, 1, 1, title, styles.TITLE)
    put(sheet, 2, 1, subtitle, styles.SMALL)
    row = 4
    for name, what in sheets:
        _link(sheet, row, 1, name, f"'{name}'!A1")
        put(sheet, row, 2, what, styles.PLAIN)
        row += 1
    row += 1
    for at, name in enumerate(("Table", "Question", "Base", "Wave" if dated else "Question in the source"), start=1):
        put(sheet, row, at, name, styles.HEAD_LEFT)
    for table in tables:
        row += 1
        if table.number in places:
            _link(sheet, row, 1, f"Table {table.number}", f"'Toplines'!A{places[table.number]}")
        else:
            put(sheet, row, 1, f"Table {table.number}")
        put(sheet, row, 2, table.item["title"], styles.TEXT)
        put(sheet, row, 3, base_text(table) if TOTAL in table.groups else "subgroups only", styles.TEXT)
        put(sheet, row, 4, _where(table, dated), styles.TEXT)
        styles.height(sheet, row, table.item["title"], 58)
    sheet.freeze_panes = "A4"


def _where(table: Crosstab, dated: bool) -> str:
    if not dated:
        return str(table.question["question"])
    return f"{table.wave['wave']}, {days(table.wave['fieldwork_start'], table.wave['fieldwork_end'])}"


def _link(sheet: Worksheet, row: int, column: int, text: str, to: str) -> None:
    cell = put(sheet, row, column, text, styles.PLAIN)
    cell.hyperlink = Hyperlink(ref=cell.coordinate, location=to)
    cell.font = styles.LINK


def notes(sheet: Worksheet, facts: Facts, withheld: Iterable[Withheld], lettered: bool) -> None:
    """Everything that must be read with the figures."""
    styles.widths(sheet, 34, 110)
    styles.page(sheet, wide=False)
    put(sheet, 1, 1, "Notes", styles.TITLE)
    row = 2
    for heading, lines in _sections(facts, tuple(withheld), lettered):
        row += 1
        put(sheet, row, 1, heading, styles.HEADING)
        for name, text in lines:
            row += 1
            gap = text == NOT_STATED
            put(sheet, row, 1, name, replace(styles.TEXT, grey=True))
            put(sheet, row, 2, text, replace(styles.TEXT, bold=gap))
            styles.height(sheet, row, text, 112)
        row += 1


NOT_STATED = "NOT STATED by the house"


def _sections(facts: Facts, withheld: tuple[Withheld, ...], lettered: bool) -> Iterator[tuple[str, list[Line]]]:
    yield "Conventions", list(CONVENTIONS)
    if lettered:
        yield "Significance letters", list(SIGNIFICANCE)
    yield "Intervals", list(_intervals(facts.estimates))
    for wave in facts.waves:
        name = f"{facts.house(wave)}, {facts.line(wave)}, wave {wave['wave']}"
        yield f"{name}: method, {wave['disclosed_items']} of 11 disclosure items stated", list(_method(facts, wave))
        yield f"{name}: source and licence", list(_source(facts, wave))
    if withheld:
        yield "Not in this file", [(f"rule {one.rule}", str(one)) for one in withheld]
    yield "This file", [("Database", database(facts)), ("Selection", facts.subject)]


def _intervals(estimates: Sequence[Row]) -> Iterator[Line]:
    """How errors and intervals were made, each way once, and flags that occur."""
    ways = {(row["variance_method"], row["interval_method"]) for row in estimates if row["interval_method"]}
    for variance, interval in sorted(ways, key=str):
        yield str(interval), f"standard error: {variance or 'not stated'}"
    if any(row["percent"] is not None and row["percent_low"] is None for row in estimates):
        yield "No interval", "where n is not stated or the figure is not exact; the flags beside the figure say which"
    for flag, text in sorted({flag: flags([flag])[0] for row in estimates for flag in row["flags"]}.items()):
        yield f"flag {flag}", text


def _method(facts: Facts, wave: Row) -> Iterator[Line]:
    for item in disclosure(wave):
        yield f"{item['number']}. {item['name']}", NOT_STATED if item["missing"] else str(item["text"])
    if wave["design_effect"] is not None:
        how = f"{wave['design_effect']:g} ({(wave['design_effect_basis'] or '').replace('_', ' ')})"
        yield "Design effect of published figures", f"{how}. {wave['design_effect_reason'] or ''}"
    for release in facts.of(wave):
        weights = facts.weights.get(release["release"])
        if weights:
            yield "Weights in use", _weights(weights)
        if release["producer_notes"]:
            yield "The house's own words", release["producer_notes"]
    if wave["note"]:
        yield "Our note", wave["note"]


def _weights(row: Row) -> str:
    if not row["variable"] and not row["method"]:
        return f"none; {row['n']} respondents"
    what = row["method"] or f"variable {row['variable']}"
    spread = "" if row["lowest"] is None else f"{row['lowest']:.3g} to {row['highest']:.3g}, "
    return (
        f"{what}: {spread}design effect of weighting {row['design_effect']:.3g}, {row['n']} respondents, "
        f"{row['n_effective']:,.0f} effective"
    )


def _source(facts: Facts, wave: Row) -> Iterator[Line]:
    yield "To cite", citation(facts, wave)
    for address in sources(facts, wave):
        yield "Address", address
    for release in facts.of(wave):
        yield "Licence", licence(release)
        yield (
            "Vintage",
            (
                f"published {release['vintage']} ({release['status']}), load {release['load_vintage']} of "
                f"{release['loaded_at']:%Y-%m-%d}, because of: {release['cause']}"
            ),
        )
        for file in release["files"]:
            digest, _, name = file.partition("  ")
            yield f"sha256 of {name}", digest
