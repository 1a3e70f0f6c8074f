"""What moved, and why: each kind of movement told once, with its cause, and nothing told where nothing moved.

Figures here are set by hand. The one change that is tested, 41 to 55 % of 1,000 people each and a design effect of 1.2,
has a standard error of sqrt(1.2 (0.41 0.59 + 0.55 0.45) / 1000) = 2.43 points: 5.8 of them, a rise by any adjustment.
"""

import datetime as dt
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from assets.digest import kept, text
from assets.digest.compare import COMPARISONS
from assets.publication.publish import GateError
from assets.rebuild import rebuild
from assets.refresh import refresh
from pipeline.cli.main import app
from schemas.vocabulary import DigestKind, words
from tests import factory
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout

DAY = dt.datetime(2024, 6, 1, 3)
CLAIM = """claim: four-in-ten
said_by: a paper
published: 2024-02-10
statement: Forty-one percent agree.
item: invented
category: agree
value: 41
comparison: level
organisation: acme
period: 2024-01
"""


def edit(path: Path, old: str, new: str) -> None:
    words = path.read_text()
    assert old in words
    path.write_text(words.replace(old, new))


def release(layout: Layout, wave: str) -> Path:
    return layout.catalogue / "releases/acme/monthly" / wave


def night(layout: Layout, number: int) -> Any:
    return refresh(layout, audit=no_audit, at=DAY + dt.timedelta(number))


def rows(layout: Layout) -> list[dict[str, Any]]:
    with connect.read(layout.link) as con:
        return text.read(con)


def told(layout: Layout, kind: str) -> list[tuple[str, str, str | None]]:
    return [(row["subject"], row["what"], row["why"]) for row in rows(layout) if row["kind"] == kind]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A house after its first night: four waves, a claim, a release that awaits its file."""
    layout = factory.small_house(tmp_path_factory.mktemp("first"), waves=4)
    factory.write(layout.catalogue / "claims/four-in-ten.yml", CLAIM)
    edit(layout.catalogue / "releases/acme/monthly/series.yml", "name: ", "rhythm_days: 30\nname: ")
    night(layout, 0)
    return layout


@pytest.fixture(scope="module")
def second(first: Layout, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The same house after a night in which everything moved at once."""
    layout = copied(first, tmp_path_factory.mktemp("second"))
    edit(release(layout, "01") / "toplines.csv", ",41,", ",45,")
    edit(release(layout, "02") / "toplines.csv", ",42,", ",420,")
    shutil.rmtree(release(layout, "03"))
    factory.release(layout.catalogue, "05", percents=(58, 32, 10), month=5)
    night(layout, 1)
    return layout


def copied(layout: Layout, place: Path) -> Layout:
    shutil.copytree(layout.data.parent, place / "house", symlinks=True)
    return Layout(place / "house/data", place / "house/catalog")


@pytest.fixture
def house(first: Layout, tmp_path: Path) -> Layout:
    return copied(first, tmp_path)


@pytest.fixture
def moved(second: Layout, tmp_path: Path) -> Layout:
    return copied(second, tmp_path)


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_first_version_is_summed_up(first: Layout) -> None:
    found = rows(first)
    assert [row["what"] for row in found] == [
        "first version: 4 waves of 1 series by 1 organisation, 12 estimates of 1 item",
        "changes tested: 12 without a detectable change",
        "claims read today: 1 supported",
        "1 series overdue",
    ]
    assert {row["kind"] for row in found} == {"version"} and {row["since_refresh"] for row in found} == {None}
    assert {(row["refresh"], row["happened_at"]) for row in found} == {(1, DAY)}


def test_new_waves_are_told_with_their_size(second: Layout) -> None:
    assert told(second, "wave") == [
        (
            "acme/monthly/05",
            "new wave: 1 to 10 May 2024, n = 1,000, 3 estimates of 1 item",
            "loaded from acme/monthly/05",
        )
    ]
    (row,) = [row for row in rows(second) if row["kind"] == "wave"]
    assert (row["organisation"], row["series"], row["wave"]) == ("acme", "monthly", "05")
    assert (row["refresh"], row["since_refresh"]) == (2, 1)


def test_loads_and_revisions_are_told_with_their_cause(second: Layout) -> None:
    why = "a file with figures or answers changed"
    assert told(second, "load") == [("acme/monthly/01", "load 2: 1 value revised", why)]
    assert told(second, "revision") == [("invented / agree", "wave 01: 41 % became 45 % (+4 points)", why)]
    (row,) = [row for row in rows(second) if row["kind"] == "revision"]
    assert (row["percent_before"], row["percent_after"], row["link"]) == (41, 45, "https://example.org/01")
    assert (row["before"], row["after"]) == ("41 %", "45 %")


def test_a_release_that_went_is_told(second: Layout) -> None:
    assert told(second, "withdrawn") == [
        (
            "acme/monthly/03",
            "withdrawn with 3 estimates; the wave is gone",
            "its folder is gone from the catalogue",
        )
    ]


def test_detectable_changes_that_are_new_are_told_once_a_pair_of_waves(second: Layout) -> None:
    changes = [row for row in rows(second) if row["kind"] == "change"]
    # Wave 5 against the one before it, and the first wave against the last: both categories that moved.
    assert [(row["subject"], row["wave"], row["after"], row["percent_before"]) for row in changes] == [
        ("invented / agree", "05", "rise", 44),
        ("invented / disagree", "05", "fall", 46),
        ("invented / agree", "05", "rise", 45),
        ("invented / disagree", "05", "fall", 49),
    ]
    assert changes[0]["what"].startswith("rose from 44 % to 58 % between waves 04 and 05: +14 points (95 % interval ")
    why = changes[0]["why"]
    assert why.startswith("p < 0.0001 ") and "after adjustment in its family; comparable" in why
    assert changes[0]["link"] == "https://example.org/05"


def test_a_claim_that_reads_differently_is_told_with_both_verdicts(second: Layout) -> None:
    ((subject, what, why),) = told(second, "claim")
    with connect.read(second.link) as con:
        after, sentence = con.execute("SELECT verdict_today, sentence_today FROM claims").fetchone()
    assert (subject, why) == ("four-in-ten", sentence)
    assert what == f"read today: supported, now {after.replace('_', ' ')}" and after != "supported"


def test_releases_set_aside_are_told_with_the_first_problem_and_what_stays(second: Layout) -> None:
    ((subject, what, why),) = told(second, "quarantined")
    assert (subject, what) == ("acme/monthly/02", "set aside; load 1 stays")
    assert why.startswith("acme/monthly/02/toplines.csv, row 2, column percent: ") and "420" in why


def test_kinds_stand_in_the_order_of_reading_and_rows_are_numbered(second: Layout) -> None:
    found = rows(second)
    order = [words(DigestKind).index(row["kind"]) for row in found]
    assert order == sorted(order) and [row["position"] for row in found] == list(range(1, len(found) + 1))


def test_what_was_mended_is_told_and_what_stands_is_not_told_again(moved: Layout) -> None:
    edit(release(moved, "02") / "toplines.csv", ",420,", ",42,")
    night(moved, 2)
    assert told(moved, "load") == [
        ("acme/monthly/02", "load 2: no figure moved", "a file with figures or answers changed")
    ]
    assert [row["kind"] for row in rows(moved)] == ["load", "mended"]
    ((subject, what, why),) = told(moved, "mended")
    assert (subject, what) == ("acme/monthly/02", "no longer set aside: it loads")
    assert why.startswith("it was set aside: acme/monthly/02/toplines.csv, row 2")


def test_where_no_figure_moved_there_is_no_row_but_that_of_the_load(house: Layout) -> None:
    edit(house.catalogue / "releases/acme/monthly/series.yml", "Series monthly", "The Monthly")
    night(house, 1)
    assert rows(house) == []
    edit(release(house, "01") / "release.yml", "Invented wave", "Renamed wave")
    night(house, 2)
    assert [(row["kind"], row["what"], row["why"]) for row in rows(house)] == [
        ("load", "load 2: no figure moved", "the manifest changed")
    ]
    edit(release(house, "01") / "release.yml", "value: 1.2", "value: 1.5")
    night(house, 3)
    assert told(house, "load") == [
        ("acme/monthly/01", "load 3: 3 intervals moved", "the weighting or the design changed")
    ]


def test_a_change_that_is_no_longer_detectable_is_told(moved: Layout) -> None:
    edit(release(moved, "05") / "toplines.csv", ",58,", ",45,")
    edit(release(moved, "05") / "toplines.csv", ",32,", ",45,")
    night(moved, 2)
    gone = [(row["subject"], row["before"], row["after"]) for row in rows(moved) if row["kind"] == "change"]
    assert gone[0] == ("invented / agree", "rise", "no_detectable_change") and len(gone) == 4
    assert told(moved, "change")[0][1] == "from wave 04 to 05: a rise is no longer detectable"


def test_a_second_release_of_a_wave_is_no_new_wave(house: Layout) -> None:
    edit(release(house, "04") / "release.yml", "vintage: 2024-04-28", "vintage: 2024-04-28\nstatus: interim")
    folder = factory.release(
        house.catalogue, "04", folder="04-final", percents=(46, 44, 10), month=4, vintage="2024-05-20"
    )
    edit(folder / "toplines.csv", "2024-04-28", "2024-05-20")
    night(house, 1)
    assert told(house, "wave") == []
    assert ("acme/monthly/04-final", "a further release of a known wave: 2 values revised",
            "it was loaded for the first time") in told(house, "load")  # fmt: skip
    assert told(house, "revision")[0] == (
        "invented / agree", "wave 04: 44 % became 46 % (+2 points)", "the producer published another value",
    )  # fmt: skip


# --- against which version --------------------------------------------------------------------------------------------


def test_a_rebuild_tells_what_was_told_and_the_earlier_version_is_not_needed(moved: Layout) -> None:
    before = rows(moved)
    published = moved.link.resolve()
    for version in moved.versions.glob("weathervane-*.duckdb"):
        if version != published:
            version.unlink()
    rebuild(moved, from_archive=True, audit=no_audit)
    assert rows(moved) == before and len(before) > 8
    moved.link.unlink()
    for version in moved.versions.glob("weathervane-*.duckdb"):
        version.unlink()
    night(moved, 3)
    assert rows(moved) == before


def test_after_a_failed_publication_all_that_people_have_not_seen_is_told(house: Layout) -> None:
    edit(release(house, "01") / "toplines.csv", ",41,", ",43,")
    failing = SimpleNamespace(name="sums", passed=False, severity="error", message="no", says="yes")
    with pytest.raises(GateError):
        refresh(house, audit=lambda *_: [failing], at=DAY + dt.timedelta(1))
    assert kept.read(house, 2, "") is None and len(list((house.ledger / kept.FOLDER).iterdir())) == 1
    edit(release(house, "02") / "toplines.csv", ",42,", ",43,")
    night(house, 2)
    assert [row["subject"] for row in rows(house) if row["kind"] == "load"] == ["acme/monthly/01", "acme/monthly/02"]
    assert {(row["refresh"], row["since_refresh"]) for row in rows(house)} == {(3, 1)}


def test_a_published_file_that_cannot_be_read_is_passed_over_for_the_one_before(moved: Layout) -> None:
    published = moved.link.resolve()
    published.chmod(0o644)
    published.write_bytes(b"no database")
    edit(release(moved, "04") / "toplines.csv", ",44,", ",43,")
    night(moved, 2)
    assert {row["since_refresh"] for row in rows(moved)} == {1}
    assert [row["subject"] for row in rows(moved) if row["kind"] == "load"] == ["acme/monthly/01", "acme/monthly/04"]


def test_what_an_older_version_lacks_is_said_and_the_rest_is_compared(house: Layout) -> None:
    published = house.link.resolve()
    published.chmod(0o644)
    with duckdb.connect(str(published)) as con:
        con.execute("DROP TABLE claims")
        con.execute("ALTER TABLE releases DROP COLUMN load_vintage")
    edit(release(house, "01") / "toplines.csv", ",41,", ",45,")
    night(house, 1)
    lacking = [row["what"] for row in rows(house) if row["kind"] == "version"]
    assert lacking[0] == (
        "releases: not compared with the version before, which has no releases.load_vintage"
    ) and lacking[-1].startswith("claims: not compared with the version before, which has no claims.claim, claims.")
    assert [row["kind"] for row in rows(house) if row["kind"] != "version"] == ["revision"]


def test_every_comparison_names_columns_that_are_declared() -> None:
    from schemas.tables import BY_NAME

    named = [one.split(".") for comparison in COMPARISONS for one in comparison.needs]
    assert [".".join(pair) for pair in named if pair[1] not in BY_NAME[pair[0]].columns] == []
    assert len(named) > 40


# --- how it is shown --------------------------------------------------------------------------------------------------


def shown(kind: str, number: int, **changes: Any) -> list[dict[str, Any]]:
    row = {
        "kind": kind, "subject": "a <b> | *c*", "what": "moved", "why": None, "link": None, "item": None,
        "series": None,
    }  # fmt: skip
    return [{**row, **changes} for _ in range(number)]


def test_markdown_shows_some_rows_of_a_kind_and_says_how_many_more() -> None:
    made = text.markdown([*shown("wave", 30), *shown("claim", 1, link="https://example.org/a (b)")])
    assert made.splitlines()[0] == "### 30 new waves" and "- and 18 more" in made
    told = "- a \\<b\\> \\| \\*c\\*: moved."  # letters of Markdown and HTML have no meaning
    assert made.count(told) == text.SHOWN + 1
    assert made.endswith("### 1 claim reads differently\n\n- a \\<b\\> \\| \\*c\\*: moved. "
                         "([source](https://example.org/a%20%28b%29))")  # fmt: skip
    plain = text.plain(shown("wave", 30), 2)
    assert plain == "30 new waves\n  a <b> | *c*: moved\n  a <b> | *c*: moved\n  and 28 more"
    assert text.markdown([]) == text.plain([]) == text.NOTHING and text.short([]) == []


def test_every_kind_has_its_heading() -> None:
    for kind in words(DigestKind):
        made = text.heading(kind, 2)
        assert made == "This version" if kind == "version" else made.startswith("2 ") and made != f"2 {kind}"
    assert text.heading("version", 3) == "This version"


def test_long_texts_are_cut() -> None:
    made = text.plain(shown("load", 1, why="x" * 5000))
    assert max(map(len, made.splitlines())) == text.LONGEST


# --- the command ------------------------------------------------------------------------------------------------------


def command(layout: Layout, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    monkeypatch.setenv("WEATHERVANE_DATA", str(layout.data))
    return CliRunner().invoke(app, ["digest", *arguments])


def test_the_command_prints_the_digest(second: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(second, monkeypatch)
    assert done.exit_code == 0, done.output
    assert "against the version before (refresh 1)" in done.output.replace("\n", " ")
    for line in ("1 new wave", "1 revision", "  acme/monthly, invented / agree: wave 01: 41 % became 45 % (+4 points)"):
        assert line in done.output, line
    found = json.loads(command(second, monkeypatch, "--json").output)
    assert (found["refresh"], found["since"]) == (2, None)
    assert [row["kind"] for row in found["rows"]] == [row["kind"] for row in rows(second)]


def test_the_command_compares_with_any_version_at_hand(moved: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(release(moved, "02") / "toplines.csv", ",420,", ",42,")
    night(moved, 2)
    oldest = min(moved.versions.glob("weathervane-*.duckdb"))
    found = json.loads(command(moved, monkeypatch, "--json", "--since", oldest.name).output)
    assert found["since"] == oldest.name
    kinds = [row["kind"] for row in found["rows"]]
    assert "mended" not in kinds and "quarantined" not in kinds, "it was set aside and mended in between"
    assert kinds.count("wave") == 1 and kinds.count("revision") == 1
    done = command(moved, monkeypatch, "--since", "20240602")
    assert done.exit_code == 0 and "Nothing moved" not in done.output
    for asked, says in (("2024", "3 versions '2024'"), ("2023", "no versions '2023'")):
        done = command(moved, monkeypatch, "--since", asked)
        assert done.exit_code != 0 and says in " ".join(done.output.replace("│", " ").split())
