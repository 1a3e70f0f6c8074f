"""What is measured of one question: shares or a mean, as pieces of SQL.

Belongs here: the columns of a question and what is summed up over rows, PSUs' deviations and names of results. Does not
belong here: whole statements (`.statements`), what results become (`.results`).

In the pieces `w` is a row's weight, `x<question>` its code, `x<question>_<category>` a tick, `y<question>` its score.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from assets.estimates.engine.coded import Question

Total = tuple[str, str, str]  # how blocks are put together, what it is called, of one block


class Measure(Protocol):
    """Shares or the mean of one question; its columns begin with `name`.

    In the result: `<name>_n`, `<name>_w`, `<name>_ww` (rows with a weight, weight, squared weight of the base),
    `<name>_df`, and by output `<name>_p<o>` (share or mean), `<name>_v<o>` (its variance); what else there is the
    classes say.
    """

    name: str
    base: str
    outputs: int
    more: Sequence[str]

    def totals(self) -> Iterator[Total]:
        """Sums over the rows of a column of the banner, beside those of the base."""

    def estimates(self) -> Iterator[str]:
        """What follows from them."""

    def deviations(self) -> Iterator[str]:
        """By output: what a row deviates by, times its weight; NULL outside the base."""

    def squares(self) -> Iterator[tuple[str, str]]:
        """What is to be summed up over rows once the estimates are known: names and what a row gives."""


class _Shares:
    """Also `<name>_q<o>`: 1 - share, from the weights of the rest.

    `parts` are conditions that hold inside the base only. By output `own` are the parts whose people chose it, any of
    them, and `rest` those whose people are the others; nobody is in two of these parts.
    """

    def __init__(
        self, name: str, base: str, parts: Sequence[str], own: Sequence[Sequence[int]], rest: Sequence[Sequence[int]]
    ) -> None:
        self.name, self.base, self.parts, self.own, self.rest, self.outputs = name, base, parts, own, rest, len(own)
        self.more: Sequence[str] = [f"q{at}" for at in range(len(own))]

    def totals(self) -> Iterator[Total]:
        for at, part in enumerate(self.parts):
            yield "SUM", f"{self.name}_s{at}", f"SUM(CASE WHEN {part} THEN w ELSE 0 END)"

    def estimates(self) -> Iterator[str]:
        for at in range(self.outputs):
            own, rest = (" + ".join(f"{self.name}_s{one}" for one in of[at]) or "0" for of in (self.own, self.rest))
            yield f"({own}) / NULLIF({own} + ({rest}), 0) AS {self.name}_p{at}"
            yield f"({rest}) / NULLIF({own} + ({rest}), 0) AS {self.name}_q{at}"

    def deviations(self) -> Iterator[str]:
        for at, own in enumerate(self.own):
            chosen = " OR ".join(self.parts[one] for one in own)
            rest = f"WHEN {self.base} THEN w * -{self.name}_p{at}"
            yield f"CASE WHEN {chosen} THEN w * {self.name}_q{at} {rest} END"

    def squares(self) -> Iterator[tuple[str, str]]:
        yield from ()


class _Mean:
    """Also `<name>_low`, `<name>_high` (of scores with a weight) and `<name>_e0`: sum of w (y - mean)^2."""

    def __init__(self, name: str, score: str) -> None:
        self.outputs = 1
        self.more: Sequence[str] = ["low", "high", "e0"]
        self.name, self.score, self.base = name, score, f"{score} IS NOT NULL"

    def totals(self) -> Iterator[Total]:
        yield "SUM", f"{self.name}_s0", f"SUM(w * {self.score})"
        yield "MIN", f"{self.name}_low", f"MIN(CASE WHEN w > 0 THEN {self.score} END)"
        yield "MAX", f"{self.name}_high", f"MAX(CASE WHEN w > 0 THEN {self.score} END)"

    def estimates(self) -> Iterator[str]:
        yield f"{self.name}_s0 / NULLIF({self.name}_w, 0) AS {self.name}_p0"
        yield f"{self.name}_low"
        yield f"{self.name}_high"

    def deviations(self) -> Iterator[str]:
        yield f"w * ({self.score} - {self.name}_p0)"

    def squares(self) -> Iterator[tuple[str, str]]:
        off = f"({self.score} - {self.name}_p0)"
        yield f"{self.name}_e0", f"w * {off} * {off}"


def measures(question: Question, number: int) -> list[Measure]:
    """The measures of one question; `share_name` and `mean_name` say which is which."""
    made: list[Measure] = []
    name, known = share_name(number), range(len(question.categories))
    own = [[at] for at in known] + _places(question)
    if question.column is not None:
        parts = [*(f"x{number} = {at}" for at in known), f"x{number} >= {len(known)}"]  # the last: none of them
        rest = [[at for at in range(len(parts)) if at not in of] for of in own]
        made.append(_Shares(name, f"x{number} >= 0", parts, own, rest))
    elif question.columns:
        base = f"x{number}_0 >= 0"
        chosen = ["(" + " OR ".join(f"x{number}_{at} = 1" for at in of) + ")" for of in own]
        others = [f"({base} AND NOT {one})" for one in chosen]
        places = range(len(own))
        made.append(
            _Shares(name, base, [*chosen, *others], [[at] for at in places], [[len(own) + at] for at in places])
        )
    if question.scores is not None:
        made.append(_Mean(mean_name(number), f"y{number}"))
    return made


def share_name(number: int) -> str:
    """How the columns of a question's shares begin."""
    return f"a{number}"


def mean_name(number: int) -> str:
    """How the columns of a question's mean begin."""
    return f"b{number}"


def _places(question: Question) -> list[list[int]]:
    """Of every net the places of its parts."""
    return [[question.categories.index(part) for part in of] for of in question.nets.values()]


def columns(question: Question, number: int) -> Iterator[tuple[str, str]]:
    """Columns of the file that a question takes, and what they are called in a statement."""
    if question.column is not None:
        yield question.column, f"x{number}"
    else:
        yield from ((name, f"x{number}_{at}") for at, name in enumerate(question.columns))
    if question.scores is not None:
        yield question.scores, f"y{number}"
