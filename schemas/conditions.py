"""Conditions on a respondent's codes, as people write them in manifests and crosswalks.

Belongs here: the grammar of `выборка=1`, `Q2=18..29|99`, `vote=1 & sex!=2`, and what a single code or range means.
Does not belong here: applying one to data (assets.questions.conditions).

A condition is one or more clauses joined by ` & ` (with spaces). A clause is a variable's name, `=` or `!=`, and codes
joined by `|`. A code is the text that the codebook gives it (`1`, `2.5`, `Dem`), a range `18..29` with both ends
included and either end open (`60..`), `.` for the system-missing value, or a tagged missing value (`.a`). Codes and
names that hold one of these signs stand in double quotes. A respondent whose value is missing fulfils `=` only where
`.` (or the tag) is listed, and `!=` only where it is not.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

SYSTEM_MISSING = "."
_TAG = re.compile(r"^\.[A-Za-z_]$")
_RANGE = re.compile(r"^(-?[0-9]+(?:\.[0-9]+)?)?\.\.(-?[0-9]+(?:\.[0-9]+)?)?$")
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class Codes:
    """A set of codes of one variable.

    Attributes:
        exact: codes as the codebook writes them, tags (`.a`) included.
        ranges: (lowest, highest), ends included; None is open.
        system_missing: whether the system-missing value belongs to it.
    """

    exact: tuple[str, ...]
    ranges: tuple[tuple[float | None, float | None], ...]
    system_missing: bool


@dataclass(frozen=True)
class Clause:
    """One variable and the codes that it must (or, negated, must not) have."""

    variable: str
    negated: bool
    codes: Codes


def parse_codes(text: str) -> Codes:
    """`1|2`, `18..29`, `.|.a|98`.

    Raises:
        ValueError: an empty code, a range that runs backwards.
    """
    exact: list[str] = []
    ranges: list[tuple[float | None, float | None]] = []
    missing = False
    for raw, quoted in _split(text, "|"):
        found = None if quoted else _RANGE.match(raw)
        if not raw and not quoted:
            raise ValueError("an empty code; expected codes joined by |, such as 1|2 or 18..29")
        if found and raw != "..":
            low, high = (float(end) if end else None for end in found.groups())
            if low is not None and high is not None and low > high:
                raise ValueError(f"the range {raw} runs backwards; expected low..high")
            ranges.append((low, high))
        elif raw == SYSTEM_MISSING and not quoted:
            missing = True
        else:
            exact.append(raw)
    return Codes(tuple(exact), tuple(ranges), missing)


def parse_condition(text: str) -> tuple[Clause, ...]:
    """All clauses of a condition.

    Raises:
        ValueError: a clause without a variable, sign or codes.
    """
    out = []
    hidden, quotes = _hide(text)
    for part in hidden.split(" & "):
        found = re.match(r"^\s*(.+?)\s*(!=|=)\s*(.+?)\s*$", part)
        if found is None:
            shown = _show(part.strip(), quotes)
            raise ValueError(f"{shown!r} is no condition; expected variable=codes, such as sex=1 & age=18..29")
        name, sign, codes = found.groups()
        # A name stands without its quotes; codes keep theirs, as a quoted "." is a text and no missing value.
        out.append(Clause(_show(name, quotes).strip('"'), sign == "!=", parse_codes(_show(codes, quotes))))
    return tuple(out)


def is_tag(code: str) -> bool:
    """Whether this is a tagged missing value (`.a`) of Stata or SAS."""
    return bool(_TAG.match(code))


def _split(text: str, sign: str) -> list[tuple[str, bool]]:
    hidden, quotes = _hide(text)
    out = []
    for part in hidden.split(sign):
        shown = _show(part.strip(), quotes)
        quoted = len(shown) > 1 and shown[0] == shown[-1] == '"'
        out.append((shown[1:-1] if quoted else shown, quoted))
    return out


def _hide(text: str) -> tuple[str, list[str]]:
    quotes: list[str] = []

    def keep(found: "re.Match[str]") -> str:
        quotes.append(found[0])
        return f"\x00{len(quotes) - 1}\x00"

    return _QUOTED.sub(keep, text), quotes


def _show(text: str, quotes: list[str]) -> str:
    return re.sub("\x00([0-9]+)\x00", lambda found: quotes[int(found[1])], text)


def _condition(text: str) -> str:
    parse_condition(text)
    return text


def _codes(text: str) -> str:
    parse_codes(text)
    return text


ConditionText = Annotated[str, AfterValidator(_condition)]
CodesText = Annotated[str, AfterValidator(_codes)]
