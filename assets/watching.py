"""How far long work is, for whoever watches.

Belongs here: counting through work and telling the watcher, if there is one. Does not belong here: how progress is
shown (pipeline.cli.bars). Work that nobody watches is not slowed down.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Watcher = Callable[[str, int, int | None], None]
One = TypeVar("One")

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """While this lasts, `watcher` is told what is done, how many of it, and of how many in all (None: not known)."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def counted(work: Iterable[One], what: str, total: int | None = None) -> Iterator[One]:
    """The same things one by one; after each the watcher is told.

    Args:
        work: what is gone through.
        what: what it is, for people: "releases read".
        total: how many there are; by default the length of `work`, if it has one.
    """
    watcher = _watcher.get()
    if watcher is None:
        yield from work
        return
    if total is None and isinstance(work, Sized):
        total = len(work)
    watcher(what, 0, total)
    for done, one in enumerate(work, start=1):
        yield one
        watcher(what, done, total)
