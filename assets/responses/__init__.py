"""Respondent-level files: SPSS, Stata, SAS, CSV, workbooks and Parquet become one Parquet file and one codebook.

The way of a file: `read.read` asks `detect` what it is; `truncation` and `spss_header` say whether it is whole;
`labelled` (SPSS, Stata, SAS), `delimited` (CSV, TSV), `sheets` (XLS, XLSX) and `columnar` (Parquet) make a codebook and
batches of rows; `privacy` decides what stays behind; `store` writes. `running` does it for many files, in children.

Belongs here: what a file says, verbatim. Does not belong here: Dagster, the warehouse, and what an answer means.
"""
