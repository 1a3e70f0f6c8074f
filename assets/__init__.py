"""The data products, one room each, in the order in which data flows.

releases -> toplines -> questions -> estimates -> trends -> publication. Each room is a package of plain functions with
`asset.py` as its Dagster face. Does not belong here: DuckDB's DDL and files (warehouse), jobs and commands (pipeline).
"""
