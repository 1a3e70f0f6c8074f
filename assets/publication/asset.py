"""The Dagster face of the room: the candidate database, its audit, and the published one.

Belongs here: declarations, metadata. Does not belong here: building, judging, publishing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from assets.claims import make as claims
from assets.claims.asset import CONTRACT as CLAIMS_CONTRACT
from assets.digest import text
from assets.faces import House, Site, image, shown, spec
from assets.publication import candidate as candidates
from assets.publication import rhythm
from assets.publication.publish import failures, publish
from assets.refresh import check_row
from assets.releases.archive import Archive
from assets.releases.shelf import Surroundings
from assets.trends import make
from assets.trends.asset import CONTRACT
from schemas.expectations import EXPECTATIONS
from warehouse import connect, versions

WAREHOUSE = spec(
    "warehouse",
    "publication",
    None,
    "The candidate: a private database with every table, built anew from ledger, lake and archive, and audited as a "
    "whole before anybody reads it.\n\n"
    "**See here** (tab Checks) what Great Expectations found: `passes_the_audit` names everything that failed, each "
    "check shows the rows and what to do. One of severity error keeps the old database published; a warning is shown. "
    "The same is in the table `checks` and, with the queries, on the pages of the audit.",
    ("trends", "claims", "releases", "toplines"),
)
PUBLISHED = spec(
    "published",
    "publication",
    None,
    "`data/weathervane.duckdb`, what people query: a link to an immutable version.\n\n"
    "**Open it** read-only with any DuckDB client, also while a run is going on, or ask `weathervane sql`; docs/sql.md "
    "has the tables and examples. **See here** what moved with the last version, and which series are late "
    "(check `series_keep_their_rhythm`).",
    ("warehouse",),
)
RHYTHM = dg.AssetCheckSpec(
    "series_keep_their_rhythm",
    asset="published",
    description="Every series has its newest wave here, by its own rhythm: what series.yml declares as `rhythm_days`, "
    "or else the usual distance of its waves, and half of that as grace. Looked at in every run, on that day. A series "
    "that has been silent for four rhythms and a year has ended and is not named. Late: look at the source; if there "
    "is a new wave, `weathervane add` it; if the rhythm is another one now, write it into series.yml.",
)
AUDIT = "audit.json"
AUDIT_PAGES = "audit"  # below the site
GATE = "passes_the_audit"  # one gate, not one a check: a run with nothing to do would warn once for each


@dg.multi_asset(name="warehouse", specs=[WAREHOUSE], required_resource_keys={"house"})
def warehouse_step(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Build the candidate in the run's work folder."""
    house: House = context.resources.house
    house.say(context, "building the database")
    ledger, shelf = house.ledger(), house.shelf()
    if not (house.work / "trends.parquet").exists():  # started alone, without the step before it
        make.make(ledger, shelf, house.work)
    if not (house.work / "claims.parquet").exists():
        claims.make(Surroundings.read(Archive(house.layout.archive), ledger), shelf, house.work)
    candidate = candidates.build_candidate(house.layout, ledger, shelf, house.work)
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
            dg.AssetCheckSpec(check_name(e.name), asset="warehouse", description=f"{e.says} If not: {e.mend}")
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
    results = house.audit(candidate, versions.published(house.layout), house.layout.site / AUDIT_PAGES)
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
        metadata=_summary(results, house.site),
    )
    for result in results:
        yield dg.AssetCheckResult(
            asset_key="warehouse",
            check_name=check_name(result.name),
            passed=result.passed,
            severity=_severity(result.severity),
            description=result.message,
            metadata=_found(result, house.site),
        )


def _summary(results: Sequence[Any], site: Site) -> dict[str, Any]:
    """Metadata of the gate: what failed, errors first; all of it on the pages."""
    failed = sorted((one for one in results if not one.passed), key=lambda one: one.severity)
    metadata: dict[str, Any] = {"expectations": len(results), "failed": len(failed)}
    if failed:
        rows = ((one.severity, check_name(one.name), one.says, one.found, one.mend) for one in failed)
        metadata["what failed"] = shown(["severity", "check", "what should hold", "rows found", "what to do"], rows)
    return metadata | {"pages of the audit": site.page(f"{AUDIT_PAGES}/index.html")}


def _found(result: Any, site: Site) -> dict[str, Any]:
    """Metadata of one expectation: which rows, why, what to do."""
    metadata: dict[str, Any] = {"observed": str(result.observed)}
    if not result.passed:
        metadata |= {"rows found": result.found, "why": result.says, "what to do": result.mend}
        if result.rows:
            metadata["the first of them"] = shown(result.columns, result.rows)
    if result.page:
        metadata["page"] = site.page(f"{AUDIT_PAGES}/{result.page}")
    return metadata


def _severity(word: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if word == "error" else dg.AssetCheckSeverity.WARN


def tell_what_stands(context: dg.AssetExecutionContext, house: House) -> None:
    """Say again what the checks of the published database said, in a run that has no reason to make them again.

    Without this the UI shows every check as skipped after such a run, and nobody sees a warning that stands.
    """
    con = connect.read(house.layout.link)
    try:
        late = rhythm.late(con, house.at.date())
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
    pages = {"page": house.site.page(f"{AUDIT_PAGES}/index.html")}
    for asset, name, passed, severity, message in standing:
        context.log_event(
            dg.AssetCheckEvaluation(
                dg.AssetKey(asset), name, passed, severity=_severity(severity), description=message,
                metadata=pages if asset == "warehouse" else {},
            )
        )  # fmt: skip
    context.log_event(
        dg.AssetCheckEvaluation(
            RHYTHM.asset_key, RHYTHM.name, not late, severity=dg.AssetCheckSeverity.WARN,
            description=rhythm.told(late), metadata=_late(late, house.site),
        )
    )  # fmt: skip


def _late(found: Sequence[rhythm.Late], site: Site) -> dict[str, Any]:
    """Metadata of the rhythm: one row a series that is late, and where its waves are shown."""
    metadata: dict[str, Any] = {"late": len(found)}
    if found:
        names = ["house", "series", "last wave", "ended", "a wave every", "known from", "expected by", "days late"]
        rows = (
            (o.organisation, o.series, o.last_wave, o.last_end, f"{o.rhythm_days} days", o.basis, o.expected_by, o.days)
            for o in found
        )
        metadata["series"] = shown(names, rows)
    return metadata | {f"{one.organisation}/{one.series}": site.series(one.organisation, one.series) for one in found}


@dataclass(frozen=True)
class _Result:
    name: str
    passed: bool
    severity: str
    message: str
    says: str


@dg.multi_asset(name="published", specs=[PUBLISHED], check_specs=[RHYTHM], required_resource_keys={"house"})
def published_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
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
        digest = text.read(con)
        late = rhythm.late(con, house.at.date())
        picture = rhythm.draw(con, house.at.date())
    finally:
        con.close()
    house.notes["published"] = str(version)
    house.notes["digest"] = text.short(digest)
    metadata: dict[str, Any] = {
        "what moved": dg.MetadataValue.md(text.markdown(digest)),
        "open this": dg.MetadataValue.path(str(house.layout.link)),
        "explorer": house.site.page("index.html"),
        "audit": house.site.page(f"{AUDIT_PAGES}/index.html"),
        "version": version.name,
    }
    if picture:
        metadata["waves"] = image(
            f"waves of the last {rhythm.YEARS} years", picture, "A dot is a wave; a bar is where the next was expected."
        )
    metadata["tables"] = shown(["table", "rows"], sorted(counts.items()))
    yield dg.MaterializeResult("published", metadata=metadata, data_version=house.data_version())
    yield dg.AssetCheckResult(
        asset_key="published", check_name=RHYTHM.name, passed=not late, severity=dg.AssetCheckSeverity.WARN,
        description=rhythm.told(late), metadata=_late(late, house.site),
    )  # fmt: skip
