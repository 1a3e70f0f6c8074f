"""From a harmonised sample to coded answers: columns in the order of the sums, and what they mean.

Belongs here: names of columns, nets, what a question's figures say of themselves. Does not belong here: the format
(`.coded`), harmonising (assets.questions).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from assets.estimates.dependence import of_banners, of_question, of_sample
from assets.estimates.engine import coded
from assets.estimates.engine.coded import Array, Banner, Coded, Header, Question
from assets.estimates.engine.frame import order
from assets.estimates.replication import said, scales
from assets.estimates.rows import question_flags, wave_columns
from assets.questions.answers import Answer, Calibration, PanelUnits, Sample
from schemas.item import Item
from schemas.manifest import ALL_RESPONDENTS, Release
from schemas.panels import Panel
from schemas.respondents import Respondents


def code(release: Release, told: Respondents, name: str, sample: Sample, inputs: str) -> Coded:
    """Coded answers of a release.

    Args:
        release: its manifest.
        told: its block `respondents`.
        name: organisation/series/folder.
        sample: its answers after harmonisation.
        inputs: checksum of the file of answers.
    """
    arrays = _Arrays(sample)
    arrays.add("weight", sample.weights)
    for column, units in (("stratum", sample.stratum), ("psu", sample.psu), ("population", sample.population)):
        if units is not None:
            arrays.add(column, units)
    replicates = _replicates(told, sample, arrays)
    calibration = None if sample.calibration is None else _calibration(sample.calibration, arrays)
    panel = None if sample.panel is None or told.panel is None else _panel(told.panel, sample.panel, arrays)
    depends = of_banners(told)
    banners = [
        Banner(
            subgroup=one.subgroup,
            column=arrays.add(f"by_{one.subgroup}", one.member),
            values=list(one.values),
            depends=depends.get(one.subgroup, ""),
        )
        for one in sample.banners
    ]
    questions = [_question(release, told, sample, answer, arrays) for answer in sample.answers]
    header = Header(
        release=name,
        **wave_columns(release),
        vintage=release.vintage,
        source_url=release.source_url,
        inputs=inputs,
        depends=of_sample(told),
        lonely=told.design.lonely if told.design else "fail",
        variance_method=_variance_method(told, sample),
        interval=told.interval,
        normal=told.quantile == "normal",
        model_based=release.sample.probability == "no",
        calibration=calibration,
        replicates=replicates,
        panel=panel,
        banners=banners,
        questions=questions,
    )
    return Coded(header, arrays.made)


def nets(item: Item, categories: Sequence[str]) -> dict[str, list[str]]:
    """Nets with those of their parts that are among the categories; nets of nets down to their parts."""
    parts = {category.id: category.of for category in item.categories if category.kind == "net"}

    def leaves(of: str, above: frozenset[str]) -> set[str]:
        if of not in parts:
            return {of}
        return {leaf for part in parts[of] if part not in above for leaf in leaves(part, above | {part})}

    found = {net: leaves(net, frozenset({net})) for net in parts}
    return {net: kept for net, of in found.items() if (kept := [one for one in categories if one in of])}


class _Arrays:
    """Columns in the order of strata and PSUs, under names that differ in more than their case."""

    def __init__(self, sample: Sample) -> None:
        self.made: dict[str, Array] = {}
        self._taken: set[str] = set()
        self._order = order(sample.stratum, sample.psu)

    def add(self, name: str, values: Any) -> str:
        """Keep a column; its name in the file."""
        free = next(one for one in _names(name) if one.casefold() not in self._taken)
        self._taken.add(free.casefold())
        self.made[free] = np.ascontiguousarray(values if self._order is None else values[self._order])
        return free


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _calibration(made: Calibration, arrays: _Arrays) -> coded.Calibration:
    targets = [
        coded.Target(called=one.called, column=arrays.add(f"target_{one.called}", one.cells), names=list(one.names))
        for one in made.targets
    ]
    before, after = arrays.add("weight_before", made.before), arrays.add("weight_after", made.after)
    return coded.Calibration(targets=targets, before=before, after=after, rake=made.rake, said=made.said)


def _replicates(told: Respondents, sample: Sample, arrays: _Arrays) -> coded.Replicates | None:
    given = told.design.replicates if told.design else None
    if given is None:
        return None
    if sample.replicates is None:
        draws = {"fay": given.fay or 0.0, "count": given.count or 0, "seed": 1 if given.seed is None else given.seed}
        return coded.Replicates(make=given.make, **draws, mse=given.mse)
    combined = sample.replicates if given.combined else sample.replicates * sample.weights[:, None]
    columns = [arrays.add(f"replicate_{number}", one) for number, one in enumerate(combined.T, 1)]
    return coded.Replicates(columns=columns, scales=scales(given).tolist(), mse=given.mse)


def _panel(told: Panel, units: PanelUnits, arrays: _Arrays) -> coded.Panel:
    return coded.Panel(
        units=told.units,
        names=told.names,
        own=arrays.add("unit", units.own),
        stratum=None if units.stratum is None else arrays.add("unit_stratum", units.stratum),
        also_in={wave: arrays.add(f"unit_in_{wave}", names) for wave, names in units.also_in.items()},
    )


def _question(release: Release, told: Respondents, sample: Sample, answer: Answer, arrays: _Arrays) -> Question:
    row = answer.question
    base = row.base or ALL_RESPONDENTS
    flags = question_flags(release, row, base) | (set() if told.weighted else {"unweighted"})
    column, columns, scores = None, [], None
    if answer.ticked is not None:
        columns = [
            arrays.add(f"q_{row.question}__{category}", np.where(answer.base, ticked, -1).astype(np.int8))
            for category, ticked in zip(answer.categories, answer.ticked.T, strict=True)
        ]
    elif answer.chosen is not None and answer.categories:
        placed = np.where(answer.chosen < 0, len(answer.categories), answer.chosen)
        column = arrays.add(f"q_{row.question}", np.where(answer.base, placed, -1).astype(np.int16))
    if answer.scores is not None:
        scores = arrays.add(f"score_{row.question}", np.where(answer.base, answer.scores, np.nan))
    derived = answer.item.derived
    return Question(
        question=row.question,
        item=answer.item.item,
        base=base,
        flags=sorted(flags),
        categories=list(answer.categories),
        nets=nets(answer.item, answer.categories),
        column=column,
        columns=columns,
        scores=scores,
        statistic="index" if derived is not None and derived.kind == "index" else "mean",
        depends=of_question(answer, sample),
    )


def _variance_method(told: Respondents, sample: Sample) -> str:
    drawn = told.design
    finite = ", finite population correction" if drawn and drawn.population else ""
    if drawn and drawn.replicates:
        return said(drawn.replicates, bool(drawn.strata), sample) + finite
    parts = ["strata"] * bool(drawn and drawn.strata) + ["PSU"] * bool(drawn and drawn.psu)
    weighted = "weights only" if told.weighted else "no weights"
    return "Taylor linearisation, " + (" and ".join(parts) or weighted) + finite
