"""Connections that go to the very IP that was checked, and end with the clock.

Belongs here: the httpcore backend, the timed stream, httpx's transport over both, certificates. Does not belong here:
requests, redirects and what is read (web), which addresses may be asked for (addresses).
"""

import functools
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from assets.releases.fetching.clock import Clock
from assets.releases.fetching.entries import read_entry
from assets.releases.fetching.failures import ForbiddenError
from assets.releases.fetching.ips import as_ip, not_public, resolve
from assets.releases.fetching.policy import FetchPolicy

MOST_ADDRESSES = 4  # of one name; a name with more of them does not get the whole time for trying
NETWORK_ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends with the clock, so that headers cannot drip for ever either."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
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
                raise ForbiddenError(f"its certificate does not convince: {reason}") from error
            raise
        return _TimedStream(secured, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Resolves, checks and connects in one act, so that nothing can change between the check and its use.

    httpcore hands over a host name here and goes on using it, not the IP, for certificate and Host header.
    """

    def __init__(self, policy: FetchPolicy, clock: Clock) -> None:
        entries = map(read_entry, policy.allowed_hosts)
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
        addresses = resolve(host, port, self._clock.at_most(self._seconds))
        for text in addresses:  # one forbidden address among public ones is no accident either
            ip = as_ip(text)
            if (host, port) in self._loopback:
                reason = None if ip and ip.is_loopback else "which is not this machine"
            else:
                reason = not_public(ip) if ip else "which is not an address"
            if reason:
                raise ForbiddenError(f"{host} resolves to {text}, {reason}")
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


class Transport(httpx.BaseTransport):
    """httpx's transport over a checked network.

    It knows no proxy of the environment (what httpx calls trust_env=False): a proxy resolves names itself,
    and the check of the IP would check nothing. It is used without httpx.Client, which would log whole
    addresses, with the signatures that storage services put into redirects, and keep cookies.
    """

    def __init__(self, policy: FetchPolicy, clock: Clock) -> None:
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
