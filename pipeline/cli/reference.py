"""The reference of the command line as a page, docs/cli.md, from the commands themselves.

Belongs here: how the page looks. Does not belong here: what a command does (its docstring), what a code means (codes),
the shapes of JSON (shapes).
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.cli import codes, shape, shapes

_HEAD = """# Command line

Generated from the commands; do not edit. `weathervane COMMAND --help` says the same of one. How to run a house day by
day: [operating.md](operating.md); what the columns mean: [tables.md](tables.md).

## What all commands have in common

- What was asked for goes to standard output, messages go to standard error. With `--json` standard output is one JSON
  document of the shape below and nothing else; when a command fails before it has an answer, it is empty.
- Days are text (`2022-03-05`). A value that is not known is null. Percentages run from 0 to 100, differences are in
  points of them, and nothing is rounded. Text for people is rounded; `*` is above 0 and under 0.5, `-` is zero.
- Tables fit the width of the terminal (80 columns where there is none, or `COLUMNS`). Words are folded; figures are
  never cut: where they do not fit, rows stand one below the other.
- Without a terminal there are no colours and no progress bars. `NO_COLOR=1` switches colours off in a terminal, too.
  Where the encoding of the terminal has no box characters, and with `--ascii`, drawings are plain ASCII.
- An error is a message that names the file, the value and the nearest one that would do, not a traceback. For a report
  of a defect, `WEATHERVANE_TRACEBACK=1` shows where it happened.

Completion while typing is switched on once per shell; items, categories, waves and releases come from the published
database:

    weathervane --install-completion

## Exit codes
"""


def markdown() -> str:
    """The page."""
    import typer.main

    from pipeline.cli.main import app

    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = [_HEAD]
    lines += _table(("code", "meaning"), [(str(code), told) for code, told in codes.MEANING.items()])
    lines += ["", "What it means of a command in particular:", ""]
    own = [(f"`{name}`", str(code), told) for name, of in codes.OF_COMMAND.items() for code, told in of.items()]
    lines += _table(("command", "code", "meaning"), own)
    lines += ["", "## Commands", ""]
    lines += [f"- [{name}](#{name}): {_summary(one)}" for name, one in commands.items()]
    for name, one in commands.items():
        lines += ["", *_command(name, one)]
    return "\n".join(lines) + "\n"


def _command(name: str, one: Any) -> Iterator[str]:
    yield from (f"## {name}", "", inspect.cleandoc(one.help or ""), "")
    arguments = [param for param in one.params if param.param_type_name == "argument"]
    options = [param for param in one.params if param.param_type_name == "option" and "--help" not in param.opts]
    words = [_typed(param) for param in arguments]
    yield f"    weathervane {' '.join([name, *words, *(['[OPTIONS]'] if options else [])])}"
    if arguments or options:
        rows = [(f"`{_typed(param)}`", _plain(param.help)) for param in arguments]
        rows += [(", ".join(f"`{opt}`" for opt in _opts(param)), _told(param)) for param in options]
        yield ""
        yield from _table(("argument or option", "meaning"), rows)
    for called in (name, *(known for known in shapes.SHAPES if known.startswith(f"{name} "))):
        if called in shapes.SHAPES:
            switch = {"site": "--build --json"}.get(called, f"{called.removeprefix(name).strip()} --json".strip())
            yield from ("", f"With `{switch}`:", "")
            cells = [(f"`{key}`", kind, _plain(about)) for key, kind, about in shape.rows(shapes.SHAPES[called])]
            yield from _table(("key", "type", "meaning"), cells)


def _typed(param: Any) -> str:
    called = (param.metavar or param.name).upper().strip("{}[]")
    many = "..." if param.nargs == -1 or getattr(param, "multiple", False) else ""
    return f"{called}{many}" if param.required else f"[{called}]{many}"


def _opts(param: Any) -> list[str]:
    return [*param.opts, *param.secondary_opts]


def _told(param: Any) -> str:
    default = param.default
    if callable(default) or default in (None, False, [], ()) or param.is_flag:
        return _plain(param.help)
    return f"{_plain(param.help)} Default: `{getattr(default, 'value', default)}`."


def _summary(one: Any) -> str:
    return _plain(inspect.cleandoc(one.help or "").partition("\n\n")[0])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def _plain(text: str | None) -> str:
    """Text that neither ends a table cell nor starts an HTML element."""
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")
