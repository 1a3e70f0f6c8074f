"""Building the site: every page from the published database, made where its inputs changed, removed where it went.

Belongs here: which pages there are, in which order. Does not belong here: what stands on a page (the modules beside
this one and their templates), what it depends on (fingerprints), the files (folder).

Pages are replaced one by one, the front page and the day of the database last.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from assets.explorer import addresses, item, overview, wave, words
from assets.explorer.describing import Described
from assets.explorer.fingerprints import Fingerprints
from assets.explorer.folder import Built as Built
from assets.explorer.folder import Folder
from assets.explorer.reading import Published
from assets.explorer.streams import OF_ITEM

_HERE = Path(__file__).parent
MOST_ROWS = 500  # of a table on the pages of revisions and conflicts
INDEX = "index.html"
_STAMP = f"{addresses.STATIC}/stamp.js"
_ALWAYS = ""  # made from the whole database: made at every build, written where it differs
Files = Iterator[tuple[str, bytes]]


def build(database: Path, site: Path) -> Built:
    """Write the site of a published database.

    Args:
        database: the published file, or the link to it; opened read-only.
        site: folder of the site; made if missing. Of what lies there only the explorer's own pages are touched.

    Raises:
        OSError: a page cannot be written. Pages written before stand, the others are as they were.
        duckdb.Error: the database cannot be read.
    """
    begun = time.monotonic()
    folder = Folder(site)
    house = Published(database)
    try:
        folder.put("shared", _ALWAYS, _shared(house))  # what other pages link comes first
        described = Described(house, dt.datetime.now(dt.UTC).date())
        made_from = Fingerprints(house, described.embargoed)
        _items(house, described, made_from, folder)
        _waves(house, described, made_from, folder)
        folder.put("whole", _ALWAYS, _whole(house, (site / "audit" / INDEX).is_file()))
    finally:
        house.close()
    folder.finish()
    folder.done.seconds = time.monotonic() - begun
    return folder.done


def stands(about: Mapping[str, str], site: Path) -> bool:
    """Whether the pages are those of the database with this table `about`."""
    try:
        return (site / INDEX).is_file() and (site / _STAMP).read_text(encoding="utf-8") == _stamp(about)
    except OSError:
        return False


def _shared(house: Published) -> Files:
    for file in sorted((_HERE / "static").iterdir()):
        yield f"{addresses.STATIC}/{file.name}", file.read_bytes()
    yield f"{addresses.STATIC}/search-index.js", f"window.searchIndex={_compact(overview.search(house))};\n".encode()


def _items(house: Published, described: Described, made_from: Fingerprints, folder: Folder) -> None:
    told = {name: made_from.item(name) for name in sorted(house.items)}
    todo = [name for name in told if not folder.stands(addresses.item(name), told[name])]
    if not todo:
        return
    stream = house.by_item(todo)
    for name in todo:
        found = {table: stream.take(table, name) for table in OF_ITEM}
        values, figures = item.page(house, found, name)
        files = [(addresses.figures(name, banner), _figures(banner, data)) for banner, data in figures.items()]
        data = described.csv(found["estimates"])
        files += [(addresses.csv(name), data)] if data is not None else []
        values |= {"csv": len(data or b""), "json_ld": described.item(name, data)}
        folder.put(addresses.item(name), told[name], [*files, _page(addresses.item(name), "item", values)])


def _figures(banner: str, data: dict[str, Any]) -> bytes:
    """A script, since a page on a disk may not fetch."""
    return f"(window.itemFigures??={{}})[{_compact(banner)}]={_compact(data)};\n".encode()


def _waves(house: Published, described: Described, made_from: Fingerprints, folder: Folder) -> None:
    told = {key: made_from.wave(key) for key in sorted(house.waves)}
    todo = [key for key in told if not folder.stands(addresses.wave(*key), told[key])]
    if not todo:
        return
    stream = house.by_wave(["/".join(key) for key in todo])
    for key in todo:
        first, *parts = wave.pages(house, house.waves[key], stream.take(*key))
        files = [_page(addresses.wave(*key), "wave", first | {"json_ld": described.wave(key)})]
        files += [_page(addresses.part(*key, part["part"]), "wave_part", part) for part in parts]
        folder.put(addresses.wave(*key), told[key], files)


def _whole(house: Published, audit: bool) -> Files:
    """Pages that look at the whole database."""
    for name in house.organisations:
        yield _page(addresses.organisation(name), "organisation", overview.organisation(house, name))
    yield _page("organisations.html", "organisations", {"rows": overview.organisations(house)})
    claims = [overview.claim(house, row) for row in house.claims]
    for row in claims:
        named = {"row": row, "organisations": house.organisations, "titles": house.items}
        yield _page(addresses.claim(row["claim"]), "claim", named)
    yield _page("claims.html", "claims", {"claims": claims, "most": MOST_ROWS // 2})
    yield _page("revisions.html", "revisions", {"rows": house.revisions, "items": house.items, "most": MOST_ROWS})
    yield _page("conflicts.html", "conflicts", {"rows": overview.conflicts(house), "most": MOST_ROWS})
    open_ones = {"checks": house.checks, "quarantine": house.quarantine, "awaiting": house.awaiting, "audit": audit}
    yield _page("checks.html", "checks", open_ones)
    yield _page("dictionary.html", "dictionary", overview.dictionary(house))
    yield _page("methods.html", "methods", {})
    yield _page(INDEX, "index", overview.home(house))
    yield _STAMP, _stamp(house.about).encode()  # the last: it says that all the others are of this version


def _page(address: str, template: str, values: dict[str, Any]) -> tuple[str, bytes]:
    return address, _template(template).render(page=address, root=addresses.up(address), **values).encode()


@cache
def _template(name: str) -> jinja2.Template:
    return _environment().get_template(f"{name}.html")


@cache
def _environment() -> jinja2.Environment:
    # Wordings, labels and messages come from the catalogue and from files of other houses: escape everything.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"addresses": addresses, "words": words}
    environment.filters["compact"] = lambda value: Markup(_compact(value))  # noqa: S704  _compact escapes
    return environment


def _compact(value: Any) -> str:
    """JSON for a script element or a script: nothing in a text can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _stamp(about: Mapping[str, str]) -> str:
    """The day of the database, in a file of its own: otherwise every page would change with every refresh."""
    when = overview.refreshed_at(about)
    told = f", refreshed {words.day(when)} {when:%H:%M} UTC (refresh {about.get('refresh', '?')})" if when else ""
    return f"document.getElementById('stamp').textContent={_compact(told)};\n"
