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
from warehouse import connect


def sums(path: Path, width: int = WIDTH) -> list[Sums]:
    """Sums of every question of a release, in the header's order.

    Rows are read as a stream, once and again for each statement; in memory are the PSUs of one statement. Of weights
    that were made to meet targets, and of replicate weights, the variances are those without that.

    Args:
        path: `answers.parquet`.
        width: see `.statements.statements`.

    Raises:
        ProblemsError: no file of coded answers.
    """
    answers = CodedFile(path)
    with connect.memory() as db:
        file = f"read_parquet({connect.quoted(path)}, hive_partitioning = false, file_row_number = true)"
        db.execute(f"CREATE VIEW {ANSWERS} AS SELECT *, file_row_number // {ROWS} AS {BLOCK} FROM {file}")
        db.execute(f"CREATE TABLE {STRATA} AS {strata(answers.names)}")
        todo = statements(answers.header, answers.names, width=width, block=BLOCK)
        return gathered(answers.header, _results(db, todo))


def _results(db: duckdb.DuckDBPyConnection, all_: list[Statement]) -> Iterator[tuple[Statement, Result]]:
    for one in all_:
        found = db.execute(one.sql)
        names = [column[0] for column in found.description or ()]
        table = np.array(found.fetchall(), np.float64).reshape(-1, len(names))  # None is nan
        yield one, dict(zip(names, table.T, strict=True))
