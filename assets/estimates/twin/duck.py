"""The statements in DuckDB, over the file of coded answers.

Belongs here: running them. Does not belong here: their text (`.statements`), what the results are (`.results`).
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np

from assets.estimates.engine.coded import CodedFile
from assets.estimates.twin.results import Result, Sums, gathered
from assets.estimates.twin.statements import ANSWERS, BLOCK, ROWS, STRATA, WIDTH, Statement, statements, strata
from assets.estimates.twin.together import FILE, in_columns, one_banner
from warehouse import connect

# Rows x banners up to which all banners are taken as one. At 100,000 rows and six banners that halves the time, at a
# million it is as long and takes three times the memory.
TOGETHER = 2_000_000


def sums(path: Path, width: int = WIDTH, together: int = TOGETHER) -> list[Sums]:
    """Sums of every question of a release, in the header's order.

    Rows are read as a stream, once and again for each statement; in memory are the PSUs of one statement. Of weights
    that were made to meet targets, and of replicate weights, the variances are those without that.

    Args:
        path: `answers.parquet`.
        width: see `.statements.statements`.
        together: rows x banners up to which a statement takes all banners; the result is the same.

    Raises:
        ProblemsError: no file of coded answers.
    """
    answers = CodedFile(path)
    with connect.memory() as db:
        file = f"read_parquet({connect.quoted(path)}, hive_partitioning = false, file_row_number = true)"
        db.execute(f"CREATE VIEW {FILE} AS SELECT *, file_row_number // {ROWS} AS {BLOCK} FROM {file}")
        db.execute(f"CREATE TABLE {STRATA} AS {strata(answers.names, answers=FILE)}")
        if answers.rows * (1 + len(answers.header.banners)) <= together:
            view = in_columns(answers.header, answers.names)
            todo = list(one_banner(answers.header, answers.names, width, BLOCK))
        else:
            view = f"SELECT * FROM {FILE}"
            todo = statements(answers.header, answers.names, width=width, block=BLOCK)
        db.execute(f"CREATE VIEW {ANSWERS} AS {view}")
        return gathered(answers.header, _results(db, todo))


def _results(db: duckdb.DuckDBPyConnection, all_: list[Statement]) -> Iterator[tuple[Statement, Result]]:
    for one in all_:
        found = db.execute(one.sql)
        names = [column[0] for column in found.description or ()]
        table = np.array(found.fetchall(), np.float64).reshape(-1, len(names))  # None is nan
        yield one, dict(zip(names, table.T, strict=True))
