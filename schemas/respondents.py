"""The part of a manifest that describes respondents' answers: file, rows, weight, targets, design, banners.

Belongs here: what a person must declare before answers may be counted. Does not belong here: which question is which
item (schemas.crosswalk), what the file says of itself (schemas.codebook).

Nothing here is guessed from the name of a variable: `for_weight` may hold the number of a cell.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from schemas.conditions import CodesText, ConditionText
from schemas.handwritten import Strict, repeated
from schemas.names import CategoryId, Label, RelativePath
from schemas.panels import Panel


class DeclaredSet(Strict):
    """A multiple-response set that the file does not declare: usually a battery of 0/1 variables."""

    name: Label = Field(description="name of the set")
    label: str = ""
    members: list[str] = Field(min_length=2, description="its 0/1 variables")
    counted: str = Field(default="1", description="the code that means chosen")


class Reading(Strict):
    """How to read the file, where it does not say so itself."""

    encoding: str | None = Field(default=None, description="encoding of the texts, if the file does not say")
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(default=None, description="sign between the columns")
    decimal: Literal[".", ","] | None = Field(default=None, description="decimal sign")
    sheet: str | None = Field(default=None, description="sheet of a workbook")
    codebook: RelativePath | None = Field(default=None, description="a table of labels in the release's folder")
    catalog: RelativePath | None = Field(default=None, description="a SAS catalog among the release's files")
    sets: list[DeclaredSet] = []
    keep: list[str] = Field(default=[], description="variables to keep although they look private")


class Weight(Strict):
    """The weight variable, and what is known about it: each statement is checked at every load.

    Rows with weight 0 are not in any base; `zeros` says how many there are, so that it does not happen unseen.
    """

    variable: Label = Field(description="weight variable")
    mean: float | None = Field(default=None, gt=0, description="checked to 1 %; over rows with a weight above 0")
    lowest: float | None = Field(default=None, ge=0, description="no weight above 0 is lower")
    highest: float | None = Field(default=None, gt=0, description="no weight is higher")
    zeros: int = Field(default=0, ge=0, description="rows with weight 0")
    missing: int = Field(default=0, ge=0, description="rows without a weight; they are left out like those with 0")
    note: str | None = None


SHARES_ROUNDED = 0.1  # printed shares may add up to 100 less or more this


class TargetCell(Strict):
    """One cell of a target and what part of the population it is; the label is the file's, as in banners."""

    value: Label | None = Field(default=None, description="name of the cell; of a banner, its column")
    codes: CodesText | None = Field(default=None, description="left out where the target is a banner")
    label: str | None = None
    share: float | None = Field(default=None, gt=0, le=100, allow_inf_nan=False, description="percent")
    count: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="persons, in place of share")

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.value or self.label or self.codes or ""


class Target(Strict):
    """What is known of the population: shares of the cells of one variable, or of the columns of one banner."""

    name: Label | None = Field(default=None, description="in messages and in variance_method; else the variable's")
    variable: Label | None = Field(default=None, description="variable whose shares are met")
    banner: CategoryId | None = Field(default=None, description="or a banner whose shares are met")
    values: list[TargetCell] = Field(min_length=2)
    outside: CodesText | None = Field(default=None, description="codes in no cell; who has one gets weight 0")

    @property
    def called(self) -> str:
        """What messages call it."""
        return self.name or self.variable or self.banner or ""

    @property
    def shares(self) -> list[float]:
        """Parts of 1, in the order of the values."""
        parts = [one.share or one.count or 0.0 for one in self.values]
        return [part / sum(parts) for part in parts]

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Target":
        if bool(self.banner) == bool(self.variable):
            raise ValueError(f"target {self.called!r}; expected variable with codes, or banner")
        if self.banner and (self.outside or any(one.codes or one.label for one in self.values)):
            raise ValueError(f"target {self.called!r} is a banner; expected values with value and share only")
        for one in self.values:
            if not (one.value if self.banner else one.codes):
                key = "value" if self.banner else "codes"
                raise ValueError(f"target {self.called!r} has a cell without {key}; expected {key} and share")
        if (name := repeated(one.called for one in self.values)) is not None:
            raise ValueError(f"target {self.called!r} has {name!r} twice; expected each cell once")
        return self

    @model_validator(mode="after")
    def _adds_up(self) -> "Target":
        shares = [one.share for one in self.values if one.share is not None]
        counts = [one.count for one in self.values if one.count is not None]
        if sorted((len(shares), len(counts))) != [0, len(self.values)]:
            raise ValueError(f"target {self.called!r}; expected share for every cell, or count for every cell")
        if shares and abs(sum(shares) - 100) > SHARES_ROUNDED + 1e-9:
            told = f"the shares of target {self.called!r} add up to {sum(shares):.6g}"
            raise ValueError(f"{told}; expected 100, or {SHARES_ROUNDED:g} less or more by rounding")
        return self


class Bounds(Strict):
    """Limits around 1."""

    lowest: float = Field(ge=0, lt=1, allow_inf_nan=False, description="factor below which no weight is changed")
    highest: float = Field(gt=1, allow_inf_nan=False, description="factor above which no weight is changed")


class Targets(Strict):
    """The population that the weights must meet, and how.

    The methods are those of R's `calibrate`: raking multiplies weights and keeps them above 0, linear adds (and is
    refused where a weight would be negative), logit keeps the ratio of new to base weight within bounds.
    """

    method: Literal["raking", "linear", "logit"] = Field(default="raking", description="how weights are moved")
    source: Label = Field(description="where the shares come from, with table and date")
    margins: list[Target] = Field(min_length=1)
    bounds: Bounds | None = Field(default=None, description="of new to base weight; logit only")
    total: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="sum of the weights; left out: the number of respondents"
    )
    variance: Literal["residual", "rake"] = Field(
        default="residual", description="errors as R's calibrate (residual) or as R's rake; they differ"
    )
    iterations: int = Field(default=50, ge=1, le=1000, description="steps at most")
    tolerance: float = Field(default=1e-6, gt=0, le=0.01, description="largest relative difference to a target")
    left_out: int = Field(default=0, ge=0, description="rows that `outside`, or a banner, puts at weight 0")

    @model_validator(mode="after")
    def _holds_together(self) -> "Targets":
        if (self.method == "logit") != (self.bounds is not None):
            raise ValueError("bounds belong to logit, and logit needs them; expected both or neither")
        if self.variance == "rake" and self.method != "raking":
            raise ValueError(f"variance rake with method {self.method}; expected residual")
        if (name := repeated(one.called for one in self.margins)) is not None:
            raise ValueError(f"the target {name!r} stands twice; expected each once, or a name for each")
        return self


class Trim(Strict):
    """Limits of the weights, in units of their mean.

    `together` (with targets, the default): the weights nearest to the base that keep both limits and targets.
    `once` and `strict` are R's trimWeights: what is cut is spread evenly over the others, once, or until none is
    beyond; targets that were met before are then no longer met exactly.
    """

    lowest: float | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False, description="times the mean weight")
    highest: float | None = Field(default=None, gt=1, allow_inf_nan=False, description="times the mean weight")
    rule: Literal["together", "strict", "once"] | None = Field(
        default=None, description="left out: together with targets (of logit strict), otherwise strict"
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Trim":
        if self.lowest is None and self.highest is None:
            raise ValueError("neither lowest nor highest; expected one of them, or no trim at all")
        return self


def _kind_of_weight(given: Any) -> str:
    if isinstance(given, dict):
        return "union[made]" if {"base", "targets", "trim"} & given.keys() else "union[given]"
    kinds: dict[type, str] = {Weight: "union[given]", MadeWeight: "union[made]"}
    return kinds.get(type(given), "union[none]")


# Tags begin with `union[`: schemas.handwritten leaves them out of messages.
GivenWeight = Annotated[
    Annotated[Weight, Tag("union[given]")] | Annotated[Literal["none"], Tag("union[none]")],
    Discriminator(_kind_of_weight),
]


class MadeWeight(Strict):
    """A weight that is made here: a base, brought to targets, trimmed, or both."""

    base: GivenWeight = Field(description="the weight that it starts from, or none: everyone starts alike")
    targets: Targets | None = None
    trim: Trim | None = None
    note: str | None = None

    @property
    def trim_rule(self) -> Literal["together", "strict", "once"]:
        """What happens to what is cut."""
        told = self.trim.rule if self.trim else None
        return told or ("together" if self.targets and self.targets.method != "logit" else "strict")

    @model_validator(mode="after")
    def _makes_something(self) -> "MadeWeight":
        if self.targets is None and self.trim is None:
            raise ValueError("neither targets nor trim; expected one of them, or only the variable of the weight")
        if self.targets is None and self.trim_rule == "together":
            raise ValueError("trim rule together without targets; expected strict or once")
        if self.targets and self.targets.method == "logit" and self.trim_rule == "together":
            raise ValueError("logit has bounds of its own; expected trim rule strict or once, or another method")
        if self.targets is None and self.base == "none":
            raise ValueError("equal weights cannot be trimmed; expected a base with its variable, or targets")
        return self


AnyWeight = Annotated[
    Annotated[Weight, Tag("union[given]")]
    | Annotated[MadeWeight, Tag("union[made]")]
    | Annotated[Literal["none"], Tag("union[none]")],
    Discriminator(_kind_of_weight),
]


class Replicates(Strict):
    """Replicate weights, in place of strata and PSUs: those of the producer, or such as are made here from them.

    The words are those of R's `svrepdesign`; `method` gives the scale unless `scale` is told.
    """

    variables: list[Label] = Field(default=[], description="the producer's, in order; or prefix and count")
    prefix: Label | None = Field(default=None, description="rep: the variables are rep1, rep2, ...")
    count: int | None = Field(
        default=None, ge=2, le=9999, description="how many variables the prefix has, or replicates of a bootstrap"
    )
    digits: int = Field(default=1, ge=1, le=4, description="least digits after the prefix; 2 is rep01, rep02, ...")
    method: Literal["JK1", "JKn", "BRR", "Fay", "bootstrap", "other"] | None = Field(
        default=None, description="how the producer made them; sets scale and rscales"
    )
    fay: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False, description="rho of Fay's method")
    scale: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="factor of squared deviations")
    rscales: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default=[], description="one more factor for each replicate"
    )
    combined: bool = Field(default=True, description="false: the variables are factors of the weight")
    mse: bool = Field(default=False, description="deviations from the whole sample's figure, not the replicates' mean")
    make: Literal["JK1", "JKn", "BRR", "Fay", "bootstrap"] | None = Field(
        default=None, description="made here: one PSU left out at a time, half samples, or PSUs drawn again"
    )
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, description="of a bootstrap that is made here; else 1")

    @property
    def names(self) -> list[str]:
        """Names of the producer's variables; none where they are made here."""
        if self.prefix is None:
            return self.variables
        return [f"{self.prefix}{number:0{self.digits}d}" for number in range(1, (self.count or 0) + 1)]

    @model_validator(mode="after")
    def _given_or_made(self) -> "Replicates":
        if (self.prefix is None) != (self.count is None) and self.make != "bootstrap":
            raise ValueError("prefix and count belong together; expected both, or variables")
        if sum((bool(self.variables), self.prefix is not None, self.make is not None)) != 1:
            raise ValueError("replicates need one of variables, prefix with count, or make")
        if self.make and (self.method or self.scale or self.rscales or not self.combined):
            raise ValueError("replicates that are made have their own scale; expected make, and fay, count, seed, mse")
        if self.make == "bootstrap" and self.count is None:
            raise ValueError("make bootstrap without count; expected how many replicates, such as 500")
        if self.seed is not None and self.make != "bootstrap":
            raise ValueError("seed belongs to make: bootstrap; expected none")
        if not self.make and self.method is None:
            raise ValueError("replicates without method; expected JK1, JKn, BRR, Fay, bootstrap or other")
        if self.digits > 1 and self.prefix is None:
            raise ValueError("digits belong to prefix; expected prefix and count")
        return self

    @model_validator(mode="after")
    def _scaled(self) -> "Replicates":
        many = len(self.names)
        if (name := repeated(self.variables)) is not None:
            raise ValueError(f"the replicate weight {name!r} stands twice; expected each once")
        if self.names and many < 2:
            raise ValueError("one replicate weight gives no error; expected two or more")
        if ("Fay" in (self.method, self.make)) != (self.fay is not None):
            raise ValueError("fay belongs to method Fay or make Fay, which need it; expected both or neither")
        if self.method == "Fay" and self.scale is not None:
            raise ValueError("the scale of Fay follows from fay; expected no scale")
        if self.rscales and len(self.rscales) != many:
            raise ValueError(f"{len(self.rscales)} rscales for {many} replicate weights; expected one for each")
        if self.method == "JKn" and self.scale is None and not self.rscales:
            raise ValueError("method JKn without rscales; expected (m - 1) / m of each replicate's stratum, or scale")
        if self.method == "other" and self.scale is None:
            raise ValueError("method other without scale; expected scale, and rscales where replicates differ")
        if self.rscales and self.scale is None and self.method != "JKn":
            raise ValueError(f"rscales of {self.method} without scale; expected both")
        return self


class SampleDesign(Strict):
    """How the sample was drawn, for its standard errors. Left out: every respondent drawn by himself.

    Waves of one series may differ: each manifest tells what the producer delivers.
    """

    strata: list[Label] = Field(default=[], description="variables; several are crossed")
    psu: Label | None = Field(default=None, description="primary sampling unit; made unique within strata")
    population: Label | None = Field(
        default=None, description="variable with the number of PSUs in the stratum's population (R's fpc, one stage)"
    )
    replicates: Replicates | None = Field(default=None, description="in place of strata and psu, or made from them")
    lonely: Literal["fail", "remove", "certainty", "adjust", "average"] = Field(
        default="fail", description="a stratum with one PSU, as R's survey.lonely.psu"
    )
    note: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Names of all variables of the file, by their key."""
        one = {"psu": self.psu, "population": self.population}
        given = self.replicates.names if self.replicates else []
        key = "replicates.prefix" if self.replicates and self.replicates.prefix else "replicates.variables"
        return {
            **{f"strata.{at}": name for at, name in enumerate(self.strata)},
            **{key: name for key, name in one.items() if name is not None},
            **{f"{key}.{at}": name for at, name in enumerate(given)},
        }

    @model_validator(mode="after")
    def _says_something(self) -> "SampleDesign":
        if not self.variables:
            raise ValueError("neither strata nor psu; expected one of them, or no design at all")
        return self

    @model_validator(mode="after")
    def _replicates_fit(self) -> "SampleDesign":
        told = self.replicates
        if told is None:
            return self
        if told.make is None:
            beside = {"strata": self.strata, "psu": self.psu, "population": self.population}
            for key, there in {**beside, "lonely": self.lonely != "fail"}.items():
                if there:
                    raise ValueError(f"{key} beside the producer's replicate weights; expected one or the other")
            return self
        if self.psu is None:
            raise ValueError(f"make {told.make} without psu; expected the PSUs that replicates leave out")
        if self.population is not None and told.make not in ("JK1", "JKn"):
            raise ValueError(f"make {told.make} with population; expected JKn, or no population")
        if told.make == "JK1" and self.strata:
            raise ValueError("make JK1 with strata; expected JKn")
        if self.lonely in ("adjust", "average"):
            raise ValueError(f"make {told.make} with lonely {self.lonely}; expected fail, remove or certainty")
        return self


class BannerValue(Strict):
    """One column of a banner: codes, and the file's own labels for them, joined by | where there are several."""

    value: Label = Field(description="name of the column")
    codes: CodesText = Field(description="codes that belong to it")
    label: str | None = None


class Banner(Strict):
    """What divides the respondents: a variable in columns, or two or more banners crossed."""

    subgroup: CategoryId = Field(description="id of the banner")
    variable: Label | None = Field(default=None, description="variable that divides")
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
        if (name := repeated(one.value for one in self.values)) is not None:
            raise ValueError(f"banner {self.subgroup!r} has {name!r} twice; expected each value once")
        if self.subgroup == "total":
            raise ValueError("total is everyone; expected another name for a banner")
        return self


class Respondents(Strict):
    """One sample: the rows of one file that belong to this release, with weight, design and banners."""

    file: RelativePath = Field(description="path of a file with role respondents")
    expect_rows: int = Field(ge=1, description="rows of the whole file; a file that was cut is refused")
    rows: ConditionText | None = Field(default=None, description="which rows belong to this release, e.g. sample=1")
    weight: AnyWeight = Field(description="a weight with its variable, or with base and targets, or none")
    design: SampleDesign | None = None
    panel: Panel | None = Field(default=None, description="people or primary units that are in other waves too")
    interval: Literal["logit", "xlogit", "likelihood", "asin", "beta", "korn_graubard", "mean", "wilson"] = Field(
        default="logit", description="method of intervals of shares; see statistics.md"
    )
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
        made = self.made
        for target in made.targets.margins if made and made.targets else []:
            if target.banner and target.banner not in seen:
                known = ", ".join(seen) or "a banner among respondents.banners"
                raise ValueError(f"the target {target.called!r} is no banner of this release; expected {known}")
        return self

    @model_validator(mode="after")
    def _panel_fits_the_design(self) -> "Respondents":
        psu = self.design.psu if self.design else None
        if self.panel and (self.panel.units == "psus") != (psu is not None):
            found = "psus without design.psu" if self.panel.units == "psus" else "people, and the design has psu"
            raise ValueError(f"panel of {found}; expected units psus where the design has psu, otherwise people")
        return self

    @model_validator(mode="after")
    def _replicates_have_a_weight(self) -> "Respondents":
        replicates = self.design.replicates if self.design else None
        if replicates and self.made:
            raise ValueError("replicate weights with a weight that is made here; expected the producer's weight")
        if replicates and replicates.make is None and replicates.combined and self.weight == "none":
            raise ValueError("replicate weights with weight none; expected the weight of the whole sample")
        return self

    @property
    def made(self) -> MadeWeight | None:
        """How the weight is made here; None where it is the file's, or there is none."""
        return self.weight if isinstance(self.weight, MadeWeight) else None

    @property
    def given(self) -> Weight | None:
        """The weight of the file, which may be the base of another; None where everyone starts alike."""
        found = self.weight.base if isinstance(self.weight, MadeWeight) else self.weight
        return found if isinstance(found, Weight) else None

    @property
    def weight_variable(self) -> str | None:
        """Name of the file's weight variable; None where it has none, or none is used."""
        return self.given.variable if self.given else None

    @property
    def weighted(self) -> bool:
        """Whether respondents count differently."""
        return self.weight != "none"
