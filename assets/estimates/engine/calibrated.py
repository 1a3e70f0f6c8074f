"""Sums where weights were made to meet known totals: errors of what the totals leave open.

Belongs here: shares and means whose PSUs' contributions are residuals (`..design.residuals`), with `..design` itself:
one matrix of contributions per column of a banner. Does not belong here: making such weights, all other samples
(`.moments`).

Those outside a column contribute through the totals, so nothing can be left out and every column costs a look at all
rows. That is slower than the other sums, and samples that are weighted here are small.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from assets.estimates.design.design import Adjustment, DesignError
from assets.estimates.design.residuals import Margins, Regression
from assets.estimates.design.spread import covariance
from assets.estimates.engine import moments
from assets.estimates.engine.frame import Codes, Floats
from assets.estimates.engine.moments import Banners, Mask, Means, Parts, Shares


def adjustment(targets: Sequence[tuple[Codes, int]], before: Floats, after: Floats, rake: bool) -> Adjustment:
    """What is uncertain of contributions after the weights met the targets.

    Args:
        targets: of each the cell of every row (n,), -1 for none, and the number of cells.
        before: (n,) weights before.
        after: (n,) weights after.
        rake: whether errors are those of R's `rake` and not those of its `calibrate`.
    """
    if rake:
        # Rows in no cell have weight 0; in a cell of their own they leave the means of the others alone.
        return Margins(tuple(np.where(cell < 0, size, cell).astype(np.intp) for cell, size in targets), after)
    columns = np.hstack([cell[:, None] == np.arange(size) for cell, size in targets]).astype(np.float64)
    return Regression(columns, before, after / np.where(before > 0, before, 1.0))


def share_sums(banners: Banners, codes: Codes, options: int, parts: Parts) -> Shares:
    """As `moments.share_sums`."""
    found = moments.share_sums(banners, codes, options, parts)
    chosen = parts.T[np.maximum(codes, 0)].astype(np.float64)

    def off(inside: Mask, at: int) -> Floats:
        return np.asarray(chosen[inside] - found.share[at])

    return replace(found, variance=_variance(banners, codes >= 0, off, found.base.weight, len(parts)))


def mean_sums(banners: Banners, scores: Floats) -> Means:
    """As `moments.mean_sums`."""
    found = moments.mean_sums(banners, scores)

    def off(inside: Mask, at: int) -> Floats:
        return np.asarray(scores[inside] - found.value[at])[:, None]

    return replace(found, variance=_variance(banners, ~np.isnan(scores), off, found.base.weight, 1)[:, 0])


def _variance(
    banners: Banners, asked: Mask, off: Callable[[Mask, int], Floats], weight: Floats, outputs: int
) -> Floats:
    """(D, outputs) variances; `off` gives deviations from the estimates of a column, of some rows."""
    drawn, everyone = banners.frame.design, np.ones(banners.frame.rows, np.bool_)
    out = np.full((banners.size, outputs), np.nan)
    for member in banners.matrix.T:
        for at in np.unique(member[asked]):
            if at == banners.size or not weight[at] > 0:
                continue
            inside = asked & (member == at)
            z = np.zeros((banners.frame.rows, outputs))
            z[inside] = off(inside, at) * (banners.frame.weights[inside] / weight[at])[:, None]
            try:
                out[at] = np.diag(covariance(drawn, z, everyone))
            except DesignError:  # the rule for lone PSUs finds no stratum to go by
                continue
    return out
