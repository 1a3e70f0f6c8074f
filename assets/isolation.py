"""Running a reader of foreign files in child processes, so that no file can take the run down with it.

Belongs here: the entry (`run`), handing jobs to the children, and throwing out and replacing those that misbehave. Does
not belong here: one child (assets.isolation_child), the words of what is asked and answered (assets.isolation_job),
reading anything (the rooms' readers do), or what follows from a failure (assets.publication).

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

import selectors
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from assets.isolation_child import Child
from assets.isolation_job import IsolationError, Job, Limits, NetworkIsolation, Outcome

__all__ = ["IsolationError", "Job", "Limits", "NetworkIsolation", "Outcome", "network_isolation", "run"]

_LOOK_SECONDS = 0.25  # how often the size of a child's files is looked at


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
    pool: list[Child] = []
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
                    child = Child(function, limits, selector, scratch)
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
        child = Child("builtins:len", Limits(), selector)
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
