"""The data dictionary is current and complete."""

import re
import subprocess
import sys

from schemas import reference
from schemas.tables import TABLES
from schemas.tables.declare import Table, column
from warehouse.dictionary import markdown
from warehouse.layout import PROJECT

PAGE = PROJECT / "docs" / "tables.md"
COMMAND = "python -m warehouse.dictionary > docs/tables.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(TABLES), f"docs/tables.md is out of date; run: {COMMAND}"


def test_the_command_prints_the_page() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "warehouse.dictionary"], capture_output=True, check=True, cwd=PROJECT, timeout=60
    )
    assert printed.stdout.decode() == markdown(TABLES)


def test_every_column_has_a_row() -> None:
    sections = re.split(r"^## ", markdown(TABLES), flags=re.MULTILINE)[1:]
    assert [section.split("\n", 1)[0] for section in sections] == [table.name for table in TABLES]
    for table, section in zip(TABLES, sections, strict=True):
        assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == list(table.columns)


def test_a_text_cannot_break_the_table() -> None:
    odd = Table("odd", "One | two <b>.", "releases", ("a",), {"a": column("VARCHAR", "x | y <script>\nz")})
    page = markdown([odd])
    assert "x \\| y &lt;script> z." in page
    assert "One \\| two &lt;b>." in page


def test_docs_manifest_is_what_the_contracts_say() -> None:
    page = (PROJECT / "docs" / "manifest.md").read_text(encoding="utf-8")
    assert page == reference.markdown(), "docs/manifest.md is out of date; run: make docs"


def test_every_key_of_the_catalogue_has_a_meaning() -> None:
    silent = [line for line in reference.markdown().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert not silent
