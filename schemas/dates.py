"""Dates as survey houses give them: a day, only a month, only a year, or not at all.

Belongs here: partial dates and their first and last day. Does not belong here: time zones, clocks, schedules.
"""

import calendar
import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator

_FORM = re.compile(r"^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?$")


def _checked(text: str) -> str:
    if _parts(text) is None:
        raise ValueError("not a date; expected YYYY-MM-DD, YYYY-MM or YYYY")
    return text


def _parts(text: str) -> tuple[int, int | None, int | None] | None:
    match = _FORM.match(text)
    if match is None:
        return None
    year, month, day = int(match[1]), match[2] and int(match[2]), match[3] and int(match[3])
    try:
        dt.date(year, month or 1, day or 1)
    except ValueError:
        return None
    return year, month or None, day or None


PartialDate = Annotated[str, AfterValidator(_checked)]


def first_day(text: str | None) -> dt.date | None:
    """The earliest day that a partial date can mean; None for None or an unknown date."""
    parts = _parts(text) if text else None
    return None if parts is None else dt.date(parts[0], parts[1] or 1, parts[2] or 1)


def last_day(text: str | None) -> dt.date | None:
    """The latest day that a partial date can mean; None for None or an unknown date."""
    parts = _parts(text) if text else None
    if parts is None:
        return None
    year, month, day = parts
    month = month or 12
    return dt.date(year, month, day or calendar.monthrange(year, month)[1])
