"""How the pages say things: rounding, dates, and the words of the database as sentences.

Belongs here: texts and formats that more than one page uses. Does not belong here: queries, HTML.
Rounding comes last and follows tables of the field: whole points, `*` above 0 and under 0.5, `-` for zero, halves up.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "\N{MIDDLE DOT}"

FLAGS = {
    "aggregate": "several countries taken together by the producer",
    "base_not_all": "not asked of everyone: see the base",
    "contested": "sources disagree about this figure",
    "corrected": "corrected in the catalogue, with a reason",
    "design_effect_assumed": "design effect not stated: 1 is assumed, the interval may be too narrow",
    "interim": "preliminary",
    "no_degrees_of_freedom": "no interval: too few sampling units",
    "no_interval_n_unknown": "no interval: the number of interviews is not stated",
    "no_interval_not_exact": "no interval: the figure is not stated exactly",
    "no_variance": "no interval: no variance between sampling units",
    "opt_in_panel": "opt-in panel: no sampling margin, the interval is model-based",
    "outside_trends": "kept out of trends",
    "part_of_sample": "asked of part of the sample",
    "provisional": "not reviewed yet",
    "second_hand": "read in a report about the survey, not on the producer's page",
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
CLAIM_VERDICTS = {
    "not_checked": "not checked yet",
    "supported": "supported",
    "supported_but_dated": "supported, but later figures exist",
    "ambiguous": "ambiguous: several figures fit",
    "not_a_detectable_change": "not a detectable change",
    "complement_fallacy": "complement fallacy: 100 minus a share is not the opposite answer",
    "top_category_only": "only the top category was counted",
    "wrong_population": "said of another population",
    "contradicted": "contradicted",
    "no_data": "no data here",
}
CLAIM_VIEWS = {"its_date": ", of those known at its date", "today": ", of those that stand today"}
WORDING_KINDS = {"verbatim": "verbatim", "translation": "translated", "paraphrase": "paraphrase, not the exact words"}
MATCHES = {
    "same": "same",
    "similar": "similar",
    "different": "another",
    "changed": "changed",
    "collapsed": "grouped otherwise",
}
DECISIONS = {
    "join": "joined",
    "note": "joined with a note",
    "break": "the line breaks here",
    "exclude": "kept out of trends",
}
KINDS = {"dont_know": "don't know", "refused": "refused", "net": "net", "not_asked": "not asked", "system": "missing"}
CAUSES = {
    "new": "first load",
    "data": "other data",
    "weights": "other weights",
    "crosswalk": "another reading of questions or answers",
    "correction": "a correction in the catalogue",
    "metadata": "other facts about the release",
    "code": "another version of the program",
    "producer": "the producer published another value",
}
AGREEMENT = {
    "agrees": "agrees",
    "within_tolerance": "within the declared tolerance",
    "differs": "differs",
    "awaits_file": "file not at hand",
    "not_computed": "not computed",
}
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


def concept(name: str) -> str:
    """A concept's id as words; two letters that are no preposition are an abbreviation (US, EU)."""
    small = {"as", "at", "by", "in", "is", "no", "of", "on", "or", "to"}
    text = " ".join(word.upper() if len(word) == 2 and word not in small else word for word in name.split("-"))
    return text[:1].upper() + text[1:]


def flags(names: Iterable[str]) -> list[str]:
    """Flags in words."""
    return [said(FLAGS, name) for name in names]


def whole(value: float | None) -> str:
    """A share in whole points, or `*`, or `-`."""
    if value is None:
        return ""
    if value == 0:
        return "-"
    return "*" if value < 0.5 else str(math.floor(value + 0.5))


def figure(row: Mapping[str, Any]) -> str:
    """A share as a table prints it: rounded, or as published where the source gives no number, or hidden."""
    if "suppressed" in row["flags"]:
        return HIDDEN
    if row["percent"] is None:
        return str(row["published_text"] or "")
    before = {"about": "about ", "more_than": "over ", "less_than": "under "}.get(row["qualifier"], "")
    return before + whole(row["percent"])


def number(value: float | None, digits: int = 1) -> str:
    """A number with at most so many digits, no trailing zeros."""
    if value is None:
        return ""
    factor = 10**digits
    text = f"{math.floor(abs(value) * factor + 0.5) / factor:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "-" + text if value < 0 and text.strip("0.") else text


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
