"""The audit's pages: the Data Docs of Great Expectations, readable offline and without scripts.

Belongs here: rendering validation results, the index of the last runs, writing them so that nobody reads half a
page. Does not belong here: what is expected (schemas.expectations), running it (assets.publication.audit).

A page is made of the validation results alone, which are kept beside it as JSON. Every page carries its own style
and loads nothing. Files are replaced one by one, pages first and the index that links them last.
"""

import datetime as dt
import json
import os
import tempfile
import textwrap
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import jinja2

KEEP = 10
_TEMPLATE = Path(__file__).with_name("data_docs.html")

Status = Literal["error", "warning", "skipped", "passed"]


@dataclass(frozen=True)
class Finding:
    """One expectation with its result: our words, the offending rows, and what Great Expectations returned.

    `status` is the severity of what failed (a warning too where it was `accepted`), or `passed`, or `skipped`.
    `found` counts the offenders, of which `rows` shows the first. `validated` is None where nothing was validated.
    """

    name: str
    status: Status
    says: str
    message: str
    mend: str
    kind: str
    query: str
    accepted: bool = False
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    found: int = 0
    validated: dict[str, Any] | None = None


@dataclass(frozen=True)
class Run:
    """One audit of one database file."""

    started: dt.datetime
    seconds: float
    database: str
    previous: str | None
    findings: tuple[Finding, ...]


def write(folder: Path, run: Run) -> Path:
    """Add a run to the pages in `folder`, keep the last ten, and write the index anew.

    Args:
        folder: of the pages; made if missing.
        run: what the audit found.

    Returns:
        The page of this run.
    """
    runs = folder / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    name = run.started.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S-%fZ")
    record = _record(name, run)
    page = runs / f"{name}.html"
    _replace(page, _render("run", run=record))
    _replace(runs / f"{name}.json", json.dumps(record, ensure_ascii=False, default=_jsonable))
    records = [_read(path) for path in sorted(runs.glob("*.json"), reverse=True)]
    kept = [one for one in records if one is not None and (runs / f"{one['id']}.html").is_file()][:KEEP]
    _replace(folder / "index.html", _render("index", runs=kept))
    # Only now, when no index names them, do older pages go.
    names = {one["id"] for one in kept}
    for path in runs.iterdir():
        if path.suffix in {".html", ".json"} and path.stem not in names:
            path.unlink(missing_ok=True)
    return page


def number(value: float) -> str:
    """A number as a person reads it: whole ones whole, others with four digits."""
    return f"{value:.0f}" if value.is_integer() else f"{value:.4g}"


def _record(name: str, run: Run) -> dict[str, Any]:
    """A run as plain data: what the pages are rendered from and what is kept."""
    findings = [
        {
            **asdict(finding),
            "expected": _sentence(finding.validated),
            "observed": _observed(finding.validated),
        }
        for finding in run.findings
    ]
    counts = {status: sum(finding.status == status for finding in run.findings) for status in get_args(Status)}
    return {
        "id": name,
        "started": run.started.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "seconds": round(run.seconds, 2),
        "database": run.database,
        "previous": run.previous,
        "counts": counts,
        "verdict": "blocked" if counts["error"] else "passed with warnings" if counts["warning"] else "passed",
        "findings": findings,
    }


def _sentence(validated: dict[str, Any] | None) -> str:
    """The expectation in the words of Great Expectations."""
    config = (validated or {}).get("expectation_config") or {}
    return _filled(config.get("rendered_content") or (validated or {}).get("rendered_content"), "prescriptive")


def _observed(validated: dict[str, Any] | None) -> str:
    """The observed value in the words of Great Expectations."""
    text = _filled((validated or {}).get("rendered_content"), "diagnostic")
    return "" if text == "--" else text


def _filled(contents: list[dict[str, Any]] | None, wanted: str) -> str:
    for content in contents or []:
        if f".{wanted}." in str(content.get("name")) and "template" in (content.get("value") or {}):
            text = str(content["value"]["template"])
            params = content["value"].get("params") or {}
            for key in sorted(params, key=len, reverse=True):  # $value must not eat the head of $value_set
                value = params[key].get("value")
                text = text.replace(f"${key}", number(value) if isinstance(value, float) else str(value))
            return text
    return ""


@cache
def _environment() -> jinja2.Environment:
    # Keys and messages come from the catalogue and from files of other houses: escape everything.
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _render(page: Literal["run", "index"], **values: Any) -> str:
    template = _environment().from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(page=page, dedent=_dedent, **values)


def _dedent(query: str) -> str:
    return textwrap.dedent(query).strip()


def _read(path: Path) -> dict[str, Any] | None:
    """A kept run, or None for a file that is not one: an old run must never stop a new one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(record, dict) and {"id", "started", "verdict", "counts", "findings"} <= set(record)
    return record if known and record["id"] == path.stem else None


def _replace(path: Path, text: str) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".building")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _jsonable(value: Any) -> Any:
    """What Great Expectations leaves in its results: numbers of numpy and enumerations."""
    return value.item() if hasattr(value, "item") else str(getattr(value, "value", value))
