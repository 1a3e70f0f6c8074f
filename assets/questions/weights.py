"""The weight of every respondent, with every statement of the manifest about it checked against the file.

Belongs here: the weight column, its checks and its facts (the table `weights`). Does not belong here: strata and PSUs
(assets.questions.strata), targets (assets.questions.weighting), making weights that meet them and what weighting does
to an error (assets.estimates).
"""

import math

import numpy as np

from assets.questions.answers import Floats
from assets.questions.source import Place, Source, number_of_rows
from assets.releases.discover import MANIFEST
from schemas.codebook import Variable, code_text
from schemas.problems import nearest
from schemas.respondents import Respondents, Weight


def weights(source: Source, release: str, told: Respondents) -> tuple[Floats, dict[str, object]] | None:
    """(rows,) weights of the file, 0 where it has none, and the facts about them; None with problems.

    Without a weight variable everyone has 1. The facts are the columns of the table `weights` from `variable` on. The
    mean is that of the weights above 0, the design effect Kish's: n * sum(w^2) / sum(w)^2 (Kish 1965, section 11.7).
    """
    given = told.given
    if given is None:
        return np.ones(source.file.size), weight_facts(np.ones(source.file.size), 0, told)
    column = column_of_weight(told)
    place = Place("manifest", f"{release}/{MANIFEST}", None, f"{column}.variable")
    variable = source.variable(given.variable, place)
    if variable is None or not _is_weight(source, variable, place):
        return None
    before = len(source.problems)
    values = source.file.numbers(variable)
    if variable.missing_codes or variable.missing_ranges:
        declared = [one for one in np.unique(values[~np.isnan(values)]) if variable.declares_missing(float(one))]
        values[np.isin(values, declared)] = np.nan
    _check_labels(source, variable, values, place)
    _check_sign(source, values, place)
    if len(source.problems) > before:
        return None  # numbers that are no weights need not be compared with what the manifest says
    missing = int(np.isnan(values).sum())
    values = np.nan_to_num(values, nan=0.0)
    facts = weight_facts(values, missing, told)
    _check_told(source, given, facts, f"{release}/{MANIFEST}", column)
    return None if len(source.problems) > before else (values, facts)


def column_of_weight(told: Respondents) -> str:
    """Where the manifest names the weight variable: that of the base, if weights are made from it."""
    return "respondents.weight.base" if told.made else "respondents.weight"


def _is_weight(source: Source, variable: Variable, place: Place) -> bool:
    if variable.stored == "text" or variable.kind != "number":
        what = f"a weight that is {'text' if variable.stored == 'text' else 'a ' + variable.kind}"
        near = _weight_of_the_file(source, variable)
        source.problems.append(place.problem(what, variable.name, "a numeric variable", near))
        return False
    return True


def _check_labels(source: Source, variable: Variable, values: Floats, place: Place) -> None:
    """A weight whose values have labels is a cell number or an answer under a weight's name."""
    if not variable.labels:
        return
    labelled = {one.code for one in variable.labels}
    there = [code_text(float(one)) for one in np.unique(values[np.isfinite(values)])]
    if sum(code in labelled for code in there) * 2 > len(there):
        codes = sorted((code for code in there if code in labelled), key=float)
        what = f"{variable.name} looks like codes (labelled {codes[0]}..{codes[-1]}), not like a weight"
        near = _weight_of_the_file(source, variable)
        source.problems.append(place.problem(what, variable.name, "a variable with weights", near))


def _weight_of_the_file(source: Source, variable: Variable) -> str | None:
    declared = source.codebook.weight
    if declared and declared != variable.name:
        return declared
    return nearest("weight", [one.name for one in source.codebook.variables if one.name != variable.name])


def _check_sign(source: Source, values: Floats, place: Place) -> None:
    for count, word in ((int((values < 0).sum()), "negative"), (int(np.isinf(values).sum()), "infinite")):
        if count:
            source.problems.append(place.problem(f"{word} weights", number_of_rows(count), "weights of 0 and above"))


def weight_facts(values: Floats, missing: int, told: Respondents) -> dict[str, object]:
    """The facts that the values themselves tell; what only the making of weights knows is None.

    Args:
        values: (rows,) weights, 0 for those without.
        missing: rows of which the file has no weight.
        told: the block of the manifest.
    """
    counted = values[values > 0]
    n, total = len(counted), float(counted.sum())
    scaled = counted / counted.max(initial=0.0) if n else counted  # squares of raw weights may overflow
    effect = max(1.0, n * float((scaled**2).sum()) / float(scaled.sum()) ** 2) if n else None
    design = told.design
    return {
        "variable": told.weight_variable,
        "rows": len(values),
        "n": n,
        "zeros": int((values == 0).sum()) - missing,
        "missing": missing,
        "weighted_n": total,
        "mean": total / n if n else None,
        "lowest": float(counted.min()) if n else None,
        "highest": float(counted.max()) if n else None,
        "design_effect": effect,
        "n_effective": n / effect if effect else None,
        "strata": list(design.strata) if design else [],
        "psu": design.psu if design else None,
        "method": None,
        "iterations": None,
        "largest_difference": None,
        "share_at_bounds": None,
    }


def _check_told(source: Source, told: Weight, facts: dict[str, object], file: str, column: str) -> None:
    """Each statement of the manifest, with the number that the file has."""

    def wrong(name: str, what: str, found: object, expected: str) -> None:
        shown = code_text(float(f"{found:.6g}")) if isinstance(found, float) else str(found)
        place = Place("manifest", file, None, f"{column}.{name}")
        source.problems.append(place.problem(what, shown, expected))

    if not facts["n"]:
        wrong("variable", "no row has a weight above 0", "0 rows", "a variable with weights of this release's rows")
        return
    if facts["zeros"] != told.zeros:
        wrong("zeros", "another number of rows with weight 0", facts["zeros"], f"{told.zeros}, as the manifest says")
    if facts["missing"] != told.missing:
        what = "another number of rows without a weight"
        wrong("missing", what, facts["missing"], f"{told.missing}, as the manifest says")
    mean, lowest, highest = (float(str(facts[name])) for name in ("mean", "lowest", "highest"))
    if told.mean is not None and not math.isclose(mean, told.mean, rel_tol=0.01):
        wrong("mean", "another mean of the weights above 0", mean, f"{told.mean:g} to 1 %, as the manifest says")
    if told.lowest is not None and lowest < told.lowest * (1 - 1e-9):
        wrong("lowest", "a lower weight", lowest, f"none above 0 below {told.lowest:g}, as the manifest says")
    if told.highest is not None and highest > told.highest * (1 + 1e-9):
        wrong("highest", "a higher weight", highest, f"none above {told.highest:g}, as the manifest says")
