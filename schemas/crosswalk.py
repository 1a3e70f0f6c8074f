"""The three tables of a release that people write: published figures, questions, categories.

Belongs here: the rows of `toplines.csv`, `questions.csv`, `categories.csv` and what a single row must satisfy.
Does not belong here: checks across rows and files (assets.questions).
"""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from schemas.conditions import ConditionText
from schemas.dates import PartialDate
from schemas.handwritten import Strict
from schemas.manifest import MOST_PEOPLE
from schemas.names import Address, CategoryId, Label, Slug
from schemas.vocabulary import (
    Answer,
    Confidence,
    Decision,
    Form,
    Kind,
    OptionsMatch,
    Qualifier,
    QuestionMatch,
    Standing,
    WordingKind,
)

_NUMBER = re.compile(r"^[0-9]{1,3}(?:\.[0-9]+)?$")  # not \d, which takes the digits of every script
_RANGE = re.compile(r"^([0-9]{1,3}(?:\.[0-9]+)?)-([0-9]{1,3}(?:\.[0-9]+)?)$")


class ToplineRow(Strict):
    """One published figure as its source prints it.

    `percent` is text: `3`, `52.2`, or a range `2-4`. `qualifier_text` keeps the source's own words (`one in four`).
    `standing` says what the figure is worth: the `figure` of its cell, a `repeat` of it elsewhere, an earlier value of
    the producer (`superseded`, `interim`), or a `retelling` that disagrees and is never an estimate.
    """

    question: Label
    wording: Label
    option: Label
    percent: str
    base: Label
    n: Label | None = Field(default=None, description="number of interviews as printed beside the figure")
    published: PartialDate | Literal["undated"]
    source_url: Address
    confidence: Confidence
    qualifier: Qualifier = "exact"
    qualifier_text: Label | None = None
    standing: Standing = "figure"
    note: str | None = None

    @field_validator("percent")
    @classmethod
    def _share(cls, text: str) -> str:
        found = _RANGE.match(text)
        if found is None and not _NUMBER.match(text):
            raise ValueError("not a percentage; expected a number (52.2) or a range (2-4), no % sign")
        ends = [float(end) for end in (found.groups() if found else (text,))]
        if max(ends) > 100:
            raise ValueError("more than 100 percent; expected 0 to 100")
        if ends[0] > ends[-1]:
            raise ValueError("a range that runs backwards; expected low-high")
        return text

    def share(self) -> tuple[float | None, float | None, float | None]:
        """Percent, and the two ends of a range: `(3.0, None, None)` or `(None, 2.0, 4.0)`."""
        found = _RANGE.match(self.percent)
        return (None, float(found[1]), float(found[2])) if found else (float(self.percent), None, None)


class QuestionRow(Strict):
    """One source question of a release, and the item it is (or is not quite).

    With `variable` it is a question of the respondents' file: a variable, or a multiple-response set, whose label the
    file must still have. `where` says who was asked, where one variable holds two wordings or the rest was filtered
    out; `base` then says it in words. A question without `variable` is one of published figures, or, if its item is
    derived, computed from other questions of this release.
    """

    question: Label
    item: Slug
    wording: Label
    wording_kind: WordingKind
    question_match: QuestionMatch
    options_match: OptionsMatch
    answer: Answer = "single"
    form: Form = "full"
    n: int | Literal["unknown"] | None = None
    decision: Decision
    reason: str | None = None
    reviewed_by: str | None = None
    variable: str | None = None
    variable_label: str | None = None
    where: ConditionText | None = Field(
        default=None, description="condition on the answers: who was asked, or which wording"
    )
    base: Label | None = None
    note: str | None = None

    @field_validator("n")
    @classmethod
    def _positive(cls, n: int | str | None) -> int | str | None:
        if isinstance(n, int) and not 1 <= n <= MOST_PEOPLE:
            raise ValueError("no number of people asked; expected at least 1, unknown, or nothing (the base's n)")
        return n


class CategoryRow(Strict):
    """One source option and the category it is. Every option in the figures needs a row, every row an option.

    `option` is what published figures call it; `code` is what respondents' answers have (`.` the system-missing value,
    `.a` a tagged one, the name of a variable in a 0/1 battery), with the file's own `label` for it. A row may have
    both. An answer counts in the base unless its kind is not_asked or system; `in_base` says otherwise. A code outside
    the base needs no category.
    """

    question: Label
    option: Label | None = None
    code: str | None = None
    label: str | None = None
    category: CategoryId | None = None
    kind: Kind
    score: float | None = None
    in_base: Literal["yes", "no"] | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "CategoryRow":
        if self.option is None and self.code is None:
            raise ValueError("neither option nor code; expected one of them")
        if self.label is not None and self.code is None:
            raise ValueError("a label without a code; expected code beside label")
        if self.in_base is not None and self.code is None:
            raise ValueError("in_base is about a code; expected code beside it")
        if self.category is None and (self.option is not None or self.counts):
            raise ValueError("no category; expected one, unless the code is outside the base")
        return self

    @property
    def counts(self) -> bool:
        """Whether respondents with this code are in the base."""
        return self.in_base == "yes" if self.in_base else self.kind not in ("not_asked", "system")
