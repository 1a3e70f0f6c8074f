"""Figures in words: short inside a sentence, whole at its end as a source.

Belongs here: wording. Does not belong here: deciding what to say (assets.claims.rules).
"""

import datetime as dt
from collections.abc import Iterable, Sequence

from assets.claims.facts import Figure, Printed

_BEFORE = {"about": "about ", "more_than": "more than ", "less_than": "less than "}


def number(value: float | None) -> str:
    """A percentage with at most one decimal, without a sign."""
    return "" if value is None else f"{value:.1f}".removesuffix(".0")


def share(figure: Figure) -> str:
    """The share with what the source says about its exactness."""
    if figure.percent is None:
        return f"{figure.published_text} %" if figure.published_text else "a figure that is not a number"
    return f"{_BEFORE.get(figure.qualifier, '')}{number(figure.percent)} %"


def interval(figure: Figure) -> str:
    """The interval, or that there is none."""
    if figure.percent_low is None or figure.percent_high is None:
        return "no interval" + ("" if figure.n else ", n not stated")
    return f"95 % interval {figure.percent_low:.1f} to {figure.percent_high:.1f}"


def measured(figure: Figure) -> str:
    """Share, wave and size: `3 % in wave 08 (5-14 March 2022, n = 896, 95 % interval 2.1 to 4.3)`."""
    size = [f"n = {figure.n}"] if figure.n else []
    return f"{share(figure)} in wave {figure.wave} ({', '.join([days(figure), *size, interval(figure)])})"


def days(figure: Figure | Printed) -> str:
    """When the interviews were; months as months, where only they are known."""
    start, end = figure.fieldwork_start, figure.fieldwork_end
    if start is None or end is None:
        return "date of interviews unknown"
    if _whole(start, end, "month"):
        return f"{start:%B %Y}"
    if _whole(start, end, "year"):
        return f"{start:%Y}"
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day} {end:%B %Y}" if start == end else f"{start.day}-{end.day} {end:%B %Y}"
    year = "" if start.year == end.year else f" {start.year}"
    return f"{start.day} {start:%B}{year} - {end.day} {end:%B %Y}"


def source(figure: Figure | Printed) -> str:
    """Where a figure is from, complete enough to paste."""
    if isinstance(figure, Printed):
        printed = f", printed {figure.published}" if figure.published else ""
        return f"{number(figure.percent)} % for wave {figure.wave}{printed}, {figure.source_url}"
    model = ", model-based" if "opt_in_panel" in figure.flags and figure.percent_low is not None else ""
    parts = [
        f"{figure.organisation_name}, {figure.series_name}, wave {figure.wave}",
        f"interviews: {days(figure)}",
        f"population: {figure.population or 'not stated'}",
        f"mode: {figure.mode or 'not stated'}",
        f"n = {figure.n}" if figure.n else "n not stated",
        f'answer "{figure.label}": {share(figure)}, {interval(figure)}{model}',
        figure.source_url,
        f"estimate {figure.estimate_id}",
    ]
    return "; ".join(parts)


def listed(texts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = list(dict.fromkeys(texts))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def paragraph(lead: str, clauses: Sequence[str], sources: Sequence[Figure | Printed]) -> str:
    """The whole: what is found, and the sources behind it."""
    told = f"{lead}: {'; '.join(clause.rstrip('.') for clause in clauses)}." if clauses else f"{lead}."
    if not sources:
        return told
    if len(sources) == 1:
        return f"{told} Source: {source(sources[0])}."
    return f"{told} Sources: " + " ".join(f"({i}) {source(one)}." for i, one in enumerate(sources, start=1))


def _whole(start: dt.date, end: dt.date, what: str) -> bool:
    """Whether two days are the first and the last of one month or year, which is how partial dates are kept."""
    after = end + dt.timedelta(days=1)
    if what == "year":
        return (start.month, start.day) == (1, 1) and after == dt.date(start.year + 1, 1, 1)
    return start.day == 1 and after.day == 1 and (start.year, start.month) == (end.year, end.month)
