"""Trends and changes: which steps may be joined, and what may be said of a change."""

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import pytest

from assets.trends.change import detectable, two_sided
from assets.trends.comparability import RULES, WORST_FIRST, End, joins, judge
from tests.comparing import compared

SEVENTH = End("07", "same", "same", "join", None, True, "full", "all respondents", "CAWI", "urban adults", "age, sex")
EIGHTH = replace(SEVENTH, wave="08")

RULE_BY_RULE = {
    "reviewed": ({"reviewed": False}, "unreviewed", "not reviewed in wave 08"),
    "same question": (
        {"question_match": "different", "decision": "note", "reason": "a hypothetical"},
        "not_comparable",
        "another question in wave 08: a hypothetical",
    ),
    "declared break": ({"decision": "break", "reason": "after the invasion"}, "break",
                       "break at wave 08: after the invasion"),
    "same options": ({"options_match": "different", "reason": "five instead of three"}, "break",
                     "other options in wave 08: five instead of three"),
    "same base": ({"base": "those who work"}, "break", "base changes from all respondents to those who work"),
    "same wording within the wave": ({"form": "version"}, "break", "one of several wordings in wave 08"),
    "similar question": ({"question_match": "similar", "reason": "on either side"}, "with_note",
                         "similar question in wave 08: on either side"),
    "options changed": ({"options_match": "collapsed", "reason": "two in one"}, "with_note",
                        "options changed in wave 08: two in one"),
    "declared note": ({"decision": "note", "reason": "shortened"}, "with_note", "wave 08: shortened"),
    "same mode": ({"mode": "CATI"}, "with_note", "mode changes from 'CAWI' to 'CATI'"),
    "same population": ({"population": "all adults"}, "with_note",
                        "population changes from 'urban adults' to 'all adults'"),
    "same weighting": ({"weighting": "age, sex, region"}, "with_note",
                       "weighting changes from 'age, sex' to 'age, sex, region'"),
}  # fmt: skip


def test_every_rule_has_its_case_here() -> None:
    assert [rule.name for rule in RULES] == list(RULE_BY_RULE)


@pytest.mark.parametrize("name", RULE_BY_RULE)
def test_each_rule_gives_its_verdict_and_its_reason(name: str) -> None:
    difference, verdict, reason = RULE_BY_RULE[name]
    found, reasons = judge(SEVENTH, replace(EIGHTH, **difference))
    assert (found, reason in reasons) == (verdict, True), reasons


def test_two_waves_that_differ_in_nothing_compare_without_a_word() -> None:
    assert judge(SEVENTH, EIGHTH) == ("comparable", [])


def test_the_worst_rule_decides_and_all_reasons_are_given_the_worst_first() -> None:
    verdict, reasons = judge(SEVENTH, replace(EIGHTH, mode="CATI", decision="break", reason="new list"))
    assert verdict == "break"
    assert reasons == ["break at wave 08: new list", "mode changes from 'CAWI' to 'CATI'"]


def test_a_break_belongs_to_the_wave_that_brings_it() -> None:
    broken = replace(SEVENTH, decision="break", reason="after the invasion")
    assert judge(broken, EIGHTH) == ("comparable", [])
    assert judge(EIGHTH, replace(broken, wave="09"))[0] == "break"


def test_remarks_and_punctuation_are_no_change_of_mode_and_silence_is_none_either() -> None:
    assert judge(SEVENTH, replace(EIGHTH, mode="cawi (online panel)")) == ("comparable", [])
    assert judge(SEVENTH, replace(EIGHTH, mode=None)) == ("comparable", [])


def test_a_break_between_two_ends_breaks_the_step() -> None:
    between = replace(SEVENTH, wave="07b", decision="break", reason="weights")
    assert judge(SEVENTH, EIGHTH, (between,)) == ("break", ["break at wave 07b: weights"])


def test_an_unreviewed_wave_between_is_never_silent_and_its_break_is_nobodys_word() -> None:
    between = replace(SEVENTH, wave="07b", decision="break", reason="a guess", reviewed=False)
    assert judge(SEVENTH, EIGHTH, (between,)) == ("with_note", ["wave 07b lies between and is not reviewed"])


def test_only_comparable_and_with_note_join() -> None:
    assert [verdict for verdict in WORST_FIRST if joins(verdict)] == ["with_note", "comparable"]


# --- lines of waves ----------------------------------------------------------------------------------------


class House:
    """Waves of one question, one after the other, with n_effective = n."""

    def __init__(self, organisation: str = "house", series: str = "monitor") -> None:
        self.organisation, self.series = organisation, series
        self.estimates: list[dict[str, Any]] = []
        self.questions: dict[tuple[str, str], dict[str, Any]] = {}
        self.waves: dict[tuple[str, str, str], dict[str, Any]] = {}

    def wave(self, percent: float | None, n: int | None = 1000, *, dated: bool = True, mode: str = "CATI",
             category: str = "join", item: str = "army", **question: Any) -> "House":  # fmt: skip
        """One more wave, a month later."""
        number = len(self.waves) + 1
        name, release = f"{number:02d}", f"{self.organisation}/{self.series}/{number:02d}"
        day = dt.date(2022, number, 1) if dated else None
        error = 100 * math.sqrt(percent / 100 * (1 - percent / 100) / n) if n and percent is not None else None
        self.estimates.append(
            {
                "organisation": self.organisation, "series": self.series, "wave": name, "item": item,
                "category": category, "subgroup": "total", "subgroup_value": "all", "percent": percent, "n": n,
                "n_effective": n, "standard_error": error, "fieldwork_start": day, "fieldwork_end": day,
                "base": "all respondents", "release": release, "question": "q", "qualifier": "exact", "flags": [],
                "estimate_id": f"e-{release}", "source_url": "https://example.org",
            }
        )  # fmt: skip
        self.questions[release, "q"] = {
            "question_match": "same", "options_match": "same", "decision": "join", "reason": None,
            "reviewed_by": "tests", "form": "full", "wording": "Should it?", **question,
        }  # fmt: skip
        self.waves[self.organisation, self.series, name] = {"mode": mode, "population": "adults", "weighting": None}
        return self

    def computed(self, *others: "House") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Trends of this house and others, and the changes from wave to wave."""
        houses = (self, *others)
        found = compared(
            [row for house in houses for row in house.estimates],
            {key: row for house in houses for key, row in house.questions.items()},
            {key: row for house in houses for key, row in house.waves.items()},
        )
        steps = [row for row in found.changes.to_pylist() if row["pair"] == "consecutive"]
        return found.trends.to_pylist(), steps


def pairs(changes: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["wave_from"], row["wave_to"]): row for row in changes}


def test_from_6_to_5_percent_is_no_detectable_change() -> None:
    """6 % of 823, then 5 % of 804: z = -1 / 1.129, p = 0.38."""
    [change] = House().wave(6, 823).wave(5, 804).computed()[1]
    assert change["change"] == pytest.approx(-1)
    assert change["p_value"] == pytest.approx(0.376, abs=0.0005)
    assert change["verdict"] == "no_detectable_change"
    assert change["change_low"] < 0 < change["change_high"]


def test_two_sided_is_twice_the_normal_tail() -> None:
    assert two_sided(1.959963984540054) == pytest.approx(0.05, abs=1e-12)
    assert float(two_sided(-1.0)) == float(two_sided(1.0)) == pytest.approx(0.317310507863, abs=1e-12)


@pytest.mark.parametrize(
    ("percent", "n", "points"),
    [
        (3, 850, 2.777),
        (3, 850 / 1.5, 3.534),  # a design effect of 1.5
        (97, 850, 2.777),
        (0, 850, 0.915),  # 7.849 / (850 + 7.849)
        (50, 1000, 6.240),
    ],
)
def test_the_detectable_change_solves_its_equation(percent: float, n: float, points: float) -> None:
    """d = (z_0.975 + z_0.80) * se(p, p + d). R: power.prop.test(850, .03, power = .8) pools and has 2.783 and 3.544."""
    found = detectable(percent, n, n)
    assert found == pytest.approx(points, abs=0.0005)
    p = min(percent, 100 - percent) / 100
    q = p + found / 100
    assert found / 100 == pytest.approx(2.801585218 * math.sqrt(p * (1 - p) / n + q * (1 - q) / n), rel=1e-6)


def test_holm_adjusts_the_tests_of_one_line_together() -> None:
    """Three steps of known z: with p1 < p2 < p3 Holm gives 3 p1, 2 p2, p3, never falling."""
    changes = House().wave(50).wave(56).wave(51).wave(50.5).computed()[1]
    raw = sorted(row["p_value"] for row in changes)
    by_hand = [3 * raw[0], max(3 * raw[0], 2 * raw[1]), max(3 * raw[0], 2 * raw[1], raw[2])]
    assert sorted(row["p_adjusted"] for row in changes) == pytest.approx(by_hand)
    found = {pair: (round(row["p_value"], 4), row["verdict"]) for pair, row in pairs(changes).items()}
    assert found == {
        ("01", "02"): (0.0071, "rise"),
        ("02", "03"): (0.0248, "fall"),
        ("03", "04"): (0.823, "no_detectable_change"),
    }
    assert {row["family"] for row in changes} == {"consecutive waves of army / join / total / all"}


def test_a_change_that_one_test_alone_would_call_detectable_is_not_one_of_many() -> None:
    house = House()
    for percent in (50, 54.6, 50, 54.6, 50, 54.6):
        house.wave(percent)
    changes = house.computed()[1]
    assert all(row["p_value"] < 0.05 < row["p_adjusted"] for row in changes)
    assert {row["verdict"] for row in changes} == {"no_detectable_change"}


def test_nothing_is_tested_across_a_break_and_the_line_starts_anew() -> None:
    trends, changes = House().wave(13).wave(3, decision="break", reason="after the invasion").wave(6).computed()
    broken = pairs(changes)["01", "02"]
    assert broken["comparability"] == "break"
    assert broken["reasons"] == ["break at wave 02: after the invasion"]
    assert [broken[name] for name in ("change", "standard_error", "change_low", "p_value", "p_adjusted", "family")] == [
        None
    ] * 6
    assert broken["verdict"] == "not_tested"
    assert pairs(changes)["02", "03"]["p_value"] is not None
    assert [(row["wave"], row["segment"], row["change"]) for row in trends] == [
        ("01", 1, None),
        ("02", 2, None),
        ("03", 2, 3),
    ]


def test_an_unreviewed_wave_is_outside_trends_untested_and_its_neighbours_say_it_is_there() -> None:
    trends, changes = House().wave(10).wave(50, reviewed_by=None).wave(11).computed()
    assert [row["wave"] for row in trends] == ["01", "03"]
    assert (trends[1]["comparability"], trends[1]["reasons"]) == (
        "with_note",
        ["wave 02 lies between and is not reviewed"],
    )
    assert {pair: (row["comparability"], row["p_value"] is None) for pair, row in pairs(changes).items()} == {
        ("01", "02"): ("unreviewed", True),
        ("02", "03"): ("unreviewed", True),
        ("01", "03"): ("with_note", False),
    }


def test_a_wave_without_this_category_but_with_a_break_breaks_the_line() -> None:
    house = House().wave(10)
    house.wave(50, category="stay", decision="break", reason="new list").wave(11)
    [change] = [row for row in house.computed()[1] if row["category"] == "join"]
    assert (change["wave_from"], change["wave_to"], change["comparability"]) == ("01", "03", "break")
    assert change["reasons"] == ["break at wave 02: new list"]


def test_undated_waves_and_excluded_questions_are_in_no_line() -> None:
    trends, changes = (
        House().wave(10).wave(20, dated=False).wave(30, decision="exclude", reason="other scale").wave(11).computed()
    )
    assert [row["wave"] for row in trends] == ["01", "04"]
    assert list(pairs(changes)) == [("01", "04")]


def test_houses_and_series_are_never_joined() -> None:
    trends, changes = House().wave(10).wave(11).computed(House("other").wave(40), House("house", "weekly").wave(50))
    assert [(row["organisation"], row["series"], row["position"]) for row in trends] == [
        ("house", "monitor", 1),
        ("house", "monitor", 2),
        ("house", "weekly", 1),
        ("other", "monitor", 1),
    ]
    assert [(row["organisation"], row["series"]) for row in changes] == [("house", "monitor")]


def test_without_a_standard_error_the_change_is_shown_untested_and_says_why() -> None:
    [change] = House().wave(10, None).wave(12).computed()[1]
    assert (change["change"], change["p_value"], change["verdict"]) == (2, None, "not_tested")
    assert change["reasons"] == ["not tested: no standard error in wave 01"]


def test_a_range_makes_no_change_and_says_why() -> None:
    [change] = House().wave(10).wave(None).computed()[1]
    assert (change["change"], change["verdict"]) == (None, "not_tested")
    assert change["reasons"] == ["not tested: no standard error in wave 02"]


def test_from_0_to_0_nothing_can_be_tested_and_it_says_why() -> None:
    [change] = House().wave(0).wave(0).computed()[1]
    assert (change["change"], change["p_value"], change["verdict"]) == (0, None, "not_tested")
    assert change["reasons"] == ["not tested: shares of 0 or 100 percent have no standard error"]
    assert change["detectable_change"] == pytest.approx(0.779, abs=0.001)


def test_the_order_is_that_of_fieldwork_not_of_names() -> None:
    house = House().wave(10).wave(11)
    for row in house.estimates:
        row["wave"] = {"01": "9", "02": "10"}[row["wave"]]
    house.waves = {("house", "monitor", wave): row for wave, row in zip(("9", "10"), house.waves.values(), strict=True)}
    assert [row["wave"] for row in house.computed()[0]] == ["9", "10"]
