"""Reading small files that people write by hand (YAML, CSV) into the contracts, with every problem at its place.

Belongs here: strict decoding, YAML with line numbers and no surprises (no type guessing, no anchors), CSV with a fixed
header, and the translation of pydantic's errors into `Problem`s. Does not belong here: large or foreign files.
"""

import csv
import io
import types
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.reader import ReaderError

from schemas.problems import Problem, ProblemsError, nearest

LARGEST = 1_000_000  # bytes; a hand-written file beyond this is not one
_TAG = "union["  # before the name of a branch, in what pydantic calls a Tag
DEEPEST = 20  # levels of YAML; a file nested deeper is an attack or an accident, and ends the parser's process


class Strict(BaseModel):
    """A record that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


M = TypeVar("M", bound=BaseModel)


def repeated(names: Iterable[str]) -> str | None:
    """The first of some names that stands twice; None if each stands once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def decode(raw: bytes, file: str, cause: str) -> str:
    """UTF-8 (a byte-order mark is dropped), or the line and column of the first byte that is not.

    Raises:
        ProblemsError: empty file, oversize, bytes that are not UTF-8, NUL bytes.
    """
    if not raw.strip():
        raise ProblemsError([Problem("empty", file, "the file is empty", expected="at least one line")])
    if len(raw) > LARGEST:
        what = f"{len(raw):,} bytes are too many for a hand-written file"
        raise ProblemsError([Problem("too_large", file, what, expected=f"at most {LARGEST:,} bytes")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = raw.count(b"\n", 0, bad.start) + 1
        column = bad.start - (raw.rfind(b"\n", 0, bad.start) + 1) + 1
        byte = f"byte 0x{raw[bad.start]:02x} at position {column} is not UTF-8"
        guess = raw[max(0, bad.start - 12) : bad.start + 12].decode("latin-1")
        raise ProblemsError(
            [Problem("encoding", file, byte, row=line, value=guess, expected="UTF-8 (is it Latin-1 or windows-1251?)")]
        ) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise ProblemsError([Problem(cause, file, "a NUL byte", row=line, expected="text")])
    return text


class _PlainLoader(yaml.CSafeLoader):
    """YAML in which every scalar is text (so that wave 07 stays '07') except null, and which has no aliases."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, rx) for tag, rx in rules if tag == "tag:yaml.org,2002:null"]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(raw: bytes, file: str, model: type[M], cause: str = "manifest") -> M:
    """A YAML file as `model`.

    Args:
        raw: the bytes of the file.
        file: its name for messages.
        model: the contract.
        cause: the cause class of its problems.

    Raises:
        ProblemsError: broken YAML (line and column), duplicate or unknown keys, wrong values; all at once.
    """
    text = decode(raw, file, cause)
    lines: dict[tuple[str | int, ...], int] = {}
    problems: list[Problem] = []
    try:
        _check_events(text, file, cause)
        node = yaml.compose(text, Loader=_PlainLoader)
    except ReaderError as bad:  # it has an offset in bytes and no mark
        before = text.encode()[: bad.position].decode(errors="ignore")
        what, column = f"broken YAML: {bad.reason}", len(before) - (before.rfind("\n") + 1) + 1
        raise ProblemsError([Problem(cause, file, what, row=before.count("\n") + 1, column=str(column))]) from None
    except yaml.YAMLError as bad:
        mark = getattr(bad, "problem_mark", None) or getattr(bad, "context_mark", None)
        what = "broken YAML: " + str(getattr(bad, "problem", None) or bad)
        raise ProblemsError(
            [
                Problem(
                    cause,
                    file,
                    what,
                    row=mark.line + 1 if mark else None,
                    column=str(mark.column + 1) if mark else None,
                )
            ]
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise ProblemsError([Problem(cause, file, "not a list of keys and values", row=1, expected="key: value lines")])
    data = _plain(node, (), lines, problems, file, cause)
    try:
        record = model.model_validate(data)
    except ValidationError as bad:
        problems += [_problem(error, model, file, cause, _line(error["loc"], lines)) for error in _errors(bad)]
        raise ProblemsError(problems) from None
    if problems:
        raise ProblemsError(problems)
    return record


def _check_events(text: str, file: str, cause: str) -> None:
    """Refuse aliases, and nesting that would overflow the stack of the composer, which is recursive C code."""
    depth = 0
    for event in yaml.parse(text, Loader=_PlainLoader):
        where = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            raise ProblemsError([Problem(cause, file, "YAML aliases are not read", row=where, expected="plain values")])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            what = "nested too deeply for a hand-written file"
            raise ProblemsError([Problem(cause, file, what, row=where, expected=f"at most {DEEPEST} levels")])


def read_csv(raw: bytes, file: str, model: type[M], cause: str) -> list[tuple[int, M]]:
    """A CSV file with a header as `(line, record)` pairs.

    Columns of the model without a default must be in the header; the order is free; a column that the model does not
    know is an error. Empty cells take the field's default.

    Raises:
        ProblemsError: all problems of the file at once.
    """
    text = decode(raw, file, cause)
    if "," not in text.split("\n", 1)[0]:
        first = text.split("\n", 1)[0]
        raise ProblemsError(
            [Problem(cause, file, "no comma in the header", row=1, value=first, expected="a CSV header")]
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[Problem] = []
    records: list[tuple[int, M]] = []
    try:
        header = next(reader)
        problems += _header_problems(header, model, file, cause)
        if problems:
            raise ProblemsError(problems)
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                what = f"{len(cells)} cells under {len(header)} columns"
                problems.append(Problem(cause, file, what, row=line, expected=f"{len(header)} cells"))
                continue
            try:
                filled = {k: v for k, v in zip(header, cells, strict=True) if v.strip()}
                records.append((line, model.model_validate(filled)))
            except ValidationError as bad:
                problems += [_problem(error, model, file, cause, line) for error in _errors(bad)]
    except csv.Error as bad:
        problems.append(Problem(cause, file, f"broken CSV: {bad}", row=reader.line_num))
    if problems:
        raise ProblemsError(problems)
    return records


def _header_problems(header: list[str], model: type[BaseModel], file: str, cause: str) -> Iterator[Problem]:
    known = list(model.model_fields)
    for name in header:
        if header.count(name) > 1:
            yield Problem(cause, file, "a column stands twice", row=1, column=_visible(name))
        if name not in known:
            yield Problem(
                cause,
                file,
                "unknown column",
                row=1,
                column=_visible(name),
                expected="one of " + ", ".join(known),
                nearest=nearest(name, known),
            )
    for name, field in model.model_fields.items():
        if field.is_required() and name not in header:
            yield Problem(
                cause,
                file,
                "a column is missing",
                row=1,
                column=name,
                expected=name,
                nearest=nearest(name, [h for h in header if h not in known]),
            )


def _plain(
    node: yaml.Node,
    path: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    problems: list[Problem],
    file: str,
    cause: str,
) -> Any:
    """Nodes as dict, list, str and None, noting the line of every path and every key that stands twice."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                row = key_node.start_mark.line + 1
                problems.append(Problem(cause, file, "a key that is no word", row=row, expected="key: value lines"))
                continue
            key = str(key_node.value)
            if key in out:
                row = key_node.start_mark.line + 1
                problems.append(Problem(cause, file, "a key stands twice", row=row, column=_dotted((*path, key))))
            out[key] = _plain(value_node, (*path, key), lines, problems, file, cause)
            lines[(*path, key)] = key_node.start_mark.line + 1
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, (*path, i), lines, problems, file, cause) for i, child in enumerate(node.value)]
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in node.value):  # by an escape: "\0"
        where = _dotted(path)
        problems.append(Problem(cause, file, "a control character", row=lines[path], column=where, expected="text"))
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def _dotted(path: tuple[str | int, ...]) -> str:
    return _visible(".".join(map(str, path)))


def _visible(name: str) -> str:
    """A name for messages: what is not seen, or would end their line, as an escape."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


def _line(loc: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> int | None:
    for end in range(len(loc), -1, -1):
        if loc[:end] in lines:
            return lines[loc[:end]]
    return None


def _errors(bad: ValidationError) -> list[Any]:
    """Pydantic's errors, one for each value: where a value may be of a form or a word, both branches complain.

    The complaint of the form is kept (it says what a date or a number looks like), with the word as an alternative.
    """
    kept: list[Any] = []
    of_union: dict[tuple[str | int, ...], int] = {}
    for error in bad.errors():
        place = tuple(part for part in error["loc"] if not _is_union_branch(part))
        if place == error["loc"]:
            kept.append(error)
        elif place not in of_union:
            of_union[place] = len(kept)
            kept.append(error)
        elif error["type"] == "literal_error":
            first = kept[of_union[place]]
            what, _, expected = first["msg"].partition("; expected ")
            if first["type"].startswith("int_"):
                what, expected = "not a whole number", "a whole number"
            word = error["ctx"]["expected"].replace("'", "")
            kept[of_union[place]] = first | {"msg": f"{what}; expected " + " or ".join(filter(None, (expected, word)))}
    return kept


def _problem(error: Any, model: type[BaseModel], file: str, cause: str, row: int | None) -> Problem:
    """One pydantic error as a `Problem`."""
    loc = tuple(part for part in error["loc"] if not _is_union_branch(part))
    path = tuple(part for part in error["loc"] if _is_tag(part) or not _is_union_branch(part))
    column = _dotted(loc) or None
    kind, value = error["type"], error.get("input")
    text = value if isinstance(value, str) else None
    if kind == "missing":
        return Problem(
            cause, file, "a value is missing", row=row, column=column, expected=_describe(model, path) or "a value"
        )
    if kind == "extra_forbidden":
        known = _keys_at(model, path[:-1])
        return Problem(
            cause,
            file,
            "unknown key",
            row=row,
            column=column,
            expected="one of " + ", ".join(known),
            nearest=nearest(str(loc[-1]), known),
        )
    if kind == "literal_error":
        choices = [c.strip("'") for c in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return Problem(
            cause,
            file,
            "not one of the known words",
            row=row,
            column=column,
            value=text,
            expected="one of " + ", ".join(choices),
            nearest=nearest(text or "", choices),
        )
    message = error["msg"].removeprefix("Value error, ")
    what, _, expected = message.partition("; expected ")
    return Problem(
        cause, file, what[:1].lower() + what[1:], row=row, column=column, value=text, expected=expected or None
    )


def _is_union_branch(part: str | int) -> bool:
    """Pydantic puts the tried branch of a union into the location (`literal['unknown']`, `constrained-int`)."""
    return isinstance(part, str) and (
        part.startswith((_TAG, "literal[", "function-", "constrained-")) or part in {"int", "str"}
    )


def _is_tag(part: str | int) -> bool:
    """Our contracts name the branches of a union of records so, and only one of them is tried (`union[made]`)."""
    return isinstance(part, str) and part.startswith(_TAG)


def _model_at(model: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        if _is_tag(part):
            branches = [one for one in get_args(model) if part in [getattr(m, "tag", "") for m in one.__metadata__]]
            model = branches[0] if branches else None
        elif not isinstance(part, int):
            fields = getattr(_inner(model), "model_fields", {})
            model = fields[part].annotation if part in fields else None
    return _inner(model)


def _inner(annotation: Any) -> Any:
    """The model inside Optional, list and Annotated."""
    while True:
        origin = get_origin(annotation)
        if origin in (Union, types.UnionType):
            annotation = next(
                (a for a in get_args(annotation) if a is not type(None) and get_origin(a) is not Literal), None
            )
        elif origin in (list, tuple) or hasattr(annotation, "__metadata__"):
            annotation = get_args(annotation)[0]
        else:
            return annotation


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    return list(getattr(_model_at(model, loc), "model_fields", {}))


def _describe(model: type[BaseModel], loc: tuple[str | int, ...]) -> str | None:
    parent = _model_at(model, loc[:-1])
    field = getattr(parent, "model_fields", {}).get(loc[-1]) if loc else None
    return getattr(field, "description", None)
