"""The page of an item: what its template needs.

Belongs here: which figures, steps and wordings stand on it and in which order. Does not belong here: HTML, the data of
its script (figures).
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from assets.explorer import addresses, figures, words
from assets.explorer.reading import Published, Row

TOTAL = figures.TOTAL[0]
_TESTED = "not tested:"  # reasons of `changes` that are no matter of comparability


MOST_ROWS = 400  # estimates and changes inside a page; with more it loads all of them from a file of their own
MOST_CAUTIONS = 200
MOST_WORDINGS = 200  # lines of the tables of wordings
MOST_RELATED = 30  # questions on the same subject; the search has the rest
MOST_CELLS = 3000  # of the tables of all answers; series beyond that are left to the choices above them


def page(
    house: Published, found: Mapping[str, Sequence[Row]], item: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What the template of an item needs, and the data that its script loads when it needs them, by banner.

    Figures of everyone asked stand in the page itself, so that it opens at once; those of subgroups, and everything of
    an item with very many waves, in files beside it, one for each banner. `found` has the item's rows by table.
    """
    trends = found["trends"]
    offered = figures.who(found["estimates"])
    everyone, steps = _total(found["estimates"]), _total(found["changes"])
    large = len(everyone) + len(steps) > MOST_ROWS
    nothing: dict[str, list[Row]] = {table: [] for table in found}
    shown = nothing if large else _of_banner(found, TOTAL)
    data = figures.encode(house, item, _facts(house, shown, trends), offered)
    more = {
        banner: figures.encode(house, item, _facts(house, _of_banner(found, banner), trends), offered)
        for banner in dict.fromkeys(banner for banner, _ in offered)
        if large or banner != TOTAL
    }
    data |= {
        "chosen": _category(house, item, trends),
        "more": {banner: addresses.figures(item, banner).rpartition("/")[2] for banner in more},
        "large": large,
    }
    row = house.items[item]
    tables = list(_tables(house, item, everyone))
    values = {
        "item": row,
        "concept": house.concept(row["concept"]),
        "categories": house.categories[item],
        "data": data,
        "tables": tables,
        "untabled": len({(one["organisation"], one["series"]) for one in everyone}) - len(tables),
        "cautions": list(_cautions(house, item, list(filter(figures.consecutive, steps)))),
        "most": MOST_CAUTIONS,
        "steps": len(steps),
        "wordings": list(_first(_wordings(house, item))),
        "apart": [_apart(house, text) for text in row["apart_from"]],
        "related": _related(house, item),
        "claims": house.claims_of[item],
        "revisions": house.revised_of[item],
        "scores": house.scores[item],
        "houses": list(_houses(house, item)),
        "span": house.dates.get(item),
    }
    return values, more


def _of_banner(found: Mapping[str, Sequence[Row]], banner: str) -> dict[str, list[Row]]:
    """Rows of one banner; the parts of a change are of everyone asked."""
    return {table: [row for row in rows if row.get("subgroup", TOTAL) == banner] for table, rows in found.items()}


def _facts(house: Published, found: Mapping[str, Sequence[Row]], trends: Sequence[Row]) -> figures.Facts:
    return figures.Facts(
        found["estimates"],
        figures.lines(trends),
        found["changes"],
        found["trend_tests"],
        found["readings"] if "readings" in house.tables else None,
        found["change_readings"],
        found["composition"],
    )


def _related(house: Published, item: str) -> dict[str, Any]:
    """Questions of the same concept that have figures: those asked in most waves first, and how many more there are."""
    concept = house.items[item]["concept"]
    asked = house.asked_on(concept)
    others = [other for other in asked[: MOST_RELATED + 1] if other["item"] != item][:MOST_RELATED]
    more = len(asked) - len(others) - int(item in house.dates)
    return {"concept": house.concept(concept), "shown": others, "more": more}


def _total(found: Iterable[Row]) -> list[Row]:
    return [row for row in found if (row["subgroup"], row["subgroup_value"]) == figures.TOTAL]


def _category(house: Published, item: str, trends: Sequence[Row]) -> str | None:
    """The answer that the page shows first: the one that people quote, else the one with the longest line."""
    categories = house.categories[item]
    quoted = Counter(claim["category"] for claim in house.claims_of[item])
    points = Counter(row["category"] for row in trends if row["subgroup"] == "total")
    told = [row for row in categories if row["kind"] in ("substantive", "net")] or categories
    best = max(told, key=lambda row: (quoted[row["category"]], points[row["category"]], -row["position"]), default=None)
    return best["category"] if best else None


def _tables(house: Published, item: str, everyone: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """One table a series: every wave with every answer, newest first."""
    labels = {row["category"]: row for row in house.categories[item]}
    cells_so_far = 0
    for key, members in groupby(everyone, key=lambda row: (row["organisation"], row["series"])):
        of_series = list(members)
        cells_so_far += len(of_series)
        if cells_so_far > MOST_CELLS:
            return
        used = {row["category"] for row in of_series}
        columns = [row for name, row in labels.items() if name in used]
        lines = []
        for wave, cells in groupby(of_series, key=lambda row: row["wave"]):
            by_category = {row["category"]: row for row in cells}
            first = next(iter(by_category.values()))
            lines.append(
                {
                    "wave": wave,
                    "anchor": addresses.anchor(*key, wave),
                    "href": addresses.wave(*key, wave),
                    "days": words.days(first["fieldwork_start"], first["fieldwork_end"]),
                    "n": max((row["n"] for row in by_category.values() if row["n"]), default=None),
                    "cells": [by_category.get(column["category"]) for column in columns],
                }
            )
        yield {"key": key, "title": house.name(*key), "columns": columns, "lines": lines[::-1]}


def _cautions(house: Published, item: str, steps: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """Steps that are not plainly comparable, with reasons; answers that share them stand together."""
    found: dict[tuple[Any, ...], list[str]] = {}
    count: Counter[tuple[Any, ...]] = Counter()
    labels = {row["category"]: row["label"] for row in house.categories[item]}
    for row in steps:
        step = (row["organisation"], row["series"], row["wave_from"], row["wave_to"])
        count[step] += 1
        if row["comparability"] == "comparable":
            continue
        reasons = tuple(reason for reason in row["reasons"] if not reason.startswith(_TESTED))
        key = (*step, row["comparability"], reasons)
        found.setdefault(key, []).append(str(labels.get(row["category"], row["category"])))
    for key, names in found.items():
        organisation, series, earlier, later, comparability, reasons = key
        yield {
            "title": house.name(organisation, series),
            "from": earlier,
            "to": later,
            "href_from": addresses.wave(organisation, series, earlier),
            "href_to": addresses.wave(organisation, series, later),
            "comparability": comparability,
            "reasons": reasons,
            "answers": None if len(names) == count[key[:4]] else names,
        }


def _houses(house: Published, item: str) -> Iterable[dict[str, Any]]:
    """Houses side by side, answer by answer: how far each lies from their average, or why there is none."""
    labels = {row["category"]: row["label"] for row in house.categories[item]}
    for category, members in groupby(house.house_effects[item], key=lambda row: row["category"]):
        yield {
            "label": labels.get(category, category),
            "line": house.house_lines.get((item, category)),
            "rows": [row | {"title": house.name(row["organisation"], row["series"])} for row in members],
        }


_SAME = (
    "wording", "wording_kind", "base", "form", "question_match", "options_match", "decision", "reason", "note",
    "reviewed_by",
)  # fmt: skip


def _wordings(house: Published, item: str) -> Iterable[dict[str, Any]]:
    """One table a series: the question as asked in every wave, and what differs from the wave before.

    Waves that follow each other with the same words, answers and review share a line.
    """
    for key, members in groupby(house.asked_of[item], key=lambda row: (row["organisation"], row["series"])):
        lines: list[dict[str, Any]] = []
        before: Row | None = None
        for row in members:
            line = row | {"options": house.options.get((row["release"], row["question"]), [])}
            wave = {
                "name": row["wave"],
                "href": addresses.wave(*key, row["wave"]),
                "days": words.days(row["fieldwork_start"], row["fieldwork_end"]),
            }
            last = lines[-1] if lines else None
            if last and all(last[name] == line[name] for name in (*_SAME, "options")):
                last["waves"].append(wave)
                continue
            line["waves"] = [wave]
            line["pieces"] = changed(before["wording"] if before else None, row["wording"])
            line["as_before"] = before is not None and bool(line["options"]) and line["options"] == before["options"]
            lines.append(line)
            if row["decision"] != "exclude":
                before = line
        yield {"title": house.name(*key), "lines": lines}


def changed(before: str | None, after: str) -> list[tuple[bool, str]]:
    """A wording in pieces, each with whether it is new against the one before."""
    if before is None or before == after:
        return [(False, after)]
    old, new = re.findall(r"\s+|[^\s]+", before), re.findall(r"\s+|[^\s]+", after)
    pieces = []
    for what, _, _, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if end > start:
            pieces.append((what != "equal", "".join(new[start:end])))
    return pieces


def _first(groups: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Tables of wordings as far as there is room; each says how many lines it leaves to the pages of the waves."""
    room = MOST_WORDINGS
    for group in groups:
        shown = group["lines"][:room]
        room -= len(shown)
        yield group | {"lines": shown, "left": len(group["lines"]) - len(shown)}


MOST_ANSWERS = 4  # of another question, beside its name


def _apart(house: Published, text: str) -> dict[str, Any]:
    """An entry of `apart_from`: the item it names, if it is here, the reason, and what it found last."""
    name, _, reason = text.partition(": ")
    known = house.items.get(name)
    return {
        "title": known["title"] if known else name,
        "href": addresses.item(name) if known else None,
        "reason": reason,
        "latest": list(_found_last(house, name)),
    }


def _found_last(house: Published, name: str) -> Iterable[dict[str, Any]]:
    for key, members in groupby(house.latest[name], key=lambda row: (row["organisation"], row["series"], row["wave"])):
        cells = list(members)
        told = [row for row in cells if row["kind"] in ("substantive", "net")] or cells
        yield {
            "title": house.name(key[0]),
            "wave": key[2],
            "href": addresses.wave(*key),
            "days": words.days(cells[0]["fieldwork_start"], cells[0]["fieldwork_end"]),
            "n": max((row["n"] for row in cells if row["n"]), default=None),
            "answers": [f"{row['label']} {words.figure(row)} %" for row in told[:MOST_ANSWERS]],
            "more": len(told) > MOST_ANSWERS,
        }
