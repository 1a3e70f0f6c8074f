"""The room of releases: finds, fetches, fingerprints and archives release files and decides what changed.

Belongs here: which releases there are (catalogue and drop folder), getting their bytes, their sha256, the
archive of raw bytes, the ledger of what was seen. Does not belong here: parsing, not even a look into a
file's first line (assets.responses and assets.toplines do that, from archived bytes only).
"""
