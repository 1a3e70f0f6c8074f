"""The command as a person types it: exit codes, what it prints, what scripts can read.

Belongs here: whole processes for what writes, the command's own code for what only looks. Does not belong here: what
the stages do (tests of the rooms), the Dagster run behind `refresh` (test_dagster_runs).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from pipeline.cli import shapes
from pipeline.cli.shape import faults
from tests import factory
from tests.conftest import Ask
from warehouse.layout import PROJECT, Layout

COMMAND = Path(sys.executable).with_name("weathervane")


def run(layout: Layout, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "WEATHERVANE_DATA": str(layout.data),
        "WEATHERVANE_CATALOG": str(layout.catalogue),
        "COLUMNS": "160",
    }
    return subprocess.run([COMMAND, *words], env=env, cwd=PROJECT, capture_output=True, text=True, timeout=120)


def test_exit_codes_say_fine_some_set_aside_and_failed(tmp_path: Path) -> None:
    layout = factory.small_house(tmp_path)
    fine = run(layout, "refresh", "--json")
    assert fine.returncode == 0, fine.stderr
    told = json.loads(fine.stdout)
    assert list(faults(told, shapes.SHAPES["refresh"])) == []
    assert told["success"] and told["loaded"] == ["acme/monthly/01", "acme/monthly/02", "acme/monthly/03"]
    first = layout.link.resolve()

    same = run(layout, "refresh")
    assert same.returncode == 0 and "nothing changed: 3 releases are as they were loaded" in same.stdout
    assert layout.link.resolve() == first

    manifest = layout.catalogue / "releases" / "acme" / "monthly" / "02" / "release.yml"
    manifest.write_text(manifest.read_text().replace("title:", "titel:"))
    some = run(layout, "refresh")
    assert some.returncode == 2
    assert "acme/monthly/02/release.yml, row 4, column titel: unknown key" in some.stdout
    assert "nearest: 'title'" in some.stdout

    shutil.rmtree(layout.catalogue / "releases")
    failed = run(layout, "refresh")
    assert failed.returncode == 1
    assert "The refresh failed; what was published stays." in failed.stdout
    assert "is WEATHERVANE_CATALOG right?" in failed.stdout
    with duckdb.connect(str(layout.link), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM waves").fetchone() == (3,)

    again = run(layout, "rebuild", "--from-archive", "--json")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert list(faults(told, shapes.SHAPES["rebuild"])) == [] and told["why"] == "rebuilt from the archive"
    doctor = run(layout, "doctor")
    assert doctor.returncode == 1 and "MEND  catalogue" in doctor.stdout, "its releases are gone"
    assert "archive: 0 damaged files" in doctor.stdout


def test_looking_before_anything_is_published_says_what_to_do(tmp_path: Path) -> None:
    done = run(factory.house(tmp_path), "status")
    assert done.returncode == 1
    assert "run a refresh" in done.stderr and "Traceback" not in done.stderr


def test_the_trend_of_the_founding_case(ask: Ask) -> None:
    (line,) = json.loads(ask("trend", "belarus-army-role", "join_russia", "--json"))["lines"]
    assert [(row["wave"], row["percent"], row["n"]) for row in line["waves"]] == [
        ("08", 3.0, 896),
        ("09", 6.0, 823),
        ("10", 5.0, 804),
        ("2023-03", 3.0, None),
    ]
    text = ask("trend", "belarus-army-role", "join_russia")
    assert "2.1-4.3" in text and "no interval" in text and "comparable with a note [1]" in text
    assert "not the same: belarus-join-war-hypothetical" in text


def test_a_word_that_is_no_item_names_the_nearest(ask: Ask) -> None:
    assert "nearest: belarus-army-role" in ask("trend", "belarus-armi-role", code=64)
    assert "no category 'join_rusia'" in ask("trend", "belarus-army-role", "join_rusia", code=64)


def test_sql_as_a_table_as_csv_and_as_json(ask: Ask) -> None:
    query = "SELECT wave, n FROM trend('belarus-army-role', 'join_russia') LIMIT 2"
    assert ask("sql", query).split() == ["wave", "n", "08", "896", "09", "823"]
    assert ask("sql", "--csv", query).split() == ["wave,n", "08,896", "09,823"]
    assert json.loads(ask("sql", "--json", query)) == [{"wave": "08", "n": 896}, {"wave": "09", "n": 823}]


def test_sql_cannot_write_and_says_so(ask: Ask) -> None:
    assert "read-only" in ask("sql", "DELETE FROM estimates", code=64)


def test_status_counts_what_is_published(ask: Ask) -> None:
    told = json.loads(ask("status", "--json"))
    assert sum(row["waves"] for row in told["series"]) == 122
    assert told["about"]["releases"] == "123" and told["set_aside"] == []
