"""What every estimate says of itself, whatever it was made from: where it belongs, what a reader must know.

Belongs here: columns and flags that follow from the release and the question alone, and sizes of bases that are
flagged. Does not belong here: figures and their errors (`.published`, `.respondents`).
"""

from typing import Any

from schemas.crosswalk import QuestionRow
from schemas.dates import first_day, last_day
from schemas.manifest import ALL_RESPONDENTS, Release

SMALL_BASE = 100  # effective interviews; below this a share is flagged
SUPPRESSED_BASE = 30  # effective interviews; below this respondents' answers give no share


def wave_columns(release: Release) -> dict[str, Any]:
    """Organisation, series, wave and the days of fieldwork."""
    return {
        "organisation": release.organisation,
        "series": release.series,
        "wave": release.wave,
        "fieldwork_start": first_day(release.fieldwork.start),
        "fieldwork_end": last_day(release.fieldwork.end),
    }


def question_flags(release: Release, question: QuestionRow, base: str) -> set[str]:
    """Flags that a figure has because of its release, question and base."""
    told = {
        "base_not_all": base != ALL_RESPONDENTS,
        "opt_in_panel": release.sample.probability == "no",
        "interim": release.status == "interim",
        "part_of_sample": question.form in ("half", "version"),
        "provisional": question.reviewed_by is None,
        "outside_trends": question.decision == "exclude",
    }
    return {name for name, holds in told.items() if holds}


def interval_name(release: Release, rule: str) -> str:
    """How the interval was made; where chance did not select the people it rests on a model."""
    return rule + (", model-based" if release.sample.probability == "no" else "")
