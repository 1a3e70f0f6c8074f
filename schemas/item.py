"""Items: harmonised questions with their categories (`catalog/items/*.yml`).

Belongs here: what an item is. Two questions that share an item are *declared* comparable (DDI's represented variable);
what only looks like the same item stands under `apart_from` with the reason. Does not belong here: which question of
which wave belongs to an item (schemas.crosswalk).
"""

from pydantic import Field, model_validator

from schemas.handwritten import Strict
from schemas.names import CategoryId, Label, Slug
from schemas.vocabulary import Answer, Kind, Recipe, WordingKind


class Category(Strict):
    """One answer category. A net names its parts under `of`."""

    id: CategoryId = Field(description="id of the category")
    label: Label
    kind: Kind = "substantive"
    of: list[CategoryId] = Field(default=[], description="the categories that a net adds up")
    score: float | None = None


class Apart(Strict):
    """An item that looks alike but is another question, and why."""

    item: Slug
    reason: str = Field(description="why it is another question")


class Derived(Strict):
    """How an item follows from other items that the same respondents were asked.

    `index`: mean of the scores of the items `of`, over those answered, of whom there must be `at_least`; it has a mean
    and no shares. `count`: how many of the items were answered with `category`; its categories are `n0`, `n1`, … .
    `cross`: two items crossed; its categories are the two ids joined by an underscore. Everyone who did not answer
    enough is outside the base. An answer counts for an index if its category has a score, for `count` and `cross` if
    its kind is substantive.
    """

    kind: Recipe
    of: list[Slug] = Field(min_length=1, description="items that it follows from")
    category: CategoryId | None = None
    at_least: int | None = Field(default=None, ge=1, description="items that must be answered; default all")

    @model_validator(mode="after")
    def _complete(self) -> "Derived":
        if (self.kind == "count") != (self.category is not None):
            raise ValueError(f"a recipe of kind {self.kind}; expected category with count, and only there")
        if self.kind == "cross" and len(self.of) != 2:
            raise ValueError(f"{len(self.of)} items crossed; expected two")
        if self.at_least is not None and (self.kind == "cross" or self.at_least > len(self.of)):
            raise ValueError("at_least; expected at most the number of items, and none for cross")
        return self


class Item(Strict):
    """A harmonised question."""

    item: Slug
    concept: str
    title: Label
    wording: str
    wording_kind: WordingKind
    answer: Answer = "single"
    categories: list[Category] = []
    derived: Derived | None = None
    polarity: str | None = None
    keywords: list[str] = []
    apart_from: list[Apart] = []
    note: str | None = None

    @model_validator(mode="after")
    def _categories_hold(self) -> "Item":
        ids = [category.id for category in self.categories]
        index = self.derived is not None and self.derived.kind == "index"
        if index == bool(ids):
            raise ValueError("categories; expected at least one, and none for an index")
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
