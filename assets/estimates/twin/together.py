"""All banners as one: the same statements, seven times fewer of them where there are six banners.

Belongs here: the table in which a row comes once for everyone and once for each column that it is in, and the
statements over it. Does not belong here: the statements of one banner (`.statements`), running any.

Every engine plans a statement before it looks at a row: DuckDB some 60 ms, Spark a second or more. Where that is most
of the work one statement for all banners pays, although it looks at more rows.
"""

from collections.abc import Iterator, Set
from dataclasses import replace

from assets.estimates.engine.coded import Banner, Header
from assets.estimates.engine.sweep import sizes
from assets.estimates.twin.statements import ANSWERS, STRATA, WIDTH, Statement, check, quoted, statements

FILE = "answers_file"  # the table of rows as they are in the file


def one_banner(header: Header, names: Set[str], width: int = WIDTH, block: str | None = None) -> Iterator[Statement]:
    """Statements that take the columns of all banners at once, everyone first: `d` is counted through.

    They read `ANSWERS`, which is to be what `in_columns` gives.

    Args:
        header: of the coded answers.
        names: columns that the file has.
        width: see `.statements.statements`.
        block: see there.

    Raises:
        ProblemsError: the header names columns that the file does not have.
    """
    check(header, names)
    column = _column(names)
    every = [str(number) for number in range(sum(sizes(header)))]
    single = header.model_copy(update={"banners": [Banner(subgroup="", column=column, values=every, depends="")]})
    for one in statements(single, names | {column}, answers=ANSWERS, known=STRATA, width=width, block=block):
        if one.banner is not None:
            yield replace(one, banner=None)


def in_columns(header: Header, names: Set[str]) -> str:
    """Every row of `FILE` once for everyone, and once for each banner in one of whose columns it is; DuckDB's text."""
    places, start = ["0"], 1
    for one in header.banners:
        name = quoted(one.column)
        places.append(f"CASE WHEN {name} >= 0 THEN {start} + {name} END")
        start += len(one.values)
    column = _column(names)
    every = f"SELECT *, UNNEST([{', '.join(places)}]) AS {column} FROM {FILE}"
    return f"SELECT * FROM ({every}) AS every WHERE {column} IS NOT NULL"


def _column(names: Set[str]) -> str:
    """A name that no column of the file has."""
    taken = {name.casefold() for name in names}
    column = "column_of_banner"
    while column in taken:
        column += "_"
    return column
