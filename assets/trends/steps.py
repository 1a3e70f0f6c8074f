"""The tables `trends` and `changes` of whole items, all lines at once.

Belongs here: which pairs of waves are compared and tested together, and their columns. Does not belong here: order and
verdicts (assets.trends.lines), the test (assets.trends.change), adjustment (assets.trends.families), what two waves
share (assets.trends.shared).

Nothing is tested across a break or without review. Families: the steps of one line; the same line against its baseline;
all answers of an item in one column, first wave against last.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow

from assets.trends import change, columns, families
from assets.trends.columns import Codes, Floats
from assets.trends.comparability import WORST_FIRST
from assets.trends.lines import Lines, Pairs, Reviewed
from assets.trends.shared import Common, Shared
from schemas.tables.comparisons import CHANGES, TRENDS
from schemas.vocabulary import Pair, words

PAIRS = words(Pair)


def figures(lines: Lines) -> change.Figures:
    """Shares with their errors, (rows,)."""
    return change.Figures(
        *(columns.numbers(lines.columns[name]) for name in ("percent", "standard_error", "n_effective"))
    )


def trends(lines: Lines, reviewed: Reviewed) -> pyarrow.Table:
    """Rows of `trends`: the reviewed estimates, each with the step that leads to it."""
    percent, at, before = figures(lines).percent, reviewed.row, np.roll(reviewed.row, 1)
    stepped = ~reviewed.first
    joined = stepped & Pairs(before, at, reviewed.verdict, reviewed.reason).joined
    picked = _picker(lines, at)
    own = {
        "position": pyarrow.array(reviewed.position),
        "segment": pyarrow.array(reviewed.segment),
        "predecessor": columns.masked(lines.columns["wave"].take(pyarrow.array(before)), stepped),
        "predecessor_percent": columns.values(np.where(stepped, percent[before], np.nan)),
        "change": columns.values(np.where(joined, percent[at] - percent[before], np.nan)),
        "comparability": columns.words(WORST_FIRST, reviewed.verdict, stepped),
        "reasons": columns.lists(lines.reasons.lists, reviewed.reason),
        "wording": lines.wordings(at),
    }
    return columns.table(TRENDS, {name: own[name] if name in own else picked(name) for name in TRENDS.columns})


def changes(lines: Lines, steps: Pairs, ways: Pairs, baseline: Pairs, shared: Shared | None = None) -> pyarrow.Table:
    """Rows of `changes`, line by line.

    Args:
        lines: the lines.
        steps: consecutive waves.
        ways: first and last waves of segments.
        baseline: waves against the baseline.
        shared: what waves share; None is nothing.
    """
    kinds = {"consecutive": steps, "first_last": ways, "baseline": baseline}
    of_kind = {
        "consecutive": (lines.line, lines.called("consecutive waves of {}", "line")),
        "first_last": (lines.column, lines.called("first to last wave of {}, all answers", "column")),
        "baseline": (lines.line, lines.called("waves of {} against the baseline", "line")),
    }
    names: list[str] = []
    parts = []
    for kind, pairs in kinds.items():
        family, texts = of_kind[kind]
        kind_of = np.full(len(pairs.one), PAIRS.index(kind))
        parts.append((*pairs.columns, kind_of, family[pairs.two] + len(names)))
        names += texts if len(pairs.one) else ()
    *pairs_, kind_of, family = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(lines.line[pairs_[1]], kind="stable")
    return _compared(lines, Pairs(*(column[order] for column in pairs_)), kind_of[order], family[order], names, shared)


def _compared(
    lines: Lines, pairs: Pairs, kind: Codes, family: Codes, names: Sequence[str], shared: Shared | None
) -> pyarrow.Table:
    """Rows of `changes` in the order of the pairs; `family` is the position of its name."""
    many, known, at = len(pairs.one), figures(lines), np.flatnonzero(pairs.joined)
    one, two = pairs.one[at], pairs.two[at]
    common = shared.of(lines, one, two) if shared else None
    before, after = known.at(one), known.at(two)
    covariance = common.used * before.standard_error * after.standard_error if common else 0.0
    found = change.tested(before, after, covariance)
    adjusted = families.adjust(found.p_value, family[at], found.change)
    reason = pairs.reason.copy()
    reason[at] = _spoken(lines, reason[at], one, two, found, common)
    verdict, tested = np.zeros(many, np.intp), np.zeros(many, np.bool_)
    verdict[at], tested[at] = adjusted.verdict, ~np.isnan(found.p_value)

    def spread(values: Floats) -> pyarrow.Array:
        whole = np.full(many, np.nan)
        whole[at] = values
        return columns.values(whole)

    picked = _picker(lines, pairs.two)
    own = {
        "wave_from": _picker(lines, pairs.one)("wave"),
        "wave_to": picked("wave"),
        "pair": columns.words(PAIRS, kind),
        "percent_from": columns.values(known.percent[pairs.one]),
        "percent_to": columns.values(known.percent[pairs.two]),
        "change": spread(found.change),
        "standard_error": spread(found.standard_error),
        "correlation": spread(common.correlation if common else np.full(len(at), np.nan)),
        "change_low": spread(found.change_low),
        "change_high": spread(found.change_high),
        "p_value": spread(found.p_value),
        "p_adjusted": spread(adjusted.holm),
        "p_adjusted_bh": spread(adjusted.benjamini_hochberg),
        "family": columns.words(names, family, tested),
        "detectable_change": spread(found.detectable_change),
        "comparability": columns.words(WORST_FIRST, pairs.verdict),
        "reasons": columns.lists(lines.reasons.lists, reason),
        "verdict": columns.words(families.VERDICTS, verdict),
        "other_readings": columns.lists([()], np.zeros(many, np.intp)),  # assets.trends.readings knows
    }
    return columns.table(CHANGES, {name: own[name] if name in own else picked(name) for name in CHANGES.columns})


def _spoken(lines: Lines, reason: Codes, one: Codes, two: Codes, found: change.Tested, common: Common | None) -> Codes:
    """Numbers of the reasons with what two waves share, and why there is no test."""
    first, second = found.error_unknown
    shared = common.reason if common else np.zeros(len(reason), np.intp)
    at = np.flatnonzero(first | second | found.cannot_vary | (shared > 0))
    if not len(at):
        return reason
    wave, out, told = columns.codes(lines.columns["wave"]), reason.copy(), shared[at]
    cases, of_case = columns.together(
        reason[at], told, first[at].astype(np.intp), second[at].astype(np.intp),
        found.cannot_vary[at].astype(np.intp) + found.same_answers[at], wave[one[at]], wave[two[at]],
    )  # fmt: skip
    names, made = lines.columns["wave"].dictionary.to_pylist(), []
    for case in of_case:
        here = at[case]
        unknown = [names[wave[row]] for row, lacks in ((one[here], first[here]), (two[here], second[here])) if lacks]
        still = change.SAME_ANSWERS if found.same_answers[here] else change.NO_ERROR
        more = [change.no_error(unknown)] if unknown else [still] if found.cannot_vary[here] else []
        made.append(lines.reasons.number([*lines.reasons.lists[reason[here]], *lines.reasons.lists[told[case]], *more]))
    out[at] = np.array(made, np.intp)[cases]
    return out


def _picker(lines: Lines, rows: Codes) -> Callable[[str], pyarrow.Array]:
    place = pyarrow.array(rows)
    return lambda name: lines.columns[name].take(place)
