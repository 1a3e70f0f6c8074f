"""Names of people and of primary units that are in other waves too, as numbers that are the same in both files.

Belongs here: reading the variables that the manifest names, refusing those that name nobody or two people alike. Does
not belong here: strata and PSUs as a design (assets.questions.strata), what waves share (assets.trends.panels).

A number is made of a name by a hash, within one series. That keeps names out of sight and out of messages; it hides
nothing from who has the file, and like the answers beside it it stays in the lake.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from assets.questions.answers import NOBODY, Mask, PanelUnits
from assets.questions.columns import Coded
from assets.questions.conditions import is_missing
from assets.questions.source import Place, Source, number_of_rows
from assets.releases.discover import MANIFEST
from schemas.panels import Panel
from schemas.respondents import Respondents

Names = npt.NDArray[np.int64]


def units(source: Source, release: str, told: Respondents, counted: Mask) -> PanelUnits | None:
    """Units of the sample; None without a panel, and with problems.

    Args:
        source: the file, the rows of the sample selected.
        release: organisation/series/folder.
        told: the block `respondents`.
        counted: (rows,) weight above 0.
    """
    panel = told.panel
    if panel is None:
        return None
    before, series = len(source.problems), release.rpartition("/")[0]
    own = _own(source, release, told, panel, counted)
    crossed = told.design.strata if told.design else []
    strata = [_names(source, _place(release, "units"), name, series, "stratum") for name in crossed]
    also_in = {
        one.wave: _names(source, _place(release, f"also_in.{at}.id"), one.id, series, "people")
        for at, one in enumerate(panel.also_in)
    }
    if len(source.problems) > before or own is None:
        return None
    there = {wave: names for wave, names in also_in.items() if names is not None}
    return PanelUnits(own, _combined([one for one in strata if one is not None]), there)


def _own(source: Source, release: str, told: Respondents, panel: Panel, counted: Mask) -> Names | None:
    name = panel.id or (told.design.psu if told.design else None) or ""
    place = _place(release, "id" if panel.id else "units")
    found = _names(source, place, name, release.rpartition("/")[0], panel.units)
    if found is None:
        return None
    lost = int(((found == NOBODY) & counted).sum())
    if lost:
        what = "respondents without a name in the panel"
        source.problems.append(place.problem(what, number_of_rows(lost), "a name for everyone with a weight above 0"))
    if panel.units == "people":
        alike = int(counted.sum()) - lost - len(np.unique(found[counted & (found != NOBODY)]))
        if alike:
            what = "a panel in which people have the name of somebody else"
            source.problems.append(place.problem(what, number_of_rows(alike), "a name of his own for each"))
    return found


def _place(release: str, column: str) -> Place:
    return Place("manifest", f"{release}/{MANIFEST}", None, f"respondents.panel.{column}")


def _names(source: Source, place: Place, name: str, series: str, kind: str) -> Names | None:
    """(rows,) numbers made of the codes of a variable; None with a problem if there is no such variable."""
    variable = source.variable(name, place)
    if variable is None:
        return None
    coded: Coded = source.file.coded(variable)
    numbers = [NOBODY if is_missing(code, variable) else _number(series, kind, code) for code in coded.codes]
    return np.array(numbers, np.int64)[coded.at]


def _number(*texts: str) -> int:
    made = hashlib.blake2b("\n".join(texts).encode(), digest_size=8).digest()
    return int.from_bytes(made, signed=True) or 1


def _combined(parts: list[Names]) -> Names | None:
    """(rows,) one number of several, the same wherever they are; strata that are crossed."""
    if not parts:
        return None
    out = parts[0].astype(np.uint64)
    for part in parts[1:]:
        out = out * np.uint64(0x9E3779B97F4A7C15) + part.astype(np.uint64)
    return out.astype(np.int64)
