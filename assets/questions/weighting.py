"""Targets of weights that are made here, placed on the rows of the sample.

Belongs here: codes and labels of targets against the file, who is in which cell, who is in none. Does not belong here:
the base weight (assets.questions.weights), making weights that meet the targets (assets.estimates.weighting).

Codes are held to the same rules as those of banners: every code that occurs stands in one cell or under `outside`, and
labels are the file's. A respondent in no cell of a target has weight 0, and the manifest says how many there are.
"""

from dataclasses import dataclass

import numpy as np

from assets.questions.answers import Codes, Columns, Floats, TargetColumns
from assets.questions.banners import Places, of_variable
from assets.questions.source import Source
from schemas.problems import nearest
from schemas.respondents import Banner, BannerValue, Respondents, Target

_PATH = "respondents.weight.targets"


@dataclass(frozen=True, eq=False)
class Aims:
    """Targets on the rows, and the base weights, (rows,), 0 for those who are in no cell of one."""

    targets: tuple[TargetColumns, ...]
    weights: Floats


def aims(source: Source, release: str, told: Respondents, banners: tuple[Columns, ...], base: Floats) -> Aims | None:
    """The targets of a manifest; the base as it is where there are none; None with problems.

    Args:
        source: the file, the rows of the sample selected.
        release: for messages.
        told: the block of the manifest.
        banners: of the sample, as targets may name one; one with problems is not among them.
        base: (rows,) weights that the making starts from.
    """
    wanted = told.made.targets if told.made else None
    if wanted is None:
        return Aims((), base)
    before = len(source.problems)
    found: list[TargetColumns] = []
    for number, target in enumerate(wanted.margins):
        place = Places(release, f"{_PATH}.margins.{number}")
        cells = _cells(source, target, banners, place)
        if cells is not None:
            names = tuple(one.called for one in target.values)
            found.append(TargetColumns(target.called, cells, names, np.array(target.shares)))
    if len(source.problems) > before or len(found) < len(wanted.margins):
        return None
    inside = np.logical_and.reduce([one.cells >= 0 for one in found])
    left_out = int((~inside & (base > 0)).sum())
    if left_out != wanted.left_out:
        what = "another number of rows that are in no cell of a target"
        expected = f"{wanted.left_out}, as the manifest says"
        source.problems.append(Places(release, _PATH)("left_out").problem(what, left_out, expected))
    weights = np.where(inside, base, 0.0)
    for number, one in enumerate(found):
        _check_filled(source, one, weights, Places(release, f"{_PATH}.margins.{number}"))
    return None if len(source.problems) > before else Aims(tuple(found), weights)


def _cells(source: Source, target: Target, banners: tuple[Columns, ...], place: Places) -> Codes | None:
    """(rows,) cell of every row; None with problems, which may be those of the banner."""
    if target.variable is None:
        banner = next((one for one in banners if one.subgroup == target.banner), None)
        return _of_banner(source, target, banner, place) if banner else None
    values = [
        BannerValue.model_construct(value=one.called, codes=one.codes or "", label=one.label) for one in target.values
    ]
    written = Banner.model_construct(
        subgroup=target.called, variable=target.variable, values=values, outside=target.outside, cross=[]
    )
    found = of_variable(source, written, place, "cell")
    return found.member if found else None


def _of_banner(source: Source, target: Target, banner: Columns, place: Places) -> Codes | None:
    """A target by the columns of a banner: each that somebody is in has its share, and no other."""
    told = [one.called for one in target.values]
    before = len(source.problems)
    for number, name in enumerate(told):
        if name not in banner.values:
            what = f"an empty cell: nobody is in {target.called} {name!r}"
            expected = "columns of the banner that somebody is in"
            near = nearest(name, banner.values)
            source.problems.append(place(f"values.{number}.value").problem(what, name, expected, near))
    for name in banner.values:
        if name not in told:
            what = f"a column of {target.banner} without a share"
            source.problems.append(
                place("values").problem(what, name, "every column of the banner", nearest(name, told))
            )
    if len(source.problems) > before:
        return None
    cell = np.array([*(told.index(name) for name in banner.values), -1], dtype=np.int16)
    return cell[banner.member]


def _check_filled(source: Source, target: TargetColumns, weights: Floats, place: Places) -> None:
    """A cell in which nobody counts cannot be given its share."""
    there = np.bincount(target.cells[weights > 0], minlength=len(target.names))
    for number in np.flatnonzero(there == 0):
        name = target.names[number]
        what = f"an empty cell: nobody with a base weight above 0 is in {target.called} {name!r}"
        expected = "cells that are merged, or rows that belong to this release"
        source.problems.append(place(f"values.{number}.share").problem(what, None, expected))
