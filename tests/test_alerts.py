"""Alerts are sent once, for what is new, and never break a run; sensors say why they do or do not start one."""

import http.server
import json
import threading
from collections.abc import Iterator

import dagster as dg
import pytest

from pipeline import alerts, resources, run
from pipeline.build import build_defs
from pipeline.sensors import alert_sensors, new_releases
from pipeline.settings import Settings
from tests import factory
from tests.test_dagster_runs import Failing, Passing, _environment_as_before, desk, spoil

__all__ = ["_environment_as_before", "desk"]  # fixtures


class Hook:
    """A server on 127.0.0.1 that keeps what is posted to it."""

    def __init__(self) -> None:
        self.got: list[dict] = []
        self.answer = 200
        kept = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                kept.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(kept.answer)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/secret-token"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def kept(layout):
    """Lines of the file of alerts."""
    file = layout.data / alerts.FILE
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def told(layout):
    return [line for line in kept(layout) if "message" in line]


def tell(desk, result, url=None):
    return alerts.tell(desk.instance, result.run_id, desk.layout, Settings(alert_url=url))


def test_nothing_is_sent_when_all_is_well(desk, hook):
    assert tell(desk, desk.refresh(), hook.url) is None
    assert tell(desk, desk.refresh(), hook.url) is None
    assert hook.got == [] and kept(desk.layout) == []


def test_a_failed_check_is_told_with_file_row_and_column(desk, hook):
    spoil(desk.release_of(wave="04", month=4))
    result = desk.refresh()
    alert = tell(desk, result, hook.url)
    assert alert.status == "SUCCESS" and alert.run_id == result.run_id
    named = {(one["asset"], one["check"]) for one in alert.failed_checks}
    assert {("releases", "every_release_loads"), ("release acme:monthly:04", "loads")} <= named
    assert "acme/monthly/04/toplines.csv, row 3, column percent" in alert.message
    assert [line["run_id"] for line in told(desk.layout)] == [result.run_id]
    assert hook.got[0]["text"] == alert.message and hook.got[0]["failed_checks"] == alert.failed_checks
    assert kept(desk.layout)[-1] == {"run_id": result.run_id, "sent": True}


def test_a_failed_run_is_told_with_the_step_s_own_words(desk, hook, monkeypatch):
    monkeypatch.setattr(resources, "Auditor", Failing)
    alert = tell(desk, desk.refresh(), hook.url)
    assert alert.status == "FAILURE" and alert.message.startswith("Weathervane: the run failed, 2 checks failed")
    assert "Found none. Look at the reader." in alert.message and len(hook.got) == 1


def test_a_run_whose_resources_fail_is_told(desk):
    (desk.layout.data / "writer.lock").mkdir()
    alert = tell(desk, desk.refresh())
    assert alert.status == "FAILURE" and "writer.lock" in alert.message


def test_a_run_is_told_once_whoever_notices_it(desk, hook):
    spoil(desk.release_of(wave="04", month=4))
    result = desk.refresh()
    noticing = [threading.Thread(target=tell, args=(desk, result, hook.url)) for _ in range(4)]
    for thread in noticing:
        thread.start()
    for thread in noticing:
        thread.join()
    assert len(hook.got) == 1 and len(told(desk.layout)) == 1


def test_what_stands_is_not_told_again_until_it_says_something_else(desk):
    bad = desk.release_of(wave="04", month=4)
    spoil(bad)
    assert tell(desk, desk.refresh())
    assert tell(desk, desk.refresh()) is None, "nothing changed"
    desk.release_of(wave="02", percents=(30, 60, 10), month=2)
    assert tell(desk, desk.refresh()) is None, "something else changed"
    spoil(desk.release_of(wave="04", month=4), line=3, value="fifty")
    assert "fifty" in tell(desk, desk.refresh()).message
    desk.release_of(wave="04", month=4)
    assert tell(desk, desk.refresh()) is None, "mended"
    spoil(desk.release_of(wave="04", month=4))
    assert "forty" in tell(desk, desk.refresh()).message, "broken again in the same way"


def test_a_run_that_fails_every_night_is_told_every_night(desk, monkeypatch):
    monkeypatch.setattr(resources, "Auditor", Failing)
    assert tell(desk, desk.refresh()) and tell(desk, desk.refresh())
    assert len(told(desk.layout)) == 2


def test_a_hook_that_fails_breaks_nothing_and_is_tried_again(desk, hook, caplog):
    spoil(desk.release_of(wave="04", month=4))
    hook.answer = 500
    first = desk.refresh()
    assert tell(desk, first, hook.url) is not None
    assert kept(desk.layout)[-1] == {"run_id": first.run_id, "sent": False, "error": "HTTPStatusError 500"}
    assert "could not be sent" in caplog.text and "secret-token" not in caplog.text
    hook.answer = 200
    assert tell(desk, desk.refresh(), hook.url) is None
    assert [got["run_id"] for got in hook.got] == [first.run_id, first.run_id]
    assert kept(desk.layout)[-1] == {"run_id": first.run_id, "sent": True}
    tell(desk, desk.refresh(), hook.url)
    assert len(hook.got) == 2


def test_a_hook_that_is_not_there_breaks_nothing(desk, monkeypatch):
    spoil(desk.release_of(wave="04", month=4))
    monkeypatch.setenv("WEATHERVANE_ALERT_URL", "http://127.0.0.1:9/secret-token")
    outcome = run.refresh(desk.layout)
    assert outcome.success and outcome.notes["set_aside"]
    assert kept(desk.layout)[-1]["sent"] is False
    assert "secret-token" not in (desk.layout.data / alerts.FILE).read_text()


def test_alerts_of_a_time_without_an_address_are_not_sent_later(desk, hook):
    spoil(desk.release_of(wave="04", month=4))
    tell(desk, desk.refresh())
    tell(desk, desk.refresh(), hook.url)
    assert len(told(desk.layout)) == 1 and hook.got == []


def test_a_torn_line_or_a_file_that_cannot_be_written_breaks_nothing(desk, hook):
    spoil(desk.release_of(wave="04", month=4))
    file = desk.layout.data / alerts.FILE
    file.write_text('{"run_id": "torn\n')
    result = desk.refresh()
    assert tell(desk, result, hook.url)
    file.unlink()
    file.mkdir()
    assert tell(desk, result, hook.url), "better twice than never"
    assert len(hook.got) == 2


def test_the_sensor_does_not_repeat_what_the_command_has_told(desk, hook, monkeypatch):
    monkeypatch.setenv("WEATHERVANE_ALERT_URL", hook.url)
    spoil(desk.release_of(wave="04", month=4))
    outcome = run.refresh(desk.layout)
    assert len(hook.got) == 1
    on_failure, on_success = alert_sensors(Settings(alert_url=hook.url))
    with dg.DagsterInstance.get() as instance:
        stored = instance.get_run_by_id(outcome.run_id)
        event = next(
            entry.dagster_event for entry in instance.all_logs(outcome.run_id, of_type=dg.DagsterEventType.RUN_SUCCESS)
        )
        context = dg.build_run_status_sensor_context("alert_on_failed_check", event, instance, stored)
        on_success(context)
    assert len(hook.got) == 1 and len(told(desk.layout)) == 1
    assert on_failure.default_status == on_success.default_status == dg.DefaultSensorStatus.RUNNING


def test_the_sensor_tells_of_a_run_that_the_ui_started(desk, hook, monkeypatch):
    monkeypatch.setattr(resources, "Auditor", Failing)
    result = desk.refresh()
    on_failure, _ = alert_sensors(Settings(alert_url=hook.url))
    event = next(event for event in result.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE)
    stored = desk.instance.get_run_by_id(result.run_id)
    context = dg.build_run_status_sensor_context("alert_on_failed_run", event, desk.instance, stored)
    on_failure(context.for_run_failure())
    assert [got["run_id"] for got in hook.got] == [result.run_id]


def looked(desk, cursor=None):
    """What the sensor `new_releases` makes of the catalogue: (its runs, its reason for none, its cursor)."""
    context = dg.build_sensor_context(cursor=cursor, instance=desk.instance)
    data = new_releases(Settings()).evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message, data.cursor


def test_new_releases_are_asked_for_once(desk):
    (request,), _, cursor = looked(desk)
    assert request.run_key is None and request.tags["weathervane/changed"] == "3"
    requests, reason, cursor = looked(desk, cursor)
    assert not requests and "was asked for with this content already" in reason
    desk.refresh()
    requests, reason, cursor = looked(desk, cursor)
    assert (requests, reason) == ([], "nothing new: 3 releases are as they were loaded")


def test_content_that_comes_back_is_noticed(desk):
    """A, then B, then A again: run keys would have forgotten nothing and started nothing."""
    desk.refresh()
    _, _, cursor = looked(desk)
    requests = []
    for percents in ((30, 60, 10), (42, 48, 10)):
        desk.release_of(wave="02", percents=percents, month=2)
        (request,), _, cursor = looked(desk, cursor)
        requests.append(request)
        desk.refresh()
    assert [request.tags["weathervane/changed"] for request in requests] == ["1", "1"]
    assert desk.published()[1] == ("02", 42.0)


def test_content_that_was_asked_for_and_taken_back_is_noticed_when_it_returns(desk):
    desk.refresh()
    desk.release_of(wave="02", percents=(30, 60, 10), month=2)
    _, _, cursor = looked(desk)
    desk.release_of(wave="02", percents=(42, 48, 10), month=2)
    requests, _, cursor = looked(desk, cursor)
    assert not requests
    desk.release_of(wave="02", percents=(30, 60, 10), month=2)
    assert len(looked(desk, cursor)[0]) == 1


def test_a_release_that_is_gone_is_noticed(desk):
    desk.refresh()
    folder = factory.release(desk.layout.catalogue, "03", percents=(43, 47, 10), month=3)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert len(looked(desk)[0]) == 1


def test_a_dropped_folder_is_noticed(desk):
    desk.refresh()
    folder = desk.release_of(wave="04", month=4)
    place = desk.layout.inbox / "acme" / "monthly" / "04"
    place.parent.mkdir(parents=True)
    folder.rename(place)
    assert len(looked(desk)[0]) == 1


def test_the_definitions_have_the_sensors(desk):
    repository = build_defs(settings=Settings()).get_repository_def()
    assert repository.get_sensor_def("new_releases").default_status == dg.DefaultSensorStatus.STOPPED
    assert Passing.fails == ()
