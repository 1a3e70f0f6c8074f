"""How many children read files at a time: the setting, and that a refresh heeds it."""

from pathlib import Path
from typing import Any

import pytest

from assets import isolation, loading
from assets.ingest import ingest
from assets.refresh import now
from tests import factory
from warehouse.layout import Layout


@pytest.mark.parametrize(("text", "expected"), [(None, 2), ("", 2), (" 6 ", 6), ("1", 1)])
def test_the_setting_says_how_many(text: str | None, expected: int) -> None:
    assert loading.workers({} if text is None else {"WEATHERVANE_WORKERS": text}) == expected


@pytest.mark.parametrize("text", ["0", "-2", "two", "2.5", "²", "1e3"])
def test_what_is_no_number_of_processes_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"WEATHERVANE_WORKERS is .*; expected a whole number"):
        loading.workers({"WEATHERVANE_WORKERS": text})


@pytest.mark.parametrize(("text", "expected"), [(None, 2), ("3", 3)])
def test_ingest_reads_with_as_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, expected: int
) -> None:
    layout = factory.house(tmp_path)
    factory.many(layout.catalogue, 4)
    seen = []
    run = isolation.run

    def watched(function: str, jobs: Any, limits: Any, workers: int, *more: Any) -> Any:
        seen.append(workers)
        return run(function, jobs, limits, workers, *more)

    monkeypatch.setattr(isolation, "run", watched)
    monkeypatch.delenv("WEATHERVANE_WORKERS", raising=False)
    if text is not None:
        monkeypatch.setenv("WEATHERVANE_WORKERS", text)
    report = ingest(layout, now())
    assert len(report.loaded) == 4, report.quarantined
    assert seen == [expected], f"read by {seen} children"


def test_ingest_stops_before_it_does_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout: Layout = factory.house(tmp_path)
    factory.many(layout.catalogue, 1)
    monkeypatch.setenv("WEATHERVANE_WORKERS", "many")
    with pytest.raises(ValueError, match="WEATHERVANE_WORKERS is 'many'"):
        ingest(layout, now())
    assert list(layout.ledger.rglob("*.parquet")) == [], "nothing is recorded"
