"""When a rule applies, and what its sentence then needs.

Belongs here: one function for each rule of the table, each looking at one case. Does not belong here: the verdicts, the
sentences, their order (assets.claims.rules); which figures a sentence can mean (assets.claims.candidates).

A condition returns None, or the words its sentence needs with the figures behind them.
"""

from collections.abc import Sequence
from itertools import product

from assets.claims import numbers, sentences
from assets.claims.candidates import Case, usable
from assets.claims.denials import opposes
from assets.claims.facts import Figure, Printed
from assets.claims.populations import left_out

A_POINT = 1.0  # by which two printings of one figure may differ because parts were rounded before they were added
Told = tuple[dict[str, str], Sequence[Figure | Printed]]


# --- levels, majorities, complements ---------------------------------------------------------------------------------


def _level(case: Case) -> bool:
    return case.claim.comparison != "change" and case.claim.value is not None


def no_number(case: Case) -> Told | None:
    """A sentence without a figure, unless it claims a majority."""
    return ({}, []) if case.claim.value is None and case.claim.comparison != "majority" else None


def no_figure(case: Case) -> Told | None:
    """Nothing that the sentence could mean was known."""
    if case.meant or (case.claim.comparison == "change" and case.figures):
        return None
    when = f"of {case.claim.period}" if case.claim.period else ""
    known = f"was published by {case.day}" if case.day else "is here"
    return {"what": _what(case), "when": when and f" {when}", "known": known}, []


def agrees(case: Case) -> Told | None:
    """A figure that is meant has the value."""
    found = [f for f in case.meant if case.matches(f)]
    if not _level(case) or not found or (case.claim.comparison == "complement" and not case.two_sided):
        return None
    return {"measured": _measured(found)}, found


def older_wave(case: Case) -> Told | None:
    """The value is of a wave before the newest; in a change, of a later wave than the pair."""
    if case.claim.period:
        return None
    if case.claim.comparison == "change":
        found = [two for _, two in _pairs(case)][-1:]
    elif any(case.matches(f) for f in case.meant):
        return None
    else:
        found = [f for f in case.matching if all(f.when < m.when for m in case.meant if m.line == f.line)][-1:]
    newer = [m for m in case.meant if found and m.line == found[0].line and m.when > found[0].when]
    if not newer:
        return None
    newer = [f for f in case.figures if f.line == found[0].line and found[0].when < f.when <= newer[-1].when][-3:]
    return {"older": _measured(found), "newer": _measured(newer)}, [*found, *newer]


def revised(case: Case) -> Told | None:
    """A value that stood and was replaced has it."""
    if not _level(case) or case.found:
        return None
    was = [f for f in case.replaced if case.matches(f)][-1:]
    now = [f for f in case.figures if was and f.line == was[0].line and f.wave == was[0].wave]
    if not now:
        return None
    day = f" on {was[0].available_until}" if was[0].available_until else ""
    return {"was": sentences.share(was[0]), "day": day, "measured": _measured(now)}, [*was, *now]


def another_wave(case: Case) -> Told | None:
    """A wave outside the time that the sentence names has it."""
    if not _level(case) or not case.claim.period or any(case.matches(f) for f in case.meant):
        return None
    found = case.matching[-1:]
    if not found:
        return None
    stands = f", and the figure of {case.claim.period} is {_measured(case.meant)}" if case.meant else ""
    return {"period": case.claim.period, "measured": _measured(found), "stands": stands}, [*found, *case.meant]


def another_answer(case: Case) -> Told | None:
    """Another answer has it, in the wave that is meant."""
    if case.claim.comparison not in ("level", "majority") or case.found or not case.meant:
        return None
    waves = {(f.series, f.wave) for f in case.meant}
    about = case.answer
    nets = {a.category for a in case.facts.answers.get(case.claim.item, []) if case.claim.category in a.parts}
    found = [
        f
        for f in case.others
        if case.prints(f.percent)
        and (f.series, f.wave) in waves
        and f.category not in nets
        and not (about and f.category in about.parts)
    ]
    if not found:
        return None
    return {
        "value": _value(case),
        "label": sentences.listed(f'"{f.label}"' for f in found),
        "what": _what(case),
        "measured": _measured(case.meant),
    }, [*case.meant, *found]


def another_question(case: Case) -> Told | None:
    """A question declared apart has it, and no wave of this one."""
    if case.found or case.claim.other_value is not None or case.claim.value is None:
        return None
    found = [f for f in case.current(_of_house(case), case.claim.period) if case.prints(f.percent)]
    if not found:
        return None
    stands = f"; the question itself has {_measured(case.meant)}" if case.meant else ""
    return {
        "value": _value(case),
        "question": sentences.listed(f'"{case.facts.titles.get(f.item, f.item)}"' for f in found),
        "reason": "; ".join(dict.fromkeys(case.facts.apart[case.claim.item][f.item] for f in found)),
        "stands": stands,
    }, [*found, *case.meant]


def no_such_figure(case: Case) -> Told | None:
    """There is a figure, and no wave has the value."""
    if not _level(case) or not case.meant or case.matching:
        return None
    return {"value": _value(case), "measured": _measured(case.meant), "inside": _inside(case)}, case.meant


def no_majority(case: Case) -> Told | None:
    """The interval, or without one the figure, does not exceed a half."""
    found = [f for f in case.meant if f.percent is not None and (f.percent_high or f.percent) <= 50]
    if case.claim.comparison != "majority" or not found:
        return None
    return {"measured": _measured(found)}, found


def majority_unsure(case: Case) -> Told | None:
    """The interval includes a half."""
    found = [
        f for f in case.meant if f.percent is not None and (f.percent_low or f.percent) <= 50
        and (f.percent_high or f.percent) > 50
    ]  # fmt: skip
    if case.claim.comparison != "majority" or not found:
        return None
    return {"measured": _measured(found)}, found


def majority(case: Case) -> Told | None:
    """The interval lies above a half; only for sentences without a figure, the others have `agrees`."""
    if case.claim.comparison != "majority" or case.claim.value is not None:
        return None
    found = [f for f in case.meant if f.percent is not None and (f.percent_low or f.percent) > 50]
    return ({"measured": _measured(found)}, found) if found else None


# --- complements and parts -------------------------------------------------------------------------------------------


def complement(case: Case) -> Told | None:
    """100 minus an answer, where not everyone else gave the opposite one."""
    if case.claim.comparison == "complement":
        of = [f for f in case.meant if case.matches(f)] or case.found[-1:]
        return None if case.two_sided or not of else _took_away(case, of)
    if case.claim.comparison == "change" or case.claim.value is None or case.found:
        return None
    of = [f for f in [*case.meant, *case.others] if _left_over(case, f)]
    of = of or [f for f in case.older_answers if _left_over(case, f)][-1:]
    return _took_away(case, of[:1]) if of else None


def complement_elsewhere(case: Case) -> Told | None:
    """A denial whose value is 100 minus an answer to a question declared apart."""
    claim = case.claim
    if claim.comparison not in ("level", "majority") or claim.value is None or case.found or not case.answer:
        return None
    if not opposes(case.answer.label):
        return None
    affirmed = [f for f in case.affirmed_elsewhere if f.percent is not None]
    of = [f for f in affirmed if numbers.complements(claim.value, claim.qualifier, f.percent or 0)][-1:]
    if not of:
        return None
    return {
        "value": _value(case),
        "share": sentences.number(of[0].percent),
        "label": of[0].label,
        "question": case.facts.titles.get(of[0].item, of[0].item),
        "measured": _measured(of),
        "reason": case.facts.apart[claim.item][of[0].item],
        "what": _what(case),
        "own": _measured(case.meant),
    }, [*of, *case.meant]


def _left_over(case: Case, figure: Figure) -> bool:
    claim = case.claim
    if claim.value is None or figure.percent is None or case.no_answer(figure) or case.part_of_claimed(figure):
        return False
    own = [f.percent for f in case.beside(figure) if f.percent is not None]
    if figure.category != claim.category and own and min(own) >= claim.value - A_POINT:
        return False  # a complement that is not larger than the answer has taken in nobody
    # Both may have been rounded; that is only said where the answer itself is known to have another figure.
    other = figure.category != claim.category
    printed = numbers.rounding(figure.percent) if other and own and figure.published_text else 0.0
    return not case.two_sided and numbers.complements(claim.value, claim.qualifier, figure.percent, printed)


def _took_away(case: Case, of: Sequence[Figure]) -> Told:
    figure = of[-1]
    own = [f for f in case.beside(figure) if f.category != figure.category]
    leaves = [a for a in case.facts.answers.get(case.claim.item, []) if a.kind != "net"]
    also = [a.label for a in leaves if a.category != figure.category]
    said = f"{_what(case)} has {_measured(own)}" if own else f"the others did not all say the opposite: {_quoted(also)}"
    return {
        "value": _value(case),
        "share": sentences.number(figure.percent),
        "label": figure.label,
        "measured": _measured([figure]),
        "said": said,
    }, [figure, *own]


def with_the_undecided(case: Case) -> Told | None:
    """An answer and *don't know* taken together."""
    if case.claim.comparison not in ("level", "majority") or case.claim.value is None or case.found:
        return None
    undecided = [f for f in [*case.older_answers, *case.others] if case.no_answer(f)]
    for other, own in [(f, own) for f in reversed(undecided) for own in case.beside(f)]:
        if own.percent is not None and other.percent is not None and case.prints(own.percent + other.percent):
            return {
                "value": _value(case),
                "own": sentences.number(own.percent),
                "undecided": sentences.number(other.percent),
                "label": other.label,
                "measured": _measured([own]),
            }, [own, other]
    return None


def part_of_net(case: Case) -> Told | None:
    """One of the answers that the claimed one adds up has the value."""
    if case.claim.comparison not in ("level", "majority") or case.found:
        return None
    found = [f for f in case.others if case.part_of_claimed(f) and case.prints(f.percent)]
    found = found or [f for f in case.older_answers if case.part_of_claimed(f) and case.prints(f.percent)][-1:]
    if not found:
        return None
    whole = case.beside(found[-1])
    stands = f"; together they are {_measured(whole)}" if whole else "; the whole was not published"
    return {
        "value": _value(case),
        "part": sentences.listed(f'"{f.label}"' for f in found),
        "what": _what(case),
        "stands": stands,
    }, [*found, *whole]


def presumed_part(case: Case) -> Told | None:
    """A retelling below a net whose parts nobody printed."""
    if case.claim.comparison not in ("level", "majority") or case.found or not (case.answer and case.answer.parts):
        return None
    for retold in [p for p in reversed(case.retold) if case.prints(p.percent)]:
        net = [f for f in case.beside(retold) if (f.percent or 0) > (case.claim.value or 0) + 2 * numbers.ABOUT]
        parts = [f for f in case.answers if case.part_of_claimed(f) and case.same_wave(f, retold)]
        if net and not parts:
            return {
                "value": _value(case),
                "what": _what(case),
                "measured": _measured(net),
                "note": _note(retold),
            }, [*net, retold]
    return None


# --- changes ---------------------------------------------------------------------------------------------------------


def _pairs(case: Case) -> list[tuple[Figure, Figure]]:
    """Pairs of waves of one line that have both figures of a change, the latest last."""
    claim = case.claim
    if claim.comparison != "change":
        return []
    later = case.current(case.figures, claim.period) if claim.period else case.figures
    later = [f for f in later if case.prints(f.percent)]
    if claim.other_value is None:
        found = [(one, two) for two in later for one in case.figures if _just_before(case, one, two)]
    else:
        earlier = case.current(case.figures, claim.other_period) if claim.other_period else case.figures
        earlier = [f for f in earlier if case.prints(f.percent, claim.other_value)]
        found = [(one, two) for one, two in product(earlier, later) if one.line == two.line and one.when < two.when]
    return sorted(found, key=lambda pair: (pair[1].when, pair[0].when))[-1:]


def _just_before(case: Case, one: Figure, two: Figure) -> bool:
    before = [f for f in case.figures if f.line == two.line and f.when < two.when]
    return bool(before) and max(before, key=lambda f: f.when) == one


def _break_between(case: Case, one: Figure, two: Figure) -> list[str] | None:
    """Why two waves may not be joined; None if they may."""
    steps = case.facts.steps.get(one.line, {})
    first, last = steps.get(one.wave), steps.get(two.wave)
    if first is None or last is None:
        absent = [f.wave for f, step in ((one, first), (two, last)) if step is None]
        return [f"wave {sentences.listed(absent)} is not in trends: nobody has reviewed it, or it has no date"]
    if first.segment == last.segment:
        return None
    between = [s for s in steps.values() if first.position < s.position <= last.position]
    return [reason for s in between if s.comparability in ("break", "not_comparable", "unreviewed")
            for reason in s.reasons] or ["the line is broken between them"]  # fmt: skip


def _pair(case: Case) -> tuple[Figure, Figure] | None:
    found = _pairs(case)
    return found[-1] if found else None


def not_joined(case: Case) -> Told | None:
    """Trends do not join the two waves."""
    pair = _pair(case)
    reasons = _break_between(case, *pair) if pair else None
    if not pair or reasons is None:
        return None
    return {"pair": _two(pair), "reasons": "; ".join(dict.fromkeys(reasons))}, pair


def _joined(case: Case) -> tuple[Figure, Figure] | None:
    pair = _pair(case)
    return pair if pair and _break_between(case, *pair) is None else None


def untested(case: Case) -> Told | None:
    """The two waves may be joined, but one has no standard error."""
    pair = _joined(case)
    if not pair or numbers.tested(*pair) is not None:
        return None
    without = [f.wave for f in pair if f.standard_error is None]
    return {"pair": _two(pair), "without": sentences.listed(without) or "both"}, pair


def within_error(case: Case) -> Told | None:
    """The interval of the change includes zero."""
    pair = _joined(case)
    found = numbers.tested(*pair) if pair else None
    if not pair or found is None or not found[1] <= 0 <= found[2]:
        return None
    return _tested(pair, found), pair


def other_way(case: Case) -> Told | None:
    """The interval lies on the side that the sentence does not say."""
    pair, goes = _joined(case), case.claim.goes()
    found = numbers.tested(*pair) if pair else None
    if not pair or found is None or found[1] <= 0 <= found[2] or goes is None or (found[0] > 0) == (goes == "rise"):
        return None
    return _tested(pair, found), pair


def change_found(case: Case) -> Told | None:
    """The interval lies on the side that the sentence says."""
    pair, goes = _joined(case), case.claim.goes()
    found = numbers.tested(*pair) if pair else None
    if not pair or found is None or found[1] <= 0 <= found[2] or (goes and (found[0] > 0) != (goes == "rise")):
        return None
    return _tested(pair, found), pair


def two_questions(case: Case) -> Told | None:
    """One figure of a change is of this question, the other only of a question declared apart."""
    claim = case.claim
    if claim.comparison != "change" or claim.other_value is None or _pair(case):
        return None
    for value, other in ((claim.value, claim.other_value), (claim.other_value, claim.value)):
        own = [f for f in case.figures if case.prints(f.percent, value)][-1:]
        apart = [f for f in _of_house(case) if case.prints(f.percent, other)][-1:]
        if own and apart:
            return {
                "own": _measured(own),
                "apart": _measured(apart),
                "question": case.facts.titles.get(apart[0].item, apart[0].item),
                "reason": case.facts.apart[claim.item][apart[0].item],
            }, [*own, *apart]
    return None


def no_such_pair(case: Case) -> Told | None:
    """Not both figures were found in two waves of a line."""
    claim = case.claim
    if claim.comparison != "change" or not case.figures or _pair(case):
        return None
    known = sentences.listed(f"{f.wave}: {sentences.share(f)}" for f in case.figures[-6:])
    asked = " and ".join(f"{sentences.number(v)} %" for v in (claim.other_value, claim.value) if v is not None)
    return {"asked": asked, "known": known}, case.meant[-1:]


# --- what holds beside -----------------------------------------------------------------------------------------------


def narrower(case: Case) -> Told | None:
    """All figures that the sentence rests on are of fewer people than it says."""
    rest = _quoted_figures(case)
    found = [f for f in rest if left_out(case.claim.population, f.population)]
    if not found or len(found) < len(rest):
        return None
    return {
        "population": sentences.listed(f'"{(f.population or "").split(";")[0]}"' for f in found),
        "claimed": case.claim.population or "",
    }, found


def disagree(case: Case) -> Told | None:
    """Several series are meant, and only some bear the value out."""
    found = [f for f in case.meant if case.matches(f)]
    rest = [f for f in case.meant if not case.matches(f) and not any(f.line == one.line for one in found)]
    if not _level(case) or not found or not rest:
        return None
    houses = {f.organisation for f in case.meant}
    return {
        "who": "houses" if len(houses) > 1 else "series of the house",
        "found": sentences.listed(f"{f.organisation_name} {_measured([f])}" for f in found),
        "rest": sentences.listed(f"{f.organisation_name} {_measured([f])}" for f in rest[:4]),
    }, [*found, *rest[:4]]


def unsettled(case: Case) -> Told | None:
    """Two sources print two values of a cell that nobody has reviewed, and one of the two is claimed."""
    for retold in reversed(case.retold if _level(case) else []):
        figures = [f for f in case.beside(retold) if not f.reviewed]
        if figures and (case.prints(retold.percent) or any(f in case.meant and case.matches(f) for f in figures)):
            return _against(figures, retold)
    return None


def a_point_apart(case: Case) -> Told | None:
    """The value is of a retelling that differs from the house's figure by no more than sums of rounded parts do."""
    for retold in reversed(case.retold if _level(case) and not case.found else []):
        figures = [f for f in case.beside(retold) if abs((f.percent or 0) - retold.percent) <= A_POINT]
        if figures and case.prints(retold.percent):
            return _against(figures, retold)
    return None


def _against(figures: list[Figure], retold: Printed) -> Told:
    other = f"{sentences.number(retold.percent)} %"
    return {"measured": _measured(figures), "other": other, "note": _note(retold)}, [*figures, retold]


def retold(case: Case) -> Told | None:
    """The value is only known from a retelling that the catalogue does not follow."""
    said = [p for p in case.retold if case.prints(p.percent)]
    if not _level(case) or case.found or not said:
        return None
    own = case.beside(said[-1])
    stands = f"the house has {_measured(own)}" if own else "the house printed no such figure"
    return {"value": _value(case), "stands": stands, "note": _note(said[-1])}, [*own, said[-1]]


def inexact(case: Case) -> Told | None:
    """The source says about, more than or less than, and the sentence does not."""
    found = [f for f in _quoted_figures(case) if f.qualifier != "exact"]
    if not found or case.claim.qualifier != "exact":
        return None
    return {"measured": _measured(found)}, found


def unreviewed(case: Case) -> Told | None:
    """A figure that the sentence rests on is of a question that nobody reviewed."""
    found = [f for f in _quoted_figures(case) if not f.reviewed]
    return ({"waves": sentences.listed(f.wave for f in found)}, found) if found else None


def kept_out(case: Case) -> Told | None:
    """Only a figure that is excluded from trends has the value."""
    if not _level(case) or case.found:
        return None
    found = [f for f in case.line if not usable(f) and f.percent is not None and case.matches(f)]
    if not found:
        return None
    return {"measured": _measured(found[-1:]), "reason": found[-1].reason or "no reason given"}, found[-1:]


# --- words -----------------------------------------------------------------------------------------------------------


def _what(case: Case) -> str:
    return f'the answer "{case.answer.label}"' if case.answer else f"the answer {case.claim.category}"


def _value(case: Case) -> str:
    before = {"about": "about ", "more_than": "more than ", "less_than": "less than "}.get(case.claim.qualifier, "")
    return f"{before}{sentences.number(case.claim.value)} %"


def _measured(figures: Sequence[Figure]) -> str:
    return sentences.listed(sentences.measured(f) for f in figures) or "no figure"


def _quoted(labels: Sequence[str], most: int = 7) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(f'"{label}"' for label in labels[:most]) + more


def _note(retold: Printed) -> str:
    return (retold.note or "the catalogue follows another source").rstrip(".")


def _two(pair: tuple[Figure, Figure]) -> str:
    return " and ".join(sentences.measured(f) for f in pair)


def _tested(pair: tuple[Figure, Figure], found: tuple[float, float, float, float]) -> dict[str, str]:
    change, low, high, p_value = found
    p = f"p = {p_value:.2f}" if p_value >= 0.01 else "p < 0.01"
    return {"pair": _two(pair), "change": f"{change:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, {p})"}


def _inside(case: Case) -> str:
    """That the value lies inside the interval is worth a remark: it is not the figure all the same."""
    value = case.claim.value
    covered = [f for f in case.meant if f.percent_low is not None and f.percent_high is not None
               and value is not None and f.percent_low <= value <= f.percent_high]  # fmt: skip
    return " (inside the interval, but not the figure)" if covered and len(covered) == len(case.meant) else ""


def _of_house(case: Case) -> list[Figure]:
    """Figures of other questions by the house that is quoted, or by one that asked this question."""
    houses = {case.claim.organisation} if case.claim.organisation else {f.organisation for f in case.figures}
    return [f for f in case.elsewhere if f.organisation in houses]


def _quoted_figures(case: Case) -> list[Figure]:
    """The figures that the sentence rests on: the pair, what agrees, or else what is meant."""
    pair = _pair(case)
    if pair:
        return list(pair)
    agreeing = [f for f in case.meant if case.matches(f)] or case.matching[-1:]
    return agreeing or list(case.meant)
