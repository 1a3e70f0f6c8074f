"""Strata and primary sampling units of a sample, as numbers.

Belongs here: crossing strata, making PSUs unique within them, refusing those that are missing. Does not belong here:
variances (assets.estimates.design).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.questions.answers import Mask, Units
from assets.questions.columns import Coded
from assets.questions.conditions import is_missing
from assets.questions.source import Place, Source, number_of_rows
from assets.releases.discover import MANIFEST
from schemas.respondents import SampleDesign


@dataclass(frozen=True, eq=False)
class Design:
    """Numbers of strata and PSUs (both (rows,), None where there is nothing to tell), and the names of the strata."""

    stratum: Units | None = None
    psu: Units | None = None
    names: tuple[str, ...] = ()


def design(source: Source, release: str, told: SampleDesign | None, weighted: Mask) -> Design | None:
    """The design of the sample; None with problems.

    A row with weight 0 that has no stratum or PSU takes the place of the first row that counts: it adds nothing there.
    A row that counts must have both.

    Args:
        source: the file, the rows of the sample selected.
        release: for messages.
        told: the manifest's statement; None is a sample without strata and clusters.
        weighted: (rows,) weight above 0.
    """
    if told is None:
        return Design()
    before = len(source.problems)
    wanted = [(f"strata.{at}", name) for at, name in enumerate(told.strata)] + ([("psu", told.psu)] if told.psu else [])
    units = [_units(source, release, column, name, weighted) for column, name in wanted]
    if len(source.problems) > before:
        return None
    columns = [one for one in units if one is not None]
    stratum = _crossed([at for _, at in columns[: len(told.strata)]], source.file.size)
    named = list(zip(told.strata, columns, strict=False))
    names = _names([(name, coded, at) for name, (coded, at) in named], stratum)
    psu = None
    if told.psu:
        psu = _crossed([stratum, columns[-1][1]], source.file.size)
    return Design(stratum if len(names) > 1 else None, psu, names if len(names) > 1 else ())


def _units(
    source: Source, release: str, column: str, name: str, weighted: Mask
) -> tuple[Coded, npt.NDArray[np.int32]] | None:
    place = Place("manifest", f"{release}/{MANIFEST}", None, f"respondents.design.{column}")
    variable = source.variable(name, place)
    if variable is None:
        return None
    coded = source.file.coded(variable)
    empty = np.array([is_missing(code, variable) for code in coded.codes], dtype=np.bool_)[coded.at]
    lost = int((empty & weighted).sum())
    if lost:
        word = "PSU" if column == "psu" else "stratum"
        what = f"respondents without a {word}"
        expected = "a value for everyone with a weight above 0, or rows that leave them out"
        source.problems.append(place.problem(what, number_of_rows(lost), expected))
        return None
    first = int(np.argmax(weighted))
    return coded, np.where(empty, coded.at[first], coded.at).astype(np.int32)


def _crossed(parts: Sequence[npt.NDArray[np.int32]], rows: int) -> Units:
    """(rows,) numbers from 0 of the combinations that occur."""
    out = np.zeros(rows, dtype=np.int64)
    for part in parts:
        both = out * (int(part.max(initial=0)) + 1) + part
        out = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return out.astype(np.int32)


def _names(
    parts: Sequence[tuple[str, Coded, npt.NDArray[np.int32]]], stratum: npt.NDArray[np.int32]
) -> tuple[str, ...]:
    """`region=3, size=1` of every stratum."""
    first = np.unique(stratum, return_index=True)[1]
    return tuple(", ".join(f"{name}={coded.codes[at[row]]}" for name, coded, at in parts) for row in first)
