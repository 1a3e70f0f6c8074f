"""The change between two estimates: difference, error, interval, test, and what could have been detected.

Belongs here: arithmetic on two columns of shares and their standard errors, all pairs at once. Does not belong here:
which pairs are compared (assets.trends.lines, steps), what they share (assets.trends.overlap), adjustment for many
tests (assets.trends.families).

Every column is (pairs,) float64, in percent and points; nan is what nobody knows. The test is the normal one. The
detectable change solves d = (z_0.975 + z_0.80) * se(p, p + d), as in R `power.prop.test` with separate variances.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

Z95 = 1.959963984540054  # qnorm(0.975)
Z80 = 0.8416212335729143  # qnorm(0.8)
NO_ERROR = "not tested: shares of 0 or 100 percent have no standard error"
SAME_ANSWERS = "not tested: the people of both samples are the same and gave the same answers"
_ROUNDING = 1e-9  # of the two variances: what is left of them where a correlation is 1
_HALVINGS = 60  # of an interval of at most 1: less than a double can tell


class Figures(NamedTuple):
    """One end of every pair: shares with their errors.

    Attributes:
        percent: (pairs,) 0 to 100.
        standard_error: (pairs,) points.
        n_effective: (pairs,) persons; asked for only where the standard error is known.
    """

    percent: Floats
    standard_error: Floats
    n_effective: Floats

    def at(self, rows: npt.NDArray[np.intp]) -> "Figures":
        """The figures of these rows."""
        return Figures(*(column[rows] for column in self))

    @property
    def known(self) -> Mask:
        """(pairs,) whether share and error are known."""
        return ~(np.isnan(self.percent) | np.isnan(self.standard_error))


@dataclass(frozen=True, eq=False)
class Tested:
    """What is known of every change, as the columns of `changes` are called.

    Attributes:
        change: (pairs,) later minus earlier share.
        standard_error: (pairs,) of the change; 0 where neither share can vary.
        change_low: (pairs,) lower end of the 95 % interval; nan where the error is 0 or unknown, as are the next two.
        change_high: (pairs,).
        p_value: (pairs,) two-sided.
        detectable_change: (pairs,).
        error_unknown: two masks (pairs,): of the earlier and of the later figure the error or the share is unknown.
        cannot_vary: (pairs,) errors are known and that of the change is 0: there is no test (`NO_ERROR`).
        same_answers: (pairs,) of these, where each figure has an error of its own (`SAME_ANSWERS`).
    """

    change: Floats
    standard_error: Floats
    change_low: Floats
    change_high: Floats
    p_value: Floats
    detectable_change: Floats
    error_unknown: tuple[Mask, Mask]
    cannot_vary: Mask
    same_answers: Mask


def tested(one: Figures, two: Figures, covariance: Floats | float = 0.0) -> Tested:
    """What is known of the changes between estimates that compare; the caller asks of no others.

    Args:
        one: earlier figures.
        two: later figures, as many.
        covariance: (pairs,) of the two in squared points; 0 for samples that share nobody (see assets.trends.shared).
    """
    change = two.percent - one.percent
    unknown = ~one.known, ~two.known
    alone = one.standard_error**2 + two.standard_error**2
    variance = alone - 2 * covariance
    variance = np.where(variance > _ROUNDING * alone, variance, 0.0)
    error = np.where(unknown[0] | unknown[1], np.nan, np.sqrt(variance))
    some = np.where(error > 0, error, np.nan)
    size = one.standard_error * two.standard_error
    correlation = np.divide(covariance, size, out=np.zeros_like(size), where=size > 0) if np.any(covariance) else 0.0
    least = detectable(one.percent, one.n_effective, two.n_effective, correlation)
    return Tested(
        change,
        error,
        change - Z95 * some,
        change + Z95 * some,
        two_sided(change / some),
        np.where(np.isnan(error), np.nan, least),
        unknown,
        error == 0,
        (error == 0) & (alone > 0),
    )


def two_sided(z: npt.ArrayLike) -> Floats:
    """Two-sided p-values of normal deviates, R `2 * pnorm(-abs(z))`; nan of nan."""
    size = np.abs(np.asarray(z, np.float64)) / math.sqrt(2)
    # math.erfc, not scipy's: importing that costs a refresh more time than all of its changes.
    tails = np.fromiter(map(math.erfc, size.ravel().tolist()), np.float64, size.size)
    return tails.reshape(size.shape)


def detectable(
    percent: npt.ArrayLike, n_one: npt.ArrayLike, n_two: npt.ArrayLike, correlation: npt.ArrayLike = 0.0
) -> Floats:
    """Smallest rise from `percent` that two samples find at 5 % (two-sided) with 80 % power, in points.

    Args:
        percent: shares in the earlier wave, 0 to 100; shares above a half are looked at from the other end.
        n_one: effective n of the earlier wave.
        n_two: effective n of the later wave.
        correlation: of the two shares, -1 to 1; 0 for samples that share nobody.
    """
    share, before, after, rho = np.broadcast_arrays(
        *(np.asarray(one, np.float64) for one in (percent, n_one, n_two, correlation))
    )
    p, z = np.minimum(share, 100 - share) / 100, (Z95 + Z80) ** 2
    # d = z * sqrt(p(1-p)/n1 + (p+d)(1-p-d)/n2), squared, is a quadratic in d; its positive root
    square, linear = 1 + z / after, -z * (1 - 2 * p) / after
    constant = -z * p * (1 - p) * (1 / before + 1 / after)
    rise = (-linear + np.sqrt(linear * linear - 4 * square * constant)) / (2 * square)
    if np.any(rho):
        rise = np.where(rho == 0, rise, _with_correlation(p, before, after, rho, z))
    alone = np.sqrt(z * p * (1 - p) / before)  # so few interviews that only everybody would do
    return np.asarray(100 * np.where(p + rise > 1, alone, rise))


def _with_correlation(p: Floats, n_one: Floats, n_two: Floats, rho: Floats, z: float) -> Floats:
    """(pairs,) where a rise is `sqrt(z)` of its standard errors, by halving; above 1 - p where none is."""
    low, high, first = np.zeros_like(p), 1 - p, np.sqrt(p * (1 - p) / n_one)

    def enough(rise: Floats) -> Mask:
        second = np.sqrt(np.maximum((p + rise) * (1 - p - rise), 0.0) / n_two)
        return np.asarray(rise**2 >= z * (first**2 + second**2 - 2 * rho * first * second))

    never = ~enough(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = enough(middle)
        low, high = np.where(found, low, middle), np.where(found, middle, high)
    return np.where(never, np.inf, high)


def no_error(waves: Iterable[str]) -> str:
    """Why there is no test where figures of these waves have no error."""
    return "not tested: no standard error in wave " + " and ".join(waves)
