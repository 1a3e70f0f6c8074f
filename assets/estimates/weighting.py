"""Weights that are made here: a base weight brought to targets, trimmed, and what is said of the result.

Belongs here: the order of these steps, diagnostics, what is refused. Does not belong here: targets on rows
(assets.questions.weighting), the arithmetic (`.design.calibration`, `.design.trimming`), errors (`.calibrated`).

Weights of a sample whose targets are shares are scaled before they are brought to them, so that bounds of logit are
around 1; with a `total` the base is taken as it is (inverse probabilities), as R's `calibrate` does.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from assets.estimates.design.calibration import fit
from assets.estimates.design.design import DesignError, Floats
from assets.estimates.design.trimming import trimmed
from assets.questions.answers import Calibration, Sample, TargetColumns
from assets.questions.weights import weight_facts
from assets.releases.discover import MANIFEST
from schemas.problems import Problem, ProblemsError
from schemas.respondents import MadeWeight, Respondents, Targets
from schemas.vocabulary import Severity

MANY_AT_BOUNDS = 0.5  # beyond this share of respondents, trimming has made the weights and not the targets
_AT = 1e-9  # relative: a weight that was cut to a limit
_NEAR = 1e-3  # of the width of logit's bounds, which it never reaches
_INDEPENDENT = 1e-9
_EXACT = 1e-12


@dataclass(frozen=True, eq=False)
class _Made:
    """Weights while they are made.

    Attributes:
        weights: (rows,) as they are now.
        met: (rows,) as they were when they met the targets.
        steps: Newton steps.
    """

    weights: Floats
    met: Floats
    steps: int


def make_weights(told: Respondents, name: str, sample: Sample) -> tuple[Sample, list[Problem]]:
    """The sample with the weights that its manifest asks for; as it is where they are the file's.

    Args:
        told: the block of the manifest.
        name: organisation/series/folder, for messages.
        sample: after harmonisation, with the base as weights.

    Returns:
        The sample with weights, facts and what errors need; and warnings.

    Raises:
        ProblemsError: targets that are not met, negative weights, nobody left to take what trimming cuts.
    """
    made, base = told.made, sample.weights
    there = base > 0
    if made is None or not there.any():
        return sample, []
    targets = made.targets
    start = base if targets is None or targets.total is not None else base / _mean(base)
    now = _Made(start, start, 0) if targets is None else _to_targets(made, targets, name, sample.targets, start)
    now = _trimmed(made, name, now)
    difference, _ = _furthest(sample.targets, now.weights)
    at_bounds = _at_bounds(made, start, now)
    facts = weight_facts(now.weights, int(str(sample.facts["missing"])), told) | {
        "method": _method(made, sample.targets),
        "iterations": now.steps if targets else None,
        "largest_difference": difference if targets else None,
        "share_at_bounds": at_bounds,
    }
    calibration = None
    if targets:
        said = _said(targets, sample.targets)
        calibration = Calibration(sample.targets, start, now.met, targets.variance == "rake", said)
    return replace(sample, weights=now.weights, facts=facts, calibration=calibration), _warnings(made, name, at_bounds)


def indicators(targets: tuple[TargetColumns, ...]) -> Floats:
    """(rows, cells of all targets) 1 in the row's cells, 0 elsewhere."""
    parts = [(one.cells[:, None] == np.arange(len(one.names))).astype(np.float64) for one in targets]
    return np.hstack(parts)


def independent(columns: Floats, weights: Floats) -> list[int]:
    """Columns that do not follow from those before them, among rows with a weight."""
    gram = columns.T @ (columns * weights[:, None])
    kept: list[int] = []
    for at in range(len(gram)):
        along = np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, at]) if kept else np.zeros(0)
        if gram[at, at] - gram[at, kept] @ along > _INDEPENDENT * gram[at, at]:
            kept.append(at)
    return kept


def _to_targets(made: MadeWeight, told: Targets, name: str, targets: tuple[TargetColumns, ...], start: Floats) -> _Made:
    there = start > 0
    total = told.total if told.total is not None else float(start.sum())
    limits = _limits(made, total / np.count_nonzero(there)) if made.trim and made.trim_rule == "together" else None
    columns = indicators(targets)
    kept = independent(columns, start)
    known = total * np.concatenate([one.shares for one in targets])
    bounds = (told.bounds.lowest, told.bounds.highest) if told.bounds else None
    found = fit(start, columns[:, kept], known[kept], told.method, bounds, _EXACT, told.iterations, limits)
    weights = start * found.g
    negative = int((weights[there] <= 0).sum())
    difference, where = _furthest(targets, weights)
    whole = abs(float(weights.sum()) / total - 1)
    if not max(difference, whole) <= told.tolerance:
        raise _refused(
            name,
            "targets",
            f"the weights do not meet the targets after {found.rounds} of {told.iterations} iterations",
            where,
            "targets that this sample can meet together; merge cells, widen limits, or allow more iterations",
        )
    if negative:
        what = f"{told.method} calibration gives {negative} respondents a weight that is not above 0"
        raise _refused(name, "targets.method", what, told.method, "raking, or logit with bounds")
    return _Made(weights, weights, found.rounds)


def _trimmed(made: MadeWeight, name: str, now: _Made) -> _Made:
    """Cut as R's trimWeights does; weights that kept limits and targets together are within already."""
    if made.trim is None or made.trim_rule == "together":
        return now
    low, high = _limits(made, _mean(now.weights))
    try:
        return replace(now, weights=trimmed(now.weights, low, high, strict=made.trim_rule == "strict"))
    except DesignError as bad:
        limits = f"{low:.4g} to {high:.4g}"
        raise _refused(name, "trim", str(bad), limits, "limits that leave most weights as they are") from bad


def _limits(made: MadeWeight, mean: float) -> tuple[float, float]:
    trim = made.trim
    if trim is None:
        return 0.0, math.inf
    return (trim.lowest or 0.0) * mean, math.inf if trim.highest is None else trim.highest * mean


def _mean(weights: Floats) -> float:
    return float(weights[weights > 0].mean())


def _furthest(targets: tuple[TargetColumns, ...], weights: Floats) -> tuple[float, str]:
    """Largest relative difference of a weighted share to its target, and where that is; nan counts as largest."""
    worst, where, there = 0.0, "", weights != 0
    for one in targets:
        shares = np.bincount(one.cells[there], weights[there], len(one.names)) / weights.sum()
        for name, share, target in zip(one.names, shares, one.shares, strict=True):
            off = abs(share / target - 1)
            if not off <= worst:
                worst = off
                where = f"{one.called} {name!r}: {100 * share:.4g} in place of {100 * target:.4g} percent"
    return worst, where


def _at_bounds(made: MadeWeight, start: Floats, now: _Made) -> float | None:
    """Share of respondents at a limit of trimming, or near one of logit's bounds."""
    there = start > 0
    weights = now.weights[there]
    if made.trim is not None:
        low, high = _limits(made, _mean(now.met))
        return float(((weights <= low * (1 + _AT)) | (weights >= high * (1 - _AT))).mean())
    if made.targets is None or made.targets.bounds is None:
        return None
    bounds = made.targets.bounds
    g, near = weights / start[there], _NEAR * (bounds.highest - bounds.lowest)
    return float(((g <= bounds.lowest + near) | (g >= bounds.highest - near)).mean())


def _warnings(made: MadeWeight, name: str, at_bounds: float | None) -> list[Problem]:
    if at_bounds is None or at_bounds <= MANY_AT_BOUNDS:
        return []
    key = "trim" if made.trim else "targets.bounds"
    what, told = "most weights are at a limit", f"{100 * at_bounds:.0f} percent of respondents"
    return [_problem(name, key, what, told, "limits that leave most weights as they are", "warning")]


def _method(made: MadeWeight, targets: tuple[TargetColumns, ...]) -> str:
    parts = []
    if made.targets:
        how = "raking" if made.targets.method == "raking" else f"{made.targets.method} calibration"
        bounds = made.targets.bounds
        within = f" within {bounds.lowest:g} to {bounds.highest:g} of the base" if bounds else ""
        parts.append(f"{how} to {_names(targets)}{within}")
    if made.trim:
        limits = ("at least", made.trim.lowest), ("at most", made.trim.highest)
        ends = [f"{word} {limit:g}" for word, limit in limits if limit is not None]
        parts.append(f"trimmed to {' and '.join(ends)} of the mean, {made.trim_rule}")
    if made.targets:
        parts.append(f"targets from {made.targets.source}")
    return "; ".join(parts)


def _said(told: Targets, targets: tuple[TargetColumns, ...]) -> str:
    how = "raked" if told.method == "raking" else f"calibrated ({told.method})"
    variance = "residual variance" if told.variance == "residual" else "variance as R rake"
    return f"{how} to {_names(targets)}; {variance}"


def _names(targets: tuple[TargetColumns, ...]) -> str:
    return ", ".join(one.called for one in targets)


def _problem(name: str, key: str, what: str, value: str, expected: str, severity: Severity = "error") -> Problem:
    return Problem(
        "manifest", f"{name}/{MANIFEST}", what, None, f"respondents.weight.{key}", value, expected, severity=severity
    )


def _refused(name: str, key: str, what: str, value: str, expected: str) -> ProblemsError:
    return ProblemsError([_problem(name, key, what, value, expected)])
