"""The rules of the house: who may import whom, and every room says what belongs in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.layout import PROJECT

LEVELS = ("schemas", "warehouse", "assets", "pipeline")  # each may import itself and those before it
# Of assets, in the order of the flow; onboarding stands beside it, after all whose words it needs.
ROOMS = (
    "releases",
    "responses",
    "toplines",
    "questions",
    "estimates",
    "trends",
    "claims",
    "digest",
    "publication",
    "exports",
    "explorer",
    "onboarding",
)
# The walk and the stages stand above the rooms, the isolation and the folders' faces below or beside them.
FILES = sorted(path for level in LEVELS for path in (PROJECT / level).rglob("*.py"))
NAMES = [path.relative_to(PROJECT).as_posix() for path in FILES]
HEAVY = ("great_expectations", "dagster")


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, int]]:
    """Every module that is imported, also inside functions, with its line; `from x import y` counts as x.y too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def read(name: str) -> tuple[ast.Module, list[tuple[str, int]]]:
    tree = ast.parse((PROJECT / name).read_text(encoding="utf-8"))
    return tree, list(imports(tree, ".".join(Path(name).parts[:-1])))


@pytest.mark.parametrize("name", NAMES)
def test_imports_run_downward_only(name: str) -> None:
    level = LEVELS.index(Path(name).parts[0])
    upward = [
        f"{name}:{line} imports {module}"
        for module, line in read(name)[1]
        if module.split(".")[0] in (*LEVELS[level + 1 :], "tests", "benchmarks")
    ]
    assert upward == []


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("assets/") and name.count("/") > 1])
def test_a_room_imports_only_itself_and_the_rooms_before_it(name: str) -> None:
    room = Path(name).parts[1]
    assert room in ROOMS, f"{room} is not among the rooms that this test knows: say where in the flow it stands"
    later = ROOMS[ROOMS.index(room) + 1 :]
    backward = [
        f"{name}:{line} imports {module}"
        for module, line in read(name)[1]
        if module.startswith("assets.") and module.split(".")[1] in later
    ]
    assert backward == []


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_belongs_in_it(name: str) -> None:
    docstring = ast.get_docstring(read(name)[0]) or ""
    assert len(docstring.split()) >= 5, f"{name} has no docstring that says what it is for"
    if name.endswith("__init__.py"):
        told = docstring.lower()
        assert "belong" in told, f"{name} does not say what belongs in this package"
        assert "not belong" in told or "imports nothing" in told, f"{name} does not say what does not"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_slow_to_import_is_imported_where_it_is_needed(name: str) -> None:
    """Great Expectations nowhere at module level; Dagster only in pipeline and in the rooms' faces."""
    tree, _ = read(name)
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    parts = Path(name).parts
    face = parts[0] == "pipeline" or (parts[0] == "assets" and parts[-1] in ("asset.py", "faces.py", "step.py"))
    allowed = ("dagster",) if face else ()
    heavy = [
        f"{name}:{line} imports {module}"
        for module, line in imports(top, "")
        if module.split(".")[0] in HEAVY and module.split(".")[0] not in allowed
    ]
    assert heavy == []


def test_the_schemas_import_nothing_of_ours() -> None:
    ours = [
        f"{name} imports {module}"
        for name in NAMES
        if name.startswith("schemas/")
        for module, _ in read(name)[1]
        if module.split(".")[0] in LEVELS[1:]
    ]
    assert ours == []
    assert len([name for name in NAMES if name.startswith("schemas/")]) > 5
