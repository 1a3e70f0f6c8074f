"""Tables of second looks: an estimate read another way, a change read another way, a change split into its parts.

Belongs here: what says how far a figure depends on how the answers are read, or on who was asked. Does not belong here:
the figures (schemas.tables.figures) and changes (schemas.tables.comparisons) themselves. Percentages run from 0 to 100;
differences, parts and standard errors are in points of them.
"""

import pandas as pd

from schemas.tables.declare import Row, Table, column
from schemas.tables.shared import CELL, LINE, PERCENT, RELEASE, WAVE, ordered
from schemas.vocabulary import Basis, Comparability, Pair, Reading, SplitPair, Verdict, words

_READING = column(
    "VARCHAR",
    "How the answers are read: don't know and refused left out of the base, or every respondent counted once",
    allowed=words(Reading),
)
_PAIR = {
    "wave_from": column("VARCHAR", "Earlier wave"),
    "wave_to": column("VARCHAR", "Later wave"),
}
_FLIPS = "The direction is not that of the change in `changes`, and neither is zero"


def _adds_up(frame: pd.DataFrame) -> "pd.Series[bool]":
    change, one, two = (frame[name].astype("float64") for name in ("change", "composition", "within"))
    return change.isna() | ((change - one - two).abs() <= 1e-9)


def _split_or_told(frame: pd.DataFrame) -> "pd.Series[bool]":
    return frame["change"].notna() | (frame["reasons"].map(len) > 0)


READINGS = Table(
    "readings",
    "Estimates read in another way than `estimates` reads them. No row: that reading is the estimate itself (nobody in "
    "the base said don't know, or all weights are alike). A row with percent NULL: there is no such share, and flags "
    "say why.",
    "estimates",
    ("organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value", "reading"),
    {
        **RELEASE,
        **WAVE,
        **CELL,
        "reading": _READING,
        **PERCENT
        | {
            "percent": column(
                "DOUBLE", "Share; NULL where there is none", unit="percent", nullable=True, low=0, high=100
            ),
            "n": column(
                "INTEGER",
                "Unweighted base of the reading; NULL for a published figure",
                unit="persons",
                nullable=True,
                low=1,
            ),
        },
        "n_effective": column("DOUBLE", "n divided by the design effect", unit="persons", nullable=True, low=0),
        "basis": column("VARCHAR", "Respondents' answers or a published figure", allowed=words(Basis)),
        "variance_method": column("VARCHAR", "How the standard error was made", nullable=True),
        "interval_method": column("VARCHAR", "How the interval was made", nullable=True),
        "flags": column(
            "VARCHAR[]",
            "What a reader must know; for NULL: left_out (the answer itself is left out), nobody_left, suppressed, "
            "several_answers, dont_know_unknown, not_exact",
        ),
        "estimate_id": column("VARCHAR", "Id of the estimate that is read"),
    },
    (ordered("percent_low", "percent", "percent_high"),),
)

CHANGE_READINGS = Table(
    "change_readings",
    "Changes that were tested, tested again with another reading of the answers in both waves. No row: that reading is "
    "the same in both waves.",
    "trends",
    (
        "organisation",
        "series",
        "item",
        "category",
        "subgroup",
        "subgroup_value",
        "pair",
        "wave_from",
        "wave_to",
        "reading",
    ),
    {
        **LINE,
        **CELL,
        **_PAIR,
        "pair": column("VARCHAR", "Why these two are compared", allowed=words(Pair)),
        "reading": _READING,
        "percent_from": column("DOUBLE", "Share in the earlier wave", unit="percent", nullable=True, low=0, high=100),
        "percent_to": column("DOUBLE", "Share in the later wave", unit="percent", nullable=True, low=0, high=100),
        "change": column("DOUBLE", "Difference", unit="points", nullable=True),
        "standard_error": column(
            "DOUBLE", "Of the difference, with the correlation of changes", unit="points", nullable=True, low=0
        ),
        "p_value": column("DOUBLE", "Two-sided", nullable=True, low=0, high=1),
        "p_adjusted": column(
            "DOUBLE", "After Holm within the family of the change, all read this way", nullable=True, low=0, high=1
        ),
        "verdict": column("VARCHAR", "What may be said with this reading", allowed=words(Verdict)),
        "sign_flips": column("BOOLEAN", f"{_FLIPS}; NULL where a share is not known", nullable=True),
        "verdict_differs": column(
            "BOOLEAN", "The verdict is not that of the change in `changes`; NULL where it is not tested", nullable=True
        ),
    },
)

COMPOSITION = Table(
    "composition",
    "Changes for everyone asked, split (Kitagawa) into the part of another composition of the sample by a banner and "
    "the part within its groups: change = composition + within. Only where both waves have respondents' answers.",
    "trends",
    ("organisation", "series", "item", "category", "banner", "pair", "wave_from", "wave_to"),
    {
        **LINE,
        "item": column("VARCHAR", "Item"),
        "category": column("VARCHAR", "Category of the item"),
        "banner": column("VARCHAR", "Banner whose columns are the groups"),
        **_PAIR,
        "pair": column("VARCHAR", "Why these two are compared", allowed=words(SplitPair)),
        "comparability": column("VARCHAR", "Of the two waves", allowed=words(Comparability)),
        "groups": column("INTEGER", "Number of groups; NULL where it is not split", nullable=True, low=2),
        "change": column(
            "DOUBLE", "Difference among those in a group; NULL where it is not split", unit="points", nullable=True
        ),
        "standard_error": column("DOUBLE", "Of that, samples independent", unit="points", nullable=True, low=0),
        "composition": column(
            "DOUBLE", "Part of it that goes with other sizes of the groups", unit="points", nullable=True
        ),
        "composition_error": column("DOUBLE", "Standard error", unit="points", nullable=True, low=0),
        "within": column("DOUBLE", "Part of it that happened within groups", unit="points", nullable=True),
        "within_error": column("DOUBLE", "Standard error", unit="points", nullable=True, low=0),
        "outside_from": column(
            "DOUBLE", "Of the base of the earlier wave in no group", unit="percent", nullable=True, low=0, high=100
        ),
        "outside_to": column(
            "DOUBLE", "Of the base of the later wave in no group", unit="percent", nullable=True, low=0, high=100
        ),
        "smallest_group": column(
            "INTEGER", "Unweighted size of the smallest group of either wave", unit="persons", nullable=True, low=1
        ),
        "reasons": column("VARCHAR[]", "Why it is not split, or what a reader must know"),
    },
    (
        Row("change = composition + within", _adds_up),
        Row("what is not split says why", _split_or_told),
    ),
)

TABLES = (READINGS, CHANGE_READINGS, COMPOSITION)
