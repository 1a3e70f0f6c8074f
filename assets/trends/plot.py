"""A trend as a picture: points with intervals, joined only where the step may be joined.

Belongs here: drawing one line of `trends` as SVG. Does not belong here: pages, choosing what to claim about it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

HEADLINE = ("belarus-army-role", "join_russia")  # shown if there is such a line; otherwise the longest one


@dataclass(frozen=True)
class Picture:
    """An SVG with the title it needs."""

    title: str
    svg: str


def headline(trends: Path) -> Picture | None:
    """The picture of the headline trend in a Parquet file of `trends`; None if there is no line at all."""
    rows = [row for row in pyarrow.parquet.read_table(trends).to_pylist() if row["subgroup"] == "total"]
    lines = Counter((row["item"], row["category"]) for row in rows)
    if not lines:
        return None
    chosen = HEADLINE if HEADLINE in lines else max(sorted(lines), key=lambda line: lines[line])
    members = [row for row in rows if (row["item"], row["category"]) == chosen]
    return Picture(" / ".join(chosen), draw(members))


def draw(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of one item and category as SVG, one colour a series, one line a segment.

    Args:
        rows: rows of `trends`; those without a number (ranges) are left out.
    """
    import altair  # imported here: only drawing pays for it
    import vl_convert

    points = [
        {
            "day": row["fieldwork_start"].isoformat(),
            "percent": row["percent"],
            "low": row["percent_low"],
            "high": row["percent_high"],
            "series": f"{row['organisation']} / {row['series']}",
            "line": f"{row['organisation']} / {row['series']} {row['segment']}",
            "label": f"{row['percent']:g}",
        }
        for row in rows
        if row["percent"] is not None
    ]
    base = altair.Chart(altair.Data(values=points)).encode(
        x=altair.X("day:T", title=None, axis=altair.Axis(format="%b %Y", labelAngle=0, tickCount=6, grid=False)),
        color=altair.Color("series:N", title=None, legend=altair.Legend(orient="bottom") if len(points) else None),
    )
    share = altair.Y("percent:Q", title="percent, 95 % interval", scale=altair.Scale(zero=True))
    chart = altair.layer(
        base.mark_line(strokeWidth=1.5).encode(y=share, detail="line:N"),
        base.mark_rule(strokeWidth=2, opacity=0.45).encode(y=altair.Y("low:Q"), y2="high:Q"),
        base.mark_point(filled=True, size=55, opacity=1).encode(y=share),
        base.mark_text(dy=-12, dx=9, fontSize=11).encode(y=share, text="label:N"),
    ).properties(width=560, height=230, background="white", padding=12)
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg
