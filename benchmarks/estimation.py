"""How long estimates of a whole sample take: from its coded answers to the table of estimates, beside peers.

`python -m benchmarks.estimation [rows ...] [--peer NAME=PYTHON]` makes seeded answers: strata and PSUs of about thirty
people, unequal weights, six banners of 2 to 8 columns (with the total 29 columns), fifty questions of 4 to 6 options
of which 5 to 8 % are missing. Then, each in a process of its own:

- `ours`: from `answers.parquet` to `estimates.parquet`, Python's start included: shares, errors, intervals, design
  effects, flags, ids.
- `numpy`: the same without the compiled sums.
- `bare DuckDB`: from the same file the weighted count of every option in every column, without errors.
- `svy`, `samplics`: shares with errors, data in memory, reading not counted; of one question, times fifty. They need a
  Python that has them, named by `--peer svy=/path/to/python`; without it they are left out.

The three alternate, and the best of some turns counts: of the wall, and of user and system time of the process (peers
have only the wall). Memory is the highest resident size of that process. Belongs here: timing. Does not
belong here: asserting (tests).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
LEVELS = (2, 3, 4, 5, 6, 8)
QUESTIONS = 50
TURNS = 3

SVY = """
import json, sys, time, logging, warnings
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
import polars as pl, svy
names = ["stratum", "psu", "weight", *[f"by_g{n}" for n in range(1, 7)], "q_q001"]
frame = pl.read_parquet(sys.argv[1], columns=names).with_columns(
    pl.col("^(by|q)_.*$").map_batches(lambda s: s.cast(pl.Int16)).replace(-1, None)
)
start = time.perf_counter()
sample = svy.Sample(frame, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
for by in [None, *[f"by_g{n}" for n in range(1, 7)]]:
    found = sample.estimation.prop(["q_q001"], by=by, drop_nulls=True)
    for one in found if isinstance(found, list) else [found]:
        one.to_polars()
print(json.dumps({"seconds": time.perf_counter() - start, "version": svy.__version__}))
"""
SAMPLICS = """
import json, sys, time, warnings; warnings.filterwarnings("ignore")
import numpy as np, pyarrow.parquet as pq
from importlib.metadata import version
from samplics import TaylorEstimator
from samplics.utils.types import PopParam
names = ["stratum", "psu", "weight", *[f"by_g{n}" for n in range(1, 7)], "q_q001"]
table = {name: column.to_numpy() for name, column in zip(names, pq.read_table(sys.argv[1], columns=names).columns)}
answer = np.where(table["q_q001"] < 0, np.nan, table["q_q001"].astype(float))
start = time.perf_counter()
for by in [None, *names[3:9]]:
    TaylorEstimator(PopParam.prop).estimate(
        y=answer, samp_weight=table["weight"], stratum=table["stratum"], psu=table["psu"],
        domain=None if by is None else table[by].astype(int), remove_nan=True,
    )
print(json.dumps({"seconds": time.perf_counter() - start, "version": version("samplics")}))
"""
PEERS = {"svy": SVY, "samplics": SAMPLICS}


def make(path: Path, rows: int, questions: int = QUESTIONS, seed: int = 20261123) -> None:
    """Seeded coded answers, written question by question into one file."""
    import numpy as np

    from assets.estimates.engine import coded

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
    """Estimates of coded answers (of one file, or of every file of a folder) into a file; the number of its rows."""
    import pyarrow
    import pyarrow.parquet

    from assets.estimates.engine.coded import CodedFile
    from assets.estimates.engine.sums import COMPILED_FROM
    from assets.estimates.engine.tables import estimate

    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    tables = [estimate(CodedFile(file), COMPILED_FROM if compiled else sys.maxsize)[0] for file in files]
    shares = pyarrow.concat_tables(tables)
    pyarrow.parquet.write_table(shares, path.parent / "estimates.parquet")
    return int(shares.num_rows)


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
    """A whole process."""
    before, used = time.perf_counter(), _used_by_children()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.estimation", "--turn", what, str(path)],
        check=True, cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    wall, processor = time.perf_counter() - before, _used_by_children() - used
    return Taken(wall, processor, json.loads(done.stdout.splitlines()[-1])["kilobytes"] / 1024)


def _used_by_children() -> float:
    """Seconds, user and system, of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def peer(what: str, python: str, path: Path) -> tuple[float, str]:
    """Seconds for fifty questions, from those for one; and the version."""
    done = subprocess.run([python, "-c", PEERS[what], str(path)], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return told["seconds"] * QUESTIONS, f"{what} {told['version']}"


def measure(rows: int, peers: dict[str, str], turns: int, waves: int) -> None:
    """Lines of the table for one size; peers are given one wave, times their number."""
    with tempfile.TemporaryDirectory(prefix="weathervane-bench-") as folder:
        one = path = Path(folder) / "answers.parquet"
        if waves > 1:
            path = Path(folder) / "waves"
            path.mkdir()
            for wave in range(waves):
                one = path / f"{wave:02d}.parquet"
                make(one, rows // waves, seed=20261123 + wave)
        else:
            make(path, rows)
        all_: dict[str, list[Taken]] = {}
        for _ in range(turns):
            for what in ("ours", "numpy", "bare DuckDB"):
                all_.setdefault(what, []).append(turn(what, path))
        for name, python in peers.items():
            seconds, called = peer(name, python, one)
            all_[f"{called} (one question x {QUESTIONS * waves})"] = [Taken(seconds * waves)]
    # Other work on the machine lengthens the wall more than the processor time: the least of each, and ratios of both.
    least = {what: Taken(*(_least(column) for column in zip(*taken, strict=True))) for what, taken in all_.items()}
    bare = least["bare DuckDB"]
    for what, (wall, processor, peak) in least.items():
        ratios = f"{_over(wall, bare.wall)} | {_over(processor, bare.processor)}"
        memory = "" if peak is None else f"{peak:.0f}"
        print(f"| {rows:,} | {what} | {wall:.2f} | {_over(processor, 1.0)} | {ratios} | {memory} |")


def _least(values: Sequence[float | None]) -> float | None:
    return min((one for one in values if one is not None), default=None)


def _over(top: float | None, bottom: float | None) -> str:
    return "" if top is None or bottom is None else f"{top / bottom:.2f}"


def main() -> None:
    """Measure the given sizes and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--waves", type=int, default=1, help="files among which the respondents are divided")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--turn", nargs=2, metavar=("WHAT", "FILE"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.turn:
        what, path = told.turn
        counted(Path(path)) if what == "bare DuckDB" else estimated(Path(path), what == "ours")
        print(json.dumps({"kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
        return
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "numba", "duckdb", "pyarrow"))
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, load {load:.1f}, Python {sys.version.split()[0]}, {versions}; best of {told.turns}\n"
    )
    print("| respondents | what | wall s | processor s | wall, times bare | processor, times bare | peak MB |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for rows in told.rows:
        measure(rows, dict(one.split("=", 1) for one in told.peer), told.turns, told.waves)


if __name__ == "__main__":
    main()
