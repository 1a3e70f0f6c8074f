"""The codebook of an SPSS, Stata or SAS file, from pyreadstat and from what our own look at the file adds.

Belongs here: turning metadata into the contract of `schemas.codebook`. Does not belong here: the rows (`rows_slow`,
`rows_fast`), what a missing code means.
"""

import re
import warnings
from collections.abc import Callable
from typing import Any, cast

import pyreadstat

from assets.responses.detect import refuse
from assets.responses.encodings import check_words
from assets.responses.failures import explained
from assets.responses.options import Options
from assets.responses.spss_header import Header
from schemas.codebook import (
    Codebook,
    EncodingBasis,
    FileFormat,
    Measure,
    MissingRange,
    MultipleResponse,
    Stored,
    ValueLabel,
    Variable,
    VariableKind,
    code_text,
)
from schemas.problems import Problem

READERS: dict[str, Callable[..., Any]] = {
    "sav": pyreadstat.read_sav,
    "zsav": pyreadstat.read_sav,
    "por": pyreadstat.read_por,
    "dta": pyreadstat.read_dta,
    "sas7bdat": pyreadstat.read_sas7bdat,
    "xpt": pyreadstat.read_xport,
}
_OPEN = 1.7e308  # ReadStat gives the ends of LOWEST THRU and THRU HIGHEST as the largest numbers
_STORED: dict[str, Stored] = {"string": "text", "int8": "integer", "int16": "integer", "int32": "integer"}
_WORD = re.compile(r"^%?-?([A-Z0-9]*?[A-Z]{2,}?)(?:\d+)?(?:\.\d*)?$")
_SPSS = {
    "date": {"DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR"},
    "datetime": {"DATETIME", "YMDHMS"},
    "time": {"TIME", "DTIME", "MTIME"},
}
_SAS_DATE = re.compile(
    r"^(WEEKDAT[EX]|(MMDDYY|DDMMYY|YYMMDD)[BCDNPS]?|DATE|DTDATE|JULIAN|MONYY|[EBI]S?8601DA|[EB]8601DA)$"
)
_SAS_DATETIME = re.compile(r"^(DATETIME|DTDATE|DATEAMPM|MDYAMPM|IS8601D[TZ]|[EB]8601D[TZN])$")
_SAS_TIME = re.compile(r"^(TIME|HHMM|TOD|TIMEAMPM|IS8601T[MZ]|[EB]8601T[MZ])$")
_STATA = {
    "tc": ("datetime", "milliseconds since 1960-01-01"),
    "tC": ("datetime", "milliseconds since 1960-01-01, leap seconds counted"),
    "td": ("date", "days since 1960-01-01"),
    "tw": ("date", "weeks since 1960-01-01"),
    "tm": ("date", "months since 1960-01"),
    "tq": ("date", "quarters since 1960q1"),
    "th": ("date", "half-years since 1960h1"),
    "ty": ("date", "years"),
}


def arguments(kind: FileFormat, encoding: str | None) -> dict[str, Any]:
    """What pyreadstat is always told: keep missing codes, leave dates alone, replace no code by its label."""
    given: dict[str, Any] = {"disable_datetime_conversion": True, "output_format": "dict"}
    if kind in ("sav", "zsav", "dta", "sas7bdat"):
        given["user_missing"] = True
    if encoding is not None:
        given["encoding"] = encoding
    return given


def codebook_of(path: str, file: str, kind: FileFormat, options: Options, header: Header | None) -> Codebook:
    """What the file says about itself. `rows` is 0 where the format does not say how many there are.

    Raises:
        ProblemsError: the metadata cannot be read, or came out in the wrong encoding.
    """
    found: list[Problem] = []
    with explained(path, file, kind, header), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        given = arguments(kind, options.encoding)
        if header is not None and header.cases is not None:
            given["row_limit"] = 1  # or all data are gone through, only to count rows that the header has counted
        meta = READERS[kind](path, metadataonly=True, **given)[1]
        labels = _catalog(options.catalog, options.encoding) if kind == "sas7bdat" and options.catalog else {}
    for one in said:
        what = f"the reader says: {one.message}"
        found.append(Problem("corrupt", file, what, severity="warning"))
    if not all(meta.column_names):
        raise refuse("corrupt", file, "a variable has no name", expected="a whole file")
    taken: set[str] = set()
    variables = [_variable(meta, name, kind, labels, taken) for name in meta.column_names]
    if not variables:
        raise refuse("empty", file, "the file has no variables", expected="at least one variable")
    encoding, basis = _encoding(meta, kind, options, header, path)
    words = [word for one in variables for word in (one.name, one.label or "", *(x.label for x in one.labels))]
    found += check_words(words, file, encoding, basis)
    sets = [_set(name, one, variables, file, found) for name, one in meta.mr_sets.items()]
    notes = [*meta.notes, *_documents(header, encoding)] if not meta.notes else list(meta.notes)
    return Codebook(
        format=kind,
        encoding=encoding,
        encoding_basis=basis,
        rows=max(0, meta.number_rows or 0) if header is None or header.cases is None else header.cases,
        columns=len(variables),
        label=meta.file_label or None,
        weight=_weight(header, encoding, variables),
        notes=notes,
        variables=variables,
        sets=[one for one in sets if one is not None],
        warnings=[problem.as_row() for problem in found],
    )


def column_name(name: str, taken: set[str]) -> str:
    """A column for a variable: its name, or with a number where another differs in the case of letters only."""
    column, number = name, 2
    while column.casefold() in taken:
        column, number = f"{name}~{number}", number + 1
    taken.add(column.casefold())
    return column


def _variable(meta: Any, name: str, kind: FileFormat, catalog: dict[str, Any], taken: set[str]) -> Variable:
    stored = _STORED.get(meta.readstat_variable_types[name], "double")
    is_text = stored == "text"
    shown = meta.original_variable_types.get(name)
    shown = None if shown in (None, "", "NULL") else str(shown)
    what, origin = ("text", None) if is_text else _moment(kind, shown)
    labels = meta.variable_value_labels.get(name) or catalog.get(meta.variable_to_label.get(name, "")) or {}
    codes, ranges = [], []
    for span in meta.missing_ranges.get(name, ()):
        low, high = (span["lo"], span["hi"]) if isinstance(span, dict) else (span, span)
        if low == high:
            codes.append(code_text(low))
        else:
            ranges.append(MissingRange(low=None if low < -_OPEN else low, high=None if high > _OPEN else high))
    measure = meta.variable_measure.get(name)
    return Variable(
        name=name,
        column=column_name(name, taken),
        label=meta.column_names_to_labels.get(name) or None,
        kind=cast("VariableKind", what),
        stored=stored,
        origin=origin,
        format=shown,
        measure=cast("Measure", measure) if measure in ("nominal", "ordinal", "scale") else None,
        width=meta.variable_storage_width.get(name),
        labels=[ValueLabel(code=_label_code(code, is_text), label=str(text)) for code, text in labels.items()],
        missing_codes=codes,
        missing_ranges=ranges,
    )


def _label_code(code: float | str, is_text: bool) -> str:
    return f".{code}" if isinstance(code, str) and not is_text else code_text(code)


def _moment(kind: FileFormat, shown: str | None) -> tuple[str, str | None]:
    """Kind and origin of a number by its format. A number without a date format is a number, whatever it looks like."""
    if shown is None:
        return "number", None
    if kind == "dta":
        plain = shown.replace("-", "", 1)
        if plain.startswith("%d"):
            return _STATA["td"]
        what, origin = _STATA.get(plain[1:3], ("number", None))
        return ("time", origin) if what == "datetime" and plain[3:5] in ("HH", "hh") else (what, origin)
    word = _WORD.match(shown.upper())
    name = word[1] if word else ""
    if kind in ("sav", "zsav", "por"):
        for what, names in _SPSS.items():
            if name in names:
                return what, "seconds" if what == "time" else "seconds since 1582-10-14"
    elif _SAS_DATE.match(name):
        return "date", "days since 1960-01-01"
    elif _SAS_DATETIME.match(name):
        return "datetime", "seconds since 1960-01-01"
    elif _SAS_TIME.match(name):
        return "time", "seconds"
    return "number", None


def _catalog(path: str, encoding: str | None) -> dict[str, Any]:
    return dict(pyreadstat.read_sas7bcat(path, encoding=encoding)[1].value_labels)


def _set(name: str, one: Any, variables: list[Variable], file: str, found: list[Problem]) -> MultipleResponse | None:
    by_case = {variable.name.casefold(): variable.name for variable in variables}
    members = [by_case.get(member.casefold()) for member in one["variable_list"]]
    if None in members or not members:
        what = "a multiple-response set names a variable that is not in the file"
        found.append(Problem("corrupt", file, what, column=name, severity="warning"))
    counted = one["counted_value"]
    return MultipleResponse(
        name=name,
        label=one["label"] or "",
        kind="dichotomy" if one["is_dichotomy"] else "category",
        counted=None if counted is None else code_text(counted),
        members=[member for member in members if member],
    ) if any(members) else None  # fmt: skip


def _encoding(
    meta: Any, kind: FileFormat, options: Options, header: Header | None, path: str
) -> tuple[str, EncodingBasis]:
    if options.encoding is not None:
        return options.encoding, "manifest"
    name = str(meta.file_encoding or "").lower()
    if header is not None:
        declared = header.encoding is not None or header.code_page not in (None, 0, 2, 3)
        return name or "windows-1252", "declared" if declared else "assumed"
    if kind == "sas7bdat":
        return name or "windows-1252", "declared" if name else "assumed"
    if kind == "dta":
        with open(path, "rb") as stream:  # noqa: PTH123
            release = stream.read(31).partition(b"<release>")[2][:3]
        if release.isdigit() and int(release) >= 118:
            return "utf-8", "fixed"
    return "windows-1252", "assumed"


def _documents(header: Header | None, encoding: str) -> list[str]:
    return [] if header is None else [line.decode(encoding, "replace") for line in header.documents]


def _weight(header: Header | None, encoding: str, variables: list[Variable]) -> str | None:
    """The variable by which the file was weighted when it was saved, which no library tells."""
    if header is None or header.weight is None:
        return None
    raw = header.long_names.get(header.weight, header.weight)
    name = raw.rstrip(b"\x00 ").decode(encoding, "replace").casefold()
    return next((one.name for one in variables if one.name.casefold() == name), None)
