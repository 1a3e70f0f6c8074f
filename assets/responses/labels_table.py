"""Labels for a file that has none: a CSV that a person writes beside it.

Columns: `variable`, `code`, `label`, and optionally `missing` (yes where the code is declared missing). A row without a
code gives the label of the variable itself. Belongs here: reading that table and putting it into the codebook. Does not
belong here: the data, and which answer is which category (the crosswalk).
"""

from pathlib import Path

from pydantic import Field

from schemas.codebook import Codebook, ValueLabel
from schemas.handwritten import Strict, read_csv
from schemas.problems import Problem, ProblemsError, nearest


class _Row(Strict):
    variable: str = Field(min_length=1)
    code: str | None = None
    label: str
    missing: str | None = Field(default=None, pattern="^(yes|no)$")


def with_labels(codebook: Codebook, path: str, file: str) -> Codebook:
    """The codebook with labels.

    Raises:
        ProblemsError: a row is wrong, names a variable that is not in the file, or repeats a code.
    """
    rows = read_csv(Path(path).read_bytes(), file, _Row, "manifest")
    names = [one.name for one in codebook.variables]
    problems: list[Problem] = []
    labels: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    missing: dict[str, list[str]] = {}
    for line, row in rows:
        if row.variable not in names:
            what = "a label for a variable that is not in the file"
            close = nearest(row.variable, names)
            problems.append(Problem("manifest", file, what, line, "variable", row.variable, nearest=close))
        elif row.code is None:
            titles[row.variable] = row.label
        elif row.code in labels.setdefault(row.variable, {}):
            problems.append(Problem("manifest", file, "a code stands twice", line, "code", row.code))
        else:
            labels[row.variable][row.code] = row.label
            if row.missing == "yes":
                missing.setdefault(row.variable, []).append(row.code)
    if problems:
        raise ProblemsError(problems)
    variables = [
        one.model_copy(
            update={
                "label": titles.get(one.name, one.label),
                "labels": [ValueLabel(code=c, label=text) for c, text in labels.get(one.name, {}).items()]
                or one.labels,
                "missing_codes": missing.get(one.name, one.missing_codes),
            }
        )
        for one in codebook.variables
    ]
    return codebook.model_copy(update={"variables": variables})
