"""Answers in a text file: CSV, TSV, semicolons.

Belongs here: delimiter, header, ragged rows, and the two passes (look at every cell, then write the columns as what
they are). Does not belong here: encodings (`encodings`), the rule for numbers (`cells`), labels (`labels_table`).
"""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assets.responses.cells import MISSING_WORDS, Column, Decimal, decimal_of
from assets.responses.detect import refuse
from assets.responses.encodings import check_words, of_text_file
from assets.responses.labelled import column_name
from assets.responses.options import Options
from assets.responses.privacy import TextFacts
from assets.responses.table import Table, schema_of
from schemas.codebook import Codebook, Variable
from schemas.problems import Problem, ProblemsError

_CELLS = 1_000_000
_LONGEST_CELL = 1_000_000
_SNIFFED = 200
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SHOWN = 20


def delimited_table(path: str, file: str, options: Options, folder: Path) -> tuple[Table, dict[str, TextFacts]]:
    """The table of a text file, and what is known of each variable of text.

    Raises:
        ProblemsError: the encoding is not sure, the text is no table, rows are ragged, names stand twice.
    """
    encoding, basis = of_text_file(path, file, options.encoding)
    delimiter = options.delimiter or _delimiter(path, file, encoding)
    reader = _Reader(path, file, encoding, delimiter)
    header, found = names_of(reader.header(), file)
    spool = folder / "cells.arrow"
    columns, rows = _spool(reader, header, spool)
    decimal = options.decimal or decimal_of(columns, delimiter)
    if decimal is None:
        what = "decimals are written with points and with commas; such columns stay text"
        found.append(Problem("corrupt", file, what, expected="one decimal sign", severity="warning"))
        decimal = "."
    cells = itertools.islice((text for one in columns for text in one.texts), 50_000)
    found += check_words(header, file, encoding, basis, cells)
    taken: set[str] = set()
    variables = [_variable(name, one, decimal, taken) for name, one in zip(header, columns, strict=True)]
    codebook = Codebook(
        format="csv", encoding=encoding, encoding_basis=basis, rows=rows, columns=len(header), variables=variables,
        engine="csv", warnings=[problem.as_row() for problem in found],
    )  # fmt: skip
    texts = {
        one.name: TextFacts.of(seen.texts, seen.longest)
        for one, seen in zip(variables, columns, strict=True)
        if one.stored == "text"
    }
    return Table(codebook, lambda wanted: _batches(spool, header, wanted, decimal), rows), texts


def names_of(cells: list[str], file: str) -> tuple[list[str], list[Problem]]:
    """Names of variables from a header: each once; a blank one gets the number of its column, with a warning.

    Raises:
        ProblemsError: a name stands twice; it could not be said which of the two is meant.
    """
    problems, warnings, names = [], [], []
    seen: dict[str, int] = {}
    for place, cell in enumerate(cells, 1):
        name = cell if cell.strip() else f"column_{place}"
        if not cell.strip():
            what = f"column {place} has no name and is called {name}"
            warnings.append(Problem("corrupt", file, what, row=1, expected="a name", severity="warning"))
        if name.strip() in seen:
            what = f"columns {seen[name.strip()]} and {place} have the same name"
            problems.append(Problem("corrupt", file, what, row=1, column=name, expected="each name once"))
        seen.setdefault(name.strip(), place)
        names.append(name)
    if problems:
        raise ProblemsError(problems)
    return names, warnings


class _Reader:
    """Records of a text file with their numbers of lines; what is wrong with it is raised at its place."""

    def __init__(self, path: str, file: str, encoding: str, delimiter: str) -> None:
        self.path, self.file, self.encoding, self.delimiter = path, file, encoding, delimiter

    def header(self) -> list[str]:
        return next(self.records())[1]

    def records(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(_LONGEST_CELL)
        with Path(self.path).open(encoding=self.encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=self.delimiter, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield reader.line_num, cells
            except csv.Error as bad:
                cut = "unexpected end" in str(bad)
                what = "the file ends inside a quoted cell" if cut else f"broken CSV: {bad}"
                cause = "truncated" if cut else "corrupt"
                raise refuse(cause, self.file, what, row=reader.line_num, expected=None) from None


def _delimiter(path: str, file: str, encoding: str) -> str:
    """The sign that cuts the first rows into equally many cells, more than one."""
    fits: dict[str, int] = {}
    first: list[str] = []
    for sign in _NAMES:
        try:
            rows = [cells for _, cells in itertools.islice(_Reader(path, file, encoding, sign).records(), _SNIFFED)]
        except ProblemsError:
            continue
        if not rows:
            raise refuse("empty", file, "the file holds blanks only")
        first = rows[0]
        if len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
            fits[sign] = len(rows[0])
    if fits:
        best = [sign for sign in fits if fits[sign] == max(fits.values())]
        if len(best) > 1:
            shown = " or ".join(_NAMES[sign] for sign in best)
            raise refuse("manifest", file, f"{shown} could separate the cells", expected="a delimiter in the manifest")
        return best[0]
    with Path(path).open(encoding=encoding) as stream:
        line = stream.readline(1 << 20)
    sign = max(_NAMES, key=line.count)
    if not line.count(sign):
        what = "text, and no table: its first line has one cell"
        raise refuse("not_a_survey_file", file, what, row=1, value=line.strip() or (first[0] if first else ""))
    return sign


def _spool(reader: _Reader, header: list[str], spool: Path) -> tuple[list[Column], int]:
    """The first pass: every cell looked at and put aside as text, so that the file is parsed only once."""
    file, width = reader.file, len(header)
    columns = [Column() for _ in header]
    schema = pa.schema([(str(place), pa.string()) for place in range(width)])
    problems: list[Problem] = []
    count = rows = 0
    records = itertools.islice(reader.records(), 1, None)
    with (
        pa.OSFile(str(spool), "wb") as sink,
        pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer,
    ):
        while part := list(itertools.islice(records, max(100, _CELLS // width))):
            whole = []
            for line, cells in part:
                if len(cells) == width:
                    whole.append(cells)
                    continue
                count += 1
                if count <= _SHOWN:
                    what = f"{len(cells)} cells under {width} names"
                    problems.append(Problem("corrupt", file, what, row=line, expected=f"{width} cells"))
            rows += len(whole)
            if problems or not whole:
                continue
            arrays = [pa.array(values, pa.string()) for values in zip(*whole, strict=True)]
            for column, array in zip(columns, arrays, strict=True):
                counted = pc.value_counts(array).to_pylist()
                values = {one["values"]: one["counts"] for one in counted if one["values"]}
                if any("\x00" in value for value in values):
                    raise refuse("corrupt", file, "a NUL byte in a cell", expected="text")
                column.see(values)
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    if problems:
        if count * 2 > rows + count:
            what = f"text, and no table: {count:,} of {rows + count:,} rows have other lengths than the first"
            raise refuse("not_a_survey_file", file, what)
        if count == 1 and not part and problems[0].row is not None and line == problems[0].row and len(cells) < width:
            raise refuse("truncated", file, f"the last row has {len(cells)} of {width} cells", row=line)
        if count > _SHOWN:
            problems.append(Problem("corrupt", file, f"{count - _SHOWN} more rows of other lengths"))
        raise ProblemsError(problems)
    if not rows:
        raise refuse("empty", file, "there is a header and no row under it", expected="at least one respondent")
    return columns, rows


def _variable(name: str, seen: Column, decimal: Decimal, taken: set[str]) -> Variable:
    stored = seen.numeric(decimal)
    column = column_name(name, taken)
    words = sorted(seen.words) if stored != "text" else []
    return Variable(
        name=name,
        column=column,
        kind="text" if stored == "text" else "number",
        stored=stored,
        tags=words,
        tag_column=column_name(f"{column}@missing", taken) if words else None,
    )


def _batches(spool: Path, header: list[str], wanted: list[Variable], decimal: Decimal) -> Iterator[pa.Table]:
    """The second pass: text as it is, numbers as numbers, blanks as NULL."""
    places = {name: place for place, name in enumerate(header)}
    schema = schema_of(wanted)
    words = pa.array(sorted(MISSING_WORDS))
    with pa.OSFile(str(spool), "rb") as stream, pa.ipc.open_file(stream) as source:
        for number in range(source.num_record_batches):
            batch = source.get_batch(number)
            arrays, tags = [], []
            for one in wanted:
                cells = batch.column(places[one.name])
                cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
                if one.tag_column:
                    is_word = pc.is_in(cells, words)
                    tags.append(pc.if_else(is_word, cells, pa.scalar(None, pa.string())))
                    cells = pc.if_else(is_word, pa.scalar(None, pa.string()), cells)
                if one.stored == "double" and decimal == ",":
                    cells = pc.replace_substring(cells, ",", ".")
                arrays.append(cells.cast(schema.field(one.column).type))
            yield pa.table([*arrays, *tags], schema=schema)
    spool.unlink(missing_ok=True)
