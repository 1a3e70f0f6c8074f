"""SQL text: from the header of coded answers to statements that give shares, means and their variances.

Belongs here: the statements. Does not belong here: running them (`.duck`), other dialects (`.dialects`), what the
columns of the file mean (`..engine.coded`).

One statement takes one banner and as many questions as fit side by side. It looks at the rows twice, for means again:

1. `whole`: by column of the banner the sums of weights of those who chose an output and of the rest; so p and 1 - p.
2. `unit`: by PSU the sum of w (1 - p) of those who chose and -w p of the rest (of a mean, of w (y - mean)), NULL for a
   PSU with no row in the base. Where every row is its own PSU the rows stay as they are.

3. `around`: of a mean the sum of w (y - mean)^2, for the design effect.

Then `spread` has by stratum r m / (m - 1) (sum (z - mean z)^2 + mean z^2 s (m - s) / m), with s PSUs seen, m those of
the full design and r the part of the population that was not drawn (table `strata`); PSUs not seen have z = 0, which
the second part says. VAR_POP keeps deviations from a running mean, in DuckDB as in Spark, so that no large squares are
subtracted from each other. Variances are sums over strata divided by the squared weight of the base.

Both engines add up one number after the other. Of equal weights, a hundred thousand times 0.7, the rounding then goes
one way and comes to 2e-12. So sums over rows can be made by blocks first: by a column that whoever runs the statements
adds to the answers, any whole number that is the same in some thousand rows. Sums by PSU and VAR_POP need none.

The text is DuckDB's, of constructs that Spark has too: no user's functions, no QUALIFY, no hints for materialising,
and never a division by 0. Every name that comes from a file is quoted; all others are made here.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from string import Template
from typing import Protocol

from assets.estimates.engine.coded import Header, Question
from schemas.problems import Problem, ProblemsError

ANSWERS, STRATA = "answers", "strata"  # the tables that statements read
BLOCK, ROWS = "block", 4096  # a name that no column of the file has, and about how many rows make a block
WIDTH = 24  # outputs side by side: more share a look at the rows, and make the PSUs' table wider

_STRATA = "SELECT h, m, $left AS r FROM (SELECT $stratum AS h, $counted FROM $answers$by_stratum) AS strata"
_COUNTED = "CAST(COUNT($psu) AS DOUBLE) AS m"
_ASKED = "SELECT $columns FROM $answers$inside"
_STATEMENT = """\
WITH whole AS (
  SELECT d, $estimates
  FROM (
    SELECT d, $sums FROM (SELECT d, b, $totals FROM ($asked) AS asked GROUP BY d, b) AS blocks GROUP BY d
  ) AS summed
), unit AS (
  SELECT asked.h AS h, asked.d AS d, $units
  FROM ($asked) AS asked JOIN whole ON asked.d = whole.d$by_psu
), spread AS (
  SELECT unit.h AS h, unit.d AS d, MAX(strata.m) AS m, MAX(strata.r) AS r, $strata
  FROM unit JOIN $known AS strata ON unit.h = strata.h GROUP BY unit.h, unit.d
), varied AS (
  SELECT d, $variances FROM spread GROUP BY d
)$around
SELECT whole.d AS d, $found
FROM whole JOIN varied ON whole.d = varied.d$beside ORDER BY whole.d
"""
_AROUND = """, around AS (
  SELECT d, $sums
  FROM (
    SELECT asked.d AS d, asked.b AS b, $squares
    FROM ($asked) AS asked JOIN whole ON asked.d = whole.d GROUP BY asked.d, asked.b
  ) AS blocks GROUP BY d
)"""
_BESIDE = " JOIN around ON whole.d = around.d"


Total = tuple[str, str, str]  # how blocks are put together, what it is called, of one block


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        sql: its text. The result has the position of the banner's column as `d`, and for every measure of a question
            what `Measure` says; a column of the banner in which nobody is in a base has NULLs, or no row.
        banner: position among the header's banners; None for everyone, whose only column is 0.
        questions: positions among the header's questions.
    """

    sql: str
    banner: int | None
    questions: tuple[int, ...]


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

    `chosen` are the conditions of the outputs; they hold inside the base only.
    """

    def __init__(self, name: str, base: str, chosen: Sequence[str]) -> None:
        self.name, self.base, self.chosen, self.outputs = name, base, chosen, len(chosen)
        self.more: Sequence[str] = [f"q{at}" for at in range(len(chosen))]

    def totals(self) -> Iterator[Total]:
        for at, chosen in enumerate(self.chosen):
            yield "SUM", f"{self.name}_s{at}", f"SUM(CASE WHEN {chosen} THEN w ELSE 0 END)"
            yield "SUM", f"{self.name}_r{at}", f"SUM(CASE WHEN {self.base} AND NOT {chosen} THEN w ELSE 0 END)"

    def estimates(self) -> Iterator[str]:
        for at in range(self.outputs):
            own, rest = f"{self.name}_s{at}", f"{self.name}_r{at}"
            yield f"{own} / NULLIF({own} + {rest}, 0) AS {self.name}_p{at}"
            yield f"{rest} / NULLIF({own} + {rest}, 0) AS {self.name}_q{at}"

    def deviations(self) -> Iterator[str]:
        for at, chosen in enumerate(self.chosen):
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


def strata(names: AbstractSet[str], answers: str = ANSWERS) -> str:
    """The statement whose result is to be the table `strata`, one row a stratum `h`.

    `m` are the PSUs of the full design, `r` the part of the population's PSUs that was not drawn: 1 where they were
    drawn with replacement, or nobody knows.

    Args:
        names: columns that the file has.
        answers: name of the table of answers.
    """
    psu = f"DISTINCT {_quoted('psu')}" if "psu" in names else "*"
    counted, left = Template(_COUNTED).substitute(psu=psu), "CAST(1 AS DOUBLE)"
    if "population" in names:
        counted, left = f"{counted}, MAX({_quoted('population')}) AS whole", "1 - m / NULLIF(whole, 0)"
    stratum = _quoted("stratum") if "stratum" in names else None
    return Template(_STRATA).substitute(
        left=left,
        stratum=stratum or "0",
        counted=counted,
        answers=_quoted(answers),
        by_stratum=f" GROUP BY {stratum}" if stratum else "",
    )


def statements(
    header: Header,
    names: AbstractSet[str],
    answers: str = ANSWERS,
    known: str = STRATA,
    width: int = WIDTH,
    block: str | None = None,
) -> list[Statement]:
    """All statements of a release.

    Args:
        header: of the coded answers.
        names: columns that the file has.
        answers: name of the table of answers.
        known: name of the table of strata.
        width: outputs side by side in one statement; a question is never split.
        block: name of the column of blocks that the table of answers has beside those of the file; None for none.

    Raises:
        ProblemsError: the header names columns that the file does not have.
    """
    _check(header, names)
    blocks = list(_blocks(header.questions, width))
    return [
        Statement(_statement(header, names, banner, numbers, answers, known, block), banner, tuple(numbers))
        for banner in (None, *range(len(header.banners)))
        for numbers in blocks
    ]


def measures(question: Question, number: int) -> list[Measure]:
    """The measures of one question; `share_name` and `mean_name` say which is which."""
    made: list[Measure] = []
    if question.column is not None:
        places = [[at] for at in range(len(question.categories))] + _places(question)
        chosen = [" OR ".join(f"x{number} = {at}" for at in of) for of in places]
        made.append(_Shares(share_name(number), f"x{number} >= 0", [f"({one})" for one in chosen]))
    elif question.columns:
        several = [[at] for at in range(len(question.columns))] + _places(question)
        chosen = [" OR ".join(f"x{number}_{at} = 1" for at in of) for of in several]
        made.append(_Shares(share_name(number), f"x{number}_0 >= 0", [f"({one})" for one in chosen]))
    if question.scores is not None:
        made.append(_Mean(mean_name(number), f"y{number}"))
    return made


def share_name(number: int) -> str:
    """How the columns of a question's shares begin."""
    return f"a{number}"


def mean_name(number: int) -> str:
    """How the columns of a question's mean begin."""
    return f"b{number}"


def _statement(
    header: Header, names: AbstractSet[str], banner: int | None, numbers: Sequence[int], answers: str, known: str,
    block: str | None,
) -> str:  # fmt: skip
    questions = [(number, header.questions[number]) for number in numbers]
    made = [one for number, question in questions for one in measures(question, number)]
    inside = "" if banner is None else f" WHERE {_quoted(header.banners[banner].column)} >= 0"
    columns = [
        f"{_quoted('weight')} AS w",
        f"{_quoted('stratum') if 'stratum' in names else '0'} AS h",
        *([f"{_quoted('psu')} AS u"] if "psu" in names else []),
        f"{'0' if block is None else _quoted(block)} AS b",
        f"{'0' if banner is None else _quoted(header.banners[banner].column)} AS d",
        *(f"{_quoted(name)} AS {own}" for number, question in questions for name, own in _own(question, number)),
    ]
    asked = Template(_ASKED).substitute(columns=", ".join(columns), answers=_quoted(answers), inside=inside)
    clustered, designed = "psu" in names, not names.isdisjoint({"psu", "stratum"})
    squares = [(name, text) for one in made for name, text in one.squares()]
    return Template(_STATEMENT).substitute(
        around=_around(asked, squares) if squares else "",
        beside=_BESIDE if squares else "",
        asked=asked,
        sums=_joined(
            f"{how}({name}) AS {name}" for one in made for how, name, _ in (*_base_totals(one), *one.totals())
        ),
        totals=_joined(f"{text} AS {name}" for one in made for _, name, text in (*_base_totals(one), *one.totals())),
        estimates=_joined(part for one in made for part in (*_base_names(one), *one.estimates())),
        units=_joined(part for one in made for part in _units(one, clustered)),
        by_psu=" GROUP BY asked.h, asked.u, asked.d" if clustered else "",
        strata=_joined(part for one in made for part in _spreads(one, header.lonely)),
        known=_quoted(known),
        variances=_joined(part for one in made for part in _variances(one, designed and header.lonely == "average")),
        found=_joined(part for one in made for part in _found(one)),
    )


def _around(asked: str, squares: Sequence[tuple[str, str]]) -> str:
    return Template(_AROUND).substitute(
        asked=asked,
        sums=_joined(f"SUM({name}) AS {name}" for name, _ in squares),
        squares=_joined(f"SUM({text}) AS {name}" for name, text in squares),
    )


def _base_totals(of: Measure) -> Iterator[Total]:
    yield "SUM", f"{of.name}_n", f"COUNT(CASE WHEN {of.base} AND w > 0 THEN 1 END)"
    yield "SUM", f"{of.name}_w", f"SUM(CASE WHEN {of.base} THEN w ELSE 0 END)"
    yield "SUM", f"{of.name}_ww", f"SUM(CASE WHEN {of.base} THEN w * w ELSE 0 END)"


def _base_names(of: Measure) -> list[str]:
    return [f"{of.name}_{one}" for one in ("n", "w", "ww")]


def _units(of: Measure, clustered: bool) -> Iterator[str]:
    """Of one PSU: NULL, or 1 if it has a weight in the base; deviations."""

    def summed(text: str) -> str:
        return f"SUM({text})" if clustered else text

    seen = f"CASE WHEN {of.base} AND w > 0 THEN 1 END"
    yield f"{f'MAX({seen})' if clustered else seen} AS {of.name}_one"
    for at, deviation in enumerate(of.deviations()):
        yield f"{summed(deviation)} AS {of.name}_z{at}"


def _spreads(of: Measure, lonely: str) -> Iterator[str]:
    """Of one stratum: PSUs seen, PSUs with a weight, squared deviations of all its PSUs."""
    seen = f"COUNT({of.name}_z0)"
    yield f"{seen} AS {of.name}_seen"
    yield f"COUNT({of.name}_one) AS {of.name}_units"
    for at in range(of.outputs):
        z, m = f"{of.name}_z{at}", "MAX(strata.m)"
        absent = f"{seen} * ({m} - {seen}) / {m}"
        if lonely == "adjust":  # the mean of all PSUs is 0, as that of deviations is
            absent = f"CASE WHEN {m} = 1 THEN {seen} ELSE {absent} END"
        inner = f"{seen} * VAR_POP({z}) + AVG({z}) * AVG({z}) * {absent}"
        yield f"MAX(strata.r) * {m} / GREATEST({m} - 1, 1) * ({inner}) AS {of.name}_v{at}"


def _variances(of: Measure, average: bool) -> Iterator[str]:
    """Of one column: degrees of freedom, sums over strata."""
    yield f"SUM(CASE WHEN {of.name}_units > 0 THEN {of.name}_units - 1 ELSE 0 END) AS {of.name}_df"
    scale = ""
    if average:
        here, lone = f"COUNT(CASE WHEN {of.name}_seen > 0", "m = 1 AND r > 0"
        present, good = f"{here} THEN 1 END)", f"{here} AND NOT ({lone}) THEN 1 END)"
        scale = f" * CASE WHEN {present} = {good} THEN 1 ELSE {present} / NULLIF({good}, 0) END"
    for at in range(of.outputs):
        yield f"SUM({of.name}_v{at}){scale} AS {of.name}_v{at}"


def _found(of: Measure) -> Iterator[str]:
    yield from (f"{name}" for name in _base_names(of))
    yield f"{of.name}_df"
    for at in range(of.outputs):
        yield f"{of.name}_p{at}"
        yield f"{of.name}_v{at} / NULLIF({of.name}_w * {of.name}_w, 0) AS {of.name}_v{at}"
    yield from (f"{of.name}_{one}" for one in of.more)


def _places(question: Question) -> list[list[int]]:
    """Of every net the places of its parts."""
    return [[question.categories.index(part) for part in of] for of in question.nets.values()]


def _own(question: Question, number: int) -> Iterator[tuple[str, str]]:
    """Columns of the file that a question takes, and what they are called in a statement."""
    if question.column is not None:
        yield question.column, f"x{number}"
    else:
        yield from ((name, f"x{number}_{at}") for at, name in enumerate(question.columns))
    if question.scores is not None:
        yield question.scores, f"y{number}"


def _blocks(questions: Sequence[Question], width: int) -> Iterator[list[int]]:
    block: list[int] = []
    size = 0
    for number, question in enumerate(questions):
        own = sum(one.outputs for one in measures(question, number))
        if not own:
            continue
        if block and size + own > width:
            yield block
            block, size = [], 0
        block.append(number)
        size += own
    if block:
        yield block


def _check(header: Header, names: AbstractSet[str]) -> None:
    wanted = ["weight", *(one.column for one in header.banners)]
    wanted += [name for number, one in enumerate(header.questions) for name, _ in _own(one, number)]
    absent = [name for name in wanted if name not in names]
    if absent:
        what = "the header of coded answers names columns that the file does not have"
        raise ProblemsError([Problem("corrupt", header.release, what, None, None, ", ".join(absent))])


def _joined(parts: Iterator[str]) -> str:
    return ",\n    ".join(parts)


def _quoted(name: str) -> str:
    """A name as SQL takes it whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
