"""What a check looks up: figures with their whole description, answers of an item, what is printed of it elsewhere.

Belongs here: reading the tables of the warehouse, from the Parquet of a build or from the published database, into
records. Does not belong here: judging. Only figures for everyone asked are read; a sentence about a subgroup needs a
claim about another table.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from schemas.dates import last_day

Line = tuple[str, str, str, str]  # organisation, series, item, category


@dataclass(frozen=True)
class Figure:
    """An estimate as it stood between two days, with what a citation needs."""

    estimate_id: str
    organisation: str
    organisation_name: str
    series: str
    series_name: str
    wave: str
    item: str
    category: str
    label: str
    percent: float | None
    percent_low: float | None
    percent_high: float | None
    standard_error: float | None
    n: int | None
    qualifier: str
    published_text: str | None
    interval_method: str | None
    flags: tuple[str, ...]
    fieldwork: str | None
    fieldwork_start: dt.date | None
    fieldwork_end: dt.date | None
    population: str | None
    mode: str | None
    available_from: dt.date | None
    available_until: dt.date | None
    latest: bool
    decision: str
    reason: str | None
    reviewed: bool
    source_url: str

    @property
    def line(self) -> Line:
        """The line of a trend that it belongs to."""
        return (self.organisation, self.series, self.item, self.category)

    @property
    def when(self) -> tuple[dt.date, dt.date, str]:
        """Order in time; figures without a date come first."""
        start = self.fieldwork_start or dt.date.min
        return (self.fieldwork_end or start, start, self.wave)


@dataclass(frozen=True)
class Answer:
    """A category of an item."""

    category: str
    label: str
    kind: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Printed:
    """A printed figure that disagrees with the estimate of its cell, or stands beside it: a retelling."""

    organisation: str
    series: str
    wave: str
    item: str
    category: str
    percent: float
    qualifier: str
    published: dt.date | None
    note: str | None
    source_url: str
    fieldwork_start: dt.date | None
    fieldwork_end: dt.date | None
    population: str | None
    mode: str | None


@dataclass(frozen=True)
class Step:
    """The step into a wave of a trend."""

    wave: str
    position: int
    segment: int
    comparability: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Everything that checks of some items need.

    `answers`: item -> its categories in order. `apart`: item -> items declared to look alike, with the reason.
    `steps`: line -> wave -> its step.
    """

    titles: Mapping[str, str]
    answers: Mapping[str, list[Answer]]
    apart: Mapping[str, dict[str, str]]
    figures: Mapping[str, list[Figure]]
    printed: Mapping[str, list[Printed]]
    steps: Mapping[Line, dict[str, Step]]
    organisations: Mapping[str, str] = field(default_factory=dict)

    def answer(self, item: str, category: str) -> Answer | None:
        """A category of an item, if there is one."""
        return next((one for one in self.answers.get(item, []) if one.category == category), None)


def read(con: duckdb.DuckDBPyConnection, items: Iterable[str]) -> Facts:
    """Read the facts about some items and those declared apart from them.

    Args:
        con: has the tables of the published database, or views of these names.
        items: ids; unknown ones are left out.
    """
    titles = {row["item"]: row["title"] for row in _rows(con, "SELECT item, title FROM items")}
    apart = _apart(con)
    asked = {item for item in items if item in titles}
    wanted = sorted(asked | {other for item in asked for other in apart.get(item, {})})
    answers: dict[str, list[Answer]] = {}
    for row in _rows(con, _ANSWERS, wanted):
        answers.setdefault(row["item"], []).append(
            Answer(row["category"], row["label"], row["kind"], tuple(row["parts"] or ()))
        )
    figures: dict[str, list[Figure]] = {}
    for row in _rows(con, _FIGURES, wanted):
        figure = Figure(**{**row, "flags": tuple(row["flags"] or ())})
        figures.setdefault(figure.item, []).append(figure)
    printed: dict[str, list[Printed]] = {}
    for row in _rows(con, _PRINTED, wanted):
        published = last_day(row["published"])
        printed.setdefault(row["item"], []).append(Printed(**{**row, "published": published}))
    steps: dict[Line, dict[str, Step]] = {}
    for row in _rows(con, _STEPS, wanted):
        line = (row["organisation"], row["series"], row["item"], row["category"])
        steps.setdefault(line, {})[row["wave"]] = Step(
            row["wave"], row["position"], row["segment"], row["comparability"], tuple(row["reasons"] or ())
        )
    names = {row["organisation"]: row["name"] for row in _rows(con, "SELECT organisation, name FROM organisations")}
    return Facts(titles, answers, apart, figures, printed, steps, names)


def _apart(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Items that look alike, in both directions: who reads the one should know of the other."""
    found: dict[str, dict[str, str]] = {}
    for row in _rows(con, "SELECT item, unnest(apart_from) AS said FROM items ORDER BY ALL"):
        other, _, reason = row["said"].partition(": ")
        found.setdefault(row["item"], {})[other] = reason
        found.setdefault(other, {}).setdefault(row["item"], reason)
    return found


def _rows(con: duckdb.DuckDBPyConnection, query: str, items: list[str] | None = None) -> list[dict[str, Any]]:
    found = con.execute(query, [] if items is None else [items])
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_ANSWERS = """
SELECT item, category, label, kind, parts FROM categories WHERE list_contains(?, item) ORDER BY item, position
"""

_FIGURES = """
SELECT
    v.estimate_id, v.organisation, coalesce(o.name, v.organisation) AS organisation_name,
    v.series, coalesce(s.name, v.series) AS series_name, v.wave, v.item, v.category,
    coalesce(c.label, v.category) AS label, v.percent, v.percent_low, v.percent_high, v.standard_error, v.n,
    v.qualifier, v.published_text, v.interval_method, v.flags,
    w.fieldwork, v.fieldwork_start, v.fieldwork_end,
    coalesce(w.population, s.population) AS population, coalesce(w.mode, s.mode) AS mode,
    v.available_from, v.available_until, v.latest,
    coalesce(q.decision, 'join') AS decision, q.reason, q.reviewed_by IS NOT NULL AS reviewed, v.source_url
FROM vintages AS v
LEFT JOIN organisations AS o ON o.organisation = v.organisation
LEFT JOIN series AS s ON s.organisation = v.organisation AND s.series = v.series
LEFT JOIN waves AS w ON w.organisation = v.organisation AND w.series = v.series AND w.wave = v.wave
LEFT JOIN categories AS c ON c.item = v.item AND c.category = v.category
LEFT JOIN questions AS q ON q.release = v.release AND q.question = v.question
WHERE list_contains(?, v.item) AND v.subgroup = 'total' AND v.subgroup_value = 'all'
ORDER BY v.organisation, v.series, v.wave, v.item, v.category, v.load_vintage, v.estimate_id
"""

_PRINTED = """
SELECT DISTINCT
    t.organisation, t.series, t.wave, t.item, t.category, t.percent, t.qualifier, t.published, t.note, t.source_url,
    w.fieldwork_start, w.fieldwork_end, coalesce(w.population, s.population) AS population,
    coalesce(w.mode, s.mode) AS mode
FROM toplines AS t
LEFT JOIN series AS s ON s.organisation = t.organisation AND s.series = t.series
LEFT JOIN waves AS w ON w.organisation = t.organisation AND w.series = t.series AND w.wave = t.wave
WHERE list_contains(?, t.item) AND t.subgroup = 'total' AND t.standing = 'retelling' AND t.percent IS NOT NULL
ORDER BY ALL
"""

_STEPS = """
SELECT organisation, series, item, category, wave, position, segment, comparability, reasons
FROM trends
WHERE list_contains(?, item) AND subgroup = 'total' AND subgroup_value = 'all'
ORDER BY organisation, series, item, category, position
"""
