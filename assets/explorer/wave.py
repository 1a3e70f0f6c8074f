"""The page of a wave: method, every question with its answers, and what came of checking published figures.

Belongs here: what the template needs, in its order. Does not belong here: HTML.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from assets.explorer import addresses, words
from assets.explorer.figures import TOTAL
from assets.explorer.reading import Published, Row

MOST_CELLS = 4000  # of the tables by subgroup on one page: beyond that they stand on the items' pages only


def page(house: Published, wave: Row, estimates: Sequence[Row]) -> dict[str, Any]:
    """What the template of a wave needs."""
    key = (wave["organisation"], wave["series"], wave["wave"])
    releases = house.releases_of[key]
    names = sorted({row["release"] for row in releases})
    asked = {(row["release"], row["question"]): row for name in names for row in house.asked_in[name]}
    counted = {(row["release"], row["question"]) for row in estimates}
    return {
        "wave": wave,
        "house": house.organisations.get(wave["organisation"], {"name": wave["organisation"]}),
        "series": house.series.get(key[:2], {"name": wave["series"]}),
        "days": words.days(wave["fieldwork_start"], wave["fieldwork_end"]),
        "disclosure": list(_disclosure(wave)),
        "releases": releases,
        "weights": [house.weights[name] for name in names if name in house.weights],
        "agreement": [row for name in names for row in house.agreement[name]],
        "conflicts": [row for name in names for row in house.conflicts_of[name]],
        "checks": [row for name in names for row in house.checks_of[name]],
        "revisions": house.revised_in[key],
        "questions": list(_questions(house, estimates, asked)),
        "without": [row for name, row in asked.items() if name not in counted],
        "neighbours": _neighbours(house, key),
    }


def _disclosure(wave: Row) -> Iterable[dict[str, Any]]:
    """The eleven items: what the wave says of each, or that it says nothing."""
    size = f"n = {wave['n']}" if wave["n"] else wave["n_stated"]
    margin = (
        None if wave["margin_of_error"] is None else f"stated margin ±{words.number(wave['margin_of_error'])} points"
    )
    text = {
        "population": wave["population"],
        "sampling": wave["sampling"],
        "mode": wave["mode"],
        "dates": wave["fieldwork"],
        "sample_size": "; ".join(filter(None, (size, margin, wave["margin_note"]))),
        "weighting": wave["weighting"],
    }
    for number, (name, title) in enumerate(words.DISCLOSURE.items(), start=1):
        missing = name in wave["undisclosed"]
        told = None if missing else text.get(name) or "Stated; the words stand in the release's manifest."
        yield {"number": number, "name": title, "text": told, "missing": missing}


def _questions(
    house: Published, estimates: Sequence[Row], asked: dict[tuple[str, str], Row]
) -> Iterable[dict[str, Any]]:
    """Every question of the wave as a table: answers down, everyone and the subgroups across."""
    crossed = len(estimates) <= MOST_CELLS
    for (item, name), members in groupby(estimates, key=lambda row: (row["item"], row["question"])):
        cells = {((row["subgroup"], row["subgroup_value"]), row["category"]): row for row in members}
        groups = sorted({group for group, _ in cells}, key=lambda group: (group != TOTAL, group))
        shown = groups if crossed else [group for group in groups if group == TOTAL]
        used = {category for _, category in cells}
        first = next(iter(cells.values()))
        row = asked.get((first["release"], name), {})
        yield {
            "item": house.items.get(item, {"item": item, "title": item}),
            "href": addresses.item(item),
            "anchor": addresses.anchor(item, name),
            "name": name,
            "question": row,
            "banners": [(banner, len(list(of))) for banner, of in groupby(shown, key=lambda group: group[0])],
            "groups": shown,
            "bases": [_base(cells, group) for group in shown],
            "lines": [
                {"category": category, "cells": [cells.get((group, category["category"])) for group in shown]}
                for category in house.categories[item]
                if category["category"] in used
            ],
            "everyone": next((one for (group, _), one in cells.items() if group == TOTAL), None),
            "flags": sorted({flag for (group, _), one in cells.items() if group == TOTAL for flag in one["flags"]}),
            "hidden": any("suppressed" in cells[key]["flags"] for key in cells if key[0] in shown),
        }


def _base(cells: dict[tuple[tuple[str, str], str], Row], group: tuple[str, str]) -> int | None:
    return max((row["n"] for (of, _), row in cells.items() if of == group and row["n"]), default=None)


def _neighbours(house: Published, key: tuple[str, str, str]) -> tuple[Row | None, Row | None]:
    """The waves before and after, by fieldwork."""
    of_series = [row for row in house.waves_of[key[:2]] if row["fieldwork_start"]]
    place = next((at for at, row in enumerate(of_series) if row["wave"] == key[2]), None)
    if place is None:
        return None, None
    return (of_series[place - 1] if place else None), (of_series[place + 1] if place + 1 < len(of_series) else None)
