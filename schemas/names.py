"""What identifiers and percentages look like.

Belongs here: patterns of ids, paths, labels, addresses, percentages. Does not belong here: the things they name, and
whether an address may be contacted (assets.releases.fetching).
"""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

_SLUG = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*$")
_CATEGORY = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")
_WAVE = re.compile(r"^[a-z0-9]+(?:[-.][a-z0-9]+)*$")
_PERCENT = re.compile(r"^[0-9]{1,3}(?:\.[0-9]+)?$")  # not \d, which takes the digits of every script

_STORED = re.compile(r"^(?P<protocol>[a-z][a-z0-9]*)://(?P<path>/?[^/]+/.*[^/])$")

# Of fsspec's protocols those that are storage. Others fetch from the web around the checks of the fetcher, or wrap an
# address of any protocol (zip, filecache).
STORAGE_PROTOCOLS = frozenset(
    {"abfs", "abfss", "az", "file", "gcs", "gs", "hdfs", "memory", "oss", "s3", "sftp", "smb"}
)


def _slug(text: str) -> str:
    if not _SLUG.match(text):
        raise ValueError("not an id; expected lower-case letters, digits and single hyphens (chatham-house)")
    return text


def _category(text: str) -> str:
    if not _CATEGORY.match(text):
        raise ValueError("not a category id; expected lower-case letters, digits and underscores (join_russia)")
    return text


def _wave(text: str) -> str:
    if not _WAVE.match(text):
        raise ValueError("not a wave id; expected lower-case letters, digits, hyphens and dots (08, 2022-03)")
    return text


def is_percent(text: str) -> bool:
    """Whether this is a percentage as a number from 0 to 100."""
    return bool(_PERCENT.match(text)) and float(text) <= 100


def _plain_text(text: str) -> str:
    """Labels travel into spreadsheets: a formula or a control character in one is an attack or an accident."""
    if text[:1] in {"=", "@", "\t", "\r"}:
        raise ValueError("a label that a spreadsheet would run as a formula; expected plain text")
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise ValueError("a control character in a label; expected plain text on one line")
    return text


def _address(text: str) -> str:
    if not re.match(r"^https?://[^\s/]+", text):
        raise ValueError("not an address; expected http:// or https://")
    return text


def _file_address(text: str) -> str:
    if any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("a space or a control character in an address; expected none")
    if "\\" in text:
        raise ValueError("a backslash in an address; expected forward slashes")
    protocol, _, rest = text.partition("://")
    if "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]:
        raise ValueError("a user name or password in an address; expected none: the file is the same for everyone")
    if ".." in re.split(r"[/?#]", rest):
        raise ValueError("a way up (..) in an address; expected the plain path")
    if text.startswith(("http://", "https://")):
        return _address(text)
    stored = _STORED.match(text)
    if protocol not in STORAGE_PROTOCOLS or stored is None:
        known = ", ".join(sorted(STORAGE_PROTOCOLS))
        raise ValueError(
            "not an address of a file; expected https://… or http://…, or s3://bucket/file.csv "
            f"with one of the storage protocols {known}"
        )
    if "::" in text:
        raise ValueError("one address inside another (::); expected one protocol")
    if re.search(r"[?#*\[\]]", text) or {"", "."} & set(stored["path"].removeprefix("/").split("/")):
        raise ValueError("not the address of one stored file; expected s3://bucket/folder/file.csv, no wildcards")
    return text


def _relative(text: str) -> str:
    parts = text.replace("\\", "/").split("/")
    if text.startswith(("/", "\\", "~")) or ".." in parts or "" in parts or ":" in text or "\x00" in text:
        raise ValueError(
            "a path that leads outside the release's folder; expected a plain relative path (toplines.csv)"
        )
    return text


Slug = Annotated[str, AfterValidator(_slug)]
CategoryId = Annotated[str, AfterValidator(_category)]
WaveId = Annotated[str, AfterValidator(_wave)]
Label = Annotated[str, AfterValidator(_plain_text)]
Address = Annotated[str, AfterValidator(_address)]
FileAddress = Annotated[str, AfterValidator(_file_address)]
RelativePath = Annotated[str, AfterValidator(_relative)]
