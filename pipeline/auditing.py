"""The audit in a child process, which imports Great Expectations while the run is still computing.

Belongs here: starting the child, asking it, ending it. Does not belong here: the audit (assets.publication.audit), what
follows from it.

The import takes three seconds of a processor. With a child they pass beside the steps before the audit, and the process
that holds the writer's lock stays small. The child waits for one line of JSON with the question, answers with one line,
and ends; if its parent dies it reads the end of its input and ends as well.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from warehouse.layout import PROJECT


class AuditError(Exception):
    """The audit could not be made; nothing is published."""


class Auditor:
    """The audit of one run, as `assets.refresh.Audit`."""

    def __init__(self, accepted: Sequence[str] = ()) -> None:
        """Nothing is started yet; failures of the expectations in `accepted` are warnings."""
        self.accepted = list(accepted)
        self._child: subprocess.Popen[str] | None = None

    def get_ready(self) -> None:
        """Start the child, if that was not done: an audit will be asked for."""
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pipeline.auditing"],
                cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip

    def __call__(self, candidate: Path, previous: Path | None, docs: Path | None) -> Sequence[Any]:
        """Audit a database file; see assets.publication.audit.

        Raises:
            AuditError: the child says why it cannot, or it died.
        """
        from assets.publication.audit import Result

        self.get_ready()
        assert self._child is not None  # noqa: S101 - get_ready has started it
        files = [None if path is None else str(path) for path in (candidate, previous, docs)]
        answer, errors = self._child.communicate(json.dumps([*files, self.accepted]) + "\n")
        code, self._child = self._child.returncode, None
        if code or not answer:
            raise AuditError(f"the audit's process ended with {code}: {errors.strip().splitlines()[-1:]}")
        found = json.loads(answer)
        if isinstance(found, str):
            raise AuditError(found)
        return [Result.plain(one) for one in found]

    def stop(self) -> None:
        """End a child that nobody asked."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _serve() -> None:
    """The child: import, read the question, answer. Whatever the libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import great_expectations  # noqa: F401

    from assets.publication.audit import audit

    question = sys.stdin.readline()
    if not question:
        return
    candidate, previous, docs, accepted = json.loads(question)
    try:
        results = audit(Path(candidate), previous and Path(previous), docs and Path(docs), accepted=accepted)
        answer: Any = [asdict(result) for result in results]
    except Exception as bad:  # the parent raises it again
        answer = f"{type(bad).__name__}: {bad}"
    answers.write(json.dumps(answer))
    answers.flush()


if __name__ == "__main__":
    _serve()
