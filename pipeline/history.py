"""Where Dagster keeps the events of runs: its consolidated SQLite file, with connections that stay open.

Belongs here: how the file is opened. Does not belong here: where it lies (pipeline.home), what is in it (Dagster).

Dagster opens the file anew for every event and waits for the disk each time. That was half of a refresh of 500 releases
and most of one with nothing to do. The file is the same as Dagster's own class writes: either can read the other's.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData


class History(ConsolidatedSqliteEventLogStorage):
    """Dagster's event log in one SQLite file.

    `synchronous = NORMAL`: a power cut may cost the last moments of a run's log, never the file. What was loaded and
    published is on the disk by other means.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """A relative folder lies in DAGSTER_HOME, so that the home may be moved."""
        super().__init__(os.path.join(os.environ.get("DAGSTER_HOME", ""), base_dir), inst_data)  # noqa: PTH118

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(self._conn_string, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})

        @sqlalchemy.event.listens_for(engine, "connect")
        def _opened(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA synchronous = NORMAL")

        return engine

    @contextmanager
    def _connect(self) -> Iterator[sqlalchemy.Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        super().dispose()  # type: ignore[no-untyped-call]
        if "_engine" in self.__dict__:
            self._engine.dispose()
