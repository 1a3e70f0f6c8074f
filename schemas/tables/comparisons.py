"""Tables of comparisons: waves in order, two waves side by side, lines through many, houses side by side.

Belongs here: everything that says what differs between two figures, and whether they compare. Does not belong here: the
figures themselves (schemas.tables.figures). Percentages run from 0 to 100; differences and their standard errors are in
points of them.
"""

import pandas as pd

from schemas.tables.declare import Row, Table, column
from schemas.tables.shared import ADJUSTED, CELL, FIELDWORK, LINE, PERCENT, WAVE, ordered
from schemas.vocabulary import Comparability, LineVerdict, Pair, Qualifier, Verdict, words


def _no_p_without_comparability(frame: pd.DataFrame) -> "pd.Series[bool]":
    tested = frame["comparability"].isin(["comparable", "with_note"])
    return tested | frame["p_value"].astype("float64").isna()


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
    (ordered("percent_low", "percent", "percent_high"),),
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
            "DOUBLE", "Of the difference, with the correlation", unit="points", nullable=True, low=0
        ),
        "correlation": column(
            "DOUBLE",
            "Of the two figures, from people or primary units that were in both samples; NULL where nobody says so, "
            "and the samples are taken as independent",
            nullable=True,
            low=-1,
            high=1,
        ),
        "change_low": column("DOUBLE", "Lower end of the 95 % interval", unit="points", nullable=True),
        "change_high": column("DOUBLE", "Upper end of the 95 % interval", unit="points", nullable=True),
        "p_value": column("DOUBLE", "Two-sided", nullable=True, low=0, high=1),
        **ADJUSTED,
        "detectable_change": column(
            "DOUBLE", "Smallest change found with 80 % power", unit="points", nullable=True, low=0
        ),
        "comparability": column("VARCHAR", "Of the two waves", allowed=words(Comparability)),
        "reasons": column("VARCHAR[]", "Why"),
        "verdict": column("VARCHAR", "What may be said", allowed=words(Verdict)),
        "other_readings": column(
            "VARCHAR[]",
            "Where the answers read another way (change_readings) have another direction or another verdict: which",
        ),
    },
    (
        Row("no p-value across a break or without review", _no_p_without_comparability),
        ordered("change_low", "change", "change_high"),
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
        **ADJUSTED,
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
        ordered("slope_low", "slope", "slope_high"),
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
    (ordered("level_low", "level", "level_high"),),
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
    (ordered("effect_low", "effect", "effect_high"),),
)

TABLES = (TRENDS, CHANGES, TREND_TESTS, HOUSE_LINES, HOUSE_EFFECTS)
