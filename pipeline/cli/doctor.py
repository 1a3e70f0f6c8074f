"""`doctor`: is everything in order, and if not, how is it mended?

Belongs here: arguments, printing, the exit code. Does not belong here: looking (pipeline.cli.checkup).
"""

from dataclasses import asdict

import typer

from pipeline.cli import bars, checkup, codes, show
from warehouse.layout import Layout

_WORDS = {"ok": "ok  ", "problem": "MEND", "note": "note"}
_STYLES = {"ok": None, "problem": "yellow", "note": "dim"}


def doctor(as_json: show.AsJson = False) -> None:
    """Look at the installation and at the data: Python, packages, folders, disk, archive, lake, ledger, database.

    Each line is ok, a note, or something to mend with the way to mend it. Exit code 1 if there is something to mend.
    """
    layout = Layout.from_environment()
    with bars.stages(len(checkup.CHECKS)) as bar:
        found = list(checkup.findings(layout, bar.stage))
    problems = [one for one in found if one.status == "problem"]
    if as_json:
        show.data({"data": layout.data, "problems": len(problems), "findings": [asdict(one) for one in found]})
    else:
        widest = max(len(one.check) for one in found)
        for one in found:
            told = f"{_WORDS[one.status]}  {one.check.ljust(widest)}  {one.what}"
            show.out.print(told, style=_STYLES[one.status], markup=False, soft_wrap=True)
            if one.mend:
                show.out.print(f"      {' ' * widest}  to mend: {one.mend}", markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(codes.FAILED)
