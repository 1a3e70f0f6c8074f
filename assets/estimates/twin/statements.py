"""SQL text: from the header of coded answers to statements that give shares, means and their variances.

Belongs here: the statements. Does not belong here: running them (`.duck`), other dialects (`.dialects`), what the
columns of the file mean (`..engine.coded`), pieces of one question (`.measures`).

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

from assets.estimates.engine.coded import Header, Question
from assets.estimates.twin.measures import Measure, Total, columns, measures
from schemas.problems import Problem, ProblemsError

ANSWERS, STRATA = "answers", "strata"  # the tables that statements read
BLOCK, ROWS = "block", 4096  # a name that no column of the file has, and about how many rows make a block
WIDTH = 24  # outputs side by side: more share a look at the rows, and make the PSUs' table wider

_STRATA = "SELECT h, m, $left AS r FROM (SELECT $stratum AS h, $counted FROM $answers$by_stratum) AS strata"
_COUNTED = "CAST(COUNT($psu) AS DOUBLE) AS m"
_ASKED = "SELECT $columns FROM $answers$inside"
_STATEMENT = """\
WITH whole AS (
  SELECT d, $estimates FROM ($totals) AS summed
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
  $squares
)"""
_SUMMED = "SELECT asked.d AS d, $totals FROM ($asked) AS asked$beside GROUP BY asked.d"
_IN_BLOCKS = """\
SELECT d, $sums
  FROM (SELECT asked.d AS d, $totals FROM ($asked) AS asked$beside GROUP BY asked.d, asked.b) AS blocks
  GROUP BY d"""
_BESIDE = " JOIN around ON whole.d = around.d"


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        sql: its text. The result has the position of the banner's column as `d`, and for every measure of a question
            what `.measures.Measure` says; a column of the banner in which nobody is in a base has NULLs, or no row.
        banner: position among the header's banners; None for everyone, whose only column is 0.
        questions: positions among the header's questions.
    """

    sql: str
    banner: int | None
    questions: tuple[int, ...]


def strata(names: AbstractSet[str], answers: str = ANSWERS) -> str:
    """The statement whose result is to be the table `strata`, one row a stratum `h`.

    `m` are the PSUs of the full design, `r` the part of the population's PSUs that was not drawn: 1 where they were
    drawn with replacement, or nobody knows.

    Args:
        names: columns that the file has.
        answers: name of the table of answers.
    """
    psu = f"DISTINCT {quoted('psu')}" if "psu" in names else "*"
    counted, left = Template(_COUNTED).substitute(psu=psu), "CAST(1 AS DOUBLE)"
    if "population" in names:
        counted, left = f"{counted}, MAX({quoted('population')}) AS whole", "1 - m / NULLIF(whole, 0)"
    stratum = quoted("stratum") if "stratum" in names else None
    return Template(_STRATA).substitute(
        left=left,
        stratum=stratum or "0",
        counted=counted,
        answers=quoted(answers),
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
    check(header, names)
    blocks = list(_blocks(header.questions, width))
    return [
        Statement(_statement(header, names, banner, numbers, answers, known, block), banner, tuple(numbers))
        for banner in (None, *range(len(header.banners)))
        for numbers in blocks
    ]


def _statement(
    header: Header, names: AbstractSet[str], banner: int | None, numbers: Sequence[int], answers: str, known: str,
    block: str | None,
) -> str:  # fmt: skip
    questions = [(number, header.questions[number]) for number in numbers]
    made = [one for number, question in questions for one in measures(question, number)]
    inside = "" if banner is None else f" WHERE {quoted(header.banners[banner].column)} >= 0"
    taken = [
        f"{quoted('weight')} AS w",
        f"{quoted('stratum') if 'stratum' in names else '0'} AS h",
        *([f"{quoted('psu')} AS u"] if "psu" in names else []),
        *([] if block is None else [f"{quoted(block)} AS b"]),
        f"{'0' if banner is None else quoted(header.banners[banner].column)} AS d",
        *(f"{quoted(name)} AS {own}" for number, question in questions for name, own in columns(question, number)),
    ]
    asked = Template(_ASKED).substitute(columns=", ".join(taken), answers=quoted(answers), inside=inside)
    clustered, designed = "psu" in names, not names.isdisjoint({"psu", "stratum"})
    squares = [(name, text) for one in made for name, text in one.squares()]
    totals = [total for one in made for total in (*_base_totals(one), *one.totals())]
    return Template(_STATEMENT).substitute(
        around=_around(asked, squares, block) if squares else "",
        beside=_BESIDE if squares else "",
        asked=asked,
        totals=_summed(asked, totals, block),
        estimates=_joined(part for one in made for part in (*_base_names(one), *one.estimates())),
        units=_joined(part for one in made for part in _units(one, clustered)),
        by_psu=" GROUP BY asked.h, asked.u, asked.d" if clustered else "",
        strata=_joined(part for one in made for part in _spreads(one, header.lonely)),
        known=quoted(known),
        variances=_joined(part for one in made for part in _variances(one, designed and header.lonely == "average")),
        found=_joined(part for one in made for part in _found(one)),
    )


def _around(asked: str, squares: Sequence[tuple[str, str]], block: str | None) -> str:
    totals = [("SUM", name, f"SUM({text})") for name, text in squares]
    return Template(_AROUND).substitute(squares=_summed(asked, totals, block, " JOIN whole ON asked.d = whole.d"))


def _summed(asked: str, totals: Sequence[Total], block: str | None, beside: str = "") -> str:
    """Totals by column; by block first where there are blocks."""
    return Template(_SUMMED if block is None else _IN_BLOCKS).substitute(
        asked=asked,
        beside=beside,
        totals=_joined(f"{text} AS {name}" for _, name, text in totals),
        **({} if block is None else {"sums": _joined(f"{how}({name}) AS {name}" for how, name, _ in totals)}),
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


def check(header: Header, names: AbstractSet[str]) -> None:
    """Whether the file has the columns that its header names.

    Raises:
        ProblemsError: it has not; all that are absent are told.
    """
    wanted = ["weight", *(one.column for one in header.banners)]
    wanted += [name for number, one in enumerate(header.questions) for name, _ in columns(one, number)]
    absent = [name for name in wanted if name not in names]
    if absent:
        what = "the header of coded answers names columns that the file does not have"
        raise ProblemsError([Problem("corrupt", header.release, what, None, None, ", ".join(absent))])


def _joined(parts: Iterator[str]) -> str:
    return ",\n    ".join(parts)


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
