"""Estimates from published figures: the printed share, with an interval where n and the share are known exactly.

Belongs here: the Wilson interval on n / design effect, and the flags that say why there is none. Does not belong here:
respondent-level estimation.

Source of the interval: Wilson (1927), as in Newcombe (1998), Statistics in Medicine 17, 857-872, method 3; in R
`prop.test(x, n, correct = FALSE)$conf.int`. The effective n replaces n as in Korn and Graubard (1999).
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from assets.estimates.rows import SMALL_BASE, interval_name, question_flags, wave_columns
from assets.questions.harmonise import Figure
from schemas.manifest import ALL_RESPONDENTS, Release

Z95 = 1.959963984540054  # qnorm(0.975)
ESTIMATED = ("figure", "superseded", "interim")  # a retelling is never an estimate of the producer


def wilson(p: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a share.

    Args:
        p: share, 0 to 1.
        n: (effective) number of interviews, above 0.
        z: normal quantile.

    Returns:
        Lower and upper end, 0 to 1.
    """
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if p == 0 else max(0.0, centre - half)), (1.0 if p == 1 else min(1.0, centre + half))


def estimate_id(release: Release, figure: Figure, n: int | None, deff: float | None) -> str:
    """The same sixteen hex digits anywhere from the same inputs: the cell, the figure, n, design effect, vintage."""
    inputs = (
        release.organisation,
        release.series,
        release.wave,
        *figure.cell,
        figure.base.base,
        "published",
        figure.row["percent"],
        figure.row["qualifier"],
        figure.row["published"],
        n,
        deff,
    )
    return "e" + hashlib.sha256("|".join(map(str, inputs)).encode()).hexdigest()[:16]


def base_size(release: Release, figure: Figure) -> int | None:
    """Unweighted n of the question in the subgroup; None where nobody says.

    A question put to part of the sample counts that part; of a subgroup of such a part nothing is known.
    """
    base, question = figure.base, figure.question
    if question.n == "unknown" or (question.n is None and question.form in ("half", "version")):
        return None
    if isinstance(question.n, int):
        everyone = base.n == "sample" and base.base == ALL_RESPONDENTS
        return question.n if everyone else None
    if base.n == "sample":
        return release.n
    return base.n if isinstance(base.n, int) else None


def estimate(release: Release, name: str, figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """One row per figure that the producer stands for (see `assets.releases.ledger.VALUES`, without load_vintage).

    What a source says twice (an earlier value quoted on two pages) is one value; the figure itself comes first.
    """
    told = [figure for figure in figures if figure.row["standing"] in ESTIMATED]
    rows: dict[str, dict[str, Any]] = {}
    for figure in sorted(told, key=lambda figure: figure.row["standing"] != "figure"):
        row = _row(release, name, figure)
        rows.setdefault(str(row["estimate_id"]), row)
    return list(rows.values())


def _row(release: Release, name: str, figure: Figure) -> dict[str, Any]:
    row, question = figure.row, figure.question
    n = base_size(release, figure)
    declared = release.sample.design_effect
    deff = declared.value if declared else 1.0
    percent = row["percent_value"]
    exact = row["qualifier"] == "exact" and percent is not None
    known = exact and n is not None
    out: dict[str, Any] = {
        **wave_columns(release),
        "item": figure.item.item,
        "category": figure.category,
        "subgroup": figure.base.subgroup,
        "subgroup_value": figure.base.value,
        "percent": percent,
        "n": n,
        "basis": "published",
        "qualifier": row["qualifier"],
        "published_text": row["percent"],
        "flags": _flags(release, figure, n, deff, exact),
        "base": figure.base.base,
        "vintage": row["published"],
        "estimate_id": estimate_id(release, figure, n, deff if known else None),
        "source_url": row["source_url"],
        "release": name,
        "question": question.question,
        "standing": row["standing"],
    }
    if known and n is not None and percent is not None:
        n_effective = n / deff
        low, high = wilson(percent / 100, n_effective)
        out |= {
            "percent_low": 100 * low,
            "percent_high": 100 * high,
            "standard_error": 100 * math.sqrt(percent / 100 * (1 - percent / 100) / n_effective),
            "n_effective": n_effective,
            "design_effect": deff,
            "variance_method": f"binomial on n / design effect ({declared.basis if declared else 'assumed'} {deff:g})",
            "interval_method": interval_name(release, "wilson"),
        }
    return out


def _flags(release: Release, figure: Figure, n: int | None, deff: float, exact: bool) -> list[str]:
    row, base = figure.row, figure.base
    declared = release.sample.design_effect
    flags = figure.flags | question_flags(release, figure.question, base.base)
    told = {
        "no_interval_n_unknown": exact and n is None,
        "no_interval_not_exact": not exact,
        "design_effect_assumed": n is not None and exact and (declared is None or declared.basis == "assumed"),
        "second_hand": row["confidence"] == "secondary_report",
        "interim": row["standing"] == "interim",
        "aggregate": base.subgroup == "aggregate",
        "small_base": n is not None and n / deff < SMALL_BASE,
    }
    return sorted(flags | {name for name, holds in told.items() if holds})
