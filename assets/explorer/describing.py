"""What programs read: a CSV with all figures of an item beside its page, JSON-LD in the pages of items and waves.

Belongs here: which file and which description belong to which page, and what an embargo keeps out of them. Does not
belong here: the properties of the description (assets.exports.jsonld), the rules (assets.exports.gates).
"""

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from markupsafe import Markup

from assets.explorer import addresses
from assets.explorer.reading import Published, Row
from assets.exports import gates, jsonld, tabular
from assets.exports.passing import SelectionError
from schemas.tables.figures import ESTIMATES

MOST_NAMED = 40  # questions and sources in the description of one page
_LONG = ("variableMeasured", "isBasedOn")
_OF_THE_REFRESH = ("version", "dateModified")  # else every page would change with every refresh


class Described:
    """Files and descriptions of one database on one day."""

    def __init__(self, house: Published, today: dt.date) -> None:
        self._house = house
        self._today = today
        self.embargoed = frozenset(house.read(lambda con: gates.gate(con, today)).embargoed)

    def csv(self, estimates: Iterable[Row]) -> bytes | None:
        """Estimates that may leave, as CSV, None if there are none. Texts are safe to open in a spreadsheet."""
        free = [row for row in estimates if row["release"] not in self.embargoed]
        if not free:
            return None
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(ESTIMATES.columns)
        for row in free:
            writer.writerow([tabular.text(row.get(name), safe=True) for name in ESTIMATES.columns])
        return out.getvalue().encode()

    def item(self, name: str, data: bytes | None) -> Markup | None:
        """JSON-LD of an item's page, with its CSV if it has one: then also a Croissant description of it."""
        file = None
        if data is not None:
            beside = addresses.csv(name).rpartition("/")[2]
            file = jsonld.DataFile(beside, beside, hashlib.sha256(data).hexdigest(), len(data), ESTIMATES)
        return self._described(name, addresses.item(name), [row["release"] for row in self._house.asked_of[name]], file)

    def wave(self, key: tuple[str, str, str]) -> Markup | None:
        """JSON-LD of a wave's page."""
        releases = [row["release"] for row in self._house.releases_of[key]]
        return self._described("/".join(key), addresses.wave(*key), releases, None)

    @cached_property
    def _whole(self) -> jsonld.House:
        return self._house.read(lambda con: jsonld.House(con, self._today))

    def _described(
        self, selection: str, page: str, releases: Iterable[str], file: jsonld.DataFile | None
    ) -> Markup | None:
        try:
            told = jsonld.dataset(self._whole, selection, url=page.rpartition("/")[2], file=file)
        except (SelectionError, gates.NothingMayLeaveError, KeyError):
            return None  # under embargo; or tables that do not fit together, of which a page can be made all the same
        kept: dict[str, Any] = {name: value for name, value in told.items() if name not in _OF_THE_REFRESH}
        kept |= {name: kept[name][:MOST_NAMED] for name in _LONG if name in kept}
        days = [row["loaded_at"] for name in releases if (row := self._whole.releases.get(name)) and row["loaded_at"]]
        if days:
            kept["dateModified"] = max(days).date().isoformat()
        return Markup(jsonld.script(kept))  # noqa: S704  script() escapes
