"""Analysts read while refreshes publish: nobody waits, nobody errs, every answer is from one version."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

from assets.refresh import refresh
from tests import children, factory
from tests.conftest import no_audit
from warehouse.layout import Layout

READERS = 20
REFRESHES = 10
WAVES = 3


def figures(layout: Layout, number: int) -> None:
    """In the n-th refresh every wave has 20 + n percent: figures of two versions would show side by side."""
    for wave in range(1, WAVES + 1):
        factory.release(layout.catalogue, f"{wave:02d}", percents=(20 + number, 70 - number, 10), month=wave)


def expected(number: int) -> tuple[Any, ...]:
    """What tests.children.answer must say of the n-th version."""
    return number, number, 3 * WAVES, WAVES, 20 + number, 20 + number


def test_twenty_readers_during_ten_refreshes_see_whole_versions_and_no_error(tmp_path: Path) -> None:
    layout = factory.small_house(tmp_path, waves=WAVES)
    figures(layout, 1)
    refresh(layout, audit=no_audit)
    stop = children.CONTEXT.Event()
    pipes, processes = [], []
    for target in (*[children.reading] * READERS, children.holding):
        told, theirs = children.CONTEXT.Pipe(duplex=False)
        process = children.CONTEXT.Process(target=target, args=(layout, stop, theirs))
        process.start()
        theirs.close()
        pipes.append(told)
        processes.append(process)
    *readers, holder = pipes
    try:
        assert holder.poll(60)
        assert holder.recv() == "open"
        for number in range(2, REFRESHES + 2):
            figures(layout, number)
            done = refresh(layout, audit=no_audit)
            assert done.why == f"the ledger is at refresh {number}, the published database at {number - 1}"
        time.sleep(0.5)
    finally:
        stop.set()
    seen: Counter[Any] = Counter()
    for told in readers:
        assert told.poll(60), "a reader did not come to its end"
        seen.update(told.recv())
    held = holder.recv() if holder.poll(60) else None
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0] * len(processes)
    # Both answers of a connection are the same version, and each is whole.
    versions = {(expected(number), expected(number)) for number in range(1, REFRESHES + 2)}
    assert set(seen) <= versions, f"neither a whole version nor two equal answers: {set(seen) - versions}"
    assert len(seen) >= REFRESHES / 2
    assert sum(seen.values()) > READERS
    assert max(answer[0][0] for answer in seen) == REFRESHES + 1, "nobody saw the last version"
    assert held == (expected(1), expected(1)), "the connection that stayed open keeps its version"
