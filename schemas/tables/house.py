"""Tables about the house itself: checks, quarantine, conflicts, revisions, digest, and what this database is.

Belongs here: what a careful user asks before believing a figure. Does not belong here: figures.
"""

from schemas.tables.declare import Table, column
from schemas.vocabulary import QUARANTINE_CAUSES, Cause, DigestKind, Severity, words

CHECKS = Table(
    "checks",
    "Every check of the latest refresh and of the load of every release, passed or not.",
    "publication",
    ("level", "subject", "check_name"),
    {
        "level": column("VARCHAR", "What was checked", allowed=("release", "warehouse")),
        "subject": column("VARCHAR", "Release or table"),
        "check_name": column("VARCHAR", "Name of the check"),
        "passed": column("BOOLEAN", "Whether it passed"),
        "severity": column("VARCHAR", "An error blocks, a warning is shown", allowed=words(Severity)),
        "message": column("VARCHAR", "What was found and what to do"),
    },
)

QUARANTINE = Table(
    "quarantine",
    "Releases that were set aside: one row per problem. An earlier good load stays published where there is one.",
    "publication",
    ("release", "position"),
    {
        "release": column("VARCHAR", "organisation/series/folder, or a file of the catalogue"),
        "position": column("INTEGER", "Number of the problem, from 1", low=1),
        "since": column("TIMESTAMP", "When this state of the release was first met", unit="UTC"),
        "cause": column("VARCHAR", "Class of the problem", allowed=QUARANTINE_CAUSES),
        "file": column("VARCHAR", "File"),
        "line": column("INTEGER", "Line of the file, from 1", nullable=True),
        "column_name": column("VARCHAR", "Column or key", nullable=True),
        "value": column("VARCHAR", "What stands there, shortened", nullable=True),
        "expected": column("VARCHAR", "What should stand there", nullable=True),
        "nearest": column("VARCHAR", "Closest admissible value", nullable=True),
        "message": column("VARCHAR", "All of this as one sentence"),
        "published_load": column("INTEGER", "Earlier load that stays published, if any", nullable=True),
    },
)

AWAITING = Table(
    "awaiting",
    "Declared files of respondents' answers that are not at hand: not an error. Their releases load when they come.",
    "publication",
    ("release", "file"),
    {
        "release": column("VARCHAR", "organisation/series/folder"),
        "file": column("VARCHAR", "Name of the file"),
        "sha256": column("VARCHAR", "Checksum by which it is recognised, whatever its name"),
        "bytes": column("BIGINT", "Size", unit="bytes", nullable=True, low=1),
        "obtain": column("VARCHAR", "Where the public gets it", nullable=True),
        "obtain_note": column("VARCHAR", "How", nullable=True),
        "since": column("TIMESTAMP", "When it was first missed", unit="UTC", nullable=True),
    },
)

CONFLICTS = Table(
    "conflicts",
    "Where sources disagree: figures of one cell with different values, and method statements. Nothing is smoothed.",
    "publication",
    ("release", "position"),
    {
        "release": column("VARCHAR", "organisation/series/folder"),
        "position": column("INTEGER", "Number within the release, from 1", low=1),
        "kind": column("VARCHAR", "A figure or a statement of method", allowed=("figure", "metadata")),
        "subject": column("VARCHAR", "What they disagree about"),
        "ours": column("VARCHAR", "Value that is used"),
        "other": column("VARCHAR", "Other value"),
        "source": column("VARCHAR", "Where the other value stands"),
        "reason": column("VARCHAR", "Why ours is used", nullable=True),
    },
)

REVISIONS = Table(
    "revisions",
    "What moved: two successive values of one cell, with the cause.",
    "publication",
    (
        *("organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value"),
        *("release", "estimate_id", "load_vintage"),
    ),
    {
        "organisation": column("VARCHAR", "Id of the organisation"),
        "series": column("VARCHAR", "Id of the series"),
        "wave": column("VARCHAR", "Id of the wave"),
        "item": column("VARCHAR", "Item"),
        "category": column("VARCHAR", "Category"),
        "subgroup": column("VARCHAR", "Banner"),
        "subgroup_value": column("VARCHAR", "Column of the banner"),
        "percent_before": column("DOUBLE", "Earlier value", unit="percent", nullable=True),
        "percent_after": column("DOUBLE", "Later value", unit="percent", nullable=True),
        "difference": column("DOUBLE", "After minus before", unit="points", nullable=True),
        "vintage_before": column("VARCHAR", "When the earlier value was published", nullable=True),
        "vintage_after": column("VARCHAR", "When the later value was published", nullable=True),
        "cause": column("VARCHAR", "Why", allowed=(*words(Cause), "producer")),
        "revised_on": column("DATE", "Day from which the later value stands", nullable=True),
        "release": column("VARCHAR", "Release that brought the later value"),
        "estimate_id": column("VARCHAR", "Id of the later value"),
        "load_vintage": column("INTEGER", "Load of that release: a value may come, go and come back", low=1),
    },
)

_CELL_OR_LESS = {
    name: column("VARCHAR", text, nullable=True)
    for name, text in (
        ("organisation", "Id of the organisation, of what has one; so for each of the next columns"),
        ("series", "Id of the series"),
        ("wave", "Id of the wave; of a change the later one"),
        ("item", "Item"),
        ("category", "Category"),
        ("subgroup", "Banner"),
        ("subgroup_value", "Column of the banner"),
        ("release", "Release that brought it"),
    )
}

DIGEST = Table(
    "digest",
    "What moved since the version that was published before, and why; of the first version a summary. Empty where "
    "nothing moved.",
    "digest",
    ("position",),
    {
        "position": column("INTEGER", "Order, from 1: what a person should read first", low=1),
        "refresh": column("INTEGER", "Number of the refresh", low=1),
        "happened_at": column("TIMESTAMP", "When it loaded", unit="UTC"),
        "since_refresh": column("INTEGER", "Refresh of the version before; NULL of the first", nullable=True, low=1),
        "kind": column("VARCHAR", "What kind of thing moved", allowed=words(DigestKind)),
        **_CELL_OR_LESS,
        "subject": column("VARCHAR", "What it is about: a wave, release, series, cell, or the id of a claim"),
        "what": column("VARCHAR", "What moved, in words"),
        "why": column("VARCHAR", "Why, or what it rests on", nullable=True),
        "before": column("VARCHAR", "Earlier value, state or verdict", nullable=True),
        "after": column("VARCHAR", "Later value, state or verdict", nullable=True),
        "percent_before": column("DOUBLE", "Earlier share, unrounded", unit="percent", nullable=True),
        "percent_after": column("DOUBLE", "Later share, unrounded", unit="percent", nullable=True),
        "link": column("VARCHAR", "Address of the source of what it is about", nullable=True),
    },
)

ABOUT = Table(
    "about",
    "What this database is: versions, the ledger it was built from, and when.",
    "publication",
    ("key",),
    {
        "key": column("VARCHAR", "What"),
        "value": column("VARCHAR", "Value"),
    },
)

TABLES = (CHECKS, QUARANTINE, AWAITING, CONFLICTS, REVISIONS, DIGEST, ABOUT)
