"""Items that are computed from what the same respondents answered: index, count, cross.

Belongs here: the three recipes of schemas.item.Derived on answers, and the order in which they are made. Does not
belong here: what an answer means (assets.questions.codes).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from assets.questions.answers import Answer, Floats, Mask
from assets.questions.codes import Asked
from schemas.item import Derived, Item
from schemas.problems import Problem, nearest

_Recipe = Callable[[Asked, Derived, list[Answer], Mask], "Answer | list[Problem]"]


def computed(
    answers: Sequence[Answer], wanted: Sequence[tuple[Asked, Mask | None]], failed: set[str], rows: int
) -> tuple[list[Answer], list[Problem]]:
    """The answers of derived questions, those that use others after them.

    Args:
        answers: of questions with a variable.
        wanted: derived questions with the rows that their `where` selects.
        failed: items of questions that have problems already; what needs them is left out without another problem.
        rows: of the sample.

    Returns:
        Answers in the order in which they could be made, and problems: a component without a row, two rows of one
        component, a circle, a result that the item does not declare.
    """
    done: dict[str, list[Answer]] = {}
    for answer in answers:
        done.setdefault(answer.item.item, []).append(answer)
    made: list[Answer] = []
    problems: list[Problem] = []
    failed, waiting = set(failed), list(wanted)
    while waiting:
        names = {asked.item.item for asked, _ in waiting}
        ready = [one for one in waiting if not names & set(_recipe(one[0].item).of)]
        if not ready:
            problems += [_circle(asked, names) for asked, _ in waiting]
            break
        for asked, where in ready:
            everyone = np.ones(rows, dtype=np.bool_) if where is None else where
            found = _make(asked, done, failed, everyone)
            if isinstance(found, Answer):
                made.append(found)
                done.setdefault(asked.item.item, []).append(found)
            else:
                problems += found
                failed.add(asked.item.item)
        waiting = [one for one in waiting if names & set(_recipe(one[0].item).of)]
    return made, problems


def _recipe(item: Item) -> Derived:
    if item.derived is None:
        raise ValueError(f"{item.item} is not derived")
    return item.derived


def _make(asked: Asked, done: Mapping[str, list[Answer]], failed: set[str], where: Mask) -> "Answer | list[Problem]":
    told = _recipe(asked.item)
    problems, parts = [], []
    for name in told.of:
        found = _counted(done.get(name, []))
        if len(found) == 1:
            parts.append(found[0])
        elif found:
            questions = ", ".join(one.question.question for one in found)
            what = f"{asked.item.item} is computed from {name}, and several questions are that item ({questions})"
            problems.append(asked.place("item").problem(what, name, "one question of this release with that item"))
        elif name not in failed:
            what = f"{asked.item.item} is computed from {name}, and no question of this release is that item"
            expected = f"a row with item {name} and its variable in questions.csv"
            problems.append(asked.place("item").problem(what, name, expected, nearest(name, list(done))))
    if problems or len(parts) < len(told.of):
        return problems
    return _RECIPES[told.kind](asked, told, parts, where)


def _counted(answers: list[Answer]) -> list[Answer]:
    """Of several questions of one item those that are not excluded from it."""
    return [one for one in answers if one.question.decision != "exclude"] if len(answers) > 1 else answers


def _circle(asked: Asked, names: set[str]) -> Problem:
    told = ", ".join(name for name in _recipe(asked.item).of if name in names)
    what = f"{asked.item.item} is computed from {told}, which is computed from it or waits for such a circle"
    return asked.place("item").problem(what, asked.item.item, "items that can be computed one after another")


def _index(asked: Asked, told: Derived, parts: list[Answer], where: Mask) -> "Answer | list[Problem]":
    """Mean of the scores over the items answered; of them there must be `at_least`."""
    total = np.zeros(len(where))
    answered = np.zeros(len(where), dtype=np.int16)
    for one in parts:
        if one.scores is None:
            what = f"{asked.item.item} is an index, and no answer of {one.item.item} has a score"
            return [asked.place("item").problem(what, one.item.item, "score in its categories")]
        there = one.base & ~np.isnan(one.scores)
        total += np.where(there, one.scores, 0.0)
        answered += there
    base = where & (answered >= (told.at_least or len(parts)))
    scores: Floats = np.full(len(where), np.nan)
    np.divide(total, answered, out=scores, where=base)
    nowhere = np.full(len(where), -1, dtype=np.int16)
    return Answer(asked.question, asked.item, (), nowhere, None, base, scores)


def _count(asked: Asked, told: Derived, parts: list[Answer], where: Mask) -> "Answer | list[Problem]":
    """How many of the items were answered with the category; nets of an item are its parts together."""
    hits = np.zeros(len(where), dtype=np.int16)
    answered = np.zeros(len(where), dtype=np.int16)
    for one in parts:
        wanted = _parts_of(told.category or "", one.item)
        if not wanted:
            what = f"{asked.item.item} counts {told.category}, which {one.item.item} does not have"
            ids = list(one.item.kinds())
            expected = "one of " + ", ".join(ids)
            return [asked.place("item").problem(what, told.category, expected, nearest(told.category or "", ids))]
        there = _substantive(one)
        answered += there
        hits += there & _chose(one, wanted)
    base = where & (answered >= (told.at_least or len(parts)))
    names = [f"n{number}" for number in range(len(parts) + 1)]
    return _finish(asked, names, hits, base)


def _cross(asked: Asked, told: Derived, parts: list[Answer], where: Mask) -> "Answer | list[Problem]":
    """Two items crossed: where both have a substantive answer."""
    several = [one.item.item for one in parts if one.chosen is None]
    if several:
        what = f"{asked.item.item} crosses {several[0]}, which has several answers"
        return [asked.place("item").problem(what, several[0], "items with one answer")]
    first, second = parts
    base = where & _substantive(first) & _substantive(second)
    at = _places(first) * max(1, len(second.categories)) + _places(second)
    kinds = first.item.kinds(), second.item.kinds()
    names = [
        f"{one}_{other}" if kinds[0][one] == kinds[1][other] == "substantive" else ""
        for one in first.categories
        for other in second.categories
    ]
    return _finish(asked, names, np.where(base, at, 0), base)


def _finish(
    asked: Asked, names: list[str], at: npt.NDArray[np.int16] | npt.NDArray[np.int32], base: Mask
) -> "Answer | list[Problem]":
    """The answer whose categories are those of `names` that the item declares; each that occurs must be declared."""
    declared = [one.id for one in asked.item.categories if one.kind != "net"]
    counts = np.bincount(at[base], minlength=len(names))
    missing = [name for name, count in zip(names, counts, strict=True) if count and name not in declared]
    if missing:
        what = f"a result of {asked.item.item} that the item does not declare"
        expected = f"a category of that id in items/{asked.item.item}.yml"
        return [asked.place("item").problem(what, name, expected, nearest(name, declared)) for name in missing]
    categories = tuple(name for name in declared if name in names)
    position = np.array([categories.index(name) if name in categories else -1 for name in names], dtype=np.int16)
    chosen = np.where(base, position[at], np.int16(-1)).astype(np.int16)
    own = {one.id: one.score for one in asked.item.categories}
    worth = np.array([np.nan if own[name] is None else own[name] for name in categories] + [np.nan])
    scores = None if np.isnan(worth).all() else worth[chosen]  # -1 is the last, nan
    return Answer(asked.question, asked.item, categories, chosen, None, base, scores)


def _parts_of(category: str, item: Item) -> set[str]:
    """The category, or what its net adds up, nets within nets too; nothing if the item does not have it."""
    parts = {one.id: one.of for one in item.categories}
    found: set[str] = set()
    waiting = [category] if category in parts else []
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parts[name]
    return {name for name in found if not parts[name]}


def _places(answer: Answer) -> npt.NDArray[np.int32]:
    """(rows,) position of the one answer."""
    if answer.chosen is None:
        raise ValueError(f"{answer.item.item} has several answers")
    return answer.chosen.astype(np.int32)


def _chose(answer: Answer, wanted: set[str]) -> Mask:
    places = [at for at, name in enumerate(answer.categories) if name in wanted]
    if answer.ticked is not None:
        return np.asarray(answer.ticked[:, places].any(axis=1))
    return np.isin(_places(answer), places)


def _substantive(answer: Answer) -> Mask:
    """Who gave a substantive answer; of several answers everyone in the base did, ticking nothing is one."""
    if answer.ticked is not None:
        return answer.base
    kinds = answer.item.kinds()
    places = [at for at, name in enumerate(answer.categories) if kinds[name] == "substantive"]
    return answer.base & np.isin(_places(answer), places)


_RECIPES: dict[str, _Recipe] = {"index": _index, "count": _count, "cross": _cross}
