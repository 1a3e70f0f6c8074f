"""Claims: sentences in the press that quote a survey (`catalog/claims/*.yml`).

Belongs here: who said what, where, when, and which figure it would need. Does not belong here: the verdict, which every
build finds anew (assets.claims), nor what somebody expects it to be.
"""

from pydantic import Field, model_validator

from schemas.dates import PartialDate
from schemas.handwritten import Strict
from schemas.names import Address, CategoryId, Slug
from schemas.vocabulary import Comparison, Direction, Qualifier


class Claim(Strict):
    """One claim. `statement` is in our words; the source is quoted by address, not copied.

    `value` is what the sentence claims of `category`; in a change it is the later figure and `other_value` the earlier
    one. Where the sentence counts the complement of an answer (*97 % reject*, of 3 % for), `category` is that answer
    and `comparison` is `complement`. `period` and `other_period` are the times of the interviews, only if the sentence
    names them; without `period` it is read as speaking of the newest wave.
    """

    claim: Slug
    said_by: str
    published: PartialDate
    url: Address | None = None
    statement: str
    item: Slug
    category: CategoryId
    value: float | None = Field(default=None, ge=0, le=100)
    other_value: float | None = Field(default=None, ge=0, le=100)
    qualifier: Qualifier = "exact"
    comparison: Comparison = "level"
    direction: Direction | None = None
    period: PartialDate | None = None
    other_period: PartialDate | None = None
    organisation: Slug | None = None
    population: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Claim":
        if self.comparison != "change" and (self.other_value, self.direction, self.other_period) != (None, None, None):
            raise ValueError("other_value, direction and other_period; expected only with comparison: change")
        if self.comparison == "change" and self.value is None:
            raise ValueError("a change without value; expected the later figure")
        if self.comparison == "complement" and self.value is None:
            raise ValueError("a complement without value; expected the figure of the sentence")
        if self.qualifier == "range":
            raise ValueError("a range; expected exact, about, more_than or less_than")
        return self

    def goes(self) -> Direction | None:
        """Whether a claimed change is a rise or a fall; None if the sentence does not say."""
        if self.direction or self.value is None or self.other_value is None or self.value == self.other_value:
            return self.direction
        return "rise" if self.value > self.other_value else "fall"
