"""What people and accidents put into a catalogue, through a real refresh: said exactly, set aside alone, mended."""

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.ingest import ingest
from assets.refresh import Refreshed, now, refresh
from schemas.problems import Problem
from tests import factory
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout

FOUR_FILES = ("release.yml", "toplines.csv", "questions.csv", "categories.csv")
KEYS = (
    "organisation, series, wave, title, vintage, status, fieldwork, sample, method, bases, files, respondents, "
    "licence, embargo_until, source_url, conflicts, corrections, producer_notes, our_notes"
)
LATIN_1 = {
    "release.yml": "row 1: byte 0xe9 at position 23 is not UTF-8 (found 'on: acme café\\nseries: mo'); "
    "expected UTF-8 (is it Latin-1 or windows-1251?)",
    "toplines.csv": "row 1, column 73: byte 0xe9 is not UTF-8 (found 'e_url,confidence café'); expected UTF-8 (if the "
    "words shown are right, the file is in windows-1252: save it again as UTF-8); nearest: 'windows-1252'",
    "questions.csv": "row 1: byte 0xe9 at position 96 is not UTF-8 (found 'iewed_by café\\nq0,invente'); "
    "expected UTF-8 (is it Latin-1 or windows-1251?)",
    "categories.csv": "row 1: byte 0xe9 at position 34 is not UTF-8 (found 'ory,kind café\\nq0,\"yes, a'); "
    "expected UTF-8 (is it Latin-1 or windows-1251?)",
}


def swap(file: str, old: str, new: str):
    """A change of one file of a release; the old text must be there once at least."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")

    return change


def add(file: str, line: str):
    """A line more at the end of a file."""
    return lambda folder: (folder / file).write_text((folder / file).read_text("utf-8") + line + "\n", "utf-8")


def raw(file: str, data: bytes):
    """Other bytes instead of a file."""
    return lambda folder: (folder / file).write_bytes(data)


def latin_1(file: str):
    """A file in Latin-1, with an é behind its first comma or colon."""

    def change(folder: Path) -> None:
        data = (folder / file).read_bytes()
        (folder / file).write_bytes(data.replace(b"\n", b" caf\xe9\n", 1))

    return change


def link(file: str):
    """A link that leads to a file outside, in the place of a file."""

    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).symlink_to("/etc/hostname")

    return change


def huge(folder: Path) -> None:
    """Two gigabytes of zeros (a sparse file, which takes no room)."""
    with (folder / "toplines.csv").open("r+b") as file:
        file.truncate(2 << 30)


def all_of(*changes):
    """Several changes."""

    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change


def bytes_name(folder: Path) -> None:
    """A file whose name is Latin-1."""
    with open(os.fsencode(folder) + b"/caf\xe9.csv", "wb") as file:  # noqa: PTH123 (bytes)
        file.write(b"x")


ROW = 'q0,Do you agree with invented?,"{}",{},{},2024-01-28,https://example.org/x,read_directly'

# name -> the change, and the whole messages that must come, each with its cause
BAD = {
    "broken-yaml": (
        swap("release.yml", "sample:", "sample: ["),
        ["manifest {}/release.yml, row 11, column 14: broken YAML: did not find expected ',' or ']'"],
    ),
    "unknown-key": (
        swap("release.yml", "title:", "titel:"),
        [f"manifest {{}}/release.yml, row 4, column titel: unknown key; expected one of {KEYS}; nearest: 'title'"],
    ),
    "unknown-key-below": (
        swap("release.yml", "  mode: CATI", "  mood: CATI"),
        [
            "manifest {}/release.yml, row 15, column method.mood: unknown key; expected one of strategy, "
            "sponsor_and_conductor, instruments, population, sampling, mode, weighting, processing, limitations; "
            "nearest: 'mode'"
        ],
    ),
    "key-twice": (
        add("release.yml", "title: again"),
        ["manifest {}/release.yml, row 20, column title: a key stands twice"],
    ),
    "n-left-out": (
        swap("release.yml", "  n: 1000\n", ""),
        [
            "manifest {}/release.yml, row 9, column sample.n: a value is missing; "
            "expected a number of interviews, or unknown"
        ],
    ),
    "n-in-words": (
        swap("release.yml", "n: 1000", "n: about 900"),
        [
            "manifest {}/release.yml, row 10, column sample.n: not a whole number (found 'about 900'); "
            "expected a whole number or unknown"
        ],
    ),
    "n-too-large-for-any-column": (
        swap("release.yml", "n: 1000", "n: 99999999999"),
        [
            "manifest {}/release.yml, row 10, column sample.n: no size of a sample (found '99999999999'); "
            "expected at least 1, or unknown"
        ],
    ),
    "base-of-nobody": (
        swap("release.yml", "n: sample", "n: 0"),
        [
            "manifest {}/release.yml, row 17, column bases.0.n: no size of a base (found '0'); "
            "expected at least 1, unknown, or sample"
        ],
    ),
    "question-n-too-large": (
        all_of(
            swap("questions.csv", "reviewed_by\n", "reviewed_by,n\n"), swap("questions.csv", "tests\n", "tests,1e12\n")
        ),
        [
            "crosswalk {}/questions.csv, row 2, column n: not a whole number (found '1e12'); "
            "expected a whole number or unknown"
        ],
    ),
    "dates-reversed": (
        all_of(swap("release.yml", "start: 2024-01-01", "start: 2024-01-11")),
        [
            "manifest {}/release.yml, row 6, column fieldwork: fieldwork ends (2024-01-10) before it starts "
            "(2024-01-11); expected start <= end"
        ],
    ),
    "no-such-day": (
        swap("release.yml", "end: 2024-01-10", "end: 2024-02-30"),
        [
            "manifest {}/release.yml, row 8, column fieldwork.end: not a date (found '2024-02-30'); "
            "expected YYYY-MM-DD, YYYY-MM or YYYY or unknown"
        ],
    ),
    "digits-of-another-script": (
        swap("release.yml", "vintage: 2024-01-28", "vintage: ٢٠٢٤"),
        [
            "manifest {}/release.yml, row 5, column vintage: not a date (found '٢٠٢٤'); "
            "expected YYYY-MM-DD, YYYY-MM or YYYY or undated"
        ],
    ),
    "percent-over-100": (
        swap("toplines.csv", ",40,", ",140,"),
        ["toplines {}/toplines.csv, row 2, column percent: more than 100 percent (found '140'); expected 0 to 100"],
    ),
    "percent-sign": (
        swap("toplines.csv", ",40,", ",40%,"),
        [
            "toplines {}/toplines.csv, row 2, column percent: not a percentage (found '40%'); "
            "expected a number (52.2) or a range (2-4), no % sign"
        ],
    ),
    "sum-160": (
        swap("toplines.csv", ",40,", ",100,"),
        [
            "toplines {}/toplines.csv, row 4, column percent: the options of invented (total: all) add to 160 "
            "(found '160'); expected at most 101.5; is it multiple choice (answer: multiple), or is a net counted as "
            "an option?"
        ],
    ),
    "no-such-item": (
        swap("questions.csv", "q0,invented,", "q0,invneted,"),
        [
            "crosswalk {}/questions.csv, row 2, column item: an item that does not exist (found 'invneted'); "
            "expected a file of that name in catalog/items; nearest: 'invented'"
        ],
    ),
    "broken-item": (
        swap("questions.csv", "q0,invented,", "q0,broken,"),
        [
            "crosswalk {}/questions.csv, row 2, column item: an item whose file cannot be read (found 'broken'); "
            "expected items/broken.yml without the problems that the quarantine names"
        ],
    ),
    "category-not-in-item": (
        swap("categories.csv", ",agree,", ",agrees,"),
        [
            "crosswalk {}/categories.csv, row 2, column category: a category that item invented does not have "
            "(found 'agrees'); expected one of agree, disagree, dont_know; nearest: 'agree'"
        ],
    ),
    "another-kind": (
        swap("categories.csv", "dont_know,dont_know", "dont_know,refused"),
        [
            "crosswalk {}/categories.csv, row 4, column kind: another kind than item invented gives dont_know "
            "(found 'refused'); expected dont_know"
        ],
    ),
    "not-a-kind": (
        swap("categories.csv", "dont_know,dont_know", "dont_know,dontknow"),
        [
            "crosswalk {}/categories.csv, row 4, column kind: not one of the known words (found 'dontknow'); expected "
            "one of substantive, dont_know, refused, not_asked, system, net; nearest: 'dont_know'"
        ],
    ),
    "option-without-row": (
        swap("toplines.csv", '"hard to say"', '"hard to tell"'),
        [
            "crosswalk {}/categories.csv, row 4, column option: a stale row: no figure uses it (found 'hard to say'); "
            "expected a row that a figure uses, or none; nearest: 'hard to tell'",
            "crosswalk {}/toplines.csv, row 4, column option: an option without a row (found 'hard to tell'); "
            "expected a row for it in categories.csv; nearest: 'hard to say'",
        ],
    ),
    "question-without-row": (
        add("toplines.csv", ROW.format("yes", 10, "all respondents").replace("q0", "q1")),
        [
            "crosswalk {}/toplines.csv, row 5, column question: a question without a row (found 'q1'); "
            "expected a row for it in questions.csv"
        ],
    ),
    "base-without-row": (
        swap("toplines.csv", '"hard to say",10,all respondents', '"hard to say",10,all respondent'),
        [
            "crosswalk {}/toplines.csv, row 4, column base: a base that the manifest does not explain (found "
            "'all respondent'); expected a row for it in release.yml under bases; nearest: 'all respondents'"
        ],
    ),
    "stale-question": (
        add("questions.csv", "q7,invented,Forgotten?,verbatim,same,same,join,,tests"),
        [
            "crosswalk {}/questions.csv, row 3, column question: a stale row: no figure uses it (found 'q7'); "
            "expected a row that a figure uses, or none"
        ],
    ),
    "stale-category": (
        add("categories.csv", 'q0,"refuse to say",dont_know,dont_know'),
        [
            "crosswalk {}/categories.csv, row 5, column option: a stale row: no figure uses it (found "
            "'refuse to say'); expected a row that a figure uses, or none; nearest: 'hard to say'"
        ],
    ),
    "stale-base": (
        swap("release.yml", "n: sample}\n", "n: sample}\n  - {text: men, subgroup: sex, value: men, n: 400}\n"),
        [
            "crosswalk {}/release.yml, column bases: a stale row: no figure uses it (found 'men'); "
            "expected a row that a figure uses, or none"
        ],
    ),
    "crosswalk-without-a-file": (
        swap("release.yml", "files:\n  - path: toplines.csv\n", ""),
        [
            "manifest {}/toplines.csv: a file that the manifest does not name: nothing reads it; expected its path "
            "under files in release.yml, or no such file",
            "crosswalk {}/questions.csv, row 2, column question: a stale row: no figure uses it (found 'q0'); "
            "expected a row that a figure uses, or none",
        ],
    ),
    "decision-without-reason": (
        swap("questions.csv", ",join,", ",break,"),
        [
            "crosswalk {}/questions.csv, row 2, column reason: a decision without a reason (found 'break'); "
            "expected why this question does not simply join"
        ],
    ),
    "figure-twice": (
        add("toplines.csv", ROW.format("yes, agree", 1, "all respondents")),
        [
            "toplines {}/toplines.csv, row 5, column standing: two figures for one cell (invented / agree / total / "
            "all; the other is in row 2) (found '1'); expected one figure; the other a repeat, superseded, interim "
            "or a retelling"
        ],
    ),
    "checksum": (
        swap("release.yml", "path: toplines.csv", f"path: toplines.csv\n    sha256: {'0' * 64}"),
        ["checksum {}/toplines.csv: the bytes are not the declared ones (found '…'); expected " + "0" * 64],
    ),
    "declared-file-missing": (
        swap("release.yml", "path: toplines.csv", "path: topline.csv"),
        [
            "manifest {}/release.yml, column files.0.path: a declared file is not there (found 'topline.csv'); "
            "expected the file in this folder, or its address with a checksum; nearest: 'toplines.csv'"
        ],
    ),
    "path-outside": (
        swap("release.yml", "path: toplines.csv", "path: ../02/toplines.csv"),
        [
            "manifest {}/release.yml, row 19, column files.0.path: a path that leads outside the release's folder "
            "(found '../02/toplines.csv'); expected a plain relative path (toplines.csv)"
        ],
    ),
    "absolute-path": (
        swap("release.yml", "path: toplines.csv", "path: /etc/hostname"),
        [
            "manifest {}/release.yml, row 19, column files.0.path: a path that leads outside the release's folder "
            "(found '/etc/hostname'); expected a plain relative path (toplines.csv)"
        ],
    ),
    "link-to-a-file": (
        link("toplines.csv"),
        ["unsafe_path {}/toplines.csv: a symbolic link; expected plain files and folders, no links"],
    ),
    "name-in-latin-1": (
        bytes_name,
        [
            "unsafe_path {}/caf\\xe9.csv: a name with backslashes or bytes that are not UTF-8; "
            "expected plain files and folders, no links"
        ],
    ),
    "two-gigabytes-of-zeros": (
        huge,
        [
            "too_large {}/toplines.csv: 2,147,483,648 bytes are too many for published figures; "
            "expected at most 67,108,864 bytes"
        ],
    ),
    "nul-bytes": (
        raw("toplines.csv", b"\x00" * 5000),
        [
            "not_a_survey_file {}/toplines.csv: the file holds NUL bytes only; expected a CSV or XLSX table with the "
            "columns question, wording, option, percent, base, published, source_url, confidence"
        ],
    ),
    "formula-in-option": (
        swap("toplines.csv", '"hard to say"', '"=HYPERLINK(""http://example.org"")"'),
        [
            "toplines {}/toplines.csv, row 4, column option: a label that a spreadsheet would run as a formula (found "
            "'=HYPERLINK(\"http://example.org\")'); expected plain text"
        ],
    ),
    "formula-in-base": (
        swap("release.yml", "text: all respondents", "text: =HYPERLINK(1)"),
        [
            "manifest {}/release.yml, row 17, column bases.0.text: a label that a spreadsheet would run as a formula "
            "(found '=HYPERLINK(1)'); expected plain text"
        ],
    ),
    "nul-by-escape": (
        swap("release.yml", "title: Invented", 'title: "a\\0b"  # '),
        ["manifest {}/release.yml, row 4, column title: a control character; expected text"],
    ),
    "nested-to-crash-the-parser": (
        add("release.yml", "our_notes: " + "[" * 100_000 + "]" * 100_000),
        ["manifest {}/release.yml, row 20: nested too deeply for a hand-written file; expected at most 20 levels"],
    ),
    "alias": (
        all_of(swap("release.yml", "title: Inv", "title: &t Inv"), add("release.yml", "our_notes: *t")),
        ["manifest {}/release.yml, row 20: YAML aliases are not read; expected plain values"],
    ),
    "wrong-place": (
        swap("release.yml", "series: monthly", "series: weekly"),
        [
            "manifest {}/release.yml, column series: the manifest names another folder (found 'weekly'); "
            "expected monthly"
        ],
    ),
    "correction-outlived": (
        add(
            "release.yml",
            "corrections:\n  - {question: q0, option: 'yes, agree', expect: 41, percent: 42, reason: typo, by: tests}",
        ),
        [
            "crosswalk {}/release.yml, column corrections.0.expect: the source has changed under a correction "
            "(found '40'); expected 41"
        ],
    ),
    "correction-of-nothing": (
        add(
            "release.yml",
            "corrections:\n  - {question: q0, option: maybe, expect: 41, percent: 42, reason: typo, by: tests}",
        ),
        ["crosswalk {}/release.yml, column corrections.0: a correction of a figure that is not there (found 'maybe')"],
    ),
    "correction-in-words": (
        add(
            "release.yml",
            "corrections:\n  - {question: q0, option: 'yes, agree', expect: 40, percent: many, reason: r, by: tests}",
        ),
        [
            "manifest {}/release.yml, row 21, column corrections.0.percent: not a percentage (found 'many'); "
            "expected a number from 0 to 100, no % sign"
        ],
    ),
    "several-at-once": (
        all_of(
            swap("release.yml", "mode: CATI", "mood: CATI"),
            swap("release.yml", "n: 1000", "n: -5"),
            swap("release.yml", "vintage: 2024-01-28", "vintage: soon"),
        ),
        [
            "manifest {}/release.yml, row 5, column vintage: not a date (found 'soon'); "
            "expected YYYY-MM-DD, YYYY-MM or YYYY or undated",
            "manifest {}/release.yml, row 10, column sample.n: no size of a sample (found '-5'); "
            "expected at least 1, or unknown",
            "manifest {}/release.yml, row 15, column method.mood: unknown key; expected one of strategy, "
            "sponsor_and_conductor, instruments, population, sampling, mode, weighting, processing, limitations; "
            "nearest: 'mode'",
        ],
    ),
    "several-rows-at-once": (
        all_of(swap("toplines.csv", ",40,", ",400,"), swap("toplines.csv", ",50,", ",fifty,")),
        [
            "toplines {}/toplines.csv, row 2, column percent: more than 100 percent (found '400'); expected 0 to 100",
            "toplines {}/toplines.csv, row 3, column percent: not a percentage (found 'fifty'); "
            "expected a number (52.2) or a range (2-4), no % sign",
        ],
    ),
    "several-files-at-once": (
        all_of(swap("questions.csv", ",join,", ",joyn,"), swap("categories.csv", ",agree,", ",Agree,")),
        [
            "crosswalk {}/categories.csv, row 2, column category: not a category id (found 'Agree'); "
            "expected lower-case letters, digits and underscores (join_russia)",
            "crosswalk {}/questions.csv, row 2, column decision: not one of the known words (found 'joyn'); "
            "expected one of join, note, break, exclude; nearest: 'join'",
        ],
    ),
    "unknown-column": (
        swap("categories.csv", "category,kind\n", "category,knid\n"),
        [
            "crosswalk {}/categories.csv, row 1, column kind: a column is missing; expected kind; nearest: 'knid'",
            "crosswalk {}/categories.csv, row 1, column knid: unknown column; expected one of question, option, "
            "code, label, category, kind, score, in_base, note; nearest: 'kind'",
        ],
    ),
    "no-crosswalk": (
        lambda folder: (folder / "questions.csv").unlink(),
        ["crosswalk {}/questions.csv: the file is missing; expected questions.csv"],
    ),
    "no-manifest": (
        lambda folder: (folder / "release.yml").unlink(),
        ["manifest {}/release.yml: no manifest in this folder; expected a release.yml"],
    ),
    "08": (
        swap("release.yml", "wave: x08", "wave: 08"),
        [
            "duplicate {}/release.yml, column wave: the same wave under another spelling (found '08'); "
            "expected one spelling in the whole series; nearest: 'acme/monthly/8'"
        ],
    ),
    "8": (
        swap("release.yml", "wave: x8", "wave: 8"),
        [
            "duplicate {}/release.yml, column wave: the same wave under another spelling (found '8'); "
            "expected one spelling in the whole series; nearest: 'acme/monthly/08'"
        ],
    ),
    "claims-one": (
        swap("release.yml", "wave: xclaims-one", "wave: claimed"),
        [
            "duplicate {}/release.yml, column vintage: two releases claim wave claimed and vintage 2024-01-28 "
            "(found '2024-01-28'); expected another vintage, or one release less; nearest: 'acme/monthly/claims-two'"
        ],
    ),
    "claims-two": (
        swap("release.yml", "wave: xclaims-two", "wave: claimed"),
        [
            "duplicate {}/release.yml, column vintage: two releases claim wave claimed and vintage 2024-01-28 "
            "(found '2024-01-28'); expected another vintage, or one release less; nearest: 'acme/monthly/claims-one'"
        ],
    ),
}
for _file in FOUR_FILES:
    BAD[f"latin-1-{_file}"] = (latin_1(_file), [f"encoding {{}}/{_file}, {LATIN_1[_file]}"])
    _expected = {
        "toplines.csv": "a CSV or XLSX table with the columns question, wording, option, percent, base, published, "
        "source_url, confidence"
    }.get(_file, "at least one line")
    BAD[f"empty-{_file}"] = (raw(_file, b""), [f"empty {{}}/{_file}: the file is empty; expected {_expected}"])


class Refreshment(NamedTuple):
    """A refreshed house."""

    layout: Layout
    done: Refreshed
    seconds: float

    def ask(self, query: str) -> list[tuple]:
        """Rows of the published database."""
        with connect.read(self.layout.link) as con:
            return con.execute(query).fetchall()


def run(layout: Layout) -> Refreshment:
    """A refresh without the audit."""
    start = time.monotonic()
    done = refresh(layout, audit=no_audit)
    return Refreshment(layout, done, time.monotonic() - start)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Refreshment:
    """One refresh over a good release and one release for each entry of BAD."""
    layout = factory.house(tmp_path_factory.mktemp("bad"))
    factory.item(layout.catalogue)
    factory.write(layout.catalogue / "items" / "broken.yml", "item: broken\nconcept: [\n")
    factory.series(layout.catalogue)
    factory.release(layout.catalogue, "01")
    factory.release(layout.catalogue, "zz", month=2, percents=(41, 49, 10))
    for name, (change, _) in BAD.items():
        folder = factory.release(layout.catalogue, f"x{name}".replace("_", "-"), folder=name)
        change(folder)
    linked = layout.catalogue / "releases/acme/monthly/linked"
    linked.symlink_to(layout.catalogue / "releases/acme/monthly/01")
    return run(layout)


def said(problem: Problem, expected: str) -> str:
    """Cause and message; the value is blotted out where it cannot be written down beforehand."""
    text = str(problem)
    if "(found '…')" in expected:
        text = text.replace(repr(problem.value), "'…'")
    return f"{problem.cause} {text}"


@pytest.mark.parametrize("name", BAD)
def test_the_message_says_file_row_column_value_expectation_and_nearest(bad: Refreshment, name: str) -> None:
    release = f"acme/monthly/{name}"
    expected = sorted(message.format(release) if "{}" in message else message for message in BAD[name][1])
    problems = bad.done.report.quarantined[release]
    found = sorted(said(problem, expected[0]) for problem in problems)
    assert found == expected


def test_one_bad_release_never_stops_the_others(bad: Refreshment) -> None:
    assert sorted(bad.done.report.loaded) == ["acme/monthly/01", "acme/monthly/zz"]
    assert bad.ask("SELECT release FROM releases ORDER BY release") == [("acme/monthly/01",), ("acme/monthly/zz",)]
    assert bad.ask("SELECT count(*) FROM estimates") == [(6,)]


def test_a_linked_folder_is_not_followed(bad: Refreshment) -> None:
    [problem] = bad.done.report.quarantined["acme/monthly/linked"]
    assert str(problem) == (
        "acme/monthly/linked: a symbolic link instead of a folder; expected plain files and folders, no links"
    )


def test_every_problem_is_a_row_of_quarantine_and_every_release_a_row_of_checks(bad: Refreshment) -> None:
    told = {
        (release, str(problem)) for release, problems in bad.done.report.quarantined.items() for problem in problems
    }
    rows = bad.ask("SELECT release, message FROM quarantine WHERE release LIKE 'acme/%'")
    assert set(rows) == told
    failed = bad.ask("SELECT subject FROM checks WHERE check_name = 'loads' AND NOT passed")
    assert {subject for (subject,) in failed} == set(bad.done.report.quarantined)
    assert bad.ask("SELECT count(*) FROM quarantine WHERE published_load IS NOT NULL") == [(0,)]


def test_a_broken_item_is_named_in_quarantine_by_its_file(bad: Refreshment) -> None:
    assert bad.ask("SELECT file, line, message FROM quarantine WHERE release = 'items/broken.yml'") == [
        ("items/broken.yml", 3, "items/broken.yml, row 3, column 1: broken YAML: did not find expected node content")
    ]


def test_what_stays_bad_is_no_news(bad: Refreshment) -> None:
    """Duplicates are tried again each time; that they fail again changes nothing."""
    again = run(bad.layout)
    assert again.done.report.changed is False
    assert again.done.published == bad.done.published
    assert {"acme/monthly/8", "acme/monthly/08"} <= set(again.done.report.quarantined)


def test_zeros_without_end_are_refused_unread(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    with (factory.release(layout.catalogue) / "toplines.csv").open("r+b") as file:
        file.truncate(200 << 30)  # sparse; reading it takes a minute or more, two gigabytes would not tell
    start = time.monotonic()
    report = ingest(layout, now())
    assert time.monotonic() - start < 15
    assert [p.cause for p in report.quarantined["acme/monthly/01"]] == ["too_large"]


# --- what is unusual but holds -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Refreshment:
    """One refresh over releases that are odd and sound."""
    layout = factory.house(tmp_path_factory.mktemp("odd"))
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    factory.release(layout.catalogue, "sum-103", percents=(43, 50, 10))
    factory.release(layout.catalogue, "n-unknown", n="unknown", month=2)
    swap("release.yml", "n: sample", "n: unknown")(factory.release(layout.catalogue, "base-unknown", month=3))
    folder = factory.release(layout.catalogue, "byte-order-mark", month=4)
    for file in FOUR_FILES:
        (folder / file).write_bytes(b"\xef\xbb\xbf" + (folder / file).read_bytes().replace(b"\n", b"\r\n"))
    add(
        "release.yml",
        "corrections:\n  - {question: q0, option: 'yes, agree', expect: 40, percent: 39.5, reason: typo, by: tests}",
    )(factory.release(layout.catalogue, "corrected", month=5))
    (factory.release(layout.catalogue, "hidden", month=6) / ".release.yml.swp").symlink_to("/nowhere")
    return run(layout)


def test_everything_odd_but_sound_loads(odd: Refreshment) -> None:
    assert odd.done.report.quarantined == {}


def test_a_sum_of_103_is_kept_flagged_and_a_row_of_checks(odd: Refreshment) -> None:
    rows = odd.ask("SELECT percent, list_contains(flags, 'sum_over_100') FROM estimates WHERE wave = 'sum-103'")
    assert sorted(rows) == [(10, True), (43, True), (50, True)]
    assert odd.ask("SELECT level, subject, passed, severity, message FROM checks WHERE check_name LIKE 'adds up%'") == [
        (
            "release",
            "acme/monthly/sum-103",
            False,
            "warning",
            "acme/monthly/sum-103/toplines.csv, row 4, column percent: the options of invented (total: all) add to 103 "
            "(found '103'); expected at most 101.5",
        )
    ]


@pytest.mark.parametrize("wave", ["n-unknown", "base-unknown"])
def test_an_unknown_base_loads_without_an_interval_and_says_so(odd: Refreshment, wave: str) -> None:
    rows = odd.ask(
        f"SELECT percent, n, percent_low, percent_high, standard_error, interval_method, flags "
        f"FROM estimates WHERE wave = '{wave}' AND category = 'agree'"
    )
    assert rows == [(40, None, None, None, None, None, ["no_interval_n_unknown"])]


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(odd: Refreshment) -> None:
    rows = odd.ask("SELECT percent FROM estimates WHERE wave = 'byte-order-mark' ORDER BY percent")
    assert rows == [(10,), (40,), (50,)]


def test_a_correction_is_applied_flagged_and_explained(odd: Refreshment) -> None:
    where = "wave = 'corrected' AND category = 'agree'"
    query = f"SELECT percent, published_text, list_contains(flags, 'corrected') FROM estimates WHERE {where}"
    assert odd.ask(query) == [(39.5, "39.5", True)]
    assert odd.ask(f"SELECT note FROM toplines WHERE {where}") == [("typo",)]


# --- going in and out of quarantine ------------------------------------------------------------------------


def test_a_good_load_stays_published_until_the_file_is_mended(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    folder = factory.release(layout.catalogue)
    run(layout)
    good = (folder / "toplines.csv").read_bytes()
    (folder / "toplines.csv").write_bytes(good.replace(b",40,", b",400,"))
    broken = run(layout)
    assert broken.ask("SELECT release, cause, published_load FROM quarantine") == [("acme/monthly/01", "toplines", 1)]
    assert broken.ask("SELECT percent FROM estimates WHERE category = 'agree'") == [(40,)]
    (since,) = broken.ask("SELECT since FROM quarantine")[0]
    (folder / "toplines.csv").write_bytes(good.replace(b",40,", b",401,"))
    assert run(layout).ask("SELECT value, since FROM quarantine") == [("401", since)]
    (folder / "toplines.csv").write_bytes(good.replace(b",40,", b",42,"))
    mended = run(layout)
    assert mended.ask("SELECT * FROM quarantine") == []
    assert mended.ask("SELECT percent, load_vintage, cause FROM estimates JOIN releases USING (release) "
                      "WHERE category = 'agree'") == [(42, 2, "data")]  # fmt: skip


def test_a_newcomer_with_a_published_claim_is_set_aside_and_the_old_one_stays(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    old = factory.release(layout.catalogue, "08")
    run(layout)
    factory.release(layout.catalogue, "08", folder="a-copy", percents=(1, 2, 3))
    swap("release.yml", "2024-01-28", "2024-02-28")(factory.release(layout.catalogue, "8", percents=(1, 2, 3)))
    second = run(layout)
    assert {name: str(problem) for name, [problem] in second.done.report.quarantined.items()} == {
        "acme/monthly/a-copy": "acme/monthly/a-copy/release.yml, column vintage: two releases claim wave 08 and "
        "vintage 2024-01-28 (found '2024-01-28'); expected another vintage, or one release less; "
        "nearest: 'acme/monthly/08'",
        "acme/monthly/8": "acme/monthly/8/release.yml, column wave: the same wave under another spelling (found '8'); "
        "expected one spelling in the whole series; nearest: 'acme/monthly/08'",
    }
    assert second.ask("SELECT release, percent FROM estimates WHERE category = 'agree'") == [("acme/monthly/08", 40)]
    # The old one keeps its claim also when it is loaded again while the newcomers are tried again.
    swap("toplines.csv", ",40,", ",41,")(old)
    third = run(layout)
    assert list(third.done.report.loaded) == ["acme/monthly/08"]
    assert third.ask("SELECT release, percent FROM estimates WHERE category = 'agree'") == [("acme/monthly/08", 41)]
    # Once it is gone, the copy is no duplicate any more.
    shutil.rmtree(old)
    shutil.rmtree(layout.catalogue / "releases/acme/monthly/8")
    fourth = run(layout)
    assert fourth.done.report.withdrawn == ["acme/monthly/08", "acme/monthly/8"]
    assert fourth.ask("SELECT release, percent FROM estimates WHERE category = 'agree'") == [("acme/monthly/a-copy", 1)]


def test_a_broken_item_sets_only_its_releases_aside_and_their_figures_keep_their_description(layout: Layout) -> None:
    """With the real audit: figures without their item would block the publication of everything."""
    for name in ("invented", "other"):
        factory.item(layout.catalogue, name)
    factory.series(layout.catalogue)
    factory.release(layout.catalogue, "01")
    factory.release(layout.catalogue, "02", items=("other",), month=2)
    run(layout)
    factory.write(layout.catalogue / "items/other.yml", "item: other\nconcept: [\n")
    factory.release(layout.catalogue, "03", month=3)
    done = Refreshment(layout, refresh(layout), 0)
    assert list(done.done.report.loaded) == ["acme/monthly/03"]
    assert list(done.done.report.quarantined) == ["acme/monthly/02"]
    assert done.ask("SELECT release, published_load FROM quarantine ORDER BY release") == [
        ("acme/monthly/02", 1),
        ("items/other.yml", None),
    ]
    assert done.ask("SELECT title FROM items WHERE item = 'other'") == [("Invented question other",)]
    assert done.ask("SELECT count(*) FROM categories WHERE item = 'other'") == [(3,)]


def test_a_category_that_an_item_loses_keeps_its_description_while_a_published_load_needs_it(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    factory.release(layout.catalogue, "01")
    run(layout)
    item = layout.catalogue / "items/invented.yml"
    item.write_text(item.read_text().replace("- {id: disagree, label: Disagree}", "- {id: against, label: Against}"))
    done = run(layout)
    assert [str(problem) for problem in done.done.report.quarantined["acme/monthly/01"]] == [
        "acme/monthly/01/categories.csv, row 3, column category: a category that item invented does not have "
        "(found 'disagree'); expected one of agree, against, dont_know; nearest: 'agree'"
    ]
    assert done.ask("SELECT category, position FROM categories ORDER BY position") == [
        ("agree", 1), ("against", 2), ("dont_know", 3), ("disagree", 4),
    ]  # fmt: skip


def test_a_missing_organisation_file_sets_its_releases_aside_and_the_house_keeps_its_name(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    factory.series(layout.catalogue, "other-house")
    factory.release(layout.catalogue, "01")
    factory.release(layout.catalogue, "01", organisation="other-house")
    run(layout)
    (layout.catalogue / "releases/acme/organisation.yml").unlink()
    done = run(layout)
    assert {name: [str(p) for p in problems] for name, problems in done.done.report.quarantined.items()} == {
        "acme/monthly/01": ["acme/organisation.yml: the file is missing; expected a description of acme"]
    }
    assert done.ask("SELECT organisation, name FROM organisations ORDER BY 1") == [
        ("acme", "Institute acme"),
        ("other-house", "Institute other-house"),
    ]
    factory.series(layout.catalogue)
    assert run(layout).ask("SELECT * FROM quarantine") == []


def test_links_and_odd_names_in_the_catalogue_are_told_and_stop_nothing(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    factory.release(layout.catalogue, "01")
    run(layout)
    (layout.catalogue / "items/linked.yml").symlink_to("invented.yml")
    (layout.catalogue / "releases/house").symlink_to("acme")
    (layout.catalogue / "releases/acme/weekly").symlink_to("monthly")
    factory.write(layout.catalogue / "items/other.yaml", factory.ITEM.format(item="other"))
    with_bytes = os.fsencode(layout.catalogue / "releases/acme/monthly") + b"/caf\xe9"
    os.mkdir(with_bytes)  # noqa: PTH102 (bytes)
    done = run(layout)
    assert sorted(done.ask("SELECT release, message FROM quarantine")) == [
        (
            "acme/monthly/caf\\xe9",
            "acme/monthly/caf\\xe9: a name with backslashes or bytes that are not UTF-8; "
            "expected plain files and folders, no links",
        ),
        ("items/linked.yml", "items/linked.yml: not a regular file; expected plain files and folders, no links"),
        ("items/other.yaml", "items/other.yaml: another ending; expected a name that ends in .yml"),
        ("releases/acme/weekly", "releases/acme/weekly: a symbolic link; expected plain files and folders, no links"),
        ("releases/house", "releases/house: a symbolic link; expected plain files and folders, no links"),
    ]
    assert done.ask("SELECT count(*) FROM estimates") == [(3,)]


def test_a_claim_that_cannot_be_is_set_aside_alone(layout: Layout) -> None:
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    factory.release(layout.catalogue, "01")
    claim = "said_by: x\npublished: 2024\nstatement: y\nitem: invented\ncategory: agree\n"
    factory.write(layout.catalogue / "claims/too-much.yml", f"claim: too-much\n{claim}value: 150\n")
    factory.write(layout.catalogue / "claims/copy.yml", f"claim: original\n{claim}")
    factory.write(layout.catalogue / "claims/original.yml", f"claim: original\n{claim}")
    done = run(layout)
    assert done.ask("SELECT message FROM quarantine ORDER BY 1") == [
        ("claims/copy.yml, column claim: the id differs from the name of its place (found 'original'); expected copy",),
        (
            "claims/too-much.yml, row 7, column value: input should be less than or equal to 100 (found '150')",
        ),
    ]  # fmt: skip
    assert done.ask("SELECT claim FROM claims") == [("original",)]


# --- anything at all ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    layout = factory.house(tmp_path_factory.mktemp("fuzz"))
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    yield layout


@settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_damaged_bytes_land_in_loaded_or_in_quarantine_and_never_raise(sandbox: Layout, seed: int) -> None:
    """Forty damaged releases a walk: deleted, inserted, flipped and doubled bytes in any of the four files."""
    chance = random.Random(seed)
    names = []
    for number in range(40):
        folder = factory.release(sandbox.catalogue, f"w{number}", folder=f"{number:02d}")
        names.append(f"acme/monthly/{number:02d}")
        for _ in range(chance.randint(1, 3)):
            _damage(folder / chance.choice(FOUR_FILES), chance)
    report = ingest(sandbox, now())
    seen = set(report.loaded) | set(report.quarantined)
    assert seen <= set(names)
    assert len(seen) + report.same >= 40
    assert all(str(p) and p.cause for problems in report.quarantined.values() for p in problems)


def _damage(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data)) if data else 0
    until = at + chance.choice((1, 1, 1, 2, 8, 60))
    what = chance.choice(("delete", "insert", "flip", "double", "number", "cut"))
    if what == "delete":
        del data[at:until]
    elif what == "insert":
        data[at:at] = chance.choice((b"\x00", b"\xff", b",", b'"', b"\n", b":", b"- ", b"[", b"{", b"\xd8\x80", b"="))
    elif what == "flip" and data:
        data[at] ^= 1 << chance.randrange(8)
    elif what == "double":
        data[at:at] = data[at:until]
    elif what == "number":
        digits = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
        if digits:
            at = chance.choice(digits)
            data[at : at + 1] = chance.choice((b"-1", b"0", b"99999999999999", b"1e400", b"nan", b"inf", b""))
    else:
        del data[at:]
    path.write_bytes(bytes(data))


def test_a_database_that_duckdb_can_read_comes_out_of_it(sandbox: Layout) -> None:
    factory.release(sandbox.catalogue, "sound", folder="sound", month=2)
    done = run(sandbox)
    assert done.ask("SELECT count(*) > 0 FROM estimates WHERE wave = 'sound'") == [(True,)]
    with connect.read(sandbox.link) as con, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        con.execute("CREATE TABLE x (y INT)")


def test_a_data_file_that_the_manifest_does_not_name_is_a_warning_and_prose_is_none(tmp_path: Path) -> None:
    layout = factory.small_house(tmp_path, waves=1)
    folder = layout.catalogue / "releases" / "acme" / "monthly" / "01"
    (folder / "toplines-2.csv").write_bytes((folder / "toplines.csv").read_bytes())
    (folder / "notes.md").write_text("Read on paper.\n")

    done = refresh(layout, audit=lambda *_: [])
    assert list(done.report.loaded) == ["acme/monthly/01"]
    with connect.read(layout.link) as con:
        found = con.execute("SELECT subject, check_name, severity, message FROM checks WHERE NOT passed").fetchall()
    assert found == [
        (
            "acme/monthly/01",
            "files are named (1)",
            "warning",
            "acme/monthly/01/toplines-2.csv: a file that the manifest does not name: nothing reads it; expected its "
            "path under files in release.yml, or no such file; nearest: 'toplines.csv'",
        )
    ]


def test_a_file_that_may_not_be_read_sets_its_release_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = factory.small_house(tmp_path, waves=2)
    closed = layout.catalogue / "releases" / "acme" / "monthly" / "01" / "toplines.csv"
    plain_open = Path.open

    def guarded(path: Path, *args: Any, **more: Any) -> Any:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))  # root, who runs some tests, may read everything
        return plain_open(path, *args, **more)

    monkeypatch.setattr(Path, "open", guarded)
    done = refresh(layout, audit=lambda *_: [])
    assert list(done.report.loaded) == ["acme/monthly/02"]
    assert [str(p) for p in done.report.quarantined["acme/monthly/01"]] == [
        "acme/monthly/01/toplines.csv: a file that may not be read; expected plain files and folders, no links"
    ]
