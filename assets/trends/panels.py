"""What waves share: people or primary units that were in both samples, and what that does to errors of changes.

Belongs here: which releases say that they share units, how many they do, and reading them. Does not belong here: the
computation (assets.trends.overlap), the declaration (schemas.panels), looking up (assets.trends.shared).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Mask
from assets.estimates.engine.calibrated import adjustment
from assets.estimates.engine.coded import CodedFile, Panel, Question
from assets.questions.answers import NOBODY
from assets.trends import overlap
from assets.trends.columns import Codes
from assets.trends.overlap import Column, Questioned, Sample, Wave
from assets.trends.shared import ALONE, Overlap, Shared

Names = npt.NDArray[np.int64]

TOTAL = ("total", "all")


def read(files: Mapping[str, Path], waves: Mapping[str, str]) -> Shared | None:
    """What live releases say of each other; None where none has a panel.

    Args:
        files: of live releases (organisation/series/folder) their coded answers.
        waves: the wave of every live release, with answers or without.
    """
    opened = {name: CodedFile(path) for name, path in files.items()}
    members = {name: _Member(file, file.header.panel) for name, file in opened.items() if file.header.panel}
    if not members:
        return None

    @cache
    def find(one: str, two: str) -> Overlap | None:
        if one.rpartition("/")[0] != two.rpartition("/")[0]:
            return None
        return _between(members.get(one), members.get(two), waves[one], waves[two])

    return Shared(find)


class _Member(NamedTuple):
    """One wave with a panel."""

    file: CodedFile
    panel: Panel

    def column(self, name: str) -> Names:
        """(rows,)."""
        found: Names = self.file.columns([name])[name]
        return found

    @property
    def called(self) -> str:
        """What its units are called."""
        return "people" if self.panel.units == "people" else "primary units"


def _between(one: _Member | None, two: _Member | None, wave_one: str, wave_two: str) -> Overlap | None:
    """What the earlier and the later wave share; None where neither says anything of the other."""
    if two and wave_one in two.panel.also_in:
        if one:
            return _overlap(one, two, one.column(one.panel.own), two.column(two.panel.also_in[wave_one]))
        return _unnamed(two, wave_one, wave_two)
    if one and wave_two in one.panel.also_in:
        if two:
            return _overlap(one, two, one.column(one.panel.also_in[wave_two]), two.column(two.panel.own))
        return _unnamed(one, wave_two, wave_one)
    named = {wave: member for wave, member in ((wave_one, one), (wave_two, two))
             if member and member.panel.names == "series"}  # fmt: skip
    if not named:
        return None
    if one and two and len(named) == 2 and one.panel.units == two.panel.units:
        return _overlap(one, two, one.column(one.panel.own), two.column(two.panel.own))
    told = " and ".join(f"{member.called} in wave {wave}" for wave, member in named.items())
    return Overlap(f"names that hold in the series are known of {told} only: {ALONE}")


def _unnamed(member: _Member, silent: str, wave: str) -> Overlap:
    says = f"{member.called} of wave {silent} are in wave {wave}, but the file of wave {silent} does not name them"
    return Overlap(f"{says}: {ALONE}")


def _overlap(one: _Member, two: _Member, names_one: Names, names_two: Names) -> Overlap:
    """Two waves whose units have the same names."""
    weights = [np.asarray(each.column("weight"), np.float64) for each in (one, two)]
    strata = [each.column(each.panel.stratum) if each.panel.stratum else np.zeros(each.file.rows, np.int64)
              for each in (one, two)]  # fmt: skip
    unit_one, unit_two, moved = _matched((names_one, names_two), (strata[0], strata[1]))
    common = np.intersect1d(unit_one[weights[0] > 0], unit_two[weights[1] > 0])
    kind = one.called
    says = f"{len(common)} {kind} are in both samples" if len(common) else f"no {kind} are in both samples"
    says += f"; {moved} more, who are in another stratum now, are taken as others" if moved else ""
    samples = [Sample(weight, np.zeros(0), unit, stratum)
               for weight, unit, stratum in zip(weights, (unit_one, unit_two), strata, strict=True)]  # fmt: skip
    waves = [_wave(each.file, sample) for each, sample in zip((one, two), samples, strict=True)]
    design = overlap.pooled(samples[0], samples[1], one.file.header.lonely)
    return Overlap(says, cache(lambda item: overlap.correlations(waves[0], waves[1], design, item)))


def _matched(names: tuple[Names, Names], strata: tuple[Names, Names]) -> tuple[Codes, Codes, int]:
    """Numbers of units, alike for the same name in the same stratum; and how many names moved to another stratum."""
    keys = [np.rec.fromarrays([stratum, name]) for name, stratum in zip(names, strata, strict=True)]
    alone = []  # who has no name is nobody else
    for side, name in enumerate(names):
        lost = np.flatnonzero(name == NOBODY)
        keys[side]["f1"][lost] = np.arange(len(lost)) * 2 + side + 1
        alone.append(len(lost))
    _, of = np.unique(np.concatenate(keys), return_inverse=True)
    one, two = of[: len(names[0])].astype(np.intp), of[len(names[0]) :].astype(np.intp)
    known = np.intersect1d(names[0][names[0] != NOBODY], names[1][names[1] != NOBODY])
    return one, two, len(known) - len(np.intersect1d(one[names[0] != NOBODY], two[names[1] != NOBODY]))


def _wave(file: CodedFile, sample: Sample) -> Wave:
    header = file.header
    masks: dict[Column, Mask] = {TOTAL: np.ones(file.rows, np.bool_)}
    for banner in header.banners:
        member = file.columns([banner.column])[banner.column]
        masks |= {(banner.subgroup, value): member == at for at, value in enumerate(banner.values)}
    asked = {question.item: question for question in header.questions}
    made, residual = header.calibration, None
    if made is not None:
        arrays = file.columns([made.before, made.after, *(one.column for one in made.targets)])
        targets = [(arrays[one.column], len(one.names)) for one in made.targets]
        residual = adjustment(targets, arrays[made.before], arrays[made.after], made.rake).residual
    return Wave(sample, masks, lambda item: _questioned(file, asked[item]) if item in asked else None, residual)


def _questioned(file: CodedFile, question: Question) -> Questioned | None:
    """Answers as columns of 0 and 1, those of nets behind those of categories."""
    if question.column is not None:
        codes = file.columns([question.column])[question.column]
        base, parts = codes >= 0, codes[:, None] == np.arange(len(question.categories))
    elif question.columns:
        ticks = file.columns(question.columns)
        base = ticks[question.columns[0]] >= 0
        parts = np.column_stack([ticks[name] == 1 for name in question.columns])
    else:
        return None
    nets = [parts[:, [question.categories.index(part) for part in of]].any(axis=1) for of in question.nets.values()]
    chosen = np.column_stack([parts, *nets]).astype(np.float64)
    return Questioned([*question.categories, *question.nets], chosen, base)
