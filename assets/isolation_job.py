"""What is asked of a child process, what is answered, and how a failure of the child is told.

Belongs here: jobs, limits and outcomes, and the causes and words for what a child did not survive. Does not belong
here: finding out what happened to a child (assets.isolation_child), or what follows (assets.publication).
"""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemas.problems import Problem, shorten
from schemas.vocabulary import QUARANTINE_CAUSES, Severity, words

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


def failed(job: Job, cause: str, what: str, value: str | None = None) -> Outcome:
    """The outcome of a job that came to nothing, as one problem of its file."""
    found = None if value is None else shorten(value)
    return Outcome(job.key, None, [Problem(cause, job.file or job.key, what, value=found)])


def out_of_memory(job: Job, limits: Limits) -> Outcome:
    """Reading needed more memory than a job may have."""
    return failed(job, "too_large", f"reading takes more than {size_in_words(limits.memory_bytes)} of memory")


def too_long(job: Job, limits: Limits) -> Outcome:
    """The answer is longer than it may be."""
    return failed(job, "too_large", f"reading gives more than {size_in_words(limits.output_bytes)}")


def too_many_files(job: Job, limits: Limits) -> Outcome:
    """The files are larger than they may be together."""
    return failed(job, "too_large", f"reading writes more than {size_in_words(limits.folder_bytes)}")


def unreadable(job: Job) -> Outcome:
    """What came back is nothing that our worker would send."""
    return failed(job, "crashed", "the reader gave an answer that is not one")


def problem_told(row: dict[str, Any]) -> Problem:
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


def ending(code: int | None) -> str:
    """How a process ended, by its exit status; None if it has not."""
    if code is None:
        return "closed its answers and does not end"
    if code >= 0:
        return f"ended without an answer (exit status {code})"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"


def size_in_words(count: int) -> str:
    """Bytes as people say them: `64 MiB`."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
