"""Any two waves of an item on request: difference, error, test, and whether they compare.

Belongs here: reading two waves from the published database and putting together what is known of the step between them.
Does not belong here: the rules of comparability and the judging of steps, which stand in `trends` and `changes`
already, the test (assets.trends.change), printing.

What `changes` has of a pair is taken from there, so that no pair has two answers. Any other pair compares as the worst
step between its waves does, and its samples are taken as independent. The SQL macros `compare`, of
everyone asked, and `compare_groups` say the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from assets.trends import change
from assets.trends.comparability import WORST_FIRST, joins
from schemas.vocabulary import Comparability
from warehouse.rows import Row, rows

_CELL = ("organisation", "series", "category", "subgroup", "subgroup_value")
_FIGURES = (
    "change", "standard_error", "correlation", "change_low", "change_high", "p_value", "p_adjusted", "p_adjusted_bh",
    "family", "detectable_change", "other_readings",
)  # fmt: skip
_CORRELATED = "SELECT DISTINCT organisation, series FROM changes WHERE item = ? AND correlation IS NOT NULL"
_INDEPENDENT = "the samples are taken as independent; other waves of this series share people or primary units"
_TESTED = ("change", "standard_error", "change_low", "change_high", "p_value", "detectable_change")
_ENDS = """
SELECT
    e.organisation, e.series, e.category, e.subgroup, e.subgroup_value, e.wave, e.fieldwork_start, e.fieldwork_end,
    e.percent, e.percent_low, e.percent_high, e.standard_error, e.n, e.n_effective, e.flags, e.qualifier,
    e.published_text, e.basis, c.label, t.position, q.decision, q.reason, q.reviewed_by
FROM estimates AS e
JOIN categories AS c ON c.item = e.item AND c.category = e.category
LEFT JOIN questions AS q ON q.release = e.release AND q.question = e.question
LEFT JOIN trends AS t
    ON t.item = e.item AND t.organisation = e.organisation AND t.series = e.series AND t.wave = e.wave
    AND t.category = e.category AND t.subgroup = e.subgroup AND t.subgroup_value = e.subgroup_value
WHERE e.item = ? AND e.wave IN (?, ?)
ORDER BY e.organisation, e.series, e.subgroup <> 'total', e.subgroup, e.subgroup_value, c.position
"""
_STEPS = """
SELECT organisation, series, category, subgroup, subgroup_value, position, comparability, reasons
FROM trends WHERE item = ? ORDER BY position
"""
_CHANGES = f"""
SELECT organisation, series, category, subgroup, subgroup_value, wave_from, wave_to, comparability, reasons,
    {", ".join(_FIGURES)}
FROM changes WHERE item = ?1 AND wave_from IN (?2, ?3) AND wave_to IN (?2, ?3)
ORDER BY list_position(['baseline', 'first_last', 'consecutive'], pair)
"""


@dataclass(frozen=True)
class Name:
    """A wave as a person names it: its id, alone or as organisation/series/wave."""

    wave: str
    organisation: str | None = None
    series: str | None = None

    @classmethod
    def of(cls, text: str) -> "Name":
        """Read a name; what has two slashes or more is a full one."""
        parts = text.split("/", 2)
        return cls(parts[2], parts[0], parts[1]) if len(parts) == 3 else cls(text)

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Whether a figure is of this wave."""
        return row["wave"] == self.wave and (
            self.organisation is None or (row["organisation"], row["series"]) == (self.organisation, self.series)
        )


def compare(con: duckdb.DuckDBPyConnection, item: str, one: str, two: str) -> list[Row]:
    """Two waves of an item, cell by cell, in every series that has both.

    Args:
        con: the published database.
        item: id of the item.
        one: a wave, by its id or as organisation/series/wave.
        two: another; the earlier of the two becomes `wave_from`, whatever the order here.

    Returns:
        One row per cell: where it is from, `wave_from`, `wave_to`, both shares with interval and n, `change`,
        `standard_error`, `change_low`, `change_high` (points), `p_value`, `detectable_change`, `comparability`,
        `reasons`, `verdict`; and `p_adjusted`, `p_adjusted_bh`, `family`, `correlation`, `other_readings` where
        `changes` has the pair. Nothing is tested where the waves do not compare. Waves of two series are told side by
        side and are `not_comparable`.
    """
    names = (Name.of(one), Name.of(two))
    if names[0] == names[1]:
        return []
    waves = [name.wave for name in names]
    ends = rows(con, _ENDS, [item, *waves])
    steps: dict[tuple[str, ...], list[Row]] = {}
    for row in rows(con, _STEPS, [item]):
        steps.setdefault(_cell(row), []).append(row)
    # Later rows win: the consecutive pair, if a pair is there as several.
    known = {(*_cell(row), row["wave_from"], row["wave_to"]): row for row in rows(con, _CHANGES, [item, *waves])}
    pairs = list(_pairs(ends, *names))
    found = [
        _judged(first, second, steps.get(_cell(first), []), known.get((*_cell(first), first["wave"], second["wave"])))
        for first, second in pairs
    ]
    _test([(row, *ends) for row, ends in zip(found, pairs, strict=True) if row["verdict"] is None])
    correlated = {tuple(row.values()) for row in rows(con, _CORRELATED, [item])}
    for row in found:
        if row["verdict"] is None and (row["organisation"], row["series"]) in correlated:
            row["reasons"].append(_INDEPENDENT)
        row["verdict"] = _verdict(row)
    return found


def _cell(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _CELL)


def _pairs(ends: Sequence[Row], one: Name, two: Name) -> Iterator[tuple[Row, Row]]:
    """Both ends of every cell, the earlier first. Two full names of different series are paired by category."""
    across = None not in (one.organisation, two.organisation) and (one.organisation, one.series) != (
        two.organisation,
        two.series,
    )
    key = _cell if not across else lambda row: _cell(row)[2:]
    others = {key(row): row for row in ends if two.fits(row)}
    for row in ends:
        if one.fits(row) and (other := others.get(key(row))):
            yield (row, other) if _order(row) < _order(other) or across else (other, row)


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Undated waves last; of those that are not in a trend the rule by which trends order theirs."""
    start = row["fieldwork_start"]
    return (start is None, start or 0, row["fieldwork_end"] or start or 0, row["wave"])


def _judged(one: Row, two: Row, steps: Sequence[Row], known: Row | None) -> Row:
    verdict, reasons = (known["comparability"], known["reasons"]) if known else _comparability(one, two, steps)
    row = {
        **{name: one[name] for name in (*_CELL, "label")},
        **{f"{name}_from": one[name] for name in ("organisation", "series")},
        **{f"{name}_to": two[name] for name in ("organisation", "series")},
        **{f"{name}_{end}": of[name] for end, of in (("from", one), ("to", two)) for name in _OF_END},
        **dict.fromkeys(_FIGURES),
        "other_readings": [],
        "comparability": verdict,
        "reasons": list(reasons),
        "verdict": "not_tested",
    }
    if known:
        row |= {name: known[name] for name in _FIGURES}
    elif joins(verdict):
        row["verdict"] = None  # still to be tested
    return row


def _figures(ends: Sequence[Row]) -> change.Figures:
    return change.Figures(*(np.array([end[name] for end in ends], np.float64) for name in change.Figures._fields))


def _test(pairs: Sequence[tuple[Row, Row, Row]]) -> None:
    """Fill in the figures of rows whose two ends compare, all at once."""
    found = change.tested(_figures([one for _, one, _ in pairs]), _figures([two for _, _, two in pairs]))
    for at, (row, one, two) in enumerate(pairs):
        for name in _TESTED:
            value = float(getattr(found, name)[at])
            row[name] = value if np.isfinite(value) else None
        unknown = [end["wave"] for end, mask in zip((one, two), found.error_unknown, strict=True) if mask[at]]
        if unknown:
            row["reasons"].append(change.no_error(unknown))
        elif found.cannot_vary[at]:
            row["reasons"].append(change.NO_ERROR)


_OF_END = (
    "wave", "fieldwork_start", "fieldwork_end", "percent", "percent_low", "percent_high", "n", "n_effective", "flags",
    "qualifier", "published_text", "basis",
)  # fmt: skip


def _verdict(row: Mapping[str, Any]) -> str:
    """Of this pair alone, chosen beforehand: whether zero lies outside the 95 % interval."""
    if row["change_low"] is None:
        return "not_tested"
    return "rise" if row["change_low"] > 0 else "fall" if row["change_high"] < 0 else "no_detectable_change"


def _comparability(one: Row, two: Row, steps: Sequence[Row]) -> tuple[Comparability, list[str]]:
    if (one["organisation"], one["series"]) != (two["organisation"], two["series"]):
        houses = " and ".join(f"{end['organisation']}/{end['series']}" for end in (one, two))
        return "not_comparable", [f"two series, which are never tested against each other: {houses}"]
    absent = [reason for end in (one, two) if (reason := _absent(end))]
    if absent:
        return "unreviewed", absent
    first, last = sorted((one["position"], two["position"]))
    between = [step for step in steps if first < step["position"] <= last]
    worst: Comparability = min((step["comparability"] for step in between), key=WORST_FIRST.index)
    return worst, list(dict.fromkeys(reason for step in between for reason in step["reasons"]))


def _absent(end: Mapping[str, Any]) -> str | None:
    """Why a figure is not in `trends`."""
    if end["position"] is not None:
        return None
    if end["decision"] == "exclude":
        return f"wave {end['wave']} is excluded from trends: {end['reason'] or ''}"
    if end["reviewed_by"] is None:
        return f"not reviewed in wave {end['wave']}"
    return f"wave {end['wave']} {'has no date' if end['fieldwork_start'] is None else 'is not in trends'}"
