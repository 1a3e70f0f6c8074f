"""No two releases may claim one wave and vintage, and a wave has one spelling.

Belongs here: the check across the manifests of a whole house. Does not belong here: anything about a single release.
"""

from collections.abc import Mapping

from assets.releases.discover import MANIFEST
from assets.releases.ledger import Event
from schemas.manifest import Release
from schemas.problems import Problem


def duplicates(manifests: Mapping[str, Release], others: Mapping[str, Event]) -> dict[str, Problem]:
    """Which of the releases being loaded claim what another one claims.

    Args:
        manifests: release -> manifest, of those being loaded.
        others: live releases, also those being loaded; what they claimed before they keep.

    Returns:
        Release -> problem. Two newcomers with one claim both have it: which is right is not ours to choose.
    """
    claims: dict[str, list[str]] = {}
    spellings: dict[str, dict[str, str]] = {}
    keys = {name: event.wave_key for name, event in others.items() if event.wave_key}
    # Whoever is published under this key already and claims it again is no newcomer, though it is loaded again.
    held = {name for name, manifest in manifests.items() if keys.get(name) == wave_key(manifest)}
    keys |= {name: wave_key(manifest) for name, manifest in manifests.items()}
    for name, key in sorted(keys.items(), key=lambda k: (k[0] in manifests and k[0] not in held, k[0])):
        claims.setdefault(key, []).append(name)
        spellings.setdefault(_spelling(key), {}).setdefault(_wave(key), name)
    found: dict[str, Problem] = {}
    for name, manifest in manifests.items():
        if name in held:
            continue
        key, file = keys[name], f"{name}/{MANIFEST}"
        same = [other for other in claims[key] if other != name]
        alike = [other for wave, other in spellings[_spelling(key)].items() if wave != _wave(key)]
        if same:
            found[name] = Problem(
                "duplicate",
                file,
                f"two releases claim wave {manifest.wave} and vintage {manifest.vintage}",
                column="vintage",
                value=manifest.vintage,
                expected="another vintage, or one release less",
                nearest=same[0],
            )
        elif alike:
            found[name] = Problem(
                "duplicate",
                file,
                "the same wave under another spelling",
                column="wave",
                value=manifest.wave,
                expected="one spelling in the whole series",
                nearest=alike[0],
            )
    return found


def wave_key(manifest: Release) -> str:
    """`organisation/series/wave@vintage`."""
    return f"{manifest.organisation}/{manifest.series}/{manifest.wave}@{manifest.vintage}"


def _wave(key: str) -> str:
    return key.split("@")[0]


def _spelling(key: str) -> str:
    """`…/08` and `…/8` are one wave."""
    head, _, last = _wave(key).rpartition("/")
    return f"{head}/{last.lstrip('0') or '0'}"
