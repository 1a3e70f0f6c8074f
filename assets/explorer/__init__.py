"""The explorer: pages for people who do not write SQL, made from the published database alone.

Belongs here: reading the published file, words and rounding of the pages, templates, the shared style and scripts,
writing only what changed. Does not belong here: figures and verdicts (the rooms before), the pages of the audit
(assets.publication.data_docs), a web server (pipeline). Nothing here opens the ledger, the lake or the archive, so a
page cannot say more than the database does.
"""
