"""Text files, workbooks and Parquet; labels beside them; what is dropped. Written here and read back."""

import datetime as dt
import struct

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.responses.encodings import once_more
from assets.responses.read import read
from schemas.codebook import Codebook
from schemas.problems import ProblemsError
from tests import responses_files as files


def read_back(path, keep=("*",), **options):
    folder = path.with_name(f"{path.name}-out")
    folder.mkdir(exist_ok=True)
    said = read(str(path), path.name, {"keep": list(keep)} | options, folder=str(folder))
    assert sorted(one.name for one in folder.iterdir()) == ["codebook.json", "responses.parquet"]
    codebook = Codebook.model_validate_json((folder / "codebook.json").read_text())
    return said, codebook, pq.read_table(folder / "responses.parquet").to_pydict()


def problem_of(path, **options):
    folder = path.with_name(f"{path.name}-out")
    folder.mkdir(exist_ok=True)
    with pytest.raises(ProblemsError) as bad:
        read(str(path), path.name, {"keep": ["*"]} | options, folder=str(folder))
    assert list(folder.iterdir()) == []
    return bad.value.problems[0]


def text(tmp_path, content, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def stored(codebook):
    return {one.name: one.stored for one in codebook.variables}


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_text_round_trip(tmp_path, sign):
    path = tmp_path / "x.txt"
    frame = files.answers(300)
    frame.to_csv(path, index=False, sep=sign)
    _, codebook, columns = read_back(path)
    assert columns["caseid"] == list(frame.caseid)
    assert columns["weight"] == list(frame.weight)
    assert columns["q1"] == [None if value != value else value for value in frame.q1]
    assert stored(codebook)["caseid"] == "text"
    assert codebook.encoding == "utf-8"


def test_decimal_comma(tmp_path):
    content = "ID;Вес\r\n1;0,646\r\n2;1,208\r\n"
    _, codebook, columns = read_back(text(tmp_path, content.encode("cp1251")), encoding="windows-1251")
    assert columns == {"ID": [1, 2], "Вес": [0.646, 1.208]}
    assert codebook.encoding_basis == "manifest"


def test_mixed_decimals_stay_text(tmp_path):
    said, codebook, _ = read_back(text(tmp_path, "a;b\n1,5;1.5\n2,5;2.5\n"))
    assert stored(codebook) == {"a": "text", "b": "double"}
    assert "points and with commas" in said["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", ""], "integer"),
        (["1", "2.5", "0.25"], "double"),
        (["1.0", "2.25", "3.0"], "double"),
        (["0.850", "1.200", "0.005"], "double"),
        (["1.10", "1.1"], "text"),
        (["01", "2"], "text"),
        (["+1", "2"], "text"),
        ([" 1", "2"], "text"),
        (["1e5", "12e4"], "text"),
        (["3.2e-05", "0.5"], "double"),
        (["-0.5", "-8"], "double"),
        (["1234567890123456", "1"], "text"),
        (["NA", "NA"], "text"),
        (["1", "yes"], "text"),
        (["2018-09-26", "61404"], "text"),
    ],
)
def test_what_is_a_number(tmp_path, cells, kind):
    content = "x,y\n" + "".join(f"{cell},a\n" for cell in cells)
    _, codebook, columns = read_back(text(tmp_path, content))
    assert stored(codebook)["x"] == kind
    if kind == "text":
        assert columns["x"] == cells
    else:
        assert columns["x"] == [float(cell) if cell else None for cell in cells]


def test_words_for_missing_beside_numbers(tmp_path):
    _, codebook, columns = read_back(text(tmp_path, "x,y\n1,NA\nNA,b\n,c\n"))
    assert columns == {"x": [1, None, None], "y": ["NA", "b", "c"], "x@missing": [None, "NA", None]}
    assert codebook.variable("x").tags == ["NA"]


def test_cyrillic_that_says_nothing_is_detected_only_if_sure(tmp_path):
    line = "затрудняюсь ответить;скорее поддерживаю действия властей;отказ от ответа на этот вопрос\n"
    path = text(tmp_path, ("ответ;второй;третий\n" + line * 5).encode("cp1251"))
    _, codebook, columns = read_back(path)
    assert codebook.encoding_basis == "detected"
    assert columns["ответ"] == ["затрудняюсь ответить"] * 5
    short = problem_of(text(tmp_path, "ID;да\n1;нет\n".encode("cp1251"), "y.csv"))
    assert (short.cause, short.row) == ("encoding", 1)
    latin = problem_of(text(tmp_path, "id,país\n1,España\n2,Perú\n".encode("latin-1"), "z.csv"))
    assert (latin.cause, latin.row) == ("encoding", 1)
    assert "pa" in latin.value
    answer = problem_of(text(tmp_path, "id,name\n1,Muñoz\n2,Peña\n".encode("latin-1"), "answer.csv"))
    assert (answer.cause, answer.row, answer.value) == ("encoding", 2, None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_at_the_start(tmp_path, encoding):
    _, codebook, columns = read_back(text(tmp_path, "имя,b\nда,2\n".encode(encoding)))
    assert columns == {"имя": ["да"], "b": [2]}
    assert (codebook.encoding, codebook.encoding_basis) == (encoding, "declared")


def test_text_encoded_twice():
    assert once_more("Ð\x94Ð°") == "Да"
    assert once_more("CafÃ©") == "Café"
    assert [once_more(word) for word in ("Café", "España", "Да", "naïve – “quoted”", "plain")] == [None] * 5


@pytest.mark.parametrize(
    ("content", "cause", "row"),
    [
        ("a,b\n1,2\n3,4,5\n6,7\n", "corrupt", 3),
        ("a,b,c\n1,2,3\n1,2,3\n1,2", "truncated", 4),
        ('a,b\n1,2\n3,"4', "truncated", 3),
        ('a,b\n1,2\n3,"4"x\n', "corrupt", 3),
        ("a,a\n1,2\n", "corrupt", 1),
        ("a,b\n", "empty", None),
        ("\n\n", "empty", None),
        ("", "empty", None),
        ("One line of prose.\nAnother one.\n", "not_a_survey_file", 1),
        ("Dear Sir, hello\nthis is\na letter\nof prose\n", "not_a_survey_file", None),
        ("a,b\n1,2\n" * 300 + "1,\x00\n", "not_a_survey_file", None),
        ("a,b\n" + "1,2\n" * 3_000 + "1,\x00\n", "corrupt", None),
        ("a;b,c\n1;2,3\n", "manifest", None),
        ('{"error": 1}', "not_a_survey_file", None),
        ("<!DOCTYPE html><title>Sign in</title>", "not_a_survey_file", None),
        ("version https://git-lfs.github.com/spec/v1\n", "not_a_survey_file", None),
        (b"\x1f\x8b\x08\x00", "unsupported", None),
        (b"\x00" * 300, "not_a_survey_file", None),
        (b"a,b\n\xff,1\n\x80,2\n", "encoding", 2),
    ],
)
def test_texts_that_are_no_tables(tmp_path, content, cause, row):
    problem = problem_of(text(tmp_path, content))
    assert (problem.cause, problem.row) == (cause, row)


def test_a_column_without_a_name(tmp_path):
    said, _, columns = read_back(text(tmp_path, ",b\n0,1\n"))
    assert columns == {"column_1": [0], "b": [1]}
    assert "has no name" in said["warnings"][0]["message"]


def test_labels_beside_the_file(tmp_path):
    labels = text(tmp_path, "variable,code,label,missing\nq1,,Support?,\nq1,1,yes,\nq1,9,no answer,yes\n", "labels.csv")
    _, codebook, _ = read_back(text(tmp_path, "q1,b\n1,2\n9,3\n"), codebook=str(labels))
    question = codebook.variable("q1")
    assert (question.label, [(one.code, one.label) for one in question.labels], question.missing_codes) == (
        "Support?", [("1", "yes"), ("9", "no answer")], ["9"],
    )  # fmt: skip
    wrong = text(tmp_path, "variable,code,label\nq2,1,yes\n", "wrong.csv")
    problem = problem_of(text(tmp_path, "q1,b\n1,2\n", "y.csv"), codebook=str(wrong))
    assert (problem.cause, problem.row, problem.nearest) == ("manifest", 2, None)


def test_workbook(tmp_path):
    day = dt.datetime(2023, 2, 3, 9, 12, 52)
    rows = [
        ["id", "q1", "weight", "when", "number", "mixed", "q2"],
        ["007", 1, 0.5, day, 61404, 1, None],
        ["008", 2, 1.25, day, 61405, "DK", 3],
    ]
    path = files.workbook(tmp_path / "x.xlsx", ("data", rows))
    book = openpyxl.load_workbook(path)
    book.active["C2"].number_format = book.active["C3"].number_format = "0%"
    book.save(path)
    _, codebook, columns = read_back(path)
    assert columns == {
        "id": ["007", "008"], "q1": [1, 2], "weight": [0.5, 1.25], "when": ["2023-02-03T09:12:52"] * 2,
        "number": [61404, 61405], "mixed": ["1", "DK"], "q2": [None, 3],
    }  # fmt: skip
    assert codebook.variable("weight").format == "0%"
    assert (codebook.variable("when").kind, codebook.variable("when").origin) == ("datetime", "ISO 8601")
    assert codebook.variable("number").kind == "number"


def test_workbooks_that_are_no_tables(tmp_path):
    head = ["a", "b"]
    many = files.workbook(tmp_path / "many.xlsx", ("one", [head, [1, 2]]), ("two", [head, [3, 4]]))
    assert problem_of(many).cause == "manifest"
    assert problem_of(many, sheet="three").cause == "manifest"
    assert read_back(many, sheet="two")[2] == {"a": [3], "b": [4]}
    report = [["AMONG ADULTS", None, "Total", None, None], [None, None, "n", "%", "x"], ["yes", None, 5, 0.4, 1]]
    assert problem_of(files.workbook(tmp_path / "report.xlsx", ("r", report))).cause == "not_a_survey_file"
    assert problem_of(files.workbook(tmp_path / "twice.xlsx", ("t", [["a", "a"], [1, 2]]))).cause == "corrupt"
    assert problem_of(files.workbook(tmp_path / "head.xlsx", ("t", [head]))).cause == "empty"
    assert problem_of(text(tmp_path, files.archive(a="x"), "zip.xlsx")).cause == "not_a_survey_file"
    bomb = text(tmp_path, files.archive(xl__workbook="x", big="0" * 40_000_000), "bomb.xlsx")
    assert problem_of(bomb).cause == "too_large"
    whole = files.write_xlsx(tmp_path / "cut.xlsx").read_bytes()
    assert problem_of(text(tmp_path, whole[: len(whole) // 2], "cut.xlsx")).cause == "truncated"


def old_workbook(rows):
    """An .xls with one sheet, by hand (nothing that we depend on writes one): BIFF8 in an OLE2 container."""

    def record(kind, body):
        return struct.pack("<2H", kind, len(body)) + body

    def start(kind):
        return record(0x0809, struct.pack("<4H2I", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    cells = b"".join(
        record(0x0203, struct.pack("<3Hd", y, x, 0, cell))
        if isinstance(cell, float)
        else record(0x0204, struct.pack("<4HB", y, x, 0, len(cell), 1) + cell.encode("utf-16-le"))
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
    )
    sheet = (
        start(0x10) + record(0x0200, struct.pack("<2I3H", 0, len(rows), 0, len(rows[0]), 0)) + cells + record(0x0A, b"")
    )
    name = record(0x85, struct.pack("<I2B2B", 0, 0, 0, 4, 0) + b"data")
    place = len(start(5)) + len(name) + len(record(0x0A, b""))
    name = record(0x85, struct.pack("<I2B2B", place, 0, 0, 4, 0) + b"data")
    stream = (start(5) + name + record(0x0A, b"") + sheet).ljust(4_096, b"\0")
    stream += bytes(-len(stream) % 512)
    sectors = len(stream) // 512

    def entry(title, kind, child, first, size):
        raw = title.encode("utf-16-le").ljust(64, b"\0") + struct.pack(
            "<H2B3I", 2 * len(title) + 2, kind, 1, *[2**32 - 1] * 2, child
        )
        return raw + bytes(36) + struct.pack("<2IQ", first, size, 0)[:12]

    directory = entry("Root Entry", 5, 1, 2**32 - 2, 0) + entry("Workbook", 2, 2**32 - 1, 2, len(stream))
    directory = directory.ljust(512, b"\0")
    table = [2**32 - 3, 2**32 - 2, *range(3, sectors + 2), 2**32 - 2]
    fat = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4_096, 2**32 - 2, 0, 2**32 - 2, 0)
    return head + struct.pack("<I", 0) + b"\xff" * 432 + fat + directory + stream


def test_old_workbook(tmp_path):
    path = text(tmp_path, old_workbook([["id", "ответ"], ["007", 1.0], ["008", 2.5]]), "x.xls")
    said, _, columns = read_back(path)
    assert said["format"] == "xls"
    assert columns == {"id": ["007", "008"], "ответ": [1.0, 2.5]}
    cut = path.read_bytes()[:-100]
    assert problem_of(text(tmp_path, cut, "cut.xls")).cause == "truncated"


def test_parquet(tmp_path):
    path = tmp_path / "x.parquet"
    source = pa.table(
        {
            "id": pa.array(["01", "02"]).dictionary_encode(),
            "n": pa.array([1, None], pa.uint8()),
            "w": pa.array([0.5, 1.5], pa.float32()),
            "day": pa.array([dt.date(2023, 1, 2), None]),
            "yes": [True, None],
        }
    )
    pq.write_table(source, path)
    _, codebook, columns = read_back(path)
    assert columns == {
        "id": ["01", "02"], "n": [1, None], "w": [0.5, 1.5], "day": ["2023-01-02", None], "yes": ["true", None],
    }  # fmt: skip
    assert codebook.variable("day").origin == "ISO 8601"
    raw = path.read_bytes()
    assert problem_of(text(tmp_path, raw[:-20], "cut.parquet")).cause == "truncated"
    assert problem_of(text(tmp_path, raw[:4] + raw[40:], "bad.parquet")).cause == "corrupt"
    pq.write_table(pa.table({"a": [[1]]}), path)
    assert problem_of(path).cause == "unsupported"


def test_what_is_dropped(tmp_path):
    import pyreadstat

    frame = pd.DataFrame(
        {
            "caseid": ["00001"], "q1": [1.0], "q1_other": ["a" * 40], "start_time": [3.0], "day": [1.4e10],
            "zip": [2.0], "phone_type": [1.0], "phone_number": [7.0], "city": [3.0], "region": [1.0], "weight": [1.0],
        }
    )  # fmt: skip
    path = tmp_path / "x.sav"
    labels = {name: {1: "a", 3: "b"} for name in ("q1", "city", "phone_type", "region")}
    pyreadstat.write_sav(frame, path, variable_value_labels=labels, variable_format={"day": "DATE11"})
    said, codebook, columns = read_back(path, keep=("q1_other",))
    assert {one.name: one.dropped for one in codebook.variables if one.dropped} == {
        "start_time": "time", "day": "time", "zip": "geography", "phone_number": "contact",
    }  # fmt: skip
    assert list(columns) == ["caseid", "q1", "q1_other", "phone_type", "city", "region", "weight"]
    assert said["dropped"] == {"time": 2, "geography": 1, "contact": 1}
    assert (said["columns"], said["kept"]) == (11, 7)
    other = tmp_path / "y.sav"
    other.write_bytes(path.read_bytes())
    assert "q1_other" not in read_back(other, keep=())[2]


def test_what_is_dropped_of_a_text_file(tmp_path):
    rows = "".join(f"{n},{'yes' if n % 2 else 'no'},I said {n} things about it,2024-01-0{n % 9}\n" for n in range(100))
    _, codebook, columns = read_back(text(tmp_path, "id,q1,why,date\n" + rows), keep=())
    assert list(columns) == ["id", "q1"]
    assert {one.name: one.dropped for one in codebook.variables if one.dropped} == {"why": "free_text", "date": "time"}
    assert problem_of(text(tmp_path, "a,b\n1,2\n", "y.csv"), keep=["c"]).cause == "manifest"
    assert problem_of(text(tmp_path, "date,time\n1,2\n", "z.csv"), keep=[]).cause == "manifest"


def test_short_texts_that_people_wrote_are_dropped_too(tmp_path):
    people = ["Anna", "at work", "my son", "none of it", "the mayor", "TV", "Radio One"]
    rows = "".join(
        f"{n % 3},{people[n] if n < 7 else ''},{'x' if n == 5 else ''},{'abcdef'[n % 6]}\n" for n in range(60)
    )
    _, codebook, columns = read_back(text(tmp_path, "q1,q2-98,q5_13T,form\n" + rows), keep=())
    assert list(columns) == ["q1", "form"]  # six texts that many gave are the answers to a question
    assert {one.name: one.dropped for one in codebook.variables if one.dropped} == {
        "q2-98": "free_text",
        "q5_13T": "free_text",
    }


def test_a_long_list_of_labels_is_a_list_of_places(tmp_path):
    import pyreadstat

    frame = pd.DataFrame({"q1": [1.0, 2.0], "q2": [1.0, 300.0], "raion": [1.0, 2.0]})
    labels = {"q1": {1: "a", 2: "b"}, "q2": {n: f"district {n}" for n in range(301)}}
    pyreadstat.write_sav(frame, tmp_path / "x.sav", variable_value_labels=labels)
    _, codebook, columns = read_back(tmp_path / "x.sav", keep=())
    assert list(columns) == ["q1"]
    assert {one.name: one.dropped for one in codebook.variables if one.dropped} == {
        "q2": "geography",
        "raion": "geography",
    }


@pytest.mark.parametrize("wrong", [{"encodign": "utf-8"}, {"delimiter": "x"}, {"encoding": "klingon"}])
def test_wrong_options(tmp_path, wrong):
    assert problem_of(text(tmp_path, "a,b\n1,2\n"), **wrong).cause == "manifest"


def test_no_plain_file(tmp_path):
    (tmp_path / "link.csv").symlink_to(text(tmp_path, "a,b\n1,2\n"))
    assert problem_of(tmp_path / "link.csv").cause == "unsafe_path"
    (tmp_path / "folder.csv").mkdir()
    assert problem_of(tmp_path / "folder.csv").cause == "unsafe_path"
    assert problem_of(tmp_path / "nowhere.csv").cause == "fetch"
