"""The figures of an item as compact data for the script of its page.

Belongs here: the shape of that data, which is also what people download. Does not belong here: HTML, what the script
draws (static/item.js).

Shape: lists instead of objects, and places in lists instead of repeated texts, because a page must stay small. Shares
keep four decimals, so that rounding is left to whoever shows them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assets.explorer import addresses, words
from assets.explorer.reading import Published, Row

TOTAL = ("total", "all")
CONSECUTIVE = "consecutive"


class Places:
    """Texts (or other values) that are named by their place."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.values: list[Any] = []
        self._place: dict[Any, int] = {}
        for value in values:
            self(value)

    def __call__(self, value: Any) -> int:
        """The place of a value; a new one goes to the end."""
        if value not in self._place:
            self._place[value] = len(self.values)
            self.values.append(value)
        return self._place[value]


def who(estimates: Sequence[Row]) -> list[tuple[str, str]]:
    """Everyone and every subgroup that has figures, everyone first."""
    found = {(row["subgroup"], row["subgroup_value"]) for row in estimates}
    return sorted(found, key=lambda group: (group != TOTAL, group))


def encode(
    house: Published,
    item: str,
    estimates: Sequence[Row],
    lines: Mapping[tuple[str, ...], Row],
    changes: Sequence[Row],
    groups: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Figures of one item as plain lists.

    Args:
        house: names of houses, waves, questions.
        item: id.
        estimates: rows to encode, in time order within a series.
        lines: (organisation, series, wave, category, subgroup, value) -> the row of `trends`, for those in a line.
        changes: rows of `changes` to encode.
        groups: all subgroups that the page may offer, whether or not their rows are among `estimates`.
    """
    categories = house.categories[item]
    category = Places(row["category"] for row in categories)
    series = Places((row["organisation"], row["series"]) for row in estimates)
    waves = Places((row["organisation"], row["series"], row["wave"]) for row in estimates)
    asked = {(row["release"], row["question"]): row for row in house.asked_of[item]}
    questions, texts, group = Places(), Places(), Places(groups)
    rows = [
        [
            waves((row["organisation"], row["series"], row["wave"])),
            category(row["category"]),
            group((row["subgroup"], row["subgroup_value"])),
            _short(row["percent"]),
            _short(row["percent_low"]),
            _short(row["percent_high"]),
            row["n"],
            _short(row["n_effective"], 1),
            row["qualifier"],
            row["published_text"],
            [texts(text) for text in words.flags(row["flags"])],
            questions((row["release"], row["question"])),
            row["estimate_id"],
            texts(row["source_url"]),
            texts("; ".join(filter(None, (row["interval_method"], row["variance_method"])))),
            step["segment"] if step else None,
            int("suppressed" in row["flags"]),
            step["comparability"] if step else None,
            [texts(text) for text in step["reasons"]] if step else [],
        ]
        for row, step in ((row, lines.get(_line(row))) for row in estimates)
    ]
    steps = [
        [
            waves((row["organisation"], row["series"], row["wave_from"])),
            waves((row["organisation"], row["series"], row["wave_to"])),
            category(row["category"]),
            group((row["subgroup"], row["subgroup_value"])),
            _short(row["change"]),
            _short(row["change_low"]),
            _short(row["change_high"]),
            _short(row["p_adjusted"], 6),
            _short(row["detectable_change"], 2),
            row["verdict"],
            row["comparability"],
            [texts(text) for text in row["reasons"]],
            row.get("pair", CONSECUTIVE),
        ]
        for row in changes
    ]
    return {
        "item": item,
        "title": house.items[item]["title"],
        "answer": house.items[item]["answer"],
        "categories": [
            [row["category"], row["label"], row["kind"], [category(part) for part in row["parts"]]]
            for row in categories
        ],
        "series": [[*key, *house.names(*key)] for key in series.values],
        "waves": [_wave(house, series, key) for key in waves.values],
        "groups": group.values,
        "questions": [
            [row["wording"], words.said(words.WORDING_KINDS, row["wording_kind"]), row["base"]]
            for row in (asked.get(key, _UNASKED) for key in questions.values)
        ],
        "texts": texts.values,
        "estimates": rows,
        "changes": steps,
    }


_UNASKED: Row = {"wording": "", "wording_kind": None, "base": None}


def _line(row: Row) -> tuple[str, ...]:
    return tuple(row[k] for k in ("organisation", "series", "wave", "category", "subgroup", "subgroup_value"))


def lines(trends: Iterable[Row]) -> dict[tuple[str, ...], Row]:
    """Where each estimate stands in its line, and what the step to it is worth."""
    return {_line(row): row for row in trends}


def consecutive(change: Row) -> bool:
    """Whether a row of `changes` is a step from one wave to the next."""
    return bool(change.get("pair", CONSECUTIVE) == CONSECUTIVE)


def _wave(house: Published, series: Places, key: tuple[str, str, str]) -> list[Any]:
    row = house.waves.get(key, {})
    start, end = row.get("fieldwork_start"), row.get("fieldwork_end")
    return [
        series(key[:2]),
        key[2],
        start.isoformat() if start else None,
        end.isoformat() if end else None,
        words.days(start, end),
        "../" + addresses.wave(*key),
        row.get("population"),
        row.get("mode"),
        row.get("weighting"),
        addresses.anchor(*key),
    ]


def _short(value: float | None, digits: int = 4) -> float | int | None:
    if value is None:
        return None
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
