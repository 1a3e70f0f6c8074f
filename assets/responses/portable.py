"""Declared missing values of SPSS portable files, which pyreadstat takes away.

Belongs here: putting them back. pyreadstat reads a declared missing code of a .por as if nothing were there and does
not say which codes are declared; polars_readstat knows no declarations and gives every code. Where the first is empty
and the second has a number, that number is declared missing. So the codes are kept, and those that occur are known.
Does not belong here: any other format.
"""

from typing import Any

from schemas.codebook import Codebook, code_text
from schemas.problems import Problem


class DeclaredByData:
    """The second look at a portable file."""

    def __init__(self, path: str, codebook: Codebook) -> None:
        """Read the file; if the second reader cannot, or sees another table, that becomes a warning."""
        self.columns: dict[str, list[Any]] = {}
        self.found: dict[str, set[str]] = {}
        self.lost: str | None = None
        try:
            from polars_readstat import scan_readstat

            with open(path, "rb") as stream:  # noqa: PTH123
                raw = stream.read()
            # with the bytes given, only the ending of the name is looked at
            frame = scan_readstat("portable.por", data=raw).collect()
            if frame.width != codebook.columns:
                raise ValueError("another number of variables")
            for place, one in enumerate(codebook.variables):
                if one.kind == "number":
                    self.columns[one.name] = frame.to_series(place).to_list()
        except MemoryError:
            raise
        except BaseException as bad:  # a panic in Rust is no Exception
            if isinstance(bad, KeyboardInterrupt | SystemExit):
                raise
            self.columns, self.lost = {}, f"{type(bad).__name__}: {bad}"

    def restored(self, name: str, values: list[Any], start: int) -> list[Any]:
        """The values with declared missing codes in their places."""
        second = self.columns.get(name)
        if second is None:
            return values
        second = second[start : start + len(values)]
        if len(second) < len(values) or any(a is not None and a != b for a, b in zip(values, second, strict=False)):
            self.lost = f"the readers disagree about {name}"
            return values
        here = {code_text(b) for a, b in zip(values, second, strict=False) if a is None and b is not None}
        self.found.setdefault(name, set()).update(here)
        return second

    def codes(self, name: str) -> list[str]:
        """The codes of a variable that are declared missing and occur."""
        return sorted(self.found.get(name, ()), key=lambda code: (len(code), code))

    def warnings(self, file: str) -> list[Problem | dict[str, Any]]:
        """What a person should know about the declarations."""
        if self.lost is not None:
            what = "declared missing values of the portable file were lost; they are empty like system-missing ones"
            problem = Problem("unsupported", file, what, value=self.lost, expected="the .sav", severity="warning")
        elif any(self.found.values()):
            what = "which codes are declared missing is known from the data only; one that nobody has is not seen"
            problem = Problem("unsupported", file, what, severity="warning")
        else:
            return []
        return [problem.as_row()]
