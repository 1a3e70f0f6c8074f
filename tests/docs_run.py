"""Pages as they run: the commands of a page in the order in which a reader types them, in one shell.

Belongs here: finding the commands of a page, running them, and writing what they print back into the page
(`python -m tests.docs_run docs/tutorial.md`). Does not belong here: assertions (tests.test_docs_run).

A block `sh` is run as it stands and every line must succeed. A block `console` has lines that begin with `$ `, each
with what it prints below it; a line of three dots there stands for any lines. `<!-- not run: reason -->` above a block
leaves it out, `<!-- exit: 2 -->` says with which code its last command ends.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.layout import PROJECT

_BLOCK = re.compile(
    r"(?:<!-- (?P<why>not run|exit): (?P<told>[^\n]*?) -->\n)?```(?P<kind>sh|console)\n(?P<text>.*?)```", re.S
)
_MARK = "\x1e"


@dataclass
class Step:
    """A command of a page."""

    command: str
    shown: list[str] | None  # None: nothing is said of what it prints
    code: int
    line: int
    printed: list[str] = field(default_factory=list)
    ended: int | None = None


def steps_of(page: str) -> list[Step]:
    """The commands of a page, without those that are not run."""
    return list(_steps(page))


def not_run(page: str) -> list[tuple[str, str]]:
    """Blocks that are left out, with the reason."""
    return [(match["text"], match["told"]) for match in _BLOCK.finditer(page) if match["why"] == "not run"]


def _steps(page: str) -> Iterator[Step]:
    for match in _BLOCK.finditer(page):
        if match["why"] == "not run":
            continue
        line = page.count("\n", 0, match.start("text")) + 1
        code = int(match["told"]) if match["why"] == "exit" else 0
        if match["kind"] == "sh":
            yield Step(match["text"], None, code, line)
            continue
        parts = re.split(r"^\$ ", match["text"], flags=re.M)[1:]
        for number, part in enumerate(parts, start=1):
            command, _, shown = part.partition("\n")
            yield Step(command, shown.splitlines(), code if number == len(parts) else 0, line)
            line += part.count("\n")


def run(page: str, folder: Path, environment: dict[str, str]) -> list[Step]:
    """Run the commands of a page in a folder, all in one shell; returns them with what they printed."""
    steps = steps_of(page)
    # The trap keeps the code of whatever line failed; `set -e` would end the shell that the next block needs.
    script = "".join(
        f"printf '\\036'\nfailed=0; trap 'failed=$?' ERR\n{step.command}\ntrap - ERR; printf '\\036%d' $failed\n"
        for step in steps
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("WEATHERVANE_")}
    env |= {"COLUMNS": "80", "NO_COLOR": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env=env | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
        check=False,
    )
    parts = done.stdout.split(_MARK)[1:]
    for step, printed, code in zip(steps, parts[::2], parts[1::2], strict=True):
        step.printed = [line.rstrip() for line in printed.replace(f"{folder}/", "").splitlines()]
        step.ended = int(code)
    return steps


def fits(shown: list[str], printed: list[str]) -> bool:
    """Whether what a page shows is what is printed; `...` stands for anything.

    Words are compared, not lines: long paths of the folder in which this runs break lines elsewhere.
    """
    words = [r"(?:\S+ )*" if word == "..." else re.escape(word) + " " for line in shown for word in line.split()]
    return re.fullmatch("".join(words), "".join(f"{word} " for line in printed for word in line.split())) is not None


def rewritten(page: str, steps: list[Step]) -> str:
    """The page with what its commands print; blocks with three dots stay as they are."""
    waiting = iter(steps)

    def again(match: re.Match[str]) -> str:
        if match["why"] == "not run":
            return match[0]
        if match["kind"] == "sh":
            next(waiting)
            return match[0]
        parts = []
        for _ in re.split(r"^\$ ", match["text"], flags=re.M)[1:]:
            step = next(waiting)
            shown = step.shown or []
            kept = shown if any(line.strip() == "..." for line in shown) else step.printed
            parts.append("".join(f"{line}\n" for line in (f"$ {step.command}", *kept)))
        return match[0].replace(match["text"], "".join(parts))

    return _BLOCK.sub(again, page)


def main() -> None:
    """Write what the commands of a page print back into it."""
    for name in sys.argv[1:]:
        path = PROJECT / name
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "catalog").symlink_to(PROJECT / "catalog")
            steps = run(page, Path(folder), {"WEATHERVANE_DATA": os.environ["WEATHERVANE_DATA"]})
        for step in steps:
            if step.ended != step.code:
                told = "\n".join(step.printed)
                sys.exit(f"{name}, line {step.line}: {step.command!r} ended with {step.ended}\n{told}")
        path.write_text(rewritten(page, steps), encoding="utf-8")


if __name__ == "__main__":
    main()
