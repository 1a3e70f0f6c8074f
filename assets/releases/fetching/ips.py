"""IP addresses: which ones a name has, and whether one is of the public internet.

Belongs here: resolving within a time limit, the kinds of IP addresses. Does not belong here: URLs (addresses), which
hosts are allowed (policy), connecting (network).
"""

import ipaddress
import queue
import socket
import threading

from assets.releases.fetching.failures import ForbiddenError, TransientError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


def as_ip(text: str) -> IP | None:
    """The IP that a text spells out, or None for a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def not_public(ip: IP) -> str | None:
    """Why an address is not one of the public internet, or None if it is."""
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo):
        return "an IPv6 address with an IPv4 address inside"  # which would escape the questions below
    kinds = {
        "a loopback address": ip.is_loopback,
        "a link-local address": ip.is_link_local,
        "a multicast address": ip.is_multicast,
        "an unspecified address": ip.is_unspecified,
        "a private address": ip.is_private or (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local),
        "a reserved address": ip.is_reserved or not ip.is_global,
    }
    return next((kind for kind, is_it in kinds.items() if is_it), None)


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a name. getaddrinfo knows no timeout: it runs in a thread that can be left behind."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(item[4][0]) for item in found)))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="weathervane-resolve").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TransientError(f"no address for {host} within {seconds:.0f} s") from None
    if isinstance(answer, socket.gaierror):
        if answer.errno == socket.EAI_AGAIN:
            raise TransientError(f"no address for {host} at the moment")
        raise ForbiddenError(f"{host} has no address ({answer.strerror})")
    if isinstance(answer, Exception):
        raise ForbiddenError(f"{host} cannot be looked up ({answer})")
    return answer
