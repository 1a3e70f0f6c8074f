"""Three American houses from files to published figures: text without labels, sets of SPSS, stray telephone codes.

The figures that somebody published stand in the catalogue (`published.csv`); other figures here are counted from the
files by pandas, without any code of ours.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from assets.estimates.respondents import estimate_respondents
from assets.questions.answers import Answer, Sample
from assets.questions.respondents import RespondentInputs, harmonise_respondents
from assets.responses.read import read
from schemas.codebook import Codebook
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Release
from schemas.published import PublishedRow
from warehouse.layout import PROJECT

pytestmark = pytest.mark.shared

CATALOGUE = PROJECT / "catalog"
FOLDERS = {
    "upshot-siena": "upshot-siena-2018",
    "policy-lab": "tpl-yougov-covid",
    "duke-forge": "duke-covid-nc",
}
DUKE = "duke-forge/nc-social-distancing/2020-03"
ISLAND, NATION = "policy-lab/covid-rhode-island", "policy-lab/covid-united-states"


@dataclass(frozen=True, eq=False)
class Wave:
    """One release after harmonisation and estimation."""

    name: str
    file: Path
    sample: Sample
    shares: dict[tuple[str, str, str, str], dict[str, Any]]
    scores: list[dict[str, Any]]

    def answer(self, question: str) -> Answer:
        return next(one for one in self.sample.answers if one.question.question == question)

    def share(self, item: str, category: str, subgroup: str = "total", value: str = "all") -> float:
        return self.shares[(item, category, subgroup, value)]["percent"]

    def printed(self) -> list[PublishedRow]:
        path = CATALOGUE / "releases" / self.name / "published.csv"
        if not path.exists():
            return []
        return [row for _, row in read_csv(path.read_bytes(), path.name, PublishedRow, "manifest")]


@cache
def items() -> dict[str, Item]:
    names = [*CATALOGUE.glob("items/us-*.yml"), *CATALOGUE.glob("items/nc-*.yml")]
    return {path.stem: read_yaml(path.read_bytes(), path.name, Item) for path in names}


class Waves:
    """Releases on demand; each file is found by its checksum and read once."""

    def __init__(self, shared: Path, lake: Path) -> None:
        self.shared, self.lake = shared, lake
        self.made: dict[str, Wave] = {}

    def __call__(self, name: str) -> Wave:
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def of(self, house: str) -> list[Wave]:
        found = sorted(CATALOGUE.glob(f"releases/{house}/*/*/release.yml"))
        assert found, f"the catalogue has no release of {house}"
        return [self(path.parent.relative_to(CATALOGUE / "releases").as_posix()) for path in found]

    def _make(self, name: str) -> Wave:
        place = CATALOGUE / "releases" / name
        release = read_yaml((place / "release.yml").read_bytes(), name, Release)
        assert release.respondents is not None
        told = next(one for one in release.files if one.path == release.respondents.file)
        sizes = (self.shared / "microdata" / FOLDERS[name.split("/")[0]]).rglob(told.path)
        file = next(path for path in sizes if path.stat().st_size == told.bytes)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == told.sha256, f"{name}: another file"
        folder = self.lake / str(told.sha256)
        if not folder.exists():
            folder.mkdir()
            read(str(file), told.path, {}, folder=str(folder))
        given = RespondentInputs(
            name,
            release.respondents,
            read_csv((place / "questions.csv").read_bytes(), f"{name}/questions.csv", QuestionRow, "crosswalk"),
            read_csv((place / "categories.csv").read_bytes(), f"{name}/categories.csv", CategoryRow, "crosswalk"),
            items(),
            Codebook.model_validate_json((folder / "codebook.json").read_bytes()),
            folder / "responses.parquet",
            f"{name}/{told.path}",
        )
        sample, problems = harmonise_respondents(given)
        assert sample is not None, f"{name}:\n" + "\n".join(map(str, problems))
        assert not problems, f"{name}: warnings nobody expects:\n" + "\n".join(map(str, problems))
        shares, scores = estimate_respondents(release, name, sample, str(told.sha256))
        cells = {(row["item"], row["category"], row["subgroup"], row["subgroup_value"]): row for row in shares}
        assert len(cells) == len(shares), f"{name}: two rows for one cell"
        return Wave(name, file, sample, cells, scores)


@pytest.fixture(scope="module")
def waves(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Waves:
    return Waves(shared, tmp_path_factory.mktemp("lake"))


def weighted(frame: pd.DataFrame, chosen: "pd.Series[bool]", weight: str) -> float:
    return float(100 * frame.loc[chosen, weight].sum() / frame[weight].sum())


def compared(found: list[Wave]) -> list[tuple[str, PublishedRow, float]]:
    """Every printed figure beside the recomputed one."""
    out = []
    for wave in found:
        for row in wave.printed():
            if row.statistic == "n":
                there = {
                    cell["n"]
                    for (item, _, *column), cell in wave.shares.items()
                    if item == row.item and column == [row.subgroup, row.subgroup_value]
                }
                assert len(there) == 1, f"{wave.name}: one base"
                out.append((wave.name, row, float(there.pop())))
            else:
                cell = wave.shares[(row.item, row.category, row.subgroup, row.subgroup_value)]
                out.append((wave.name, row, cell["percent"]))
    return out


@pytest.mark.parametrize(("house", "figures", "releases"), [
    ("upshot-siena", 46, 40), ("policy-lab", 3, 7), ("duke-forge", 16, 1),
])  # fmt: skip
def test_what_was_published_comes_out(waves, house, figures, releases):
    found = waves.of(house)
    pairs = compared(found)
    assert (len(found), len(pairs)) == (releases, figures)
    differing = [
        f"{name}: {row.item} {row.category} {row.subgroup_value} printed {row.value}, recomputed {ours}"
        for name, row, ours in pairs
        if abs(ours - float(row.value)) > max(row.rounding, row.tolerance or 0.0)
    ]
    assert not differing, "\n".join(differing)


def test_polls_need_no_tolerance(waves):
    """Two decimals, and every recomputed figure rounds to them."""
    for name, row, ours in compared(waves.of("upshot-siena")):
        assert row.tolerance is None
        assert abs(ours - float(row.value)) <= 0.005, f"{name}: {row.value} and {ours}"


def test_a_banner_of_text_codes(waves):
    wave = waves("upshot-siena/ks02/3")
    frame = pd.read_csv(wave.file)
    women = frame[frame["gender_combined"] == "Female"]
    ours = wave.share("us-midterm-house-vote", "other", "gender", "women")
    assert ours == pytest.approx(weighted(women, women["response"] == "3", "final_weight")), "candidate 3 among women"
    assert wave.shares[("us-midterm-house-vote", "other", "gender", "women")]["n"] == len(women)
    columns = {value for _, _, subgroup, value in wave.shares if subgroup == "party"}
    assert columns == {"Democrat", "Republican", "independent"}, "who refused or named another party has no column"


def test_the_same_interviews_twice(waves):
    governor, senate = waves("upshot-siena/flgov/3"), waves("upshot-siena/flsen/3")
    assert governor.share("us-midterm-trump-approval", "approve") == senate.share(
        "us-midterm-trump-approval", "approve"
    ), "one survey published as two files"
    assert ("us-midterm-senate-vote", "other", "total", "all") not in senate.shares, "nobody could say so there"
    assert governor.share("us-midterm-governor-vote", "other") == pytest.approx(0.8816, abs=5e-4), "codes 3 to 6"


def test_an_added_question_counts_those_who_were_asked(waves):
    wave = waves("upshot-siena/ca49/1")
    answer = wave.answer("APPKAV")
    assert {one.code: one.n for one in answer.codes}["NA"] == 40
    assert int(answer.base.sum()) == 507 - 40
    cell = wave.shares[("us-midterm-kavanaugh", "support", "total", "all")]
    assert cell["n"] == 467
    assert cell["base"] == "respondents from the day on which the question was added"


def test_stray_keys_are_in_no_base(waves):
    wave = waves(DUKE)
    codes = {one.code: one for one in wave.answer("q16").codes}
    assert {code: codes[code].n for code in ("127", "4", "5", "9", ".")} == {
        "127": 44,
        "4": 1,
        "5": 1,
        "9": 1,
        ".": 319,
    }
    for code in ("127", "4", "5", "9", "."):
        assert (codes[code].kind, codes[code].in_base, codes[code].category) == ("system", False, None), code
    assert wave.shares[("nc-covid-response", "appropriate", "total", "all")]["n"] == 665 + 452 + 120
    strays = {one.question.question: {c.code for c in one.codes if c.kind == "system"} for one in wave.sample.answers}
    assert strays["q1"] == {"5", "6", "127"}, "a 5 among answers 1 to 4"
    assert strays["q8"] == {"3", "4", "5", "127", "."}


def test_a_name_that_ends_with_a_blank(waves):
    wave = waves(DUKE)
    frame = pd.read_csv(wave.file)
    assert "Q17. Changes to Routine " in frame.columns
    answered = frame[
        frame["Q17. Changes to Routine "].isin(["Large changes", "Small changes", "No real changes", "Unsure"])
    ]
    assert wave.shares[("nc-covid-routine-changes", "large", "total", "all")]["n"] == len(answered) == 1274


def test_kinds_of_people_met_are_counted(waves):
    wave = waves(DUKE)
    frame = pd.read_csv(wave.file)
    columns = ["Family", "Friends", "Co-workers", "Clients, patients, or patrons",
               "Any other type of person not already mentioned"]  # fmt: skip
    whole = frame[frame[columns].isin(["Yes", "No"]).all(axis=1)]
    met = (whole[columns] == "Yes").sum(axis=1)
    ours = [wave.share("nc-covid-contact-kinds", f"n{number}") for number in range(6)]
    assert ours == pytest.approx([weighted(whole, met == number, "weight") for number in range(6)])
    mean = next(r for r in wave.scores if r["item"] == "nc-covid-contact-kinds" and r["subgroup"] == "total")
    assert mean["value"] == pytest.approx((met * whole["weight"]).sum() / whole["weight"].sum())


def test_two_samples_of_one_file(waves):
    island, nation = waves(f"{ISLAND}/5"), waves(f"{NATION}/5")
    assert island.file == nation.file
    assert (island.sample.rows, nation.sample.rows) == (500, 1000)
    assert (island.sample.facts["variable"], nation.sample.facts["variable"]) == ("weight_RI", "weight")
    assert island.sample.facts["missing"] == nation.sample.facts["missing"] == 0
    frame, _ = pyreadstat.read_sav(str(island.file))
    there = frame[frame["sample_type"] == 2]
    ours = island.share("us-covid-vaccinated", "yes")
    assert ours == pytest.approx(weighted(there, there["q120"] == 1, "weight_RI"))


def test_a_set_that_the_file_declares(waves):
    wave = waves(f"{NATION}/5")
    frame, meta = pyreadstat.read_sav(str(wave.file))
    frame = frame[frame["sample_type"] == 1]
    answer = wave.answer("q127")
    assert answer.ticked is not None
    assert answer.ticked.shape == (1000, len(meta.mr_sets["q127"]["variable_list"]))
    sources = {one.category: one.code for one in answer.codes}
    ours = {name: wave.share("us-covid-vaccine-information-sources", name) for name in sources}
    theirs = {name: weighted(frame, frame[member] == 1, "weight") for name, member in sources.items()}
    assert ours == pytest.approx(theirs)
    assert sum(ours.values()) > 200, "several answers a person"


def test_an_option_offered_once(waves):
    """Thanksgiving dinner stands where *none of the above* stands in other waves."""
    third, fourth = waves(f"{ISLAND}/3"), waves(f"{ISLAND}/4")
    codes = {one.category: one.code for one in fourth.answer("q4").codes}
    assert (codes["thanksgiving"], codes["none"]) == ("q4_5", "q4_6")
    assert {one.category: one.code for one in third.answer("q4").codes}["none"] == "q4_5"
    assert ("us-covid-activities-two-weeks", "thanksgiving", "total", "all") not in third.shares


def test_codes_that_run_the_other_way(waves):
    """The first wave has 1 for absolutely, the later ones 6."""
    first, third = waves(f"{ISLAND}/1"), waves(f"{ISLAND}/3")
    assert next(one for one in first.answer("q1").codes if one.category == "absolutely").code == "1"
    assert next(one for one in third.answer("q29").codes if one.category == "absolutely").code == "6"
    frame, _ = pyreadstat.read_sav(str(first.file))
    ours = first.share("us-covid-test-willingness", "absolutely")
    assert ours == pytest.approx(weighted(frame, frame["q1"] == 1, "weight"))


def test_declared_missing_codes_have_their_kinds(waves):
    wave = waves(f"{ISLAND}/3")
    kinds = {one.code: (one.kind, one.in_base) for one in wave.answer("q62").codes}
    assert (kinds["8"], kinds["9"]) == (("refused", False), ("not_asked", False)), "skipped; not asked"
    frame, _ = pyreadstat.read_sav(str(wave.file), user_missing=True)
    there = frame[frame["weight_RI"].notna()]
    assert (there["q62"] == 9).sum() == 2, "two people were not asked"
    cell = wave.shares[("us-covid-tested-last-month", "yes", "total", "all")]
    assert (cell["n"], cell["base"]) == (there["q62"].isin([1, 2]).sum(), "respondents who were shown the question")


def test_only_the_unvaccinated_were_asked(waves):
    wave = waves(f"{ISLAND}/5")
    frame, _ = pyreadstat.read_sav(str(wave.file))
    asked = frame[(frame["sample_type"] == 2) & (frame["q120"] == 2)]
    cell = wave.shares[("us-covid-vaccine-willingness", "will", "total", "all")]
    assert (cell["n"], cell["base"]) == (len(asked), "people not yet vaccinated")
    assert cell["percent"] == pytest.approx(weighted(asked, asked["q126"] >= 4, "weight_RI"))
