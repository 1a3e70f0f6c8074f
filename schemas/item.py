"""Items: harmonised questions with their categories (`catalog/items/*.yml`).

Belongs here: what an item is. Two questions that share an item are *declared* comparable (DDI's represented variable);
what only looks like the same item stands under `apart_from` with the reason. Does not belong here: which question of
which wave belongs to an item (schemas.crosswalk).
"""

from pydantic import Field, model_validator

from schemas.handwritten import Strict
from schemas.names import CategoryId, Label, Slug
from schemas.vocabulary import Answer, Kind, WordingKind


class Category(Strict):
    """One answer category. A net names its parts under `of`."""

    id: CategoryId
    label: Label
    kind: Kind = "substantive"
    of: list[CategoryId] = []
    score: float | None = None


class Apart(Strict):
    """An item that looks alike but is another question, and why."""

    item: Slug
    reason: str


class Item(Strict):
    """A harmonised question."""

    item: Slug
    concept: str
    title: Label
    wording: str
    wording_kind: WordingKind
    answer: Answer = "single"
    categories: list[Category] = Field(min_length=1)
    polarity: str | None = None
    keywords: list[str] = []
    apart_from: list[Apart] = []
    note: str | None = None

    @model_validator(mode="after")
    def _categories_hold(self) -> "Item":
        ids = [category.id for category in self.categories]
        for category in self.categories:
            if ids.count(category.id) > 1:
                raise ValueError(f"the category {category.id!r} stands twice; expected each id once")
            if (category.kind == "net") != bool(category.of):
                raise ValueError(
                    f"category {category.id!r}: a net needs `of`, and only a net; expected kind: net with of: [...]"
                )
            for part in category.of:
                if part not in ids:
                    raise ValueError(f"the net {category.id!r} names {part!r}; expected one of {', '.join(ids)}")
        return self

    def kinds(self) -> dict[str, Kind]:
        """Kind of each category."""
        return {category.id: category.kind for category in self.categories}
