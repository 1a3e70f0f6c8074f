"""The pages of a wave: method, every question with its answers, and what came of checking published figures.

Belongs here: what the templates need, in its order, and how many questions stand on one page. Does not belong here:
HTML.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from assets.explorer import addresses, words
from assets.explorer.figures import TOTAL
from assets.explorer.reading import Published, Row

MOST_CELLS = 1500  # of one table: with more the subgroups go on in a table below it
MOST_ROWS = 150  # of the tables below the questions
FIRST, NEXT = 90_000, 180_000  # bytes of tables on a wave's page and on each page that continues it, as estimated


def pages(house: Published, wave: Row, estimates: Sequence[Row]) -> list[dict[str, Any]]:
    """What the templates need: of the wave's page, then of those with the questions that have no room there."""
    key = (wave["organisation"], wave["series"], wave["wave"])
    releases = house.releases_of[key]
    names = sorted({row["release"] for row in releases})
    asked = {(row["release"], row["question"]): row for name in names for row in house.asked_in[name]}
    counted = {(row["release"], row["question"]) for row in estimates}
    frame = {
        "wave": wave,
        "house": house.organisations.get(wave["organisation"], {"name": wave["organisation"]}),
        "series": house.series.get(key[:2], {"name": wave["series"]}),
        "days": words.days(wave["fieldwork_start"], wave["fieldwork_end"]),
        "most": MOST_ROWS,
    }
    parts = _parts(_questions(house, estimates, asked))
    revised = house.revised_in[key]
    first = frame | {
        "disclosure": list(words.disclosure(wave)),
        "releases": releases,
        "weights": [house.weights[name] for name in names if name in house.weights],
        "agreement": [row for name in names for row in house.agreement[name]],
        "conflicts": [row for name in names for row in house.conflicts_of[name]],
        "checks": [row for name in names for row in house.checks_of[name]],
        "revisions": revised,
        "items": {row["item"]: house.items[row["item"]] for row in revised if row["item"] in house.items},
        "tables": parts[0],
        "contents": list(_contents(key, parts)),
        "without": [row for name, row in asked.items() if name not in counted],
        "neighbours": house.neighbours(key),
    }
    in_all = {"parts_in_all": len(parts)}
    rest = [frame | in_all | {"part": number, "tables": part} for number, part in enumerate(parts[1:], start=2)]
    return [first | in_all, *rest]


def _parts(tables: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Tables page by page."""
    parts: list[list[dict[str, Any]]] = [[]]
    room = FIRST
    for table in tables:
        size = _size(table)
        if size > room and (parts[-1] or len(parts) == 1):
            parts.append([])
            room = NEXT
        parts[-1].append(table)
        room -= size
    return parts


def _size(table: dict[str, Any]) -> int:
    """Bytes of a table's HTML, about; rather too many."""
    cells = [cell for line in table["lines"] for cell in line["cells"]]
    marked = sum(1 for cell in cells if cell and {"small_base", "suppressed"} & set(cell["flags"]))
    heads = sum(60 + len(value) for _, value in table["groups"]) + 30 * len(table["groups"])
    labels = sum(60 + len(line["category"]["label"]) for line in table["lines"])
    return 1500 + 2 * len(table["question"].get("wording") or "") + heads + labels + 30 * len(cells) + 70 * marked


def _contents(key: tuple[str, str, str], parts: Sequence[Sequence[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Every question with the place where it stands; the first of several tables of a question."""
    for number, part in enumerate(parts, start=1):
        page = addresses.part(*key, number) if number > 1 else ""
        for table in part:
            if table["first"]:
                yield {"anchor": table["anchor"], "title": table["item"]["title"], "page": page}


def _questions(
    house: Published, estimates: Sequence[Row], asked: dict[tuple[str, str], Row]
) -> Iterator[dict[str, Any]]:
    """Every question of the wave as tables: answers down, everyone and the subgroups across."""
    for (item, name), members in groupby(estimates, key=lambda row: (row["item"], row["question"])):
        cells = {((row["subgroup"], row["subgroup_value"]), row["category"]): row for row in members}
        groups = sorted({group for group, _ in cells}, key=lambda group: (group != TOTAL, group))
        used = {category for _, category in cells}
        categories = [category for category in house.categories[item] if category["category"] in used]
        first = next(iter(cells.values()))
        everyone = next((one for (group, _), one in cells.items() if group == TOTAL), None)
        told = {
            "item": house.items.get(item, {"item": item, "title": item}),
            "href": addresses.item(item),
            "anchor": addresses.anchor(item, name),
            "name": name,
            "question": asked.get((first["release"], name), {}),
            "everyone": everyone,
            "flags": sorted({flag for (group, _), one in cells.items() if group == TOTAL for flag in one["flags"]}),
        }
        for number, shown in enumerate(_across(groups, len(categories)), start=1):
            anchor = told["anchor"] if number == 1 else addresses.anchor(item, name, str(number))
            yield told | _table(cells, categories, shown) | {"first": number == 1, "anchor": anchor}


def _across(groups: list[tuple[str, str]], lines: int) -> Iterator[list[tuple[str, str]]]:
    """Subgroups table by table, everyone in front of each."""
    most = max(2, MOST_CELLS // max(1, lines))
    if len(groups) <= most:
        yield groups
        return
    front = [group for group in groups if group == TOTAL]
    rest = groups[len(front) :]
    step = most - len(front)
    for at in range(0, len(rest), step):
        yield [*front, *rest[at : at + step]]


def _table(
    cells: dict[tuple[tuple[str, str], str], Row], categories: Sequence[Row], shown: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    return {
        "banners": [(banner, len(list(of))) for banner, of in groupby(shown, key=lambda group: group[0])],
        "groups": shown,
        "bases": [_base(cells, group) for group in shown],
        "lines": [
            {"category": category, "cells": [cells.get((group, category["category"])) for group in shown]}
            for category in categories
        ],
    }


def _base(cells: dict[tuple[tuple[str, str], str], Row], group: tuple[str, str]) -> int | None:
    return max((row["n"] for (of, _), row in cells.items() if of == group and row["n"]), default=None)
