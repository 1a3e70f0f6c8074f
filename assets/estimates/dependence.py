"""What a figure from respondents' answers depends on, as a text, and the id that follows from it.

Belongs here: which parts of manifest, crosswalk and item change a figure. Does not belong here: the figure.

Left out is what people say about a figure without changing it: review, decision, reasons and notes, labels, counts.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from assets.estimates.engine.coded import Header, Question
from assets.estimates.replication import scales
from assets.questions.answers import Answer, Sample
from schemas.respondents import Respondents, SampleDesign

_SAID_OF_IT = {"reviewed_by", "reason", "note", "decision"}


class Ids:
    """Ids of the estimates of a release, sixteen hex digits after an e: the same anywhere from the same inputs.

    An id is that of a list of texts as JSON: organisation, series and wave; item, category, subgroup and its value;
    base; `microdata`; checksum of the file; then the checksums of what the functions of this module make of sample,
    question and banner; and the net. Those are kilobytes, and to hash them for every cell took half of all the time.
    """

    def __init__(self, header: Header, columns: Iterable[tuple[str, str, str]]) -> None:
        """Put together what ids of different questions share.

        Args:
            header: of the release.
            columns: subgroup, its value, and what `of_banners` says of the banner, empty for the total.
        """
        self._header = header
        self._columns = [
            (_texts(subgroup, value).encode(), _text(_checksum(banner)).encode()) for subgroup, value, banner in columns
        ]

    def of_question(self, question: Question, outputs: Sequence[tuple[str, str]], columns: Iterable[int]) -> list[str]:
        """Ids of all outputs in the first of some columns, then in the next.

        Args:
            question: the question.
            outputs: categories and nets, each with the parts of a net joined by |, or nothing.
            columns: positions of columns.
        """
        header = self._header
        texts = _texts(header.organisation, header.series, header.wave, question.item)
        begun = [(hashlib.sha256(f"[{texts}, {_text(one)}, ".encode()), net) for one, net in outputs]
        made_of = (_checksum(header.depends), _checksum(question.depends))
        tail = _texts(question.base, "microdata", header.inputs, *made_of).encode()
        nets = {net: _text(net).encode() for _, net in outputs}
        out = []
        for column in columns:
            place, banner = self._columns[column]
            ends = {net: b"%b, %b, %b, %b]" % (place, tail, banner, text) for net, text in nets.items()}
            for start, net in begun:
                whole = start.copy()
                whole.update(ends[net])
                out.append("e" + whole.hexdigest()[:16])
        return out


def _texts(*texts: str) -> str:
    return ", ".join(map(_text, texts))


@lru_cache(maxsize=1 << 12)
def _text(one: str) -> str:
    return json.dumps(one, ensure_ascii=False)


@lru_cache(maxsize=1 << 12)
def _checksum(text: str) -> str:
    """Of a text; nothing of nothing, which is the total."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def of_sample(told: Respondents) -> str:
    """Reading of the file, rows, weight, design and method of the intervals."""
    return _canonical(
        {
            "rows": told.rows,
            "weight": _weight(told),
            "design": _design(told.design) if told.design else None,
            "interval": told.interval,
            "quantile": told.quantile,
            "reading": told.reading.model_dump(exclude={"keep", "codebook", "catalog"}, exclude_defaults=True),
        }
    )


def _design(told: SampleDesign) -> object:
    """Without what is not told: ids from before a key was known stay. Of replicates the numbers that they lead to."""
    out: dict[str, object] = {"strata": told.strata, "psu": told.psu, "lonely": told.lonely}
    if told.population is not None:
        out["population"] = told.population
    if (given := told.replicates) is not None:
        drawn = {key: one for key in ("fay", "count", "seed") if (one := getattr(given, key)) is not None}
        numbers = {"make": given.make, **drawn} if given.make else {"of": given.names, "scales": scales(given).tolist()}
        out["replicates"] = {**numbers, "combined": given.combined, "mse": given.mse}
    return out


def _weight(told: Respondents) -> object:
    """The variable alone, as what else is said of it changes no figure; of a weight made here all that makes it."""
    if told.made is None:
        return told.weight_variable
    made = told.made.model_dump(exclude={"base", "note"}, exclude_none=True)
    for said in ("source", "left_out"):
        made.get("targets", {}).pop(said, None)
    known = of_banners(told)
    named = [one["banner"] for one in made.get("targets", {}).get("margins", []) if "banner" in one]
    return {"base": told.weight_variable, "banners": {one: known[one] for one in named}, **made}


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
