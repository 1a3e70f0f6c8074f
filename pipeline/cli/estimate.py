"""`estimate`: estimates from coded answers by one of the engines, a Spark cluster among them.

Belongs here: arguments and printing. Does not belong here: choosing files, running engines (pipeline.estimating).
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import show
from warehouse.layout import Layout


class Engine(StrEnum):
    """What makes the sums."""

    KERNEL = "kernel"
    DUCKDB = "duckdb"
    SPARK = "spark"


def estimate(
    release: Annotated[
        list[str] | None, typer.Argument(help="Releases, or the beginning of their names; all if left out.")
    ] = None,
    engine: Annotated[Engine, typer.Option(help="What makes the sums; spark needs `make spark` and Java 17.")] = (
        Engine.KERNEL
    ),
    lake: Annotated[
        str | None, typer.Option(help="A lake elsewhere: a folder, or an address such as s3://bucket/lake.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the tables go; default data/estimates/ENGINE.")] = None,
    master: Annotated[str | None, typer.Option(help="Of Spark: spark://host:port, or local[2].")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Of Spark: NAME=VALUE, such as spark.executor.memory=4g.")
    ] = None,
) -> None:
    """Estimate shares and means with their errors, from the coded answers of the lake into Parquet files.

    The tables are those of a refresh and equal whatever the engine, to 1e-12. What is published is not touched.
    """
    from pipeline import estimating

    layout = Layout.from_environment()
    known = estimating.of_lake(lake) if lake else estimating.published(layout)
    todo = estimating.chosen(known, release or [])
    if not todo:
        raise estimating.EstimateError(f"no coded answers in {lake or layout.lake}; a refresh makes them")
    folder = (out or layout.data / "estimates" / engine.value).absolute()
    rows = []
    for done in estimating.estimate(todo, folder, engine.value, master, _settings(setting or [])):
        rows.append([done.release, done.engine, done.estimates, done.scores, f"{done.seconds:.1f}"])
    show.table(["release", "engine", "estimates", "scores", "seconds"], rows, right=("estimates", "scores", "seconds"))
    show.out.print(f"in {folder}", soft_wrap=True)


def _settings(told: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in told]
    wrong = [one for one, (name, equals, _) in zip(told, pairs, strict=True) if not (name and equals)]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is no setting; expected NAME=VALUE", param_hint="--set")
    return {name: value for name, _, value in pairs}
