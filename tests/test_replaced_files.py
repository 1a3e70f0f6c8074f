"""One file of the catalogue is replaced and put back: exactly that moves, with the right cause, and comes back whole.

A house of two waves counted from answers and one of published figures goes through seven nights. What must come out is
known from the rows that were written (tests.surveys); the whole table of estimates is compared each time.
"""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from assets.digest import text
from assets.refresh import refresh
from tests import factory, surveys
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout

CELL = ("organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value")
NIGHTS = ("first", "other weight", "weight back", "other file", "file back", "other figure", "figure back")
# What was replaced in a night, the release, and the cause that must be told.
REPLACED = {
    "other weight": ("acme/monthly/01", "weights"),
    "other file": ("acme/monthly/01", "data"),
    "other figure": ("beta/monthly/01", "data"),
}
BACK = {"other weight": "weight back", "other file": "file back", "other figure": "figure back"}
Cell = tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """What was published after a night: whole rows by cell, history, digest."""

    estimates: dict[Cell, tuple[Any, ...]]
    percents: dict[Cell, float | None]
    intervals: dict[Cell, tuple[Any, ...]]
    revisions: list[tuple[Any, ...]]
    vintages: list[tuple[Any, ...]]
    digest: list[dict[str, Any]]


def seen(layout: Layout) -> Night:
    cell = ", ".join(CELL)
    with connect.read(layout.link) as con:
        names = [row[0] for row in con.execute("SELECT column_name FROM (DESCRIBE estimates)").fetchall()]
        rows = con.execute("FROM estimates").fetchall()
        cells = [tuple(row[names.index(name)] for name in CELL) for row in rows]
        return Night(
            dict(zip(cells, rows, strict=True)),
            {one: row[names.index("percent")] for one, row in zip(cells, rows, strict=True)},
            {one: tuple(row[names.index(name)] for name in ("percent_low", "percent_high", "n", "weighted_n"))
             for one, row in zip(cells, rows, strict=True)},
            con.execute(
                f"SELECT release, load_vintage, cause, {cell}, percent_before, percent_after FROM revisions"
                " ORDER BY ALL"
            ).fetchall(),
            con.execute(f"SELECT release, load_vintage, {cell}, percent, latest FROM vintages ORDER BY ALL").fetchall(),
            text.read(con),
        )  # fmt: skip


def reweighted(survey: surveys.Survey) -> surveys.Survey:
    """The same respondents with a second weight in the file: heavier the older they are; and what is true under it."""
    rows = tuple({**row, "wes2": 0.0 if row["wes"] == 0 else round(0.4 + row["age"] / 80, 4)} for row in survey.rows)
    counted = tuple({**row, "wes": row["wes2"]} for row in rows)
    shares, means = surveys._known_shares(counted), surveys._known_means(counted)
    return replace(survey, rows=rows, shares=shares, means=means)


def second_weight(survey: surveys.Survey) -> dict[str, Any]:
    weights = [row["wes2"] for row in survey.rows if row["wes2"] > 0]
    return {
        "variable": "wes2", "mean": round(math.fsum(weights) / len(weights), 4), "zeros": surveys.ZEROS,
        "lowest": math.floor(min(weights) * 1000) / 1000, "highest": math.ceil(max(weights) * 1000) / 1000,
    }  # fmt: skip


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Night], dict[str, surveys.Survey]]:
    """The nights by name, and the truth of wave 1 after each."""
    files = tmp_path_factory.mktemp("files")
    layout = factory.house(tmp_path_factory.mktemp("house"))
    catalogue = layout.catalogue
    one, two = surveys.write_survey(files, seed=3, n=420), surveys.write_survey(files / "two", seed=4, n=420)
    other = surveys.write_survey(files / "reissued", seed=5, n=430, support=0.6)
    heavy = reweighted(one)
    surveys._write(heavy)  # the file has both weights from the first night on
    one = replace(one, rows=heavy.rows)
    surveys.write_release(catalogue, two, "02", month=2, with_file=True)
    factory.item(catalogue)
    factory.series(catalogue, "beta")
    printed = factory.release(catalogue, organisation="beta", percents=(40, 50, 10)) / "toplines.csv"

    def wave_one(survey: surveys.Survey, **respondents: Any) -> None:
        surveys.write_release(catalogue, survey, with_file=True, respondents=respondents)

    def edit(old: str, new: str) -> None:
        words = printed.read_text()
        assert old in words
        printed.write_text(words.replace(old, new))

    def acts() -> Iterator[surveys.Survey]:
        wave_one(one)
        yield one
        wave_one(heavy, weight=second_weight(heavy))
        yield heavy
        wave_one(one)
        yield one
        wave_one(other)
        yield other
        wave_one(one)
        yield one
        edit(",40,", ",44,")
        yield one
        edit(",44,", ",40,")
        yield one

    found, truth = {}, {}
    for number, (name, survey) in enumerate(zip(NIGHTS, acts(), strict=True)):
        done = refresh(layout, audit=no_audit, at=dt.datetime(2024, 6, 1 + number, 3))
        assert done.report.quarantined == {}, [str(p) for p in next(iter(done.report.quarantined.values()))]
        found[name], truth[name] = seen(layout), survey
    return found, truth


def of(release: str, cells: dict[Cell, Any]) -> dict[Cell, Any]:
    """Those of one release: here organisation/series/wave."""
    return {cell: value for cell, value in cells.items() if "/".join(cell[:3]) == release}


@pytest.mark.parametrize("name", REPLACED)
def test_nothing_but_the_replaced_release_moves(nights: Any, name: str) -> None:
    release, _ = REPLACED[name]
    before, after = nights[0][NIGHTS[NIGHTS.index(name) - 1]], nights[0][name]
    apart = set(before.estimates) - set(of(release, before.estimates))
    assert len(apart) >= 3 and set(after.estimates) - set(of(release, after.estimates)) == apart
    assert {cell for cell in apart if before.estimates[cell] != after.estimates[cell]} == set()


@pytest.mark.parametrize("name", REPLACED)
def test_the_revisions_are_the_figures_that_moved_each_with_its_cause(nights: Any, name: str) -> None:
    release, cause = REPLACED[name]
    before, after = nights[0][NIGHTS[NIGHTS.index(name) - 1]], nights[0][name]
    new = [row for row in after.revisions if row not in before.revisions]
    assert [row for row in before.revisions if row not in after.revisions] == [], "what was revised stays told"
    moved = {
        (*cell, before.percents[cell], percent)
        for cell, percent in after.percents.items()
        if cell in before.percents and not same(before.percents[cell], percent)
    }
    assert {row[3:] for row in new} == moved and len(moved) == len(new)
    assert {(row[0], row[2]) for row in new} == {(release, cause)}
    assert len(moved) == 1 if name == "other figure" else len(moved) > 200


def same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) < 1e-9


@pytest.mark.parametrize("name", ["first", "other weight", "other file", "file back"])
def test_the_figures_are_those_of_the_file_and_weight_of_that_night(nights: Any, name: str) -> None:
    night, survey = nights[0][name], nights[1][name]
    compared = 0
    for (item, category, subgroup, column), known in survey.shares.items():
        cell = ("acme", "monthly", "01", item, category, subgroup, column)
        percent = night.percents[cell]
        if percent is not None:  # few respondents: not shown
            assert percent == pytest.approx(known.value, abs=1e-9), cell
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("name", REPLACED)
def test_going_back_restores_the_old_figures_as_a_third_vintage(nights: Any, name: str) -> None:
    release, cause = REPLACED[name]
    before = nights[0][NIGHTS[NIGHTS.index(name) - 1]]
    between, after = nights[0][name], nights[0][BACK[name]]
    assert after.estimates == before.estimates, "every column of every row"
    new = [row for row in after.revisions if row not in between.revisions]
    there = [row for row in between.revisions if row not in before.revisions]
    assert sorted((*row[3:10], row[11], row[10]) for row in new) == sorted(row[3:] for row in there)
    assert {(row[0], row[2]) for row in new} == {(release, cause)}
    loads = {row[1] for row in new}
    assert len(loads) == 1 and loads == {max(row[1] for row in after.vintages if row[0] == release)}
    (cell, *_) = [row[3:10] for row in new]
    history = [row[-2:] for row in after.vintages if row[2:9] == cell]
    old, other = before.percents[cell], between.percents[cell]
    assert [percent for percent, _ in history][-3:] == [old, other, old]
    assert [latest for _, latest in history] == [False] * (len(history) - 1) + [True]


@pytest.mark.parametrize("name", [*REPLACED, *BACK.values()])
def test_the_digest_tells_the_load_its_cause_and_every_revision(nights: Any, name: str) -> None:
    release, cause = {**REPLACED, **{BACK[one]: told for one, told in REPLACED.items()}}[name]
    before, night = nights[0][NIGHTS[NIGHTS.index(name) - 1]], nights[0][name]
    new = [row for row in night.revisions if row not in before.revisions]
    told = {"weights": "the weighting or the design changed", "data": "a file with figures or answers changed"}[cause]
    (load,) = [row for row in night.digest if row["kind"] == "load"]
    revisions = f"{len(new)} value{'s' if len(new) > 1 else ''} revised"
    assert (load["release"], load["why"]) == (release, told) and revisions in load["what"]
    shown = [row for row in night.digest if row["kind"] == "revision"]
    assert {row["why"] for row in shown} == {told}
    names = (*CELL, "percent_before", "percent_after")
    assert sorted(tuple(row[key] for key in names) for row in shown) == sorted(row[3:] for row in new)
    assert {row["kind"] for row in night.digest} <= {"load", "revision", "change"}


def test_a_revision_is_no_smaller_than_what_people_are_shown(nights: Any) -> None:
    """The words of the digest name two values that differ, however little moved."""
    for night in nights[0].values():
        revisions = [row for row in night.digest if row["kind"] == "revision"]
        assert [row["what"] for row in revisions if row["before"] == row["after"]] == []
