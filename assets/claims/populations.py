"""Whom a survey leaves out, as far as its description says so.

Belongs here: the words by which a population is narrower than the people of a country. Does not belong here: whether
the narrower sample is good enough, which nobody can tell from words.

Adults, citizens and *without occupied territories* are not on the list: every poll is of adults, and the rest is named
in the citation. What is on it cuts the people to a part that may think otherwise.
"""

import re

LIMITS: tuple[tuple[str, str], ...] = (  # what is left, pattern of the words for it
    ("urban people", r"\burban\b|\btowns?\b|\bcit(?:y|ies)\b"),
    ("internet users", r"\binternet\b|\bweb users?\b|\bonline\b"),
    ("supporters of one side", r"\bsupporters?\b|\bprotesters?\b"),
    ("likely voters", r"\blikely\b"),
    ("students", r"\bstudents?\b"),
)


def limits(text: str | None) -> list[str]:
    """To whom a description of a population narrows it; empty for everyone.

    >>> limits("urban population of Belarus (internet users)")
    ['urban people', 'internet users']
    """
    described = _without_denials((text or "").casefold())
    return [name for name, pattern in LIMITS if re.search(pattern, described)]


def left_out(claimed: str | None, described: str | None) -> list[str]:
    """Limits of the survey's population that the claimed one does not have; empty if the sentence names nobody."""
    if not claimed:
        return []
    return [name for name in limits(described) if name not in limits(claimed)]


def _without_denials(text: str) -> str:
    """*Urban and rural* is not a limit."""
    return re.sub(r"\burban and rural\b|\brural and urban\b", " ", text)
