"""DuckDB and the files around it: DDL from the declared tables, SQL models, macros, the lake, building, publishing.

Does not belong here: what a release means (assets), contracts (schemas), scheduling (pipeline).
"""
