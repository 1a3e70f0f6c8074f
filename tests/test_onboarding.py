"""A new wave's file against the wave before: what is matched, what is never guessed, what awaits a person.

Belongs here: `weathervane add` and `weathervane review`, and the rooms' functions behind them. Does not belong here:
reading files (test_responses_*), loading what was drafted (tests of the refresh).
"""

import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyreadstat
import pytest
from typer.testing import CliRunner

from assets.isolation import Outcome
from assets.onboarding import contents
from assets.onboarding.codes import compare
from assets.onboarding.conditions import translate
from assets.onboarding.contents import Contents, Tally, read_contents
from assets.onboarding.draft import Draft, draft, write
from assets.onboarding.matching import Subject, match, overlap
from assets.onboarding.previous import OnboardingError
from assets.onboarding.review import find_release, review
from assets.onboarding.weighting import suggest
from assets.onboarding.words import alike, plain, plain_name
from assets.refresh import refresh
from assets.responses.read import read
from pipeline.cli.main import app
from pipeline.cli.shape import faults
from pipeline.cli.shapes import SHAPES
from schemas.codebook import ValueLabel, Variable
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.manifest import Release
from schemas.problems import ProblemsError
from tests import surveys
from tests.conftest import no_audit
from warehouse.layout import PROJECT, Layout

COMMAND = Path(sys.executable).with_name("weathervane")
HEARD = {1: "Yes, I have", 2: "No, I have not", 97: "Hard to say"}
SUPPORT = {1: "Yes, I do", 2: "No, I do not", 3: "Hard to say", 4: "Refused"}
REASONS = {1: "It is cheap", 2: "It is fair", 3: "Other reason", 4: "Nobody asked me"}


def house(folder: Path, waves: int = 4) -> Layout:
    """A series of some waves, files in a folder that the house knows."""
    kept = folder / "files"
    for number in range(1, waves + 1):
        survey = surveys.write_survey(kept, seed=number, n=450, name=f"wave_{number:02d}.sav")
        surveys.write_release(folder / "catalog", survey, f"{number:02d}", month=number)
    return Layout(folder / "data", folder / "catalog", (kept,))


def rewrite(path: Path, names: dict[str, str], **changes: Any) -> Path:
    """A survey's file with other names of variables, and with whatever `changes` says of its labels and values."""
    frame, meta = pyreadstat.read_sav(path, user_missing=True)
    frame = frame.drop(columns=changes.get("drop", [])).rename(columns=names)
    labels = {names.get(k, k): v for k, v in meta.column_names_to_labels.items() if v} | changes.get("labels", {})
    values = {names.get(k, k): v for k, v in meta.variable_value_labels.items()} | changes.get("values", {})
    for name, codes in changes.get("codes", {}).items():
        frame[name] = frame[name].replace(codes)
    for name, column in changes.get("new", {}).items():
        frame[name] = column
    kept = {name: labels.get(name, "") for name in frame.columns}
    pyreadstat.write_sav(
        frame,
        path,
        column_labels=kept,
        variable_value_labels={name: of for name, of in values.items() if name in frame.columns},
    )
    return path


def fifth_wave(folder: Path) -> Path:
    """Every number has moved, two codes too; one wording, one battery and one list of reasons are not what they were.

    Q1 is now another question, support stands in Q2 with its don't know and refusal as 3 and 4.
    """
    path = surveys.write_survey(folder, seed=5, n=480, name="wave_05.sav").path
    rows = len(pyreadstat.read_sav(path)[0])
    chance = random.Random(5)
    return rewrite(
        path,
        {"Q1": "Q2", "Q2_1": "Q3_1", "Q2_2": "Q3_2", "Q2_3": "Q3_3", "Q3": "Q4", "Q4": "Q5", "Q5": "Q6"},
        labels={
            "Q1": "Have you heard of the plan?",
            "Q4": "How far do you trust the town council, from 0 to 10?",
            "Q3_4": "Newspapers",
        },
        values={"Q1": HEARD, "Q2": SUPPORT, "Q6": REASONS},
        codes={"Q2": {97.0: 3.0, 98.0: 4.0}, "Q6": {3.0: 4.0}},
        new={
            "Q1": pd.Series([chance.choice((1.0, 2.0, 97.0)) for _ in range(rows)]),
            "Q3_4": pd.Series([chance.choice((0.0, 1.0)) for _ in range(rows)]),
        },
    )


@pytest.fixture(autouse=True)
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read without a child, which would cost a second each; whole commands are run with one below."""

    def read_all(readings: list[Any], scratch: Path, workers: int) -> Any:
        for one in readings:
            one.folder.mkdir()
            try:
                yield Outcome(one.file, read(str(one.path), one.file, one.options, folder=str(one.folder)))
            except ProblemsError as bad:
                yield Outcome(one.file, None, bad.problems)

    monkeypatch.setattr(contents, "read_all", read_all)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, Draft]:
    """A house of four waves, and the draft of the fifth (not written)."""
    folder = tmp_path_factory.mktemp("five")
    layout = house(folder)
    return layout, draft(layout, fifth_wave(folder / "new"), None, None, None)


def question(made: Draft, was: str) -> Any:
    return next(one for one in made.crosswalk.questions if one.old.question == was)


# ---- one wave after another -----------------------------------------------------------------------------------------


def test_a_question_is_found_under_its_new_number(five: tuple[Layout, Draft]) -> None:
    made = five[1]
    assert made.release == "acme/monthly/05"
    assert made.previous and made.previous.written.release == "acme/monthly/04"
    support = question(made, "Q1")
    assert (support.row.question, support.row.variable) == ("Q2", "Q2"), support
    assert support.match.why[:2] == ("another name", "same label")
    assert made.crosswalk.matching and "Q1" in made.crosswalk.matching.taken_over
    assert {one.old.question: one.row and one.row.variable for one in made.crosswalk.questions} == {
        "Q1": "Q2",
        "Q2": "Q3",
        "Q3": "Q4",
        "Q4A": "Q5",
        "Q4B": "Q5",
        "Q5": "Q6",
    }


def test_a_code_goes_by_its_label_and_the_change_is_named(five: tuple[Layout, Draft]) -> None:
    support = question(five[1], "Q1")
    found = {code.code: (code.status, code.row and code.row.category) for code in support.codes}
    assert found == {
        "1": ("same", "support"),
        "2": ("same", "oppose"),
        "3": ("recoded", "dont_know"),
        "4": ("recoded", "refused"),
    }
    assert "'Hard to say' was 97, is 3" in next(code.note for code in support.codes if code.code == "3")
    rows = {row.code: row for row in five[1].crosswalk.categories if row.question == "Q2"}
    assert rows["4"].kind == "refused" and rows["4"].in_base == "no", "what was said of the old code holds for the new"
    assert support.row.question_match == support.row.options_match == "same", "the same options under other numbers"


def test_a_wording_that_differs_is_drafted_as_similar_with_a_reason(five: tuple[Layout, Draft]) -> None:
    trust = question(five[1], "Q3")
    assert trust.status == "reworded"
    assert (trust.row.question_match, trust.row.decision) == ("similar", "note")
    assert trust.row.reason == "draft: wording differs from wave 04"
    assert trust.row.wording == "How far do you trust the town council, from 0 to 10?"


def test_a_new_option_gets_no_row_and_is_named(five: tuple[Layout, Draft]) -> None:
    made = five[1]
    reason = question(made, "Q5")
    assert (reason.row.options_match, reason.row.decision) == ("changed", "note")
    assert "4" not in {row.code for row in made.crosswalk.categories if row.question == reason.row.question}
    assert any("Q6: code 4 'Nobody asked me' (44 rows)" in text for text in made.open), made.open
    assert any("Q3: code Q3_4 'Newspapers'" in text for text in made.open), "a new member of a battery is one too"


def test_two_questions_share_a_variable_only_where_they_did_before(five: tuple[Layout, Draft]) -> None:
    rows = five[1].crosswalk.rows
    ballots = [row for row in rows if row.variable == "Q5"]
    assert [(row.question, row.where) for row in ballots] == [("Q5A", "form=1"), ("Q5B", "form=2")]
    others = [row.variable for row in rows if row.variable != "Q5"]
    assert len(others) == len(set(others))


def test_nothing_is_reviewed_and_the_contracts_read_it(five: tuple[Layout, Draft]) -> None:
    made = five[1]
    files = {name: text.encode() for name, text in made.files().items()}
    release = read_yaml(files["release.yml"], "release.yml", Release)
    assert made.problems == ()
    assert [row.reviewed_by for _, row in read_csv(files["questions.csv"], "q", QuestionRow, "crosswalk")] == [None] * 6
    read_csv(files["categories.csv"], "c", CategoryRow, "crosswalk")
    assert release.n is None and release.vintage == "undated" and release.fieldwork.start == "unknown"
    assert "  # check: first day of interviewing" in made.manifest.text


def test_weight_design_banners_and_set_are_carried_over_where_they_are_certain(five: tuple[Layout, Draft]) -> None:
    told = read_yaml(five[1].manifest.text.encode(), "release.yml", Release).respondents
    assert told is not None and told.weight_variable == "wes"
    assert told.weight != "none" and told.weight.zeros == surveys.ZEROS, "counted in the new file"
    assert told.design is not None and (told.design.strata, told.design.psu) == (["stratum"], "psu")
    assert [banner.subgroup for banner in told.banners] == ["sex", "age", "region", "sex_age"]
    (chosen,) = told.reading.sets
    assert (chosen.name, chosen.members) == ("Q3", ["Q3_1", "Q3_2", "Q3_3", "Q3_4"])


def test_a_draft_of_the_same_file_says_so(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    made = draft(layout, tmp_path / "files" / "wave_01.sav", None, "02", None)
    assert made.known_as == ("acme/monthly/01",)
    assert [one.changes for one in made.crosswalk.questions] == [["same"]] * 6
    assert made.open == []


def test_a_draft_loads_as_provisional_and_one_with_a_new_code_does_not(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    second = surveys.write_survey(layout.files[0], seed=2, n=450, name="wave_02.sav").path
    write(layout, draft(layout, second, None, None, None))
    third = rewrite(
        surveys.write_survey(layout.files[0], seed=3, n=450, name="wave_03.sav").path,
        {},
        values={"Q5": REASONS},
        codes={"Q5": {3.0: 4.0}},
    )
    made = draft(layout, third, None, "03", "01")
    write(layout, made)
    done = refresh(layout, audit=no_audit)
    assert list(done.report.quarantined) == ["acme/monthly/03"], done.report.quarantined
    (problem,) = done.report.quarantined["acme/monthly/03"]
    assert "'Nobody asked me'" in str(problem) and any("code 4 'Nobody asked me'" in text for text in made.open)
    with duckdb.connect(str(done.published), read_only=True) as con:
        flags = con.execute("SELECT DISTINCT list_contains(flags, 'provisional') FROM estimates WHERE wave = '02'")
        assert flags.fetchall() == [(True,)]
        assert con.execute("SELECT count(*) FROM trends WHERE wave = '02'").fetchone() == (0,)
    again = draft(layout, third, None, "04", "02")
    assert again.previous and again.previous.told_by == "its own file, as the lake has it"


# ---- weights --------------------------------------------------------------------------------------------------------


def test_a_cell_number_is_never_offered_as_a_weight(five: tuple[Layout, Draft]) -> None:
    found = five[1].suggestions
    assert [one.variable for one in found.weights] == ["wes"]
    assert [one.variable for one in found.not_weights] == ["for_weight"]
    assert found.not_weights[0].reasons[0].startswith("looks like codes of cells, not a weight")


def test_a_weight_whose_label_changed_is_left_to_a_person(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    path = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    rewrite(path, {}, labels={"wes": "Household weight"})
    made = draft(layout, path, None, None, None)
    assert "wes" not in made.manifest.carried
    assert any("its label was None, is 'Household weight'; candidates: wes" in text for text in made.open), made.open
    assert "# not for_weight: looks like codes of cells" in made.manifest.text
    assert [problem.column for problem in made.problems] == ["respondents.weight"]
    assert made.problems[0].what == "a value is missing", "the refresh refuses it in the words of the contract"


def test_a_weight_that_now_holds_cells_is_not_carried_over(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    path = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    cells = pd.Series([float(row % 8 + 1) for row in range(450)])
    rewrite(path, {}, new={"wes": cells}, values={"wes": {code: f"cell {code}" for code in range(1, 9)}})
    made = draft(layout, path, None, None, None)
    assert made.suggestions.weight("wes") is None
    assert any("looks like codes of cells" in text and "respondents.weight" in text for text in made.open), made.open


def test_without_the_file_of_the_wave_before_less_is_certain(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    bare = Layout(layout.data, layout.catalogue)
    path = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    made = draft(bare, path, None, None, None)
    assert made.previous and made.previous.codebook is None
    assert "crosswalk alone" in made.previous.told_by
    assert all(one.status == "same" for one in made.crosswalk.questions), "the crosswalk has their labels"
    assert any("its label in the previous wave is not known" in text for text in made.open)
    assert 'design: "?"' in made.manifest.text, "a design that is not certain is never just left out"


def test_a_condition_that_cannot_be_said_is_left_open(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    manifest = layout.catalogue / "releases/acme/monthly/01/release.yml"
    manifest.write_text(manifest.read_text().replace("respondents:\n", "respondents:\n  rows: form=1\n", 1))
    path = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    rewrite(path, {}, drop=["form"])
    made = draft(layout, path, None, None, None)
    assert 'rows: "?"  # decide: wave 01 had form=1; form has no counterpart' in made.manifest.text
    assert any(problem.column == "respondents.rows" for problem in made.problems)
    assert question(made, "Q4A").row is None
    assert "it is Q4 now, but its condition form=1 does not carry over" in question(made, "Q4A").why_not


# ---- the command ----------------------------------------------------------------------------------------------------


def run(layout: Layout, *words: object) -> Any:
    env = {
        "WEATHERVANE_DATA": str(layout.data),
        "WEATHERVANE_CATALOG": str(layout.catalogue),
        "WEATHERVANE_FILES": os.pathsep.join(map(str, layout.files)),
    }
    return CliRunner().invoke(app, [str(word) for word in words], env=env)


def test_the_command_writes_once_and_never_again(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    file = fifth_wave(tmp_path / "new")
    done = run(layout, "add", file, "--to", "acme/monthly", "--wave", "05", "--json")
    assert done.exit_code == 2, "somebody must decide about the new code"
    told = json.loads(done.stdout)
    assert list(faults(told, SHAPES["add"])) == []
    assert told["questions"][0]["variable"] == {"was": "Q1", "is": "Q2"}
    folder = Path(told["folder"])
    assert sorted(path.name for path in folder.iterdir()) == [
        "categories.csv",
        "draft.md",
        "questions.csv",
        "release.yml",
    ]
    assert "## New questions" in (folder / "draft.md").read_text()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    again = run(layout, "add", file, "--wave", "05")
    assert again.exit_code == 1 and isinstance(again.exception, OnboardingError)
    assert "acme/monthly/05 is there already" in str(again.exception) and "--wave" in str(again.exception)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_draft_without_open_points_has_exit_code_0(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    file = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    done = run(layout, "add", file)
    assert done.exit_code == 0, done.output
    assert "a refresh loads it as provisional" in done.output


def test_which_series_and_which_wave_must_be_said_where_it_is_not_plain(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    surveys.factory.series(layout.catalogue, "acme", "yearly")
    file = layout.files[0] / "wave_01.sav"
    cases = [
        ((None, None, None), "give --to organisation/series, one of: acme/monthly, acme/yearly"),
        (("acme/montly", None, None), "no series 'acme/montly'; nearest: acme/monthly"),
        (("acme/yearly", None, None), "what is this wave called? it is the first one; give --wave"),
        (("acme/monthly", "../05", None), "--wave '../05': not a wave id; expected lower-case letters"),
        (("acme/monthly", None, "1"), "no release '1' in acme/monthly"),
    ]
    for (to, wave, after), message in cases:
        with pytest.raises(OnboardingError) as refused:
            draft(layout, file, to, wave, after)
        assert message in str(refused.value)


def test_the_first_wave_of_a_series(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    surveys.factory.series(layout.catalogue, "acme", "yearly")
    made = draft(layout, layout.files[0] / "wave_01.sav", "acme/yearly", "2024", None)
    folder = write(layout, made)
    assert made.previous is None and made.crosswalk.rows == []
    assert (folder / "questions.csv").read_text().startswith("question,item,variable")
    asked = {one.name: one.hint for one in made.new if one.is_question}
    assert "item plan-support" in (asked["Q1"] or ""), "the item asks the same"
    assert {"source_url", "respondents.weight"} <= {text.split(":")[0] for text in made.open}
    assert made.problems, "a refresh refuses it until weight and address are there"
    page = (folder / "draft.md").read_text()
    assert "first wave of its series" in page and "opinion (free_text)" in page


def test_a_file_that_cannot_be_read_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    bad = tmp_path / "page.sav"
    bad.write_text("<!DOCTYPE html><html><body>Log in</body></html>")
    done = run(layout, "add", bad, "--wave", "02")
    assert done.exit_code == 1 and isinstance(done.exception, ProblemsError)
    assert done.exception.problems[0].cause == "not_a_survey_file"
    assert [path.name for path in (layout.catalogue / "releases/acme/monthly").iterdir() if path.is_dir()] == ["01"]


def test_how_to_read_the_file_can_be_told_and_stays_in_the_manifest(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    file = tmp_path / "wave.csv"
    file.write_bytes("q1;пол\n1;жен\n2;муж\n1;муж\n".encode("windows-1251"))
    with pytest.raises(ProblemsError, match="windows-1251"):
        draft(layout, file, None, None, None)
    made = draft(layout, file, None, None, None, {"encoding": "windows-1251"})
    assert made.contents.codebook.variable("пол") is not None
    assert '    encoding: "windows-1251"' in made.manifest.text
    refused = run(layout, "add", file, "--read", "tab=2")
    assert "no way of reading is called 'tab'; there are encoding, delimiter, decimal, sheet" in str(refused.exception)


def test_a_file_without_labels_goes_by_name_and_number_and_says_so(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    second = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    frame, _ = pyreadstat.read_sav(second, user_missing=True)
    file = tmp_path / "wave_02.csv"
    frame.drop(columns=["opinion", "start_time"]).to_csv(file, index=False)
    made = draft(layout, file, None, None, None)
    support = question(made, "Q1")
    assert support.status == "unknown" and support.row.variable == "Q1"
    assert (support.row.question_match, support.row.decision) == ("similar", "note")
    assert support.row.reason.startswith("draft: no label to compare with wave 01")
    assert {code.status for code in support.codes} == {"by_code"}
    assert "taken for 'Hard to say' by its number alone" in "".join(code.note or "" for code in support.codes)
    assert [one.subgroup for one in read_yaml(made.manifest.text.encode(), "m", Release).respondents.banners] == []  # type: ignore[union-attr]


def test_numbers_of_questions_say_nothing_where_their_codes_changed() -> None:
    """Two waves without labels: unless most numbers kept their codes, no number is taken for its question."""

    def coded(name: str, *codes: str) -> Subject:
        return Subject(name, "", (), frozenset(codes))

    old = [coded("Q1", "1", "2", "99"), coded("Q2", "1", "2", "3"), coded("sex", "1", "2"), coded("Q3_1", "0", "1")]
    same = match(old, old)
    assert {one.old: one.new for one in same.pairs.values()} == {name: name for name in ("Q1", "Q2", "sex", "Q3_1")}
    new = [coded("Q1", "1", "2", "99"), coded("Q2", "18", "19", "20"), coded("sex", "1", "2"), coded("Q3_1", "0", "1")]
    found = match(old, new)
    assert list(found.pairs) == ["sex"]
    assert "a question's number alone says nothing here" in found.perhaps[0].why


def test_no_answer_of_a_respondent_is_told(five: tuple[Layout, Draft]) -> None:
    told = "".join(five[1].files().values())
    for words in ("The roads need repair", "Больше деревьев"):
        assert words not in told


def test_what_docs_adding_shows_is_what_happens(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "adding.md").read_text(encoding="utf-8")
    layout = house(tmp_path)
    fifth_wave(tmp_path)
    told = {"WEATHERVANE_DATA": str(layout.data), "WEATHERVANE_CATALOG": "catalog", "WEATHERVANE_FILES": "files"}

    def printed(*words: str) -> str:
        env = {**os.environ, **told, "COLUMNS": "110"}
        done = subprocess.run([COMMAND, *words], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert not done.stderr, done.stderr
        return " ".join(done.stdout.replace(f"{tmp_path}/", "").replace(str(COMMAND), "weathervane").split())

    def shown(after: str) -> str:
        assert after in page, f"docs/adding.md has no block that begins with {after!r}"
        return " ".join(page.partition(after)[2].partition("```")[0].split())

    assert shown("$ weathervane add wave_05.sav --to acme/monthly\n") == printed(
        "add", "wave_05.sav", "--to", "acme/monthly"
    )
    assert printed("review", "monthly/05").startswith(shown("$ weathervane review monthly/05\n").removesuffix(" ..."))
    done = refresh(Layout(layout.data, layout.catalogue, (*layout.files, tmp_path)), audit=no_audit)
    problems = done.report.quarantined["acme/monthly/05"]
    assert shown("set aside: acme/monthly/05\n") == " ".join(map(str, problems))


# ---- review ---------------------------------------------------------------------------------------------------------


def test_review_shows_what_nobody_reviewed_and_writes_nothing(tmp_path: Path) -> None:
    layout = house(tmp_path)
    folder = write(layout, draft(layout, fifth_wave(tmp_path / "new"), None, None, None))
    before = {path: path.read_bytes() for path in layout.catalogue.rglob("*") if path.is_file()}
    done = run(layout, "review", "monthly/05")
    assert done.exit_code == 0, done.output
    assert "acme/monthly/05, compared with acme/monthly/04: 6 questions await review" in done.output
    assert "was   How far do you trust the council, from 0 to 10?   [Q3 of 04]" in done.output
    assert "is    How far do you trust the town council, from 0 to 10?" in done.output
    assert "code  3 'Hard to say' was 97" in done.output
    assert "now: variable wes" in done.output and "check start: first day of interviewing" in done.output
    assert "reviewed_by" in done.output
    assert {path: path.read_bytes() for path in layout.catalogue.rglob("*") if path.is_file()} == before

    with (folder / "questions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "questions.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows({**row, "reviewed_by": "A. Reviewer"} for row in rows)
    found = review(layout.catalogue, "acme/monthly/05")
    assert found.waiting == () and found.reviewed == 6


def test_review_with_nothing_to_review_says_so(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    done = run(layout, "review", "01")
    assert done.exit_code == 0 and "Nothing awaits review." in done.output
    assert json.loads(run(layout, "review", "01", "--json").stdout)["waiting"] == []


def test_review_of_a_draft_that_a_refresh_refuses(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    path = surveys.write_survey(tmp_path / "new", seed=2, n=450, name="wave_02.sav").path
    write(layout, draft(layout, rewrite(path, {}, labels={"wes": "Household weight"}), None, None, None))
    found = review(layout.catalogue, "acme/monthly/02")
    assert found.before == "acme/monthly/01" and len(found.waiting) == 6
    assert found.weight[0].startswith("no weight is declared")
    assert any(": decide weight" in text for text in found.open), found.open


def test_review_names_codes_until_they_have_a_row(tmp_path: Path) -> None:
    layout = house(tmp_path, 1)
    folder = write(layout, draft(layout, fifth_wave(tmp_path / "new"), None, "05", None))
    named = [text for text in review(layout.catalogue, "acme/monthly/05").open if text.startswith("draft.md: ")]
    assert [text.split(" ")[3] for text in named] == ["Q3_4", "4"], named
    with (folder / "categories.csv").open("a", encoding="utf-8") as stream:
        stream.write("Q6,4,Nobody asked me,other,substantive,,,\n")
    named = [text for text in review(layout.catalogue, "acme/monthly/05").open if text.startswith("draft.md: ")]
    assert [text.split(" ")[3] for text in named] == ["Q3_4"], named


def test_a_wave_is_named_by_any_unique_end(tmp_path: Path) -> None:
    layout = house(tmp_path, 2)
    surveys.write_release(
        layout.catalogue, surveys.write_survey(tmp_path / "files", n=450), "01", series="yearly", organisation="acme"
    )
    assert find_release(layout.catalogue, "02") == "acme/monthly/02"
    assert find_release(layout.catalogue, "yearly/01") == "acme/yearly/01"
    with pytest.raises(OnboardingError, match="acme/monthly/01, acme/yearly/01"):
        find_release(layout.catalogue, "01")
    with pytest.raises(OnboardingError, match="nearest: acme/monthly/02"):
        find_release(layout.catalogue, "acme/montly/02")


# ---- words, codes, conditions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Q21. Do you support it?", "do you support it", True),
        ("Ещё не решил", "еще  не решил", True),
        ("Вопрос 12. Согласны ли Вы", "Согласны ли вы?", True),
        ("Сколько 3. раз", "Сколько 4. раз", False),
        ("18-34", "35-54", False),
        ("1 мес.", "2 мес.", False),
        ("29а", "29a", True),  # the first has a Cyrillic letter
    ],
)
def test_the_plain_form_of_labels(one: str, two: str, same: bool) -> None:
    assert (plain(one) == plain(two)) is same, (plain(one), plain(two))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Должны иметь право", "Не должны иметь право"),
        ("18-34 года", "35-54 года"),
        ("I do", "I do not"),
        ("Somewhat agree with it", "Somewhat disagree with it"),
        ("Удовлетворён работой", "Неудовлетворён работой"),
        ("Much more likely to vote", "Much less likely to vote"),
    ],
)
def test_options_that_deny_each_other_are_never_alike(one: str, two: str) -> None:
    assert alike(one, two) <= 0.5


def test_an_instruction_to_the_interviewer_is_no_denial() -> None:
    assert alike("(НЕ ЗАЧИТЫВАТЬ) Затрудняюсь ответить", "Затрудняюсь ответить") > 0.9
    assert plain_name("Q6-98") != plain_name("Q6-99")


def subject(name: str, label: str, *options: str) -> Subject:
    return Subject(name, label, tuple((str(code), text) for code, text in enumerate(options, start=1)))


def test_a_scale_that_was_turned_round_is_not_the_same_options() -> None:
    up = [("1", "Always in danger"), ("5", "Perfectly safe")]
    down = [("1", "Perfectly safe"), ("5", "Always in danger")]
    assert overlap(up, up) == 1.0
    assert overlap(up, down) == pytest.approx(0.7)


def test_the_last_member_of_a_battery_goes_where_the_battery_goes() -> None:
    chosen = ("Not chosen", "Chosen")
    old = [subject(f"Q8_{k}", text, *chosen) for k, text in ((1, "Television"), (2, "Radio"), (99, "Hard to say"))]
    new = [subject(f"Q3_{k}", text, *chosen) for k, text in ((1, "Fear"), (2, "Hope"), (99, "Hard to say"))]
    new += [subject(f"Q9_{k}", text, *chosen) for k, text in ((1, "Television"), (2, "Radio"), (99, "Hard to say"))]
    found = match(old, new)
    assert {one.old: one.new for one in found.pairs.values()} == {"Q8_1": "Q9_1", "Q8_2": "Q9_2", "Q8_99": "Q9_99"}


def test_two_variables_that_are_equally_like_are_called_so() -> None:
    old = [subject("Q1", "Do you trust the council of your town?", "Yes", "No")]
    new = [
        subject("Q5", "Do you trust the council of your town?", "Yes", "No"),
        subject("Q5_gr", "Do you trust the council of your town?", "Yes", "No"),
    ]
    pair = match(old, new).pairs["Q1"]
    assert {pair.new, pair.rival} == {"Q5", "Q5_gr"}


def test_an_equal_name_alone_is_no_match() -> None:
    old = [subject("Q8_1", "To weaken the economy", "Not chosen", "Chosen")]
    new = [subject("Q8_1", "Friends and relatives", "Not chosen", "Chosen")]
    found = match(old, new)
    assert found.pairs == {} and found.taken_over == ("Q8_1",)


@pytest.mark.parametrize("seed", range(5))
def test_any_renumbering_is_undone(seed: int) -> None:
    """Names shuffled, codes shuffled: by labels alone every question is found again."""
    chance = random.Random(seed)
    words = [
        f"{a} {b} {c}" for a in ("north", "south", "east") for b in ("tax", "road", "ship") for c in ("now", "then")
    ]
    asked = [f"What do you think of the {text} in {chance.choice(['spring', 'autumn'])}?" for text in words]
    options = [("Good", "Bad", "Hard to say"), ("Yes", "No"), ("More", "Less", "The same", "Hard to say")]
    old = [subject(f"Q{k}", text, *options[k % 3]) for k, text in enumerate(asked)]
    order = chance.sample(range(len(old)), len(old))
    new = [Subject(f"Q{place}", old[k].label, old[k].options) for place, k in enumerate(order)]
    found = match(old, new)
    assert {one.old: one.new for one in found.pairs.values()} == {
        f"Q{k}": f"Q{order.index(k)}" for k in range(len(old))
    }


def category(code: str, label: str | None, name: str) -> CategoryRow:
    return CategoryRow(question="q", code=code, label=label, category=name, kind="substantive")


def labelled(*pairs: tuple[str, str]) -> Variable:
    return Variable(name="q", column="q", labels=[ValueLabel(code=code, label=label) for code, label in pairs])


def test_codes_that_changed_places_are_both_recoded() -> None:
    rows = [category("1", "Safe", "safe"), category("2", "In danger", "danger")]
    found = compare(rows, labelled(("1", "In danger"), ("2", "Safe")), None)
    assert [(one.code, one.status, one.row and one.row.category) for one in found] == [
        ("1", "recoded", "danger"),
        ("2", "recoded", "safe"),
    ]
    assert "1 was 'Safe' (safe)" in (found[0].note or "")


def test_codes_without_labels_are_taken_by_number_only_if_the_file_has_none() -> None:
    rows = [category("1", "Yes", "yes"), category("2", "No", "no")]
    counts = Tally(2, 0, {"1": 5, "2": 7}, 7)
    bare = compare(rows, Variable(name="q", column="q"), counts)
    assert [(one.code, one.status) for one in bare] == [("1", "by_code"), ("2", "by_code")]
    half = compare(rows, labelled(("1", "Yes")), counts)
    assert [(one.code, one.status) for one in half] == [("1", "same"), ("2", "new"), ("2", "gone")]


def test_points_of_a_scale_without_labels_are_the_same_points() -> None:
    rows = [category("1", "Bad", "p1"), category("2", None, "p2"), category("3", "Good", "p3")]
    found = compare(rows, labelled(("1", "Bad"), ("3", "Good")), Tally(3, 2, {"1": 1, "2": 1, "3": 1}, 1))
    assert [(one.code, one.status) for one in found] == [("1", "same"), ("3", "same"), ("2", "same"), (".", "new")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("form=1", "ballot=1"),
        ("form=1 & sex!=2|.", "ballot=1 & sex!=7|."),
        ("age=18..29", "age=18..29"),
        ('party="A & B"', 'party="A & B"'),
        ("form=9", None),
        ("lost=1", None),
    ],
)
def test_conditions_are_said_with_the_new_names_and_codes(text: str, expected: str | None) -> None:
    names = {"form": "ballot", "sex": "sex", "age": "age", "party": "party"}
    found, why = translate(text, names, {"form": {"9": None}, "sex": {"2": "7"}})
    assert found == expected
    assert bool(why) == (expected is None)


# ---- real files -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chronicles(shared: Path) -> dict[str, Contents]:
    folder = shared / "microdata/chronicles-russia/data"
    return {wave: read_contents(folder / f"wave_{wave}.sav") for wave in ("03", "04", "05")}


@pytest.mark.shared
@pytest.mark.parametrize(("old", "new", "was", "now"), [("03", "04", "Q23", "Q23"), ("04", "05", "Q23", "Q21")])
def test_the_support_item_of_chronicles_is_found(
    tmp_path: Path, shared: Path, chronicles: dict[str, Contents], old: str, new: str, was: str, now: str
) -> None:
    folder = shared / "microdata/chronicles-russia/data"
    variable = chronicles[old].codebook.variable(was)
    assert variable is not None
    layout = Layout(tmp_path / "data", tmp_path / "catalog", (folder,))
    release_of_one_question(layout.catalogue, folder / f"wave_{old}.sav", old, variable, chronicles[old].codebook.rows)
    made = draft(layout, folder / f"wave_{new}.sav", None, None, None)
    (support,) = made.crosswalk.questions
    assert support.row is not None and support.row.variable == now
    assert [(code.code, code.status) for code in support.codes] == [(c, "same") for c in ("1", "2", "99", "100")]
    assert [one.variable for one in made.suggestions.weights] == ["wes_age_gender_tnp"]
    assert [one.variable for one in made.suggestions.not_weights] == ["for_weight"]
    assert any("respondents.weight" in text for text in made.open), "its label changes in both waves"


@pytest.mark.shared
def test_for_weight_of_the_ninth_wave_is_the_weight(shared: Path) -> None:
    found = suggest(read_contents(shared / "microdata/chronicles-russia/data/wave_09.sav"))
    assert [one.variable for one in found.weights] == ["for_weight"]


@pytest.mark.shared
def test_a_battery_of_yougov_is_not_followed_by_its_numbers(shared: Path) -> None:
    folder = shared / "microdata/tpl-yougov-covid"
    books = [
        read_contents(next(folder.rglob(f"TPL_Testing_Survey_{wave}Wave_YouGov.sav")), count=False).codebook
        for wave in ("Fourth", "Fifth")
    ]
    old, new = (
        [
            Subject(v.name, v.label or "", tuple((o.code, o.label) for o in v.labels))
            for v in b.variables
            if not v.dropped
        ]
        for b in books
    )
    found = match(old, new)
    assert found.pairs["q4_6"].new == "q4_5", "none of the above; q4_5 was Thanksgiving dinner"
    assert "q4_5" in found.gone
    assert found.pairs["q6"].wording == "reworded" and found.pairs["votereg"].wording == "same"


def release_of_one_question(catalogue: Path, file: Path, wave: str, variable: Variable, rows: int) -> None:
    from assets.onboarding.contents import fingerprint

    digest, size = fingerprint(file)
    surveys.factory.series(catalogue, "chronicles", "russia")
    folder = catalogue / "releases/chronicles/russia" / wave
    surveys.factory.write(
        folder / "release.yml",
        f"organisation: chronicles\nseries: russia\nwave: '{wave}'\nvintage: undated\n"
        "fieldwork: {start: 2022-03-01, end: 2022-03-02}\nsample: {n: unknown}\n"
        f"files: [{{path: {file.name}, role: respondents, sha256: {digest}, bytes: {size}}}]\n"
        f"respondents: {{file: {file.name}, expect_rows: {rows}, weight: {{variable: wes_age_gender_tnp}}}}\n"
        "source_url: https://example.org/chronicles\n",
    )
    asked = QuestionRow(
        question=variable.name, item="support", wording=variable.label or "", wording_kind="verbatim",
        question_match="same", options_match="same", decision="join", variable=variable.name,
        variable_label=variable.label,
    )  # fmt: skip
    table(folder / "questions.csv", [asked])
    names = ("yes", "no", "hard", "refused")
    table(folder / "categories.csv", [
        CategoryRow(question=variable.name, code=one.code, label=one.label, category=name, kind="substantive")
        for one, name in zip(variable.labels, names, strict=True)
    ])  # fmt: skip


def table(path: Path, rows: list[Any]) -> None:
    told = [{k: "" if v is None else v for k, v in row.model_dump().items()} for row in rows]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, told[0])
        writer.writeheader()
        writer.writerows(told)
