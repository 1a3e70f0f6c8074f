"""Vintages: what stood on a day, what replaced it and why; nothing is overwritten and nothing is made up."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from assets.refresh import refresh
from tests import factory
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout

LOADED = [dt.datetime(2024, 6, day, 3) for day in range(1, 20)]  # a refresh each night
ROW = "q0,Do you agree with invented?,{option},{percent},all respondents,{published},https://example.org/01,{more}\n"


class House:
    """A house with one release that is refreshed night by night, with the answers to the usual questions."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.nights = layout, iter(LOADED)
        factory.item(layout.catalogue)
        factory.series(layout.catalogue)
        self.folder = factory.release(layout.catalogue)

    def night(self, audit=no_audit) -> "House":
        """The next refresh."""
        self.done = refresh(self.layout, audit=audit, at=next(self.nights))
        return self

    def put(self, file: str, old: str, new: str) -> "House":
        """Change a file."""
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return self

    def ask(self, query: str) -> list[tuple]:
        """Rows of the published database."""
        with connect.read(self.layout.link) as con:
            return con.execute(query).fetchall()

    def vintages(self, category: str = "agree") -> list[tuple]:
        """The values of a cell: percent, from, until, load, cause, latest."""
        return self.ask(
            "SELECT percent, strftime(available_from, '%m-%d'), strftime(available_until, '%m-%d'), load_vintage, "
            f"cause, latest FROM vintages WHERE category = '{category}' ORDER BY load_vintage, latest, available_from"
        )

    def revisions(self) -> list[tuple]:
        """What moved."""
        return self.ask(
            "SELECT category, percent_before, percent_after, cause, strftime(revised_on, '%m-%d') FROM revisions "
            "ORDER BY category, load_vintage, revised_on"
        )

    def as_of(self, day: str, category: str = "agree") -> list[float]:
        """What stood on a day, by SQL on the vintages alone."""
        return [
            percent
            for (percent,) in self.ask(
                f"SELECT percent FROM vintages WHERE category = '{category}' AND available_from <= DATE '{day}' "
                f"AND (available_until IS NULL OR available_until > DATE '{day}')"
            )
        ]


@pytest.fixture
def house(layout: Layout) -> House:
    return House(layout)


def test_a_first_load_stands_from_the_day_on_which_its_source_printed_it(house: House) -> None:
    house.night()
    assert house.vintages() == [(40, "01-28", None, 1, "new", True)]
    assert house.revisions() == []
    assert (house.as_of("2024-01-27"), house.as_of("2024-01-28")) == ([], [40])


def test_a_changed_figure_is_a_new_vintage_with_cause_data_and_the_others_stay(house: House) -> None:
    house.night().put("toplines.csv", ",40,", ",41,").night()
    assert house.vintages() == [(40, "01-28", "06-02", 1, "new", False), (41, "06-02", None, 2, "data", True)]
    assert house.vintages("disagree") == [(50, "01-28", None, 1, "new", True)]
    assert house.revisions() == [("agree", 40, 41, "data", "06-02")]
    assert (house.as_of("2024-06-01"), house.as_of("2024-06-02")) == ([40], [41])
    for day, percent in (("2024-01-27", []), ("2024-05-31", [(40,)]), ("2024-06-02", [(41,)])):
        assert house.ask(f"SELECT percent FROM estimates_as_of('{day}') WHERE category = 'agree'") == percent
    assert house.ask("SELECT kind, subject, what, why FROM digest ORDER BY position") == [
        ("load", "acme/monthly/01", "load 2: 1 value revised", "a file with figures or answers changed"),
        (
            "revision",
            "invented / agree",
            "wave 01: 40 % became 41 % (+1 points)",
            "a file with figures or answers changed",
        ),
    ]


def test_figures_that_come_and_go_are_all_kept_and_pass_the_audit(house: House) -> None:
    """40, 41, 40, 41: each load its own vintage; the audit finds every key once and one value a day."""
    house.night()
    for old, new in (("40", "41"), ("41", "40"), ("40", "41")):
        house.put("toplines.csv", f",{old},", f",{new},").night()
    assert house.vintages() == [
        (40, "01-28", "06-02", 1, "new", False),
        (41, "06-02", "06-03", 2, "data", False),
        (40, "06-03", "06-04", 3, "data", False),
        (41, "06-04", None, 4, "data", True),
    ]
    assert house.revisions() == [
        ("agree", 40, 41, "data", "06-02"),
        ("agree", 41, 40, "data", "06-03"),
        ("agree", 40, 41, "data", "06-04"),
    ]
    assert [house.as_of(f"2024-06-0{day}") for day in (1, 2, 3, 4)] == [[40], [41], [40], [41]]
    from assets.refresh import great_expectations

    results = great_expectations(house.done.published, None, None)
    assert [result.message for result in results if not result.passed] == []


def test_a_changed_crosswalk_moves_figures_with_cause_crosswalk(house: House) -> None:
    house.night()
    house.put("categories.csv", '"yes, agree",agree', '"yes, agree",X')
    house.put("categories.csv", '"no, disagree",disagree', '"no, disagree",agree')
    house.put("categories.csv", '"yes, agree",X', '"yes, agree",disagree').night()
    assert house.revisions() == [
        ("agree", 40, 50, "crosswalk", "06-02"),
        ("disagree", 50, 40, "crosswalk", "06-02"),
    ]


def test_what_moves_no_figure_is_a_load_with_its_cause_and_no_revision(house: House) -> None:
    edits = {
        "metadata": ("release.yml", "title: Invented wave", "title: Another wave"),
        "weights": ("release.yml", "value: 1.2", "value: 1.5"),
        "crosswalk": ("questions.csv", "verbatim", "translation"),
        "data": ("toplines.csv", "read_directly", "secondary_report"),
    }
    folders = {
        cause: factory.release(house.layout.catalogue, cause, month=month) for month, cause in enumerate(edits, start=2)
    }
    house.night()
    for cause, (file, old, new) in edits.items():
        house.folder = folders[cause]
        house.put(file, old, new)
    house.night()
    rows = house.ask("SELECT wave, load_vintage, cause FROM releases ORDER BY wave")
    assert rows == [("01", 1, "new"), *((cause, 2, cause) for cause in sorted(edits))]
    assert house.revisions() == []
    assert house.as_of("2024-06-01") == house.as_of("2024-06-02") == [40] * 5


def test_a_correction_is_a_revision_with_cause_correction(house: House) -> None:
    house.night()
    with (house.folder / "release.yml").open("a") as file:
        file.write(
            "corrections:\n  - {question: q0, option: 'yes, agree', expect: 40, percent: 39, reason: r, by: t}\n"
        )
    assert house.night().revisions() == [("agree", 40, 39, "correction", "06-02")]
    assert house.as_of("2024-06-01") == [40]


def test_values_that_the_producer_superseded_stand_before_the_figure(house: House) -> None:
    with (house.folder / "toplines.csv").open("a") as file:
        more = "read_directly,superseded"
        for percent, published in ((36, "2024-01-20"), (35, "2024-01-10"), (35, "2024-01-10")):
            file.write(ROW.format(option='"yes, agree"', percent=percent, published=published, more=more))
    header = "confidence,standing"
    house.put("toplines.csv", "confidence\n", header + "\n").put("toplines.csv", "read_directly\n", "read_directly,\n")
    house.night()
    assert house.vintages() == [
        (35, "01-10", "01-20", 1, "new", False),
        (36, "01-20", "01-28", 1, "new", False),
        (40, "01-28", None, 1, "new", True),
    ]
    assert house.revisions() == [
        ("agree", 35, 36, "producer", "01-20"),
        ("agree", 36, 40, "producer", "01-28"),
    ]
    assert [house.as_of(day) for day in ("2024-01-09", "2024-01-15", "2024-01-27", "2024-02-01")] == [
        [], [35], [36], [40],
    ]  # fmt: skip


def test_a_superseded_value_that_we_learn_of_later_makes_no_revision_backwards(house: House) -> None:
    house.night()
    with (house.folder / "toplines.csv").open("a") as file:
        file.write(ROW.format(option='"yes, agree"', percent=35, published="undated", more="read_directly,superseded"))
    house.put("toplines.csv", "confidence\n", "confidence,standing\n")
    house.put("toplines.csv", "read_directly\n", "read_directly,\n").night()
    assert house.revisions() == [("agree", 35, 40, "producer", "01-28")]
    assert house.as_of("2024-06-02") == [40]


def test_an_undated_figure_stands_on_no_day_and_counts_today(house: House) -> None:
    house.put("toplines.csv", "2024-01-28", "undated").night()
    assert house.vintages() == [(40, None, None, 1, "new", True)]
    assert house.as_of("2024-06-02") == []
    assert house.ask("SELECT percent FROM estimates WHERE category = 'agree'") == [(40,)]


def test_a_figure_of_this_month_is_known_from_the_day_of_its_load_and_may_be_revised_the_day_after(
    house: House,
) -> None:
    """June's last day lies ahead on June 1; a value must not be replaced before it could be known."""
    house.put("toplines.csv", "2024-01-28", "2024-06").night().put("toplines.csv", ",40,", ",42,").night()
    assert house.vintages() == [(40, "06-01", "06-02", 1, "new", False), (42, "06-02", None, 2, "data", True)]


# --- two releases of one wave ------------------------------------------------------------------------------


def final(house: House, percents: tuple[float, ...] = (43, 47, 10)) -> Path:
    """A final release of the wave, a month after the first, which becomes the interim one."""
    house.put("release.yml", "vintage: 2024-01-28", "vintage: 2024-01-28\nstatus: interim")
    folder = factory.release(house.layout.catalogue, folder="01-final", vintage="2024-02-28", percents=percents)
    table = folder / "toplines.csv"
    table.write_text(table.read_text().replace("2024-01-28", "2024-02-28"))
    return folder


def test_the_final_release_of_a_wave_takes_the_place_of_the_interim_one(house: House) -> None:
    final(house)
    house.night()
    assert house.vintages() == [(40, "01-28", "02-28", 1, "new", False), (43, "02-28", None, 1, "new", True)]
    assert house.revisions() == [
        ("agree", 40, 43, "producer", "02-28"),
        ("disagree", 50, 47, "producer", "02-28"),
    ]
    assert house.ask("SELECT release, percent FROM estimates WHERE category = 'agree'") == [
        ("acme/monthly/01-final", 43)
    ]
    assert house.ask("SELECT wave, releases FROM waves") == [("01", 2)]
    # A late correction of the interim release changes nothing that stands.
    house.put("toplines.csv", ",40,", ",41,").night()
    assert house.as_of("2024-06-10") == [43]
    assert house.ask("SELECT percent FROM estimates WHERE category = 'agree'") == [(43,)]


def test_a_final_release_that_repeats_the_figures_is_no_revision(house: House) -> None:
    final(house, (40, 50, 10))
    house.night()
    assert house.revisions() == []
    assert house.ask("SELECT release FROM estimates WHERE category = 'agree'") == [("acme/monthly/01-final",)]


def test_the_same_value_of_the_same_day_in_two_releases_is_two_rows_with_one_id(house: House) -> None:
    """The final release quotes the interim value: both rows stay, and the audit's keys hold."""
    folder = final(house)
    table = folder / "toplines.csv"
    lines = table.read_text().replace("confidence\n", "confidence,standing\n").replace("directly\n", "directly,\n")
    more = "read_directly,superseded"
    table.write_text(lines + ROW.format(option='"yes, agree"', percent=40, published="2024-01-28", more=more))
    house.night()
    rows = house.ask("SELECT release, load_vintage, count(DISTINCT estimate_id) OVER () FROM vintages "
                     "WHERE category = 'agree' AND percent = 40 ORDER BY release")  # fmt: skip
    assert rows == [("acme/monthly/01", 1, 1), ("acme/monthly/01-final", 1, 1)]
    assert house.revisions()[0] == ("agree", 40, 43, "producer", "02-28")


def test_when_the_final_release_is_withdrawn_the_interim_one_stands_again(house: House) -> None:
    folder = final(house)
    house.night()
    shutil.rmtree(folder)
    house.night()
    assert house.ask("SELECT release, percent FROM estimates WHERE category = 'agree'") == [("acme/monthly/01", 40)]
    assert ("agree", 43, 40, "producer", "06-02") in house.revisions()


# --- withdrawal --------------------------------------------------------------------------------------------


def test_a_withdrawn_release_ends_on_that_day_and_its_return_starts_a_new_stretch(house: House) -> None:
    factory.release(house.layout.catalogue, "02", month=2)
    kept = house.layout.data.parent / "kept"
    house.night()
    shutil.copytree(house.folder, kept)
    shutil.rmtree(house.folder)
    house.night()
    assert house.done.report.withdrawn == ["acme/monthly/01"]
    assert house.ask("SELECT DISTINCT release FROM estimates") == [("acme/monthly/02",)]
    assert house.ask("SELECT DISTINCT release FROM releases") == [("acme/monthly/02",)]
    assert house.ask("SELECT kind, subject, what FROM digest") == [
        ("withdrawn", "acme/monthly/01", "withdrawn with 3 estimates; the wave is gone")
    ]
    where = "WHERE wave = '01' AND category = 'agree' ORDER BY load_vintage"
    stood = (
        f"SELECT strftime(available_from, '%m-%d'), strftime(available_until, '%m-%d'), latest FROM vintages {where}"
    )
    assert house.ask(stood) == [("01-28", "06-02", False)]
    shutil.copytree(kept, house.folder)
    house.night()
    assert house.ask(stood) == [("01-28", "06-02", False), ("06-03", None, True)]
    assert house.revisions() == []
    assert house.ask("SELECT count(*) FROM estimates") == [(6,)]
