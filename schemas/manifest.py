"""The manifest of a release (`release.yml`), and the descriptions of its organisation and series.

Belongs here: who asked whom, when, how, with which files, under which licence. Does not belong here: questions and
their meaning (schemas.crosswalk), items (schemas.item).

Producers' words and our own notes are separate fields. The eleven items of the AAPOR Transparency Initiative (2021)
are `method` plus `fieldwork` (7, dates) and `sample` (8, size and precision); a missing one is a missing key, never a
grade.
"""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from schemas.dates import PartialDate, first_day, last_day
from schemas.handwritten import Strict, repeated
from schemas.names import Address, CategoryId, FileAddress, Label, RelativePath, Slug, WaveId, is_percent
from schemas.respondents import Respondents
from schemas.vocabulary import DesignEffectBasis, FileRole, Probability, ReleaseStatus

Unknown = Literal["unknown"]
ALL_RESPONDENTS = "all respondents"
MOST_PEOPLE = 1_000_000_000  # beyond this a number of interviews is a typing error, and no column would hold it


class Fieldwork(Strict):
    """First and last day of interviewing, as precisely as the source says."""

    start: PartialDate | Unknown = Field(description="a date (YYYY-MM-DD, YYYY-MM, YYYY) or unknown")
    end: PartialDate | Unknown = Field(description="a date (YYYY-MM-DD, YYYY-MM, YYYY) or unknown")
    note: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Fieldwork":
        start, end = first_day(self.start), last_day(self.end)
        if start and end and start > end:
            raise ValueError(f"fieldwork ends ({self.end}) before it starts ({self.start}); expected start <= end")
        return self


class DesignEffect(Strict):
    """The factor by which weighting and clustering inflate the variance of a share, and where the figure comes from.

    A house that multiplies its margin by 1.3 has a design effect of 1.3 squared.
    """

    value: float = Field(ge=0.1, le=20, description="deff, of the variance")
    basis: DesignEffectBasis = Field(description="where it comes from")
    reason: str = Field(description="page, or why assumed")


class Sample(Strict):
    """Size and precision of the sample. `n` is a number or the word unknown: leaving it out is not an option."""

    n: int | Unknown = Field(description="a number of interviews, or unknown")
    stated: str | None = Field(default=None, description="size as the source words it, where it is not a number")
    margin_of_error: float | None = Field(default=None, gt=0, le=50, description="points, as stated")
    margin_note: str | None = None
    design_effect: DesignEffect | None = None
    probability: Probability = Field(
        default="unknown", description="whether chance selected people; no makes intervals model-based"
    )

    @field_validator("n")
    @classmethod
    def _positive(cls, n: int | str) -> int | str:
        if isinstance(n, int) and not 1 <= n <= MOST_PEOPLE:
            raise ValueError("no size of a sample; expected at least 1, or unknown")
        return n


class Method(Strict):
    """The disclosure items that need words (AAPOR TI 1-6, 9-11). What the source does not say is left out."""

    strategy: str | None = Field(default=None, description="how the data were collected, in general (AAPOR TI 1)")
    sponsor_and_conductor: str | None = Field(default=None, description="who paid and who interviewed (2)")
    instruments: str | None = Field(default=None, description="questionnaire and stimuli (3)")
    population: str | None = None
    sampling: str | None = None
    mode: str | None = None
    weighting: str | None = None
    processing: str | None = Field(default=None, description="how data were checked and cleaned (10)")
    limitations: str | None = Field(default=None, description="limits of design and data (11)")


class Base(Strict):
    """Whom a percentage is of. `text` is how the source says it; every text that occurs in the figures needs a row."""

    text: Label = Field(description="the base in the source's words")
    subgroup: CategoryId = Field(default="total", description="banner")
    value: Label = Field(default="all", description="column of the banner")
    base: Label = Field(default=ALL_RESPONDENTS, description="who was asked, if not everyone")
    n: int | Unknown | Literal["sample"] = Field(description="a number, unknown, or sample (everyone interviewed)")
    note: str | None = None

    @field_validator("n")
    @classmethod
    def _positive(cls, n: int | str) -> int | str:
        if isinstance(n, int) and not 1 <= n <= MOST_PEOPLE:
            raise ValueError("no size of a base; expected at least 1, unknown, or sample")
        return n


class File(Strict):
    """A file of the release. One with an address is fetched; then its checksum is required.

    A file of respondents' answers that is neither in the release's folder nor fetched is looked for by its checksum in
    the drop folder and in the folders of WEATHERVANE_FILES; until it is found the release awaits it. `bytes` spares
    everyone the reading of all other files there, `obtain` says where people get it.
    """

    path: RelativePath = Field(description="path in the folder of the release")
    role: FileRole = Field(default="toplines", description="what is in it")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="checksum of the bytes")
    bytes: int | None = Field(default=None, ge=1, description="size of the file")
    url: FileAddress | None = Field(default=None, description="address to fetch it from")
    obtain: Address | None = Field(default=None, description="page where the public gets the file")
    obtain_note: str | None = Field(default=None, description="what the public must do there")
    sheet: str | None = Field(default=None, description="sheet of a workbook")

    @model_validator(mode="after")
    def _fetched_files_have_checksums(self) -> "File":
        if self.url and not self.sha256:
            raise ValueError("an address without a checksum; expected sha256 beside url")
        if self.role == "respondents" and self.sha256 and not self.bytes:
            raise ValueError("a checksum without a size; expected bytes beside sha256")
        return self


class Licence(Strict):
    """What may be done with the files. Unknown means not redistributable."""

    name: str = Field(default="unknown", description="licence as its owner names it")
    redistribute: bool = False
    note: str | None = None


class Conflict(Strict):
    """Two sources disagree about this wave (n, dates, margin, title): both are kept, with the decision."""

    subject: str = Field(description="what the sources disagree on")
    ours: str = Field(description="the value taken here")
    other: str = Field(description="the value of the other source")
    source: str = Field(description="address or name of the other source")
    reason: str = Field(description="why ours was taken")


class Correction(Strict):
    """A figure of the source that we correct, with a guard that fails once the source has mended it.

    `question`, `option`, `base` name the cell; `expect` is what the source prints today; `percent` replaces it.
    """

    question: str = Field(description="question of the cell")
    option: str = Field(description="option of the cell")
    base: str = Field(default=ALL_RESPONDENTS, description="base of the cell")
    expect: str = Field(description="what the source prints today")
    percent: str = Field(description="what it should be")
    reason: str = Field(description="why")
    by: str = Field(description="who says so")

    @field_validator("percent")
    @classmethod
    def _share(cls, text: str) -> str:
        if not is_percent(text):
            raise ValueError("not a percentage; expected a number from 0 to 100, no % sign")
        return text


class Release(Strict):
    """One release: what one organisation published about one wave at one time."""

    organisation: Slug
    series: Slug
    wave: WaveId
    title: str | None = None
    vintage: PartialDate | Literal["undated"] = Field(description="the day this release was published, or undated")
    status: ReleaseStatus = "final"
    fieldwork: Fieldwork
    sample: Sample
    method: Method = Method()
    bases: list[Base] = []
    files: list[File] = []
    respondents: Respondents | None = None
    licence: Licence = Licence()
    embargo_until: PartialDate | None = None
    source_url: Address | None = None
    conflicts: list[Conflict] = []
    corrections: list[Correction] = []
    producer_notes: str | None = None
    our_notes: str | None = None

    @model_validator(mode="after")
    def _bases_once(self) -> "Release":
        if (text := repeated(base.text for base in self.bases)) is not None:
            raise ValueError(f"the base {text!r} stands twice; expected each text once")
        if (path := repeated(file.path for file in self.files)) is not None:
            raise ValueError(f"the file {path!r} stands twice; expected each file once")
        return self

    @model_validator(mode="after")
    def _respondents_have_their_file(self) -> "Release":
        files = [file.path for file in self.files if file.role == "respondents"]
        told = self.respondents
        if told is None and files:
            raise ValueError(
                f"{files[0]!r} has respondents' answers, but nothing says how to count them; expected "
                "a block respondents with file, expect_rows and weight"
            )
        if told is not None and self.source_url is None:
            raise ValueError("respondents without source_url; expected the address by which their estimates are cited")
        if told is not None and told.file not in files:
            raise ValueError(f"respondents name {told.file!r}; expected a file with role respondents")
        if len(files) > 1:
            two = f"{files[0]!r}, {files[1]!r}"
            raise ValueError(f"two files of respondents ({two}); expected one, a release is one sample")
        return self

    @property
    def n(self) -> int | None:
        """Interviews of the whole sample; None if unknown."""
        return self.sample.n if isinstance(self.sample.n, int) else None

    def disclosed(self) -> dict[str, bool]:
        """The eleven AAPOR items by name: stated or not."""
        known_dates = first_day(self.fieldwork.start) is not None
        size = self.n is not None or self.sample.stated is not None
        names = list(Method.model_fields)
        stated = {name: getattr(self.method, name) is not None for name in names}
        return {
            **{name: stated[name] for name in names[:6]},
            "dates": known_dates,
            "sample_size": size,
            **{name: stated[name] for name in names[6:]},
        }


class Organisation(Strict):
    """A house (`organisation.yml`)."""

    organisation: Slug
    name: str
    other_names: list[str] = []
    country: str | None = None
    kind: str | None = None
    url: Address | None = None
    note: str | None = None


class Series(Strict):
    """A series of waves of one organisation (`series.yml`)."""

    series: Slug
    name: str
    topic: str | None = None
    population: str | None = None
    mode: str | None = None
    rhythm_days: int | None = Field(default=None, ge=1, le=36_525)
    baseline: WaveId | None = Field(default=None, description="wave with which every other is compared as well")
    url: Address | None = None
    note: str | None = None
