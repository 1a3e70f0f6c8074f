"""Banners of a sample: which column of a crosstab every respondent stands in.

Belongs here: codes of the manifest's banners (and of targets, which are written alike) against the file, crossing
banners. Does not belong here: percentages, targets themselves (assets.questions.weighting).
"""

import numpy as np
import numpy.typing as npt

from assets.questions.answers import Columns
from assets.questions.columns import Coded, in_order
from assets.questions.conditions import known, labels_of, matching
from assets.questions.source import Place, Source, label_difference, plain_label
from assets.releases.discover import MANIFEST
from schemas.codebook import Variable
from schemas.conditions import parse_codes
from schemas.problems import shorten
from schemas.respondents import Banner, BannerValue

_SHOWN = 5  # codes in one message


def banners(source: Source, release: str, told: list[Banner]) -> tuple[Columns, ...]:
    """The banners in their order; one with problems, and those that cross it, are left out."""
    done: dict[str, Columns] = {}
    for number, banner in enumerate(told):
        place = Places(release, f"respondents.banners.{number}")
        if banner.cross:
            parts = [done[name] for name in banner.cross if name in done]
            found = _crossed(banner.subgroup, parts) if len(parts) == len(banner.cross) else None
        else:
            found = of_variable(source, banner, place)
        if found is not None:
            done[banner.subgroup] = found
    return tuple(done.values())


class Places:
    """Places in one block of the manifest."""

    def __init__(self, release: str, path: str) -> None:
        """`path` is the block's path of keys."""
        self._file, self._path = f"{release}/{MANIFEST}", path

    def __call__(self, key: str) -> Place:
        """The place of one of its keys."""
        return Place("manifest", self._file, None, f"{self._path}.{key}")


def of_variable(source: Source, banner: Banner, place: Places, part: str = "column") -> Columns | None:
    """A banner of one variable, whose parts are called columns or cells; None with problems."""
    variable = source.variable(banner.variable or "", place("variable"))
    if variable is None:
        return None
    before = len(source.problems)
    coded = source.file.coded(variable)
    counts = np.bincount(coded.at, minlength=len(coded.codes))
    member = np.full(len(coded.codes), -1, dtype=np.int16)
    taken = np.zeros(len(coded.codes), dtype=np.int16)
    for number, value in enumerate(banner.values):
        codes = parse_codes(value.codes)
        at = place(f"values.{number}.codes")
        there = known(codes, variable, coded, source, at)
        chosen = matching(codes, variable, coded)
        _check_label(source, value, variable, place(f"values.{number}.label"))
        if there and not counts[chosen].sum():
            what = f"a stale {part}: nobody is in {banner.subgroup} {value.value!r}"
            source.problems.append(at.problem(what, value.codes, f"codes that somebody has, or no such {part}"))
        member[chosen] = number
        taken += chosen
    if banner.outside is not None:
        taken += matching(parse_codes(banner.outside), variable, coded)
    _check_once(source, banner, coded, counts, taken, place, part)
    if len(source.problems) > before:
        return None
    return Columns(banner.subgroup, tuple(value.value for value in banner.values), member[coded.at])


def _check_label(source: Source, value: BannerValue, variable: Variable, place: Place) -> None:
    """The labels of single codes must be the file's; ranges have none."""
    labels = labels_of(variable)
    exact = [code for code in parse_codes(value.codes).exact if code in labels]
    given = "|".join(plain_label(labels[code]) for code in exact)
    written = "|".join(part.strip() for part in plain_label(value.label).split("|"))
    if written == "|".join(part.strip() for part in given.split("|")):
        return
    expected = f"the file's label {shorten(given)!r}" if given else "nothing, as the file does not label these codes"
    what = "the label of the codes is missing"
    if written:
        what = f"the label of the codes is not the file's{label_difference(written, given)}"
    source.problems.append(place.problem(what, written or None, expected))


def _check_once(
    source: Source,
    banner: Banner,
    coded: Coded,
    counts: npt.NDArray[np.int64],
    taken: npt.NDArray[np.int16],
    place: Places,
    part: str,
) -> None:
    """Every code that a respondent has stands in one part, or is said to be outside."""
    times = [(code, n) for code, count, n in zip(coded.codes, counts, taken, strict=True) if count]
    left = in_order(code for code, n in times if not n)
    twice = in_order(code for code, n in times if n > 1)
    if left:
        what = f"codes of {banner.variable} in no {part} of {banner.subgroup}"
        expected = "every code under values or outside"
        source.problems.append(place("values").problem(what, _listed(left), expected))
    if twice:
        what = f"codes of {banner.variable} in two {part}s of {banner.subgroup}, or in one and outside"
        source.problems.append(place("values").problem(what, _listed(twice), "each code once"))


def _listed(codes: list[str]) -> str:
    return ", ".join(codes[:_SHOWN]) + (f" and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else "")


def _crossed(subgroup: str, parts: list[Columns]) -> Columns:
    """Combinations that somebody is in, in the order of the parts; who is in no column of one is in none here."""
    combined = np.zeros(len(parts[0].member), dtype=np.int32)
    inside = np.ones(len(combined), dtype=np.bool_)
    names = [""]
    for part in parts:
        combined = combined * len(part.values) + part.member
        inside &= part.member >= 0
        names = [f"{before}, {value}".removeprefix(", ") for before in names for value in part.values]
    counts = np.bincount(combined[inside], minlength=len(names))
    place = np.where(counts > 0, np.cumsum(counts > 0) - 1, -1)
    member = np.full(len(combined), -1, dtype=np.int16)
    member[inside] = place[combined[inside]]
    return Columns(subgroup, tuple(name for name, count in zip(names, counts, strict=True) if count), member)
