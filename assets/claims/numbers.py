"""When a figure is the one that a sentence prints.

Belongs here: rounding, *about* and *more than*, complements, the test of one pair of waves. Does not belong here: which
figure to compare (assets.claims.candidates).

A claimed 3 is any share that rounds to 3 (2.5 to 3.5, ends included, as people round halves both ways), and 47.3 any
that rounds to 47.3. That an interval covers the claimed value is not agreement: an interval of +-3 points covers six
other sentences that nobody measured.
"""

import math
from decimal import Decimal

from assets.claims.facts import Figure

ABOUT = 2.5  # points to either side of "about", "nearly", "one in four"
TINY = 1e-9
Z95 = 1.959963984540054  # qnorm(0.975)


def rounding(value: float) -> float:
    """Half a unit of the last digit of a claimed value: 0.5 for 3, 0.05 for 47.3."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return 0.5 * 10.0 ** min(int(exponent), 0)


def agrees(value: float, qualifier: str, percent: float) -> bool:
    """Whether a share is what a sentence claims.

    Args:
        value: figure of the sentence, percent.
        qualifier: exact, about, more_than or less_than.
        percent: the share.
    """
    if qualifier == "about":
        return abs(percent - value) <= ABOUT + TINY
    if qualifier == "more_than":
        return percent > value - rounding(value)
    if qualifier == "less_than":
        return percent < value + rounding(value)
    return abs(percent - value) <= rounding(value) + TINY


def complements(value: float, qualifier: str, percent: float, printed: float = 0.0) -> bool:
    """Whether a claimed value is what is left of 100 when a share is taken away.

    Args:
        value: figure of the sentence, percent.
        qualifier: how exact the sentence is; *more than* and *less than* are taken as exact.
        percent: the share that is taken away.
        printed: half a unit of the share's own last digit: 100 - 80.5 prints as 20 beside 81.
    """
    wide = ABOUT if qualifier == "about" else rounding(value)
    return abs(100 - percent - value) <= wide + printed + TINY


def tested(one: Figure, two: Figure) -> tuple[float, float, float, float] | None:
    """The change between two figures as a test of one pair chosen beforehand; None without standard errors.

    Returns:
        Difference in points, lower and upper end of its 95 % interval, two-sided p (normal, samples independent).
    """
    errors = (one.standard_error, two.standard_error)
    if one.percent is None or two.percent is None or errors[0] is None or errors[1] is None:
        return None
    error = math.hypot(errors[0], errors[1])
    if error == 0:
        return None
    change = two.percent - one.percent
    p_value = math.erfc(abs(change / error) / math.sqrt(2))
    return change, change - Z95 * error, change + Z95 * error, p_value
