"""Which figures a sentence can mean, and what each of the others is to it.

Belongs here: what was known on a day, the newest wave, the time a sentence names, other answers, other questions,
retellings. Does not belong here: what follows from them (assets.claims.rules).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from assets.claims import numbers
from assets.claims.facts import Answer, Facts, Figure, Printed
from schemas.claim import Claim
from schemas.dates import first_day, last_day
from schemas.vocabulary import CandidateRole, ClaimView

_NO_ANSWER = ("dont_know", "refused", "not_asked", "system")


@dataclass(frozen=True)
class Candidate:
    """A figure beside a sentence: what it is to it, whether it is the one printed, and why it is or is not meant."""

    role: CandidateRole
    agrees: bool | None
    why: str
    figure: Figure | Printed


@dataclass(frozen=True)
class Case:
    """One claim, seen with what was known at its date or with what stands today."""

    claim: Claim
    facts: Facts
    view: ClaimView

    @property
    def day(self) -> dt.date | None:
        """Last day that counts; None today."""
        return last_day(self.claim.published) if self.view == "its_date" else None

    @property
    def since(self) -> dt.date | None:
        """First day that the claim's date can mean: a wave published later need not have been known."""
        return first_day(self.claim.published) if self.view == "its_date" else None

    # --- figures ------------------------------------------------------------------------------------------------

    @cached_property
    def line(self) -> list[Figure]:
        """Every value of the claimed answer that stood, of the house that is quoted, in time order."""
        return [f for f in self._known(self.claim.item) if f.category == self.claim.category]

    @cached_property
    def figures(self) -> list[Figure]:
        """Those of them that are numbers and may be quoted as one wave's."""
        return [f for f in self.line if usable(f)]

    @cached_property
    def meant(self) -> list[Figure]:
        """What the sentence must mean: the waves of the time it names, or else the newest of every series."""
        return self.current(self.figures, self.claim.period)

    @cached_property
    def matching(self) -> list[Figure]:
        """Figures of any wave that bear the claimed value out."""
        return [f for f in self.figures if self.matches(f)]

    @property
    def found(self) -> list[Figure]:
        """Those that may explain it: of the time that the sentence names, if it names one."""
        return [f for f in self.meant if self.matches(f)] if self.claim.period else self.matching

    @cached_property
    def replaced(self) -> list[Figure]:
        """Earlier values of the claimed answer."""
        found = [f for f in self.facts.figures.get(self.claim.item, []) if f.category == self.claim.category]
        return [f for f in found if self._of_house(f) and _was_replaced(f, self.day)]

    @cached_property
    def answers(self) -> list[Figure]:
        """Figures of the other answers of the question, of any wave, in time order."""
        return [f for f in self._known(self.claim.item) if f.category != self.claim.category and usable(f)]

    @property
    def older_answers(self) -> list[Figure]:
        """Those of any wave that can be meant: of the time that the sentence names, if it names one."""
        return self.others if self.claim.period else self.answers

    @cached_property
    def others(self) -> list[Figure]:
        """Those of the time that is meant."""
        of: dict[str, list[Figure]] = {}
        for figure in self.answers:
            of.setdefault(figure.category, []).append(figure)
        return [one for figures in of.values() for one in self.current(figures, self.claim.period)]

    @cached_property
    def elsewhere(self) -> list[Figure]:
        """Figures of questions declared apart, in the answer that corresponds, of any house and wave."""
        found = []
        for item in self.facts.apart.get(self.claim.item, {}):
            wanted = self._corresponding(item)
            found += [f for f in self._known(item, any_house=True) if f.category in wanted and usable(f)]
        return found

    @cached_property
    def affirmed_elsewhere(self) -> list[Figure]:
        """Figures of the first answer of questions declared apart, of the house that is quoted, in time order."""
        first = {item: of[0].category for item, of in self.facts.answers.items() if of}
        found = [
            figure
            for item in self.facts.apart.get(self.claim.item, {})
            for figure in self._known(item)
            if figure.category == first.get(item) and usable(figure)
        ]
        return sorted(found, key=lambda f: f.when)

    @cached_property
    def retold(self) -> list[Printed]:
        """Retellings of the claimed answer that were printed by then, of the time the sentence names if it does."""
        return [
            p
            for p in self.facts.printed.get(self.claim.item, [])
            if p.category == self.claim.category
            and self._of_house(p)
            and (self.day is None or p.published is None or p.published <= self.day)
            and (not self.claim.period or _within(p.fieldwork_start, p.fieldwork_end, self.claim.period))
        ]

    def same_wave(self, one: Figure | Printed, two: Figure | Printed) -> bool:
        """Whether two figures come from the same interviews."""
        return (one.organisation, one.series, one.wave) == (two.organisation, two.series, two.wave)

    def beside(self, one: Figure | Printed) -> list[Figure]:
        """The figure of the claimed answer from the interviews of another figure."""
        return [f for f in self.figures if self.same_wave(f, one)]

    # --- what the answers are -----------------------------------------------------------------------------------

    @property
    def answer(self) -> Answer | None:
        """The claimed answer."""
        return self.facts.answer(self.claim.item, self.claim.category)

    @property
    def two_sided(self) -> bool:
        """Whether whoever does not give the one answer gives the other: two answers, and no third way out."""
        leaves = [a for a in self.facts.answers.get(self.claim.item, []) if a.kind != "net"]
        return len(leaves) == 2 and all(a.kind not in _NO_ANSWER for a in leaves)

    def part_of_claimed(self, figure: Figure) -> bool:
        """Whether this answer is one of those that the claimed net adds up."""
        return self.answer is not None and figure.category in self.answer.parts

    def no_answer(self, figure: Figure) -> bool:
        """Whether this answer is don't know or the like."""
        about = self.facts.answer(figure.item, figure.category)
        return about is not None and about.kind in _NO_ANSWER

    # --- numbers ------------------------------------------------------------------------------------------------

    def matches(self, figure: Figure) -> bool:
        """Whether a figure of the claimed answer bears out the claimed value."""
        if self.claim.value is None or figure.percent is None:
            return False
        holds = numbers.complements if self.claim.comparison == "complement" else numbers.agrees
        return holds(self.claim.value, self.claim.qualifier, figure.percent)

    def prints(self, percent: float | None, value: float | None = None) -> bool:
        """Whether a share of anything is the claimed value (or another value of the sentence)."""
        value = self.claim.value if value is None else value
        return value is not None and percent is not None and numbers.agrees(value, self.claim.qualifier, percent)

    def current(self, figures: Iterable[Figure], period: str | None) -> list[Figure]:
        """Of some figures those of a time, or else the newest of each series.

        A wave that came out within the claim's month may or may not have been known: it and the one before both count.
        """
        figures = list(figures)
        if period:
            return [f for f in figures if _within(f.fieldwork_start, f.fieldwork_end, period)]
        lines: dict[tuple[str, str, str], list[Figure]] = {}
        for figure in sorted(figures, key=lambda f: f.when):
            lines.setdefault((figure.organisation, figure.series, figure.category), []).append(figure)
        found: list[Figure] = []
        for line in lines.values():
            late = [f for f in line if self.since and (f.available_from is None or f.available_from > self.since)]
            sure = [f for f in line if f not in late]
            found += sure[-1:] + [f for f in late if not sure or f.when > sure[-1].when][-1:]
        return found

    # --- as a table ---------------------------------------------------------------------------------------------

    def candidates(self) -> list[Candidate]:
        """Every figure that the sentence might mean, the likeliest first, with the reason for or against it."""
        found = [Candidate("meant", self.matches(f), self._why_meant(f), f) for f in reversed(self.meant)]
        rest = [f for f in reversed(self.line) if f not in self.meant]
        found += [Candidate("other_wave", self.matches(f), self._why_not(f), f) for f in rest]
        found += [
            Candidate("earlier_value", self.matches(f), f"replaced on {f.available_until or 'a later day'}", f)
            for f in self.replaced
        ]
        found += [Candidate("other_answer", self.prints(f.percent), self._why_answer(f), f) for f in self.others]
        found += [
            Candidate("other_question", self.prints(f.percent), self._why_question(f), f)
            for f in self.current(self.elsewhere, self.claim.period)
        ]
        found += [
            Candidate("retelling", self.prints(p.percent), "printed elsewhere, not the figure of the house: "
                      + (p.note or "it disagrees with another source"), p)
            for p in self.retold
        ]  # fmt: skip
        return found

    def _why_meant(self, figure: Figure) -> str:
        if self.claim.period:
            return "the interviews fall into the time that the sentence names"
        if self.day is None:
            return "the newest wave"
        if figure.available_from is None:
            return "the newest wave; it is not known when it was published"
        return "the newest wave that was published by then"

    def _why_not(self, figure: Figure) -> str:
        if figure.percent is None:
            return "a range, not a number"
        if figure.decision == "exclude":
            return f"kept out of trends: {figure.reason or 'no reason given'}"
        if self.claim.period:
            return "not of the time that the sentence names"
        newer = [f.wave for f in self.meant if f.line == figure.line]
        return f"an older wave than {' and '.join(newer)}" if newer else "another wave"

    def _why_answer(self, figure: Figure) -> str:
        if self.part_of_claimed(figure):
            return "only a part of the claimed answer"
        about = self.facts.answer(figure.item, figure.category)
        if about and self.claim.category in about.parts:
            return "the sum that the claimed answer is part of"
        return "another answer of the same question"

    def _why_question(self, figure: Figure) -> str:
        reason = self.facts.apart.get(self.claim.item, {}).get(figure.item, "")
        house = "" if self._of_house(figure) else "another house, "
        return f"{house}another question: {reason}"

    # --- reading ------------------------------------------------------------------------------------------------

    def _known(self, item: str, *, any_house: bool = False) -> list[Figure]:
        """Values that stood: one a cell, in time order."""
        cells: dict[tuple[str, ...], Figure] = {}
        for figure in self.facts.figures.get(item, []):
            if (any_house or self._of_house(figure)) and _stood(figure, self.day):
                cell = (*figure.line, figure.wave)
                before = cells.get(cell)
                if before is None or (figure.available_from or dt.date.min) >= (before.available_from or dt.date.min):
                    cells[cell] = figure
        return sorted(cells.values(), key=lambda f: f.when)

    def _of_house(self, one: Figure | Printed) -> bool:
        return self.claim.organisation in (None, one.organisation)

    def _corresponding(self, item: str) -> set[str]:
        """The answers of another question that may say the same.

        One of the same name and the sums that take it in; and if the claimed answer is the first on its list, the
        first on the other, as questionnaires put for before against.
        """
        ours, theirs = (self.facts.answers.get(one, []) for one in (self.claim.item, item))
        found = {a.category for a in theirs if self.claim.category in (a.category, *a.parts)}
        if ours and ours[0].category == self.claim.category:
            found |= {a.category for a in theirs[:1]}
        return found


def usable(figure: Figure) -> bool:
    """Whether a figure is one number of one wave that trends may use."""
    return figure.percent is not None and figure.decision != "exclude"


def _stood(figure: Figure, day: dt.date | None) -> bool:
    """Whether a value stood at the end of a day. One without a date of publication counts from its interviews."""
    if day is None:
        return figure.latest
    if figure.available_from is None:
        return figure.latest and figure.fieldwork_end is not None and figure.fieldwork_end <= day
    return figure.available_from <= day and (figure.available_until is None or figure.available_until > day)


def _was_replaced(figure: Figure, day: dt.date | None) -> bool:
    if day is None:
        return not figure.latest
    return figure.available_until is not None and figure.available_until <= day


def _within(start: dt.date | None, end: dt.date | None, period: str) -> bool:
    first, last = first_day(period), last_day(period)
    if start is None or end is None or first is None or last is None:
        return False
    return start <= last and end >= first
