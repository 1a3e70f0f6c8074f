"""Coded answers seen another way, without being written anew: categories left out of the base, everybody counted once.

Belongs here: which columns change and how. Does not belong here: which of them make sense (`..readings`), the sums.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.engine.coded import Answers, Array, Header, Question

PLAIN = "simple random sampling, every respondent counted once"
EQUAL = 1e-12  # weights that differ by less, relative to the largest, are alike


@dataclass(frozen=True, eq=False)
class _Recoded:
    """Answers whose codes are looked up in a table; those outside the base are its last element."""

    of: Answers
    header: Header
    moved: Mapping[str, npt.NDArray[np.int16]]

    @property
    def rows(self) -> int:
        return self.of.rows

    @property
    def names(self) -> frozenset[str]:
        return self.of.names

    def columns(self, names: Iterable[str]) -> dict[str, Array]:
        found = self.of.columns(names)
        return {name: self.moved[name][one] if name in self.moved else one for name, one in found.items()}


def left_out(answers: Answers, categories: Mapping[str, Set[str]]) -> Answers:
    """The same respondents and design, those who chose some categories outside the base.

    Args:
        answers: coded.
        categories: to leave out, by item.

    Returns:
        Answers with the questions that have one of these categories, one answer a person, and something left. Nets
        keep the parts that are left; scores are not there.
    """
    questions, moved = [], {}
    for one in answers.header.questions:
        gone = categories.get(one.item, frozenset())
        kept = [category for category in one.categories if category not in gone]
        if one.column is None or not kept or len(kept) == len(one.categories):
            continue
        moved[one.column] = _lookup(one, kept)
        nets = {net: left for net, parts in one.nets.items() if (left := [part for part in parts if part in kept])}
        questions.append(one.model_copy(update={"categories": kept, "nets": nets, "scores": None}))
    return _Recoded(answers, answers.header.model_copy(update={"questions": questions}), moved)


def _lookup(question: Question, kept: list[str]) -> npt.NDArray[np.int16]:
    """New code by old one; the one before the last is of none of the categories, the last (-1) of outside the base."""
    places = {category: at for at, category in enumerate(kept)}
    return np.array([*(places.get(one, -1) for one in question.categories), len(kept), -1], np.int16)


@dataclass(frozen=True, eq=False)
class _Unweighted:
    """Answers of those with a weight, each counted once and drawn by himself."""

    of: Answers
    header: Header
    there: npt.NDArray[np.bool_]

    @property
    def rows(self) -> int:
        return int(self.there.sum())

    @property
    def names(self) -> frozenset[str]:
        return self.of.names - {"stratum", "psu", "population"}

    def columns(self, names: Iterable[str]) -> dict[str, Array]:
        wanted = [name for name in names if name != "weight"]
        return {name: one[self.there] for name, one in self.of.columns(wanted).items()} | {
            "weight": np.ones(self.rows, np.float64)
        }


def unweighted(answers: Answers) -> Answers:
    """The same answers of those who have a weight, with weights of 1 and without strata, PSUs and replicates."""
    plain = {"calibration": None, "replicates": None, "variance_method": PLAIN}
    questions = [one.model_copy(update={"scores": None}) for one in answers.header.questions]
    header = answers.header.model_copy(update={**plain, "questions": questions})
    return _Unweighted(answers, header, answers.columns(["weight"])["weight"] > 0)


def equal_weights(answers: Answers) -> bool:
    """Whether all who have a weight have the same."""
    weight = answers.columns(["weight"])["weight"]
    some = weight[weight > 0]
    return not len(some) or bool(some.max() - some.min() <= EQUAL * some.max())
