"""Families of tests: p-values that a reader sees together, adjusted together, and the verdict that follows.

Belongs here: Holm's and Benjamini and Hochberg's adjustment, the level, the verdict. Does not belong here: the tests
themselves (assets.trends.change, assets.trends.linear_trend).

Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70; Benjamini and Hochberg 1995, JRSS B 57, 289-300; in R
`p.adjust` with "holm" and "BH". Holm holds however the tests depend on each other, as answers of one question do.
"""

from collections.abc import Sequence
from typing import Any

LEVEL = 0.05


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: the chance of any false alarm in the family stays below the level."""
    out, running = [0.0] * len(p), 0.0
    for rank, at in enumerate(_ascending(p)):
        running = max(running, min(1.0, p[at] * (len(p) - rank)))
        out[at] = running
    return out


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: the expected share of false alarms among the findings."""
    out, running = [0.0] * len(p), 1.0
    for rank, at in reversed(list(enumerate(_ascending(p), start=1))):
        running = min(running, p[at] * len(p) / rank)
        out[at] = running
    return out


def adjust(rows: Sequence[dict[str, Any]], name: str, difference: str = "change") -> None:
    """Adjust the tests of a family in place: `p_adjusted`, `p_adjusted_bh`, `family` and `verdict` of tested rows.

    Args:
        rows: with `p_value`; those where it is missing or None stay as they are.
        name: what the family is called.
        difference: key of the figure whose sign is the direction.
    """
    tested = [row for row in rows if row.get("p_value") is not None]
    p = [row["p_value"] for row in tested]
    for row, strict, loose in zip(tested, holm(p), benjamini_hochberg(p), strict=True):
        row |= {"p_adjusted": strict, "p_adjusted_bh": loose, "family": name}
        found = "rise" if row[difference] > 0 else "fall"
        row["verdict"] = found if strict < LEVEL else "no_detectable_change"


def _ascending(p: Sequence[float]) -> list[int]:
    return sorted(range(len(p)), key=lambda at: p[at])
