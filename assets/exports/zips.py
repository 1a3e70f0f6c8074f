"""Zip files whose bytes depend on their content alone.

Belongs here: fixed times, order and modes of entries. Does not belong here: what is in them.
"""

import io
import re
import zipfile
from collections.abc import Iterable

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the format has no earlier time
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:\2>)")


def zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of these files, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as into:
        for name, data in entries:
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            into.writestr(info, data)
    return out.getvalue()


def timeless(workbook: bytes, when: str) -> bytes:
    """A workbook whose times are all `when` (ISO with Z) instead of the clock's."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as given:
        entries = [(name, given.read(name)) for name in given.namelist()]
    told = rb"\g<1>" + when.encode() + rb"\g<3>"
    return zipped((name, _MODIFIED.sub(told, data) if name == "docProps/core.xml" else data) for name, data in entries)
