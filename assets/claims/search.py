"""Which item and category a free sentence is about, by its words.

Belongs here: likeness of a sentence to items, answers and houses. Does not belong here: reading its figures
(assets.claims.reading), checking. Proposals are proposals: they carry how near they are, and whoever shows them says
what else came near.

A word of the sentence counts by how few items have it; it is found if an item has one that is spelt nearly so
(rapidfuzz, ratio of 100). How near an item is, is the share of the sentence's weight that it has; one word in common is
not enough, unless the sentence has no other.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from assets.claims.denials import denies, opposes
from assets.claims.reading import WORDS

NEAR_ENOUGH = 0.3  # of the sentence's weight; below that an item shares only words that many have
AS_NEAR = 0.75  # of the best: what comes as near as this is named as a doubt
_SAME_WORD = 82.0  # of 100: Belarusian and Belarus
_NO_FIGURES = 0.8  # an item of which there are no figures yet stands back
_UNKNOWN = 2.0  # weight of a word that no item has; a word that one item of 150 has weighs 4.3
_FEW = 50  # items; of fewer nothing is learnt on which words are rare, and the only item there is would weigh nothing
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be believe by do does for from has have in into is it its not of on only or people per "
        "percent percentage poll population pct says said survey surveys should that the their there they think this "
        "to was were which who will with according about more than less over under just now no share would fell rose "
        "fall rise up down point points january february march april may june july august september october november "
        "december among like want get take make one",
    )
)
_STRONG = re.compile(
    r"\b(?:definitely|strongly|fully|unambiguously|very|certainly|completely|totally)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Found:
    """An item that came near, with its likeness (0 to 1) and the words that they share."""

    item: str
    title: str
    near: float
    shared: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """Words of every item, names of every house, and who asks what."""

    titles: Mapping[str, str]
    words: Mapping[str, frozenset[str]]
    houses: Mapping[str, tuple[str, ...]]
    asked_by: Mapping[str, frozenset[str]]
    measured: frozenset[str]  # items of which there are figures

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection) -> "Index":
        """From the published database: titles, wordings, keywords, labels of answers, names of houses."""
        texts: dict[str, list[str]] = {}
        titles: dict[str, str] = {}
        for item, title, wording, keywords in con.execute(
            "SELECT item, title, wording, keywords FROM items ORDER BY item"
        ).fetchall():
            titles[item] = title
            texts[item] = [item.replace("-", " "), title, wording, *(keywords or [])]
        for item, label in con.execute("SELECT item, label FROM categories").fetchall():
            texts.setdefault(item, []).append(label)
        asked: dict[str, set[str]] = {}
        for item, organisation, wording in con.execute(
            "SELECT DISTINCT item, organisation, wording FROM questions"
        ).fetchall():
            asked.setdefault(item, set()).add(organisation)
            texts.setdefault(item, []).append(wording or "")
        houses = {
            row[0]: (row[0], row[1], *(row[2] or []))
            for row in con.execute("SELECT organisation, name, other_names FROM organisations").fetchall()
        }
        return cls(
            titles,
            {item: frozenset(words(" ".join(text))) for item, text in texts.items() if item in titles},
            houses,
            {item: frozenset(of) for item, of in asked.items()},
            frozenset(row[0] for row in con.execute("SELECT DISTINCT item FROM estimates").fetchall()),
        )

    def organisation(self, text: str) -> str | None:
        """The house that a sentence names; None if it names none, or two."""
        told = f" {_plain(text)} "
        found = {
            house
            for house, names in self.houses.items()
            for name in (re.sub(r"\([^)]*\)", "", name) for name in names)
            if len(spelt := _plain(name)) > 2 and f" {spelt} " in told
        }
        return found.pop() if len(found) == 1 else None

    def items(self, text: str, organisation: str | None = None, most: int = 6) -> list[Found]:
        """Items that come near enough, the nearest first.

        Args:
            text: the sentence.
            organisation: only items that this house asks.
            most: how many.
        """
        from rapidfuzz import fuzz, process  # imported here: only this command pays for it

        names = {word for name in self.houses.get(organisation or "", ()) for word in words(name)}
        asked = [word for word in dict.fromkeys(words(text)) if not denies(word)]
        asked = [word for word in asked if organisation is None or word not in names]
        there = sorted({word for of in self.words.values() for word in of})
        alike = {
            word: {
                near
                for near, _, _ in process.extract(word, there, scorer=fuzz.ratio, score_cutoff=_SAME_WORD, limit=12)
            }
            for word in asked
        }
        having = {word: [item for item, of in self.words.items() if of & alike[word]] for word in asked}
        many = max(len(self.words), _FEW)
        weight = {word: math.log((1 + many) / (1 + len(having[word]))) if having[word] else _UNKNOWN for word in asked}
        whole = sum(weight.values()) or 1.0
        found = []
        for item, title in self.titles.items():
            if organisation and organisation not in self.asked_by.get(item, frozenset()):
                continue
            shared = tuple(word for word in asked if item in having[word])
            near = sum(weight[word] for word in shared) / whole
            near *= 1 if item in self.measured else _NO_FIGURES
            if near >= NEAR_ENOUGH and (len(shared) > 1 or len(shared) == len(asked)):
                found.append(Found(item, title, near, shared))
        return sorted(found, key=lambda one: (-one.near, len(self.words[one.item]), one.item))[:most]


def words(text: str) -> list[str]:
    """The words that count, in their order: no numbers, none that every sentence on a poll has."""
    return [
        w for w in (_root(w) for w in re.findall(r"[^\W\d_]{2,}", text.casefold())) if w not in _STOP and w not in WORDS
    ]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _root(word: str) -> str:
    """A word without the endings that English adds: `weapons`, `sending`, `supported`."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith(("ss", "us")):
            return word.removesuffix(ending)
    return word


def categories(answers: Sequence[Any], text: str, against: bool, evidence: Iterable[str]) -> list[tuple[str, float]]:
    """The answers of an item with how well each fits a sentence, the best first.

    Words decide first, then whether the sentence and the answer both deny, then whether an answer is the sum or a part,
    and last whether a figure of it is the one claimed: a sentence is about the answer whose figure it quotes more often
    than not, but a figure alone proves nothing.

    Args:
        answers: assets.claims.facts.Answer of the item, in order.
        text: the sentence.
        against: whether it says against, not and the like.
        evidence: categories of which a figure is the claimed one, or its complement.
    """
    from rapidfuzz import fuzz

    told, strong, quoted = words(text), _STRONG.search(text), set(evidence)
    scored = []
    for position, answer in enumerate(answers):
        label = f"{answer.category.replace('_', ' ')} {answer.label}"
        own = words(label)
        shared = [w for w in own if any(fuzz.ratio(w, other) >= _SAME_WORD for other in told)]
        score = 0.5 * len(shared) / max(len(own), 1)
        score += 0.4 if opposes(answer.label) == against else 0.0
        score += 0.3 if answer.category in quoted else 0.0
        score += 0.2 if answer.kind == "net" and not strong else 0.0
        score += 0.2 if strong and _STRONG.search(label) else 0.0
        score -= 0.5 if answer.kind in ("dont_know", "refused", "not_asked", "system") else 0.0
        scored.append((answer.category, score - 0.01 * position))
    return sorted(scored, key=lambda one: -one[1])
