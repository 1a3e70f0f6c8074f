"""Whether an http address may be contacted, by everything that can be seen in it.

Belongs here: the check before each hop, first address and redirects alike. Does not belong here: what its name
resolves to (network, at the moment of connecting), addresses of storage (storage).
"""

import httpx

from assets.releases.fetching.entries import HOST, port_of, read_entry
from assets.releases.fetching.failures import ForbiddenError
from assets.releases.fetching.policy import HOSTS_VARIABLE, FetchPolicy
from schemas.problems import shorten


def checked(url: str, came_from: httpx.URL | None, policy: FetchPolicy) -> httpx.URL:
    """The address as it will be used, if it may be: what is checked here is what gets connected."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ForbiddenError(f"not an address ({error})") from error
    if "\\" in url or any(c.isspace() or not c.isprintable() for c in url):
        raise ForbiddenError("a backslash, a space or a control character, which programs read differently")
    if address.scheme not in {"http", "https"}:
        raise ForbiddenError(f"the protocol {address.scheme!r}; expected https")
    if address.userinfo:
        raise ForbiddenError("a user name or password in the address, which may disguise the host")
    host = address.raw_host.decode("ascii")
    if not HOST.fullmatch(host) or not 0 < port_of(address) < 65536:
        raise ForbiddenError("not a host that can be contacted")
    entries = sorted(map(read_entry, policy.allowed_hosts), key=lambda entry: entry.loopback)
    entry = next((entry for entry in entries if entry.matches(address)), None)
    if entry is None:
        same = next((e for e in entries if e.host == host), None)
        if same is not None:
            raise ForbiddenError(f"{host} is allowed with {same.scheme} on port {same.port} only")
        raise ForbiddenError(f"the host {shorten(host)} is not in {HOSTS_VARIABLE}")
    if came_from is not None:
        if came_from.scheme == "https" and address.scheme == "http":
            raise ForbiddenError("from https down to plain http")
        if entry.loopback and not any(e.loopback and e.matches(came_from) for e in entries):
            raise ForbiddenError("from a public host to this machine")
    return address
