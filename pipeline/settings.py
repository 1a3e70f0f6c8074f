"""Settings: every environment variable that pipeline code reads, in one place.

Belongs here: names, defaults and checks of settings. Does not belong here: where files lie (warehouse.layout), what may
be fetched (assets.releases.fetching).
"""

import os
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class SettingError(ValueError):
    """A setting cannot be used; the message names the variable and what it should look like."""


@dataclass(frozen=True)
class Settings:
    """When the nightly refresh runs, and where alerts go besides the log.

    Attributes:
        nightly_at: `HH:MM` (WEATHERVANE_NIGHTLY_AT). Between 01:00 and 03:00 local clocks are changed twice a year.
        timezone: an IANA name (WEATHERVANE_TIMEZONE).
        alert_url: posted to as JSON when a run or a check fails (WEATHERVANE_ALERT_URL).
        sensor_seconds: how often the sensor looks for new releases (WEATHERVANE_SENSOR_SECONDS).
    """

    nightly_at: str = "04:15"
    timezone: str = "UTC"
    alert_url: str | None = None
    sensor_seconds: int = 60

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
        )
        if not _TIME.fullmatch(out.nightly_at):
            raise SettingError(f"WEATHERVANE_NIGHTLY_AT is {out.nightly_at!r}; expected a time of day such as 04:15")
        try:
            ZoneInfo(out.timezone)
        except (KeyError, ValueError, OSError):
            raise SettingError(
                f"WEATHERVANE_TIMEZONE is {out.timezone!r}; expected a name such as Europe/Warsaw"
            ) from None
        if out.alert_url and not out.alert_url.startswith(("http://", "https://")):
            # The value stays out of the message: such addresses often carry a secret.
            raise SettingError("WEATHERVANE_ALERT_URL is no address; expected one that begins with https:// or http://")
        return out

    @property
    def cron(self) -> str:
        """The nightly time as a cron line."""
        hour, minute = self.nightly_at.split(":")
        return f"{int(minute)} {int(hour)} * * *"
