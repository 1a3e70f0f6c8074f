"""The whole time of one fetch.

Belongs here: how much of it is left. Does not belong here: the limits themselves (policy), what happens when the
time is up (transfer).
"""

import time

from assets.releases.fetching.failures import LateError


class Clock:
    """The whole time of one fetch. Timeouts of the libraries begin anew with each byte; this one does not."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._end - time.monotonic())

    def is_over(self) -> bool:
        """Whether none are left."""
        return self.remaining() == 0

    def at_most(self, seconds: float | None) -> float:
        """A timeout that does not reach beyond the end."""
        remaining = self.remaining()
        if remaining == 0:
            raise LateError
        return remaining if seconds is None else min(seconds, remaining)
