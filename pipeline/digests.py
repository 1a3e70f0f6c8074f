"""Telling people what moved: once for each version that brought something, and once for a series that became overdue.

Belongs here: putting the message together. Does not belong here: what moved (assets.digest), keeping and sending it
once (pipeline.outbox).

A digest goes to `data/digests.jsonl` always, and to WEATHERVANE_DIGEST_URL and WEATHERVANE_DIGEST_MAIL if set. Where
nothing moved nothing is kept or sent. A series becomes overdue by the passing of days alone, so that is looked at after
every run, also after one that had nothing to do; it is told once.
"""

import contextlib
import datetime as dt
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import duckdb

from assets.digest import kept, text
from assets.digest.house import OVERDUE, overdue
from assets.digest.query import Row, fetch
from pipeline import delivery
from pipeline.outbox import Deliver, Line, Outbox
from pipeline.settings import Settings
from warehouse import connect
from warehouse.layout import Layout

FILE = "digests.jsonl"
MOST_ROWS = 200  # posted with a message; the table has them all
_POSTED = (
    "kind", "subject", "organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value", "release",
    "what", "why", "before", "after", "link",
)  # fmt: skip

_log = logging.getLogger(__name__)


def tell(layout: Layout, settings: Settings, today: dt.date | None = None) -> list[str]:
    """Send the digest of what is published unless that was done. Never raises because it cannot be sent.

    Args:
        layout: the house.
        settings: where to.
        today: the day for which series are overdue; default the clock's, in UTC.

    Returns:
        What could not be sent, in words for the person who started the run.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    try:
        with contextlib.closing(connect.read(layout.link)) as con:
            name = "{:06d}-{}".format(*kept.state(con))
            rows = text.read(con)
            late = [
                (row, overdue(row))
                for row in fetch(con, OVERDUE.format(source=f"overdue_on(DATE '{today}')", without=""))
            ]
    except (FileNotFoundError, duckdb.Error) as bad:
        _log.warning("there is no digest to tell of: %s", bad)
        return []
    dated = {f"{row['organisation']}/{row['series']} {row['expected_by']}": told for row, told in late}
    box = Outbox(layout.data / FILE, "digest", "digest", _channels(settings))
    _, failed = box.tell(lambda lines: _message(lines, name, rows, dated, today))
    return failed


def _message(lines: Sequence[Line], name: str, rows: list[Row], late: dict[str, Row], today: dt.date) -> Line | None:
    """What is to be told after these lines: the digest if it is new, and series that became overdue since."""
    told = {line.get("digest") for line in lines if "message" in line}
    known = {one for line in lines for one in line.get("overdue", [])}
    new = [] if name in told else rows
    fresh = [row for key, row in late.items() if key not in known]
    if not new and not fresh:
        return None
    listed = {row["subject"] for row in new if row["kind"] == "overdue"}
    all_rows = [*new, *(row for row in fresh if row["subject"] not in listed)]
    shown = [{**dict.fromkeys(_POSTED), **row} for row in all_rows]
    return {
        "digest": name if new else f"{name} overdue {today}",
        "message": f"Weathervane: {'; '.join(text.short(shown))[: text.LONGEST]}",
        "refresh": int(name.split("-")[0]),
        "overdue": sorted(late),
        "counts": {kind: len(members) for kind, members in text.by_kind(shown).items()},
        "rows": [{key: row[key] for key in _POSTED if row[key] is not None} for row in shown[:MOST_ROWS]],
        "text": text.plain(shown),
        "markdown": text.markdown(shown),
    }


def _channels(settings: Settings) -> dict[str, Deliver]:
    channels: dict[str, Deliver] = {}
    if settings.digest_url:
        channels["webhook"] = partial(delivery.post, settings.digest_url)
    if settings.digest_mail and settings.mail_server and settings.mail_from:
        channels["mail"] = partial(_mail, settings.mail_server, settings.mail_from, settings.digest_mail)
    return channels


def _mail(server: str, sender: str, recipients: tuple[str, ...], line: Line) -> None:
    counts: dict[str, Any] = line["counts"]
    subject = ", ".join(text.heading(kind, number) for kind, number in counts.items() if kind != "version")
    delivery.mail(server, sender, recipients, f"Weathervane: {subject or 'a first version'}", line["text"])
