"""Every case of `facts/revisions.md` is in the database: what the producer printed twice, what a retelling has
otherwise, and where sources disagree about a survey. A case that cannot be a figure stands in docs/catalogue.md with
its reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from warehouse import connect
from warehouse.layout import PROJECT

CHATHAM, LEVADA, KIIS, BAW = "chatham-house/belarus/", "levada/conflict-with-ukraine/", "kiis/omnibus/", "baw/belarus/"
ARMED, ORIENTATION = "russian-armed-forces-support", "foreign-policy-orientation-belarus"
UNION, CLUSTERS = "eu-or-russia-union-live-better", "protest-clusters-belarus"
APPROVAL = "russia-actions-approval-belarus"
KIND = re.compile(r"R/T|R|T|M")


@dataclass(frozen=True)
class Conflict:
    """A row of `conflicts` whose two values have these words."""

    release: str
    subject: str
    ours: str
    other: str

    def missing(self, con: duckdb.DuckDBPyConnection) -> str | None:
        found = con.execute(
            "SELECT ours, other, source FROM conflicts WHERE release = ? AND subject = ?", [self.release, self.subject]
        ).fetchall()
        held = any(self.ours in ours and self.other in other and source for ours, other, source in found)
        return None if held else f"{self}: {found}"


@dataclass(frozen=True)
class Retelling:
    """A printed figure that disagrees: kept, with a note, and never a value of the producer."""

    release: str
    item: str
    category: str
    text: str

    def missing(self, con: duckdb.DuckDBPyConnection) -> str | None:
        given = [self.release, self.item, self.category, self.text]
        cell = "release = ? AND item = ? AND category = ?"
        told = con.execute(
            f"SELECT count(*) FROM toplines WHERE {cell} AND percent_text = ? AND standing = 'retelling'"
            " AND trim(note) <> ''",
            given,
        ).fetchone()
        values = con.execute(f"SELECT count(*) FROM vintages WHERE {cell} AND published_text = ?", given).fetchone()
        return None if (told, values) == ((1,), (0,)) else f"{self}: told {told}, as a value {values}"


@dataclass(frozen=True)
class Values:
    """The successive values of a cell, the one that stands last: vintages of the producer."""

    release: str
    item: str
    category: str
    texts: tuple[str, ...]

    def missing(self, con: duckdb.DuckDBPyConnection) -> str | None:
        found = con.execute(
            "SELECT published_text FROM vintages WHERE release = ? AND item = ? AND category = ? AND subgroup = 'total'"
            " ORDER BY latest, available_from",
            [self.release, self.item, self.category],
        ).fetchall()
        return None if found == [(text,) for text in self.texts] else f"{self}: {found}"


@dataclass(frozen=True)
class Revised:
    """A row of `revisions`, with cause producer."""

    release: str
    category: str
    before: float
    after: float

    def missing(self, con: duckdb.DuckDBPyConnection) -> str | None:
        found = con.execute(
            "SELECT percent_before, percent_after FROM revisions WHERE release = ? AND category = ?"
            " AND cause = 'producer'",
            [self.release, self.category],
        ).fetchall()
        return None if found == [(self.before, self.after)] else f"{self}: {found}"


@dataclass(frozen=True)
class Told:
    """Nothing but a conflict can be shown; docs/catalogue.md says why, in these words."""

    words: str

    def missing(self, con: duckdb.DuckDBPyConnection) -> str | None:
        page = " ".join((PROJECT / "docs/catalogue.md").read_text(encoding="utf-8").split())
        return None if self.words in page else f"docs/catalogue.md does not say: {self.words}"


Place = Conflict | Retelling | Values | Revised | Told
SAME_WEIGHTS = "recalculated with education in the April 2021 report; values not found"

# Section of the page | second column | third column -> kinds, and where the database has it.
CASES: dict[str, tuple[str, list[Place]]] = {
    "Chatham House | waves 1-3 | every figure": ("R", [
        *(Conflict(CHATHAM + wave, "weights of every figure", "as first published", SAME_WEIGHTS)
          for wave in ("01", "02", "03")),
        Told("Chatham House 01 to 03, every figure"),
    ]),
    "Chatham House | 9 (Apr 2022) | war's consequences for oneself: negative": ("R", [
        Values(CHATHAM + "09", "war-consequences-self", "negative", ("48", "49")),
        Revised(CHATHAM + "09", "negative", 48, 49),
    ]),
    "Chatham House | 8 (5-14 Mar 2022) | army should join": ("R", [
        Values(CHATHAM + "08", "belarus-army-role", "join_russia", ("3", "3")),
        Conflict(CHATHAM + "08", "army should join", "3 % (final)", "11 March"),
    ]),
    "Chatham House | Mar 2023 | against nuclear weapons": ("R/T", [
        Values(CHATHAM + "2023-03", "nuclear-weapons-in-belarus", "against", ("74",)),
        Retelling(CHATHAM + "2023-03", "nuclear-weapons-in-belarus", "against", "75"),
        Conflict(CHATHAM + "2023-03", "against nuclear weapons", "74 % (44 + 30)", "75 %"),
    ]),
    "Chatham House | Mar 2023 | against nuclear weapons (2)": ("T", [
        Conflict(CHATHAM + "2023-03", "against nuclear weapons, read from the top answer", "74 %", "44 %"),
    ]),
    "Chatham House | Feb 2022 -> Mar 2023 | army should join, range over the year": ("T", [
        Conflict(CHATHAM + "2023-01", "army should join, over the year", "2-4 %", "3, 6, 5 and 3 %"),
        Values(CHATHAM + "2023-01", "belarus-army-role", "join_russia", ("2-4",)),
        Told("Chatham House 2023-01, 2-4 %"),
    ]),
    "Chatham House | 1 (Sep 2020) | alliance with both": ("T", [
        Retelling(CHATHAM + "01", ORIENTATION, "both", "42"),
        Conflict(CHATHAM + "01", "alliance with both Russia and the EU", "over 41 %", "almost 42 %"),
    ]),
    "Chatham House | 1 | Russia / EU": ("T", [
        Retelling(CHATHAM + "01", ORIENTATION, "union_russia", "27"),
        Retelling(CHATHAM + "01", ORIENTATION, "union_eu", "9"),
        Conflict(CHATHAM + "01", "alliance with Russia, with the EU", "27.2 and 9.1", "27 and 9"),
    ]),
    "Chatham House | 1 | clusters": ("T", [
        *(Retelling(CHATHAM + "01", CLUSTERS, category, text)
          for category, text in (("supporters", "43"), ("spectators", "34"), ("opponents", "23"))),
        Conflict(CHATHAM + "01", "protest groups", "43.3, 33.6 and 23.1", "43, 34 and 23"),
    ]),
    "Chatham House | Nov 2025 | orientation": ("T", [
        Retelling(CHATHAM + "2025-11", ORIENTATION, "both_or_none", "41"),
        Conflict(CHATHAM + "2025-11", "orientation: neutrality", "22 % both", "41 %"),
    ]),
    "Chatham House | pre-election 2025 | support for Russia": ("T", [
        Conflict(CHATHAM + "pre-election-2025", "support for Russia", "32 support, 40 do not", "another third"),
    ]),
    "Chatham House | 8 | Russian troops out at once": ("T", [
        Conflict(CHATHAM + "08", "Russian troops out at once", "39 %", "almost half"),
    ]),
    "Chatham House | 7 (Jan-Feb 2022) | n": ("M", [Conflict(CHATHAM + "07", "sample size", "755", "767")]),
    "Chatham House | 7 | end of fieldwork": ("M", [
        Conflict(CHATHAM + "07", "end of fieldwork", "2022-02-09", "2022-02-08"),
    ]),
    "Chatham House | 9 | margin": ("M", [
        Conflict(CHATHAM + "09", "margin of error", "3.6, as stated", "3.4 = 98 / sqrt(823)"),
    ]),
    "Chatham House | 11 | end of fieldwork": ("M", [
        Conflict(CHATHAM + "11", "end of fieldwork", "2022-08-17", "2022-08-21"),
    ]),
    "Chatham House | 12 | dates": ("M", [
        Conflict(CHATHAM + "12", "dates of fieldwork", "2022-08-15 to 2022-08-31", "November 2022"),
    ]),
    "Chatham House | 9 | series start": ("M", [
        Conflict(CHATHAM + "09", "start of the series", "August 2020", "September 2020"),
    ]),
    "Chatham House | 3 | report title": ("M", [
        Conflict(CHATHAM + "03", "title of the report", "What Belarusians think", "Belarusians' views"),
    ]),
    "Levada | Feb 2023 | definitely + rather support": ("R", [
        Values(LEVADA + "2023-02", ARMED, "definitely_support", ("48",)),
        Values(LEVADA + "2023-02", ARMED, "rather_support", ("31",)),
        Values(LEVADA + "2023-02", ARMED, "support", ("77",)),
        Conflict(LEVADA + "2023-02", "support", "77 % in total", "48 + 31 = 79 %"),
        Told("Levada 2023-02, 79 %"),
    ]),
    "Levada | Mar 2022 | support": ("T", [
        Retelling(LEVADA + "2022-03", ARMED, "support", "80"),
        Conflict(LEVADA + "2022-03", "support", "81 %", "80 %"),
    ]),
    "Levada | Mar 2022 | do not support": ("T", [
        Retelling(LEVADA + "2022-03", ARMED, "not_support", "20"),
        Conflict(LEVADA + "2022-03", "do not support", "14 %", "20 %"),
    ]),
    "Levada | Apr 2022 | do not support": ("T", [
        Retelling(LEVADA + "2022-04", ARMED, "not_support", "26"),
        Conflict(LEVADA + "2022-04", "do not support", "19 %", "26 %"),
    ]),
    "Levada | Dec 2025 | want the war to continue": ("T", [
        Retelling(LEVADA + "2025-12", "war-or-talks-russia", "continue_action", "15"),
        Conflict(LEVADA + "2025-12", "want the war to continue", "25 %", "15 %"),
    ]),
    "Levada | Jan 2024 | month of the 77 %": ("T", [
        Conflict(LEVADA + "2024-01", "month of the 77 %", "January 2024", "March 2024"),
    ]),
    "Levada | English pages | release date": ("M", [
        Conflict(LEVADA + "2023-03", "date of publication", "2023-03-31", "2023-04-07"),
        Conflict(LEVADA + "2023-08", "date of publication", "2023-11-13", "soon after the interviews"),
        Conflict(LEVADA + "2024-06", "date of publication", "2024-07-04", "2024-09-06"),
        Conflict(LEVADA + "2025-09", "date of publication", "2025-10-07", "2025-10-22"),
    ]),
    "KIIS | Nov-Dec 2025 | sample, dates": ("R", [
        Conflict(KIIS + "2025-12", "sample, dates, margin", "1,001; 26 November to 29 December; 4.1", "547"),
        Conflict(KIIS + "2025-12-interim", "sample, dates, margin", "547; 26 November to 13 December; 5.6", "1,001"),
        Values(KIIS + "2025-12-interim", "european-peace-plan", "accept", ("72",)),
    ]),
    "KIIS | Nov-Dec 2025 | support for the European plan": ("T", [
        Conflict(KIIS + "2025-12", "support for the European plan", "72 % (interim)", "nearly one in seven"),
        Told("KIIS 2025-12, nearly one in seven"),
    ]),
    "KIIS | Dec 2023 | against concessions, South / East": ("R/T", [
        Conflict(KIIS + "2023-12", "against concessions, South and East", "68 % South, 69 % East", "67 %"),
    ]),
    "KIIS | Dec 2023 | margin": ("M", [Conflict(KIIS + "2023-12", "margin of error", "3.4 (factor 1.1)", "4.1")]),
    "Belarusian Analytical Workroom | Sep 2022 | Russia's actions": ("T", [
        Retelling(BAW + "2022-09", APPROVAL, "approve", "41.3"),
        Retelling(BAW + "2022-09", APPROVAL, "disapprove", "47.3"),
        Conflict(BAW + "2022-09", "Russia's actions", "approve 47.3, disapprove 41.3", "approve 41.3, disapprove 47.3"),
    ]),
    "Belarusian Analytical Workroom | Sep 2022 | use of territory: against": ("T", [
        Retelling(BAW + "2022-09", "belarus-territory-use-for-war", "negative", "62"),
        Retelling(BAW + "2022-09", "belarus-troops-to-ukraine", "against", "85"),
        Retelling(BAW + "2022-09", "belarus-troops-to-ukraine", "in_favour", "11"),
        Conflict(BAW + "2022-09", "use of territory: against", "51.4 %", "more than 62 %"),
        Conflict(BAW + "2022-09", "sending troops", "no figure of this wave", "85 against, 11 for"),
    ]),
    "Belarusian Analytical Workroom | Sep 2020 | Russia / EU": ("T", [
        Retelling(BAW + "2020-09", UNION, "union_russia", "51"),
        Retelling(BAW + "2020-09", UNION, "european_union", "24"),
        Conflict(BAW + "2020-09", "union with Russia, the EU", "51.6 and 26.7", "51 and 24"),
    ]),
    "Belarusian Analytical Workroom | Nov 2020 | EU": ("T", [
        Retelling(BAW + "2020-11", UNION, "european_union", "32"),
        Conflict(BAW + "2020-11", "the EU", "33", "32"),
    ]),
    "Belarusian Analytical Workroom | Sep-Dec 2019 | fall": ("T", [
        Conflict(BAW + "2019-12", "fall since September 2019", "54.8 to 40.4 = 14.4", "14.7 %"),
    ]),
    "Belarusian Analytical Workroom | Aug/Sep 2019 | one wave or two": ("M", [
        Conflict(BAW + "2019-08", "one survey or two", "54.5 and 25", "54.8 and 24.4"),
        Conflict(BAW + "2019-09", "one survey or two", "54.8 and 24.4", "54.5 and 25"),
    ]),
    "Others | Bikanau 2022 | \"emerging\" segment": ("T", [
        Retelling("bikanau/national-identity/2022", "belarus-identity-segments", "emerging", "13"),
        Conflict("bikanau/national-identity/2022", "emerging group", "39 %", "13 %"),
    ]),
    "Others | Pew 2024 | countries": ("T", [Conflict("pew/global-attitudes/2024", "number of countries", "35", "36")]),
    "Others | Rating Jul 2023 | reference wave": ("T", [
        Conflict("rating/national-omnibus/2023-07", "wave of comparison", "January 2023: 87 %", "February"),
    ]),
    "Added | Levada Oct 2023 | peace talks / continue": ("T", [
        Conflict(LEVADA + "2023-10", "talks / continue", "55 / 38", "56 / 37"),
        Told("Levada 2023-10, 56 and 37 %"),
    ]),
    "Added | Levada Sep 2023 | support": ("R/T", [
        Conflict(LEVADA + "2023-09", "support", "73 %", "72 %"),
        Told("Levada 2023-09, 72 %"),
    ]),
    "Added | KIIS Dec 2023 | against concessions, South / East": ("T", [
        Conflict(KIIS + "2023-12", "against concessions, South and East", "68 % South, 69 % East", "67 %"),
    ]),
    "Added | Chatham House before the 2025 election | support for Russia": ("T", [
        Conflict(CHATHAM + "pre-election-2025", "support for Russia", "the rest (28)", "third"),
    ]),
    "Added | KIIS Dec 2025, interim | n, margin, end of fieldwork": ("M", [
        Conflict(KIIS + "2025-12-interim", "sample, dates, margin", "547; 26 November to 13 December; 5.6", "1,001"),
    ]),
}  # fmt: skip


def cases(page: str) -> Iterator[tuple[str, str]]:
    """The rows of the page's tables, as `section | second | third column` and kind; a second row of one key is (2)."""
    section, seen = "", dict[str, int]()
    for line in page.splitlines():
        if line.startswith("## "):
            section = line[3:].split(" by ")[0]  # "Added by a check of the file"
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if len(cells) < 4 or cells[0] == "kind" or set(cells[0]) <= set("-|"):
            continue
        key = " | ".join((section, *cells[1:3]))
        seen[key] = seen.get(key, 0) + 1
        kind = KIND.search(cells[0])
        yield key + (f" ({seen[key]})" if seen[key] > 1 else ""), kind[0] if kind else cells[0]


@pytest.fixture(scope="module")
def page(shared: Path) -> dict[str, str]:
    return dict(cases((shared / "facts/revisions.md").read_text(encoding="utf-8")))


def test_every_case_of_the_page_is_mapped_with_its_kind(page: dict[str, str]) -> None:
    assert len(page) == 44
    assert page == {key: kind for key, (kind, _) in CASES.items()}


@pytest.fixture(scope="module")
def con(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect.read(published) as opened:
        yield opened


@pytest.mark.parametrize("case", CASES)
def test_the_database_has_the_case(case: str, con: duckdb.DuckDBPyConnection) -> None:
    """Needs the shipped catalogue only: what the page says is written out above."""
    places = CASES[case][1]
    missing: list[str | None] = [place.missing(con) for place in places]
    assert places and [text for text in missing if text] == []


def test_a_retelling_is_nobody_s_estimate(con: duckdb.DuckDBPyConnection) -> None:
    """Of all retellings, not only those of the page: no value of the producer rests on one."""
    assert con.execute("SELECT count(*) > 20 FROM toplines WHERE standing = 'retelling'").fetchone() == (True,)
    rests_on_one = con.execute(
        "SELECT count(*) FROM vintages AS v JOIN toplines AS t USING (release, question, item, category, subgroup,"
        " subgroup_value, source_url) WHERE t.standing = 'retelling' AND t.percent_text = v.published_text"
    ).fetchone()
    assert rests_on_one == (0,)
