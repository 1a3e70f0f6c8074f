"""The keys of the catalogue's files as a page (docs/manifest.md), from the contracts themselves.

Belongs here: how the page looks, and in which order the files stand. Does not belong here: what a key means. That is
said where the key is declared (schemas.manifest, respondents, crosswalk, item, claim, published); a key that says
nothing there and travels into a table means what the column of its name means.
"""

import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.claim import Claim
from schemas.concept import Concepts
from schemas.conditions import CodesText, ConditionText
from schemas.crosswalk import CategoryRow, QuestionRow, ToplineRow
from schemas.dates import PartialDate
from schemas.item import Item
from schemas.manifest import Organisation, Release, Series
from schemas.names import Address, CategoryId, FileAddress, RelativePath, Slug, WaveId
from schemas.published import PublishedRow
from schemas.tables import BY_NAME


@dataclass(frozen=True)
class Described:
    """A file of the catalogue.

    Attributes:
        anchor: heading of its section.
        name: name of the file.
        model: its contract, or that of a row.
        tables: tables in which its keys are columns.
    """

    anchor: str
    name: str
    model: type[BaseModel]
    tables: tuple[str, ...]


FILES = (
    Described("organisation", "organisation.yml", Organisation, ("organisations",)),
    Described("series", "series.yml", Series, ("series",)),
    Described("release", "release.yml", Release, ("releases", "waves", "categories")),
    Described("toplines", "a row of toplines.csv", ToplineRow, ("toplines",)),
    Described("questions", "a row of questions.csv", QuestionRow, ("questions",)),
    Described("categories", "a row of categories.csv", CategoryRow, ("codes", "toplines")),
    Described("published", "a row of published.csv", PublishedRow, ("agreement", "toplines")),
    Described("item", "catalog/items/*.yml", Item, ("items", "categories")),
    Described("concepts", "catalog/concepts.yml", Concepts, ("concepts",)),
    Described("claim", "catalog/claims/*.yml", Claim, ("claims",)),
)
_NAMED = {
    Slug: "id", WaveId: "id", CategoryId: "id", Address: "address", FileAddress: "address", RelativePath: "path",
    PartialDate: "day, month or year", ConditionText: "condition", CodesText: "codes",
}  # fmt: skip
_HEAD = """# Keys of the catalogue's files

Generated from `schemas/`; do not edit. How to write a release, with an example: [releases.md](releases.md).
Respondents' answers: [respondents.md](respondents.md). A key that is not here is an error, with the nearest one that
is. Texts are read as text: `08` stays `08`, `no` stays `no`.

"""
_PATTERNS = {"str": "text", "int": "whole number", "float": "number", "bool": "yes or no"}


def markdown() -> str:
    """The page: a section for each file, with the blocks that are nested in it below."""
    listed = "\n".join(f"- [{file.name}](#{file.anchor}): {_first(file.model)}" for file in FILES)
    return _HEAD + listed + "\n" + "".join(_file(file) for file in FILES)


def _file(file: Described) -> str:
    text = f"\n## {file.anchor}\n\nIn `{file.name}`. {_doc(file.model)}\n\n{_keys(file.model, file.tables)}"
    for block, told in sorted(dict(_nested(file.model)).items(), key=lambda pair: pair[1]):
        text += f"\n### {file.anchor}: {told}\n\n{_doc(block)}\n\n{_keys(block, file.tables)}"
    return text


def _nested(model: type[BaseModel], path: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    for name, hint in _hints(model):
        for inner in _models(hint):
            yield inner, f"{path}{name}"
            yield from _nested(inner, f"{path}{name}.")


def _hints(model: type[BaseModel]) -> list[tuple[str, Any]]:
    """Keys with their types as declared; pydantic's own fields have lost the names of the types."""
    hints = get_type_hints(model, include_extras=True)
    return [(name, hints[name]) for name in model.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _keys(model: type[BaseModel], tables: Iterable[str]) -> str:
    rows = "\n".join(
        f"| `{name}` | {_kind(hint)} | {_default(model.model_fields[name])} "
        f"| {_meaning(name, model.model_fields[name], hint, tables)} |"
        for name, hint in _hints(model)
    )
    return f"| key | value | if left out | meaning |\n|---|---|---|---|\n{rows}\n"


def _kind(annotation: Any) -> str:
    """A type in words."""
    if annotation in _NAMED:
        return _NAMED[annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        return ", ".join(f"`{_plain(repr(word)[1:-1])}`" for word in get_args(annotation))
    if origin in (Union, types.UnionType):
        parts = [_kind(part) for part in get_args(annotation) if part is not type(None)]
        return " or ".join(dict.fromkeys(parts))
    if origin is list:
        return f"list of {_kind(get_args(annotation)[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "block"
    return _PATTERNS.get(getattr(annotation, "__name__", ""), "text")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if value is None or value == [] or isinstance(value, BaseModel):
        return ""
    return f"`{'yes' if value is True else 'no' if value is False else value}`"


def _meaning(name: str, field: FieldInfo, hint: Any, tables: Iterable[str]) -> str:
    if field.description:
        return _plain(field.description)
    blocks = [_first(block) for block in _models(hint)]
    if blocks:
        return " Or: ".join(blocks) + " See below."
    told = (BY_NAME[table].describe(name) for table in tables if name in BY_NAME[table].columns)
    return _plain(next(told, ""))


def _doc(model: type[BaseModel]) -> str:
    return re.sub(r"(?<!\n)\n(?!\n)", " ", _plain((model.__doc__ or "").strip().replace("\n    ", "\n")))


def _first(model: type[BaseModel]) -> str:
    return _doc(model).partition("\n")[0].partition(". ")[0].removesuffix(".") + "."


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
