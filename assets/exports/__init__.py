"""Exports: what is published, in the files that the field uses.

Belongs here: which part of it may leave (`.gates`, `.passing`), and how it is written: CSV and Parquet (`.tabular`),
workbooks (`.workbook` and its sheets), Data Packages (`.datapackage`), DDI codebooks (`.ddi`), JSON-LD (`.jsonld`).
Does not belong here: figures that are not in the published database (nothing is computed here but letters of
significance, `.letters`), arguments and printing (pipeline.cli.export), pages (assets.explorer).

Everything is read from the published database alone. The same version of it gives the same bytes: rows are in the
order of their keys, and the only time in a file is that of the refresh. (An embargo that ends changes what may leave.)
"""
