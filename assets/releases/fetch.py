"""Fetching one release file from an allowed address, whole and with the expected checksum, or not at all.

Belongs here: which addresses may be contacted, every limit on a download, retries, the temporary file and its
rename. Does not belong here: which releases want fetching and what becomes of the bytes (the archive),
reading the bytes, files that were dropped by hand (assets.releases.inbox).

The catalogue is reviewed, but its addresses lead to servers that nobody here controls, and the machine that
runs the refresh can often reach more than the public can (its own services, a cloud's metadata address). So
the address is checked before every hop, the resolved IP is checked at the moment of connecting, and the
connection goes to that very IP: a name that resolves differently a second later gains nothing.
"""

import contextlib
import fcntl
import functools
import hashlib
import ipaddress
import os
import queue
import random
import re
import secrets
import socket
import ssl
import stat
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import fsspec
import httpcore
import httpx

from schemas.problems import Problem, ProblemsError, shorten

HOSTS_VARIABLE = "WEATHERVANE_FETCH_HOSTS"
LARGEST_VARIABLE = "WEATHERVANE_FETCH_LARGEST"
SECONDS_VARIABLE = "WEATHERVANE_FETCH_SECONDS"

LARGEST_BYTES = 512 * 2**20
IDLE_SECONDS = 30.0  # a connection on which nothing arrives for so long is broken and worth a second attempt
LONGEST_WAIT = 30.0  # between two attempts, also when the server asks for more
MOST_ADDRESSES = 4  # of one name; a name with more of them does not get the whole time for trying
BLOCK = 2**20
PART_SUFFIX = ".part"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_ENTRY = re.compile(r"(?:(?P<scheme>https?)://)?(?P<star>\*\.)?(?P<rest>[^\s/@?#*\\]+)/?")
_PREFIX = re.compile(r"(?P<protocol>[a-z][a-z0-9+.-]*)://(?P<path>[^\s?#*\[\]\\\x00]*[^\s?#*\[\]\\\x00/])/?")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUS = frozenset({429, *range(500, 600)})

_NETWORK_ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)

# Of fsspec's protocols those that are storage. Others fetch from the web around the checks of this module,
# or wrap an address of any protocol (zip, filecache).
_STORAGE = frozenset({"abfs", "abfss", "az", "file", "gcs", "gs", "hdfs", "memory", "oss", "s3", "sftp", "smb"})


class _ForbiddenError(Exception):
    """An address that may not be contacted. The text is the reason; the hop is added where it is known."""


class _LateError(Exception):
    """The whole time of this fetch is used up."""


class _FailedError(Exception):
    """The end of this fetch: another attempt would not help, or there were enough."""

    def __init__(
        self, what: str, *, cause: str = "fetch", value: str | None = None, expected: str | None = None
    ) -> None:
        super().__init__(what)
        self.what, self.cause, self.value, self.expected = what, cause, value, expected


class _TransientError(Exception):
    """A failure that another attempt may mend; `wait` is what the server asked for, in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass(frozen=True)
class _Entry:
    """One allowed host, as written by the operator."""

    scheme: str
    host: str
    port: int
    subdomains: bool
    loopback: bool

    def matches(self, address: httpx.URL) -> bool:
        host = address.raw_host.decode("ascii")
        same = host.endswith("." + self.host) if self.subdomains else host == self.host
        return same and address.scheme == self.scheme and _port(address) == self.port


@functools.lru_cache(maxsize=256)
def _entry(text: str) -> _Entry:
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a host; expected example.org, example.org:8443 or *.example.org")
    scheme = found["scheme"] or "https"
    try:
        url = httpx.URL(f"{scheme}://{found['rest']}")
    except httpx.InvalidURL as error:
        raise ValueError(f"{text!r} is not a host: {error}") from error
    host = url.raw_host.decode("ascii")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{text!r} is not a host; expected example.org, example.org:8443 or *.example.org")
    if found["star"] and (found["scheme"] or "." not in host):
        raise ValueError(f"{text!r} allows too much; expected *.example.org")
    ip = _ip(host)
    here = host == "localhost" or (ip is not None and ip.is_loopback)
    if here and not found["scheme"]:
        raise ValueError(f"{text!r} is this machine; expected http://{text} or https://{text}, scheme and all")
    if ip is not None and not here and (reason := _not_public(ip)):
        raise ValueError(f"{text!r} is {reason}, which is never fetched; expected a public host")
    return _Entry(scheme, host, _port(url), subdomains=bool(found["star"]), loopback=here)


@dataclass(frozen=True)
class FetchPolicy:
    """What may be fetched, and how much of it for how long. The default fetches nothing.

    Plain http is allowed for the entries that say so (`http://…`) and for no other host; there is no switch
    for all.

    Attributes:
        allowed_hosts: `example.org` (https on port 443), `example.org:8443`, `*.example.org` (hosts below
            example.org, not itself), `http://example.org` (plain http, nothing else). `http://127.0.0.1:8000`
            and `https://localhost:8443` are the only form that reaches this machine, on exactly that port.
        allowed_prefixes: `s3://bucket/folder/`, `file:///srv/releases/`: what fsspec may open; nothing else.
        largest_bytes: of one file.
        seconds: from the call to the last byte, all attempts and waits included.
        connect_seconds: for each connection.
        redirects: how many are followed; each target passes the same checks.
        attempts: in all, after transient failures.
        first_wait: seconds before the second attempt; doubled for each further one, with jitter.
        verify: what decides on certificates, if not the public authorities: for tests.

    Raises:
        ValueError: An entry that is not a host or a prefix, or could never be fetched.
    """

    allowed_hosts: frozenset[str] = frozenset()
    allowed_prefixes: tuple[str, ...] = ()
    largest_bytes: int = LARGEST_BYTES
    seconds: float = 120.0
    connect_seconds: float = 10.0
    redirects: int = 5
    attempts: int = 3
    first_wait: float = 0.5
    verify: ssl.SSLContext | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """A policy with a mistake in it is refused when it is made, not at the first fetch."""
        for host in self.allowed_hosts:
            _entry(host)
        for prefix in self.allowed_prefixes:
            _check_prefix(prefix)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "FetchPolicy":
        """The policy of the three variables WEATHERVANE_FETCH_HOSTS, …_LARGEST (bytes) and …_SECONDS.

        Hosts are separated by commas. Entries with another scheme than http(s) are prefixes for fsspec
        (`s3://bucket/folder/`).

        Args:
            environ: the environment.

        Raises:
            ProblemsError: A variable that cannot be used, with its name in place of the file.
        """
        entries = [entry.strip() for entry in environ.get(HOSTS_VARIABLE, "").split(",") if entry.strip()]
        prefixes = [e for e in entries if "://" in e and not e.lower().startswith(("http://", "https://"))]
        hosts = [entry.lower() for entry in entries if entry not in prefixes]
        numbers = {
            LARGEST_VARIABLE: float(LARGEST_BYTES),
            SECONDS_VARIABLE: cls.seconds,
        }
        problems = []
        for name in numbers:
            text = environ.get(name, "").strip()
            try:
                numbers[name] = float(int(text)) if text else numbers[name]
                if numbers[name] < 1:
                    raise ValueError
            except ValueError:
                unit = "bytes" if name == LARGEST_VARIABLE else "seconds"
                problems.append(
                    Problem(
                        "fetch",
                        name,
                        "not a number",
                        value=text,
                        expected=f"a whole number of {unit}, at least 1",
                    )
                )
        for entry in entries:
            try:
                _check_prefix(entry) if entry in prefixes else _entry(entry.lower())
            except ValueError as error:
                problems.append(Problem("fetch", HOSTS_VARIABLE, str(error)))
        if problems:
            raise ProblemsError(problems)
        return cls(
            allowed_hosts=frozenset(hosts),
            allowed_prefixes=tuple(prefixes),
            largest_bytes=int(numbers[LARGEST_VARIABLE]),
            seconds=numbers[SECONDS_VARIABLE],
        )


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
    except _FailedError as failed:
        raise ProblemsError(
            [Problem(failed.cause, file, failed.what, value=failed.value, expected=failed.expected)]
        ) from failed


def tidy(into: Path) -> int:
    """Delete what killed fetches left behind in a folder. Downloads that are still running are left alone.

    Args:
        into: the folder that was given to `fetch`; it may be missing.

    Returns:
        The number of files deleted.
    """
    deleted = 0
    for path in into.glob("*" + PART_SUFFIX):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                # A fetch holds this lock while it lives; the kernel drops it with the process. Age says
                # nothing: a slow download is old, and the leftover of a moment ago is young.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                deleted += 1
            finally:
                os.close(descriptor)
    return deleted


def _fetch(url: str, sha256: str, policy: FetchPolicy, into: Path) -> Path:
    if not _SHA256.fullmatch(sha256):  # it becomes a file name
        raise _FailedError(
            "not a checksum",
            cause="checksum",
            value=sha256,
            expected="sha256 as 64 lower-case hexadecimal digits",
        )
    if _holds(into / sha256, sha256):
        return into / sha256
    if not policy.allowed_hosts and not policy.allowed_prefixes:
        raise _FailedError(
            "nothing is fetched, because no host is allowed",
            value=_shown(url),
            expected=f"{HOSTS_VARIABLE}=<host>,… in the environment, or the file itself in the drop folder",
        )
    into.mkdir(parents=True, exist_ok=True)
    clock = _Clock(policy.seconds)
    over_http = url.lower().startswith(("http:", "https:"))
    for attempt in range(1, policy.attempts + 1):
        with _Part(into, sha256, policy.largest_bytes) as part:
            try:
                if over_http:
                    _over_http(url, policy, clock, part)
                else:
                    _over_fsspec(url, policy, clock, part)
                return part.keep()
            except (_LateError, _TransientError, *_NETWORK_ERRORS) as error:
                trouble: Exception = error
            received = part.received
        timed_out = isinstance(trouble, httpcore.TimeoutException) and clock.is_over()
        if timed_out or isinstance(trouble, _LateError):
            raise _FailedError(
                f"not complete after {policy.seconds:g} s",
                value=f"{received} bytes of {_shown(url)}",
                expected=f"an answer within that time ({SECONDS_VARIABLE})",
            ) from trouble
        wait = _wait(trouble, attempt, policy)
        if attempt == policy.attempts or wait > min(LONGEST_WAIT, clock.remaining()):
            tries = "1 attempt" if attempt == 1 else f"{attempt} attempts"
            later = f"; the server asks to come back in {wait:.0f} s" if wait > LONGEST_WAIT else ""
            what = f"{_in_words(trouble, received)} ({tries}{later})"
            raise _FailedError(what, value=_shown(url)) from trouble
        time.sleep(wait)
    raise _FailedError("the policy allows no attempt", value=_shown(url), expected="attempts of at least 1")


# --- the file ---------------------------------------------------------------------


class _Part:
    """The temporary file of one attempt: gone when the attempt ends, unless `keep` has renamed it."""

    def __init__(self, into: Path, sha256: str, largest: int) -> None:
        self._into, self._sha256, self._largest = into, sha256, largest
        self._hash = hashlib.sha256()
        self.received = 0

    def __enter__(self) -> "_Part":
        while True:
            self._path = self._into / f".{self._sha256[:16]}-{secrets.token_hex(8)}{PART_SUFFIX}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o666)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file).st_nlink:
                return self
            os.close(self._file)  # `tidy` came between the opening and the lock

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def announce(self, size: int) -> None:
        """The source says how large the file is, before its first byte."""
        if size > self._largest:
            raise _FailedError(
                "too large: refused before the first byte",
                cause="too_large",
                value=f"{size} bytes",
                expected=f"at most {self._largest} ({LARGEST_VARIABLE})",
            )

    def add(self, block: bytes) -> None:
        self.received += len(block)
        if self.received > self._largest:
            raise _FailedError(
                "too large: ended while it was arriving",
                cause="too_large",
                value=f"{self.received} bytes and more to come",
                expected=f"at most {self._largest} ({LARGEST_VARIABLE})",
            )
        self._hash.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def keep(self) -> Path:
        found = self._hash.hexdigest()
        if found != self._sha256:
            raise _FailedError(
                f"the {self.received} bytes received are not the expected file",
                cause="checksum",
                value=found,
                expected=f"sha256 {self._sha256}",
            )
        os.fsync(self._file)
        final = self._into / self._sha256
        self._path.replace(final)
        folder = os.open(self._into, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # without it a power cut may undo the rename
        finally:
            os.close(folder)
        return final


def _holds(path: Path, sha256: str) -> bool:
    """Whether a plain file with these bytes is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return plain and hashlib.file_digest(file, "sha256").hexdigest() == sha256


# --- http and https ---------------------------------------------------------------


class _Clock:
    """The whole time of one fetch. Timeouts of the libraries begin anew with each byte; this one does not."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def is_over(self) -> bool:
        return self.remaining() == 0

    def at_most(self, seconds: float | None) -> float:
        """A timeout that does not reach beyond the end."""
        remaining = self.remaining()
        if remaining == 0:
            raise _LateError
        return remaining if seconds is None else min(seconds, remaining)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends with the clock, so that headers cannot drip for ever either."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.at_most(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.at_most(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            secured = self._stream.start_tls(ssl_context, server_hostname, self._clock.at_most(timeout))
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                reason = error.__cause__.verify_message
                raise _ForbiddenError(f"its certificate does not convince: {reason}") from error
            raise
        return _TimedStream(secured, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Resolves, checks and connects in one act, so that nothing can change between the check and its use.

    httpcore hands over a host name here and goes on using it, not the IP, for certificate and Host header.
    """

    def __init__(self, policy: FetchPolicy, clock: _Clock) -> None:
        entries = map(_entry, policy.allowed_hosts)
        self._loopback = {(entry.host, entry.port) for entry in entries if entry.loopback}
        self._seconds, self._clock = policy.connect_seconds, clock
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _resolve(host, port, self._clock.at_most(self._seconds))
        for text in addresses:  # one forbidden address among public ones is no accident either
            ip = _ip(text)
            if (host, port) in self._loopback:
                reason = None if ip and ip.is_loopback else "which is not this machine"
            else:
                reason = _not_public(ip) if ip else "which is not an address"
            if reason:
                raise _ForbiddenError(f"{host} resolves to {text}, {reason}")
        trouble: Exception = httpcore.ConnectError(f"{host} has no address")
        for text in addresses[:MOST_ADDRESSES]:
            try:
                stream = self._sockets.connect_tcp(
                    text, port, self._clock.at_most(self._seconds), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return _TimedStream(stream, self._clock)
        raise trouble


class _Transport(httpx.BaseTransport):
    """httpx's transport over a checked network.

    It knows no proxy of the environment (what httpx calls trust_env=False): a proxy resolves names itself,
    and the check of the IP would check nothing. It is used without httpx.Client, which would log whole
    addresses, with the signatures that storage services put into redirects, and keep cookies.
    """

    def __init__(self, policy: FetchPolicy, clock: _Clock) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=policy.verify or _public_authorities(), network_backend=_CheckedNetwork(policy, clock)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body is still to be read."""
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
            request=request,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@functools.cache
def _public_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)  # 20 ms to load: once is enough


def _over_http(url: str, policy: FetchPolicy, clock: _Clock, part: _Part) -> None:
    headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "weathervane"}
    waits = {"connect": policy.connect_seconds, "read": IDLE_SECONDS, "write": IDLE_SECONDS}
    came_from: httpx.URL | None = None
    with _Transport(policy, clock) as transport:
        shown = _shown(url)
        for _hop in range(policy.redirects + 1):
            try:
                address = _checked(url, came_from, policy)
                request = httpx.Request("GET", address, headers=headers, extensions={"timeout": waits})
                response = transport.handle_request(request)
            except _ForbiddenError as forbidden:
                if came_from is None:
                    raise _FailedError(f"not fetched: {forbidden}", value=_shown(url)) from forbidden
                raise _FailedError(
                    f"the redirect from {_shown(came_from)} to {_shown(url)} is refused: {forbidden}"
                ) from forbidden
            with contextlib.closing(response):
                if response.status_code not in _REDIRECTS:
                    _read(response, part)
                    return
                if "location" not in response.headers:
                    what = f"a redirect without a target (HTTP status {response.status_code})"
                    raise _FailedError(what, value=_shown(address))
                try:
                    url = str(address.join(response.headers["location"]))
                except (httpx.InvalidURL, ValueError) as error:
                    raise _FailedError(
                        f"the redirect from {_shown(address)} leads to something that is no address",
                        value=_shown(response.headers["location"]),
                    ) from error
                came_from = address
        raise _FailedError(f"more than {policy.redirects} redirects: from {shown} at last to {_shown(url)}")


def _checked(url: str, came_from: httpx.URL | None, policy: FetchPolicy) -> httpx.URL:
    """The address as it will be used, if it may be: what is checked here is what gets connected."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _ForbiddenError(f"not an address ({error})") from error
    if "\\" in url or any(c.isspace() or not c.isprintable() for c in url):
        raise _ForbiddenError("a backslash, a space or a control character, which programs read differently")
    if address.scheme not in {"http", "https"}:
        raise _ForbiddenError(f"the protocol {address.scheme!r}; expected https")
    if address.userinfo:
        raise _ForbiddenError("a user name or password in the address, which may disguise the host")
    host = address.raw_host.decode("ascii")
    if not _HOST.fullmatch(host) or not 0 < _port(address) < 65536:
        raise _ForbiddenError("not a host that can be contacted")
    entries = sorted(map(_entry, policy.allowed_hosts), key=lambda entry: entry.loopback)
    entry = next((entry for entry in entries if entry.matches(address)), None)
    if entry is None:
        same = next((e for e in entries if e.host == host), None)
        if same is not None:
            raise _ForbiddenError(f"{host} is allowed with {same.scheme} on port {same.port} only")
        raise _ForbiddenError(f"the host {shorten(host)} is not in {HOSTS_VARIABLE}")
    if came_from is not None:
        if came_from.scheme == "https" and address.scheme == "http":
            raise _ForbiddenError("from https down to plain http")
        if entry.loopback and not any(e.loopback and e.matches(came_from) for e in entries):
            raise _ForbiddenError("from a public host to this machine")
    return address


def _read(response: httpx.Response, part: _Part) -> None:
    status = response.status_code
    if status in _TRANSIENT_STATUS:
        raise _TransientError(f"HTTP status {status}", _asked_wait(response.headers.get("retry-after", "")))
    if status != 200:
        raise _FailedError(f"HTTP status {status}", value=_shown(response.request.url), expected="status 200")
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        # The checksum is of the file as published. Unpacking would also need a limit of its own: a few
        # kilobytes unpack to gigabytes.
        raise _FailedError(
            "sent compressed, although it was asked for as it is",
            value=f"Content-Encoding: {coding}",
            expected="no Content-Encoding",
        )
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        part.announce(int(length[:20]))
    for block in response.iter_raw():
        part.add(block)


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name. getaddrinfo knows no timeout: it runs in a thread that can be left behind."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(item[4][0]) for item in found)))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="weathervane-resolve").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise _TransientError(f"no address for {host} within {seconds:.0f} s") from None
    if isinstance(answer, socket.gaierror):
        if answer.errno == socket.EAI_AGAIN:
            raise _TransientError(f"no address for {host} at the moment")
        raise _ForbiddenError(f"{host} has no address ({answer.strerror})")
    if isinstance(answer, Exception):
        raise _ForbiddenError(f"{host} cannot be looked up ({answer})")
    return answer


_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def _ip(text: str) -> _IP | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _not_public(ip: _IP) -> str | None:
    """Why an address is not one of the public internet, or None if it is."""
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo):
        return "an IPv6 address with an IPv4 address inside"  # which would escape the questions below
    kinds = {
        "a loopback address": ip.is_loopback,
        "a link-local address": ip.is_link_local,
        "a multicast address": ip.is_multicast,
        "an unspecified address": ip.is_unspecified,
        "a private address": ip.is_private or (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local),
        "a reserved address": ip.is_reserved or not ip.is_global,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), None)


def _port(address: httpx.URL) -> int:
    return address.port or (80 if address.scheme == "http" else 443)


# --- other protocols --------------------------------------------------------------


def _check_prefix(prefix: str) -> None:
    found = _PREFIX.fullmatch(prefix)
    if found is None or "::" in prefix or not _plain(found["path"]):
        raise ValueError(f"{prefix!r} is not a prefix; expected s3://bucket/folder/ or file:///folder/")
    if found["protocol"] not in _STORAGE:
        known = ", ".join(sorted(_STORAGE))
        raise ValueError(f"{prefix!r} is not a prefix of a storage; expected one of {known}")


def _plain(path: str) -> bool:
    """Whether a path means what it says: no way up, no empty steps but the root's."""
    return not {"", ".", ".."} & set(path.removeprefix("/").split("/"))


def _over_fsspec(url: str, policy: FetchPolicy, clock: _Clock, part: _Part) -> None:
    found = _PREFIX.fullmatch(url)
    if found is None or url.endswith("/") or "::" in url or not _plain(found["path"]):
        raise _FailedError("not fetched: not a plain address", value=_shown(url), expected="https://…")
    prefix = next((p for p in policy.allowed_prefixes if url.startswith(p.rstrip("/") + "/")), None)
    if prefix is None:
        raise _FailedError(
            f"not fetched: the protocol {found['protocol']!r} without an allowed prefix",
            value=_shown(url),
            expected=f"https, or a prefix that covers it in {HOSTS_VARIABLE}",
        )
    with contextlib.closing(_in_time(_blocks(url, prefix, part), clock)) as blocks:
        for block in blocks:
            part.add(block)


def _blocks(url: str, prefix: str, part: _Part) -> Iterator[bytes]:
    protocol = url.partition("://")[0]
    try:
        system = fsspec.filesystem(protocol, use_listings_cache=False)
        path = system._strip_protocol(url)
        if protocol == "file":
            # A link below the prefix may lead out of it; the prefix itself may be one.
            path = os.path.realpath(path)
            root = os.path.realpath(system._strip_protocol(prefix))
            if os.path.commonpath([root, path]) != root:
                raise _FailedError(f"not fetched: a link that leads out of {prefix}", value=_shown(url))
        about = system.info(path)
        if about.get("type") != "file":  # a pipe would keep its reader waiting
            raise _FailedError("not fetched: not a plain file", value=_shown(url))
        if about.get("size") is not None:
            part.announce(int(about["size"]))
        with system.open(path, "rb") as file:
            while block := file.read(BLOCK):
                yield block
    except _FailedError:
        raise
    except Exception as error:  # each of fsspec's systems has errors of its own
        reason = shorten(f"{type(error).__name__}: {error}")
        raise _FailedError(f"not fetched over {protocol}: {reason}", value=_shown(url)) from error


def _in_time(blocks: Iterator[bytes], clock: _Clock) -> Generator[bytes, None, None]:
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
                raise _LateError from None
            if isinstance(item, Exception):
                raise item
            if item is None:
                return
            yield item
    finally:
        given_up.set()


# --- messages and waits ---------------------------------------------------------------------


def _in_words(error: Exception, received: int) -> str:
    if isinstance(error, httpcore.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpcore.ConnectError):
        return f"no connection: {shorten(error)}"
    if isinstance(error, httpcore.TimeoutException):
        return f"nothing arrived for {IDLE_SECONDS:g} s, after {received} bytes"
    if isinstance(error, _NETWORK_ERRORS):
        return f"the connection broke after {received} bytes: {shorten(error)}"
    return str(error)


def _wait(error: Exception, attempt: int, policy: FetchPolicy) -> float:
    """Seconds until the next attempt: what the server asks for, or twice as long each time, never in step."""
    if isinstance(error, _TransientError) and error.wait is not None:
        return error.wait
    longest = min(LONGEST_WAIT, policy.first_wait * 2.0 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, protects nothing


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


def _shown(url: str | httpx.URL) -> str:
    """An address for a message: what may be a secret in it (passwords, signed queries) is left out."""
    text = re.sub(r"//[^/?#\\]*@", "//…@", str(url), count=1)
    head, mark, _query = text.partition("?")
    return shorten(head.partition("#")[0] + ("?…" if mark else ""))
