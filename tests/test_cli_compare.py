"""`compare`: any two waves, from the database; and its agreement with the SQL macro of the same name.

Belongs here: pairs as people ask for them. Does not belong here: the rules of comparability (test_changes).
"""

import itertools
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.trends import pair
from tests.conftest import Ask
from tests.test_sql import CELL, HOUSE, database, estimate, question, trend

ITEM = "belarus-army-role"


@pytest.fixture(scope="module")
def db(published: Path) -> Any:
    with duckdb.connect(str(published), read_only=True) as con:
        yield con


def only(rows: list[dict[str, Any]], **having: Any) -> dict[str, Any]:
    found = [row for row in rows if having.items() <= row.items()]
    assert len(found) == 1, [having, len(found)]
    return found[0]


def test_waves_that_are_not_next_to_each_other(db: duckdb.DuckDBPyConnection) -> None:
    """3 % of 896 against 5 % of 804, two independent samples.

    R 4.1: p1 <- .03; n1 <- 896; p2 <- .05; n2 <- 804; se <- sqrt(p1*(1-p1)/n1 + p2*(1-p2)/n2);
    100*se; 100*(p2-p1 + c(-1, 1)*qnorm(.975)*se); 2*pnorm(-abs((p2-p1)/se))
    """
    row = only(pair.compare(db, ITEM, "08", "10"), category="join_russia", subgroup="total")
    assert row["change"] == pytest.approx(2.0, abs=1e-9)
    assert row["standard_error"] == pytest.approx(0.9568556869, abs=1e-9)
    assert (row["change_low"], row["change_high"]) == pytest.approx((0.1245973152, 3.8754026848), abs=1e-9)
    assert row["p_value"] == pytest.approx(0.0366016916, abs=1e-9)
    assert (row["verdict"], row["comparability"], row["reasons"]) == ("rise", "comparable", [])
    assert row["p_adjusted"] is None, "no family: the table changes does not have this pair"
    assert 2 < row["detectable_change"] < 4


def test_a_pair_of_the_table_changes_has_the_figures_of_that_table(db: duckdb.DuckDBPyConnection) -> None:
    names = (
        "change",
        "standard_error",
        "change_low",
        "change_high",
        "p_value",
        "p_adjusted",
        "detectable_change",
        "reasons",
    )
    found = db.execute(
        f"SELECT {', '.join(names)} FROM changes WHERE item = ? AND category = 'join_russia' AND subgroup = 'total'"
        " AND wave_from = '09' AND wave_to = '10' AND pair = 'consecutive'",
        [ITEM],
    ).fetchone()
    row = only(pair.compare(db, ITEM, "10", "09"), category="join_russia", subgroup="total")
    assert (row["wave_from"], row["wave_to"]) == ("09", "10"), "the earlier wave first, whatever was typed"
    assert tuple(row[name] for name in names) == found
    assert row["verdict"] == "no_detectable_change" and row["p_value"] == pytest.approx(0.38, abs=0.005)


def test_it_agrees_with_the_macro_for_every_pair_of_some_items(db: duckdb.DuckDBPyConnection) -> None:
    """The macro is SQL of its own; both must give the same figures, comparability and verdict of everyone asked."""
    same = ("comparability", "verdict", "wave_from", "wave_to")
    count = 0
    for item in (ITEM, "territorial-concessions", "war-or-talks-russia", "eu-or-russia-union-live-better"):
        waves = [row[0] for row in db.execute("SELECT DISTINCT wave FROM estimates WHERE item = ?", [item]).fetchall()]
        for one, two in list(itertools.combinations(sorted(waves), 2))[:8]:
            cursor = db.execute("FROM compare(?, ?, ?)", [item, one, two])
            columns = [
                column[0].replace("wave_a", "wave_from").replace("wave_b", "wave_to")
                for column in cursor.description or []
            ]
            theirs = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            ours = [row for row in pair.compare(db, item, one, two) if row["subgroup"] == "total"]
            assert len(ours) == len(theirs), (item, one, two)
            for row in theirs:
                mine = only(ours, **{name: row[name] for name in ("organisation", "series", "category")})
                assert [mine[name] for name in same] == [row[name] for name in same], (item, one, two)
                for name in ("change", "standard_error", "change_low", "change_high"):
                    assert mine[name] == (None if row[name] is None else pytest.approx(row[name], abs=1e-9)), name
                count += 1
    assert count > 30


def test_nothing_is_tested_across_a_break_and_the_reason_is_told(ask: Ask) -> None:
    words = ("compare", "territorial-concessions", "2022-05", "2025-12", "--series", "kiis/omnibus")
    rows = json.loads(ask(*words, "--json"))["pairs"]
    broken = [row for row in rows if row["comparability"] == "break"]
    assert broken and all(any("break at wave 2025-12" in reason for reason in row["reasons"]) for row in broken)
    tested = ("change", "p_value", "change_low", "change_high", "detectable_change", "standard_error")
    assert all(row[name] is None for row in broken for name in tested)
    assert {row["verdict"] for row in broken} == {"not_tested"}
    text = " ".join(ask(*words).split())
    assert "break at wave 2025-12" in text and "not tested" in text


def test_waves_of_two_houses_stand_side_by_side_and_are_not_tested(db: duckdb.DuckDBPyConnection) -> None:
    rows = pair.compare(db, "nato-view", "pew/american-trends-panel/2024", "pew/global-attitudes/2024")
    assert all(row["comparability"] == "not_comparable" and row["p_value"] is None for row in rows)
    assert pair.compare(db, "nato-view", "2024", "2024") == []


def test_waves_that_share_people_are_told(tmp_path: Path) -> None:
    """A pair of the table keeps its correlation; another pair of the same series says that it does without."""
    told = {"change": 1.0, "standard_error": 0.5, "correlation": 0.4, "change_low": 0.1, "change_high": 1.9}
    pairs = [
        {**HOUSE, **CELL, "wave_from": "01", "wave_to": "02", "pair": name, "comparability": "comparable",
         "reasons": [], "verdict": "rise", "p_value": 0.03, "family": name, **told,
         "other_readings": ["unweighted: fall"]}
        for name in ("first_last", "consecutive")
    ]  # fmt: skip
    categories = [{"item": "war", "category": "yes", "position": 1, "label": "Yes", "kind": "substantive", "parts": []}]
    waves = ("01", "02", "03", "06")
    rows = {
        "categories": categories, "questions": [question(wave) for wave in waves],
        "estimates": [estimate(wave) for wave in waves], "trends": [trend(wave) for wave in waves[:3]],
        "changes": pairs,
    }  # fmt: skip
    with database(tmp_path / "invented.duckdb", rows) as db:
        (known,) = pair.compare(db, "war", "02", "01")
        assert {name: known[name] for name in told} == told
        assert (known["family"], known["other_readings"]) == ("consecutive", ["unweighted: fall"])
        (other,) = pair.compare(db, "war", "01", "03")
        assert any("taken as independent" in reason for reason in other["reasons"])
        # 40 to 50 with standard errors of 1.5 each: R 2 * pnorm(-10 / sqrt(2 * 1.5^2)) is 2.428e-06
        assert other["p_value"] == pytest.approx(2.428e-06, rel=1e-3) and other["verdict"] == "rise"
        assert other["comparability"] == "with_note" and "noted" in other["reasons"], "the worst step between decides"
        (absent,) = pair.compare(db, "war", "01", "06")
        assert (absent["comparability"], absent["reasons"]) == ("unreviewed", ["not reviewed in wave 06"])
        assert absent["p_value"] is None and absent["verdict"] == "not_tested"


def test_a_column_of_a_banner(ask: Ask) -> None:
    words = ("compare", "territorial-concessions", "2022-05", "2022-07", "--subgroup", "region=East")
    rows = json.loads(ask(*words, "--json"))["pairs"]
    assert rows and {(row["subgroup"], row["subgroup_value"]) for row in rows} == {("region", "East")}
    assert "region: East" in ask(*words)


def test_the_table_fits_80_columns(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = ask("compare", ITEM, "08", "10")
    assert max(map(len, text.splitlines())) <= 80
    for figure in ("+2.0", "+0.1,+3.9", "0.037", "rose"):
        assert figure in text, figure


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([ITEM, "08", "008"], "no wave of belarus-army-role '008'; nearest: 08"),
        ([ITEM, "08", "08"], "both waves are 08"),
        ([ITEM, "08", "10", "--category", "join_rusia"], "nearest: join_russia"),
        ([ITEM, "08", "10", "--series", "levada"], "no series 'levada'"),
        (["belarus-armi-role", "08", "10"], "nearest: belarus-army-role"),
        ([ITEM, "08"], "Missing argument"),
    ],
)
def test_a_wrong_name_is_told(ask: Ask, words: list[str], told: str) -> None:
    assert told in " ".join(ask("compare", *words, code=64).split())
