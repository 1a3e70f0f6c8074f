"""Exit codes: every number that the command can end with, and which command means what by it.

Belongs here: the numbers and their meaning, from which docs/cli.md is written. Does not belong here: deciding which one
it is (the commands).

A command that was typed wrongly ends with 64 (EX_USAGE of sysexits.h) and not with 2, so that a timer whose unit takes
2 for a success (docs/how-to/nightly.md) does not take a misspelt option for one.
"""

FINE = 0
FAILED = 1
AWAITS = 2
NOTHING = 3
USAGE = 64
INTERRUPTED = 130

MEANING: dict[int, str] = {
    FINE: "done, and nothing is wrong",
    FAILED: "it failed, or a check did not pass; what was published stays as it was",
    AWAITS: "done, and something awaits a person",
    NOTHING: "looked, and found nothing to say anything about",
    USAGE: "the command was not understood: an option, item, wave or other name that is not there",
    INTERRUPTED: "stopped with Ctrl-C",
}
OF_COMMAND: dict[str, dict[int, str]] = {
    "refresh": {AWAITS: "some releases are set aside; all others are published"},
    "add": {AWAITS: "drafted, with points that a person must decide"},
    "export": {AWAITS: "written, and a rule kept something back, which is told"},
    "claim": {NOTHING: "no item is near enough, or the sentence has no figure"},
    "doctor": {FAILED: "something needs mending"},
    "verify": {FAILED: "a figure differs, or could not be computed although its file is there"},
}
