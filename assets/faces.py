"""What the Dagster faces of the rooms share: the house as a resource, and how things are shown to people.

Belongs here: the type of the resource `house`, declared tables as column schemas, tables and links of metadata. Does
not belong here: the resource's making (pipeline.resources), anything a room computes.
"""

import base64
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from assets import contracts
from assets.explorer import addresses
from assets.publication.publish import stamp_of_build
from assets.refresh import Audit
from assets.releases.ledger import Ledger
from assets.releases.shelf import Shelf
from schemas.problems import Problem
from schemas.remedies import REMEDIES
from schemas.tables import BY_NAME
from warehouse import versions
from warehouse.layout import Layout

OWNER = "team:survey-desk"
# Rooms with an asset, in the order of the flow. Dagster sorts groups by name, so the names carry the number.
ROOMS = (
    "releases", "responses", "toplines", "questions", "estimates", "trends", "claims", "publication", "explorer",
)  # fmt: skip
KINDS: dict[str, set[str]] = {
    "releases": {"yaml", "parquet"},
    "release": {"file"},
    "responses": {"parquet"},
    "toplines": {"csv", "excel", "parquet"},
    "questions": {"csv", "parquet"},
    "claims": {"yaml", "parquet"},
    "warehouse": {"duckdb", "greatexpectations"},
    "published": {"duckdb"},
    "site": {"html"},
}
SHOWN = 50  # rows of a table in metadata: it is stored with every run


@dataclass(frozen=True)
class Site:
    """Where people find the explorer.

    Browsers do not follow a link from a web page to a file, so without an address a file is named, not linked.

    Attributes:
        folder: of the pages.
        url: where they are served (WEATHERVANE_SITE_URL), without the slash at its end; None if nowhere.
    """

    folder: Path
    url: str | None = None

    def page(self, address: str) -> dg.MetadataValue[Any]:
        """A page by its address within the site: a link, or the place of the file."""
        if self.url:
            return dg.MetadataValue.url(f"{self.url}/{address}")
        return dg.MetadataValue.path(str(self.folder / address))

    def link(self, text: str, address: str) -> str:
        """The same inside Markdown."""
        return f"[{text}]({self.url}/{address})" if self.url else text

    def wave(self, wave_key: str) -> dg.MetadataValue[Any]:
        """The page of a wave, by `organisation/series/wave@vintage`."""
        organisation, series, wave = wave_key.rpartition("@")[0].split("/", 2)
        return self.page(addresses.wave(organisation, series, wave))

    def series(self, organisation: str, series: str) -> dg.MetadataValue[Any]:
        """The place of a series."""
        return self.page(addresses.series(organisation, series))

    def item(self, item: str) -> dg.MetadataValue[Any]:
        """The page of an item."""
        return self.page(addresses.item(item))

    def claim(self, text: str, claim: str) -> str:
        """Markdown that leads to the page of a claim."""
        return self.link(text, addresses.claim(claim))


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
    site_url: str | None = None

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

    @property
    def site(self) -> Site:
        """Where people find the explorer."""
        return Site(self.layout.site, self.site_url)

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


def group(room: str) -> str:
    """The name of a room's group."""
    return f"{ROOMS.index(room) + 1}_{room}"


def spec(
    key: str, room: str, table: str | None, description: str, deps: tuple[str, ...] = (), **more: Any
) -> dg.AssetSpec:
    """An asset of a room, described for the people who look at it; `more` goes to Dagster as it is."""
    metadata: dict[str, Any] = {}
    if table:
        metadata = {"dagster/column_schema": columns(table), "dagster/table_name": f"weathervane.main.{table}"}
    return dg.AssetSpec(
        key,
        deps=list(deps),
        description=description,
        group_name=group(room),
        owners=[OWNER],
        kinds=KINDS.get(key, {"parquet", "python"}),
        metadata=metadata,
        **more,
    )


def shown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.TableMetadataValue:
    """Rows as a table that the UI shows without a click; the first `SHOWN` of them."""
    given = [["" if cell is None else str(cell) for cell in row] for row in rows]
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in given[:SHOWN]],
        dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )


def image(title: str, svg: str, below: str) -> dg.MarkdownMetadataValue:
    """A picture that the UI shows by itself, with a line below it."""
    encoded = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"**{title}**\n\n![{title}](data:image/svg+xml;base64,{encoded})\n\n{below}")


def by_house(shelf: Shelf, *counts: str) -> dg.TableMetadataValue:
    """Counts of the releases that are on the shelf, summed by organisation; the largest first.

    Args:
        shelf: what is there.
        counts: names of numbers in the plain facts of a release (`figures`, `questions`, `estimates`).
    """
    sums: dict[str, Counter[str]] = {}
    for about in shelf.abouts.values():
        release = about["release"]
        sums.setdefault(release["organisation"], Counter()).update({"releases": 1} | {n: release[n] for n in counts})
    names = [*counts, "releases"]
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][names[0]], pair[0]))
    return shown(["organisation", *names], ([house, *(count[name] for name in names)] for house, count in ordered))


def problems_met(problems: Sequence[Problem]) -> Mapping[str, Any]:
    """Metadata of a check that found problems of inputs: how many, where, what, and what to do."""
    rows = []
    for one in problems:
        where, _, wrong = str(one).partition(": ")
        rows.append((where.replace(", ", ",\n"), wrong, REMEDIES.get(one.cause)))
    found = {"problems": shown(["where", "what is wrong", "what to do"], rows)} if rows else {}
    return {"found": len(problems), **found}


def contract(check: dg.AssetCheckSpec, work: Path, tables: Iterable[str]) -> dg.AssetCheckResult:
    """Whether tables in a work folder meet their declarations (pandera), said so that a person can act on it."""
    looked = contracts.held(work, tables)
    broken = [one for one in looked if one.problems]
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=not broken,
        description="; ".join(one.message for one in broken) or looked[0].message,
        metadata={
            "tables": ", ".join(one.table for one in looked),
            **problems_met([problem for one in looked for problem in one.problems]),
        },
    )
