"""The second formula of the engine: one group, one figure at a time, straight from `assets.estimates.design`.

Slow and plain, so that what the engine sums in sweeps has something to agree with: for every question and every column
of a banner the design functions are called on the rows of the base.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from assets.estimates.design.design import Design, DesignError, degrees_of_freedom, survey_design
from assets.estimates.design.effects import design_effects, kish
from assets.estimates.design.linear import Estimate, means, t_interval
from assets.estimates.design.share_intervals import Method, share_interval
from assets.estimates.engine.coding import nets
from assets.questions.answers import Answer, Sample

NAMES = ("value", "error", "low", "high", "effect")


def cells(sample: Sample, lonely: str, method: Method, normal: bool = False) -> Iterator[dict[str, Any]]:
    """Every share and mean; `rule` and `flags` as the tables have them, without those of release and question."""
    design = survey_design(sample.weights, strata=sample.stratum, psu=sample.psu, lonely=lonely)  # type: ignore[arg-type]
    for answer in sample.answers:
        united = nets(answer.item, answer.categories)
        parts = [[one] for one in answer.categories] + list(united.values())
        for place, inside in columns(sample):
            base = answer.base & inside
            if not (sample.weights[base] > 0).any():
                continue
            for name, of in zip((*answer.categories, *united), parts, strict=True):
                told = _share(design, base, _chosen(answer, of), method, normal)
                yield {"question": answer.question.question, "place": place, "category": name, **told}


def scores(sample: Sample, lonely: str, normal: bool = False) -> Iterator[dict[str, Any]]:
    """Every mean."""
    design = survey_design(sample.weights, strata=sample.stratum, psu=sample.psu, lonely=lonely)  # type: ignore[arg-type]
    for answer in sample.answers:
        for place, inside in columns(sample):
            if answer.scores is None:
                continue
            base = answer.base & inside & ~np.isnan(answer.scores)
            if (sample.weights[base] > 0).any():
                told = _mean(design, base, answer.scores, normal)
                yield {"question": answer.question.question, "place": place, **told}


def columns(sample: Sample) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    yield ("total", "all"), np.ones(sample.rows, bool)
    for banner in sample.banners:
        for at, value in enumerate(banner.values):
            yield (banner.subgroup, value), banner.member == at


def _chosen(answer: Answer, of: list[str]) -> np.ndarray:
    positions = [answer.categories.index(one) for one in of]
    if answer.ticked is not None:
        return answer.ticked[:, positions].any(axis=1)
    return np.isin(answer.chosen, positions)


def _sizes(design: Design, base: np.ndarray) -> dict[str, Any]:
    w = design.weights[base & (design.weights > 0)]
    effect, effective = kish(w)
    near = effective * (1 + 1e-12)
    flags = {"suppressed"} if near < 30 else {"small_base"} if near < 100 else set()
    sizes = {"n": len(w), "weighted_n": math.fsum(w), "df": degrees_of_freedom(design, base)}
    return {**dict.fromkeys(NAMES), "rule": None, "flags": flags, "kish": effect, "n_effective": effective, **sizes}


def _means(design: Design, values: np.ndarray, base: np.ndarray) -> Estimate:
    try:
        found = means(design, values, base)
    except DesignError:
        found = means(replace(design, lonely="remove"), values, base)
        found = found and replace(found, covariance=np.full_like(found.covariance, math.nan))
    assert found is not None
    return found


def _share(design: Design, base: np.ndarray, chosen: np.ndarray, method: Method, normal: bool) -> dict[str, Any]:
    told = _sizes(design, base)
    if "suppressed" in told["flags"]:
        return told | {"effect": told["kish"]}
    found = _means(design, chosen.astype(float), base)
    p, variance = float(found.values[0]), float(found.covariance[0, 0])
    told |= {"value": p, "effect": told["kish"]}
    if p in (0.0, 1.0):
        width = 1 - 0.025 ** (1 / told["n_effective"])
        ends = (0.0, width) if p == 0 else (1 - width, 1.0)
        return told | {"error": 0.0, "low": ends[0], "high": ends[1], "rule": f"beta (p = {p:.0f})"}
    effect = float(design_effects(design.weights, chosen.astype(float), found, with_replacement=True)[0])
    if not effect > 1e-20:
        return told | {"flags": told["flags"] | {"no_variance"}}
    told |= {"error": math.sqrt(variance), "effect": effect}
    ends_ = share_interval(p, variance, math.inf if normal else found.df, found.n, method)
    if ends_ is None:
        return told | {"flags": told["flags"] | {"no_degrees_of_freedom"}}
    rule = f"{method} (normal quantile)" if normal else method
    return told | {"low": max(0.0, ends_.low), "high": min(1.0, ends_.high), "rule": rule}


def _mean(design: Design, base: np.ndarray, values: np.ndarray, normal: bool) -> dict[str, Any]:
    told = _sizes(design, base)
    if "suppressed" in told["flags"]:
        return told
    found = _means(design, np.where(base, values, 0.0), base)
    told |= {"value": float(found.values[0])}
    effect = float(design_effects(design.weights, np.where(base, values, 0.0), found, with_replacement=True)[0])
    if not effect > 1e-20 or not np.ptp(values[base & (design.weights > 0)]):
        return told | {"flags": told["flags"] | {"no_variance"}}
    told |= {"error": float(found.errors[0])}
    if found.df < 1 and not normal:
        return told | {"flags": told["flags"] | {"no_degrees_of_freedom"}}
    low, high = t_interval(found, df=math.inf if normal else None)[0]
    return told | {"low": float(low), "high": float(high), "rule": "normal" if normal else "t"}
