"""Respondents' answers after harmonisation: what every later room works with.

Belongs here: the shape of a harmonised sample. Does not belong here: making it (assets.questions.respondents), counting
it (assets.estimates.respondents).

Every array has one element per row of the sample: the rows of the file that the manifest's `rows` selects, in the
file's order, those with weight 0 included (a design needs them).
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from schemas.crosswalk import QuestionRow
from schemas.item import Item

Codes = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Units = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Names = npt.NDArray[np.int64]

NOBODY = 0  # a row of the panel without a name


@dataclass(frozen=True, eq=False)
class CodeCount:
    """One code of one question: what it means, and how many respondents (weight above 0) gave it."""

    code: str
    label: str | None
    category: str | None
    kind: str
    in_base: bool
    score: float | None
    n: int


@dataclass(frozen=True, eq=False)
class Answer:
    """One question, harmonised.

    Attributes:
        question: its row of the crosswalk; `base` may be empty, which is all respondents.
        item: the item.
        categories: categories without nets, in the item's order: those that a code of the question leads to, as an
            option that was not offered has no share; of a derived item those that the recipe can give. Empty for an
            index.
        chosen: (rows,) position in `categories`; -1 outside the base, and everywhere for an index. Of a question with
            several answers (`question.answer == "multiple"`) None, see `ticked`.
        ticked: (rows, categories) for several answers, otherwise None.
        base: (rows,) who counts: asked, and with an answer that is in the base. Rows with weight 0 are included as
            they answered; the estimator leaves them out. Not to be changed in place: questions share it.
        scores: (rows,) score of the answer, nan where it has none and outside the base; None if no code of the
            question has one, and for several answers.
        codes: the codes of the crosswalk in its order, for the table `codes`: all that occur, and those that the file
            labels. Empty for a derived item.
    """

    question: QuestionRow
    item: Item
    categories: tuple[str, ...]
    chosen: Codes | None
    ticked: Mask | None
    base: Mask
    scores: Floats | None
    codes: tuple[CodeCount, ...] = ()


@dataclass(frozen=True, eq=False)
class Columns:
    """One banner: position of every row's column in `values`, -1 for none."""

    subgroup: str
    values: tuple[str, ...]
    member: Codes


@dataclass(frozen=True, eq=False)
class TargetColumns:
    """One target: cell of every row, -1 for none (its weight is 0), and what part of the population the cells are.

    Attributes:
        called: name of the target.
        cells: (rows,) position in `names`.
        names: of the cells.
        shares: (cells,) parts of 1.
    """

    called: str
    cells: Codes
    names: tuple[str, ...]
    shares: Floats


@dataclass(frozen=True, eq=False)
class Calibration:
    """Weights that were made to meet targets: what their errors need.

    Attributes:
        targets: what they meet.
        before: (rows,) weights before, 0 where no target has a cell for the row.
        after: (rows,) weights that met the targets; those of the sample may have been trimmed since.
        rake: whether errors are those of R's `rake` and not those of its `calibrate`.
        said: the words for `variance_method`.
    """

    targets: tuple[TargetColumns, ...]
    before: Floats
    after: Floats
    rake: bool
    said: str


@dataclass(frozen=True, eq=False)
class PanelUnits:
    """Units by number.

    Attributes:
        own: (rows,) the name of the row's unit in this wave; `NOBODY` for rows of weight 0 that have none.
        stratum: (rows,) the name of its stratum; None where there is one stratum.
        also_in: by wave the names that units had there (rows,); `NOBODY` for those that were not in it.
    """

    own: Names
    stratum: Names | None
    also_in: dict[str, Names]


@dataclass(frozen=True, eq=False)
class Sample:
    """A harmonised sample.

    Attributes:
        weights: (rows,) at least 0; 0 also where the file has no weight; all 1 for an unweighted sample. Where weights
            are made here (assets.estimates.weighting) it is the base until they are.
        stratum: (rows,) number of the stratum; None if there is only one.
        psu: (rows,) number of the PSU, unique over strata; None if every row is its own.
        stratum_names: names of the strata, for messages.
        banners: without the total.
        answers: questions.
        facts: of the weights: the columns of the table `weights` without those that name the release.
        targets: what weights that are made here must meet.
        calibration: how they were made; None until they are, and for all others.
        population: (rows,) PSUs in the population of the row's stratum; None where drawn with replacement or unknown.
        replicates: (rows, R) replicate weights as the file has them; None without.
        panel: names of units that are in other waves too; None where the manifest names none.
    """

    weights: Floats
    stratum: Units | None
    psu: Units | None
    stratum_names: tuple[str, ...]
    banners: tuple[Columns, ...]
    answers: tuple[Answer, ...]
    facts: dict[str, object] = field(default_factory=dict)
    targets: tuple[TargetColumns, ...] = ()
    calibration: Calibration | None = None
    population: Floats | None = None
    replicates: Floats | None = None
    panel: PanelUnits | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.weights)
