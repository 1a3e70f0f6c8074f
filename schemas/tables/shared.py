"""Columns that several tables share, declared once.

Belongs here: keys and figures that mean the same wherever they stand. Does not belong here: columns of one table.
"""

from schemas.tables.declare import column

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
