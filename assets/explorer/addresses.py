"""Where each page lies: addresses relative to the top of the site.

Belongs here: the names of files and folders. Does not belong here: what the pages contain.
All links are relative, so that the site works from a disk, below any address, and after it was moved.
"""

import re

ITEMS, WAVES, ORGANISATIONS, CLAIMS, STATIC = "items", "waves", "organisations", "claims", "static"
FOLDERS = (ITEMS, WAVES, ORGANISATIONS, CLAIMS, STATIC)  # all that the explorer owns besides its pages at the top


def segment(name: str) -> str:
    """An id as the name of a file. Ids are lower-case words by contract; anything else must not leave the folder."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".") or "_"


def item(name: str) -> str:
    """Page of an item."""
    return f"{ITEMS}/{segment(name)}.html"


def figures(name: str, banner: str) -> str:
    """Figures of an item by one banner, loaded by its page when somebody asks for them."""
    return f"{ITEMS}/{segment(name)}.figures.{segment(banner)}.js"


def wave(organisation: str, series: str, name: str) -> str:
    """Page of a wave."""
    return f"{WAVES}/{segment(organisation)}/{segment(series)}/{segment(name)}.html"


def csv(name: str) -> str:
    """All figures of an item, of everyone and of subgroups, as a table."""
    return f"{ITEMS}/{segment(name)}.csv"


def part(organisation: str, series: str, name: str, number: int) -> str:
    """Further questions of a wave that has too many for one page; parts count from 2."""
    return f"{wave(organisation, series, name).removesuffix('.html')}/{number}.html"


def organisation(name: str) -> str:
    """Page of an organisation."""
    return f"{ORGANISATIONS}/{segment(name)}.html"


def series(house: str, name: str) -> str:
    """A series, on the page of its organisation."""
    return f"{organisation(house)}#{segment(name)}"


def claim(name: str) -> str:
    """Page of a claim."""
    return f"{CLAIMS}/{segment(name)}.html"


def anchor(*parts: str) -> str:
    """An id within a page."""
    return "--".join(segment(part) for part in parts)


def up(page: str) -> str:
    """From a page to the top of the site."""
    return "../" * page.count("/")
