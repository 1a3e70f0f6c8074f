"""Processes for the tests that kill and crowd: forked from a clean server that has imported everything and run nothing.

Belongs here: what such a child runs. Does not belong here: the tests.
"""

import multiprocessing
import time
from collections import Counter
from typing import Any

from assets.refresh import refresh
from warehouse import connect
from warehouse.layout import Layout

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.children", "pyarrow.parquet", "pandera.pandas"])


def refreshing(layout: Layout, told: Any, go_on: Any = None) -> None:
    """A refresh that sends what it says, then `(changed, why)`. With `go_on` it waits for that in the audit."""

    def audit(*_: Any) -> list[Any]:
        if go_on is not None:
            go_on.wait(60)
        return []

    told.send("starting")
    done = refresh(layout, audit=audit, say=told.send)
    told.send((done.report.changed, done.why))


def reading(layout: Layout, stop: Any, told: Any) -> None:
    """Ask again and again until told to stop; send how often each answer came, and every error."""
    seen: Counter[Any] = Counter()
    while not stop.is_set():
        try:
            with connect.read(layout.link) as con:
                seen[answer(con), answer(con)] += 1
        except Exception as bad:
            seen[f"{type(bad).__name__}: {bad}"] += 1
        time.sleep(0.7)  # people think between two queries; twenty that do not would take both cores of a small machine
    told.send(seen)


def holding(layout: Layout, stop: Any, told: Any) -> None:
    """Keep one connection open all the time; send what it answered at the beginning and at the end."""
    with connect.read(layout.link) as con:
        first = answer(con)
        told.send("open")
        stop.wait(120)
        told.send((first, answer(con)))


def answer(con: Any) -> tuple[Any, ...]:
    """Number of the refresh, and figures that fit it in one snapshot only (see tests.test_readers)."""
    query = """
        SELECT (SELECT value::INT FROM about WHERE key = 'refresh'), (SELECT max(refresh) FROM digest),
               (SELECT sum(estimates)::INT FROM releases), count(*), min(percent), max(percent)
        FROM estimates WHERE category = 'agree'
    """
    found: tuple[Any, ...] = con.execute(query).fetchone()
    return found
