"""Conditions on codes: how people write them, and which respondents they select."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.questions.columns import AnswerFile, in_order
from assets.questions.conditions import fulfilled
from assets.questions.source import Place, Source
from schemas.codebook import Codebook, ValueLabel, Variable
from schemas.conditions import Clause, Codes, parse_codes, parse_condition

PLACE = Place("manifest", "house/monitor/08/release.yml", None, "respondents.rows")
ROWS = {
    "age": [18.0, 29.0, 30.0, None, 99.0, 60.5],
    "age@missing": [None, None, None, ".a", None, None],
    "party": ["Dem", "Rep ", "18", ".", None, ""],
    "a & b": [1, 2, 3, 1, 2, -1],
    "подвыборка": [1.0, 2.0, 1.0, 2.0, None, 1.0],
}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    """Six respondents with numbers, tags, texts and both kinds of missing values; read two rows at a time."""
    pq.write_table(pa.table(ROWS), tmp_path / "responses.parquet", row_group_size=2)
    labels = [ValueLabel(code="98", label="refused")]
    variables = [
        Variable(name="age", column="age", labels=labels, tags=[".a"], tag_column="age@missing"),
        Variable(name="party", column="party", stored="text"),
        Variable(name="a & b", column="a & b", stored="integer"),
        Variable(name="подвыборка", column="подвыборка"),
    ]
    codebook = Codebook(format="dta", rows=6, columns=4, variables=variables)
    with AnswerFile(tmp_path / "responses.parquet") as file:
        yield Source("house/monitor/08/wave.dta", codebook, file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", Codes(("1",), (), False)),
        (" 1 | Dem ", Codes(("1", "Dem"), (), False)),
        ("18..29|99", Codes(("99",), ((18, 29),), False)),
        ("..17|60..", Codes((), ((None, 17), (60, None)), False)),
        ("-2..-1.5", Codes((), ((-2, -1.5),), False)),
        (".|.a", Codes((".a",), (), True)),
        ('"."|"1..2"|"a|b"', Codes((".", "1..2", "a|b"), (), False)),
    ],
)
def test_codes_are_read(text: str, expected: Codes) -> None:
    assert parse_codes(text) == expected


def test_conditions_are_read() -> None:
    assert parse_condition('выборка=1 & "a & b"!=2|.') == (
        Clause("выборка", False, Codes(("1",), (), False)),
        Clause("a & b", True, Codes(("2",), (), True)),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sex", "'sex' is no condition; expected variable=codes, such as sex=1 & age=18..29"),
        ("sex=1 & ", "'' is no condition; expected variable=codes, such as sex=1 & age=18..29"),
        ("sex=1||2", "an empty code; expected codes joined by |, such as 1|2 or 18..29"),
        ("age=29..18", "the range 29..18 runs backwards; expected low..high"),
    ],
)
def test_what_is_no_condition_is_said(text: str, message: str) -> None:
    with pytest.raises(ValueError) as bad:
        parse_condition(text)
    assert str(bad.value) == message


@pytest.mark.parametrize(
    ("condition", "selected"),
    [
        ("age=18..30", "xxx---"),
        ("age=60..", "----xx"),
        ("age=..29.5|60.50", "xx---x"),  # a number may be written in another way
        ("age=.a", "---x--"),
        ("age!=18..99", "---x--"),  # a missing value is in no range
        ("age!=.a & age!=99", "xxx--x"),
        ("age=18.0|98", "x-----"),  # 98 is nobody's age, but the file labels it
        ("party=Dem|Rep", "xx----"),
        ("party=.", "----xx"),
        ('party="."', "---x--"),
        ("party=10..20", "--x---"),
        ("party!=Dem", "-xxxxx"),
        ("party!=Dem|.", "-xxx--"),
        ('"a & b"=1..2', "xx-xx-"),
        ('подвыборка=1 & "a & b"=-1|3', "--x--x"),
    ],
)
def test_who_fulfils_a_condition(source: Source, condition: str, selected: str) -> None:
    found = fulfilled(condition, source, PLACE)
    assert source.problems == []
    assert found is not None
    assert "".join("x" if one else "-" for one in found) == selected


@pytest.mark.parametrize(
    ("condition", "messages"),
    [
        (
            "age=18 & Party=Dem & sex=1",
            [
                "a variable that house/monitor/08/wave.dta does not have; one there differs only in capital and small "
                "letters (found 'Party'); expected the name of a variable of the file; nearest: 'party'",
                "a variable that house/monitor/08/wave.dta does not have (found 'sex'); expected the name of a "
                "variable of the file",
            ],
        ),
        (
            "подвыбopка=1",
            [
                "a variable that house/monitor/08/wave.dta does not have; one there looks the same: its character 7 is "
                "CYRILLIC SMALL LETTER O, here it is LATIN SMALL LETTER O (found 'подвыбopка'); expected the name of a "
                "variable of the file; nearest: 'подвыборка'"
            ],
        ),
        (
            "party=Rpe|Dem",
            ["a code that party does not have (found 'Rpe'); expected one of 18, \".\", Dem, Rep, .; nearest: 'Rep'"],
        ),
        (
            "подвыборка!=3",
            ["a code that подвыборка does not have (found '3'); expected one of 1, 2, ."],
        ),
        (
            "age=30 & party=Dem",
            ["a condition that selects nobody (found 'age=30 & party=Dem'); expected at least one respondent"],
        ),
    ],
)
def test_a_condition_that_does_not_fit_the_file(source: Source, condition: str, messages: list[str]) -> None:
    assert fulfilled(condition, source, PLACE) is None
    start = "house/monitor/08/release.yml, column respondents.rows: "
    assert [str(one) for one in source.problems] == [start + message for message in messages]


def test_only_the_rows_of_the_sample_are_read_once_they_are_selected(source: Source) -> None:
    rows = fulfilled("age=18..30", source, PLACE)
    assert rows is not None
    source.file.select(rows)
    assert source.file.size == 3
    found = fulfilled('"a & b"=1|3', source, PLACE)
    assert found is not None and found.tolist() == [True, False, True]
    numbers = source.codebook.variable("подвыборка")
    assert numbers is not None and source.file.numbers(numbers).tolist() == [1, 2, 1]


def test_codes_stand_in_the_order_of_people() -> None:
    assert in_order([".", "b", "10", "9", ".a", "-1", "1.5", "nan", "9"]) == [
        "-1", "1.5", "9", "10", ".a", "b", "nan", ".",
    ]  # fmt: skip
