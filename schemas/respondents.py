"""The part of a manifest that describes respondents' answers: file, rows, weight, design, banners.

Belongs here: what a person must declare before answers may be counted. Does not belong here: which question is which
item (schemas.crosswalk), what the file says of itself (schemas.codebook).

Nothing here is guessed from the name of a variable: `for_weight` may hold the number of a cell.
"""

from typing import Literal

from pydantic import Field, model_validator

from schemas.conditions import CodesText, ConditionText
from schemas.handwritten import Strict
from schemas.names import CategoryId, Label, RelativePath


class DeclaredSet(Strict):
    """A multiple-response set that the file does not declare: usually a battery of 0/1 variables."""

    name: Label
    label: str = ""
    members: list[str] = Field(min_length=2)
    counted: str = Field(default="1", description="the code that means chosen")


class Reading(Strict):
    """How to read the file, where it does not say so itself."""

    encoding: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] | None = None
    sheet: str | None = None
    codebook: RelativePath | None = Field(default=None, description="a table of labels in the release's folder")
    catalog: RelativePath | None = Field(default=None, description="a SAS catalog among the release's files")
    sets: list[DeclaredSet] = []
    keep: list[str] = Field(default=[], description="variables to keep although they look private")


class Weight(Strict):
    """The weight variable, and what is known about it: each statement is checked at every load.

    Rows with weight 0 are not in any base; `zeros` says how many there are, so that it does not happen unseen.
    """

    variable: Label
    mean: float | None = Field(default=None, gt=0, description="checked to 1 %; over rows with a weight above 0")
    lowest: float | None = Field(default=None, ge=0, description="no weight above 0 is lower")
    highest: float | None = Field(default=None, gt=0, description="no weight is higher")
    zeros: int = Field(default=0, ge=0, description="rows with weight 0")
    missing: int = Field(default=0, ge=0, description="rows without a weight; they are left out like those with 0")
    note: str | None = None


class SampleDesign(Strict):
    """How the sample was drawn, for its standard errors. Left out: every respondent drawn by himself."""

    strata: list[Label] = Field(default=[], description="variables; several are crossed")
    psu: Label | None = Field(default=None, description="primary sampling unit; made unique within strata")
    lonely: Literal["fail", "remove", "certainty", "adjust", "average"] = Field(
        default="fail", description="a stratum with one PSU, as R's survey.lonely.psu"
    )
    note: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "SampleDesign":
        if not self.strata and not self.psu:
            raise ValueError("neither strata nor psu; expected one of them, or no design at all")
        return self


class BannerValue(Strict):
    """One column of a banner: codes, and the file's own labels for them, joined by | where there are several."""

    value: Label
    codes: CodesText
    label: str | None = None


class Banner(Strict):
    """What divides the respondents: a variable in columns, or two or more banners crossed."""

    subgroup: CategoryId
    variable: Label | None = None
    values: list[BannerValue] = []
    outside: CodesText | None = Field(default=None, description="codes that belong to no column")
    cross: list[CategoryId] = Field(default=[], description="banners above this one")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Banner":
        if bool(self.cross) == bool(self.variable):
            raise ValueError(f"banner {self.subgroup!r}; expected variable with values, or cross")
        if self.variable and not self.values:
            raise ValueError(f"banner {self.subgroup!r} has no values; expected a list of value and codes")
        if self.cross and (self.values or self.outside or len(self.cross) < 2):
            raise ValueError(f"banner {self.subgroup!r} crosses others; expected at least two of them and no values")
        names = [one.value for one in self.values]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"banner {self.subgroup!r} has {name!r} twice; expected each value once")
        if self.subgroup == "total":
            raise ValueError("total is everyone; expected another name for a banner")
        return self


class Respondents(Strict):
    """One sample: the rows of one file that belong to this release, with weight, design and banners."""

    file: RelativePath = Field(description="path of a file with role respondents")
    expect_rows: int = Field(ge=1, description="rows of the whole file; a file that was cut is refused")
    rows: ConditionText | None = Field(default=None, description="which rows belong to this release, e.g. sample=1")
    weight: Literal["none"] | Weight = Field(description="a weight with its variable, or none")
    design: SampleDesign | None = None
    interval: Literal["logit", "xlogit", "likelihood", "asin", "beta", "korn_graubard", "mean", "wilson"] = "logit"
    quantile: Literal["t", "normal"] = Field(
        default="t", description="t with the group's own degrees of freedom, or normal as R's confint(svymean())"
    )
    banners: list[Banner] = []
    reading: Reading = Reading()

    @model_validator(mode="after")
    def _banners_hold(self) -> "Respondents":
        seen: list[str] = []
        for banner in self.banners:
            if banner.subgroup in seen:
                raise ValueError(f"the banner {banner.subgroup!r} stands twice; expected each once")
            for part in banner.cross:
                if part not in seen:
                    raise ValueError(f"banner {banner.subgroup!r} crosses {part!r}; expected a banner above it")
            seen.append(banner.subgroup)
        return self

    @property
    def weight_variable(self) -> str | None:
        """Name of the weight variable; None for an unweighted sample."""
        return self.weight.variable if isinstance(self.weight, Weight) else None
