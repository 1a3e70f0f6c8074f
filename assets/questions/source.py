"""The answers of one release while they are harmonised: which variable a name means, and where a problem belongs.

Belongs here: names of variables and sets as people write them against those of the file; places of problems. Does not
belong here: codes and labels (assets.questions.codes), reading columns (assets.questions.columns).

A name is taken with the blanks at its ends removed, as the readers of hand-written files remove them. Nothing else is
forgiven: a variable that differs in the case of letters, or in a Cyrillic letter that looks like a Latin one, may be
another variable.
"""

import unicodedata
from dataclasses import dataclass, field

from assets.questions.columns import AnswerFile
from schemas.codebook import Codebook, MultipleResponse, Variable
from schemas.problems import Problem, nearest, shorten
from schemas.vocabulary import Severity

# Small letters after case folding; half of them look alike only as capitals.
_LOOK_ALIKE = str.maketrans("авекмнорстухіѕјԁԛԝһ", "abekmhopctyxisjdqwh")
_LOOKS_LIKE = {"free_text": "free text", "time": "a time", "geography": "a place", "contact": "a contact"}


@dataclass(frozen=True)
class Place:
    """Where a person wrote something: file, line, column or key path."""

    cause: str
    file: str
    row: int | None
    column: str

    def problem(
        self,
        what: str,
        value: object = None,
        expected: str | None = None,
        near: str | None = None,
        severity: Severity = "error",
    ) -> Problem:
        """A problem at this place."""
        text = None if value is None else str(value)
        return Problem(self.cause, self.file, what, self.row, self.column, text, expected, near, severity)


@dataclass
class Source:
    """Codebook and columns of one release's file, and the problems found so far.

    Attributes:
        called: what people call the file.
        file: its columns; the rows of the sample once they are selected.
        problems: of everything that is asked through this source.
    """

    called: str
    codebook: Codebook
    file: AnswerFile
    problems: list[Problem] = field(default_factory=list)

    def variable(self, name: str, place: Place) -> Variable | None:
        """The variable of this name; None with a problem if it is not there or was left out for privacy."""
        found = self._named(name)
        if found is None:
            self._unknown(name, place)
        elif found.dropped is not None:
            looks = _LOOKS_LIKE[found.dropped]
            what = f"a variable that was left out because it looks like {looks}"
            expected = "its name under respondents.reading.keep in release.yml, if it may be kept"
            self.problems.append(place.problem(what, name, expected))
            return None
        return found

    def variable_or_set(self, name: str, place: Place, label: str | None = None) -> Variable | MultipleResponse | None:
        """As `variable`, also for a multiple-response set, with or without `$` before its name.

        Where there is none of this name, the one variable that has the label is the nearest: it was renamed.
        """
        if not name.startswith("$") and self._named(name) is not None:
            return self.variable(name, place)
        plain = name.removeprefix("$")
        found = next((one for one in self.codebook.sets if one.name.removeprefix("$") == plain), None)
        if found is None:
            self._unknown(name, place, label)
        return found

    def members(self, one: MultipleResponse, place: Place) -> list[Variable] | None:
        """The variables of a set; None with a problem for each that is not there."""
        found = [self.variable(name, place) for name in one.members]
        kept = [variable for variable in found if variable is not None]
        return kept if len(kept) == len(found) else None

    def _named(self, name: str) -> Variable | None:
        exact = self.codebook.variable(name)
        if exact is not None:
            return exact
        stripped = [one for one in self.codebook.variables if one.name.strip() == name.strip()]
        return stripped[0] if len(stripped) == 1 else None

    def _unknown(self, name: str, place: Place, label: str | None = None) -> None:
        wanted = plain_label(label)
        renamed = [one.name for one in self.codebook.variables if wanted and plain_label(one.label) == wanted]
        names = [one.name for one in self.codebook.variables] + [f"${one.name}" for one in self.codebook.sets]
        what, near = f"a variable that {self.called} does not have", nearest(name, names)
        for other in names:
            if other.strip().casefold() == name.strip().casefold():
                what, near = f"{what}; one there differs only in capital and small letters", other
                break
            if _seen(other) == _seen(name):
                what, near = f"{what}; one there looks the same: {_letters(other, name)}", other
                break
        else:
            near = renamed[0] if len(renamed) == 1 else near
        self.problems.append(place.problem(what, name, "the name of a variable of the file", near))


def label_difference(label: str, file_label: str) -> str:
    """Where two long labels part, as both look the same in a message; empty for labels that a message shows whole."""
    if shorten(label) == label and shorten(file_label) == file_label:
        return ""
    same = next((at for at, pair in enumerate(zip(label, file_label, strict=False)) if pair[0] != pair[1]), None)
    return f" (they part at character {(min(len(label), len(file_label)) if same is None else same) + 1})"


def number_of_rows(count: int) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} row" if count == 1 else f"{count} rows"


def plain_label(label: str | None) -> str:
    """A label as it is compared: no blanks at its ends, one sign for the end of a line."""
    return (label or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def _seen(name: str) -> str:
    """What a reader sees: compatibility forms, cases and Cyrillic letters with a Latin twin made the same."""
    return unicodedata.normalize("NFKC", name).strip().casefold().translate(_LOOK_ALIKE)


def _letters(there: str, here: str) -> str:
    for at, (one, other) in enumerate(zip(there.strip(), here.strip(), strict=False), start=1):
        if one != other:
            first, second = unicodedata.name(one, repr(one)), unicodedata.name(other, repr(other))
            return f"its character {at} is {first}, here it is {second}"
    return "it is longer or shorter by a sign that is not seen"
