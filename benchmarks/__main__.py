"""All benchmarks after one another: `python -m benchmarks [NAME [ARGUMENT ...]] ...`.

`python -m benchmarks` takes each of `NAMES` at the sizes that it has by itself; `python -m benchmarks refresh 500 1000
estimation 10000 --peers PYTHON` those that are named, each with the words that follow its name. Belongs here: which
there are. Does not belong here: any of them.
"""

import subprocess
import sys
from collections.abc import Sequence

NAMES = ("refresh", "estimation", "guards")


def chosen(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Benchmarks with their arguments; all without any if nothing is said.

    Raises:
        ValueError: the first word is no name of a benchmark.
    """
    if not words:
        return [(name, []) for name in NAMES]
    out: list[tuple[str, list[str]]] = []
    for word in words:
        if word in NAMES:
            out.append((word, []))
        elif out:
            out[-1][1].append(word)
        else:
            raise ValueError(f"{word!r} is no benchmark; there are {', '.join(NAMES)}")
    return out


def main() -> int:
    """Run them, each in a process of its own; 1 if one failed."""
    try:
        todo = chosen(sys.argv[1:])
    except ValueError as bad:
        print(bad, file=sys.stderr)
        return 64
    failed = False
    for name, arguments in todo:
        print(f"\n{name}\n", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments]).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
