"""Reading many files, each in a child process with limits that fit its size.

Belongs here: limits, and the call of `assets.isolation` for this room. Does not belong here: which files there are, and
what becomes of one that failed (the walk does both).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets import isolation

READER = "assets.responses.read:read"
# 4 GB for everything: what a child reads must fit beside the interpreter, the libraries and the other child.
MEMORY = 3 << 30
SECONDS = 600.0
LARGEST_FOLDER = 16 << 30
LARGEST_ANSWER = 8 << 20


@dataclass(frozen=True)
class Reading:
    """One file to be read.

    Attributes:
        path: where it is.
        file: what the person calls it.
        folder: where `responses.parquet` and `codebook.json` go; must not be there.
        options: what the manifest says, see `assets.responses.options.Options`.
    """

    path: Path
    file: str
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)


def read_all(readings: Iterable[Reading], scratch: Path, workers: int = 2) -> Iterator[isolation.Outcome]:
    """Read files; the key of each outcome is the name of its file.

    Args:
        readings: what to read.
        scratch: a folder on the same disk as the folders of the readings, for files in the making.
        workers: children at a time.

    Yields:
        Per file the summary of `read.read`, or the problems for which it is set aside; then its folder is not there.

    Raises:
        IsolationError: a child does not start, or the disk is full.
    """
    limits = isolation.Limits(
        memory_bytes=MEMORY, seconds=SECONDS, output_bytes=LARGEST_ANSWER, folder_bytes=LARGEST_FOLDER
    )
    jobs = (isolation.Job(one.file, (str(one.path), one.file, one.options), one.file, one.folder) for one in readings)
    return isolation.run(READER, jobs, limits, workers, scratch)
