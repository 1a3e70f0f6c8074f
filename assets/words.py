"""The words of the database in plain language, for everything that people read: pages and exported files.

Belongs here: texts and dates that more than one room shows. Does not belong here: queries, layouts, rounding (each
medium rounds in its own way: a page as text, a workbook by the format of a cell).
"""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HIDDEN = "\N{MIDDLE DOT}"

FLAGS = {
    "aggregate": "several countries taken together by the producer",
    "base_not_all": "not asked of everyone: see the base",
    "contested": "sources disagree about this figure",
    "corrected": "corrected in the catalogue, with a reason",
    "dont_know_unknown": "no exact share of don't know is published for this wave and group",
    "design_effect_assumed": "design effect not stated: 1 is assumed, the interval may be too narrow",
    "interim": "preliminary",
    "left_out": "an answer that is itself left out",
    "no_degrees_of_freedom": "no interval: too few sampling units",
    "no_interval_n_unknown": "no interval: the number of interviews is not stated",
    "no_interval_not_exact": "no interval: the figure is not stated exactly",
    "no_variance": "no interval: no variance between sampling units",
    "nobody_left": "nobody is left in the base",
    "not_exact": "the figure is not stated exactly",
    "of_rounded_figures": "computed from rounded figures",
    "opt_in_panel": "opt-in panel: no sampling margin, the interval is model-based",
    "outside_trends": "kept out of trends",
    "part_of_sample": "asked of part of the sample",
    "provisional": "not reviewed yet",
    "second_hand": "read in a report about the survey, not on the producer's page",
    "several_answers": "several answers were allowed, so don't know is no part of the base",
    "small_base": "small base: under 100 effective interviews",
    "sum_over_100": "the published figures add up to more than 100",
    "suppressed": "hidden: under 30 effective interviews",
    "unweighted": "not weighted",
}
COMPARABILITY = {
    "comparable": "comparable",
    "with_note": "comparable with a note",
    "break": "break",
    "not_comparable": "not comparable",
    "unreviewed": "not reviewed",
}
VERDICTS = {
    "rise": "rose",
    "fall": "fell",
    "no_detectable_change": "no detectable change",
    "not_tested": "not tested",
}
WORDING_KINDS = {"verbatim": "verbatim", "translation": "translated", "paraphrase": "paraphrase, not the exact words"}
KINDS = {"dont_know": "don't know", "refused": "refused", "net": "net", "not_asked": "not asked", "system": "missing"}
# The eleven items of the AAPOR Transparency Initiative, in its order, by the names of schemas.manifest.
DISCLOSURE = {
    "strategy": "Strategy of data collection",
    "sponsor_and_conductor": "Who sponsored and who conducted it",
    "instruments": "Questionnaire and instruments",
    "population": "Population",
    "sampling": "Sample: how people were selected",
    "mode": "Mode of interviewing",
    "dates": "Dates of fieldwork",
    "sample_size": "Sample size and precision",
    "weighting": "Weighting",
    "processing": "Processing and quality",
    "limitations": "Limitations",
}


def said(words: Mapping[str, str], word: str | None) -> str:
    """A word of the database in plain language; one that is not in the list is shown as it stands."""
    return "" if word is None else words.get(word, word.replace("_", " "))


def flags(names: Iterable[str]) -> list[str]:
    """Flags in words."""
    return [said(FLAGS, name) for name in names]


def days(start: dt.date | None, end: dt.date | None) -> str:
    """Fieldwork in as few words as it takes; whole months and years as such."""
    if start is None or end is None:
        return "date unknown"
    if (start.month, start.day, end.month, end.day) == (1, 1, 12, 31):
        return str(start.year) if start.year == end.year else f"{start.year} to {end.year}"
    if start.day == 1 and (end + dt.timedelta(days=1)).day == 1:
        last = f"{end:%b %Y}"
        return last if (start.year, start.month) == (end.year, end.month) else f"{start:%b %Y} to {last}"
    if start == end:
        return f"{day(start)}"
    if start.year != end.year:
        return f"{day(start)} to {day(end)}"
    first = f"{start.day}" if start.month == end.month else f"{start.day} {start:%b}"
    return f"{first} to {day(end)}"


def day(when: dt.date) -> str:
    """A day: 5 Mar 2022."""
    return f"{when.day} {when:%b %Y}"


def number(value: float | None, digits: int = 1) -> str:
    """A number with at most so many digits, no trailing zeros, halves up."""
    if value is None:
        return ""
    factor = 10**digits
    text = f"{math.floor(abs(value) * factor + 0.5) / factor:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "-" + text if value < 0 and text.strip("0.") else text


def disclosure(wave: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The eleven items for a row of `waves`: number, name, what is said of it, and whether nothing is."""
    size = f"n = {wave['n']}" if wave["n"] else wave["n_stated"]
    margin = None if wave["margin_of_error"] is None else f"stated margin ±{number(wave['margin_of_error'])} points"
    told = dict(wave) | {
        "dates": wave["fieldwork"],
        "sample_size": "; ".join(filter(None, (size, margin, wave["margin_note"]))),
    }
    for place, (name, title) in enumerate(DISCLOSURE.items(), start=1):
        missing = name in wave["undisclosed"]
        text = None if missing else told.get(name) or "Stated; the words stand in the release's manifest."
        yield {"number": place, "name": title, "text": text, "missing": missing}
