"""Conditions and codes of one wave, said with the names and codes of the next.

Belongs here: translating `where`, `rows` and codes of banners. Does not belong here: their grammar
(schemas.conditions), deciding which variable is which (assets.onboarding.matching).
"""

import re
from collections.abc import Mapping

from schemas.conditions import Clause, Codes, is_tag, parse_codes, parse_condition

# Per old variable: its new name, and for old codes that have labels in both files their new code (None: gone).
Names = Mapping[str, str]
Recodes = Mapping[str, Mapping[str, str | None]]


def translate(text: str, names: Names, recodes: Recodes) -> tuple[str | None, str]:
    """A condition of the previous wave in terms of the new file.

    Returns:
        The condition, or None with the reason why it cannot be said.
    """
    parts = []
    for clause in parse_condition(text):
        if clause.variable not in names:
            return None, f"{clause.variable} has no counterpart in the new file"
        codes, why = translate_codes(clause.codes, recodes.get(clause.variable, {}))
        if codes is None:
            return None, f"{clause.variable}: {why}"
        parts.append(_text(Clause(names[clause.variable], clause.negated, codes)))
    return " & ".join(parts), ""


def translate_codes(codes: Codes, recodes: Mapping[str, str | None]) -> tuple[Codes | None, str]:
    """Codes of one variable; ranges only where no code changed its number."""
    gone = [code for code in codes.exact if code in recodes and recodes[code] is None]
    if gone:
        return None, f"code {gone[0]} has no counterpart"
    if codes.ranges and any(new != old for old, new in recodes.items()):
        return None, "codes changed their numbers, and the condition names a range"
    return Codes(tuple(recodes.get(code) or code for code in codes.exact), codes.ranges, codes.system_missing), ""


def codes_text(codes: Codes) -> str:
    """Codes as people write them; `parse_codes` reads them back."""
    parts = [_quoted(code) for code in codes.exact]
    parts += [f"{_end(low)}..{_end(high)}" for low, high in codes.ranges]
    text = "|".join([*parts, *(["."] if codes.system_missing else [])])
    assert parse_codes(text) == codes, text  # noqa: S101
    return text


def _text(clause: Clause) -> str:
    name = f'"{clause.variable}"' if re.search(r"[=!&|\"]|^\s|\s$", clause.variable) else clause.variable
    return f"{name}{'!=' if clause.negated else '='}{codes_text(clause.codes)}"


def _quoted(code: str) -> str:
    plain = is_tag(code) or re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?|[\w-]+(?: [\w-]+)*", code)
    return code if plain else f'"{code}"'


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
