"""Progress bars for long work, on standard error, only where a person watches.

Belongs here: how progress looks. Does not belong here: what is done; the work tells a watcher how far it is
(assets.watching). Where standard error is no terminal nothing is drawn, and a finished bar leaves nothing behind.
"""

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from assets.watching import watching


class Bar:
    """A bar of stages, and below it one of the steps inside the present stage, where the work counts them."""

    def __init__(self, progress: Progress, total: int | None) -> None:
        """Begin at nothing; `total` is the number of stages, if known."""
        self._progress = progress
        self._stages = progress.add_task("starting", total=total)
        self._steps: TaskID | None = None
        self._doing = ""

    def stage(self, text: str) -> None:
        """The next stage begins."""
        self._forget()
        self._progress.update(self._stages, description=text, advance=1)

    def step(self, what: str, done: int, total: int | None) -> None:
        """So much of a stage is done."""
        if self._steps is None or what != self._doing:
            self._forget()
            self._doing, self._steps = what, self._progress.add_task(what, total=total)
        self._progress.update(self._steps, completed=done, total=total)

    def _forget(self) -> None:
        if self._steps is not None:
            self._progress.remove_task(self._steps)
            self._steps = None


@contextlib.contextmanager
def stages(total: int | None = None, quiet: bool = False) -> Iterator[Bar]:
    """A bar while this lasts; what the work counts is shown in it.

    Args:
        total: number of stages, if it is known.
        quiet: draw nothing.
    """
    console = Console(stderr=True)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # else what was sent to a file would land on the terminal
    )
    with progress:
        bar = Bar(progress, total)
        with watching(bar.step):
            yield bar
