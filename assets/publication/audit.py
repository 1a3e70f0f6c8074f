"""The audit: Great Expectations over the whole candidate, once, before it may be published.

Belongs here: running `schemas.expectations` on a database file and saying in plain words what was found. Does
not belong here: what is expected (schemas.expectations), the pages (data_docs), what a failure stops.

Great Expectations sees pandas batches of DuckDB queries, the only way in which it works with DuckDB. Its import
costs seconds and is done inside the function, so that nobody else pays for it.
"""

import contextlib
import datetime as dt
import logging
import os
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from assets.publication import data_docs
from schemas.expectations import EXPECTATIONS, Expectation
from schemas.vocabulary import Severity

MOST_ROWS = 10_000  # of a batch: a broken build may have millions of offenders, and nobody reads them
SHOWN = 5
_LONGEST = 80
_LONGEST_EXCEPTION = 300
_SEVERITY = {"error": "critical", "warning": "warning"}

Observed = str | int | float | bool | None


@dataclass(frozen=True)
class Result:
    """What one expectation found, in plain values.

    Attributes:
        name: of the expectation.
        passed: whether it holds; True for what was not checked.
        severity: `error` blocks, `warning` is shown.
        message: what was found, how much of it, where (up to five keys), and what to do.
        observed: the number or text that Great Expectations observed.
        says: what the expectation means.
        skipped: not checked, because there is no earlier version to compare with.
        mend: what to do when it fails.
        columns: of the offending rows.
        rows: the first of them, as text.
        found: how many there are.
        page: place of it on the pages, below their folder; None if none were written.
    """

    name: str
    passed: bool
    severity: Severity
    message: str
    observed: Observed
    says: str
    skipped: bool = False
    mend: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    found: int = 0
    page: str | None = None

    @classmethod
    def plain(cls, one: dict[str, Any]) -> "Result":
        """A result that was JSON in between, where tuples become lists."""
        columns, rows = tuple(one.pop("columns", ())), tuple(tuple(row) for row in one.pop("rows", ()))
        return cls(**one, columns=columns, rows=rows)


def audit(
    candidate: Path,
    previous: Path | None,
    docs: Path | None = None,
    *,
    accepted: Collection[str] = (),
    expectations: Sequence[Expectation] = EXPECTATIONS,
) -> list[Result]:
    """Audit a database file.

    Args:
        candidate: the file; closed by whoever wrote it.
        previous: the version that is published now, if any.
        docs: folder for the pages; None writes none.
        accepted: names of expectations whose failure a person accepts this once; they become warnings.
        expectations: what to check.

    Returns:
        One result per expectation, in their order. An expectation that crashed is a failed result.

    Raises:
        duckdb.Error: the candidate cannot be opened.
        ValueError: a name in `accepted` is not an expectation.
    """
    unknown = sorted(set(accepted) - {expectation.name for expectation in expectations})
    if unknown:
        raise ValueError(f"no such expectation: {', '.join(unknown)}")
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    with _quiet(), contextlib.closing(duckdb.connect(str(candidate), read_only=True)) as connection:
        if previous is not None:
            _attach(connection, previous)
        examiner = _Examiner(connection, rendered=docs is not None)
        findings = [
            _finding(examiner, expectation, previous is not None, expectation.name in accepted)
            for expectation in expectations
        ]
        results = [result for result, _ in findings]
        if docs is not None:
            page = data_docs.write(
                docs,
                data_docs.Run(
                    started=started,
                    seconds=time.perf_counter() - clock,
                    database=_called(connection, candidate),
                    previous=previous.resolve().name if previous is not None else None,
                    findings=tuple(finding for _, finding in findings),
                ),
            )
            place = page.relative_to(docs).as_posix()
            results = [replace(result, page=f"{place}#{result.name}") for result in results]
    return results


class _Examiner:
    """An ephemeral Great Expectations context over one connection; each distinct query runs once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rendered: bool) -> None:
        import great_expectations

        self._connection = connection
        self._rendered = rendered
        self._frames: dict[str, pd.DataFrame | duckdb.Error] = {}
        self._classes = great_expectations.expectations
        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        # One asset for all batches: with each asset that is added the context writes its whole configuration anew.
        asset = context.data_sources.add_pandas("weathervane").add_dataframe_asset("query")
        self._definition = asset.add_batch_definition_whole_dataframe("whole")

    def frame(self, expectation: Expectation) -> pd.DataFrame:
        """The rows of the expectation's query, at most `MOST_ROWS`.

        Raises:
            duckdb.Error: the query does not run.
        """
        query = expectation.query
        if query not in self._frames:
            try:
                limited = f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {MOST_ROWS}"
                self._frames[query] = self._connection.execute(limited).df()
            except duckdb.Error as bad:
                self._frames[query] = bad
        frame = self._frames[query]
        if isinstance(frame, duckdb.Error):
            raise frame
        return frame

    def validate(self, expectation: Expectation, frame: pd.DataFrame) -> Any:
        """The ExpectationValidationResult of Great Expectations."""
        statement = getattr(self._classes, expectation.kind)(
            **expectation.arguments,
            severity=_SEVERITY[expectation.severity],
            meta={"name": expectation.name, "query": expectation.query},
        )
        batch = self._definition.get_batch({"dataframe": frame})
        validated = batch.validate(statement, result_format="SUMMARY")
        if self._rendered:  # a third of the time, and only pages show it
            validated.render()
        return validated


def _finding(
    examiner: _Examiner, expectation: Expectation, has_previous: bool, accepted: bool
) -> tuple[Result, data_docs.Finding]:
    severity: Severity = "warning" if accepted else expectation.severity
    rows: pd.DataFrame = pd.DataFrame()
    validated: Any = None
    observed: Observed = None
    passed = skipped = False
    found = 0
    if expectation.needs_previous and not has_previous:
        passed = skipped = True
        message = "Not checked: there is no earlier version to compare with."
    else:
        try:
            batch = examiner.frame(expectation)
            validated = examiner.validate(expectation, batch)
            failure = _failure(validated)
            observed = _observed(validated)
            passed = bool(validated.success) and failure is None
            if failure is not None:
                message = f"Great Expectations could not check this: {failure} {expectation.mend}"
            elif passed:
                message = expectation.says
            else:
                rows, found = _offenders(validated, batch)
                message = f"{_found(rows, found)} {expectation.mend}"
        except Exception as bad:  # whatever breaks must show as a failure, never as silence
            message = f"Could not be checked: {_ended(f'{type(bad).__name__}: {bad}')} {expectation.mend}"
            passed = False
    if accepted and not passed:
        message = f"Accepted for this version. {message}"
    columns = tuple(str(name) for name in rows.columns)
    offenders = tuple(tuple(_text(value) or "" for value in row) for row in rows.head(SHOWN).itertuples(index=False))
    result = Result(
        expectation.name, passed, severity, message, observed, expectation.says, skipped, expectation.mend,
        columns, offenders, found,
    )  # fmt: skip
    finding = data_docs.Finding(
        name=expectation.name,
        status="skipped" if skipped else "passed" if passed else severity,
        says=expectation.says,
        message=message,
        mend=expectation.mend,
        accepted=accepted and not passed,
        kind=expectation.kind,
        query=expectation.query,
        columns=columns,
        rows=offenders,
        found=found,
        validated=None if validated is None else validated.to_json_dict(),
    )
    return result, finding


def _failure(validated: Any) -> str | None:
    """The first exception inside Great Expectations, which it keeps per metric and does not raise."""
    info = validated.exception_info or {}
    for one in info.values() if "raised_exception" not in info else [info]:
        if isinstance(one, dict) and one.get("raised_exception"):
            return _ended(str(one.get("exception_message") or "an exception without a message"))
    return None


def _observed(validated: Any) -> Observed:
    found = validated.result or {}
    return _plain(found.get("observed_value", found.get("unexpected_count")))


def _offenders(validated: Any, batch: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows that break the expectation (those Great Expectations points at, or all), and how many."""
    positions = (validated.result or {}).get("partial_unexpected_index_list")
    if positions is None:
        return batch, len(batch)
    return batch.loc[list(positions)], int(validated.result["unexpected_count"])


def _found(rows: pd.DataFrame, found: int) -> str:
    shown = "; ".join(
        ", ".join(f"{name}={text}" for name, value in row.items() if (text := _text(value)) is not None)
        for row in rows.head(SHOWN).to_dict("records")
    )
    more = f"; and {found - SHOWN:,} more" if found > SHOWN else ""
    return f"Found {'at least ' if found >= MOST_ROWS else ''}{found:,}: {shown}{more}."


def _text(value: Any) -> str | None:
    """A value as a person reads it; None for NULL."""
    plain = _plain(value)
    if plain is None:
        return None
    text = data_docs.number(plain) if isinstance(plain, float) else str(plain).strip() or "(empty)"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _plain(value: Any) -> Observed:
    """Numbers of numpy, timestamps and what else a batch holds, as plain Python."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else value.isoformat(sep=" ")
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _ended(exception: str) -> str:
    """What an exception says, on one line, shortened, as a sentence."""
    sentence = " ".join(exception.split())
    sentence = sentence if len(sentence) <= _LONGEST_EXCEPTION else sentence[: _LONGEST_EXCEPTION - 1] + "…"
    return sentence if sentence.endswith((".", "!", "?", "…")) else sentence + "."


def _called(connection: duckdb.DuckDBPyConnection, candidate: Path) -> str:
    """What a reader of the pages knows the candidate by: every candidate has the same file name."""
    with contextlib.suppress(duckdb.Error):
        found = connection.execute("SELECT value FROM about WHERE key = 'refresh'").fetchone()
        if found:
            return f"refresh {found[0]}"
    return candidate.name


def _attach(connection: duckdb.DuckDBPyConnection, previous: Path) -> None:
    path = str(previous.resolve()).replace("'", "''")
    # An unreadable earlier version fails each expectation that needs it (no catalogue `previous`), by name.
    with contextlib.suppress(duckdb.Error):
        connection.execute(f"ATTACH '{path}' AS previous (READ_ONLY)")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Great Expectations without telemetry, warnings and log lines; other people's stay as they were."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        before = warnings.showwarning
        import great_expectations  # noqa: F401 - its import redirects every warning of the process to logging

        if warnings.showwarning is not before:
            logging.captureWarnings(False)
        warnings.simplefilter("ignore")
        # Some of its modules set their own level, so the lines are stopped where they leave the package.
        logger, silence = logging.getLogger("great_expectations"), logging.NullHandler()
        propagate, logger.propagate = logger.propagate, False
        logger.addHandler(silence)
        try:
            yield
        finally:
            logger.removeHandler(silence)
            logger.propagate = propagate
