"""A trend as a picture: points with intervals, joined only where the step may be joined.

Belongs here: drawing one line of `trends` as SVG. Does not belong here: pages, choosing what to claim about it.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

HEADLINE = ("belarus-army-role", "join_russia")  # shown if there is such a line; otherwise the longest one

# Dagster shows a picture 468 pixels wide. It is drawn at that size, so that letters keep theirs.
WIDTH, HEIGHT = 468, 270
_PLOT_WIDTH, _PLOT_HEIGHT = 405, 190  # about what axes and legend leave; only the places of labels depend on it
_LETTER, _SMALL, _LINE, _DOT = 6.5, 5.2, 12, 4  # width of letters, height of a line, radius of a point
_INK, _QUIET = "#1f2937", "#6b7280"


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

    A hollow point has no interval. Labels say the share and, where there is room, the wave; those that would cover
    another one are left out.

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
            "top": row["percent"] if row["percent_high"] is None else row["percent_high"],
            "series": f"{row['organisation']} / {row['series']}",
            "line": f"{row['organisation']} / {row['series']} {row['segment']}",
            "wave": row["wave"],
        }
        for row in rows
        if row["percent"] is not None
    ]
    highest = max((point["top"] for point in points), default=1.0)
    scale = altair.Scale(domain=[0, min(115.0, highest * 1.25)], nice=False)  # above the highest bar its label
    span = _days(points)
    _label(points, span, scale.domain[1])
    base = altair.Chart(altair.Data(values=points)).encode(
        x=altair.X(
            "day:T",
            title=None,
            scale=altair.Scale(domain=[_iso(span[0]), _iso(span[1])]),
            axis=altair.Axis(
                format="%Y" if (span[1] - span[0]).days > 4 * 366 else "%b %Y",
                tickCount="year" if (span[1] - span[0]).days > 4 * 366 else 5,
                labelOverlap=True,
                grid=False,
            ),
        ),
        color=altair.Color(
            "series:N",
            title=None,
            legend=altair.Legend(orient="bottom", columns=2, labelLimit=220, symbolType="stroke", symbolOpacity=1),
        ),
    )
    share = altair.Y(
        "percent:Q",
        title="percent, 95 % interval",
        scale=scale,
        axis=altair.Axis(tickCount=5, labelOverlap=True),
    )
    has = altair.datum.high != None  # noqa: E711 - becomes JavaScript
    words = base.transform_filter(altair.datum.label != "").encode(y=altair.Y("top:Q", scale=scale))
    alone, above = words.transform_filter("!datum.wave_label"), words.transform_filter("datum.wave_label")
    bold: dict[str, Any] = {"fontSize": 11, "fontWeight": "bold"}
    share_text = {"text": altair.Text("label:N"), "color": altair.value(_INK)}
    chart = altair.layer(
        base.mark_line(strokeWidth=1.5).encode(y=share, detail="line:N"),
        base.transform_filter(has).mark_rule(strokeWidth=2, opacity=0.5).encode(y=altair.Y("low:Q"), y2="high:Q"),
        base.mark_point(size=45, opacity=1, strokeWidth=1.5).encode(
            y=share, fill=altair.condition(has, "series:N", altair.value("white"), legend=None)
        ),
        alone.mark_text(dy=-11, **bold).encode(**share_text),
        above.mark_text(dy=-21, **bold).encode(**share_text),
        above.mark_text(dy=-10, fontSize=9).encode(text="wave_label:N", color=altair.value(_QUIET)),
    ).properties(
        width=WIDTH,
        height=HEIGHT,
        background="white",
        autosize=altair.AutoSizeParams(type="fit", contains="padding"),
        padding={"left": 4, "right": 8, "top": 4, "bottom": 4},
    )
    chart = chart.configure_axis(labelFontSize=11, titleFontSize=11, titleFontWeight="normal", labelColor=_INK)
    chart = chart.configure_legend(labelFontSize=11).configure_view(stroke=None)
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg


def _days(points: Iterable[Mapping[str, Any]]) -> tuple[dt.date, dt.date]:
    """First and last day of the axis, with room for the labels at both ends."""
    days = sorted(dt.date.fromisoformat(point["day"]) for point in points) or [dt.date(2000, 1, 1)]
    room = dt.timedelta(days=max(15, (days[-1] - days[0]).days // 14))
    return days[0] - room, days[-1] + room


def _iso(day: dt.date) -> str:
    return day.isoformat()


def _label(points: list[dict[str, Any]], span: tuple[dt.date, dt.date], highest: float) -> None:
    """Give points a `label` and a `wave_label` where they cover nothing; the newest and the oldest come first."""
    order = sorted(points, key=lambda point: str(point["day"]), reverse=True)
    taken: list[tuple[float, float, float, float]] = []
    for point in order:
        point["label"] = point["wave_label"] = ""
        point["at"] = (dt.date.fromisoformat(point["day"]) - span[0]) / (span[1] - span[0]) * _PLOT_WIDTH
        low, top = (point[end] / highest * _PLOT_HEIGHT for end in ("percent", "top"))
        taken.append((point["at"] - _DOT, point["at"] + _DOT, low - _DOT, max(low + _DOT, top)))
    for point in [*order[:1], *order[-1:], *order[1:-1]] if len(order) > 1 else order:
        up = point["top"] / highest * _PLOT_HEIGHT + _DOT
        share, across = f"{point['percent']:.1f}".removesuffix(".0"), point["at"]
        for wave in (point["wave"], ""):
            half = max(len(share) * _LETTER, len(wave) * _SMALL) / 2 + 1
            box = (across - half, across + half, up, up + (2 if wave else 1) * _LINE)
            if not any(_meet(box, other) for other in taken):
                taken.append(box)
                point["label"], point["wave_label"] = share, wave
                break


def _meet(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3]
