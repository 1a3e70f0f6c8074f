"""Which code makes the sums: numpy, the compiled kernel for large samples, or that of calibrated or replicate weights.

Belongs here: the choice. Does not belong here: any of them (`.moments`, `.kernel`, `.calibrated`, `.replicated`).

The choice depends on the size of the work alone, so that a release has the same bits whatever was done before it in the
process. All agree to 1e-12, which tests hold.
"""

import os
from importlib.util import find_spec
from typing import Protocol

from assets.estimates.engine import moments
from assets.estimates.engine.frame import Codes, Floats
from assets.estimates.engine.moments import Banners, Means, Parts, Shares

# Rows x banners x columns of answers from which on importing numba and loading its machine code pays.
COMPILED_FROM = 5_000_000
MOST_THREADS = 8  # questions at once


class Sums(Protocol):
    """What the modules have in common."""

    def share_sums(self, banners: Banners, codes: Codes, options: int, parts: Parts) -> Shares:
        """See `moments.share_sums`."""

    def mean_sums(self, banners: Banners, scores: Floats) -> Means:
        """See `moments.mean_sums`."""


def sums_for(banners: Banners, answers: int, compiled_from: int = COMPILED_FROM) -> tuple[Sums, int]:
    """The module for this many columns of answers, and how many threads it uses well."""
    frame = banners.frame
    if frame.replicates is not None:
        from assets.estimates.engine import replicated

        return replicated, 1
    if frame.adjustments:
        from assets.estimates.engine import calibrated

        return calibrated, 1
    # The kernel counts a PSU as seen by its weight; these rules ask for its rows, which is the same without zeros.
    by_rows = frame.lonely == "average" or frame.lonely_in_domains
    if frame.rows * banners.matrix.shape[1] * answers < compiled_from or find_spec("numba") is None:
        return moments, 1
    if by_rows and not (frame.weights > 0).all():
        return moments, 1
    from assets.estimates.engine import kernel

    return kernel, max(1, min(MOST_THREADS, os.cpu_count() or 1))
