"""What the shape of some JSON is, whether a value has it, and how it is told.

Belongs here: types, lists, objects; the check; rows for the page. Does not belong here: the shape of any command
(pipeline.cli.shapes).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Leaf:
    """One value.

    Attributes:
        kind: text, number, integer, true or false, texts (a list of them), any.
        about: what it is.
        null: whether it may be null.
    """

    kind: str
    about: str
    null: bool = False


@dataclass(frozen=True)
class Many:
    """A list of things of one shape."""

    of: "Shape"


@dataclass(frozen=True)
class ByName:
    """An object whose keys are data: names with one shape each."""

    name: str
    of: "Shape"


Shape = Leaf | Many | ByName | Mapping[str, "Shape"]

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "number": (int, float), "integer": (int,), "true or false": (bool,), "any": (object,),
}  # fmt: skip


def faults(value: Any, shape: Shape, where: str = "$") -> Iterator[str]:
    """Where a value has not the shape declared; nothing if it has."""
    if isinstance(shape, Many):
        if not isinstance(value, list):
            yield f"{where}: {value!r} is no list"
        else:
            for at, one in enumerate(value):
                yield from faults(one, shape.of, f"{where}[{at}]")
    elif isinstance(shape, Leaf):
        yield from _leaf_faults(value, shape, where)
    elif not isinstance(value, dict):
        yield f"{where}: {value!r} is no object"
    elif isinstance(shape, ByName):
        for name, one in value.items():
            yield from faults(one, shape.of, f"{where}.{name}")
    else:
        if value.keys() != shape.keys():
            missing, more = sorted(shape.keys() - value.keys()), sorted(value.keys() - shape.keys())
            yield f"{where}: missing {missing}, too many {more}"
        for name in shape.keys() & value.keys():
            yield from faults(value[name], shape[name], f"{where}.{name}")


def _leaf_faults(value: Any, leaf: Leaf, where: str) -> Iterator[str]:
    if value is None:
        if not leaf.null:
            yield f"{where}: null"
    elif leaf.kind == "texts":
        if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            yield f"{where}: {value!r} is no list of texts"
    elif not isinstance(value, _TYPES[leaf.kind]) or (isinstance(value, bool) and leaf.kind in ("number", "integer")):
        yield f"{where}: {value!r} is no {leaf.kind}"


def rows(shape: Shape, where: str = "") -> Iterator[tuple[str, str, str]]:
    """Every value of a shape as key, type and meaning; `[]` is a list, `<release>` a key that is data."""
    if isinstance(shape, Leaf):
        kind = "list of texts" if shape.kind == "texts" else shape.kind
        yield where or "(the whole)", kind + (" or null" if shape.null and shape.kind != "any" else ""), shape.about
    elif isinstance(shape, Many):
        yield from rows(shape.of, f"{where}[]")
    elif isinstance(shape, ByName):
        yield from rows(shape.of, f"{where}.<{shape.name}>".lstrip("."))
    else:
        for name, one in shape.items():
            yield from rows(one, f"{where}.{name}".lstrip("."))
