"""Every table of the published database, declared once.

From these declarations come: pandera's checks at boundaries, the DDL and comments in DuckDB, the Parquet types of the
lake, Dagster's column schemas and the data dictionary in `docs/`. Does not belong here: views and macros (warehouse).
"""

from schemas.tables import catalogue, comparisons, figures, house, readings
from schemas.tables.declare import Table

TABLES: tuple[Table, ...] = (*catalogue.TABLES, *figures.TABLES, *comparisons.TABLES, *readings.TABLES, *house.TABLES)
BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}

__all__ = ["BY_NAME", "TABLES", "Table"]
