"""The picture of a trend: what is joined, what is labelled, that nothing is invented."""

import datetime as dt
import json
import re

import pytest

from assets.trends import plot


def point(wave, day, percent, low=None, high=None, segment=1, series="monthly"):
    return {
        "wave": wave, "fieldwork_start": dt.date.fromisoformat(day), "percent": percent, "percent_low": low,
        "percent_high": high, "segment": segment, "organisation": "acme", "series": series,
    }  # fmt: skip


THREE = [
    point("08", "2022-03-05", 3.0, 2.1, 4.3),
    point("09", "2022-04-08", 6.04, 4.6, 7.8),
    point("10", "2023-06-06", 5.0, None, None, segment=2),
]


@pytest.fixture
def drawn(monkeypatch):
    """The chart as it goes to the renderer, which is slow."""
    import vl_convert

    charts = []

    def keep(text):
        charts.append(json.loads(text))
        return "<svg/>"

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", keep)

    def draw(rows):
        plot.draw(rows)
        return charts[-1]

    return draw


def layers(chart, kind):
    return [layer for layer in chart["layer"] if layer["mark"]["type"] == kind]


def test_a_picture_is_an_svg_of_the_size_that_dagster_shows_and_has_no_address():
    svg = plot.draw(THREE)
    assert re.match(r'<svg [^>]*width="468" height="270"', svg) and len(svg) < 40_000
    assert set(re.findall(r"https?://[^\"]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert all(f">{text}</text>" in svg for text in ("3", "6", "5", "08", "09", "10", "acme / monthly"))


def test_the_axis_starts_at_zero(drawn):
    (line,) = layers(drawn(THREE), "line")
    assert line["encoding"]["y"]["scale"]["domain"][0] == 0


def test_a_line_is_one_segment_so_a_break_is_a_gap(drawn):
    chart = drawn(THREE)
    (line,) = layers(chart, "line")
    assert line["encoding"]["detail"]["field"] == "line"
    assert [one["line"] for one in chart["data"]["values"]] == ["acme / monthly 1"] * 2 + ["acme / monthly 2"]


def test_an_interval_is_drawn_where_there_is_one(drawn):
    (rule,) = layers(drawn(THREE), "rule")
    assert rule["transform"] == [{"filter": "(datum.high !== null)"}]


def test_a_range_is_no_point(drawn):
    assert len(drawn([*THREE, point("11", "2023-08-01", None)])["data"]["values"]) == 3


def test_labels_that_would_cover_others_are_left_out(drawn):
    crowd = [point(f"2022-{n:02d}", f"2022-01-{n:02d}", 50.0 + n % 2) for n in range(1, 29)]
    values = drawn([*crowd, point("2026-01", "2026-01-01", 40.0)])["data"]["values"]
    labels = [one["label"] for one in values if one["label"]]
    assert 2 <= len(labels) <= 4 and values[-1]["wave_label"] == "2026-01"


def test_one_point_alone_can_be_drawn(drawn):
    assert drawn(THREE[:1])["data"]["values"][0]["label"] == "3"


def test_nothing_at_all_can_be_drawn(drawn):
    assert drawn([])["data"]["values"] == []
