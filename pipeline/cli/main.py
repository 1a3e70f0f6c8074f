"""The entry point: the list of commands, and what becomes of an error.

Belongs here: wiring, errors turned into a message and an exit code. Does not belong here: the commands' work, the
meaning of exit codes (pipeline.cli.codes). Modules that cost time to import are imported by the command that needs
them.
"""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from pipeline.cli import (
    claim,
    codes,
    compare,
    digest,
    doctor,
    estimate,
    export,
    extra,
    look,
    maintain,
    onboard,
    refreshing,
    site,
    trend,
    verify,
)

TRACEBACK = "WEATHERVANE_TRACEBACK"
_TYPED_WRONGLY = 2  # what typer means by it


class Commands(TyperGroup):
    """The commands; one that is typed wrongly ends with a code of its own (see codes)."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave the process; without `standalone_mode` hand errors to the caller."""
        try:
            done = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except TyperException as bad:
            if not standalone_mode:
                raise
            bad.show()  # type: ignore[attr-defined]  # every error that typer raises itself can show itself
            sys.exit(codes.USAGE if bad.exit_code == _TYPED_WRONGLY else codes.FAILED)
        except Abort:
            if not standalone_mode:
                raise
            sys.exit(codes.INTERRUPTED)
        if not standalone_mode:
            return done
        sys.exit(done if isinstance(done, int) else codes.FINE)


app = typer.Typer(
    name="weathervane",
    cls=Commands,
    help="Survey releases to trends that say when they do not compare. Exit codes: 0 fine, 1 failed, "
    "2 done but something awaits you, 64 not understood; docs/cli.md has them all.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(short_help="Load what changed, build, audit, publish.")(refreshing.refresh)
app.command(short_help="What is published, overdue, awaited and set aside.")(look.status)
app.command(short_help="What moved since the version before, and why.")(digest.digest)
app.command(short_help="Draw the trend of an item in the terminal.")(trend.trend)
app.command(short_help="Compare two waves of an item, whichever they are.")(compare.compare)
app.command(short_help="Check a press sentence against the figures.")(claim.claim)
app.command(short_help="One figure as a citation.")(claim.cite)
app.command(short_help="Ask the published database; read-only.")(look.sql)
app.command(short_help="Show the explorer on 127.0.0.1, or write its pages.")(site.site)
app.command(short_help="Write what is published to files.")(export.export)
app.command(short_help="Compare published figures with respondents' answers.")(verify.verify)
app.command(short_help="Draft the release of a new wave's file.")(onboard.add)
app.command(short_help="What of a release nobody has reviewed.")(onboard.review)
app.command(short_help="Make the database again from what is archived.")(refreshing.rebuild)
app.command(short_help="Is everything in order, and if not, how to mend it.")(doctor.doctor)
app.command(short_help="Estimate from coded answers, also on a Spark cluster.")(estimate.estimate)
app.command(short_help="Open Dagster on 127.0.0.1.")(maintain.ui)
app.command(short_help="Write the generated pages of docs/.")(maintain.docs)
app.command(short_help="Put example surveys into the drop folder.")(extra.extra)


def main() -> None:
    """Run the command; an error is a message on standard error and exit code 1, never a traceback.

    `WEATHERVANE_TRACEBACK` shows where an error came from, for a report.
    """
    _survive_any_text()
    try:
        app()
    except Exception as bad:
        if os.environ.get(TRACEBACK):
            raise
        sys.stderr.write(f"weathervane: {_told(bad)}\n")
        sys.exit(codes.FAILED)


_ELSEWHERE = "; is WEATHERVANE_DATA a folder on a disk that can be written?"
_REMEDIES = {
    errno.EACCES: "; make it readable and writable for this user, or move WEATHERVANE_DATA",
    errno.EPERM: "; make it readable and writable for this user, or move WEATHERVANE_DATA",
    errno.ENOTDIR: _ELSEWHERE,
    errno.EEXIST: _ELSEWHERE,
    errno.ENOENT: _ELSEWHERE,
    errno.EROFS: _ELSEWHERE,
}


def _survive_any_text() -> None:
    """A wording in Cyrillic must not end a command on a terminal that has no Cyrillic."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _told(bad: Exception) -> str:
    """An error in words; one that nobody foresaw says so and how to find out more."""
    home = type(bad).__module__.partition(".")[0]
    if isinstance(bad, OSError) and bad.filename and bad.strerror:
        return f"{bad.filename}: {bad.strerror}{_REMEDIES.get(bad.errno or 0, '')}"
    if type(bad).__name__ in {"CatalogException", "BinderException"}:
        return f"the published database is of another version of this program: {bad}\nweathervane refresh makes it anew"
    if home in {"duckdb", "_duckdb"}:
        return f"the database cannot be used: {bad}\nweathervane doctor says what is wrong with it"
    if isinstance(bad, OSError) or home in {"assets", "warehouse", "schemas", "pipeline"}:
        return str(bad)
    return f"{type(bad).__name__}: {bad}\nThis was not foreseen. With {TRACEBACK}=1 the command says where it happened."
