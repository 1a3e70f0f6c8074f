"""One file of answers into a folder: `responses.parquet` and `codebook.json`, or a named cause and nothing.

Belongs here: the way of a file through this room, in order. Does not belong here: any step of it.

Runs in a child process (assets.isolation) that may write into that folder and nowhere else. What is written is read
again only through the codebook's contract and as Parquet. No row value goes into the answer or a log.
"""

from pathlib import Path
from typing import Any

from assets.responses.columnar import columnar_table
from assets.responses.delimited import delimited_table
from assets.responses.detect import detect, refuse
from assets.responses.labels_table import with_labels
from assets.responses.options import Options, parse
from assets.responses.privacy import TextFacts, private
from assets.responses.sets import with_declared
from assets.responses.sheets import sheet_table
from assets.responses.store import NAME, Store
from assets.responses.system_files import system_table
from assets.responses.table import Table, schema_of
from schemas.codebook import Codebook

CODEBOOK = "codebook.json"


def read(path: str, file: str, options: dict[str, object] | None = None, *, folder: str) -> dict[str, Any]:
    """Read a file of answers.

    Args:
        path: where the file is.
        file: what the person calls it, for messages.
        options: what the manifest says about it, see `assets.responses.options.Options`.
        folder: where the two files go; it is there and empty.

    Returns:
        What a run says about the file: format, engine, encoding, rows, columns, how many were dropped and why, sets,
        weight, warnings.

    Raises:
        ProblemsError: why the file is set aside; the folder is then empty.
    """
    given = parse(options, file)
    out = Path(folder)
    try:
        table, texts = _open(path, file, given, out)
        answer = _write(table, texts, file, given, out)
    except BaseException:
        _remove(out, keep=())
        raise
    _remove(out, keep=(NAME, CODEBOOK))
    return answer


def _remove(folder: Path, keep: tuple[str, ...]) -> None:
    """What was put aside while reading, or everything of a file that failed."""
    for left in list(folder.iterdir()):
        if left.name not in keep:
            left.unlink()


def _open(path: str, file: str, options: Options, out: Path) -> tuple[Table, dict[str, TextFacts]]:
    kind = detect(path, file)
    if kind == "csv":
        return delimited_table(path, file, options, out)
    if kind in ("xlsx", "xls"):
        return sheet_table(path, file, kind, options)
    if kind == "parquet":
        return columnar_table(path, file), {}
    return system_table(path, file, kind, options, out), {}


def _write(table: Table, texts: dict[str, TextFacts], file: str, options: Options, out: Path) -> dict[str, Any]:
    codebook = table.codebook
    if codebook.rows > options.most_rows:
        what = f"the file has {codebook.rows:,} rows"
        raise refuse("too_large", file, what, expected=f"at most {options.most_rows:,}")
    if options.codebook is not None:
        codebook = with_labels(codebook, options.codebook, file)
    codebook = private(with_declared(codebook, options.sets, file), options, texts, file)
    kept = [one for one in codebook.variables if one.dropped is None]
    if not kept:
        what = "every variable looks like free text, a time or a place"
        raise refuse("manifest", file, what, expected="a list of variables to keep")
    with Store(out, schema_of(kept)) as store:
        for batch in table.batches(kept):
            store.put(batch)
        if table.expected is not None and store.rows != table.expected:
            what = f"{store.rows:,} rows were read of {table.expected:,}"
            raise refuse("truncated", file, what, expected="a whole file")
        if not store.rows:
            raise refuse("empty", file, "the file has no rows", expected="at least one respondent")
        codebook = table.finish(codebook).model_copy(update={"rows": store.rows})
        final = {one.tag_column for one in codebook.variables}
        store.close(one.tag_column for one in kept if one.tag_column and one.tag_column not in final)
    (out / CODEBOOK).write_text(codebook.model_dump_json(exclude_defaults=True), encoding="utf-8")
    return summary(codebook)


def summary(codebook: Codebook) -> dict[str, Any]:
    """What a run says about a file; no value of any respondent."""
    dropped: dict[str, int] = {}
    for one in codebook.variables:
        if one.dropped is not None:
            dropped[one.dropped] = dropped.get(one.dropped, 0) + 1
    return {
        "format": codebook.format,
        "engine": codebook.engine,
        "encoding": codebook.encoding,
        "rows": codebook.rows,
        "columns": codebook.columns,
        "kept": codebook.columns - sum(dropped.values()),
        "dropped": dropped,
        "sets": len(codebook.sets),
        "weight": codebook.weight,
        "warnings": codebook.warnings,
    }
