"""Publication: the gates before a version, building and publishing it, and what was set aside.

Belongs here: the audit of the assembled database and its pages, the decision whether a version goes out,
quarantine, conflicts, revisions, the digest. Does not belong here: how a file is written and swapped (warehouse),
what must hold (schemas.expectations), how a figure or a trend is made (the earlier rooms).
"""
