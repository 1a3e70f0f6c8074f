"""R's answers for the estimators: reading tests/oracles, and how far ours are from them."""

import csv
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from assets.estimates.design.design import Design, Floats, Mask, survey_design

ORACLES = Path(__file__).parent / "oracles"
OPTIONS = ("agree", "disagree", "dk", "neither")  # R sorts the levels of q
EXACT = 1e-12  # closed forms
WORST: dict[str, float] = {}  # case -> largest relative difference seen in this run


class Case:
    """One case: `column` of its input, `r` of its answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        with (ORACLES / name / "input.csv").open(encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        with (ORACLES / name / "answers.csv").open(encoding="utf-8") as file:
            self.answers = {row["stat"]: row["value"] for row in csv.DictReader(file)}

    def column(self, name: str) -> Floats:
        """Numbers, nan where empty."""
        return np.array([float(row[name]) if row[name] not in ("", "NA") else math.nan for row in self.rows])

    def text(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]

    def codes(self, name: str = "q", options: Iterable[str] = OPTIONS) -> np.ndarray:
        """Codes of a question's options, -1 where empty."""
        known = {option: code for code, option in enumerate(options)}
        return np.array([known.get(value, -1) for value in self.text(name)])

    def where(self, name: str, *values: str) -> Mask:
        return np.array([value in values for value in self.text(name)])

    def r(self, *stats: str) -> Floats:
        return np.array([float(self.answers[stat]) for stat in stats])

    def r_q(self, pattern: str) -> Floats:
        """R's figures of the four options of q; `#` in the pattern stands for the option."""
        return self.r(*(pattern.replace("#", "q" + option) for option in OPTIONS))

    def design(self, **more: object) -> Design:
        return survey_design(
            self.column("w"),
            strata=self.column("stratum"),
            psu=self.column("psu"),
            **more,  # type: ignore[arg-type]
        )

    def agree(self, ours: object, answers: Floats, tolerance: float = EXACT, unit: object = None, of: str = "") -> None:
        """Every figure within the tolerance of R's, relative to R's figure, or to `unit` where that is given."""
        mine = np.asarray(ours, dtype=np.float64).ravel()
        size = np.abs(answers) if unit is None else np.broadcast_to(np.asarray(unit, dtype=np.float64), answers.shape)
        assert mine.shape == answers.shape
        assert (np.isnan(mine) == np.isnan(answers)).all(), (mine, answers)
        known = ~np.isnan(answers)
        off = np.abs(mine - answers)[known] / np.where(size == 0, 1.0, size)[known]
        worst = float(off.max(initial=0.0))
        WORST[f"{self.name} {of}".strip()] = max(WORST.get(f"{self.name} {of}".strip(), 0.0), worst)
        assert worst <= tolerance, f"{self.name}: {worst:.2g} off\n{mine}\n{answers}"


@cache
def case(name: str) -> Case:
    return Case(name)
