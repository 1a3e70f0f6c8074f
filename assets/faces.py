"""What the Dagster faces of the rooms share: the house as a resource, and declared tables as column schemas.

Belongs here: the type of the resource `house` and helpers for metadata. Does not belong here: the resource's making
(pipeline.resources), anything a room computes.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet

from assets.publication.publish import stamp_of_build
from assets.refresh import Audit
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf
from schemas.tables import BY_NAME
from warehouse import versions
from warehouse.layout import Layout

OWNER = "team:survey-desk"


@dataclass
class House:
    """What a run works with. One run, one house: the writer's lock is held while it exists."""

    layout: Layout
    run_id: str
    at: dt.datetime
    audit: Audit
    listener: Callable[[str], None] = lambda _: None
    audit_is_coming: Callable[[], None] = lambda: None  # told early, because getting ready for it takes seconds
    notes: dict[str, Any] = field(default_factory=dict)  # what the run did, for whoever started it

    def say(self, context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, text: str) -> None:
        """Say something, in the run's log and to whoever listens."""
        context.log.info(text)
        self.listener(text)

    @property
    def work(self) -> Path:
        """The work folder of this run, made on first use."""
        if "work" not in self.notes:
            self.notes["work"] = str(versions.work_folder(self.layout, self.run_id))
        return Path(self.notes["work"])

    def ledger(self) -> Ledger:
        """The ledger as it is now."""
        return Ledger(self.layout.ledger)

    def shelf(self) -> Shelf:
        """What is on the shelf now."""
        return Shelf.read(self.layout, self.ledger())

    def data_version(self) -> dg.DataVersion:
        """The version of what is derived: the same for the same ledger, declarations, SQL and rules."""
        return dg.DataVersion(f"refresh-{self.ledger().head}-{stamp_of_build()}")


def columns(table: str) -> dg.TableSchema:
    """A declared table as Dagster's column schema."""
    declared = BY_NAME[table]
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                declared.sql_type(name),
                description=declared.describe(name),
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for name, column in declared.columns.items()
        ]
    )


def spec(
    key: str, room: str, table: str | None, description: str, deps: tuple[str, ...] = (), *, skippable: bool = False
) -> dg.AssetSpec:
    """An asset of a room, described for the people who look at it."""
    metadata: dict[str, Any] = {}
    if table:
        metadata = {"dagster/column_schema": columns(table), "dagster/table_name": f"weathervane.main.{table}"}
    return dg.AssetSpec(
        key,
        deps=list(deps),
        description=description,
        group_name=room,
        owners=[OWNER],
        kinds={"duckdb"} if room == "publication" else {"parquet", "python"},
        metadata=metadata,
        skippable=skippable,
    )


def contract(check: dg.AssetCheckSpec, work: Path, tables: Iterable[str]) -> dg.AssetCheckResult:
    """Whether tables in a work folder meet their declarations (pandera), said so that a person can act on it."""
    problems = []
    for name in tables:
        made = BY_NAME[name].from_arrow(pyarrow.parquet.read_table(work / f"{name}.parquet"))
        problems += [problem for _, problem in BY_NAME[name].problems(made)]
    listed = "\n".join(f"- {problem}" for problem in problems[:10]) or "none"
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=not problems,
        description="; ".join(map(str, problems[:3])) or "every row meets its contract",
        metadata={"found": len(problems), "problems": dg.MetadataValue.md(listed)},
    )
