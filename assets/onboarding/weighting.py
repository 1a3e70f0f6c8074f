"""Which variables could be the weight, the strata and the sampling units, with the reasons for and against.

Belongs here: what the numbers and the labels of a variable say. Does not belong here: choosing one, which a person
does: `for_weight` may be the weight, or the number of the cell for which somebody computed one.
"""

import re
from dataclasses import dataclass

from assets.onboarding.contents import Contents, Tally
from schemas.codebook import Variable
from schemas.conditions import is_tag

ENOUGH = 4  # points; below, a variable is no candidate
CLOSE, NEAR = 0.05, 0.5  # distance of the mean from 1
FEW = 0.10  # share of rows with weight 0 or none that needs no explanation
WIDEST = 200.0  # largest weight over smallest; beyond, it is something else
_WEIGHT = re.compile(
    r"(?:^|[^a-zа-я])(?:weights?|wgt|wt|wts|pweight|gewicht|poids|peso|waga|wes|вес[аоы]?в?)(?:$|[^a-zа-я])"
)
_STRATUM = re.compile(r"(?:^|[^a-zа-я])(?:strat|strata|stratum|stratification|schicht|страт[аыу]?)(?:$|[^a-zа-я])")
_UNIT = re.compile(
    r"(?:^|[^a-zа-я])(?:psu|ssu|clusters?|sampling (?:point|unit)s?|sample point|klumpen|кластер[аы]?)(?:$|[^a-zа-я])"
)


@dataclass(frozen=True)
class Candidate:
    """A variable that could be the weight.

    Attributes:
        points: for the order; what is declared in the file counts most, the name least.
        reasons: for it and against it, in words.
    """

    variable: str
    label: str | None
    points: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Suggestions:
    """What could describe the sample.

    Attributes:
        weights: candidates, best first.
        not_weights: variables called so that are none, with the reason.
        strata: variables that look like strata.
        units: variables that look like sampling units.
    """

    weights: tuple[Candidate, ...]
    not_weights: tuple[Candidate, ...]
    strata: tuple[Candidate, ...]
    units: tuple[Candidate, ...]

    def weight(self, name: str) -> Candidate | None:
        """The candidate of this name."""
        return next((one for one in self.weights if one.variable == name), None)


def suggest(contents: Contents) -> Suggestions:
    """Look at every variable of a file."""
    rows = contents.codebook.rows
    weights, refused, strata, units = [], [], [], []
    for one in contents.codebook.variables:
        tally = contents.tallies.get(one.name)
        if tally is None:
            continue
        declared, called = contents.codebook.weight == one.name, _called(_WEIGHT, one)
        against = _never(one, tally)
        if against is None:
            found = _weigh(one, tally, rows, declared, called)
            if found.points >= ENOUGH:
                weights.append(found)
            elif called or declared:
                refused.append(found)
        elif called or declared:
            refused.append(Candidate(one.name, one.label, 0, (against,)))
        if weights and weights[-1].variable == one.name:
            continue
        if _called(_STRATUM, one):
            strata.append(Candidate(one.name, one.label, 1, (_spread(tally, rows),)))
        elif _called(_UNIT, one):
            units.append(Candidate(one.name, one.label, 1, (_spread(tally, rows),)))
    return Suggestions(tuple(sorted(weights, key=lambda one: -one.points)), tuple(refused), tuple(strata), tuple(units))


def _never(one: Variable, tally: Tally) -> str | None:
    """Why a variable cannot be a weight; None if it can."""
    numbers = tally.numbers
    labelled = _labelled(one, tally)
    if labelled > 1 and tally.distinct <= labelled + 2:
        return f"looks like codes of cells, not a weight: {tally.distinct} values, {labelled} of them labelled"
    if numbers is None or one.kind != "number":
        return "not a weight: not a number" if tally.distinct else "not a weight: no values"
    if numbers.lowest < 0:
        return "not a weight: there are values below 0"
    if numbers.highest == 0:
        return "not a weight: every value is 0"
    return None


def _weigh(one: Variable, tally: Tally, rows: int, declared: bool, called: bool) -> Candidate:
    numbers = tally.numbers
    assert numbers is not None and numbers.lowest_positive is not None  # noqa: S101  _never has seen to it
    for_it = [(8, "the file declares it as its weight")] if declared else []
    total = abs(numbers.total / rows - 1) <= 0.01 if rows else False
    if abs(numbers.mean - 1) <= CLOSE:
        for_it.append((3, f"its mean is {numbers.mean:.4g}"))
    elif total:
        for_it.append((3, f"it sums to the number of rows, {rows:,}"))
    elif abs(numbers.mean - 1) <= NEAR:
        for_it.append((1, f"its mean is {numbers.mean:.4g}"))
    else:
        for_it.append((0, f"its mean is {numbers.mean:.4g}, its sum {numbers.total:,.0f} (people, not shares?)"))
    for_it.append((-3, "all values are whole numbers") if numbers.whole else (1, "values are not whole numbers"))
    for_it += [(-1, f"{_labelled(one, tally)} values are labelled")] if _labelled(one, tally) else []
    wide = numbers.highest / numbers.lowest_positive
    said = f"{tally.distinct} values from {numbers.lowest_positive:.4g} to {numbers.highest:.4g}"
    for_it.append(
        (-2, f"{said}: very wide") if wide > WIDEST else (1, said) if wide > 1 else (-4, "all values are equal")
    )
    for lost, what in ((numbers.zeros, "weight 0"), (tally.missing, "no value")):
        if lost:
            for_it.append((0 if lost <= FEW * rows else -2, f"{lost:,} of {rows:,} rows have {what}"))
    for_it += [(1, "it is called so")] if called else []
    return Candidate(one.name, one.label, sum(points for points, _ in for_it), tuple(why for _, why in for_it))


def _labelled(one: Variable, tally: Tally) -> int:
    """Labelled values that occur; labels of tagged missing values say nothing of the rest."""
    there = tally.codes
    return sum(not is_tag(pair.code) and (there is None or pair.code in there) for pair in one.labels)


def _called(words: "re.Pattern[str]", one: Variable) -> bool:
    texts = (one.name.casefold().replace("_", " "), (one.label or "").casefold().replace("_", " "))
    return any(words.search(text) for text in texts)


def _spread(tally: Tally, rows: int) -> str:
    each = rows / tally.distinct if tally.distinct else 0
    return f"{tally.distinct} values, about {each:,.0f} rows each"
