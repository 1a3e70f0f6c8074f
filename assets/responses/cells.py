"""What a column of a text file is: numbers or text.

Belongs here: the strict rule by which a column becomes numbers, as text files do not say. Does not belong here:
reading files. A column becomes numbers only if nothing is lost: leading zeros, plus signs, blanks around a number and
numbers too long for a double make it text. In doubt it stays text, which loses nothing.

A column of numbers in which one word stands for a missing value (`NA` of R, `.` of SAS) keeps the word beside it, like
the tagged missing values of Stata.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

Decimal = Literal[".", ","]
MISSING_WORDS = frozenset({"NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", ".", "#NULL!"})
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,14})")
_PARTS = re.compile(r"-?(?:0|[1-9]\d{0,14})([.,])(\d{1,17})")
_SMALL = re.compile(r"-?\d(?:\.\d{1,17})?[eE]-\d{1,3}")  # small weights of R and pandas; an id has no minus
_MOST_TEXTS = 10_000


@dataclass
class Column:
    """What has been seen of one column so far."""

    whole: bool = False
    points: set[int] = field(default_factory=set)
    commas: set[int] = field(default_factory=set)
    padded: bool = False
    other: bool = False
    words: set[str] = field(default_factory=set)
    longest: int = 0
    texts: dict[str, int] = field(default_factory=dict)  # with how often each was met

    def see(self, values: dict[str, int]) -> None:
        """Take in different values of the column, each with how often it occurs; blanks are none."""
        for value, times in values.items():
            self.longest = max(self.longest, len(value))
            if value in self.texts or len(self.texts) < _MOST_TEXTS:
                self.texts[value] = self.texts.get(value, 0) + times
            if self.other:
                continue
            if _WHOLE.fullmatch(value):
                self.whole = True
            elif parts := _PARTS.fullmatch(value):
                digits = len(parts[2])
                (self.points if parts[1] == "." else self.commas).add(digits)
                self.padded |= value.endswith("0") and digits > 1
            elif _SMALL.fullmatch(value):
                self.points.update((16, 17))
            elif value in MISSING_WORDS:
                self.words.add(value)
            else:
                self.other = True

    def numeric(self, decimal: Decimal) -> Literal["integer", "double", "text"]:
        """What the column is if decimals are written so."""
        ours, theirs = (self.points, self.commas) if decimal == "." else (self.commas, self.points)
        if self.other or theirs or not (self.whole or ours):
            return "text"
        if self.padded and len(ours) > 1:
            return "text"  # 1.1 beside 1.10: perhaps numbers of sections, and as numbers they would be one
        return "double" if ours else "integer"


def decimal_of(columns: list[Column], delimiter: str) -> Decimal | None:
    """The decimal sign of a file; None if both occur where only numbers stand."""
    with_commas = any(one.commas and not one.points and not one.other for one in columns)
    with_points = any(one.points and not one.commas and not one.other for one in columns)
    if with_commas and with_points:
        return None
    return "," if with_commas and delimiter != "," else "."
