"""Figures that someone published and that the respondents' answers must reproduce (`published.csv`).

Belongs here: one such figure, of any statistic. Does not belong here: published percentages that stand on their own
(`toplines.csv`, schemas.crosswalk), the comparison (assets.trends.agreement).
"""

import re
from decimal import Decimal, InvalidOperation

from pydantic import Field, field_validator, model_validator

from schemas.dates import PartialDate
from schemas.handwritten import Strict
from schemas.names import Address, CategoryId, Label, Slug
from schemas.vocabulary import PublishedStatistic

_NUMBER = re.compile(r"^-?[0-9]+(?:\.[0-9]+)?$")


class PublishedRow(Strict):
    """One published figure.

    `value` is text as printed: its digits say how it was rounded. `tolerance` (in units of the value) widens that, and
    then `note` says why. A row without an item is about the whole sample: only `n` and `weighted_n` can be.
    """

    item: Slug | None = None
    category: CategoryId | None = None
    subgroup: CategoryId = "total"
    subgroup_value: Label = "all"
    statistic: PublishedStatistic = "percent"
    value: str = Field(description="the figure as printed")
    tolerance: float | None = Field(default=None, ge=0)
    published: PartialDate | None = None
    source: Label
    source_url: Address | None = None
    note: Label | None = None

    @field_validator("value")
    @classmethod
    def _number(cls, text: str) -> str:
        if not _NUMBER.match(text):
            raise ValueError("not a number; expected digits with a decimal point, as printed (59, 45.86)")
        return text

    @model_validator(mode="after")
    def _complete(self) -> "PublishedRow":
        if self.item is None and (self.statistic not in ("n", "weighted_n") or self.category):
            raise ValueError("a figure of no item; expected item, or statistic n or weighted_n of the whole sample")
        if self.item and not self.category and self.statistic not in ("mean", "n", "weighted_n"):
            raise ValueError(f"a {self.statistic} of no category; expected category")
        if self.tolerance is not None and not self.note:
            raise ValueError("a tolerance without a reason; expected note")
        return self

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit."""
        try:
            exponent = Decimal(self.value).as_tuple().exponent
        except InvalidOperation:  # pragma: no cover  the pattern above allows no such text
            return 0.0
        digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        return float(0.5 * 10.0**-digits)
