"""What does not leave the child: free text, times, fine geography and contacts, unless the manifest keeps them.

Belongs here: deciding by what the file says about a variable, before any row is read. Does not belong here: reading
rows, small cells, licences. Respondents are people, some of them in a police state: in doubt a variable is dropped, the
codebook says so, and a person may keep it by name.

A labelled variable is a closed question and stays, whatever its name; so does a short code. The words are looked for in
the names of variables, and in the labels of text only, as many questions are about time or places.
"""

import re

from assets.responses.options import Options
from schemas.codebook import Codebook, DroppedBecause, Variable
from schemas.problems import Problem, ProblemsError, nearest

SHORT_TEXT = 8  # bytes; an answer code or a short id, as SPSS knew no longer strings with labels
LONGEST_CATEGORY, MOST_CATEGORIES = 60, 60  # of text in files without labels
MOST_LABELS = 100  # more labelled codes are a list of places or occupations, not the answers to a question
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
    "settlement|municipality|county_?name|inputzip|адрес|улица|индекс|город|село|деревня|населенный пункт|нас_?пункт"
)


def private(codebook: Codebook, options: Options, texts: dict[str, tuple[int, int]], file: str) -> Codebook:
    """The codebook in which every variable that stays behind says why.

    Args:
        codebook: of the whole file.
        options: with the manifest's allow-list.
        texts: for text of files without declared widths, per variable the longest value and the number of different
            ones.
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


def _reason(one: Variable, text: tuple[int, int] | None) -> DroppedBecause | None:
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
    if one.stored != "text":
        return None
    if text is not None:
        longest, different = text
        return "free_text" if longest > LONGEST_CATEGORY or different > MOST_CATEGORIES else None
    return "free_text" if (one.width or 0) > SHORT_TEXT else None
