"""Tables of figures: as published, as estimates, one beside the other.

Belongs here: every share, mean and interval of one wave. Does not belong here: two waves or two houses side by side
(schemas.tables.comparisons), the catalogue, the state of the house.
Percentages run from 0 to 100; differences, standard errors and margins are in points of them.
"""

from schemas.tables.declare import Table, column
from schemas.tables.shared import CELL, FIELDWORK, PERCENT, RELEASE, WAVE, ordered
from schemas.vocabulary import (
    Agreement,
    Basis,
    Cause,
    Confidence,
    PublishedStatistic,
    Qualifier,
    Standing,
    words,
)

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
    (ordered("percent_low", "percent", "percent_high"),),
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
    (ordered("percent_low", "percent", "percent_high"),),
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
    (ordered("value_low", "value", "value_high"),),
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

TABLES = (TOPLINES, ESTIMATES, VINTAGES, SCORES, AGREEMENT)
