"""The replicate weights of a file: read, and refused where they cannot be weights.

Belongs here: the columns and what is wrong with them. Does not belong here: scales and errors (assets.estimates), the
weight of the whole sample (assets.questions.weights), jackknives that are made here.
"""

from collections.abc import Callable

import numpy as np

from assets.questions.answers import Floats, Mask
from assets.questions.source import Place, Source, number_of_rows
from assets.releases.discover import MANIFEST
from schemas.respondents import Replicates, SampleDesign


def replicate_weights(source: Source, release: str, told: SampleDesign, weighted: Mask) -> Floats | None:
    """(rows, R) replicate weights as the file has them, 0 for a row without weight that has none; None with problems.

    Negative ones are taken: some bootstraps have them.

    Args:
        source: the file, the rows of the sample selected.
        release: for messages.
        told: the manifest's statement, with replicate weights of the producer.
        weighted: (rows,) weight above 0.
    """
    before = len(source.problems)
    replicates = told.replicates or Replicates.model_construct()

    def place(key: str) -> Place:
        return Place("manifest", f"{release}/{MANIFEST}", None, f"respondents.design.{key}")

    named = [(key, name) for key, name in told.variables.items() if key.startswith("replicates")]
    if replicates.prefix is not None and not _counted(source, replicates, place):
        return None
    columns = [_column(source, name, place(key), weighted) for key, name in named]
    if len(source.problems) > before:
        return None
    return np.column_stack([one for one in columns if one is not None])


def _counted(source: Source, told: Replicates, place: Callable[[str], Place]) -> bool:
    """Whether the file has as many as the manifest says: the scale depends on their number."""
    there, wanted = source.codebook, told.names
    following = f"{told.prefix}{len(wanted) + 1:0{told.digits}d}"
    if there.variable(following) is not None:
        what = "the file has more replicate weights with this prefix"
        expected = "the number that the file has, or variables"
        source.problems.append(place("replicates.count").problem(what, str(told.count), expected, following))
        return False
    absent = [name for name in wanted if there.variable(name) is None]
    if absent:
        source.variable(absent[0], place("replicates.prefix"))
    return not absent


def _column(source: Source, name: str, place: Place, weighted: Mask) -> Floats | None:
    variable = source.variable(name, place)
    if variable is None:
        return None
    if variable.stored == "text" or variable.kind != "number":
        source.problems.append(place.problem("a replicate weight that is no number", name, "a numeric variable"))
        return None
    values = source.file.numbers(variable)
    strange = [float(one) for one in np.unique(values[np.isfinite(values)]) if variable.declares_missing(float(one))]
    values[np.isin(values, strange)] = np.nan
    lost = int((~np.isfinite(values) & weighted).sum())
    if lost:
        expected = "a number for everyone with a weight above 0"
        source.problems.append(
            place.problem(f"respondents without the replicate weight {name}", number_of_rows(lost), expected)
        )
        return None
    values = np.where(np.isfinite(values), values, 0.0)
    if weighted.any() and not values[weighted].any():
        source.problems.append(place.problem("a replicate weight that is 0 for everyone", name, "weights"))
        return None
    return values
