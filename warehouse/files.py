"""Writing files so that they are there whole or not at all.

Belongs here: write aside, flush, rename; flushing a whole batch at once. Does not belong here: what is written.
"""

import ctypes
import os
import shutil
from pathlib import Path


def write_whole(path: Path, data: bytes, *, flush: bool = True) -> None:
    """Write `data` beside `path` and rename. With `flush=False` the caller flushes the batch (`flush_all`) itself."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with aside.open("wb") as out:
        out.write(data)
        if flush:
            out.flush()
            os.fsync(out.fileno())
    aside.replace(path)


def move_whole(aside: Path, place: Path) -> None:
    """Rename a finished folder into place, replacing what a killed run may have left there."""
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(place)


def flush_all(folder: Path) -> None:
    """Flush the file system that holds `folder` to disk: one call for thousands of small files (Linux syncfs)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if hasattr(libc, "syncfs"):
            if libc.syncfs(handle) != 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error), str(folder))
        else:  # macOS has no syncfs
            os.sync()
    finally:
        os.close(handle)
