"""Chronicles from the files to the line of one question: breaks, two weights of one name, a cut file, a wrong heading.

Other figures here are counted from the files by pandas, without any code of ours.
"""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import duckdb
import pyreadstat
import pytest

from assets.questions.respondents import RespondentInputs, harmonise_respondents
from assets.refresh import refresh
from assets.responses.read import read
from schemas.codebook import Codebook
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Release
from schemas.published import PublishedRow
from tests.conftest import no_audit
from warehouse.layout import PROJECT, Layout

CATALOGUE = PROJECT / "catalog"
SERIES = "releases/chronicles/russia-war"
SUPPORT = "russia-support-military-operation"
WAVES = ("01", "02", "03", "04", "05", "06", "07a", "07b", "08", "09", "11", "12", "15")
COUNTED = ("01", "02", "03", "12", "15")  # waves that are read here


def manifest(wave: str) -> Release:
    return read_yaml((CATALOGUE / SERIES / wave / "release.yml").read_bytes(), wave, Release)


def rows(wave, table, model):
    name = f"chronicles/russia-war/{wave}/{table}"
    return read_csv((CATALOGUE / SERIES / wave / table).read_bytes(), name, model, "crosswalk")


@cache
def items() -> dict[str, Item]:
    return {
        path.stem: read_yaml(path.read_bytes(), path.name, Item)
        for path in sorted((CATALOGUE / "items").glob("russia-*.yml"))
    }


@pytest.fixture(scope="module")
def files(shared: Path) -> Path:
    return shared / "microdata" / "chronicles-russia" / "data"


@pytest.fixture(scope="module")
def database(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """What a refresh makes of some of the waves."""
    house = tmp_path_factory.mktemp("chronicles")
    for wave in COUNTED:
        shutil.copytree(CATALOGUE / SERIES / wave, house / "catalog" / SERIES / wave)
    shutil.copy(CATALOGUE / SERIES / "series.yml", house / "catalog" / SERIES)
    shutil.copy(CATALOGUE / "releases/chronicles/organisation.yml", house / "catalog/releases/chronicles")
    shutil.copytree(CATALOGUE / "items", house / "catalog/items", ignore=lambda _, names: {*names} - _items_of(names))
    done = refresh(Layout(house / "data", house / "catalog", files=(files,)), audit=no_audit)
    told = [str(problem) for problems in done.report.quarantined.values() for problem in problems]
    assert not told, "\n".join(told)
    assert done.published is not None
    with duckdb.connect(str(done.published), read_only=True) as connection:
        yield connection


def _items_of(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith("russia-")}


def inputs(wave: str, file: Path, folder: Path, keep: tuple[str, ...] = ()) -> RespondentInputs:
    """The release of a wave with the answers of a file."""
    release = manifest(wave)
    assert release.respondents is not None
    folder.mkdir()
    sets = [one.model_dump() for one in release.respondents.reading.sets]
    read(str(file), file.name, {"sets": sets, "keep": list(keep)}, folder=str(folder))
    return RespondentInputs(
        f"chronicles/russia-war/{wave}",
        release.respondents,
        rows(wave, "questions.csv", QuestionRow),
        rows(wave, "categories.csv", CategoryRow),
        items(),
        Codebook.model_validate_json((folder / "codebook.json").read_bytes()),
        folder / "responses.parquet",
        f"chronicles/russia-war/{wave}/{file.name}",
    )


def problems(given: RespondentInputs) -> list[str]:
    """The problems for which a release is refused."""
    sample, found = harmonise_respondents(given)
    assert sample is None
    return [str(one) for one in found]


@pytest.mark.shared
def test_the_line_of_support_breaks_twice_and_no_test_crosses_a_break(database):
    steps = database.execute(
        "SELECT wave_from, wave_to, comparability, p_value, change, verdict, array_to_string(reasons, ' ') "
        "FROM changes WHERE item = ? AND subgroup = 'total' AND wave_to IN ('02', '03')",
        [SUPPORT],
    ).fetchall()
    assert len(steps) == 2 * 3 + 1  # a refusal is offered from wave 2 on
    for before, after, comparability, p_value, change, verdict, reasons in steps:
        assert (comparability, p_value, change, verdict) == ("break", None, None, "not_tested"), (before, after)
        expected = "four answers for three" if after == "02" else "at the end of the questionnaire"
        assert expected in reasons
    tested = database.execute("SELECT count(*) FROM changes WHERE comparability = 'break' AND p_value IS NOT NULL")
    assert tested.fetchone() == (0,)


@pytest.mark.shared
def test_the_halves_of_wave_2_are_two_items(database):
    halves = database.execute(
        "SELECT item, n, round(weighted_n), round(percent) FROM estimates "
        "WHERE wave = '02' AND category = 'support' AND subgroup = 'total' ORDER BY n"
    ).fetchall()
    assert halves == [(SUPPORT, 862, 868, 63), (f"{SUPPORT}-two-answers", 928, 922, 70)]


@pytest.mark.shared
def test_what_was_published_comes_out(database):
    verdicts = database.execute("SELECT wave, verdict, count(*) FROM agreement GROUP BY ALL ORDER BY ALL").fetchall()
    printed = {wave: len(rows(wave, "published.csv", PublishedRow)) for wave in COUNTED}
    assert verdicts == [
        ("01", "agrees", printed["01"]),
        ("02", "agrees", printed["02"]),
        ("03", "agrees", printed["03"]),
        ("12", "agrees", printed["12"]),
        ("15", "agrees", printed["15"] - 1),
        ("15", "within_tolerance", 1),  # 42.4, and 42.454 in the file
    ]


@pytest.mark.shared
def test_blanks_count_where_they_are_no_answer_and_not_where_nobody_asked(database):
    bases = database.execute(
        "SELECT wave, item, base, n, round(percent, 1) FROM estimates WHERE subgroup = 'total' AND "
        "(wave, item, category) IN (('15', 'russia-withdrawal-and-truce', 'support'), "
        "('15', 'russia-budget-priority-in-deficit', "
        "'hard_to_answer'), ('15', 'russia-circle-supports-operation', 'hard_to_answer'), "
        "('12', 'russia-vpn-use', 'uses')) ORDER BY ALL"
    ).fetchall()
    assert bases == [
        ("12", "russia-vpn-use", "internet users", 1503, 22.2),
        ("15", "russia-budget-priority-in-deficit", "all respondents", 1604, 22.1),
        ("15", "russia-circle-supports-operation", "all respondents", 1604, 18.3),
        ("15", "russia-withdrawal-and-truce", "all respondents", 1604, 41.9),
    ]


@pytest.mark.shared
def test_the_number_of_a_cell_is_no_weight(files, database, tmp_path):
    """In wave 1 `for_weight` is the number of a cell; weighting with it gives a figure that nothing betrays."""
    wave = files / "wave_01.sav"
    answers, _ = pyreadstat.read_sav(wave, user_missing=True, usecols=["Q4", "for_weight", "wes_age_gender_tnp"])
    percent = {
        weight: 100 * answers.loc[answers["Q4"] == 1, weight].sum() / answers[weight].sum()
        for weight in ("wes_age_gender_tnp", "for_weight")
    }
    assert {weight: round(share) for weight, share in percent.items()} == {"wes_age_gender_tnp": 59, "for_weight": 62}
    ours = database.execute(
        "SELECT percent FROM estimates WHERE wave = '01' AND item = ? AND category = 'support' AND subgroup = 'total'",
        [SUPPORT],
    ).fetchone()
    assert ours == (pytest.approx(percent["wes_age_gender_tnp"]),)

    given = inputs("01", wave, tmp_path / "01")
    weight = given.told.weight.model_copy(update={"variable": "for_weight"})
    found = problems(replace(given, told=given.told.model_copy(update={"weight": weight})))
    assert any("for_weight looks like codes (labelled 1..12), not like a weight" in one for one in found)
    assert any("nearest: 'wes_age_gender_tnp'" in one for one in found)


def test_which_variable_is_the_weight():
    weights = {wave: manifest(wave).respondents.weight_variable for wave in WAVES}
    assert weights == {
        **dict.fromkeys(WAVES[:9], "wes_age_gender_tnp"),
        "09": "for_weight",
        "11": "weight",
        "12": "вес",
        "15": "вес",
    }


@pytest.mark.shared
def test_the_english_file_of_wave_12_is_cut_and_refused(files, tmp_path):
    found = problems(inputs("12", files / "wave_12_en.xlsx", tmp_path / "12"))
    assert (
        "chronicles/russia-war/12/wave_12_en.xlsx: the file has fewer rows than the manifest says: it was cut, or is "
        "another file (found '999 rows'); expected 1601 rows"
    ) in found


@pytest.fixture(scope="module")
def heading(files: Path, tmp_path_factory: pytest.TempPathFactory) -> RespondentInputs:
    """Wave 12, read with the column that is headed Q24."""
    return inputs("12", files / "wave_12_ru.xlsx", tmp_path_factory.mktemp("heading") / "12", keep=("Q24",))


def _q24(given: RespondentInputs) -> RespondentInputs:
    """The crosswalk of somebody who takes the column Q24 for question 24, on taking part in military actions."""
    column = {"variable": "Q24", "answer": "single"}
    codes = {f"Q24_{code}": code for code in ("1", "2", "3", "99")}
    return replace(
        given,
        questions=[
            (line, row.model_copy(update=column) if row.question == "took_part" else row)
            for line, row in given.questions
        ],
        categories=[
            (line, row.model_copy(update={"code": codes[row.code]}) if row.question == "took_part" else row)
            for line, row in given.categories
        ],
    )


@pytest.mark.shared
def test_the_region_under_the_heading_q24_is_not_taken_for_question_24(heading):
    found = problems(_q24(heading))
    assert any("column variable" in one and "codes of Q24 without a row" in one for one in found)
    assert sum("a stale row: Q24 has no such code" in one for one in found) == 4
    assert not any("область" in one.casefold() for one in found), "a message names the region of somebody"


@pytest.mark.shared
def test_reading_leaves_that_column_out_anyway(heading):
    variables = [
        one.model_copy(update={"dropped": "free_text"}) if one.name == "Q24" else one
        for one in heading.codebook.variables
    ]
    left_out = replace(heading, codebook=heading.codebook.model_copy(update={"variables": variables}))
    found = problems(_q24(left_out))
    assert len(found) == 1
    assert "column variable" in found[0]
    assert "free text" in found[0]
    assert "Q24" not in manifest("12").respondents.reading.keep


def test_nothing_private_is_named():
    """No open answer, place or number of a respondent is a question or a banner."""
    named = set()
    for wave in WAVES:
        told = manifest(wave).respondents
        named |= {row.variable for _, row in rows(wave, "questions.csv", QuestionRow)}
        named |= {banner.variable for banner in told.banners} | set(told.reading.keep)
    assert not named & {"ID", "REGION", "REGION_2", "CITY", "RAION", "IVDate1", "IVDate2"}
    assert not [name for name in named if name.endswith("T")]


@pytest.mark.shared
def test_every_figure_of_the_list_stands_in_the_catalogue(shared):
    with (shared / "microdata" / "published_answers.csv").open(encoding="utf-8", newline="") as stream:
        listed = Counter(
            (row["wave"].split()[0], float(row["published"]))
            for row in csv.DictReader(stream)
            if row["slug"] == "chronicles-russia"
        )
    stand = Counter(
        (wave.lstrip("0"), float(row.value)) for wave in WAVES for _, row in rows(wave, "published.csv", PublishedRow)
    )
    assert listed.total() == 79
    assert not listed - stand
    assert stand.total() == 95
