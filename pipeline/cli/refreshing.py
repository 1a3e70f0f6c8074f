"""`refresh` and `rebuild`. Belongs here: arguments, progress, the closing table. Does not belong here: the work."""

from typing import Annotated, Any

import typer

from pipeline.cli import bars, codes, look, show
from warehouse import connect, versions
from warehouse.layout import Layout

STAGES = 9  # of a refresh that changes something: as many as it says


def refresh(
    accept: Annotated[
        list[str] | None, typer.Option(help="An audit expectation whose failure you accept this once.")
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Load what changed, build, audit, publish. Runs the Dagster job `refresh` here; the run shows in the UI.

    Exit codes: 0 all is well, also when there was nothing to do; 2 some releases are set aside, the others are
    published; 1 it failed and what was published stays.
    """
    from pipeline import run

    layout = Layout.from_environment()
    if not layout.link.exists() and not any((layout.catalogue / "releases").glob("*/*/*/release.yml")):
        raise FileNotFoundError(f"no release in {layout.catalogue / 'releases'}; is WEATHERVANE_CATALOG right?")
    if not as_json:
        show.out.print(f"refreshing {layout.data} from {layout.catalogue}")
    with bars.stages(STAGES) as bar:

        def say(text: str) -> None:
            bar.stage(text)
            if not as_json:
                show.out.print(f"  {text}", markup=False)

        outcome = run.refresh(layout, accept or [], say)
    notes = outcome.notes
    if as_json:
        show.data({"run_id": outcome.run_id, "success": outcome.success, "errors": outcome.errors, **_noted(notes)})
    elif not outcome.success:
        _failed(outcome, layout)
    elif notes.get("why") is None:  # the step has said that nothing changed
        _set_aside(notes)
    else:
        summary(layout, notes)
    if not as_json:
        for unsent in outcome.unsent:
            show.out.print(unsent, style="yellow", markup=False, soft_wrap=True)
    if not outcome.success:
        raise typer.Exit(codes.FAILED)
    if notes.get("set_aside"):
        raise typer.Exit(codes.AWAITS)


_NOTED: dict[str, Any] = {
    "changed": False, "same": 0, "loaded": [], "withdrawn": [], "awaiting": [], "set_aside": {}, "why": None,
    "published": None, "checks": [], "digest": [],
}  # fmt: skip


def _noted(notes: dict[str, Any]) -> dict[str, Any]:
    """What the steps noted, with the same keys however far the run came."""
    return {name: notes.get(name, default) for name, default in _NOTED.items()}


def rebuild(
    from_archive: Annotated[
        bool, typer.Option(help="Parse the archived bytes again instead of trusting the lake.")
    ] = False,
    as_json: show.AsJson = False,
) -> None:
    """Make the published database again from what is archived; nothing new is loaded."""
    from assets.rebuild import rebuild as again

    layout = Layout.from_environment()
    with bars.stages() as bar:

        def say(text: str) -> None:
            bar.stage(text)
            if not as_json:
                show.out.print(f"  {text}", markup=False)

        done = again(layout, from_archive=from_archive, say=say)
    if as_json:
        show.data({"why": done.why, "published": done.published, "rows": done.rows})
    else:
        show.out.print(f"{done.why}; published {done.published.name if done.published else ''}")


def summary(layout: Layout, notes: dict[str, Any]) -> None:
    """What is published now, the headline trend, and what to try next."""
    con = connect.read(layout.link)
    try:
        counts = (
            con.execute(
                "SELECT (SELECT count(*) FROM waves), (SELECT count(*) FROM items), (SELECT count(*) FROM estimates),"
                " (SELECT count(DISTINCT release) FROM quarantine), (SELECT count(*) FROM checks),"
                " (SELECT count(*) FROM checks WHERE NOT passed AND severity = 'error'),"
                " (SELECT count(*) FROM checks WHERE NOT passed AND severity = 'warning')"
            ).fetchone()
            or (0,) * 7
        )
        item, category = look.headline(con)
        rows = look.trend_rows(con, item, category)
    finally:
        con.close()
    waves, items, estimates, quarantined, checks, errors, warnings = counts
    show.out.print()
    show.table(
        ["waves", "items", "estimates", "quarantined", "checks"],
        [
            [
                waves,
                items,
                estimates,
                quarantined,
                f"{checks - errors - warnings} passed, {errors} failed, {warnings} warnings",
            ]
        ],
    )
    if rows:
        show.out.print()
        show.trend(rows, f"{item} / {category}")
    show.out.print()
    _moved(notes)
    _set_aside(notes)
    _awaiting(notes)
    show.out.print(f"database  {layout.link}", soft_wrap=True)
    show.out.print(f"explorer  {layout.site / 'index.html'}", soft_wrap=True)
    show.out.print(f"audit     {layout.site / 'audit' / 'index.html'}", soft_wrap=True)
    if rows:
        show.out.print("\ntry next", style="bold")
        me = show.command()
        show.out.print(f"  {me} trend {item}")
        query = f"SELECT wave, n, percent, percent_low, percent_high FROM trend('{item}', '{category}')"
        show.out.print(f'  {me} sql "{query}"', soft_wrap=True)
        show.out.print(f'  {me} sql "FROM checks WHERE NOT passed"')
        show.out.print("  make ui          (Dagster: runs, checks, the nightly schedule)")


def _moved(notes: dict[str, Any]) -> None:
    """The digest, a line a kind."""
    lines: list[str] = notes.get("digest") or []
    show.out.print("what moved" if lines else "nothing moved", style="bold")
    for line in lines:
        show.out.print(f"  {line}", markup=False, soft_wrap=True)
    if lines:
        show.out.print(f"  {show.command()} digest has the rest\n", style="dim", soft_wrap=True)


def _awaiting(notes: dict[str, Any]) -> None:
    count = len(notes.get("awaiting") or [])
    if count:
        said = f"{count} release{'s await their files' if count > 1 else ' awaits its file'} (no error)"
        show.out.print(f"{said}: {show.command()} status says where to get them\n", soft_wrap=True)


def _set_aside(notes: dict[str, Any]) -> None:
    set_aside: dict[str, list[str]] = notes.get("set_aside") or {}
    for name, problems in list(set_aside.items())[:10]:
        show.out.print(f"set aside: {name}", style="yellow", markup=False)
        for problem in problems[:5]:
            show.out.print(f"  {problem}", markup=False, soft_wrap=True)
        if len(problems) > 5:
            show.out.print(
                f"  and {len(problems) - 5} more: weathervane sql \"FROM quarantine WHERE release = '{name}'\"",
                markup=False,
            )
    if len(set_aside) > 10:
        show.out.print(f'and {len(set_aside) - 10} more releases: weathervane sql "FROM quarantine"')


def _failed(outcome: Any, layout: Layout) -> None:
    show.out.print("\nThe refresh failed; what was published stays.", style="red")
    for check in outcome.notes.get("checks", []):
        if not check["passed"] and check["severity"] == "error":
            show.out.print(f"  failed check {check['name']}: {check['message']}", markup=False, soft_wrap=True)
    for error in list(dict.fromkeys(outcome.errors))[:5]:
        show.out.print(f"  {error}", markup=False, soft_wrap=True)
    published = versions.published(layout)
    show.out.print(f"  published: {published.name if published else 'nothing yet'}")
