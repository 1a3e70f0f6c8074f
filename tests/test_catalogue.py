"""The catalogue as people write it: every file reads, every figure is there once, every decision has its reason.

Releases of published figures and of respondents' answers are told apart by what is in their folders. What only the
answers themselves can say (labels, codes, weights) is checked where their files are (test_published_answers.py).
"""

import csv
from collections import Counter, defaultdict
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.claim import Claim
from schemas.concept import Concepts
from schemas.crosswalk import CategoryRow, QuestionRow, ToplineRow
from schemas.dates import first_day
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Base, File, Organisation, Release, Series
from schemas.problems import ProblemsError
from schemas.published import PublishedRow

CATALOGUE = Path(__file__).parent.parent / "catalog"
FACTS = Path(__file__).parent.parent.parent / "shared" / "facts" / "toplines.csv"

# Of published figures; releases of answers are counted from what they say (test_counts_of_answers).
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
    published: list[PublishedRow]

    @property
    def files(self) -> dict[str, list[File]]:
        """The declared files by role."""
        found = defaultdict(list)
        for file in self.release.files:
            found[file.role].append(file)
        return found

    @property
    def of_answers(self) -> bool:
        """Whether its figures are counted from respondents' answers."""
        return self.release.respondents is not None

    @property
    def of_figures(self) -> bool:
        """Whether figures were published in it, or nothing is known but that it was asked."""
        return bool(self.toplines) or not self.of_answers

    @property
    def asked(self) -> set[str]:
        """Questions that respondents' answers must give: of a variable, or computed from others."""
        return {q.question for q in self.questions.values() if q.variable or items()[q.item].derived}

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
                _rows(place / "published.csv", PublishedRow),
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
    manifests |= {"concepts.yml": Concepts}
    tables = {
        "toplines.csv": ToplineRow,
        "questions.csv": QuestionRow,
        "categories.csv": CategoryRow,
        "published.csv": PublishedRow,
    }
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


def _waves(of):
    return Counter((f.release.organisation, f.release.series, f.release.wave) for f in of)


def test_counts_of_figures():
    found = [f for f in folders() if f.of_figures]
    assert len(found) == RELEASES
    assert len(_waves(found)) == WAVES
    assert sum(len(f.toplines) for f in found) == FIGURES
    assert {f.name for f in found if not f.toplines} == WITHOUT_FIGURES
    assert all(bool(f.toplines) == (f.files["toplines"] != []) for f in folders())


def test_counts_of_answers():
    """As many releases as manifests that describe respondents, in four ways, and none that is neither."""
    found = [f for f in folders() if f.of_answers]
    named = {f.name for f in found}
    assert named == {f.name for f in folders() if f.files["respondents"]}
    assert named == {f.name for f in folders() if f.asked}
    assert named == {f.name for f in folders() if any(row.code is not None for row in f.categories)}
    assert named == set(_places_of_a_block("respondents:")), "a block that the contract did not read"
    assert [wave for wave, times in _waves(found).items() if times > 1] == [], "two releases count one wave"
    assert len(folders()) == RELEASES + sum(not f.of_figures for f in found)
    assert {f.name for f in folders() if f.published} == {f.name for f in found if f.files["published"]}


def _places_of_a_block(key):
    """Releases whose manifest has a line with this key, found without the contract."""
    for manifest in CATALOGUE.glob("releases/*/*/*/release.yml"):
        if any(line.startswith(key) for line in manifest.read_text(encoding="utf-8").splitlines()):
            yield manifest.parent.relative_to(CATALOGUE / "releases").as_posix()


def test_declared_files_are_there_or_known_by_checksum():
    for folder in folders():
        here = CATALOGUE / "releases" / folder.name
        shipped = [file.path for role in ("toplines", "published") for file in folder.files[role]]
        assert sorted(shipped) == sorted(
            name for name in ("toplines.csv", "published.csv") if (here / name).exists()
        ), folder.name
        for file in folder.files["respondents"]:
            may = folder.release.licence.redistribute
            assert may or not (here / file.path).exists(), f"{folder.name}: {file.path} may not be passed on"
            assert file.sha256 and file.bytes, f"{folder.name}: {file.path} cannot be recognised"
            assert file.obtain, f"{folder.name} does not say where the public gets {file.path}"


def test_releases_of_one_file_agree_about_it_and_share_no_row():
    of_file = defaultdict(list)
    for folder in folders():
        for file in folder.files["respondents"]:
            of_file[file.sha256].append((folder, file))
    for several in of_file.values():
        names = ", ".join(folder.name for folder, _ in several)
        told = [folder.release.respondents for folder, _ in several]
        assert len({(file.path, file.bytes) for _, file in several}) == 1, names
        assert len({one.expect_rows for one in told}) == 1, names
        assert len({one.reading.model_dump_json() for one in told}) == 1, f"{names}: one file is read in two ways"
        rows = [one.rows for one in told]
        assert len(several) == 1 or (None not in rows and len(set(rows)) == len(rows)), f"{names} count the same people"


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
        mapped = [(c.question, c.option) for c in folder.categories if c.option is not None]
        assert sorted(options) == sorted(mapped), f"{folder.name}: an option without a row, a row without an option"
        printed = {row.question for row in folder.toplines}
        assert printed | folder.asked == set(folder.questions), f"{folder.name}: a question without figures or variable"
        for row in folder.categories:
            where = f"{folder.name}: {row.question}, {row.option or row.code}"
            kinds = items()[folder.questions[row.question].item].kinds()
            if row.category is None:
                assert row.code is not None and not row.counts, f"{where} is in the base of no category"
            else:
                assert kinds.get(row.category) == row.kind, where


def test_every_code_is_there_once_and_of_a_question_with_a_variable():
    for folder in folders():
        codes = Counter((row.question, row.code) for row in folder.categories if row.code is not None)
        assert [code for code, times in codes.items() if times > 1] == [], folder.name
        of_variables = {q.question for q in folder.questions.values() if q.variable}
        assert {question for question, _ in codes} == of_variables, f"{folder.name}: codes or a variable alone"
        for question in of_variables:
            assert items()[folder.questions[question].item].derived is None, f"{folder.name}: {question}"
        counted = {row.question for row in folder.categories if row.code is not None and row.counts}
        assert counted == of_variables, f"{folder.name}: a question in which no answer counts"


def test_computed_items_have_their_parts():
    for item in items().values():
        for part in item.derived.of if item.derived else ():
            assert part in items(), f"{item.item} is computed from {part}, which does not exist"
            if item.derived.category:
                assert item.derived.category in items()[part].kinds(), f"{item.item}: {part} has no such category"
    for folder in folders():
        there = {q.item for q in folder.questions.values()}
        for name in sorted(there):
            derived = items()[name].derived
            assert not derived or set(derived.of) <= there, f"{folder.name}: {name} lacks a part"


def test_published_figures_of_answers_are_of_an_item_a_category_and_a_column():
    for folder in folders():
        asked = {q.item for q in folder.questions.values()}
        banners = {one.subgroup: one for one in folder.release.respondents.banners} if folder.of_answers else {}
        for row in folder.published:
            where = f"{folder.name}: {row.statistic} {row.value} of {row.item}"
            assert row.item is None or row.item in asked, where
            assert row.category is None or row.category in items()[row.item].kinds(), where
            assert row.subgroup_value in _columns(row.subgroup, banners), f"{where} in {row.subgroup}"


def _columns(subgroup, banners):
    """Names of the columns of a banner; of a crossed one every combination."""
    if subgroup == "total":
        return ["all"]
    banner = banners.get(subgroup)
    if banner is None or not banner.cross:
        return [one.value for one in banner.values] if banner else []
    return [", ".join(parts) for parts in product(*(_columns(one, banners) for one in banner.cross))]


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
