"""The sums of `.moments` compiled: the same formulas in two sweeps over the rows for all columns of all banners.

Belongs here: loops over rows that numba compiles. Does not belong here: what the sums mean (`.moments`), when they are
used (`.sums`). Importing this module costs what importing numba costs, so only `.sums` does, for large samples.

The first sweep adds up weights, squared weights and rows by column and option; then p is known, and the second adds up
weights by PSU, column and option and turns each PSU's sums into deviations. It does so for runs of columns side by side
(`RUN` and more), as one PSU of some thirty people has somebody in most columns and the processor takes four columns at
a time. The machine code is kept beside this file, or in the user's cache folder where that is not writable; where
neither is, every process compiles anew. Every loop
runs over the rows in their order in one thread, so that equal inputs give equal bits; several questions may run at
once, as the loops let go of Python's lock.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from assets.estimates.engine.frame import Codes, Floats
from assets.estimates.engine.moments import Banners, Base, Means, Parts, Shares, outputs, plain_shares, scaled, split

BLOCK = 16384  # rows that are added up before they are added to the whole, so that rounding does not grow with the rows
RUN = 8  # columns at least that are looked at together
_RULES = {"fail": 0, "remove": 0, "certainty": 0, "adjust": 1, "average": 2}
_F = TypeVar("_F", bound=Callable[..., Any])


def _compiled(function: _F) -> _F:
    try:
        made = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder to keep the machine code in
        made = numba.njit(nogil=True)(function)
    return cast(_F, made)


def share_sums(banners: Banners, codes: Codes, options: int, parts: Parts) -> Shares:
    """As `moments.share_sums`."""
    frame, size = banners.frame, banners.size
    cells = _cells(frame.weights, banners.matrix, codes, size + 1, options)[:-1].reshape(size, options, 4)
    weight, squares, n = cells[..., 0], cells[..., 1], cells[..., 2].sum(axis=1)
    chosen, rest = outputs(weight, parts)
    if frame.psu_start is None:
        return plain_shares(frame, n, chosen, rest, *outputs(squares, parts))
    p, q = split(n, chosen, rest)
    runs, start = _runs(banners)
    variance, df = _share_variance(
        frame.weights, frame.psu_start, frame.stratum_start, frame.fraction, _RULES[frame.lonely],
        frame.lonely_in_domains, banners.matrix, runs, start, codes, options, parts, _side_by_side(p), _side_by_side(q),
    )  # fmt: skip
    variance, df = variance[:size], df[:size]
    base = Base(n.astype(np.int64), weight.sum(axis=1), squares.sum(axis=1), df)
    return Shares(base, p, q, scaled(variance, base))


def mean_sums(banners: Banners, scores: Floats) -> Means:
    """As `moments.mean_sums`."""
    frame, size = banners.frame, banners.size
    sums, low, high = _scored(frame.weights, banners.matrix, scores, size + 1)
    n, weight, squares, total = sums[:-1].T
    whole = np.where(n > 0, weight, np.nan)
    value = total / whole
    if frame.psu_start is None:
        spread, variance = _plain_spread(frame.weights, banners.matrix, scores, np.append(value, 0.0))
        variance, df = variance[:-1] * frame.plain_factor, np.maximum(n - 1, 0).astype(np.int64)
    else:
        touched, start = _touched(banners)
        spread, variance, df = _mean_variance(
            frame.weights, frame.psu_start, frame.stratum_start, frame.fraction, _RULES[frame.lonely],
            frame.lonely_in_domains, banners.matrix, touched, start, scores, np.append(value, 0.0),
        )  # fmt: skip
    base = Base(n.astype(np.int64), weight, squares, df)
    return Means(base, value, spread[:-1] / whole, low[:-1] >= high[:-1], scaled(variance, base))


def _touched(banners: Banners) -> tuple[Any, Any]:
    """Columns that every PSU has rows in, one PSU after the other, and where a PSU's begin; made once."""
    made = banners.kept.get("touched")
    if made is None:
        made = banners.kept["touched"] = _columns_of_psus(banners.frame.psu_start, banners.matrix, banners.size)
    return made  # type: ignore[no-any-return]


def _runs(banners: Banners) -> tuple[Any, Any]:
    """As `_touched`, in runs of columns."""
    made = banners.kept.get("runs")
    if made is None:
        made = banners.kept["runs"] = _runs_of_psus(*_touched(banners), banners.size)
    return made  # type: ignore[no-any-return]


def _side_by_side(cells: Floats) -> Floats:
    """(O, C) of cells (D, O): D rounded up to whole runs, with room for rows in no column; 0 where there is no base."""
    size, many = cells.shape
    out = np.zeros((many, (size // RUN + 1) * RUN))
    out[:, :size] = np.nan_to_num(cells.T)
    return out


@_compiled
def _columns_of_psus(psu_start: Any, matrix: Any, size: int) -> Any:
    units = len(psu_start) - 1
    start = np.zeros(units + 1, np.int64)
    last = np.full(size + 1, -1, np.int64)
    for u in range(units):
        start[u + 1] = start[u]
        for i in range(psu_start[u], psu_start[u + 1]):
            for b in range(matrix.shape[1]):
                if last[matrix[i, b]] != u:
                    last[matrix[i, b]] = u
                    start[u + 1] += matrix[i, b] < size
    touched = np.empty(start[units], np.uint16)
    last[:] = -1
    at = 0
    for u in range(units):
        for i in range(psu_start[u], psu_start[u + 1]):
            for b in range(matrix.shape[1]):
                d = matrix[i, b]
                if last[d] != u:
                    last[d] = u
                    if d < size:
                        touched[at] = d
                        at += 1
    return touched, start


@_compiled
def _cells(w: Any, matrix: Any, codes: Any, size: int, options: int) -> Any:
    """(size, options * 4): weight, squared weight, rows with a weight above 0, and nothing, of columns and options."""
    whole, part = np.zeros((size, options * 4)), np.zeros((size, options * 4))
    width = matrix.shape[1]
    for start in range(0, len(w), BLOCK):
        part[:] = 0.0
        for i in range(start, min(start + BLOCK, len(w))):
            k = codes[i]
            if k < 0:
                continue
            at, weight = np.uint64(k) * np.uint64(4), w[i]
            square, one = weight * weight, 1.0 if weight > 0 else 0.0
            for b in range(width):
                d = matrix[i, b]
                part[d, at] += weight
                part[d, at + np.uint64(1)] += square
                part[d, at + np.uint64(2)] += one
        whole += part
    return whole


@_compiled
def _runs_of_psus(touched: Any, touched_start: Any, size: int) -> Any:
    """Runs of columns, from and to, that hold all that a PSU has rows in; and where a PSU's runs begin."""
    units = len(touched_start) - 1
    start, runs = np.zeros(units + 1, np.int64), np.zeros((len(touched), 2), np.int64)
    there = np.zeros(size // RUN + 1, np.bool_)
    at = 0
    for u in range(units):
        there[:] = False
        for t in range(touched_start[u], touched_start[u + 1]):
            there[touched[t] // RUN] = True
        for block in range(len(there)):
            if not there[block]:
                continue
            if at > start[u] and runs[at - 1, 1] == block * RUN:
                runs[at - 1, 1] += RUN
            else:
                runs[at] = block * RUN, (block + 1) * RUN
                at += 1
        start[u + 1] = at
    return runs[:at].astype(np.uint64), start  # unsigned: no index is negative, which keeps loops free of a check


@_compiled
def _share_variance(
    w: Any, psu_start: Any, stratum_start: Any, fraction: Any, rule: int, in_domains: bool, matrix: Any,
    runs: Any, runs_start: Any, codes: Any, options: int, parts: Any, p: Any, q: Any,
) -> Any:  # fmt: skip
    """(D, O) sums over strata of squared deviations of PSUs, times what the design multiplies them by; (D,) df.

    p and q are (O, C): columns lie side by side, C of them, D rounded up, so that the inner loops, over a run of
    columns that a PSU has rows in, become vector instructions. What a run holds beside those columns adds nothing.
    """
    many, wide = p.shape
    sums, rest = np.zeros((many, wide)), np.zeros((many, wide))
    first, off, square = np.zeros((many, wide)), np.zeros((many, wide)), np.zeros((many, wide))
    whole, above = np.zeros(wide), np.zeros(wide)
    there, opens, seen = np.zeros(wide), np.zeros(wide), np.zeros(wide)
    total, df = np.zeros((wide, many)), np.zeros(wide, np.int64)
    present, lone = np.zeros(wide, np.int64), np.zeros(wide, np.int64)
    for h in range(len(stratum_start) - 1):
        low: Any = wide  # first column of the stratum, and one after the last
        high: Any = 0
        for u in range(stratum_start[h], stratum_start[h + 1]):
            for i in range(psu_start[u], psu_start[u + 1]):
                k = codes[i]
                if k < 0:
                    continue
                for b in range(matrix.shape[1]):
                    sums[np.uint64(k), matrix[i, b]] += w[i]
            for run in range(runs_start[u], runs_start[u + 1]):
                start, end = runs[run]
                low, high = min(low, np.int64(start)), max(high, np.int64(end))
                # Of one option the rest is what lies below it and above it: sums of weights, never a difference.
                whole[start:end] = 0.0
                above[start:end] = 0.0
                for k in range(options):
                    for d in range(start, end):
                        rest[k, d] = whole[d]
                        whole[d] += sums[k, d]
                for k in range(options - 1, -1, -1):
                    for d in range(start, end):
                        rest[k, d] += above[d]
                        above[d] += sums[k, d]
                for o in range(options, many):
                    rest[o, start:end] = 0.0
                    for k in range(options):
                        into = sums[o] if parts[o, k] else rest[o]
                        for d in range(start, end):
                            into[d] += sums[k, d]
                for d in range(start, end):
                    there[d] = 1.0 if whole[d] > 0 else 0.0
                    opens[d] = there[d] if seen[d] == 0 else 0.0
                    seen[d] += there[d]
                for o in range(many):
                    for d in range(start, end):
                        z = sums[o, d] * q[o, d] - rest[o, d] * p[o, d]
                        first[o, d] += z * opens[d]
                        step = (z - first[o, d]) * there[d]
                        off[o, d] += step
                        square[o, d] += step * step
                        sums[o, d] = 0.0
        m, f = float(stratum_start[h + 1] - stratum_start[h]), fraction[h]
        for d in range(low, high):
            if seen[d] > 0:
                present[d] += 1
                df[d] += np.int64(seen[d]) - 1
                lone[d] += _close_stratum(
                    m, f, rule, in_domains, seen[d], first[:, d], off[:, d], square[:, d], total[d]
                )
                first[:, d], off[:, d], square[:, d], seen[d] = 0.0, 0.0, 0.0, 0.0
    _averaged(total, rule, present, lone)
    return total, df


@_compiled
def _close_stratum(
    m: Any, f: Any, rule: int, in_domains: bool, seen: Any, first: Any, off: Any, square: Any, total: Any
) -> int:
    """Add to `total` (O,) what a stratum gives a column; 1 if the stratum was lone there, else 0.

    `off` and `square` are sums of deviations from `first`, the deviation of its first PSU, and of their squares.
    """
    lone = f < 1 and (m == 1 or (in_domains and seen == 1))
    if lone and rule == 2:
        return 1
    factor = (1 - f) * m / max(m - 1.0, 1.0)
    part = seen * 1.0 if lone and rule == 1 else seen * (m - seen) / m
    for o in range(len(total)):
        mean = first[o] + off[o] / seen
        total[o] += factor * (max(square[o] - off[o] * off[o] / seen, 0.0) + mean * mean * part)
    return 1 if lone else 0


@_compiled
def _averaged(total: Any, rule: int, present: Any, lone: Any) -> None:
    """The rule `average`: lone strata have the mean of the others present; nan where there is none."""
    for d in range(len(present)):
        if rule == 2 and lone[d] > 0:
            good = present[d] - lone[d]
            for o in range(total.shape[1]):
                total[d, o] = total[d, o] * present[d] / good if good > 0 else np.nan


@_compiled
def _scored(w: Any, matrix: Any, scores: Any, size: int) -> Any:
    """(size, 4): rows, weight, squared weight, weighted total; lowest and highest score (size,)."""
    whole, part = np.zeros((size, 4)), np.zeros((size, 4))
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for start in range(0, len(w), BLOCK):
        part[:] = 0.0
        for i in range(start, min(start + BLOCK, len(w))):
            y, weight = scores[i], w[i]
            if np.isnan(y) or not weight > 0:
                continue
            for b in range(matrix.shape[1]):
                d = matrix[i, b]
                part[d, 0] += 1.0
                part[d, 1] += weight
                part[d, 2] += weight * weight
                part[d, 3] += weight * y
                low[d], high[d] = min(low[d], y), max(high[d], y)
        whole += part
    return whole, low, high


@_compiled
def _plain_spread(w: Any, matrix: Any, scores: Any, mean: Any) -> Any:
    """(D,) sums of w (y - mean)^2 and of w^2 (y - mean)^2."""
    size = len(mean)
    spread, variance = np.zeros(size), np.zeros(size)
    part, square = np.zeros(size), np.zeros(size)
    for start in range(0, len(w), BLOCK):
        part[:] = 0.0
        square[:] = 0.0
        for i in range(start, min(start + BLOCK, len(w))):
            if np.isnan(scores[i]) or not w[i] > 0:
                continue
            for b in range(matrix.shape[1]):
                d = matrix[i, b]
                z = w[i] * (scores[i] - mean[d])
                part[d] += z * (scores[i] - mean[d])
                square[d] += z * z
        spread += part
        variance += square
    return spread, variance


@_compiled
def _mean_variance(
    w: Any, psu_start: Any, stratum_start: Any, fraction: Any, rule: int, in_domains: bool, matrix: Any,
    touched: Any, touched_start: Any, scores: Any, mean: Any,
) -> Any:  # fmt: skip
    """(D + 1,) sums of w (y - mean)^2; as `_share_variance` of the PSUs' sums of w (y - mean), (D,); (D,) df."""
    size = len(mean) - 1
    total, spread, df = np.zeros((size, 1)), np.zeros(size + 1), np.zeros(size, np.int64)
    first, off, square = np.zeros((size, 1)), np.zeros((size, 1)), np.zeros((size, 1))
    z, weight, part = np.zeros(size + 1), np.zeros(size + 1), np.zeros(size + 1)
    seen, present, lone = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64)
    in_stratum, last_stratum = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    for h in range(len(stratum_start) - 1):
        columns = 0
        for u in range(stratum_start[h], stratum_start[h + 1]):
            for i in range(psu_start[u], psu_start[u + 1]):
                if np.isnan(scores[i]):
                    continue
                for b in range(matrix.shape[1]):
                    d = matrix[i, b]
                    weight[d] += w[i]
                    z[d] += w[i] * (scores[i] - mean[d])
                    part[d] += w[i] * (scores[i] - mean[d]) ** 2
            for t in range(touched_start[u], touched_start[u + 1]):
                d = touched[t]
                if not weight[d] > 0:
                    continue
                spread[d] += part[d]
                if last_stratum[d] != h:
                    last_stratum[d] = h
                    in_stratum[columns] = d
                    columns += 1
                    seen[d] = 1
                    first[d, 0], off[d, 0], square[d, 0] = z[d], 0.0, 0.0
                else:
                    seen[d] += 1
                    step = z[d] - first[d, 0]
                    off[d, 0] += step
                    square[d, 0] += step * step
                z[d], weight[d], part[d] = 0.0, 0.0, 0.0
        m, f = float(stratum_start[h + 1] - stratum_start[h]), fraction[h]
        for t in range(columns):
            d = in_stratum[t]
            present[d] += 1
            df[d] += seen[d] - 1
            lone[d] += _close_stratum(m, f, rule, in_domains, seen[d], first[d], off[d], square[d], total[d])
    _averaged(total, rule, present, lone)
    return spread, total[:, 0], df
