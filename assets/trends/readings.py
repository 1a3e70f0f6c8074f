"""Changes read another way: tested again without don't know, and with every respondent counted once.

Belongs here: which tested changes have another reading, its test, whether direction or verdict are others; what
`changes` says of that. Does not belong here: readings of one wave (assets.estimates.readings), the test
(assets.trends.change), families (assets.trends.families).

Both waves are read the same way. A wave without a row in `readings` is the same under that reading, so its estimate
stands in; a pair of two such waves has no row. A family is adjusted as a whole: its other members are read the same
way. What two waves share is taken to correlate their figures as it does those of the estimates.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from assets.trends import change, families
from schemas.tables.readings import CHANGE_READINGS, READINGS
from schemas.vocabulary import Reading
from warehouse.connect import memory

Floats = npt.NDArray[np.float64]

SAID: dict[Reading, str] = {"without_dont_know": "without don't know", "unweighted": "unweighted"}
NOTHING = 1e-9  # points, or correlation: what is left of a sum of rounded numbers

_KEY = ("organisation", "series", "item", "category", "subgroup", "subgroup_value", "wave_from", "wave_to", "pair")
_NUMBERS = ("percent", "standard_error", "n_effective")


def _end(side: str, wave: str) -> str:
    """The joins of one end: its estimate, and the reading of it where there is one."""
    same = " AND ".join(f"{side}.{name} = c.{name}" for name in _KEY[:6])
    return (
        f"JOIN estimates AS {side} ON {same} AND {side}.wave = c.{wave} "
        f"LEFT JOIN readings AS {side}_read ON {same.replace(side + '.', side + '_read.')} "
        f"AND {side}_read.wave = c.{wave} AND {side}_read.reading = $reading"
    )


def _figures(side: str) -> str:
    return ", ".join(
        f"{side}.{name} AS {side}_{name}, "
        f"CASE WHEN {side}_read.reading IS NULL THEN {side}.{name} ELSE {side}_read.{name} END AS {side}_read_{name}"
        for name in _NUMBERS
    )


# All members of a family, if one of them is read otherwise.
_TESTED = f"""
WITH members AS (
    SELECT {", ".join(f"c.{name}" for name in _KEY)}, c.change, c.standard_error, c.verdict,
        dense_rank() OVER (ORDER BY c.organisation, c.series, c.family) - 1 AS family,
        {_figures("one")}, {_figures("two")},
        one_read.reading IS NOT NULL OR two_read.reading IS NOT NULL AS other
    FROM changes AS c {_end("one", "wave_from")} {_end("two", "wave_to")}
    WHERE c.p_value IS NOT NULL
)
SELECT * FROM members WHERE family IN (SELECT family FROM members WHERE other) ORDER BY {", ".join(_KEY)}
"""


_STANDING = f"""
COPY (
    SELECT {", ".join(f"r.{name}" for name in READINGS.columns)}
    FROM read_parquet($files, union_by_name := true) AS r
    SEMI JOIN read_parquet($estimates) AS e USING (release, estimate_id)
    ORDER BY {", ".join(READINGS.key)}
) TO $target (FORMAT parquet)
"""
_OF_PIECE = """
FROM read_parquet($source) AS r SEMI JOIN (SELECT DISTINCT organisation, series, item FROM piece) AS p
USING (organisation, series, item)
"""


def write_standing(files: Sequence[Path], work: Path) -> int:
    """Write `readings.parquet`: of all readings of the lake those of the estimates that stand; returns their number.

    Args:
        files: rows of `readings` of loads.
        work: folder with `estimates.parquet`.
    """
    target = work / "readings.parquet"
    if not files:
        pyarrow.parquet.write_table(READINGS.arrow().empty_table(), target)
        return 0
    con = memory()
    try:
        named = {"files": [str(file) for file in files], "estimates": str(work / "estimates.parquet")}
        con.execute(_STANDING, named | {"target": str(target)})
    finally:
        con.close()
    return int(pyarrow.parquet.read_metadata(target).num_rows)


def of_pieces(work: Path) -> Callable[[pyarrow.Table], pyarrow.Table]:
    """What gives the rows of `readings.parquet` in `work` that are of the items of some estimates."""

    def found(piece: pyarrow.Table) -> pyarrow.Table:
        con = memory()
        try:
            con.register("piece", piece.select(["organisation", "series", "item"]))
            return con.sql(_OF_PIECE, params={"source": str(work / "readings.parquet")}).to_arrow_table()
        finally:
            con.close()

    return found


def table(changes: pyarrow.Table, estimates: pyarrow.Table, readings: pyarrow.Table | None) -> pyarrow.Table:
    """Rows of `change_readings`.

    Args:
        changes: rows of `changes`, families complete.
        estimates: rows of `estimates` that they compare.
        readings: rows of `readings`; None is none.
    """
    nothing = CHANGE_READINGS.arrow().empty_table()
    if readings is None or not readings.num_rows:
        return nothing
    con = memory()
    try:
        for name, given in (("changes", changes), ("estimates", estimates), ("readings", readings)):
            con.register(name, given)
        found = [_tested(con.sql(_TESTED, params={"reading": one}).to_arrow_table(), one) for one in SAID]
    finally:
        con.close()
    return pyarrow.concat_tables([nothing, *found])


def _tested(rows: pyarrow.Table, reading: Reading) -> pyarrow.Table:
    def column(name: str) -> Floats:
        return np.asarray(rows[name].to_numpy().astype(np.float64))

    one, two = (change.Figures(*(column(f"{side}_read_{name}") for name in _NUMBERS)) for side in ("one", "two"))
    errors = column("one_standard_error"), column("two_standard_error")
    shared = errors[0] ** 2 + errors[1] ** 2 - column("standard_error") ** 2  # twice the covariance
    product = 2 * errors[0] * errors[1]
    correlation = np.divide(shared, product, out=np.zeros_like(shared), where=product > 0)
    correlation = np.where(np.abs(correlation) > NOTHING, correlation, 0.0)
    covariance = np.where(correlation == 0, 0.0, correlation * one.standard_error * two.standard_error)
    tested = change.tested(one, two, covariance)
    adjusted = families.adjust(tested.p_value, column("family"), tested.change)
    before = column("change")
    known = ~np.isnan(tested.change)
    flips = (np.abs(before) > NOTHING) & (np.abs(tested.change) > NOTHING) & (before * tested.change < 0)
    verdict = pyarrow.array(families.VERDICTS).take(pyarrow.array(adjusted.verdict))
    differs = pyarrow.compute.not_equal(verdict, rows["verdict"].combine_chunks()).to_numpy(zero_copy_only=False)
    made: dict[str, Any] = {
        "reading": pyarrow.repeat(pyarrow.scalar(reading), len(rows)),
        "percent_from": _numbers(one.percent),
        "percent_to": _numbers(two.percent),
        "change": _numbers(tested.change),
        "standard_error": _numbers(tested.standard_error),
        "p_value": _numbers(tested.p_value),
        "p_adjusted": _numbers(adjusted.holm),
        "verdict": verdict,
        "sign_flips": pyarrow.array(flips, mask=~known),
        "verdict_differs": pyarrow.array(differs, mask=np.isnan(tested.p_value)),
    }
    schema = CHANGE_READINGS.arrow()
    arrays = [(made[one.name] if one.name in made else rows[one.name]).cast(one.type) for one in schema]
    return pyarrow.Table.from_arrays(arrays, schema=schema).filter(rows["other"])


def told(changes: pyarrow.Table, read: pyarrow.Table) -> pyarrow.Table:
    """Changes whose column `other_readings` says where another reading has another direction or verdict.

    Args:
        changes: rows of `changes`.
        read: rows of `change_readings`.
    """
    apart = read.filter(pyarrow.compute.or_kleene(read["sign_flips"], read["verdict_differs"]).fill_null(False))
    if not apart.num_rows:
        return changes
    said: dict[tuple[str, ...], list[str]] = {}
    for row in apart.select([*_KEY, "reading", "verdict", "sign_flips", "verdict_differs"]).to_pylist():
        reading, texts = SAID[row["reading"]], said.setdefault(tuple(row[name] for name in _KEY), [])
        texts += [f"the direction reverses {reading}"] * bool(row["sign_flips"])
        texts += [f"{row['verdict'].replace('_', ' ')} {reading}"] * bool(row["verdict_differs"])
    keys = zip(*(changes[name].to_pylist() for name in _KEY), strict=True)
    at = changes.column_names.index("other_readings")
    lists = pyarrow.array([said.get(key, []) for key in keys], changes.schema.field(at).type)
    return changes.set_column(at, changes.schema.field(at), lists)


def _numbers(values: Floats) -> pyarrow.Array:
    return pyarrow.array(values, from_pandas=True)
