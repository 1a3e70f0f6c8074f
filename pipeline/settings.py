"""Settings: every environment variable that pipeline code reads, in one place.

Belongs here: names, defaults and checks of settings. Does not belong here: where files lie (warehouse.layout), what may
be fetched (assets.releases.fetching).
"""

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pipeline.delivery import is_private

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MAIL = re.compile(r"[^\s@,<>]+@[^\s@,<>]+")


class SettingError(ValueError):
    """A setting cannot be used; the message names the variable and what it should look like."""


@dataclass(frozen=True)
class Settings:
    """When the nightly refresh runs, and where alerts and digests go besides the log. Its text shows no secrets.

    Attributes:
        nightly_at: `HH:MM` (WEATHERVANE_NIGHTLY_AT). Between 01:00 and 03:00 local clocks are changed twice a year.
        timezone: an IANA name (WEATHERVANE_TIMEZONE).
        alert_url: posted to as JSON when a run or a check fails (WEATHERVANE_ALERT_URL).
        site_url: where the explorer is served, for links in the UI (WEATHERVANE_SITE_URL).
        sensor_seconds: how often the sensor looks for new releases (WEATHERVANE_SENSOR_SECONDS).
        digest_url: posted to as JSON when something moved (WEATHERVANE_DIGEST_URL).
        digest_mail: whom the digest is mailed to (WEATHERVANE_DIGEST_MAIL, joined by commas).
        mail_server: `smtps://user:password@host:465` or `smtp://…:587` with STARTTLS (WEATHERVANE_MAIL_SERVER).
        mail_from: sender of mails (WEATHERVANE_MAIL_FROM).
    """

    nightly_at: str = "04:15"
    timezone: str = "UTC"
    alert_url: str | None = field(default=None, repr=False)
    sensor_seconds: int = 60
    digest_url: str | None = field(default=None, repr=False)
    digest_mail: tuple[str, ...] = ()
    mail_server: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    site_url: str | None = None

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read and check the settings.

        Raises:
            SettingError: a value cannot be used.
        """
        read = os.environ.get
        seconds = read("WEATHERVANE_SENSOR_SECONDS") or str(cls.sensor_seconds)
        if not seconds.isdecimal() or int(seconds) == 0:
            raise SettingError(f"WEATHERVANE_SENSOR_SECONDS is {seconds!r}; expected a number of seconds such as 60")
        out = cls(
            read("WEATHERVANE_NIGHTLY_AT") or cls.nightly_at,
            read("WEATHERVANE_TIMEZONE") or cls.timezone,
            read("WEATHERVANE_ALERT_URL") or None,
            int(seconds),
            digest_url=read("WEATHERVANE_DIGEST_URL") or None,
            digest_mail=tuple(filter(None, (read("WEATHERVANE_DIGEST_MAIL") or "").replace(",", " ").split())),
            mail_server=read("WEATHERVANE_MAIL_SERVER") or None,
            mail_from=read("WEATHERVANE_MAIL_FROM") or None,
            site_url=(read("WEATHERVANE_SITE_URL") or "").rstrip("/") or None,
        )
        if not _TIME.fullmatch(out.nightly_at):
            raise SettingError(f"WEATHERVANE_NIGHTLY_AT is {out.nightly_at!r}; expected a time of day such as 04:15")
        try:
            ZoneInfo(out.timezone)
        except (KeyError, ValueError, OSError):
            raise SettingError(
                f"WEATHERVANE_TIMEZONE is {out.timezone!r}; expected a name such as Europe/Warsaw"
            ) from None
        for name, address in (("ALERT", out.alert_url), ("DIGEST", out.digest_url)):
            if address and not is_private(address):
                # The value stays out of the message: such addresses often carry a secret.
                raise SettingError(
                    f"WEATHERVANE_{name}_URL is no address that can be used; expected one that begins with https:// "
                    "(http:// only for 127.0.0.1)"
                )
        out._check_mail()
        if out.site_url and not out.site_url.startswith(("http://", "https://")):
            raise SettingError(
                f"WEATHERVANE_SITE_URL is {out.site_url!r}; expected the address of the explorer, such as "
                "http://127.0.0.1:8000, without a page at its end"
            )
        return out

    def _check_mail(self) -> None:
        """Refuse settings with which no mail could be sent."""
        if not self.digest_mail:
            return
        wrong = [one for one in (*self.digest_mail, self.mail_from or "") if not _MAIL.fullmatch(one)]
        if wrong:
            names = "WEATHERVANE_DIGEST_MAIL needs WEATHERVANE_MAIL_FROM, and both"
            raise SettingError(f"{names} addresses such as desk@example.org; {wrong[0]!r} is none")
        try:
            server = urlsplit(self.mail_server or "")
            usable = server.scheme in ("smtp", "smtps") and bool(server.hostname) and (server.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise SettingError(
                "WEATHERVANE_MAIL_SERVER is no server; expected smtps://user:password@host:465, or smtp://host:587 of "
                "one that offers STARTTLS"
            )

    @property
    def cron(self) -> str:
        """The nightly time as a cron line."""
        hour, minute = self.nightly_at.split(":")
        return f"{int(minute)} {int(hour)} * * *"
