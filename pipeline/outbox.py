"""What the house has to tell people: kept in a file, sent at most once to each address, tried again if that fails.

Belongs here: the file, and which message is still due where. Does not belong here: what there is to tell
(pipeline.alerts, pipeline.digests), how it travels (pipeline.delivery).

The file holds one JSON object a line: messages (they have a `message`), and after each what became of sending it
(`sent`, and `error` if it was not). What could not be sent is tried again when the next run ends. A message of a time
without an address is not sent later.
"""

import contextlib
import datetime as dt
import fcntl
import io
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from pipeline.delivery import DeliveryError

_log = logging.getLogger(__name__)

Line = dict[str, Any]
Deliver = Callable[[Line], None]


@dataclass(frozen=True)
class Outbox:
    """One file of messages.

    Attributes:
        file: where it lies.
        key: name of the field that tells messages apart.
        noun: what a message is called in the log.
        channels: name -> how to deliver; the name stands in the file where it is not empty.
    """

    file: Path
    key: str
    noun: str
    channels: Mapping[str, Deliver] = field(default_factory=dict)

    def tell(self, make: Callable[[list[Line]], Line | None]) -> tuple[Line | None, list[str]]:
        """Keep a message unless one of its key is kept already, and send what is due.

        Args:
            make: is given the lines of the file, oldest first; returns the message, or None for nothing to tell.

        Returns:
            The message if nobody had told of it before; and what could not be sent, in words. Never raises because
            something cannot be sent or kept: a run is not worse for it.
        """
        with self._open() as file:
            lines = _read(file)
            message = make(lines)
            told = {line[self.key] for line in lines if "message" in line and self.key in line}
            new = message if message is not None and message[self.key] not in told else None
            if new is not None:
                lines.append({**new, "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")})
                self._write(file, lines[-1])
            failed = [self._send(file, lines, new, name, deliver) for name, deliver in self.channels.items()]
        return new, [text for text in failed if text]

    def _send(self, file: TextIO, lines: list[Line], new: Line | None, channel: str, deliver: Deliver) -> str | None:
        """Send over one channel what could not be sent before and what is new, oldest first; a failure ends it."""
        named = {"channel": channel} if channel else {}
        due = {
            line[self.key]: not line["sent"]
            for line in lines
            if "sent" in line and self.key in line and line.get("channel", "") == channel
        }
        if new is not None:
            due[new[self.key]] = True
        for line in lines:
            if "message" not in line or not due.get(line.get(self.key, "")):
                continue
            outcome: Line = {self.key: line[self.key], **named}
            try:
                deliver(line)
            except DeliveryError as bad:
                self._write(file, {**outcome, "sent": False, "error": str(bad)})
                by = f" by {channel}" if channel else ""
                _log.warning(
                    "the %s %s could not be sent%s (%s); it will be tried again", self.noun, line[self.key], by, bad
                )
                return f"the {self.noun} could not be sent{by} ({bad}); it will be tried again after the next run"
            self._write(file, {**outcome, "sent": True})
        return None

    @contextlib.contextmanager
    def _open(self) -> Iterator[TextIO]:
        """The file, locked: of two who notice the same run one writes and sends, the other finds it done."""
        try:
            file: TextIO = self.file.open("a+", encoding="utf-8")
        except OSError as bad:
            _log.warning("the %s cannot be kept: %s", self.noun, bad)
            file = io.StringIO()
        with file:
            if not isinstance(file, io.StringIO):
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _write(self, file: TextIO, line: Line) -> None:
        try:
            file.seek(0, os.SEEK_END)
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
        except OSError as bad:  # a full disk is what many messages are about: sending goes on
            _log.warning("the %s %s cannot be kept: %s", self.noun, line[self.key], bad)


def _read(file: TextIO) -> list[Line]:
    file.seek(0)
    lines = []
    for text in file:
        with contextlib.suppress(ValueError):  # a torn line: somebody was killed while writing it
            line = json.loads(text)
            if isinstance(line, dict):
                lines.append(line)
    return lines
