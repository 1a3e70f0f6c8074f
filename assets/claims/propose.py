"""From a free sentence to a claim that can be checked, with everything that was not sure on the way.

Belongs here: the choice of item and answer among those that came near, and the list of doubts. Does not belong here:
printing (pipeline.cli), reading words and figures (assets.claims.reading), likeness (assets.claims.search).
"""

import datetime as dt
from dataclasses import dataclass

import duckdb

from assets.claims import numbers, reading, search
from assets.claims.candidates import Case, usable
from assets.claims.check import Checked, check
from assets.claims.denials import opposes
from assets.claims.facts import Facts, read
from schemas.claim import Claim
from schemas.problems import nearest
from schemas.vocabulary import ClaimView, Comparison

_CLOSE = 0.15  # answers whose scores lie within this of the best are named as a doubt
_EVIDENCE = 0.1  # what a fitting figure adds to the likeness of an item; a tie-break


class UnknownNameError(Exception):
    """An item, answer or house that was given does not exist."""

    def __init__(self, what: str, name: str, known: list[str]) -> None:
        """Say what there is instead."""
        close = nearest(name, known)
        super().__init__(f"no {what} {name!r}" + (f"; nearest: {close}" if close else ""))


@dataclass(frozen=True)
class Proposal:
    """What a sentence was taken to mean, and what follows. `found` has what else came near, the nearest first."""

    sentence: reading.Sentence
    claim: Claim
    title: str
    near: float | None
    found: list[search.Found]
    answers: list[tuple[str, float]]
    checked: list[Checked]
    not_sure: list[str]


def propose(
    con: duckdb.DuckDBPyConnection,
    text: str,
    *,
    date: str | None = None,
    organisation: str | None = None,
    item: str | None = None,
    category: str | None = None,
) -> Proposal | reading.Sentence:
    """Find what a sentence is about and check it.

    Args:
        con: the published database.
        text: the sentence.
        date: day, month or year in which it was printed; without it only what stands today is looked at.
        organisation: the house; else the one that the sentence names.
        item: the item; else the nearest by its words.
        category: the answer; else the one that fits.

    Returns:
        The proposal, or, if nothing came near enough or there is no figure, what was read of the sentence.

    Raises:
        UnknownNameError: a name that was given does not exist.
    """
    sentence = reading.read(text)
    index = search.Index.read(con)
    if organisation is not None and organisation not in index.houses:
        raise UnknownNameError("organisation", organisation, list(index.houses))
    if item is not None and item not in index.titles:
        raise UnknownNameError("item", item, list(index.titles))
    house = organisation or index.organisation(text)
    found = index.items(text, house)
    if (sentence.value is None and sentence.comparison != "majority") or not (item or found):
        return sentence
    names = [item] if item else [one.item for one in found if one.near >= search.AS_NEAR * found[0].near]
    facts = read(con, names)
    chosen = item or max(found[: len(names)], key=lambda one: one.near + _fits(sentence, facts, one.item, house)).item
    answers = _answers(sentence, facts, chosen, house)
    if category is not None and facts.answer(chosen, category) is None:
        raise UnknownNameError("category", category, [a.category for a in facts.answers.get(chosen, [])])
    claim = _claim(sentence, facts, chosen, category or answers[0][0], house, date)
    views: tuple[ClaimView, ...] = ("its_date", "today") if date else ("today",)
    checked = [check(claim, facts, view) for view in views]
    near = next((one.near for one in found if one.item == chosen), None)
    others = [one for one in found if one.item != chosen]
    made = Proposal(sentence, claim, facts.titles[chosen], near, others, answers, checked, [])
    made.not_sure.extend(_doubts(made, facts, named=(organisation, item, category), date=date))
    return made


def _claim(
    sentence: reading.Sentence, facts: Facts, item: str, category: str, house: str | None, date: str | None
) -> Claim:
    comparison: Comparison = sentence.comparison
    answer = facts.answer(item, category)
    # "95 % are against" of an answer that is not against anything: what is left of 100 is claimed.
    if comparison == "level" and sentence.denies and answer and not opposes(answer.label):
        comparison = "complement"
    change = comparison == "change"
    return Claim(
        claim="a-free-sentence",
        said_by="whoever wrote the sentence",
        published=date or dt.datetime.now(dt.UTC).date().isoformat(),
        statement=sentence.text,
        item=item,
        category=category,
        value=sentence.value,
        other_value=sentence.other_value,
        qualifier=sentence.qualifier,
        comparison=comparison,
        direction=sentence.direction if change else None,
        period=sentence.period,
        other_period=sentence.other_period if change else None,
        organisation=house,
        population=sentence.population,
    )


def _answers(sentence: reading.Sentence, facts: Facts, item: str, house: str | None) -> list[tuple[str, float]]:
    return search.categories(
        facts.answers.get(item, []), sentence.text, sentence.denies, _quoted(sentence, facts, item, house)
    )


def _fits(sentence: reading.Sentence, facts: Facts, item: str, house: str | None) -> float:
    return _EVIDENCE if _quoted(sentence, facts, item, house) else 0.0


def _quoted(sentence: reading.Sentence, facts: Facts, item: str, house: str | None) -> set[str]:
    """Answers of an item of which a wave has the figure of the sentence, or leaves it over."""
    value = sentence.value
    if value is None:
        return set()
    figures = [f for f in facts.figures.get(item, []) if f.latest and usable(f) and house in (None, f.organisation)]
    return {
        f.category
        for f in figures
        if f.percent is not None
        and (
            numbers.agrees(value, sentence.qualifier, f.percent)
            or (sentence.denies and numbers.complements(value, sentence.qualifier, f.percent))
        )
    }


def _doubts(
    made: Proposal, facts: Facts, *, named: tuple[str | None, str | None, str | None], date: str | None
) -> list[str]:
    """What was chosen though the sentence leaves it open."""
    organisation, item, category = named
    claim, doubts = made.claim, []
    if item is None:
        close = [one for one in made.found if made.near and one.near >= search.AS_NEAR * made.near]
        if close:
            doubts.append("which item: as near are " + ", ".join(f"{one.item} ({one.near:.2f})" for one in close))
        elif made.near is not None and made.near < 0.5:
            doubts.append("which item: less than half of what the sentence says is in the words of this one")
    if category is None:
        best = made.answers[0][1]
        close_by = [name for name, score in made.answers[1:] if best - score <= _CLOSE]
        if close_by:
            doubts.append(f"which answer: {', '.join(close_by)} would fit as well")
    if claim.comparison == "complement":
        doubts.append(f"what is denied: read as everyone who did not say {claim.category}")
    if claim.organisation is None:
        houses = sorted({f.organisation for f in facts.figures.get(claim.item, [])})
        doubts.append(f"which house: none is named; figures are of {', '.join(houses) or 'nobody'}")
    elif organisation is None:
        doubts.append(f"which house: the sentence seems to name {claim.organisation}")
    if claim.period is None:
        doubts.append("which wave: no time of interviews is named, so the newest is taken" + _also(made, facts))
    if claim.population is None:
        doubts.append("which population: none is named, so whom the survey describes is not held against it")
    if date is None:
        doubts.append("when it was printed: not said (--date), so only what stands today is looked at")
    return doubts + list(made.sentence.unread)


def _also(made: Proposal, facts: Facts) -> str:
    case = Case(made.claim, facts, "today")
    older = [f.wave for f in case.matching if f not in case.meant]
    return (
        f"; the figure is also that of wave {', '.join(older)}" if older and made.claim.comparison != "change" else ""
    )
