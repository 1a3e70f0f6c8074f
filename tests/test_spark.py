"""Estimates by any engine into Parquet: the statements for Spark, the command, and (soak) a cluster on loopback.

The cluster is one master and two workers of Spark's standalone mode, processes of this test.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from assets.estimates.engine import coded
from assets.estimates.engine.coded import CodedFile
from assets.estimates.twin import duck, spark, together
from assets.estimates.twin.compare import TOLERANCE, differences, engine_sums
from assets.estimates.twin.results import gathered
from assets.estimates.twin.statements import ANSWERS, STRATA, strata
from assets.refresh import refresh
from benchmarks.cluster import SMALL
from benchmarks.cluster import cluster as on_loopback
from benchmarks.estimation import make
from pipeline import estimating
from pipeline.cli import codes
from pipeline.cli.main import app
from tests.conftest import no_audit
from tests.test_twin import random_answers
from warehouse.layout import PROJECT, Layout

KINDS = ("strata", "psu", "both", "neither")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of four releases, one of which was loaded twice."""
    root = tmp_path / "lake"
    for seed, kind in enumerate(KINDS):
        put(root, kind, seed)
    put(root, "both", 9, "0002")
    return root


def put(root: Path, kind: str, seed: int, load: str = "0001") -> Path:
    made = random_answers(seed, 600, kind, "adjust")
    header = made.header.model_copy(update={"release": f"house/series/{kind}", "source_url": "https://example.org"})
    folder = root / "house" / "series" / kind / load
    folder.mkdir(parents=True)
    coded.write(folder / "answers.parquet", coded.Coded(header, made.arrays))
    return folder / "answers.parquet"


def estimated(lake: str | Path, out: Path, *more: str) -> str:
    done = CliRunner().invoke(app, ["estimate", "--lake", str(lake), "--out", str(out), *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def same_tables(one: Path, other: Path) -> int:
    """Every table of one folder against the other's: texts, flags and ids equal, numbers to the tolerance."""
    files = sorted(path.relative_to(one) for path in one.rglob("*.parquet"))
    assert files == sorted(path.relative_to(other) for path in other.rglob("*.parquet"))
    rows = 0
    for file in files:
        ours, theirs = (pyarrow.parquet.read_table(root / file) for root in (one, other))
        assert ours.schema.equals(theirs.schema) and len(ours) == len(theirs), file
        rows += len(ours)
        for name in ours.column_names:
            if not pyarrow.types.is_floating(ours.schema.field(name).type):
                assert ours[name].equals(theirs[name]), f"{file} differs in {name}"
                continue
            a, b = ours[name].to_numpy(), theirs[name].to_numpy()
            # Percent and points; a mean of scores may be near 0, which is no digit less exact.
            np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{file}: {name}")
    return rows


# ---- the statements ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_all_banners_as_one_give_the_sums_of_each(kind: str, tmp_path: Path) -> None:
    path = put(tmp_path, kind, 3)
    answers = CodedFile(path)
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW {together.FILE} AS FROM read_parquet('{path}')")
        con.execute(f"CREATE TABLE {STRATA} AS {strata(answers.names, answers=together.FILE)}")
        con.execute(f"CREATE VIEW {ANSWERS} AS {together.in_columns(answers.header, answers.names)}")
        results = []
        for one in together.one_banner(answers.header, answers.names):
            found = con.sql(one.sql).to_arrow_table()
            results.append((one, {name: found[name].cast("float64").to_numpy() for name in found.column_names}))
    assert len(results) == 1, "one statement for all banners"
    worst = max(one.largest for one in differences(answers, duck.sums(path), gathered(answers.header, results)))
    assert worst < TOLERANCE


def test_the_statements_in_the_dialect_of_spark(tmp_path: Path) -> None:
    pytest.importorskip("sqlglot", reason="needs sqlglot (make spark); it is not installed")
    from assets.estimates.twin.dialects import translated

    answers = CodedFile(put(tmp_path, "both", 1))
    view = translated(together.in_columns(answers.header, answers.names))
    assert "EXPLODE(ARRAY(0, CASE WHEN `by_sex` >= 0 THEN 1 + `by_sex` END" in view
    (one,) = together.one_banner(answers.header, answers.names)
    text = translated(one.sql)
    assert '"' not in text and "`column_of_banner` AS d" in text


def test_a_column_of_the_file_keeps_its_name() -> None:
    made = random_answers(1, 50, "both", "adjust")
    names = made.names | {"Column_of_Banner"}
    assert "AS column_of_banner_ FROM" in together.in_columns(made.header, names)


# ---- the command ---------------------------------------------------------------------------------------------------


def test_duckdb_writes_the_tables_of_the_kernel(lake: Path, tmp_path: Path) -> None:
    told = estimated(lake, tmp_path / "kernel")
    assert [line.split()[:2] for line in told.splitlines()[1:5]] == [
        [f"house/series/{kind}", "kernel"] for kind in sorted(KINDS)
    ]
    estimated(lake, tmp_path / "duckdb", "--engine", "duckdb")
    assert same_tables(tmp_path / "kernel", tmp_path / "duckdb") > 150


def test_the_latest_load_counts_and_names_choose(lake: Path, tmp_path: Path) -> None:
    told = estimating.of_lake(str(lake))
    assert [(one.release, one.address.split("/")[-2]) for one in told if one.release.endswith("both")] == [
        ("house/series/both", "0002")
    ]
    estimated(lake, tmp_path / "out", "house/series/psu")
    assert [path.name for path in (tmp_path / "out").rglob("series/*")] == ["psu"]
    with pytest.raises(estimating.EstimateError, match=r"no coded answers of 'house/series/bath'; nearest: .*both"):
        estimating.chosen(told, ["house/series/bath"])


def test_a_lake_at_another_address(lake: Path, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    try:
        memory.put(str(lake), "/elsewhere", recursive=True)
        estimated("memory://elsewhere", tmp_path / "there", "--engine", "duckdb")
        estimated(lake, tmp_path / "here")
        assert same_tables(tmp_path / "here", tmp_path / "there") > 150
    finally:
        memory.rm("/elsewhere", recursive=True)


def test_what_is_missing_is_said(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner()
    with pytest.raises(estimating.EstimateError, match=r"no coded answers in .*empty; a refresh makes them"):
        run.invoke(app, ["estimate", "--lake", str(tmp_path / "empty")], catch_exceptions=False)
    done = run.invoke(app, ["estimate", "--lake", str(lake), "--set", "spark.executor.memory"])
    assert done.exit_code == codes.USAGE and "expected NAME=VALUE" in " ".join(done.output.split())
    monkeypatch.setattr(spark, "find_spec", lambda name: None)
    with pytest.raises(spark.SparkError, match="pyspark is not installed; to install it: make spark"):
        run.invoke(app, ["estimate", "--lake", str(lake), "--engine", "spark"], catch_exceptions=False)
    monkeypatch.setattr(spark, "find_spec", lambda name: name)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(spark.shutil, "which", lambda name: None)
    assert "Spark needs 17 or newer" in (spark.missing() or "")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "answers.parquet")
    one = estimating.Coded("house/series/1", str(tmp_path / "answers.parquet"))
    with pytest.raises(Exception, match="house/series/1: no coded answers of format 1; load it again"):
        estimating.header_of(one)


# ---- a cluster -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Master and two workers with one core and 1 GB each on 127.0.0.1."""
    lacks = spark.missing()
    if lacks is not None:
        pytest.skip(lacks)
    with on_loopback(tmp_path_factory.mktemp("spark")) as address:
        yield address


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, str]]]:
    """A bucket on a test server for S3 on 127.0.0.1, and what a process must have in its environment to reach it."""
    pytest.importorskip("s3fs", reason="needs s3fs, which is not installed")
    server = pytest.importorskip("moto.server", reason="needs moto[server], which is not installed")
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    known = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    try:
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("weathervane")
        yield "weathervane", known
    finally:
        running.stop()


def on(cluster: str) -> list[str]:
    return ["--engine", "spark", "--master", cluster, *(f"--set={name}={value}" for name, value in SMALL.items())]


@pytest.mark.soak
def test_every_kind_of_design_on_the_cluster(cluster: str, lake: Path, tmp_path: Path) -> None:
    estimated(lake, tmp_path / "kernel")
    estimated(lake, tmp_path / "spark", *on(cluster))
    assert same_tables(tmp_path / "kernel", tmp_path / "spark") > 150


@pytest.mark.soak
@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_many_people_and_fifty_questions(cluster: str, tmp_path: Path, rows: int) -> None:
    path = tmp_path / "answers.parquet"
    make(path, rows)
    answers = CodedFile(path)
    session = spark.session(cluster, SMALL)
    try:
        found = spark.sums(session, str(path), answers.header, answers.names)
    finally:
        session.stop()
    for name, ours in (("kernel", engine_sums(answers)), ("duckdb", duck.sums(path))):
        told: list[Any] = differences(answers, ours, found.sums)
        print(f"{rows:,} people, Spark against {name}: largest difference {max(one.largest for one in told):.1e}")
        assert max(one.largest for one in told) < TOLERANCE, (name, told)
        assert sum(one.cells for one in told) > 20_000


@pytest.mark.soak
def test_chronicles_and_gss_on_the_cluster(cluster: str, shared: Path, tmp_path: Path) -> None:
    files = tuple(shared / "microdata" / name for name in ("chronicles-russia/data", "gss-1972-2024"))
    house = Layout(tmp_path / "data", PROJECT / "catalog", files)
    refresh(house, audit=no_audit)
    for engine, more in (("kernel", []), ("spark", on(cluster))):
        print(estimated(house.lake, tmp_path / engine, "chronicles", "norc/gss", *more))
    assert same_tables(tmp_path / "kernel", tmp_path / "spark") > 5_000


@pytest.mark.soak
def test_executors_read_a_lake_on_object_storage(
    cluster: str, lake: Path, tmp_path: Path, bucket: tuple[str, dict[str, str]]
) -> None:
    """What Spark cannot read by itself its executors read through fsspec, each its row groups."""
    name, known = bucket
    fsspec.filesystem("s3").put(str(lake), f"{name}/lake", recursive=True)
    estimated(lake, tmp_path / "kernel")
    reached = [f"--set=spark.executorEnv.{variable}={value}" for variable, value in known.items()]
    told = estimated(f"s3://{name}/lake", tmp_path / "spark", *on(cluster), *reached)
    assert [line.split()[1] for line in told.splitlines()[1:5]] == ["spark"] * 4
    assert same_tables(tmp_path / "kernel", tmp_path / "spark") > 150
