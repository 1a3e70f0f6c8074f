"""Claims: sentences in the press that quote a survey (`catalog/claims/*.yml`).

Belongs here: who said what, where, when, and which figure it would need. Does not belong here: the verdict.
"""

from pydantic import Field

from schemas.dates import PartialDate
from schemas.handwritten import Strict
from schemas.names import Address, CategoryId, Slug
from schemas.vocabulary import Comparison


class Claim(Strict):
    """One claim. `statement` is in our words; the source is quoted by address, not copied."""

    claim: Slug
    said_by: str
    published: PartialDate
    url: Address | None = None
    statement: str
    item: Slug
    category: CategoryId
    value: float | None = Field(default=None, ge=0, le=100)
    other_value: float | None = Field(default=None, ge=0, le=100)
    comparison: Comparison = "level"
    organisation: Slug | None = None
    population: str | None = None
    note: str | None = None
