"""Straight lines through the waves of a segment: slope, error, and whether a line is enough.

Belongs here: the lines through estimates with their standard errors, and the table `trend_tests`. Does not belong here:
regression on respondents (assets.estimates.design.regression), which waves may be joined (assets.trends.lines).

The line is that of generalised least squares: every wave weighs as much as one over its squared standard error, the
samples are independent, and the errors are taken as known, so the test is normal. That holds alike for figures counted
from respondents and for published ones. What is left over, squared in standard errors and summed, is a chi square if a
line is enough (Cochran 1954, Biometrics 10, 101-129).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow

from assets.trends import columns, families
from assets.trends.change import Z95, two_sided
from assets.trends.columns import Codes, Floats
from assets.trends.comparability import WORST_FIRST
from assets.trends.lines import Lines, Pairs, Reviewed
from assets.trends.shared import Shared
from assets.trends.steps import figures
from schemas.tables.comparisons import TREND_TESTS
from schemas.vocabulary import LineVerdict, words

YEAR = 365.25  # days
FEWEST = 3  # waves: through two a line always goes
VERDICTS = words(LineVerdict)
_OF_FAMILIES = np.array([VERDICTS.index(verdict) for verdict in families.VERDICTS])
_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False)
class Slopes:
    """Straight lines through groups of estimates; slope and error in units of the estimates per unit of time.

    Attributes:
        slope: (groups,); nan where all estimates are of the same time, as are the next two.
        error: (groups,).
        misfit: (groups,) sum of squared distances in standard errors.
        df: (groups,) estimates minus 2.
    """

    slope: Floats
    error: Floats
    misfit: Floats
    df: Codes


def through(times: npt.ArrayLike, values: npt.ArrayLike, errors: npt.ArrayLike, start: npt.ArrayLike = (0,)) -> Slopes:
    """Lines through independent estimates with known errors.

    Args:
        times: (n,) when each was made.
        values: (n,) estimates.
        errors: (n,) their standard errors, above 0.
        start: (groups,) first estimate of every group, ascending from 0; a group has two or more.
    """
    t, y, weight = (np.asarray(one, np.float64) for one in (times, values, errors))
    begun, weight = np.asarray(start, np.intp), weight**-2.0
    size = np.diff(np.append(begun, len(t)))
    t = t - np.repeat(t[begun], size)  # so that equal times are exactly as far apart as they should be

    def summed(column: Floats) -> Floats:
        return np.asarray(np.add.reduceat(column, begun))

    share = weight / np.repeat(summed(weight), size)
    apart, above = t - np.repeat(summed(share * t), size), y - np.repeat(summed(share * y), size)
    spread = summed(weight * apart**2)
    spread[~(spread > 0)] = np.nan
    slope = summed(weight * apart * above) / spread
    misfit = summed(weight * (above - np.repeat(slope, size) * apart) ** 2)
    return Slopes(slope, spread**-0.5, misfit, size - 2)


@dataclass(frozen=True, eq=False)
class _Segments:
    """Segments that are long enough, with the estimates that a line can go through.

    Attributes:
        row: (points,) rows, segment after segment.
        of: (points,) their segment.
        used: (points,) whether there is a standard error above 0.
        count: (segments,) used points.
        start: (segments,) their first point.
    """

    row: Codes
    of: Codes
    used: npt.NDArray[np.bool_]
    count: Codes
    start: Codes

    @property
    def ends(self) -> tuple[Codes, Codes]:
        """(segments,) rows of the first and of the last used point, or of all where none is used."""
        at, any_used = np.arange(len(self.row)), self.count[self.of] > 0
        wanted = self.used | ~any_used
        first = np.minimum.reduceat(np.where(wanted, at, len(at)), self.start)
        last = np.maximum.reduceat(np.where(wanted, at, -1), self.start)
        return self.row[first], self.row[last]


def table(lines: Lines, reviewed: Reviewed, ways: Pairs, shared: Shared | None = None) -> pyarrow.Table:
    """Rows of `trend_tests`.

    Segments of fewer than three waves are left out; waves without a standard error, or with a share of 0 or 100
    percent, are named in `reasons` and the line does not go through them. A family is all answers of an item in one
    column.

    Args:
        lines: the lines.
        reviewed: their reviewed estimates.
        ways: from first to last wave of the segments that have `FEWEST` waves, in their order.
        shared: what waves share, which the line does not take into account and says so; None is nothing.
    """
    if not len(ways.one):
        return columns.table(TREND_TESTS, {one.name: pyarrow.nulls(0, one.type) for one in TREND_TESTS.arrow()})
    long = reviewed.size >= FEWEST
    found = _segments(lines, reviewed.row, reviewed.start[long], reviewed.size[long])
    at, slopes = _slopes(lines, found)
    p, misfit_p = two_sided(slopes.slope / slopes.error), _misfit_p(slopes)
    adjusted = families.adjust(p, lines.column[ways.two[at]], slopes.slope)
    verdict, tested = np.full(len(found.start), VERDICTS.index("not_tested")), np.zeros(len(found.start), np.bool_)
    # Of a line that does not fit the slope's error is too small, as it allows for samples only.
    verdict[at] = np.where(misfit_p < families.LEVEL, VERDICTS.index("not_straight"), _OF_FAMILIES[adjusted.verdict])
    tested[at] = True
    first, last = found.ends

    def spread(values: npt.ArrayLike) -> pyarrow.Array:
        whole = np.full(len(tested), np.nan)
        whole[at] = values
        return columns.values(whole)

    place, wave = pyarrow.array(ways.two), lines.columns["wave"]
    own = {
        "segment": pyarrow.array(reviewed.segment[reviewed.start[long]]),
        "wave_from": wave.take(pyarrow.array(first)),
        "wave_to": wave.take(pyarrow.array(last)),
        "waves": pyarrow.array(found.count),
        "slope": spread(slopes.slope),
        "standard_error": spread(slopes.error),
        "slope_low": spread(slopes.slope - Z95 * slopes.error),
        "slope_high": spread(slopes.slope + Z95 * slopes.error),
        "p_value": spread(p),
        "p_adjusted": spread(adjusted.holm),
        "p_adjusted_bh": spread(adjusted.benjamini_hochberg),
        "family": columns.words(lines.called("lines of {}, all answers", "column"), lines.column[ways.two], tested),
        "misfit": spread(slopes.misfit),
        "misfit_df": spread(slopes.df),
        "misfit_p": spread(misfit_p),
        "straight": spread(misfit_p >= families.LEVEL),
        "comparability": columns.words(WORST_FIRST, ways.verdict),
        "reasons": columns.lists(lines.reasons.lists, _reasons(lines, ways.reason, found, tested, shared)),
        "verdict": columns.words(VERDICTS, verdict),
    }
    picked = {name: lines.columns[name].take(place) for name in TREND_TESTS.columns if name not in own}
    return columns.table(TREND_TESTS, own | picked)


def _segments(lines: Lines, rows: Codes, start: Codes, size: Codes) -> _Segments:
    begun = np.cumsum(size) - size
    of = np.repeat(np.arange(len(start)), size)
    row = rows[np.arange(len(of)) - begun[of] + start[of]]
    known = figures(lines).at(row)
    used = known.known & (known.standard_error > 0)
    return _Segments(row, of, used, np.bincount(of[used], minlength=len(start)), begun)


def _slopes(lines: Lines, found: _Segments) -> tuple[Codes, Slopes]:
    """The segments that have a line, and their lines."""
    enough = found.count >= FEWEST
    row, size = found.row[found.used & enough[found.of]], found.count[enough]
    if not len(row):
        none = np.zeros(0)
        return np.zeros(0, np.intp), Slopes(none, none, none, np.zeros(0, np.intp))
    time = (lines.start[row] + _EPOCH + lines.end[row] + _EPOCH) / 2 / YEAR
    known = figures(lines).at(row)
    made = through(time, known.percent, known.standard_error, np.cumsum(size) - size)
    there = ~np.isnan(made.slope)
    some = Slopes(made.slope[there], made.error[there], made.misfit[there], made.df[there])
    return np.flatnonzero(enough)[there], some


def _misfit_p(slopes: Slopes) -> Floats:
    # Imported here: without a line of three waves a refresh need not wait for scipy.
    from assets.estimates.design.distributions import chi_square_tails

    return chi_square_tails(slopes.misfit, slopes.df)


def _reasons(
    lines: Lines, spoken: Codes, found: _Segments, tested: npt.NDArray[np.bool_], shared: Shared | None
) -> Codes:
    """Numbers of the reasons of the steps, with the waves that are left out, what they share, why there is no test."""
    out, wave = spoken.copy(), lines.columns["wave"]
    size = np.diff(np.append(found.start, len(found.row)))
    sharing = _sharing(lines, found, size, shared)
    for at in np.flatnonzero((found.count < size) | ~tested | sharing):
        here = slice(found.start[at], found.start[at] + size[at])
        absent = wave.take(pyarrow.array(found.row[here][~found.used[here]])).to_pylist()
        more = [f"wave {name} is left out: no standard error" for name in absent]
        if sharing[at]:
            more.append("waves share people or primary units, which the line takes as independent")
        if found.count[at] < FEWEST:
            more.append(f"not tested: a standard error in {found.count[at]} waves only")
        elif not tested[at]:
            more.append("not tested: all waves are of the same time")
        out[at] = lines.reasons.number([*lines.reasons.lists[spoken[at]], *more])
    return out


def _sharing(lines: Lines, found: _Segments, size: Codes, shared: Shared | None) -> npt.NDArray[np.bool_]:
    """(segments,) whether any two of the waves share units."""
    out = np.zeros(len(size), np.bool_)
    if shared is None:
        return out
    release = columns.codes(lines.columns["release"])[found.row]
    names = lines.columns["release"].dictionary.to_pylist()
    known: dict[bytes, bool] = {}  # the lines of an item mostly have the same waves
    for at, start in enumerate(found.start):
        way = release[start : start + size[at]]
        key = way.tobytes()
        if key not in known:
            known[key] = shared.among([names[one] for one in way])
        out[at] = known[key]
    return out


def middle(row: Mapping[str, Any]) -> float:
    """The middle of the fieldwork in days, as a proleptic ordinal."""
    start: dt.date = row["fieldwork_start"]
    end: dt.date = row["fieldwork_end"] or start
    return (start.toordinal() + end.toordinal()) / 2
