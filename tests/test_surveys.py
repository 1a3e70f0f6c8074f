"""The invented surveys are valid releases, and their known answers are what the rooms make of the file."""

from pathlib import Path

import pytest

from assets.estimates.respondents import estimate_respondents
from assets.questions.respondents import RespondentInputs, harmonise_respondents
from assets.responses.read import CODEBOOK, read
from assets.responses.store import NAME
from schemas.codebook import Codebook
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Release
from schemas.tables.figures import ESTIMATES, SCORES
from tests import surveys
from tests.surveys import Survey, write_release, write_survey


def parsed(place: Path, catalogue: Path) -> tuple[Release, list, list, dict[str, Item]]:
    manifest = read_yaml((place / "release.yml").read_bytes(), "release.yml", Release)
    questions = read_csv((place / "questions.csv").read_bytes(), "questions.csv", QuestionRow, "crosswalk")
    categories = read_csv((place / "categories.csv").read_bytes(), "categories.csv", CategoryRow, "crosswalk")
    items = [read_yaml(path.read_bytes(), path.name, Item) for path in (catalogue / "items").glob("*.yml")]
    return manifest, questions, categories, {item.item: item for item in items}


def through_the_rooms(survey: Survey, folder: Path, **more: object) -> tuple[Codebook, list[dict], list[dict]]:
    place = write_release(folder / "catalog", survey, **more)  # type: ignore[arg-type]
    manifest, questions, categories, items = parsed(place, folder / "catalog")
    told = manifest.respondents
    assert told is not None
    out = folder / "out"
    out.mkdir()
    sets = [one.model_dump() for one in told.reading.sets]
    read(str(survey.path), "wave.sav", {"sets": sets}, folder=str(out))
    codebook = Codebook.model_validate_json((out / CODEBOOK).read_bytes())
    name = "acme/monthly/01"
    given = RespondentInputs(name, told, questions, categories, items, codebook, out / NAME, f"{name}/wave.sav")
    sample, problems = harmonise_respondents(given)
    assert sample is not None, "\n".join(map(str, problems))
    assert problems == []
    return codebook, *estimate_respondents(manifest, name, sample, survey.sha256)


@pytest.mark.parametrize(("seed", "cyrillic", "design"), [(1, False, True), (2, True, False)])
def test_the_known_answers_are_what_the_rooms_make_of_the_file(
    tmp_path: Path, seed: int, cyrillic: bool, design: bool
) -> None:
    survey = write_survey(tmp_path / "files", seed, n=900, cyrillic=cyrillic)
    codebook, estimates, scores = through_the_rooms(survey, tmp_path, design=design)
    found = {(row["item"], row["category"], row["subgroup"], row["subgroup_value"]): row for row in estimates}
    assert set(found) == set(survey.shares)
    for cell, known in survey.shares.items():
        row = found[cell]
        assert row["n"] == known.n, cell
        assert row["weighted_n"] == pytest.approx(known.weighted_n, rel=1e-12), cell
        if "suppressed" not in row["flags"]:
            assert row["percent"] == pytest.approx(known.value, rel=1e-12, abs=1e-12), cell
            assert row["percent_low"] <= row["percent"] <= row["percent_high"], cell
    assert not any("suppressed" in row["flags"] for row in estimates if row["subgroup"] == "total")
    assert list(ESTIMATES.problems(ESTIMATES.frame(estimates))) == []
    assert list(SCORES.problems(SCORES.frame(scores))) == []
    means = {(row["item"], row["subgroup"], row["subgroup_value"]): row for row in scores}
    assert set(means) == set(survey.means)
    for cell, known in survey.means.items():
        assert (means[cell]["value"], means[cell]["n"]) == (pytest.approx(known.value, rel=1e-12), known.n), cell
    assert {one.name for one in codebook.variables if one.dropped} == {"opinion", "start_time"}


def test_the_decoy_weight_is_refused(tmp_path: Path) -> None:
    survey = write_survey(tmp_path / "files")
    with pytest.raises(AssertionError, match="for_weight looks like codes"):
        through_the_rooms(survey, tmp_path, respondents={"weight": {"variable": "for_weight"}})


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again = write_survey(tmp_path / "a", 5), write_survey(tmp_path / "b", 5)
    assert first.raw == again.raw
    assert first.raw != write_survey(tmp_path / "c", 6).raw
    assert len(first.raw) < 200_000


def test_a_release_says_which_bytes_it_means(tmp_path: Path) -> None:
    survey = write_survey(tmp_path / "files")
    place = write_release(tmp_path, survey, "07", with_file=True, month=3, reviewed_by=None, status="interim")
    manifest, questions, _, items = parsed(place, tmp_path)
    (file,) = manifest.files
    assert (file.sha256, file.bytes) == (survey.sha256, (place / "wave.sav").stat().st_size)
    assert (manifest.wave, manifest.status, manifest.n) == ("07", "interim", 600 - surveys.ZEROS)
    assert {row.item for _, row in questions} == set(items)
    assert all(row.reviewed_by is None for _, row in questions)
