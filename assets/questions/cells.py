"""What the figures of one cell, and the cells of one question, must satisfy together.

Belongs here: exactly one figure a cell, repeats that repeat, sums of single-choice questions, conflicts between
sources. Does not belong here: whether a single figure is a percentage (schemas.crosswalk).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from assets.questions.harmonise import Figure
from schemas.problems import Problem

ROUNDING = 0.5  # points an option that is printed as an integer can be off
IMPOSSIBLE_SUM = 110.0  # beyond rounding and beyond a typing error in one option: the question is not single choice


def check_cells(figures: Sequence[Figure]) -> list[Problem]:
    """One `figure` a cell; repeats agree with it; what disagrees marks the cell as contested."""
    problems: list[Problem] = []
    cells: dict[tuple[str, str, str, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        cells[figure.cell].append(figure)
    for cell, members in cells.items():
        chosen = [f for f in members if f.row["standing"] == "figure"]
        name = " / ".join(cell)
        if len(chosen) > 1:
            first, second = chosen[0], chosen[1]
            problems.append(
                Problem(
                    "toplines",
                    second.where,
                    f"two figures for one cell ({name}; the other is in row {first.row['row']})",
                    row=second.row["row"],
                    column="standing",
                    value=second.row["percent"],
                    expected="one figure; the other a repeat, superseded, interim or a retelling",
                )
            )
        for figure in members:
            standing = figure.row["standing"]
            if standing == "repeat" and not chosen:
                problems.append(
                    Problem(
                        "toplines",
                        figure.where,
                        f"a repeat without its figure ({name})",
                        row=figure.row["row"],
                        column="standing",
                        value=standing,
                        expected="one row of this cell with standing figure",
                    )
                )
            elif standing == "repeat" and chosen and _differ(figure, chosen[0]):
                problems.append(
                    Problem(
                        "toplines",
                        figure.where,
                        f"a repeat that differs from its figure ({name})",
                        row=figure.row["row"],
                        column="percent",
                        value=figure.row["percent"],
                        expected=f"{chosen[0].row['percent']}, or standing superseded, interim or retelling",
                    )
                )
        if any(f.row["standing"] == "retelling" and _differ(f, c) for f in members for c in chosen):
            for figure in chosen:
                figure.flags.add("contested")
    return problems


def check_sums(figures: Sequence[Figure]) -> list[Problem]:
    """Single-choice questions that add to more than rounding explains: flagged and kept; beyond all reason: refused."""
    problems: list[Problem] = []
    groups: dict[tuple[str, str, str], list[Figure]] = defaultdict(list)
    for figure in figures:
        kind = figure.item.kinds()[figure.category]
        if figure.question.answer == "single" and kind != "net" and figure.row["standing"] == "figure":
            groups[(figure.item.item, figure.base.subgroup, figure.base.value)].append(figure)
    for (item, subgroup, value), members in groups.items():
        shares = [float(f.row["percent_value"]) for f in members if f.row["percent_value"] is not None]
        total = round(sum(shares), 6)
        if total <= 100 + ROUNDING * len(shares):
            continue
        last = members[-1]
        fatal = total > IMPOSSIBLE_SUM
        if not fatal:
            for figure in members:
                figure.flags.add("sum_over_100")
        problems.append(
            Problem(
                "toplines",
                last.where,
                f"the options of {item} ({subgroup}: {value}) add to {total:g}",
                row=last.row["row"],
                column="percent",
                value=f"{total:g}",
                expected=f"at most {100 + ROUNDING * len(shares):g}"
                + ("; is it multiple choice (answer: multiple), or is a net counted as an option?" if fatal else ""),
                severity="error" if fatal else "warning",
            )
        )
    return problems


def conflicts(figures: Sequence[Figure], declared: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of the `conflicts` table (without release and position): differing figures, then what the manifest names."""
    rows: list[dict[str, Any]] = []
    chosen = {f.cell: f for f in figures if f.row["standing"] == "figure"}
    for figure in figures:
        ours = chosen.get(figure.cell)
        if ours is None or ours is figure or not _differ(figure, ours):
            continue
        rows.append(
            {
                "kind": "figure",
                "subject": " / ".join(figure.cell),
                "ours": f"{ours.row['percent']} ({ours.row['published']})",
                "other": f"{figure.row['percent']} ({figure.row['published']}, {figure.row['standing']})",
                "source": figure.row["source_url"],
                "reason": figure.row["note"],
            }
        )
    for conflict in declared:
        rows.append({"kind": "metadata", **conflict.model_dump()})
    return rows


def _differ(one: Figure, other: Figure) -> bool:
    """Whether two printed figures contradict each other: 27 does not contradict 27.2, it is 27.2 rounded."""
    if "exact" not in (one.row["qualifier"], other.row["qualifier"]) or one.row["qualifier"] != other.row["qualifier"]:
        return False
    a, b = one.row["percent"], other.row["percent"]
    if "-" in a or "-" in b:
        return bool(a != b)
    digits = min(len(text.partition(".")[2]) for text in (a, b))
    return abs(float(a) - float(b)) > 0.5 * 10**-digits + 1e-9 if a != b else False
