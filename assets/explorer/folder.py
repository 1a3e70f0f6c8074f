"""The folder of the site: what lies there, what it was made from, writing what differs, removing what went.

Belongs here: files and their state. Does not belong here: what stands in them (build and the modules of the pages).

A page together with the files beside it is a unit. A small file in the folder says of each unit what it was made from
and how its files looked when they were written (size and time of writing). A unit is left alone if all of this still
holds. Otherwise it is made again, and a file whose bytes are the same is not touched, so that a copy by rsync or the
cache of a web server moves only what is new. If the small file is lost, everything is made again, no more.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.explorer import addresses
from warehouse.files import write_whole

STATE = ".made-from.json"


@dataclass
class Built:
    """What a build did: addresses of the files below the site's folder, and how long it took.

    `made` counts the units that were made, whether or not their files then differed; `largest` is the heaviest file
    with its bytes.
    """

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    made: int = 0
    largest: tuple[str, int] = ("", 0)
    seconds: float = 0.0

    @property
    def pages(self) -> int:
        """Files of the site after the build."""
        return len(self.written) + self.unchanged


class Folder:
    """The folder during one build."""

    def __init__(self, site: Path) -> None:
        self.done = Built()
        self._site = site
        self._before = _read(site / STATE)
        self._now: dict[str, Any] = {}

    def stands(self, unit: str, made_from: str) -> bool:
        """Whether a unit lies there as it was written, made from the same; if so it stays."""
        known = self._before.get(unit)
        if known is None or known[0] != made_from:
            return False
        files: dict[str, list[int]] = known[1]
        if any(self._looks(address) != seen for address, seen in files.items()):
            return False
        self._now[unit] = known
        self.done.unchanged += len(files)
        for address, (size, _) in files.items():
            self._measure(address, size)
        return True

    def put(self, unit: str, made_from: str, files: Iterable[tuple[str, bytes]]) -> None:
        """Write the files of a unit where they differ from what lies there.

        Raises:
            OSError: a file cannot be written. Those written before stand, the others are as they were.
        """
        looks = {}
        for address, data in files:
            self._write(address, data)
            looks[address] = self._looks(address)
        self._now[unit] = [made_from, looks]
        self.done.made += 1

    def finish(self) -> None:
        """Remove what no unit has any more, and remember what each was made from."""
        own = {address for _, files in self._now.values() for address in files}
        self.done.removed = self._remove_others(own)
        state = json.dumps(self._now, separators=(",", ":")).encode()
        path = self._site / STATE
        if not path.is_file() or path.read_bytes() != state:
            write_whole(path, state, flush=False)

    def _looks(self, address: str) -> list[int] | None:
        try:
            found = (self._site / address).stat()
        except OSError:
            return None
        return [found.st_size, found.st_mtime_ns]

    def _measure(self, address: str, size: int) -> None:
        self.done.largest = max(self.done.largest, (address, size), key=lambda one: one[1])

    def _write(self, address: str, data: bytes) -> None:
        self._measure(address, len(data))
        path = self._site / address
        try:
            if path.read_bytes() == data:
                self.done.unchanged += 1
                return
        except OSError:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data, flush=False)  # made again from the database at any time: not worth a flush each
        self.done.written.append(address)

    def _remove_others(self, own: set[str]) -> list[str]:
        """Remove files of nobody, in the explorer's own folders and of pages at the top; empty folders too."""
        site = self._site
        removed = []
        found = [path for folder in addresses.FOLDERS for path in (site / folder).rglob("*")]
        for path in [*found, *site.glob("*.html"), *site.glob(".*.part")]:
            address = path.relative_to(site).as_posix()
            if path.is_file() and address not in own:
                path.unlink(missing_ok=True)
                removed.append(address)
        for folder in sorted((path for path in found if path.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        return sorted(removed)


def _read(path: Path) -> dict[str, Any]:
    """The state as it was left; nothing if there is none or if it is no state."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and all(_is_unit(value) for value in found.values()) else {}


def _is_unit(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict)
