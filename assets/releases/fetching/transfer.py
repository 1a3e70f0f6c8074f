"""The whole of one fetch: attempts, the waits between them, and the problem if none succeeds.

Belongs here: what is tried again and when it is enough. Does not belong here: a single attempt (web, storage), the
file it fills (part).
"""

import random
import re
import time
from pathlib import Path

import httpcore

from assets.releases.fetching.clock import Clock
from assets.releases.fetching.failures import FailedError, LateError, TransientError, show
from assets.releases.fetching.network import NETWORK_ERRORS
from assets.releases.fetching.part import Part, holds
from assets.releases.fetching.policy import HOSTS_VARIABLE, SECONDS_VARIABLE, FetchPolicy
from assets.releases.fetching.storage import from_storage
from assets.releases.fetching.web import from_web, in_words
from schemas.problems import Problem, ProblemsError

LONGEST_WAIT = 30.0  # between two attempts, also when the server asks for more

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(url: str, sha256: str, file: str, policy: FetchPolicy, into: Path) -> Path:
    """Download a file whose checksum is known.

    Args:
        url: where it is; http, https, or a protocol of fsspec under an allowed prefix.
        sha256: of its bytes, 64 lower-case hexadecimal digits.
        file: the file's name as a person knows it, for messages (`chatham-house/belarus/08/toplines.csv`).
        policy: what is allowed.
        into: the folder for the result; made if it is missing. Only complete, verified files stay in it.

    Returns:
        `into/<sha256>`, complete and on disk. If it is there already with these bytes, nothing is fetched.

    Raises:
        ProblemsError: One problem, with cause `fetch` (not allowed, no answer, an error status, too slow),
            `too_large`, or `checksum`.
        OSError: The folder cannot be written (a full disk): a defect of this machine, not of the release.
    """
    try:
        return _fetch(url, sha256, policy, into)
    except FailedError as failed:
        raise ProblemsError(
            [Problem(failed.cause, file, failed.what, value=failed.value, expected=failed.expected)]
        ) from failed


def _fetch(url: str, sha256: str, policy: FetchPolicy, into: Path) -> Path:
    if not _SHA256.fullmatch(sha256):  # it becomes a file name
        raise FailedError(
            "not a checksum",
            cause="checksum",
            value=sha256,
            expected="sha256 as 64 lower-case hexadecimal digits",
        )
    if holds(into / sha256, sha256):
        return into / sha256
    if not policy.allowed_hosts and not policy.allowed_prefixes:
        raise FailedError(
            "nothing is fetched, because no host is allowed",
            value=show(url),
            expected=f"{HOSTS_VARIABLE}=<host>,… in the environment, or the file itself in the drop folder",
        )
    into.mkdir(parents=True, exist_ok=True)
    clock = Clock(policy.seconds)
    over_http = url.lower().startswith(("http:", "https:"))
    for attempt in range(1, policy.attempts + 1):
        with Part(into, sha256, policy.largest_bytes) as part:
            try:
                if over_http:
                    from_web(url, policy, clock, part)
                else:
                    from_storage(url, policy, clock, part)
                return part.keep()
            except (LateError, TransientError, *NETWORK_ERRORS) as error:
                trouble: Exception = error
            received = part.received
        timed_out = isinstance(trouble, httpcore.TimeoutException) and clock.is_over()
        if timed_out or isinstance(trouble, LateError):
            raise FailedError(
                f"not complete after {policy.seconds:g} s",
                value=f"{received} bytes of {show(url)}",
                expected=f"an answer within that time ({SECONDS_VARIABLE})",
            ) from trouble
        wait = _wait(trouble, attempt, policy)
        if attempt == policy.attempts or wait > min(LONGEST_WAIT, clock.remaining()):
            tries = "1 attempt" if attempt == 1 else f"{attempt} attempts"
            later = f"; the server asks to come back in {wait:.0f} s" if wait > LONGEST_WAIT else ""
            what = f"{in_words(trouble, received)} ({tries}{later})"
            raise FailedError(what, value=show(url)) from trouble
        time.sleep(wait)
    raise FailedError("the policy allows no attempt", value=show(url), expected="attempts of at least 1")


def _wait(error: Exception, attempt: int, policy: FetchPolicy) -> float:
    """Seconds until the next attempt: what the server asks for, or twice as long each time, never in step."""
    if isinstance(error, TransientError) and error.wait is not None:
        return error.wait
    longest = min(LONGEST_WAIT, policy.first_wait * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, protects nothing
