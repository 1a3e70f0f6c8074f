"""Which variable of the new file is which of the previous wave: by label, options and name together.

Belongs here: scores and the assignment of variables. Does not belong here: codes of a matched question
(assets.onboarding.codes), what is written of it (assets.onboarding.draft).

The number of a question says little: Q21 of one wave is Q22 of the next, and Q8_1 may be another question. So wording
counts most, options that few questions share count next, the name least. All pairs are weighed at once, so that two old
variables never share a new one.
"""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.onboarding.words import Matrix, alike, denies_otherwise, likeness, plain, plain_name, spoken, stem
from schemas.codebook import Codebook

Mask = npt.NDArray[np.bool_]

ACCEPTED = 0.70  # below, a pair is not matched
WORTH_SHOWING = 0.58  # below, it is not even mentioned
TIE = 0.04  # a second choice within this of the first is named
_LABEL, _NAME = 0.60, 0.15
_UNLIKE = 0.45  # labels less alike than this are other questions, whatever the name
_UNLIKE_MOVED = 0.60  # the same without the same name
_BATTERY, _AMBIGUOUS = 0.06, 0.30
_SAME_OPTION = 0.80
_SAME_CODES, _MOST = 0.60, 0.80
_NUMBERED = re.compile(r"^[^\W\d_]{0,2}[\W_]*\d")  # Q21, q4_2, 13: the number of a question, no word
_EXACT = 0.5
_OWN_PART = 0.7  # of a battery's member: what it says itself, against what all members say
_CERTAIN, _LONG = 0.92, 30  # so alike and so long, a wording is the same question whatever became of its options
_RARE, _SEVERAL, _COMMON = 0.30, 0.20, 0.10  # weight of options that at most 2, at most 5, or more questions share
LONG_LIST = 100  # options beyond this are regions or towns, compared only letter by letter


@dataclass(frozen=True)
class Subject:
    """A variable as far as it can be compared.

    Attributes:
        name: of the variable.
        label: its label; empty if none is known.
        options: (code, label) of its labelled codes.
        codes: codes that occur or that the crosswalk has; None if they are not known.
    """

    name: str
    label: str = ""
    options: tuple[tuple[str, str], ...] = ()
    codes: frozenset[str] | None = None


@dataclass(frozen=True)
class Match:
    """An old variable and the new one it is taken for.

    Attributes:
        old: name in the previous wave.
        new: name in the new file.
        score: 0 to 1.
        wording: `same`, `reworded`, or `unknown` where a side has no label.
        alike: likeness of the wordings; None if unknown.
        options: likeness of the options; None if unknown.
        why: reasons, in words.
        rival: another new variable that is nearly as like.
    """

    old: str
    new: str
    score: float
    wording: str
    alike: float | None
    options: float | None
    why: tuple[str, ...]
    rival: str | None = None

    @property
    def moved(self) -> bool:
        """Whether the question stands under another name."""
        return self.old != self.new


@dataclass(frozen=True)
class Matching:
    """All pairs of two files.

    Attributes:
        pairs: by old name.
        perhaps: pairs of what is left over that are too unlike to be taken, best first.
        gone: old variables without a counterpart.
        new: new variables without one.
        taken_over: names that stand in both files for different questions.
    """

    pairs: Mapping[str, Match]
    perhaps: tuple[Match, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    taken_over: tuple[str, ...]


def subjects_of(codebook: Codebook, codes: Mapping[str, frozenset[str]] | None = None) -> list[Subject]:
    """The variables of a file, those that were dropped left out.

    Args:
        codebook: of the file.
        codes: of variables whose codes are known.
    """
    known = codes or {}
    return [
        Subject(one.name, one.label or "", tuple((pair.code, pair.label) for pair in one.labels), known.get(one.name))
        for one in codebook.variables
        if one.dropped is None
    ]


def match(old: Sequence[Subject], new: Sequence[Subject]) -> Matching:
    """Pair the variables of two waves, each at most once.

    Args:
        old: of the previous wave; names are unique.
        new: of the new file; names are unique.
    """
    if not old or not new:
        return Matching({}, (), tuple(one.name for one in old), tuple(one.name for one in new), ())
    weighed = _Weighed(old, new)
    weighed.lean_on_batteries(_assign(weighed.scores, weighed.exact))
    chosen = _assign(weighed.scores, weighed.exact)
    pairs = {old[i].name: weighed.match(i, j) for i, j in chosen}
    taken = {one.new for one in pairs.values()}
    gone = tuple(one.name for one in old if one.name not in pairs)
    left = tuple(one.name for one in new if one.name not in taken)
    names = {one.name for one in new}
    taken_over = tuple(one.name for one in old if one.name in names and _other(pairs.get(one.name)))
    return Matching(pairs, weighed.perhaps(gone, left), gone, left, taken_over)


def _other(found: Match | None) -> bool:
    return found is None or found.moved


def overlap(one: Sequence[tuple[str, str]], two: Sequence[tuple[str, str]]) -> float | None:
    """How far two lists of (code, label) offer the same options, 0 to 1; None if a side has none.

    A soft Jaccard index of the labels; codes that changed places cost up to three tenths of it.
    """
    if not one or not two:
        return None
    left = [(code, plain(label)) for code, label in one]
    right = {plain(label): code for code, label in two}
    found, same_code = 0.0, 0.0
    open_right = dict(right)
    rest: list[tuple[str, str]] = []
    for code, label in left:
        if label in open_right:
            found += 1
            same_code += open_right.pop(label) == code
        else:
            rest.append((code, label))
    for code, label in rest if len(left) <= LONG_LIST and len(right) <= LONG_LIST else []:
        best = max(open_right, key=lambda other: alike(label, other), default=None)
        if best is not None and (value := alike(label, best)) >= _SAME_OPTION:
            found += value
            same_code += value * (open_right.pop(best) == code)
    if not found:
        return 0.0
    jaccard = found / (len(left) + len(right) - found)
    return float(jaccard * (0.7 + 0.3 * same_code / found))


class _Weighed:
    """The scores of all pairs, and what they are made of."""

    def __init__(self, old: Sequence[Subject], new: Sequence[Subject]) -> None:
        self.old, self.new = old, new
        ours, theirs = [plain(one.label) for one in old], [plain(one.label) for one in new]
        self.labels = _labels(old, new, ours, theirs)
        self.known = np.array([[bool(a) and bool(b) for b in theirs] for a in ours])
        self.options = _options(old, new)
        self.weight = _rareness(old, new)
        self.names = _names(old, new)
        repeated = {label for side in (ours, theirs) for label, count in Counter(side).items() if count > 1}
        self.ambiguous = np.array([[a in repeated and a == b and bool(a) for b in theirs] for a in ours])
        self.long = np.minimum.outer(_spoken_lengths(old), _spoken_lengths(new)) >= _LONG
        self.exact = np.array([[a == b and bool(a) for b in theirs] for a in ours]) & ~self.ambiguous
        self.scores = self._score()

    def _score(self) -> Matrix:
        known_options = ~np.isnan(self.options)
        options_weight = np.where(known_options, self.weight, 0)
        above = _LABEL * self.labels + options_weight * np.nan_to_num(self.options) + _NAME * self.names
        score = above / (_LABEL + options_weight + _NAME)
        needed = np.where(self.names > 0, _UNLIKE, _UNLIKE_MOVED)
        # Below that, the same name with the same rare options is worth a look, and nothing else is.
        kept = (self.names > 0) & (np.nan_to_num(self.options) >= _CERTAIN) & (self.weight > _COMMON)
        most = np.where(kept, ACCEPTED - 0.01, WORTH_SHOWING)
        score = np.where(self.labels >= needed, score, np.minimum(score, most))
        certain = (self.labels >= _CERTAIN) & self.long & ~self.ambiguous
        score = np.where(certain, np.maximum(score, ACCEPTED), score)
        # Without labels on one side the name is all there is, and what is known of options and codes must not deny it.
        against = known_options & (np.nan_to_num(self.options) < ACCEPTED)
        named = (self.names > 0) & ~against
        enough = _names_hold(self.old, self.new)
        by_name = np.where(named, np.where(enough, ACCEPTED + 0.1 * np.nan_to_num(self.options), ACCEPTED - 0.01), 0)
        return np.asarray(np.where(self.known, score, by_name), float)

    def lean_on_batteries(self, chosen: Sequence[tuple[int, int]]) -> None:
        """`Hard to say` ends many batteries: it goes where its neighbours went."""
        votes = Counter((stem(self.old[i].name), stem(self.new[j].name)) for i, j in chosen if not self.ambiguous[i, j])
        goes: dict[str, str] = {}
        for (one, two), _ in votes.most_common():
            goes.setdefault(one, two)
        stems, others = [stem(one.name) for one in self.old], [stem(one.name) for one in self.new]
        agree = np.array([[goes.get(a) == b for b in others] for a in stems])
        same_name = self.names > 0
        voted = np.array([a in goes for a in stems])[:, None]
        lost = self.ambiguous & ~agree & (voted | (~same_name & ~self.long))
        self.scores = np.clip(self.scores + _BATTERY * (agree & (self.scores >= WORTH_SHOWING)), 0, 1)
        self.scores = np.where(lost, self.scores - _AMBIGUOUS, self.scores)

    def match(self, i: int, j: int) -> Match:
        """The pair in words."""
        old, new = self.old[i], self.new[j]
        known, options = bool(self.known[i, j]), float(self.options[i, j])
        wording = ("same" if plain(old.label) == plain(new.label) else "reworded") if known else "unknown"
        rival = int(np.argmax(np.where(np.arange(len(self.new)) == j, -1, self.scores[i])))
        close = rival != j and self.scores[i, rival] >= max(ACCEPTED, self.scores[i, j] - TIE)
        return Match(
            old=old.name,
            new=new.name,
            score=round(float(self.scores[i, j]), 3),
            wording=wording,
            alike=round(float(self.labels[i, j]), 2) if known else None,
            options=None if np.isnan(options) else round(options, 2),
            why=tuple(self._why(i, j, wording)),
            rival=self.new[rival].name if close else None,
        )

    def _why(self, i: int, j: int, wording: str) -> list[str]:
        old, new, options = self.old[i], self.new[j], float(self.options[i, j])
        if old.name == new.name:
            why = ["same name"]
        elif self.names[i, j] > 0:
            why = ["the name differs only in case or in letters that look alike"]
        else:
            why = ["another name"]
        if wording == "same":
            why.append("same label")
        elif wording == "reworded":
            why.append(f"labels {self.labels[i, j]:.0%} alike")
            if denies_otherwise(old.label, new.label):
                why.append("one of the two has a negation more")
        else:
            why.append("no label to compare")
            if _NUMBERED.match(old.name) and self.scores[i, j] < ACCEPTED:
                why.append("a question's number alone says nothing here")
        if not np.isnan(options):
            why.append("same options" if options > 0.995 else f"options {options:.0%} alike")
        return why

    def perhaps(self, gone: Sequence[str], left: Sequence[str]) -> tuple[Match, ...]:
        """Pairs of what is left over that a person should look at."""
        rows = [i for i, one in enumerate(self.old) if one.name in set(gone)]
        columns = [j for j, one in enumerate(self.new) if one.name in set(left)]
        found = []
        for i in rows:
            best = max(columns, key=lambda j: float(self.scores[i, j]), default=None)
            if best is not None and self.scores[i, best] > WORTH_SHOWING:
                found.append(self.match(i, best))
        return tuple(sorted(found, key=lambda one: -one.score))


def _names_hold(old: Sequence[Subject], new: Sequence[Subject]) -> Mask:
    """Where an equal name may stand for an equal question, if there are no labels to tell.

    A name that is a word may. One that is the number of a question may if in this file most such numbers have the codes
    that they had; 0 and 1, which every battery has, say nothing.
    """
    there = {one.name: one for one in new}
    telling = [
        _same_codes(one, there[one.name])
        for one in old
        if one.name in there and _NUMBERED.match(one.name) and one.codes and not one.codes <= {"0", "1", "."}
    ]
    told = [value for value in telling if value is not None]
    numbers_hold = bool(told) and sum(told) >= _MOST * len(told)
    return np.array(
        [[_same_codes(a, b) is not False and (numbers_hold or not _NUMBERED.match(a.name)) for b in new] for a in old]
    )


def _same_codes(one: Subject, two: Subject) -> bool | None:
    """Whether two variables have by and large the same codes; None if that is not known."""
    if one.codes is None or two.codes is None:
        return None
    ours, theirs = one.codes - {"."}, two.codes - {"."}
    return len(ours & theirs) >= _SAME_CODES * len(ours | theirs)


def _spoken_lengths(side: Sequence[Subject]) -> list[int]:
    return [len(spoken(one.label)) for one in side]


def _names(old: Sequence[Subject], new: Sequence[Subject]) -> Matrix:
    folded = [plain_name(one.name) for one in new]
    return np.array(
        [
            [
                1.0 if a.name == b.name else 0.95 if plain_name(a.name) == f else 0.0
                for b, f in zip(new, folded, strict=True)
            ]
            for a in old
        ]
    )


def _labels(old: Sequence[Subject], new: Sequence[Subject], ours: list[str], theirs: list[str]) -> Matrix:
    """Likeness of labels; of two members of batteries mostly of what is their own."""
    whole = likeness(ours, theirs)
    own, their_own = _own_parts(old, ours), _own_parts(new, theirs)
    both = np.outer(
        [a != b for a, b in zip(own, ours, strict=True)], [a != b for a, b in zip(their_own, theirs, strict=True)]
    )
    return np.asarray(np.where(both, _OWN_PART * likeness(own, their_own) + (1 - _OWN_PART) * whole, whole), float)


def _own_parts(side: Sequence[Subject], labels: Sequence[str]) -> list[str]:
    """Labels without the words with which all members of their battery begin."""
    batteries: dict[str, list[list[str]]] = {}
    for one, label in zip(side, labels, strict=True):
        batteries.setdefault(stem(one.name), []).append(label.split())
    shared = {name: _common_words(members) for name, members in batteries.items() if len(members) > 1}
    return [" ".join(label.split()[shared.get(stem(one.name), 0) :]) for one, label in zip(side, labels, strict=True)]


def _common_words(members: list[list[str]]) -> int:
    shortest = min(len(words) for words in members)
    same = (len({words[k] for words in members}) == 1 for k in range(shortest))
    return min(sum(1 for _ in itertools.takewhile(bool, same)), max(shortest - 1, 0))


def _options(old: Sequence[Subject], new: Sequence[Subject]) -> Matrix:
    """Likeness of the options of every pair, nan where a side has none; computed once per pair of lists."""
    ours, theirs = list(dict.fromkeys(one.options for one in old)), list(dict.fromkeys(one.options for one in new))
    pairs = [[overlap(one, two) for two in theirs] for one in ours]
    likenesses = np.array([[np.nan if value is None else value for value in row] for row in pairs], float)
    row_of = {options: number for number, options in enumerate(ours)}
    column_of = {options: number for number, options in enumerate(theirs)}
    rows, columns = [row_of[one.options] for one in old], [column_of[one.options] for one in new]
    return np.asarray(likenesses[np.ix_(rows, columns)], float)


def _rareness(old: Sequence[Subject], new: Sequence[Subject]) -> Matrix:
    """What the options of a pair weigh: yes and no, which every second question has, say next to nothing."""

    def weights(side: Sequence[Subject]) -> list[float]:
        offered = [frozenset(plain(label) for _, label in one.options) for one in side]
        shared = Counter(offered)
        return [_RARE if shared[one] <= 2 else _SEVERAL if shared[one] <= 5 else _COMMON for one in offered]

    return np.asarray(np.minimum.outer(weights(old), weights(new)), float)


def _assign(scores: Matrix, exact: Mask) -> list[tuple[int, int]]:
    """The pairs with the highest sum of scores, without those below the threshold.

    A label that stands once in either file, letter by letter, goes before every likeness: a question that is worded
    almost the same and kept its number is still another one.
    """
    from scipy.optimize import linear_sum_assignment

    worth = np.where(scores >= ACCEPTED, scores + _EXACT * exact, 0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if worth[i, j] > 0]
