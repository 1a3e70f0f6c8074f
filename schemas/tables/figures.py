"""Tables of figures: as published, as estimates, as trends and changes.

Belongs here: everything with a percentage in it. Does not belong here: the catalogue, the state of the house.
Percentages run from 0 to 100; differences, standard errors and margins are in points of them.
"""

import pandas as pd

from schemas.tables.declare import Row, Table, column
from schemas.tables.shared import CELL, FIELDWORK, LINE, PERCENT, RELEASE, WAVE
from schemas.vocabulary import (
    Agreement,
    Basis,
    Cause,
    Comparability,
    Confidence,
    LineVerdict,
    Pair,
    PublishedStatistic,
    Qualifier,
    Standing,
    Verdict,
    words,
)


def _ordered(low: str, middle: str, high: str) -> Row:
    def holds(frame: pd.DataFrame) -> "pd.Series[bool]":
        left, mid, right = (frame[name].astype("float64") for name in (low, middle, high))
        return (left.isna() | mid.isna() | (left <= mid + 1e-9)) & (right.isna() | mid.isna() | (mid <= right + 1e-9))

    return Row(f"{low} <= {middle} <= {high}", holds)


def _no_p_without_comparability(frame: pd.DataFrame) -> "pd.Series[bool]":
    tested = frame["comparability"].isin(["comparable", "with_note"])
    return tested | frame["p_value"].astype("float64").isna()


TOPLINES = Table(
    "toplines",
    "Published figures exactly as transcribed, every one with the cell it was read from and its address.",
    "toplines",
    ("release", "cell"),
    {
        **RELEASE,
        **WAVE,
        "cell": column("VARCHAR", "File and row (or sheet and cell) of the figure"),
        "file_sha256": column("VARCHAR", "Checksum of the archived file"),
        "question": column("VARCHAR", "Name of the question in its source"),
        "wording": column("VARCHAR", "Question as this source words it"),
        "option": column("VARCHAR", "Option as this source words it"),
        "percent_text": column("VARCHAR", "Percentage as printed"),
        "percent": column(
            "DOUBLE", "Percentage as a number; NULL for a range", unit="percent", nullable=True, low=0, high=100
        ),
        "percent_from": column(
            "DOUBLE", "Lower end of a published range", unit="percent", nullable=True, low=0, high=100
        ),
        "percent_to": column(
            "DOUBLE", "Upper end of a published range", unit="percent", nullable=True, low=0, high=100
        ),
        "qualifier": column("VARCHAR", "How exact the source is", allowed=words(Qualifier)),
        "qualifier_text": column("VARCHAR", "The source's own words for that", nullable=True),
        "base_text": column("VARCHAR", "Whom the percentage is of, in the source's words"),
        "n_text": column("VARCHAR", "Number of interviews beside the figure, as stated", nullable=True),
        "published": column("VARCHAR", "When this source printed it (day, month or year), or undated"),
        "source_url": column("VARCHAR", "Address of the page"),
        "confidence": column("VARCHAR", "Read on the house's own page or at second hand", allowed=words(Confidence)),
        "standing": column(
            "VARCHAR",
            "What it is worth: the figure of its cell, a repeat, an earlier value, or a retelling that disagrees",
            allowed=words(Standing),
        ),
        "note": column("VARCHAR", "Our note", nullable=True),
        **CELL,
        "base": column("VARCHAR", "Base after reading: all respondents, or a filter"),
    },
)

_ESTIMATE = {
    **WAVE,
    **FIELDWORK,
    **CELL,
    **PERCENT,
    "weighted_n": column(
        "DOUBLE", "Sum of the weights of the base; NULL for a published figure", unit="weight", nullable=True, low=0
    ),
    "n_effective": column("DOUBLE", "n divided by the design effect", unit="persons", nullable=True, low=0),
    "design_effect": column("DOUBLE", "Variance inflation assumed or measured", nullable=True, low=0),
    "degrees_of_freedom": column("DOUBLE", "Degrees of freedom of the variance", nullable=True, low=0),
    "basis": column("VARCHAR", "Respondents' answers or a published figure", allowed=words(Basis)),
    "qualifier": column("VARCHAR", "How exact the published figure is", allowed=words(Qualifier)),
    "published_text": column("VARCHAR", "The figure as printed", nullable=True),
    "variance_method": column("VARCHAR", "How the standard error was made", nullable=True),
    "interval_method": column("VARCHAR", "How the interval was made", nullable=True),
    "flags": column("VARCHAR[]", "What a reader must know: no interval and why, model-based, contested, …"),
    "base": column("VARCHAR", "all respondents, or the filter"),
    "vintage": column("VARCHAR", "When the producer published this value (day, month or year), or undated"),
    "estimate_id": column("VARCHAR", "Id that computes the same anywhere from the same inputs"),
    "source_url": column("VARCHAR", "Address of the page"),
    "release": column("VARCHAR", "organisation/series/folder"),
    "question": column("VARCHAR", "Name of the question in its source"),
}

ESTIMATES = Table(
    "estimates",
    "The latest estimate of every wave, item, category and subgroup.",
    "estimates",
    ("organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value"),
    _ESTIMATE,
    (_ordered("percent_low", "percent", "percent_high"),),
)

VINTAGES = Table(
    "vintages",
    "Every value that was ever published or loaded for a cell, with the days between which it stood.",
    "estimates",
    ("release", "estimate_id", "load_vintage"),
    {
        **_ESTIMATE,
        "load_vintage": column("INTEGER", "Load of the release in which this value was made", low=1),
        "loaded_at": column("TIMESTAMP", "When it was loaded", unit="UTC"),
        "cause": column("VARCHAR", "Why it differs from the load before", allowed=(*words(Cause), "producer")),
        "available_from": column(
            "DATE",
            "First day on which it could be known: published (last day of a month or year), or loaded",
            nullable=True,
        ),
        "available_until": column("DATE", "Day on which another value took its place", nullable=True),
        "latest": column("BOOLEAN", "Whether it is the one in estimates"),
    },
    (_ordered("percent_low", "percent", "percent_high"),),
)

SCORES = Table(
    "scores",
    "Means, indices and quantiles: one row per wave, item, statistic and subgroup.",
    "estimates",
    ("organisation", "series", "wave", "item", "statistic", "subgroup", "subgroup_value"),
    {
        **WAVE,
        **FIELDWORK,
        "item": column("VARCHAR", "Item"),
        "statistic": column("VARCHAR", "mean, index, median, …"),
        "subgroup": column("VARCHAR", "Banner"),
        "subgroup_value": column("VARCHAR", "Column of the banner"),
        "value": column("DOUBLE", "Value", nullable=True),
        "value_low": column("DOUBLE", "Lower end of the 95 % interval", nullable=True),
        "value_high": column("DOUBLE", "Upper end of the 95 % interval", nullable=True),
        "standard_error": column("DOUBLE", "Standard error of the value", nullable=True, low=0),
        "n": column("INTEGER", "Unweighted base: respondents with a score", unit="persons", nullable=True, low=1),
        "weighted_n": column("DOUBLE", "Sum of the weights of the base", unit="weight", nullable=True, low=0),
        "degrees_of_freedom": column("DOUBLE", "Degrees of freedom of the variance", nullable=True, low=0),
        "basis": column("VARCHAR", "Respondents' answers or a published figure", allowed=words(Basis)),
        "variance_method": column("VARCHAR", "How the standard error was made", nullable=True),
        "interval_method": column("VARCHAR", "How the interval was made", nullable=True),
        "flags": column("VARCHAR[]", "What a reader must know"),
        "base": column("VARCHAR", "all respondents, or the filter"),
        "source_url": column("VARCHAR", "Address of the page", nullable=True),
        "release": column("VARCHAR", "organisation/series/folder"),
        "question": column("VARCHAR", "Name of the question in its source"),
    },
    (_ordered("value_low", "value", "value_high"),),
)

AGREEMENT = Table(
    "agreement",
    "Published figures beside what the respondents' answers give: does the one follow from the other?",
    "trends",
    ("release", "cell"),
    {
        "release": column("VARCHAR", "organisation/series/folder that says what was published"),
        **WAVE,
        "cell": column("VARCHAR", "File and row of the published figure"),
        "item": column("VARCHAR", "Item; NULL for the whole sample", nullable=True),
        "category": column("VARCHAR", "Category of the item", nullable=True),
        "subgroup": column("VARCHAR", "Banner"),
        "subgroup_value": column("VARCHAR", "Column of the banner"),
        "statistic": column("VARCHAR", "What was published", allowed=words(PublishedStatistic)),
        "published_text": column("VARCHAR", "The figure as printed"),
        "published_value": column("DOUBLE", "The figure as a number"),
        "recomputed": column("DOUBLE", "From the respondents' answers, unrounded", nullable=True),
        "difference": column("DOUBLE", "Recomputed minus published", nullable=True),
        "rounding": column("DOUBLE", "Half a unit of the last printed digit", low=0),
        "tolerance": column("DOUBLE", "Declared tolerance, with its reason in note", nullable=True, low=0),
        "verdict": column("VARCHAR", "Whether they agree", allowed=words(Agreement)),
        "source": column("VARCHAR", "Where it was published"),
        "note": column("VARCHAR", "Our note", nullable=True),
    },
)

TRENDS = Table(
    "trends",
    "Estimates of reviewed questions in time order within one house's series, each with the step that leads to it.",
    "trends",
    ("organisation", "series", "item", "category", "subgroup", "subgroup_value", "position"),
    {
        **WAVE,
        **FIELDWORK,
        **CELL,
        "position": column("INTEGER", "Order in the line, from 1", low=1),
        "segment": column("INTEGER", "Counts up at every step that must not be joined, from 1", low=1),
        **PERCENT,
        "qualifier": column("VARCHAR", "How exact the published figure is", allowed=words(Qualifier)),
        "predecessor": column("VARCHAR", "Wave before; NULL for the first", nullable=True),
        "predecessor_percent": column("DOUBLE", "Share in that wave", unit="percent", nullable=True),
        "change": column(
            "DOUBLE", "Difference to it; NULL where the step must not be joined", unit="points", nullable=True
        ),
        "comparability": column(
            "VARCHAR", "Of the step; NULL for the first", nullable=True, allowed=words(Comparability)
        ),
        "reasons": column("VARCHAR[]", "Why"),
        "flags": column("VARCHAR[]", "Flags of the estimate"),
        "wording": column("VARCHAR", "Wording in this wave"),
        "estimate_id": column("VARCHAR", "Id of the estimate"),
        "source_url": column("VARCHAR", "Address of the page"),
    },
    (_ordered("percent_low", "percent", "percent_high"),),
)

CHANGES = Table(
    "changes",
    "Two waves of a cell compared: consecutive ones, the first and last of a segment of three waves or more, and all "
    "against a declared baseline. Nothing is tested across a break or without review.",
    "trends",
    ("organisation", "series", "item", "category", "subgroup", "subgroup_value", "pair", "wave_from", "wave_to"),
    {
        **LINE,
        **CELL,
        "wave_from": column("VARCHAR", "Earlier wave"),
        "wave_to": column("VARCHAR", "Later wave"),
        "pair": column("VARCHAR", "Why these two are compared", allowed=words(Pair)),
        "percent_from": column("DOUBLE", "Share in the earlier wave", unit="percent", nullable=True, low=0, high=100),
        "percent_to": column("DOUBLE", "Share in the later wave", unit="percent", nullable=True, low=0, high=100),
        "change": column("DOUBLE", "Difference; NULL where not joined", unit="points", nullable=True),
        "standard_error": column(
            "DOUBLE", "Of the difference, samples independent", unit="points", nullable=True, low=0
        ),
        "change_low": column("DOUBLE", "Lower end of the 95 % interval", unit="points", nullable=True),
        "change_high": column("DOUBLE", "Upper end of the 95 % interval", unit="points", nullable=True),
        "p_value": column("DOUBLE", "Two-sided", nullable=True, low=0, high=1),
        "p_adjusted": column("DOUBLE", "After Holm within the family", nullable=True, low=0, high=1),
        "p_adjusted_bh": column(
            "DOUBLE", "After Benjamini and Hochberg within the family", nullable=True, low=0, high=1
        ),
        "family": column("VARCHAR", "Tests adjusted together", nullable=True),
        "detectable_change": column(
            "DOUBLE", "Smallest change found with 80 % power", unit="points", nullable=True, low=0
        ),
        "comparability": column("VARCHAR", "Of the two waves", allowed=words(Comparability)),
        "reasons": column("VARCHAR[]", "Why"),
        "verdict": column("VARCHAR", "What may be said", allowed=words(Verdict)),
    },
    (
        Row("no p-value across a break or without review", _no_p_without_comparability),
        _ordered("change_low", "change", "change_high"),
    ),
)

TREND_TESTS = Table(
    "trend_tests",
    "A straight line through the waves of a segment that may be joined, three or more: its slope, and whether a line "
    "is enough.",
    "trends",
    ("organisation", "series", "item", "category", "subgroup", "subgroup_value", "segment"),
    {
        **LINE,
        **CELL,
        "segment": column("INTEGER", "Segment of the line in trends", low=1),
        "wave_from": column("VARCHAR", "First wave that the line goes through"),
        "wave_to": column("VARCHAR", "Last wave that the line goes through"),
        "waves": column("INTEGER", "Waves that the line goes through", low=0),
        "slope": column("DOUBLE", "Change per year of 365.25 days", unit="points per year", nullable=True),
        "standard_error": column("DOUBLE", "Of the slope", unit="points per year", nullable=True, low=0),
        "slope_low": column("DOUBLE", "Lower end of the 95 % interval", unit="points per year", nullable=True),
        "slope_high": column("DOUBLE", "Upper end of the 95 % interval", unit="points per year", nullable=True),
        "p_value": column("DOUBLE", "Two-sided, of no slope", nullable=True, low=0, high=1),
        "p_adjusted": column("DOUBLE", "After Holm within the family", nullable=True, low=0, high=1),
        "p_adjusted_bh": column(
            "DOUBLE", "After Benjamini and Hochberg within the family", nullable=True, low=0, high=1
        ),
        "family": column("VARCHAR", "Tests adjusted together", nullable=True),
        "misfit": column(
            "DOUBLE", "Sum of squared distances from the line in standard errors: a chi square", nullable=True, low=0
        ),
        "misfit_df": column("INTEGER", "Its degrees of freedom: waves minus 2", nullable=True, low=1),
        "misfit_p": column("DOUBLE", "Chance of a misfit as large if a line is enough", nullable=True, low=0, high=1),
        "straight": column(
            "BOOLEAN",
            "Whether a straight line is enough: misfit_p at least 0.05; without, the slope says little",
            nullable=True,
        ),
        "comparability": column("VARCHAR", "Worst of the steps between", allowed=words(Comparability)),
        "reasons": column("VARCHAR[]", "Why, and which waves are left out"),
        "verdict": column("VARCHAR", "What may be said of the slope", allowed=words(LineVerdict)),
    },
    (
        Row("no p-value across a break or without review", _no_p_without_comparability),
        _ordered("slope_low", "slope", "slope_high"),
    ),
)

HOUSE_LINES = Table(
    "house_lines",
    "One line through the figures of several houses that ask an item in comparable form: a level that moves, houses "
    "that lie above or below it, and the error of every figure.",
    "trends",
    ("item", "category", "day"),
    {
        "item": column("VARCHAR", "Item"),
        "category": column("VARCHAR", "Category of the item"),
        "day": column("DATE", "Middle of the fieldwork of a figure; between two days the line is straight"),
        "level": column("DOUBLE", "Average of these houses, not the truth", unit="percent"),
        "level_low": column("DOUBLE", "Lower end of the 95 % band", unit="percent"),
        "level_high": column("DOUBLE", "Upper end of the 95 % band", unit="percent"),
        "standard_error": column("DOUBLE", "Of the level, its drift taken as known", unit="points", low=0),
        "drift": column(
            "DOUBLE", "Standard deviation of the level's movement in 30 days, estimated", unit="points", low=0
        ),
        "figures": column("INTEGER", "Figures behind the whole line", low=3),
        "houses": column("VARCHAR[]", "Houses behind the whole line: organisation/series"),
    },
    (_ordered("level_low", "level", "level_high"),),
)

HOUSE_EFFECTS = Table(
    "house_effects",
    "Every house of an item that several organisations ask: how far it lies from their average, or why no line is "
    "drawn through them.",
    "trends",
    ("item", "category", "organisation", "series"),
    {
        "item": column("VARCHAR", "Item"),
        "category": column("VARCHAR", "Category of the item"),
        **LINE,
        "figures": column("INTEGER", "Figures with a standard error", low=0),
        "combined": column("BOOLEAN", "Whether house_lines has a line of this item and category"),
        "effect": column("DOUBLE", "Above or below the average of the houses", unit="points", nullable=True),
        "effect_low": column("DOUBLE", "Lower end of the 95 % interval", unit="points", nullable=True),
        "effect_high": column("DOUBLE", "Upper end of the 95 % interval", unit="points", nullable=True),
        "reasons": column("VARCHAR[]", "What differs; where not combined, why"),
    },
    (_ordered("effect_low", "effect", "effect_high"),),
)

TABLES = (
    TOPLINES,
    ESTIMATES,
    VINTAGES,
    SCORES,
    AGREEMENT,
    TRENDS,
    CHANGES,
    TREND_TESTS,
    HOUSE_LINES,
    HOUSE_EFFECTS,
)
