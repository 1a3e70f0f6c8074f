"""One attempt over fsspec: a file of a storage, under a prefix that the operator allowed.

Belongs here: the check of such an address, opening and reading it in time. Does not belong here: which protocols are
storage (schemas.names), how a prefix is written (entries), http (web).
"""

import contextlib
import os
import queue
import threading
from collections.abc import Generator, Iterator

import fsspec

from assets.releases.fetching.clock import Clock
from assets.releases.fetching.entries import PREFIX, is_plain
from assets.releases.fetching.failures import FailedError, LateError, show
from assets.releases.fetching.part import Part
from assets.releases.fetching.policy import HOSTS_VARIABLE, FetchPolicy
from schemas.problems import shorten

BLOCK = 2**20


def from_storage(url: str, policy: FetchPolicy, clock: Clock, part: Part) -> None:
    """Fill the part from a storage."""
    found = PREFIX.fullmatch(url)
    if found is None or url.endswith("/") or "::" in url or not is_plain(found["path"]):
        raise FailedError("not fetched: not a plain address", value=show(url), expected="https://…")
    prefix = next((p for p in policy.allowed_prefixes if url.startswith(p.rstrip("/") + "/")), None)
    if prefix is None:
        raise FailedError(
            f"not fetched: the protocol {found['protocol']!r} without an allowed prefix",
            value=show(url),
            expected=f"https, or a prefix that covers it in {HOSTS_VARIABLE}",
        )
    with contextlib.closing(_in_time(_blocks(url, prefix, part), clock)) as blocks:
        for block in blocks:
            part.add(block)


def _blocks(url: str, prefix: str, part: Part) -> Iterator[bytes]:
    protocol = url.partition("://")[0]
    try:
        system = fsspec.filesystem(protocol, use_listings_cache=False)
        path = system._strip_protocol(url)
        if protocol == "file":
            # A link below the prefix may lead out of it; the prefix itself may be one.
            path = os.path.realpath(path)
            root = os.path.realpath(system._strip_protocol(prefix))
            if os.path.commonpath([root, path]) != root:
                raise FailedError(f"not fetched: a link that leads out of {prefix}", value=show(url))
        about = system.info(path)
        if about.get("type") != "file":  # a pipe would keep its reader waiting
            raise FailedError("not fetched: not a plain file", value=show(url))
        if about.get("size") is not None:
            part.announce(int(about["size"]))
        with system.open(path, "rb") as file:
            while block := file.read(BLOCK):
                yield block
    except FailedError:
        raise
    except Exception as error:  # each of fsspec's systems has errors of its own
        reason = shorten(f"{type(error).__name__}: {error}")
        raise FailedError(f"not fetched over {protocol}: {reason}", value=show(url)) from error


def _in_time(blocks: Iterator[bytes], clock: Clock) -> Generator[bytes, None, None]:
    """The blocks of a reader that knows no deadline: it runs in a thread, left to itself when time is up."""
    box: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=4)
    given_up = threading.Event()

    def put(item: bytes | Exception | None) -> None:
        while not given_up.is_set():
            with contextlib.suppress(queue.Full):
                box.put(item, timeout=0.2)
                return

    def work() -> None:
        try:
            for block in blocks:
                put(block)
                if given_up.is_set():
                    return
            put(None)
        except Exception as error:
            put(error)

    threading.Thread(target=work, daemon=True, name="weathervane-fsspec").start()
    try:
        while True:
            try:
                item = box.get(timeout=clock.at_most(None))
            except queue.Empty:
                raise LateError from None
            if isinstance(item, Exception):
                raise item
            if item is None:
                return
            yield item
    finally:
        given_up.set()
