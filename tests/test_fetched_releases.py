"""Releases whose figures are not beside their manifest: fetched, dropped as a file, dropped as a whole folder."""

import contextlib
import hashlib
import shutil
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.rebuild import rebuild
from assets.refresh import Refreshed, refresh
from assets.releases.archive import Archive
from assets.releases.fetching import FetchPolicy
from tests import factory
from tests.test_fetch import Server, answer
from warehouse.layout import Layout

ELSEWHERE = "acme/monthly/02"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A house with the waves 01 and 02."""
    for name in ("HOSTS", "LARGEST", "SECONDS"):
        monkeypatch.delenv(f"WEATHERVANE_FETCH_{name}", raising=False)
    return factory.small_house(tmp_path, waves=2)


@pytest.fixture
def serve() -> Iterator[Callable[[bytes], Server]]:
    with contextlib.ExitStack() as stack:

        def start(body: bytes) -> Server:
            def behave(request: BaseHTTPRequestHandler) -> None:
                answer(body=body)(request)

            server = Server(behave)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "getaddrinfo", touched)
    monkeypatch.setattr(socket, "create_connection", touched)


def take_away(layout: Layout) -> bytes:
    """The figures of wave 02, which are beside their manifest no more."""
    file = layout.catalogue / "releases" / ELSEWHERE / "toplines.csv"
    body = file.read_bytes()
    file.unlink()
    return body


def declare(layout: Layout, body: bytes, url: str | None) -> None:
    manifest = layout.catalogue / "releases" / ELSEWHERE / "release.yml"
    lines = f"    sha256: {hashlib.sha256(body).hexdigest()}\n" + (f"    url: {url}\n" if url else "")
    manifest.write_text(manifest.read_text() + lines)


def run(layout: Layout, policy: FetchPolicy | None = None) -> Refreshed:
    return refresh(layout, policy=policy, audit=lambda *a: [])


def allow(server: Server) -> FetchPolicy:
    return FetchPolicy(allowed_hosts=frozenset({server.root}), seconds=5, first_wait=0.01)


def percents(layout: Layout, release: str = ELSEWHERE) -> list[float]:
    with duckdb.connect(str(layout.link.resolve()), read_only=True) as con:
        found = con.execute("SELECT percent FROM toplines WHERE release = ? ORDER BY percent", [release]).fetchall()
    return [float(row[0]) for row in found]


def test_a_release_is_fetched_once_and_rebuilt_without_its_server(
    layout: Layout, serve: Callable[[bytes], Server]
) -> None:
    body = take_away(layout)
    server = serve(body)
    declare(layout, body, f"{server.root}/wave-02.csv")
    report = run(layout, allow(server)).report
    assert sorted(report.loaded) == ["acme/monthly/01", ELSEWHERE]
    assert report.quarantined == {}
    assert percents(layout) == [10, 42, 48]
    assert server.paths == ["/wave-02.csv"]
    archive = Archive(layout.archive)
    assert archive.read(hashlib.sha256(body).hexdigest()) == body
    assert list((layout.archive / "fetched").iterdir()) == []
    again = run(layout, allow(server))
    assert (again.report.changed, again.report.same, server.connections) == (False, 2, 1)
    server.server.shutdown()
    rebuild(layout, from_archive=True, audit=lambda *a: [])
    assert percents(layout) == [10, 42, 48]
    assert server.connections == 1


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("url", ["https://example.org/wave-02.csv", "s3://bucket/wave-02.csv", None])
def test_a_file_in_the_drop_folder_needs_no_network(layout: Layout, url: str | None) -> None:
    body = take_away(layout)
    declare(layout, body, url)
    (layout.inbox / "downloads").mkdir()
    (layout.inbox / "downloads" / "toplines (1).csv").write_bytes(body)
    report = run(layout).report
    assert sorted(report.loaded) == ["acme/monthly/01", ELSEWHERE]
    assert percents(layout) == [10, 42, 48]
    shutil.rmtree(layout.inbox)
    again = run(layout).report
    assert (again.changed, again.withdrawn, again.quarantined) == (False, [], {})


@pytest.mark.usefixtures("no_network")
def test_a_file_that_is_dropped_later(layout: Layout) -> None:
    body = take_away(layout)
    declare(layout, body, "https://example.org/wave-02.csv?token=secret")
    (problem,) = run(layout).report.quarantined[ELSEWHERE]
    assert problem.cause == "fetch"
    assert str(problem) == (
        f"{ELSEWHERE}/toplines.csv: nothing is fetched, because no host is allowed "
        "(found 'https://example.org/wave-02.csv?…'); expected WEATHERVANE_FETCH_HOSTS=<host>,… in the environment, "
        "or the file itself in the drop folder"
    )
    (layout.inbox / "wave-02.csv").write_bytes(body)
    assert list(run(layout).report.loaded) == [ELSEWHERE]
    assert percents(layout) == [10, 42, 48]


@pytest.mark.usefixtures("no_network")
def test_a_whole_release_in_the_drop_folder(layout: Layout) -> None:
    wave = "acme/monthly/02"
    dropped = layout.inbox / wave
    dropped.parent.mkdir(parents=True)
    (layout.catalogue / "releases" / wave).rename(dropped)
    report = run(layout).report
    assert sorted(report.loaded) == ["acme/monthly/01", wave]
    assert percents(layout, wave) == [10, 42, 48]
    assert run(layout).report.same == 2


def test_a_forbidden_host_sets_one_release_aside_and_is_tried_again(
    layout: Layout, serve: Callable[[bytes], Server]
) -> None:
    body = take_away(layout)
    server, other = serve(body), serve(b"")
    declare(layout, body, f"{server.root}/wave-02.csv")
    report = run(layout, allow(other)).report
    assert list(report.loaded) == ["acme/monthly/01"]
    (problem,) = report.quarantined[ELSEWHERE]
    assert (problem.cause, problem.file) == ("fetch", f"{ELSEWHERE}/toplines.csv")
    assert problem.what == f"not fetched: 127.0.0.1 is allowed with http on port {other.port} only"
    assert percents(layout, "acme/monthly/01") == [10, 41, 49]
    again = run(layout, allow(other)).report
    assert list(again.quarantined) == [ELSEWHERE]  # tried again, though nothing in the catalogue changed
    assert not again.changed
    assert server.connections == 0
    assert list(run(layout, allow(server)).report.loaded) == [ELSEWHERE]
    assert percents(layout) == [10, 42, 48]


def test_other_bytes_than_declared_are_kept_nowhere(layout: Layout, serve: Callable[[bytes], Server]) -> None:
    body = take_away(layout)
    server = serve(body.replace(b"42", b"43"))
    declare(layout, body, f"{server.root}/wave-02.csv")
    (problem,) = run(layout, allow(server)).report.quarantined[ELSEWHERE]
    assert problem.cause == "checksum"
    assert list((layout.archive / "fetched").iterdir()) == []
    assert hashlib.sha256(body.replace(b"42", b"43")).hexdigest() not in Archive(layout.archive)


def test_what_was_passed_over_in_the_drop_folder_is_named(layout: Layout) -> None:
    body = take_away(layout)
    declare(layout, body, None)
    (layout.inbox / "wave-02.csv").symlink_to(layout.data / "elsewhere.csv")
    (problem,) = run(layout).report.quarantined[ELSEWHERE]
    assert str(problem) == (
        f"{ELSEWHERE}/release.yml, column files.0.path: a declared file is not there; "
        "in the drop folder wave-02.csv (a link) was passed over (found 'toplines.csv'); "
        "expected the file in this folder, or its address with a checksum"
    )

    for number in range(4):
        (layout.inbox / f"copy-{number}.csv").symlink_to(layout.data / "elsewhere.csv")
    manifest = layout.catalogue / "releases" / ELSEWHERE / "release.yml"
    manifest.write_text(manifest.read_text() + "our_notes: looked at again\n")
    (problem,) = run(layout).report.quarantined[ELSEWHERE]
    assert problem.what.endswith("copy-1.csv (a link), copy-2.csv (a link) and 2 more were passed over")


def test_nothing_was_passed_over(layout: Layout) -> None:
    declare(layout, take_away(layout), None)
    (problem,) = run(layout).report.quarantined[ELSEWHERE]
    assert problem.what == "a declared file is not there"


def test_downloads_are_no_part_of_the_archive(layout: Layout) -> None:
    fetched = layout.archive / "fetched"
    fetched.mkdir()
    for name in (".killed.part", "0" * 64):
        (fetched / name).write_bytes(b"half")
    run(layout)
    assert [path.name for path in fetched.iterdir()] == ["0" * 64]
    assert Archive(layout.archive).damaged() == []


def test_a_file_dropped_after_its_release_was_set_aside_is_loaded_at_the_next_refresh(tmp_path: Path) -> None:
    layout = factory.small_house(tmp_path, waves=1)
    folder = layout.catalogue / "releases" / "acme" / "monthly" / "01"
    figures = (folder / "toplines.csv").read_bytes()
    (folder / "toplines.csv").unlink()
    digest = hashlib.sha256(figures).hexdigest()
    manifest = folder / "release.yml"
    manifest.write_text(manifest.read_text() + f"    sha256: {digest}\n")

    first = refresh(layout, audit=lambda *_: [])
    assert [p.cause for p in first.report.quarantined["acme/monthly/01"]] == ["fetch"]

    (layout.inbox / "whatever-name.csv").write_bytes(figures)
    second = refresh(layout, audit=lambda *_: [])
    assert list(second.report.loaded) == ["acme/monthly/01"]
