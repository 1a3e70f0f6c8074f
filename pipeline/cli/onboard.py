"""`add`, `review`: a new wave's file to a draft, and what of it awaits a person.

Belongs here: arguments, printing, exit codes. Does not belong here: comparing (assets.onboarding); marking anything as
reviewed, which people do in the file.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import codes, completing, show
from pipeline.cli.show import AsJson
from warehouse.layout import Layout

if TYPE_CHECKING:
    from assets.onboarding.crosswalk import Question
    from assets.onboarding.draft import Draft
    from assets.onboarding.review import Review, Waiting

Catalogue = Annotated[
    Path | None, typer.Option("--catalog", help="Another catalogue than that of WEATHERVANE_CATALOG.")
]


def add(
    file: Annotated[Path, typer.Argument(help="The new wave's file of answers.")],
    to: Annotated[str | None, typer.Option(help="organisation/series; needed if there are several.")] = None,
    wave: Annotated[str | None, typer.Option(help="Id of the wave and its folder; else the next number.")] = None,
    after: Annotated[str | None, typer.Option(help="Folder to draft from; else the latest fieldwork.")] = None,
    read: Annotated[
        list[str] | None, typer.Option(help="How to read the file, e.g. sheet=Data, encoding=windows-1251.")
    ] = None,
    catalogue: Catalogue = None,
    as_json: AsJson = False,
) -> None:
    """Draft the release of a new wave from the wave before: manifest, crosswalk, and a page that says why.

    Nothing in a draft is reviewed, and no existing folder is touched. Exit codes: 0 drafted, a refresh loads it as
    provisional; 2 drafted, with points that a person must decide; 1 nothing was written.
    """
    from assets.onboarding.draft import draft, write
    from assets.onboarding.report import report

    layout = _layout(catalogue)
    told = {key: value for key, _, value in (one.partition("=") for one in read or [])}
    made = draft(layout, file, to, wave, after, told)
    folder = write(layout, made)
    if as_json:
        show.data({**report(made), "folder": folder})
    else:
        _added(made, folder, file)
    if made.open or made.problems:
        raise typer.Exit(codes.AWAITS)


def review(
    wave: Annotated[
        str,
        typer.Argument(
            help="organisation/series/folder, or an end of it: series/05.", autocompletion=completing.folders
        ),
    ],
    catalogue: Catalogue = None,
    as_json: AsJson = False,
) -> None:
    """What of a release nobody has reviewed, beside the wave before. Writes nothing.

    Exit codes: 0 shown, 1 there is no such release or its crosswalk cannot be read.
    """
    from assets.onboarding.review import find_release
    from assets.onboarding.review import review as look

    layout = _layout(catalogue)
    found = look(layout.catalogue, find_release(layout.catalogue, wave))
    if as_json:
        show.data(found.as_dict())
    else:
        _reviewed(found)


def _layout(catalogue: Path | None) -> Layout:
    layout = Layout.from_environment()
    return layout if catalogue is None else replace(layout, catalogue=catalogue.expanduser().absolute())


def _say(text: str = "", style: str | None = None) -> None:
    show.out.print(text, style=style, markup=False, soft_wrap=True)


def _added(made: "Draft", folder: Path, file: Path) -> None:
    book = made.contents.codebook
    _say(f"{file.name}: {book.format}, {book.rows:,} rows, {book.columns} variables")
    if made.previous is None:
        _say("the first wave of its series: every question is new")
    else:
        _say(f"compared with {made.previous.written.release}, {made.previous.why}")
        _say(f"labels of that wave: {made.previous.told_by}")
    for other in made.previous.others if made.previous else ():
        _say(f"passed over: {other}", "yellow")
    for name in made.known_as:
        _say(f"the same file is used by {name}: is this really a new wave?", "yellow")
    _say()
    _questions(made)
    _new(made)
    _weight(made)
    if made.open:
        _say("to decide", "bold")
        for text in made.open:
            _say(f"  - {text}")
        _say()
    _say(f"drafted {folder}")
    _say(f"  {len(made.crosswalk.rows)} questions, {len(made.crosswalk.categories)} codes, none of them reviewed")
    if made.problems:
        _say("  a refresh sets it aside until these are mended:")
        for problem in made.problems:
            _say(f"    {problem}")
    elif made.crosswalk.open_points():
        _say("  a refresh sets it aside and names the codes above until each has a row")
    else:
        _say("  a refresh loads it as provisional")
    _say("  the file stays where it is: copy it into the drop folder, or name its folder in WEATHERVANE_FILES")
    _say(f"next: read {folder.name}/draft.md, mend release.yml, then {show.command()} review {made.release}")


def _questions(made: "Draft") -> None:
    if not made.crosswalk.questions:
        return
    rows = [
        (one.old.question, one.row.question if one.row else "", one.old.item, ", ".join(one.changes), _score(one))
        for one in made.crosswalk.questions
    ]
    show.table(("was", "is", "item", "what changed", "score"), rows, right=("score",))
    for one in made.crosswalk.questions:
        _differences(one)
    _say()


def _score(one: "Question") -> str:
    return "" if one.match is None else f"{one.match.score:.2f}"


def _differences(one: "Question") -> None:
    """Old and new wording side by side, codes that moved, and why a question has no row."""
    called = one.row.question if one.row else one.old.question
    lines = []
    if one.status == "reworded" and one.row is not None:
        lines += [f"  was  {one.old.variable_label or one.old.wording}", f"  is   {one.label}"]
    told = [(code, code.note or "") for code in one.codes if code.status in ("recoded", "relabelled", "by_code")]
    lines += [f"  {code.status.replace('_', ' ')}: {note}" for code, note in told]
    lines += [f"  gone: {code.code} {code.label or ''}".rstrip() for code in one.codes if code.status == "gone"]
    lines += [f"  nearly as like: {one.match.rival}; look at both"] if one.match and one.match.rival else []
    lines += [f"  no row: {one.why_not}"] if one.why_not else []
    if lines:
        _say(f"\n{called} ({one.old.item})", "bold")
        for line in lines:
            _say(line)


def _new(made: "Draft") -> None:
    found = [one for one in made.new if one.is_question]
    hinted = [one for one in found if one.hint]
    if found:
        _say(f"new questions, without a row: {len(found)} (draft.md lists them)")
        for one in hinted:
            _say(f"  {one.name}: perhaps {one.hint}")
        _say()


def _weight(made: "Draft") -> None:
    carried = [text for text in made.manifest.carried if text.startswith("weight: ")]
    _say("weight", "bold")
    for one in made.suggestions.weights:
        mark = "  (carried over, check)" if f"weight: {one.variable}" in carried else ""
        _say(f"  {one.variable}: {'; '.join(one.reasons)}{mark}")
    for one in made.suggestions.not_weights:
        _say(f"  not {one.variable}: {'; '.join(one.reasons)}")
    if not made.suggestions.weights and not made.suggestions.not_weights:
        _say("  nothing looks like one")
    known = any(text.startswith("design: ") for text in made.manifest.carried)
    hints = (("stratum", made.suggestions.strata), ("sampling unit", made.suggestions.units))
    for what, found in hints if not known else ():
        for one in found:
            _say(f"  {one.variable} may be a {what}: {'; '.join(one.reasons)}")
    _say()


def _reviewed(found: "Review") -> None:
    compared = f", compared with {found.before}" if found.before else ", the first of its series"
    _say(f"{found.release}{compared}: {len(found.waiting)} questions await review, {found.reviewed} are reviewed\n")
    for one in found.waiting:
        _one(one)
    if found.gone:
        _say(f"no longer asked: {', '.join(found.gone)}\n")
    if found.weight:
        _say("weight", "bold")
        for text in found.weight:
            _say(f"  {text}")
        _say()
    if found.open:
        _say("still open", "bold")
        for text in found.open:
            _say(f"  {text}")
        _say()
    for problem in found.problems:
        _say(f"a refresh refuses it: {problem}", "yellow")
    if found.waiting:
        _say("Whoever has compared a row with the questionnaire writes a name into its column reviewed_by in")
        _say(f"catalog/releases/{found.release}/questions.csv; the next refresh takes it into the trends.")
    else:
        _say("Nothing awaits review.")


def _one(one: "Waiting") -> None:
    _say(f"{one.question} ({one.item}), row {one.row}, {one.variable or 'no variable'}; {one.decision}", "bold")
    if one.was is None:
        _say(f"  new   {one.wording}")
    elif one.reworded:
        _say(f"  was   {one.wording_was}   [{one.was}]")
        _say(f"  is    {one.wording}")
    else:
        _say(f"  same  {one.wording}   [{one.was}]")
    changed = one.base_was is not None and one.base_was != one.base
    _say(f"  base  {one.base}" + (f"   was: {one.base_was}" if changed else ""))
    for text in one.codes:
        _say(f"  code  {text}")
    _say()
