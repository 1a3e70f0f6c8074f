"""Reading tables of published figures: what is read, what is refused, and whether the words help."""

import base64
import datetime as dt
import os
import struct
import time
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest

from assets.isolation import Job, Limits, run
from assets.toplines.addresses import column_letters, column_number
from assets.toplines.read import read
from schemas.problems import ProblemsError

FILE = "house/series/08/toplines.csv"
BOOK = "house/series/08/toplines.xlsx"
COLUMNS = ["question", "wording", "option", "percent", "base", "n", "published", "source_url", "confidence"]
ROW = ["q1", "Do you agree?", "yes", 52.2, "all", 896, "2022-03", "https://a.org/1", "read_directly"]
HEADER = ",".join(COLUMNS)
LINE = "q1,Do you agree?,yes,52.2,all,896,2022-03,https://a.org/1,read_directly"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "nasty" / "generated"
REQUIRED = "a CSV or XLSX table with the columns " + ", ".join(c for c in COLUMNS if c != "n")


@pytest.fixture
def at(tmp_path):
    """Writes bytes or text to a file and gives its path."""

    def write(content, name="anything"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def book(tmp_path):
    """Makes a workbook of rows: cells by place, formats by address; gives its path."""

    def make(*rows, formats=None, header=COLUMNS, top=1, sheets=("Sheet1",), hidden=(), cells=None):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for name in sheets:
            sheet = workbook.create_sheet(name)
            sheet.sheet_state = "hidden" if name in hidden else "visible"
            for row, values in enumerate([header, *rows], top):
                for column, value in enumerate(values, 1):
                    sheet.cell(row, column, value)
            for address, value in (cells or {}).items():
                sheet[address] = value
            for address, number_format in (formats or {}).items():
                sheet[address].number_format = number_format
        path = tmp_path / "book"
        workbook.save(path)
        return str(path)

    return make


def problems(path, file=FILE, sheet=None):
    with pytest.raises(ProblemsError) as caught:
        read(path, file, sheet)
    return caught.value.problems


def refusal(path, file=FILE, sheet=None):
    (problem,) = problems(path, file, sheet)
    return problem.cause, str(problem).removeprefix(file)


def repacked(path, change):
    """The workbook with its parts (name -> bytes) changed by `change`."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, raw in parts.items():
            new.writestr(name, raw)
    return path


def with_row(**values):
    return [values.get(column, value) for column, value in zip(COLUMNS, ROW, strict=True)]


# --- CSV --------------------------------------------------------------------------------------------------


def test_csv(at):
    ranged = LINE.replace("52.2", "2-4")
    rows = read(at(f"{HEADER}\n{LINE}\n\n{ranged}\n"), FILE)
    assert rows[0] == {
        "row": 2, "cell": "toplines.csv:2", "question": "q1", "wording": "Do you agree?", "option": "yes",
        "percent": "52.2", "base": "all", "n": "896", "published": "2022-03", "source_url": "https://a.org/1",
        "confidence": "read_directly", "qualifier": "exact", "qualifier_text": None, "standing": "figure",
        "note": None, "percent_value": 52.2, "percent_from": None, "percent_to": None,
    }  # fmt: skip
    assert (rows[1]["row"], rows[1]["cell"], rows[1]["percent"]) == (4, "toplines.csv:4", "2-4")
    assert (rows[1]["percent_value"], rows[1]["percent_from"], rows[1]["percent_to"]) == (None, 2.0, 4.0)


def test_byte_order_mark_and_windows_line_ends(at):
    (row,) = read(at(b"\xef\xbb\xbf" + f"{HEADER}\r\n{LINE}\r\n".encode()), FILE)
    assert row["percent_value"] == 52.2


def test_all_problems_at_once(at):
    lines = [HEADER, LINE.replace("52.2", "52.2%"), LINE, LINE.replace("read_directly", "read_directy")]
    text = "\n".join(lines)
    assert [str(problem) for problem in problems(at(text))] == [
        f"{FILE}, row 2, column percent: not a percentage (found '52.2%'); "
        "expected a number (52.2) or a range (2-4), no % sign",
        f"{FILE}, row 4, column confidence: not one of the known words (found 'read_directy'); "
        "expected one of read_directly, secondary_report; nearest: 'read_directly'",
    ]


def test_wrong_header(at):
    found = problems(at(f"{HEADER.replace('percent', 'percnt')}\n{LINE}\n"))
    assert [(p.cause, p.row, p.column, p.nearest) for p in found] == [
        ("toplines", 1, "percnt", "percent"),
        ("toplines", 1, "percent", "percnt"),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_under_a_matching_header(at, delimiter):
    lines = [
        HEADER.replace(",", delimiter),
        "",
        LINE.replace(",", delimiter).replace("yes", '"yes, or\nnearly"'),
    ]
    (found,) = problems(at("\n".join(lines)))
    assert (found.row, found.column, found.what) == (4, "option", "a control character in a label")
    lines[2] = LINE.replace(",", delimiter).replace("yes", "yes, rather")
    (row,) = read(at("\n".join(lines)), FILE)
    assert (row["row"], row["option"], row["percent_value"]) == (3, "yes, rather", 52.2)


def test_decimal_comma_under_semicolons(at):
    text = f"{HEADER}\n{LINE}\n".replace(",", ";").replace("52.2", "52,2")
    assert refusal(at(text)) == (
        "toplines",
        ", row 2, column percent: not a percentage (found '52,2'); "
        "expected a number (52.2) or a range (2-4), no % sign",
    )


def test_broken_quotes_under_semicolons(at):
    text = f"{HEADER}\n{LINE}\n".replace(",", ";").replace("yes", '"yes"no')
    assert refusal(at(text)) == ("toplines", ", row 2: broken CSV: ';' expected after '\"'")


def test_other_delimiters_under_another_header(at):
    text = f"{HEADER}\n".replace(",", ";").replace("percent", "percnt")
    assert refusal(at(text)) == (
        "toplines",
        ", row 1: columns separated by semicolons under a header that is not that of a table of figures "
        "(found 'question;wording;option;percnt;base;n;published;source_url;confidence'); "
        "expected commas, and a header with percent; nearest: 'percent'",
    )
    assert refusal(at("a\tb\n1\t2\n"))[1].startswith(", row 1: columns separated by tabs under a header")
    assert refusal(at("question;wording\n"))[1].endswith(
        "expected commas, and a header with option, percent, base, published, source_url, confidence"
    )


def test_no_delimiter(at):
    cause, text = refusal(at("hello\nworld\n"))
    assert (cause, text) == (
        "toplines",
        ", row 1: no comma in the header (found 'hello'); expected a CSV header",
    )


def test_a_csv_has_no_sheets(at):
    assert refusal(at(f"{HEADER}\n{LINE}\n"), sheet="T1") == (
        "toplines",
        ": a CSV file has no sheets (found 'T1'); expected a workbook, or no sheet",
    )


@pytest.mark.parametrize(
    ("text", "encoding", "byte", "position"),
    [
        ("Поддерживаете ли Вы отправку войск?", "windows-1251", 0xCF, 4),
        ("Поддерживаете ли Вы отправку войск?", "koi8-r", 0xF0, 4),
        ("Поддерживаете ли Вы отправку войск?", "cp866", 0x8F, 4),
        ("Êtes-vous d’accord avec le président ?", "windows-1252", 0xCA, 4),
    ],
)
def test_old_encodings_are_refused_with_a_guess(at, text, encoding, byte, position):
    path = at(f"{HEADER}\nq1,{text},".encode(encoding))
    (problem,) = problems(path)
    assert (problem.cause, problem.row, problem.column) == ("encoding", 2, str(position))
    assert str(problem) == (
        f"{FILE}, row 2, column {position}: byte 0x{byte:02x} is not UTF-8 (found 'q1,{text},'); expected "
        f"UTF-8 (if the words shown are right, the file is in {encoding}: save it again as UTF-8); "
        f"nearest: '{encoding}'"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16(at, encoding):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert refusal(at(mark + HEADER.encode(encoding))) == (
        "encoding",
        ", row 1: the text is in UTF-16; expected UTF-8; nearest: 'utf-16'",
    )


def test_thirty_rows(at):
    assert len(read(at("\n".join([HEADER, *[LINE] * 30])), FILE)) == 30


# --- what is no table at all ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "cause", "what"),
    [
        (b"", "empty", "the file is empty"),
        (bytes(10_000), "not_a_survey_file", "the file holds NUL bytes only"),
        (b"abc,\x00\x01", "not_a_survey_file", "binary data, and no table (NUL byte at position 5)"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "not_a_survey_file",
            "a pointer of Git LFS stands where the file should be (git lfs pull brings the file itself)",
        ),
        (
            b"\xef\xbb\xbf \n<!DOCTYPE HTML><title> Log in </title>",
            "not_a_survey_file",
            "a web page saved in place of the file (a login or an error?) (found 'Log in')",
        ),
        (
            b"<html></html>",
            "not_a_survey_file",
            "a web page saved in place of the file (a login or an error?)",
        ),
        (b"<?xml version='1.0'?><Error/>", "not_a_survey_file", "XML, and no table"),
        (b'{"error": 404}', "not_a_survey_file", "JSON, and no table (the error message of a server?)"),
        (b"$FL2@(#) SPSS", "unsupported", "an SPSS file, and no table of published figures"),
        (b"%PDF-1.7", "unsupported", "a PDF, and no table of published figures"),
        (b"\x1f\x8b\x08", "unsupported", "a file packed with gzip, and no table of published figures"),
    ],
)
def test_not_a_table(at, raw, cause, what):
    assert refusal(at(raw)) == (cause, f": {what}; expected {REQUIRED}")


def test_blank_lines_only(at):
    assert refusal(at(" \n\n")) == ("empty", ": the file is empty; expected at least one line")


def test_two_hundred_gigabytes_of_nothing_are_not_read(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as stream:
        stream.truncate(200 << 30)
    start = time.perf_counter()
    assert refusal(str(path)) == (
        "too_large",
        ": 214,748,364,800 bytes are too many for a table of published figures; expected at most 67,108,864 bytes",
    )
    assert time.perf_counter() - start < 10  # reading them takes a minute or more


def test_a_long_text_is_no_table(at):
    assert refusal(at(b"a,b\n" * 300_000)) == (
        "too_large",
        ": 1,200,000 bytes are too many for a CSV of published figures; expected at most 1,000,000 bytes",
    )


def test_not_a_plain_file(tmp_path, at):
    (tmp_path / "link").symlink_to(at(f"{HEADER}\n{LINE}\n"))
    os.mkfifo(tmp_path / "pipe")
    for path, kind in (
        (tmp_path, "folder"),
        (tmp_path / "link", "symbolic link"),
        (tmp_path / "pipe", "named pipe"),
        (Path(os.devnull), "device or socket"),
    ):
        what = f": a {kind} stands where the file should be; expected a plain file"
        assert refusal(str(path)) == ("unsafe_path", what)


def test_not_there(tmp_path):
    assert refusal(str(tmp_path / "nothing")) == (
        "fetch",
        ": the file cannot be opened: no such file or directory; expected a file that can be read",
    )


# --- workbooks --------------------------------------------------------------------------------------------


def test_workbook(book):
    (row,) = read(book(ROW), BOOK)
    assert (row["row"], row["cell"], row["percent"], row["n"]) == (2, "Sheet1!D2", "52.2", "896")
    assert (row["percent_value"], row["published"], row["qualifier"]) == (52.2, "2022-03", "exact")


def test_percent_formats(book):
    shares = [0.45, 0.29, 0.003, 1, 0.4567, 45, 0.45]
    formats = {"D2": "0%", "D3": "0.0%", "D4": "0%", "D5": "0%", "D6": "0%", "D7": '0"%"', "D8": "0.00"}
    rows = read(book(*[with_row(percent=share) for share in shares], formats=formats), BOOK)
    assert [row["percent"] for row in rows] == ["45", "29", "0.3", "100", "45.67", "45", "0.45"]


def test_values_as_they_would_be_typed(book):
    noisy = with_row(percent=52.199999999999996, n=896.0, option=3, published=dt.date(2022, 3, 14))
    (row,) = read(book(noisy), BOOK)
    assert (row["percent"], row["n"], row["option"], row["published"]) == ("52.2", "896", "3", "2022-03-14")
    second = read(book(with_row(percent="2-4", published=2022, option=True)), BOOK)[0]
    assert (second["percent_from"], second["published"], second["option"]) == (2.0, "2022", "TRUE")


def test_a_table_that_starts_lower_down_keeps_its_addresses(book):
    rows = read(book(ROW, [], ROW, top=4, sheets=["Table 1"]), BOOK)
    assert [(row["row"], row["cell"]) for row in rows] == [(5, "'Table 1'!D5"), (7, "'Table 1'!D7")]


def test_problems_of_a_workbook_name_the_cell(book):
    path = book(
        with_row(percent=103),
        with_row(confidence="read_directy"),
        with_row(option='=CONCATENATE("y","es")'),
        with_row(percent="=1+1"),
        with_row(option="#N/A"),
        with_row(option="yes\nrather"),
        with_row(base=None),
        cells={"L9": "a remark", "D10": "#REF!"},
    )
    assert [str(problem).removeprefix(BOOK) for problem in problems(path, BOOK)] == [
        ", row 2, column percent: Sheet1!D2: more than 100 percent (found '103'); expected 0 to 100",
        ", row 3, column confidence: Sheet1!I3: not one of the known words (found 'read_directy'); "
        "expected one of read_directly, secondary_report; nearest: 'read_directly'",
        ", row 4, column option: Sheet1!C4: a formula; expected the text itself",
        ", row 5, column percent: Sheet1!D5: a formula without a stored result; "
        "expected a number (open the file in a spreadsheet and save it)",
        ", row 6, column option: Sheet1!C6: an error of the spreadsheet (found '#N/A'); expected a value",
        ", row 7, column option: Sheet1!C7: a line break in a cell (found 'yes\\nrather'); "
        "expected plain text on one line",
        ", row 8, column base: Sheet1!E8: a value is missing; expected a value",
        ", row 9: Sheet1!L9: a value under no header (found 'a remark'); expected a column name in the first row",
        ", row 10, column percent: Sheet1!D10: an error of the spreadsheet (found '#REF!'); expected a value",
    ]


def test_a_calculated_number_is_taken_as_stored(book):
    def store(parts):
        name = "xl/worksheets/sheet1.xml"
        assert b"<f>0.5-0.05</f><v />" in parts[name] or b"<f>0.5-0.05</f><v></v>" in parts[name]
        for empty in (b"<v />", b"<v></v>"):
            parts[name] = parts[name].replace(b"<f>0.5-0.05</f>" + empty, b"<f>0.5-0.05</f><v>0.45</v>")

    path = repacked(book(with_row(percent="=0.5-0.05"), formats={"D2": "0%"}), store)
    assert read(path, BOOK)[0]["percent_value"] == 45.0


def test_wrong_header_of_a_workbook(book):
    header = [c if c != "percent" else "percnt" for c in COLUMNS]
    found = problems(book(ROW, header=header), BOOK)
    assert [(p.row, p.column, p.nearest, p.what) for p in found] == [
        (1, "percnt", "percent", "Sheet1!D1: unknown column"),
        (1, "percent", "percnt", "Sheet1!1:1: a column is missing"),
    ]
    assert refusal(book(["1", "2"], header=["Q1", "Q2"]), BOOK) == (
        "toplines",
        f", row 1: Sheet1!1:1: no column of a table of published figures (found 'Q1, Q2'); expected {REQUIRED}",
    )


def test_empty_sheet(book):
    assert refusal(book(header=[]), BOOK) == ("empty", f": sheet 'Sheet1' is empty; expected {REQUIRED}")


def test_a_sheet_with_too_much_text(book):
    (problem,) = problems(book(*[with_row(wording="w" * 30_000)] * 40), BOOK)
    assert problem.cause == "too_large"
    assert "bytes are too many for a hand-written file" in problem.what


def test_choice_of_the_sheet(book):
    assert read(book(ROW, sheets=["Notes", "toplines"]), BOOK)[0]["cell"] == "toplines!D2"
    assert read(book(ROW, sheets=["Old", "New"], hidden=["Old"]), BOOK)[0]["cell"] == "New!D2"
    path = book(ROW, sheets=["T1", "T2"])
    assert read(path, BOOK, "T2")[0]["cell"] == "T2!D2"
    assert refusal(path, BOOK) == (
        "toplines",
        ": 2 visible sheets, and none is named as the one to read; expected the name of a sheet: T1, T2",
    )
    assert refusal(book(ROW, sheets=["Table 1", "T2"]), BOOK, "Tabel 1") == (
        "toplines",
        ": no sheet of this name (found 'Tabel 1'); expected one of Table 1, T2; nearest: 'Table 1'",
    )


XLS = base64.b85decode(
    "c-rk)O-K}B7=FLm|IO9aG|)g6AuF@|yF{R4QF+R=4n+huyYr=s%gj1EOKgX-%wrIED!K?>>R@&0hdR`)LtxY)2m-BRr=XyNI=$aJ"
    "Kdj}!g_4SShI!|G-tT9gneTVz^+N69?1QEy_z8UwfK@97;j$RRGv<;cV7g@q*S$vZw0!(ih()m>!y$N@coh+CDB61oB)A`ZffnE+"
    "o@XHsgSy63n}|cCL198eFIon-F;WeUq^gc=hU`|d_bBHxvi%gfPPP~GF0wPQAP=_fcY5(@sfE(2LDc(*%DksY7c{_2(TgwNV0PXR"
    "95k{@?(a-!4pzY&V7m=)jT=gC5$dr4=ir-_0{H5V)aNNbzPWJ*82`RD9$6<oBLx8_!8%7Bd>T9C@t{2jPmXbJb}hqQs6k$1Pp%V1"
    "UNEz|h7Eo}H`J^)ilbG}JE1%`GF&sUg0xcLI8Wz`>0Guj#??4LK`&zJNYTh4$>`eotje_v$38#Nl>j)br%HM;rHmS!%K?BAFQ8R&"
    "Ijpz4v%7n5XAf!^GtGSAKu3qNPd7$8L^*>i>WG>(c*e|?;$nHA=_I*kI!Vwlt3s>dlL)_-23r!JY5C5VH^<UL@(4vHX$i3xnjPZZ"
    "fCX1X2`pSqDH6B~O&j@p$X=ydx0ByQwjPHFUR#G69Ovj1<+(<wtyn`3;jO&0%-@Cn^ylHn&C{Rc-RRE`EM2Uhe<#mE3od*rmKVnq"
    "w6k`0>!!dH*}XDnQu;u)@s|lIDkUB5mb04HzzW34ttD$S@phQUB<Ee(EPyQFu^_Ub$3n<L9t$H2dn|%1;%H#&Xkerv>f~pnA?7im"
    "LDX_d5=>~A8FtfzhAm!Bp`prSLPNr1LW5|-KB*2KQZx3KZ7t&9!-o$aK79D_;bT+4oK1CrHk3eH$S`dg?f*I}c&_@tN&Z`$038n#"
    "KTMB+hF1eh74@HO5Mpj!Y=dRo|Ahjl@a_hTLz;AqSKNQ`ql=Y4&xQ*of8P+Q^!}@r=={U?{{b0H_yG"
)


def test_xls(at):
    raw = zlib.decompress(XLS)
    (row,) = read(at(raw), "house/toplines.xls")
    assert (row["cell"], row["percent_value"], row["published"]) == ("Sheet1!D2", 52.2, "2022-03")
    old, new = (struct.pack("<I", hundredths << 2 | 3) for hundredths in (5220, 45))
    assert raw.count(old) == 1
    assert refusal(at(raw.replace(old, new)), "house/toplines.xls") == (
        "toplines",
        ", row 2, column percent: Sheet1!D2: a number up to 1 in an .xls may be a share or a percentage: "
        "its format cannot be read (found '0.45'); expected the same table saved as XLSX",
    )
    cause, text = refusal(at(raw[:1500]), "house/toplines.xls")
    assert cause == "corrupt"
    assert text.startswith(": the workbook cannot be read: ")


# --- archives built to harm -------------------------------------------------------------------------------


def test_truncated_workbook(book):
    path = Path(book(ROW))
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(str(path), BOOK) == (
        "truncated",
        ": the workbook ends before its list of contents; expected a whole file",
    )


def test_damaged_workbook(book):
    path = Path(book(ROW))
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 80
    raw[start : start + 20] = b"\xff" * 20
    path.write_bytes(raw)
    cause, text = refusal(str(path), BOOK)
    assert cause == "corrupt"
    assert text.startswith(": the workbook cannot be unpacked: ")


def test_a_part_larger_than_it_says(book):
    path = Path(book(ROW))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"xl/worksheets/sheet1.xml", raw.index(b"PK\x01\x02")) - 46
    raw[at + 24 : at + 28] = struct.pack("<I", 100)
    path.write_bytes(raw)
    cause, text = refusal(str(path), BOOK)
    assert cause == "corrupt"
    assert "Bad CRC-32" in text


@pytest.mark.parametrize(
    ("change", "cause", "what"),
    [
        (
            {"xl/bomb.xml": bytes(257 << 20)},
            "too_large",
            "bytes; expected at most 268,435,456",
        ),
        ({"xl/bomb.xml": bytes(40 << 20)}, "too_large", "times its size; expected at most 200 times"),
        ({f"xl/{n}": b"" for n in range(5_000)}, "too_large", "parts; expected at most 5,000"),
        (
            {"xl/inner.ZIP": b"PK"},
            "unsupported",
            "an archive inside the workbook (found 'xl/inner.ZIP'); expected a workbook without attachments",
        ),
        (
            {"xl/workbook.bin": b""},
            "unsupported",
            "a binary workbook (XLSB); expected the same table saved as XLSX",
        ),
        (
            {"mimetype": b"", "content.xml": b""},
            "unsupported",
            "an OpenDocument file; expected the same table",
        ),
        ({"XL/Workbook.xml": b""}, "corrupt", "a part of the workbook stands twice (found '"),
        (
            {"xl/evil.xml": b"<?xml version='1.0'?>" + b" " * 1_048_548 + b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"},
            "corrupt",
            "XML with a document type or entities in the workbook (found 'xl/evil.xml'); expected XML without them",
        ),
        (
            {"xl/evil.xml": "<x/>".encode("utf-16")},
            "corrupt",
            "XML in an unusual encoding in the workbook (found 'xl/evil.xml'); expected UTF-8",
        ),
        (
            {"xl/worksheets/sheet2.xml": b'<c r="XFD1048576"><v>1</v></c>'},
            "too_large",
            "cell XFD1048576 lies far outside a table of figures (found 'xl/worksheets/sheet2.xml'); "
            "expected nothing below row 100,000 or right of column ALL",
        ),
    ],
)
def test_harmful_archives(book, change, cause, what):
    path = repacked(book(ROW), lambda parts: parts.update(change))
    found, text = refusal(path, BOOK)
    assert found == cause
    assert what in text


def test_encrypted_archive(book):
    path = Path(book(ROW))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert refusal(str(path), BOOK) == (
        "unsupported",
        ": the workbook is encrypted; expected one without a password",
    )


def test_another_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr("toplines.csv", HEADER)
    what = f": a ZIP archive without a workbook in it; expected {REQUIRED}"
    assert refusal(str(tmp_path / "z"), BOOK) == ("not_a_survey_file", what)


def test_a_workbook_without_sense_inside(book):
    def spoil(parts):
        parts["xl/workbook.xml"] = b"<workbook><unclosed>"

    assert refusal(repacked(book(ROW), spoil), BOOK)[0] == "corrupt"

    def spoil_styles(parts):
        parts["xl/styles.xml"] = parts["xl/styles.xml"].replace(
            b"<cellXfs", b"<cellXfs nonsense='1'><zz/></cellXfs><cellXfs"
        )[:-30]

    assert refusal(repacked(book(ROW), spoil_styles), BOOK)[0] == "corrupt"


@pytest.mark.parametrize(("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (703, "AAA"), (16_384, "XFD")])
def test_column_letters(number, letters):
    assert column_letters(number) == letters
    assert column_number(letters) == number


# --- in the child, and on real nasty files ----------------------------------------------------------------


def test_in_a_child(at, book):
    jobs = [
        Job("csv", (at(f"{HEADER}\n{LINE}\n", "a.csv"), FILE)),
        Job("xlsx", (book(with_row(percent=0.45), formats={"D2": "0%"}), BOOK)),
        Job("bad", (at(b"", "b.csv"), FILE)),
    ]
    outcomes = {o.key: o for o in run("assets.toplines.read:read", jobs, Limits(seconds=20))}
    assert outcomes["csv"].value == read(*jobs[0].args)
    assert outcomes["xlsx"].value == read(*jobs[1].args)
    assert [str(p) for p in outcomes["bad"].problems] == [f"{FILE}: the file is empty; expected {REQUIRED}"]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not here")
@pytest.mark.parametrize(
    ("name", "cause", "what"),
    [
        ("html_login_page_saved_as.sav", "not_a_survey_file", "a web page saved in place of the file"),
        ("lfs_pointer.sav", "not_a_survey_file", "a pointer of Git LFS"),
        ("cp1251_semicolon.csv", "encoding", "byte 0xc2 is not UTF-8 (found 'ID;Вопрос 1;Вес')"),
        ("utf8_bom_duplicate_columns.csv", "toplines", "row 1, column Q1: a column stands twice"),
        ("zero_bytes.sav", "empty", "the file is empty"),
        ("xlsx_renamed.sav", "toplines", "no column of a table of published figures"),
    ],
)
def test_nasty_files(name, cause, what):
    found = problems(str(SHARED / name), name)
    assert {problem.cause for problem in found} == {cause}
    assert any(what in str(problem) for problem in found)
