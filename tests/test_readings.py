"""Other readings of estimates and of changes: R's figures, what has no row, what has none to show, what reverses."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.estimates import readings
from assets.estimates.engine.tables import estimate
from assets.estimates.respondents import code_respondents
from assets.questions.answers import Sample
from assets.refresh import refresh
from assets.trends import families
from schemas.item import Item
from schemas.tables.readings import CHANGE_READINGS, READINGS
from tests import factory
from tests.conftest import no_audit
from tests.design_oracles import case
from tests.surveys import write_survey
from tests.test_respondent_estimates import (
    DESIGN,
    FILE,
    answer,
    columns,
    release,
    sample,
    sample_of,
    several,
)
from warehouse import connect
from warehouse.layout import Layout

Rows = dict[tuple[str, ...], dict[str, Any]]
SAID = ("agree", "disagree", "neither")
KINDS = {"dk": "dont_know", "na": "refused"}


def item(*categories: str, nets: dict[str, list[str]] | None = None, **more: Any) -> Item:
    listed: list[dict[str, Any]] = [
        {"id": one, "label": one, "kind": KINDS.get(one, "substantive")} for one in categories
    ]
    listed += [{"id": net, "label": net, "kind": "net", "of": of} for net, of in (nets or {}).items()]
    told = {"item": "army", "concept": "war", "title": "Army", "wording": "?", "wording_kind": "verbatim"}
    return Item.model_validate(told | {"categories": listed} | more)


def of_answers(given: Sample, of: Item, design: Any = None) -> Rows:
    """(reading, category, column) -> row."""
    coded = code_respondents(release(design=design), "house/monitor/08", given, FILE)
    rows = readings.of_answers(coded, estimate(coded)[0].to_pylist(), {of.item: of})
    assert READINGS.problems(READINGS.frame(rows)) == []
    found = {(row["reading"], row["category"], row["subgroup_value"]): row for row in rows}
    assert len(found) == len(rows), "a cell has two rows of one reading"
    return found


# --- from respondents' answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reading", "name"), [("without_dont_know", "said"), ("unweighted", "plain")])
def test_shares_errors_and_intervals_as_r(reading: str, name: str) -> None:
    c = case("readings")
    of = item("agree", "disagree", "dk", "neither")
    given = sample_of(c, answer(c.codes()), banners=(columns("sex", c.text("sex")),))
    rows = of_answers(given, of, DESIGN)
    for column, suffix in (("all", ""), ("f", ".f")):
        found = [rows[reading, option, column] for option in SAID]
        for field, stat in (
            ("percent", "est"),
            ("standard_error", "se"),
            ("percent_low", "low"),
            ("percent_high", "high"),
        ):
            theirs = c.r(*(f"{name}{suffix}.{stat}.{option}" for option in SAID))
            c.agree([row[field] / 100 for row in found], theirs)
    counted = {
        "without_dont_know": ("agree", "disagree", "neither"),
        "unweighted": ("agree", "disagree", "neither", "dk"),
    }
    assert rows[reading, "agree", "all"]["n"] == c.where("q", *counted[reading]).sum()


def test_what_is_left_out_has_a_row_that_says_so_and_nets_lose_it() -> None:
    """Of 60 men 20 agree, 20 disagree, 20 don't know: nets of one half, one of nothing."""
    nets = {"any": ["agree", "disagree"], "soft": ["agree", "dk"], "silent": ["dk"]}
    of = item("agree", "disagree", "dk", nets=nets)
    given = sample([1.0] * 60, answer([0] * 20 + [1] * 20 + [2] * 20, ("agree", "disagree", "dk"), nets=nets))
    rows = {category: row for (reading, category, _), row in of_answers(given, of).items()}
    assert {category: row.get("percent") for category, row in rows.items()} == {
        "agree": 50, "disagree": 50, "any": 100, "soft": 50, "dk": None, "silent": None,
    }  # fmt: skip
    assert rows["dk"]["flags"] == rows["silent"]["flags"] == ["left_out"]
    assert (rows["agree"]["n"], "small_base" in rows["agree"]["flags"]) == (40, True)


def test_a_reading_that_is_the_estimate_has_no_row() -> None:
    given = sample([2.0, 0.0] * 50, answer([0, 1] * 50, ("agree", "disagree")))
    assert of_answers(given, item("agree", "disagree", "dk")) == {}
    heavier = sample([2.0, 1.0] * 50, answer([0, 1] * 50, ("agree", "disagree")))
    assert {reading for reading, *_ in of_answers(heavier, item("agree", "disagree"))} == {"unweighted"}


def test_who_has_no_weight_counts_in_no_reading() -> None:
    given = sample([1.0, 2.0, 0.0] * 50, answer([0, 1, 0] * 50, ("agree", "disagree")))
    row = of_answers(given, item("agree", "disagree"))["unweighted", "agree", "all"]
    assert (row["percent"], row["n"], row["n_effective"]) == (50, 100, 100)
    assert row["standard_error"] == pytest.approx(100 * math.sqrt(0.25 / 99))
    assert row["variance_method"] == "simple random sampling, every respondent counted once"


def test_what_an_estimate_withholds_no_reading_tells() -> None:
    """40 women with such unequal weights that they are worth fewer than 30; and 20 men who said something of 200."""
    weights, sex = [1.0] * 39 + [20.0] + [1.0] * 200, ["f"] * 40 + ["m"] * 200
    chosen = [0, 1] * 20 + [0, 1] * 10 + [2] * 180
    options = ("agree", "disagree", "dk")
    rows = of_answers(sample(weights, answer(chosen, options), banners=(columns("sex", sex),)), item(*options))
    for reading in ("unweighted", "without_dont_know"):
        row = rows[reading, "agree", "f"]
        assert (row.get("percent"), row.get("n"), row["flags"]) == (None, None, ["suppressed"])
    left = rows["without_dont_know", "agree", "m"]
    assert (left["percent"], left["n"], "suppressed" in left["flags"]) == (None, 20, True)
    assert rows["unweighted", "agree", "m"]["percent"] == 5


def test_nobody_is_left_where_a_column_knows_nothing() -> None:
    sex, chosen = ["f"] * 100 + ["m"] * 100, [0, 1] * 50 + [2] * 100
    options = ("agree", "disagree", "dk")
    rows = of_answers(sample([1.0] * 200, answer(chosen, options), banners=(columns("sex", sex),)), item(*options))
    assert rows["without_dont_know", "agree", "m"]["flags"] == ["nobody_left"]
    assert rows["without_dont_know", "dk", "m"]["flags"] == ["left_out"]
    assert (
        rows["without_dont_know", "agree", "f"]["percent"] == rows["without_dont_know", "agree", "all"]["percent"] == 50
    )


def test_several_answers_have_no_base_without_dont_know() -> None:
    ticked = np.array([[1, 0], [1, 0], [0, 1]] * 40, np.bool_)
    rows = of_answers(sample([1.0] * 120, several(ticked, [True] * 120, ("agree", "dk"), {})), item("agree", "dk"))
    assert {row.get("percent") for row in rows.values()} == {None}
    assert all(row["flags"] == ["several_answers"] for row in rows.values())


# --- from published figures ------------------------------------------------------------------------------------------


def printed(percents: dict[str, Any], of: Item, n_effective: float | None = 750 / 0.9, several: bool = False) -> Rows:
    rows = [
        {
            "release": "a/b/c", "organisation": "a", "series": "b", "wave": "c", "item": "army", "category": category,
            "subgroup": "total", "subgroup_value": "all", "basis": "published", "estimate_id": category,
            "standing": "figure", "question": "q1", "flags": ["design_effect_assumed"],
            "qualifier": "exact" if isinstance(percent, int | float) else "range",
            "percent": percent if isinstance(percent, int | float) else None,
        } | ({} if n_effective is None else {"n_effective": n_effective, "variance_method": "binomial",
                                             "interval_method": "wilson"})
        for category, percent in percents.items()
    ]  # fmt: skip
    found = readings.of_published(rows, {"army": of}, {"q1"} if several else set())
    assert READINGS.problems(READINGS.frame(found)) == []
    return {(row["category"],): row for row in found}


def test_a_published_share_of_those_who_said_something() -> None:
    """R: prop.test(0.4 / 0.9 * 750, 750, correct = FALSE)$conf.int is 0.4092548342087538, 0.4802002596199943."""
    rows = printed({"agree": 40, "disagree": 50, "dk": 10}, item("agree", "disagree", "dk"))
    row = rows["agree",]
    assert row["percent"] == pytest.approx(400 / 9, rel=1e-12)
    assert [row["percent_low"], row["percent_high"]] == pytest.approx([40.92548342087538, 48.02002596199943], rel=1e-12)
    assert row["standard_error"] == pytest.approx(100 * math.sqrt(4 / 9 * 5 / 9 / 750), rel=1e-12)
    assert (row["n"], row["n_effective"]) == (None, pytest.approx(750))
    assert row["flags"] == ["design_effect_assumed", "of_rounded_figures"]
    assert (rows["dk",].get("percent"), "left_out" in rows["dk",]["flags"]) == (None, True)


@pytest.mark.parametrize(
    ("percents", "flag"),
    [
        ({"agree": 40, "disagree": 50, "dk": "2-4"}, "dont_know_unknown"),  # a range
        (
            {"agree": 40, "disagree": 45, "dk": 10},
            "dont_know_unknown",
        ),  # refused is not printed, and something is missing
        ({"agree": 40}, "dont_know_unknown"),  # nobody says
        ({"agree": "2-4", "disagree": 60, "dk": 20, "na": 5}, "not_exact"),
        ({"agree": 0, "dk": 90, "na": 10}, "nobody_left"),
    ],
)
def test_half_known_figures_have_no_share(percents: dict[str, Any], flag: str) -> None:
    row = printed(percents, item("agree", "disagree", "dk", "na"))["agree",]
    assert row.get("percent") is None
    assert flag in row["flags"]


def test_figures_that_add_up_say_that_nothing_else_was_said() -> None:
    of = item("agree", "disagree", "dk", "na")
    assert printed({"agree": 40.4, "disagree": 59.7}, of) == {}
    assert printed({"agree": 40, "disagree": 50}, item("agree", "disagree")) == {}
    whole = printed({"agree": 40, "disagree": 50, "dk": 10}, of)  # nobody refused, or the sum would be less
    assert whole["agree",]["percent"] == pytest.approx(400 / 9)
    told = printed({"agree": 40, "disagree": 45, "dk": 6, "na": 4}, of)  # both are printed
    assert told["agree",]["percent"] == pytest.approx(400 / 9)


def test_published_nets_lose_what_is_left_out_and_bases_get_small() -> None:
    nets = {"soft": ["agree", "dk"], "any": ["soft", "disagree"], "silent": ["dk"]}
    of = item("agree", "disagree", "dk", nets=nets)
    rows = printed({"agree": 20, "disagree": 30, "dk": 50, "soft": 70, "any": 100, "silent": 50}, of, 150.0)
    found = {category: row.get("percent") for (category,), row in rows.items()}
    assert found == {"agree": 40, "disagree": 60, "dk": None, "soft": 40, "any": 100, "silent": None}
    assert (rows["agree",]["n_effective"], "small_base" in rows["agree",]["flags"]) == (75, True)
    assert rows["silent",]["flags"] == ["design_effect_assumed", "left_out"]
    lone = printed({"agree": 40, "disagree": 50, "dk": 10}, item("agree", "disagree", "dk"), None)["agree",]
    assert (lone["percent"], lone["percent_low"]) == (pytest.approx(400 / 9), None)
    multiple = printed({"agree": 40, "disagree": 50, "dk": 10}, item("agree", "disagree", "dk"), several=True)
    assert all("several_answers" in multiple[one,]["flags"] for one in ("agree", "disagree"))


# --- changes ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reversed_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fewer don't know: the shares of all who were asked rise, that of those who answered falls."""
    layout = factory.house(tmp_path_factory.mktemp("reversed"))
    factory.item(layout.catalogue)
    factory.series(layout.catalogue)
    for wave, percents in (("01", (40, 30, 30)), ("02", (44, 46, 10)), ("03", (44, 56, 0))):
        factory.release(layout.catalogue, wave, percents=percents, month=int(wave))
    done = refresh(layout, audit=no_audit)
    assert done.published is not None
    return done.published


def rows_of(database: Path, query: str) -> list[dict[str, Any]]:
    con = connect.read(database)
    try:
        found = con.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    finally:
        con.close()


def test_a_direction_that_reverses_is_named(reversed_house: Path) -> None:
    """40 to 44 of all; 57.1 to 48.9 of those who said something, of whom there are 583 and 750."""
    [main] = rows_of(
        reversed_house, "FROM changes WHERE category = 'agree' AND wave_to = '02' AND pair = 'consecutive'"
    )
    [row] = rows_of(
        reversed_house, "FROM change_readings WHERE category = 'agree' AND wave_to = '02' AND pair = 'consecutive'"
    )
    assert (main["change"], main["verdict"]) == (4, "no_detectable_change")
    before, after = 4 / 7, 44 / 90
    error = math.sqrt(before * (1 - before) / (1000 / 1.2 * 0.7) + after * (1 - after) / (1000 / 1.2 * 0.9))
    assert row["change"] == pytest.approx(100 * (after - before), rel=1e-12)
    assert row["standard_error"] == pytest.approx(100 * error, rel=1e-12)
    assert row["p_value"] == pytest.approx(math.erfc((before - after) / error / math.sqrt(2)), rel=1e-9)
    assert (row["verdict"], row["sign_flips"], row["verdict_differs"]) == ("fall", True, True)
    assert main["other_readings"] == ["the direction reverses without don't know", "fall without don't know"]


def test_a_family_is_read_the_same_way_as_a_whole(reversed_house: Path) -> None:
    """Two steps, both read without don't know; in the last wave nobody said it, so its estimate stands in."""
    found = rows_of(
        reversed_house,
        "FROM change_readings WHERE category = 'agree' AND pair = 'consecutive' ORDER BY wave_to",
    )
    assert [row["wave_to"] for row in found] == ["02", "03"]
    p = [row["p_value"] for row in found]
    assert [row["p_adjusted"] for row in found] == pytest.approx(families.holm(p).tolist())
    assert found[1]["percent_to"] == 44
    assert {row["category"] for row in rows_of(reversed_house, "FROM change_readings WHERE sign_flips IS NULL")} == {
        "dont_know"
    }


def test_what_another_reading_moves_is_told_and_nothing_else(reversed_house: Path) -> None:
    """Disagree: 30 to 46 to 56 of all who were asked, 43 to 51 to 56 of those who said something."""
    rows = rows_of(reversed_house, "FROM changes WHERE category = 'disagree' AND pair = 'consecutive' ORDER BY wave_to")
    assert [row["other_readings"] for row in rows] == [[], ["no detectable change without don't know"]]
    assert {row["verdict"] for row in rows} == {"rise"}


def test_readings_of_answers_stand_beside_the_estimates_and_join_by_id(answered: Layout) -> None:
    [counts] = rows_of(
        answered.link,
        """SELECT count(*) AS readings, count(e.estimate_id) AS joined, count(DISTINCT r.reading) AS kinds
        FROM readings AS r LEFT JOIN estimates AS e USING (release, estimate_id, category, subgroup_value)""",
    )
    assert counts["readings"] == counts["joined"] > 500
    assert counts["kinds"] == 2
    lacking = rows_of(
        answered.link,
        """SELECT DISTINCT item FROM estimates AS e ANTI JOIN readings AS r
        ON r.estimate_id = e.estimate_id AND r.reading = 'without_dont_know'""",
    )
    assert {row["item"] for row in lacking} == {"news-sources", "plan-reason"}  # nobody could say it there


def test_unweighted_shares_by_counting(answered: Layout, tmp_path: Path) -> None:
    survey = write_survey(tmp_path, 1, n=900, support=0.3, name="wave1.sav")
    weighed = [row for row in survey.rows if row["wes"] > 0 and row["Q1"] != 98 and row["sex"] == 2]
    [row] = rows_of(
        answered.link,
        """FROM readings WHERE wave = '01' AND item = 'plan-support' AND category = 'support'
        AND subgroup_value = 'female' AND reading = 'unweighted'""",
    )
    assert row["n"] == len(weighed)
    assert row["percent"] == pytest.approx(100 * sum(one["Q1"] == 1 for one in weighed) / len(weighed), rel=1e-12)


def test_nothing_is_read_again_when_nothing_changed_and_a_rebuild_says_the_same(answered: Layout) -> None:
    from assets.rebuild import rebuild

    def all_rows() -> list[Any]:
        tables = (READINGS, CHANGE_READINGS)
        return [rows_of(answered.link, f"FROM {one.name} ORDER BY {', '.join(one.key)}") for one in tables]

    before = all_rows()
    assert refresh(answered, audit=no_audit).why is None
    rebuild(answered, audit=no_audit)
    assert all_rows() == before


def test_a_row_that_breaks_the_contract_is_told() -> None:
    rows = list(printed({"agree": 40, "disagree": 50, "dk": 10}, item("agree", "disagree", "dk")).values())
    broken = [rows[0] | {"percent_low": 50.0}, rows[1] | {"reading": "with_luck"}, rows[2] | {"percent": 101.0}]
    told = {problem.column or problem.expected for _, problem in READINGS.problems(READINGS.frame(broken))}
    assert told == {"percent_low <= percent <= percent_high", "reading", "percent"}
