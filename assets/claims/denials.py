"""Whether a text denies: against, do not, oppose.

Belongs here: the words for no, in sentences and in labels of answers. Does not belong here: what a denial means for a
figure (assets.claims.conditions).
"""

import re

_DENIES = re.compile(
    r"\b(?:against|oppos\w+|reject\w*|disapprov\w+|disagree\w*|distrust\w*|refus\w+|deny|denies|negative\w*|"
    r"no|not|cannot|\w+n['’]t)\b",
    re.IGNORECASE,
)


def opposes(label: str) -> bool:
    """Whether an answer as a whole denies: its first words do. *Support but not get involved* does not.

    >>> opposes("Do not support (definitely or rather)"), opposes("Support Russia's actions but not get involved")
    (True, False)
    """
    return denies(" ".join(label.split()[:3]))


def denies(text: str) -> bool:
    """Whether a sentence, a label or an id of an answer denies.

    >>> denies("not_support"), denies("Support")
    (True, False)
    """
    return _DENIES.search(text.replace("_", " ")) is not None
