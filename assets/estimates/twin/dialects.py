"""The statements in other dialects than DuckDB's.

Belongs here: translating text. Does not belong here: the text (`.statements`), running it. sqlglot is needed for this
alone and imported here alone.
"""


def translated(sql: str, dialect: str = "spark") -> str:
    """A statement of `.statements` in a dialect that sqlglot knows.

    Raises:
        sqlglot.errors.SqlglotError: the dialect is unknown or lacks a construct of the text.
    """
    import sqlglot

    text: str
    (text,) = sqlglot.transpile(sql, read="duckdb", write=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE)
    return text
