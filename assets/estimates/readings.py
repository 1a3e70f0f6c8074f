"""Other readings of an estimate: without those who don't know or refuse, and with every respondent counted once.

Belongs here: which estimates have another reading, and its rows. Does not belong here: the sums and margins, which are
the engine's (`.engine`) as for the estimates themselves; what becomes of changes (assets.trends.readings).

`without_dont_know`: who chose a category of kind dont_know or refused is left out of the base. The design stays whole,
so that a share is what R's `svymean` gives for `subset(design, ...)`. Of published figures it is share / (100 - don't
know - refused) where these are printed exactly, and its interval Wilson's on the effective n of those who are left.
`unweighted`: every respondent with a weight counts once, as if drawn by himself.

Where nobody of the base doesn't know, or all weights are alike, there is no row: that reading is the estimate. Where a
reading applies and has no share, there is a row without one, whose flags say why.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from assets.estimates.published import wilson
from assets.estimates.rows import SMALL_BASE
from assets.questions.cells import ROUNDING
from schemas.item import Item
from schemas.vocabulary import Reading

if TYPE_CHECKING:
    import pyarrow

    from assets.estimates.engine.coded import Answers, Question

LEFT_OUT = frozenset({"dont_know", "refused"})  # kinds of categories
CODE = "readings 1"  # raised by hand when a reading comes out otherwise
_CELL = ("item", "category", "subgroup", "subgroup_value")
_cell = itemgetter(*_CELL)
_SHARED = ("release", "organisation", "series", "wave", *_CELL, "basis", "estimate_id")
_NUMBERS = ("percent", "percent_low", "percent_high", "standard_error", "n", "n_effective")
_METHODS = ("variance_method", "interval_method")
_OF_SIZE = frozenset({"suppressed", "small_base", "no_variance", "no_degrees_of_freedom"})  # flags of one figure alone

Row = dict[str, Any]
Items = Mapping[str, Item]


def of_answers(answers: "Answers", values: Sequence[Row], items: Items) -> list[Row]:
    """Readings of the estimates from one release's answers.

    Args:
        answers: coded.
        values: its estimates, as `.engine.tables.estimate` gives them.
        items: that its questions ask.

    Returns:
        Rows of `readings`.
    """
    # Imported here: a refresh without respondents' answers need not wait for scipy.
    from assets.estimates.engine.tables import estimate
    from assets.estimates.engine.views import equal_weights, left_out, unweighted

    asked = {one.question: one for one in answers.header.questions if _without(items[one.item]) & {*one.categories}}
    rows: list[Row] = []
    if asked:
        gone = {one.item: _without(items[one.item]) for one in asked.values()}
        found = _by_cell(estimate(left_out(answers, gone))[0])
        why = {name: _reasons(one, gone[one.item]) for name, one in asked.items()}
        rows += [
            _read(row, "without_dont_know", found.get(_cell(row)), why[row["question"]].get(row["category"]))
            for row in values
            if row["question"] in asked
        ]
    if not equal_weights(answers):
        found = _by_cell(estimate(unweighted(answers))[0])
        rows += [_read(row, "unweighted", found.get(_cell(row))) for row in values]
    return rows


def of_published(values: Iterable[Row], items: Items, several: Set[str] = frozenset()) -> list[Row]:
    """Readings of published figures, without don't know.

    Args:
        values: estimates of one release, as `.published.estimate` gives them; all others are left alone.
        items: that its questions ask.
        several: questions with several answers a person.

    Returns:
        Rows of `readings`. Where the printed answers add up to 100 and don't know is not among them there are none.
    """
    columns: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in values:
        if row["basis"] == "published" and row["standing"] == "figure":
            columns[row["question"], row["item"], row["subgroup"], row["subgroup_value"]].append(row)
    out = []
    for (question, item, *_), rows in columns.items():
        if _without(items[item]):
            out += _published(rows, items[item], question in several)
    return out


def _published(rows: Sequence[Row], item: Item, several: bool) -> list[Row]:
    """Of one question in one column."""
    printed = {row["category"]: row["percent"] if row["qualifier"] == "exact" else None for row in rows}
    kinds, left = item.kinds(), _without(item)
    options = [percent for category, percent in printed.items() if kinds[category] != "net"]
    known = [percent for percent in options if percent is not None]
    whole = len(known) == len(options) and abs(sum(known) - 100) <= ROUNDING * len(known)
    gone = {category: printed[category] for category in left if category in printed}
    if whole and not gone:
        return []
    sure = None not in gone.values() and (whole or len(gone) == len(left))
    why = "several_answers" if several else None if sure else "dont_know_unknown"
    out = []
    for row in rows:
        inside = _parts(item, row["category"]) & left
        own = "left_out" if inside and inside == _parts(item, row["category"]) else why
        out.append(_rescaled(row, own, {one: share or 0.0 for one, share in gone.items()}, inside))
    return out


def _rescaled(row: Row, why: str | None, gone: Mapping[str, float], inside: Set[str]) -> Row:
    """A published figure as a part of those who are left.

    Args:
        row: the estimate.
        why: why there is no share, if that is known before.
        gone: what was printed of those who are left out.
        inside: categories left out that are parts of this one, a net.
    """
    left = 100 - sum(gone.values())
    unknown = "not_exact" if row["percent"] is None or row["qualifier"] != "exact" else None
    told = why or unknown or ("nobody_left" if left <= 0 else None)
    if told:
        return _read(row, "without_dont_know", None, told)
    # Printed figures are rounded, so a net may be a little less than its parts, or more than what is left.
    share = min(max((row["percent"] - sum(gone.get(one, 0.0) for one in inside)) / left, 0.0), 1.0)
    found: Row = dict.fromkeys((*_NUMBERS, *_METHODS)) | {"percent": 100 * share, "flags": ["of_rounded_figures"]}
    if row.get("n_effective") is not None:
        n = row["n_effective"] * left / 100
        low, high = wilson(share, n)
        found |= {
            "percent_low": 100 * low,
            "percent_high": 100 * high,
            "standard_error": 100 * math.sqrt(share * (1 - share) / n),
            "n_effective": n,
            "variance_method": f"{row['variance_method']}, times the share that is left",
            "interval_method": row["interval_method"],
        }
        found["flags"] += ["small_base"] * (n < SMALL_BASE)
    return _read(row, "without_dont_know", found)


def _read(row: Row, reading: Reading, found: Row | None, why: str | None = None) -> Row:
    """A row of `readings`: of an estimate, with the numbers of another one of the same cell, or why there are none."""
    own = set(row["flags"]) - _OF_SIZE
    out: Row = {name: row[name] for name in _SHARED}
    out["reading"] = reading
    if "suppressed" in row["flags"]:  # what the estimate does not tell, no reading of it does
        out["flags"] = sorted(own | {"suppressed"})
    elif found is None or why is not None:
        out["flags"] = sorted(own | {why or "nobody_left"})
    else:
        out |= found
        out["flags"] = sorted(own.union(found["flags"]))
    return out


def _reasons(question: "Question", gone: Set[str]) -> dict[str, str]:
    """Why categories and nets of a question have no share once some categories are left out; others are not named."""
    if question.columns:
        return dict.fromkeys([*question.categories, *question.nets], "several_answers")
    nets = [net for net, parts in question.nets.items() if gone >= {*parts}]
    return dict.fromkeys([*(gone & {*question.categories}), *nets], "left_out")


def _without(item: Item) -> frozenset[str]:
    """Categories that say nothing of the question."""
    return frozenset(category for category, kind in item.kinds().items() if kind in LEFT_OUT)


def _parts(item: Item, category: str) -> frozenset[str]:
    """A category, or what a net consists of in the end."""
    of = {one.id: one.of for one in item.categories}
    found, open_ = set(), [category]
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_ += of[one]
    return frozenset(one for one in found if not of[one])


def _by_cell(estimates: "pyarrow.Table") -> dict[tuple[str, ...], Row]:
    told = estimates.select([*_NUMBERS, *_METHODS, "flags"]).to_pylist()
    return dict(zip(zip(*(estimates[name].to_pylist() for name in _CELL), strict=True), told, strict=True))
