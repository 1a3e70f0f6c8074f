"""Strata and primary sampling units of a sample, as numbers, and how many of them the population has.

Belongs here: crossing strata, making PSUs unique within them, refusing those that are missing, population sizes that
contradict the sample. Does not belong here: replicate weights (assets.questions.replicates), variances
(assets.estimates.design).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.questions.answers import Floats, Mask, Units
from assets.questions.columns import Coded
from assets.questions.conditions import is_missing
from assets.questions.replicates import replicate_weights
from assets.questions.source import Place, Source, number_of_rows
from assets.releases.discover import MANIFEST
from schemas.respondents import SampleDesign


@dataclass(frozen=True, eq=False)
class Design:
    """What the manifest's design is in the file; None where there is nothing to tell.

    Attributes:
        stratum: (rows,) number of the stratum.
        psu: (rows,) number of the PSU.
        names: of the strata.
        population: (rows,) PSUs in the population of the row's stratum.
        replicates: (rows, R) replicate weights of the producer.
    """

    stratum: Units | None = None
    psu: Units | None = None
    names: tuple[str, ...] = ()
    population: Floats | None = None
    replicates: Floats | None = None


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
    if told.replicates and told.replicates.make is None:
        given = replicate_weights(source, release, told, weighted)
        return None if given is None else Design(replicates=given)
    wanted = [(f"strata.{at}", name) for at, name in enumerate(told.strata)] + ([("psu", told.psu)] if told.psu else [])
    units = [_units(source, release, column, name, weighted) for column, name in wanted]
    sizes = _sizes(source, release, told.population) if told.population else None
    if len(source.problems) > before:
        return None
    columns = [one for one in units if one is not None]
    stratum = _crossed([at for _, at in columns[: len(told.strata)]], source.file.size)
    named = list(zip(told.strata, columns, strict=False))
    names = _names([(name, coded, at) for name, (coded, at) in named], stratum)
    psu = None
    if told.psu:
        psu = _crossed([stratum, columns[-1][1]], source.file.size)
    if sizes is not None:
        sizes = _population(source, release, sizes, stratum, psu, names if told.strata else ("all",), weighted)
        if sizes is None:
            return None
    return Design(stratum if len(names) > 1 else None, psu, names if len(names) > 1 else (), sizes)


def _place(release: str, column: str) -> Place:
    return Place("manifest", f"{release}/{MANIFEST}", None, f"respondents.design.{column}")


def _sizes(source: Source, release: str, name: str) -> Floats | None:
    """(rows,) what the file has; nan where it has none."""
    variable = source.variable(name, _place(release, "population"))
    if variable is None:
        return None
    if variable.stored == "text" or variable.kind != "number":
        place = _place(release, "population")
        source.problems.append(place.problem("population sizes that are no numbers", name, "a numeric variable"))
        return None
    values = source.file.numbers(variable)
    missing = [float(one) for one in np.unique(values[np.isfinite(values)]) if variable.declares_missing(float(one))]
    values[np.isin(values, missing) | ~np.isfinite(values)] = np.nan
    return values


def _population(
    source: Source,
    release: str,
    sizes: Floats,
    stratum: Units,
    psu: Units | None,
    names: Sequence[str],
    weighted: Mask,
) -> Floats | None:
    """(rows,) the size of the row's stratum, checked; rows with weight 0 that have none take their stratum's."""
    place, before = _place(release, "population"), len(source.problems)
    lost = int((np.isnan(sizes) & weighted).sum())
    if lost:
        expected = "a number for everyone with a weight above 0"
        source.problems.append(place.problem("respondents without a population size", number_of_rows(lost), expected))
        return None
    out = sizes.copy()
    for at, name in enumerate(names):
        here = stratum == at
        told = np.unique(sizes[here & ~np.isnan(sizes)])
        sampled = int(here.sum()) if psu is None else len(np.unique(psu[here]))
        if len(told) > 1:
            what, shown = f"several population sizes in the stratum {name}", f"{told[0]:g} and {told[-1]:g}"
            source.problems.append(place.problem(what, shown, "one number of PSUs for all of a stratum"))
        elif not len(told):
            source.problems.append(place.problem(f"no population size in the stratum {name}", None, "a number of PSUs"))
        elif told[0] < sampled:
            what = f"a population of fewer PSUs than the sample has in the stratum {name}"
            source.problems.append(place.problem(what, f"{told[0]:g}", f"{sampled} or more"))
        else:
            out[here] = told[0]
    return None if len(source.problems) > before else out


def _units(
    source: Source, release: str, column: str, name: str, weighted: Mask
) -> tuple[Coded, npt.NDArray[np.int32]] | None:
    place = _place(release, column)
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
