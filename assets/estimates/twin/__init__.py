"""The estimates a second time, as SQL: a witness of the engine, and what a cluster runs.

Belongs here: statements over `answers.parquet` that give the sums of a release, running them, holding the engine
against them. Does not belong here: intervals, flags and tables, which follow from the sums by code that both share
(`..engine.margins`, `..engine.tables`).
"""
