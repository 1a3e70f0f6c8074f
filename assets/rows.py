"""A release as rows: what the tables `toplines`, `questions`, `waves`, `releases` and `conflicts` say of it.

Belongs here: the mapping from contracts to declared columns. Does not belong here: any decision.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from assets.questions.answers import CodeCount
from assets.questions.cells import conflicts
from assets.questions.harmonise import Figure
from schemas.crosswalk import QuestionRow
from schemas.dates import first_day, last_day
from schemas.manifest import File, Release
from schemas.published import PublishedRow
from schemas.tables.figures import AGREEMENT


def _key(manifest: Release, name: str) -> dict[str, Any]:
    return {"release": name, "organisation": manifest.organisation, "series": manifest.series, "wave": manifest.wave}


def topline(manifest: Release, name: str, figure: Figure) -> dict[str, Any]:
    """A row of `toplines`."""
    row = figure.row
    return _key(manifest, name) | {
        "cell": row["cell"],
        "file_sha256": row["file_sha256"],
        "question": row["question"],
        "wording": row["wording"],
        "option": row["option"],
        "percent_text": row["percent"],
        "percent": row["percent_value"],
        "percent_from": row["percent_from"],
        "percent_to": row["percent_to"],
        "qualifier": row["qualifier"],
        "qualifier_text": row["qualifier_text"],
        "base_text": row["base"],
        "n_text": row["n"],
        "published": row["published"],
        "source_url": row["source_url"],
        "confidence": row["confidence"],
        "standing": row["standing"],
        "note": row["note"],
        "item": figure.item.item,
        "category": figure.category,
        "subgroup": figure.base.subgroup,
        "subgroup_value": figure.base.value,
        "base": figure.base.base,
    }


def question(manifest: Release, name: str, row: QuestionRow) -> dict[str, Any]:
    """A row of `questions`."""
    out = _key(manifest, name) | row.model_dump()
    out["filter"] = out.pop("where")
    out["n_unknown"] = row.n == "unknown" or (row.n is None and row.form in ("half", "version"))
    out["n"] = row.n if isinstance(row.n, int) else None
    return out


def code(manifest: Release, name: str, row: QuestionRow, counted: CodeCount) -> dict[str, Any]:
    """A row of `codes`."""
    return _key(manifest, name) | {
        "question": row.question,
        "item": row.item,
        "variable": row.variable,
        "code": counted.code,
        "label": counted.label,
        "category": counted.category,
        "kind": counted.kind,
        "in_base": counted.in_base,
        "score": counted.score,
        "n": counted.n,
    }


def weight(manifest: Release, name: str, facts: Mapping[str, object]) -> dict[str, Any]:
    """A row of `weights`."""
    return _key(manifest, name) | dict(facts)


# What the lake keeps of a published figure until it is compared: `agreement` without what the comparison finds.
PUBLISHED = [name for name in AGREEMENT.columns if name not in ("recomputed", "difference", "verdict")]


def published(manifest: Release, name: str, cell: str, row: PublishedRow) -> dict[str, Any]:
    """A figure that the respondents' answers must reproduce (`PUBLISHED`)."""
    return _key(manifest, name) | {
        "cell": cell,
        "item": row.item,
        "category": row.category,
        "subgroup": row.subgroup,
        "subgroup_value": row.subgroup_value,
        "statistic": row.statistic,
        "published_text": row.value,
        "published_value": float(row.value),
        "rounding": row.rounding,
        "tolerance": row.tolerance,
        "source": row.source,
        "note": row.note,
    }


def awaited(file: File) -> dict[str, Any]:
    """What `awaiting` says of a file."""
    return {
        "file": file.path,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "obtain": file.obtain,
        "obtain_note": file.obtain_note,
    }


def about(
    manifest: Release,
    name: str,
    files: Mapping[str, str],
    tree: str,
    figures: list[Figure],
    values: list[dict[str, Any]],
    questions: int,
    awaits: list[File],
    reading: str | None,
) -> dict[str, Any]:
    """What the tables `waves`, `releases`, `conflicts` and `checks` need of this release, as plain data."""
    sample, fieldwork, method = manifest.sample, manifest.fieldwork, manifest.method
    disclosed = manifest.disclosed()
    deff = sample.design_effect
    wave = {
        "organisation": manifest.organisation,
        "series": manifest.series,
        "wave": manifest.wave,
        "title": manifest.title,
        "fieldwork_start": _iso(first_day(fieldwork.start)),
        "fieldwork_end": _iso(last_day(fieldwork.end)),
        "fieldwork": f"{fieldwork.start} to {fieldwork.end}" + (f" ({fieldwork.note})" if fieldwork.note else ""),
        "n": manifest.n,
        "n_stated": sample.stated,
        **method.model_dump(),  # the nine disclosure items that need words
        "probability_sample": sample.probability,
        "margin_of_error": sample.margin_of_error,
        "margin_note": sample.margin_note,
        "design_effect": deff.value if deff else None,
        "design_effect_basis": deff.basis if deff else None,
        "design_effect_reason": deff.reason if deff else None,
        "disclosed_items": sum(disclosed.values()),
        "undisclosed": [item for item, told in disclosed.items() if not told],
        "note": manifest.our_notes,
    }
    release = _key(manifest, name) | {
        "vintage": manifest.vintage,
        "status": manifest.status,
        "title": manifest.title,
        "source_url": manifest.source_url,
        "tree_sha256": tree,
        "files": [f"{digest}  {path}" for path, digest in sorted(files.items())],
        "licence": manifest.licence.name,
        "redistribute": manifest.licence.redistribute,
        "embargo_until": manifest.embargo_until,
        "awaits": [file.path for file in awaits],
        "figures": len(figures),
        "questions": questions,
        "estimates": len(values),
        "producer_notes": manifest.producer_notes,
        "our_notes": manifest.our_notes,
    }
    return {
        "wave": wave,
        "release": release,
        "conflicts": conflicts(figures, manifest.conflicts),
        "reading": reading,  # folder of the respondents' answers, which other releases may share
    }


def _iso(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None
