"""Building the site: every page from the published database, written where it changed, removed where it went.

Belongs here: which pages there are, and keeping the folder in step with the database. Does not belong here: what
stands on a page (the modules beside this one and their templates).

Pages are replaced one by one, the front page and the day of the
database last. A page that is the same is not touched, so a copy by rsync or a web
server's cache moves only what is new.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from assets.explorer import addresses, item, overview, wave, words
from assets.explorer.reading import Published
from warehouse.files import write_whole

_HERE = Path(__file__).parent
MOST_ROWS = 500  # of a table on the pages of revisions and conflicts
INDEX = "index.html"
_STAMP = f"{addresses.STATIC}/stamp.js"


@dataclass
class Built:
    """What a build did: addresses of the pages below the site's folder, and how long it took.

    `largest` is the heaviest page with its bytes.
    """

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    largest: tuple[str, int] = ("", 0)
    seconds: float = 0.0

    @property
    def pages(self) -> int:
        """Files of the site after the build."""
        return len(self.written) + self.unchanged


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
    done = Built()
    house = Published(database)
    try:
        own = set()
        for address, text in _pages(house, (site / "audit" / INDEX).is_file()):
            own.add(address)
            _write(site, address, text.encode(), done)
    finally:
        house.close()
    done.removed = _remove_others(site, own)
    done.seconds = time.monotonic() - begun
    return done


def stands(about: Mapping[str, str], site: Path) -> bool:
    """Whether the pages are those of the database with this table `about`."""
    try:
        return (site / INDEX).is_file() and (site / _STAMP).read_text(encoding="utf-8") == _stamp(about)
    except OSError:
        return False


def _pages(house: Published, audit: bool) -> Iterator[tuple[str, str]]:
    """Every file of the site with its text; pages that others link come first."""
    for file in sorted((_HERE / "static").iterdir()):
        yield f"{addresses.STATIC}/{file.name}", file.read_text(encoding="utf-8")
    yield f"{addresses.STATIC}/search-index.js", f"window.searchIndex={_compact(overview.search(house))};\n"
    stream = house.by_item()
    for name in sorted(house.items):
        values, figures = item.page(house, stream, name)
        if figures:
            yield addresses.figures(name), f"window.itemFigures={_compact(figures)};\n"
        yield _page(addresses.item(name), "item", values)
    of_wave = house.by_wave()
    for key in sorted(house.waves):
        values = wave.page(house, house.waves[key], of_wave.take(*key))
        yield _page(addresses.wave(*key), "wave", values | {"items": house.items})
    for name in house.organisations:
        yield _page(addresses.organisation(name), "organisation", overview.organisation(house, name))
    yield _page("organisations.html", "organisations", {"rows": overview.organisations(house)})
    claims = [overview.claim(house, row) for row in house.claims]
    for row in claims:
        named = {"row": row, "organisations": house.organisations, "titles": house.items}
        yield _page(addresses.claim(row["claim"]), "claim", named)
    yield _page("claims.html", "claims", {"claims": claims})
    yield _page("revisions.html", "revisions", {"rows": house.revisions, "items": house.items, "most": MOST_ROWS})
    yield _page("conflicts.html", "conflicts", {"rows": overview.conflicts(house), "most": MOST_ROWS})
    open_ones = {"checks": house.checks, "quarantine": house.quarantine, "awaiting": house.awaiting, "audit": audit}
    yield _page("checks.html", "checks", open_ones)
    yield _page("dictionary.html", "dictionary", overview.dictionary())
    yield _page("methods.html", "methods", {})
    yield _page(INDEX, "index", overview.home(house))
    yield _STAMP, _stamp(house.about)  # the last: it says that all the others are of this version


def _page(address: str, template: str, values: dict[str, Any]) -> tuple[str, str]:
    return address, _template(template).render(page=address, root=addresses.up(address), **values)


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


def _write(site: Path, address: str, data: bytes, done: Built) -> None:
    done.largest = max(done.largest, (address, len(data)), key=lambda one: one[1])
    path = site / address
    try:
        if path.read_bytes() == data:
            done.unchanged += 1
            return
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data, flush=False)  # made again from the database at any time: not worth a flush each
    done.written.append(address)


def _remove_others(site: Path, own: set[str]) -> list[str]:
    """Remove pages that this build did not make, in the explorer's own folders and at the top; empty folders too."""
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
