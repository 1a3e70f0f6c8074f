"""How long all comparisons of a large catalogue take: from `estimates.parquet` to trends, changes and trend tests.

`python -m benchmarks.trends [--waves 500] [--items 200] [--columns 30] [--folder DIR]` makes seeded estimates, nine
million by default: three categories of every item in every column of the banners, shares that move from wave to wave,
a note and a break now and then. Twice: as 25 series of twenty waves, and as one series of all waves, where every item
has lines of 500 points. Each is then compared in a process of its own: wall, processor time of both cores, highest
resident memory, Python's start included.

Beside it stands a bare DuckDB that only sorts the same rows into lines and writes the difference to the wave before:
no errors, tests, families, reasons or segments. It is the floor for anything that reads and writes these rows at all.
Belongs here: timing. Does not belong here: asserting (tests).
"""

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow
import pyarrow.parquet

from assets.trends.comparisons import Told, write
from schemas.tables.figures import ESTIMATES

PROJECT = Path(__file__).resolve().parents[1]
CATEGORIES = ("approve", "disapprove", "dont_know")
BOUND, ROOM = 60.0, 2000  # seconds on two cores, MB
DESIGN_EFFECT = 1.3
DECISIONS = {7: ("note", "shortened"), 13: ("break", "new list of answers")}
WRITTEN = ("trends", "changes", "trend_tests")
FLOOR = """
COPY (
    SELECT *, percent - lag(percent) OVER line AS change FROM read_parquet('{source}')
    WINDOW line AS (PARTITION BY organisation, series, item, category, subgroup, subgroup_value
                    ORDER BY fieldwork_start, fieldwork_end, wave)
    ORDER BY organisation, series, item, category, subgroup, subgroup_value, fieldwork_start, fieldwork_end, wave
) TO '{target}' (FORMAT parquet)
"""


def names(columns: int) -> list[tuple[str, str]]:
    """Columns of banners: the total, then six of each banner; in the order of their names."""
    banners = [(f"banner_{at // 6:02d}", f"column {at % 6}") for at in range(columns - 1)]
    return sorted([("total", "all"), *banners])


def waves_of(series: int, waves: int) -> list[tuple[str, str, str]]:
    """Organisation, series and wave of every wave; five series an organisation."""
    each = waves // series
    return [(f"house-{at // 5}", f"series-{at:02d}", f"{wave:03d}") for at in range(series) for wave in range(each)]


def generate(path: Path, series: int, waves: int, items: int, columns: int) -> int:
    """Write estimates in the order in which a refresh does; returns their number."""
    draw, schema = np.random.default_rng(1), ESTIMATES.arrow().remove_metadata()
    banners, size = names(columns), items * columns * len(CATEGORIES)
    place = np.arange(size)
    n = np.where(np.array([value == "all" for _, value in banners])[place % columns], 1000, 150)
    fixed = {
        "item": _taken([f"item-{at:03d}" for at in range(items)], place // (columns * len(CATEGORIES))),
        "category": _taken(CATEGORIES, place // columns % len(CATEGORIES)),
        "subgroup": _taken([banner for banner, _ in banners], place % columns),
        "subgroup_value": _taken([value for _, value in banners], place % columns),
        "question": _taken([f"q{at:03d}" for at in range(items)], place // (columns * len(CATEGORIES))),
        "flags": pyarrow.array([["low_base"], []], pyarrow.list_(pyarrow.string())).take(
            pyarrow.array((n > 200).astype(np.int8))
        ),
        "n": pyarrow.array(n.astype(np.int32)),
        "weighted_n": pyarrow.array(n.astype(np.float64)),
        "n_effective": pyarrow.array(n / DESIGN_EFFECT),
        "degrees_of_freedom": pyarrow.array(n - 1.0),
        "design_effect": pyarrow.array(np.full(size, DESIGN_EFFECT)),
        "published_text": pyarrow.nulls(size, pyarrow.string()),
    }
    level = draw.uniform(10, 60, size)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for organisation, one, wave in waves_of(series, waves):
            level = np.clip(level + draw.normal(0, 1.5, size), 1, 99)
            percent = np.clip(level + draw.normal(0, 1, size), 0.5, 99.5)
            error = np.sqrt(percent * (100 - percent) * DESIGN_EFFECT / n)
            start = dt.date(2000, 1, 1) + dt.timedelta(days=15 * int(wave))
            texts = {
                "organisation": organisation, "series": one, "wave": wave, "basis": "microdata", "qualifier": "exact",
                "variance_method": "Taylor linearisation", "interval_method": "logit", "base": "all respondents",
                "vintage": "2024", "source_url": f"https://example.org/{one}/{wave}",
                "release": f"{organisation}/{one}/{wave}",
            }  # fmt: skip
            moving = {
                "fieldwork_start": _same(start, size, pyarrow.date32()),
                "fieldwork_end": _same(start + dt.timedelta(days=6), size, pyarrow.date32()),
                "percent": pyarrow.array(percent),
                "percent_low": pyarrow.array(np.maximum(percent - 1.96 * error, 0)),
                "percent_high": pyarrow.array(np.minimum(percent + 1.96 * error, 100)),
                "standard_error": pyarrow.array(error),
                "estimate_id": pyarrow.array([f"e{at:016x}" for at in draw.integers(0, 1 << 62, size).tolist()]),
            }
            made = fixed | moving | {name: _same(text, size, pyarrow.string()) for name, text in texts.items()}
            writer.write_table(pyarrow.Table.from_arrays([made[name] for name in schema.names], schema=schema))
    return size * len(waves_of(series, waves))


def _taken(texts: Any, at: Any) -> pyarrow.Array:
    return pyarrow.array(list(texts), pyarrow.string()).take(pyarrow.array(at))


def _same(value: Any, size: int, kind: pyarrow.DataType) -> pyarrow.Array:
    return pyarrow.repeat(pyarrow.scalar(value, kind), size)


def catalogue(series: int, waves: int, items: int) -> Told:
    """What a catalogue would say of them."""
    questions: dict[tuple[str, str], Mapping[str, Any]] = {}
    for organisation, one, wave in waves_of(series, waves):
        for item in range(items):
            decision, reason = DECISIONS.get((int(wave) + item) % 20, ("join", None))
            questions[f"{organisation}/{one}/{wave}", f"q{item:03d}"] = {
                "question_match": "same", "options_match": "same", "decision": decision, "reason": reason,
                "reviewed_by": "the benchmark", "form": "full", "wording": f"Do you approve of {item}?",
            }  # fmt: skip
    about = {"mode": "CATI", "population": "adults", "weighting": "age, sex"}
    return Told(questions, dict.fromkeys(waves_of(series, waves), about))


def measured(what: str, folder: Path, series: int, given: argparse.Namespace) -> dict[str, Any]:
    """Figures of one way, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.trends", "--only", what, "--series", str(series)]
    command += [f"--{name}={getattr(given, name)}" for name in ("waves", "items", "columns")]
    start = time.perf_counter()
    done = subprocess.run([*command, "--folder", str(folder)], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what} ended with {done.returncode}:\n{done.stderr}")
    return {**json.loads(done.stdout), "wall": time.perf_counter() - start}


def run(what: str, folder: Path, series: int, given: argparse.Namespace) -> None:
    """One way, in this process; what it took as JSON."""
    source = folder / "estimates.parquet"
    rows: dict[str, int] = {}
    if what == "ours":
        rows = write(source, catalogue(series, given.waves, given.items), folder)
    else:
        con = duckdb.connect()
        con.execute("SET threads = 2; SET memory_limit = '1200MB'")
        con.execute(f"SET temp_directory = '{folder / 'spill'}'")
        con.execute(FLOOR.format(source=source, target=folder / "floor.parquet"))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"rows": rows, "processor": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}))


def main() -> None:
    """Generate, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("waves", 500), ("items", 200), ("columns", 30), ("series", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=("ours", "floor"))
    given = parser.parse_args()
    if given.only:
        run(given.only, given.folder, given.series, given)
        return
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    print("| catalogue | estimates | what | wall s | processor s | peak MB | rows written |")
    print("|---|---:|---|---:|---:|---:|---:|")
    for series in (max(given.waves // 20, 1), 1):
        with tempfile.TemporaryDirectory(prefix="weathervane-bench-", dir=given.folder) as made:
            folder = Path(made)
            count = generate(folder / "estimates.parquet", series, given.waves, given.items, given.columns)
            called = f"{series} series of {given.waves // series} waves"
            for what, name in (("ours", "all comparisons"), ("floor", "bare DuckDB, sort and difference")):
                found = measured(what, folder, series, given)
                rows = sum(found["rows"].get(table, 0) for table in WRITTEN) or count
                print(f"| {called} | {count:,} | {name} | {found['wall']:.1f} | {found['processor']:.1f} "
                      f"| {found['mb']:.0f} | {rows:,} |", flush=True)  # fmt: skip
    print(f"bound: {BOUND:g} s on two cores, {ROOM} MB")


if __name__ == "__main__":
    main()
