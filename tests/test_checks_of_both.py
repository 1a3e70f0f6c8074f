"""Pandera and Great Expectations say what they found in the table `checks` in the same columns and the same words.

Each is met failing: pandera in a release (set aside) and in a derived table (nothing is published), the audit with a
warning (published) and with an error that a person accepts.
"""

from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet
import pytest

from assets import contracts, loading
from assets import refresh as stages
from assets.publication.audit import audit
from assets.refresh import refresh
from schemas.remedies import CONTRACT, CONTRACT_HOLDS, CONTRACT_MEND
from schemas.vocabulary import Severity, words
from tests import factory
from tests.conftest import no_audit
from warehouse.layout import Layout


@pytest.fixture
def small(tmp_path: Path) -> Layout:
    return factory.small_house(tmp_path)


def rows(layout: Layout, where: str) -> list[dict[str, object]]:
    with duckdb.connect(str(layout.link.resolve()), read_only=True) as con:
        found = con.execute(f"SELECT * FROM checks WHERE {where} ORDER BY ALL")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_what_pandera_found_good_is_there_for_every_release_and_every_derived_table(small: Layout) -> None:
    refresh(small, audit=no_audit)
    found = rows(small, f"check_name = '{CONTRACT}'")
    releases = {row["subject"] for row in found if row["level"] == "release"}
    tables = {row["subject"] for row in found if row["level"] == "warehouse"}
    assert releases == {f"acme/monthly/0{wave}" for wave in (1, 2, 3)}
    assert {"estimates", "trends", "changes", "vintages", "claims", "agreement"} <= tables
    assert {(row["passed"], row["severity"], row["message"]) for row in found} == {(True, "error", CONTRACT_HOLDS)}


def test_a_release_that_breaks_its_contract_says_so_beside_that_it_is_set_aside(
    small: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = loading.published.estimate

    def upside_down(*given: object, **named: object) -> list[dict[str, object]]:
        made = whole(*given, **named)
        for row in made:
            if row["wave"] == "02":
                row["percent_low"], row["percent_high"] = row["percent_high"], row["percent_low"]
        return made

    monkeypatch.setattr(loading.published, "estimate", upside_down)
    refresh(small, audit=no_audit)
    (row,) = rows(small, f"check_name = '{CONTRACT}' AND NOT passed")
    assert (row["level"], row["subject"], row["severity"]) == ("release", "acme/monthly/02", "error")
    message = str(row["message"])
    assert message.startswith("Found 3: acme/monthly/02/") and message.endswith(CONTRACT_MEND)
    (loads,) = rows(small, "check_name = 'loads' AND NOT passed")
    assert loads["subject"] == "acme/monthly/02" and "contract does not hold" in str(loads["message"])


def test_a_derived_table_that_breaks_its_contract_is_not_published_and_its_rows_are_named(
    small: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(small, audit=no_audit)
    before = small.link.resolve()
    whole = stages.make.make

    def spoiled(ledger: object, shelf: object, work: Path, recomputed: object = None) -> dict[str, int]:
        made: dict[str, int] = whole(ledger, shelf, work, recomputed)
        table = pyarrow.parquet.read_table(work / "trends.parquet").to_pylist()
        for row in table:
            row["percent"] = 140.0 if (row["wave"], row["category"]) == ("02", "agree") else row["percent"]
        schema = pyarrow.parquet.read_schema(work / "trends.parquet")
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table, schema), work / "trends.parquet")
        return made

    monkeypatch.setattr(stages.make, "make", spoiled)
    factory.release(small.catalogue, "04", month=4)
    with pytest.raises(RuntimeError, match="table trends breaks its contract: Found") as bad:
        refresh(small, audit=no_audit)
    assert "position=2" in str(bad.value) and "category=agree" in str(bad.value) and "'140.0'" in str(bad.value)
    assert small.link.resolve() == before, "what was published stays"


def test_a_table_is_looked_at_again_when_it_was_written_again(small: Layout, tmp_path: Path) -> None:
    done = refresh(small, audit=no_audit)
    assert done.published is not None
    work = tmp_path / "work"
    work.mkdir()
    with duckdb.connect(str(done.published), read_only=True) as con:
        trends = con.sql("FROM trends").to_arrow_table()
    declared = contracts.BY_NAME["trends"].arrow()
    pyarrow.parquet.write_table(trends.cast(declared), work / "trends.parquet")
    assert contracts.held(work, ["trends"])[0].message == CONTRACT_HOLDS
    broken = trends.cast(declared).to_pylist()
    broken[0]["comparability"] = "quite comparable"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(broken, declared), work / "trends.parquet")
    (again,) = contracts.held(work, ["trends"])
    assert "quite comparable" in again.message and again.row()["passed"] is False
    assert contracts.held(work, ["trends"]) == [again], "kept, and the same when read back"


def test_the_audit_says_it_in_the_same_columns_and_words(small: Layout) -> None:
    for wave in (1, 2, 3):
        factory.release(small.catalogue, f"0{wave}", percents=(40 + wave, 50 - wave, 10), month=wave, n="unknown")
    refresh(small, audit=audit)
    (warned,) = rows(small, "level = 'warehouse' AND NOT passed")
    assert (warned["check_name"], warned["severity"]) == ("most-bases-are-known", "warning")
    assert str(warned["message"]).startswith("Found 1: share_unknown=1, ")
    (contract,) = rows(small, f"check_name = '{CONTRACT}' AND subject = 'trends'")
    (audited,) = rows(small, "check_name = 'every-wave-exists'")
    assert set(contract) == set(audited) == set(warned)
    assert {row["severity"] for row in rows(small, "true")} <= set(words(Severity))
    (page,) = (small.site / "audit" / "runs").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert 'id="most-bases-are-known"' in text and "share_unknown" in text
    assert "http://" not in text and "https://" not in text and "<script" not in text, "readable without a network"
    assert "audit/index.html" in (small.site / "checks.html").read_text(encoding="utf-8")
