"""Trends and changes from estimates, questions and waves.

Belongs here: the order of waves, predecessors, segments, change with error and verdict. Does not belong here: the
rules of comparability (assets.trends.comparability).

The test of a change is the normal one for two independent shares with their design-based errors; families are adjusted
with Holm (1979). The detectable change solves d = (z_0.975 + z_0.80) * se(p, p + d), as in R `power.prop.test` with
separate variances. Nothing is tested across a break or without review.
"""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow

from assets.trends.comparability import End, joins, judge
from schemas.tables.figures import CHANGES, TRENDS
from schemas.vocabulary import Comparability

Z95 = 1.959963984540054  # qnorm(0.975)
Z80 = 0.8416212335729143  # qnorm(0.8)
LEVEL = 0.05

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
) -> tuple[pyarrow.Table, pyarrow.Table]:
    """Trends and changes.

    Args:
        estimates: rows of `estimates`.
        questions: rows of `questions` by (release, question).
        waves: rows of `waves` by (organisation, series, wave).

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
        trends += _trend(cell, reviewed, verdict)
        family: dict[tuple[str, str], dict[str, Any]] = {}
        for sequence in (points, reviewed):
            for one, two in itertools.pairwise(sequence):
                pair = (one.end.wave, two.end.wave)
                if pair not in family:
                    family[pair] = _change(cell, one, two, *verdict(one, two))
        _adjust(cell, list(family.values()))
        changes += family.values()
    return (
        pyarrow.Table.from_pylist(trends, schema=TRENDS.arrow()),
        pyarrow.Table.from_pylist(changes, schema=CHANGES.arrow()),
    )


def _trend(cell: tuple[str, ...], points: list[Point], verdict: Any) -> list[dict[str, Any]]:
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
                "change": _difference(before, point) if joins(comparability) else None,
            }
        rows.append({**row, "segment": segment})
    return rows


def _change(
    cell: tuple[str, ...], one: Point, two: Point, comparability: Comparability, reasons: list[str]
) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(_CELL, cell, strict=True))
    row |= {
        "wave_from": one.end.wave,
        "wave_to": two.end.wave,
        "percent_from": one.row["percent"],
        "percent_to": two.row["percent"],
        "comparability": comparability,
        "reasons": list(reasons),
        "verdict": "not_tested",
    }
    if not joins(comparability):
        return row
    row["change"] = _difference(one, two)
    errors = [point.row["standard_error"] for point in (one, two)]
    if row["change"] is None or None in errors:
        row["reasons"].append(
            "not tested: no standard error in wave "
            + " and ".join(
                p.end.wave for p, e in zip((one, two), errors, strict=True) if e is None or p.row["percent"] is None
            )
        )
        return row
    error = math.hypot(*errors)
    row["standard_error"] = error
    row["detectable_change"] = detectable(one.row["percent"], one.row["n_effective"], two.row["n_effective"])
    if error > 0:
        row["change_low"], row["change_high"] = row["change"] - Z95 * error, row["change"] + Z95 * error
        row["p_value"] = two_sided(row["change"] / error)
    else:
        row["reasons"].append("not tested: shares of 0 or 100 percent have no standard error")
    return row


def _adjust(cell: tuple[str, ...], family: list[dict[str, Any]]) -> None:
    """Holm within the line: the tests that a reader of one trend makes at once."""
    tested = sorted((row for row in family if row.get("p_value") is not None), key=lambda row: row["p_value"])
    running = 0.0
    for rank, row in enumerate(tested):
        running = max(running, min(1.0, row["p_value"] * (len(tested) - rank)))
        row["p_adjusted"] = running
        row["family"] = f"consecutive waves of {' / '.join(cell[2:])}"
        if running < LEVEL:
            row["verdict"] = "rise" if row["change"] > 0 else "fall"
        else:
            row["verdict"] = "no_detectable_change"


def _difference(one: Point, two: Point) -> float | None:
    before, after = one.row["percent"], two.row["percent"]
    return None if before is None or after is None else after - before


def two_sided(z: float) -> float:
    """Two-sided p-value of a normal deviate (R `2 * pnorm(-abs(z))`)."""
    return math.erfc(abs(z) / math.sqrt(2))


def detectable(percent: float, n_one: float, n_two: float) -> float:
    """Smallest rise from `percent` that two samples find at 5 % (two-sided) with 80 % power, in points.

    Args:
        percent: share in the earlier wave, 0 to 100; shares above a half are looked at from the other end.
        n_one: effective n of the earlier wave.
        n_two: effective n of the later wave.
    """
    p = min(percent, 100 - percent) / 100
    # d = z * sqrt(p(1-p)/n1 + (p+d)(1-p-d)/n2), squared, is a quadratic in d; its positive root
    z = (Z95 + Z80) ** 2
    square, linear, constant = 1 + z / n_two, -z * (1 - 2 * p) / n_two, -z * p * (1 - p) * (1 / n_one + 1 / n_two)
    difference = (-linear + math.sqrt(linear * linear - 4 * square * constant)) / (2 * square)
    if p + difference > 1:  # so few interviews that only everybody would do
        difference = math.sqrt(z * p * (1 - p) / n_one)
    return 100 * difference
