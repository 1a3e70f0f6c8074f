"""The statements on a Spark cluster, over a file of coded answers wherever it lies.

Belongs here: the session, the tables that statements read there, running them. Does not belong here: their text
(`.statements`), Spark's dialect of it (`.dialects`), which releases there are. PySpark is imported here alone.

A statement costs Spark a second or more before it looks at a row, so all banners are taken as one (`.together`). And
the answers are read once and kept in the memory of the executors, all rows of a PSU in one partition.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assets.estimates.engine.coded import Header
from assets.estimates.twin.dialects import translated
from assets.estimates.twin.results import Result, Sums, gathered
from assets.estimates.twin.statements import ANSWERS, STRATA, WIDTH, strata
from assets.estimates.twin.together import FILE, in_columns, one_banner

LOCAL = "local[*]"
AT_ONCE = 2  # statements: while one runs the next is planned and compiled in the driver
HADOOP = frozenset({"file", "hdfs", "viewfs", "s3a", "abfss"})  # Spark's own; all others are read through fsspec

_SETTINGS = {
    "spark.ui.enabled": "false",  # no open port
    "spark.ui.showConsoleProgress": "false",
    "spark.scheduler.mode": "FAIR",
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.sql.session.timeZone": "UTC",
    # Planning again after every stage costs the driver a third more, and finds nothing: sums of sums are small.
    "spark.sql.adaptive.enabled": "false",
}


class SparkError(Exception):
    """Spark cannot be started here; the message says what is missing."""


@dataclass(frozen=True)
class Found:
    """What a cluster gives of one release.

    Attributes:
        sums: of every question.
        lone: whether a stratum has one PSU beside other strata.
    """

    sums: list[Sums]
    lone: bool


def missing() -> str | None:
    """What Spark lacks on this machine; None if nothing."""
    for package in ("pyspark", "sqlglot"):
        if find_spec(package) is None:
            return f"the package {package} is not installed; to install it: make spark"
    home = os.environ.get("JAVA_HOME")
    if not home and shutil.which("java") is None:
        return "no Java: Spark needs 17 or newer (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless)"
    return None


def session(master: str = LOCAL, settings: Mapping[str, str] | None = None) -> Any:
    """A session on a cluster; the caller stops it.

    Args:
        master: `spark://host:port`, or `local[n]` for n threads of this process.
        settings: Spark's, by name; they win over ours.

    Raises:
        SparkError: a package or Java is missing, or the cluster is not there.
    """
    lacks = missing()
    if lacks is not None:
        raise SparkError(lacks)
    if master.startswith(("local", "spark://127.0.0.1:", "spark://localhost:")):
        # Else the driver takes the machine's name, and listens where others can reach it.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        # The driver tells executors which Python to start; theirs is python3 otherwise, which may lack pyarrow.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).appName("weathervane")
    for name, value in {**_SETTINGS, **(settings or {})}.items():
        builder = builder.config(name, value)
    try:
        made = builder.getOrCreate()
    except Exception as bad:  # py4j's and PySpark's own, neither of which says more than its text
        raise SparkError(f"no Spark at {master}: {str(bad).splitlines()[0]}") from bad
    made.sparkContext.setLogLevel("ERROR")
    return made


def sums(spark: Any, address: str, header: Header, names: Set[str], width: int = WIDTH) -> Found:
    """Sums of every question of a release, in the header's order.

    They are equal to the engine's to 1e-12 and not to the bit: executors hand over partial sums in any order.

    Args:
        spark: a session.
        address: of `answers.parquet`: a path, or an address that Spark or fsspec knows, as executors see it.
        header: of that file.
        names: of its columns.
        width: see `.statements.statements`.

    Raises:
        ProblemsError: the header names columns that the file does not have.
    """
    todo = [(one, translated(one.sql)) for one in one_banner(header, names, width)]
    many = spark.sparkContext.defaultParallelism
    spark.conf.set("spark.sql.shuffle.partitions", str(many))
    kept = _by_psu(_answers(spark, address), names, many).persist()
    try:
        kept.createOrReplaceTempView(FILE)
        known = spark.sql(translated(strata(names, answers=FILE))).persist()
        known.createOrReplaceTempView(STRATA)
        spark.sql(translated(in_columns(header, names))).createOrReplaceTempView(ANSWERS)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda one: (one[0], _result(spark, one[1])), todo))
        smallest, of = spark.sql(f"SELECT MIN(m), COUNT(*) FROM {STRATA}").first()
        known.unpersist()
    finally:
        kept.unpersist()
    return Found(gathered(header, results), of > 1 and smallest == 1)


def _by_psu(answers: Any, names: Set[str], many: int) -> Any:
    """Rows of a PSU together, so that sums over them need no exchange; without PSUs spread evenly."""
    if "psu" not in names:
        return answers.repartition(many)
    return answers.repartition(many, *(name for name in ("stratum", "psu") if name in names))


def _answers(spark: Any, address: str) -> Any:
    protocol, slashes, _ = address.partition("://")
    if not slashes:
        return spark.read.parquet(f"file://{Path(address).absolute()}")
    return spark.read.parquet(address) if protocol in HADOOP else _through_fsspec(spark, address)


def _through_fsspec(spark: Any, address: str) -> Any:
    """A Parquet file at any address, each row group read by an executor; they need pyarrow and fsspec, not us."""
    import fsspec
    import pyarrow.parquet
    from pyspark.sql.pandas.types import from_arrow_schema

    with fsspec.open(address, "rb") as file:
        whole = pyarrow.parquet.ParquetFile(file)
        schema, groups = from_arrow_schema(whole.schema_arrow), whole.num_row_groups
    numbers = spark.range(0, groups, 1, max(1, groups))
    return numbers.mapInArrow(_reader(address), schema)


def _reader(address: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    # A function inside a function goes to the executors as code; one of a module would go as the module's name.
    def read(batches: Iterator[Any]) -> Iterator[Any]:
        import fsspec
        import pyarrow.parquet

        wanted = [number for batch in batches for number in batch.column(0).to_pylist()]
        if not wanted:
            return
        with fsspec.open(address, "rb") as file:
            yield from pyarrow.parquet.ParquetFile(file).iter_batches(row_groups=wanted)

    return read


def _result(spark: Any, sql: str) -> Result:
    found = spark.sql(sql).toArrow()
    return {name: found[name].cast("float64").to_numpy() for name in found.column_names}
