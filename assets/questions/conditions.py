"""Conditions applied to the answers: which rows of a file they select.

Belongs here: `rows` of a manifest and `where` of a crosswalk on data, and the matching of codes that banners share.
Does not belong here: how a condition is written (schemas.conditions).
"""

import numpy as np

from assets.questions.answers import Mask
from assets.questions.columns import NUMBER, Coded, in_order, text_code
from assets.questions.source import Place, Source
from schemas.codebook import Variable, code_text
from schemas.conditions import SYSTEM_MISSING, Codes, is_tag, parse_condition
from schemas.problems import nearest


def fulfilled(condition: str, source: Source, place: Place) -> Mask | None:
    """(rows,) which rows of the sample fulfil a condition; None with problems if that cannot be said.

    A variable that is not there, a code that the file neither has nor labels, and a condition that selects nobody are
    problems of `place`.
    """
    selected: Mask | None = None
    whole = True
    for clause in parse_condition(condition):
        variable = source.variable(clause.variable, place)
        if variable is None:
            whole = False
            continue
        coded = source.file.coded(variable)
        whole = known(clause.codes, variable, coded, source, place) and whole
        members = matching(clause.codes, variable, coded) != clause.negated
        rows = members[coded.at]
        selected = rows if selected is None else selected & rows
    if not whole or selected is None:
        return None
    if not selected.any():
        source.problems.append(place.problem("a condition that selects nobody", condition, "at least one respondent"))
        return None
    return selected


def matching(codes: Codes, variable: Variable, coded: Coded) -> Mask:
    """(codes,) which codes of a column are in a set of codes. Ranges hold numbers, no missing values."""
    exact = {_written(code, variable) for code in codes.exact}
    if codes.system_missing:
        exact.add(SYSTEM_MISSING)
    found = [code in exact or _in_range(code, codes) for code in coded.codes]
    return np.array(found, dtype=np.bool_)


def known(codes: Codes, variable: Variable, coded: Coded, source: Source, place: Place) -> bool:
    """Whether the file has or labels every single code of a set; a problem for each that it does not."""
    there = in_order([*coded.codes, *labels_of(variable)])
    strange = [code for code in codes.exact if _written(code, variable) not in there]
    for code in strange:
        what = f"a code that {variable.name} does not have"
        shown = ", ".join(there[:10]) + (", …" if len(there) > 10 else "")
        source.problems.append(place.problem(what, code, f"one of {shown}", nearest(code, there)))
    return not strange


def labels_of(variable: Variable) -> dict[str, str]:
    """The file's labels by code, as codes are compared."""
    text = variable.stored == "text"
    return {(text_code(one.code.strip()) if text else one.code): one.label for one in variable.labels}


def is_missing(code: str, variable: Variable) -> bool:
    """Whether a code is no value: system-missing, tagged, or declared missing by the file."""
    if code == SYSTEM_MISSING or (variable.tag_column is not None and is_tag(code)):
        return True
    return variable.declares_missing(code if variable.stored == "text" else float(code))


def plain_code(code: str, variable: Variable) -> str:
    """A code of the crosswalk as the codebook writes it: `1.0` is `1` where the variable is numeric."""
    if variable.stored == "text" or not NUMBER.match(code):
        return code
    return code_text(float(code)) if "." in code else code_text(int(code))


def _written(code: str, variable: Variable) -> str:
    """A code of a condition: there a dot among the exact codes was quoted, so it is a text."""
    return text_code(plain_code(code, variable))


def _in_range(code: str, codes: Codes) -> bool:
    if not codes.ranges or not NUMBER.match(code):
        return False
    number = float(code)
    return any((low is None or low <= number) and (high is None or number <= high) for low, high in codes.ranges)
