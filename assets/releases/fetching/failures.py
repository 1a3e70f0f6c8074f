"""The ways in which a fetch fails, and how an address is shown in a message.

Belongs here: the four exceptions that the files of this package raise to each other. Does not belong here: which
of them is tried again, and the problem that a person reads in the end (transfer).
"""

import re

import httpx

from schemas.problems import shorten


class ForbiddenError(Exception):
    """An address that may not be contacted. The text is the reason; the hop is added where it is known."""


class LateError(Exception):
    """The whole time of this fetch is used up."""


class FailedError(Exception):
    """The end of this fetch: another attempt would not help, or there were enough."""

    def __init__(
        self, what: str, *, cause: str = "fetch", value: str | None = None, expected: str | None = None
    ) -> None:
        super().__init__(what)
        self.what, self.cause, self.value, self.expected = what, cause, value, expected


class TransientError(Exception):
    """A failure that another attempt may mend; `wait` is what the server asked for, in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def show(url: str | httpx.URL) -> str:
    """An address for a message: what may be a secret in it (passwords, signed queries) is left out."""
    text = re.sub(r"//[^/?#\\]*@", "//…@", str(url), count=1)
    head, mark, _query = text.partition("?")
    return shorten(head.partition("#")[0] + ("?…" if mark else ""))
