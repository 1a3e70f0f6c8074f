"""What every module of this room needs to say no: what a table of figures must have, and one problem ready to raise.

Belongs here: the columns as the contract declares them, the words for what was expected. Does not belong here: deciding
what is refused (each module decides for its part), the contract of a row (schemas.crosswalk).
"""

from typing import Any

from schemas.crosswalk import ToplineRow
from schemas.problems import Problem, ProblemsError

CAUSE = "toplines"
COLUMNS = list(ToplineRow.model_fields)
REQUIRED = [name for name, field_ in ToplineRow.model_fields.items() if field_.is_required()]
EXPECTED = "a CSV or XLSX table with the columns " + ", ".join(REQUIRED)


def refuse(cause: str, file: str, what: str, **details: Any) -> ProblemsError:
    """One problem, ready to be raised; `expected` is a table of figures unless something else is named."""
    details.setdefault("expected", EXPECTED)
    return ProblemsError([Problem(cause, file, what, **details)])
