"""What is on the shelf: live releases and the catalogue around them, read back from ledger, lake and archive as tables.

Belongs here: `organisations`, `series`, `waves`, `releases`, `items`, `categories`, `claims`, `conflicts` as rows, and
where the lake keeps the figures. Does not belong here: anything about releases that are not loaded (publication).
"""

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow

from assets.releases.archive import Archive
from assets.releases.discover import CONCEPTS
from assets.releases.ledger import CONTEXT, Event, Ledger
from schemas.claim import Claim
from schemas.concept import Concepts
from schemas.dates import last_day
from schemas.handwritten import read_yaml
from schemas.item import Item
from schemas.manifest import Organisation, Series
from schemas.problems import Problem, ProblemsError
from schemas.tables import BY_NAME
from warehouse.connect import memory
from warehouse.layout import Layout


@dataclass(frozen=True)
class Shelf:
    """The live releases: their load events, their plain facts, their folder in the lake; and declared baselines."""

    events: dict[str, Event]
    abouts: dict[str, dict[str, Any]]
    folders: dict[str, Path]
    baselines: dict[tuple[str, str], str]

    @classmethod
    def read(cls, layout: Layout, ledger: Ledger) -> "Shelf":
        """Read the plain facts of every live release from the lake.

        Raises:
            FileNotFoundError: the lake lacks a load that the ledger names (`weathervane rebuild --from-archive`).
        """
        events = ledger.live()
        folders = {name: lake_folder(layout, name, event.load_vintage or 1) for name, event in events.items()}
        missing = [folder for folder in folders.values() if not (folder / "about.json").is_file()]
        if missing:
            raise FileNotFoundError(
                f"the lake lacks {missing[0].relative_to(layout.data)} (of {len(missing)}), which the ledger names; "
                "weathervane rebuild --from-archive makes it again"
            )
        return cls(
            events,
            {name: json.loads((folder / "about.json").read_bytes()) for name, folder in folders.items()},
            folders,
            _baselines(Archive(layout.archive), ledger),
        )

    def parquet(self, table: str) -> list[Path]:
        """The lake's files of one table; most releases have none of respondents' answers."""
        files = (folder / f"{table}.parquet" for folder in self.folders.values())
        return [file for file in files if file.is_file()]

    def rows(self, table: str, schema: pyarrow.Schema | None = None) -> pyarrow.Table:
        """All rows of one table in the lake; a column that an old load does not have is NULL there."""
        wanted = schema if schema is not None else BY_NAME[table].arrow()
        files = [str(path) for path in self.parquet(table)]
        if not files:
            return wanted.empty_table()
        con = memory()
        try:
            con.execute("CREATE TABLE rows AS SELECT * FROM read_parquet(?, union_by_name := true)", [files])
            found = con.sql("FROM rows").to_arrow_table()
        finally:
            con.close()
        for lacking in [column for column in wanted if column.name not in found.column_names]:
            found = found.append_column(lacking, pyarrow.nulls(found.num_rows, lacking.type))
        return found.select(wanted.names).cast(wanted)

    def awaited(self) -> set[str]:
        """Releases of which a file is not at hand."""
        return {name for name, about in self.abouts.items() if about["release"].get("awaits")}

    def standing(self) -> dict[str, dict[str, Any]]:
        """Release -> vintage and status."""
        return {name: {k: about["release"][k] for k in ("vintage", "status")} for name, about in self.abouts.items()}

    def waves(self) -> list[dict[str, Any]]:
        """Rows of `waves`: each described by its latest release (a final one before an interim one)."""
        best: dict[tuple[str, str, str], tuple[tuple[bool, dt.date, str], dict[str, Any]]] = {}
        count: dict[tuple[str, str, str], int] = {}
        for name, about in self.abouts.items():
            wave, release = about["wave"], about["release"]
            key = (wave["organisation"], wave["series"], wave["wave"])
            rank = (release["status"] != "interim", last_day(release["vintage"]) or dt.date.min, name)
            count[key] = count.get(key, 0) + 1
            if key not in best or rank > best[key][0]:
                best[key] = (rank, wave)
        return [
            {**wave, "releases": count[key], **{k: _day(wave[k]) for k in ("fieldwork_start", "fieldwork_end")}}
            for key, (_, wave) in sorted(best.items())
        ]

    def releases(self) -> list[dict[str, Any]]:
        """Rows of `releases`."""
        return [
            {
                "awaits": [],
                **about["release"],
                "load_vintage": self.events[name].load_vintage,
                "cause": self.events[name].cause,
                "loaded_at": self.events[name].happened_at,
            }
            for name, about in self.abouts.items()
        ]

    def conflicts(self) -> list[dict[str, Any]]:
        """Rows of `conflicts`."""
        return [
            {"release": name, "position": position, **conflict}
            for name, about in self.abouts.items()
            for position, conflict in enumerate(about["conflicts"], start=1)
        ]


def lake_folder(layout: Layout, release: str, load: int) -> Path:
    """Where the lake keeps one load of one release."""
    return layout.lake / release / f"{load:04d}"


@dataclass(frozen=True)
class Surroundings:
    """The catalogue's other files as they stood at the last refresh, as rows; and the files that could not be read."""

    organisations: list[dict[str, Any]]
    series: list[dict[str, Any]]
    items: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    problems: list[Problem]
    concepts: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, archive: Archive, ledger: Ledger) -> "Surroundings":
        """From the archived listing that the ledger's last context event names.

        A load that stays published while its release is set aside still needs what it was made with: its items as
        they stood then, and its organisation and series as they stood last.
        """
        contexts = [event for event in ledger.events if event.release == CONTEXT]
        out = cls([], [], [], [], [], [])
        for path, raw in _listed(contexts[-1:], archive):
            try:
                out._take(path, raw)
            except ProblemsError as bad:
                out.problems.extend(bad.problems)
        for name, state in ledger.quarantined().items():
            if state.live and state.loaded and state.loaded.tree_sha256:
                tree = archive.read_tree(state.loaded.tree_sha256)
                for path, digest in sorted(tree["items"].items()):
                    out._keep_item(read_item(path, archive.read(digest)))
                organisation, series, _ = name.split("/")
                out._keep_parents(organisation, series, contexts[-2::-1], archive)
        return out

    def _keep_item(self, item: Item) -> None:
        """Describe an item, or categories of it, that the catalogue no longer has but a published load refers to."""
        if item.item not in {row["item"] for row in self.items}:
            self.items.append(_item_row(item))
        known = {row["category"] for row in self.categories if row["item"] == item.item}
        lacking = [row for row in _category_rows(item) if row["category"] not in known]
        for position, row in enumerate(lacking, start=len(known) + 1):
            self.categories.append({**row, "position": position})

    def _keep_parents(self, organisation: str, series: str, earlier: Iterable[Event], archive: Archive) -> None:
        houses, lines = _ids(self.organisations, "organisation"), _ids(self.series, "organisation", "series")
        lacking = {
            f"releases/{organisation}/organisation.yml": (organisation,) not in houses,
            f"releases/{organisation}/{series}/series.yml": (organisation, series) not in lines,
        }
        for event in earlier:
            for path, raw in _listed([event], archive):
                if lacking.get(path):
                    with contextlib.suppress(ProblemsError):
                        self._take(path, raw)
                        lacking[path] = False

    def _take(self, path: str, raw: bytes) -> None:
        parts = path.split("/")
        if path == CONCEPTS:
            self.concepts.extend(one.model_dump() for one in read_yaml(raw, path, Concepts).concepts)
        elif parts[0] == "items":
            item = read_item(path, raw)
            self.items.append(_item_row(item))
            self.categories.extend(_category_rows(item))
        elif parts[0] == "claims":
            claim = read_yaml(raw, path, Claim)
            _same("claim", claim.claim, Path(path).stem, path)
            self.claims.append(claim.model_dump())
        elif parts[-1] == "organisation.yml":
            organisation = read_yaml(raw, path.removeprefix("releases/"), Organisation)
            _same("organisation", organisation.organisation, parts[1], path)
            self.organisations.append(organisation.model_dump())
        elif parts[-1] == "series.yml":
            series = read_yaml(raw, path.removeprefix("releases/"), Series)
            _same("series", series.series, parts[2], path)
            self.series.append({"organisation": parts[1], **series.model_dump()})


def _baselines(archive: Archive, ledger: Ledger) -> dict[tuple[str, str], str]:
    """(organisation, series) -> wave, as the series.yml of the last context event declare it."""
    found: dict[tuple[str, str], str] = {}
    last = [event for event in ledger.events if event.release == CONTEXT and event.tree_sha256][-1:]
    listing = archive.read_tree(last[0].tree_sha256 or "")["context"] if last else {}
    for path, digest in sorted(listing.items()):
        if path.endswith("/series.yml"):
            with contextlib.suppress(ProblemsError):  # told where the context is read
                series = read_yaml(archive.read(digest), path, Series)
                if series.baseline:
                    found[path.split("/")[1], series.series] = series.baseline
    return found


def _listed(contexts: Iterable[Event], archive: Archive) -> Iterable[tuple[str, bytes]]:
    for event in contexts:
        listing = archive.read_tree(event.tree_sha256)["context"] if event.tree_sha256 else {}
        yield from ((path, archive.read(digest)) for path, digest in sorted(listing.items()))


def _ids(rows: Iterable[Mapping[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in names) for row in rows}


def _item_row(item: Item) -> dict[str, Any]:
    return {
        **item.model_dump(exclude={"categories", "apart_from", "derived"}),
        "apart_from": [f"{a.item}: {a.reason}" for a in item.apart_from],
    }


def _category_rows(item: Item) -> list[dict[str, Any]]:
    return [
        {
            "item": item.item,
            "category": c.id,
            "position": i,
            "label": c.label,
            "kind": c.kind,
            "parts": list(c.of),
            "score": c.score,
        }
        for i, c in enumerate(item.categories, start=1)
    ]


def read_item(path: str, raw: bytes) -> Item:
    """One item.

    Raises:
        ProblemsError: it cannot be read, or its id is not its file's name.
    """
    item = read_yaml(raw, path, Item)
    _same("item", item.item, Path(path).stem, path)
    return item


def read_items(files: Mapping[str, bytes]) -> tuple[dict[str, Item], dict[str, list[Problem]]]:
    """The items of the catalogue by id, and the problems of those that cannot be read, by file."""
    items: dict[str, Item] = {}
    problems: dict[str, list[Problem]] = {}
    for path in _of(files, "items/"):
        try:
            item = read_item(path, files[path])
            items[item.item] = item
        except ProblemsError as bad:
            problems[path] = bad.problems
    return items, problems


def _of(files: Iterable[str], room: str) -> list[str]:
    return sorted(path for path in files if path.startswith(room))


def _same(column: str, said: str, place: str, path: str) -> None:
    if said != place:
        what = "the id differs from the name of its place"
        raise ProblemsError([Problem("manifest", path, what, column=column, value=said, expected=place)])


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
