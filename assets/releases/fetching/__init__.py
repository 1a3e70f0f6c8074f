"""Fetching one release file from an allowed address, whole and with the expected checksum, or not at all.

Belongs here: which addresses may be contacted, every limit on a download, retries, the temporary file and its
rename. Does not belong here: which releases want fetching and what becomes of the bytes (the archive),
reading the bytes, files that were dropped by hand (assets.releases.inbox).

The catalogue is reviewed, but its addresses lead to servers that nobody here controls, and the machine that
runs the refresh can often reach more than the public can (its own services, a cloud's metadata address). So
the address is checked before every hop, the resolved IP is checked at the moment of connecting, and the
connection goes to that very IP: a name that resolves differently a second later gains nothing.
"""

from assets.releases.fetching.part import tidy
from assets.releases.fetching.policy import FetchPolicy
from assets.releases.fetching.transfer import fetch

__all__ = ["FetchPolicy", "fetch", "tidy"]
