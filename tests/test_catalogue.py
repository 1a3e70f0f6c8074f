"""The catalogue as people write it: every file reads, every figure is there once, every decision has its reason."""

import csv
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.claim import Claim
from schemas.crosswalk import CategoryRow, QuestionRow, ToplineRow
from schemas.dates import first_day
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Base, Organisation, Release, Series
from schemas.problems import ProblemsError

CATALOGUE = Path(__file__).parent.parent / "catalog"
FACTS = Path(__file__).parent.parent.parent / "shared" / "facts" / "toplines.csv"

FIGURES = 791
WAVES = 122
RELEASES = 123  # one wave (KIIS, December 2025) has an interim release besides the final one
WITHOUT_FIGURES = {
    "chatham-house/belarus/12",
    "levada/conflict-with-ukraine/2024-09",
    "bikanau/national-identity/2023",
}
ITEMS_WITHOUT_QUESTIONS: set[str] = set()  # every item is in use; name an exception here, with the reason


class Folder(NamedTuple):
    """One release folder, read."""

    name: str
    release: Release
    toplines: list[ToplineRow]
    questions: dict[str, QuestionRow]
    categories: list[CategoryRow]

    @property
    def bases(self) -> dict[str, Base]:
        return {base.text: base for base in self.release.bases}

    def category(self, row: ToplineRow) -> str:
        return next(c.category for c in self.categories if (c.question, c.option) == (row.question, row.option))


def _yaml(path, model):
    return read_yaml(path.read_bytes(), str(path.relative_to(CATALOGUE)), model)


def _rows(path, model):
    if not path.exists():
        return []
    return [row for _, row in read_csv(path.read_bytes(), str(path.relative_to(CATALOGUE)), model, "crosswalk")]


@cache
def folders() -> list[Folder]:
    found = []
    for manifest in sorted(CATALOGUE.glob("releases/*/*/*/release.yml")):
        place = manifest.parent
        questions = _rows(place / "questions.csv", QuestionRow)
        assert len({q.question for q in questions}) == len(questions), f"{place}: a question stands twice"
        found.append(
            Folder(
                place.relative_to(CATALOGUE / "releases").as_posix(),
                _yaml(manifest, Release),
                _rows(place / "toplines.csv", ToplineRow),
                {q.question: q for q in questions},
                _rows(place / "categories.csv", CategoryRow),
            )
        )
    return found


@cache
def items() -> dict[str, Item]:
    read = [(path, _yaml(path, Item)) for path in sorted(CATALOGUE.glob("items/*.yml"))]
    assert all(path.stem == item.item for path, item in read), "an item's id is the name of its file"
    return {item.item: item for _, item in read}


@cache
def claims() -> dict[str, Claim]:
    read = [(path, _yaml(path, Claim)) for path in sorted(CATALOGUE.glob("claims/*.yml"))]
    assert all(path.stem == claim.claim for path, claim in read), "a claim's id is the name of its file"
    return {claim.claim: claim for _, claim in read}


def test_every_file_reads():
    models = {"items": Item, "claims": Claim}
    manifests = {"release.yml": Release, "organisation.yml": Organisation, "series.yml": Series}
    tables = {"toplines.csv": ToplineRow, "questions.csv": QuestionRow, "categories.csv": CategoryRow}
    problems, unknown = [], []
    for path in sorted(p for p in CATALOGUE.rglob("*") if p.is_file() and not p.name.startswith(".")):
        try:
            if path.suffix == ".csv" and path.name in tables:
                assert read_csv(path.read_bytes(), str(path), tables[path.name], "crosswalk"), f"{path} has no rows"
            elif model := manifests.get(path.name) or models.get(path.parent.name):
                _yaml(path, model)
            else:
                unknown.append(path)
        except ProblemsError as bad:
            problems.extend(bad.problems)
    assert problems == []
    assert unknown == [], "a file that nothing reads"


def test_counts():
    waves = {(f.release.organisation, f.release.series, f.release.wave) for f in folders()}
    assert len(folders()) == RELEASES
    assert len(waves) == WAVES
    assert sum(len(f.toplines) for f in folders()) == FIGURES
    assert {f.name for f in folders() if not f.toplines} == WITHOUT_FIGURES


@pytest.mark.shared
def test_every_fact_stands_in_the_catalogue_once():
    if not FACTS.exists():
        pytest.skip(f"the list of facts is not on this machine ({FACTS.parent.name}/{FACTS.name} in ../shared)")
    with FACTS.open(encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream))
    wanted = Counter(
        (
            fact["wave_id"], fact["question_id"], fact["question_text"], fact["option_text"], fact["percent"],
            fact["base"], fact["n"], fact["vintage"], fact["source_url"], fact["confidence"], fact["percent_qualifier"],
        )
        for fact in facts
    )  # fmt: skip
    stands = Counter(
        (
            _source_wave(folder), row.question, row.wording, row.option, row.percent, row.base, row.n or "",
            row.published, row.source_url, row.confidence, row.qualifier_text or row.qualifier,
        )
        for folder in folders()
        for row in folder.toplines
    )  # fmt: skip
    assert len(facts) == FIGURES
    assert stands == wanted


@pytest.mark.shared
def test_dates_and_margins_are_those_of_the_facts():
    if not FACTS.exists():
        pytest.skip(f"the list of facts is not on this machine ({FACTS.parent.name}/{FACTS.name} in ../shared)")
    with FACTS.open(encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream))
    wanted = {
        (
            f["wave_id"],
            f["fieldwork_start"],
            f["fieldwork_end"],
            f["margin_of_error_pp"],
            f["base"].partition(" (interim")[0],
        )
        for f in facts
    }
    stands = set()
    for folder in folders():
        release, margin = folder.release, folder.release.sample.margin_of_error
        start, end = (day.replace("unknown", "") for day in (release.fieldwork.start, release.fieldwork.end))
        if folder.name == "belarus-change-tracker/quarterly/03":
            start = end = ""  # the month is our inference, and its note says so
        for row in folder.toplines:
            base = row.base.partition(" (interim")[0]
            stands.add((_source_wave(folder), start, end, f"{margin:g}" if margin else "", base))
    assert stands == wanted


def _source_wave(folder: Folder) -> str:
    """The source list's id of the wave, as our notes say it."""
    return (folder.release.our_notes or "").rpartition("The source list calls this wave ")[2].rstrip(".")


def test_place_and_manifest_agree():
    for folder in folders():
        organisation, series, place = folder.name.split("/")
        assert (folder.release.organisation, folder.release.series) == (organisation, series)
        assert place.removesuffix("-interim") == folder.release.wave, folder.name
        assert place.endswith("-interim") == (folder.release.status == "interim"), folder.name
        assert (CATALOGUE / "releases" / organisation / "organisation.yml").exists()
        assert (CATALOGUE / "releases" / organisation / series / "series.yml").exists()


def test_every_question_has_its_item_and_every_item_a_question():
    used = {q.item for f in folders() for q in f.questions.values()}
    assert used - set(items()) == set(), "an item that has no file"
    assert set(items()) - used == ITEMS_WITHOUT_QUESTIONS


def test_every_option_has_its_category_with_the_kind_of_the_item():
    for folder in folders():
        options = {(row.question, row.option) for row in folder.toplines}
        mapped = [(c.question, c.option) for c in folder.categories]
        assert sorted(options) == sorted(mapped), f"{folder.name}: an option without a row, a row without an option"
        assert {row.question for row in folder.toplines} == set(folder.questions), folder.name
        for row in folder.categories:
            kinds = items()[folder.questions[row.question].item].kinds()
            assert kinds.get(row.category) == row.kind, f"{folder.name}: {row.question}, {row.option}"


def test_every_base_is_explained_and_used():
    for folder in folders():
        assert {row.base for row in folder.toplines} == set(folder.bases), folder.name


def test_one_figure_per_cell_and_repeats_repeat():
    for folder in folders():
        cells = defaultdict(list)
        for row in folder.toplines:
            base = folder.bases[row.base]
            item = folder.questions[row.question].item
            cells[item, folder.category(row), base.subgroup, base.value].append(row)
        for cell, rows in cells.items():
            figures = [row for row in rows if row.standing == "figure"]
            only_retold = all(row.standing == "retelling" for row in rows)
            assert len(figures) == 1 or only_retold, f"{folder.name}: {cell} has {len(figures)} figures"
            assert len({folder.bases[row.base].base for row in rows}) == 1, f"{folder.name}: {cell} mixes bases"
            for row in rows:
                if row.standing == "repeat":
                    assert row.share() == figures[0].share(), f"{folder.name}: {cell} repeats another value"
                elif row.standing != "figure":
                    assert row.note, f"{folder.name}: {cell} has a {row.standing} without a note"


def test_what_is_not_a_plain_join_has_a_reason():
    for folder in folders():
        for question in folder.questions.values():
            where = f"{folder.name}: {question.question}"
            if question.decision != "join":
                assert question.reason, where
            else:
                assert (question.question_match, question.options_match) == ("same", "same"), where
            assert question.reviewed_by or question.reason, f"{where} is provisional without saying why"


def test_answer_of_a_question_is_that_of_its_item():
    for folder in folders():
        for question in folder.questions.values():
            assert question.answer == items()[question.item].answer, f"{folder.name}: {question.question}"


def test_single_choice_questions_add_to_about_a_hundred():
    """At most 110 is refused by the pipeline; these three exceed 100 and are kept as printed."""
    over = {}
    for folder in folders():
        sums = defaultdict(float)
        for row in folder.toplines:
            question, low = folder.questions[row.question], row.share()[0]
            kind = items()[question.item].kinds()[folder.category(row)]
            if row.standing == "figure" and question.answer == "single" and kind != "net" and low is not None:
                sums[question.item, row.base] += low
        over |= {(folder.name, item): round(total, 1) for (item, _), total in sums.items() if total > 100}
    assert over == {
        ("chatham-house/belarus/01", "foreign-policy-orientation-belarus"): 100.3,
        ("chatham-house/belarus/2025-11", "nuclear-weapons-in-belarus"): 101.0,
        ("levada/conflict-with-ukraine/2024-01", "following-ukraine-events"): 103.0,
    }


def test_every_figure_has_an_address():
    assert all(row.source_url.startswith(("http://", "https://")) for f in folders() for row in f.toplines)


def test_items_can_be_found_and_know_their_likes():
    for item in items().values():
        assert len(item.keywords) >= 5, f"{item.item} has too few words to be found by"
        assert len(set(item.keywords)) == len(item.keywords), f"{item.item} names a keyword twice"
        for other in item.apart_from:
            assert other.item in items(), f"{item.item} is kept apart from {other.item}, which does not exist"
            assert other.item != item.item


def test_claims_name_what_exists():
    assert "2022-10-army-three-percent" in claims()
    organisations = {f.release.organisation for f in folders()}
    for claim in claims().values():
        assert claim.item in items(), claim.claim
        assert claim.category in items()[claim.item].kinds(), claim.claim
        assert claim.organisation is None or claim.organisation in organisations, claim.claim


def test_the_founding_case():
    """Sending the Belarusian army: four figures on one line, the hypothetical and the two-sided one apart."""
    line = []
    for folder in folders():
        for row in folder.toplines:
            question = folder.questions[row.question]
            if (question.item, folder.category(row), row.standing) == ("belarus-army-role", "join_russia", "figure"):
                line.append((first_day(folder.release.fieldwork.start), folder, row, question))
    line.sort(key=lambda point: point[0])
    joined = [
        (f.release.wave, row.percent, f.release.n, q.decision) for _, f, row, q in line if q.decision != "exclude"
    ]
    assert joined == [
        ("08", "3", 896, "join"),
        ("09", "6", 823, "join"),
        ("10", "5", 804, "join"),
        ("2023-03", "3", None, "note"),
    ]
    assert [(f.release.wave, row.percent) for _, f, row, q in line if q.decision == "exclude"] == [("2023-01", "2-4")]
    elsewhere = {
        (folder.release.wave, question.item)
        for folder in folders()
        for question in folder.questions.values()
        if question.item.startswith("belarus-join-war")
    }
    assert elsewhere == {("07", "belarus-join-war-hypothetical"), ("11", "belarus-join-war-any-side")}


def test_announced_reweighting_is_on_record():
    """Waves 1-3 of Chatham House were recalculated in April 2021; nobody knows the new values."""
    by_name = {folder.name: folder for folder in folders()}
    for wave in ("01", "02", "03", "04"):
        assert "recalculated" in (by_name[f"chatham-house/belarus/{wave}"].release.our_notes or "")
    across = {
        (folder.release.wave, question.item): question.decision
        for folder in folders()
        if folder.name.startswith("chatham-house/")
        for question in folder.questions.values()
    }
    before = {item for wave, item in across if wave in {"01", "02", "03"}}
    for (wave, item), decision in across.items():
        if wave == "04" and item in before:
            assert decision in {"note", "break"}, item
