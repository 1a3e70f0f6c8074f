"""The audit: a sound database passes; each way of breaking it is found by its own expectation, with the keys."""

import datetime as dt
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.publication import data_docs
from assets.publication.audit import Result, audit
from schemas.expectations import BY_NAME, EXPECTATIONS, Expectation
from schemas.tables import BY_NAME as TABLE
from schemas.tables import TABLES
from warehouse import build

WAVES = {"01": (10.0, 60.0, 30.0), "02": (14.0, 58.0, 28.0), "03": (3.0, 79.0, 18.0)}
CATEGORIES = ("join", "stay", "dont_know")
ANSWERED = ("01", "03")  # waves whose respondents' answers are there; of the other one only figures were published
DAY = dt.date(2022, 3, 1)
LOADED = dt.datetime(2022, 6, 1, 12, 0)
SOURCE = "https://house.example/report"

REAL_MACROS = build.SQL / "macros.sql"
# Stand-ins: the audit asks whether macros answer, not what.
MACROS = """
CREATE MACRO trend(an_item, a_category) AS TABLE
    SELECT * FROM trends WHERE item = an_item AND category = a_category;
CREATE MACRO cite(an_id) AS TABLE SELECT * FROM estimates WHERE estimate_id = an_id;
"""

BREAKS: dict[str, tuple[str, str]] = {
    # expectation: (SQL that breaks it, what the message must name)
    "there-are-estimates": (
        "DELETE FROM estimates; DELETE FROM vintages; DELETE FROM trends; DELETE FROM changes;"
        "DELETE FROM claim_candidates; DELETE FROM readings; DELETE FROM change_readings",
        "estimates=0",
    ),
    "only-declared-columns-are-published": (
        "CREATE TABLE respondents (age INTEGER); COMMENT ON TABLE respondents IS 'x';"
        "COMMENT ON COLUMN respondents.age IS 'x'",
        "table_name=respondents, column_name=age",
    ),
    "every-wave-exists": ("DELETE FROM waves WHERE wave = '02'", "wave=02, named_in=estimates"),
    "every-release-exists": (
        "DELETE FROM releases WHERE wave = '02'",  # one without answers, whose codes and weights would be missed too
        "release=house/monitor/02, named_in=estimates",
    ),
    "every-question-exists": (
        "DELETE FROM questions WHERE wave = '02'",
        "release=house/monitor/02, question=q1",
    ),
    "every-item-exists": ("DELETE FROM items", "item=army, named_in=categories"),
    "every-category-exists": ("DELETE FROM categories WHERE category = 'stay'", "category=stay"),
    "every-estimate-has-an-address": (
        "UPDATE estimates SET source_url = 'page 7' WHERE wave = '01' AND category = 'join'",
        "category=join, subgroup=total, subgroup_value=all, source_url=page 7",
    ),
    "published-estimates-trace-to-a-printed-figure": (
        "UPDATE toplines SET category = 'else' WHERE wave = '02' AND category = 'join'",
        "wave=02, item=army, category=join",
    ),
    "no-figure-was-lost": (
        "UPDATE releases SET figures = 4 WHERE wave = '01'",
        "release=house/monitor/01, figures_read=4, figures_here=3",
    ),
    "no-interval-without-a-known-base": (
        "UPDATE estimates SET n = NULL WHERE wave = '01' AND category = 'stay'",
        "wave=01, item=army, category=stay",
    ),
    "intervals-have-width": (
        "UPDATE estimates SET percent_low = percent, percent_high = percent WHERE wave = '03' AND category = 'join'",
        "percent_low=3, percent_high=3",
    ),
    "only-reviewed-questions-are-in-trends": (
        "UPDATE questions SET reviewed_by = NULL WHERE wave = '03'",
        "release=house/monitor/03, question=q1",
    ),
    "trends-show-the-estimates": (
        "UPDATE trends SET percent = 4 WHERE wave = '03' AND category = 'join'",
        "in_trends=4, in_estimates=3",
    ),
    "trend-positions-have-no-gaps": (
        "UPDATE trends SET position = 4 WHERE wave = '03' AND category = 'join'",
        "category=join, subgroup=total, subgroup_value=all, first=1, last=4, positions=3",
    ),
    "trend-steps-start-at-the-wave-before": (
        "UPDATE trends SET predecessor_percent = 11 WHERE wave = '02' AND category = 'join'",
        "wave=02, position=2, predecessor=01",
    ),
    "nothing-is-tested-across-a-break": (
        "UPDATE changes SET change = -11, p_value = 0.001, verdict = 'fall' WHERE wave_to = '03' AND category = 'join'",
        "wave_from=02, wave_to=03, step=break, change=-11, p_value=0.001, verdict=fall",
    ),
    "changes-agree-with-trend-steps": (
        "UPDATE changes SET comparability = 'comparable' WHERE wave_to = '02' AND category = 'join'",
        "in_changes=comparable, in_trends=with_note",
    ),
    "estimates-are-the-latest-vintage": (
        "UPDATE vintages SET latest = true WHERE estimate_id = 'old'",
        "latest_values=2",
    ),
    "values-stand-forwards-in-time": (
        "UPDATE vintages SET available_until = '2022-01-01' WHERE estimate_id = 'old'",
        "estimate_id=old, load_vintage=1, available_from=2022-03-20, available_until=2022-01-01",
    ),
    "conflicts-name-two-values": (
        "UPDATE conflicts SET other = ours",
        "release=house/monitor/01, position=1",
    ),
    "quarantine-says-why": ("UPDATE quarantine SET message = ' '", "release=house/monitor/04, position=1"),
    "releases-of-answers-are-known": (
        "UPDATE codes SET release = 'house/monitor/04' WHERE wave = '03'",
        "release=house/monitor/04, named_in=codes, rows=3",
    ),
    "answers-have-their-weight": ("DELETE FROM weights WHERE wave = '03'", "Found 1: release=house/monitor/03."),
    "few-respondents-are-not-shown": (
        "UPDATE estimates SET n = 29 WHERE wave = '03' AND category = 'join'",
        "release=house/monitor/03, item=army, category=join, subgroup=total, subgroup_value=all, n=29",
    ),
    "claims-have-both-verdicts": (
        "UPDATE claims SET verdict_today = 'not_checked', value = 3",
        "claim=three, verdict=ambiguous, verdict_today=not_checked, value=3",
    ),
    "claims-rest-on-figures-that-exist": (
        "UPDATE claims SET estimate_ids_today = ['gone']",
        "claim=three, column_name=estimate_ids_today, id=gone",
    ),
    "candidates-belong-to-claims": (
        "INSERT INTO claim_candidates BY NAME SELECT * REPLACE ('four' AS claim) FROM claim_candidates",
        "claim=four, named_in=claim_candidates, rows=1",
    ),
    "readings-belong-to-estimates": (
        "UPDATE readings SET estimate_id = 'old'",
        "wave=01, item=army, category=join, subgroup=total, subgroup_value=all, reading=unweighted",
    ),
    "change-readings-belong-to-tested-changes": (
        "UPDATE change_readings SET wave_from = '02', wave_to = '03'",
        "category=join, subgroup=total, subgroup_value=all, wave_from=02, wave_to=03, pair=consecutive",
    ),
    "parts-are-of-the-change": (
        "UPDATE composition SET change = 4.1, within = 3.1",
        "banner=sex, wave_from=01, wave_to=02, pair=consecutive, split=4.1, change=4",
    ),
    "macros-answer": ("DROP MACRO TABLE cite; DROP MACRO TABLE trend", "does not exist"),
    # warnings
    "every-table-and-column-has-a-comment": (
        "COMMENT ON COLUMN waves.note IS NULL",
        "table_name=waves, column_name=note",
    ),
    "single-answers-add-up": (
        "UPDATE estimates SET percent = 95, percent_high = 99 WHERE wave = '01' AND category = 'dont_know';"
        "UPDATE trends SET percent = 95 WHERE wave = '01' AND category = 'dont_know';"
        "UPDATE trends SET predecessor_percent = 95 WHERE wave = '02' AND category = 'dont_know'",
        "release=house/monitor/01, question=q1",
    ),
    "subgroups-have-a-total": (
        "UPDATE estimates SET subgroup = 'sex', subgroup_value = 'men' WHERE wave = '03' AND category = 'join';"
        "UPDATE toplines SET subgroup = 'sex', subgroup_value = 'men' WHERE wave = '03' AND category = 'join';"
        "UPDATE vintages SET subgroup = 'sex', subgroup_value = 'men' WHERE wave = '03' AND category = 'join';"
        "DELETE FROM trends WHERE wave = '03' AND category = 'join'",
        "wave=03, item=army, category=join",
    ),
    "most-bases-are-known": (
        "UPDATE estimates SET n = NULL, percent_low = NULL, percent_high = NULL, standard_error = NULL",
        "share_unknown=1",
    ),
    "one-value-stands-on-any-day": (
        "UPDATE vintages SET available_until = NULL WHERE estimate_id = 'old'",
        "estimate_id=old, next_id=e01join",
    ),
    "quarantine-says-what-stays-published": ("UPDATE quarantine SET published_load = 2", "published_load=2"),
    "fieldwork-is-not-in-the-future": (
        "UPDATE waves SET fieldwork_start = '2032-03-01' WHERE wave = '03'",
        "wave=03",
    ),
    "baselines-are-waves": ("UPDATE series SET baseline = '00'", "organisation=house, series=monitor, baseline=00"),
    "claims-are-about-known-answers": ("UPDATE claims SET category = 'else'", "claim=three, item=army, category=else"),
    "published-figures-are-reproduced": (
        "UPDATE agreement SET recomputed = 10.6, difference = 0.6, verdict = 'differs' WHERE category = 'join'",
        "category=join, subgroup=total, subgroup_value=all, statistic=percent, published_text=10, recomputed=10.6",
    ),
    "published-figures-are-found": (
        "UPDATE agreement SET recomputed = NULL, difference = NULL, verdict = 'not_computed' WHERE item IS NULL",
        "release=house/monitor/01, cell=published.csv, row 2",
    ),
    "weights-are-like-those-of-the-wave-before": (
        "UPDATE weights SET mean = 1.2 WHERE wave = '03'",
        "wave=03, wave_before=01, moved=mean",
    ),
}
KEYS = {f"keys-are-unique-in-{table.name.replace('_', '-')}": table for table in TABLES}

# These compare with an earlier version; the SQL is run on the candidate, the earlier version stays sound.
MOVES: dict[str, tuple[str, str]] = {
    "estimates-of-the-last-version-remain": (
        "DELETE FROM estimates WHERE wave = '02'; DELETE FROM vintages WHERE wave = '02';"
        "DELETE FROM trends; DELETE FROM changes; DELETE FROM change_readings",
        "before=9, lost=3, most_lost_in=house/monitor/02 (3)",
    ),
    "waves-of-the-last-version-remain": (
        "DELETE FROM waves WHERE wave = '09'",
        "most_lost_in=house/monitor/09 (1)",
    ),
    "items-of-the-last-version-remain": (
        "DELETE FROM items WHERE item = 'unused'",
        "most_lost_in=unused (1)",
    ),
    "unknown-bases-did-not-move": (
        "UPDATE estimates SET n = NULL, percent_low = NULL, percent_high = NULL, standard_error = NULL"
        " WHERE wave = '01'",
        "organisation=house, moved=0.3333",
    ),
    "figures-did-not-move-together": (
        "UPDATE estimates SET percent = percent - 2.5, percent_low = percent_low - 2.5;"
        "UPDATE trends SET percent = percent - 2.5, predecessor_percent = predecessor_percent - 2.5",
        "organisation=house, moved=-2.5, cells=9",
    ),
}


def rows() -> dict[str, list[dict[str, Any]]]:
    """A house with three waves of one question, a break before the third, and one earlier value of one cell.

    The figures of the first and the third were counted from respondents' answers.
    """
    wave = {"organisation": "house", "series": "monitor"}
    cell = {"item": "army", "subgroup": "total", "subgroup_value": "all"}
    out: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
    out["organisations"] = [{"organisation": "house", "name": "House", "other_names": []}]
    out["series"] = [{**wave, "name": "Monitor", "baseline": "01"}]
    out["concepts"] = [{"concept": "war", "name": "War"}]
    out["items"] = [
        {"item": item, "concept": "war", "title": "Army", "wording": "Should it?", "wording_kind": "verbatim",
         "answer": "single", "keywords": [], "apart_from": []}
        for item in ("army", "unused")
    ]  # fmt: skip
    out["categories"] = [
        {
            "item": "army",
            "category": name,
            "position": place,
            "label": name,
            "kind": "substantive",
            "parts": [],
        }
        for place, name in enumerate(CATEGORIES, start=1)
    ]
    for position, (name, shares) in enumerate(WAVES.items(), start=1):
        this = {**wave, "wave": name}
        release = f"house/monitor/{name}"
        steps = (None, "with_note", "break")[position - 1]
        out["waves"].append(_wave(name))
        out["releases"].append(
            {**this, "release": release, "vintage": "2022-03-20", "status": "final", "load_vintage": 1, "cause": "new",
             "loaded_at": LOADED, "tree_sha256": "0", "files": [], "licence": "unknown", "redistribute": False,
             "awaits": [], "figures": 3, "estimates": 3}
        )  # fmt: skip
        out["questions"].append(
            {**this, "release": release, "question": "q1", "item": "army", "wording": "Should it?",
             "wording_kind": "verbatim", "question_match": "same", "options_match": "same", "answer": "single",
             "form": "full", "n_unknown": False, "decision": "join", "reviewed_by": "a person"}
        )  # fmt: skip
        for category, percent in zip(CATEGORIES, shares, strict=True):
            estimate = {
                **this, **cell, "category": category, "fieldwork_start": DAY, "fieldwork_end": DAY,
                "percent": percent, "percent_low": percent - 2.5, "percent_high": percent + 2.5, "standard_error": 1.2,
                "n": 900, "basis": "microdata" if name in ANSWERED else "published", "qualifier": "exact", "flags": [],
                "base": "all", "vintage": "2022-03-20", "estimate_id": f"e{name}{category}",
                "source_url": SOURCE, "release": release, "question": "q1",
            }  # fmt: skip
            out["estimates"].append(estimate)
            out["vintages"].append(
                {**estimate, "load_vintage": 1, "loaded_at": LOADED, "cause": "new", "latest": True,
                 "available_from": dt.date(2022, 4, 1)}
            )  # fmt: skip
            out["toplines"].append(
                {**this, **cell, "category": category, "release": release, "cell": f"toplines.csv:{category}",
                 "file_sha256": "0", "question": "q1", "wording": "Should it?", "option": category,
                 "percent_text": str(percent), "percent": percent, "qualifier": "exact", "base_text": "all",
                 "published": "2022-03-20", "source_url": SOURCE, "confidence": "read_directly",
                 "standing": "figure", "base": "all"}
            )  # fmt: skip
            before = f"{position - 1:02}" if position > 1 else None
            earlier = WAVES[before][CATEGORIES.index(category)] if before else None
            joined = percent - earlier if earlier is not None and steps == "with_note" else None
            out["trends"].append(
                {**estimate, "position": position, "segment": 1, "predecessor": before, "predecessor_percent": earlier,
                 "change": joined, "comparability": steps, "reasons": [], "wording": "Should it?"}
            )  # fmt: skip
            if before:
                out["changes"].append(
                    {**wave, **cell, "category": category, "wave_from": before, "wave_to": name, "pair": "consecutive",
                     "percent_from": earlier, "percent_to": percent, "change": joined, "comparability": steps,
                     "reasons": [], "other_readings": [],
                     "verdict": "no_detectable_change" if joined is not None else "not_tested",
                     "p_value": 0.2 if joined is not None else None}
                )  # fmt: skip
    out["waves"].append(_wave("09"))  # announced, no figures yet
    old = {**out["vintages"][0], "percent": 9.0, "estimate_id": "old", "latest": False,
           "available_from": dt.date(2022, 3, 20), "available_until": dt.date(2022, 4, 1)}  # fmt: skip
    out["vintages"].append(old)
    cell_of_wave = {**wave, "wave": "01", **cell, "category": "join"}
    out["revisions"] = [
        {**cell_of_wave, "cause": "producer", "release": out["vintages"][0]["release"], "estimate_id": "e01join",
         "load_vintage": 1}
    ]  # fmt: skip
    out["conflicts"] = [
        {"release": "house/monitor/01", "position": 1, "kind": "figure", "subject": "join", "ours": "10", "other": "11",
         "source": SOURCE}
    ]  # fmt: skip
    out["quarantine"] = [
        {"release": "house/monitor/04", "position": 1, "since": LOADED, "cause": "crosswalk", "file": "questions.csv",
         "message": "questions.csv, line 3: no such item 'amry'; nearest: army"}
    ]  # fmt: skip
    for name in ANSWERED:
        of = {**wave, "wave": name, "release": f"house/monitor/{name}"}
        out["codes"] += [
            {**of, "question": "q1", "item": "army", "variable": "Q1", "code": str(code), "label": category,
             "category": category, "kind": "substantive", "in_base": True, "n": 300}
            for code, category in enumerate(CATEGORIES, start=1)
        ]  # fmt: skip
        out["weights"].append(
            {**of, "variable": "weight", "rows": 910, "n": 900, "zeros": 10, "missing": 0, "weighted_n": 900.0,
             "mean": 1.0, "lowest": 0.4, "highest": 2.5, "design_effect": 1.2, "n_effective": 750.0, "strata": []}
        )  # fmt: skip
        out["scores"].append(
            {**of, "item": "army", "statistic": "mean", "subgroup": "total", "subgroup_value": "all", "value": 0.4,
             "n": 900, "basis": "microdata", "flags": [], "base": "all", "question": "q1"}
        )  # fmt: skip
    compared = {**wave, "wave": "01", "release": "house/monitor/01", "subgroup": "total", "subgroup_value": "all",
                "source": SOURCE, "verdict": "agrees", "rounding": 0.5}  # fmt: skip
    out["agreement"] = [
        {**compared, "cell": "published.csv, row 2", "statistic": "n", "published_text": "900",
         "published_value": 900.0, "recomputed": 900.0, "difference": 0.0},
        {**compared, "cell": "published.csv, row 3", "statistic": "percent", "item": "army", "category": "join",
         "published_text": "10", "published_value": 10.0, "recomputed": 10.2, "difference": 0.2},
    ]  # fmt: skip
    of_pair = {**wave, "category": "join", "wave_from": "01", "wave_to": "02", "pair": "consecutive"}
    out["readings"] = [
        {**cell_of_wave, "release": "house/monitor/01", "reading": "unweighted", "percent": 11.0, "basis": "microdata",
         "flags": [], "estimate_id": "e01join"}
    ]  # fmt: skip
    out["change_readings"] = [
        {**of_pair, **cell, "reading": "unweighted", "percent_from": 11.0, "percent_to": 14.0, "change": 3.0,
         "p_value": 0.3, "verdict": "no_detectable_change", "sign_flips": False, "verdict_differs": False}
    ]  # fmt: skip
    out["composition"] = [
        {**of_pair, "item": "army", "banner": "sex", "comparability": "with_note", "groups": 2, "change": 4.0,
         "composition": 1.0, "within": 3.0, "outside_from": 0.0, "outside_to": 0.0, "reasons": []}
    ]  # fmt: skip
    out["trend_tests"] = [
        {**wave, **cell, "category": "join", "segment": 1, "wave_from": "01", "wave_to": "02", "waves": 2,
         "comparability": "with_note", "reasons": [], "verdict": "not_tested"}
    ]  # fmt: skip
    out["house_lines"] = [
        {"item": "army", "category": "join", "day": DAY, "level": 11.0, "level_low": 9.0, "level_high": 13.0,
         "standard_error": 1.0, "drift": 0.5, "figures": 3, "houses": ["house/monitor", "other/monitor"]}
    ]  # fmt: skip
    out["house_effects"] = [
        {"item": "army", "category": "join", **wave, "figures": 2, "combined": True, "effect": 0.4, "effect_low": -1.0,
         "effect_high": 1.8, "reasons": []}
    ]  # fmt: skip
    out["awaiting"] = [{"release": "house/monitor/09", "file": "wave.sav", "sha256": "0", "since": LOADED}]
    out["claims"] = [
        {"claim": "three", "said_by": "Paper", "published": "2022-10", "statement": "Three percent.", "item": "army",
         "category": "join", "comparison": "level", "qualifier": "exact", "checked_for": dt.date(2022, 10, 31),
         "verdict": "ambiguous", "findings": [], "sentence": "Not decided.", "estimate_ids": [],
         "verdict_today": "ambiguous", "findings_today": [], "sentence_today": "Not decided.", "estimate_ids_today": []}
    ]  # fmt: skip
    out["claim_candidates"] = [
        {**of_figure, "claim": "three", "view": "its_date", "position": 1, "role": "meant", "agrees": True,
         "why": "the newest wave", "flags": []}
        for of_figure in out["vintages"][:1]
    ]  # fmt: skip
    out["checks"] = [
        {"level": "release", "subject": "house/monitor/01", "check_name": "loads", "passed": True, "severity": "error",
         "message": "loaded"}
    ]  # fmt: skip
    out["digest"] = [
        {"position": 1, "refresh": 1, "happened_at": LOADED, "kind": "wave", "subject": "house/monitor/01", "what": "x"}
    ]
    out["about"] = [{"key": "refresh", "value": "1"}]
    return out


def _wave(name: str) -> dict[str, Any]:
    return {
        "organisation": "house", "series": "monitor", "wave": name, "fieldwork_start": DAY, "fieldwork_end": DAY,
        "fieldwork": "2022-03-01", "n": 900, "probability_sample": "no", "disclosed_items": 5, "undisclosed": [],
        "releases": 1,
    }  # fmt: skip


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that must pass."""
    path = tmp_path_factory.mktemp("audit") / "sound.duckdb"
    with duckdb.connect(str(path)) as con:
        for name, records in rows().items():
            table = TABLE[name]
            con.execute(table.ddl())
            con.execute("\n".join(table.comments()))
            given = table.to_arrow(table.frame(records))
            con.register("given", given)
            con.execute(f"INSERT INTO {name} SELECT * FROM given")
        con.execute(MACROS)
    return path


@pytest.fixture
def broken(sound: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the sound database after some SQL."""

    def make(sql: str) -> Path:
        path = tmp_path / "candidate.duckdb"
        shutil.copyfile(sound, path)
        with duckdb.connect(str(path)) as con:
            con.execute(sql)
        return path

    return make


def failures(results: list[Result]) -> dict[str, Result]:
    return {result.name: result for result in results if not result.passed}


def test_a_sound_database_passes(sound: Path, tmp_path: Path) -> None:
    results = audit(sound, None)
    assert failures(results) == {}
    assert [result.name for result in results] == [expectation.name for expectation in EXPECTATIONS]
    skipped = {result.name for result in results if result.skipped}
    assert skipped == {expectation.name for expectation in EXPECTATIONS if expectation.needs_previous} == set(MOVES)
    assert all("no earlier version" in result.message for result in results if result.skipped)
    json.dumps([asdict(result) for result in results])
    earlier = tmp_path / "it's published.duckdb"
    shutil.copyfile(sound, earlier)
    again = audit(sound, earlier)
    assert failures(again) == {}
    assert not any(result.skipped for result in again)


def test_every_expectation_is_broken_by_a_test() -> None:
    assert set(BREAKS) | set(MOVES) | set(KEYS) == {expectation.name for expectation in EXPECTATIONS}
    assert len(BY_NAME) == len(EXPECTATIONS)


@pytest.mark.parametrize("name", BREAKS)
def test_one_break_fails_one_expectation(name: str, broken: Callable[[str], Path]) -> None:
    sql, named = BREAKS[name]
    found = failures(audit(broken(sql), None))
    assert set(found) == {name}
    assert named in found[name].message
    assert found[name].message.endswith(BY_NAME[name].mend)
    assert found[name].severity == BY_NAME[name].severity


@pytest.mark.parametrize(
    ("wave_from", "wave_to", "comparability", "named"),
    [
        ("01", "03", "break", None),
        ("01", "03", "with_note", "wave_from=01, wave_to=03, in_changes=with_note, in_trends=break"),
        ("01", "09", "comparable", "wave_from=01, wave_to=09, in_changes=comparable"),
    ],
)
def test_a_long_pair_compares_as_its_worst_step(
    wave_from: str, wave_to: str, comparability: str, named: str | None, broken: Callable[[str], Path]
) -> None:
    path = broken(
        "INSERT INTO changes BY NAME SELECT * REPLACE ('first_last' AS pair, "
        f"'{wave_from}' AS wave_from, '{wave_to}' AS wave_to, '{comparability}' AS comparability) "
        "FROM changes WHERE wave_to = '02' AND category = 'join'"
    )
    (result,) = audit(path, None, expectations=[BY_NAME["changes-agree-with-trend-steps"]])
    assert result.passed == (named is None)
    assert named is None or named in result.message


@pytest.mark.parametrize("child", ["codes", "weights", "scores", "agreement"])
def test_rows_of_answers_without_their_release_are_found(child: str, broken: Callable[[str], Path]) -> None:
    path = broken(f"UPDATE {child} SET release = 'house/monitor/04' WHERE release = 'house/monitor/01'")
    (result,) = audit(path, None, expectations=[BY_NAME["releases-of-answers-are-known"]])
    assert not result.passed
    assert f"release=house/monitor/04, named_in={child}" in result.message


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ("mean = 1.12", "mean"),
        ("mean = 0.89", "mean"),
        ("mean = 1.09", None),
        ("design_effect = 1.81", "spread"),
        ("design_effect = 1", None),
        ("zeros = 60, n = 850", "share of zeros and missing"),
        ("missing = 50, n = 850", "share of zeros and missing"),
        ("zeros = 50, n = 860", None),
        ("variable = NULL, design_effect = 1, zeros = 0, n = 910", "weighted in one wave only"),
    ],
)
def test_weights_that_are_not_those_of_the_wave_before_are_told_apart(
    changed: str, moved: str | None, broken: Callable[[str], Path]
) -> None:
    expectation = BY_NAME["weights-are-like-those-of-the-wave-before"]
    for wave in ANSWERED:  # the same in whichever of the two it is
        (result,) = audit(
            broken(f"UPDATE weights SET {changed} WHERE wave = '{wave}'"), None, expectations=[expectation]
        )
        assert result.passed == (moved is None), f"{changed} in wave {wave}: {result.message}"
        assert moved is None or f"wave=03, wave_before=01, moved={moved}" in result.message


def test_rows_that_stand_twice_fail_the_key_of_each_table(broken: Callable[[str], Path]) -> None:
    twice = "; ".join(f"INSERT INTO {name} SELECT * FROM {name} ORDER BY ALL LIMIT 1" for name in TABLE)
    found = failures(audit(broken(twice), None))
    assert set(found) == set(KEYS)
    for name, table in KEYS.items():
        assert re.match(rf"Found 1: {table.key[0]}=.*rows=2\. ", found[name].message)


@pytest.mark.parametrize("name", MOVES)
def test_one_move_from_the_last_version_fails_one_expectation(
    name: str, sound: Path, broken: Callable[[str], Path]
) -> None:
    sql, named = MOVES[name]
    found = failures(audit(broken(sql), sound))
    assert set(found) == {name}
    assert named in found[name].message


@pytest.mark.skipif(not REAL_MACROS.is_file(), reason="the macros are not written yet")
def test_the_real_macros_answer(broken: Callable[[str], Path]) -> None:
    path = broken("DROP MACRO TABLE cite; DROP MACRO TABLE trend; " + REAL_MACROS.read_text(encoding="utf-8"))
    assert audit(path, None, expectations=[BY_NAME["macros-answer"]])[0].passed


def test_an_accepted_failure_becomes_a_warning(sound: Path, broken: Callable[[str], Path]) -> None:
    name = "items-of-the-last-version-remain"
    (result,) = failures(audit(broken(MOVES[name][0]), sound, accepted=[name])).values()
    assert result.severity == "warning"
    assert result.message.startswith("Accepted for this version.")
    with pytest.raises(ValueError, match="no such expectation: items-remain"):
        audit(sound, None, accepted=["items-remain"])


def test_what_crashes_fails_and_the_rest_goes_on(sound: Path, tmp_path: Path) -> None:
    good = BY_NAME["there-are-estimates"]
    several = [
        replace(good, name="no-such-table", query="SELECT * FROM nowhere"),
        replace(good, name="no-such-column", arguments={"column": "nothing", "min_value": 1}),
        replace(good, name="no-such-class", kind="ExpectMiracles"),
        replace(good, name="no-such-argument", arguments={"colour": "red"}),
        good,
    ]
    results = audit(sound, None, tmp_path / "docs", expectations=several)
    assert [result.passed for result in results] == [False, False, False, False, True]
    assert "nowhere" in results[0].message
    assert "nothing" in results[1].message
    assert "ExpectMiracles" in results[2].message
    assert "colour" in results[3].message
    assert all(result.severity == "error" for result in results)


def test_an_unreadable_last_version_is_no_silent_pass(sound: Path, tmp_path: Path) -> None:
    wreck = tmp_path / "wreck.duckdb"
    wreck.write_bytes(b"not a database" * 100)
    found = failures(audit(sound, wreck))
    assert set(found) == set(MOVES)
    assert all("Could not be checked" in result.message for result in found.values())


def test_messages_name_five_keys_and_count_the_rest(broken: Callable[[str], Path]) -> None:
    found = failures(audit(broken("UPDATE estimates SET source_url = ''"), None))
    message = found["every-estimate-has-an-address"].message
    assert message.startswith("Found 9: organisation=house")
    assert message.count("category=") == 5
    assert "; and 4 more." in message
    assert found["every-estimate-has-an-address"].observed == 9


def test_the_candidate_is_not_touched_and_nothing_is_printed(
    sound: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    before = sound.read_bytes()
    audit(sound, None)
    assert sound.read_bytes() == before
    assert not sound.with_name(sound.name + ".wal").exists()
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


class Loads(HTMLParser):
    """What a browser would fetch or run by itself; addresses in the text of a page are text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.style = tag == "style"
        if tag not in PLAIN:
            self.found.append(tag)
        for name, value in attrs:
            if name not in {"class", "id", "lang", "charset", "name", "content", "href"}:
                self.found.append(name)
            if name == "href" and (tag != "a" or "//" in str(value) or ":" in str(value)):
                self.found.append(f"{tag} {value}")

    def handle_endtag(self, tag: str) -> None:
        self.style = False

    def handle_data(self, data: str) -> None:
        if self.style and re.search(r"url|@import|//", data):
            self.found.append(data)


PLAIN = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "article", "header", "details", "summary"),
    *("h1", "h2", "h3", "p", "b", "a", "span", "dl", "dt", "dd", "pre"),
    *("div", "table", "thead", "tbody", "tr", "th", "td"),
}


def test_pages_load_nothing_and_show_what_failed(broken: Callable[[str], Path], tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    sql = "UPDATE conflicts SET other = ours, subject = '<script src=//evil.example></script>'; "
    audit(broken(sql + BREAKS["subgroups-have-a-total"][0]), None, docs)
    pages = sorted(docs.rglob("*.html"))
    assert [page.name for page in pages if page.parent == docs] == ["index.html"]
    assert len(pages) == 2
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loads = Loads()
        loads.feed(text)
        assert loads.found == [], page
        assert "Conflicts name two values" in text
    run = next(page for page in pages if page.parent != docs).read_text(encoding="utf-8")
    assert "&lt;script" in run
    assert "Must have exactly 0 rows." in run
    assert "Blocked" in run
    linked = re.findall(r'href="([^"#]+)', (docs / "index.html").read_text(encoding="utf-8"))
    assert linked and all((docs / link).is_file() for link in linked)


def test_the_last_ten_runs_are_kept_and_a_wrecked_one_stops_nothing(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    finding = data_docs.Finding("a-name", "passed", "says", "message", "mend", "Kind", "SELECT 1")
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for number in range(13):
        run = data_docs.Run(start + dt.timedelta(days=number), 1.0, f"{number}.duckdb", None, (finding,))
        data_docs.write(docs, run)
    assert len(list((docs / "runs").glob("*.html"))) == len(list((docs / "runs").glob("*.json"))) == data_docs.KEEP
    newest = sorted((docs / "runs").glob("*.json"))[-1]
    newest.write_text("{", encoding="utf-8")
    data_docs.write(docs, data_docs.Run(start, 1.0, "old clock.duckdb", None, (finding,)))
    index = (docs / "index.html").read_text(encoding="utf-8")
    assert newest.stem not in index
    assert index.count('href="runs/') == data_docs.KEEP
    assert not list(docs.rglob("*.building"))


def test_declarations_are_plain_and_complete() -> None:
    for expectation in EXPECTATIONS:
        assert isinstance(expectation, Expectation)
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", expectation.name)
        assert expectation.says.endswith(".") and expectation.mend.endswith(".")
