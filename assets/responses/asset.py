"""The Dagster face of the room: the asset `responses`.

Belongs here: declarations and what the UI is told. Does not belong here: reading files, the answers of any person.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet

from assets.faces import shown, spec
from assets.releases.shelf import Shelf
from assets.responses.lake import ResponsesLake

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
        name = about["reading"]
        if name:
            used[name] += 1
            # A reading's name begins with the checksum of its file, by which the release lists it.
            files = (line.split("  ", 1) for line in about["release"]["files"])
            named |= {name: path for digest, path in files if name.startswith(digest)}  # noqa: B035 - at most one
    lake, rows, respondents = ResponsesLake(responses), [], 0
    for name, releases in sorted(used.items(), key=lambda pair: named.get(pair[0], pair[0])):
        reading = lake.find(name.partition("-")[0])
        size = pyarrow.parquet.read_metadata(reading.answers) if reading else None
        respondents += size.num_rows if size else 0
        rows.append((named.get(name, name), size and size.num_rows, size and size.num_columns, releases))
    metadata: dict[str, Any] = {"files read": len(rows), "dagster/row_count": respondents}
    if rows:
        metadata["files"] = shown(["file", "respondents", "variables", "releases"], rows)
    return metadata
