"""Whether two waves of an item compare: every rule, in one table.

Belongs here: the rules and the verdict of a step. Does not belong here: finding the steps (assets.trends.steps).

A rule looks at the two ends of a step and gives a reason or nothing; the worst rule that gives a reason decides.
Comparability is declared by the catalogue, never guessed from figures. The order of verdicts follows Pew Research
Center's practice for breaks: break the line, keep it and draw attention, keep it plain.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from schemas.vocabulary import Comparability, words

WORST_FIRST: tuple[Comparability, ...] = ("unreviewed", "not_comparable", "break", "with_note", "comparable")


@dataclass(frozen=True)
class End:
    """One end of a step: the question as asked in one wave."""

    wave: str
    question_match: str
    options_match: str
    decision: str
    reason: str | None
    reviewed: bool
    form: str
    base: str
    mode: str | None
    population: str | None
    weighting: str | None


@dataclass(frozen=True)
class Rule:
    """A rule: what it is called, what it makes of a step, and when (the reason, or None)."""

    name: str
    verdict: Comparability
    applies: Callable[[End, End], str | None]


def _unreviewed(one: End, two: End) -> str | None:
    waves = [end.wave for end in (one, two) if not end.reviewed]
    return f"not reviewed in wave {' and '.join(waves)}" if waves else None


def _different(one: End, two: End) -> str | None:
    ends = [end for end in (one, two) if end.question_match == "different"]
    return "; ".join(f"another question in wave {end.wave}: {end.reason}" for end in ends) or None


def _break_here(_: End, two: End) -> str | None:
    return f"break at wave {two.wave}: {two.reason}" if two.decision == "break" else None


def _options(verdict_of: tuple[str, ...], says: str) -> Callable[[End, End], str | None]:
    def applies(one: End, two: End) -> str | None:
        ends = [end for end in (one, two) if end.options_match in verdict_of]
        # Two waves that both changed in the same way still differ from the item, not necessarily from each other.
        return "; ".join(f"{says} in wave {end.wave}: {end.reason}" for end in ends) or None

    return applies


def _similar(one: End, two: End) -> str | None:
    ends = [end for end in (one, two) if end.question_match == "similar"]
    return "; ".join(f"similar question in wave {end.wave}: {end.reason}" for end in ends) or None


def _note(_: End, two: End) -> str | None:
    """A note is about the step that leads to its wave."""
    return f"wave {two.wave}: {two.reason}" if two.decision == "note" else None


def _base(one: End, two: End) -> str | None:
    return f"base changes from {one.base} to {two.base}" if one.base != two.base else None


def _form(one: End, two: End) -> str | None:
    versions = [end.wave for end in (one, two) if end.form == "version"]
    return f"one of several wordings in wave {' and '.join(versions)}" if versions else None


def _changes(attribute: str, called: str) -> Callable[[End, End], str | None]:
    def applies(one: End, two: End) -> str | None:
        before, after = getattr(one, attribute), getattr(two, attribute)
        if before is None or after is None or same_words(before, after):
            return None
        return f"{called} changes from {before!r} to {after!r}"

    return applies


def same_words(one: str, two: str) -> bool:
    """Whether two descriptions differ only in case, punctuation or remarks in brackets."""
    return one == two or _core(one) == _core(two)


@lru_cache(maxsize=1 << 12)
def _core(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"\([^)]*\)", " ", text.casefold()))


RULES: tuple[Rule, ...] = (
    Rule("reviewed", "unreviewed", _unreviewed),
    Rule("same question", "not_comparable", _different),
    Rule("declared break", "break", _break_here),
    Rule("same options", "break", _options(("different",), "other options")),
    Rule("same base", "break", _base),
    Rule("same wording within the wave", "break", _form),
    Rule("similar question", "with_note", _similar),
    Rule("options changed", "with_note", _options(("changed", "collapsed"), "options changed")),
    Rule("declared note", "with_note", _note),
    Rule("same mode", "with_note", _changes("mode", "mode")),
    Rule("same population", "with_note", _changes("population", "population")),
    Rule("same weighting", "with_note", _changes("weighting", "weighting")),
)


def judge(one: End, two: End, between: tuple[End, ...] = ()) -> tuple[Comparability, list[str]]:
    """The verdict on a step from `one` to `two`, and every reason for it.

    Args:
        one: earlier end.
        two: later end.
        between: waves of the same item that lie between without a figure for this cell: a break there counts.
    """
    found: list[tuple[Comparability, str]] = []
    for rule in RULES:
        reason = rule.applies(one, two)
        if reason:
            found.append((rule.verdict, reason))
    for end in between:
        if end.decision == "break" and end.reviewed:
            found.append(("break", f"break at wave {end.wave}: {end.reason}"))
        elif not end.reviewed:
            found.append(("with_note", f"wave {end.wave} lies between and is not reviewed"))
    if not found:
        return "comparable", []
    found.sort(key=lambda f: WORST_FIRST.index(f[0]))
    return found[0][0], _once([reason for _, reason in found])


def _once(reasons: list[str]) -> list[str]:
    """Each reason once: what two rules say in the same words of the catalogue is one reason."""
    kept: list[str] = []
    for reason in reasons:
        words = reason.partition(": ")[2] or reason
        if not any(words in other for other in kept):
            kept.append(reason)
    return kept


def joins(verdict: Comparability) -> bool:
    """Whether a line may be drawn through the step and a change be computed."""
    return verdict in ("comparable", "with_note")


assert set(WORST_FIRST) == set(words(Comparability))  # noqa: S101  every verdict has its place
