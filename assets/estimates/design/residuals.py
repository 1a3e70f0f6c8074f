"""What of a contribution remains uncertain once weights meet known totals.

Belongs here: one class for every way of calibrating (`Adjustment` of `design`). Does not belong here: making the
weights (`calibration`).

Source: `survey::svyrecvar`, argument postStrata; Deville and Sarndal 1992, JASA 87, 376-382, section 3.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assets.estimates.design.design import Codes, Floats


@dataclass(frozen=True, eq=False)
class Cells:
    """Post-stratification: contributions minus the row's part of their sum in the cell.

    Attributes:
        cells: (n,) cell of every row.
        after: (n,) weights after; in a cell they are a multiple of those before.
    """

    cells: Codes
    after: Floats

    def residual(self, contributions: Floats) -> Floats:
        """See `Adjustment`."""
        sums = np.column_stack([np.bincount(self.cells, column) for column in contributions.T])
        part = self.after / np.bincount(self.cells, self.after)[self.cells]
        result: Floats = contributions - sums[self.cells] * part[:, None]
        return result


@dataclass(frozen=True, eq=False)
class Margins:
    """Raking as R `rake`: unweighted means of every margin taken out in turn, ten times.

    Attributes:
        margins: (n,) cells of every margin.
        after: (n,) weights after.
    """

    margins: tuple[Codes, ...]
    after: Floats

    def residual(self, contributions: Floats) -> Floats:
        """See `Adjustment`."""
        after = np.where(self.after == 0, 1.0, self.after)[:, None]
        z = contributions
        for _ in range(10):
            for cells in self.margins:
                z = z - _cell_means(z / after, cells) * self.after[:, None]
        return z


@dataclass(frozen=True, eq=False)
class Regression:
    """Calibration: residual of a regression on the calibration columns, with the weights before, times those after.

    Attributes:
        columns: (n, k) calibration columns.
        before: (n,) weights before.
        g: (n,) weight after / weight before.
    """

    columns: Floats
    before: Floats
    g: Floats

    def residual(self, contributions: Floats) -> Floats:
        """See `Adjustment`."""
        root, basis = self._basis
        z = contributions / np.where(self.g == 0, 1.0, self.g * root)[:, None]
        result: Floats = (z - basis @ (basis.T @ z)) * (self.g * root)[:, None]
        return result

    @cached_property
    def _basis(self) -> tuple[Floats, Floats]:
        """Square root of the weights before (n,), 1 where they are 0; orthonormal columns of the regression (n, r)."""
        root = np.sqrt(self.before)
        left, sizes, _ = np.linalg.svd(self.columns * root[:, None], full_matrices=False)
        kept = sizes > sizes.max(initial=0.0) * len(root) * np.finfo(np.float64).eps
        return np.where(root == 0, 1.0, root), np.ascontiguousarray(left[:, kept])


def _cell_means(values: Floats, cells: Codes) -> Floats:
    """Unweighted mean of every row's cell (n, k)."""
    sums = np.column_stack([np.bincount(cells, column) for column in values.T])
    result: Floats = sums[cells] / np.bincount(cells)[cells][:, None]
    return result
