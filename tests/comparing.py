"""Comparisons of a few estimates that a test has made, as a refresh makes them of all."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow

from assets.trends.comparisons import PIECE, Compared, Told, compare, in_order, pieces
from schemas.tables.figures import ESTIMATES
from warehouse.connect import memory


def compared(
    estimates: Sequence[Mapping[str, Any]], questions: Mapping[Any, Any], waves: Mapping[Any, Any], **told: Any
) -> Compared:
    """Rows of `trends`, `changes` and `trend_tests`; arguments as for `Told`."""
    given = pyarrow.Table.from_pylist(list(estimates), schema=ESTIMATES.arrow())
    con = memory()
    try:
        con.register("given", given)
        [piece] = pieces(in_order(con, "given"), PIECE)
    finally:
        con.close()
    return compare(piece, Told(questions, waves, **told))
