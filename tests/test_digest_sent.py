"""The digest goes out once for each version that brought something, says where it could not, and gives nothing away."""

import datetime as dt
import json
import logging
import shutil
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.rebuild import rebuild
from assets.refresh import refresh
from pipeline import delivery, digests, run
from pipeline.settings import SettingError, Settings
from tests import factory
from tests.conftest import no_audit
from tests.test_alerts import Hook, hook
from tests.test_dagster_runs import _environment_as_before, desk, materialized
from warehouse import connect
from warehouse.layout import Layout

__all__ = ["_environment_as_before", "desk", "hook"]  # fixtures

TODAY = dt.date(2024, 5, 1)  # nothing is overdue


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail on 127.0.0.1 and keeps it; refuses it with `code` if that is set. It knows no encryption."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.code: int | None = None
        super().__init__(("127.0.0.1", 0), Conversation)

    @property
    def address(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "QUIT":
                return self.say("221 bye")
            if word == "RCPT" and self.server.code:
                self.say(f"{self.server.code} not here, secret-text")
            elif word == "DATA":
                self.say("354 go on")
                text = ""
                while (part := self.rfile.readline().decode()) != ".\r\n":
                    text += part
                self.server.kept.append(text)
                self.say("250 kept")
            else:
                self.say("250 well")
        return None


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A house after its first night; its series has a wave every 30 days."""
    layout = factory.small_house(tmp_path_factory.mktemp("first"))
    series = layout.catalogue / "releases/acme/monthly/series.yml"
    series.write_text(series.read_text() + "rhythm_days: 30\n")
    refresh(layout, audit=no_audit, at=dt.datetime(2024, 4, 1, 3))
    return layout


@pytest.fixture
def house(first: Layout, tmp_path: Path) -> Layout:
    shutil.copytree(first.data.parent, tmp_path / "house", symlinks=True)
    return Layout(tmp_path / "house/data", tmp_path / "house/catalog")


def lines(layout: Layout) -> list[dict]:
    file = layout.data / digests.FILE
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def tell(layout: Layout, hook: Hook, today: dt.date = dt.date(2024, 4, 1)) -> list[str]:
    return digests.tell(layout, Settings(digest_url=hook.url), today)


def test_a_digest_is_posted_once_and_nothing_where_nothing_moved(house: Layout, hook: Hook) -> None:
    assert [tell(house, hook), tell(house, hook)] == [[], []]
    (got,) = hook.got
    assert got["message"].startswith("Weathervane: first version: 3 waves of 1 series by 1 organisation")
    assert got["counts"]["version"] == len(got["rows"]) and got["markdown"].startswith("### This version")
    assert got["rows"][0]["kind"] == "version" and got["text"].startswith("This version\n")
    series = house.catalogue / "releases/acme/monthly/series.yml"
    series.write_text(series.read_text().replace("Series monthly", "The Monthly"))
    done = refresh(house, audit=no_audit)
    assert done.report.changed and tell(house, hook) == []
    assert len(hook.got) == 1 and len([line for line in lines(house) if "message" in line]) == 1
    rebuild(house, audit=no_audit)
    assert tell(house, hook) == [] and len(hook.got) == 1
    factory.release(house.catalogue, "04", percents=(44, 46, 10), month=4)
    refresh(house, audit=no_audit)
    tell(house, hook)
    assert hook.got[1]["message"] == (
        "Weathervane: 1 new wave: acme/monthly/04, new wave: 1 to 10 Apr 2024, n = 1,000, 3 estimates of 1 item"
    )
    assert hook.got[1]["rows"][0]["subject"] == "acme/monthly/04" and hook.got[1]["refresh"] == 3


def test_a_failing_hook_is_said_and_tried_again_and_its_address_is_written_nowhere(
    house: Layout, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.answer = 500
    assert tell(house, hook) == [
        "the digest could not be sent by webhook (HTTPStatusError 500); it will be tried again after the next run"
    ]
    assert lines(house)[-1] == {
        "digest": lines(house)[0]["digest"], "channel": "webhook", "sent": False, "error": "HTTPStatusError 500"
    }  # fmt: skip
    assert "could not be sent" in caplog.text
    hook.answer = 302
    assert "HTTPStatusError 302" in tell(house, hook)[0], "a redirect is not followed"
    hook.answer = 200
    assert tell(house, hook) == [] and len(hook.got) == 3
    assert tell(house, hook) == [] and len(hook.got) == 3
    assert "secret-token" not in (house.data / digests.FILE).read_text() + caplog.text


def test_a_digest_of_a_time_without_an_address_is_not_sent_later(house: Layout, hook: Hook) -> None:
    digests.tell(house, Settings(), TODAY)
    assert tell(house, hook, TODAY) == [] and hook.got == [] and len(lines(house)) == 1


def test_where_nothing_can_be_read_or_kept_nothing_breaks(
    house: Layout, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    (house.data / digests.FILE).mkdir()
    assert tell(house, hook) == [] and len(hook.got) == 1, "better twice than never"
    house.link.unlink()
    assert tell(house, hook) == [] and "there is no digest to tell of" in caplog.text


def test_a_series_that_became_overdue_is_told_once_though_nothing_was_published(house: Layout, hook: Hook) -> None:
    """Its last wave ended on 10 March; a wave every 30 days and 15 days of grace: expected by 24 April."""
    tell(house, hook)
    assert tell(house, hook, dt.date(2024, 4, 24)) == [] and len(hook.got) == 1
    for day in (dt.date(2024, 4, 25), dt.date(2024, 4, 26), dt.date(2024, 6, 1)):
        assert tell(house, hook, day) == []
    assert [got["message"] for got in hook.got[1:]] == [
        "Weathervane: 1 series overdue: acme/monthly, overdue: its last wave, 03, ended 10 Mar 2024; the next was "
        "expected by 24 Apr 2024"
    ]
    factory.release(house.catalogue, "04", percents=(44, 46, 10), month=4)
    refresh(house, audit=no_audit, at=dt.datetime(2024, 6, 2, 3))
    tell(house, hook, dt.date(2024, 6, 2))
    assert hook.got[-1]["counts"] == {"wave": 1, "overdue": 1}, "late again, by the wave that came"
    assert [got["counts"].get("overdue") for got in hook.got] == [None, 1, 1]


def test_a_digest_is_mailed(house: Layout, mail: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(
        digest_mail=("desk@example.org", "chief@example.org"), mail_server=mail.address, mail_from="house@example.org"
    )
    mail.code = 550
    assert digests.tell(house, settings, TODAY) == [
        "the digest could not be sent by mail (SMTPRecipientsRefused); it will be tried again after the next run"
    ]
    mail.code = None
    assert digests.tell(house, settings, TODAY) == [] == digests.tell(house, settings, TODAY)
    (got,) = mail.kept
    head, _, text = got.partition("\r\n\r\n")
    assert "Subject: Weathervane: " in head and "To: desk@example.org, chief@example.org" in head
    assert text.startswith("This version\r\n  first version: 3 waves")
    assert "secret-text" not in caplog.text + (house.data / digests.FILE).read_text()


def test_one_way_that_fails_does_not_stop_the_other(house: Layout, hook: Hook, mail: MailServer) -> None:
    hook.answer = 500
    both = Settings(
        digest_url=hook.url, digest_mail=("a@example.org",), mail_server=mail.address, mail_from="b@example.org"
    )
    (failed,) = digests.tell(house, both, TODAY)
    assert "by webhook" in failed and len(mail.kept) == 1
    hook.answer = 200
    assert digests.tell(house, both, TODAY) == [] and (len(hook.got), len(mail.kept)) == (2, 1)


def test_a_mail_server_elsewhere_must_encrypt(mail: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "HERE", "somewhere else")
    with pytest.raises(delivery.DeliveryError, match=r"^SMTPNotSupportedError$"):
        delivery.mail(mail.address, "a@example.org", ["b@example.org"], "s", "t")
    assert mail.kept == []


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("https://hooks.example.org/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://hooks.example.org/x", False),
        ("http://127.0.0.1.example.org/x", False),
        ("http://127.0.0.1@example.org/x", False),
        ("http://localhost/x", False),
        ("https://", False),
        ("https://host:port/", False),
        ("ftp://127.0.0.1/", False),
        ("hooks.example.org", False),
    ],
)
def test_an_address_is_used_where_nobody_on_the_way_can_read_along(address: str, private: bool) -> None:
    assert delivery.is_private(address) is private


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"DIGEST_URL": "http://hooks.example.org/secret"}, "WEATHERVANE_DIGEST_URL is no address that can be used"),
        ({"ALERT_URL": "http://hooks.example.org/secret"}, "WEATHERVANE_ALERT_URL is no address that can be used"),
        ({"DIGEST_MAIL": "desk@example.org"}, "needs WEATHERVANE_MAIL_FROM"),
        ({"DIGEST_MAIL": "desk, x", "MAIL_FROM": "a@example.org"}, "'desk' is none"),
        ({"DIGEST_MAIL": "a@example.org", "MAIL_FROM": "a@example.org"}, "WEATHERVANE_MAIL_SERVER is no server"),
        (
            {"DIGEST_MAIL": "a@example.org", "MAIL_FROM": "a@example.org", "MAIL_SERVER": "https://u:secret@host"},
            "WEATHERVANE_MAIL_SERVER is no server",
        ),
        (
            {"DIGEST_MAIL": "a@example.org", "MAIL_FROM": "a@example.org", "MAIL_SERVER": "smtps://u:secret@host:x"},
            "WEATHERVANE_MAIL_SERVER is no server",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    values: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"WEATHERVANE_{name}", value)
    with pytest.raises(SettingError, match=says) as bad:
        Settings.from_environment()
    assert "secret" not in str(bad.value)


def test_settings_show_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "ALERT_URL": "https://h.example.org/secret", "DIGEST_URL": "https://h.example.org/secret",
        "MAIL_SERVER": "smtps://user:secret@mail.example.org", "DIGEST_MAIL": "a@example.org, b@example.org",
        "MAIL_FROM": "c@example.org",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"WEATHERVANE_{name}", value)
    settings = Settings.from_environment()
    assert settings.digest_mail == ("a@example.org", "b@example.org") and settings.digest_url == given["DIGEST_URL"]
    assert "secret" not in repr(settings)


def test_a_run_tells_what_moved_and_a_dead_hook_does_not_fail_it(desk, monkeypatch, caplog) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("WEATHERVANE_DIGEST_URL", "http://127.0.0.1:9/secret-token")
    outcome = run.refresh(desk.layout)
    assert outcome.success and outcome.notes["digest"][0].startswith("first version: 3 waves")
    assert outcome.unsent == [
        "the digest could not be sent by webhook (ConnectError); it will be tried again after the next run"
    ]
    assert "secret-token" not in (desk.layout.data / digests.FILE).read_text() + caplog.text
    desk.release_of(wave="02", percents=(30, 60, 10), month=2)
    shown = materialized(desk.refresh(), "published")[None].metadata["what moved"].value
    assert "### 2 revisions" in shown and "wave 02: 42 % became 30 % (\N{MINUS SIGN}12 points)" in shown
    with connect.read(desk.layout.link) as con:
        assert con.execute("SELECT count(*) FROM digest WHERE kind = 'revision'").fetchone() == (2,)
