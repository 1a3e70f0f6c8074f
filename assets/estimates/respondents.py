"""Estimates from respondents' answers: shares, nets and means of every question in every column of the banners.

Belongs here: which groups and categories get a row, and the rows. Does not belong here: harmonising answers
(assets.questions.respondents), errors and intervals (`.margins`, `.design`), published figures (`.published`).

A column of a banner in which nobody of the base has a weight above 0 has no rows: nothing is known, which is not 0. A
category that the question offered and nobody chose has its row with 0; one that no code of the question leads to has
none. A net is the share of those who chose one of its parts, with the error of just that, never a sum of errors; of a
question with several answers that is less than the sum of its parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from assets.estimates.dependence import estimate_id, of_banners, of_question, of_sample
from assets.estimates.design.design import Design, DesignError, survey_design
from assets.estimates.margins import Group, Indicators, Margin, Rows, group, mean_margin, share_margins
from assets.estimates.rows import interval_name, question_flags, wave_columns
from assets.questions.answers import Answer, Sample
from schemas.item import Item
from schemas.manifest import ALL_RESPONDENTS, Release
from schemas.problems import Problem, ProblemsError
from schemas.respondents import Respondents

TOTAL = ("total", "all")
_RULES = "remove, certainty, adjust or average, or strata that are merged (fail refuses)"


class _Column(NamedTuple):
    """One column of a banner: its respondents, by position in the question's base."""

    subgroup: str
    value: str
    inside: Rows


@dataclass(frozen=True)
class _Context:
    """What all questions of a release share."""

    release: Release
    told: Respondents
    name: str
    sample: Sample
    design: Design
    variance_method: str
    depends: tuple[str, str]
    banners: dict[str, str]

    @property
    def normal(self) -> bool:
        """Whether intervals take the normal quantile."""
        return self.told.quantile == "normal"

    def columns(self, base: Rows) -> Iterator[_Column]:
        """The total, then every column of every banner that has somebody of the base."""
        yield _Column(*TOTAL, np.arange(len(base)))
        for banner in self.sample.banners:
            member = banner.member[base]
            for at, value in enumerate(banner.values):
                inside = np.flatnonzero(member == at)
                if len(inside):
                    yield _Column(banner.subgroup, value, inside)

    def common(self, answer: Answer, column: _Column, of: Group, margin: Margin) -> dict[str, Any]:
        """What rows of shares and of scores have alike."""
        base = answer.question.base or ALL_RESPONDENTS
        flags = margin.flags | question_flags(self.release, answer.question, base)
        if self.told.weight_variable is None:
            flags = flags | {"unweighted"}
        return {
            **wave_columns(self.release),
            "item": answer.item.item,
            "subgroup": column.subgroup,
            "subgroup_value": column.value,
            "n": of.n,
            "weighted_n": of.weighted_n,
            "degrees_of_freedom": float(of.df),
            "basis": "microdata",
            "variance_method": self.variance_method if margin.error is not None else None,
            "interval_method": interval_name(self.release, margin.rule) if margin.rule else None,
            "flags": sorted(flags),
            "base": base,
            "source_url": self.release.source_url,
            "release": self.name,
            "question": answer.question.question,
        }


def estimate_respondents(
    release: Release, name: str, sample: Sample, inputs: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Estimates and scores of one release.

    Args:
        release: its manifest, with the block `respondents`.
        name: organisation/series/folder.
        sample: its answers after harmonisation.
        inputs: checksum of the file of answers.

    Returns:
        Rows of estimates (see `assets.releases.ledger.VALUES`, without load_vintage) in percent and points, and rows
        of `schemas.tables.figures.SCORES` in the unit of the scores. The total comes first, nets after categories.

    Raises:
        ProblemsError: a stratum has one PSU and the manifest gives no rule for that; a PSU lies in two strata.
        ValueError: the manifest has no block `respondents`.
    """
    told = release.respondents
    if told is None:
        raise ValueError(f"{name} has no block respondents")
    if not (sample.weights > 0).any():
        return [], []
    design = sample_design(told, name, sample)
    depends = (inputs, of_sample(told))
    context = _Context(release, told, name, sample, design, _variance_method(design, told), depends, of_banners(told))
    shares: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for answer in sample.answers:
        shares += _share_rows(context, answer)
        scores += _score_rows(context, answer)
    return shares, scores


def sample_design(told: Respondents, name: str, sample: Sample) -> Design:
    """The design of a sample.

    Raises:
        ProblemsError: see `estimate_respondents`; lone PSUs of all strata come in one problem.
    """
    rule = told.design.lonely if told.design else "fail"

    def refused(what: str, column: str, value: str | None, expected: str | None) -> ProblemsError:
        return ProblemsError([Problem("manifest", f"{name}/release.yml", what, None, column, value, expected)])

    try:
        design = survey_design(sample.weights, strata=sample.stratum, psu=sample.psu, lonely=rule)
    except DesignError as bad:
        raise refused(str(bad), "respondents.design", None, None) from bad
    lone = np.flatnonzero(design.first.sampled == 1)
    if rule == "fail" and len(lone) and sample.stratum is not None:
        names = [sample.stratum_names[int(design.first.names[at])] for at in lone]
        what = f"{len(names)} strata with one PSU only" if len(names) > 1 else "a stratum with one PSU only"
        raise refused(f"{what}: no variance", "respondents.design.lonely", ", ".join(names), _RULES)
    return design


def nets(item: Item, categories: Sequence[str]) -> dict[str, list[str]]:
    """Nets with those of their parts that are among the categories; nets of nets down to their parts."""
    parts = {category.id: category.of for category in item.categories if category.kind == "net"}

    def leaves(of: str, above: frozenset[str]) -> set[str]:
        if of not in parts:
            return {of}
        return {leaf for part in parts[of] if part not in above for leaf in leaves(part, above | {part})}

    found = {net: leaves(net, frozenset({net})) for net in parts}
    return {net: kept for net, of in found.items() if (kept := [one for one in categories if one in of])}


def _share_rows(context: _Context, answer: Answer) -> Iterator[dict[str, Any]]:
    united = nets(answer.item, answer.categories)
    names = [*answer.categories, *united]
    if not names:
        return
    base = np.flatnonzero(answer.base)
    chosen = _chosen(answer, base, [[one] for one in answer.categories] + list(united.values()))
    question = of_question(answer, context.sample)
    for column in context.columns(base):
        of = group(context.design, base[column.inside])
        if of is None:
            continue
        margins = share_margins(of, chosen[column.inside], context.told.interval, context.normal)
        for category, margin in zip(names, margins, strict=True):
            cell = answer.item.item, category, column.subgroup, column.value
            row = context.common(answer, column, of, margin)
            banner = context.banners.get(column.subgroup, "")
            net = "|".join(united.get(category, ()))
            yield row | {
                "category": category,
                "percent": _percent(margin.value),
                "percent_low": _percent(margin.low),
                "percent_high": _percent(margin.high),
                "standard_error": _percent(margin.error),
                "n_effective": of.n / margin.design_effect if margin.design_effect else None,
                "design_effect": margin.design_effect,
                "qualifier": "exact",
                "published_text": None,
                "vintage": context.release.vintage,
                "estimate_id": estimate_id(context.release, cell, row["base"], *context.depends, question, banner, net),
                "standing": "figure",
            }


def _score_rows(context: _Context, answer: Answer) -> Iterator[dict[str, Any]]:
    if answer.scores is None:
        return
    index = answer.item.derived is not None and answer.item.derived.kind == "index"
    base = np.flatnonzero(answer.base & ~np.isnan(answer.scores))
    scores = answer.scores[base]
    for column in context.columns(base):
        of = group(context.design, base[column.inside])
        if of is None:
            continue
        margin = mean_margin(of, scores[column.inside], context.normal)
        yield context.common(answer, column, of, margin) | {
            "statistic": "index" if index else "mean",
            "value": margin.value,
            "value_low": margin.low,
            "value_high": margin.high,
            "standard_error": margin.error,
        }


def _chosen(answer: Answer, base: Rows, parts: Sequence[Sequence[str]]) -> Indicators:
    """(base, k): who chose at least one of the parts."""
    out = np.zeros((len(base), len(parts)), np.bool_)
    ticked = answer.ticked[base] if answer.ticked is not None else None
    chosen = answer.chosen[base] if answer.chosen is not None else None
    for at, names in enumerate(parts):
        positions = [answer.categories.index(name) for name in names]
        if ticked is not None:
            out[:, at] = ticked[:, positions].any(axis=1)
        elif chosen is not None:
            out[:, at] = np.isin(chosen, positions)
    return out


def _variance_method(design: Design, told: Respondents) -> str:
    drawn = told.design
    parts = ["strata"] * bool(drawn and drawn.strata) + ["PSU"] * bool(drawn and drawn.psu)
    weighted = "weights only" if told.weight_variable else "no weights"
    method = "Taylor linearisation, " + (" and ".join(parts) or weighted)
    lone = len(design.first.names) > 1 and bool((design.first.sampled == 1).any())
    return f"{method}; lone PSU: {design.lonely}" if lone else method


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
