"""Comparing labels and names: when two texts are the same text, and how alike they are otherwise.

Belongs here: normal forms and likeness of single texts. Does not belong here: which variable is which
(assets.onboarding.matching), which code is which (assets.onboarding.codes).
"""

import functools
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

# Cyrillic letters that look like Latin ones; both are found in names and labels, often in one word.
_LOOK_ALIKE = str.maketrans("авекмнорстухіјѕ", "abekmhopctyxijs")
_NUMBER = re.compile(
    r"^\s*(?:(?:q|в|вопрос|question|frage)\s*\.?\s*[0-9]+[a-zа-я]?(?:[._][0-9]+)*\s*[.):–—-]|[0-9]+[.)])\s+"
)
_INSTRUCTION = re.compile(
    r"[(\[](?:не\s+(?:за)?читать|не\s+зачитывать|do\s+not\s+read|dnr|nicht\s+vorlesen)[^)\]]*[)\]]"
)
_NEGATIONS = frozenset(
    [
        *("не", "нет", "ни", "никто", "никогда", "никак", "нельзя", "без", "kein", "nicht"),
        *(
            "no",
            "not",
            "never",
            "none",
            "nobody",
            "without",
            "nor",
            "cannot",
            "cant",
            "dont",
            "doesnt",
            "didnt",
            "wont",
        ),
        *("isnt", "arent", "wasnt", "werent", "wouldnt", "couldnt", "shouldnt", "havent", "hasnt"),
    ]
)
_DIGITS = re.compile(r"[0-9]+")
_FEW_WORDS = 5  # words that two shorter texts share are chance
_REMEMBERED = 1 << 15  # labels; those of regions and towns come back with every pair of variables
_SAME_WORD = 70.0  # of 100: words less alike are different words, not one that was spelt otherwise
_SHORTER = 0.5  # beyond this difference of length a text that is contained in another is only a part of it
OPPOSITE = 0.5  # the most that two options can be alike of which one says no, or names other numbers


@functools.lru_cache(maxsize=_REMEMBERED)
def plain(text: str | None) -> str:
    """A label without what differs for no reason: case, punctuation, ё, the question's number, look-alike letters.

    Two labels with the same plain text are the same label; an empty one is none.
    """
    folded = unicodedata.normalize("NFKC", text or "").casefold().replace("ё", "е")
    folded = _NUMBER.sub("", re.sub(r"['’`]", "", folded))
    return " ".join(re.findall(r"[^\W_]+", folded.translate(_LOOK_ALIKE)))


def plain_name(name: str) -> str:
    """A variable's name without case and look-alike letters: `29а` (Cyrillic) and `29A` are one."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_LOOK_ALIKE)


def stem(name: str) -> str:
    """The battery that a variable belongs to by its name: `Q8` of `Q8_3`; the name itself if it has no such ending."""
    return re.sub(r"(?<=.)_[0-9]+$", "", plain_name(name))


def likeness(ours: Sequence[str], theirs: Sequence[str]) -> Matrix:
    """How alike wordings are: 1 the same text, 0 nothing in common.

    Args:
        ours: plain texts.
        theirs: plain texts.

    Returns:
        (ours, theirs). Empty texts are like nothing.
    """
    from rapidfuzz import fuzz, process  # imported here: only this room pays for it

    if not ours or not theirs:
        return np.zeros((len(ours), len(theirs)))
    letters = process.cdist(ours, theirs, scorer=fuzz.ratio)
    order = process.cdist(ours, theirs, scorer=fuzz.token_sort_ratio)
    shared = process.cdist(ours, theirs, scorer=fuzz.token_set_ratio)
    long = np.array([len(text) for text in ours], float)[:, None]
    wide = np.array([len(text) for text in theirs], float)[None, :]
    ratio = np.minimum(long, wide) / np.maximum(np.maximum(long, wide), 1)
    out = np.maximum(letters, order)
    words = np.minimum.outer([len(text.split()) for text in ours], [len(text.split()) for text in theirs])
    telling = (ratio >= _SHORTER) & (words >= _FEW_WORDS)
    out = np.maximum(out, np.where(telling, 0.95 * shared, 0)) / 100
    out[(long[:, 0] == 0), :] = 0
    out[:, (wide[0] == 0)] = 0
    return np.asarray(out, float)


def alike(one: str, two: str) -> float:
    """How alike two options are. One other word, a `no` or a number more makes them different, whatever else agrees."""
    from rapidfuzz import fuzz

    left, right = spoken(one), spoken(two)
    if left == right:
        return 1.0 if plain(one) == plain(two) else 0.97
    value = max(fuzz.ratio(left, right), fuzz.token_sort_ratio(left, right)) / 100
    if _denials(left) != _denials(right) or _DIGITS.findall(left) != _DIGITS.findall(right) or _swapped(left, right):
        return min(value, OPPOSITE)
    return value


def _swapped(left: str, right: str) -> bool:
    """Whether a word stands in the place of another one: `more` for `less`, `unlikely` for `likely`."""
    from rapidfuzz import fuzz

    ours, theirs = left.split(), right.split()
    only_ours = [word for word in ours if word not in theirs]
    only_theirs = [word for word in theirs if word not in ours]
    if not only_ours or not only_theirs:
        return False
    opposite = {(word, f"{prefix}{word}") for word in [*only_ours, *only_theirs] for prefix in _OPPOSITES}
    if any((one, two) in opposite or (two, one) in opposite for one in only_ours for two in only_theirs):
        return True
    return float(fuzz.ratio(" ".join(only_ours), " ".join(only_theirs))) < _SAME_WORD


def denies_otherwise(one: str, two: str) -> bool:
    """Whether one of two wordings has a `not` more than the other."""
    return _denials(spoken(one)) != _denials(spoken(two))


@functools.lru_cache(maxsize=_REMEMBERED)
def spoken(text: str) -> str:
    """The plain text without instructions to the interviewer such as (DO NOT READ)."""
    return plain(_INSTRUCTION.sub(" ", text.casefold()))


def _denials(text: str) -> int:
    return sum(word in _PLAIN_NEGATIONS for word in text.split())


_OPPOSITES = tuple(plain(prefix) for prefix in ("dis", "un", "in", "im", "non", "не", "без"))
_PLAIN_NEGATIONS = frozenset(plain(word) for word in _NEGATIONS)
