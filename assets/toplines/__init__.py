"""Published figures: what a survey house printed, read from the table in which somebody keeps it.

Belongs here: reading tables of published figures (CSV, XLSX, XLS), every figure with the address of its cell,
and refusing with a place and a reason what is not such a table. Does not belong here: respondent-level files
(assets.responses), what a question or a category means (assets.questions), intervals and tests
(assets.estimates), the fetching and archiving of files (assets.releases).
"""
