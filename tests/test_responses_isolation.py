"""Children that write: where they may, how much, and what becomes of it."""

import os
import textwrap
from pathlib import Path

import pytest

from assets import isolation_folder
from assets.isolation import IsolationError, Job, Limits, run

LIMITS = Limits(memory_bytes=256 << 20, seconds=1.5, folder_bytes=1 << 20)
WRITER = '''
import ctypes, os, time
from pathlib import Path


def write(kind, *args, folder=None):
    return globals()[kind](*args, folder=Path(folder) if folder else None)


def two(folder):
    (folder / "a").write_text("first")
    (folder / "draft").write_text("second")
    (folder / "draft").rename(folder / "b")
    (folder / "gone").write_text("third")
    (folder / "gone").unlink()
    return sorted(os.listdir(folder))


def fail(folder):
    (folder / "half").write_text("half")
    raise ValueError("no")


def die(folder):
    (folder / "half").write_text("half")
    os.abort()


def hang(folder):
    (folder / "half").write_text("half")
    time.sleep(60)


def large(size, folder):
    (folder / "large").write_bytes(bytes(size))


def many(folder):
    for number in range(10_000):
        (folder / str(number)).write_bytes(bytes(10_000))
        time.sleep(0.0005)


def nothing(folder):
    return folder is None


def outside(path, folder):
    Path(path).write_text("written")


def outside_in_c(path, folder):
    libc = ctypes.CDLL(None, use_errno=True)
    number = libc.open(os.fsencode(path), os.O_WRONLY | os.O_CREAT, 0o644)
    return os.strerror(ctypes.get_errno()) if number < 0 else "written"


def in_c(call, *args, folder):
    """Past Python's hook: what only the kernel can forbid."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = [os.fsencode(folder / arg[1:]) if arg.startswith("@") else os.fsencode(arg) for arg in args]
    done = getattr(libc, call)(*names) if call != "mkdir" else libc.mkdir(names[0], 0o755)
    return "done" if done == 0 else os.strerror(ctypes.get_errno())


def overwrite_in_c(folder):
    libc = ctypes.CDLL(None, use_errno=True)
    number = libc.open(os.fsencode(folder / "x"), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    return libc.write(number, b"text", 4)


def linger(folder):
    """Answers, and writes afterwards."""
    import threading
    threading.Timer(0.2, (folder / "late").write_text, ("late",)).start()
    return "done"


def wait(folder):
    time.sleep(0.5)
    return sorted(os.listdir(folder))


def full(folder):
    raise OSError(28, os.strerror(28))
'''


@pytest.fixture(autouse=True)
def _writer_is_importable(tmp_path, monkeypatch):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "folder_writer.py").write_text(textwrap.dedent(WRITER))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def one(scratch, target, *call):
    (outcome,) = run("folder_writer:write", [Job("k", call, "x.sav", target)], LIMITS, 1, scratch)
    return outcome


def refusal(scratch, target, *call):
    outcome = one(scratch, target, *call)
    assert outcome.value is None
    assert not target.exists()
    return outcome.problems[0].cause, outcome.problems[0].what


def test_files_are_moved_to_where_the_job_wants_them(tmp_path, scratch):
    outcome = one(scratch, tmp_path / "lake" / "out", "two")
    assert outcome.value == ["a", "b"]
    written = {path.name: path.read_text() for path in (tmp_path / "lake" / "out").iterdir()}
    assert written == {"a": "first", "b": "second"}


@pytest.mark.parametrize(("call", "cause"), [("fail", "corrupt"), ("die", "crashed"), ("hang", "timed_out")])
def test_nothing_is_left_of_a_job_that_failed(tmp_path, scratch, monkeypatch, call, cause):
    assert refusal(scratch, tmp_path / "out", call)[0] == cause


def test_one_job_does_not_see_the_files_of_another(tmp_path, scratch):
    jobs = [Job(str(n), ("two",), folder=tmp_path / str(n)) for n in range(20)]
    jobs[7:7] = [Job("bad", ("fail",), folder=tmp_path / "bad"), Job("dead", ("die",), folder=tmp_path / "dead")]
    outcomes = {outcome.key: outcome for outcome in run("folder_writer:write", jobs, LIMITS, 2, scratch)}
    assert all(outcomes[str(n)].value == ["a", "b"] for n in range(20))
    assert not (tmp_path / "bad").exists()
    assert not (tmp_path / "dead").exists()


def test_a_job_without_a_folder_gets_none(tmp_path, scratch):
    assert one(scratch, None, "nothing").value is True


def test_a_folder_without_scratch_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="expected run"):
        list(run("folder_writer:write", [Job("k", ("two",), folder=tmp_path / "out")], LIMITS))


def test_one_large_file(tmp_path, scratch):
    assert refusal(scratch, tmp_path / "out", "large", 2 << 20) == ("too_large", "reading writes more than 1 MiB")
    assert one(scratch, tmp_path / "fits", "large", 1 << 20).problems == []


def test_many_small_files(tmp_path, scratch):
    assert refusal(scratch, tmp_path / "out", "many") == ("too_large", "reading writes more than 1 MiB")


def test_no_writing_elsewhere(tmp_path, scratch):
    target = tmp_path / "elsewhere"
    assert refusal(scratch, tmp_path / "out", "outside", str(target))[0] == "corrupt"
    assert refusal(scratch, tmp_path / "out", "outside", str(scratch / "beside"))[0] == "corrupt"
    assert not target.exists()


@pytest.mark.parametrize(
    ("call", "args"),
    [
        ("symlink", ("/etc/passwd", "@link")),
        ("mkdir", ("@folder",)),
        ("rename", ("{kept}", "@taken")),
        ("link", ("{kept}", "@linked")),
        ("unlink", ("{kept}",)),
    ],
)
def test_no_links_no_folders_and_nothing_of_others_even_for_machine_code(tmp_path, scratch, call, args):
    if not has_landlock():
        pytest.skip("the kernel has no Landlock")
    kept = tmp_path / "kept"
    kept.write_text("kept")
    outcome = one(scratch, tmp_path / "out", "in_c", call, *(arg.format(kept=kept) for arg in args))
    assert outcome.value in {"Permission denied", "Invalid cross-device link"}
    assert kept.read_text() == "kept"


def test_machine_code_writes_inside_and_only_there(tmp_path, scratch):
    assert one(scratch, tmp_path / "in", "overwrite_in_c").value == 4
    if has_landlock():
        outcome = one(scratch, tmp_path / "out", "outside_in_c", str(tmp_path / "elsewhere"))
        assert outcome.value == "Permission denied"


def test_what_a_child_writes_late_does_not_reach_the_job_that_it_has_answered(tmp_path, scratch):
    def jobs():
        yield Job("a", ("linger",), folder=tmp_path / "a")
        yield Job("b", ("wait",), folder=tmp_path / "b")

    outcomes = run("folder_writer:write", jobs(), LIMITS, 1, scratch)
    assert [outcome.key for outcome in outcomes] == ["a", "b"]
    assert list((tmp_path / "a").iterdir()) == []


def test_a_full_disk_is_no_files_fault(tmp_path, scratch):
    with pytest.raises(IsolationError, match="no space is left"):
        one(scratch, tmp_path / "out", "full")


def test_links_are_not_delivered(tmp_path, scratch, monkeypatch):
    monkeypatch.setattr(isolation_folder, "plain", lambda path: False)
    assert refusal(scratch, tmp_path / "out", "two") == (
        "crashed",
        "the reader left something that is no plain file",
    )


def has_landlock():
    import ctypes

    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 1 and os.name == "posix"


def test_plain_files(tmp_path):
    file, link, second = tmp_path / "file", tmp_path / "link", tmp_path / "second"
    file.write_text("x")
    link.symlink_to(file)
    assert isolation_folder.plain(file)
    assert not isolation_folder.plain(link)
    assert not isolation_folder.plain(tmp_path)
    second.hardlink_to(file)
    assert not isolation_folder.plain(Path(second))
