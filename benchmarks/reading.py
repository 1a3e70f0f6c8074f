"""How long a large SPSS file takes from disk into the lake, beside pyreadstat alone in the same run.

`python -m benchmarks.reading [rows ...]` makes seeded answers (61 variables: a number, design, weight, six groups,
fifty questions with a declared missing code), writes them as .sav, and reads them in turns: with `pyreadstat.read_sav`
alone (a pandas frame in memory, nothing written), and with our reader in its child process, from starting the child to
the Parquet file and the codebook in their folder. Each in a process of its own; the better of the turns counts; memory
is the highest resident size of that process.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TURNS = 3
QUESTIONS = 50
FASTER = 4.0


def make(path: Path, rows: int) -> None:
    """A seeded file: 61 variables, as a tracker over many waves has them."""
    import numpy as np
    import pandas as pd
    import pyreadstat

    draw = np.random.default_rng(20261123)
    columns: dict[str, object] = {
        "id": np.arange(rows, dtype=float),
        "wave": np.sort(draw.integers(1, 21, rows)).astype(float),
        "stratum": draw.integers(1, 31, rows).astype(float),
        "psu": draw.integers(1, 1_001, rows).astype(float),
        "w": np.exp(draw.normal(0, 0.45, rows)),
    }
    columns |= {f"g{n + 1}": draw.integers(1, levels + 1, rows) * 1.0 for n, levels in enumerate((2, 3, 4, 5, 6, 8))}
    for number in range(QUESTIONS):
        options = 4 + number % 3
        answers = draw.integers(1, options + 1, rows).astype(float)
        answers[draw.random(rows) < 0.05] = 99.0
        answers[draw.random(rows) < 0.03] = np.nan
        columns[f"q{number + 1:03d}"] = answers
    questions = [name for name in columns if name.startswith("q")]
    labels = {1.0: "yes, certainly", 2.0: "rather yes", 3.0: "rather no", 4.0: "no", 99.0: "don't know"}
    pyreadstat.write_sav(
        pd.DataFrame(columns), path, row_compress=True, missing_ranges={name: [99] for name in questions},
        variable_value_labels={name: labels for name in questions},
    )  # fmt: skip


def alone(path: str) -> float:
    """pyreadstat, as people call it."""
    import pyreadstat

    start = time.perf_counter()
    pyreadstat.read_sav(path)
    return time.perf_counter() - start


def ours(path: str) -> float:
    """Into the lake: the child, the Parquet file, the codebook."""
    from assets.responses.running import Reading, read_all

    with tempfile.TemporaryDirectory(dir=Path(path).parent) as lake:
        start = time.perf_counter()
        (outcome,) = read_all([Reading(Path(path), "m.sav", Path(lake) / "out")], Path(lake), workers=1)
        seconds = time.perf_counter() - start
        if outcome.problems or outcome.value is None or outcome.value["engine"] != "polars_readstat":
            raise SystemExit(f"the file was not read as it should be: {outcome}")
    return seconds


def _turn(what: str, path: Path) -> tuple[float, int]:
    """Seconds and peak memory of one reading in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.reading", "--turn", what, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], answer["kilobytes"] << 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[1_000_000])
    parser.add_argument("--turn", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.turn:
        seconds = {"alone": alone, "ours": ours}[given.turn[0]](given.turn[1])
        who = resource.RUSAGE_SELF if given.turn[0] == "alone" else resource.RUSAGE_CHILDREN
        print(json.dumps({"seconds": seconds, "kilobytes": resource.getrusage(who).ru_maxrss}))
        return
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            path = Path(folder) / f"{rows}.sav"
            make(path, rows)
            turns = [(_turn("alone", path), _turn("ours", path)) for _ in range(TURNS)]
            (slow, slow_memory), (fast, fast_memory) = (min(turn[n] for turn in turns) for n in (0, 1))
            print(f"{rows:,} x {11 + QUESTIONS}, {path.stat().st_size / 1e6:.0f} MB")
            print(f"  pyreadstat.read_sav alone   {slow:6.2f} s   {slow_memory / 1e6:6.0f} MB")
            print(
                f"  into the lake, in a child   {fast:6.2f} s   {fast_memory / 1e6:6.0f} MB   {slow / fast:.1f} times"
            )
            if rows >= 1_000_000 and slow / fast < FASTER:
                raise SystemExit(f"expected at least {FASTER:g} times faster")
            path.unlink()


if __name__ == "__main__":
    main()
