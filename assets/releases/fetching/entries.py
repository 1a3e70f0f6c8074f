"""One allowed host or prefix, as the operator writes it.

Belongs here: the spelling of entries, what an entry means, which entries allow too much. Does not belong here: the
policy that holds them and the environment (policy), checking an address against them (addresses, storage).
"""

import functools
import re
from dataclasses import dataclass

import httpx

from assets.releases.fetching.ips import as_ip, not_public
from schemas.names import STORAGE_PROTOCOLS

HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
PREFIX = re.compile(r"(?P<protocol>[a-z][a-z0-9+.-]*)://(?P<path>[^\s?#*\[\]\\\x00]*[^\s?#*\[\]\\\x00/])/?")
_ENTRY = re.compile(r"(?:(?P<scheme>https?)://)?(?P<star>\*\.)?(?P<rest>[^\s/@?#*\\]+)/?")


@dataclass(frozen=True)
class Entry:
    """One allowed host, as written by the operator."""

    scheme: str
    host: str
    port: int
    subdomains: bool
    loopback: bool

    def matches(self, address: httpx.URL) -> bool:
        """Whether an address is one that this entry allows."""
        host = address.raw_host.decode("ascii")
        same = host.endswith("." + self.host) if self.subdomains else host == self.host
        return same and address.scheme == self.scheme and port_of(address) == self.port


@functools.lru_cache(maxsize=256)
def read_entry(text: str) -> Entry:
    """The meaning of a host as written; ValueError if it has none, or too much."""
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a host; expected example.org, example.org:8443 or *.example.org")
    scheme = found["scheme"] or "https"
    try:
        url = httpx.URL(f"{scheme}://{found['rest']}")
    except httpx.InvalidURL as error:
        raise ValueError(f"{text!r} is not a host: {error}") from error
    host = url.raw_host.decode("ascii")
    if not HOST.fullmatch(host):
        raise ValueError(f"{text!r} is not a host; expected example.org, example.org:8443 or *.example.org")
    if found["star"] and (found["scheme"] or "." not in host):
        raise ValueError(f"{text!r} allows too much; expected *.example.org")
    ip = as_ip(host)
    here = host == "localhost" or (ip is not None and ip.is_loopback)
    if here and not found["scheme"]:
        raise ValueError(f"{text!r} is this machine; expected http://{text} or https://{text}, scheme and all")
    if ip is not None and not here and (reason := not_public(ip)):
        raise ValueError(f"{text!r} is {reason}, which is never fetched; expected a public host")
    return Entry(scheme, host, port_of(url), subdomains=bool(found["star"]), loopback=here)


def check_prefix(prefix: str) -> None:
    """ValueError for a prefix that is none, or is not one of a storage."""
    found = PREFIX.fullmatch(prefix)
    if found is None or "::" in prefix or not is_plain(found["path"]):
        raise ValueError(f"{prefix!r} is not a prefix; expected s3://bucket/folder/ or file:///folder/")
    if found["protocol"] not in STORAGE_PROTOCOLS:
        known = ", ".join(sorted(STORAGE_PROTOCOLS))
        raise ValueError(f"{prefix!r} is not a prefix of a storage; expected one of {known}")


def is_plain(path: str) -> bool:
    """Whether a path means what it says: no way up, no empty steps but the root's."""
    return not {"", ".", ".."} & set(path.removeprefix("/").split("/"))


def port_of(address: httpx.URL) -> int:
    """The port that will be contacted, also where none is written."""
    return address.port or (80 if address.scheme == "http" else 443)
