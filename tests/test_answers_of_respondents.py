"""Respondents' answers through a whole refresh: awaited, read, counted, kept apart; never in the published database."""

import csv
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.rebuild import rebuild
from assets.refresh import Refreshed, refresh
from assets.releases.ledger import Ledger
from pipeline.sensors import new_releases
from pipeline.settings import Settings
from schemas.tables import TABLES
from tests import factory, surveys
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import Layout

NAME = "acme/monthly/01"


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> surveys.Survey:
    return surveys.write_survey(tmp_path_factory.mktemp("kept"), seed=7)


@pytest.fixture
def house(layout: Layout, survey: surveys.Survey) -> Layout:
    """A house with one release that knows its file by checksum only."""
    surveys.write_release(layout.catalogue, survey)
    return layout


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, survey: surveys.Survey) -> Layout:
    """The same, with the file in the drop folder, refreshed. For looking only."""
    layout = factory.house(tmp_path_factory.mktemp("loaded"))
    surveys.write_release(layout.catalogue, survey)
    drop(survey, layout)
    run(layout)
    return layout


def drop(survey: surveys.Survey, layout: Layout) -> Path:
    return Path(shutil.copyfile(survey.path, layout.inbox / "under another name.bin"))


def run(layout: Layout) -> Refreshed:
    return refresh(layout, audit=no_audit)


def ask(layout: Layout, query: str) -> list[tuple[Any, ...]]:
    con = connect.read(layout.link)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def readings(layout: Layout) -> list[Path]:
    return sorted(layout.responses.glob("??/*"))


def columns_of(layout: Layout, folder: Path) -> set[str]:
    """What a reading holds of each respondent."""
    rows = ask(layout, f"SELECT column_name FROM (DESCRIBE FROM '{folder / 'responses.parquet'}')")
    return {name for (name,) in rows}


def table(layout: Layout, name: str) -> list[tuple[Any, ...]]:
    return ask(layout, f"SELECT * FROM {name} ORDER BY ALL")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_release_whose_file_is_not_at_hand_awaits_it(house: Layout, survey: surveys.Survey) -> None:
    done = run(house)
    assert done.report.awaiting == [NAME]
    assert not done.report.quarantined
    assert ask(house, "SELECT release, file, sha256, bytes, obtain, since IS NOT NULL FROM awaiting") == [
        (NAME, "wave.sav", survey.sha256, len(survey.raw), "https://example.org/data", True)
    ]
    assert ask(house, "SELECT passed, message FROM checks WHERE subject = 'acme/monthly/01'") == [
        (True, "awaits wave.sav (https://example.org/data)")
    ]
    assert ask(house, "SELECT count(*) FROM estimates") == ask(house, "SELECT count(*) FROM releases") == [(0,)]
    again = run(house)
    assert not again.report.changed
    assert again.report.awaiting == [NAME]
    drop(survey, house)
    came = run(house)
    assert came.report.loaded[NAME].load_vintage == 1
    assert came.report.loaded[NAME].cause == "new"  # it was never known before, so nothing was revised
    assert table(house, "awaiting") == table(house, "revisions") == []
    assert not run(house).report.changed


def test_files_that_people_keep_elsewhere_are_found(house: Layout, survey: surveys.Survey) -> None:
    kept = Layout(house.data, house.catalogue, (survey.path.parent,))
    assert list(run(kept).report.loaded) == [NAME]
    assert survey.path.read_bytes() == survey.raw
    assert not run(house).report.changed  # the archive has it by now


@pytest.mark.parametrize("place", ["drop folder", "folder of WEATHERVANE_FILES"])
def test_the_sensor_asks_for_a_run_when_an_awaited_file_appears(
    place: str, house: Layout, survey: surveys.Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept elsewhere"
    kept.mkdir()
    monkeypatch.setenv("WEATHERVANE_DATA", str(house.data))
    monkeypatch.setenv("WEATHERVANE_CATALOG", str(house.catalogue))
    monkeypatch.setenv("WEATHERVANE_FILES", str(kept))
    sensor = new_releases(Settings())

    def look(cursor: str | None = None) -> tuple[list[dict[str, str]], str | None, str | None]:
        with dg.DagsterInstance.ephemeral() as instance:
            seen = sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor, instance=instance))
        return [dict(request.tags) for request in seen.run_requests or []], seen.skip_message, seen.cursor

    layout = Layout.from_environment()
    assert run(layout).report.awaiting == [NAME]
    (kept / "another.sav").write_bytes(bytes(len(survey.raw)))  # of the same size, with other bytes
    (layout.inbox / "another.sav").write_bytes(survey.raw[:-1])
    requests, reason, cursor = look()
    told = "nothing new: 1 releases are as they were loaded; 1 await a file that is not here yet"
    assert (requests, reason) == ([], told)

    (layout.inbox if place == "drop folder" else kept).joinpath("under another name.bin").write_bytes(survey.raw)
    (request,), _, cursor = look(cursor)
    assert request["weathervane/changed"] == "1"
    requests, reason, cursor = look(cursor)
    assert not requests and reason and "was asked for with this content already" in reason
    assert list(run(layout).report.loaded) == [NAME]
    assert look(cursor)[:2] == ([], "nothing new: 1 releases are as they were loaded")


def test_every_known_share_comes_out(loaded: Layout, survey: surveys.Survey) -> None:
    found = {
        row[:4]: row[4:]
        for row in ask(
            loaded,
            "SELECT item, category, subgroup, subgroup_value, percent, n, weighted_n FROM estimates"
            " WHERE percent IS NOT NULL",
        )
    }
    assert len(found) > 100
    for cell, (percent, n, weighted_n) in found.items():
        known = survey.shares[cell]
        assert (percent, weighted_n) == pytest.approx((known.value, known.weighted_n), rel=1e-12, abs=1e-12), cell
        assert n == known.n, cell
    absent = {cell for cell in survey.shares if cell not in found}
    suppressed = {row[:4] for row in ask(
        loaded,
        "SELECT item, category, subgroup, subgroup_value FROM estimates WHERE list_contains(flags, 'suppressed')",
    )}  # fmt: skip
    assert {cell for cell in absent if survey.shares[cell].n} == suppressed


def test_every_known_mean_comes_out(loaded: Layout, survey: surveys.Survey) -> None:
    found = ask(loaded, "SELECT item, subgroup, subgroup_value, value, n FROM scores WHERE value IS NOT NULL")
    assert found
    for item, subgroup, column, value, n in found:
        known = survey.means[(item, subgroup, column)]
        assert (value, n) == (pytest.approx(known.value, rel=1e-12), known.n)


def test_missing_answers_keep_their_kind(loaded: Layout, survey: surveys.Survey) -> None:
    kinds = dict(ask(loaded, "SELECT kind, sum(n)::INTEGER FROM codes WHERE item = 'plan-reason' GROUP BY kind"))
    assert kinds["not_asked"] > 0
    assert set(dict(ask(loaded, "SELECT kind, count(*) FROM codes GROUP BY kind"))) == {
        "substantive",
        "dont_know",
        "refused",
        "not_asked",
    }
    (row,) = ask(loaded, "SELECT variable, rows, n, zeros, missing, weighted_n FROM weights")
    assert row == ("wes", 600, 600 - surveys.ZEROS, surveys.ZEROS, 0, pytest.approx(survey.weighted_n))


def test_no_respondent_is_in_the_published_database(loaded: Layout, survey: surveys.Survey) -> None:
    secrets = {row["opinion"] for row in survey.rows} - {None, ""}
    assert secrets
    raw = loaded.link.resolve().read_bytes()
    assert not [text for text in secrets if str(text).encode() in raw]
    rows = {name: ask(loaded, f"SELECT count(*) FROM {name}")[0][0] for name in (one.name for one in TABLES)}
    per_person = [name for name, count in rows.items() if count == len(survey.rows)]
    assert not per_person
    folders = readings(loaded)
    assert [sorted(file.name for file in folder.iterdir()) for folder in folders] == [
        ["codebook.json", "responses.parquet"]
    ]
    lake = (folders[0] / "responses.parquet").read_bytes()
    assert not [text for text in secrets if str(text).encode() in lake]
    columns = columns_of(loaded, folders[0])
    assert {"Q1", "wes"} <= columns
    assert not {"opinion", "start_time"} & columns


def test_a_changed_crosswalk_does_not_read_the_file_again(house: Layout, survey: surveys.Survey) -> None:
    drop(survey, house)
    run(house)
    (folder,) = readings(house)
    before = folder.stat().st_mtime_ns
    edit(house.catalogue / "releases" / NAME / "questions.csv", "Do you support the plan?", "Do you back the plan?")
    done = run(house)
    assert [problem.what for problem in done.report.quarantined.get(NAME, [])] in (
        [],
        ["another label than in the file"],
    )
    assert [one.stat().st_mtime_ns for one in readings(house)] == [before]


def test_another_way_of_reading_takes_the_place_of_the_one_before(house: Layout, survey: surveys.Survey) -> None:
    drop(survey, house)
    run(house)
    (old,) = readings(house)
    held, figures = columns_of(house, old), table(house, "estimates")
    manifest = house.catalogue / "releases" / NAME / "release.yml"

    edit(manifest, "  reading:\n", "  reading:\n    keep: [strat_time]\n")
    (problem,) = run(house).report.quarantined[NAME]
    assert (problem.column, problem.value, problem.nearest) == ("keep", "strat_time", "start_time")
    assert readings(house) == [old], "the load that stays published still needs its reading"

    edit(manifest, "strat_time", "start_time")  # the neighbour of the open text, which is not named and does not come
    done = run(house)
    assert done.report.loaded[NAME].load_vintage == 2
    (new,) = readings(house)
    assert new != old and new.name.partition("-")[0] == old.name.partition("-")[0] == survey.sha256
    assert not old.exists()
    assert columns_of(house, new) == held | {"start_time"}
    assert table(house, "estimates") == figures
    assert table(house, "revisions") == []

    edit(manifest, "    keep: [start_time]\n", "")
    run(house)
    assert readings(house) == [old]
    assert columns_of(house, old) == held


def test_one_file_of_two_releases_is_read_once(house: Layout, survey: surveys.Survey) -> None:
    surveys.write_release(house.catalogue, survey, "02", month=2, respondents={"rows": "sex=1"}, reviewed_by=None)
    drop(survey, house)
    done = run(house)
    # Its weight, banners and facts are of everybody: the second says what no longer holds, and the first is published.
    assert list(done.report.loaded) == [NAME]
    assert {p.column for p in done.report.quarantined["acme/monthly/02"]} >= {"respondents.weight.zeros"}
    assert len(readings(house)) == 1


def test_an_unknown_code_stops_its_release_and_leaves_the_last_load(house: Layout, survey: surveys.Survey) -> None:
    drop(survey, house)
    run(house)
    before = table(house, "estimates")
    crosswalk = house.catalogue / "releases" / NAME / "categories.csv"
    lines = crosswalk.read_text().splitlines(keepends=True)
    crosswalk.write_text("".join(line for line in lines if "Refused" not in line))
    done = run(house)
    problems = done.report.quarantined[NAME]
    assert {(p.cause, p.file) for p in problems} == {("crosswalk", f"{NAME}/questions.csv")}
    assert "98" in {p.value for p in problems}
    assert table(house, "estimates") == before


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda raw: raw[: len(raw) // 2], "truncated"),
        (lambda raw: b"%PDF-1.4 " + raw, "not_a_survey_file"),
        (lambda raw: raw[:200] + bytes(len(raw) - 200), "corrupt"),
    ],
)
def test_a_damaged_file_is_set_aside_alone(
    layout: Layout, survey: surveys.Survey, tmp_path: Path, damage: Any, cause: str
) -> None:
    bad = tmp_path / "bad.sav"
    bad.write_bytes(damage(survey.raw))
    surveys.write_release(layout.catalogue, surveys.Survey(bad, survey.rows, "en", {}, {}), "01", with_file=True)
    surveys.write_release(layout.catalogue, survey, "02", month=2, with_file=True)
    done = run(layout)
    assert list(done.report.loaded) == ["acme/monthly/02"]
    assert [(p.cause, p.file) for p in done.report.quarantined[NAME]] == [(cause, f"{NAME}/bad.sav")]
    assert len(readings(layout)) == 1  # nothing of the other
    assert not (layout.responses / ".reading").exists()


def test_a_rebuild_gives_the_same_rows(house: Layout, survey: surveys.Survey) -> None:
    drop(survey, house)
    factory.item(house.catalogue)
    factory.series(house.catalogue, "other")
    factory.release(house.catalogue, organisation="other")
    run(house)
    before = {one.name: table(house, one.name) for one in TABLES if one.name not in ("about", "checks")}
    rebuild(house, audit=no_audit)
    assert {name: table(house, name) for name in before} == before
    (house.inbox / "under another name.bin").unlink()
    shutil.rmtree(house.lake)
    rebuild(house, from_archive=True, audit=no_audit)
    assert {name: table(house, name) for name in before} == before
    assert len(readings(house)) == 1


def test_published_figures_are_compared(house: Layout, survey: surveys.Survey) -> None:
    support = survey.shares[("plan-support", "support", "total", "all")]
    drop(survey, house)
    place = house.catalogue / "releases" / NAME
    edit(place / "release.yml", "files:", "files:\n- path: published.csv\n  role: published")
    rows = [
        ("plan-support", "support", "percent", f"{support.value:.1f}", "", ""),
        ("plan-support", "support", "percent", f"{support.value + 1:.1f}", "", ""),
        ("plan-support", "support", "percent", f"{support.value + 0.3:.1f}", "0.4", "the report rounds up"),
        ("plan-support", "support", "n", str(support.n), "", ""),
        ("plan-support", "nothing_like_it", "percent", "5", "", ""),
        ("", "", "n", str(600 - surveys.ZEROS), "", ""),
        ("", "", "weighted_n", f"{survey.weighted_n:.3f}", "", ""),
    ]
    factory.write(
        place / "published.csv",
        "item,category,statistic,value,tolerance,note,source\n" + "".join(",".join(row) + ",report\n" for row in rows),
    )
    assert list(run(house).report.loaded) == [NAME]
    found = dict(ask(house, "SELECT cell, verdict FROM agreement"))
    verdicts = ["agrees", "differs", "within_tolerance", "agrees", "not_computed", "agrees", "agrees"]
    assert found == {f"published.csv, row {row}": verdict for row, verdict in enumerate(verdicts, start=2)}


def test_answers_take_the_place_of_what_was_published(layout: Layout, survey: surveys.Survey) -> None:
    """Published percentages stand until the file comes; then they are what is compared."""
    support = survey.shares[("plan-support", "support", "total", "all")]
    place = surveys.write_release(layout.catalogue, survey)
    edit(place / "release.yml", "files:", "files:\n- path: toplines.csv")
    with (place / "release.yml").open("a") as file:
        file.write("bases:\n- {text: all respondents, n: sample}\n")
    factory.write(
        place / "toplines.csv",
        factory.TOPLINES
        + f'Q1,Do you support the plan?,"for it",{support.value:.0f},all respondents,2024-01-28,'
        + "https://example.org/report,read_directly\n",
    )
    with (place / "categories.csv").open(newline="") as source:
        codes = list(csv.DictReader(source))
    with (place / "categories.csv").open("w", newline="") as target:
        writer = csv.DictWriter(target, [*codes[0], "option"])
        writer.writeheader()
        writer.writerows(row | ({"option": "for it"} if row["category"] == "support" else {}) for row in codes)
    first = run(layout)
    assert list(first.report.loaded) == [NAME]
    assert first.report.awaiting == [NAME]
    cell = "SELECT basis, published_text FROM estimates WHERE item = 'plan-support' AND category = 'support'"
    assert ask(layout, f"{cell} AND subgroup = 'total'") == [("published", f"{support.value:.0f}")]
    drop(survey, layout)
    second = run(layout)
    assert second.report.loaded[NAME].cause == "data"
    assert ask(layout, f"{cell} AND subgroup = 'total'") == [("microdata", None)]
    assert ask(layout, "SELECT verdict, statistic FROM agreement") == [("agrees", "percent")]
    assert ask(layout, "SELECT cause FROM revisions") == [("data",)]
    assert Ledger(layout.ledger).awaiting() == {}
