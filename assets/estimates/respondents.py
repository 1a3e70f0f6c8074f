"""Estimates from respondents' answers: shares, nets and means of every question in every column of the banners.

Belongs here: from a harmonised sample to the rows of a release, and designs that give no variance. Does not belong
here: harmonising answers (assets.questions.respondents), the sums and their margins (`.engine`), published figures
(`.published`).
"""

from typing import Any

import numpy as np

from assets.estimates.design.design import Design, DesignError, survey_design
from assets.estimates.design.resampling import check, number
from assets.estimates.engine.coded import Coded
from assets.estimates.engine.coding import code
from assets.estimates.engine.tables import estimate
from assets.questions.answers import Sample
from schemas.manifest import Release
from schemas.problems import Problem, ProblemsError
from schemas.respondents import Respondents

MOST_NUMBERS = 100_000_000  # of replicate weights that are made here, 800 MB
_RULES = "remove, certainty, adjust or average, or strata that are merged (fail refuses)"


def code_respondents(release: Release, name: str, sample: Sample, inputs: str) -> Coded:
    """The coded answers of one release, from which its estimates follow; they are kept beside them.

    Args:
        release: its manifest, with the block `respondents`.
        name: organisation/series/folder.
        sample: its answers after harmonisation.
        inputs: checksum of the file of answers.

    Raises:
        ProblemsError: a stratum has one PSU and the manifest gives no rule for that; a PSU lies in two strata; see
            `sample_design`.
        ValueError: the manifest has no block `respondents`.
    """
    told = release.respondents
    if told is None:
        raise ValueError(f"{name} has no block respondents")
    if (sample.weights > 0).any():
        sample_design(told, name, sample)
    return code(release, told, name, sample, inputs)


def estimate_respondents(
    release: Release, name: str, sample: Sample, inputs: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Estimates and scores of one release, as rows of `.engine.tables.estimate`; arguments and errors see above."""
    shares, scores = estimate(code_respondents(release, name, sample, inputs))
    return shares.to_pylist(), scores.to_pylist()


def sample_design(told: Respondents, name: str, sample: Sample) -> Design:
    """The design of a sample.

    Raises:
        ProblemsError: see `code_respondents`; lone PSUs of all strata come in one problem; replicates that cannot
            be made.
    """
    rule = told.design.lonely if told.design else "fail"

    def refused(what: str, column: str, value: str | None, expected: str | None) -> ProblemsError:
        return ProblemsError([Problem("manifest", f"{name}/release.yml", what, None, column, value, expected)])

    try:
        design = survey_design(
            sample.weights, strata=sample.stratum, psu=sample.psu, population=sample.population, lonely=rule
        )
    except DesignError as bad:
        raise refused(str(bad), "respondents.design", None, None) from bad
    replicates = told.design.replicates if told.design else None
    # A population of one PSU has no error, but replicates cannot leave it out.
    lone = np.flatnonzero((design.first.sampled == 1) & ((design.first.fraction < 1) | (replicates is not None)))
    if rule == "fail" and len(lone) and sample.stratum is not None:
        names = [sample.stratum_names[int(design.first.names[at])] for at in lone]
        what = f"{len(names)} strata with one PSU only" if len(names) > 1 else "a stratum with one PSU only"
        raise refused(f"{what}: no variance", "respondents.design.lonely", ", ".join(names), _RULES)
    if replicates and replicates.make:
        key = "respondents.design.replicates.make"
        many = number(design.first.sampled, replicates.make, replicates.count or 0)
        if many < 2 or many * sample.rows > MOST_NUMBERS:
            what = "replicates of " + ("one PSU" if many < 2 else "more PSUs than there is memory for")
            raise refused(what, key, f"{many} replicates", "strata and psu alone")
        try:
            check(design, replicates.make)
        except DesignError as bad:
            raise refused(str(bad), key, replicates.make, None) from bad
    return design
