"""The job `refresh` in this process on a small house: what it publishes and tells Dagster, what a second run does."""

import base64
import datetime as dt
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass

import dagster as dg
import duckdb
import pytest

from assets.ingest import Report
from assets.publication.audit import Result
from assets.releases import asset as releases
from assets.trends import plot
from pipeline import home, resources, run
from pipeline.auditing import AuditError, Auditor
from pipeline.build import build_defs
from pipeline.sensors import alert_sensors, new_releases
from pipeline.settings import Settings
from schemas.expectations import EXPECTATIONS
from schemas.remedies import REMEDIES
from tests import factory, surveys
from warehouse.lock import writer

STEPS = ["ingest", "trends", "claims", "warehouse", "audit", "published", "site"]
CHECK = dg.DagsterEventType.ASSET_CHECK_EVALUATION


class Passing(Auditor):
    """An audit without Great Expectations, which takes seconds to import: everything holds but what is named here."""

    fails: tuple[str, ...] = ()

    def get_ready(self):
        pass

    def __call__(self, candidate, previous, docs):
        return [
            Result(
                e.name,
                False,
                "error",
                "Found none. Look at the reader.",
                0,
                e.says,
                mend="Look at the reader.",
                columns=("wave", "estimates"),
                rows=(("01", "0"),),
                found=1,
            )
            if e.name in self.fails
            else Result(e.name, True, e.severity, e.says, 0, e.says)
            for e in EXPECTATIONS
        ]


class Failing(Passing):
    fails = ("there-are-estimates",)


@dataclass
class Desk:
    """A house, an instance, and the job."""

    layout: object
    instance: dg.DagsterInstance

    def refresh(self, config=None, **tags):
        job = build_defs(settings=Settings()).resolve_job_def("refresh")
        return job.execute_in_process(
            instance=self.instance, raise_on_error=False, tags=tags,
            run_config={"loggers": {"silent": {}}, "resources": {"house": {"config": config or {}}}},
        )  # fmt: skip

    def tags(self, result):
        return self.instance.get_run_by_id(result.run_id).tags

    def published(self, sql="SELECT wave, percent FROM estimates WHERE category = 'agree' ORDER BY wave"):
        with duckdb.connect(str(self.layout.link.resolve()), read_only=True) as con:
            return con.execute(sql).fetchall()

    def release_of(self, **figures):
        return factory.release(self.layout.catalogue, **figures)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    layout = factory.small_house(tmp_path)
    monkeypatch.setenv("WEATHERVANE_DATA", str(layout.data))
    monkeypatch.setenv("WEATHERVANE_CATALOG", str(layout.catalogue))
    for name in ("WEATHERVANE_ALERT_URL", "WEATHERVANE_SITE_URL", "WEATHERVANE_TIMEZONE", "WEATHERVANE_NIGHTLY_AT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(resources, "Auditor", Passing)
    monkeypatch.setattr(plot, "draw", lambda rows: f"<svg>{len(rows)} points</svg>")  # a second each; see test_plot
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(layout, instance)


def checks(result):
    """(asset, check, partition) -> evaluation."""
    found = [event.event_specific_data for event in result.all_events if event.event_type == CHECK]
    return {(one.asset_key.to_user_string(), one.check_name, one.partition): one for one in found}


def materialized(result, key):
    events = [event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey(key)]
    return {event.partition: event.materialization for event in events}


def records(table):
    """The rows of a table in metadata."""
    return [dict(record.data) for record in table.records]


def ran(result):
    return [event.step_key for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_SUCCESS]


def spoil(folder, line=3, value="forty"):
    path = folder / "toplines.csv"
    lines = path.read_text().splitlines()
    cells = lines[line - 1].split(",")
    lines[line - 1] = ",".join(value if cell == "50" else cell for cell in cells)
    path.write_text("\n".join(lines) + "\n")


def test_a_refresh_loads_audits_and_publishes(desk):
    result = desk.refresh()
    assert result.success and ran(result) == STEPS
    assert desk.published() == [("01", 41.0), ("02", 42.0), ("03", 43.0)]
    assert all(check.passed for check in checks(result).values())


def test_every_release_has_its_own_status(desk):
    told = materialized(desk.refresh(), "release")
    assert sorted(told) == ["acme:monthly:01", "acme:monthly:02", "acme:monthly:03"]
    first = told["acme:monthly:01"]
    assert first.description == "load 1, cause: new"
    assert {"load", "cause", "figures", "estimates", "archived listing"} <= set(first.metadata)
    assert desk.instance.get_dynamic_partitions("release") == sorted(told)


def test_assets_say_how_many_rows_which_version_and_what_columns(desk):
    result = desk.refresh()
    for key, rows in {"releases": 3, "toplines": 9, "questions": 3, "estimates": 9, "trends": 9}.items():
        assert materialized(result, key)[None].metadata["dagster/row_count"].value == rows, key
    versions = {
        event.asset_key.to_user_string(): event.materialization.tags["dagster/data_version"]
        for event in result.get_asset_materialization_events()
        if event.partition is None
    }
    assert set(versions) == {
        "releases", "responses", "toplines", "questions", "estimates", "trends", "claims", "warehouse", "published",
        "site",
    }  # fmt: skip
    assert versions["estimates"] == "refresh-1" and versions["published"].startswith("refresh-1-")
    published = materialized(result, "published")[None].metadata
    assert published["version"].value == desk.layout.link.resolve().name
    assert {"table": "estimates", "rows": "9"} in records(published["tables"])
    assert published["what moved"].value.splitlines()[2] == (
        "- first version: 3 waves of 1 series by 1 organisation, 9 estimates of 1 item."
    )


def test_the_plot_is_an_image_that_the_ui_can_show(desk):
    picture = materialized(desk.refresh(), "trends")[None].metadata["trend"].value
    title, image, explained = picture.split("\n\n")
    before, _, encoded = image.removesuffix(")").partition(";base64,")
    assert (title, before) == ("**invented / agree**", "![invented / agree](data:image/svg+xml")
    assert base64.b64decode(encoded) == b"<svg>3 points</svg>"
    assert "Not joined: the step is a break" in explained


def test_nothing_changed_nothing_is_rewritten(desk):
    desk.refresh()
    before = desk.layout.link.resolve()
    result = desk.refresh()
    assert result.success and ran(result) == ["ingest"]
    assert desk.layout.link.resolve() == before
    assert [path.name for path in desk.layout.ledger.iterdir() if path.name.isdigit()] == ["000001"]
    assert materialized(result, "release") == {}
    assert result.dagster_run.job_name == "refresh" and desk.tags(result)["weathervane/releases"] == "nothing new"


def test_a_run_that_finds_nothing_new_still_tells_that_somebody_looked(desk):
    """The freshness of `releases` is about looking: a quiet week must not make it stale."""
    desk.refresh()
    looked = materialized(desk.refresh(), "releases")[None]
    assert looked.metadata["touched by this run"].value == 0 and looked.metadata["dagster/row_count"].value == 3
    (spec,) = [one for one in build_defs(settings=Settings()).resolve_all_asset_specs() if one.key.path == ["releases"]]
    windows = spec.freshness_policy.warn_window.to_timedelta(), spec.freshness_policy.fail_window.to_timedelta()
    assert windows == (dt.timedelta(hours=36), dt.timedelta(days=8))


def test_a_run_is_tagged_with_the_releases_it_touched(desk):
    assert {key: value for key, value in desk.tags(desk.refresh()).items() if key.startswith("release/")} == {
        f"release/acme:monthly:0{wave}": "loaded" for wave in (1, 2, 3)
    }
    spoil(desk.release_of(wave="04", month=4))
    tags = desk.tags(desk.refresh())
    assert tags["release/acme:monthly:04"] == "set aside" and tags["weathervane/releases"] == "1 set aside"
    many = releases.run_tags(Report(withdrawn=[f"acme/monthly/{number}" for number in range(13)]))
    assert many == {"weathervane/releases": "13 withdrawn"}, "a tag each would fill the list of runs"


def test_links_lead_to_the_explorer_where_it_is_served(desk, monkeypatch):
    monkeypatch.setenv("WEATHERVANE_SITE_URL", "https://polls.example.org/explorer/")
    result = desk.refresh()
    assert result.success
    page = materialized(result, "release")["acme:monthly:01"].metadata["explorer"]
    assert page == dg.MetadataValue.url("https://polls.example.org/explorer/waves/acme/monthly/01.html")
    assert (desk.layout.site / "waves/acme/monthly/01.html").is_file(), "the page that is linked is there"
    item = materialized(result, "trends")[None].metadata["explorer"].value
    assert item == "https://polls.example.org/explorer/items/invented.html"
    assert materialized(result, "published")[None].metadata["audit"].value.endswith("/explorer/audit/index.html")


def test_without_an_address_the_file_is_named_because_browsers_do_not_open_it_from_a_page(desk, monkeypatch):
    monkeypatch.delenv("WEATHERVANE_SITE_URL", raising=False)
    page = materialized(desk.refresh(), "release")["acme:monthly:01"].metadata["explorer"]
    assert page == dg.MetadataValue.path(str(desk.layout.site / "waves/acme/monthly/01.html"))


@pytest.mark.parametrize(
    ("day", "late"),
    [
        (
            dt.datetime(2024, 4, 20),
            False,
        ),  # the last wave ended on 10 March, they come every 30 days: grace to 24 April
        (dt.datetime(2024, 6, 1), True),
        (dt.datetime(2026, 6, 1), False),  # silent for two years: it has ended, and nobody wants to hear of it nightly
    ],
)
def test_a_series_is_late_by_its_own_rhythm_until_it_counts_as_ended(desk, monkeypatch, day, late):
    monkeypatch.setattr(resources, "now", lambda: day)
    for result in (desk.refresh(), desk.refresh()):  # also when there was nothing to do, by the clock of that run
        check = checks(result)["published", "series_keep_their_rhythm", None]
        assert (check.passed, check.severity) == (not late, dg.AssetCheckSeverity.WARN)
    if late:
        (row,) = records(check.metadata["series"])
        assert (row["series"], row["last wave"], row["ended"]) == ("monthly", "03", "2024-03-10")
        assert row["a wave every"] in check.description.replace("a wave every 30 days", row["a wave every"])
        assert str(check.metadata["acme/monthly"].value).endswith("organisations/acme.html#monthly")


def test_after_a_run_with_nothing_to_do_every_check_still_says_what_stands(desk):
    first, again = checks(desk.refresh()), checks(desk.refresh())
    assert set(first) <= set(again)
    assert all(check.passed for check in again.values())
    assert again["warehouse", "there_are_estimates", None].description


def test_one_changed_figure_loads_one_release(desk):
    desk.refresh()
    desk.release_of(wave="02", percents=(30, 60, 10), month=2)
    result = desk.refresh()
    assert list(materialized(result, "release")) == ["acme:monthly:02"]
    assert materialized(result, "release")["acme:monthly:02"].description == "load 2, cause: data"
    assert desk.published() == [("01", 41.0), ("02", 30.0), ("03", 43.0)]


def test_a_bad_release_is_set_aside_and_the_others_go_on(desk):
    spoil(desk.release_of(wave="04", month=4))
    result = desk.refresh()
    assert result.success and len(desk.published()) == 3
    told = checks(result)
    check = told["releases", "every_release_loads", None]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert records(check.metadata["problems"]) == [
        {
            "where": "acme/monthly/04/toplines.csv,\nrow 3,\ncolumn percent",
            "what is wrong": "not a percentage (found 'forty'); expected a number (52.2) or a range (2-4), no % sign",
            "what to do": REMEDIES["toplines"],
        }
    ]
    assert "'forty'" in check.description
    one = told["release", "loads", "acme:monthly:04"]
    assert not one.passed and "row 3, column percent" in one.description
    assert run.notes(desk.layout, result.run_id)["set_aside"].keys() == {"acme/monthly/04"}


def test_files_of_answers_are_told_by_name_and_size_and_nothing_of_their_content(desk, tmp_path):
    survey = surveys.write_survey(tmp_path / "kept", seed=7)
    surveys.write_release(desk.layout.catalogue, survey)
    (desk.layout.inbox / "wave.bin").write_bytes(survey.raw)
    told = materialized(desk.refresh(), "responses")[None].metadata
    ((size, columns),) = desk.published(
        f"SELECT count(*), any_value((SELECT count(*) FROM (DESCRIBE FROM '{desk.layout.responses}/*/*/*.parquet')))"
        f" FROM '{desk.layout.responses}/*/*/*.parquet'"
    )
    (row,) = records(told["files"])
    assert row == {"file": "wave.sav", "respondents": str(size), "variables": str(columns), "releases": "1"}
    assert (told["files read"].value, told["dagster/row_count"].value) == (1, size)


def test_sensors_say_why_they_skip(desk):
    spoil(desk.release_of(wave="04", month=4))
    result = desk.refresh()
    tick = new_releases(Settings()).evaluate_tick(dg.build_sensor_context(instance=desk.instance))
    assert tick.skip_message == (
        "nothing new: 4 releases are as they were loaded; 1 set aside until somebody mends the files (acme/monthly/04)"
    )
    _, on_success = alert_sensors(Settings())
    stored = desk.instance.get_run_by_id(result.run_id)
    event = next(one for one in result.all_events if one.event_type == dg.DagsterEventType.RUN_SUCCESS)
    context = dg.build_run_status_sensor_context("alert_on_failed_check", event, desk.instance, stored)
    assert on_success(context) is None, "told: a release was set aside"
    assert "somebody has told of it already" in on_success(context).skip_message


def test_a_mended_release_passes(desk):
    spoil(desk.release_of(wave="04", month=4))
    desk.refresh()
    assert not checks(desk.refresh())["releases", "every_release_loads", None].passed, "it stands while nothing changes"
    desk.release_of(wave="04", month=4)
    result = desk.refresh()
    assert checks(result)["release", "loads", "acme:monthly:04"].passed
    assert checks(result)["releases", "every_release_loads", None].passed
    assert list(materialized(result, "release")) == ["acme:monthly:04"]
    assert len(desk.published()) == 4


def test_the_check_of_releases_can_be_started_by_itself(desk):
    loads = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("release"), "loads"))
    look = dg.define_asset_job("look", selection=loads)
    job = dg.Definitions(assets=[releases.STATUS], asset_checks=[releases.loads], jobs=[look]).resolve_job_def("look")
    desk.refresh()
    (found,) = checks(job.execute_in_process(instance=desk.instance)).values()
    assert found.passed
    spoil(desk.release_of(wave="04", month=4))
    desk.refresh()
    (found,) = checks(job.execute_in_process(instance=desk.instance)).values()
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "acme/monthly/04/toplines.csv, row 3, column percent" in found.description


def test_a_withdrawn_release_has_no_partition_any_more(desk):
    folder = desk.release_of(wave="04", month=4)
    desk.refresh()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert desk.refresh().success
    assert desk.instance.get_dynamic_partitions("release") == [f"acme:monthly:0{n}" for n in (1, 2, 3)]


def test_dagster_is_told_of_releases_it_never_heard_of(desk):
    """Its home was lost, or a run was killed between the ledger and the events."""
    desk.refresh()
    with dg.DagsterInstance.ephemeral() as fresh:
        result = Desk(desk.layout, fresh).refresh()
        assert result.success and len(materialized(result, "release")) == 3
        assert materialized(Desk(desk.layout, fresh).refresh(), "release") == {}


def test_a_failing_audit_keeps_the_old_database(desk, monkeypatch):
    desk.refresh()
    before, figures = desk.layout.link.resolve(), desk.published()
    monkeypatch.setattr(resources, "Auditor", Failing)
    desk.release_of(wave="02", percents=(30, 60, 10), month=2)
    result = desk.refresh()
    assert not result.success and "published" not in ran(result)
    told = checks(result)
    gate = told["warehouse", "passes_the_audit", None]
    assert not gate.passed and gate.blocking
    assert gate.description == "there-are-estimates: Found none. Look at the reader."
    (failed,) = records(gate.metadata["what failed"])
    assert (failed["severity"], failed["check"], failed["rows found"]) == ("error", "there_are_estimates", "1")
    one = told["warehouse", "there_are_estimates", None].metadata
    assert one["what to do"].value == failed["what to do"] == "Look at the reader."
    assert records(one["the first of them"]) == [{"wave": "01", "estimates": "0"}]
    assert not told["warehouse", "there_are_estimates", None].passed
    assert desk.layout.link.resolve() == before and desk.published() == figures
    assert [path.name for path in desk.layout.versions.iterdir()] == [before.name], "the candidate is gone"


def test_after_a_failed_audit_the_next_run_builds_again(desk, monkeypatch):
    monkeypatch.setattr(resources, "Auditor", Failing)
    assert not desk.refresh().success
    monkeypatch.setattr(resources, "Auditor", Passing)
    result = desk.refresh()
    assert result.success and ran(result) == STEPS and len(desk.published()) == 3


def test_what_is_accepted_reaches_the_audit(desk, monkeypatch):
    asked = []

    class Asked(Passing):
        def __call__(self, *args):
            asked.append(self.accepted)
            return super().__call__(*args)

    monkeypatch.setattr(resources, "Auditor", Asked)
    desk.refresh({"accept": ["there-are-estimates"]})
    assert asked == [["there-are-estimates"]]


def test_the_audit_in_its_own_process_agrees_with_the_audit_here(desk, tmp_path):
    from assets.publication.audit import audit

    desk.refresh()
    there = Auditor()
    there.get_ready()
    assert there(desk.layout.link.resolve(), None, None) == audit(desk.layout.link.resolve(), None, None)
    with pytest.raises(AuditError, match="no such expectation: nonsense"):
        Auditor(["nonsense"])(desk.layout.link.resolve(), None, None)


def test_an_audit_process_that_nobody_asks_is_ended():
    unasked = Auditor()
    unasked.get_ready()
    process = unasked._child
    unasked.stop()
    assert process.returncode is not None


def test_published_cannot_be_started_alone(desk):
    defs = build_defs(settings=Settings())
    desk.refresh()
    before = desk.layout.link.resolve()
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=desk.instance, raise_on_error=False, asset_selection=[dg.AssetKey("published")]
    )
    assert not result.success and desk.layout.link.resolve() == before
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "start the job `refresh`" in failed.step_failure_data.error_display_string


def test_of_two_runs_at_once_the_second_waits_for_the_lock(desk):
    said, results = [], []
    with writer(desk.layout.lock, "somebody else"):
        waiting = threading.Thread(target=lambda: results.append(_heard(desk, said)))
        waiting.start()
        deadline = time.monotonic() + 30
        while not said and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "held by somebody else" in said[0]
        assert not desk.layout.link.exists() and not results
    waiting.join(60)
    assert results[0].success and len(desk.published()) == 3


def _heard(desk, said):
    from pipeline.progress import listening

    with listening(said.append):
        return desk.refresh()


def _run_and_hang(layout, ready):
    """A run of the command that stops in the middle of its first step."""
    from pipeline import resources
    from warehouse import versions

    resources.Auditor = Passing

    def hang(_):
        ready.set()
        time.sleep(600)

    versions.clean = hang
    run.refresh(layout)


def test_a_run_killed_without_a_word_is_marked_as_failed_by_the_next(desk):
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    victim = spawn.Process(target=_run_and_hang, args=(desk.layout, ready))
    victim.start()
    assert ready.wait(60)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    home.prepare(desk.layout)
    with dg.DagsterInstance.get() as instance:
        (dead,) = instance.get_runs()
        assert dead.status == dg.DagsterRunStatus.STARTED
    outcome = run.refresh(desk.layout)
    assert outcome.success, outcome.errors
    with dg.DagsterInstance.get() as instance:
        assert instance.get_run_by_id(dead.run_id).status == dg.DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(outcome.run_id).status == dg.DagsterRunStatus.SUCCESS
    assert len(desk.published()) == 3
    assert dead.run_id in (desk.layout.data / "alerts.jsonl").read_text()


@pytest.fixture(autouse=True)
def _environment_as_before(monkeypatch):
    """`home.prepare` sets variables of this process."""
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("DAGSTER_HOME")


def test_runs_of_the_command_are_on_the_instance_of_the_ui(desk):
    outcome = run.refresh(desk.layout)
    assert outcome.success and outcome.notes["loaded"] == [f"acme/monthly/0{n}" for n in (1, 2, 3)]
    with dg.DagsterInstance.get() as instance:
        stored = instance.get_run_by_id(outcome.run_id)
        assert stored.tags["weathervane/started_by"] == "command" and stored.job_name == "refresh"
        assert type(instance.event_log_storage).__name__ == "History"
        assert (desk.layout.dagster / "history" / "event_log.db").exists()


def test_every_run_names_its_process(desk):
    result = desk.refresh()
    assert desk.instance.get_run_by_id(result.run_id).tags[home.PID_TAG] == home.this_process()
