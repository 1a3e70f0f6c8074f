"""What does not leave the child: free text, times, fine geography and contacts, unless the manifest keeps them.

Belongs here: deciding by what the file says about a variable, before any row is read. Does not belong here: reading
rows, small cells, licences. Respondents are people, some of them in a police state: in doubt a variable is dropped, the
codebook says so, and a person may keep it by name.

A labelled variable is a closed question and stays, whatever its name; so does a short code. The words are looked for in
the names of variables, and in the labels of text only, as many questions are about time or places.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from assets.responses.options import Options
from schemas.codebook import Codebook, DroppedBecause, Variable
from schemas.problems import Problem, ProblemsError, nearest

SHORT_TEXT = 8  # bytes; an answer code or a short id, as SPSS knew no longer strings with labels
LONGEST_CATEGORY, MOST_CATEGORIES = 60, 60  # of text in files without labels
FEW_CATEGORIES, RARE = 6, 2  # so many different texts, mostly given by one or two people each, were written
MOST_LABELS = 100  # more labelled codes are a list of places or occupations, not the answers to a question
_WRITTEN = re.compile(r"[0-9][_-]?[TtТт]$|(?:^|_)(?:text|txt|other|oth|verbatim|open)$")  # Q8_13T, q5_other
_START, _END = r"(?:^|[^a-zа-яё])", r"(?:$|[^a-zа-яё])"


def _words(words: str) -> "re.Pattern[str]":
    return re.compile(f"{_START}(?:{words}){_END}")


# At the end of the name: phone_type is a question about phones, phone_number is one.
_CONTACT = re.compile(
    _START + "(?:e?mail|(?:tele|mobile_?)?phone|mobile|ip|ip_?address|(?:respondent|first|last|full|sur)_?name|"
    "fname|lname|телефон|фамилия|имя|почта)(?:_?(?:number|address|nr|no|num|[0-9]+))?$"
)
_TIME = _words(
    "date|int_?date|time|timestamp|start_?time|end_?time|starttime|endtime|start_?date|end_?date|birth_?date|dob|"
    "recorded_?date|interview_?date|submit_?date|дата|время|начало|окончание"
)
_PLACE = _words(
    "address|street|zip|zip_?code|zip5|postal_?code|post_?code|lat|latitude|lon|lng|longitude|gps|city|town|village|"
    "settlement|municipality|county_?name|inputzip|raion|rayon|"
    "район|адрес|улица|индекс|город|село|деревня|населенный пункт|нас_?пункт"
)


class TextFacts(NamedTuple):
    """What tells an answer that was ticked from one that was written, in a file without labels.

    Attributes:
        longest: letters of the longest value.
        different: different values.
        answers: respondents with a value.
        rare: those of them whose value at most one other gave.
    """

    longest: int
    different: int
    answers: int
    rare: int

    @classmethod
    def of(cls, counts: Mapping[str, int], longest: int) -> "TextFacts":
        """From values with how often each occurs."""
        rare = sum(times for times in counts.values() if times <= RARE)
        return cls(longest, len(counts), sum(counts.values()), rare)


def private(codebook: Codebook, options: Options, texts: Mapping[str, TextFacts], file: str) -> Codebook:
    """The codebook in which every variable that stays behind says why.

    Args:
        codebook: of the whole file.
        options: with the manifest's allow-list.
        texts: of the variables of text, in files without declared widths.
        file: what the person calls the file.

    Raises:
        ProblemsError: the allow-list names a variable that is not in the file.
    """
    names = [one.name for one in codebook.variables]
    unknown = [name for name in options.keep if name != "*" and name not in names]
    if unknown:
        what = "the list of variables to keep names one that is not in the file"
        raise ProblemsError(
            Problem("manifest", file, what, column="keep", value=name, nearest=nearest(name, names)) for name in unknown
        )
    if "*" in options.keep:
        return codebook
    kept = set(options.keep)
    variables = [
        one if one.name in kept else one.model_copy(update={"dropped": _reason(one, texts.get(one.name))})
        for one in codebook.variables
    ]
    return codebook.model_copy(update={"variables": variables})


def _reason(one: Variable, text: TextFacts | None) -> DroppedBecause | None:
    name = one.name.casefold()
    closed = 0 < len(one.labels) <= MOST_LABELS
    if _CONTACT.search(name):
        return "contact"
    if one.kind in ("date", "datetime", "time"):
        return "time"
    if closed:
        return None
    if _TIME.search(name):
        return "time"
    if _PLACE.search(name) or (one.stored == "text" and one.label and _PLACE.search(one.label.casefold())):
        return "geography"
    if len(one.labels) > MOST_LABELS:
        return "geography"
    if one.stored != "text":
        return None
    if _WRITTEN.search(one.name):
        return "free_text"
    if text is not None:
        written = text.different >= FEW_CATEGORIES and 2 * text.rare > text.answers
        too_many = text.longest > LONGEST_CATEGORY or text.different > MOST_CATEGORIES
        return "free_text" if written or too_many else None
    return "free_text" if (one.width or 0) > SHORT_TEXT else None
