"""Workbook, data package, DDI and JSON-LD: every value is that of the database, and each format is what it says it is.

The house is tests.exports_house. Known shares of acme/monthly/01 are plain sums over the rows that were written
(tests.surveys). The schema of DDI is not shipped; where it lies beside the project, the codebooks are held to it.
"""

import csv
import datetime as dt
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import openpyxl
import pytest
from scipy.stats import chi2_contingency

from assets import words
from assets.exports import datapackage, jsonld, make, reading, sheets
from assets.exports.crosstabs import column_letters, crosstabs
from assets.exports.ddi import NAMESPACE, codebook
from assets.exports.gates import Gate, NothingMayLeaveError, gate
from assets.exports.notes import NOT_STATED
from assets.exports.reading import TOTAL
from assets.exports.workbook import workbook
from tests.exports_house import DISCLOSED, UNTIL, WORDS, House
from warehouse import connect

TODAY = dt.date(2026, 11, 23)
DIGITS = 1e-15  # a workbook has sixteen digits of a number
FREE, CLOSED, WEEKLY = "acme/monthly/01", "acme/monthly/02", "acme/weekly/01"


@pytest.fixture
def con(exports_house: House) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect.read(exports_house.database) as opened:
        yield opened


@pytest.fixture
def here(con: duckdb.DuckDBPyConnection) -> Gate:
    return gate(con, TODAY)


# ---- workbook -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def books(exports_house: House) -> dict[str, bytes]:
    """The workbooks of two waves and an item."""
    with connect.read(exports_house.database) as opened:
        of = gate(opened, TODAY)
        return {
            name: make.export(opened, of, "xlsx", make.Asked(name)).files[""]
            for name in (FREE, CLOSED, WEEKLY, "plan-support", "invented")
        }


def sheets_of(data: bytes) -> dict[str, Any]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: sheet for sheet in book.worksheets}


def lines(sheet: Any, *, titled: bool = True) -> Iterator[tuple[str, int, Any]]:
    """Title of the table, row, and the cells of the row."""
    title = ""
    for row in sheet.iter_rows():
        first = str(row[0].value or "")
        title = first if first.startswith("Table ") else title
        yield title, row[0].row, row


def test_toplines_have_the_values_of_the_database(books: dict[str, bytes], con: duckdb.DuckDBPyConnection) -> None:
    for name in (FREE, WEEKLY):
        organisation, series, wave = name.split("/")
        expected = con.execute(
            "SELECT 'Table ' || dense_rank() OVER (ORDER BY e.question) || '. ' || i.title, c.label, e.percent,"
            " e.percent_low, e.percent_high, e.n_effective FROM estimates AS e JOIN items AS i USING (item)"
            " JOIN categories AS c USING (item, category) WHERE e.organisation = ? AND e.series = ? AND e.wave = ?"
            " AND e.subgroup = 'total' ORDER BY e.question, c.position",
            [organisation, series, wave],
        ).fetchall()
        labels = {row[1] for row in expected}
        told = [
            (title, *(cell.value for cell in row[:5]))
            for title, _, row in lines(sheets_of(books[name])["Toplines"])
            if title and row[0].value in labels
        ]
        assert [row[:2] for row in told] == [row[:2] for row in expected] and len(told) > 2, name
        assert [row[2:] for row in told] == [pytest.approx(row[2:], rel=DIGITS) for row in expected], name


def test_crosstabs_have_the_known_shares_and_bases(books: dict[str, bytes], exports_house: House) -> None:
    sheet = sheets_of(books[FREE])["Crosstabs"]
    groups = _groups(sheet)
    checked = 0
    for title, number, row in lines(sheet):
        if "support" not in title.lower() or row[0].value is None:
            continue
        for at, (subgroup, value) in groups.items():
            cell = row[at - 1].value
            known = {
                category: exports_house.free.shares.get(("plan-support", category, subgroup, value))
                for category in ("support", "oppose", "dont_know", "any_view")
            }
            base = next(one for one in known.values() if one is not None)
            if row[0].value == "Unweighted base":
                assert cell == base.n, (number, subgroup, value)
            elif row[0].value == "Weighted base":
                assert cell == pytest.approx(base.weighted_n, rel=1e-9)
            elif (one := known.get(_category(row[0].value))) is not None and cell != words.HIDDEN:
                assert cell == pytest.approx(one.value, rel=1e-9), (row[0].value, subgroup, value)
                checked += 1
    assert checked > 30, f"only {checked} shares were compared"


def _groups(sheet: Any) -> dict[int, tuple[str, str]]:
    """Columns of the sheet -> banner and column of the database."""
    found, banner = {}, ""
    for at in range(2, sheet.max_column + 1):
        banner = sheet.cell(3, at).value or banner
        label = sheet.cell(4, at).value
        found[at] = ("total", "all") if label == "Total" else (banner.lower().replace(" ", "_"), label)
    return found


def _category(label: object) -> str:
    return str(label).casefold().replace("'", "").replace(" ", "_")


def test_letters_are_those_of_the_chi_square_test(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    """scipy's chi square of the two-by-two table of effective interviews, without correction, below 0.05."""
    compared = {True: 0, False: 0}
    for table in crosstabs(reading.facts(con, here, FREE)):
        groups = table.groups
        names = column_letters(groups)
        for category in table.categories:
            told = table.letters(category["category"], groups)
            cells = table.line(category["category"], groups)
            for at, one in enumerate(cells):
                for other, two in enumerate(cells):
                    if at == other or one is None or two is None or groups[at][0] != groups[other][0]:
                        continue
                    if groups[at][0] == "total" or one["percent"] is None or two["percent"] is None:
                        assert names[other] == "" or names[other] not in told[at]
                        continue
                    enough = min(one["n_effective"], two["n_effective"]) >= 30
                    higher = enough and one["percent"] > two["percent"] and _differ(one, two)
                    assert (names[other] in told[at]) == higher, (category["category"], groups[at], groups[other])
                    compared[higher] += 1
    assert min(compared.values()) > 10, compared


def _differ(one: dict[str, Any], two: dict[str, Any]) -> bool:
    table = [[e["n_effective"] * p, e["n_effective"] * (1 - p)] for e in (one, two) for p in (e["percent"] / 100,)]
    if not any(row[0] for row in table) or not any(row[1] for row in table):
        return False
    return bool(chi2_contingency(table, correction=False)[1] < 0.05)


def test_the_letters_of_the_sheet_stand_below_their_shares(
    books: dict[str, bytes], con: duckdb.DuckDBPyConnection, here: Gate
) -> None:
    sheet = sheets_of(books[FREE])["Crosstabs"]
    places = {group: at for at, group in _groups(sheet).items()}
    tables = {f"Table {t.number}. {t.item['title']}": t for t in crosstabs(reading.facts(con, here, FREE))}
    rows = list(lines(sheet))
    found = 0
    for index, (title, _, row) in enumerate(rows):
        table = tables.get(title)
        category = next((c for c in table.categories if c["label"] == row[0].value), None) if table else None
        if table is None or category is None:
            continue
        groups = list(places)
        told = table.letters(category["category"], groups)
        after = rows[index + 1][2] if index + 1 < len(rows) else None
        below = [(after[places[group] - 1].value or "") if after else "" for group in groups]
        assert below == [" ".join(own) for own in told], (title, row[0].value)
        found += sum(map(bool, below))
    assert found > 5


def test_what_is_hidden_is_shown_as_hidden(books: dict[str, bytes], con: duckdb.DuckDBPyConnection) -> None:
    (hidden,) = con.execute(
        "SELECT count(*) FROM estimates WHERE wave = '01' AND series = 'monthly' AND list_contains(flags, 'suppressed')"
    ).fetchone() or (0,)
    shown = [
        cell for _, _, row in lines(sheets_of(books[FREE])["Crosstabs"]) for cell in row if cell.value == words.HIDDEN
    ]
    assert len([cell for cell in shown if not cell.row < 6]) >= hidden > 0


def test_marks_of_the_field_come_from_the_format_of_the_cell(books: dict[str, bytes]) -> None:
    cells = {
        row[0].value: row[1] for title, _, row in lines(sheets_of(books[WEEKLY])["Toplines"]) if title and row[0].value
    }
    assert (cells["Agree"].value, cells["Disagree"].value, cells["Hard to say"].value) == (0.3, 99.7, 0.0)
    assert {cells[name].number_format for name in ("Agree", "Hard to say")} == {'[=0]"-";[<0.5]"*";0'}


def test_means_stand_below_the_shares(books: dict[str, bytes], exports_house: House) -> None:
    known = exports_house.free.means["council-trust", "total", "all"]
    found = sheets_of(books[FREE])
    for name in ("Toplines", "Crosstabs"):
        means = [
            row[1].value for title, _, row in lines(found[name]) if "council-trust" in title and row[0].value == "Mean"
        ]
        assert means == [pytest.approx(known.value, rel=1e-9)], name


def test_an_item_of_means_alone_is_a_table_too(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    found = reading.facts(con, here, "council-trust")
    found.estimates.clear()
    tables = crosstabs(found)
    assert [table.base(TOTAL, "n") for table in tables] == [
        row["n"] for row in found.scores if (row["subgroup"], row["statistic"]) == ("total", "mean")
    ]
    trend = sheets_of(workbook(found))["Trend"]
    told = {str(row[0].value): row[1].value for row in trend.iter_rows(min_row=4)}
    assert told["Mean"] == tables[0].scores["mean"][TOTAL]["value"] and told["Step from the wave before"] == (
        "means have no trend"
    )


def test_small_bases_are_marked(books: dict[str, bytes], con: duckdb.DuckDBPyConnection) -> None:
    sheet = sheets_of(books[FREE])["Crosstabs"]
    bases = [c for _, _, row in lines(sheet) if row[0].value == "Effective base (lowest)" for c in row[1:] if c.value]
    assert {"†" in c.number_format for c in bases} == {True, False}
    assert all(("†" in c.number_format) == (c.value < 100) for c in bases)


@pytest.mark.parametrize("name", [FREE, WEEKLY, "plan-support", "invented"])
def test_no_cell_is_a_formula(books: dict[str, bytes], name: str) -> None:
    for sheet in sheets_of(books[name]).values():
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"{sheet.title}!{cell.coordinate}: {cell.value}"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "\x00=1"])
def test_a_text_stays_a_text_in_a_workbook(text: str) -> None:
    from assets.exports import styles

    book = openpyxl.Workbook()
    styles.put(book.active, 1, 1, text)
    out = io.BytesIO()
    book.save(out)
    cell = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active["A1"]
    assert cell.data_type == "s" and str(cell.value).lstrip("\ufffd") == text.lstrip("\x00").replace("\r", "\n")
    assert cell.quotePrefix or text.startswith("\x00")


def test_the_notes_name_the_eleven_items_and_their_gaps(books: dict[str, bytes]) -> None:
    rows = [(row[0].value, row[1].value) for row in sheets_of(books[FREE])["Notes"].iter_rows(min_row=2)]
    told = {str(name).partition(". ")[2]: text for name, text in rows if name and str(name).split(".")[0].isdigit()}
    assert list(told) == list(words.DISCLOSURE.values())
    stated = {words.DISCLOSURE[name]: text for name, text in DISCLOSED.items()}
    assert {name: told[name] for name in stated} == stated
    assert [name for name, text in told.items() if text == NOT_STATED] == [
        words.DISCLOSURE[name]
        for name in ("sponsor_and_conductor", "instruments", "sampling", "processing", "limitations")
    ]


def test_the_notes_name_licence_source_citation_file_and_vintage(books: dict[str, bytes], exports_house: House) -> None:
    def notes(name: str) -> str:
        return "\n".join(f"{r[0].value}: {r[1].value}" for r in sheets_of(books[name])["Notes"].iter_rows())

    free, closed = notes(FREE), notes(CLOSED)
    for text in (
        "MIT; they may be passed on", "https://example.org/acme/monthly/01", exports_house.free.sha256, WORDS,
        "published 2024-01-28 (final), load 1", "To cite: Institute acme", "Taylor", "Column test", "|z| above 1.96",
    ):  # fmt: skip
        assert text in free, text
    assert "unknown; they may not be passed on" in closed and exports_house.closed.sha256 in closed
    assert "Column test" not in notes(WEEKLY), "no letters, no explanation of letters"


def test_contents_lead_to_the_tables(books: dict[str, bytes]) -> None:
    for name in (FREE, "plan-support"):
        found = sheets_of(books[name])
        links = {cell.value: cell.hyperlink.location for row in found["Contents"] for cell in row if cell.hyperlink}
        assert set(found) - {"Contents"} <= set(links)
        for text, location in links.items():
            sheet, _, place = location.replace("'", "").partition("!")
            assert sheet in found
            if text.startswith("Table "):
                assert str(found[sheet][place].value).startswith(f"{text}. "), (text, location)


def test_sheets_of_an_item(books: dict[str, bytes], con: duckdb.DuckDBPyConnection) -> None:
    found = sheets_of(books["plan-support"])
    assert list(found) == ["Contents", "Trend", "Toplines", "Crosstabs acme", "Changes", "Wording", "Notes"]
    expected = con.execute(
        "SELECT change, change_low, change_high, p_adjusted FROM changes WHERE item = 'plan-support'"
        " AND subgroup = 'total' ORDER BY organisation, series, category, pair, wave_from, wave_to"
    ).fetchall()
    told = [tuple(cell.value for cell in row[8:12]) for row in found["Changes"].iter_rows(min_row=4)]
    assert told == [pytest.approx(row, rel=DIGITS) for row in expected] and told
    trend = {str(row[0].value): [c.value for c in row[1:3]] for row in found["Trend"].iter_rows(min_row=4)}
    shares = con.execute(
        "SELECT percent FROM estimates WHERE item = 'plan-support' AND category = 'support' AND subgroup = 'total'"
        " ORDER BY wave"
    ).fetchall()
    assert trend["Wave"] == ["01", "02"] and trend["Support"] == pytest.approx([row[0] for row in shares], rel=DIGITS)
    assert all(sheet.freeze_panes for name, sheet in found.items() if name != "Notes")


def test_an_item_leaves_out_the_wave_under_embargo_and_says_so(books: dict[str, bytes]) -> None:
    found = sheets_of(books["invented"])
    text = "\n".join(str(row[1].value) for row in found["Notes"].iter_rows())
    assert "acme/weekly/02, all of it" in text and UNTIL in text
    trend = [[cell.value for cell in row] for row in found["Trend"].iter_rows(min_row=4, max_col=4)]
    assert [cell for cell in trend[1] if cell is not None] == ["Wave", "01"]


def test_a_workbook_has_no_time_of_its_own(books: dict[str, bytes], con: duckdb.DuckDBPyConnection) -> None:
    with zipfile.ZipFile(io.BytesIO(books[FREE])) as book:
        assert {info.date_time for info in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = book.read("docProps/core.xml").decode()
    (when,) = con.execute("SELECT value FROM about WHERE key = 'refreshed_at'").fetchone() or ("",)
    for name in ("created", "modified"):
        assert f'<dcterms:{name} xsi:type="dcterms:W3CDTF">{when}</dcterms:{name}>' in core, core


def test_a_wave_without_a_figure_makes_no_workbook(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    found = reading.facts(con, here, WEEKLY)
    found.estimates.clear()
    assert found.scores == []
    with pytest.raises(make.SelectionError, match="has no figure"):
        make._with_figures(found)


def test_effective_bases_are_never_rounded_up_to_a_mark(con: duckdb.DuckDBPyConnection) -> None:
    book = openpyxl.Workbook()
    for row, value in enumerate((99.99, 100.0), start=1):
        sheets.effective(book.active, row, 1, value)
    assert ["†" in book.active.cell(row, 1).number_format for row in (1, 2)] == [True, False]


# ---- data package ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(exports_house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "pack"
    with connect.read(exports_house.database) as opened:
        datapackage.write_folder(
            folder, make.export(opened, gate(opened, TODAY), "datapackage", make.Asked(None)).files
        )
    return folder


def test_the_package_is_valid_and_a_wrong_value_is_not(package: Path, tmp_path: Path) -> None:
    frictionless = pytest.importorskip("frictionless", reason="frictionless is in requirements-dev.in; make lock")
    report = frictionless.validate(str(package / datapackage.DESCRIPTOR))
    told = [(task.name, error.message) for task in report.tasks for error in task.errors]
    assert report.valid, told or report.errors
    assert len(report.tasks) == len(datapackage.TABLES)
    for path in package.rglob("*.*"):
        place = tmp_path / path.relative_to(package)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    damaged = tmp_path / "data" / "waves.csv"
    damaged.write_text(damaged.read_text().replace(",2024-01-01,", ",January,", 1))
    types = {
        e.type for task in frictionless.validate(str(tmp_path / datapackage.DESCRIPTOR)).tasks for e in task.errors
    }
    assert "type-error" in types and {"hash-count", "byte-count"} & types, types


def test_the_descriptor_says_what_the_files_are(package: Path, con: duckdb.DuckDBPyConnection) -> None:
    told = json.loads((package / datapackage.DESCRIPTOR).read_text())
    for resource in told["resources"]:
        data = (package / resource["path"]).read_bytes()
        assert resource["bytes"] == len(data)
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert len(list(csv.reader(io.StringIO(data.decode())))) - 1 == resource["rows"]
        meanings = dict(
            con.execute(
                "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?", [resource["name"]]
            ).fetchall()
        )
        assert {one["name"]: one["description"] for one in resource["schema"]["fields"]} == meanings
    assert told["licenses"] == [{"name": "MIT", "title": "MIT"}]
    assert {"title": "Institute acme", "roles": ["creator"]} in told["contributors"]
    assert "https://example.org/acme/monthly/01" in {source.get("path") for source in told["sources"]}
    assert "weekly/02" not in json.dumps(told)


@pytest.mark.parametrize(
    ("name", "spdx"), [("MIT", "MIT"), ("CC BY 4.0", "CC-BY-4.0"), ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0")]
)
def test_licences_have_the_names_of_their_list(name: str, spdx: str) -> None:
    assert datapackage.licences([{"licence": name, "redistribute": True}]) == [{"name": spdx, "title": name}]
    assert datapackage.licences([{"licence": name, "redistribute": False}]) == []


def test_a_package_of_an_item_has_only_what_belongs_to_it(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    files = make.export(con, here, "datapackage", make.Asked(None, {"item": "invented"})).files
    read = {name: list(csv.DictReader(io.StringIO(files[f"data/{name}.csv"].decode()))) for name in datapackage.TABLES}
    assert {row["series"] for row in read["estimates"]} == {"weekly"} == {row["series"] for row in read["waves"]}
    assert [row["release"] for row in read["releases"]] == [WEEKLY]
    assert {row["item"] for row in read["items"]} == {"invented"} and read["codes"] == read["weights"] == []


# ---- DDI ------------------------------------------------------------------------------------------------------------

NS = {"d": NAMESPACE}


def ddi(con: duckdb.DuckDBPyConnection, of: Gate, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(make.export(con, of, "ddi", make.Asked(name)).files[""])


@pytest.mark.parametrize("name", [FREE, CLOSED, WEEKLY])
def test_variables_have_the_wording_and_the_shares(con: duckdb.DuckDBPyConnection, here: Gate, name: str) -> None:
    told = {}
    for var in ddi(con, here, name).iterfind("d:dataDscr/d:var", NS):
        wording = var.findtext("d:qstn/d:qstnLit", namespaces=NS)
        for group in [*var.iterfind("d:catgryGrp", NS), *var.iterfind("d:catgry", NS)]:
            share = group.findtext("d:catStat[@type='percent']", namespaces=NS)
            if share is not None:
                told[wording, group.findtext("d:labl", namespaces=NS)] = float(share)
    expected = con.execute(
        "SELECT q.wording, c.label, e.percent FROM estimates AS e JOIN questions AS q USING (release, question)"
        " JOIN categories AS c ON c.item = e.item AND c.category = e.category"
        " WHERE e.release = ? AND e.subgroup = 'total' AND e.percent IS NOT NULL",
        [name],
    ).fetchall()
    assert told == {(wording, label): percent for wording, label, percent in expected} and told


def test_codes_of_the_file_are_in_it_only_with_a_licence(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    def codes(name: str) -> set[tuple[str | None, str | None, str | None]]:
        var = next(
            one for one in ddi(con, here, name).iterfind("d:dataDscr/d:var", NS)
            if one.get("name") == "Q1"
        )  # fmt: skip
        return {
            (c.findtext("d:catValu", namespaces=NS), c.findtext("d:labl", namespaces=NS),
             c.findtext("d:catStat[@type='freq']", namespaces=NS))
            for c in var.iterfind("d:catgry", NS)
        }  # fmt: skip

    query = "SELECT code, label, n::VARCHAR FROM codes WHERE release = ? AND question = 'Q1'"
    expected = set(con.execute(query, [FREE]).fetchall())
    assert codes(FREE) == expected and len(expected) == 4
    assert {code for code, _, _ in codes(CLOSED)} == {"support", "oppose", "dont_know", "any_view"}
    assert {count for _, _, count in codes(CLOSED)} == {None}
    made = make.export(con, here, "ddi", make.Asked(CLOSED))
    assert [(one.rule, one.release) for one in made.withheld] == [("codebook", CLOSED)]
    assert make.export(con, here, "ddi", make.Asked(FREE)).withheld == ()


def test_the_study_names_the_eleven_items(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    notes = ddi(con, here, FREE).findall("d:stdyDscr/d:stdyInfo/d:notes[@type='disclosure']", NS)
    told = {str(one.get("subject")).partition(". ")[2]: one.text for one in notes}
    assert list(told) == list(words.DISCLOSURE.values())
    assert told["Strategy of data collection"] == DISCLOSED["strategy"]
    assert [*told.values()].count("Not stated by the house.") == 5


def test_a_file_is_named_with_its_checksum(con: duckdb.DuckDBPyConnection, here: Gate, exports_house: House) -> None:
    (file,) = ddi(con, here, FREE).findall("d:fileDscr", NS)
    assert file.findtext("d:fileTxt/d:fileName", namespaces=NS) == "wave.sav"
    assert file.findtext("d:fileTxt/d:dimensns/d:caseQnty", namespaces=NS) == str(len(exports_house.free.rows))
    assert file.findtext("d:notes", namespaces=NS) == exports_house.free.sha256


def test_characters_that_xml_has_no_place_for_are_replaced(con: duckdb.DuckDBPyConnection, here: Gate) -> None:
    found = reading.facts(con, here, WEEKLY)
    found.waves[0]["note"] = "a\x00b\x1fc <&> \ud800 d"
    text = ElementTree.fromstring(codebook(found, [])).findtext("d:stdyDscr/d:stdyInfo/d:abstract", namespaces=NS)
    assert text == "a\ufffdb\ufffdc <&> \ufffd d"


def test_codebooks_hold_to_the_schema(con: duckdb.DuckDBPyConnection, here: Gate, shared: Path) -> None:
    """The official XSD (ddialliance.org, LGPL 3) with those that it imports; a damaged codebook does not hold to it."""
    place = shared / "schemas" / "ddi-codebook-2.5" / "codebook.xsd"
    if not place.is_file():
        pytest.skip(f"needs {place.relative_to(shared.parent)}, from ddialliance.org; it is not here")
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is in requirements-dev.in; make lock")
    schema = xmlschema.XMLSchema(str(place))
    for name in (FREE, CLOSED, WEEKLY):
        data = make.export(con, here, "ddi", make.Asked(name)).files[""].decode()
        assert [f"{error.path}: {error.reason}" for error in schema.iter_errors(data)] == [], name
        assert not schema.is_valid(data.replace("<titl>", "<title>").replace("</titl>", "</title>"))


# What the schema says of the elements in use: children in their order. From codebook.xsd, 2.5.
ORDER = {
    "codeBook": ("docDscr", "stdyDscr", "fileDscr", "dataDscr"),
    "citation": ("titlStmt", "rspStmt", "prodStmt", "serStmt", "verStmt", "biblCit", "holdings"),
    "stdyDscr": ("citation", "stdyInfo", "method", "dataAccs"),
    "stdyInfo": ("subject", "abstract", "sumDscr", "notes"),
    "sumDscr": ("collDate", "anlyUnit", "universe", "dataKind"),
    "dataColl": ("dataCollector", "sampProc", "collMode", "resInstru", "weight", "cleanOps"),
    "anlyInfo": ("EstSmpErr", "dataAppr"),
    "useStmt": ("citReq", "conditions"),
    "fileDscr": ("fileTxt", "notes"),
    "fileTxt": ("fileName", "dimensns"),
    "var": ("labl", "qstn", "universe", "sumStat", "catgryGrp", "catgry", "concept", "notes"),
    "catgryGrp": ("labl", "catStat"),
    "catgry": ("catValu", "labl", "catStat"),
}


@pytest.mark.parametrize("name", [FREE, CLOSED, WEEKLY])
def test_elements_stand_in_the_order_of_the_schema(con: duckdb.DuckDBPyConnection, here: Gate, name: str) -> None:
    root = ddi(con, here, name)
    for element in root.iter():
        tag = element.tag.partition("}")[2]
        children = [child.tag.partition("}")[2] for child in element]
        if tag in ORDER:
            assert children == sorted(children, key=ORDER[tag].index), tag
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for reference in (*(element.get("files") or "").split(), *(element.get("catgry") or "").split()):
            assert reference in ids


# ---- JSON-LD --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("selection", [FREE, "plan-support"])
def test_croissant_is_read_without_an_issue(
    con: duckdb.DuckDBPyConnection, here: Gate, tmp_path: Path, selection: str
) -> None:
    mlcroissant = pytest.importorskip(
        "mlcroissant", reason="needs mlcroissant, of which a part has no wheel: pip install mlcroissant"
    )
    made = make.export(con, here, "jsonld", make.Asked(selection, stem="own"))
    for name, data in made.files.items():
        (tmp_path / (name or "own.jsonld")).write_bytes(data)
    found = mlcroissant.Dataset(jsonld=str(tmp_path / "own.jsonld"))
    assert found.metadata.issues.errors == found.metadata.issues.warnings == set()
    records = list(found.records(record_set="estimates"))
    assert len(records) == made.rows
    shares = [row["estimates/percent"] for row in records if row["estimates/percent"] == row["estimates/percent"]]
    key, value = ("item", selection) if "/" not in selection else ("release", selection)
    expected = con.execute(f"SELECT percent FROM estimates WHERE {key} = ? AND percent IS NOT NULL", [value]).fetchall()
    assert sorted(share for share in shares if share is not None) == sorted(row[0] for row in expected)
    told = json.loads(made.files[""])
    del told["distribution"][0]["sha256"]
    (tmp_path / "bad.jsonld").write_text(json.dumps(told))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=str(tmp_path / "bad.jsonld"))


@pytest.mark.parametrize("selection", [FREE, "plan-support"])
def test_a_page_has_what_a_search_engine_asks_for(con: duckdb.DuckDBPyConnection, selection: str) -> None:
    told = jsonld.dataset(jsonld.House(con, TODAY), selection, url="items/x.html")
    assert told["@context"] == "https://schema.org/" and told["@type"] == "Dataset"
    assert 50 <= len(told["description"]) <= 5000, "Google takes descriptions of 50 to 5000 characters"
    assert told["url"] == "items/x.html" and told["creator"] == [{"@type": "Organization", "name": "Institute acme"}]
    assert told["temporalCoverage"].startswith("2024-01-01/") and "MIT" in told["license"]
    assert "distribution" not in told and told["variableMeasured"] and told["isBasedOn"]


def test_an_embargo_holds_for_pages_too(con: duckdb.DuckDBPyConnection) -> None:
    house = jsonld.House(con, TODAY)
    with pytest.raises(NothingMayLeaveError, match="embargo"):
        jsonld.dataset(house, "acme/weekly/02")
    assert jsonld.dataset(house, "invented")["temporalCoverage"] == "2024-01-01/2024-01-10"
    later = jsonld.House(con, dt.date.fromisoformat(UNTIL))
    assert jsonld.dataset(later, "invented")["temporalCoverage"] == "2024-01-01/2024-02-10"


def test_nothing_in_it_can_end_the_script_element() -> None:
    found = {"name": "</script><script>alert(1)</script> & <!-- \u2028"}
    text = jsonld.script(found)
    assert not {"<", ">", "&"} & set(text) and json.loads(text) == found
