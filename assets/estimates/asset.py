"""The Dagster face of the room: the asset `estimates`.

Belongs here: declarations. Does not belong here: arithmetic.
"""

from assets.faces import spec

ESTIMATES = spec(
    "estimates",
    "estimates",
    "estimates",
    "Shares with intervals, where n and the share are known exactly; flags say why there is none. Every load's values "
    "are kept in the ledger.",
    ("questions",),
    skippable=True,
)
