"""The entry point: the list of commands and the exit codes.

Belongs here: wiring, errors turned into one line and an exit code. Does not belong here: the commands' work. Modules
that cost time to import are imported by the command that needs them.

Exit codes: 0 fine, 2 some releases are set aside (what is published is good), 1 failed (what was published stays).
"""

import sys

import typer

from pipeline.cli import claim, estimate, extra, look, maintain, onboard, refreshing, site, verify

app = typer.Typer(
    name="weathervane",
    help="Survey releases to trends that say when they do not compare. "
    "Exit codes: 0 fine, 2 some releases set aside, 1 failed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(refreshing.refresh)
app.command()(refreshing.rebuild)
app.command()(look.status)
app.command()(look.trend)
app.command()(look.sql)
app.command()(claim.claim)
app.command()(claim.cite)
app.command()(verify.verify)
app.command()(estimate.estimate)
app.command()(onboard.add)
app.command()(onboard.review)
app.command()(maintain.doctor)
app.command()(maintain.ui)
app.command()(maintain.docs)
app.command()(site.site)
app.command()(extra.extra)


def main() -> None:
    """Run the command; a known failure is one line on standard error and exit code 1."""
    try:
        app()
    except Exception as bad:
        if type(bad).__module__.split(".")[0] not in {
            "assets",
            "warehouse",
            "schemas",
            "pipeline",
            "_duckdb",
            "duckdb",
        } and not isinstance(bad, OSError):
            raise
        sys.stderr.write(f"weathervane: {bad}\n")
        sys.exit(1)
