"""How long a refresh takes, as whole processes: first load, one changed release, nothing changed; and how it grows.

Run by hand: `make bench`, or `python -m benchmarks.refresh 500 1000 2000 5000`. Beside each figure stands what a bare
DuckDB needs to read the same CSV files into one table, without archive, checks, crosswalk, estimates, trends or audit:
the floor for anything that reads these files at all. Belongs here: timing. Does not belong here: asserting (tests).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests import factory

PROJECT = Path(__file__).resolve().parents[1]
BOUNDS = {"first": 30.0, "one changed": 12.0, "nothing changed": 4.0}  # seconds, for 500 releases on two cores
PEER = """
import duckdb, sys
con = duckdb.connect(sys.argv[2])
files = sys.argv[1] + "/releases/*/*/*/toplines.csv"
con.execute("CREATE TABLE figures AS SELECT * FROM read_csv(?, filename=true, all_varchar=true)", [files])
"""


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak memory (MB, of the largest process so far) of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, env=env, cwd=PROJECT, capture_output=True, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1024


def measure(count: int, repeats: int) -> list[tuple[str, float, float, float]]:
    """Rows of (what, wall, processor, memory) for `count` releases; the least of `repeats` where repeatable."""
    root = Path(tempfile.mkdtemp(prefix="weathervane-bench-"))
    try:
        catalogue = root / "catalog"
        factory.many(catalogue, count)
        env = {**os.environ, "WEATHERVANE_DATA": str(root / "data"), "WEATHERVANE_CATALOG": str(catalogue)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        refresh = [str(Path(sys.executable).with_name("weathervane")), "refresh"]
        rows = [("first", *timed(refresh, env))]
        target = catalogue / "releases" / "house-0" / "monthly" / "01" / "toplines.csv"
        for number in range(repeats):
            text = target.read_text().split("\n")
            cells = text[1].split(",")
            cells[-5] = str(30 + number)
            target.write_text("\n".join([text[0], ",".join(cells), *text[2:]]))
            rows.append(("one changed", *timed(refresh, env)))
        rows += [("nothing changed", *timed(refresh, env)) for _ in range(repeats)]
        peer = [sys.executable, "-c", PEER, str(catalogue)]
        rows += [("bare DuckDB", *timed([*peer, str(root / f"peer{n}.duckdb")], env)) for n in range(repeats)]
        least: dict[str, tuple[str, float, float, float]] = {}
        for row in rows:
            if row[0] not in least or row[1] < least[row[0]][1]:
                least[row[0]] = row
        return list(least.values())
    finally:
        shutil.rmtree(root)


def main() -> None:
    """Measure the given sizes and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", nargs="*", type=int, default=[500])
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("dagster", "duckdb", "pandas", "great-expectations"))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}")
    print(f"load average before: {os.getloadavg()[0]:.1f}; whole processes, least of {chosen.repeats}\n")
    print("| releases | what | wall s | processor s | peak MB | ms a release | times bare DuckDB | bound s |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for count in chosen.counts:
        rows = measure(count, chosen.repeats)
        bare = next(wall for what, wall, _, _ in rows if what == "bare DuckDB")
        for what, wall, cpu, memory in rows:
            bound = f"{BOUNDS[what]:g}" if count == 500 and what in BOUNDS else ""
            print(
                f"| {count} | {what} | {wall:.1f} | {cpu:.1f} | {memory:.0f} | {1000 * wall / count:.1f} "
                f"| {wall / bare:.1f} | {bound} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
