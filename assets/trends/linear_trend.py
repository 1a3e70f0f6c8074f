"""Straight lines through the waves of a segment: slope, error, and whether a line is enough.

Belongs here: the line through estimates with their standard errors, and the table `trend_tests`. Does not belong here:
regression on respondents (assets.estimates.design.regression), which waves may be joined (assets.trends.steps).

The line is that of generalised least squares: every wave weighs as much as one over its squared standard error, the
samples are independent, and the errors are taken as known, so the test is normal. That holds alike for figures counted
from respondents and for published ones. What is left over, squared in standard errors and summed, is a chi square if a
line is enough (Cochran 1954, Biometrics 10, 101-129).
"""

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow

from assets.trends import families
from assets.trends.change import Z95, two_sided
from assets.trends.comparability import WORST_FIRST
from schemas.tables.figures import TREND_TESTS

YEAR = 365.25  # days
FEWEST = 3  # waves: through two a line always goes
_LINE = ("organisation", "series", "item", "category", "subgroup", "subgroup_value")


@dataclass(frozen=True)
class Line:
    """A straight line through k estimates; slope and error in units of the estimates per unit of time."""

    slope: float
    error: float
    misfit: float
    df: int


def through(times: npt.ArrayLike, values: npt.ArrayLike, errors: npt.ArrayLike) -> Line | None:
    """The line through independent estimates with known errors.

    Args:
        times: (k,) when each was made.
        values: (k,) estimates.
        errors: (k,) their standard errors, above 0.

    Returns:
        None where all are of the same time.
    """
    t, y, weight = (np.asarray(one, np.float64) for one in (times, values, errors))
    weight = weight**-2.0
    share = weight / weight.sum()
    apart, above = t - share @ t, y - share @ y
    spread = float(weight @ apart**2)
    if not spread > 0:
        return None
    slope = float(weight @ (apart * above)) / spread
    return Line(slope, spread**-0.5, float(weight @ (above - slope * apart) ** 2), len(t) - 2)


def table(trends: Sequence[Mapping[str, Any]]) -> pyarrow.Table:
    """The table `trend_tests` from rows of `trends`.

    Segments of fewer than three waves are left out; waves without a standard error, or with a share of 0 or 100
    percent, are named in `reasons` and the line does not go through them. A family is all answers of an item in one
    column.
    """
    rows: list[dict[str, Any]] = []
    whole: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    ordered = sorted(trends, key=lambda row: (*(row[name] for name in _LINE), row["position"]))
    for key, points in itertools.groupby(ordered, key=lambda row: (*(row[name] for name in _LINE), row["segment"])):
        segment = list(points)
        if len(segment) >= FEWEST:
            row = {**dict(zip((*_LINE, "segment"), key, strict=True)), **_tested(segment)}
            rows.append(row)
            whole.setdefault((*key[:3], *key[4:6]), []).append(row)
    for column, of_item in whole.items():
        families.adjust(of_item, f"lines of {' / '.join(column[2:])}, all answers", "slope")
        for row in of_item:
            if row.get("straight") is False:  # then the slope's error is too small, as it allows for samples only
                row["verdict"] = "not_straight"
    return pyarrow.Table.from_pylist(rows, schema=TREND_TESTS.arrow())


def middle(row: Mapping[str, Any]) -> float:
    """The middle of the fieldwork in days, as a proleptic ordinal."""
    start: dt.date = row["fieldwork_start"]
    end: dt.date = row["fieldwork_end"] or start
    return (start.toordinal() + end.toordinal()) / 2


def _tested(segment: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    steps = segment[1:]
    used = [row for row in segment if row["percent"] is not None and row["standard_error"]]
    reasons = list(dict.fromkeys(reason for step in steps for reason in step["reasons"]))
    reasons += [f"wave {row['wave']} is left out: no standard error" for row in segment if row not in used]
    found: dict[str, Any] = {
        "wave_from": (used or segment)[0]["wave"],
        "wave_to": (used or segment)[-1]["wave"],
        "waves": len(used),
        "comparability": min((step["comparability"] for step in steps), key=WORST_FIRST.index),
        "reasons": reasons,
        "verdict": "not_tested",
    }
    if len(used) < FEWEST:
        reasons.append(f"not tested: a standard error in {len(used)} waves only")
        return found
    columns = ([middle(row) / YEAR for row in used], *([row[name] for row in used] for name in _FIGURES))
    line = through(*columns)
    if line is None:
        reasons.append("not tested: all waves are of the same time")
        return found
    return found | _figures(line)


_FIGURES = ("percent", "standard_error")


def _figures(line: Line) -> dict[str, Any]:
    # Imported here: without a line of three waves a refresh need not wait for scipy.
    from assets.estimates.design.distributions import chi_square_tail

    misfit_p = chi_square_tail(line.misfit, line.df)
    return {
        "slope": line.slope,
        "standard_error": line.error,
        "slope_low": line.slope - Z95 * line.error,
        "slope_high": line.slope + Z95 * line.error,
        "p_value": two_sided(line.slope / line.error),
        "misfit": line.misfit,
        "misfit_df": line.df,
        "misfit_p": misfit_p,
        "straight": misfit_p >= families.LEVEL,
    }
