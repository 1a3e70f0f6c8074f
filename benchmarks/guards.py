"""Three things that every release goes through, or that guard against hostile files, timed by themselves.

`python -m benchmarks.guards`: 500 small jobs in two isolated children (assets.isolation), their start and end included;
the refusal of a file of 200 GB of zeros (sparse: it takes no room, reading it would take a minute or more), in a child;
thirty rows of published figures, in this process. The least of some turns counts. Belongs here: timing. Does not belong
here: asserting (tests).
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from assets.isolation import Job, Outcome, run
from assets.toplines.read import read

JOBS, ROWS, ZEROS = 500, 30, 200 << 30
HEADER = "question,wording,option,percent,base,published,source_url,confidence\n"
LINE = "q{0},Do you agree?,yes,{0},all,2022-03,https://example.org/{0},read_directly\n"
READ = "assets.toplines.read:read"


def jobs() -> str:
    """Five hundred jobs that cost nothing."""
    found = list(run("operator:neg", [Job(str(number), (number,)) for number in range(JOBS)]))
    return f"{sum(not one.problems for one in found)} answers"


def zeros(folder: Path) -> str:
    """A file that is refused for its size."""
    path = folder / "zeros"
    with path.open("wb") as file:
        file.truncate(ZEROS)
    (found,) = run(READ, [Job("zeros", (str(path), "toplines.csv"))])
    return _causes(found)


def rows(folder: Path) -> str:
    """A file as small as most."""
    path = folder / "toplines.csv"
    path.write_text(HEADER + "".join(LINE.format(number) for number in range(1, ROWS + 1)))
    return f"{len(read(str(path), path.name))} rows"


def _causes(found: Outcome) -> str:
    return ", ".join(one.cause for one in found.problems) or "read"


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="weathervane-bench-") as name:
        folder = Path(name)
        what: dict[str, Callable[[], str]] = {
            f"{JOBS} jobs in two isolated children": jobs,
            "200 GB of zeros refused, in a child": lambda: zeros(folder),
            f"{ROWS} rows of published figures": lambda: rows(folder),
        }
        print(
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}; load", end=" "
        )
        print(f"{load:.1f}; least of {turns}\n\n| what | result | ms |\n|---|---|---:|")
        for called, do in what.items():
            taken = []
            for _ in range(turns):
                start = time.perf_counter()
                result = do()
                taken.append(time.perf_counter() - start)
            print(f"| {called} | {result} | {1000 * min(taken):.1f} |", flush=True)


if __name__ == "__main__":
    main()
