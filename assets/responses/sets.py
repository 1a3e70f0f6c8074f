"""Multiple-response sets that the manifest declares.

Belongs here: checking a declared set against the file. Does not belong here: sets that the file declares (`labelled`),
percentages of them.
"""

from schemas.codebook import Codebook, MultipleResponse
from schemas.problems import Problem, ProblemsError, nearest
from schemas.respondents import DeclaredSet


def with_declared(codebook: Codebook, declared: list[DeclaredSet], file: str) -> Codebook:
    """The codebook with the sets of the manifest behind those of the file.

    Raises:
        ProblemsError: a set names a variable that is not there, a code that its members do not label, or the name of a
            set that the file declares.
    """
    names = [one.name for one in codebook.variables]
    problems, sets = [], list(codebook.sets)
    for one in declared:
        column = f"sets.{one.name}"
        if any(one.name == other.name for other in sets):
            problems.append(Problem("manifest", file, "a set of this name is there already", column=column))
        for member in one.members:
            variable = codebook.variable(member)
            if variable is None:
                what = "a set names a variable that is not in the file"
                problems.append(
                    Problem("manifest", file, what, column=column, value=member, nearest=nearest(member, names))
                )
            elif variable.labels and one.counted not in {label.code for label in variable.labels}:
                what = f"{member} has no label for the counted code"
                expected = ", ".join(label.code for label in variable.labels[:10])
                problems.append(Problem("manifest", file, what, column=column, value=one.counted, expected=expected))
        if len(set(one.members)) < len(one.members):
            problems.append(Problem("manifest", file, "a set names a variable twice", column=column))
        sets.append(
            MultipleResponse(
                name=one.name, label=one.label, kind="dichotomy", counted=one.counted, members=one.members,
                declared="manifest",
            )
        )  # fmt: skip
    if problems:
        raise ProblemsError(problems)
    return codebook.model_copy(update={"sets": sets})
