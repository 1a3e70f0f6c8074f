"""Sheets of one item over its waves: the trend, the changes, the words of every wave.

Belongs here: where each figure stands. Does not belong here: comparability and tests, which come from the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from openpyxl.worksheet.worksheet import Worksheet

from assets.exports import styles
from assets.exports.crosstabs import Crosstab
from assets.exports.reading import TOTAL, Facts, key_of
from assets.exports.sheets import LEGEND, effective, mean, share
from assets.exports.styles import put
from assets.words import COMPARABILITY, VERDICTS, WORDING_KINDS, days, said
from warehouse.rows import Row

_LABELS, _COLUMN = 36.0, 11.0


def trend(sheet: Worksheet, title: str, facts: Facts, tables: Sequence[Crosstab]) -> None:
    """One block a series: waves across, answers down; a strong line where two waves must not be joined."""
    shown = [table for table in tables if TOTAL in table.groups]
    most = max((sum(1 for _ in own) for _, own in _by_series(shown)), default=1)
    styles.widths(sheet, _LABELS, *[_COLUMN] * most)
    styles.page(sheet)
    put(sheet, 1, 1, title, styles.TITLE)
    put(sheet, 2, 1, f"{LEGEND}    strong line: waves at its two sides must not be joined", styles.SMALL)
    sheet.freeze_panes = "B3"
    row = 4
    for _, own in _by_series(shown):
        row = _block(sheet, row, facts, list(own)) + 2


def _by_series(tables: Sequence[Crosstab]) -> "groupby[tuple[str, str], Crosstab]":
    ordered = sorted(tables, key=lambda table: (*key_of(table.wave)[:2], table.number))
    return groupby(ordered, key=lambda table: (table.wave["organisation"], table.wave["series"]))


def _block(sheet: Worksheet, row: int, facts: Facts, tables: list[Crosstab]) -> int:
    wave = tables[0].wave
    put(sheet, row, 1, f"{facts.house(wave)}: {facts.line(wave)}", styles.HEADING)
    steps = [_step(facts, table) for table in tables]
    gaps = list(_gaps(steps))
    notes: list[str] = []
    heads = (
        ("Wave", [table.wave["wave"] for table in tables]),
        ("Fieldwork", [days(table.wave["fieldwork_start"], table.wave["fieldwork_end"]) for table in tables]),
        ("Step from the wave before", [_said(table, step, notes) for table, step in zip(tables, steps, strict=True)]),
    )
    for name, values in heads:
        row += 1
        put(sheet, row, 1, name, styles.HEAD_LEFT)
        for at, value in enumerate(values, start=2):
            put(sheet, row, at, value, replace(styles.HEAD, bold=name == "Wave", size=9, gap=gaps[at - 2]))
        styles.height(sheet, row, max(values, key=len), _COLUMN - 1)
    row = _bases(sheet, row, tables, gaps)
    for category in _categories(facts, tables):
        row += 1
        put(sheet, row, 1, category["label"], replace(styles.TEXT, bold=category["kind"] == "net"))
        styles.height(sheet, row, category["label"], _LABELS - 1)
        for at, table in enumerate(tables):
            cell = table.cells.get((TOTAL, category["category"]))
            if cell is not None:
                share(sheet, row, at + 2, cell, bold=category["kind"] == "net", gap=gaps[at])
            elif gaps[at]:
                put(sheet, row, at + 2, None, styles.Look(gap=True))
    row = _means(sheet, row, tables, gaps)
    for number, note in enumerate(notes, start=1):
        row += 1
        put(sheet, row, 1, f"[{number}] {note}", styles.SMALL)
    return row


def _means(sheet: Worksheet, row: int, tables: list[Crosstab], gaps: list[bool]) -> int:
    for statistic in dict.fromkeys(name for table in tables for name, of in table.scores.items() if TOTAL in of):
        row += 1
        put(sheet, row, 1, statistic.capitalize(), replace(styles.TEXT, italic=True))
        for at, table in enumerate(tables):
            score = table.scores.get(statistic, {}).get(TOTAL)
            if score is not None:
                mean(sheet, row, at + 2, score, gaps[at])
    return row


def _bases(sheet: Worksheet, row: int, tables: list[Crosstab], gaps: list[bool]) -> int:
    for name, column in (("Unweighted base", "n"), ("Effective base (lowest)", "n_effective")):
        row += 1
        look = replace(styles.PLAIN, italic=True, grey=True, below=column == "n_effective")
        put(sheet, row, 1, name, look)
        for at, table in enumerate(tables):
            value, here = table.base(TOTAL, column), replace(look, align="right", gap=gaps[at])
            if value is None:
                put(sheet, row, at + 2, "not stated" if column == "n" else None, replace(here, size=9))
            elif column == "n":
                put(sheet, row, at + 2, value, replace(here, form=styles.COUNT))
            else:
                effective(sheet, row, at + 2, value, here)
    return row


def _categories(facts: Facts, tables: list[Crosstab]) -> list[Row]:
    used = {row["category"] for table in tables for row in table.categories}
    item = str(tables[0].item["item"])
    return [row for row in facts.categories.get(item, []) if row["category"] in used]


def _step(facts: Facts, table: Crosstab) -> Row | None:
    """The step that leads to this wave, as the trend of its first answer has it; None outside trends."""
    for category in table.categories:
        cell = table.cells.get((TOTAL, category["category"]))
        found = facts.trends.get(cell["estimate_id"]) if cell else None
        if found:
            return found
    return None


def _gaps(steps: Sequence[Row | None]) -> Iterator[bool]:
    """Before which waves of the trend a new segment begins; a wave outside the trend is joined with none anyway."""
    segment = None
    for step in steps:
        yield step is not None and segment is not None and step["segment"] != segment
        segment = segment if step is None else step["segment"]


def _said(table: Crosstab, step: Row | None, notes: list[str]) -> str:
    if step is None:
        return "outside the trend" if table.categories else "means have no trend"
    if step["comparability"] is None:
        return "first"
    text = said(COMPARABILITY, step["comparability"])
    for reason in step["reasons"]:
        if reason not in notes:
            notes.append(reason)
        text += f" [{notes.index(reason) + 1}]"
    return text


def changes(sheet: Worksheet, title: str, facts: Facts) -> None:
    """Pairs of waves with the verdict of the database; a list that can be filtered."""
    heads = ("House", "Series", "Answer", "Pair", "From wave", "To wave", "Percent from", "Percent to", "Change",
             "95 % from", "to", "p adjusted", "Verdict", "Comparability", "Reasons")  # fmt: skip
    styles.widths(sheet, 20, 20, 30, 12, 9, 9, 9, 9, 9, 9, 9, 10, 20, 20, 70)
    styles.page(sheet, "3:3")
    put(sheet, 1, 1, title, styles.TITLE)
    put(sheet, 2, 1, "Everyone asked. Nothing is tested across a break. p is adjusted within its family of tests.",
        styles.SMALL)  # fmt: skip
    for at, name in enumerate(heads, start=1):
        put(sheet, 3, at, name, replace(styles.HEAD_LEFT, align="right" if 7 <= at <= 12 else None, indent=at // 13))
    sheet.row_dimensions[3].height = 28.0
    labels: dict[str, str] = {row["category"]: row["label"] for rows in facts.categories.values() for row in rows}
    row = 3
    for change in facts.changes:
        row += 1
        answer = labels.get(change["category"], str(change["category"]))
        texts: list[str] = [facts.house(change), facts.line(change), answer, change["pair"].replace("_", " ")]
        texts += [change["wave_from"], change["wave_to"]]
        for at, text in enumerate(texts, start=1):
            put(sheet, row, at, text, styles.TEXT)
        styles.height(sheet, row, max(texts[:3], key=len), 21)
        for at, (name, form) in enumerate(_CHANGE_COLUMNS, start=7):
            if change[name] is not None:
                put(sheet, row, at, change[name], styles.Look(align="right", form=form))
        put(
            sheet,
            row,
            13,
            said(VERDICTS, change["verdict"]),
            styles.Look(bold=change["verdict"] in ("rise", "fall"), indent=1),
        )
        put(sheet, row, 14, said(COMPARABILITY, change["comparability"]), replace(styles.TEXT, indent=1))
        put(sheet, row, 15, "; ".join(change["reasons"]), replace(styles.TEXT, size=9, grey=True, indent=1))
        styles.height(sheet, row, "; ".join(change["reasons"]), 78)
    sheet.auto_filter.ref = f"A3:O{max(row, 4)}"
    sheet.freeze_panes = "D4"


_CHANGE_COLUMNS = (
    ("percent_from", styles.SHARE), ("percent_to", styles.SHARE), ("change", styles.CHANGE),
    ("change_low", styles.CHANGE), ("change_high", styles.CHANGE), ("p_adjusted", styles.CHANCE),
)  # fmt: skip


def wording(sheet: Worksheet, title: str, facts: Facts) -> None:
    """The question as it was asked in every wave, and what a trend does with it."""
    heads = ("House", "Wave", "Fieldwork", "Words of the question", "Whose words", "Question", "Options",
             "Decision", "Why", "Reviewed by")  # fmt: skip
    styles.widths(sheet, 22, 10, 22, 70, 18, 12, 12, 12, 60, 20)
    styles.page(sheet, "3:3")
    put(sheet, 1, 1, title, styles.TITLE)
    put(sheet, 2, 1, "Question and Options: how far they are those of the item.", styles.SMALL)
    for at, name in enumerate(heads, start=1):
        put(sheet, 3, at, name, styles.HEAD_LEFT)
    order = {key_of(wave): (at, wave) for at, wave in enumerate(facts.waves)}
    row = 3
    for question in sorted(facts.questions.values(), key=lambda one: (order[key_of(one)][0], one["question"])):
        wave = order[key_of(question)][1]
        row += 1
        texts = (
            facts.house(wave), wave["wave"], days(wave["fieldwork_start"], wave["fieldwork_end"]), question["wording"],
            said(WORDING_KINDS, question["wording_kind"]), question["question_match"], question["options_match"],
            question["decision"], question["reason"] or "", question["reviewed_by"] or "nobody yet",
        )  # fmt: skip
        for at, text in enumerate(texts, start=1):
            put(sheet, row, at, text, styles.TEXT)
        styles.height(sheet, row, question["wording"], 66)
        styles.height(sheet, row, question["reason"] or "", 56)
    sheet.freeze_panes = "C4"
