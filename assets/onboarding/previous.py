"""The wave before: which release that is, what people wrote about it, and its own codebook if its file is at hand.

Belongs here: finding things in the catalogue and around it. Does not belong here: comparing them with a new file.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.onboarding.contents import read_contents
from assets.releases.archive import Archive
from assets.releases.discover import CATEGORIES, MANIFEST, QUESTIONS
from assets.releases.inbox import Places
from assets.responses.lake import ResponsesLake
from schemas.codebook import Codebook
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.dates import first_day, last_day
from schemas.handwritten import read_csv, read_yaml
from schemas.manifest import File, Release
from schemas.problems import ProblemsError, nearest
from warehouse.layout import Layout

SERIES = "series.yml"


class OnboardingError(Exception):
    """Nothing can be drafted; the message says what to do."""


@dataclass(frozen=True)
class Written:
    """A release as people wrote it: manifest and crosswalk, read."""

    release: str
    folder: Path
    manifest: Release
    questions: tuple[QuestionRow, ...]
    categories: tuple[CategoryRow, ...]

    def codes(self, question: str) -> list[CategoryRow]:
        """The category rows of a question."""
        return [row for row in self.categories if row.question == question]

    @property
    def respondents_file(self) -> File | None:
        """The declared file of answers."""
        return next((file for file in self.manifest.files if file.role == "respondents"), None)

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """Last and first day of fieldwork, for the order; an unknown one comes first."""
        start, end = first_day(self.manifest.fieldwork.start), last_day(self.manifest.fieldwork.end)
        return end or start or dt.date.min, start or end or dt.date.min


@dataclass(frozen=True)
class Previous:
    """The wave before.

    Attributes:
        written: its manifest and crosswalk.
        codebook: of its file; None if the file is not at hand.
        told_by: where labels come from, in words.
        why: why this release is the one, in words.
        others: releases of the series that cannot be read, with the first problem of each.
    """

    written: Written
    codebook: Codebook | None
    told_by: str
    why: str
    others: tuple[str, ...] = ()


def find_series(catalogue: Path, asked: str | None) -> str:
    """The series (`organisation/series`) that a file goes to.

    Raises:
        OnboardingError: it is not said and there are several, or there is none of that name.
    """
    root = catalogue / "releases"
    known = sorted(path.parent.relative_to(root).as_posix() for path in root.glob(f"*/*/{SERIES}"))
    if not known:
        raise OnboardingError(
            f"no series in {root}; write organisation.yml and {SERIES} first, or name the catalogue with --catalog"
        )
    if asked is None:
        if len(known) == 1:
            return known[0]
        raise OnboardingError(
            "which series is this a wave of? give --to organisation/series, one of: " + ", ".join(known)
        )
    name = asked.strip("/")
    if name not in known:
        near = nearest(name, known)
        raise OnboardingError(
            f"no series {name!r}; "
            + (f"nearest: {near}; " if near else "")
            + f"a new series starts with {name}/{SERIES} beside its organisation.yml"
        )
    return name


def releases_of(catalogue: Path, series: str) -> tuple[list[Written], list[str]]:
    """The releases of a series that can be read, oldest fieldwork first, and the first problem of each other one."""
    good, bad = [], []
    root = catalogue / "releases"
    for manifest in sorted((root / series).glob(f"*/{MANIFEST}")):
        try:
            good.append(read_written(root, manifest.parent.relative_to(root).as_posix()))
        except ProblemsError as problems:
            bad.append(str(problems.problems[0]))
    return sorted(good, key=lambda one: (*one.days, one.release)), bad


def read_written(root: Path, release: str) -> Written:
    """One release folder below `root` (catalog/releases).

    Raises:
        ProblemsError: manifest or crosswalk cannot be read; a missing crosswalk is an empty one.
    """
    folder = root / release
    manifest = read_yaml((folder / MANIFEST).read_bytes(), f"{release}/{MANIFEST}", Release)
    questions, categories = folder / QUESTIONS, folder / CATEGORIES
    return Written(
        release,
        folder,
        manifest,
        tuple(row for _, row in read_csv(questions.read_bytes(), f"{release}/{QUESTIONS}", QuestionRow, "crosswalk"))
        if questions.is_file()
        else (),
        tuple(row for _, row in read_csv(categories.read_bytes(), f"{release}/{CATEGORIES}", CategoryRow, "crosswalk"))
        if categories.is_file()
        else (),
    )


def find_previous(layout: Layout, series: str, after: str | None) -> Previous | None:
    """The release to draft from; None for the first wave of a series.

    Without `after` it is the one with the latest fieldwork among those with respondents, or, if there is none, among
    all.

    Raises:
        OnboardingError: there is no folder `after`, or it cannot be read.
    """
    releases, bad = releases_of(layout.catalogue, series)
    if after is not None:
        folder = after.strip("/").removeprefix(f"{series}/")
        chosen = next((one for one in releases if one.folder.name == folder), None)
        if chosen is None:
            broken = next((text for text in bad if text.startswith(f"{series}/{folder}/")), None)
            near = nearest(folder, [one.folder.name for one in releases])
            raise OnboardingError(
                broken or f"no release {folder!r} in {series}" + (f"; nearest: {near}" if near else "")
            )
        why = "named by --after"
    else:
        if not releases:
            if bad:
                raise OnboardingError(f"no release of {series} can be read; the first problem: {bad[0]}")
            return None
        chosen, why = _latest(releases)
    codebook, told_by = _codebook(layout, chosen)
    return Previous(chosen, codebook, told_by, why, tuple(bad))


def _latest(releases: Sequence[Written]) -> tuple[Written, str]:
    with_answers = [one for one in releases if one.manifest.respondents is not None]
    chosen = (with_answers or releases)[-1]
    why = "the latest fieldwork of the series" + (" with respondents' answers" if with_answers else "")
    same = [one.folder.name for one in with_answers or releases if one.days == chosen.days and one is not chosen]
    undated = [one.folder.name for one in with_answers or releases if one.days[0] == dt.date.min and one is not chosen]
    why += f"; {', '.join(same)} has the same days: --after chooses" if same and not undated else ""
    why += f"; {', '.join(undated)} has no days of fieldwork: --after chooses" if undated else ""
    return chosen, why


def before(catalogue: Path, release: str) -> Written | None:
    """The release that stands before another one in its series, as `find_previous` would have chosen it."""
    series, _, folder = release.rpartition("/")
    releases, _ = releases_of(catalogue, series)
    this = next((one for one in releases if one.folder.name == folder), None)
    if this is None:
        return None
    undated = this.days[0] == dt.date.min
    earlier = [one for one in releases if one is not this and (undated or one.days < this.days)]
    return _latest(earlier)[0] if earlier else None


def _codebook(layout: Layout, written: Written) -> tuple[Codebook | None, str]:
    file = written.respondents_file
    if file is None or written.manifest.respondents is None:
        return None, "its crosswalk alone: it has no file of answers"
    reading = ResponsesLake(layout.responses).find(file.sha256) if file.sha256 else None
    if reading is not None:
        return reading.codebook, "its own file, as the lake has it"
    for path, where in _places(layout, written, file):
        options = written.manifest.respondents.reading.model_dump(include={"encoding", "delimiter", "decimal", "sheet"})
        try:
            return read_contents(path, options, count=False).codebook, f"its own file, {where}"
        except ProblemsError as bad:
            return None, f"its crosswalk alone: its file cannot be read ({bad.problems[0].what})"
    return (
        None,
        "its crosswalk alone: its file is not at hand (drop it into the drop folder for the labels of the rest)",
    )


def _places(layout: Layout, written: Written, file: File) -> Iterator[tuple[Path, str]]:
    """Where the bytes of a declared file are, if anywhere."""
    beside = written.folder / file.path
    if beside.is_file():
        yield beside, "beside its manifest"
    if file.sha256 is None:
        return
    archive = Archive(layout.archive)
    if archive.holds(file.sha256):
        yield archive.path(file.sha256), "in the archive"
    found = Places(layout.inbox, layout.files).find(file.sha256, file.bytes)
    if found is not None:
        yield found, "found by its checksum"
