"""A Spark cluster on this machine, and how long estimates take on it beside the kernel.

`python -m benchmarks.cluster [ROWS ...]` starts one master and two workers of one core and 1 GB each on 127.0.0.1
(Spark's standalone mode) and takes the same seeded answers through the kernel and through the cluster, in one session
and each file twice, as a Java that has just started is slower. Needs `make spark` and Java. Belongs here: starting and
stopping the cluster, timing. Does not belong here: asserting (tests), the statements.
"""

import argparse
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.estimates.engine.coded import CodedFile
from assets.estimates.engine.tables import estimate, of_sums
from assets.estimates.twin import spark
from benchmarks.estimation import make

WAIT = 120.0  # seconds until the workers must have found the master
DEPLOY = "org.apache.spark.deploy"
SMALL = {"spark.executor.memory": "800m", "spark.executor.cores": "1", "spark.driver.memory": "1g"}


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """Address of a master on 127.0.0.1 with workers of one core and 1 GB each, which end with the context.

    Args:
        folder: for the log and for what the workers write.
        workers: how many.

    Raises:
        RuntimeError: a process ended, or the workers did not find the master in time; the message has the log's end.
    """
    import pyspark

    home = Path(pyspark.__file__).resolve().parent
    env = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_WORKER_DIR": str(folder), "SPARK_LOCAL_DIRS": str(folder),
    }  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, log = f"spark://127.0.0.1:{port}", folder / "log"
    worker = [f"{DEPLOY}.worker.Worker", address, "--cores", "1", "--memory", "1g"]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("w") as out:
            for role in [[f"{DEPLOY}.master.Master", "--port", str(port)], *[worker] * workers]:
                command = [str(home / "bin" / "spark-class"), *role, "--host", "127.0.0.1", "--webui-port", "0"]
                processes.append(subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT))
                time.sleep(1)
        until = time.monotonic() + WAIT
        while log.read_text().count("Registering worker") < workers:
            if time.monotonic() > until or any(one.poll() is not None for one in processes):
                raise RuntimeError(f"no cluster within {WAIT:.0f} s:\n{log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield address
    finally:
        for one in reversed(processes):
            one.terminate()
        for one in processes:
            one.wait(30)


def measure(session: Any, path: Path) -> tuple[float, float, float]:
    """Seconds of the kernel, of the cluster's first and of its second time, from a file to tables."""
    answers = CodedFile(path)

    def on_cluster() -> None:
        found = spark.sums(session, str(path), answers.header, answers.names)
        of_sums(answers.header, ((one.shares, one.means) for one in found.sums), found.lone)

    estimate(answers)  # loads the compiled code
    return _seconds(lambda: estimate(answers)), _seconds(on_cluster), _seconds(on_cluster)


def _seconds(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def main() -> None:
    """Measure the given sizes and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    told = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores; fifty questions, 29 columns; two workers of one core\n"
    )
    with tempfile.TemporaryDirectory(prefix="weathervane-cluster-") as name:
        folder = Path(name)
        start = time.perf_counter()
        with cluster(folder) as address:
            started = time.perf_counter() - start
            session = spark.session(address, SMALL)
            opened = time.perf_counter() - start - started
            print(f"master and workers {started:.1f} s, session {opened:.1f} s\n")
            print(
                "| people | kernel s | Spark, first s | Spark, again s | load |\n|---:|---:|---:|---:|---:|", flush=True
            )
            try:
                for rows in told.rows:
                    make(path := folder / f"{rows}.parquet", rows)
                    seconds = " | ".join(f"{one:.1f}" for one in measure(session, path))
                    print(f"| {rows:,} | {seconds} | {os.getloadavg()[0]:.1f} |", flush=True)
            finally:
                session.stop()


if __name__ == "__main__":
    main()
