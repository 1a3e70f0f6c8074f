"""A free English sentence with a number, read: figures, kind of statement, time, people.

Belongs here: words that say numbers, changes, shares, denials, months. Does not belong here: which item it is about
(assets.claims.search), which needs the catalogue. Only what stands in the sentence is read; what it leaves open stays
open, for whoever asks to be told.
"""

import re
from dataclasses import dataclass

from assets.claims.denials import denies
from schemas.vocabulary import Comparison, Direction, Qualifier

_ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
_TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
WORDS: dict[str, int] = {word: number for number, word in enumerate(_ONES)}
WORDS |= {word: 10 * number for number, word in enumerate(_TENS, start=2)}
WORDS |= {f"{ten}-{one}": WORDS[ten] + WORDS[one] for ten in _TENS for one in _ONES[1:10]}

_SPELT = "|".join(sorted(WORDS, key=len, reverse=True))
_NUMBER = rf"(?:[0-9]{{1,3}}(?:[.,][0-9]+)?|{_SPELT})"
_SIGN = r"(?:\s*(?:%|per\s?cent(?:age points)?\b|percent\b|pct\b|proc\b))"
_FROM_TO = re.compile(
    rf"\bfrom\s+({_NUMBER}){_SIGN}?(.{{0,40}}?)\s+to\s+(?:[a-z]+\s+)?({_NUMBER}){_SIGN}?", re.IGNORECASE
)
_PERCENT = re.compile(rf"(?<![\w.,])({_NUMBER}){_SIGN}", re.IGNORECASE)
_OUT_OF = re.compile(rf"\b({_NUMBER})\s+(?:in|out of)\s+(?:every\s+)?({_NUMBER})\b", re.IGNORECASE)
_FRACTIONS: tuple[tuple[str, float], ...] = (
    (r"\bthree[- ]quarters\b", 75),
    (r"\btwo[- ]thirds\b", 66.7),
    (r"\b(?:a|one) third\b", 33.3),
    (r"\b(?:a|one) quarter\b", 25),
    (r"\b(?:a|one) fifth\b", 20),
    (r"\bhalf\b", 50),
)
_QUALIFIERS: tuple[tuple[Qualifier, str], ...] = (  # what stands just before a number
    ("more_than", r"(?:more than|over|above|at least|exceed(?:s|ed)?)\s+$"),
    ("less_than", r"(?:less than|fewer than|under|below|at most)\s+$"),
    ("about", r"(?:about|around|almost|nearly|some|roughly|approximately|close to)\s+$"),
)
_FALLS = r"\b(?:f[ae]ll(?:s|en|ing)?|drop(?:s|ped)?|declin\w+|decreas\w+|shr[aiu]nk|slipp\w+|sank|lower|down)\b"
_RISES = r"\b(?:r[io]se[sn]?|rising|grew|grow(?:s|n|ing)?|increas\w+|jump\w+|climb\w+|doubled|higher|up)\b"
_MAJORITY = r"\b(?:majority|most)\b"
_MONTHS = re.findall(r"\w+", "january february march april may june july august september october november december")
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)}),?\s+((?:19|20)[0-9]{{2}})\b", re.IGNORECASE)
_YEAR = re.compile(r"\bin\s+((?:19|20)[0-9]{2})\b", re.IGNORECASE)
_PEOPLE = (
    re.compile(r"\b((?:urban |rural |adult )?(?:the )?(?:whole )?population(?: of [A-Z]\w+)?)"),
    re.compile(r"\b((?:urban |adult |young )?(?:EU citizens|[A-Z][a-z]+(?:ians|cans|eans|ukrainians|mans|landers)))\b"),
    re.compile(r"\b((?:the )?(?:people|citizens|residents|inhabitants) of [A-Z]\w+)"),
)


@dataclass(frozen=True)
class Sentence:
    """What a sentence says. `value` is the later figure of a change, `unread` what could not be made out."""

    text: str
    value: float | None
    other_value: float | None
    qualifier: Qualifier
    comparison: Comparison
    direction: Direction | None
    denies: bool
    period: str | None
    other_period: str | None
    population: str | None
    unread: tuple[str, ...]


def read(text: str) -> Sentence:
    """Read a sentence; without a figure, `value` is None."""
    told = " ".join(text.split())
    unread: list[str] = []
    value, other, qualifier = _figures(told, unread)
    direction = _direction(told)
    comparison: Comparison = "level"
    if other is not None or (direction and value is not None):
        comparison = "change"
    elif re.search(_MAJORITY, told, re.IGNORECASE):
        comparison = "majority"
    times = [_month(match) for match in _MONTH.finditer(told)] or [match[1] for match in _YEAR.finditer(told)]
    # Of a change the first time is that of the first figure; otherwise more than one time says nothing.
    period = times[-1] if len(times) == 1 or (comparison == "change" and times) else None
    earlier = times[0] if comparison == "change" and len(times) == 2 else None
    if len(times) > 1 and period is None:
        unread.append(f"several times are named ({', '.join(times)})")
    if re.search(rf"\bby\s+{_NUMBER}{_SIGN}?\s*points?", told, re.IGNORECASE):
        unread.append("a difference in points is not read; name both figures (from 6 to 5)")
    return Sentence(
        told,
        value,
        other,
        qualifier,
        comparison,
        direction if comparison == "change" else None,
        denies(told),
        period,
        earlier,
        _population(told),
        tuple(unread),
    )


def _figures(text: str, unread: list[str]) -> tuple[float | None, float | None, Qualifier]:
    """The figure, the earlier one of a change, and how exact they are."""
    pair = _FROM_TO.search(text)
    if pair and (re.search(_SIGN, pair[0]) or _direction(text)):
        return _number(pair[3]), _number(pair[1]), "exact"
    percents = [(match, _number(match[1])) for match in _PERCENT.finditer(text)]
    if percents:
        if len(percents) > 1:
            rest = ", ".join(f"{number:g}" for _, number in percents[1:])
            unread.append(f"only the first figure is checked, not {rest}")
        match, number = percents[0]
        return number, None, _qualifier(text, match.start())
    out_of = _OUT_OF.search(text)
    if out_of and 0 < _number(out_of[1]) <= _number(out_of[2]):
        return round(100 * _number(out_of[1]) / _number(out_of[2]), 1), None, "about"
    for pattern, number in _FRACTIONS:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            said = _qualifier(text, found.start())
            return number, None, "about" if said == "exact" else said
    return None, None, "exact"


def _number(text: str) -> float:
    word = text.casefold()
    return float(WORDS[word]) if word in WORDS else float(text.replace(",", "."))


def _qualifier(text: str, start: int) -> Qualifier:
    before = text[:start]
    for qualifier, pattern in _QUALIFIERS:
        if re.search(pattern, before, re.IGNORECASE):
            return qualifier
    return "exact"


def _direction(text: str) -> Direction | None:
    falls, rises = (re.search(pattern, text, re.IGNORECASE) for pattern in (_FALLS, _RISES))
    if bool(falls) == bool(rises):
        return None
    return "fall" if falls else "rise"


def _month(match: re.Match[str]) -> str:
    return f"{match[2]}-{_MONTHS.index(match[1].casefold()) + 1:02d}"


def _population(text: str) -> str | None:
    for pattern in _PEOPLE:
        found = pattern.search(text)
        if found:
            return found[1]
    return None
