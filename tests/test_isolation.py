"""Children that crash, hang, grow and lie, and what the parent makes of it."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from assets import isolation, isolation_child, isolation_job
from assets.isolation import IsolationError, Job, Limits, Outcome, network_isolation, run
from schemas.problems import Problem

ROOT = Path(__file__).resolve().parents[1]
ANSWER = "isolation_functions:answer"
SMALL = Limits(memory_bytes=256 << 20, seconds=0.5, output_bytes=1 << 20)


@pytest.fixture(autouse=True)
def _functions_are_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests"))


@pytest.fixture(autouse=True)
def _nothing_is_left_behind():
    handles = Path("/proc/self/fd")
    files, threads = len(list(handles.iterdir())), threading.active_count()
    yield
    assert len(list(handles.iterdir())) <= files  # fewer: what an earlier test left was collected meanwhile
    assert threading.active_count() <= threads


def one(kind, *args, limits=SMALL):
    (outcome,) = run(ANSWER, [Job("k", (kind, *args), "house/wave/toplines.csv")], limits)
    assert outcome.key == "k"
    return outcome


def refusal(kind, *args, limits=SMALL):
    outcome = one(kind, *args, limits=limits)
    assert outcome.value is None
    (problem,) = outcome.problems
    assert problem.file == "house/wave/toplines.csv"
    return problem.cause, str(problem).removeprefix("house/wave/toplines.csv: ")


def is_gone(pid, within=5.0):
    """Whether the process has ended; one that nobody has collected yet counts as ended."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_every_job_is_answered_once():
    jobs = [Job(str(n), (n,)) for n in range(500)]
    outcomes = list(run("isolation_functions:double", jobs))
    assert {o.key: o.value for o in outcomes} == {str(n): 2 * n for n in range(500)}
    assert len(outcomes) == 500
    assert all(o.problems == [] for o in outcomes)


def test_no_jobs_start_no_child(monkeypatch):
    monkeypatch.setattr(isolation, "Child", None)
    assert list(run(ANSWER, [])) == []


def test_jobs_are_taken_as_needed():
    taken = []
    jobs = (taken.append(n) or Job(str(n), (n,)) for n in itertools.count())
    outcomes = run("isolation_functions:double", jobs)
    for _ in range(20):
        next(outcomes)
    outcomes.close()
    assert len(taken) < 30


def test_children_persist_and_work_side_by_side():
    pids = {o.value for o in run(ANSWER, [Job(str(n), ("pid",)) for n in range(50)], SMALL, workers=1)}
    assert len(pids) == 1
    start = time.perf_counter()
    assert [o.value for o in run(ANSWER, [Job(str(n), ("sleep", 2)) for n in range(2)])] == [2, 2]
    assert time.perf_counter() - start < 3.8  # one after the other takes 4


def test_a_bad_job_harms_no_other():
    bad = {"crash": ("abort",), "hang": ("hang",), "bomb": ("allocate",), "exit": ("leave", 0)}
    jobs = [Job(f"good {n}", ("double", n)) for n in range(40)]
    for place, (key, args) in zip((3, 11, 20, 31), bad.items(), strict=True):
        jobs.insert(place, Job(key, args))
    outcomes = list(run(ANSWER, jobs, SMALL))
    assert sorted(o.key for o in outcomes) == sorted(job.key for job in jobs)
    causes = {o.key: o.problems[0].cause for o in outcomes if o.problems}
    assert causes == {"crash": "crashed", "hang": "timed_out", "bomb": "too_large", "exit": "crashed"}
    assert {o.key: o.value for o in outcomes if not o.problems} == {f"good {n}": 2 * n for n in range(40)}


@pytest.mark.parametrize("kind", ["hang", "spin"])
def test_time_out(kind):
    assert refusal(kind) == ("timed_out", "reading took longer than 0.5 seconds and was stopped")


def test_processor_time_is_the_second_line():
    what = "reading used more processor time than allowed and was stopped"
    assert refusal("over_cpu") == ("timed_out", what)


@pytest.mark.parametrize("kind", ["allocate", "allocate_in_c"])
def test_memory(kind):
    limits = Limits(memory_bytes=256 << 20, seconds=20)
    assert refusal(kind, limits=limits) == ("too_large", "reading takes more than 256 MiB of memory")


def test_memory_is_counted_per_job():
    """Neither what an earlier job held nor what earlier jobs leaked counts against the next."""
    jobs = [Job(str(n), ("hold", 200 << 20)) for n in range(4)]
    assert [o.value for o in run(ANSWER, jobs, SMALL, workers=1)] == [200 << 20] * 4
    leaks = list(run(ANSWER, [Job(str(n), ("leak", 100 << 20)) for n in range(6)], SMALL, workers=1))
    assert not [o.problems for o in leaks if o.problems]
    assert len({o.value for o in leaks}) == 3  # a worn child is replaced


def test_killed_from_outside():
    what = "the reader was killed, most likely by the system for want of memory"
    assert refusal("killed") == ("too_large", what)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (("abort",), "the reader crashed (SIGABRT)"),
        (("segfault",), "the reader crashed (SIGSEGV)"),
        (("leave", 0), "the reader ended without an answer (exit status 0)"),
        (
            ("mutter_and_leave",),
            "the reader ended without an answer (exit status 3) (found 'readstat: bad row')",
        ),
        (("lie", b"\0\0\0\0\0\0\0\x02[]"), "the reader gave an answer that is not one"),
        (("lie", b"\0\0\0\0\0\0\0\x02\xff\xff"), "the reader gave an answer that is not one"),
        (("lie", b"\0\0\0\0\0\0\x27\x10" + b"[" * 10_000), "the reader gave an answer that is not one"),
        (("no_problems",), "the reader gave an answer that is not one"),
    ],
)
def test_crashes(call, what):
    assert refusal(*call) == ("crashed", what)


@pytest.mark.parametrize(
    "problems",
    [
        "[1]",
        '[{"cause":"invented","file":"f","what":"w"}]',
        '[{"cause":"corrupt","file":"f","what":"w","row":"<b>"}]',
        '[{"cause":"corrupt","file":"f","what":3}]',
        '[{"cause":"corrupt","file":"f","what":"w","severity":"fine"}]',
        '[{"cause":"corrupt","file":"f","what":"w","more":1}]',
        "{}",
        "null",
    ],
)
def test_problems_of_a_liar_are_not_passed_on(problems):
    raw = b'{"kind":"problems","problems":' + problems.encode() + b"}"
    frame = len(raw).to_bytes(8, "big") + raw
    assert refusal("lie", frame) == ("crashed", "the reader gave an answer that is not one")


def test_what_a_child_says_beyond_its_answer_reaches_no_other_job():
    jobs = [Job("a", ("answer_and_mutter",)), Job("b", ("double", 4))]
    outcomes = list(run(ANSWER, jobs, SMALL, workers=1))
    assert outcomes == [Outcome("a", "forged"), Outcome("b", 8)]


def test_an_answer_is_kept_when_its_child_dies_afterwards():
    outcomes = run(ANSWER, [Job("a", ("die_later",)), Job("b", ("sleep", 0.3))], SMALL, workers=2)
    assert sorted((o.key, o.value) for o in outcomes) == [("a", "done"), ("b", 0.3)]


@pytest.mark.parametrize("call", [("huge", 2 << 20), ("lie", b"\xff" * 20)])
def test_huge_answer(call):
    assert refusal(*call) == ("too_large", "reading gives more than 1 MiB")


def test_large_but_allowed_answer_and_large_arguments():
    assert one("huge", 1_000_000).value == "x" * 1_000_000
    assert one("count", "x" * 5_000_000).value == 5_000_000


def test_printing_disturbs_nothing():
    assert one("print_garbage").value == "still here"
    assert one("read_stdin").value == ""


def test_problems_pass_through_unchanged():
    assert one("problems").problems == [
        Problem("toplines", "a/toplines.csv", "a wrong word", row=4, column="base", value="al", nearest="all"),
        Problem("encoding", "a/toplines.csv", "a wrong byte", severity="warning"),
    ]


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (("raise_value_error", "abc"), "ValueError: abc"),
        (("raise_value_error", "\ud800"), "ValueError: ?"),
        (("raise_value_error", "y" * 5000), "ValueError: " + "y" * 67 + "…"),
        (("raise_nameless",), "UnprintableError"),
        (("leave_politely",), "SystemExit: 0"),
        (("recurse",), "RecursionError: maximum recursion depth exceeded"),
        (("not_plain",), "TypeError: Object of type set is not JSON serializable"),
        (("remove", "/nowhere/at/all"), "PermissionError: a reader may not change files"),
        (("start_program",), "PermissionError: a reader may not start processes"),
        (("open_many",), "OSError: [Errno 24] Too many open files: '/dev/null'"),
    ],
)
def test_other_exceptions(call, found):
    assert refusal(*call) == ("corrupt", f"the reader stopped (found {found!r})")


def test_lone_surrogates_do_not_travel():
    cause, text = refusal("lone_surrogate")
    assert cause == "corrupt"
    assert "UnicodeEncodeError" in text


def test_the_key_names_the_file_if_nothing_else_does():
    (outcome,) = run(ANSWER, [Job("house/wave", ("abort",))], SMALL)
    assert outcome.problems[0].file == "house/wave"


def test_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        what = "the reader stopped (found 'PermissionError: a reader may not use the network')"
        assert refusal("connect", port) == ("corrupt", what)
        if network_isolation() == "namespace":
            assert one("connect_in_c", port).value == "Network is unreachable"


def test_no_network_where_the_kernel_gives_no_namespace(monkeypatch):
    monkeypatch.setattr(isolation_child, "_TRY_NAMESPACE", False)
    assert network_isolation() == "python"
    cause, text = refusal("connect", 9)
    assert cause == "corrupt"
    assert "a reader may not use the network" in text


def test_no_writing(tmp_path):
    target, kept = tmp_path / "new", tmp_path / "kept"
    kept.write_text("kept")
    what = "the reader stopped (found 'PermissionError: a reader may not write files')"
    assert refusal("write", str(target)) == ("corrupt", what)
    assert not target.exists()
    assert one("write_in_c", str(kept)).value in {"Permission denied", "File too large"}
    cause, text = refusal("remove", str(kept))
    assert cause == "corrupt"
    assert "a reader may not change files" in text
    assert kept.exists()
    assert one("core_limit").value == [0, 0]


def test_the_child_is_light_and_knows_no_secrets(monkeypatch):
    monkeypatch.setenv("SURVEY_HOUSE_TOKEN", "secret")
    assert one("modules").value == []
    assert "SURVEY_HOUSE_TOKEN" not in one("environment").value


def test_heavy_modules_fit_into_the_default_memory(tmp_path, monkeypatch):
    (tmp_path / "heavy_reader.py").write_text(
        textwrap.dedent("""
        import io

        import pandas as pd
        import pyarrow as pa


        def frame(text):
            return int(pa.Table.from_pandas(pd.read_csv(io.StringIO(text))).num_rows)
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(run("heavy_reader:frame", [Job("a", ("x\n1\n2\n",))])) == [Outcome("a", 2)]


def test_what_the_caller_holds_costs_no_time():
    jobs = [Job("quick", ("double", 1)), Job("slow", ("sleep", 0.2)), Job("next", ("sleep", 0.2))]
    outcomes = run(ANSWER, jobs, SMALL)
    first = next(outcomes)
    time.sleep(0.8)
    rest = list(outcomes)
    assert (first.key, {o.key: o.value for o in rest}) == ("quick", {"slow": 0.2, "next": 0.2})


def test_an_abandoned_run_leaves_no_child():
    jobs = (Job(str(n), ("pid",)) for n in itertools.count())
    outcomes = run(ANSWER, jobs)
    pids = {next(outcomes).value for _ in range(50)}
    outcomes.close()
    assert all(is_gone(pid, 0.1) for pid in pids)
    outcomes = run(ANSWER, [Job("a", ("pid",)), Job("b", ("hang",))], workers=1)
    pid = next(outcomes).value
    del outcomes
    assert is_gone(pid, 0.1)


def test_an_error_in_the_jobs_leaves_no_child():
    def jobs():
        yield Job("a", ("pid",))
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(run(ANSWER, jobs()))


@pytest.mark.parametrize("kind", ["hang", "spin"])
def test_a_killed_parent_leaves_no_orphan(kind):
    code = f"""
from assets.isolation import Job, Limits, run
jobs = [Job("a", ("pid",)), Job("b", ({kind!r},))]
for outcome in run({ANSWER!r}, jobs, Limits(seconds=60), workers=1):
    print(outcome.value, flush=True)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(0.1)
        assert not is_gone(pid, 0.05)
        parent.send_signal(signal.SIGKILL)
    assert is_gone(pid)


def test_works_in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.extend(run(ANSWER, [Job("a", ("double", 2))])))
    thread.start()
    thread.join(10)
    assert found == [Outcome("a", 4)]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("nowhere_at_all:read", "nowhere_at_all:read cannot be imported: ModuleNotFoundError"),
        ("isolation_functions:nothing", "isolation_functions:nothing cannot be imported: AttributeError"),
        (
            "dies_early:read",
            r"a child for dies_early:read ended without an answer \(exit status 7\) while it",
        ),
    ],
)
def test_a_function_that_cannot_be_had_is_no_jobs_fault(function, text, tmp_path, monkeypatch):
    (tmp_path / "dies_early.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(IsolationError, match=text):
        list(run(function, [Job("a")]))


def test_a_child_that_never_starts(tmp_path, monkeypatch):
    (tmp_path / "starts_never.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(isolation_child, "START_SECONDS", 0.3)
    with pytest.raises(IsolationError, match=r"did not start within 0\.3 seconds"):
        list(run("starts_never:read", [Job("a")]))


@pytest.mark.parametrize(("function", "workers"), [("no_colon", 2), ("a:b", 0)])
def test_nonsense_is_refused_at_once(function, workers):
    with pytest.raises(ValueError, match="expected 'module:function' and at least one worker"):
        run(function, [], workers=workers)


@pytest.mark.parametrize(("count", "text"), [(1 << 30, "1 GiB"), (3 << 19, "1.5 MiB"), (2048, "2 KiB"), (7, "7 bytes")])
def test_sizes_as_people_say_them(count, text):
    assert isolation_job.size_in_words(count) == text
