"""The digest: what moved since the version that was published before, and why.

Belongs here: comparing two databases, the sentences about what differs, and keeping each digest beside the ledger, so
that a rebuild tells the same. Does not belong here: what the tables mean (the earlier rooms), letting people see the
database (publication), sending (pipeline). The room has no face of its own: publication shows the digest of what it
publishes.
"""
