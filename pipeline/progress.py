"""Progress for a person at a terminal: what the steps say while the job runs in this process.

Belongs here: handing on what steps say. Does not belong here: what is said, Dagster's own log (it has everything).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import dagster as dg

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, `say` reaches the listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def say(text: str) -> None:
    """Tell whoever listens."""
    listener = _listener.get()
    if listener:
        listener(text)


@dg.logger(
    config_schema={},
    description="Nothing on the terminal: the command prints what the steps say. The run's own log is complete.",
)
def silent(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger without output."""
    out = logging.getLogger("weathervane.silent")
    out.propagate = False
    if not out.handlers:
        out.addHandler(logging.NullHandler())
    return out
