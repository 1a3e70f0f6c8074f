"""The figures of an item as compact data for the script of its page.

Belongs here: the shape of that data, which is also what people download. Does not belong here: HTML, what the script
draws (static/item.js).

Shape: lists instead of objects, and places in lists instead of repeated texts, because a page must stay small. Shares
keep four decimals, so that rounding is left to whoever shows them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass
class Facts:
    """Rows of one item, as the database has them; of everyone asked, or of all subgroups too.

    `estimates` are in time order within a series; `lines` are the rows of `trends`; `readings` and `change_readings`
    are without don't know; a table that the database does not have yet is None.
    """

    estimates: Sequence[Row]
    lines: Mapping[tuple[str, ...], Row]
    changes: Sequence[Row] = ()
    trend_tests: Sequence[Row] = ()
    readings: Sequence[Row] | None = None
    change_readings: Sequence[Row] = ()
    composition: Sequence[Row] = ()


def encode(house: Published, item: str, facts: Facts, groups: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Figures of one item as plain lists.

    Args:
        house: names of houses, waves, questions.
        item: id.
        facts: rows to encode.
        groups: all subgroups that the page may offer, whether or not their rows are among the facts.
    """
    categories = house.categories[item]
    asked = {(row["release"], row["question"]): row for row in house.asked_of[item]}
    at = _Lists(categories, facts.estimates, groups)
    read = {_line(row): row for row in facts.readings or ()}
    read_steps = {_step(row): row for row in facts.change_readings}
    rows = [at.estimate(row, facts.lines.get(_line(row)), read.get(_line(row))) for row in facts.estimates]
    steps = [at.change(row, read_steps.get(_step(row))) for row in facts.changes]
    tests = [at.test(row) for row in facts.trend_tests]
    splits = [at.split(row) for row in facts.composition]
    return {
        "item": item,
        "title": house.items[item]["title"],
        "answer": house.items[item]["answer"],
        "read": facts.readings is not None,
        "categories": [
            [row["category"], row["label"], row["kind"], [at.category(part) for part in row["parts"]]]
            for row in categories
        ],
        "series": [[*key, *house.names(*key)] for key in at.series.values],
        "waves": [_wave(house, at.series, key) for key in at.waves.values],
        "groups": at.group.values,
        "questions": [
            [row["wording"], words.said(words.WORDING_KINDS, row["wording_kind"]), row["base"]]
            for row in (asked.get(key, _UNASKED) for key in at.questions.values)
        ],
        "texts": at.texts.values,
        "estimates": rows,
        "changes": steps,
        "tests": tests,
        "splits": splits,
    }


class _Lists:
    """Rows as lists, with places for what repeats."""

    def __init__(self, categories: Sequence[Row], estimates: Sequence[Row], groups: Sequence[tuple[str, str]]) -> None:
        self.category = Places(row["category"] for row in categories)
        self.series = Places((row["organisation"], row["series"]) for row in estimates)
        self.waves = Places((row["organisation"], row["series"], row["wave"]) for row in estimates)
        self.questions, self.texts, self.group = Places(), Places(), Places(groups)

    def estimate(self, row: Row, step: Row | None, read: Row | None) -> list[Any]:
        """An estimate with its place in a line, and as it reads without don't know where that differs."""
        return [
            self.waves((row["organisation"], row["series"], row["wave"])),
            self.category(row["category"]),
            self.group((row["subgroup"], row["subgroup_value"])),
            _short(row["percent"]),
            _short(row["percent_low"]),
            _short(row["percent_high"]),
            row["n"],
            _short(row["n_effective"], 1),
            row["qualifier"],
            row["published_text"],
            self._flags(row),
            self.questions((row["release"], row["question"])),
            row["estimate_id"],
            self.texts(row["source_url"]),
            self._method(row),
            step["segment"] if step else None,
            int("suppressed" in row["flags"]),
            step["comparability"] if step else None,
            [self.texts(text) for text in step["reasons"]] if step else [],
            self._read(read) if read else None,
        ]

    def _read(self, row: Row) -> list[Any]:
        flags = self._flags(row)
        if row["percent"] is None:
            return [None, flags]
        numbers = [_short(row[name]) for name in ("percent", "percent_low", "percent_high")]
        return [numbers[0], flags, *numbers[1:], row["n"], _short(row["n_effective"], 1), self._method(row)]

    def change(self, row: Row, read: Row | None) -> list[Any]:
        """A change, and how it reads without don't know where that differs."""
        return [
            *self._ends(row),
            self.category(row["category"]),
            self.group((row["subgroup"], row["subgroup_value"])),
            _short(row["change"]),
            _short(row["change_low"]),
            _short(row["change_high"]),
            _short(row["p_adjusted"], 6),
            _short(row["detectable_change"], 2),
            row["verdict"],
            row["comparability"],
            [self.texts(text) for text in row["reasons"]],
            row.get("pair", CONSECUTIVE),
            [
                _short(read["change"]),
                _short(read["standard_error"]),
                _short(read["p_adjusted"], 6),
                read["verdict"],
                int(bool(read["sign_flips"])),
                int(bool(read["verdict_differs"])),
            ]
            if read
            else None,
        ]

    def test(self, row: Row) -> list[Any]:
        """A straight line through the waves of a segment."""
        return [
            *self._ends(row),
            self.category(row["category"]),
            self.group((row["subgroup"], row["subgroup_value"])),
            row["waves"],
            _short(row["slope"]),
            _short(row["slope_low"]),
            _short(row["slope_high"]),
            _short(row["p_adjusted"], 6),
            row["verdict"],
            row["comparability"],
        ]

    def split(self, row: Row) -> list[Any]:
        """A change in its parts."""
        return [
            *self._ends(row),
            self.category(row["category"]),
            self.texts(row["banner"].replace("_", " ")),
            row["pair"],
            row["groups"],
            *(
                _short(row[name], 2)
                for name in ("change", "composition", "composition_error", "within", "within_error")
            ),
            [self.texts(text) for text in row["reasons"]],
        ]

    def _ends(self, row: Row) -> list[int]:
        return [self.waves((row["organisation"], row["series"], row[name])) for name in ("wave_from", "wave_to")]

    def _flags(self, row: Row) -> list[int]:
        return [self.texts(text) for text in words.flags(row["flags"])]

    def _method(self, row: Row) -> int:
        return self.texts("; ".join(filter(None, (row["interval_method"], row["variance_method"]))))


_UNASKED: Row = {"wording": "", "wording_kind": None, "base": None}


_LINE = ("organisation", "series", "category", "subgroup", "subgroup_value")


def _line(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in (*_LINE, "wave"))


def _step(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in (*_LINE, "wave_from", "wave_to", "pair"))


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
