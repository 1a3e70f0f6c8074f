"""Running a reader of foreign files in child processes, so that no file can take the run down with it.

Belongs here: starting, feeding, timing, killing and replacing the children, and saying which job a death
belongs to. Does not belong here: reading anything (the rooms' readers do), or what follows from a failure
(assets.publication).

Readers are C code that meets hostile files: they crash, hang, and eat memory. So a child works on one job at
a time, is thrown away when it misbehaves, and answers in JSON, never in pickle: a child that met a hostile
file is not believed further than its text. Inside the child there is no network, no writing and no starting
of programs (`assets.isolation_worker`).

What is too large for an answer goes into files: with `scratch`, each child has one folder of its own in which it may
create plain files, and nowhere else. When a job with a `folder` has been answered with a value, the parent moves the
files there, out of the child's reach, before the child gets another job; whatever else happens, they are removed. The
parent does not look into them.

Which failure becomes which cause class:

| what happened                                                     | cause       |
|-------------------------------------------------------------------|-------------|
| `ProblemsError`                                                   | its own     |
| any other exception                                               | `corrupt`   |
| `MemoryError`, memory limit met in C, killed for want of memory   | `too_large` |
| an answer, or files, beyond the limit                             | `too_large` |
| over the wall clock (or, behind it, the CPU limit)                | `timed_out` |
| any other signal, an exit without an answer, an unreadable answer | `crashed`   |

A full disk is nobody's file's fault: `IsolationError`.
"""

import contextlib
import json
import os
import pickle
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from assets.isolation_folder import Folder
from assets.isolation_worker import HEADER
from schemas.problems import Problem, shorten
from schemas.vocabulary import QUARANTINE_CAUSES, Severity, words

START_SECONDS = 60.0  # importing a function's module from a cold disk is slow, and no file's fault
TAIL_BYTES = 4_096
_LOOK_SECONDS = 0.25  # how often the size of a child's files is looked at
_TRY_NAMESPACE = True
_ROOT = Path(__file__).resolve().parents[1]
_WORKER = Path(__file__).with_name("isolation_worker.py")
_OUT_OF_MEMORY = ("memory allocation of", "std::bad_alloc", "bad_alloc", "MemoryError", "out of memory")
# Credentials live in the environment, and a child needs none of them.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT")
# One thread per child: the workers are the parallelism. Arrow's own allocators reserve gigabytes of space.
_SETTINGS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

NetworkIsolation = Literal["namespace", "python"]


class IsolationError(RuntimeError):
    """A child could not be started, or its function not be imported: our fault, and no job's."""


@dataclass(frozen=True)
class Limits:
    """What one job may use.

    Attributes:
        memory_bytes: address space beyond what the child holds when the job starts, so that heavy imports of
            the function's module do not count.
        seconds: wall clock. The time during which the caller holds an outcome and does not ask for the next
            is not counted.
        output_bytes: the answer, as JSON in UTF-8.
        folder_bytes: all files together that a job may leave in its folder.
    """

    memory_bytes: int = 1 << 30
    seconds: float = 30.0
    output_bytes: int = 64 << 20
    folder_bytes: int = 1 << 30


@dataclass(frozen=True)
class Job:
    """One call of the function.

    Attributes:
        key: comes back with the outcome; need not be unique.
        args: positional arguments, picklable and plain (paths rather than contents).
        file: the name of the file for messages; the key if not given.
        folder: where the files go that the function makes. It is made, and must not be there before; it must be on
            the same disk as `scratch`. The function then gets the keyword `folder`: where to write meanwhile.
    """

    key: str
    args: tuple[Any, ...] = ()
    file: str | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """The answer to one job: `value` if `problems` is empty, otherwise `problems`."""

    key: str
    value: Any | None = None
    problems: list[Problem] = field(default_factory=list)


def run(
    function: str,
    jobs: Iterable[Job],
    limits: Limits | None = None,
    workers: int = 2,
    scratch: Path | None = None,
) -> Iterator[Outcome]:
    """Call `function` on every job in child processes; every job is answered exactly once, in any order.

    Values come back as JSON carries them: tuples as lists, keys of mappings as text, no dates, no bytes (a
    value that JSON cannot carry is an exception of the function). The children end with the generator, also
    when it is abandoned. Jobs are taken from the iterable as children become free. Advance the generator from
    one thread: the kernel ends a child together with the thread that started it.

    Args:
        function: `module:function`, importable with the caller's `sys.path`; its module is imported only in
            the children, once each.
        jobs: what to call it on.
        limits: what each job may use; `Limits()` if not given.
        workers: children at a time; no more are started than there are jobs.
        scratch: a folder in which each child gets a folder for files, if jobs have a `folder`.

    Yields:
        One outcome per job.

    Raises:
        ValueError: `workers` below 1, or `function` is not of the form `module:function`.
        IsolationError: a child does not start, or the function cannot be imported.
    """
    if workers < 1 or function.count(":") != 1:
        expected = "expected 'module:function' and at least one worker"
        raise ValueError(f"run({function!r}, workers={workers}); {expected}")
    return _run(function, iter(jobs), limits or Limits(), workers, scratch)


def _run(function: str, jobs: Iterator[Job], limits: Limits, workers: int, scratch: Path | None) -> Iterator[Outcome]:
    pool: list[_Child] = []
    with selectors.DefaultSelector() as selector:

        def feed() -> None:
            """Give every child something to do, as far as there are jobs."""
            while len(pool) < workers or any(child.job is None for child in pool):
                job = next(jobs, None)
                if job is None:
                    return
                if job.folder is not None and scratch is None:
                    raise ValueError(f"the job {job.key!r} has a folder; expected run(..., scratch=...)")
                child = next((child for child in pool if child.job is None), None)
                if child is not None and child.unfit:
                    child.end()
                    pool.remove(child)
                    child = None
                if child is None:
                    child = _Child(function, limits, selector, scratch)
                    pool.append(child)
                child.take(job)

        try:
            feed()
            while busy := [child for child in pool if child.job is not None]:
                patience = max(0.0, min(child.deadline for child in busy) - time.monotonic())
                if scratch is not None:
                    patience = min(patience, _LOOK_SECONDS)
                for key, _ in selector.select(patience):
                    key.data()
                outcomes: list[Outcome] = []
                for child in busy:
                    # What has arrived counts, however late we look: ask before the clock.
                    outcome = child.outcome()
                    if outcome is None and time.monotonic() >= child.deadline:
                        outcome = child.expire()
                    if outcome is None and child.overflows():
                        outcome = child.overflow()
                    if outcome is not None:
                        outcomes.append(outcome)
                    if child.gone:
                        pool.remove(child)
                feed()  # so that the children work while the caller does
                for outcome in outcomes:
                    handed_over = time.monotonic()
                    yield outcome
                    held = time.monotonic() - handed_over
                    for child in pool:
                        child.deadline += held
        finally:
            for child in pool:
                child.end()


def network_isolation() -> NetworkIsolation:
    """How children are kept off the network on this machine.

    Returns:
        `namespace`: the kernel gives each child a network without a way out. `python`: the kernel or a
        container forbids that, and only Python code in the child is stopped, not machine code.

    Raises:
        IsolationError: a child does not start.
    """
    with selectors.DefaultSelector() as selector:
        child = _Child("builtins:len", Limits(), selector)
        try:
            child.take(Job("network", ("",)))
            while child.outcome() is None:
                if time.monotonic() >= child.deadline:
                    child.expire()
                for key, _ in selector.select(1.0):
                    key.data()
        finally:
            child.end()
    return child.network


class _Child:
    """One child process, what it is working on, and what has come out of it so far."""

    def __init__(
        self, function: str, limits: Limits, selector: selectors.BaseSelector, scratch: Path | None = None
    ) -> None:
        self.folder = None if scratch is None else Folder(scratch)
        self.function, self.limits, self.selector = function, limits, selector
        self.job: Job | None = None
        self.deadline = time.monotonic() + START_SECONDS
        self.network: NetworkIsolation = "python"
        self.gone = self.ready = self.closed = False
        self.received, self.tail, self.unsent = bytearray(), bytearray(), bytearray()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | _SETTINGS
        # -I keeps the caller's PYTHON* variables and current folder out; the path travels in the setup
        # instead. A session of its own keeps the terminal's Ctrl-C for the parent, which then ends the
        # children in order.
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-X", "utf8", str(_WORKER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, env=environment, start_new_session=True,
        )  # fmt: skip
        pipes = (self.process.stdin, self.process.stdout, self.process.stderr)
        self.stdin, self.stdout, self.stderr = (pipe.fileno() for pipe in pipes if pipe is not None)
        for number in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(number, False)
        selector.register(self.stdout, selectors.EVENT_READ, self._read_answer)
        selector.register(self.stderr, selectors.EVENT_READ, self._read_tail)
        path = [str(Path(entry).absolute()) for entry in sys.path if isinstance(entry, str)]
        setup = {
            "function": function,
            "path": path if str(_ROOT) in path else [*path, str(_ROOT)],
            "parent": os.getpid(),
            "namespace": _TRY_NAMESPACE,
            "folder": None if self.folder is None else str(self.folder.path),
            "limits": {
                "memory": limits.memory_bytes,
                "seconds": limits.seconds,
                "output": limits.output_bytes,
                "folder": limits.folder_bytes,
            },
        }
        self._send(setup)

    @property
    def unfit(self) -> bool:
        """Whether it died, or spoke, or wrote, while it had nothing to do: no next job must pay for that."""
        return self.closed or bool(self.received) or (self.folder is not None and bool(self.folder.files()))

    def take(self, job: Job) -> None:
        """Start on `job`; its time runs from now, or from when the child is up."""
        self.job = job
        self.tail.clear()
        if self.ready:
            self.deadline = time.monotonic() + self.limits.seconds
        self._send((job.args, job.folder is not None))

    def outcome(self) -> Outcome | None:
        """The outcome of the job if it is known by now. May leave the child dead (`gone`)."""
        answer = self._answer()
        if answer is not None and not self.ready:
            self._up(answer)
            answer = self._answer()
        if answer is None:
            if not self.closed:
                return None
            return self._died()
        job = self._done()
        kind = answer.get("kind")
        if kind == "value" and job.folder is not None and self.folder is not None:
            refused = self._deliver(job, self.folder, job.folder)
            if refused is not None:
                self.end()
                return refused
        if answer.get("worn") or (self.folder is not None and not self.folder.clear()):
            self.end()
        if kind == "value":
            return Outcome(job.key, answer.get("value"))
        if kind == "problems":
            try:
                problems = [_problem(row) for row in answer["problems"]]
            except (AttributeError, KeyError, TypeError, ValueError):
                problems = []
            if problems:
                return Outcome(job.key, None, problems)
        elif kind == "error":
            return self._failed(job, "corrupt", "the reader stopped", value=str(answer.get("message")))
        self.end()  # after any of these, better a fresh child
        if kind == "memory":
            return self._out_of_memory(job)
        if kind == "large":
            return self._too_long(job)
        if kind == "files":
            return self._too_many_files(job)
        if kind == "full":
            raise IsolationError(f"no space is left on the disk for what {self.function} writes")
        return self._unreadable(job)

    def expire(self) -> Outcome:
        """End the child, whose time is up."""
        self.end()
        if not self.ready:
            what = f"did not start within {START_SECONDS:g} seconds"
            raise IsolationError(f"a child for {self.function} {what}")
        what = f"reading took longer than {self.limits.seconds:g} seconds and was stopped"
        return self._failed(self._done(), "timed_out", what)

    def overflows(self) -> bool:
        """Whether its files have grown beyond the limit. One file cannot (the kernel sees to it), many can."""
        return self.folder is not None and self.folder.size() > self.limits.folder_bytes

    def overflow(self) -> Outcome:
        """End the child, which writes too much."""
        self.end()
        return self._too_many_files(self._done())

    def end(self) -> None:
        """Kill the child with all that it started and close its pipes; twice is as good as once."""
        if self.gone:
            return
        self.gone = True
        for number in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(KeyError):
                self.selector.unregister(number)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel, on a dead disk: let it go
            self.process.wait(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        if self.folder is not None:
            self.folder.remove()

    def _deliver(self, job: Job, folder: Folder, target: Path) -> Outcome | None:
        """Move the files to where the job wants them; an outcome if they are not what they should be."""
        if not folder.is_plain():
            return self._failed(job, "crashed", "the reader left something that is no plain file")
        if folder.size() > self.limits.folder_bytes:
            return self._too_many_files(job)
        folder.move(target)
        return None

    def _send(self, message: Any) -> None:
        raw = pickle.dumps(message)
        self.unsent += HEADER.pack(len(raw)) + raw
        self._write()

    def _write(self) -> None:
        """As much as the pipe takes; never blocks, as a child gone wild does not read."""
        waiting = self.stdin in self.selector.get_map()
        try:
            while self.unsent:
                del self.unsent[: os.write(self.stdin, self.unsent)]
        except BlockingIOError:
            if not waiting:
                self.selector.register(self.stdin, selectors.EVENT_WRITE, self._write)
            return
        except OSError:  # it died; the end of its stdout says so too, and with more to tell
            self.unsent.clear()
        if waiting:
            self.selector.unregister(self.stdin)

    def _read_answer(self) -> None:
        try:
            part = os.read(self.stdout, 1 << 20)
        except BlockingIOError:
            return
        self.received += part
        if not part:
            self.closed = True
            self.selector.unregister(self.stdout)

    def _read_tail(self) -> None:
        try:
            part = os.read(self.stderr, 1 << 16)
        except BlockingIOError:
            return
        self.tail += part
        del self.tail[:-TAIL_BYTES]
        if not part:
            self.selector.unregister(self.stderr)

    def _answer(self) -> dict[str, Any] | None:
        """The next whole message, `{}` if it is not one that our worker sends."""
        if len(self.received) < HEADER.size:
            return None
        (size,) = HEADER.unpack(self.received[: HEADER.size])
        if size > self.limits.output_bytes + TAIL_BYTES:
            return {"kind": "large"}
        if len(self.received) < HEADER.size + size:
            return None
        raw = bytes(self.received[HEADER.size : HEADER.size + size])
        del self.received[: HEADER.size + size]
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def _up(self, answer: dict[str, Any]) -> None:
        if answer.get("kind") != "ready":
            raise IsolationError(f"{self.function} cannot be imported: {answer.get('message')}")
        self.ready = True
        self.network = "namespace" if answer.get("network") == "namespace" else "python"
        self.deadline = time.monotonic() + self.limits.seconds

    def _done(self) -> Job:
        job, self.job = self.job, None
        if job is None:
            raise IsolationError("a child answered that had nothing to do")
        return job

    def _died(self) -> Outcome:
        """The child closed its end: say why, and blame the job that it was on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        code = self.process.poll()
        while self.stderr in self.selector.get_map() and (before := len(self.tail)) < TAIL_BYTES:
            self._read_tail()
            if len(self.tail) == before:
                break
        self.end()
        tail = self.tail.decode("utf-8", "replace").strip()
        if not self.ready:
            what = f"a child for {self.function} {_ending(code)} while it started"
            raise IsolationError(f"{what}: {tail[-500:]}")
        job = self._done()
        if any(mark in tail for mark in _OUT_OF_MEMORY):
            return self._out_of_memory(job)
        if code == -signal.SIGKILL:  # we did not send it
            what = "the reader was killed, most likely by the system for want of memory"
            return self._failed(job, "too_large", what)
        if code == -signal.SIGXCPU:
            what = "reading used more processor time than allowed and was stopped"
            return self._failed(job, "timed_out", what)
        last = tail.splitlines()[-1] if tail else None
        return self._failed(job, "crashed", f"the reader {_ending(code)}", value=last)

    def _out_of_memory(self, job: Job) -> Outcome:
        what = f"reading takes more than {_size(self.limits.memory_bytes)} of memory"
        return self._failed(job, "too_large", what)

    def _too_long(self, job: Job) -> Outcome:
        what = f"reading gives more than {_size(self.limits.output_bytes)}"
        return self._failed(job, "too_large", what)

    def _too_many_files(self, job: Job) -> Outcome:
        what = f"reading writes more than {_size(self.limits.folder_bytes)}"
        return self._failed(job, "too_large", what)

    def _unreadable(self, job: Job) -> Outcome:
        return self._failed(job, "crashed", "the reader gave an answer that is not one")

    def _failed(self, job: Job, cause: str, what: str, value: str | None = None) -> Outcome:
        found = None if value is None else shorten(value)
        return Outcome(job.key, None, [Problem(cause, job.file or job.key, what, value=found)])


def _problem(row: dict[str, Any]) -> Problem:
    """A problem as a child tells it; ValueError if it is not one that could be stored and shown."""
    problem = Problem.from_row(row)
    texts = (problem.file, problem.what, problem.column, problem.value, problem.expected, problem.nearest)
    fits = (
        problem.cause in QUARANTINE_CAUSES
        and problem.severity in words(Severity)
        and isinstance(problem.file, str)
        and isinstance(problem.what, str)
        and all(text is None or isinstance(text, str) for text in texts)
        and (problem.row is None or type(problem.row) is int)
    )
    if not fits:
        raise ValueError("not a problem")
    return problem


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its answers and does not end"
    if code >= 0:
        return f"ended without an answer (exit status {code})"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"


def _size(count: int) -> str:
    """Bytes as people say them: `64 MiB`."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
