"""Which series are late by their own rhythm on a day, and a picture of when waves came.

Belongs here: asking the published database, drawing. Does not belong here: the rule (overdue_on in
warehouse/sql/macros.sql), which the digest and the explorer follow too; what a late series means for a run (asset).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import duckdb

YEARS = 3  # that the picture goes back
_WIDTH, _LABEL, _LINE, _TOP = 720, 250, 20, 26
_INK, _QUIET, _DOT, _LATE = "#1f2937", "#9ca3af", "#2563eb", "#c2410c"


@dataclass(frozen=True)
class Late:
    """A series whose next wave should have come.

    Attributes:
        organisation: its house.
        series: its id.
        last_wave: the last wave that is published here.
        last_end: last day of that wave's interviews.
        rhythm_days: usual distance between waves.
        basis: `as declared`, or what the distance was taken from.
        expected_by: the day by which a wave was expected, half a rhythm of grace included.
        days: since then.
    """

    organisation: str
    series: str
    last_wave: str
    last_end: dt.date
    rhythm_days: int
    basis: str
    expected_by: dt.date
    days: int


def late(con: duckdb.DuckDBPyConnection, day: dt.date) -> list[Late]:
    """The series that are late on a day, the latest first. One that fell silent long ago has ended and is not late."""
    rows = con.execute(
        "SELECT organisation, series, last_wave, last_fieldwork_end, rhythm_days, rhythm_basis, expected_by, "
        f"overdue_days FROM overdue_on(DATE '{day.isoformat()}') ORDER BY overdue_days DESC, organisation, series"
    ).fetchall()
    return [Late(*row) for row in rows]


def told(found: Sequence[Late]) -> str:
    """In one line which series are late."""
    if not found:
        return "every series that goes on has its newest wave here"
    named = "; ".join(
        f"{one.organisation}/{one.series} (a wave every {one.rhythm_days} days, the last ended {one.last_end})"
        for one in found[:3]
    )
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return f"{len(found)} series late by their own rhythm: {named}{more}"


def draw(con: duckdb.DuckDBPyConnection, day: dt.date) -> str | None:
    """Waves of the last years as SVG: a line a series, a dot a wave, a bar where the next one was expected.

    Args:
        con: the published database.
        day: the right end.

    Returns:
        None if no series had a wave in these years.
    """
    first = day - dt.timedelta(days=YEARS * 365)
    lines: dict[tuple[str, str], list[dt.date]] = {}
    for organisation, series, end in con.execute(
        "SELECT organisation, series, fieldwork_end FROM waves WHERE fieldwork_end BETWEEN ? AND ? ORDER BY ALL",
        [first, day],
    ).fetchall():
        lines.setdefault((organisation, series), []).append(end)
    if not lines:
        return None
    expected = {(one.organisation, one.series): one.expected_by for one in late(con, day)}
    ordered = sorted(lines, key=lambda key: (-max(lines[key]).toordinal(), key))

    def across(when: dt.date) -> float:
        return _LABEL + (when - first).days / (day - first).days * (_WIDTH - _LABEL - 12)

    height = _TOP + _LINE * len(ordered) + 6
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11"><rect width="{_WIDTH}" height="{height}" fill="white"/>'
    ]
    for year in range(first.year + 1, day.year + 1):
        x = across(dt.date(year, 1, 1))
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{height - 4}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x:.1f}" y="{_TOP - 12}" fill="{_INK}">{year}</text>')
    for number, key in enumerate(ordered):
        y = _TOP + _LINE * number + 6
        name = escape(" / ".join(key))
        colour = _LATE if key in expected else _INK
        parts.append(f'<text x="{_LABEL - 10}" y="{y + 4}" text-anchor="end" fill="{colour}">{name}</text>')
        parts.append(f'<line x1="{_LABEL}" x2="{_WIDTH - 12}" y1="{y}" y2="{y}" stroke="{_QUIET}" stroke-width="0.5"/>')
        parts += [f'<circle cx="{across(end):.1f}" cy="{y}" r="3.5" fill="{_DOT}"/>' for end in lines[key]]
        if key in expected:
            x = across(max(expected[key], first))
            parts.append(f'<rect x="{x - 1.5:.1f}" y="{y - 7}" width="3" height="14" fill="{_LATE}"/>')
    return "".join([*parts, "</svg>"])
