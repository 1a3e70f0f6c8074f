"""A Dagster logger for people: what the steps say, one line each, without stamps and machinery.

Belongs here: formatting for the terminal. Does not belong here: what is said.
"""

import logging
import sys

import dagster as dg


class _Plain(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {}) or {}
        if meta.get("dagster_event") is not None:  # machinery: step started, output handled, …
            return
        text = meta.get("orig_message") or record.getMessage()
        sys.stderr.write(f"  {text}\n")


@dg.logger(description="What the steps say, one line each, to standard error.")
def progress(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger."""
    out = logging.getLogger("weathervane.progress")
    out.setLevel(logging.INFO)
    out.propagate = False
    if not out.handlers:
        out.addHandler(_Plain())
    return out
