"""The part of a manifest that says which respondents, or primary units, are in other waves of the series too.

Belongs here: what a person must declare so that waves are not taken as independent samples. Does not belong here:
reading names of units (assets.questions.panels), covariances (assets.trends.overlap).
"""

from typing import Literal

from pydantic import Field, model_validator

from schemas.handwritten import Strict
from schemas.names import Label, WaveId


class OtherWave(Strict):
    """A wave that some people were in before, and the variable here that has the names which they had there."""

    wave: WaveId = Field(description="id of the other wave, of the same series")
    id: Label = Field(description="variable of this file; empty for people who were not in that wave")


class Panel(Strict):
    """Units that were in several waves: people who were asked again, or primary units that were drawn once.

    Names leave the file only as numbers that are made of them, and never leave the lake.
    """

    units: Literal["people", "psus"] = Field(
        default="people", description="psus: those of the design, which have the same names in other waves"
    )
    id: Label | None = Field(default=None, description="variable with a name for each person")
    names: Literal["series", "wave"] = Field(
        default="series",
        description="series: all waves that say so use the same names; wave: names hold here only, and other waves "
        "say under also_in which of them they mean",
    )
    also_in: list[OtherWave] = Field(default=[], description="waves in which people had names of another kind")

    @property
    def variables(self) -> dict[str, str]:
        """Names of the variables of the file, by their key below `respondents`."""
        own = {"panel.id": self.id} if self.id else {}
        return own | {f"panel.also_in.{at}.id": one.id for at, one in enumerate(self.also_in)}

    @model_validator(mode="after")
    def _holds_together(self) -> "Panel":
        if (self.units == "people") != (self.id is not None):
            raise ValueError("id belongs to people, and people need it; expected units people with id, or psus without")
        if self.units == "psus" and (self.also_in or self.names == "wave"):
            raise ValueError("psus have the names of the design; expected neither also_in nor names: wave")
        waves = [one.wave for one in self.also_in]
        for wave in waves:
            if waves.count(wave) > 1:
                raise ValueError(f"the wave {wave!r} stands twice under also_in; expected each once")
        return self
