"""One child process: starting it, sending it jobs, taking its answers, and ending it.

Belongs here: the pipes, the deadline, what came out of the child so far, and why it died. Does not belong here: which
child gets which job (assets.isolation), what happens inside (assets.isolation_worker), or what a child wrote
(assets.isolation_folder).

No pipe blocks, as a child gone wild neither reads nor writes: the selector calls back when there is something to do.
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
from pathlib import Path
from typing import Any

from assets.isolation_folder import Folder
from assets.isolation_job import (
    IsolationError,
    Job,
    Limits,
    NetworkIsolation,
    Outcome,
    ending,
    failed,
    out_of_memory,
    problem_told,
    too_long,
    too_many_files,
    unreadable,
)
from assets.isolation_worker import HEADER

START_SECONDS = 60.0  # importing a function's module from a cold disk is slow, and no file's fault
TAIL_BYTES = 4_096
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


class Child:
    """One child process, what it is working on, and what has come out of it so far."""

    def __init__(
        self, function: str, limits: Limits, selector: selectors.BaseSelector, scratch: Path | None = None
    ) -> None:
        """Start it; it is up when it says so, which `outcome` notices."""
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
                problems = [problem_told(row) for row in answer["problems"]]
            except (AttributeError, KeyError, TypeError, ValueError):
                problems = []
            if problems:
                return Outcome(job.key, None, problems)
        elif kind == "error":
            return failed(job, "corrupt", "the reader stopped", value=_said(job, str(answer.get("message"))))
        self.end()  # after any of these, better a fresh child
        if kind == "memory":
            return out_of_memory(job, self.limits)
        if kind == "large":
            return too_long(job, self.limits)
        if kind == "files":
            return too_many_files(job, self.limits)
        if kind == "full":
            raise IsolationError(f"no space is left on the disk for what {self.function} writes")
        return unreadable(job)

    def expire(self) -> Outcome:
        """End the child, whose time is up."""
        self.end()
        if not self.ready:
            what = f"did not start within {START_SECONDS:g} seconds"
            raise IsolationError(f"a child for {self.function} {what}")
        what = f"reading took longer than {self.limits.seconds:g} seconds and was stopped"
        return failed(self._done(), "timed_out", what)

    def overflows(self) -> bool:
        """Whether its files have grown beyond the limit. One file cannot (the kernel sees to it), many can."""
        return self.folder is not None and self.folder.size() > self.limits.folder_bytes

    def overflow(self) -> Outcome:
        """End the child, which writes too much."""
        self.end()
        return too_many_files(self._done(), self.limits)

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
            return failed(job, "crashed", "the reader left something that is no plain file")
        if folder.size() > self.limits.folder_bytes:
            return too_many_files(job, self.limits)
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
            what = f"a child for {self.function} {ending(code)} while it started"
            raise IsolationError(f"{what}: {tail[-500:]}")
        job = self._done()
        if any(mark in tail for mark in _OUT_OF_MEMORY):
            return out_of_memory(job, self.limits)
        if code == -signal.SIGKILL:  # we did not send it
            what = "the reader was killed, most likely by the system for want of memory"
            return failed(job, "too_large", what)
        if code == -signal.SIGXCPU:
            what = "reading used more processor time than allowed and was stopped"
            return failed(job, "timed_out", what)
        last = tail.splitlines()[-1] if tail else None
        return failed(job, "crashed", f"the reader {ending(code)}", value=_said(job, last))


def _said(job: Job, text: str | None) -> str | None:
    """What a library said of a file. Of answers, which go into a folder, only the kind: the rest may quote somebody."""
    if text is None or job.folder is None:
        return text
    name = text.partition(":")[0].strip()
    return name if name.isidentifier() else None
