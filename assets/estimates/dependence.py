"""What a figure from respondents' answers depends on, as a text, and the id that follows from it.

Belongs here: which parts of manifest, crosswalk and item change a figure. Does not belong here: the figure.

Left out is what people say about a figure without changing it: review, decision, reasons and notes, labels, counts.
"""

import hashlib
import json
from typing import Any

from assets.questions.answers import Answer, Sample
from schemas.manifest import Release
from schemas.respondents import Respondents

_SAID_OF_IT = {"reviewed_by", "reason", "note", "decision"}


def estimate_id(release: Release, cell: tuple[str, str, str, str], base: str, *depends: str) -> str:
    """Sixteen hex digits after an e, the same anywhere from the same inputs.

    Args:
        release: gives organisation, series and wave.
        cell: item, category, subgroup, subgroup value.
        base: all respondents, or the filter.
        depends: checksum of the file, and the texts that the functions below make.
    """
    parts = (release.organisation, release.series, release.wave, *cell, base, "microdata", *depends)
    return "e" + hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def of_sample(told: Respondents) -> str:
    """Reading of the file, rows, weight, design and method of the intervals."""
    return _canonical(
        {
            "rows": told.rows,
            "weight": told.weight_variable,
            "design": told.design.model_dump(exclude={"note"}) if told.design else None,
            "interval": told.interval,
            "quantile": told.quantile,
            "reading": told.reading.model_dump(exclude={"keep", "codebook", "catalog"}, exclude_defaults=True),
        }
    )


def of_question(answer: Answer, sample: Sample) -> str:
    """Question with its codes; of a derived item also the questions that it is derived from."""
    return _canonical(_question(answer, sample, frozenset()))


def of_banners(told: Respondents) -> dict[str, str]:
    """Of every banner its codes, and those of the banners that it crosses."""
    known: dict[str, Any] = {}
    for banner in told.banners:
        crossed = [known[part] for part in banner.cross]
        values = [[one.value, one.codes] for one in banner.values]
        known[banner.subgroup] = {"variable": banner.variable, "values": values, "cross": crossed}
    return {subgroup: _canonical(one) for subgroup, one in known.items()}


def _question(answer: Answer, sample: Sample, above: frozenset[str]) -> dict[str, Any]:
    codes = [[one.code, one.category, one.kind, one.in_base, one.score] for one in answer.codes]
    out: dict[str, Any] = {"question": answer.question.model_dump(exclude=_SAID_OF_IT), "codes": sorted(codes, key=str)}
    derived = answer.item.derived
    if derived is not None:
        seen = above | {answer.item.item}
        parts = [one for one in sample.answers if one.item.item in derived.of and one.item.item not in seen]
        out["derived"] = derived.model_dump()
        out["parts"] = sorted((_part(one, sample, seen) for one in parts), key=str)
    return out


def _part(answer: Answer, sample: Sample, above: frozenset[str]) -> list[Any]:
    """A component; of two questions of one item the recipe takes the one that is not excluded."""
    categories = [[one.id, one.kind, one.score, one.of] for one in answer.item.categories]
    return [_question(answer, sample, above), answer.question.decision == "exclude", categories]


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
