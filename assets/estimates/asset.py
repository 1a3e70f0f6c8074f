"""The Dagster face of the room: the asset `estimates`.

Belongs here: declarations. Does not belong here: arithmetic.
"""

from assets.faces import spec

ESTIMATES = spec(
    "estimates",
    "estimates",
    "estimates",
    "Shares with intervals, one row per wave, item, category and subgroup; flags say why an interval is missing. Every "
    "load's values are kept in the ledger.\n\n"
    "**Query it** for any figure and its error, `weathervane cite ID` for a citation, `estimates_as_of(day)` for what "
    "stood on a day, `revisions` for what moved.",
    ("questions",),
    skippable=True,
)
