"""SPSS, Stata and SAS files written here and read back: nothing that the file says is lost on the way."""

import math
import shutil
import struct

import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from assets.responses import rows_fast, rows_slow, table
from assets.responses.read import read
from assets.responses.spss_header import read_header
from schemas.codebook import Codebook, MissingRange, code_text
from schemas.problems import ProblemsError
from tests import responses_files as files


class Result:
    def __init__(self, folder, said):
        self.said = said
        self.codebook = Codebook.model_validate_json((folder / "codebook.json").read_text())
        self.table = pq.read_table(folder / "responses.parquet")

    def __getitem__(self, column):
        return self.table.column(column).to_pylist()


def read_back(path, **options):
    folder = path.with_name(f"{path.name}-out")
    folder.mkdir()
    return Result(folder, read(str(path), path.name, {"keep": ["*"]} | options, folder=str(folder)))


def cause_of(path, **options):
    folder = path.with_name(f"{path.name}-out")
    folder.mkdir(exist_ok=True)
    with pytest.raises(ProblemsError) as bad:
        read(str(path), path.name, {"keep": ["*"]} | options, folder=str(folder))
    assert list(folder.iterdir()) == []
    return bad.value.problems[0].cause


@pytest.mark.parametrize("name", ["x.sav", "x.zsav"])
@pytest.mark.parametrize("fast", [True, False])
def test_spss_round_trip(tmp_path, monkeypatch, name, fast):
    monkeypatch.setattr(rows_fast, "FAST_FROM_CELLS", 0 if fast else 10**18)
    how = {} if name == "x.sav" else {"compress": True, "row_compress": False}
    result = read_back(files.write_sav(tmp_path / name, 500, **how))
    frame = files.answers(500)
    assert result.said["engine"] == ("polars_readstat" if fast else "pyreadstat")
    assert result.said["format"] == name[2:]
    assert result["caseid"] == list(frame.caseid)
    assert result["вопрос_2"] == list(frame["вопрос_2"])
    assert result["weight"] == list(frame.weight)
    assert result["q1"] == [None if math.isnan(value) else value for value in frame.q1]
    question = result.codebook.variable("q1")
    assert question.label == "Поддерживаете ли Вы решение?"
    assert [(one.code, one.label) for one in question.labels] == [(code_text(c), t) for c, t in files.LABELS.items()]
    assert question.missing_codes == ["9"]
    assert question.missing_ranges == [MissingRange(low=98, high=99)]
    assert [question.declares_missing(code) for code in (1.0, 9.0, 98.5, 99.0)] == [False, True, True, True]
    assert (result.codebook.encoding, result.codebook.encoding_basis) == ("utf-8", "declared")


def test_open_ranges_and_missing_text(tmp_path):
    frame = pd.DataFrame({"low": [-9.0, 1.0], "letter": ["X", "A"]})
    ranges = {"low": [{"lo": -1.7976931348623157e308, "hi": -1}], "letter": ["X"]}
    path = tmp_path / "x.sav"
    pyreadstat.write_sav(frame, path, missing_ranges=ranges)
    result = read_back(path)
    assert result.codebook.variable("low").missing_ranges == [MissingRange(low=None, high=-1)]
    assert result.codebook.variable("low").declares_missing(-9.0)
    assert result.codebook.variable("letter").missing_codes == ["X"]
    assert (result["low"], result["letter"]) == ([-9.0, 1.0], ["X", "A"])


@pytest.mark.parametrize("fast", [True, False])
def test_dates_stay_as_stored(tmp_path, monkeypatch, fast):
    monkeypatch.setattr(rows_fast, "FAST_FROM_CELLS", 0 if fast else 10**18)
    path = tmp_path / "x.sav"
    days = [13_851_993_600.0, 1e300, None]
    frame = pd.DataFrame({"day": days, "number": [61404.0, 1.5, 2.0]})
    pyreadstat.write_sav(frame, path, variable_format={"day": "DATE11"})
    result = read_back(path)
    assert result["day"] == days
    assert result["number"] == [61404.0, 1.5, 2.0]
    assert [(one.kind, one.origin) for one in result.codebook.variables] == [
        ("date", "seconds since 1582-10-14"),
        ("number", None),
    ]


def test_chunks_make_one_table(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_slow, "CHUNK_CELLS", 0)
    monkeypatch.setattr(table, "MOST_ROWS", 1_500)
    result = read_back(files.write_dta(tmp_path / "x.dta", 4_321))
    frame = files.answers(4_321)
    assert result["caseid"] == list(frame.caseid)
    assert result["weight"] == list(frame.weight)
    assert result["q1@missing"][:4] == [None, ".a", ".z", None]
    assert [one.tag_column for one in result.codebook.variables if one.tag_column] == ["q1@missing"]
    assert result.table.column_names == [*(one.column for one in result.codebook.variables), "q1@missing"]
    assert result.codebook.rows == 4_321


def test_stata_letters(tmp_path):
    result = read_back(files.write_dta(tmp_path / "x.dta"))
    question = result.codebook.variable("q1")
    assert question.tags == [".a", ".z"]
    assert [(one.code, one.label) for one in question.labels if one.code.startswith(".")] == [
        (".a", "refused"),
        (".z", "not asked"),
    ]
    assert (result["q1"][1:3], result["q1@missing"][1:3]) == ([None, None], [".a", ".z"])


def test_names_that_differ_in_case_only(tmp_path):
    path = tmp_path / "x.dta"
    pyreadstat.write_dta(
        pd.DataFrame({"q1": [1.0], "Q1": [2.0], "Q1~2": [3.0]}.items(), columns=["a", "b"]).head(0), path
    )
    pyreadstat.write_dta(pd.DataFrame([[1.0, 2.0]], columns=["q1", "Q1"]), path)
    result = read_back(path)
    assert [(one.name, one.column) for one in result.codebook.variables] == [("q1", "q1"), ("Q1", "Q1~2")]
    assert (result["q1"], result["Q1~2"]) == ([1.0], [2.0])


@pytest.mark.parametrize("version", [5, 8])
def test_letters_of_a_sas_transport_file(tmp_path, version):
    path = tmp_path / "x.xpt"
    frame = pd.DataFrame({"A": [1.0, 2.0, 3.0, 4.0], "S": ["x", "yy", "", "z"], "B": [5.0, None, 7.0, 8.0]})
    pyreadstat.write_xport(frame, path, file_format_version=version)
    raw = bytearray(path.read_bytes())
    at = raw.index(bytes.fromhex("4120000000000000"))
    raw[at : at + 8] = b"C" + bytes(7)
    path.write_bytes(raw)
    result = read_back(path)
    assert (result["A"], result["A@missing"]) == ([1.0, None, 3.0, 4.0], [None, ".C", None, None])
    assert result["B"] == [5.0, None, 7.0, 8.0]
    assert [one.tags for one in result.codebook.variables] == [[".C"], [], []]


def test_portable_file(tmp_path):
    path = tmp_path / "x.por"
    pyreadstat.write_por(pd.DataFrame({"Q1": [1.0, 2.0, 9.0], "NAME": ["A", "B", "C"]}), path)
    result = read_back(path)
    assert (result["Q1"], result["NAME"]) == ([1.0, 2.0, 9.0], ["A", "B", "C"])


def test_old_stata_in_another_encoding(tmp_path):
    """A format that does not say its encoding is not read in a wrong one."""
    path = tmp_path / "x.dta"
    words = ["затрудняюсь ответить", "скорее поддерживаю", "скорее не поддерживаю", "отказ от ответа"]
    frame = pd.DataFrame({"q1": [1.0, 2.0, 3.0, 4.0]})
    stand_ins = [chr(ord("a") + n) * len(word) for n, word in enumerate(words)]
    pyreadstat.write_dta(frame, path, version=12, variable_value_labels={"q1": dict(enumerate(stand_ins, 1))})
    raw = path.read_bytes()
    for word, stand_in in zip(words, stand_ins, strict=True):
        raw = raw.replace(stand_in.encode(), word.encode("cp1251"))
    path.write_bytes(raw)
    assert cause_of(path) == "encoding"
    path = path.rename(tmp_path / "y.dta")
    named = read_back(path, encoding="windows-1251")
    assert [one.label for one in named.codebook.variable("q1").labels] == words
    assert named.codebook.encoding_basis == "manifest"


def sav_with_sets(path):
    """A file to which records of multiple-response sets are added, as SPSS writes them: no library does."""
    files.write_sav(path)
    raw = path.read_bytes()
    record = b"$media=D1 1 18 Which of the media? m1 m2\n".replace(b"18 Which of the media?", b"19 Which of the media?")
    at = read_header(str(path), path.name).data - 8
    extension = struct.pack("<4i", 7, 7, 1, len(record)) + record
    path.write_bytes(raw[:at] + extension + raw[at:])
    return path


def test_sets_of_the_file_and_of_the_manifest(tmp_path):
    battery = {"name": "battery", "label": "Chosen", "members": ["m1", "m2"], "counted": "1"}
    result = read_back(sav_with_sets(tmp_path / "x.sav"), sets=[battery])
    first, second = result.codebook.sets
    assert (first.name, first.kind, first.counted, first.members, first.declared) == (
        "media", "dichotomy", "1", ["m1", "m2"], "file",
    )  # fmt: skip
    assert (second.name, second.members, second.declared) == ("battery", ["m1", "m2"], "manifest")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "s", "members": ["m1", "m3"]},
        {"name": "s", "members": ["m1", "q1"], "counted": "5"},
        {"name": "s", "members": ["m1", "m1"]},
        {"name": "s", "members": ["m1"]},
    ],
)
def test_sets_that_cannot_be(tmp_path, wrong):
    assert cause_of(files.write_sav(tmp_path / "x.sav"), sets=[wrong]) == "manifest"


@pytest.mark.parametrize("kind", ["sav", "zsav", "dta", "xpt", "sav-plain"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_cut_file_is_never_a_table(tmp_path, kind, share):
    path = tmp_path / f"x.{kind}"
    if kind == "dta":
        files.write_dta(path, 300)
    elif kind == "xpt":
        pyreadstat.write_xport(files.answers(300).drop(columns="вопрос_2"), path)
    else:
        how = {"zsav": {"compress": True, "row_compress": False}, "sav-plain": {"row_compress": False}}.get(kind, {})
        files.write_sav(path, 300, **how)
    raw = path.read_bytes()
    cut = int(len(raw) * share)
    path.write_bytes(raw[: cut - (cut % 80 == 0)])
    assert cause_of(path) == "truncated"


def test_a_cut_file_is_no_table_for_the_fast_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_fast, "FAST_FROM_CELLS", 0)
    path = files.write_sav(tmp_path / "x.sav", 3_000)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * 0.8)])
    assert cause_of(path) == "truncated"


def test_engines_that_differ_are_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_fast, "FAST_FROM_CELLS", 0)
    monkeypatch.setattr(rows_fast, "neutral_copy", lambda path, header, copy: shutil.copy(path, copy))
    result = read_back(files.write_sav(tmp_path / "x.sav"))
    assert result.said["engine"] == "pyreadstat"
    assert "slow way" in result.said["warnings"][0]["message"]
    assert 99.0 in result["q1"]


def test_too_many_rows(tmp_path):
    assert cause_of(files.write_sav(tmp_path / "x.sav"), most_rows=59) == "too_large"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1.0, "1"),
        (1.5, "1.5"),
        (-8.0, "-8"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e15, "1000000000000000"),
        (7, "7"),
        ("A ", "A "),
    ],
)
def test_codes_as_text(code, text):
    assert code_text(code) == text
