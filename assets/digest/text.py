"""The digest for people: as Markdown, as plain text, in a few lines.

Belongs here: headings, order, how many rows of a kind are shown. Does not belong here: what the rows say (figures,
house), where the text goes (publication, pipeline).
"""

from collections.abc import Sequence
from typing import Any

import duckdb

from assets.digest.query import Row, fetch

SHOWN = 12  # rows of a kind; the table has them all
LONGEST = 300
NOTHING = "Nothing moved since the version before."
# Kind -> heading with a placeholder for the number, for one and for many.
_HEADINGS = {
    "version": ("This version", "This version"),
    "wave": ("{} new wave", "{} new waves"),
    "load": ("{} release loaded again", "{} releases loaded again"),
    "withdrawn": ("{} release withdrawn", "{} releases withdrawn"),
    "revision": ("{} revision", "{} revisions"),
    "change": ("{} detectable change, new or gone", "{} detectable changes, new or gone"),
    "claim": ("{} claim reads differently", "{} claims read differently"),
    "quarantined": ("{} release set aside", "{} releases set aside"),
    "mended": ("{} release mended", "{} releases mended"),
    "overdue": ("{} series overdue", "{} series overdue"),
    "arrived": ("{} release whose file came", "{} releases whose files came"),
    "awaiting": ("{} release awaits its file", "{} releases await their files"),
}


def read(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """The digest of an open database."""
    return fetch(con, "FROM digest ORDER BY position")


def by_kind(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by kind, in the order of reading."""
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    return kinds


def heading(kind: str, number: int) -> str:
    """What a kind is called, with its number."""
    one, many = _HEADINGS.get(kind, (f"{{}} {kind}", f"{{}} {kind}"))
    return (one if number == 1 else many).format(f"{number:,}")


def short(rows: Sequence[Row]) -> list[str]:
    """The digest in one line a kind: the heading, or the row itself where there is one only."""
    lines = []
    for kind, members in by_kind(rows).items():
        if kind == "version":
            lines += [row["what"] for row in members]
        else:
            only = f": {members[0]['subject']}, {members[0]['what']}" if len(members) == 1 else ""
            lines.append(_cut(heading(kind, len(members)) + only))
    return lines


def plain(rows: Sequence[Row], most: int = SHOWN) -> str:
    """The digest as plain text, at most `most` rows of a kind."""
    blocks = []
    for kind, members in by_kind(rows).items():
        lines = [heading(kind, len(members))]
        for row in members[:most]:
            lines.append(_cut(f"  {_told(row)}"))
            if row["why"]:
                lines.append(_cut(f"    {row['why']}"))
        blocks.append("\n".join(lines + [f"  {more}" for more in _more(members, most)]))
    return "\n\n".join(blocks) or NOTHING


def markdown(rows: Sequence[Row], most: int = SHOWN) -> str:
    """The digest as Markdown, at most `most` rows of a kind; texts of files cannot start any markup of their own."""
    blocks = []
    for kind, members in by_kind(rows).items():
        lines = [f"### {heading(kind, len(members))}", ""]
        for row in members[:most]:
            why = f" *{_quiet(row['why'])}*" if row["why"] else ""
            link = f" ([source]({_address(row['link'])}))" if row["link"] else ""
            lines.append(f"- {_quiet(_told(row))}.{why}{link}")
        blocks.append("\n".join(lines + [f"- {more}" for more in _more(members, most)]))
    return "\n\n".join(blocks) or NOTHING


def _told(row: Row) -> str:
    if row["kind"] == "version":
        return str(row["what"])
    # A cell does not say whose it is; a release, a series or a wave does.
    of = f"{row['organisation']}/{row['series']}, " if row["item"] and row["series"] else ""
    return f"{of}{row['subject']}: {row['what']}"


def _more(members: Sequence[Any], most: int) -> list[str]:
    return [f"and {len(members) - most:,} more"] if len(members) > most else []


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _quiet(text: str) -> str:
    """Text in which no letter has a meaning in Markdown or HTML."""
    plain = " ".join(_cut(text).split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in plain)


def _address(link: str) -> str:
    """An address that ends where it ends."""
    return link.replace("(", "%28").replace(")", "%29").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
