"""Fetching, from servers on this machine that behave as real ones do and worse. Nothing leaves it."""

import contextlib
import fcntl
import gzip
import hashlib
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import httpcore
import pytest

from assets.releases.fetching import FetchPolicy, fetch, ips, tidy, web
from assets.releases.fetching.addresses import checked
from assets.releases.fetching.failures import ForbiddenError
from schemas.problems import Problem, ProblemsError

BODY = b"question,percent\narmy,3\n" * 4000
SHA = hashlib.sha256(BODY).hexdigest()
NAME = "chatham-house/belarus/08/toplines.csv"
Behaviour = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A server on a free port of 127.0.0.1 that counts connections as well as requests."""

    def __init__(self, behaviour: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.paths.append(self.path)
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.close_connection = True
                with contextlib.suppress(OSError):
                    behaviour(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Counting(ThreadingHTTPServer):
            daemon_threads = True

            def process_request(self, request: Any, client_address: Any) -> None:
                outer.connections += 1
                super().process_request(request, client_address)

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients break off here on purpose

        self.server = Counting(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = int(self.server.server_address[1])
        self.root = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(behaviour, context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "incoming"


def answer(status: int = 200, body: bytes = BODY, **headers: str) -> Behaviour:
    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        lines = {"Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}
        for name, value in lines.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return behave


def redirect(target: str, status: int = 302) -> Behaviour:
    return answer(status, b"", Location=target)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request gets the first behaviour, and so on; the last one stays."""
    waiting = list(behaviours)
    return lambda request: (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)


def policy(*servers: Server | str, **more: Any) -> FetchPolicy:
    hosts = frozenset(s if isinstance(s, str) else s.root for s in servers)
    return FetchPolicy(hosts, **{"seconds": 5, "first_wait": 0.01, **more})


def refused(url: str, allowed: FetchPolicy, into: Path, sha256: str = SHA) -> Problem:
    """The one problem of a fetch that fails; that nothing stays behind is asserted each time."""
    with pytest.raises(ProblemsError) as caught:
        fetch(url, sha256, NAME, allowed, into)
    (problem,) = caught.value.problems
    assert problem.file == NAME
    assert problem.severity == "error"
    assert not into.exists() or list(into.iterdir()) == []
    return problem


def names_resolve(monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> list[str]:
    """Names (with _ for .) resolve as given, numbers to themselves. Returns the names that were asked for."""
    real, asked = socket.getaddrinfo, []

    def resolve(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if ips.as_ip(host):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        addresses = names[host.replace(".", "_").replace("-", "_")]
        found = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return [item for one in found.split() for item in real(one, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


# --- what works -------------------------------------------------------------------


def test_a_file_arrives_under_its_checksum(serve: Serve, into: Path) -> None:
    server = serve(answer())
    path = fetch(f"{server.root}/wave-08.csv?v=2", SHA, NAME, policy(server), into)
    assert path == into / SHA
    assert path.read_bytes() == BODY
    assert [p.name for p in into.iterdir()] == [SHA]
    assert server.paths == ["/wave-08.csv?v=2"]
    assert server.headers[0]["accept-encoding"] == "identity"
    assert server.headers[0]["host"] == f"127.0.0.1:{server.port}"


def test_a_file_that_is_there_is_not_fetched_again_and_a_damaged_one_is(serve: Serve, into: Path) -> None:
    server = serve(answer())
    fetch(server.root + "/a", SHA, NAME, policy(server), into)
    fetch(server.root + "/a", SHA, NAME, policy(server), into)
    assert len(server.paths) == 1
    (into / SHA).write_bytes(BODY[:-1])
    assert fetch(server.root + "/a", SHA, NAME, policy(server), into).read_bytes() == BODY
    assert len(server.paths) == 2


def test_chunks_without_a_length(serve: Serve, into: Path) -> None:
    def chunked(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for start in range(0, len(BODY), 7000):
            piece = BODY[start : start + 7000]
            request.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        request.wfile.write(b"0\r\n\r\n")

    server = serve(chunked)
    assert fetch(server.root + "/a", SHA, NAME, policy(server), into).read_bytes() == BODY


def test_proxies_of_the_environment_are_not_asked(serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(answer()), serve(answer())
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, proxy.root)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    fetch(server.root + "/a", SHA, NAME, policy(server), into)
    assert (proxy.connections, server.connections) == (0, 1)


def test_two_threads_fetch_the_same_file(serve: Serve, into: Path) -> None:
    together = threading.Barrier(2)

    def both_at_once(request: BaseHTTPRequestHandler) -> None:
        together.wait(timeout=3)
        answer()(request)

    server = serve(both_at_once)
    found: list[object] = []

    def work() -> None:
        try:
            found.append(fetch(server.root + "/a", SHA, NAME, policy(server), into))
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert found == [into / SHA, into / SHA]
    assert [p.name for p in into.iterdir()] == [SHA]
    assert (into / SHA).read_bytes() == BODY


# --- checksum, status, size -----------------------------------------------------------------


def test_a_wrong_checksum_says_what_was_found_and_is_not_retried(serve: Serve, into: Path) -> None:
    server = serve(answer())
    expected = "0" * 64
    problem = refused(server.root + "/a", policy(server), into, expected)
    assert problem.cause == "checksum"
    assert str(problem) == (
        f"{NAME}: the {len(BODY)} bytes received are not the expected file (found '{SHA}'); expected sha256 {expected}"
    )
    assert len(server.paths) == 1


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", SHA.upper(), SHA[:-1]])
def test_what_is_no_checksum_never_becomes_a_file_name(serve: Serve, into: Path, sha256: str) -> None:
    server = serve(answer())
    problem = refused(server.root + "/a", policy(server), into, sha256)
    assert (problem.cause, problem.what) == ("checksum", "not a checksum")
    assert server.connections == 0


@pytest.mark.parametrize("status", [204, 206, 304, 401, 403, 404, 410])
def test_an_error_status_is_final(serve: Serve, into: Path, status: int) -> None:
    server = serve(answer(status, b""))
    problem = refused(server.root + "/a", policy(server), into)
    assert (problem.cause, problem.what) == ("fetch", f"HTTP status {status}")
    assert problem.value == server.root + "/a"
    assert len(server.paths) == 1


def test_a_server_that_recovers_is_asked_again(serve: Serve, into: Path) -> None:
    server = serve(in_turn(answer(500, b""), answer(429, b"", Retry_After="0"), answer()))
    assert fetch(server.root + "/a", SHA, NAME, policy(server), into).read_bytes() == BODY
    assert len(server.paths) == 3


def test_attempts_are_bounded_and_counted(serve: Serve, into: Path) -> None:
    server = serve(answer(503, b""))
    problem = refused(server.root + "/a", policy(server), into)
    assert (problem.cause, problem.what) == ("fetch", "HTTP status 503 (3 attempts)")
    assert len(server.paths) == 3


def test_a_server_that_asks_for_a_long_pause_is_left_alone(serve: Serve, into: Path) -> None:
    server = serve(answer(429, b"", Retry_After="3600"))
    problem = refused(server.root + "/a", policy(server), into)
    assert problem.what == "HTTP status 429 (1 attempt; the server asks to come back in 3600 s)"
    assert len(server.paths) == 1


def test_a_pause_may_be_given_as_a_date() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert web._asked_wait(soon) == pytest.approx(60, abs=5)
    assert web._asked_wait("Mon, 01 Jan 2001 00:00:00 GMT") == 0
    assert web._asked_wait("12") == 12
    assert web._asked_wait("") is web._asked_wait("later") is web._asked_wait("²") is None


def test_too_large_by_its_own_account_is_refused_before_the_body(serve: Serve, into: Path) -> None:
    def large(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(2**40))
        request.end_headers()
        time.sleep(3)  # the body never comes: whoever waits for it is found out

    server = serve(large)
    started = time.monotonic()
    problem = refused(server.root + "/a", policy(server, largest_bytes=1000), into)
    assert time.monotonic() - started < 2.8  # whoever waits, waits 3 s
    assert problem.cause == "too_large"
    assert problem.what == "too large: refused before the first byte"
    assert problem.value == f"{2**40} bytes"
    assert problem.expected == "at most 1000 (WEATHERVANE_FETCH_LARGEST)"
    assert len(server.paths) == 1


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65536)


def test_a_body_without_end_is_ended_by_its_size(serve: Serve, into: Path) -> None:
    server = serve(endless)
    problem = refused(server.root + "/a", policy(server, largest_bytes=300_000), into)
    assert (problem.cause, problem.what) == ("too_large", "too large: ended while it was arriving")
    assert problem.value is not None
    assert 300_000 < int(problem.value.split()[0]) < 300_000 + 2 * 65536
    assert len(server.paths) == 1


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY), len(BODY) + 1])
def test_the_limit_itself_is_allowed(serve: Serve, into: Path, size: int) -> None:
    server = serve(answer())
    if size < len(BODY):
        assert refused(server.root + "/a", policy(server, largest_bytes=size), into).cause == "too_large"
    else:
        assert fetch(server.root + "/a", SHA, NAME, policy(server, largest_bytes=size), into).is_file()


def test_a_body_that_drips_is_ended_by_the_clock(serve: Serve, into: Path) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"x")
            time.sleep(0.05)

    server = serve(drip)
    started = time.monotonic()
    problem = refused(server.root + "/a", policy(server, seconds=0.6), into)
    assert 0.5 < time.monotonic() - started < 20  # the body would drip for ten minutes
    assert (problem.cause, problem.what) == ("fetch", "not complete after 0.6 s")
    assert problem.value is not None
    assert re.fullmatch(rf"\d+ bytes of {server.root}/a", problem.value)
    assert problem.expected == "an answer within that time (WEATHERVANE_FETCH_SECONDS)"


def test_headers_that_drip_are_ended_by_the_clock_too(serve: Serve, into: Path) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000:
            request.wfile.write(bytes([byte]))
            time.sleep(0.05)

    server = serve(drip)
    started = time.monotonic()
    problem = refused(server.root + "/a", policy(server, seconds=0.6), into)
    assert time.monotonic() - started < 20  # the headers would drip for eight minutes
    assert problem.what == "not complete after 0.6 s"


def test_a_silent_server_is_asked_again(serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "IDLE_SECONDS", 0.2)
    server = serve(in_turn(lambda request: time.sleep(2), answer()))
    assert fetch(server.root + "/a", SHA, NAME, policy(server), into).is_file()
    (into / SHA).unlink()
    silent = serve(lambda request: time.sleep(2))
    problem = refused(silent.root + "/a", policy(silent, attempts=2), into)
    assert problem.what == "nothing arrived for 0.2 s, after 0 bytes (2 attempts)"


def test_a_compressed_body_is_refused(serve: Serve, into: Path) -> None:
    server = serve(answer(200, gzip.compress(BODY), Content_Encoding="gzip"))
    problem = refused(server.root + "/a", policy(server), into)
    assert problem.what == "sent compressed, although it was asked for as it is"
    assert problem.value == "Content-Encoding: gzip"
    assert len(server.paths) == 1


def test_a_connection_cut_in_the_middle_is_tried_again(serve: Serve, into: Path) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(BODY)))
        request.end_headers()
        request.wfile.write(BODY[:1000])

    recovering = serve(in_turn(cut, answer()))
    assert fetch(recovering.root + "/a", SHA, NAME, policy(recovering), into).read_bytes() == BODY
    (into / SHA).unlink()
    server = serve(cut)
    problem = refused(server.root + "/a", policy(server), into)
    assert problem.cause == "fetch"
    assert problem.what.startswith("the connection broke after 1000 bytes: ")
    assert problem.what.endswith("(3 attempts)")
    assert len(server.paths) == 3


def test_a_cut_that_no_length_betrays_is_found_by_the_checksum(serve: Serve, into: Path) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(BODY[:1000])

    server = serve(cut)
    problem = refused(server.root + "/a", policy(server), into)
    assert (problem.cause, problem.what) == ("checksum", "the 1000 bytes received are not the expected file")


def test_nobody_listens(into: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        root = f"http://127.0.0.1:{free.getsockname()[1]}"
        problem = refused(root + "/a", policy(root), into)
    assert problem.what == "no connection: [Errno 111] Connection refused (3 attempts)"


def test_something_that_is_not_http(serve: Serve, into: Path) -> None:
    server = serve(lambda request: request.wfile.write(b"SSH-2.0-OpenSSH\r\n") and None)
    problem = refused(server.root + "/a", policy(server, attempts=2), into)
    assert problem.what.startswith("the connection broke after 0 bytes: ")


def test_a_full_disk_is_not_the_release_s_defect(serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    server = serve(answer())
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        fetch(server.root + "/a", SHA, NAME, policy(server), into)
    assert list(into.iterdir()) == []


# --- where a fetch may go -------------------------------------------------------------------


def test_without_hosts_nothing_is_fetched_and_the_variable_is_named(into: Path) -> None:
    problem = refused("https://example.org/a?token=secret", FetchPolicy(), into)
    assert str(problem) == (
        f"{NAME}: nothing is fetched, because no host is allowed (found 'https://example.org/a?…'); "
        "expected WEATHERVANE_FETCH_HOSTS=<host>,… in the environment, or the file itself in the drop folder"
    )


NOT_LISTED = "not in WEATHERVANE_FETCH_HOSTS"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://elsewhere.org/a", f"not fetched: the host elsewhere.org is {NOT_LISTED}"),
        ("https://example.org.evil.net/a", f"the host example.org.evil.net is {NOT_LISTED}"),
        ("https://evilexample.org/a", NOT_LISTED),
        ("https://data.example.net.evil.org/", NOT_LISTED),
        ("https://evildata.example.net/", "the host evildata.example.net is not"),
        ("https://example.org./a", NOT_LISTED),
        ("https://example.net/a", NOT_LISTED),
        ("http://example.org/a", "example.org is allowed with https on port 443 only"),
        ("https://example.org:8443/a", "example.org is allowed with https on port 443 only"),
        ("http://example.org:443/a", "example.org is allowed with https on port 443 only"),
        ("https://example.org@evil.net/a", "a user name or password in the address"),
        ("http://good@evil/", "a user name or password in the address"),
        ("https://user:pass@example.org/a", "a user name or password in the address"),
        ("https://evil.net\\@example.org/a", "a backslash"),
        ("https://example.org/a\\..\\b", "a backslash"),
        ("https://example.org/a b", "a space"),
        ("https://exa\nmple.org/", "not an address"),
        ("http://2130706433/", "the host 2130706433 is not"),
        ("http://0x7f000001/", NOT_LISTED),
        ("http://127.1/", NOT_LISTED),
        ("http://017700000001/", NOT_LISTED),
        ("http://[::1]/", "the host ::1 is not"),
        ("http://[::ffff:127.0.0.1]/", NOT_LISTED),
        ("http://[fe80::1%25eth0]/", "not a host"),
        ("https://ⓔxample.org/", "not an address"),
        ("https://１２７.0.0.1/", "not an address"),
        ("https://example.org。evil.net/", "the host example.org.evil.net is not"),
        ("https://exa%6dple.org/", "not a host"),
        ("https://example.org:99999/", "not a host"),
        ("https:///a", "not a host"),
        ("https:example.org/a", "not a host"),
        ("http://", "not a host"),
        ("https://[::1/", "not an address"),
        ("https://example.org:x/", "not an address"),
        ("file:///etc/passwd", "the protocol 'file' without an allowed prefix"),
        ("ftp://example.org/a", "the protocol 'ftp' without an allowed prefix"),
        ("gopher://example.org/a", "the protocol 'gopher' without an allowed prefix"),
        ("s3://bucket/a", "the protocol 's3' without an allowed prefix"),
        ("simplecache::https://example.org/a", "not a plain address"),
        ("zip://a.csv::https://example.org/a.zip", "not a plain address"),
        ("/etc/passwd", "not a plain address"),
        ("", "not a plain address"),
    ],
)
def test_refused_without_a_look_up(into: Path, monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    def touched(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "getaddrinfo", touched)
    problem = refused(url, policy("example.org", "*.data.example.net", "https://example.com"), into)
    assert problem.cause == "fetch"
    assert reason in problem.what
    assert "pass" not in str(problem).replace("password", "").replace("/etc/passwd", "")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.8.9.10", "a loopback address"),
        ("::1", "a loopback address"),
        ("10.0.0.1", "a private address"),
        ("172.16.0.1", "a private address"),
        ("192.168.1.1", "a private address"),
        ("fd00::1", "a private address"),
        ("fec0::1", "a private address"),
        ("169.254.169.254", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("0.0.0.0", "an unspecified address"),
        ("::", "an unspecified address"),
        ("224.0.0.1", "a multicast address"),
        ("ff0e::1", "a multicast address"),
        ("100.64.0.1", "a reserved address"),
        ("240.0.0.1", "a private address"),
        ("64:ff9b::a00:1", "a reserved address"),
        ("::7f00:1", "a reserved address"),
        ("::ffff:127.0.0.1", "an IPv6 address with an IPv4 address inside"),
        ("::ffff:8.8.8.8", "an IPv6 address with an IPv4 address inside"),
        ("2002:7f00:1::", "an IPv6 address with an IPv4 address inside"),
        ("2001::1", "an IPv6 address with an IPv4 address inside"),
        ("93.184.216.34 10.0.0.1", "a private address"),
    ],
)
def test_a_name_that_resolves_to_a_forbidden_address(
    into: Path, monkeypatch: pytest.MonkeyPatch, address: str, kind: str
) -> None:
    def connect(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a connection was made")

    found = [(0, 0, 0, "", (one, 443)) for one in address.split()]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    monkeypatch.setattr(socket, "create_connection", connect)
    problem = refused("https://example.org/a", policy("example.org"), into)
    assert problem.cause == "fetch"
    assert problem.what == f"not fetched: example.org resolves to {address.split()[-1]}, {kind}"
    assert problem.value == "https://example.org/a"


def test_public_addresses_are_public() -> None:
    for text in ("93.184.216.34", "8.8.8.8", "2606:4700:4700::1111"):
        ip = ips.as_ip(text)
        assert ip is not None
        assert ips.not_public(ip) is None


def test_the_name_localhost_on_another_port_is_refused(serve: Serve, into: Path) -> None:
    allowed, other = serve(answer()), serve(answer())
    problem = refused(f"http://127.0.0.1:{other.port}/a", policy(allowed), into)
    assert f"127.0.0.1 is allowed with http on port {allowed.port} only" in problem.what
    problem = refused(f"http://localhost:{allowed.port}/a", policy(allowed), into)
    assert NOT_LISTED in problem.what
    assert (allowed.connections, other.connections) == (0, 0)


def test_a_second_resolution_gains_nothing(serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is harmless when checked and hostile when used (DNS rebinding) is looked up once only."""
    server = serve(answer())
    asked = names_resolve(monkeypatch, localhost=["127.0.0.1", "10.0.0.1"])
    fetch(f"http://localhost:{server.port}/a", SHA, NAME, policy(f"http://localhost:{server.port}"), into)
    assert asked == ["localhost"]
    assert server.headers[0]["host"] == f"localhost:{server.port}"


def test_localhost_that_is_not_this_machine(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names_resolve(monkeypatch, localhost=["10.0.0.1"])
    problem = refused("http://localhost:8000/a", policy("http://localhost:8000"), into)
    assert "localhost resolves to 10.0.0.1, which is not this machine" in problem.what


def test_the_next_address_is_tried_if_one_does_not_answer(
    serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answer())
    names_resolve(monkeypatch, localhost=["127.0.0.77 127.0.0.1"])
    fetch(f"http://localhost:{server.port}/a", SHA, NAME, policy(f"http://localhost:{server.port}"), into)
    assert server.connections == 1


def test_a_name_that_does_not_resolve(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [socket.gaierror(socket.EAI_NONAME, "Name or service not known")]
    asked = []

    def resolve(*args: Any, **kwargs: Any) -> Any:
        asked.append(args)
        raise errors[0]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    problem = refused("https://example.org/a", policy("example.org"), into)
    assert problem.what == "not fetched: example.org has no address (Name or service not known)"
    assert len(asked) == 1
    errors[0] = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    problem = refused("https://example.org/a", policy("example.org"), into)
    assert problem.what == "no address for example.org at the moment (3 attempts)"
    assert len(asked) == 4


def test_a_resolver_that_hangs(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(3))
    started = time.monotonic()
    problem = refused("https://example.org/a", policy("example.org", connect_seconds=0.2, attempts=2), into)
    assert time.monotonic() - started < 2.8  # whoever waits, waits 3 s
    assert problem.what.startswith("no address for example.org within 0 s (2 attempts")


# --- redirects --------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_allowed_address(serve: Serve, into: Path, status: int) -> None:
    target = serve(answer())
    server = serve(redirect(target.root + "/there?signature=x", status))
    assert fetch(server.root + "/a", SHA, NAME, policy(server, target), into).read_bytes() == BODY
    assert target.paths == ["/there?signature=x"]


def test_a_relative_redirect(serve: Serve, into: Path) -> None:
    server = serve(in_turn(redirect("../c"), answer()))
    fetch(server.root + "/a/b", SHA, NAME, policy(server), into)
    assert server.paths == ["/a/b", "/c"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", f"the host 169.254.169.254 is {NOT_LISTED}"),
        ("http://10.0.0.1/", f"the host 10.0.0.1 is {NOT_LISTED}"),
        ("http://127.0.0.1:1/", "127.0.0.1 is allowed with http on port"),
        ("//elsewhere.org/", f"the host elsewhere.org is {NOT_LISTED}"),
        ("http://good@evil/", "a user name or password"),
        ("file:///etc/passwd", "the protocol 'file'; expected https"),
        ("ftp://127.0.0.1/a", "the protocol 'ftp'; expected https"),
        ("s3://bucket/a", "the protocol 's3'; expected https"),
        ("memory://allowed/a", "the protocol 'memory'; expected https"),
        ("data:text/plain,hello", "the protocol 'data'; expected https"),
    ],
)
def test_a_redirect_to_a_forbidden_address(
    serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch, target: str, reason: str
) -> None:
    server = serve(redirect(target))
    connected: list[Any] = []
    real = socket.create_connection

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected.append(address)
        return real(address, *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", connect)
    allowed = policy(server, allowed_prefixes=("memory://allowed/",))
    problem = refused(server.root + "/a?secret=1", allowed, into)
    assert problem.cause == "fetch"
    shown = {
        "//elsewhere.org/": "http://elsewhere.org/",
        "http://good@evil/": "http://…@evil/",
        "file:///etc/passwd": "file:/etc/passwd",
    }.get(target, target)
    assert problem.what.startswith(f"the redirect from {server.root}/a?… to {shown} is refused: ")
    assert reason in problem.what
    assert connected == [("127.0.0.1", server.port)]
    assert len(server.paths) == 1


def test_a_redirect_to_another_port_of_this_machine(serve: Serve, into: Path) -> None:
    other = serve(answer())
    server = serve(redirect(other.root + "/a"))
    problem = refused(server.root + "/a", policy(server), into)
    assert f"to {other.root}/a is refused" in problem.what
    assert other.connections == 0


def test_a_redirect_to_a_listed_name_that_resolves_inwards(
    serve: Serve, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(redirect("https://files.example.org/a"))
    names_resolve(monkeypatch, files_example_org=["10.0.0.1"])
    problem = refused(server.root + "/a", policy(server, "files.example.org"), into)
    assert problem.what == (
        f"the redirect from {server.root}/a to https://files.example.org/a is refused: "
        "files.example.org resolves to 10.0.0.1, a private address"
    )


def test_a_redirect_loop(serve: Serve, into: Path) -> None:
    server = serve(redirect("/a"))
    problem = refused(server.root + "/a", policy(server), into)
    assert problem.what == f"more than 5 redirects: from {server.root}/a at last to {server.root}/a"
    assert len(server.paths) == 6


@pytest.mark.parametrize(
    ("behaviour", "what"),
    [
        (answer(302, b""), "a redirect without a target (HTTP status 302)"),
        (redirect("http://[::1/"), "leads to something that is no address"),
        (redirect("http://x:y/"), "leads to something that is no address"),
    ],
)
def test_redirects_to_nowhere(serve: Serve, into: Path, behaviour: Behaviour, what: str) -> None:
    server = serve(behaviour)
    assert what in refused(server.root + "/a", policy(server), into).what


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://plain.example.org/a", "from https down to plain http"),
        ("https://localhost:8443/a", "from a public host to this machine"),
    ],
)
def test_a_listed_target_is_not_open_to_every_host(target: str, reason: str) -> None:
    allowed = policy("example.org", "http://plain.example.org", "https://localhost:8443")
    first = checked("https://example.org/a", None, allowed)
    assert checked(target, None, allowed).host
    with pytest.raises(ForbiddenError, match=reason):
        checked(target, first, allowed)


# --- TLS --------------------------------------------------------------------------


def certificate(folder: Path, *names: str) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{names[0]}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(tmp_path: Path, serve: Serve) -> tuple[Server, ssl.SSLContext, list[str | None]]:
    """A server with a certificate for files.example.org, a context that trusts it, the names it was asked for."""
    path = certificate(tmp_path, "files.example.org")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(path)
    asked: list[str | None] = []
    server_side.sni_callback = lambda connection, name, context: asked.append(name)
    return serve(answer(), server_side), ssl.create_default_context(cafile=str(path)), asked


def lead_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Connections to public addresses end at this server; returns where they were meant to go."""
    meant: list[tuple[str, int]] = []
    real = httpcore.SyncBackend.connect_tcp

    def connect(self: httpcore.SyncBackend, host: str, port: int, *args: Any) -> httpcore.NetworkStream:
        meant.append((host, port))
        return real(self, "127.0.0.1", server.port, *args)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return meant


Tls = tuple[Server, ssl.SSLContext, list[str | None]]


def test_the_connection_goes_to_the_checked_address_and_the_certificate_to_the_name(
    tls: Tls, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted, asked = tls
    looked_up = names_resolve(monkeypatch, files_example_org=["93.184.216.34", "10.0.0.1"])
    meant = lead_to(server, monkeypatch)
    allowed = policy("files.example.org", verify=trusted)
    assert fetch("https://files.example.org/a", SHA, NAME, allowed, into).read_bytes() == BODY
    assert meant == [("93.184.216.34", 443)]
    assert looked_up == ["files.example.org"]
    assert asked == ["files.example.org"]
    assert server.headers[0]["host"] == "files.example.org"


def test_a_certificate_for_another_name(tls: Tls, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, trusted, _ = tls
    names_resolve(monkeypatch, example_org=["93.184.216.34"])
    lead_to(server, monkeypatch)
    problem = refused("https://example.org/a", policy("example.org", verify=trusted), into)
    assert problem.what.startswith("not fetched: its certificate does not convince: Hostname mismatch")
    assert server.connections == 0 or server.paths == []


def test_a_certificate_nobody_vouches_for(tls: Tls, into: Path) -> None:
    server, _, _ = tls
    root = f"https://localhost:{server.port}"
    problem = refused(root + "/a", policy(root), into)
    assert "its certificate does not convince: self-signed certificate" in problem.what
    assert server.paths == []


def test_https_on_this_machine(tmp_path: Path, serve: Serve, into: Path) -> None:
    path = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = serve(answer(), context)
    root = f"https://localhost:{server.port}"
    allowed = policy(root, verify=ssl.create_default_context(cafile=str(path)))
    assert fetch(root + "/a", SHA, NAME, allowed, into).read_bytes() == BODY


# --- other protocols --------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    system.pipe("/weathervane-test/08/a.csv", BODY)
    yield system
    system.rm("/weathervane-test", recursive=True)


def under(*prefixes: str, **more: Any) -> FetchPolicy:
    return policy(allowed_prefixes=prefixes, **more)


def test_storage_under_an_allowed_prefix(memory: Any, into: Path) -> None:
    for prefix in ("memory://weathervane-test/", "memory://weathervane-test/08"):
        path = fetch("memory://weathervane-test/08/a.csv", SHA, NAME, under(prefix), into)
        assert path.read_bytes() == BODY
        path.unlink()


def test_storage_has_the_same_limits(memory: Any, into: Path) -> None:
    url, prefix = "memory://weathervane-test/08/a.csv", "memory://weathervane-test/"
    assert refused(url, under(prefix, largest_bytes=100), into).what == "too large: refused before the first byte"
    assert refused(url, under(prefix), into, "0" * 64).cause == "checksum"
    missing = refused(url + "x", under(prefix), into)
    assert missing.what.startswith("not fetched over memory: FileNotFoundError")
    assert refused("memory://weathervane-test/08", under(prefix), into).what == "not fetched: not a plain file"


@pytest.mark.parametrize(
    "url",
    [
        "memory://weathervane-test-2/a.csv",
        "memory://weathervane-test/../other/a.csv",
        "memory://weathervane-test/./a.csv",
        "memory://weathervane-test//a.csv",
        "memory://weathervane-test/08/*",
        "memory://weathervane-test/08/a.csv?x",
        "memory://weathervane-test/08/a.csv::file:///etc/passwd",
        "memory://weathervane-test/08\\a.csv",
        "memory://weathervane-test/",
        "memory://weathervane-test",
        "MEMORY://weathervane-test/08/a.csv",
        "file:///etc/passwd",
        "filecache::memory://weathervane-test/08/a.csv",
    ],
)
def test_storage_outside_its_prefix(memory: Any, into: Path, url: str) -> None:
    problem = refused(url, under("memory://weathervane-test/"), into)
    assert problem.cause == "fetch"
    assert problem.what.startswith("not fetched: ")


def test_files_under_a_prefix(tmp_path: Path, into: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "a.csv").write_bytes(BODY)
    (tmp_path / "secret.csv").write_bytes(BODY)
    (shelf / "out.csv").symlink_to(tmp_path / "secret.csv")
    (shelf / "within.csv").symlink_to(shelf / "a.csv")
    os.mkfifo(shelf / "pipe.csv")
    allowed = under(f"file://{shelf}/")
    assert fetch(f"file://{shelf}/a.csv", SHA, NAME, allowed, into).read_bytes() == BODY
    (into / SHA).unlink()
    assert fetch(f"file://{shelf}/within.csv", SHA, NAME, allowed, into).read_bytes() == BODY
    (into / SHA).unlink()
    assert "a link that leads out of file://" in refused(f"file://{shelf}/out.csv", allowed, into).what
    assert refused(f"file://{shelf}/pipe.csv", allowed, into).what == "not fetched: not a plain file"
    assert "without an allowed prefix" in refused(f"file://{tmp_path}/secret.csv", allowed, into).what


def test_storage_that_hangs_is_ended_by_the_clock(memory: Any, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(memory), "info", lambda *args, **kwargs: time.sleep(3))
    started = time.monotonic()
    problem = refused("memory://weathervane-test/08/a.csv", under("memory://weathervane-test/", seconds=0.3), into)
    assert time.monotonic() - started < 2.8  # whoever waits, waits 3 s
    assert problem.what == "not complete after 0.3 s"


def test_storage_that_grows_while_it_is_read(memory: Any, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(memory), "info", lambda *args, **kwargs: {"type": "file", "size": 10})
    allowed = under("memory://weathervane-test/", largest_bytes=100)
    problem = refused("memory://weathervane-test/08/a.csv", allowed, into)
    assert problem.what == "too large: ended while it was arriving"


# --- the policy -------------------------------------------------------------------


def test_the_policy_of_the_environment() -> None:
    found = FetchPolicy.from_environment(
        {
            "WEATHERVANE_FETCH_HOSTS": " Example.org, bücher.example:8443 ,http://127.0.0.1:8000,,s3://bucket/F/",
            "WEATHERVANE_FETCH_LARGEST": "1000",
            "WEATHERVANE_FETCH_SECONDS": "7",
        }
    )
    assert found.allowed_hosts == {"example.org", "bücher.example:8443", "http://127.0.0.1:8000"}
    assert found.allowed_prefixes == ("s3://bucket/F/",)
    assert (found.largest_bytes, found.seconds) == (1000, 7)
    assert checked("https://BÜCHER.example:8443/", None, found).raw_host == b"xn--bcher-kva.example"
    assert FetchPolicy.from_environment({}) == FetchPolicy()
    assert FetchPolicy().largest_bytes == 512 * 2**20


def test_every_mistake_in_the_environment_is_named() -> None:
    with pytest.raises(ProblemsError) as caught:
        FetchPolicy.from_environment(
            {
                "WEATHERVANE_FETCH_HOSTS": "example.org/path,*.org,10.0.0.1,ok.example.org,localhost:80,s3://",
                "WEATHERVANE_FETCH_LARGEST": "512 MiB",
                "WEATHERVANE_FETCH_SECONDS": "0",
            }
        )
    assert [str(p).removeprefix("WEATHERVANE_FETCH_") for p in caught.value.problems] == [
        "LARGEST: not a number (found '512 MiB'); expected a whole number of bytes, at least 1",
        "SECONDS: not a number (found '0'); expected a whole number of seconds, at least 1",
        "HOSTS: 'example.org/path' is not a host; expected example.org, example.org:8443 or *.example.org",
        "HOSTS: '*.org' allows too much; expected *.example.org",
        "HOSTS: '10.0.0.1' is a private address, which is never fetched; expected a public host",
        "HOSTS: 'localhost:80' is this machine; expected http://localhost:80 or https://localhost:80, scheme and all",
        "HOSTS: 's3://' is not a prefix; expected s3://bucket/folder/ or file:///folder/",
    ]


@pytest.mark.parametrize("host", ["", "*", "*.", "user@example.org", "http://*.example.org", "a b", "exa%6d.org"])
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host|allows too much"):
        FetchPolicy(frozenset({host}))


@pytest.mark.parametrize(
    "prefix",
    ["https://example.org/", "file:///", "zip://a/", "s3://b/../", "memory://a::b/", "simplecache://x/"],
)
def test_prefixes_that_are_none(prefix: str) -> None:
    with pytest.raises(ValueError, match="is not a prefix"):
        FetchPolicy(allowed_prefixes=(prefix,))


def test_subdomains() -> None:
    allowed = policy("*.example.org")
    assert checked("https://a.example.org/", None, allowed)
    assert checked("https://a.b.example.org/", None, allowed)
    for url in ("https://example.org/", "https://aexample.org/", "http://a.example.org/"):
        with pytest.raises(ForbiddenError):
            checked(url, None, allowed)


# --- leftovers --------------------------------------------------------------------


def test_tidy_takes_what_a_killed_process_left_and_nothing_else(into: Path) -> None:
    assert tidy(into) == 0
    into.mkdir()
    for name in (f".{SHA[:16]}-ab.part", "old.part"):
        (into / name).write_bytes(b"x")
    (into / SHA).write_bytes(BODY)
    os.mkfifo(into / "pipe.part")
    (into / "link.part").symlink_to(into / SHA)
    with (into / "alive.part").open("wb") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        assert tidy(into) == 3
        assert sorted(p.name for p in into.iterdir()) == sorted([SHA, "alive.part", "link.part"])
    assert tidy(into) == 1
    assert (into / SHA).read_bytes() == BODY


def test_tidy_leaves_a_running_fetch_alone(serve: Serve, into: Path) -> None:
    half, go_on = threading.Event(), threading.Event()

    def pause(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(BODY)))
        request.end_headers()
        request.wfile.write(BODY[:5000])
        half.set()
        go_on.wait(3)
        request.wfile.write(BODY[5000:])

    server = serve(pause)
    found: list[Path] = []
    thread = threading.Thread(target=lambda: found.append(fetch(server.root, SHA, NAME, policy(server), into)))
    thread.start()
    assert half.wait(3)
    assert tidy(into) == 0
    assert len(list(into.glob("*.part"))) == 1
    go_on.set()
    thread.join(5)
    assert found == [into / SHA]
