"""Variables that are new in this wave, and which item of the catalogue each may be.

Belongs here: hints for a person. Does not belong here: rows of the crosswalk; a hint is never drafted as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.onboarding.codes import codes_of
from assets.onboarding.contents import Contents
from assets.onboarding.crosswalk import Crosswalk
from assets.onboarding.previous import Written
from assets.onboarding.words import likeness, plain
from schemas.conditions import is_tag
from schemas.item import Item

LIKE = 0.80


@dataclass(frozen=True)
class NewVariable:
    """A variable that was not there before.

    Attributes:
        codes: (code, label, rows) of its labelled codes.
        hint: an item that asks something like it, and where.
    """

    name: str
    label: str | None
    codes: tuple[tuple[str, str, int | None], ...]
    hint: str | None = None

    @property
    def is_question(self) -> bool:
        """Whether it has answers to choose from."""
        return sum(not is_tag(code) for code, _, _ in self.codes) > 1


def new_variables(
    contents: Contents, crosswalk: Crosswalk, releases: Sequence[Written], items: Mapping[str, Item]
) -> tuple[NewVariable, ...]:
    """What no variable of the previous wave became, in the order of the file.

    Args:
        contents: the new file.
        crosswalk: of the draft; without one every variable is new.
        releases: of the series, in whose crosswalks the question may have stood before.
        items: of the catalogue.
    """
    matched = set(crosswalk.names.values())
    found = [one for one in contents.codebook.variables if one.dropped is None and one.name not in matched]
    known = _known(releases, items)
    texts = [plain(one.label) for one in found]
    scores = likeness(texts, [text for text, _ in known])
    out = []
    for position, one in enumerate(found):
        hint = None
        if known and texts[position]:
            best = int(scores[position].argmax())
            if scores[position, best] >= LIKE:
                hint = f"{known[best][1]}, {scores[position, best]:.0%} alike"
        codes = codes_of(one, contents.tallies.get(one.name))
        labelled = tuple((code, label, n) for code, (label, n) in codes.items() if label)
        out.append(NewVariable(one.name, one.label, labelled, hint))
    return tuple(out)


def _known(releases: Sequence[Written], items: Mapping[str, Item]) -> list[tuple[str, str]]:
    """(plain text, where it stands) of wordings that have an item; the latest wave first."""
    found: dict[str, str] = {}
    for one in reversed(releases):
        for row in one.questions:
            text = plain(row.variable_label or row.wording)
            found.setdefault(text, f"item {row.item}, {row.question} of {one.folder.name}")
    for item in items.values():
        found.setdefault(plain(item.wording), f"item {item.item}")
    return [(text, where) for text, where in found.items() if text]
