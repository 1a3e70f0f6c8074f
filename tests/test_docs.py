"""What the pages say is so: commands, targets, links, names, queries with their results, examples, settings.

The pages themselves are read, so a page that is forgotten in a change fails here. docs/sql.md has tests of its own
(test_sql.py), docs/tables.md too (test_dictionary.py).
"""

import importlib
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
import typer.main
import yaml

from assets.refresh import refresh
from pipeline.cli.main import app
from pipeline.cli.maintain import json_schemas
from tests.conftest import no_audit
from warehouse.layout import PROJECT, Layout

README = PROJECT / "README.md"
ARCHITECTURE = PROJECT / "docs" / "architecture.md"
RELEASES = PROJECT / "docs" / "releases.md"
PAGES = [README, *sorted((PROJECT / "docs").rglob("*.md"))]
MAKEFILE = (PROJECT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> Iterator[str]:
    """Blocks line by line, then what stands in backticks."""
    text = text_of(page)
    for block in re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def section(page: Path, language: str, after: str) -> str:
    """The first block in a language after some words."""
    block = re.search(rf"```{language}\n(.*?)```", text_of(page).partition(after)[2], re.DOTALL)
    assert block, f"{name_of(page)} has no {language} block after {after!r}"
    return block[1]


# ---- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_their_options_exist(page: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in code_of(page):
        for name, rest in re.findall(r"(?:^|[\s/])weathervane ([a-z][a-z-]*)(.*)", line.partition("  #")[0]):
            assert name in commands, f"{name_of(page)} names the command {name!r}; there are {', '.join(commands)}"
            known = {option for parameter in commands[name].params for option in parameter.opts}
            for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", re.sub(r'"[^"]*"', "", rest)):
                assert option in known, f"{name_of(page)}: {name} has no {option}; it has {', '.join(sorted(known))}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_exist(page: Path) -> None:
    for line in code_of(page):
        for target in re.findall(r"(?:^|\s)make ([a-z]+)", line.partition("  #")[0]):
            assert target in TARGETS, f"{name_of(page)} names make {target}; there are {', '.join(sorted(TARGETS))}"


def test_every_target_is_listed_and_phony() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony and set(phony[1].split()) == TARGETS
    assert set(re.findall(r"^([a-z]+):.*  ## ", MAKEFILE, re.MULTILINE)) | {"lock", "clean"} == TARGETS
    if shutil.which("make"):
        listed = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60).stdout
        assert set(re.findall(r"^  make (\w+)", listed, re.MULTILINE)) == TARGETS


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, place = target.partition("#")
        goal = (page.parent / path) if path else page
        assert goal.exists(), f"{name_of(page)} links to {target}, which is not there"
        if place:
            headings = {anchor(h) for h in re.findall(r"^#+ (.+)$", text_of(goal), re.MULTILINE)}
            assert place in headings, f"{name_of(page)} links to {target}; there is no such heading"


def resolves(dotted: str) -> bool:
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", [p for p in PAGES if p == ARCHITECTURE or p.parent.name == "decisions"], ids=name_of)
def test_names_of_code_resolve(page: Path) -> None:
    packages = {"assets", "pipeline", "schemas", "warehouse"}
    inside = {p.stem for p in (PROJECT / "assets").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    for line in code_of(page):
        for dotted in re.findall(r"(?<![\w./-])[a-z_]+(?:\.[A-Za-z_]+)+(?![\w/-])", line):
            first, _, last = dotted.partition(".")
            if first not in packages | inside or last.rpartition(".")[2] in {"py", "md", "yml", "csv", "lock", "toml"}:
                continue
            full = dotted if first in packages else f"assets.{dotted}"
            assert resolves(full), f"{name_of(page)} names {dotted}, which is not in the code"


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "tables.md"], ids=name_of)
def test_files_of_the_project_exist(page: Path) -> None:
    for line in code_of(page):
        for path in re.findall(r"(?<![\w./<-])(?:assets|docs|pipeline|schemas|tests|warehouse)/[\w./-]*\w", line):
            assert (PROJECT / path).exists(), f"{name_of(page)} names {path}, which is not there"


def test_every_decision_has_its_number() -> None:
    pages = sorted((PROJECT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert text_of(page).startswith(f"# {int(page.name[:4])}. "), page.name


def test_settings_in_the_code_are_on_a_page_and_the_other_way_round() -> None:
    code = [p for room in ("assets", "pipeline", "warehouse", "schemas") for p in (PROJECT / room).rglob("*.py")]
    used = {name for p in code for name in re.findall(r'"(WEATHERVANE_[A-Z_]+)"', p.read_text())}
    told = {name for page in PAGES for name in re.findall(r"WEATHERVANE_[A-Z_]+", text_of(page))}
    assert used == told


def test_every_setting_but_those_of_fetching_is_in_the_table_of_the_operating_page() -> None:
    page = text_of(PROJECT / "docs" / "operating.md")
    rows = re.findall(r"^\| `(WEATHERVANE_[A-Z_]+)` \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    told = {name for one in PAGES for name in re.findall(r"WEATHERVANE_[A-Z_]+", text_of(one))}
    assert sorted(rows) == sorted(name for name in told if not name.startswith("WEATHERVANE_FETCH_"))


# ---- figures and examples -------------------------------------------------------------------------------------------


def test_the_query_of_the_readme_gives_the_result_of_the_readme(published: Path) -> None:
    query = section(README, "sql", "## The question")
    below = text_of(README).partition(query)[2].splitlines()
    lines = itertools.takewhile(
        lambda line: line.startswith("|"), itertools.dropwhile(lambda line: line[:1] != "|", below)
    )
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    with duckdb.connect(str(published), read_only=True) as db:
        found = db.execute(query)
        columns = [column[0] for column in found.description or []]
        rows = [["" if cell is None else str(cell) for cell in row] for row in found.fetchall()]
    assert [columns, *rows] == [table[0], *table[2:]]


def test_the_trend_that_the_readme_prints_is_the_one_that_is_printed(published: Path) -> None:
    from pipeline.cli import look, show

    with duckdb.connect(str(published), read_only=True) as db:
        rows = look.trend_rows(db, *look.HEADLINE)
        with show.out.capture() as captured:
            show.trend(rows, " / ".join(look.HEADLINE))
    printed = captured.get()
    block = section(README, "", "make run\n```").split("\n\n")[-1]

    def plain(text: str) -> list[str]:
        return sorted(text.split())

    assert plain(block) == plain(printed)


def test_the_numbers_of_the_readme(published: Path) -> None:
    text = " ".join(text_of(README).split())
    with duckdb.connect(str(published), read_only=True) as db:

        def one(query: str) -> Any:
            row = db.execute(query).fetchone()
            assert row
            return row[0]

        figures, waves = (one(f"SELECT count(*) FROM {t}") for t in ("toplines", "waves"))
        houses = one("SELECT count(DISTINCT organisation) FROM toplines")
        waiting = one("SELECT count(DISTINCT release) FROM awaiting")
        assert f"describes {waiting} releases of respondents' answers" in text
        estimates = one("SELECT count(*) FROM estimates")
        without = one("SELECT count(*) FROM estimates WHERE percent_low IS NULL")
        assert f"has {figures} figures of {waves} waves by {houses} organisations" in text
        assert f"{without} of the {estimates} estimates have none" in text
        assert one("SELECT count(*) FROM claims WHERE verdict = 'not_checked'") == 0
        assert one("SELECT count(*) FROM claims") == 25
        for item, percent in (
            ("belarus-join-war-hypothetical", 13),
            ("belarus-join-war-any-side", 5),
            ("belarus-troops-to-ukraine", 11),
        ):
            assert one(f"SELECT count(*) FROM estimates WHERE item = '{item}' AND percent = {percent}") >= 1


def test_the_python_of_the_readme_runs(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weathervane.duckdb").symlink_to(published)
    monkeypatch.chdir(tmp_path)
    exec(section(README, "python", "## The database"), {})


def examples() -> dict[str, str]:
    """The files of docs/releases.md: a name in backticks at the end of a line, then a block."""
    return dict(re.findall(r"`([a-z-]+\.(?:yml|csv))`\n\n```\w+\n(.*?)```", text_of(RELEASES), re.DOTALL))


def write_example(catalogue: Path) -> Path:
    house = catalogue / "releases" / "example-institute"
    release = house / "mornings" / "2024-03"
    places = {"organisation.yml": house, "series.yml": release.parent, "morning-drink.yml": catalogue / "items"}
    for name, text in examples().items():
        folder = places.get(name, release)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return release


def test_the_example_release_loads_as_it_stands(tmp_path: Path) -> None:
    write_example(tmp_path / "catalog")
    done = refresh(Layout(tmp_path / "data", tmp_path / "catalog"), audit=no_audit)
    assert not done.report.quarantined and done.published
    with duckdb.connect(str(done.published), read_only=True) as db:
        rows = db.execute("SELECT wave, percent, n FROM trend('morning-drink', 'tea')").fetchall()
    assert rows == [("2024-03", 41.0, 1004)]


def test_the_example_mistake_is_told_as_shown(tmp_path: Path) -> None:
    release = write_example(tmp_path / "catalog")
    categories = release / "categories.csv"
    categories.write_text(categories.read_text().replace("Coffee", "Coffe"))
    done = refresh(Layout(tmp_path / "data", tmp_path / "catalog"), audit=no_audit)
    told = [str(problem) for problem in done.report.quarantined["example-institute/mornings/2024-03"]]
    shown = section(RELEASES, "", "for `Coffee` in").splitlines()[1:]
    assert sorted(told) == sorted(line.strip() for line in shown)


def test_the_words_of_the_crosswalk_are_all_on_the_page() -> None:
    from schemas import vocabulary

    page = text_of(RELEASES)
    for literal in (
        "WordingKind",
        "QuestionMatch",
        "OptionsMatch",
        "Form",
        "Decision",
        "Kind",
        "Standing",
        "Qualifier",
    ):
        for word in vocabulary.words(getattr(vocabulary, literal)):
            assert f"`{word}`" in page, f"docs/releases.md does not name {word} of {literal}"


# ---- schemas for editors --------------------------------------------------------------------------------------------


def test_the_schemas_are_current() -> None:
    folder = PROJECT / "docs" / "schemas"
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert there == json_schemas(), "docs/schemas is out of date; run: make docs"


class EditorLoader(yaml.SafeLoader):
    """YAML as an editor's language server reads it (1.2): numbers, null, true and false; no dates, no yes and no."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, rx) for tag, rx in rules if tag.rpartition(":")[2] in {"int", "float", "null"}]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
EditorLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)

PLACES = {
    "release": "releases/*/*/*/release.yml",
    "series": "releases/*/*/series.yml",
    "organisation": "releases/*/organisation.yml",
    "item": "items/*.yml",
    "claim": "claims/*.yml",
}


@pytest.mark.parametrize("kind", PLACES)
def test_an_editor_finds_no_fault_with_the_shipped_catalogue(kind: str) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json_schemas()[f"{kind}.schema.json"]))
    files = sorted((PROJECT / "catalog").glob(PLACES[kind]))
    assert files
    for file in files:
        faults = [e.message for e in validator.iter_errors(yaml.load(file.read_text(), Loader=EditorLoader))]
        assert not faults, f"{name_of(file)}: {faults[0]}"


# ---- nothing of the machine that made it ----------------------------------------------------------------------------


def project_files() -> list[Path]:
    if not shutil.which("git") or not (PROJECT / ".git").exists():
        pytest.skip("needs git and a clone, to know which files belong to the project")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    return [path for name in listed.decode().split("\0") if name and (path := PROJECT / name).is_file()]


def test_no_file_names_the_machine_or_the_registry_it_was_made_with() -> None:
    # Put together, or this file would be found.
    signs = [
        "/wo" + "rk/",
        "/tmp/" + "wv",
        "/ro" + "ot/",
        "/opt/" + "wheels",
        "/opt/" + "pypi",
        "py" + "pi.org",
        "python" + "hosted",
    ]
    found = []
    for path in project_files():
        raw = path.read_bytes()
        if b"\0" in raw:
            continue
        text = raw.decode("utf-8", "replace")
        found += [f"{name_of(path)} contains {sign}" for sign in signs if sign in text]
    assert not found, "\n".join(found)


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (PROJECT / file).read_text(), re.MULTILINE))


def test_the_locks_hold_what_is_asked_for_and_name_no_host() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    for file, lock in (("requirements.in", run), ("requirements-dev.in", dev)):
        for line in (PROJECT / file).read_text().splitlines():
            asked = re.match(r"^([A-Za-z0-9._-]+)(?:\[\w+\])?(?:==(\S+))?", line)
            if not asked or line.startswith(("#", "-")):
                continue
            name = asked[1].lower().replace("_", "-")
            assert name in lock, f"{name} of {file} is not in its lock; run: make lock"
            assert asked[2] in (None, lock[name]), f"{name}: {file} and its lock differ; run: make lock"
    assert run.items() <= dev.items(), "requirements-dev.lock has other versions than requirements.lock; run: make lock"
    for file in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (PROJECT / file).read_text(), f"{file} names a host"
