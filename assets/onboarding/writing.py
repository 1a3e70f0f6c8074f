"""The files of a drafted folder: two CSV tables for the refresh, one page for the person.

Belongs here: layout of what is written. Does not belong here: what it says.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assets.onboarding.codes import Code
from assets.onboarding.crosswalk import Question
from assets.onboarding.hints import NewVariable
from assets.onboarding.matching import Match
from schemas.crosswalk import CategoryRow, QuestionRow

if TYPE_CHECKING:
    from assets.onboarding.draft import Draft

QUESTION_COLUMNS = (
    *("question", "item", "variable", "variable_label", "where", "base", "wording", "wording_kind"),
    *("question_match", "options_match", "answer", "form", "n", "decision", "reason", "reviewed_by"),
)
CATEGORY_COLUMNS = ("question", "code", "label", "category", "kind", "score", "in_base", "note")
PAGE = "draft.md"
DECIDE = "## To decide"
MOST_CODES_SHOWN = 15
_SAME_OPTIONS = 0.99


def questions_csv(rows: Iterable[QuestionRow]) -> str:
    """`questions.csv`; `reviewed_by` is there and empty."""
    return _csv(QUESTION_COLUMNS, rows)


def categories_csv(rows: Iterable[CategoryRow]) -> str:
    """`categories.csv`."""
    return _csv(CATEGORY_COLUMNS, rows)


def _csv(columns: Sequence[str], rows: Iterable[BaseModel]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = row.model_dump()
        writer.writerow(["" if values[name] is None else _cell(values[name]) for name in columns])
    return out.getvalue()


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def page(made: "Draft") -> str:
    """`draft.md`: what was matched and why, and what is open. Nothing reads it; remove it after the review."""
    parts = [
        _head(made),
        _open(made),
        _weights(made),
        _questions([one for one in made.crosswalk.questions if one.row is not None]),
        _without_row([one for one in made.crosswalk.questions if one.row is None]),
        _others(made),
        _taken_over(made),
        _new([one for one in made.new if one.is_question]),
        _left_out(made),
    ]
    return "\n".join(part for part in parts if part)


def _head(made: "Draft") -> str:
    lines = [
        f"# Draft of {made.release}",
        "",
        f"From {made.source.path}: {made.contents.codebook.rows:,} rows, {made.contents.codebook.columns} variables.",
    ]
    if made.previous is None:
        lines.append("This is the first wave of its series: every question is new.")
    else:
        lines.append(f"Compared with {made.previous.written.release} ({made.previous.why}); labels of that wave from")
        lines.append(f"{made.previous.told_by}.")
    lines += [f"The same file is used by {', '.join(made.known_as)}."] if made.known_as else []
    lines += [
        "",
        "Nothing here is reviewed. Whoever has read a row of questions.csv puts a name into `reviewed_by`.",
        "",
    ]
    return "\n".join(lines)


def _open(made: "Draft") -> str:
    lines = [DECIDE, ""]
    lines += [f"- {text}" for text in made.open] or ["Nothing: a refresh loads this draft as provisional."]
    if made.problems:
        lines += ["", "Until then a refresh sets this release aside:", ""]
        lines += [f"- {problem}" for problem in made.problems]
    lines += ["", "To check in release.yml:", "", *(f"- {text}" for text in made.manifest.check), ""]
    return "\n".join(lines)


def _weights(made: "Draft") -> str:
    found = made.suggestions
    rows = [(f"{one.points}", one.variable, one.label or "", "; ".join(one.reasons)) for one in found.weights]
    rows += [("no", one.variable, one.label or "", "; ".join(one.reasons)) for one in found.not_weights]
    lines = ["## Weight and design", ""]
    lines += _table(("points", "variable", "label", "reasons"), rows) if rows else ["Nothing looks like a weight."]
    known = any(text.startswith("design: ") for text in made.manifest.carried)
    for what, some in (("stratum", found.strata), ("sampling unit", found.units)) if not known else ():
        lines += [f"- {one.variable} may be a {what}: {'; '.join(one.reasons)}" for one in some]
    return "\n".join([*lines, ""])


def _questions(questions: Sequence[Question]) -> str:
    if not questions:
        return ""
    lines = ["## Questions", ""]
    for one in questions:
        row = one.row
        assert row is not None  # noqa: S101
        lines += [f"### {one.old.question} -> {row.question} ({row.item}): {', '.join(one.changes)}", ""]
        if one.match is not None:
            lines.append(
                f"{one.match.old} -> {one.match.new}, score {one.match.score:.2f}: {'; '.join(one.match.why)}."
            )
            lines += [f"Nearly as like: {one.match.rival}. Look at both."] if one.match.rival else []
        if one.status == "reworded":
            lines += [
                "",
                f"- was: {_line(one.old.variable_label or one.old.wording)}",
                f"- is: {_line(one.label or '')}",
            ]
        lines += (
            ["", *_codes(one.codes)] if any(code.status != "same" for code in one.codes) else [_all_same(one.codes)]
        )
        lines.append("")
    return "\n".join(lines)


def _all_same(codes: Sequence[Code]) -> str:
    return f"All {len(codes)} codes mean what they did." if codes else ""


def _codes(codes: Sequence[Code]) -> list[str]:
    rows = [
        (
            code.code,
            code.label or "",
            "" if code.n is None else f"{code.n:,}",
            code.status + (", no row" if code.status == "new" else ""),
            (code.row.category or code.row.kind) if code.row else "",
            code.note or "",
        )
        for code in codes
    ]
    return _table(("code", "label", "rows", "status", "category", "note"), rows)


def _without_row(questions: Sequence[Question]) -> str:
    if not questions:
        return ""
    rows = [(one.old.question, one.old.item, one.status, one.why_not or "") for one in questions]
    return "\n".join(["## Questions without a row", "", *_table(("was", "item", "status", "why"), rows), ""])


def _others(made: "Draft") -> str:
    """Variables outside the crosswalk: pairs that are not plainly the same, and pairs that a person should look at."""
    matching = made.crosswalk.matching
    if matching is None:
        return ""
    asked = {name for one in made.crosswalk.questions for name in one.variables}
    rows = [_pair(one, "") for one in matching.pairs.values() if one.old not in asked and _worth_showing(one)]
    rows += [_pair(one, "perhaps") for one in matching.perhaps]
    same = sum(1 for one in matching.pairs.values() if one.old not in asked and not _worth_showing(one))
    lines = [
        "## Other variables",
        "",
        f"{same} more variables have kept name, label and options, as far as they have any.",
    ]
    lines += ["", *_table(("was", "is", "", "score", "why"), rows)] if rows else []
    gone = [name for name in matching.gone if name not in {one.old for one in matching.perhaps}]
    lines += ["", f"Gone: {', '.join(gone)}."] if gone else []
    return "\n".join([*lines, ""])


def _worth_showing(one: Match) -> bool:
    """A pair that is not plainly the same; a name without a label in one of the files is all there is to say of it."""
    return one.moved or one.wording == "reworded" or (one.options is not None and one.options < _SAME_OPTIONS)


def _pair(one: Match, remark: str) -> tuple[str, ...]:
    return one.old, one.new, remark, f"{one.score:.2f}", "; ".join(one.why)


def _taken_over(made: "Draft") -> str:
    names = made.crosswalk.matching.taken_over if made.crosswalk.matching else ()
    if not names:
        return ""
    told = "These names stand in both files, for questions that are not worded alike: "
    return "\n".join(["## Names that mean something else now", "", told + ", ".join(names) + ".", ""])


def _new(found: Sequence[NewVariable]) -> str:
    if not found:
        return ""
    lines = [
        "## New questions",
        "",
        "Not in the crosswalk. A question becomes part of a trend with a row and an item.",
        "",
    ]
    for one in found:
        shown = [f"{code} {label}" + ("" if n is None else f" ({n:,})") for code, label, n in one.codes]
        more = f"; and {len(shown) - MOST_CODES_SHOWN} more" if len(shown) > MOST_CODES_SHOWN else ""
        lines.append(f"- **{one.name}** {_line(one.label or 'no label')}")
        lines.append(f"  {_line('; '.join(shown[:MOST_CODES_SHOWN]))}{more}")
        lines += [f"  Perhaps {one.hint}."] if one.hint else []
    return "\n".join([*lines, ""])


def _left_out(made: "Draft") -> str:
    dropped = [f"{one.name} ({one.dropped})" for one in made.contents.codebook.variables if one.dropped]
    if not dropped:
        return ""
    told = "Not read, as they may tell who somebody is (`keep` under `reading` reads one by name): "
    return "\n".join(["## Left out", "", told + ", ".join(dropped) + ".", ""])


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_line(cell).replace("|", "\\|") for cell in cells) + " |"

    return [line(columns), "|" + "---|" * len(columns), *(line(row) for row in rows)]


def _line(text: str) -> str:
    return " ".join(text.split())
