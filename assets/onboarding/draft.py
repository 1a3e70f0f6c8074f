"""A new wave as a draft: the file read, the previous wave found, everything compared, a folder written.

Belongs here: the way from a file to a release folder, in order. Does not belong here: any step of it.
"""

import contextlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from assets.onboarding import writing
from assets.onboarding.contents import Contents, fingerprint, read_contents
from assets.onboarding.crosswalk import Crosswalk, draft_crosswalk
from assets.onboarding.hints import NewVariable, new_variables
from assets.onboarding.manifest import Manifest, Source, draft_manifest
from assets.onboarding.previous import (
    OnboardingError,
    Previous,
    Written,
    find_previous,
    find_series,
    releases_of,
)
from assets.onboarding.weighting import Suggestions, suggest
from assets.releases.discover import CATEGORIES, MANIFEST, QUESTIONS
from assets.releases.shelf import read_items
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Release
from schemas.names import WaveId
from schemas.problems import Problem, ProblemsError
from warehouse.layout import Layout

READING = ("encoding", "delimiter", "decimal", "sheet")


@dataclass(frozen=True)
class Draft:
    """A drafted release, not yet written.

    Attributes:
        release: organisation/series/folder.
        source: the file.
        contents: what is in it.
        previous: the wave before; None for a first wave.
        crosswalk: questions and codes.
        suggestions: weight and design.
        manifest: the text of release.yml.
        new: variables that no question of the previous wave is.
        known_as: releases of the series that use the very same file.
        problems: why the contracts refuse the draft as it stands; empty if a refresh loads it as provisional.
    """

    release: str
    source: Source
    contents: Contents
    previous: Previous | None
    crosswalk: Crosswalk
    suggestions: Suggestions
    manifest: Manifest
    new: tuple[NewVariable, ...]
    known_as: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def open(self) -> list[str]:
        """What a person must decide before a refresh takes this release."""
        return [*self.manifest.open, *self.crosswalk.open_points()]

    def files(self) -> dict[str, str]:
        """The files of the folder by name."""
        return {
            MANIFEST: self.manifest.text,
            QUESTIONS: writing.questions_csv(self.crosswalk.rows),
            CATEGORIES: writing.categories_csv(self.crosswalk.categories),
            writing.PAGE: writing.page(self),
        }


def draft(
    layout: Layout,
    path: Path,
    to: str | None,
    wave: str | None,
    after: str | None,
    told: Mapping[str, str] | None = None,
) -> Draft:
    """Draft the release of a new file. Nothing is written.

    Args:
        layout: where the catalogue is, and the files of earlier waves.
        path: the new file.
        to: organisation/series; may be left out if there is only one.
        wave: id of the wave and name of its folder; the previous one's number plus one if left out.
        after: folder of the release to draft from; the latest if left out.
        told: how to read the file, as `READING`, in place of what the previous wave says.

    Raises:
        OnboardingError: something must be said first, or the folder is there already.
        ProblemsError: the file cannot be read, with the cause.
    """
    if not path.is_file():
        raise OnboardingError(f"no file {path}")
    series = find_series(layout.catalogue, to)
    previous = find_previous(layout, series, after)
    name = _wave_id(wave or _next_wave(previous))
    release = f"{series}/{name}"
    refuse_existing(layout, release)
    contents, reading = _read(path, previous, told or {})
    digest, size = fingerprint(path)
    source = Source(_plain_name(path), digest, size, reading)
    items = _items(layout)
    crosswalk = draft_crosswalk(previous, contents, items) if previous else Crosswalk()
    suggestions = suggest(contents)
    manifest = draft_manifest(release, name, source, contents, suggestions, previous, crosswalk)
    releases, _ = releases_of(layout.catalogue, series)
    made = Draft(
        release,
        source,
        contents,
        previous,
        crosswalk,
        suggestions,
        manifest,
        new_variables(contents, crosswalk, releases, items),
        tuple(one.release for one in releases if _uses(one, digest)),
    )
    return Draft(**{**vars(made), "problems": tuple(_refused(made))})


def write(layout: Layout, made: Draft) -> Path:
    """Write the folder, whole or not at all.

    Raises:
        OnboardingError: it is there already.
    """
    refuse_existing(layout, made.release)
    folder = layout.catalogue / "releases" / made.release
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        for name, text in made.files().items():
            (aside / name).write_text(text, encoding="utf-8", newline="")
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return folder


def refuse_existing(layout: Layout, release: str) -> None:
    """A draft never replaces what somebody wrote.

    Raises:
        OnboardingError: the folder is there.
    """
    folder = layout.catalogue / "releases" / release
    if folder.exists() or folder.is_symlink():
        raise OnboardingError(
            f"{release} is there already and is never overwritten; give another wave with --wave, "
            "or remove the folder first if it is a draft that nobody needs"
        )


def _read(path: Path, previous: Previous | None, told: Mapping[str, str]) -> tuple[Contents, dict[str, Any]]:
    """The file, read as one is told; else as the previous wave's if that works; else as it describes itself."""
    unknown = sorted(set(told) - set(READING))
    if unknown:
        raise OnboardingError(f"no way of reading is called {unknown[0]!r}; there are {', '.join(READING)}")
    answers = previous.written.manifest.respondents if previous else None
    before = answers.reading.model_dump(exclude_none=True, include={*READING}) if answers else {}
    how: dict[str, Any] = dict(told)
    contents = None
    if before and not told:
        with contextlib.suppress(ProblemsError):  # another format than last time, most likely: without, it tells
            contents, how = read_contents(path, before), before
    contents = contents or read_contents(path, how)
    kept = [name for name in (answers.reading.keep if answers else []) if contents.codebook.variable(name)]
    if kept:
        how = {**how, "keep": kept}
        contents = read_contents(path, how)
    return contents, how


def _next_wave(previous: Previous | None) -> str:
    before = previous.written.manifest.wave if previous else None
    found = re.search(r"^(.*?)([0-9]+)$", before or "")
    if found is None:
        told = f"the previous one is {before!r}, which has no number at its end" if before else "it is the first one"
        raise OnboardingError(f"what is this wave called? {told}; give --wave, such as --wave 01")
    return f"{found[1]}{int(found[2]) + 1:0{len(found[2])}d}"


def _wave_id(name: str) -> str:
    """The id, which is the name of a folder too."""
    try:
        return str(TypeAdapter(WaveId).validate_python(name))
    except ValidationError as bad:
        raise OnboardingError(f"--wave {name!r}: {bad.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _plain_name(path: Path) -> str:
    """The file's own name, if a manifest can name it."""
    return path.name if re.fullmatch(r"[^\s:\\/~][^:\\/]*", path.name) else f"respondents{path.suffix}"


def _items(layout: Layout) -> dict[str, Item]:
    files = {f"items/{path.name}": path.read_bytes() for path in sorted((layout.catalogue / "items").glob("*.yml"))}
    return read_items(files)[0]


def _uses(one: Written, digest: str) -> bool:
    return any(file.sha256 == digest for file in one.manifest.files)


def _refused(made: Draft) -> list[Problem]:
    """The draft read back by the contracts that a refresh uses."""
    files = {name: text.encode() for name, text in made.files().items()}
    out: list[Problem] = []
    readers: Mapping[str, Any] = {
        MANIFEST: lambda raw, name: read_yaml(raw, name, Release),
        QUESTIONS: lambda raw, name: read_csv(raw, name, QuestionRow, "crosswalk"),
        CATEGORIES: lambda raw, name: read_csv(raw, name, CategoryRow, "crosswalk"),
    }
    for name, read in readers.items():
        try:
            read(files[name], f"{made.release}/{name}")
        except ProblemsError as bad:
            out += bad.problems
    return out
