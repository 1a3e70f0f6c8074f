"""The drop folder: found by checksum whatever the name, links and pipes untouched, each file hashed once."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assets.releases.inbox import Inbox, Places

BODY = b"question,percent\narmy,3\n"
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def put(path: Path, body: bytes = BODY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the blocks that are hashed."""
    sizes: list[int] = []

    class Counting:
        def __init__(self) -> None:
            self._real = hashlib.new("sha256")

        def update(self, block: bytes) -> None:
            sizes.append(len(block))
            self._real.update(block)

        def hexdigest(self) -> str:
            return self._real.hexdigest()

    monkeypatch.setattr(hashlib, "sha256", Counting)
    return sizes


@pytest.mark.parametrize("name", ["a.csv", "Загрузки (1)/any name at all.bin", ".hidden", "a/b/c/d"])
def test_found_by_its_bytes_whatever_its_name(folder: Path, name: str) -> None:
    put(folder / "other.csv", b"other")
    path = put(folder / name)
    assert Inbox(folder).find(SHA) == path
    assert Inbox(folder).find(hashlib.sha256(b"absent").hexdigest()) is None


def test_a_missing_and_an_empty_folder(folder: Path) -> None:
    assert Inbox(folder).find(SHA) is None
    assert Inbox(folder / "missing").find(SHA) is None


def test_of_two_copies_the_first_by_name(folder: Path) -> None:
    put(folder / "b.csv")
    path = put(folder / "a.csv")
    assert Inbox(folder).find(SHA) == path


def test_links_and_pipes_are_not_touched(folder: Path, tmp_path: Path, hashed: list[int]) -> None:
    put(tmp_path / "outside" / "secret.csv")
    (folder / "file-link").symlink_to(tmp_path / "outside" / "secret.csv")
    (folder / "folder-link").symlink_to(tmp_path / "outside")
    (folder / "dead-link").symlink_to(tmp_path / "nothing")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    started = time.monotonic()
    inbox = Inbox(folder)
    assert inbox.find(SHA) is None
    assert time.monotonic() - started < 20  # opening the pipe would wait for ever
    assert hashed == []
    assert inbox.skipped == {
        "file-link": "a link",
        "folder-link": "a link",
        "dead-link": "a link",
        "loop": "a link",
        "pipe": "not a plain file",
    }


@pytest.mark.parametrize("becomes", ["link", "pipe"])
def test_a_file_that_becomes_something_else_before_it_is_opened(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    path = put(folder / "a.csv")
    secret = put(tmp_path / "secret.csv")
    real = os.open

    def swap(name: str | Path, *args: int) -> int:
        path.unlink()
        if becomes == "link":
            path.symlink_to(secret)
        else:
            os.mkfifo(path)
        return real(name, *args)

    monkeypatch.setattr(os, "open", swap)
    assert Inbox(folder).find(SHA) is None


def test_the_drop_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    put(folder / "a.csv")
    (tmp_path / "elsewhere").symlink_to(folder)
    assert Inbox(tmp_path / "elsewhere").find(SHA) == tmp_path / "elsewhere" / "a.csv"


def test_files_beyond_the_limit_are_passed_over_and_named(folder: Path, hashed: list[int]) -> None:
    put(folder / "a.csv")
    inbox = Inbox(folder, largest_bytes=len(BODY) - 1)
    assert inbox.find(SHA) is None
    assert inbox.skipped == {"a.csv": f"larger than {len(BODY) - 1} bytes"}
    assert hashed == []
    assert Inbox(folder, len(BODY)).find(SHA) == folder / "a.csv"


def test_each_file_is_hashed_once_and_only_as_far_as_needed(folder: Path, hashed: list[int]) -> None:
    bodies = [b"x" * size for size in (1, 2, 3, 4)]
    wanted = [hashlib.new("sha256", body).hexdigest() for body in bodies]
    for body in bodies:
        put(folder / f"{len(body)}.csv", body)
    inbox = Inbox(folder)
    assert inbox.find(wanted[1]) == folder / "2.csv"
    assert hashed == [1, 2]
    assert inbox.find(wanted[0]) == folder / "1.csv"
    assert hashed == [1, 2]
    for _ in range(3):
        assert inbox.find(SHA) is None
        assert [inbox.find(sha256) for sha256 in wanted] == [folder / f"{len(body)}.csv" for body in bodies]
    assert hashed == [1, 2, 3, 4]


def test_a_file_that_changes_between_searches(folder: Path) -> None:
    path, copy = put(folder / "a.csv"), put(folder / "b.csv")
    inbox = Inbox(folder)
    assert inbox.find(SHA) == path
    path.write_bytes(b"x" * len(BODY))
    os.utime(path, ns=(0, 1_000))
    assert inbox.find(SHA) == copy
    copy.unlink()
    assert inbox.find(SHA) is None
    put(folder / "c.csv")
    assert Inbox(folder).find(SHA) == folder / "c.csv"


def test_threads_share_an_inbox(folder: Path) -> None:
    bodies = [b"%d" % number for number in range(200)]
    for body in bodies:
        put(folder / body.decode(), body)
    inbox = Inbox(folder)
    wanted = [hashlib.sha256(body).hexdigest() for body in reversed(bodies)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(inbox.find, wanted))
    assert found == [folder / body.decode() for body in reversed(bodies)]


def test_a_copy_that_is_still_under_way_does_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder / "a.csv")
    real = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        about = real(descriptor)
        with path.open("ab") as file:
            file.write(b"more")
        return about

    monkeypatch.setattr(os, "fstat", grow)
    inbox = Inbox(folder)
    assert inbox.find(SHA) is None
    assert inbox.skipped == {"a.csv": "changed while it was read"}
    monkeypatch.undo()
    path.write_bytes(BODY)
    assert Inbox(folder).find(SHA) == path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(folder: Path) -> None:
    put(folder / "a.csv").chmod(0)
    (folder / "closed").mkdir(mode=0)
    inbox = Inbox(folder)
    assert inbox.find(SHA) is None
    assert inbox.skipped == {
        "a.csv": "cannot be read (Permission denied)",
        "closed": "cannot be read (Permission denied)",
    }


def test_unreadable_is_reported_whoever_we_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "a.csv")

    def denied(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    inbox = Inbox(folder)
    assert inbox.find(SHA) is None
    assert inbox.skipped == {"a.csv": "cannot be read (Permission denied)"}


def test_a_known_size_spares_the_reading_of_other_files(folder: Path, hashed: list[int]) -> None:
    put(folder / "a.csv", b"longer than the body that is looked for")
    path = put(folder / "b.csv")
    inbox = Inbox(folder, largest_bytes=len(BODY) - 1)
    assert inbox.find(SHA, len(BODY)) == path  # a declared size is no surprise, so the limit does not hold
    assert hashed == [len(BODY)]


def test_kept_files_are_found_by_size_and_checksum_only(folder: Path, tmp_path: Path, hashed: list[int]) -> None:
    kept = tmp_path / "kept"
    path = put(kept / "deep" / "x.sav")
    put(kept / "other.sav", b"another size")
    places = Places(folder, [tmp_path / "missing", kept])
    assert places.find(SHA) is None
    assert hashed == []
    assert places.find(SHA, len(BODY)) == path
    assert hashed == [len(BODY)]
    dropped = put(folder / "x.sav")
    assert Places(folder, [kept]).find(SHA, len(BODY)) == dropped
