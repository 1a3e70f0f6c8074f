"""The Dagster face of the room: the asset `responses`.

Belongs here: declarations and what the UI is told. Does not belong here: reading files, the answers of any person.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet

from assets.faces import shown, spec
from assets.releases.shelf import Shelf
from assets.responses.lake import Reading

RESPONSES = spec(
    "responses",
    "responses",
    None,
    "Respondents' answers, read from SPSS, Stata, SAS, CSV and XLSX files into Parquet with a codebook, in a process "
    "that is cut off from the network.\n\n"
    "**See here** which files were read, how large they are and how many releases rest on each. The answers stay in "
    "`data/lake` and never enter the published database; the shares that follow from them are in `estimates`. A file "
    "that is not at hand is no error: `weathervane status` says where people get it.",
    ("releases",),
    skippable=True,
)


def materialized(shelf: Shelf, responses: Path) -> dict[str, Any]:
    """Metadata: each reading with its size; nothing of its content.

    Args:
        shelf: the live releases.
        responses: the lake's folder of readings.
    """
    used: Counter[str] = Counter()
    named: dict[str, str] = {}
    for about in shelf.abouts.values():
        reading = about["reading"]
        if reading:
            used[reading] += 1
            # A reading's name begins with the checksum of its file, by which the release lists it.
            files = (line.split("  ", 1) for line in about["release"]["files"])
            named |= {reading: path for digest, path in files if reading.startswith(digest)}  # noqa: B035 - at most one
    rows, respondents = [], 0
    for name, releases in sorted(used.items(), key=lambda pair: named.get(pair[0], pair[0])):
        answers = Reading(responses / name[:2] / name).answers
        size = pyarrow.parquet.read_metadata(answers) if answers.is_file() else None
        respondents += size.num_rows if size else 0
        rows.append((named.get(name, name), size and size.num_rows, size and size.num_columns, releases))
    metadata: dict[str, Any] = {"files read": len(rows), "dagster/row_count": respondents}
    if rows:
        metadata["files"] = shown(["file", "respondents", "variables", "releases"], rows)
    return metadata
