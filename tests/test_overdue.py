"""Which series are late by their own rhythm: the rule of `overdue_on(day)`, on dates reckoned by hand."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from schemas.tables import BY_NAME
from warehouse import build, connect

# Ends of fieldwork by series. Gaps of `steady`: 31 and 29 days, so 30; half of it is grace: 10 March + 45 = 24 April.
ENDS: dict[str, tuple[str | None, ...]] = {
    "steady": ("2024-01-10", "2024-02-10", "2024-03-10"),
    "twice": ("2024-01-10", "2024-02-10"),
    "declared": ("2024-01-10",),
    "same-day": ("2024-01-10", "2024-02-10", "2024-02-10", "2024-03-10", None),
    "slow": ("2020-03-10",),
    "undated": (None, None, None),
    "uneven": ("2023-01-01", "2023-01-02", "2023-01-31", "2023-12-31"),  # gaps of 1, 29 and 334 days: 29
}
RHYTHMS = {"declared": 7, "slow": 1461}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("overdue") / "house.duckdb"
    house = {"organisation": "acme"}
    waves: list[dict[str, Any]] = [
        {
            **house, "series": series, "wave": f"{number:02d}", "fieldwork_start": None,
            "fieldwork_end": dt.date.fromisoformat(end) if end else None, "fieldwork": end or "unknown",
            "probability_sample": "yes", "disclosed_items": 1, "undisclosed": [], "releases": 1,
        }
        for series, ends in ENDS.items()
        for number, end in enumerate(ends, start=1)
    ]  # fmt: skip
    series = [{**house, "series": name, "name": name, "rhythm_days": RHYTHMS.get(name)} for name in ENDS]
    rows = {"waves": waves, "series": series}
    build.create(place, {name: BY_NAME[name].to_arrow(BY_NAME[name].frame(records)) for name, records in rows.items()})
    return place


def late(database: Path, day: str | None) -> dict[str, tuple[Any, ...]]:
    source = "overdue" if day is None else f"overdue_on('{day}')"
    with connect.read(database) as con:
        found = con.execute(
            "SELECT series, last_wave, last_fieldwork_end::VARCHAR, rhythm_days, rhythm_basis, expected_by::VARCHAR,"
            f" overdue_days FROM {source}"
        ).fetchall()
    return {row[0]: row[1:] for row in found}


def test_the_rhythm_is_the_median_gap_and_half_of_it_is_grace(database: Path) -> None:
    assert "steady" not in late(database, "2024-04-24")
    found = late(database, "2024-04-25")
    assert found["steady"] == ("03", "2024-03-10", 30, "the median of 2 gaps", "2024-04-24", 1)
    assert late(database, "2024-05-24")["steady"][-1] == 30


def test_waves_that_end_on_one_day_count_once_and_undated_ones_not_at_all(database: Path) -> None:
    found = late(database, "2024-04-25")
    assert found["same-day"] == ("04", "2024-03-10", 30, "the median of 2 gaps", "2024-04-24", 1)
    assert "undated" not in found


def test_one_long_break_does_not_make_a_rhythm(database: Path) -> None:
    """31 December + 29 + 15 (half of 29, rounded up) = 13 February."""
    assert late(database, "2024-02-14")["uneven"] == (
        "04", "2023-12-31", 29, "the median of 3 gaps", "2024-02-13", 1
    )  # fmt: skip


def test_a_declared_rhythm_needs_one_wave_and_without_it_there_must_be_three(database: Path) -> None:
    """10 January + 7 + 4 (half of 7, rounded up) = 21 January."""
    found = late(database, "2024-02-29")
    assert found["declared"] == ("01", "2024-01-10", 7, "as declared", "2024-01-21", 39)
    assert "twice" not in found and "twice" not in late(database, "2024-12-31")


@pytest.mark.parametrize(
    ("series", "last", "first_day"),
    [
        ("declared", "2025-01-09", "2025-01-10"),  # a year, which is longer than four weeks
        ("steady", "2025-03-10", "2025-03-11"),
        ("slow", "2036-03-10", "2036-03-11"),  # four times 1461 days
    ],
)
def test_a_series_that_is_silent_for_long_has_ended(database: Path, series: str, last: str, first_day: str) -> None:
    assert series in late(database, last) and series not in late(database, first_day)


def test_the_view_looks_at_today(database: Path) -> None:
    with connect.read(database) as con:
        (today,) = con.execute("SELECT current_date::VARCHAR").fetchone() or ("",)
    assert late(database, None) == late(database, today)
    assert "slow" in late(database, "2030-01-01"), "so that the rule is seen at work in some year"
