"""Damaged hand-written files, seeded: each ends as a record or with problems that say where, whatever stands in them.

The files are read in a child process, so that an overflowing stack or an endless loop in the parser of YAML, which is C
code, is one failed batch and not the end of the run.
"""

import json
import random
import traceback
from typing import Any

import pytest

from assets import isolation
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Release
from schemas.problems import Problem, ProblemsError
from schemas.published import PublishedRow
from schemas.vocabulary import QUARANTINE_CAUSES

LIMITS = isolation.Limits(memory_bytes=1 << 30, seconds=120, output_bytes=1 << 20)  # seconds: only a hang takes as long
BATCH = 50

RELEASE = """\
organisation: example-institute
series: mornings
wave: "08"
title: What people drink first   # a remark
vintage: 2024-04-02
fieldwork: {start: 2024-03-11, end: 2024-03-17}
sample:
  n: 1004
  margin_of_error: 3.1
  probability: yes
  design_effect: {value: 1.3, basis: stated, reason: page 2}
method:
  weighting: >-
    gender, age,
    region
bases:
  - text: all respondents
    n: sample
files:
  - path: wave.sav
    role: respondents
    sha256: 00c3fd52eb90e7ab5b5349cc3754cfaade2dd13179ca92d991bf9414823b4282
    bytes: 1234
    obtain: https://example.org/mornings
  - {path: published.csv, role: published}
respondents:
  file: wave.sav
  expect_rows: 1500
  rows: sample=1 & stage!=.
  weight: {variable: weight, mean: 1.0, lowest: 0.2, highest: 7.0}
  design: {strata: [region], psu: town, lonely: adjust}
  banners:
    - subgroup: age
      variable: Q2
      values: [{value: 18-29, codes: 18..29}, {value: 30+, codes: "30..", label: ~}]
      outside: "98|99"
    - subgroup: gender
      variable: Q1
      values: [{value: женщины, codes: "2", label: Женский}]
    - {subgroup: age_gender, cross: [age, gender]}
  reading:
    encoding: windows-1251
    sets: [{name: drinks, members: [q3_1, q3_2], counted: "1"}]
licence: {name: MIT, redistribute: true}
source_url: https://example.org/mornings/08
"""
ITEM = """\
item: morning-drink
concept: what people drink
title: First drink of the morning
wording: "What do you drink first: tea or coffee?"
wording_kind: verbatim
answer: single
categories:
  - {id: tea, label: Tea, score: 1}
  - {id: coffee, label: Кофе, score: -2.5}
  - {id: both, label: Either, kind: net, of: [tea, coffee]}
  - {id: hard_to_say, label: Hard to say, kind: dont_know}
keywords: [morning, drink]
apart_from:
  - {item: evening-drink, reason: another time}
note: null
"""
QUESTIONS = """\
question,item,wording,wording_kind,question_match,options_match,answer,form,n,decision,reason,variable,where,base
q1,morning-drink,"What do you drink, first?",verbatim,same,same,single,full,,join,,q1,,
q2,morning-drink,Что Вы пьёте?,translation,similar,changed,multiple,half,502,note,"a ""half"" one",q2,half=1|2,men
"""
CATEGORIES = """\
question,option,code,label,category,kind,score,in_base,note
q1,Tea,1,Чай,tea,substantive,1.5,,
q1,,98,Hard to say,hard_to_say,dont_know,,no,"outside, as declared"
q1,,.,,,system,,,
"""
PUBLISHED = """\
item,category,subgroup,subgroup_value,statistic,value,tolerance,published,source,source_url,note
morning-drink,tea,total,all,percent,45.86,,2024-04,Report,https://example.org/report,
morning-drink,coffee,gender,женщины,percent,41,0.6,2024,Report,,adjusted
,,total,all,n,1004,,,Report,,
"""
FILES: dict[str, tuple[str, Any, str]] = {
    "release.yml": (RELEASE, Release, "manifest"),
    "item.yml": (ITEM, Item, "crosswalk"),
    "questions.csv": (QUESTIONS, QuestionRow, "crosswalk"),
    "categories.csv": (CATEGORIES, CategoryRow, "crosswalk"),
    "published.csv": (PUBLISHED, PublishedRow, "manifest"),
}
NAMES = tuple(FILES)

# What hands, spreadsheets and mischief put into a file.
SCRAPS = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        "&a ", "*a", "&a [*a]", "<<: *a", "!!python/object:os.system x", "!!binary aGk=", "!!float .inf", "!<x> ",
        "? ", ": ", ":", "- ", "-", "\t", "  ", "#", " #", "|", "|2-", ">-\n", "---\n", "...\n", "%YAML 9.9\n---\n",
        "{", "}", "[", "]", "[[[[[[[[", "{{{{{{{{", "[" * 300, "{a: " * 300, "- " * 300, "? " * 300, '"', "'", '"\\0"',
        '"\\ud800"', '"\\x1b[2J"', '"\\U0010FFFF"', '"\\UFFFFFFFF"', '"\\N\\_\\L\\P"', "~", "null", "Null", "", "yes",
        "no", "0x1f", "1_000", "1e400", "-1", "9" * 400, "." * 60, "1" + "0" * 5000, ".nan", "NaN", "-.inf", "٣",
        "１２", "²", "12:30:45", "2024-02-30", "0000", "-2024", "=1+1", "@SUM(A1)", ",", ",,", ",\n", "\n,", "\r",
        "\r\n", "\n", "\n\n\n", '""', '","', '"\n"', ";", "\x00", "\x01", "\x7f", "\x85", "\u2028", "\ufeff",
        "\u200b", "\u202e", "\ud800", "😀", "á", "а", "../x", "/etc/x", "https://", "http://[::1", "..", "1..",
        "..1..", "9..1", "x=", "=1", '"a"="b"', "a=1 & b", "|1|",
        "x" * 70_000,
    )
)  # fmt: skip
RAW = (b"\xff\xfe", b"\xfe\xff", b"\xc3\x28", b"\xa0", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xcf\xf0\xe8")


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """The file with one to four wounds, of bytes or of lines."""
    for _ in range(draw.randint(1, 4)):
        raw = draw.choice((_bytes, _scrap, _scrap, _value, _value, _lines))(raw, draw)
    return raw


def _bytes(raw: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(raw) + 1)
    match draw.randrange(5):
        case 0:
            return raw[:at] + bytes([draw.randrange(256)]) + raw[at + 1 :]
        case 1:
            return raw[:at] + raw[at + draw.choice((1, 3, 20, 200)) :]
        case 2:
            return raw[:at] + draw.choice(RAW) + raw[at:]
        case 3:
            return raw[:at]
        case _:
            return raw[:at] + draw.randbytes(draw.choice((1, 4, 40))) + raw[at:]


def _scrap(raw: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(raw) + 1)
    return raw[:at] + draw.choice(SCRAPS) + raw[at:]


def _value(raw: bytes, draw: random.Random) -> bytes:
    """A value, from a sign that ends keys and cells to the next, replaced by something else."""
    starts = [at + 1 for at, byte in enumerate(raw) if byte in b":,["]
    if not starts:
        return raw
    at = draw.choice(starts)
    ends = [place for sign in b",]}\n" if (place := raw.find(sign, at)) >= 0]
    return raw[:at] + b" " + draw.choice(SCRAPS) + raw[min(ends, default=len(raw)) :]


def _lines(raw: bytes, draw: random.Random) -> bytes:
    lines = raw.splitlines(keepends=True) or [b""]
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randrange(5):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            lines.insert(one, lines[other])
        case 2:
            lines[one] = draw.choice((b" ", b"  ", b"\t", b"      ")) + lines[one]
        case 3:
            lines[one] = lines[one].lstrip()
        case _:
            lines[one:one] = lines * draw.choice((1, 3))
    return b"".join(lines)


def document(number: int, seed: int) -> tuple[str, bytes]:
    """Name and bytes of one damaged file; the same for the same numbers."""
    name = NAMES[number % len(NAMES)]
    return name, mutated(FILES[name][0].encode(), random.Random(seed * 1_000_003 + number))


def outcome(name: str, raw: bytes) -> str:
    """`read`, the cause of the first problem, or `broken: …` if the file ended otherwise."""
    _, model, cause = FILES[name]
    try:
        if name.endswith(".yml"):
            records = [read_yaml(raw, name, model, cause)]
        else:
            records = [record for _, record in read_csv(raw, name, model, cause)]
    except ProblemsError as bad:
        return told(bad.problems, name, raw, cause)
    except BaseException as bad:  # whatever it is, it is what this test looks for
        where = traceback.extract_tb(bad.__traceback__)[-1]
        return f"broken: {type(bad).__name__} in {where.name}: {str(bad)[:200]}"
    wrong = next((record for record in records if not isinstance(record, model)), None)
    return f"broken: a {type(wrong).__name__}" if wrong is not None else "read"


def told(problems: tuple[Problem, ...] | list[Problem], name: str, raw: bytes, cause: str) -> str:
    """The cause of the first problem, or `broken: …` if one of them would not help a person or a log."""
    if not problems:
        return "broken: no problem told"
    lines = raw.count(b"\n") + raw.count(b"\r") + raw.count(b"\xc2\x85") + raw.count(b"\xe2\x80\xa8") + 1
    for one in problems:
        sentence = str(one)
        if one.cause not in (cause, "empty", "encoding", "too_large") or one.cause not in QUARANTINE_CAUSES:
            return f"broken: the cause {one.cause}"
        if one.file != name or not one.what:
            return f"broken: no file or no words: {sentence[:200]!r}"
        if "broken YAML" in one.what and one.row is None:
            return f"broken: no place: {sentence[:200]!r}"
        if one.row is not None and not 1 <= one.row <= lines + 1:
            return f"broken: row {one.row} of {lines}"
        if not sentence.isprintable():
            return f"broken: a sign that a terminal or a log does not show: {sentence[:200]!r}"
        json.dumps(one.as_row()).encode()
    return problems[0].cause


def batch(start: int, seed: int) -> list[str]:
    """What became of `BATCH` damaged files; runs in a child."""
    return [outcome(*document(number, seed)) for number in range(start, start + BATCH)]


def fuzz(count: int, seed: int) -> dict[str, int]:
    jobs = (isolation.Job(str(start), (start, seed), "batch") for start in range(0, count, BATCH))
    causes: dict[str, int] = {}
    broken = []
    for done in isolation.run("tests.test_yaml_fuzz:batch", jobs, LIMITS):
        assert not done.problems, f"files {done.key} to {int(done.key) + BATCH - 1}, seed {seed}: {done.problems}"
        assert done.value is not None and len(done.value) == BATCH
        for number, word in enumerate(done.value, int(done.key)):
            causes[word] = causes.get(word, 0) + 1
            if word.startswith("broken"):
                broken.append(f"document({number}, {seed}) {NAMES[number % len(NAMES)]}: {word}")
    assert not broken, "\n".join(broken)
    assert sum(causes.values()) == count
    return causes


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_whole_before_they_are_damaged(name):
    assert outcome(name, FILES[name][0].encode()) == "read"


def test_a_control_character_has_its_place():
    """The parser tells such a byte by its offset only; letters before it take two bytes."""
    raw = ITEM.replace("Hard to say, kind", "Hard\x07 to say, kind").encode()
    with pytest.raises(ProblemsError) as bad:
        read_yaml(raw, "item.yml", Item, "crosswalk")
    line = ITEM.splitlines()[10]
    place = (11, str(line.index("Hard to say") + len("Hard") + 1))
    assert [(one.row, one.column) for one in bad.value.problems] == [place], "line and column of the byte"


def test_a_name_that_is_not_seen_is_shown_as_it_is():
    with pytest.raises(ProblemsError) as bad:
        read_yaml(ITEM.replace("note:", '"no\\0te":').encode(), "item.yml", Item, "crosswalk")
    assert [one.column for one in bad.value.problems] == ["no\\x00te"]
    with pytest.raises(ProblemsError) as bad:
        read_csv(PUBLISHED.replace("tolerance", "tole\u200brance").encode(), "p.csv", PublishedRow, "manifest")
    assert bad.value.problems[0].column == "tole\\u200brance", "a space without width, from a web page"


def test_three_hundred_damaged_files():
    causes = fuzz(300, seed=1)
    print(causes)
    assert causes.get("read", 0) < 200, "most wounds are noticed"
    assert {"read", "manifest", "crosswalk", "encoding"} <= set(causes)


@pytest.mark.soak
def test_two_thousand_damaged_files():
    causes = fuzz(2_000, seed=2)
    print(causes)
    assert {"read", "manifest", "crosswalk", "encoding"} <= set(causes)
