"""One writer at a time, across processes, freed by the kernel when its process dies however it dies.

Belongs here: the lock. Does not belong here: what is done under it. A pool of the orchestrator would keep its slot
after `kill -9` until a daemon frees it; a file lock (flock) needs no daemon.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class BusyError(Exception):
    """Another writer is at work and did not finish within the time allowed."""


@contextlib.contextmanager
def writer(
    path: Path, who: str, wait_seconds: float = 600.0, say: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the writer's lock.

    Args:
        path: the lock file; its content names the holder, for people.
        who: how this holder calls itself.
        wait_seconds: how long to wait for another writer.
        say: told once when there is somebody to wait for.

    Raises:
        BusyError: still busy after `wait_seconds`; names the holder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline, told = time.monotonic() + wait_seconds, False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = path.read_text(errors="replace").strip() or "another process"
                if say and not told:
                    say(f"waiting for the writer's lock, held by {holder}")
                    told = True
                if time.monotonic() >= deadline:
                    raise BusyError(f"the warehouse is being written by {holder}; try again when it is done") from None
                time.sleep(0.1)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{who} (process {os.getpid()})\n".encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)  # releases the lock
