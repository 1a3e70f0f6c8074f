"""A draft as plain data, for scripts.

Belongs here: the shape of `--json`. Does not belong here: the page for people (assets.onboarding.writing).
"""

from dataclasses import asdict
from typing import Any

from assets.onboarding.crosswalk import Question
from assets.onboarding.draft import Draft


def report(made: Draft) -> dict[str, Any]:
    """Everything that a draft found; no row value of a respondent, codes with their counts only."""
    matching = made.crosswalk.matching
    return {
        "release": made.release,
        "file": {"path": made.source.path, "sha256": made.source.sha256, "bytes": made.source.size},
        "rows": made.contents.codebook.rows,
        "previous": None
        if made.previous is None
        else {"release": made.previous.written.release, "why": made.previous.why, "labels_from": made.previous.told_by},
        "questions": [_question(one) for one in made.crosswalk.questions],
        "perhaps": [asdict(one) for one in matching.perhaps] if matching else [],
        "names_taken_over": list(matching.taken_over) if matching else [],
        "new": [asdict(one) for one in made.new if one.is_question],
        "weights": [asdict(one) for one in made.suggestions.weights],
        "not_weights": [asdict(one) for one in made.suggestions.not_weights],
        "strata": [asdict(one) for one in made.suggestions.strata],
        "sampling_units": [asdict(one) for one in made.suggestions.units],
        "carried_over": list(made.manifest.carried),
        "check": list(made.manifest.check),
        "open": made.open,
        "same_file": list(made.known_as),
        "refused": [problem.as_row() for problem in made.problems],
    }


def _question(one: Question) -> dict[str, Any]:
    return {
        "was": one.old.question,
        "item": one.old.item,
        "is": one.row.question if one.row else None,
        "variable": {"was": one.old.variable, "is": one.row.variable if one.row else None},
        "changes": one.changes,
        "wording": {"was": one.old.variable_label or one.old.wording, "is": one.label},
        "match": asdict(one.match) if one.match else None,
        "why_not": one.why_not,
        "codes": [
            {
                "code": code.code,
                "label": code.label,
                "n": code.n,
                "status": code.status,
                "category": code.row.category if code.row else None,
                "note": code.note,
            }
            for code in one.codes
        ],
    }
