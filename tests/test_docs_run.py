"""Every command of README and docs runs, and prints what the page shows.

What a page leaves out carries its reason (`<!-- not run: … -->`). Queries of docs/sql.md have tests of their own
(test_sql.py), the drafts of docs/adding.md too (test_onboarding.py).
"""

import shutil
from pathlib import Path

import pytest

from tests import docs_run
from warehouse.layout import PROJECT

PAGES = [
    page
    for page in (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")))
    if docs_run.steps_of(page.read_text(encoding="utf-8"))
]


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.fixture(scope="session")
def prepared(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it: the catalogue, and what a refresh made of it."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(published.parents[1], folder / "data", symlinks=True)
    shutil.copytree(PROJECT / "catalog", folder / "catalog")
    return folder


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page_run_and_print_what_it_shows(page: Path, prepared: Path) -> None:
    environment = {"WEATHERVANE_DATA": str(prepared / "data"), "WEATHERVANE_CATALOG": str(prepared / "catalog")}
    for step in docs_run.run(page.read_text(encoding="utf-8"), prepared, environment):
        where = f"{name_of(page)}, line {step.line}: {step.command.strip()!r}"
        told = "\n".join(step.printed)
        assert step.ended == step.code, f"{where} ended with {step.ended}:\n{told}"
        if step.shown is not None:
            assert docs_run.fits(step.shown, step.printed), f"{where} printed\n{told}\nand the page shows another text"


def test_what_is_not_run_says_why() -> None:
    for page in (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))):
        for block, why in docs_run.not_run(page.read_text(encoding="utf-8")):
            assert len(why.split()) > 2, f"{name_of(page)} does not say why this is not run:\n{block}"


def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    page = "```console\n$ echo one\none\n$ echo two; false\ntwo\n```\n\n<!-- exit: 3 -->\n```sh\n(exit 3)\ntrue\n```\n"
    one, two, three = docs_run.run(page, tmp_path, {})
    assert docs_run.fits(one.shown or [], one.printed) and one.ended == one.code == 0
    assert docs_run.fits(two.shown or [], two.printed) and (two.ended, two.code) == (1, 0)
    assert (three.shown, three.ended, three.code) == (None, 3, 3)
    assert not docs_run.fits(["one", "two"], ["one", "three"])
    assert docs_run.fits(["one", "...", "four"], ["one", "two", "three", "four"])
