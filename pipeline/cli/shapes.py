"""The shape of what each command prints with `--json`, declared once; docs/cli.md is written from it.

Belongs here: keys, types and meanings. Does not belong here: making the data (the commands), what a shape is
(pipeline.cli.shape). A key that is a column of a published table takes its meaning from there.
"""

from collections.abc import Iterable

from pipeline.cli.shape import ByName, Leaf, Many, Shape
from schemas.tables import BY_NAME

_KINDS = {
    "VARCHAR": "text", "DATE": "text", "TIMESTAMP": "text", "DOUBLE": "number", "INTEGER": "integer",
    "BIGINT": "integer", "BOOLEAN": "true or false", "VARCHAR[]": "texts",
}  # fmt: skip


def _columns(table: str, *names: str, null: Iterable[str] = (), **renamed: str) -> dict[str, Shape]:
    """Leaves of columns; `null` may be null here, `renamed` has other keys for columns."""
    declared = BY_NAME[table]
    keys = {**{name: name for name in names}, **renamed}
    return {
        key: Leaf(
            _KINDS[declared.sql_type(name)],
            declared.describe(name),
            declared.columns[name].nullable or key in set(null),
        )
        for key, name in keys.items()
    }


def _whole(table: str) -> dict[str, Shape]:
    return _columns(table, *BY_NAME[table].columns)


_WAVE = {
    **_columns(
        "trends", "wave", "fieldwork_start", "fieldwork_end", "percent", "percent_low", "percent_high",
        "standard_error", "n",
    ),
    **_columns("estimates", "n_effective", "qualifier", "published_text", "basis", null=("basis", "qualifier")),
    **_columns(
        "trends", "predecessor", "change", "comparability", "reasons", "segment", "flags", "wording", "source_url",
        "estimate_id",
    ),
}  # fmt: skip
_END = ("percent", "percent_low", "percent_high", "n", "n_effective", "flags", "qualifier", "published_text", "basis")
_ENDS: dict[str, Shape] = {
    key: shape
    for end in ("from", "to")
    for key, shape in {
        f"organisation_{end}": Leaf("text", "Id of the organisation"),
        f"series_{end}": Leaf("text", "Id of the series"),
        f"wave_{end}": Leaf("text", "Earlier wave" if end == "from" else "Later wave"),
        **_columns(
            "estimates", **{f"{name}_{end}": name for name in ("fieldwork_start", "fieldwork_end", *_END)},
        ),
    }.items()
}  # fmt: skip
_FINDING: dict[str, Shape] = {
    "rule": Leaf("text", "Rule of docs/claims.md"), "verdict": Leaf("text", "What it says"),
    "clause": Leaf("text", "In words"),
}  # fmt: skip
_CANDIDATE: dict[str, Shape] = {
    "role": Leaf("text", "What the figure is to the sentence"),
    "agrees": Leaf("true or false", "Whether it has the figure of the sentence"),
    "why": Leaf("text", "Why it is or is not meant"),
    **_columns(
        "estimates", "organisation", "series", "wave", "item", "category", "percent", "percent_low", "percent_high",
        "n", "fieldwork_start", "fieldwork_end",
    ),
    **_columns("waves", "population", "mode"),
    **_columns("vintages", "available_from", "estimate_id", null=("estimate_id",)),
    **_columns("estimates", "source_url"),
}  # fmt: skip
_DIFFERENCE: dict[str, Shape] = {
    "figure": Leaf("text", "What is compared"), "cells": Leaf("integer", "How many of it"),
    "largest": Leaf("number", "The largest difference; null if only one of the two has a value", True),
    "where": Leaf("text", "Where it is"),
}  # fmt: skip

_OVERDUE = ByName("column", Leaf("any", "A column of the view overdue: a series whose next wave is late", True))

SHAPES: dict[str, Shape] = {
    "refresh": {
        "run_id": Leaf("text", "Dagster's id of the run"),
        "success": Leaf("true or false", "Whether it succeeded; releases set aside are no failure"),
        "errors": Leaf("texts", "What went wrong"),
        "changed": Leaf("true or false", "Whether anything was loaded or withdrawn"),
        "same": Leaf("integer", "Releases that are as they were loaded"),
        "loaded": Leaf("texts", "Releases that were loaded"),
        "withdrawn": Leaf("texts", "Releases whose folder is gone"),
        "awaiting": Leaf("texts", "Releases of which a file is not at hand"),
        "set_aside": ByName("release", Leaf("texts", "What is wrong with it")),
        "why": Leaf("text", "Why the database was built again; null if it was not", True),
        "published": Leaf("text", "The version that was published; null if none was", True),
        "checks": Many(
            {
                "name": Leaf("text", "Statement of the audit"), "passed": Leaf("true or false", "Whether it holds"),
                "severity": Leaf("text", "error or warning"), "message": Leaf("text", "Which rows break it"),
            }
        ),
        "digest": Leaf("texts", "What moved, a line a kind"),
    },
    "status": {
        "about": ByName("key", Leaf("text", "What this version is; see the table about")),
        "series": Many(
            {
                **_columns("waves", "organisation", "series"),
                "waves": Leaf("integer", "Waves"), "interviews": Leaf("integer", "Interviews, where n is known", True),
                "latest": Leaf("text", "Last day of fieldwork", True), "estimates": Leaf("integer", "Estimates"),
            }
        ),
        "failed_checks": Many(_columns("checks", "level", "subject", "check_name", "severity", "message")),
        "set_aside": Many(_columns("quarantine", "release", "since", "cause", "message")),
        "awaiting": Many(
            {
                "organisation": Leaf("text", "Id of the organisation"),
                **_columns("awaiting", "obtain", "obtain_note"),
                "releases": Leaf("texts", "Releases that wait for them"),
                "files": Leaf("texts", "Names of the files"),
            }
        ),
        "overdue": Many(_OVERDUE),
    },
    "trend": {
        **_columns("items", "item", "title", "wording"),
        "lines": Many(
            {
                **_columns("trends", "organisation", "series", "category"),
                **_columns("categories", "label"),
                **_columns("trends", "subgroup", "subgroup_value"),
                "waves": Many(_WAVE),
            }
        ),
        "outside_trends": Leaf("integer", "Figures of everyone that are in no trend: not reviewed, excluded, undated"),
        "apart_from": Leaf("texts", "Items that only look the same, and why"),
    },
    "compare": {
        **_columns("items", "item", "title"),
        "pairs": Many(
            {
                **_columns("changes", "organisation", "series", "category", "subgroup", "subgroup_value"),
                **_columns("categories", "label"),
                **_ENDS,
                **_columns(
                    "changes", "change", "standard_error", "correlation", "change_low", "change_high", "p_value",
                    "p_adjusted", "p_adjusted_bh", "family", "detectable_change", "other_readings", "comparability",
                    "reasons",
                ),
                "verdict": Leaf("text", "Of this pair alone: rise, fall, no_detectable_change or not_tested"),
            }
        ),
    },
    "claim": {
        "read": {
            "value": Leaf("number", "The figure of the sentence", True),
            "other_value": Leaf("number", "The first of two", True),
            "qualifier": Leaf("text", "exact, about, more_than, less_than"),
            "comparison": Leaf("text", "level, change, majority, complement", True),
            "direction": Leaf("text", "rise or fall", True), "period": Leaf("text", "When people were asked", True),
            "other_period": Leaf("text", "The first of two", True),
            "population": Leaf("text", "Whom the sentence speaks of", True),
        },
        "item": Leaf("text", "The item taken; null if none is near enough", True),
        "title": Leaf("text", "Its title", True), "near": Leaf("number", "How near it is, 0 to 1", True),
        "category": Leaf("text", "The answer taken", True),
        "comparison": Leaf("text", "What is claimed of it", True),
        "organisation": Leaf("text", "The house", True),
        "other_items": Many(
            {
                "item": Leaf("text", "Another item"), "near": Leaf("number", "How near, 0 to 1"),
                "shared": Leaf("any", "Words that it shares"),
            }
        ),
        "checked": Many(
            {
                "view": Leaf("text", "its_date or today"), "verdict": Leaf("text", "The worst of the findings"),
                "findings": Many(_FINDING), "sentence": Leaf("text", "In words, to paste"),
                "candidates": Many(_CANDIDATE),
            }
        ),
        "not_sure": Leaf("texts", "What the reading was not sure of"),
        "why": Leaf("text", "Why nothing was checked, or null", True),
    },
    "cite": {
        "citation": Leaf("text", "The citation, to paste"),
        **{
            name: Leaf("any", "As in docs/sql.md: a part of the citation", True)
            for name in (
                "estimate_id", "organisation", "organisation_name", "series", "series_name", "wave", "title",
                "fieldwork", "fieldwork_start", "fieldwork_end", "population", "mode", "n", "weighting", "item",
                "wording", "wording_kind", "category", "category_label", "subgroup", "subgroup_value", "base",
                "percent", "percent_low", "percent_high", "interval_method", "qualifier", "published_text", "flags",
                "basis", "vintage", "load_vintage", "loaded_at", "cause", "replaced_on", "file_sha256", "cell",
                "release", "source_url",
            )
        },
    },
    "sql": Many(ByName("column", Leaf("any", "What the query gives", True))),
    "site": {
        "pages": Leaf("integer", "Pages of the site"), "written": Leaf("integer", "Written now"),
        "unchanged": Leaf("integer", "As they were"), "removed": Leaf("integer", "Removed"),
        "seconds": Leaf("number", "How long it took"), "index": Leaf("text", "The page to open"),
    },
    "verify": {
        "figures": Many(_whole("agreement")),
        "verdicts": ByName("verdict", Leaf("integer", "How many figures")),
        "awaiting": Leaf("texts", "Releases whose files are not at hand"),
    },
    "verify --engine": {
        "releases": ByName("release", Many(_DIFFERENCE)), "overall": Many(_DIFFERENCE),
        "without_coded_answers": Leaf("texts", "Releases that were loaded before coded answers were kept"),
    },
    "add": {
        "release": Leaf("text", "The release drafted"), "folder": Leaf("text", "Its folder"),
        "file": {
            "path": Leaf("text", "The file"), "sha256": Leaf("text", "Its checksum"),
            "bytes": Leaf("integer", "Its size"),
        },
        "rows": Leaf("integer", "Rows of the file"),
        "previous": Leaf("any", "The wave compared with: release, why, labels_from; null for a first wave", True),
        "questions": Many(
            ByName("key", Leaf("any", "was, item, is, variable, changes, wording, match, why_not, codes", True))
        ),
        "perhaps": Many(ByName("key", Leaf("any", "A match that is not sure", True))),
        "names_taken_over": Leaf("texts", "Names that mean another question now"),
        "new": Many(ByName("key", Leaf("any", "A question without a row", True))),
        "weights": Many(ByName("key", Leaf("any", "A variable that may be a weight, with reasons", True))),
        "not_weights": Many(ByName("key", Leaf("any", "One that looks like a weight and is none", True))),
        "strata": Many(ByName("key", Leaf("any", "A variable that may be a stratum", True))),
        "sampling_units": Many(ByName("key", Leaf("any", "A variable that may be a sampling unit", True))),
        "carried_over": Leaf("texts", "What was taken over from the wave before"),
        "check": Leaf("texts", "What of the manifest a person must look at"),
        "open": Leaf("texts", "What a person must decide"),
        "same_file": Leaf("texts", "Releases that use the same file"),
        "refused": Many(ByName("key", Leaf("any", "What a refresh would refuse: file, row, column, message", True))),
    },
    "review": {
        "release": Leaf("text", "The release"), "before": Leaf("text", "The wave before, or null", True),
        "reviewed": Leaf("integer", "Questions that somebody reviewed"),
        "waiting": Many(
            {
                "question": Leaf("text", "Its id"), "item": Leaf("text", "Its item"),
                "row": Leaf("integer", "Line of questions.csv"),
                "variable": Leaf("text", "What holds its answers", True),
                "was": Leaf("text", "Question of the wave before", True),
                "wording_was": Leaf("text", "Its wording there", True),
                "wording": Leaf("text", "Its wording here"),
                "reworded": Leaf("true or false", "Whether the two differ"),
                "base_was": Leaf("text", "Whom it was asked there", True),
                "base": Leaf("text", "Whom it is asked here"),
                "codes": Leaf("texts", "What changed about its codes"),
                "decision": Leaf("text", "join, note, break or exclude, with its reason"),
            }
        ),
        "gone": Leaf("texts", "Items no longer asked"), "weight": Leaf("texts", "What is told of the weight"),
        "open": Leaf("texts", "What is still open"),
        "problems": Many(ByName("key", Leaf("any", "What a refresh would refuse", True))),
    },
    "rebuild": {
        "why": Leaf("text", "From what it was rebuilt"), "published": Leaf("text", "The version published"),
        "rows": ByName("table", Leaf("integer", "Rows")),
    },
    "doctor": {
        "data": Leaf("text", "The data folder"), "problems": Leaf("integer", "How many need mending"),
        "findings": Many(
            {
                "check": Leaf("text", "What was looked at"), "status": Leaf("text", "ok, note or problem"),
                "what": Leaf("text", "What was found"), "mend": Leaf("text", "How to mend it", True),
            }
        ),
    },
    "export": {
        "format": Leaf("text", "The format"), "path": Leaf("text", "The file or folder"),
        "files": Leaf("texts", "Every file written"), "bytes": Leaf("integer", "Their size"),
        "rows": Leaf("integer", "Rows or figures written"),
        "withheld": Many(
            {
                "rule": Leaf("text", "The rule that keeps it back"), "release": Leaf("text", "Of which release", True),
                "what": Leaf("text", "What stayed"), "why": Leaf("text", "Why"),
                "change": Leaf("text", "What would change it"),
            }
        ),
    },
    "digest": {
        "refresh": Leaf("integer", "Number of the refresh"), "refreshed_at": Leaf("text", "When"),
        "since": Leaf("text", "The version compared with, if one was named", True),
        "rows": Many(_whole("digest")),
        "overdue_today": Many(_OVERDUE),
    },
}  # fmt: skip
