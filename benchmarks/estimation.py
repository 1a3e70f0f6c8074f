"""How long estimates of a whole sample take: from its coded answers to the table of estimates, beside peers.

`python -m benchmarks.estimation [ROWS[/WAVES] ...] [--peers PYTHON]` makes seeded answers: strata and PSUs of about
thirty people, unequal weights, six banners of 2 to 8 columns (with the total 29 columns), fifty questions of 4 to 6
options of which 5 to 8 % are missing; `1000000/20` is a million people in twenty files. Then, by turns:

- `ours`: from `answers.parquet` to `estimates.parquet`, a whole process, Python's start included: shares, errors,
  intervals, design effects, flags, ids.
- `numpy` (with `--numpy`): the same without the compiled sums.
- `bare DuckDB`: from the same file the weighted count of every option in every column, without errors, as a process.
- again in one process: what ours takes to a table in memory, and the bare count, the second time in a process: without
  the start of Python and loading what is imported. Peers are timed alike.
- peers (`.peers`): shares with errors, data in memory, reading not counted; of one or two questions of one file,
  scaled to all questions of all files. Each must say what we say of one cell, or the run fails. One that is not there
  is named.

The least of some turns counts: of the wall, and of user and system time. Ratios of whole processes are to whole
processes; those of peers, whose start and reading are not counted, to the second time in a process. Memory is the
highest resident size of that process. Belongs here: the seeded answers, timing, the table. Does not belong here:
asserting (tests).
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from assets.estimates.engine import coded
from benchmarks import peers

PROJECT = Path(__file__).resolve().parents[1]
LEVELS = (2, 3, 4, 5, 6, 8)
QUESTIONS = 50
SIZES = ("10000", "100000", "1000000", "1000000/20")
SMALL = 100_000  # rows of a file up to which peers have as many turns as we
TURNS = 3
BARE = "bare DuckDB"
AGAIN = ", again in one process"
OURS_AGAIN = "ours, to a frame" + AGAIN


def make(path: Path, rows: int, questions: int = QUESTIONS, seed: int = 20261123) -> None:
    """Seeded coded answers, written question by question into one file."""
    import numpy as np

    draw = np.random.default_rng(seed)
    strata = max(2, min(600, rows // 1_000))
    psus = max(2, rows // strata // 30)
    unit = np.sort(draw.integers(0, strata * psus, rows)).astype(np.int32)
    arrays: dict[str, Any] = {
        "weight": np.exp(draw.normal(0, 0.45, rows)),
        "stratum": (unit // psus).astype(np.int32),
        "psu": unit,
    }
    for number, levels in enumerate(LEVELS, 1):
        chances = np.linspace(2, 1, levels) / np.linspace(2, 1, levels).sum()
        arrays[f"by_g{number}"] = draw.choice(levels, rows, p=chances).astype(np.int16)
    for number in range(1, questions + 1):
        options = 4 + number % 3
        leaning = draw.normal(0, 0.5, (strata * psus, options)).cumsum(axis=1).astype(np.float32)
        noise = draw.random((rows, options), dtype=np.float32)
        answer = (leaning[unit] - np.log(-np.log(noise + 1e-9) + 1e-9)).argmax(axis=1)
        answer[draw.random(rows, dtype=np.float32) < 0.05 + 0.03 * (number % 5 == 0)] = -1
        arrays[f"q_q{number:03d}"] = answer.astype(np.int16)
    banners = [
        {"subgroup": f"g{n}", "column": f"by_g{n}", "values": [f"g{n}_{v}" for v in range(levels)], "depends": f"g{n}"}
        for n, levels in enumerate(LEVELS, 1)
    ]
    asked = [
        {
            "question": f"q{n:03d}",
            "item": f"item-{n:03d}",
            "base": "all respondents",
            "flags": ["provisional"],
            "categories": [f"c{k}" for k in range(4 + n % 3)],
            "column": f"q_q{n:03d}",
            "depends": "x" * 2_000,  # as long as a question with its codes
        }
        for n in range(1, questions + 1)
    ]
    header = coded.Header.model_validate(
        {
            "release": "house/series/1", "organisation": "house", "series": "series", "wave": "1", "vintage": "undated",
            "fieldwork_start": None, "fieldwork_end": None, "source_url": "https://example.org", "inputs": "0" * 64,
            "depends": "y" * 500, "lonely": "certainty", "variance_method": "Taylor linearisation, strata and PSU",
            "interval": "logit", "normal": False, "model_based": False, "banners": banners, "questions": asked,
        }
    )  # fmt: skip
    coded.write(path, coded.Coded(header, arrays))


def estimated(path: Path, compiled: bool) -> int:
    """Estimates of coded answers (of one file, or of every file of a folder), a file for each; the number of rows."""
    from assets.estimates.engine.coded import CodedFile
    from assets.estimates.engine.tables import estimate
    from pipeline import estimating

    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not compiled:
        return sum(estimate(CodedFile(file), sys.maxsize)[0].num_rows for file in files)
    todo = [estimating.Coded(f"bench/waves/{file.stem}", str(file)) for file in files]
    return sum(done.estimates for done in estimating.estimate(todo, path.parent / "estimates", "kernel"))


def framed(path: Path) -> int:
    """Estimates of coded answers as one table in memory; the number of its rows."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow

    from assets.estimates.engine.coded import CodedFile
    from assets.estimates.engine.tables import estimate

    files = sorted(path.glob("*.parquet"))
    threads = {"most_threads": 1} if len(files) > 1 else {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tables = pool.map(lambda file: estimate(CodedFile(file), **threads)[0], files)
        return int(pyarrow.concat_tables(tables).num_rows)


def counted(path: Path) -> int:
    """Weighted counts in DuckDB, without errors."""
    import duckdb

    con = duckdb.connect()
    files = sorted(map(str, path.glob("*.parquet"))) if path.is_dir() else [str(path)]
    parts = " UNION ALL ".join(f"SELECT *, {n}::UTINYINT AS wave FROM read_parquet('{f}')" for n, f in enumerate(files))
    con.execute(f"CREATE TABLE a AS {parts}")
    cells = 0
    names = [row[0] for row in con.execute("SELECT column_name FROM (DESCRIBE a)").fetchall()]
    for question in (name for name in names if name.startswith("q_")):
        parts = [f"SELECT wave, '' AS by, 0 AS v, {question} AS k, count(*), sum(weight) FROM a GROUP BY ALL"]
        parts += [
            f"SELECT wave, '{by}', {by}, {question}, count(*), sum(weight) FROM a GROUP BY ALL"
            for by in names
            if by.startswith("by_")
        ]
        cells += len(con.execute(" UNION ALL ".join(parts)).fetchall())
    return cells


class Taken(NamedTuple):
    """What a process took: seconds on the wall and of processors, peak memory in MB; None is unknown."""

    wall: float
    processor: float | None = None
    megabytes: float | None = None


def turn(what: str, path: Path) -> Taken:
    """A whole process; or with `AGAIN` in its name the second time in a process, as it tells by itself."""
    before, used = time.perf_counter(), _used_by_children()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.estimation", "--turn", what, str(path)],
        check=True, cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    wall, processor = time.perf_counter() - before, _used_by_children() - used
    told = json.loads(done.stdout.splitlines()[-1])
    if what.endswith(AGAIN):
        wall, processor = told["wall"], told["processor"]
    return Taken(wall, processor, told["kilobytes"] / 1024)


def _turned(what: str, path: Path) -> None:
    """The work of one process, and what it took."""

    def work() -> None:
        if what.startswith(BARE):
            counted(path)
        elif what == OURS_AGAIN:
            framed(path)
        else:
            estimated(path, compiled=what != "numpy")

    for _ in range(1 + what.endswith(AGAIN)):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"wall": wall, "processor": processor, "kilobytes": kilobytes}))


def _used_by_children() -> float:
    """Seconds, user and system, of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def measure(rows: int, waves: int, options: argparse.Namespace) -> None:
    """Lines of the table for one size."""
    with tempfile.TemporaryDirectory(prefix="weathervane-bench-") as folder:
        path = Path(folder) / "waves"
        path.mkdir()
        for wave in range(waves):
            make(path / f"{wave:02d}.parquet", rows // waves, seed=20261123 + wave)
        first, load = path / "00.parquet", os.getloadavg()[0]
        taken: dict[str, list[Taken]] = {}
        absent = set()
        for number in range(options.turns):
            for what in ("ours", *(["numpy"] if options.numpy else []), BARE, OURS_AGAIN, BARE + AGAIN):
                taken.setdefault(what, []).append(turn(what, path))
            # Where a peer takes minutes, one turn of it has to do; a busy machine makes it look slower then.
            for name in peers.NAMES if number == 0 or rows // waves <= SMALL else ():
                found = peers.asked(name, first, 2 if rows // waves <= SMALL else 1, QUESTIONS, options.peers)
                if found is None:
                    absent.add(name)
                    continue
                _same(found, first)
                taken.setdefault(found.called, []).append(Taken(found.wall * waves, found.processor * waves))
    # Other work on the machine lengthens the wall more than the processor time: the least of each, and ratios of both.
    least = {what: Taken(*(_least(column) for column in zip(*of, strict=True))) for what, of in taken.items()}
    whole = ("ours", "numpy", BARE)
    size = f"{rows:,}" + (f" in {waves} waves" if waves > 1 else "")
    for what, of in least.items():
        bases = (OURS_AGAIN, BARE + AGAIN) if what.endswith(AGAIN) or what not in whole else ("ours", BARE)
        ratios = [_over(a, b) for base in bases for a, b in zip(of[:2], least[base][:2], strict=True)]
        memory = "" if of.megabytes is None else f"{of.megabytes:.0f}"
        cells = [size, what, _over(of.wall, 1.0), _over(of.processor, 1.0), *ratios, memory, f"{load:.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    for name in sorted(absent):
        print(f"| {size} | {name}: not installed |" + " |" * 8, flush=True)


def _same(found: peers.Answer, path: Path) -> None:
    """A peer that says something else of a cell than we do is no peer."""
    from assets.estimates.engine.coded import CodedFile
    from assets.estimates.engine.tables import estimate

    answers = CodedFile(path)
    one = answers.header.model_copy(update={"banners": [], "questions": answers.header.questions[:1]})
    names = ["weight", "stratum", "psu", "q_q001"]
    row = estimate(coded.Coded(one, answers.columns(names)))[0].slice(0, 1).to_pylist()[0]
    for ours, theirs in ((row["percent"], found.share), (row["standard_error"], found.error)):
        if not math.isclose(ours / 100, theirs, rel_tol=1e-9):
            raise RuntimeError(f"{found.called} says {theirs} where we say {ours / 100}")


def _least(values: Sequence[float | None]) -> float | None:
    return min((one for one in values if one is not None), default=None)


def _over(top: float | None, bottom: float | None) -> str:
    if top is None or bottom is None:
        return ""
    ratio = top / bottom
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"


def _size(text: str) -> tuple[int, int]:
    rows, _, waves = text.partition("/")
    return int(rows), int(waves or 1)


def main() -> None:
    """Measure the given sizes and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=_size, default=[_size(one) for one in SIZES], metavar="ROWS[/WAVES]")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has svy and samplics")
    parser.add_argument("--numpy", action="store_true", help="also without the compiled sums")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--turn", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.turn:
        _turned(told.turn[0], Path(told.turn[1]))
        return
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "numba", "duckdb", "pyarrow"))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {versions}")
    print(f"least of {told.turns} turns; of a peer, of files above {SMALL:,} rows, one turn\n")
    print(
        "| respondents | what | wall s | processor s | times ours | by processor | times bare | by processor ", end=""
    )
    print("| peak MB | load |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for rows, waves in told.sizes:
        measure(rows, waves, told)


if __name__ == "__main__":
    main()
