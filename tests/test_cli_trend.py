"""`trend`: the drawing, its signs and places, the table below, and what is said when there is nothing to draw.

Belongs here: what a person sees in the terminal. Does not belong here: whether waves compare (test_trends).
"""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import drawing
from pipeline.cli.drawing import ASCII, UNICODE, Mark
from pipeline.cli.main import app
from tests.conftest import Ask
from tests.test_cli import COMMAND
from warehouse.layout import PROJECT

CASE = (
    Mark(dt.date(2022, 3, 9), 3, 2.1, 4.3, "08", 896, True, "first"),
    Mark(dt.date(2022, 4, 13), 6, 4.6, 7.8, "09", 823, True, "joined"),
    Mark(dt.date(2022, 6, 11), 5, 3.7, 6.7, "10", 804, True, "joined", (2,)),
    Mark(dt.date(2023, 3, 21), 3, None, None, "2023-03", None, False, "broken", (1,)),
)


def grid(marks: tuple[Mark, ...], width: int = 80, signs: drawing.Signs = UNICODE) -> list[str]:
    return [line.plain for line in drawing.draw(marks, width, signs)]


def rows_of(lines: list[str]) -> dict[str, str]:
    """Lines with ticks, by their label."""
    return {line[:5].strip(): line[6:] for line in lines if line[5:6] == UNICODE.tick and line[:5].strip()}


def test_points_stand_at_their_percent_and_bars_reach_as_far_as_the_interval() -> None:
    lines = grid(CASE)
    ticks = rows_of(lines)
    column = {mark.wave: at for mark, at in zip(CASE, drawing.columns([m.day for m in CASE], 74), strict=True)}
    assert ticks["3"][column["08"]] == UNICODE.sure and ticks["6"][column["09"]] == UNICODE.sure
    assert ticks["5"][column["10"]] == UNICODE.sure and ticks["3"][column["2023-03"]] == UNICODE.unsure
    body = [line[6:].ljust(74) for line in lines if line[5:6] in (UNICODE.tick, UNICODE.axis)]
    bar = [number for number, line in enumerate(body) if line[column["09"]] != " "]
    per_row = 6 / 12  # 2 to 8 percent in 12 steps
    assert len(bar) - 1 == pytest.approx((7.8 - 4.6) / per_row, abs=1), "the bar of wave 09 is as long as its interval"
    alone = [line[column["2023-03"]] for line in body if line[column["2023-03"]].strip()]
    assert alone == [UNICODE.unsure], "a figure without an interval has no bar"


def test_a_break_is_a_gap_with_the_number_of_its_reason_and_a_joined_step_is_dotted() -> None:
    lines = grid(CASE)
    at = drawing.columns([m.day for m in CASE], 74)
    middle = (at[2] + at[3]) // 2
    body = [line[6:].ljust(74) for line in lines if line[5:6] in (UNICODE.tick, UNICODE.axis)]
    assert all(line[middle] == UNICODE.gap for line in body)
    assert not any(UNICODE.join in line[at[2] + 1 :] for line in body), "nothing is joined across the break"
    assert any(UNICODE.join in line[at[1] : at[2]] for line in body)
    assert "[1]" in lines[0] and "[2]" in lines[0], "a note and a break both lead to their reasons"


def test_below_stand_date_wave_share_and_n() -> None:
    below = {line[:5].strip(): line[6:].split() for line in grid(CASE)[-3:]}
    assert below == {
        "wave": ["08", "09", "10", "2023-03"],
        "share": ["3", "6", "5", "3"],
        "n": ["896", "823", "804", "?"],
    }
    assert "Mar 2022" in grid(CASE)[-4] and "Mar 2023" in grid(CASE)[-4]


@pytest.mark.parametrize("width", [24, 40, 80, 120])
@pytest.mark.parametrize("count", [1, 2, 3, 28, 200])
def test_no_line_is_wider_than_the_terminal_and_no_wave_is_lost(width: int, count: int) -> None:
    marks = tuple(
        Mark(dt.date(1972, 3, 1) + dt.timedelta(days=40 * at), 20 + at % 50, 10, 80, f"w{at}", 1000, True,
             "joined" if at else "first")
        for at in range(count)
    )  # fmt: skip
    for signs in (ASCII, UNICODE):
        lines = grid(marks, width, signs)
        assert max(map(len, lines)) <= width
        points = sum(line.count(signs.sure) for line in lines if line[5:6] in (signs.tick, signs.axis))
        assert points == count


@pytest.mark.parametrize("room", [18, 34, 74])
def test_waves_keep_their_order_and_stay_apart(room: int) -> None:
    same_day = [dt.date(2022, 3, 1)] * 5 + [dt.date(2022, 3, 2)] * 4
    for days in (same_day, [dt.date(2020 + at, 1, 1) for at in range(9)], [dt.date(2022, 1, 1)]):
        at = drawing.columns(days, room)
        assert all(one < two for one, two in pairwise(at)) and at[0] >= 0 and at[-1] < room


@pytest.mark.parametrize(
    ("low", "high", "axis"),
    [
        (2.1, 7.8, (2, 8, 1)),
        (0, 0, (0, 0.5, 0.5)),
        (100, 100, (99.5, 100, 0.5)),
        (0.2, 99, (0, 100, 20)),
        (47, 49, (47, 49, 0.5)),
    ],
)
def test_the_axis_has_round_steps_and_holds_the_figures(
    low: float, high: float, axis: tuple[float, float, float]
) -> None:
    assert drawing.scale(low, high) == axis


def test_a_figure_that_is_only_a_range_has_its_wave_and_no_point() -> None:
    lines = grid((*CASE[:2], Mark(dt.date(2022, 9, 1), None, None, None, "11", 500, False, "joined")))
    assert sum(line.count(UNICODE.sure) + line.count(UNICODE.unsure) for line in lines[:-4]) == 2
    assert lines[-2].split()[-1] == "?"


def test_a_terminal_without_box_characters_gets_ascii() -> None:
    assert drawing.signs("utf-8") == UNICODE
    assert drawing.signs("utf-8", plain=True) == ASCII
    for encoding in ("ascii", "koi8-r-but-unknown", "iso8859-1"):
        assert drawing.signs(encoding) == ASCII, encoding
    assert all(len(drawing.legend(signs)) <= 80 for signs in (ASCII, UNICODE))


# ---- the command ----------------------------------------------------------------------------------------------------


def test_the_founding_case_is_drawn_with_its_table(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = ask("trend", "belarus-army-role", "join_russia")
    assert max(map(len, text.splitlines())) <= 80
    assert "chatham-house / belarus   join_russia" in text
    assert UNICODE.sure in text and UNICODE.unsure in text and UNICODE.bar in text
    assert re.search(r"2023-03 .*no interval +unknown", text)
    assert "[1] options changed in wave 2023-03" in text
    assert "no interval: the number of interviews is not stated (2023-03)" in " ".join(text.split())
    assert "eff. n" in text and "comparable" in text


def test_a_break_is_drawn_and_its_reason_told(ask: Ask) -> None:
    text = ask("trend", "territorial-concessions", "no_concessions")
    body = [line[6:] for line in text.splitlines() if line[5:6] in (UNICODE.tick, UNICODE.axis)]
    assert sum(UNICODE.gap in line for line in body) == len(body) > 8
    assert re.search(r"^\[\d\] break at wave 2025-12", text, re.MULTILINE)
    text = ask("trend", "territorial-concessions", "no_concessions", "--ascii")
    assert ASCII.gap in text
    assert not any(sign in text for sign in vars(UNICODE).values() if not sign.isascii())


def test_a_narrow_terminal_folds_words_and_cuts_no_figure(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    text = ask("trend", "belarus-army-role", "join_russia", "--ascii")
    for figure in ("2.1-4.3", "4.6-7.8", "3.7-6.7", "896", "823", "804"):
        assert figure in text
    assert "-- 1 of 4" in text, "the table does not fit and stands row by row"


def test_series_and_subgroups_are_chosen(ask: Ask) -> None:
    east = json.loads(ask("trend", "territorial-concessions", "--subgroup", "region=East", "--json"))["lines"]
    assert {(line["subgroup"], line["subgroup_value"]) for line in east} == {("region", "East")}
    whole = json.loads(ask("trend", "territorial-concessions", "--subgroup", "region", "--json"))["lines"]
    assert {line["subgroup_value"] for line in whole} >= {"East", "West", "South"}
    named = json.loads(ask("trend", "belarus-army-role", "--series", "chatham-house", "-c", "join_russia", "--json"))
    assert [line["series"] for line in named["lines"]] == ["belarus"]
    text = ask("trend", "territorial-concessions", "no_concessions", "--subgroup", "region=East")
    assert "region: East" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["belarus-armi-role"], "nearest: belarus-army-role"),
        (["belarus-army-role", "join_rusia"], "nearest: join_russia"),
        (["belarus-army-role", "--series", "chatam-house/belarus"], "nearest: chatham-house/belarus"),
        (["territorial-concessions", "--subgroup", "regoin=East"], "nearest: region"),
        (["territorial-concessions", "--subgroup", "region=Eest"], "nearest: East"),
        (["belarus"], "may be any of"),
        (["belarus-army-role", "join_russia", "-c", "neutral"], "two categories"),
        (["", "join_russia"], "no item ''"),
    ],
)
def test_a_wrong_name_is_told_the_nearest(ask: Ask, words: list[str], told: str) -> None:
    assert told in " ".join(ask("trend", *words, code=64).split())


def test_words_of_a_title_find_the_item(ask: Ask) -> None:
    assert json.loads(ask("trend", "seven options war", "--json"))["item"] == "belarus-army-role"


def test_colours_only_in_a_terminal_and_only_if_wanted(published: Path) -> None:
    env = {**os.environ, "WEATHERVANE_DATA": str(published.parents[1]), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [COMMAND, "trend", "belarus-army-role", "join_russia"], env=env, cwd=PROJECT, capture_output=True, timeout=60
    )
    assert done.returncode == 0 and b"\x1b" not in done.stdout and done.stdout.isascii()
    assert ASCII.sure.encode() in done.stdout


def test_looking_loads_nothing_heavy(published: Path) -> None:
    """What `--help` and `trend` import; each of these costs a good part of a second, or more."""
    heavy = (
        "dagster",
        "great_expectations",
        "pandas",
        "pandera",
        "pyarrow",
        "numpy",
        "scipy",
        "altair",
        "httpx",
    )
    code = f"""
import sys
from typer.testing import CliRunner
from pipeline.cli.main import app
asked = {{"--help": [], "trend": ["belarus-army-role"]}}
for word, rest in asked.items():
    done = CliRunner().invoke(app, [word, *rest])
    assert done.exit_code == 0, done.output
    print(word, [name for name in {heavy!r} if name in sys.modules])
"""
    env = {**os.environ, "WEATHERVANE_DATA": str(published.parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["--help []", "trend []"], done.stderr


def test_an_empty_house_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path))
    done = CliRunner().invoke(app, ["trend", "belarus-army-role"])
    assert isinstance(done.exception, FileNotFoundError) and "run a refresh" in str(done.exception)
