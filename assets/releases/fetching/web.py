"""One attempt over http or https: the request, its redirects, the answer.

Belongs here: hops, statuses, headers, what a broken connection is called. Does not belong here: whether an address may
be contacted (addresses), sockets (network), further attempts (transfer).
"""

import contextlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from assets.releases.fetching.addresses import checked
from assets.releases.fetching.clock import Clock
from assets.releases.fetching.failures import FailedError, ForbiddenError, TransientError, show
from assets.releases.fetching.network import NETWORK_ERRORS, Transport
from assets.releases.fetching.part import Part
from assets.releases.fetching.policy import FetchPolicy
from schemas.problems import shorten

IDLE_SECONDS = 30.0  # a connection on which nothing arrives for so long is broken and worth a second attempt

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUS = frozenset({429, *range(500, 600)})


def from_web(url: str, policy: FetchPolicy, clock: Clock, part: Part) -> None:
    """Fill the part from a web server, each hop checked."""
    headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "weathervane"}
    waits = {"connect": policy.connect_seconds, "read": IDLE_SECONDS, "write": IDLE_SECONDS}
    came_from: httpx.URL | None = None
    with Transport(policy, clock) as transport:
        shown = show(url)
        for _hop in range(policy.redirects + 1):
            try:
                address = checked(url, came_from, policy)
                request = httpx.Request("GET", address, headers=headers, extensions={"timeout": waits})
                response = transport.handle_request(request)
            except ForbiddenError as forbidden:
                if came_from is None:
                    raise FailedError(f"not fetched: {forbidden}", value=show(url)) from forbidden
                raise FailedError(
                    f"the redirect from {show(came_from)} to {show(url)} is refused: {forbidden}"
                ) from forbidden
            with contextlib.closing(response):
                if response.status_code not in _REDIRECTS:
                    _read(response, part)
                    return
                if "location" not in response.headers:
                    what = f"a redirect without a target (HTTP status {response.status_code})"
                    raise FailedError(what, value=show(address))
                try:
                    url = str(address.join(response.headers["location"]))
                except (httpx.InvalidURL, ValueError) as error:
                    raise FailedError(
                        f"the redirect from {show(address)} leads to something that is no address",
                        value=show(response.headers["location"]),
                    ) from error
                came_from = address
        raise FailedError(f"more than {policy.redirects} redirects: from {shown} at last to {show(url)}")


def _read(response: httpx.Response, part: Part) -> None:
    status = response.status_code
    if status in _TRANSIENT_STATUS:
        raise TransientError(f"HTTP status {status}", _asked_wait(response.headers.get("retry-after", "")))
    if status != 200:
        raise FailedError(f"HTTP status {status}", value=show(response.request.url), expected="status 200")
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        # The checksum is of the file as published. Unpacking would also need a limit of its own: a few
        # kilobytes unpack to gigabytes.
        raise FailedError(
            "sent compressed, although it was asked for as it is",
            value=f"Content-Encoding: {coding}",
            expected="no Content-Encoding",
        )
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        part.announce(int(length[:20]))
    for block in response.iter_raw():
        part.add(block)


def _asked_wait(text: str) -> float | None:
    """The seconds of a Retry-After header: a number or a date."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def in_words(error: Exception, received: int) -> str:
    """What went wrong in an attempt that may be repeated."""
    if isinstance(error, httpcore.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpcore.ConnectError):
        return f"no connection: {shorten(error)}"
    if isinstance(error, httpcore.TimeoutException):
        return f"nothing arrived for {IDLE_SECONDS:g} s, after {received} bytes"
    if isinstance(error, NETWORK_ERRORS):
        return f"the connection broke after {received} bytes: {shorten(error)}"
    return str(error)
