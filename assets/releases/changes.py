"""What changed since the last refresh, and why: by content, never by clock or name.

Belongs here: fingerprints of what a load depends on, and the cause that a difference in them means. Does not belong
here: reading the files (assets.releases.discover), loading them (assets.ingest).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from assets.releases.discover import CROSSWALK, MANIFEST, Context, Found
from assets.releases.ledger import CONTEXT, Event, Ledger, awaited
from schemas.vocabulary import Cause

# Part of a fingerprint -> the cause a difference in it means, in the order in which a person should be told.
_CAUSES: tuple[tuple[str, Cause], ...] = (
    ("data", "data"),
    ("files", "data"),
    ("weights", "weights"),
    ("corrections", "correction"),
    ("crosswalk", "crosswalk"),
    ("items", "crosswalk"),
    ("code", "code"),
    ("manifest", "metadata"),
    ("parents", "metadata"),
)
# A release set aside for one of these may be fine today though its own files are the same.
_TRY_AGAIN = {"fetch", "duplicate", "timed_out", "crashed"}


@dataclass
class Plan:
    """What a refresh has to do.

    Attributes:
        todo: release folders to load, with the event of their last try (None: new).
        withdrawn: releases whose folder is gone.
        context_changed: whether items, claims, organisations or series differ.
        same: how many releases need nothing.
        live: published loads as they are.
    """

    todo: list[tuple[Found, Event | None]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    context_changed: bool = False
    same: int = 0
    live: dict[str, Event] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether the catalogue is as it was."""
        return not self.todo and not self.withdrawn and not self.context_changed


def fingerprint(found: Found, items: list[str], context: Context, code: str) -> dict[str, str]:
    """The parts that a load of this release depends on, as checksums.

    `files` (fetched ones included), `weights` and `corrections` only a parse can tell; they are added then.
    """
    digests = context.digests()
    organisation, series, _ = found.release.split("/")
    parents = (f"releases/{organisation}/organisation.yml", f"releases/{organisation}/{series}/series.yml")
    return {
        "data": found.digest(besides=(MANIFEST, *CROSSWALK)),
        "crosswalk": found.digest(*CROSSWALK),
        "manifest": found.digest(MANIFEST),
        "items": " ".join(f"{item}={digests.get(f'items/{item}.yml', 'absent')[:16]}" for item in sorted(items)),
        "parents": " ".join("there" if parent in digests else "absent" for parent in parents),
        "code": code,
    }


def plan(
    found: list[Found],
    context: Context,
    ledger: Ledger,
    code: str,
    at_hand: Callable[[str, int | None], bool] = lambda *_: False,
) -> Plan:
    """Compare the catalogue with the ledger.

    Args:
        found: the releases as they are.
        context: the rest of the catalogue.
        ledger: what was loaded.
        code: version of the code that loads.
        at_hand: whether a file of this checksum and size is there: a release that awaited it is loaded then.
    """
    out = Plan(live=ledger.live())
    for release in found:
        state = ledger.states.get(release.release)
        last = state.last if state else None
        now = fingerprint(release, last.items if last else [], context, code)
        known = {k: v for k, v in last.parts.items() if k in now} if last else {}
        again = last is not None and last.status == "quarantined" and any(p.cause in _TRY_AGAIN for p in last.problems)
        again |= last is not None and any(at_hand(file["sha256"], file["bytes"]) for file in awaited(last))
        if last is None or last.status == "withdrawn" or known != now or again:
            out.todo.append((release, last))
        else:
            out.same += 1
    here = {release.release for release in found}
    out.withdrawn = [
        name
        for name, state in ledger.states.items()
        if name != CONTEXT and name not in here and state.last.status != "withdrawn"
    ]
    before = ledger.context
    out.context_changed = bool(context.files) and (before is None or before.parts != context.digests())
    return out


def cause(before: Event | None, parts: dict[str, str]) -> Cause:
    """Why this load differs from the last good one: the first part that differs; `new` for a first load."""
    if before is None:
        return "new"
    for part, word in _CAUSES:
        if before.parts.get(part) != parts.get(part):
            return word
    return "data"
