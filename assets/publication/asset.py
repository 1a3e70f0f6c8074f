"""The Dagster face of the room: the candidate database, its audit, and the published one.

Belongs here: declarations, metadata. Does not belong here: building, judging, publishing.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from assets.claims import make as claims
from assets.claims.asset import CONTRACT as CLAIMS_CONTRACT
from assets.faces import House, spec
from assets.publication import candidate as candidates
from assets.publication.publish import failures, publish
from assets.refresh import check_row
from assets.releases.archive import Archive
from assets.releases.shelf import Surroundings
from assets.trends import make
from assets.trends.asset import CONTRACT
from schemas.expectations import EXPECTATIONS
from warehouse import connect, versions
from warehouse.layout import Layout

WAREHOUSE = spec(
    "warehouse",
    "publication",
    None,
    "The candidate: a private database with every table, built anew from ledger, lake and archive. Its checks are the "
    "Great Expectations audit; one that fails with severity error keeps the old database published.",
    ("trends", "claims", "releases", "toplines"),
)
PUBLISHED = spec(
    "published",
    "publication",
    None,
    "data/weathervane.duckdb, what people query: a link to an immutable version. Open it read-only with any DuckDB "
    "client, also while a run is going on; see docs/sql.md.",
    ("warehouse",),
)
AUDIT = "audit.json"
GATE = "passes_the_audit"  # one gate, not one a check: a run with nothing to do would warn once for each


@dg.multi_asset(name="warehouse", specs=[WAREHOUSE], required_resource_keys={"house"})
def warehouse_step(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Build the candidate in the run's work folder."""
    house: House = context.resources.house
    house.say(context, "building the database")
    ledger, shelf = house.ledger(), house.shelf()
    if not (house.work / "trends.parquet").exists():  # started alone, without the step before it
        make.make(ledger, shelf, house.work)
    archive = Archive(house.layout.archive)
    if not (house.work / "claims.parquet").exists():
        claims.make(Surroundings.read(archive, ledger), shelf, house.work)
    candidate = candidates.build_candidate(ledger, archive, shelf, house.work)
    return dg.MaterializeResult(
        "warehouse",
        metadata={"bytes": candidate.stat().st_size, "refresh": ledger.head},
        data_version=house.data_version(),
    )


def check_name(expectation: str) -> str:
    """An expectation's name as Dagster allows it."""
    return expectation.replace("-", "_").replace(" ", "_")


@dg.multi_asset_check(
    name="audit",
    specs=[
        dg.AssetCheckSpec(
            GATE,
            asset="warehouse",
            blocking=True,
            description="No expectation of severity error fails. If one does, it is among the checks beside this one, "
            "and the old database stays published. Start refresh with `accept` to let one pass once.",
        ),
        *(
            dg.AssetCheckSpec(check_name(e.name), asset="warehouse", description=f"{e.says} {e.mend}")
            for e in EXPECTATIONS
        ),
    ],
    required_resource_keys={"house"},
)
def audit_step(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Audit the candidate: statements about the whole, across tables and against the version before."""
    house: House = context.resources.house
    house.say(context, "auditing")
    candidate = house.work / candidates.DATABASE
    results = house.audit(candidate, versions.published(house.layout), house.layout.site / "audit")
    (house.work / AUDIT).write_text(json.dumps([asdict(result) for result in results]))
    house.notes["checks"] = [
        {"name": r.name, "passed": r.passed, "severity": r.severity, "message": r.message} for r in results
    ]
    blocked = failures(results)
    yield dg.AssetCheckResult(
        asset_key="warehouse",
        check_name=GATE,
        passed=not blocked,
        description="; ".join(blocked) or f"{len(results)} expectations looked at",
        metadata={"blocking": dg.MetadataValue.md("\n".join(f"- {text}" for text in blocked) or "none")},
    )
    for result in results:
        yield dg.AssetCheckResult(
            asset_key="warehouse",
            check_name=check_name(result.name),
            passed=result.passed,
            severity=_severity(result.severity),
            description=result.message,
            metadata={"found": result.message, "observed": str(result.observed)},
        )


def _severity(word: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if word == "error" else dg.AssetCheckSeverity.WARN


def tell_what_stands(context: dg.AssetExecutionContext, layout: Layout) -> None:
    """Say again what the checks of the published database said, in a run that has no reason to make them again.

    Without this the UI shows every check as skipped after such a run, and nobody sees a warning that stands.
    """
    con = connect.read(layout.link)
    try:
        rows = con.execute(
            "SELECT check_name, passed, severity, message FROM checks WHERE level = 'warehouse'"
        ).fetchall()
    finally:
        con.close()
    declared = {expectation.name for expectation in EXPECTATIONS}
    standing = [
        ("trends", CONTRACT.name, True, "error", "as published"),
        ("claims", CLAIMS_CONTRACT.name, True, "error", "as published"),
        ("warehouse", GATE, True, "error", "as published"),
    ]
    standing += [("warehouse", check_name(name), *rest) for name, *rest in rows if name in declared]
    for asset, name, passed, severity, message in standing:
        context.log_event(
            dg.AssetCheckEvaluation(dg.AssetKey(asset), name, passed, severity=_severity(severity), description=message)
        )


@dataclass(frozen=True)
class _Result:
    name: str
    passed: bool
    severity: str
    message: str
    says: str


@dg.multi_asset(name="published", specs=[PUBLISHED], required_resource_keys={"house"})
def published_step(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Write the checks into the candidate, pass the gates, move the link."""
    house: House = context.resources.house
    candidate, audit = house.work / candidates.DATABASE, house.work / AUDIT
    if not candidate.exists() or not audit.exists():
        raise dg.Failure(
            "there is no audited candidate in this run: start the job `refresh`, or select warehouse with its checks",
            allow_retries=False,
        )
    fields = _Result.__dataclass_fields__
    house.say(context, "publishing")
    results = [_Result(**{k: v for k, v in row.items() if k in fields}) for row in json.loads(audit.read_text())]
    candidates.write_checks(candidate, [check_row(result) for result in results])
    version = publish(house.layout, candidate, results, house.at)
    con = connect.read(version)
    try:
        counts = dict(con.execute("SELECT table_name, estimated_size FROM duckdb_tables()").fetchall())
        digest = con.execute("SELECT kind, subject, detail FROM digest ORDER BY kind, subject LIMIT 40").fetchall()
    finally:
        con.close()
    house.notes["published"] = str(version)
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in digest]
    moved = "\n".join(["| what | release | detail |", "|---|---|---|", *(f"| {line} |" for line in lines)])
    return dg.MaterializeResult(
        "published",
        metadata={
            "open this": dg.MetadataValue.path(str(house.layout.link)),
            "version": version.name,
            "audit": dg.MetadataValue.path(str(house.layout.site / "audit" / "index.html")),
            "tables": dg.MetadataValue.json({str(name): int(rows) for name, rows in sorted(counts.items())}),
            "what moved": dg.MetadataValue.md(moved if digest else "nothing"),
        },
        data_version=house.data_version(),
    )
