"""Statements of change that Chronicles printed, from the respondents' files: direction, verdict, and what is no trend.

Printed are: the report of wave 6, Table 5 (support in waves 3 to 6) and Table 1 (anxiety); the report of wave 11, the
block that compares February with October 2023. Steps 1-2 and 2-3 of the headline question, which are breaks, are in
tests/test_chronicles.py.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.refresh import refresh
from tests.conftest import no_audit
from tests.test_chronicles import CATALOGUE, SERIES, SUPPORT
from warehouse import connect
from warehouse.layout import Layout

pytestmark = pytest.mark.shared
WAVES = ("03", "04", "05", "06", "09", "11")
ITEMS = (SUPPORT, "russia-anxiety-attacks", "russia-vpn-use", "russia-withdrawal-and-truce",
         "russia-budget-priority-in-deficit")  # fmt: skip
# item, category, step, percentages as printed, what the samples say of it
PRINTED = (
    (SUPPORT, "support", "03", "04", 60, 66, "rise"),
    (SUPPORT, "support", "04", "05", 66, 64, "no_detectable_change"),
    (SUPPORT, "support", "05", "06", 64, 55, "fall"),
    (SUPPORT, "support", "09", "11", 58.5, 52, "fall"),
    ("russia-anxiety-attacks", "yes", "03", "04", 32, 34, "no_detectable_change"),
    ("russia-anxiety-attacks", "yes", "04", "05", 34, 33, "no_detectable_change"),
    ("russia-anxiety-attacks", "yes", "05", "06", 33, 43, "rise"),
    ("russia-withdrawal-and-truce", "not_support", "09", "11", 47.2, 33, "fall"),
    ("russia-vpn-use", "uses", "09", "11", 23.5, 18, "fall"),
)
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    house = tmp_path_factory.mktemp("printed")
    for wave in WAVES:
        shutil.copytree(CATALOGUE / SERIES / wave, house / "catalog" / SERIES / wave)
    shutil.copy(CATALOGUE / SERIES / "series.yml", house / "catalog" / SERIES)
    shutil.copy(CATALOGUE / "releases/chronicles/organisation.yml", house / "catalog/releases/chronicles")
    shutil.copytree(CATALOGUE / "items", house / "catalog/items")
    files = (shared / "microdata" / "chronicles-russia" / "data",)
    done = refresh(Layout(house / "data", house / "catalog", files=files), audit=no_audit)
    assert not done.report.quarantined
    assert done.published is not None
    con = connect.read(done.published)
    yield lambda query, *given: con.sql(query, params=list(given)).to_arrow_table().to_pylist()
    con.close()


def step(ask: Ask, item: str, category: str, one: str, two: str) -> dict[str, Any]:
    [row] = ask(
        """FROM changes WHERE item = ? AND category = ? AND wave_from = ? AND wave_to = ? AND subgroup = 'total'
        AND pair = 'consecutive'""",
        item, category, one, two,
    )  # fmt: skip
    return row


@pytest.mark.parametrize(("item", "category", "one", "two", "before", "after", "verdict"), PRINTED)
def test_a_printed_change_has_its_direction_and_its_size(
    ask: Ask, item: str, category: str, one: str, two: str, before: float, after: float, verdict: str
) -> None:
    row = step(ask, item, category, one, two)
    assert row["percent_from"] == pytest.approx(before, abs=0.55), "the earlier figure as printed"
    assert row["percent_to"] == pytest.approx(after, abs=0.55), "the later figure as printed"
    assert (row["change"] > 0) == (after > before), "the printed direction"
    assert row["verdict"] == verdict
    assert row["comparability"] in ("comparable", "with_note")
    assert (row["p_adjusted"] < 0.05) == (verdict != "no_detectable_change")


def test_a_printed_fall_across_a_split_ballot_is_not_tested(ask: Ask) -> None:
    """37 and 25.5 % for the armed forces are printed side by side; the second is one wording of several."""
    row = step(ask, "russia-budget-priority-in-deficit", "armed_forces", "09", "11")
    assert row["percent_from"] == pytest.approx(37, abs=0.5)
    assert (row["comparability"], row["change"], row["p_value"], row["verdict"]) == ("break", None, None, "not_tested")
    assert row["reasons"][0].startswith("one of several wordings in wave 11")


def test_other_weights_in_wave_9_give_a_note_to_every_step_that_touches_it(ask: Ask) -> None:
    rows = ask("FROM changes WHERE pair = 'consecutive' AND subgroup = 'total' AND '09' IN (wave_from, wave_to)")
    assert len({row["item"] for row in rows}) > 5
    for row in rows:
        weighting = [reason for reason in row["reasons"] if reason.startswith("weighting changes from")]
        assert len(weighting) == 1, (row["item"], row["reasons"])
        assert "sex, age, federal district and higher education" in weighting[0]
        assert row["comparability"] != "comparable"
    assert {row["comparability"] for row in rows if row["item"] == SUPPORT} == {"with_note"}


def test_what_changes_between_waves_is_kept_in_the_longest_way(ask: Ask) -> None:
    """First to last of the headline question: every note of the way, whatever the ends have in common."""
    [row] = ask("FROM changes WHERE item = ? AND category = 'support' AND subgroup = 'total' AND pair = 'first_last'",
                SUPPORT)  # fmt: skip
    assert (row["wave_from"], row["wave_to"], row["comparability"]) == ("03", "11", "with_note")
    assert sum(reason.startswith("weighting changes from") for reason in row["reasons"]) == 2
    assert (row["change"] < 0, row["verdict"]) == (True, "fall")
