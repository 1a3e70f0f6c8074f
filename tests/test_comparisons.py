"""Comparisons of many estimates: pieces of whole items, the same rows however they are cut, equal bytes."""

import datetime as dt
import itertools
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from assets.trends import comparisons
from assets.trends.comparisons import Compared, Told, in_order, pieces, write
from schemas.tables import BY_NAME
from schemas.tables.figures import ESTIMATES
from tests.comparing import compared
from warehouse import connect

WAVES = 7
DECISIONS = {3: ("note", "shortened"), 5: ("break", "new list")}
NUMBERS = ("change", "standard_error", "p_value", "p_adjusted", "p_adjusted_bh", "detectable_change")


def estimates(seed: int = 7) -> list[dict[str, Any]]:
    """Three series, five items, two banners, in any order; some waves lack an item, some figures an error."""
    draw, rows = random.Random(seed), []
    columns = (("total", "all"), ("sex", "men"), ("sex", "women"))
    for series, item, wave in itertools.product(("a", "b", "c"), (f"item-{at}" for at in range(5)), range(WAVES)):
        if draw.random() < 0.1:
            continue
        for category, (subgroup, value) in itertools.product(("no", "yes"), columns):
            percent, n = round(draw.uniform(0, 60), 1), draw.choice([None, 200, 900])
            error = None if n is None else (percent * (100 - percent) / n) ** 0.5
            rows.append({
                "organisation": f"house-{series}", "series": series, "wave": f"{wave:02d}", "item": item,
                "category": category, "subgroup": subgroup, "subgroup_value": value, "percent": percent,
                "standard_error": error, "n": n, "n_effective": n, "fieldwork_start": dt.date(2020 + wave, 1, 1),
                "fieldwork_end": None if wave == 2 else dt.date(2020 + wave, 1, 9), "base": "all respondents",
                "qualifier": "exact", "flags": ["low_base"] if n == 200 else [], "estimate_id": f"e{len(rows)}",
                "source_url": f"https://example.org/{series}/{wave}", "release": f"house-{series}/{series}/{wave:02d}",
                "question": item, "basis": "published", "vintage": "undated",
            })  # fmt: skip
    draw.shuffle(rows)
    return rows


class Questions(dict[tuple[str, str], Mapping[str, Any]]):
    """Every question of the waves: reviewed but for one, with a note and a break."""

    def __missing__(self, key: tuple[str, str]) -> Mapping[str, Any]:
        wave = int(key[0][-2:])
        decision, reason = DECISIONS.get(wave, ("join", None))
        unseen = wave == 4 and key[1] == "item-2"
        return {
            "question_match": "same", "options_match": "same", "decision": decision, "reason": reason, "form": "full",
            "reviewed_by": None if unseen else "tests", "wording": f"Of {key[1]}?",
        }  # fmt: skip


def waves(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    wave = {"mode": "CATI", "population": "adults", "weighting": None}
    return {(row["organisation"], row["series"], row["wave"]): wave for row in rows}


@pytest.fixture(scope="module")
def given() -> list[dict[str, Any]]:
    return estimates()


def told(rows: list[dict[str, Any]]) -> Told:
    return Told(Questions(), waves(rows), {("house-a", "a"): "01"})


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect.memory() as opened:
        yield opened


def written(rows: list[dict[str, Any]], folder: Path, **more: Any) -> dict[str, pyarrow.Table]:
    folder.mkdir(exist_ok=True)
    source = folder / "estimates.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=ESTIMATES.arrow()), source)
    counts = write(source, told(rows), folder, **more)
    found = {name: pyarrow.parquet.read_table(folder / f"{name}.parquet") for name in Compared._fields}
    assert {name: table.num_rows for name, table in found.items()} == counts
    return found


def test_cut_into_pieces_or_whole_the_rows_are_the_same(
    given: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = written(given, tmp_path / "whole")
    monkeypatch.setattr(comparisons, "PIECE", 8)
    cut = written(given, tmp_path / "cut")
    assert pyarrow.parquet.ParquetFile(tmp_path / "cut" / "trends.parquet").metadata.num_row_groups > 10
    for name, table in whole.items():
        assert table.to_pylist() == cut[name].to_pylist(), name
        assert table.num_rows or name == "change_readings"


def test_equal_estimates_in_any_order_give_equal_bytes(given: list[dict[str, Any]], tmp_path: Path) -> None:
    written(given, tmp_path / "one")
    written(given[::-1], tmp_path / "two")
    for name in Compared._fields:
        one, two = ((tmp_path / place / f"{name}.parquet").read_bytes() for place in ("one", "two"))
        assert one == two, name


def test_every_row_meets_its_declared_table_and_every_key_occurs_once(
    given: list[dict[str, Any]], tmp_path: Path
) -> None:
    for name, table in written(given, tmp_path).items():
        declared = BY_NAME[name]
        assert [str(problem) for _, problem in declared.problems(declared.from_arrow(table))] == [], name
        keys = table.select(list(declared.key)).to_pylist()
        assert len({tuple(key.values()) for key in keys}) == len(keys), name


def test_lines_are_ordered_by_their_cell_and_then_by_fieldwork(given: list[dict[str, Any]], tmp_path: Path) -> None:
    found = written(given, tmp_path)
    cell = ("organisation", "series", "item", "category", "subgroup", "subgroup_value")
    trends = [(*(row[name] for name in cell), row["position"]) for row in found["trends"].to_pylist()]
    assert trends == sorted(trends)
    kinds = {"consecutive": 0, "first_last": 1, "baseline": 2}
    changes = [(*(row[name] for name in cell), kinds[row["pair"]]) for row in found["changes"].to_pylist()]
    assert changes == sorted(changes)


def test_a_piece_has_whole_items_and_no_more_of_them_than_it_needs(
    given: list[dict[str, Any]], con: duckdb.DuckDBPyConnection
) -> None:
    con.register("given", pyarrow.Table.from_pylist(given, schema=ESTIMATES.arrow()))
    made = list(pieces(in_order(con, "given"), 30))
    assert sum(piece.num_rows for piece in made) == len(given)
    items = [{tuple(row.values()) for row in piece.select(["organisation", "series", "item"]).to_pylist()}
             for piece in made]  # fmt: skip
    for one, two in itertools.combinations(items, 2):
        assert not one & two, "an item lies in two pieces"
    # One batch holds everything here, and all but its last item is one piece.
    assert len(made) == 2


def test_an_item_alone_gives_what_it_gives_among_others(given: list[dict[str, Any]]) -> None:
    """Families, reasons and verdicts know nothing of other items."""
    alone = [row for row in given if row["item"] == "item-2" and row["series"] == "a"]
    one = compared(alone, Questions(), waves(alone), baselines={("house-a", "a"): "01"}).changes.to_pylist()
    among = compared(given, Questions(), waves(given), baselines={("house-a", "a"): "01"}).changes.to_pylist()
    assert one == [row for row in among if row["item"] == "item-2" and row["series"] == "a"]
    assert {row["comparability"] for row in one} >= {"unreviewed", "with_note", "break"}


def test_no_estimates_no_rows(tmp_path: Path) -> None:
    assert {name: table.num_rows for name, table in written([], tmp_path).items()} == dict.fromkeys(Compared._fields, 0)


def test_texts_of_any_script_keep_their_order(tmp_path: Path) -> None:
    """Sorted by code point, as Python sorts: capitals first, then small letters, then other scripts."""
    base = estimates()[0]
    names = ["Zebra", "apple", "яблоко", "Äpfel", "苹果", "a'b", "ab"]
    rows = [base | {"category": name, "estimate_id": name, "subgroup": "total", "subgroup_value": "all"}
            for name in names]  # fmt: skip
    found = written(rows, tmp_path)["trends"].column("category").to_pylist()
    assert found == sorted(names)
