"""Press sentences against the figures: every rule alone, every verdict, the shipped claims, the command as typed.

Belongs here: what is said of a claim and why. Does not belong here: how figures and changes come about.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from assets.claims import numbers, reading, search
from assets.claims.candidates import Case
from assets.claims.check import Checked, check
from assets.claims.facts import Answer, Facts, Figure, Printed, Step
from assets.claims.populations import left_out, limits
from assets.claims.propose import Proposal, propose
from assets.claims.rules import RULES, WORST_FIRST, judge
from pipeline.cli.main import app
from schemas.claim import Claim
from schemas.vocabulary import ClaimVerdict, words
from tests import test_sql as sql
from warehouse import connect
from warehouse.layout import PROJECT

PAGE = PROJECT / "docs" / "claims.md"
FOUNDING = "2022-10-army-three-percent"

# --- an invented house ---------------------------------------------------------------------------------------------

NOT_LAST_MONTH = dt.timedelta(days=27)


def figure(wave: int, percent: float | None, category: str = "yes", **changes: Any) -> Figure:
    """A figure of wave 1, 2, ... of 2022: asked in that month, out on its 28th, with an error of 1.5 points."""
    start = dt.date(2022, wave, 1)
    made = Figure(
        estimate_id=f"e{wave}{category}", organisation="acme", organisation_name="Acme Institute", series="monthly",
        series_name="Monthly survey", wave=f"{wave:02d}", item="war", category=category,
        label={"yes": "Yes, in favour", "no": "No, against", "sure": "Definitely in favour"}.get(category, category),
        percent=percent, percent_low=None if percent is None else percent - 3,
        percent_high=None if percent is None else percent + 3, standard_error=1.5, n=1000, qualifier="exact",
        published_text=None if percent is None else f"{percent:g}", interval_method="wilson", flags=(),
        fieldwork="a month", fieldwork_start=start, fieldwork_end=start + dt.timedelta(days=9),
        population="adults in Acmeland", mode="CATI", available_from=start + NOT_LAST_MONTH, available_until=None,
        latest=True, decision="join", reason=None, reviewed=True, source_url=f"https://example.org/{wave}",
    )  # fmt: skip
    return replace(made, **changes)


def retelling(wave: int, percent: float, **changes: Any) -> Printed:
    start = dt.date(2022, wave, 1)
    made = Printed(
        "acme", "monthly", f"{wave:02d}", "war", "yes", percent, "exact", start + NOT_LAST_MONTH,
        "A page that retells.", "https://example.org/retold", start, start, "adults", "CATI",
    )  # fmt: skip
    return replace(made, **changes)


ANSWERS = {
    "war": [
        Answer("yes", "Yes, in favour", "net", ("sure", "rather")),
        Answer("sure", "Definitely in favour", "substantive", ()),
        Answer("rather", "Rather in favour", "substantive", ()),
        Answer("no", "No, against", "substantive", ()),
        Answer("hard", "Hard to answer", "dont_know", ()),
    ],
    "other": [Answer("yes", "Yes", "substantive", ()), Answer("no", "No", "substantive", ())],
}


def facts(*figures: Figure, retold: tuple[Printed, ...] = (), segments: Mapping[int, int] | None = None) -> Facts:
    """Facts of these figures; all waves are in one segment of the trend unless said otherwise."""
    steps: dict[Any, dict[str, Step]] = {}
    for one in sorted(figures, key=lambda f: f.when):
        line = steps.setdefault(one.line, {})
        segment = (segments or {}).get(int(one.wave), 1)
        broken = bool(line) and segment != next(reversed(line.values())).segment
        line[one.wave] = Step(
            one.wave, len(line) + 1, segment, "break" if broken else "comparable", ("another mode",) if broken else ()
        )
    of: dict[str, list[Figure]] = {}
    for one in figures:
        of.setdefault(one.item, []).append(one)
    apart = {"war": {"other": "another question"}, "other": {"war": "another question"}}
    titles = {"war": "For or against", "other": "The other question"}
    return Facts(titles, ANSWERS, apart, of, {"war": list(retold)}, steps, {"acme": "Acme Institute"})


def claim(value: float | None = 40, **changes: Any) -> Claim:
    told = {
        "claim": "one", "said_by": "a paper", "published": "2022-12-31", "statement": "So many are in favour.",
        "item": "war", "category": "yes", "value": value, "organisation": "acme",
    }  # fmt: skip
    return Claim.model_validate(told | changes)


def change(one: float | None, two: float, **changes: Any) -> Claim:
    return claim(two, **({"comparison": "change", "other_value": one} | changes))


THREE = (figure(1, 40), figure(2, 41), figure(3, 50))
# rule: claim, facts, and the rules that are found with it
ALONE: dict[str, tuple[Claim, Facts, list[str]]] = {
    "no number": (claim(None), facts(*THREE), ["no number"]),
    "no figure": (claim(40, published="2022-01-01"), facts(*THREE), ["no figure"]),
    "another answer": (claim(30), facts(*THREE, figure(3, 30, "no")), ["another answer"]),
    "another wave": (claim(40, period="2022-03"), facts(*THREE), ["another wave"]),
    "another question": (claim(60), facts(*THREE, figure(3, 60, item="other")), ["another question"]),
    "a retelling": (claim(60), facts(*THREE, retold=(retelling(3, 60),)), ["a retelling"]),
    "no such figure": (claim(60), facts(*THREE), ["no such figure"]),
    "no majority": (
        claim(40, comparison="majority"), facts(figure(1, 40)), ["no majority", "agrees"],
    ),
    "the other way": (change(50, 40), facts(figure(1, 40), figure(2, 50), figure(3, 40, decision="exclude")),
                      ["no such pair"]),
    "no such pair": (change(60, 50), facts(*THREE), ["no such pair"]),
    "complement": (
        claim(70, category="no"), facts(figure(3, 30), figure(3, 55, "no")), ["complement"],
    ),
    "complement of another question": (
        claim(95, category="no"), facts(figure(3, 85, "no"), figure(3, 5, item="other")),
        ["complement of another question"],
    ),
    "with the undecided": (
        claim(60), facts(figure(3, 50), figure(3, 10, "hard"), figure(3, 38, "no")), ["with the undecided"],
    ),
    "part of a net": (claim(30), facts(*THREE, figure(3, 30, "sure")), ["part of a net"]),
    "presumed part of a net": (
        claim(30), facts(*THREE, retold=(retelling(3, 30),)), ["presumed part of a net"],
    ),
    "within the error": (change(40, 41), facts(*THREE[:2]), ["within the error"]),
    "a break": (change(40, 50), facts(*THREE, segments={3: 2}), ["a break"]),
    "two questions": (change(60, 50), facts(*THREE, figure(1, 60, item="other")), ["two questions"]),
    "narrower population": (
        claim(40, population="the people"), facts(figure(1, 40, population="urban internet users")),
        ["narrower population", "agrees"],
    ),
    "unsettled": (
        claim(60), facts(figure(3, 50, reviewed=False), retold=(retelling(3, 60),)), ["unsettled"],
    ),
    "a point apart": (claim(51), facts(*THREE, retold=(retelling(3, 51),)), ["a point apart"]),
    "houses disagree": (
        claim(50, organisation=None), facts(*THREE, figure(3, 70, organisation="bolt")), ["houses disagree", "agrees"],
    ),
    "cannot be tested": (
        change(40, 50), facts(figure(1, 40, standard_error=None), figure(2, 50)), ["cannot be tested"],
    ),
    "majority within the error": (
        claim(51, comparison="majority"), facts(figure(1, 51)), ["majority within the error", "agrees"],
    ),
    "not exact": (claim(60), facts(figure(1, 60, qualifier="more_than")), ["not exact", "agrees"]),
    "not reviewed": (claim(40), facts(figure(1, 40, reviewed=False)), ["not reviewed", "agrees"]),
    "kept out of trends": (
        claim(60), facts(*THREE, figure(4, 60, decision="exclude", reason="a range")), ["kept out of trends"],
    ),
    "older wave": (claim(41), facts(*THREE), ["older wave"]),
    "revised since": (
        claim(48),
        facts(figure(3, 48, estimate_id="old", latest=False, available_until=dt.date(2022, 6, 1)),
              figure(3, 49, available_from=dt.date(2022, 6, 1))),
        ["revised since"],
    ),
    "agrees": (claim(50), facts(*THREE), ["agrees"]),
    "a majority": (claim(None, comparison="majority"), facts(figure(1, 60)), ["a majority"]),
    "a change": (change(40, 50), facts(figure(1, 40), figure(2, 50)), ["a change"]),
}  # fmt: skip
# Figures that round to the claimed values and move the other way: 40.4 and 39.6 are both 40.
PRECISE = {"basis": "microdata"}
ALONE["the other way"] = (
    change(40, 40, direction="rise"),
    facts(figure(1, 40.4, standard_error=0.1), figure(2, 39.6, standard_error=0.1)),
    ["the other way"],
)


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_each_rule_alone(rule: str) -> None:
    told, about, found = ALONE[rule]
    checked = check(told, about, "its_date")
    assert [finding.rule for finding in checked.findings] == found
    (one,) = [finding for finding in checked.findings if finding.rule == rule]
    declared = next(r for r in RULES if r.name == rule)
    assert one.verdict == declared.verdict
    assert "{" not in one.clause and "None" not in one.clause, one.clause
    worst = min((f.verdict for f in checked.findings), key=WORST_FIRST.index)
    assert checked.verdict == worst
    assert one.clause.rstrip(".") in checked.sentence


def test_every_verdict_has_a_rule_and_every_rule_a_name_of_its_own() -> None:
    assert {rule.verdict for rule in RULES} == set(words(ClaimVerdict))
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names) and set(ALONE) == set(names)
    assert {name for rule in RULES for name in rule.unless} <= set(names)
    assert all(rule.when.endswith(".") for rule in RULES)


def test_all_findings_are_kept_and_the_worst_decides() -> None:
    about = facts(*(replace(f, population="urban internet users") for f in THREE))
    checked = check(claim(41, population="the people"), about, "its_date")
    assert [str(f) for f in checked.findings] == [
        "wrong_population: narrower population",
        "supported_but_dated: older wave",
    ]
    assert checked.verdict == "wrong_population"
    assert checked.sentence.index("urban internet users") < checked.sentence.index("newer than that")
    assert judge(Case(claim(41), about, "its_date"), rules=()) == []


def test_the_sentence_has_what_a_citation_needs() -> None:
    checked = check(claim(50), facts(*THREE), "its_date")
    assert checked.sentence == (
        "Supported: 50 % in wave 03 (1-10 March 2022, n = 1000, 95 % interval 47.0 to 53.0). Source: Acme Institute, "
        "Monthly survey, wave 03; interviews: 1-10 March 2022; population: adults in Acmeland; mode: CATI; n = 1000; "
        'answer "Yes, in favour": 50 %, 95 % interval 47.0 to 53.0; https://example.org/3; estimate e3yes.'
    )


# --- which figure is meant ------------------------------------------------------------------------------------------


def meant(told: Claim, about: Facts, view: Any = "its_date") -> list[str]:
    return [one.wave for one in Case(told, about, view).meant]


def test_a_sentence_without_a_time_means_the_newest_wave_that_was_out() -> None:
    about = facts(*THREE)
    assert meant(claim(published="2022-02-27"), about) == ["01"]
    assert meant(claim(published="2022-02-28"), about) == ["02"]
    assert meant(claim(published="2022-02-28"), about, "today") == ["03"]
    assert meant(claim(published="2021"), about) == []


def test_of_a_month_the_wave_that_came_out_in_it_and_the_one_before_may_be_meant() -> None:
    about = facts(*THREE)
    assert meant(claim(published="2022-02"), about) == ["01", "02"]
    for value in (40, 41):
        assert check(claim(value, published="2022-02"), about, "its_date").verdict == "supported"


def test_a_named_time_means_its_waves_only() -> None:
    about = facts(*THREE)
    assert meant(claim(period="2022-02"), about) == ["02"]
    assert meant(claim(period="2022"), about) == ["01", "02", "03"]
    assert check(claim(41, period="2022-02"), about, "today").verdict == "supported"


def test_a_value_of_unknown_publication_counts_from_its_interviews() -> None:
    about = facts(figure(1, 40, available_from=None))
    assert meant(claim(published="2022-01-09"), about) == []
    assert meant(claim(published="2022-01-10"), about) == ["01"]


def test_today_is_not_a_clock() -> None:
    """What stands now is what is latest: a rebuild tomorrow says the same."""
    case = Case(claim(), facts(*THREE), "today")
    assert case.day is None and case.since is None


def test_a_claimed_rise_of_an_unknown_start_is_held_against_the_wave_before() -> None:
    about = facts(figure(1, 40), figure(2, 50), figure(3, 51))
    assert check(change(None, 50, direction="rise"), about, "its_date").findings[-1].rule == "a change"
    assert check(change(None, 51, direction="rise"), about, "its_date").verdict == "not_a_detectable_change"


def test_two_answers_and_no_third_have_a_complement_that_is_no_fallacy() -> None:
    about = facts(figure(3, 30, item="other"), figure(3, 70, "no", item="other"))
    told = claim(70, item="other", comparison="complement")
    assert check(told, about, "its_date").verdict == "supported"
    assert check(claim(70, comparison="complement"), facts(figure(3, 30)), "its_date").verdict == "complement_fallacy"


def test_the_candidates_say_what_they_are_and_why() -> None:
    about = facts(
        *THREE, figure(3, 20, "sure"), figure(3, 45, "no"), figure(3, 60, item="other"),
        figure(4, None, published_text="2-4", qualifier="range"), figure(5, 9, decision="exclude", reason="a test"),
        retold=(retelling(3, 55),),
    )  # fmt: skip
    found = {(c.role, c.figure.wave, c.figure.category): c for c in check(claim(50), about, "its_date").candidates}
    assert {key: (c.agrees, c.why) for key, c in found.items()} == {
        ("meant", "03", "yes"): (True, "the newest wave that was published by then"),
        ("other_wave", "02", "yes"): (False, "an older wave than 03"),
        ("other_wave", "01", "yes"): (False, "an older wave than 03"),
        ("other_wave", "04", "yes"): (False, "a range, not a number"),
        ("other_wave", "05", "yes"): (False, "kept out of trends: a test"),
        ("other_answer", "03", "sure"): (False, "only a part of the claimed answer"),
        ("other_answer", "03", "no"): (False, "another answer of the same question"),
        ("other_question", "03", "yes"): (False, "another question: another question"),
        ("retelling", "03", "yes"): (
            False, "printed elsewhere, not the figure of the house: A page that retells."
        ),
    }  # fmt: skip


# --- numbers, words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "qualifier", "percent", "agrees"),
    [
        (3, "exact", 2.5, True), (3, "exact", 3.5, True), (3, "exact", 2.4, False), (3, "exact", 3.51, False),
        (47.3, "exact", 47.34, True), (47.3, "exact", 47.2, False), (20, "exact", 19.6, True), (20, "exact", 24, False),
        (25, "about", 27.4, True), (25, "about", 28, False), (70, "more_than", 73, True), (70, "more_than", 69, False),
        (10, "less_than", 8, True), (10, "less_than", 11, False),
    ],
)  # fmt: skip
def test_when_a_figure_is_the_one_printed(value: float, qualifier: str, percent: float, agrees: bool) -> None:
    assert numbers.agrees(value, qualifier, percent) is agrees


def test_an_interval_that_covers_the_value_is_not_agreement() -> None:
    checked = check(claim(52), facts(*THREE), "its_date")
    assert checked.verdict == "contradicted"
    assert "(inside the interval, but not the figure)" in checked.sentence


def test_the_test_of_a_pair_is_that_of_two_independent_shares() -> None:
    found = numbers.tested(figure(1, 40), figure(2, 44))
    assert found is not None
    change_, low, high, p_value = found
    error = (2 * 1.5**2) ** 0.5
    assert (change_, low, high) == pytest.approx((4, 4 - 1.959963984540054 * error, 4 + 1.959963984540054 * error))
    assert p_value == pytest.approx(0.05934643879)  # R: 2 * pnorm(-4 / sqrt(2 * 1.5^2))
    assert numbers.tested(figure(1, 40, standard_error=None), figure(2, 44)) is None


def test_whom_a_survey_leaves_out() -> None:
    urban = "urban population of Belarus (internet users)"
    assert limits(urban) == ["urban people", "internet users"]
    assert limits("adult population of Russia 18+, 50 regions") == []
    assert limits("urban and rural population") == []
    assert left_out("Belarusians", urban) == ["urban people", "internet users"]
    assert left_out("urban Belarusians", urban) == ["internet users"]
    assert left_out(None, urban) == []


def _read(text: str) -> tuple[Any, ...]:
    one = reading.read(text)
    return (one.value, one.other_value, one.qualifier, one.comparison, one.direction, one.period, one.population)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Only three percent of the population supports it",
         (3, None, "exact", "level", None, None, "the population")),
        ("Support fell from 6 to 5 percent", (5, 6, "exact", "change", "fall", None, None)),
        ("Support rose from 83% in October 2022 to 86% in January 2023",
         (86, 83, "exact", "change", "rise", "2023-01", None)),
        ("One in four Russians wants it", (25, None, "about", "level", None, None, "Russians")),
        ("Six out of ten Belarusians agree", (60, None, "about", "level", None, None, "Belarusians")),
        ("Twenty-six per cent of Russians do not, in April 2022",
         (26, None, "exact", "level", None, "2022-04", "Russians")),
        ("More than 70 percent are for it", (70, None, "more_than", "level", None, None, None)),
        ("Nearly half of Ukrainians", (50, None, "about", "level", None, None, "Ukrainians")),
        ("The majority, 44 percent, is against", (44, None, "exact", "majority", None, None, None)),
        ("47,3 % approve", (47.3, None, "exact", "level", None, None, None)),
        ("Two thirds of them", (66.7, None, "about", "level", None, None, None)),
        ("Nobody knows", (None, None, "exact", "level", None, None, None)),
    ],
)  # fmt: skip
def test_what_is_read_of_a_sentence(text: str, found: tuple[Any, ...]) -> None:
    assert _read(text) == found


def test_what_could_not_be_read_is_said() -> None:
    assert reading.read("12 percent are for, 70 percent against").unread == (
        "only the first figure is checked, not 70",
    )
    assert reading.read("It fell by 3 points to 5 percent").unread == (
        "a difference in points is not read; name both figures (from 6 to 5)",
    )
    assert reading.read("5 percent in May 2022 and June 2022").unread == ("several times are named (2022-05, 2022-06)",)


# --- the shipped claims ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def db(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect.read(published) as connection:
        yield connection


# claim: what is found with what was known at its date, and what would be found today if it differs
SHIPPED: dict[str, tuple[list[str], list[str] | None]] = {
    "2020-11-workroom-eu-twenty-four": (["contradicted: another wave", "contradicted: a retelling"], None),
    "2022-03-army-fall-from-thirteen": (["not_a_detectable_change: two questions"], None),
    "2022-03-ninety-seven-reject": (
        ["complement_fallacy: complement", "wrong_population: narrower population"], None,
    ),
    "2022-03-troops-out-almost-half": (
        ["contradicted: no such figure", "wrong_population: narrower population"], None,
    ),
    "2022-05-levada-fifth-opposes": (["complement_fallacy: complement"], None),
    "2022-05-levada-quarter-opposes": (["complement_fallacy: complement"], None),
    "2022-07-ninety-five-against": (
        ["complement_fallacy: complement", "wrong_population: narrower population"],
        ["complement_fallacy: complement", "wrong_population: narrower population", "supported_but_dated: older wave"],
    ),
    "2022-08-trust-in-lukashenka": (["supported: agrees"], None),
    "2022-09-army-fell-from-six-to-five": (
        ["not_a_detectable_change: within the error"],
        ["not_a_detectable_change: within the error", "supported_but_dated: older wave"],
    ),
    FOUNDING: (
        ["wrong_population: narrower population", "supported_but_dated: older wave"],
        ["wrong_population: narrower population", "supported: agrees"],
    ),
    "2022-10-workroom-approval-reversed": (["ambiguous: unsettled"], None),
    "2022-10-workroom-territory-sixty-two": (["contradicted: a retelling"], None),
    "2022-10-workroom-troops-eleven": (["contradicted: another wave", "contradicted: a retelling"], None),
    "2022-12-identity-thirteen-emerging": (
        ["contradicted: another answer", "contradicted: a retelling", "wrong_population: narrower population"],
        ["contradicted: a retelling", "wrong_population: narrower population"],
    ),
    "2022-12-mobilization-support-rises": (
        ["contradicted: another question", "wrong_population: narrower population"], None,
    ),
    "2023-01-nato-support-rises": (
        ["supported: a change"], ["supported_but_dated: older wave", "supported: a change"],
    ),
    "2023-02-levada-eighty-in-march": (["ambiguous: a point apart"], None),
    "2023-03-trust-in-authorities-rises": (["not_a_detectable_change: a break"], None),
    "2023-04-nuclear-forty-four-against": (["top_category_only: part of a net"], None),
    "2023-04-nuclear-seventy-five-against": (["ambiguous: a point apart"], None),
    "2023-10-levada-over-seventy-support": (["supported: agrees"], None),
    "2023-12-concessions-majority-against": (["supported: agrees"], ["supported_but_dated: older wave"]),
    "2025-06-eurobarometer-aid-fall": (["not_a_detectable_change: two questions"], None),
    "2025-12-levada-fifteen-for-war": (["top_category_only: presumed part of a net"], None),
    "2026-01-european-plan-one-in-seven": (["contradicted: another answer"], None),
}  # fmt: skip


def test_the_shipped_claims(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute("SELECT claim, findings, findings_today FROM claims").fetchall()
    assert {name: (then, now) for name, then, now in rows} == {
        name: (then, then if now is None else now) for name, (then, now) in SHIPPED.items()
    }


def test_the_verdict_is_the_first_finding_and_every_sentence_cites(db: duckdb.DuckDBPyConnection) -> None:
    for ending in ("", "_today"):
        rows = db.execute(
            f"SELECT claim, verdict{ending}, findings{ending}, sentence{ending}, estimate_ids{ending} FROM claims"
        ).fetchall()
        for name, verdict, findings, sentence, ids in rows:
            assert findings[0].startswith(f"{verdict}: "), name
            assert ids and all(f"estimate {one}" in sentence for one in ids), name
            assert re.search(r"interviews: .*; population: .*; mode: .*https?://", sentence), name
            assert ".." not in sentence and "None" not in sentence, sentence
            for one in ids:
                assert db.execute("SELECT count(*) FROM cite(?)", [one]).fetchone() == (1,)


def test_every_verdict_is_reached_by_a_shipped_or_an_invented_claim(db: duckdb.DuckDBPyConnection) -> None:
    shipped = {
        row[0] for row in db.execute("SELECT verdict FROM claims UNION SELECT verdict_today FROM claims").fetchall()
    }
    invented = {check(told, about, "its_date").verdict for told, about, _ in ALONE.values()}
    assert shipped | invented == set(words(ClaimVerdict))
    assert len(shipped) >= 7


def one(db: duckdb.DuckDBPyConnection, query: str, *values: Any) -> tuple[Any, ...]:
    (row,) = db.execute(query, list(values)).fetchall()
    return tuple(row)


def sentence(db: duckdb.DuckDBPyConnection, name: str) -> str:
    return str(one(db, "SELECT sentence FROM claims WHERE claim = ?", name)[0])


# The five answers that a reader of "only three percent" needs.


def test_first_the_wave_its_people_and_how_sure_it_is(db: duckdb.DuckDBPyConnection) -> None:
    told = sentence(db, FOUNDING)
    assert "3 % in wave 08 (5-14 March 2022, n = 896, 95 % interval 2.1 to 4.3)" in told
    assert (
        'the survey describes "urban population of Belarus (internet users)", not "the population of Belarus"' in told
    )
    assert "mode: CAWI (online panel)" in told and "model-based" in told
    found = one(
        db,
        "SELECT c.role, c.agrees, c.n, c.percent_low, c.percent_high, w.margin_of_error FROM claim_candidates AS c"
        " JOIN waves AS w USING (organisation, series, wave) WHERE c.claim = ? AND c.view = 'its_date'"
        " AND c.role = 'other_wave' AND c.wave = '08'",
        FOUNDING,
    )
    role, agrees, n, low, high, margin = found
    assert (role, agrees, n, margin) == ("other_wave", True, 896, 3.3)
    assert (low, high) == (pytest.approx(2.1, abs=0.05), pytest.approx(4.3, abs=0.05))
    assert 3 - margin < 0 < low, "the published margin is that of a half and would include zero"


def test_second_what_later_waves_had_by_then(db: duckdb.DuckDBPyConnection) -> None:
    rows = db.execute(
        "SELECT wave, item, percent, n, role, why FROM claim_candidates"
        " WHERE claim = ? AND view = 'its_date' AND wave IN ('09', '10', '11')"
        " AND category IN ('join_russia', 'take_part') ORDER BY wave",
        [FOUNDING],
    ).fetchall()
    assert [row[:5] for row in rows] == [
        ("09", "belarus-army-role", 6.0, 823, "other_wave"),
        ("10", "belarus-army-role", 5.0, 804, "meant"),
        ("11", "belarus-join-war-any-side", 5.0, 793, "other_question"),
    ]
    assert "Russia's side and Ukraine's side counted together" in rows[2][5]
    told = sentence(db, FOUNDING)
    assert "newer than that is 6 % in wave 09 (8-18 April 2022, n = 823" in told and "5 % in wave 10" in told


def test_third_from_six_to_five_is_no_change_and_thirteen_is_another_question(db: duckdb.DuckDBPyConnection) -> None:
    assert one(db, "SELECT verdict FROM claims WHERE claim = '2022-09-army-fell-from-six-to-five'") == (
        "not_a_detectable_change",
    )
    assert "-1.0 points (95 % interval -3.2 to +1.2, p = 0.38)" in sentence(db, "2022-09-army-fell-from-six-to-five")
    told = sentence(db, "2022-03-army-fall-from-thirteen")
    assert "13 % in wave 07 (20 January - 9 February 2022" in told
    assert "asked before the invasion" in told


def test_fourth_ninety_five_against_is_a_hundred_minus_five(db: duckdb.DuckDBPyConnection) -> None:
    told = sentence(db, "2022-07-ninety-five-against")
    assert told.startswith("A complement, not an answer: 95 % is 100 - 5: ")
    assert '"Support Russia\'s actions but not get involved"' in told and '"Hard to answer"' in told


def test_fifth_another_house_by_telephone_had_eleven(db: duckdb.DuckDBPyConnection) -> None:
    percent, n, mode, population, why = one(
        db,
        "SELECT percent, n, mode, population, why FROM claim_candidates"
        " WHERE claim = ? AND view = 'its_date' AND organisation = 'baw'",
        FOUNDING,
    )
    assert (percent, n, mode, population) == (11.0, 1000, "CATI (telephone)", "adult population of Belarus")
    assert why.startswith("another house, another question: ") and "telephone" in why


# --- the command as typed --------------------------------------------------------------------------------------------

Ask = Callable[..., str]


@pytest.fixture
def ask(published: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setenv("WEATHERVANE_DATA", str(published.parents[1]))
    monkeypatch.setenv("COLUMNS", "160")

    def asked(*typed: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(typed))
        assert done.exit_code == code, done.output
        return done.output

    return asked


ARTICLE = (
    "According to a poll by Chatham House only three percent of the population supports sending the Belarusian army "
    "to Ukraine"
)


def test_the_article_typed_as_it_stood(ask: Ask) -> None:
    text = ask("claim", ARTICLE, "--date", "2022-10")
    assert "item      belarus-army-role" in text and "answer    join_russia" in text
    assert text.index("wrong population (on 2022-10)") < text.index("wrong population (today)")
    assert "newer than that is 6 % in wave 09" in text
    assert (
        "which wave: no time of interviews is named, so the newest is taken; the figure is also that of wave 08" in text
    )
    told = json.loads(ask("claim", ARTICLE, "--date", "2022-10", "--json"))
    assert [one["view"] for one in told["checked"]] == ["its_date", "today"]
    assert [f["rule"] for f in told["checked"][0]["findings"]] == ["narrower population", "older wave"]
    assert told["read"]["value"] == 3 and told["organisation"] == "chatham-house"
    assert {c["percent"] for c in told["checked"][0]["candidates"]} >= {3.0, 5.0, 6.0, 11.0, 13.0}


@pytest.mark.parametrize(
    ("text", "item", "category", "verdict"),
    [
        ("Support for the army joining the war fell from 6 to 5 percent", "belarus-army-role", "join_russia",
         "not_a_detectable_change"),
        ("97 % of Belarusians reject taking part in the war, Chatham House", "belarus-army-role", "join_russia",
         "complement_fallacy"),
        ("44 percent are against Russian nuclear weapons in Belarus", "nuclear-weapons-in-belarus", "against",
         "top_category_only"),
        ("26 percent of Russians do not support the army, Levada, April 2022", "russian-armed-forces-support",
         "not_support", "complement_fallacy"),
        ("One in four Russians wants the war to continue, says Levada", "war-or-talks-russia", "continue_action",
         "supported"),
        ("76.3 percent of Belarusians trust the president", "trust-president-belarus", "trust", "supported"),
        ("41.3 percent approve of Russia's actions in Ukraine, Vardomatsky found in September 2022",
         "russia-actions-approval-belarus", "approve", "ambiguous"),
        ("The majority of Ukrainians, 74 percent, is against territorial concessions", "territorial-concessions",
         "no_concessions", "supported_but_dated"),
    ],
)  # fmt: skip
def test_sentences_of_the_press(ask: Ask, text: str, item: str, category: str, verdict: str) -> None:
    told = json.loads(ask("claim", text, "--json"))
    assert (told["item"], told["category"], told["checked"][0]["verdict"]) == (item, category, verdict)
    assert any(doubt.startswith("when it was printed") for doubt in told["not_sure"])


def test_what_is_named_is_taken(ask: Ask) -> None:
    named = ("--item", "belarus-troops-to-ukraine", "--category", "in_favour", "--organisation", "baw", "--json")
    told = json.loads(ask("claim", "Eleven percent want that", *named))
    assert (told["item"], told["category"], told["checked"][0]["verdict"]) == (
        "belarus-troops-to-ukraine", "in_favour", "supported",
    )  # fmt: skip
    assert not any(doubt.startswith(("which item", "which answer", "which house")) for doubt in told["not_sure"])


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("--item", "belarus-armi-role"), "no item 'belarus-armi-role'; nearest: belarus-army-role"),
        (("--item", "belarus-army-role", "--category", "join_rusia"), "no category 'join_rusia'; nearest: join_russia"),
        (("--organisation", "levda"), "no organisation 'levda'; nearest: levada"),
        (("--date", "October"), "'October' is not a date"),
    ],
)
def test_a_name_that_does_not_exist_names_the_nearest(ask: Ask, typed: tuple[str, ...], says: str) -> None:
    told = " ".join(re.sub(r"[│╭╮╰╯─]", " ", ask("claim", "Three percent support the army", *typed, code=64)).split())
    assert says in told


def test_nothing_near_enough_is_said_and_has_its_own_exit_code(ask: Ask) -> None:
    assert "no item is near enough" in ask("claim", "Seventy percent of the Swiss like cheese", code=3)
    assert "there is no figure" in ask("claim", "Belarusians are against the war", code=3)
    told = json.loads(ask("claim", "Seventy percent of Ukrainians like cheese", "--json", code=3))
    assert told["checked"] == [] and told["why"] == "no item is near enough"


def test_a_proposal_on_the_published_database_alone(db: duckdb.DuckDBPyConnection) -> None:
    made = propose(db, ARTICLE)
    assert isinstance(made, Proposal) and made.near is not None and made.near >= search.NEAR_ENOUGH
    assert isinstance(made.checked[0], Checked) and [one.view for one in made.checked] == ["today"]


def test_cite_as_typed(ask: Ask, db: duckdb.DuckDBPyConnection) -> None:
    found = one(db, "SELECT estimate_id FROM trend('belarus-army-role', 'join_russia') WHERE wave = '08'")[0]
    text = ask("cite", found)
    for part in (
        "Chatham House", "wave 08", "2022-03-05 to 2022-03-14", "urban population", "CAWI", "n = 896",
        "Weighting: gender, age", "Published: 2022-03", "File sha256: ", "https://", f"Estimate {found}.",
    ):  # fmt: skip
        assert part in text
    row = json.loads(ask("cite", found, "--json"))
    assert row["estimate_id"] == found and re.fullmatch("[0-9a-f]{64}", row["file_sha256"])
    assert row["citation"] == " ".join(text.split())
    assert f"nearest: {found}" in ask("cite", found[:-1] + "x", code=64)


def test_an_estimate_from_answers_is_cited_with_their_file_and_variable(tmp_path: Path) -> None:
    own = {"basis": "microdata", "published_text": None, "estimate_id": "m01"}
    rows: dict[str, list[dict[str, Any]]] = {
        "questions": [sql.question("01", variable="Q7")],
        "estimates": [sql.estimate("01", **own)],
        "vintages": [sql.vintage("01", dt.date(2024, 2, 1), None, **own, load_vintage=2, cause="weights")],
        # A published figure of the same cell stands in toplines and is not the source of this one.
        "toplines": [sql.topline("01")],
        "releases": [
            {
                **sql.HOUSE, "release": "acme/monthly/01", "wave": "01", "vintage": "2022", "status": "final",
                "load_vintage": 2, "cause": "weights", "loaded_at": dt.datetime(2024, 2, 1), "tree_sha256": "0",
                "files": ["a  questions.csv", "b  release.yml", "c  wave.sav"], "licence": "unknown",
                "redistribute": False, "awaits": [], "figures": 1, "estimates": 1,
            }
        ],
    }  # fmt: skip
    with sql.database(tmp_path / "answers.duckdb", rows) as answers:
        (row,) = sql.records(answers, "FROM cite('m01')")
    assert (row["file_sha256"], row["cell"], row["load_vintage"]) == ("c", "wave.sav, variable Q7", 2)
    assert "Published: 2022; load 2, because of weights. File sha256: c. " in row["citation"]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_has_every_rule_with_its_verdict_in_the_order_of_the_verdicts() -> None:
    page = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", page, flags=re.MULTILINE)
    ranked = sorted(RULES, key=lambda rule: WORST_FIRST.index(rule.verdict))
    assert [(verdict, name.strip(), when.strip()) for verdict, name, when in listed] == [
        (rule.verdict, rule.name, rule.when) for rule in ranked
    ]


def test_the_example_of_the_page_is_what_is_said(db: duckdb.DuckDBPyConnection) -> None:
    page = " ".join(re.sub(r"^> ?", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE).split())
    assert " ".join(sentence(db, FOUNDING).split()) in page
