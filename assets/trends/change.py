"""The change between two estimates: difference, error, interval, test, and what could have been detected.

Belongs here: arithmetic on two shares and their standard errors. Does not belong here: which pairs are compared
(assets.trends.steps), what they share (assets.trends.overlap), adjustment for many tests (assets.trends.families).

The test is the normal one. The detectable change solves d = (z_0.975 + z_0.80) * se(p, p + d), as in R
`power.prop.test` with separate variances.
"""

import math
from collections.abc import Mapping
from typing import Any

Z95 = 1.959963984540054  # qnorm(0.975)
Z80 = 0.8416212335729143  # qnorm(0.8)


def difference(one: Mapping[str, Any], two: Mapping[str, Any]) -> float | None:
    """`percent` of the later minus that of the earlier, in points; None where one is not known."""
    before, after = one["percent"], two["percent"]
    return None if before is None or after is None else after - before


def tested(
    one: Mapping[str, Any], two: Mapping[str, Any], covariance: float = 0.0
) -> tuple[dict[str, Any], str | None]:
    """What is known of the change between two estimates that compare.

    Args:
        one: earlier estimate: `wave`, `percent`, `standard_error`, `n_effective`.
        two: later estimate.
        covariance: of the two, in squared points; 0 for samples that share nobody (see assets.trends.overlap).

    Returns:
        `change`, `standard_error`, `detectable_change`, `change_low`, `change_high`, `p_value`, as far as they are
        known; and why there is no test, or None.
    """
    found: dict[str, Any] = {"change": difference(one, two)}
    unknown = [row["wave"] for row in (one, two) if row["standard_error"] is None or row["percent"] is None]
    if unknown:
        return found, "not tested: no standard error in wave " + " and ".join(unknown)
    variance = one["standard_error"] ** 2 + two["standard_error"] ** 2 - 2 * covariance
    error = math.sqrt(max(variance, 0.0))
    found["standard_error"] = error
    found["detectable_change"] = detectable(one["percent"], one["n_effective"], two["n_effective"])
    if not error > 0:
        return found, "not tested: shares of 0 or 100 percent have no standard error"
    found["change_low"], found["change_high"] = found["change"] - Z95 * error, found["change"] + Z95 * error
    found["p_value"] = two_sided(found["change"] / error)
    return found, None


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
    rise = (-linear + math.sqrt(linear * linear - 4 * square * constant)) / (2 * square)
    if p + rise > 1:  # so few interviews that only everybody would do
        rise = math.sqrt(z * p * (1 - p) / n_one)
    return 100 * rise
