"""What is on the shelf: live releases and the catalogue around them, read back from ledger, lake and archive as tables.

Belongs here: `organisations`, `series`, `waves`, `releases`, `items`, `categories`, `claims`, `conflicts` as rows, and
where the lake keeps the figures. Does not belong here: anything about releases that are not loaded (publication).
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.releases.archive import Archive
from assets.releases.ledger import Event, Ledger
from schemas.claim import Claim
from schemas.dates import last_day
from schemas.handwritten import read_yaml
from schemas.item import Item
from schemas.manifest import Organisation, Series
from schemas.problems import Problem, ProblemsError
from warehouse.layout import Layout


@dataclass(frozen=True)
class Shelf:
    """The live releases: their load events, their plain facts, their folder in the lake."""

    events: dict[str, Event]
    abouts: dict[str, dict[str, Any]]
    folders: dict[str, Path]

    @classmethod
    def read(cls, layout: Layout, ledger: Ledger) -> "Shelf":
        """Read the plain facts of every live release from the lake.

        Raises:
            FileNotFoundError: the lake lacks a load that the ledger names (`weathervane rebuild --from-archive`).
        """
        events = ledger.live()
        folders = {name: lake_folder(layout, name, event.load_vintage or 1) for name, event in events.items()}
        return cls(
            events,
            {name: json.loads((folder / "about.json").read_bytes()) for name, folder in folders.items()},
            folders,
        )

    def parquet(self, table: str) -> list[Path]:
        """The lake's files of one table."""
        return [folder / f"{table}.parquet" for folder in self.folders.values()]

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

    @classmethod
    def read(cls, archive: Archive, ledger: Ledger) -> "Surroundings":
        """From the archived listing that the ledger's last context event names."""
        event = ledger.context
        listing = archive.read_tree(event.tree_sha256)["context"] if event and event.tree_sha256 else {}
        return cls.parse({path: archive.read(digest) for path, digest in listing.items()})

    @classmethod
    def parse(cls, files: Mapping[str, bytes]) -> "Surroundings":
        """From the files' bytes; one that cannot be read becomes problems and is left out."""
        out = cls([], [], [], [], [], [])
        for path, raw in sorted(files.items()):
            try:
                out._take(path, raw)
            except ProblemsError as bad:
                out.problems.extend(bad.problems)
        return out

    def _take(self, path: str, raw: bytes) -> None:
        parts = path.split("/")
        if parts[0] == "items":
            item = read_item(path, raw)
            self.items.append(
                {
                    **item.model_dump(exclude={"categories", "apart_from"}),
                    "apart_from": [f"{a.item}: {a.reason}" for a in item.apart_from],
                }
            )
            self.categories.extend(
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
            )
        elif parts[0] == "claims":
            claim = read_yaml(raw, path, Claim)
            self.claims.append({**claim.model_dump(), "verdict": "not_checked"})
        elif parts[-1] == "organisation.yml":
            organisation = read_yaml(raw, path.removeprefix("releases/"), Organisation)
            _same("organisation", organisation.organisation, parts[1], path)
            self.organisations.append(organisation.model_dump())
        elif parts[-1] == "series.yml":
            series = read_yaml(raw, path.removeprefix("releases/"), Series)
            _same("series", series.series, parts[2], path)
            self.series.append({"organisation": parts[1], **series.model_dump()})


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
