"""`export`: what is published as files, as far as it may leave.

Belongs here: arguments, writing, what is said of what stayed. Does not belong here: the formats and the rules
(assets.exports).
"""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import codes, completing, naming, show
from warehouse import connect
from warehouse.files import write_whole
from warehouse.layout import Layout

if TYPE_CHECKING:
    from assets.exports.gates import Withheld
    from assets.exports.make import Made

_NAMES = ("xlsx", "csv", "parquet", "datapackage", "ddi", "jsonld")  # a test holds them to assets.exports.make
_SHOWN = 5


def _formats(incomplete: str) -> list[str]:
    return [name for name in _NAMES if name.startswith(incomplete)]


def export(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help=", ".join(_NAMES) + ".", autocompletion=_formats)],
    selection: Annotated[
        str | None,
        typer.Argument(
            help="A table (csv, parquet), organisation/series/wave (xlsx, ddi, jsonld) or an item (xlsx, jsonld).",
            autocompletion=completing.items,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write; of a data package a folder, or a file ending in .zip.")
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Only rows of this house.", autocompletion=completing.organisations)
    ] = None,
    series: Annotated[str | None, typer.Option(help="Only rows of this series.")] = None,
    wave: Annotated[str | None, typer.Option(help="Only rows of this wave.")] = None,
    item: Annotated[str | None, typer.Option(help="Only rows of this item.", autocompletion=completing.items)] = None,
    formula_safe: Annotated[
        bool | None,
        typer.Option(
            "--formula-safe/--exact",
            help="Whether texts of CSV that a spreadsheet would run as a formula get an apostrophe in front. "
            "Without either: csv is safe, datapackage and jsonld are exact.",
        ),
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Write what is published to a file: a workbook of tables, CSV, Parquet, a data package, DDI, JSON-LD.

    What a licence or an embargo keeps back stays here, and the message says which rule, of which release, and what
    would change it (docs/exports.md).
    """
    from assets.exports.gates import gate
    from assets.exports.make import FORMATS, TABLE, Asked
    from assets.exports.make import export as make
    from assets.exports.passing import SelectionError

    naming.one_of("format", form, _NAMES)
    chosen = {"organisation": organisation, "series": series, "wave": wave, "item": item}
    con = connect.read(Layout.from_environment().link)
    try:
        if selection and FORMATS[form].takes != TABLE and "/" not in selection:
            selection = naming.item(con, selection)
        place = out or Path(_name(form, selection, chosen) + FORMATS[form].ending)
        _writable(place)
        asked = Asked(selection, {name: one for name, one in chosen.items() if one}, formula_safe, place.stem)
        made = make(con, gate(con, dt.datetime.now(dt.UTC).date()), form, asked)
    except SelectionError as bad:
        raise typer.BadParameter(str(bad)) from None
    finally:
        con.close()
    written = _write(place, made, package=form == "datapackage")
    _tell(form, place, written, made, as_json)
    if made.withheld:
        raise typer.Exit(codes.AWAITS)


def _name(form: str, selection: str | None, chosen: dict[str, str | None]) -> str:
    """Name of the file, if none was given."""
    words = ["weathervane" if form == "datapackage" else None, selection, *chosen.values()]
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, words)))


def _writable(place: Path) -> None:
    """Before work begins: the folder is there.

    Raises:
        typer.BadParameter: it is not, or the place is a folder.
    """
    if not place.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {place.absolute().parent} is not there", param_hint="--out")


def _write(place: Path, made: "Made", *, package: bool) -> list[Path]:
    """Write the files, whole or not at all; where they are."""
    from assets.exports.datapackage import write_folder
    from assets.exports.zips import zipped

    if package and place.suffix != ".zip":
        write_folder(place, made.files)
        return [place / name for name in sorted(made.files)]
    if package:
        write_whole(place, zipped(sorted(made.files.items())))
        return [place]
    if place.is_dir():
        raise typer.BadParameter(f"{place} is a folder; name a file", param_hint="--out")
    paths = [place.with_name(name) if name else place for name in made.files]
    for path, data in zip(paths, made.files.values(), strict=True):
        write_whole(path, data)
    return paths


def _tell(form: str, place: Path, written: Sequence[Path], made: "Made", as_json: bool) -> None:
    size = sum(path.stat().st_size for path in written)
    if as_json:
        show.data(
            {
                "format": form, "path": place, "files": written, "bytes": size, "rows": made.rows,
                "withheld": [_as_dict(one) for one in made.withheld],
            }
        )  # fmt: skip
        return
    what = "figures" if form in ("xlsx", "ddi", "jsonld") else "rows"
    show.out.print(f"{place}   {made.rows:,} {what}, {size:,} bytes", markup=False, soft_wrap=True)
    for path in written:
        if path != place and len(written) <= 2:
            show.out.print(f"{path}   the figures that it describes", markup=False, soft_wrap=True)
    for one in made.withheld[:_SHOWN]:
        show.note(str(one))
    if len(made.withheld) > _SHOWN:
        show.note(f"and {len(made.withheld) - _SHOWN} more that were not exported; --json tells all of them")


def _as_dict(one: "Withheld") -> dict[str, Any]:
    return {"rule": one.rule, "release": one.release or None, "what": one.what, "why": one.why, "change": one.change}
