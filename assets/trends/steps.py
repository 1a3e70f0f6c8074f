"""Trends and changes from estimates, questions and waves.

Belongs here: the order of waves, predecessors, segments, which pairs of waves are compared and tested together. Does
not belong here: the rules of comparability (assets.trends.comparability), the test (assets.trends.change), adjustment
(assets.trends.families).

Nothing is tested across a break or without review. Families: the steps of one line; the same line against its baseline;
all answers of an item in one column, first wave against last.
"""

import bisect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow

from assets.trends import change, families
from assets.trends.comparability import WORST_FIRST, End, joins, judge
from schemas.tables.figures import CHANGES, TRENDS
from schemas.vocabulary import Comparability, Pair

_CELL = ("organisation", "series", "item", "category", "subgroup", "subgroup_value")


@dataclass(frozen=True)
class Point:
    """An estimate in its line, with the question it answers."""

    row: Mapping[str, Any]
    end: End
    order: tuple[Any, ...]
    wording: str


def compute(
    estimates: Sequence[Mapping[str, Any]],
    questions: Mapping[tuple[str, str], Mapping[str, Any]],
    waves: Mapping[tuple[str, str, str], Mapping[str, Any]],
    baselines: Mapping[tuple[str, str], str] | None = None,
) -> tuple[pyarrow.Table, pyarrow.Table]:
    """Trends and changes.

    Args:
        estimates: rows of `estimates`.
        questions: rows of `questions` by (release, question).
        waves: rows of `waves` by (organisation, series, wave).
        baselines: wave that a series declares as its baseline, by (organisation, series).

    Returns:
        `trends` and `changes` with their declared columns. Waves without a date cannot be ordered and are left out;
        so are questions whose decision is `exclude`.
    """
    lines: dict[tuple[str, ...], list[Point]] = {}
    of_item: dict[tuple[str, str, str], dict[tuple[Any, ...], End]] = {}
    for row in estimates:
        question = questions[(row["release"], row["question"])]
        if row["fieldwork_start"] is None or question["decision"] == "exclude":
            continue
        wave = waves[(row["organisation"], row["series"], row["wave"])]
        end = End(
            row["wave"],
            question["question_match"],
            question["options_match"],
            question["decision"],
            question["reason"],
            question["reviewed_by"] is not None,
            question["form"],
            row["base"],
            wave["mode"],
            wave["population"],
            wave["weighting"],
        )
        order = (row["fieldwork_start"], row["fieldwork_end"] or row["fieldwork_start"], row["wave"])
        lines.setdefault(tuple(row[name] for name in _CELL), []).append(Point(row, end, order, question["wording"]))
        of_item.setdefault((row["organisation"], row["series"], row["item"]), {}).setdefault(order, end)
    trends: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    whole: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    judged: dict[Any, tuple[Comparability, list[str]]] = {}
    in_order = {item: sorted(ends.items(), key=lambda at: at[0]) for item, ends in of_item.items()}
    for cell in sorted(lines):
        points = sorted(lines[cell], key=lambda point: point.order)

        def verdict(
            one: Point, two: Point, asked: list[tuple[tuple[Any, ...], End]] = in_order[cell[0], cell[1], cell[2]]
        ) -> tuple[Comparability, list[str]]:
            first = bisect.bisect_right(asked, one.order, key=lambda at: at[0])
            last = bisect.bisect_left(asked, two.order, key=lambda at: at[0])
            key = (one.end, two.end, tuple(end for _, end in asked[first:last]))
            if key not in judged:
                judged[key] = judge(*key)
            return judged[key]

        reviewed = [point for point in points if point.end.reviewed]
        steps = _trend(reviewed, verdict)
        trends += steps
        family: dict[tuple[str, str], dict[str, Any]] = {}
        for sequence in (points, reviewed):
            for one, two in itertools.pairwise(sequence):
                pair = (one.end.wave, two.end.wave)
                if pair not in family:
                    family[pair] = _change(cell, "consecutive", one, two, *verdict(one, two))
        ends, from_baseline = _long_changes(cell, reviewed, steps, (baselines or {}).get((cell[0], cell[1])))
        line = " / ".join(cell[2:])
        families.adjust(list(family.values()), f"consecutive waves of {line}")
        families.adjust(from_baseline, f"waves of {line} against the baseline")
        whole.setdefault(_column(cell), []).extend(ends)
        changes += [*family.values(), *ends, *from_baseline]
    for column, ends in whole.items():
        families.adjust(ends, f"first to last wave of {' / '.join(column[2:])}, all answers")
    return (
        pyarrow.Table.from_pylist(trends, schema=TRENDS.arrow()),
        pyarrow.Table.from_pylist(changes, schema=CHANGES.arrow()),
    )


def _column(cell: tuple[str, ...]) -> tuple[str, ...]:
    """The column of a banner that a line is in, all categories together."""
    return tuple(part for name, part in zip(_CELL, cell, strict=True) if name != "category")


def _trend(points: list[Point], verdict: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    segment = 1
    for position, point in enumerate(points, start=1):
        row = {name: point.row.get(name) for name in TRENDS.columns}
        row |= {"position": position, "wording": point.wording, "reasons": []}
        if position > 1:
            before = points[position - 2]
            comparability, reasons = verdict(before, point)
            segment += 0 if joins(comparability) else 1
            row |= {
                "predecessor": before.end.wave,
                "predecessor_percent": before.row["percent"],
                "comparability": comparability,
                "reasons": reasons,
                "change": change.difference(before.row, point.row) if joins(comparability) else None,
            }
        rows.append({**row, "segment": segment})
    return rows


def _change(
    cell: tuple[str, ...], pair: Pair, one: Point, two: Point, comparability: Comparability, reasons: Sequence[str]
) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(_CELL, cell, strict=True))
    row |= {
        "wave_from": one.end.wave,
        "wave_to": two.end.wave,
        "pair": pair,
        "percent_from": one.row["percent"],
        "percent_to": two.row["percent"],
        "comparability": comparability,
        "reasons": list(reasons),
        "verdict": "not_tested",
    }
    if joins(comparability):
        found, untested = change.tested(one.row, two.row)
        row |= found
        row["reasons"] += [untested] if untested else []
    return row


def _long_changes(
    cell: tuple[str, ...], points: Sequence[Point], steps: Sequence[Mapping[str, Any]], baseline: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Pairs that are not neighbours: ends of a segment of three waves or more, and every wave against
    the baseline.

    Args:
        cell: what the line is of.
        points: its reviewed estimates in order.
        steps: their rows of `trends`.
        baseline: wave that the series declares as its baseline.

    Returns:
        Rows of `changes` for both kinds of pairs, not adjusted.
    """
    ends: list[dict[str, Any]] = []
    start = 0
    for last in range(len(points)):
        if last + 1 < len(points) and joins(steps[last + 1]["comparability"]):
            continue
        if last > start + 1:  # of two waves the step is first to last already
            ends.append(_change(cell, "first_last", points[start], points[last], *_worst(steps[start + 1 : last + 1])))
        start = last + 1
    from_baseline: list[dict[str, Any]] = []
    base = next((at for at, point in enumerate(points) if point.end.wave == baseline), None)
    for at in range(len(points)) if base is not None else ():
        one, two = min(at, base or 0), max(at, base or 0)
        if one != two:
            verdict = _worst(steps[one + 1 : two + 1])
            from_baseline.append(_change(cell, "baseline", points[one], points[two], *verdict))
    return ends, from_baseline


def _worst(steps: Sequence[Mapping[str, Any]]) -> tuple[Comparability, list[str]]:
    """Two waves compare as the worst step between them does; every reason once, in the order of the waves."""
    verdict = min((step["comparability"] for step in steps), key=WORST_FIRST.index)
    return verdict, list(dict.fromkeys(reason for step in steps for reason in step["reasons"]))
