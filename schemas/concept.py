"""Concepts: the subjects under which items are filed, with names for people (`catalog/concepts.yml`).

Belongs here: id and name. Does not belong here: which item has which concept (schemas.item). A concept needs no entry:
without one its id is shown as words.
"""

from pydantic import model_validator

from schemas.handwritten import Strict
from schemas.names import Label


class Concept(Strict):
    """A concept. `concept` is what items name, `name` what people read."""

    concept: str
    name: Label
    note: str | None = None


class Concepts(Strict):
    """Names of concepts, one entry each; one that is not listed is shown by its id."""

    concepts: list[Concept]

    @model_validator(mode="after")
    def _once(self) -> "Concepts":
        ids = [one.concept for one in self.concepts]
        for concept in ids:
            if ids.count(concept) > 1:
                raise ValueError(f"the concept {concept!r} stands twice; expected each id once")
        return self
