"""Estimates of releases from their coded answers, by one of the engines, as Parquet beside the warehouse.

Belongs here: which files of a lake, which engine, where results go. Does not belong here: the engines
(assets.estimates), printing (pipeline.cli), what is published (a refresh does that).
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import fsspec
import pyarrow
import pyarrow.parquet

from assets.estimates.engine import tables
from assets.estimates.engine.coded import FORMAT, KEY, CodedFile, Header
from assets.estimates.engine.sums import MOST_THREADS
from assets.estimates.engine.sweep import drawn_of
from assets.loading import ANSWERS
from assets.releases.ledger import Ledger
from assets.releases.shelf import lake_folder
from schemas.problems import Problem, ProblemsError, nearest
from warehouse.files import move_whole
from warehouse.layout import Layout

Tables = tuple[pyarrow.Table, pyarrow.Table]
Engine = Callable[["Coded"], Tables]
ENGINES = ("kernel", "duckdb", "spark")
MOST_AT_ONCE = 4  # releases that the kernel estimates side by side; each takes some 300 MB more


class EstimateError(Exception):
    """There is nothing to estimate, or the lake cannot be read."""


@dataclass(frozen=True)
class Coded:
    """The coded answers of one release.

    Attributes:
        release: organisation/series/folder.
        address: of `answers.parquet`: a path, or an address that fsspec knows.
    """

    release: str
    address: str


@dataclass(frozen=True)
class Done:
    """What was made of one release.

    Attributes:
        release: organisation/series/folder.
        engine: that made it.
        estimates: number of rows.
        scores: number of rows.
        seconds: that it took.
        folder: where the files are.
    """

    release: str
    engine: str
    estimates: int
    scores: int
    seconds: float
    folder: Path


def published(layout: Layout) -> list[Coded]:
    """Coded answers of the loads that a house publishes."""
    live = Ledger(layout.ledger).live()
    files = {name: lake_folder(layout, name, event.load_vintage or 1) / ANSWERS for name, event in live.items()}
    return [Coded(name, str(file)) for name, file in sorted(files.items()) if file.is_file()]


def of_lake(address: str) -> list[Coded]:
    """Coded answers below any address that fsspec knows, of each release the latest load.

    Raises:
        EstimateError: the address cannot be read.
    """
    try:
        system, root = fsspec.core.url_to_fs(address)
        paths = sorted(system.glob(f"{root.rstrip('/')}/*/*/*/*/{ANSWERS}"))
    except Exception as bad:  # each of fsspec's systems has errors of its own
        raise EstimateError(f"the lake {address} cannot be read: {type(bad).__name__}: {bad}") from bad
    latest = {"/".join(PurePosixPath(path).parts[-5:-2]): path for path in paths}  # loads sort by their number
    return [Coded(name, system.unstrip_protocol(path)) for name, path in sorted(latest.items())]


def chosen(all_: Sequence[Coded], releases: Sequence[str]) -> list[Coded]:
    """Those of these names, or below them; all if there are none.

    Raises:
        EstimateError: a name fits nothing.
    """
    for name in releases:
        if not any(_within(one.release, name) for one in all_):
            close = nearest(name, [one.release for one in all_])
            raise EstimateError(f"no coded answers of {name!r}" + (f"; nearest: {close}" if close else ""))
    return [one for one in all_ if not releases or any(_within(one.release, name) for name in releases)]


def estimate(
    todo: Sequence[Coded], out: Path, engine: str, master: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Done]:
    """Estimates and scores of releases, written as `estimates.parquet` and `scores.parquet` in a folder for each.

    Args:
        todo: the releases.
        out: the folder.
        engine: of `ENGINES`.
        master: of Spark.
        settings: of Spark, by name.

    Raises:
        assets.estimates.twin.spark.SparkError: Spark cannot be started.
        ProblemsError: a file is no file of coded answers.
    """
    side_by_side = min(os.cpu_count() or 1, MOST_AT_ONCE) if engine == "kernel" else 1
    # Of many releases each has a thread of its own; of few, each has several for its questions.
    kernel = partial(_kernel, most_threads=1 if len(todo) > side_by_side > 1 else MOST_THREADS)
    with _engine(engine, master, settings or {}) as (run, of):

        def done(one: Coded) -> Done:
            start = time.monotonic()
            able = engine == "kernel" or _sql_has_its_errors(of(one))
            shares, scores = run(one) if able and engine != "kernel" else kernel(one)
            folder = _write(out, one.release, shares, scores)
            took = time.monotonic() - start
            return Done(one.release, engine if able else "kernel", len(shares), len(scores), took, folder)

        # While the rows of one release are put together another is counted: half the time on two cores.
        with ThreadPoolExecutor(side_by_side) as pool:
            yield from pool.map(done, todo)


def header_of(one: Coded) -> tuple[Header, frozenset[str]]:
    """The header and the names of the columns of a file wherever it lies; only its end is read.

    Raises:
        ProblemsError: no file of coded answers, or one of another format.
    """
    with fsspec.open(one.address, "rb") as file:
        schema = pyarrow.parquet.ParquetFile(file).schema_arrow
    told = (schema.metadata or {}).get(KEY)
    header = Header.model_validate_json(told) if told else None
    if header is None or header.format != FORMAT:
        raise ProblemsError([Problem("corrupt", one.release, f"no coded answers of format {FORMAT}; load it again")])
    return header, frozenset(schema.names)


def _sql_has_its_errors(header: Header) -> bool:
    """Errors of weights made to meet targets, or given as replicates, are no sums that the statements make."""
    return header.calibration is None and header.replicates is None


@contextmanager
def _engine(
    name: str, master: str | None, settings: Mapping[str, str]
) -> Iterator[tuple[Engine, Callable[[Coded], Header]]]:
    def of(one: Coded) -> Header:
        return header_of(one)[0]

    if name != "spark":
        yield {"kernel": _kernel, "duckdb": _duckdb}[name], of
        return
    from assets.estimates.twin import spark

    session = spark.session(master or spark.LOCAL, settings)

    def run(one: Coded) -> Tables:
        header, names = header_of(one)
        found = spark.sums(session, one.address, header, names)
        return tables.of_sums(header, ((each.shares, each.means) for each in found.sums), found.lone)

    try:
        yield run, of
    finally:
        session.stop()


def _kernel(one: Coded, most_threads: int = MOST_THREADS) -> Tables:
    with _here(one) as path:
        return tables.estimate(CodedFile(path), most_threads=most_threads)


def _duckdb(one: Coded) -> Tables:
    from assets.estimates.twin import duck

    with _here(one) as path:
        answers = CodedFile(path)
        sums = ((each.shares, each.means) for each in duck.sums(path))
        return tables.of_sums(answers.header, sums, drawn_of(answers).lone)


@contextmanager
def _here(one: Coded) -> Iterator[Path]:
    """The file on a local disk: engines of one machine read every column of it, so it is fetched whole."""
    system, path = fsspec.core.url_to_fs(one.address)
    if "file" in ((system.protocol,) if isinstance(system.protocol, str) else system.protocol):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="weathervane-") as folder:
        here = Path(folder) / ANSWERS
        system.get_file(path, str(here))
        yield here


def _write(out: Path, release: str, shares: pyarrow.Table, scores: pyarrow.Table) -> Path:
    folder = out / release
    aside = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    pyarrow.parquet.write_table(shares, aside / "estimates.parquet", compression="zstd")
    pyarrow.parquet.write_table(scores, aside / "scores.parquet", compression="zstd")
    move_whole(aside, folder)
    return folder


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix.rstrip("/") + "/")
