"""Which changes are split by which banner, and what comes out: the table `composition`.

Belongs here: pairs of waves whose answers are at hand, banners that both have, why a change is not split, rows. Does
not belong here: the formula (assets.trends.composition), what a wave says of groups (assets.estimates.engine.groups).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.parquet

from assets.trends.comparability import WORST_FIRST, joins
from assets.trends.composition import Cells, parts
from schemas.tables.readings import COMPOSITION
from schemas.vocabulary import SplitPair, words
from warehouse.connect import memory, quoted

Floats = npt.NDArray[np.float64]

FILE = "groups.parquet"  # as assets.estimates.engine.groups.NAME, which this does not import as it needs scipy
MOST_OUTSIDE = 5.0  # percent of a base in no column: with more the columns do not divide it
SMALL_GROUP = 30  # people; a smaller group is told
KEPT = 8  # waves in memory at once; pairs come in the order of waves, so that each is read about once
PIECE = 100_000  # rows that are written at a time
SHARED = "both samples have people or primary units in common, and the errors do not know of it"
_OTHERS = 4  # names in one reason

_WANTED = """
SELECT c.organisation, c.series, c.item, c.category, c.wave_from, c.wave_to, c.pair, c.comparability,
    c.correlation IS NOT NULL AS shared,
    one.release AS release_from, two.release AS release_to
FROM changes AS c
JOIN estimates AS one ON one.organisation = c.organisation AND one.series = c.series AND one.wave = c.wave_from
    AND one.item = c.item AND one.category = c.category
JOIN estimates AS two ON two.organisation = c.organisation AND two.series = c.series AND two.wave = c.wave_to
    AND two.item = c.item AND two.category = c.category
WHERE c.subgroup = 'total' AND c.change IS NOT NULL AND list_contains($pairs, c.pair)
    AND list_contains($joins, c.comparability)
    AND one.subgroup = 'total' AND one.basis = 'microdata' AND two.subgroup = 'total' AND two.basis = 'microdata'
ORDER BY c.organisation, c.series, two.fieldwork_start, c.wave_to, one.fieldwork_start, c.wave_from, c.item, c.category
"""


class Row(NamedTuple):
    """One question by one banner in one wave; see `assets.estimates.engine.groups.SCHEMA`."""

    groups: list[str]
    outputs: list[str]
    parts: Floats  # (O, K)
    n: npt.NDArray[np.int32]  # (G,)
    weight: Floats  # (G, K)
    outside: float  # percent of the base in no group
    covariance: Floats | None  # flat: variances, or the lower triangle


class Wave:
    """What one wave says of groups."""

    def __init__(self, path: Path) -> None:
        """`path` is the file of a load."""
        table = pyarrow.parquet.read_table(path).combine_chunks()
        self.of: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))  # item, banner -> rows
        texts = {name: table[name].to_pylist() for name in ("item", "banner", "groups", "outputs", "outside")}
        for at, (item, banner) in enumerate(zip(texts["item"], texts["banner"], strict=True)):
            self.of[item][banner].append(at)
        self._texts = texts
        self._kept = table["covariance"].is_valid().to_numpy()
        self._numbers = {name: _lists(table[name]) for name in ("parts", "n", "weight", "covariance")}
        self._rows: dict[int, Row] = {}  # every wave is the later one of a pair and the earlier one of the next

    def rows(self, item: str, banner: str) -> list[Row]:
        """Of a question by a banner: one, or one for each answer where a person gives several."""
        for at in self.of[item][banner]:
            if at not in self._rows:
                self._rows[at] = self._made(at)
        return [self._rows[at] for at in self.of[item][banner]]

    def _made(self, at: int) -> Row:
        groups, outputs, outside = (self._texts[name][at] for name in ("groups", "outputs", "outside"))
        parts, n, weight, folded = (values[start[at] : start[at + 1]] for values, start in self._numbers.values())
        whole = outside + float(weight.sum())
        return Row(
            groups,
            outputs,
            parts.reshape(len(outputs), -1).astype(np.float64),
            n,
            weight.reshape(len(groups), -1),
            100 * outside / whole if whole else 0.0,
            folded if self._kept[at] else None,
        )


def _lists(column: pyarrow.ChunkedArray) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """The values of a column of lists one after the other, and where each list begins, and the last ends."""
    whole = column.chunk(0) if column.num_chunks else column.combine_chunks()
    return whole.values.to_numpy(zero_copy_only=False), whole.offsets.to_numpy()


@dataclass(frozen=True, eq=False)
class _Pair:
    """Both waves of a question by a banner, with the same groups and outputs in the same order."""

    banner: str
    at: list[int]  # by output the row of the wanted changes
    one: Row
    two: Row
    reasons: list[str]  # to be told
    refused: list[str]  # why it is not split; groups are then as each wave has them

    @property
    def shape(self) -> tuple[int, ...]:
        """Pairs of one shape are worked out together."""
        sizes = [len(self.at), len(self.refused)]
        for row in (self.one, self.two):
            sizes += [*row.weight.shape, -1 if row.covariance is None else row.covariance.size]
        return tuple(sizes)


def write(work: Path, files: Mapping[str, Path]) -> int:
    """Write the table `composition` of the changes and estimates in a work folder; returns its rows.

    Args:
        work: with `changes.parquet` and `estimates.parquet`.
        files: what loads with respondents' answers say of groups, by release.
    """
    rows = 0
    with pyarrow.parquet.ParquetWriter(work / "composition.parquet", COMPOSITION.arrow()) as writer:
        for piece in pieces(work / "changes.parquet", work / "estimates.parquet", files) if files else ():
            writer.write_table(piece)
            rows += piece.num_rows
    return rows


def pieces(changes: Path, estimates: Path, files: Mapping[str, Path]) -> Iterator[pyarrow.Table]:
    """Rows of `composition`, some pairs of waves at a time.

    Args:
        changes: Parquet with rows of `changes`.
        estimates: Parquet with rows of `estimates`.
        files: see `write`.
    """
    con = memory()
    try:
        for name, path in (("changes", changes), ("estimates", estimates)):
            con.execute(f"CREATE VIEW {name} AS FROM read_parquet({quoted(path)})")
        joined = [verdict for verdict in WORST_FIRST if joins(verdict)]
        wanted = con.sql(_WANTED, params={"pairs": list(words(SplitPair)), "joins": joined}).to_arrow_table()
    finally:
        con.close()
    pairs: dict[tuple[str, str], dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    keys = (wanted[name].to_pylist() for name in ("release_from", "release_to", "item", "category"))
    for at, (first, second, item, category) in enumerate(zip(*keys, strict=True)):
        if first in files and second in files:
            pairs[first, second][item][category] = at
    read = lru_cache(KEPT)(lambda release: Wave(files[release]))
    made = _Made()
    for (first, second), items in pairs.items():
        made.take(items, read(first), read(second))
        if len(made.at) > PIECE:
            yield made.table(wanted)
            made = _Made()
    yield made.table(wanted)


def _pairs(item: str, categories: Mapping[str, int], one: Wave, two: Wave) -> Iterator[_Pair]:
    """A question by every banner that both waves have."""
    for banner in one.of[item]:
        if banner not in two.of[item]:
            continue
        sides = one.rows(item, banner), two.rows(item, banner)
        places = [{output: (at, place) for at, row in enumerate(rows) for place, output in enumerate(row.outputs)}
                  for rows in sides]  # fmt: skip
        together: dict[tuple[int, int], list[str]] = defaultdict(list)
        for category in categories:
            if all(category in there for there in places):
                together[places[0][category][0], places[1][category][0]].append(category)
        for (first, second), shared in together.items():
            rows = [_outputs(side[at], shared) for side, at in zip(sides, (first, second), strict=True)]
            yield _matched(banner, [categories[category] for category in shared], *rows)


def _outputs(row: Row, names: Sequence[str]) -> Row:
    if row.outputs == names:
        return row
    return row._replace(outputs=list(names), parts=row.parts[[row.outputs.index(name) for name in names]])


def _matched(banner: str, at: list[int], one: Row, two: Row) -> _Pair:
    """Columns that somebody is in, in one order; or why the two cannot be split."""
    there = [{group for group, n in zip(row.groups, row.n, strict=True) if n} for row in (one, two)]
    refused = []
    for row, own, other, which in ((one, there[0], there[1], "earlier"), (two, there[1], there[0], "later")):
        for groups, what in (
            ([group for group in row.groups if group in other - own], f"nobody in the {which} wave is in"),
            (sorted(other - {*row.groups}), f"the {which} wave has no column"),
        ):
            if groups:
                refused.append(f"not split: {what} {_listed(groups)}")
        if row.outside > MOST_OUTSIDE:
            refused.append(f"not split: {row.outside:.1f} % of the {which} wave are in no column")
        if row.covariance is None:
            refused.append(f"not split: too many columns and answers in the {which} wave for their errors to be kept")
    if not refused and len(there[0]) < 2:
        refused.append("not split: everybody is in one column")
    if refused:
        return _Pair(banner, at, one, two, [], refused)
    groups = [group for group in one.groups if group in there[0]]
    one, two = (_taken(row, groups) for row in (one, two))
    small = [group for group, *n in zip(groups, one.n, two.n, strict=True) if min(n) < SMALL_GROUP]
    return _Pair(banner, at, one, two, [f"fewer than {SMALL_GROUP} people in {_listed(small)}"] if small else [], [])


def _taken(row: Row, groups: Sequence[str]) -> Row:
    """Some groups in this order."""
    if row.groups == groups or row.covariance is None:
        return row
    places, options = np.array([row.groups.index(group) for group in groups]), row.weight.shape[1]
    cells = (places[:, None] * options + np.arange(options)).ravel()
    if _plain(row):
        kept = row.covariance[cells]
    else:
        kept = _unfolded(row.covariance[None], row.weight.size)[0][np.ix_(cells, cells)][np.tril_indices(len(cells))]
    return row._replace(groups=list(groups), n=row.n[places], weight=row.weight[places], covariance=kept)


def _plain(row: Row) -> bool:
    return row.covariance is not None and row.covariance.size == row.weight.size


def _unfolded(folded: Floats, cells: int) -> Floats:
    """Covariances (B, cells, cells) of their lower triangles (B, cells (cells + 1) / 2)."""
    out = np.empty((len(folded), cells, cells))
    row, column = np.tril_indices(cells)
    out[:, row, column] = folded
    out[:, column, row] = folded
    return out


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _OTHERS} more" if len(names) > _OTHERS else ""
    return ", ".join(names[:_OTHERS]) + more


class _Made:
    """Rows as they come, column by column."""

    def __init__(self) -> None:
        self.at: list[int] = []  # rows of the wanted changes
        self.told: dict[str, list[Any]] = defaultdict(list)
        self.numbers: list[Floats] = []  # (rows, 6): values, then errors

    def take(self, items: Mapping[str, Mapping[str, int]], one: Wave, two: Wave) -> None:
        """The rows of two waves: of their items the categories, with the row of the wanted changes."""
        alike: dict[tuple[int, ...], list[_Pair]] = defaultdict(list)
        for item, categories in items.items():
            for pair in _pairs(item, categories, one, two):
                alike[pair.shape].append(pair)
        for some in alike.values():
            self._take(some)

    def _take(self, pairs: Sequence[_Pair]) -> None:
        """Pairs of one shape."""
        if pairs[0].refused:
            numbers = np.full((len(pairs), len(pairs[0].at), 6), np.nan)
        else:
            numbers = 100 * np.concatenate(
                parts(_stacked([p.one for p in pairs]), _stacked([p.two for p in pairs])), axis=2
            )
        self.numbers.append(numbers.reshape(-1, 6))
        for pair in pairs:
            many, split = len(pair.at), not pair.refused
            self.at += pair.at
            for name, value in {
                "banner": pair.banner,
                "groups": len(pair.one.groups) if split else None,
                "outside_from": pair.one.outside,
                "outside_to": pair.two.outside,
                "smallest_group": int(min(pair.one.n.min(), pair.two.n.min())) if split else None,
                "reasons": [*pair.refused, *pair.reasons],
            }.items():
                self.told[name] += [value] * many

    def table(self, wanted: pyarrow.Table) -> pyarrow.Table:
        """Rows of `composition`."""
        schema = COMPOSITION.arrow()
        if not self.at:
            return schema.empty_table()
        key = wanted.take(pyarrow.array(self.at))
        names = ("change", "composition", "within", "standard_error", "composition_error", "within_error")
        columns = dict(zip(names, np.concatenate(self.numbers).T, strict=True))
        columns |= {name: self.told[name] for name in self.told}
        shared = zip(columns["reasons"], key["shared"].to_pylist(), strict=True)
        columns["reasons"] = [[*reasons, SHARED] if both else reasons for reasons, both in shared]
        arrays = [
            key[field.name].cast(field.type)
            if field.name in key.column_names
            else pyarrow.array(columns[field.name], field.type, from_pandas=True)
            for field in schema
        ]
        return pyarrow.Table.from_arrays(arrays, schema=schema)


def _stacked(rows: Sequence[Row]) -> Cells:
    weight, parts_ = np.stack([row.weight for row in rows]), np.stack([row.parts for row in rows])
    kept = np.stack([row.covariance for row in rows if row.covariance is not None])
    return Cells(weight, parts_, kept if _plain(rows[0]) else _unfolded(kept, rows[0].weight.size))
