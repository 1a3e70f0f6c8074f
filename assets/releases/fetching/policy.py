"""What may be fetched, and how much of it for how long.

Belongs here: the policy, its defaults, the variables of the environment. Does not belong here: the meaning of one entry
(entries), holding a download to the policy (addresses, network, storage, part).
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from assets.releases.fetching.entries import check_prefix, read_entry
from schemas.problems import Problem, ProblemsError

HOSTS_VARIABLE = "WEATHERVANE_FETCH_HOSTS"
LARGEST_VARIABLE = "WEATHERVANE_FETCH_LARGEST"
SECONDS_VARIABLE = "WEATHERVANE_FETCH_SECONDS"

LARGEST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class FetchPolicy:
    """What may be fetched, and how much of it for how long. The default fetches nothing.

    Plain http is allowed for the entries that say so (`http://…`) and for no other host; there is no switch
    for all.

    Attributes:
        allowed_hosts: `example.org` (https on port 443), `example.org:8443`, `*.example.org` (hosts below
            example.org, not itself), `http://example.org` (plain http, nothing else). `http://127.0.0.1:8000`
            and `https://localhost:8443` are the only form that reaches this machine, on exactly that port.
        allowed_prefixes: `s3://bucket/folder/`, `file:///srv/releases/`: what fsspec may open; nothing else.
        largest_bytes: of one file.
        seconds: from the call to the last byte, all attempts and waits included.
        connect_seconds: for each connection.
        redirects: how many are followed; each target passes the same checks.
        attempts: in all, after transient failures.
        first_wait: seconds before the second attempt; doubled for each further one, with jitter.
        verify: what decides on certificates, if not the public authorities: for tests.

    Raises:
        ValueError: An entry that is not a host or a prefix, or could never be fetched.
    """

    allowed_hosts: frozenset[str] = frozenset()
    allowed_prefixes: tuple[str, ...] = ()
    largest_bytes: int = LARGEST_BYTES
    seconds: float = 120.0
    connect_seconds: float = 10.0
    redirects: int = 5
    attempts: int = 3
    first_wait: float = 0.5
    verify: ssl.SSLContext | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """A policy with a mistake in it is refused when it is made, not at the first fetch."""
        for host in self.allowed_hosts:
            read_entry(host)
        for prefix in self.allowed_prefixes:
            check_prefix(prefix)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "FetchPolicy":
        """The policy of the three variables WEATHERVANE_FETCH_HOSTS, …_LARGEST (bytes) and …_SECONDS.

        Hosts are separated by commas. Entries with another scheme than http(s) are prefixes for fsspec
        (`s3://bucket/folder/`).

        Args:
            environ: the environment.

        Raises:
            ProblemsError: A variable that cannot be used, with its name in place of the file.
        """
        entries = [entry.strip() for entry in environ.get(HOSTS_VARIABLE, "").split(",") if entry.strip()]
        prefixes = [e for e in entries if "://" in e and not e.lower().startswith(("http://", "https://"))]
        hosts = [entry.lower() for entry in entries if entry not in prefixes]
        numbers = {
            LARGEST_VARIABLE: float(LARGEST_BYTES),
            SECONDS_VARIABLE: cls.seconds,
        }
        problems = []
        for name in numbers:
            text = environ.get(name, "").strip()
            try:
                numbers[name] = float(int(text)) if text else numbers[name]
                if numbers[name] < 1:
                    raise ValueError
            except ValueError:
                unit = "bytes" if name == LARGEST_VARIABLE else "seconds"
                problems.append(
                    Problem(
                        "fetch",
                        name,
                        "not a number",
                        value=text,
                        expected=f"a whole number of {unit}, at least 1",
                    )
                )
        for entry in entries:
            try:
                check_prefix(entry) if entry in prefixes else read_entry(entry.lower())
            except ValueError as error:
                problems.append(Problem("fetch", HOSTS_VARIABLE, str(error)))
        if problems:
            raise ProblemsError(problems)
        return cls(
            allowed_hosts=frozenset(hosts),
            allowed_prefixes=tuple(prefixes),
            largest_bytes=int(numbers[LARGEST_VARIABLE]),
            seconds=numbers[SECONDS_VARIABLE],
        )
