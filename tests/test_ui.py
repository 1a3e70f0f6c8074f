"""The real thing: `weathervane ui` as a process, the buttons through GraphQL, the end by SIGTERM."""

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests import factory
from warehouse.layout import PROJECT

SELECTOR = {"repositoryLocationName": "weathervane", "repositoryName": "__repository__"}
LAUNCH = """mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
METADATA = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode { groupName description
  metadataEntries { label ... on UrlMetadataEntry { url } }
  assetMaterializations(limit: 1) { metadataEntries { label ... on UrlMetadataEntry { url } } } } } }"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
RUNS = "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"
START = """mutation($schedule: ScheduleSelector!) { startSchedule(scheduleSelector: $schedule) {
  ... on ScheduleStateResult { scheduleState { status } } ... on PythonError { message } } }"""
SCHEDULE = """query($schedule: ScheduleSelector!) { scheduleOrError(scheduleSelector: $schedule) { ... on Schedule {
  executionTimezone scheduleState { status } futureTicks(limit: 2) { results { timestamp } } } } }"""
SENSORS = """query($all: RepositorySelector!) { sensorsOrError(repositorySelector: $all) { ... on Sensors {
  results { name sensorState { status } } } } }"""
PATIENCE = 150  # the whole takes half a minute on an idle machine


class UI:
    """A running UI."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return next(iter(found["data"].values()))

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/server_info", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def refresh(self):
        """What the button does; waits for the end."""
        params = {"selector": {**SELECTOR, "pipelineName": "refresh"}, "runConfigData": {}, "mode": "default"}
        run = self.ask(LAUNCH, params=params)["run"]["runId"]
        return run, until(lambda: self.ask(STATUS, run=run)["status"], {"SUCCESS", "FAILURE", "CANCELED"})


def until(look, wanted, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while (found := look()) not in wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def free_port():
    """A port that is free, and so is the next, where the explorer goes."""
    while True:
        with socket.socket() as probe, socket.socket() as following, contextlib.suppress(OSError, OverflowError):
            probe.bind(("127.0.0.1", 0))
            following.bind(("127.0.0.1", probe.getsockname()[1] + 1))
            return probe.getsockname()[1]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return factory.small_house(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def environment(house):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WEATHERVANE_", "DAGSTER_"))}
    return {
        **kept, "WEATHERVANE_DATA": str(house.data), "WEATHERVANE_CATALOG": str(house.catalogue),
        "WEATHERVANE_NIGHTLY_AT": "04:30", "WEATHERVANE_TIMEZONE": "Europe/Warsaw",
    }  # fmt: skip


@pytest.fixture(scope="module")
def ui(house, environment):
    port = free_port()
    log = (house.data / "ui.log").open("w")
    # As `weathervane ui &` in a script: a shell without job control makes what it starts that way ignore SIGINT.
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'"{sys.executable}" -c "{COMMAND}" ui --port {port} & echo $!; wait'],
        env=environment, cwd=PROJECT, start_new_session=True, stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip
    pid = int(process.stdout.readline())
    made = UI(port)
    try:
        assert until(made.is_ready, {True}), (house.data / "ui.log").read_text()
        made.pid = pid
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever is left of the session that we have started
        process.wait()
        process.stdout.close()
        log.close()


COMMAND = "from pipeline.cli.main import main; main()"


def test_a_click_refreshes_and_the_database_can_be_queried(ui, house):
    _, status = ui.refresh()
    assert status == "SUCCESS"
    with duckdb.connect(str(house.link.resolve()), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM estimates").fetchone() == (9,)


def test_links_of_the_ui_open_the_explorer_that_it_serves(ui, house):
    """Once the definitions' own, once those of a run that the UI started."""
    node = ui.ask(METADATA, key={"path": ["trends"]})
    assert node["groupName"] == "6_trends"
    (run,) = node["assetMaterializations"]
    links = {one["label"]: one["url"] for one in (*node["metadataEntries"], *run["metadataEntries"]) if "url" in one}
    assert {"explorer page", "explorer"} <= set(links)
    assert f"]({links['explorer page']})" in node["description"]
    for label, url in links.items():
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"<title>" in answer.read(), label
    assert links["explorer"].endswith("/items/invented.html")


def test_the_schedule_can_be_switched_on_and_ticks_at_the_chosen_time(ui):
    schedule = {**SELECTOR, "scheduleName": "nightly_refresh"}
    assert ui.ask(START, schedule=schedule) == {"scheduleState": {"status": "RUNNING"}}
    found = ui.ask(SCHEDULE, schedule=schedule)
    assert (found["executionTimezone"], found["scheduleState"]["status"]) == ("Europe/Warsaw", "RUNNING")
    warsaw, results = ZoneInfo("Europe/Warsaw"), found["futureTicks"]["results"]
    ticks = [dt.datetime.fromtimestamp(tick["timestamp"], warsaw) for tick in results]
    assert [f"{tick:%H:%M}" for tick in ticks] == ["04:30", "04:30"]


def test_alerts_are_on_and_the_rest_is_off_until_somebody_switches_it_on(ui):
    sensors = ui.ask(SENSORS, all=SELECTOR)["results"]
    assert {one["name"]: one["sensorState"]["status"] for one in sensors} == {
        "alert_on_failed_check": "RUNNING",
        "alert_on_failed_run": "RUNNING",
        "new_releases": "STOPPED",
    }


def test_a_run_of_the_command_shows_in_the_ui(ui, environment):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "refresh", "--json"],
        env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nothing to do, nothing to say"
    run = json.loads(done.stdout)["run_id"]
    (shown,) = [one for one in ui.ask(RUNS)["results"] if one["runId"] == run]
    assert (shown["jobName"], shown["status"]) == ("refresh", "SUCCESS")
    assert {"key": "weathervane/started_by", "value": "command"} in shown["tags"]


def test_the_ui_listens_on_this_machine_only(ui):
    port = int(ui.url.rpartition(":")[2])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here = [local for _, local, _, state, *_ in listening if state == "0A" and local.endswith(f":{port:04X}")]
    assert here == [f"0100007F:{port:04X}"]


def test_a_second_ui_on_the_same_port_says_so(ui, environment):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "ui", "--port", ui.url.rpartition(":")[2]],
        env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0 and "choose another with --port" in done.stderr


def test_sigterm_ends_it_and_leaves_nothing_running(ui):
    """The last test of this module."""
    port = int(ui.url.rpartition(":")[2]) + 1
    session = os.getsid(ui.pid)
    os.kill(ui.pid, signal.SIGTERM)
    assert until(lambda: running(session), {()}, 40) == ()
    assert not ui.is_ready()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the explorer is still served"


def running(session):
    """Processes of the session besides the shell."""
    found = []
    for process in (path for path in Path("/proc").iterdir() if path.name.isdigit()):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[3] == str(session) and int(process.name) != session and fields[0] != "Z":
            found.append(int(process.name))
    return tuple(found)
