"""Letting people see a candidate: the gates, and whether there is anything to build at all.

Belongs here: what must hold before the link moves, and the comparison of what is published with the ledger. Does not
belong here: moving the link (warehouse.versions), finding what is wrong (audit).
"""

import contextlib
import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from assets.claims.rules import RULES as CLAIM_RULES
from assets.digest import kept
from assets.releases.ledger import Ledger
from assets.trends.comparability import RULES
from schemas.tables import TABLES
from warehouse import build, connect, versions
from warehouse.files import write_whole
from warehouse.layout import Layout

SEAL = "published.json"  # beside the link
# Raised by hand when derived tables change, but not their declarations.
CODE = "publication 1, trends 1, claims 1, digest 1"


class GateError(Exception):
    """The candidate failed a check that blocks; the published database stays as it is."""


def stamp_of_build() -> str:
    """What the derived database depends on besides the ledger: declarations, SQL, rules."""
    digest = hashlib.sha256(CODE.encode())
    for table in TABLES:
        digest.update(table.ddl().encode())
        digest.update("".join(table.comments()).encode())
    for script in sorted(build.SQL.glob("*.sql")):
        digest.update(script.read_bytes())
    digest.update("".join(rule.name + rule.verdict for rule in RULES).encode())
    digest.update("".join(rule.name + rule.verdict + rule.sentence for rule in CLAIM_RULES).encode())
    return digest.hexdigest()[:16]


def why_build(layout: Layout, ledger: Ledger) -> str | None:
    """The reason to build and publish, or None if what is published is what the ledger says."""
    published = versions.published(layout)
    if not ledger.head:
        return None
    if published is None:
        return "nothing is published yet"
    strays = versions.stray_wals(layout)
    if strays:
        return f"somebody opened the published file for writing and left {strays[0].name}"
    try:
        facts = read_about(published)
    except duckdb.Error as bad:
        return f"the published file cannot be read ({bad})"
    if _seal(published) != _sealed(layout, published):
        return "the published file was changed after it was published"
    if facts.get("refresh") != str(ledger.head):
        return f"the ledger is at refresh {ledger.head}, the published database at {facts.get('refresh')}"
    if facts.get("build") != stamp_of_build():
        return "tables, views or rules are newer than the published database"
    return None


def read_about(database: Path) -> dict[str, str]:
    """The `about` table of a database."""
    con = connect.read(database)
    try:
        return dict(con.execute("SELECT key, value FROM about").fetchall())
    finally:
        con.close()


def failures(results: Iterable[Any]) -> list[str]:
    """Messages of the results that block."""
    return [f"{r.name}: {r.message}" for r in results if not r.passed and r.severity == "error"]


def publish(layout: Layout, candidate: Path, results: Iterable[Any], at: dt.datetime) -> Path:
    """Move the candidate into place and the link to it.

    Raises:
        GateError: a result blocks. The link stays where it is.
    """
    blocked = failures(results)
    if blocked:
        raise GateError("not published:\n" + "\n".join(blocked))
    kept.keep(layout, candidate)  # before the link moves: of what is published the digest is always there
    version = versions.publish(layout, candidate, at.replace(tzinfo=dt.UTC))
    work = candidate.parent
    if work.parent == layout.versions and work.name.endswith(".building"):
        shutil.rmtree(work, ignore_errors=True)  # the tables that the candidate was built from
    with contextlib.suppress(OSError):  # the link has moved: without the note the next refresh publishes once more
        write_whole(layout.data / SEAL, json.dumps({version.name: _seal(version)}).encode())
        for left in layout.data.glob(f".{SEAL}.*.part"):  # of a run that was killed while it wrote its note
            left.unlink()
    return version


def _seal(version: Path) -> list[int]:
    """Size and time of last writing: a version is never written again, so any difference is somebody's doing.

    Root can open a file for writing whatever its mode, and a clean close leaves no log to notice.
    """
    about = version.stat()
    return [about.st_size, about.st_mtime_ns]


def _sealed(layout: Layout, version: Path) -> list[int] | None:
    """What was noted when this version was published; None if it was not noted (a crash between link and note)."""
    file = layout.data / SEAL
    found: dict[str, list[int]] = json.loads(file.read_bytes()) if file.exists() else {}
    return found.get(version.name)
