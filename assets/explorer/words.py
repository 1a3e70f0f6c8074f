"""How the pages say things: rounding, dates, and the words of the database as sentences.

Belongs here: texts and formats that more than one page uses. Does not belong here: queries, HTML.
Rounding comes last and follows tables of the field: whole points, `*` above 0 and under 0.5, `-` for zero, halves up.
"""

import math
from collections.abc import Mapping
from typing import Any

from assets.words import COMPARABILITY as COMPARABILITY
from assets.words import DISCLOSURE as DISCLOSURE
from assets.words import FLAGS as FLAGS
from assets.words import HIDDEN as HIDDEN
from assets.words import KINDS as KINDS
from assets.words import VERDICTS as VERDICTS
from assets.words import WORDING_KINDS as WORDING_KINDS
from assets.words import day as day
from assets.words import days as days
from assets.words import disclosure as disclosure
from assets.words import flags as flags
from assets.words import number as number
from assets.words import said as said

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


def concept(name: str) -> str:
    """A concept's id as words; two letters that are no preposition are an abbreviation (US, EU)."""
    small = {"as", "at", "by", "in", "is", "no", "of", "on", "or", "to"}
    text = " ".join(word.upper() if len(word) == 2 and word not in small else word for word in name.split("-"))
    return text[:1].upper() + text[1:]


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


def size(data: int) -> str:
    """Bytes in few digits."""
    return f"{data / 1e6:.1f} MB" if data >= 1e6 else f"{max(1, round(data / 1e3))} KB"
