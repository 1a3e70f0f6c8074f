"""`claim`, `cite`: a press sentence against the published figures, and one figure as a citation.

Belongs here: arguments, printing, exit codes. Does not belong here: reading and checking sentences (assets.claims).
Both only look at the published database.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import codes, completing, show
from pipeline.cli.show import AsJson
from schemas.problems import nearest
from warehouse import connect
from warehouse.layout import Layout
from warehouse.rows import rows

if TYPE_CHECKING:
    from assets.claims.check import Checked
    from assets.claims.propose import Proposal
    from assets.claims.reading import Sentence

MOST = 12  # candidates shown; --json has all


def claim(
    sentence: Annotated[str, typer.Argument(help="An English sentence with a figure, in quotation marks.")],
    date: Annotated[
        str | None, typer.Option(help="When it was printed: 2022-10-15, 2022-10 or 2022. Else only today is checked.")
    ] = None,
    organisation: Annotated[
        str | None,
        typer.Option(
            help="Id of the house, if the sentence does not name it.", autocompletion=completing.organisations
        ),
    ] = None,
    item: Annotated[
        str | None,
        typer.Option(help="Id of the item; else the nearest is proposed.", autocompletion=completing.items),
    ] = None,
    category: Annotated[
        str | None,
        typer.Option(help="Id of the answer; else the one that fits.", autocompletion=completing.categories),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a press sentence: which figures it can mean, whether they bear it out, and what was not sure.

    Exit codes: 0 checked, whatever the verdict; 3 no item is near enough, or the sentence has no figure.
    """
    from assets.claims.propose import UnknownNameError, propose
    from assets.claims.reading import Sentence
    from schemas.dates import last_day

    if date is not None and last_day(date) is None:
        raise typer.BadParameter(f"{date!r} is not a date; expected YYYY-MM-DD, YYYY-MM or YYYY")
    con = connect.read(Layout.from_environment().link)
    try:
        made = propose(con, sentence, date=date, organisation=organisation, item=item, category=category)
    except UnknownNameError as bad:
        raise typer.BadParameter(str(bad)) from None
    finally:
        con.close()
    if isinstance(made, Sentence):
        _nothing(made, as_json)
        raise typer.Exit(codes.NOTHING)
    if as_json:
        show.data(_as_dict(made))
    else:
        _print(made)


def cite(
    estimate_id: Annotated[str, typer.Argument(help="Id of an estimate, as in the column estimate_id.")],
    as_json: AsJson = False,
) -> None:
    """One figure as a citation: who, when, whom, how, how many, which question, which file, where."""
    con = connect.read(Layout.from_environment().link)
    try:
        found = rows(con, "SELECT * FROM cite(?)", [estimate_id])
        known = [] if found else [row["estimate_id"] for row in rows(con, "SELECT estimate_id FROM vintages")]
    finally:
        con.close()
    if not found:
        close = nearest(estimate_id, known)
        raise typer.BadParameter(f"no estimate {estimate_id!r}" + (f"; nearest: {close}" if close else ""))
    if as_json:
        show.data(found[0])
    else:
        show.out.print(found[0]["citation"], markup=False, soft_wrap=True)


def _nothing(read: "Sentence", as_json: bool) -> None:
    why = "no item is near enough" if read.value is not None else "there is no figure in the sentence"
    if as_json:
        show.data({**_EMPTY, "why": why, "read": _read(read)})
        return
    show.out.print(f"{why}: nothing was checked", markup=False)
    show.out.print("Name the item with --item; weathervane sql \"SELECT item, title FROM items\" lists them.",
                   style="dim", markup=False, soft_wrap=True)  # fmt: skip


# What --json prints has the same keys whether anything was near or not.
_EMPTY: dict[str, Any] = {
    "read": {}, "item": None, "title": None, "near": None, "category": None, "comparison": None, "organisation": None,
    "other_items": [], "checked": [], "not_sure": [], "why": None,
}  # fmt: skip


def _read(read: "Sentence") -> dict[str, Any]:
    names = ("value", "other_value", "qualifier", "comparison", "direction", "period", "other_period", "population")
    return {name: getattr(read, name) for name in names}


def _as_dict(made: "Proposal") -> dict[str, Any]:
    return {
        **_EMPTY,
        "read": _read(made.sentence),
        "item": made.claim.item,
        "title": made.title,
        "near": made.near,
        "category": made.claim.category,
        "comparison": made.claim.comparison,
        "organisation": made.claim.organisation,
        "other_items": [{"item": one.item, "near": one.near, "shared": one.shared} for one in made.found],
        "checked": [_checked(one) for one in made.checked],
        "not_sure": made.not_sure,
    }


def _checked(one: "Checked") -> dict[str, Any]:
    return {
        "view": one.view,
        "verdict": one.verdict,
        "findings": [{"rule": f.rule, "verdict": f.verdict, "clause": f.clause} for f in one.findings],
        "sentence": one.sentence,
        "candidates": [_candidate(candidate) for candidate in one.candidates],
    }


def _candidate(candidate: Any) -> dict[str, Any]:
    names = (
        "organisation", "series", "wave", "item", "category", "percent", "percent_low", "percent_high", "n",
        "fieldwork_start", "fieldwork_end", "population", "mode", "available_from", "estimate_id", "source_url",
    )  # fmt: skip
    figure = {name: getattr(candidate.figure, name, None) for name in names}
    return {"role": candidate.role, "agrees": candidate.agrees, "why": candidate.why, **figure}


def _print(made: "Proposal") -> None:
    claim_ = made.claim
    near = "" if made.near is None else f"   near {made.near:.2f}"
    read = [_figure(made), claim_.comparison]
    read += [f"interviews {claim_.period}"] if claim_.period else []
    read += [claim_.population] if claim_.population else []
    read += [claim_.organisation] if claim_.organisation else []
    show.out.print(f"read as   {', '.join(read)}", markup=False, soft_wrap=True)
    show.out.print(f"item      {claim_.item}: {made.title}{near}", markup=False, soft_wrap=True)
    show.out.print(f"answer    {claim_.category}\n", markup=False, soft_wrap=True)
    for one in made.checked:
        when = f"on {claim_.published}" if one.view == "its_date" else "today"
        show.out.print(f"{one.verdict.replace('_', ' ')} ({when})", style="bold", markup=False)
        show.out.print(f"{one.sentence}\n", markup=False, soft_wrap=True)
    _candidates(made.checked[0])
    if made.not_sure:
        show.out.print("\nnot sure")
        for doubt in made.not_sure:
            show.out.print(f"  {doubt}", markup=False, soft_wrap=True)


def _figure(made: "Proposal") -> str:
    read, qualifier = made.sentence, made.sentence.qualifier.replace("_", " ")
    if read.value is None:
        return "no figure"
    said = f"{read.value:g} %" if read.other_value is None else f"from {read.other_value:g} to {read.value:g} %"
    return said if qualifier == "exact" else f"{qualifier} {said}"


def _candidates(one: "Checked") -> None:
    """The figures that it can mean, the likeliest first."""
    from assets.claims.sentences import days

    show.table(
        ["", "percent", "95 % int.", "n", "which, and why"],
        [
            [
                "=" if c.agrees else "",
                show.percent(c.figure.percent),
                show.interval(getattr(c.figure, "percent_low", None), getattr(c.figure, "percent_high", None)),
                getattr(c.figure, "n", None) or "unknown",
                f"{c.figure.organisation} {c.figure.wave}, {days(c.figure)}\n"
                f"{c.figure.item} / {c.figure.category}\n{c.why}",
            ]
            for c in one.candidates[:MOST]
        ],
        "figures that it can mean (= has the figure claimed)",
        right=("percent", "95 % int.", "n"),
    )
    left = len(one.candidates) - MOST
    if left > 0:
        show.out.print(f"and {left} more; --json has them all", style="dim")
