"""Columns and rules that several tables share, declared once.

Belongs here: keys and figures that mean the same wherever they stand. Does not belong here: columns of one table.
"""

import pandas as pd

from schemas.tables.declare import Row, column

ADJUSTED = {
    "p_adjusted": column("DOUBLE", "After Holm within the family", nullable=True, low=0, high=1),
    "p_adjusted_bh": column("DOUBLE", "After Benjamini and Hochberg within the family", nullable=True, low=0, high=1),
    "family": column("VARCHAR", "Tests adjusted together", nullable=True),
}
RELEASE = {"release": column("VARCHAR", "organisation/series/folder")}
LINE = {
    "organisation": column("VARCHAR", "Id of the organisation"),
    "series": column("VARCHAR", "Id of the series"),
}
WAVE = {
    **LINE,
    "wave": column("VARCHAR", "Id of the wave"),
}
CELL = {
    "item": column("VARCHAR", "Item"),
    "category": column("VARCHAR", "Category of the item"),
    "subgroup": column("VARCHAR", "Banner: total, or what divides the respondents"),
    "subgroup_value": column("VARCHAR", "Column of the banner: all for everyone"),
}
FIELDWORK = {
    "fieldwork_start": column("DATE", "First day of interviewing; the earliest day it can mean", nullable=True),
    "fieldwork_end": column("DATE", "Last day of interviewing; the latest day it can mean", nullable=True),
}
PERCENT = {
    "percent": column(
        "DOUBLE", "Share; NULL where only a range was published", unit="percent", nullable=True, low=0, high=100
    ),
    "percent_low": column("DOUBLE", "Lower end of the 95 % interval", unit="percent", nullable=True, low=0, high=100),
    "percent_high": column("DOUBLE", "Upper end of the 95 % interval", unit="percent", nullable=True, low=0, high=100),
    "standard_error": column("DOUBLE", "Standard error of the share", unit="points", nullable=True, low=0),
    "n": column("INTEGER", "Unweighted base of the question and subgroup", unit="persons", nullable=True, low=1),
}


def ordered(low: str, middle: str, high: str) -> Row:
    """The rule that an interval lies around its value, as far as both are known."""

    def holds(frame: pd.DataFrame) -> "pd.Series[bool]":
        left, mid, right = (frame[name].astype("float64") for name in (low, middle, high))
        return (left.isna() | mid.isna() | (left <= mid + 1e-9)) & (right.isna() | mid.isna() | (mid <= right + 1e-9))

    return Row(f"{low} <= {middle} <= {high}", holds)
