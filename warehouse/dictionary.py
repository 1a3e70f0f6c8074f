"""The data dictionary as a page: every table with its columns, from the declarations.

Belongs here: how the page looks. Does not belong here: what a column means (schemas.tables). The page is kept in
`docs/tables.md`; `python -m warehouse.dictionary > docs/tables.md` writes it again.
"""

import sys
from collections.abc import Iterable

from schemas.tables import TABLES, Table

_HEAD = """# Tables

Generated from `schemas/tables/`; do not edit. How to ask questions: [sql.md](sql.md). The same texts stand in the
database as comments, see `duckdb_tables()` and `duckdb_columns()`.

"""


def markdown(tables: Iterable[Table]) -> str:
    """The page: a list of the tables, then each with its key, the room that makes it, and its columns."""
    tables = list(tables)
    listed = "\n".join(f"- [{table.name}](#{table.name}): {_plain(table.description)}" for table in tables)
    return _HEAD + listed + "\n" + "".join(_section(table) for table in tables)


def _section(table: Table) -> str:
    rows = "\n".join(
        f"| `{name}` | {table.sql_type(name)} | {'' if column.nullable else 'never'} | {_plain(table.describe(name))} |"
        for name, column in table.columns.items()
    )
    key = ", ".join(f"`{name}`" for name in table.key)
    return (
        f"\n## {table.name}\n\n{_plain(table.description)} Key: {key}. Made in `assets/{table.room}`.\n\n"
        f"| column | type | NULL | meaning |\n|---|---|---|---|\n{rows}\n"
    )


def _plain(text: str) -> str:
    """Text that neither ends a table cell nor starts an HTML element."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(markdown(TABLES))
