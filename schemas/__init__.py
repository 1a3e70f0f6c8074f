"""Contracts: what a release, a crosswalk, an item, a claim and every table must look like.

Belongs here: declarations, and the reading of small hand-written files into them with errors a person can act on.
Does not belong here: anything that knows Dagster, opens DuckDB, touches the network or decides what to do with a
release. This package imports nothing else of Weathervane.
"""
