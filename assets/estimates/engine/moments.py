"""Sums over respondents and the variances that follow from them, for every column of a banner at once, in numpy.

Belongs here: the sums themselves and what is told of a group by them. Does not belong here: the compiled form of the
same sums for large samples (`.kernel`), intervals and flags (`.margins`).

Algorithm, of a domain d (question's base inside a column) and an output o (category, or the union of some): within
every PSU S is the weight of those who chose o and R the weight of the rest, never W - S, which would lose small
weights beside large ones. p = S / W, q = R / W over all PSUs. A PSU then deviates by z = S q - R p (its part of the
linearised share, times W), and Var(p) = 1/W^2 sum over strata (1 - f) m / (m - 1) sum (z - mean z)^2 with m the PSUs of
the full design: those without a member have z = 0. The squares are of deviations from a value of the stratum's own
PSUs, not raw moments, so that PSUs that are all alike give a variance of 0 and not one of rounding errors.
Where every row is its own PSU in one stratum, mean z is 0 and Var(p) = m/(m-1) (Q q^2 + T p^2) / W^2 with Q and T the
sums of squared weights of those who chose o and of the rest: three sums over rows, and no PSUs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.estimates.engine.frame import Codes, Floats, Frame, Positions

MOST_COLUMNS = 65_535
BLOCK = 8192  # rows that are summed up one after the other

Indices = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Parts = Mask


@dataclass(frozen=True, eq=False)
class Banners:
    """All banners of a sample, the total among them, as one list of D columns.

    Attributes:
        frame: of the rows.
        matrix: (n, banners) column of every row in each banner, counted through over all banners; D for none, at most
            65,535.
        size: number of columns, D.
        kept: what is worked out once for all questions.
    """

    frame: Frame
    matrix: npt.NDArray[np.uint16]
    size: int
    kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def pairs(self) -> "list[Pairs]":
        """PSUs within columns, by banner."""
        return [_pairs(self, banner) for banner in self.matrix.T]


def banners_of(frame: Frame, members: Iterable[Codes], sizes: Sequence[int]) -> Banners:
    """Banners side by side.

    Args:
        frame: of n rows.
        members: of each banner (n,) position in its columns; -1 for none.
        sizes: numbers of columns.

    Raises:
        ValueError: more columns than the matrix can number.
    """
    size = sum(sizes)
    if size > MOST_COLUMNS:
        raise ValueError(f"{size} columns of banners; expected at most {MOST_COLUMNS}")
    matrix = np.empty((frame.rows, len(sizes)), np.uint16)
    for at, member in enumerate(members):
        np.add(member, sum(sizes[:at]), out=matrix[:, at], dtype=np.int32, casting="unsafe")
        matrix[member < 0, at] = size
    return Banners(frame, matrix, size)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every PSU within every column that it has rows in, ordered by column, stratum, PSU.

    Attributes:
        of_row: (n,) pair of every row, -1 for none.
        column: (pairs,) column.
        group: (pairs,) run of pairs of one column and stratum.
        group_column: (groups,) column.
        group_stratum: (groups,) stratum.
    """

    of_row: Indices
    column: Indices
    group: Indices
    group_column: Indices
    group_stratum: Indices


@dataclass(frozen=True, eq=False)
class Base:
    """Size of the base in every column, (D,) each.

    Attributes:
        n: rows with a weight above 0.
        weight: sum of weights.
        squares: sum of squared weights.
        df: PSUs minus strata, of rows with a weight above 0.
    """

    n: Positions
    weight: Floats
    squares: Floats
    df: Positions


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of O outputs in D columns, (D, O) each; nan where the base is empty.

    Attributes:
        base: of the columns.
        share: p, of 1; exactly 0 where nobody with a weight chose it and exactly 1 where all did.
        rest: 1 - p, from the weights of the rest.
        variance: of p; nan also where the rule for lone PSUs finds none.
    """

    base: Base
    share: Floats
    rest: Floats
    variance: Floats


@dataclass(frozen=True, eq=False)
class Means:
    """Means of scores in D columns, (D,) each.

    Attributes:
        base: of the columns; rows without a score are outside.
        value: mean.
        spread: weighted mean of squared deviations from it.
        constant: whether all scores with a weight are the same.
        variance: of the mean, see `Shares`.
    """

    base: Base
    value: Floats
    spread: Floats
    constant: Mask
    variance: Floats


def share_sums(banners: Banners, codes: Codes, options: int, parts: Parts) -> Shares:
    """Shares of unions of options.

    Args:
        banners: of the sample.
        codes: (n,) option of every row, 0 to options - 1; -1 outside the base.
        options: K.
        parts: (O, K) which options an output unites; the first K outputs are the options.
    """
    frame, size = banners.frame, banners.size
    asked = np.flatnonzero(codes >= 0)
    weight, squares, n = (np.zeros((size + 1, options)) for _ in range(3))
    for member in banners.matrix.T:
        w, cell = frame.weights[asked], member[asked].astype(np.intp) * options + codes[asked]
        for whole, values in ((weight, w), (squares, w * w), (n, w > 0)):
            whole += _in_blocks(cell, values, (size + 1) * options).reshape(size + 1, options)
    chosen, rest = outputs(weight[:-1], parts)
    everyone = n[:-1].sum(axis=1)
    if frame.psu_start is None:
        return plain_shares(frame, everyone, chosen, rest, *outputs(squares[:-1], parts))
    p, q = split(everyone, chosen, rest)
    variance, df = np.zeros((size, len(parts))), np.zeros(size, np.int64)
    for pairs in banners.pairs:
        pair = pairs.of_row[asked]
        inside, pair = asked[pair >= 0], pair[pair >= 0]
        cell = pair * options + codes[inside]
        sums = _summed(cell, frame.weights[inside], len(pairs.column) * options).reshape(-1, options)
        own, others = outputs(sums, parts)
        z = own * q[pairs.column] - others * p[pairs.column]
        _add_variance(banners, pairs, pair, frame.weights[inside], z, variance, df)
    base = Base(everyone.astype(np.int64), weight[:-1].sum(axis=1), squares[:-1].sum(axis=1), df)
    return Shares(base, p, q, scaled(variance, base))


def mean_sums(banners: Banners, scores: Floats) -> Means:
    """Means of scores (n,), nan for none."""
    frame, size = banners.frame, banners.size
    asked = np.flatnonzero(~np.isnan(scores) & (frame.weights > 0))
    w, y = frame.weights[asked], scores[asked]
    n, weight, squares, total, spread, plain = (np.zeros(size + 1) for _ in range(6))
    low, high = np.full(size + 1, np.inf), np.full(size + 1, -np.inf)
    for member in banners.matrix[asked].T:
        for whole, values in ((n, w > 0), (weight, w), (squares, w * w), (total, w * y)):
            whole += _in_blocks(member, values, size + 1)
        np.minimum.at(low, member, y)
        np.maximum.at(high, member, y)
    weight[n == 0] = np.nan
    value = total / weight
    for member in banners.matrix[asked].T:
        off = y - value[member]
        spread += _in_blocks(member, w * off * off, size + 1)
        plain += _in_blocks(member, (w * off) ** 2, size + 1)
    variance, df = plain[:-1] * frame.plain_factor, np.maximum(n[:-1] - 1, 0).astype(np.int64)
    if frame.psu_start is not None:
        variance, df = _mean_variance(banners, scores, value)
    base = Base(n[:-1].astype(np.int64), np.nan_to_num(weight[:-1]), squares[:-1], df)
    return Means(base, value[:-1], (spread / weight)[:-1], (low >= high)[:-1], scaled(variance, base))


def outputs(cells: Floats, parts: Parts) -> tuple[Floats, Floats]:
    """Sums of cells (x, K) over the options of every output (x, O), and over the others."""
    return cells @ parts.T.astype(np.float64), cells @ (~parts).T.astype(np.float64)


def split(n: Floats, chosen: Floats, rest: Floats) -> tuple[Floats, Floats]:
    """p and 1 - p (D, O) from sums of weights above 0; nan where n (D,) is 0, exactly 1 where there is no rest."""
    with np.errstate(invalid="ignore"):
        p, q = chosen / (chosen + rest), rest / (chosen + rest)
    p[n == 0], q[n == 0] = np.nan, np.nan
    return p, q


def plain_shares(frame: Frame, n: Floats, chosen: Floats, rest: Floats, squares: Floats, others: Floats) -> Shares:
    """Shares where every row is a PSU of one stratum: weights and squared weights (D, O) of an output and the rest."""
    p, q = split(n, chosen, rest)
    whole = n.astype(np.int64)
    base = Base(whole, (chosen + rest)[:, 0], (squares + others)[:, 0], np.maximum(whole - 1, 0))
    return Shares(base, p, q, scaled((squares * q * q + others * p * p) * frame.plain_factor, base))


def scaled(variance: Floats, base: Base) -> Floats:
    """Variances (D,) or (D, O) of sums as those of means; nan where the base is empty."""
    whole = np.where(base.n > 0, base.weight, np.nan) ** 2
    return np.asarray(variance / (whole[:, None] if variance.ndim > 1 else whole))


def _in_blocks(where: npt.NDArray[np.integer[Any]], values: npt.NDArray[Any], length: int) -> Floats:
    """Sums (length,) of values by place, of some thousand rows at a time.

    One after the other, the rounding of a million equal weights goes one way and comes to 1e-11 of their sum.
    """
    step = max(BLOCK, 4 * length)
    out = np.zeros(length)
    for start in range(0, len(where), step):
        out += np.bincount(where[start : start + step], values[start : start + step], length)
    return out


def _summed(where: Indices, values: Floats, length: int) -> Floats:
    return np.bincount(where, values, length).astype(np.float64, copy=False)


def _mean_variance(banners: Banners, scores: Floats, value: Floats) -> tuple[Floats, Positions]:
    frame = banners.frame
    asked = np.flatnonzero(~np.isnan(scores))
    variance, df = np.zeros((banners.size, 1)), np.zeros(banners.size, np.int64)
    for pairs in banners.pairs:
        pair = pairs.of_row[asked]
        inside, pair = asked[pair >= 0], pair[pair >= 0]
        w = frame.weights[inside]
        with np.errstate(invalid="ignore"):  # a base without weights has no mean
            off = np.where(w > 0, w * (scores[inside] - value[pairs.column[pair]]), 0.0)
        z = _summed(pair, off, len(pairs.column))
        _add_variance(banners, pairs, pair, w, z[:, None], variance, df)
    return variance[:, 0], df


def _pairs(banners: Banners, member: npt.NDArray[np.uint16]) -> Pairs:
    frame, starts = banners.frame, banners.frame.psu_start
    if starts is None:
        raise ValueError("a design without PSUs has no pairs")
    units = len(starts) - 1
    inside = np.flatnonzero(member < banners.size)
    unit = np.repeat(np.arange(units), np.diff(starts))[inside]
    found, at = np.unique(member[inside].astype(np.intp) * units + unit, return_inverse=True)
    of_row = np.full(frame.rows, -1, np.intp)
    of_row[inside] = at
    column, psu = np.divmod(found, units)
    stratum = np.repeat(np.arange(len(frame.fraction)), np.diff(frame.stratum_start))[psu]
    opens = np.ones(len(found), np.bool_)
    opens[1:] = (column[1:] != column[:-1]) | (stratum[1:] != stratum[:-1])
    return Pairs(of_row, column, np.cumsum(opens) - 1, column[opens], stratum[opens])


def _add_variance(
    banners: Banners, pairs: Pairs, pair: Indices, w: Floats, z: Floats, variance: Floats, df: Positions
) -> None:
    """Add the variance of sums (D, O) and the degrees of freedom (D,) of one banner.

    Args:
        banners: of the sample.
        pairs: of the banner.
        pair: of every row of the base.
        w: weight of every row of the base.
        z: (pairs, O) deviations; those of pairs without a row of the base are not looked at.
        variance: changed.
        df: changed.
    """
    seen = strata_of(banners, pairs, pair)
    mean = seen.means(z)
    squares = seen.by_group((z[seen.there] - mean[seen.of]) ** 2)
    strata = seen.factor[:, None] * (squares + mean * mean * seen.part[:, None])
    for at, one in enumerate(strata.T):
        variance[:, at] += np.bincount(pairs.group_column, one, banners.size) * seen.scale
    weighed = np.bincount(pair, w > 0, len(pairs.column)) > 0
    units = np.bincount(pairs.group, weighed, len(pairs.group_column))
    df += np.bincount(pairs.group_column, np.maximum(units - 1, 0), banners.size).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Strata:
    """What the strata of every column do to sums over PSUs: factor (sum (z - mean z)^2 + part (mean z)^2), by scale.

    Attributes:
        there: pairs with a row of the base.
        of: of each of them the stratum within its column (a group of `Pairs`).
        size: (groups,) how many of them.
        factor: (groups,)
        part: (groups,) how often the mean's square counts, for PSUs that have nobody of the base.
        scale: (D,)
    """

    there: Indices
    of: Indices
    size: Floats
    factor: Floats
    part: Floats
    scale: Floats

    def by_group(self, values: Floats) -> Floats:
        """Sums (groups, O) of values of the pairs that are there."""
        return np.column_stack([np.bincount(self.of, one, len(self.size)) for one in values.T])

    def means(self, z: Floats) -> Floats:
        """Means (groups, O) of values (pairs, O)."""
        return np.asarray(self.by_group(z[self.there]) / np.maximum(self.size, 1)[:, None])


def strata_of(banners: Banners, pairs: Pairs, pair: Indices) -> Strata:
    """The strata of the columns of one banner, as the rows of a base see them (`pair` of each)."""
    frame, rows = banners.frame, np.bincount(pair, minlength=len(pairs.column)) > 0
    there, of = np.flatnonzero(rows), pairs.group[rows]
    seen = np.bincount(of, minlength=len(pairs.group_column)).astype(np.float64)
    m, f = frame.sampled[pairs.group_stratum], frame.fraction[pairs.group_stratum]
    lone = (seen > 0) & (f < 1) & ((m == 1) | (frame.lonely_in_domains & (seen == 1)))
    part = np.where(lone & (frame.lonely == "adjust"), seen, seen * (m - seen) / m)
    factor = np.where(lone & (frame.lonely == "average"), 0.0, (1 - f) * m / np.maximum(m - 1, 1))
    scale = _average(banners, pairs, seen > 0, lone) if frame.lonely == "average" else np.ones(banners.size)
    return Strata(there, of, seen, factor, part, scale)


def _average(banners: Banners, pairs: Pairs, present: Mask, lone: Mask) -> Floats:
    """(D,) strata in a column over those of them that are not lone; nan where all are."""
    strata, alone = (np.bincount(pairs.group_column, values, banners.size) for values in (present, lone))
    good = strata - alone
    return np.where(alone == 0, 1.0, np.where(good > 0, strata / np.maximum(good, 1), np.nan))
