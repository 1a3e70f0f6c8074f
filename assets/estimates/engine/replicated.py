"""Sums where replicate weights give the errors: shares and means of every column with every replicate's weights.

Belongs here: replicate weights of the coded answers, sums with all of them at once, degrees of freedom. Does not belong
here: scales and centres of their variances (`..design.replicates`), all other samples (`.moments`).

The sums of one banner are one product: a sparse matrix of columns and options by rows, which has a 1 where a row
belongs, times the replicate weights (n, R). A replicate's share then deviates by (S q - R p) / (S + R), with S its
weight of those who chose, R that of the rest, p and q = 1 - p the whole sample's: no share is taken from another.
The sparse product adds in the order of the rows in one thread, so that equal inputs give equal bits.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b

import numpy as np
from scipy.sparse import csr_matrix

from assets.estimates.design.replicates import Replicates, given, rank, variances
from assets.estimates.design.resampling import made
from assets.estimates.engine import coded, moments
from assets.estimates.engine.frame import Codes, Floats, Frame, Positions
from assets.estimates.engine.moments import Banners, Base, Indices, Mask, Means, Parts, Shares, outputs


def replicates(drawn: Frame, told: coded.Replicates, answers: coded.Answers) -> Replicates:
    """The replicate weights of coded answers: their columns, or such as their design gives."""
    if told.make is not None:
        return made(drawn.design, told.make, rho=told.fay, replicates=told.count, seed=told.seed, mse=told.mse)
    found = answers.columns(told.columns)
    return given(drawn.weights, np.column_stack([found[name] for name in told.columns]), told.scales, told.mse)


def share_sums(banners: Banners, codes: Codes, options: int, parts: Parts) -> Shares:
    """As `moments.share_sums`."""
    found = moments.share_sums(banners, codes, options, parts)
    asked = np.flatnonzero(codes >= 0)

    def cells(member: Codes) -> Floats:
        sums = _product(banners, member[asked].astype(np.intp) * options + codes[asked], asked, options)
        return sums.reshape(banners.size, options, -1)

    def deviations(sums: Floats, at: int) -> Floats:
        chosen, rest = outputs(sums[at].T, parts)
        return _over(chosen * found.rest[at] - rest * found.share[at], (chosen + rest)[:, :1])

    base, variance = _errors(banners, codes >= 0, found.base, cells, deviations, len(parts))
    return replace(found, base=base, variance=variance)


def mean_sums(banners: Banners, scores: Floats) -> Means:
    """As `moments.mean_sums`."""
    found = moments.mean_sums(banners, scores)
    asked = np.flatnonzero(~np.isnan(scores))
    value = np.append(np.nan_to_num(found.value), 0.0)

    def cells(member: Codes) -> Floats:
        off = scores[asked] - value[member[asked]]
        both = [_product(banners, member[asked].astype(np.intp), asked, 1, of) for of in (off, np.ones(len(asked)))]
        return np.stack(both, axis=1)

    def deviations(sums: Floats, at: int) -> Floats:
        return _over(sums[at, 0][:, None], sums[at, 1][:, None])

    base, variance = _errors(banners, ~np.isnan(scores), found.base, cells, deviations, 1)
    return replace(found, base=base, variance=variance[:, 0])


def _errors(
    banners: Banners,
    asked: Mask,
    base: Base,
    cells: Callable[[Codes], Floats],
    deviations: Callable[[Floats, int], Floats],
    outputs_: int,
) -> tuple[Base, Floats]:
    """The base with the degrees of freedom of replicates, and (D, O) variances.

    Args:
        banners: of the sample.
        asked: (n,) the base of the question.
        base: of the columns.
        cells: of the columns (n,) of one banner the sums by column, first axis D.
        deviations: of these sums and a column the replicates' (R, O) from the whole sample's.
        outputs_: O.
    """
    made, variance = _made(banners.frame), np.full((banners.size, outputs_), np.nan)
    whole = np.zeros(outputs_)
    for member in banners.matrix.T:
        sums = cells(member)
        for at in np.unique(member[asked]):
            if at < banners.size and base.n[at] > 0:
                variance[at] = variances(made, whole, deviations(sums, int(at)))
    return replace(base, df=_degrees(banners, asked)), variance


def _degrees(banners: Banners, asked: Mask) -> Positions:
    """(D,) rank of the replicate weights of a column's rows minus 1, as R; worked out once for every base."""
    key = "degrees " + blake2b(np.packbits(asked).tobytes()).hexdigest()
    if key not in banners.kept:
        columns, out = _made(banners.frame).columns, np.zeros(banners.size, np.int64)
        for member in banners.matrix.T:
            for at in np.unique(member[asked]):
                if at < banners.size:
                    out[at] = max(rank(columns[asked & (member == at)]) - 1, 0)
        banners.kept[key] = out
    found: Positions = banners.kept[key]
    return found


def _product(banners: Banners, cell: Indices, rows: Indices, options: int, values: Floats | None = None) -> Floats:
    """(D * options, R) sums of replicate weights, times values (rows,), by cell."""
    columns, size = _made(banners.frame).columns, (banners.size + 1) * options
    ones = np.ones(len(rows)) if values is None else values
    belongs = csr_matrix((ones, (cell, rows)), shape=(size, len(columns)))
    return np.asarray(belongs @ columns)[: banners.size * options]


def _over(top: Floats, bottom: Floats) -> Floats:
    """nan where a replicate has nobody of the column."""
    return np.where(bottom == 0, np.nan, top / np.where(bottom == 0, 1.0, bottom))


def _made(frame: Frame) -> Replicates:
    if frame.replicates is None:
        raise ValueError("a frame without replicate weights")
    return frame.replicates
