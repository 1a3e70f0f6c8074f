"""The manifest of the new wave: what the file says, what the wave before said, and what only a person knows.

Belongs here: the text of `release.yml`, with `# check:` beside every guess and `# decide:` where there is none. Does
not belong here: the crosswalk (assets.onboarding.crosswalk).

What the previous wave had and the new file may not have (rows, design) is never just left out, as that would change
what is counted: its place gets a question mark, which the contract refuses. A weight that is not certain is left out;
then the contract says that a value is missing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.onboarding.conditions import codes_text, translate, translate_codes
from assets.onboarding.contents import Contents
from assets.onboarding.crosswalk import Crosswalk
from assets.onboarding.previous import Previous
from assets.onboarding.weighting import Candidate, Suggestions
from assets.onboarding.words import plain
from schemas.conditions import parse_codes
from schemas.respondents import Banner, BannerValue, Respondents, Weight

UNDECIDED = "?"
_PLAIN = re.compile(r"^[A-Za-z0-9А-Яа-я][\w .,/()%+–-]*$")
_KEYWORDS = {"null", "~", "yes", "no", "true", "false"}
MEAN_DRIFT = 0.2  # how far the mean of a weight may move between waves and still be the same kind of weight


@dataclass(frozen=True)
class Source:
    """The file as the manifest names it.

    Attributes:
        path: name inside the release.
        reading: options that it was read with, those that were needed.
    """

    path: str
    sha256: str
    size: int
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """The text, and what it leaves open.

    Attributes:
        text: of `release.yml`.
        carried: what was taken over from the previous wave, in words.
        open: what a person must decide, in words.
        check: what a person should check, in words.
    """

    text: str
    carried: tuple[str, ...]
    open: tuple[str, ...]
    check: tuple[str, ...]


def draft_manifest(
    release: str,
    wave: str,
    source: Source,
    contents: Contents,
    suggestions: Suggestions,
    previous: Previous | None,
    crosswalk: Crosswalk,
) -> Manifest:
    """The manifest of `release` (organisation/series/folder)."""
    return _Page(release, wave, source, contents, suggestions, previous, crosswalk).manifest()


class _Page:
    def __init__(
        self,
        release: str,
        wave: str,
        source: Source,
        contents: Contents,
        suggestions: Suggestions,
        previous: Previous | None,
        crosswalk: Crosswalk,
    ) -> None:
        self.release, self.wave, self.source, self.contents = release, wave, source, contents
        self.suggestions, self.previous, self.crosswalk = suggestions, previous, crosswalk
        self.old = previous.written.manifest if previous else None
        self.answers: Respondents | None = self.old.respondents if self.old else None
        self.lines: list[str] = []
        self.carried: list[str] = []
        self.open: list[str] = []
        self.check: list[str] = []

    def manifest(self) -> Manifest:
        organisation, series, _ = self.release.split("/")
        self.put("organisation", organisation)
        self.put("series", series)
        self.put("wave", self.wave)
        self.put("vintage", "undated", check="the day this file was published")
        self._fieldwork_and_sample()
        self._method()
        self._files()
        self._respondents()
        self._licence()
        self._address()
        drafted = f"Drafted by weathervane add from {self.previous.written.release}" if self.previous else "First wave"
        self.put("our_notes", f"{drafted}; what says check or decide in this file is a guess or open.")
        return Manifest("\n".join(self.lines) + "\n", tuple(self.carried), tuple(self.open), tuple(self.check))

    # ---- lines ------------------------------------------------------------------------------------------------------

    def put(self, key: str, value: object, depth: int = 0, check: str | None = None, item: bool = False) -> None:
        """One `key: value`, with what is to be checked about it."""
        dash = "- " if item else ""
        said = "" if value is None else f" {_scalar(value)}"
        self.lines.append(f"{'  ' * depth}{dash}{key}:{said}" + (f"  # check: {check}" if check else ""))
        if check:
            self.check.append(f"{key}: {check}")

    def remark(self, text: str, depth: int = 0) -> None:
        """A line of comment."""
        self.lines.append(f"{'  ' * depth}# {_one_line(text)}")

    def decide(self, key: str, text: str, depth: int = 1) -> None:
        """A key that a refresh refuses until a person has decided."""
        self.lines.append(f'{"  " * depth}{key}: "{UNDECIDED}"  # decide: {_one_line(text)}')
        self.open.append(f"respondents.{key}: {text}")

    # ---- parts ------------------------------------------------------------------------------------------------------

    def _fieldwork_and_sample(self) -> None:
        self.put("fieldwork", None)
        self.put("start", "unknown", 1, check="first day of interviewing")
        self.put("end", "unknown", 1, check="last day of interviewing")
        self.put("sample", None)
        self.put("n", "unknown", 1, check=f"the file has {self.contents.codebook.rows:,} rows")
        if self.old and self.old.sample.probability != "unknown":
            self.put("probability", self.old.sample.probability, 1, check=f"as wave {self.old.wave}")

    def _method(self) -> None:
        told = self.old.method.model_dump(exclude_none=True) if self.old else {}
        if not told or self.old is None:
            return
        self.put("method", None)
        for key, text in told.items():
            self.put(key, text, 1, check=f"as wave {self.old.wave}")
        self.carried.append("method: " + ", ".join(told))

    def _files(self) -> None:
        self.put("files", None)
        self.put("path", self.source.path, 1, item=True)
        self.put("role", "respondents", 2)
        self.put("sha256", self.source.sha256, 2)
        self.put("bytes", self.source.size, 2)
        before = self.previous.written.respondents_file if self.previous else None
        if before is not None and before.obtain and self.old:
            self.put("obtain", before.obtain, 2, check=f"where wave {self.old.wave} was got")

    def _respondents(self) -> None:
        self.put("respondents", None)
        self.put("file", self.source.path, 1)
        self.put("expect_rows", self.contents.codebook.rows, 1)
        self._rows()
        self._weight()
        self._design()
        if self.answers is not None and self.answers.interval != "logit":
            self.put("interval", self.answers.interval, 1, check=f"as wave {self.old.wave}" if self.old else None)
        self._banners()
        self._reading()

    def _rows(self) -> None:
        if self.answers is None or self.answers.rows is None or self.old is None:
            return
        text, why = translate(self.answers.rows, self.crosswalk.names, self.crosswalk.recodes)
        if text is None:
            self.decide("rows", f"wave {self.old.wave} had {self.answers.rows}; {why}")
        else:
            self.put("rows", text, 1, check=f"wave {self.old.wave} had {self.answers.rows}")
            self.carried.append(f"rows: {text}")

    def _weight(self) -> None:
        old = self.answers.weight if self.answers else None
        if old == "none" and not self.suggestions.weights:
            self.put("weight", "none", 1, check=f"wave {self.old.wave} had none" if self.old else None)
            return
        if isinstance(old, Weight):
            why = self._weight_differs(old)
            if why is None:
                self._carry_weight(old)
                return
            self._leave_weight(f"the weight of the previous wave, {old.variable}, is not carried over: {why}")
        else:
            self._leave_weight("nobody has said which variable is the weight, or that there is none")

    def _weight_differs(self, old: Weight) -> str | None:
        """Why the weight of the previous wave cannot simply be taken; None if it can."""
        now = self.contents.codebook.variable(old.variable)
        before = self.previous.codebook.variable(old.variable) if self.previous and self.previous.codebook else None
        candidate = self.suggestions.weight(old.variable)
        if now is None or now.dropped:
            return "there is no such variable"
        if before is None:
            return "its label in the previous wave is not known"
        if plain(before.label) != plain(now.label):
            return f"its label was {before.label!r}, is {now.label!r}"
        if candidate is None:
            refused = next((one for one in self.suggestions.not_weights if one.variable == old.variable), None)
            return refused.reasons[0] if refused else "its values do not look like a weight"
        numbers = self.contents.tallies[old.variable].numbers
        if old.mean is not None and numbers is not None and abs(numbers.mean / old.mean - 1) > MEAN_DRIFT:
            return f"its mean was {old.mean:g}, is {numbers.mean:.4g}"
        return None

    def _carry_weight(self, old: Weight) -> None:
        wave = self.old.wave if self.old else ""
        self.lines.append(f"  weight: {{{self._weight_facts(old.variable)}}}  # check: the variable of wave {wave}")
        self.check.append(f"weight: {old.variable}, as wave {wave}")
        self.carried.append(f"weight: {old.variable}")

    def _weight_facts(self, name: str) -> str:
        tally = self.contents.tallies[name]
        numbers = tally.numbers
        told: dict[str, object] = {"variable": _quoted(name)}
        if numbers is not None:
            told |= {"mean": float(f"{numbers.mean:.4g}"), "zeros": numbers.zeros}
        return ", ".join(f"{key}: {value}" for key, value in {**told, "missing": tally.missing}.items())

    def _leave_weight(self, why: str) -> None:
        named = ", ".join(one.variable for one in self.suggestions.weights)
        self.open.append(f"respondents.weight: {why}; candidates: {named or 'none'}")
        self.remark(f"decide: weight. {why}. A refresh refuses this release until one of these stands here:", 1)
        for one in self.suggestions.weights:
            self.remark(_reasons(one), 1)
            self.remark(f"weight: {{{self._weight_facts(one.variable)}}}", 1)
        self.remark("weight: none", 1)
        for one in self.suggestions.not_weights:
            self.remark(f"not {one.variable}: {'; '.join(one.reasons)}", 1)

    def _design(self) -> None:
        design = self.answers.design if self.answers else None
        if design is not None:
            self._carry_design()
        elif self.suggestions.strata or self.suggestions.units:
            self.remark("no design was declared before; these variables look like parts of one:", 1)
            for what, found in (("strata", self.suggestions.strata), ("psu", self.suggestions.units)):
                for one in found:
                    self.remark(f"{what}? {one.variable} ({one.label}): {'; '.join(one.reasons)}", 1)

    def _carry_design(self) -> None:
        design = self.answers.design if self.answers else None
        assert design is not None and self.old is not None  # noqa: S101
        names = list(design.variables.values())
        lost = [name for name in names if self._same_variable(name) is None]
        if design.replicates is not None:  # the scale depends on how many this file has
            self.decide("design", f"wave {self.old.wave} had replicate weights; declare those of this file")
            return
        if lost:
            self.decide("design", f"wave {self.old.wave} had {', '.join(names)}; not certain here: {', '.join(lost)}")
            return
        self.lines.append(f"  design:  # check: as wave {self.old.wave}")
        now = [self._same_variable(name) or name for name in design.strata]
        if now:
            self.lines.append(f"    strata: [{', '.join(map(_quoted, now))}]")
        if design.psu:
            self.put("psu", self._same_variable(design.psu), 2)
        if design.population:
            self.put("population", self._same_variable(design.population), 2)
        self.put("lonely", design.lonely, 2)
        self.carried.append("design: " + ", ".join(names))

    def _same_variable(self, name: str) -> str | None:
        """The new name of an old variable, if its label is known and the same."""
        pairs = self.crosswalk.matching.pairs if self.crosswalk.matching else {}
        found = pairs.get(name)
        if found is None or found.wording == "reworded":
            return None
        return found.new if found.wording == "same" or (not found.moved and self._bare(name)) else None

    def _bare(self, name: str) -> bool:
        """Whether both files are known and neither has a label for the variable: then the name is all it ever had."""
        before = self.previous.codebook.variable(name) if self.previous and self.previous.codebook else None
        now = self.contents.codebook.variable(name)
        return before is not None and now is not None and not plain(before.label) and not plain(now.label)

    def _banners(self) -> None:
        kept: list[Banner] = []
        for banner in self.answers.banners if self.answers else []:
            now, why = self._banner(banner, {one.subgroup for one in kept})
            if now is None:
                self.open.append(f"banner {banner.subgroup} is not carried over: {why}")
                self.remark(
                    f"decide: the banner {banner.subgroup} ({banner.variable or 'crossed'}) is left out: {why}", 1
                )
            else:
                kept.append(now)
        if kept and self.old:
            self.lines.append(f"  banners:  # check: as wave {self.old.wave}")
            for banner in kept:
                self._put_banner(banner)
            self.carried.append("banners: " + ", ".join(one.subgroup for one in kept))

    def _put_banner(self, banner: Banner) -> None:
        self.put("subgroup", banner.subgroup, 2, item=True)
        if banner.cross:
            self.lines.append(f"      cross: [{', '.join(banner.cross)}]")
            return
        self.put("variable", banner.variable, 3)
        self.put("values", None, 3)
        for value in banner.values:
            told = {"value": value.value, "codes": value.codes, "label": value.label}
            pairs = ", ".join(f"{key}: {_quoted(text)}" for key, text in told.items() if text is not None)
            self.lines.append(f"        - {{{pairs}}}")
        if banner.outside:
            self.put("outside", banner.outside, 3)

    def _banner(self, banner: Banner, kept: set[str]) -> tuple[Banner | None, str]:
        if banner.cross:
            lacking = [part for part in banner.cross if part not in kept]
            return (None, f"{', '.join(lacking)} is not there") if lacking else (banner, "")
        pairs = self.crosswalk.matching.pairs if self.crosswalk.matching else {}
        found = pairs.get(banner.variable or "")
        if found is None or found.wording == "reworded":
            return None, "no variable has its label" if found is None else f"the label of {found.new} differs"
        values = []
        for value in banner.values:
            now, why = self._banner_value(value, banner.variable or "", found.new, proven=found.wording == "same")
            if now is None:
                return None, f"column {value.value}: {why}"
            values.append(now)
        outside = banner.outside
        if outside:
            codes, why = translate_codes(parse_codes(outside), self.crosswalk.recodes.get(banner.variable or "", {}))
            outside = codes_text(codes) if codes else None
        return banner.model_copy(update={"variable": found.new, "values": values, "outside": outside}), ""

    def _banner_value(self, value: BannerValue, old: str, new: str, proven: bool) -> tuple[BannerValue | None, str]:
        """A column of a banner: its codes must mean what they did, and somebody must be in it."""
        codes, why = translate_codes(parse_codes(value.codes), self.crosswalk.recodes.get(old, {}))
        if codes is None:
            return None, why
        variable, tally = self.contents.codebook.variable(new), self.contents.tallies[new]
        labels = {one.code: one.label for one in variable.labels} if variable else {}
        now = "|".join(labels[code] for code in codes.exact if code in labels) or None
        if value.label is not None and plain(value.label) != plain(now):
            return None, f"its codes were {value.label!r}, are {now!r}"
        if value.label is None and not proven:
            return None, "what its codes meant before is not known"
        if tally.codes is not None and codes.exact and not any(tally.codes.get(code) for code in codes.exact):
            return None, "nobody is in it"
        label = now if value.label is not None else None
        return value.model_copy(update={"codes": codes_text(codes), "label": label}), ""

    def _reading(self) -> None:
        told = dict(self.source.reading)
        if not told and not self.crosswalk.sets:
            return
        self.put("reading", None, 1)
        for key, value in told.items():
            if isinstance(value, list):
                self.lines.append(f"    {key}: [{', '.join(map(_quoted, value))}]")
            else:
                self.lines.append(f"    {key}: {_quoted(str(value))}")
        if self.crosswalk.sets:
            self.lines.append("    sets:  # check: batteries, with the members that were matched")
            for one in self.crosswalk.sets:
                members = ", ".join(map(_quoted, one.members))
                self.lines.append(
                    f"      - {{name: {_quoted(one.name)}, label: {_quoted(one.label)}, "
                    f"members: [{members}], counted: {_quoted(one.counted)}}}"
                )

    def _licence(self) -> None:
        if self.old is None or self.old.licence.name == "unknown":
            return
        self.put("licence", None)
        self.put("name", self.old.licence.name, 1, check=f"as wave {self.old.wave}")
        self.put("redistribute", "yes" if self.old.licence.redistribute else "no", 1)
        if self.old.licence.note:
            self.put("note", self.old.licence.note, 1)

    def _address(self) -> None:
        if self.old is not None and self.old.source_url:
            check = f"the address of wave {self.old.wave}; estimates are cited by it"
            self.put("source_url", self.old.source_url, check=check)
        else:
            self.remark("decide: source_url: the page by which the estimates are cited; a refresh refuses without it")
            self.open.append("source_url: the address by which the estimates are cited")


def _reasons(one: Candidate) -> str:
    label = f" ({one.label})" if one.label else ""
    return f"{one.variable}{label}: {'; '.join(one.reasons)}"


def _scalar(value: object) -> str:
    text = str(value)
    harmless = _PLAIN.match(text) and text.casefold() not in _KEYWORDS and text == text.strip()
    return text if harmless or re.fullmatch(r"https?://[^\s#,'\"]+[^\s#,'\":]", text) else _quoted(text)


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes; JSON's escapes are YAML's."""
    return json.dumps(_one_line(text), ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
