"""Opening a release: its bytes into the archive, then its manifest and crosswalk read and its data files found.

Belongs here: everything before the figures are parsed. Does not belong here: what the rows mean (questions), the
figures (toplines).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.releases.archive import Archive
from assets.releases.discover import CATEGORIES, CROSSWALK, MANIFEST, QUESTIONS, Context, Found
from assets.releases.fetching import FetchPolicy, fetch
from assets.releases.inbox import Places
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.manifest import File, Release
from schemas.problems import Problem, ProblemsError, nearest
from schemas.published import PublishedRow

FETCHED = "fetched"  # below the archive: where downloads wait; no name of two letters, so no folder of archived bytes
SKIPPED_SHOWN = 3


@dataclass
class Opened:
    """A release on its way: manifest and crosswalk read, figures still being parsed."""

    found: Found
    manifest: Release
    questions: list[tuple[int, QuestionRow]]
    categories: list[tuple[int, CategoryRow]]
    files: list[tuple[File, str]]  # declared data files with their checksums
    awaits: list[File] = field(default_factory=list)  # declared, and not at hand
    published: list[tuple[str, PublishedRow]] = field(default_factory=list)  # with file and row
    figures: list[dict[str, Any]] = field(default_factory=list)
    reading: Any = None  # of the respondents' answers, once they are read
    problems: list[Problem] = field(default_factory=list)


def open_release(
    found: Found,
    context: Context,
    archive: Archive,
    places: Places,
    policy: FetchPolicy | None,
) -> Opened | list[Problem]:
    """Archive the bytes, then read manifest and crosswalk and find (or fetch) the declared files; or the problems."""
    if found.problems:
        return list(found.problems)
    for seen in found.files.values():
        archive.put_file(seen.path, seen.sha256)
    problems: list[Problem] = []
    manifest_file = f"{found.release}/{MANIFEST}"
    try:
        manifest = read_yaml(archive.read(found.files[MANIFEST].sha256), manifest_file, Release)
    except ProblemsError as bad:
        return bad.problems
    problems += _matches_its_place(found, manifest, context)
    files: list[tuple[File, str]] = []
    awaits: list[File] = []
    for number, file in enumerate(manifest.files):
        try:
            digest = _locate(file, number, found, archive, places, policy)
        except ProblemsError as bad:
            problems += bad.problems
            continue
        if digest is None:
            awaits.append(file)
        else:
            files.append((file, digest))
    published = _published(files, found, archive, problems)
    questions, categories = [], []
    # A crosswalk without a declared file is read too: its rows are then stale, which says what was forgotten.
    if manifest.files or any(name in found.files for name in CROSSWALK):
        try:
            questions = read_csv(
                _crosswalk(found, QUESTIONS, archive), f"{found.release}/{QUESTIONS}", QuestionRow, "crosswalk"
            )
        except ProblemsError as bad:
            problems += bad.problems
        try:
            categories = read_csv(
                _crosswalk(found, CATEGORIES, archive), f"{found.release}/{CATEGORIES}", CategoryRow, "crosswalk"
            )
        except ProblemsError as bad:
            problems += bad.problems
    warnings = list(_unnamed(found, manifest))
    return problems or Opened(
        found, manifest, questions, categories, files, awaits=awaits, published=published, problems=warnings
    )


def _published(
    files: list[tuple[File, str]], found: Found, archive: Archive, problems: list[Problem]
) -> list[tuple[str, PublishedRow]]:
    """Figures that the respondents' answers must reproduce; people write them, so they are read here."""
    rows: list[tuple[str, PublishedRow]] = []
    for file, digest in files:
        if file.role == "published":
            name = f"{found.release}/{file.path}"
            try:
                read = read_csv(archive.read(digest), name, PublishedRow, "toplines")
                rows += [(f"{file.path}, row {line}", row) for line, row in read]
            except ProblemsError as bad:
                problems += bad.problems
    return rows


def _unnamed(found: Found, manifest: Release) -> Iterable[Problem]:
    """Files that nothing reads, most likely forgotten; prose beside a release is nobody's mistake."""
    told = manifest.respondents
    used = {told.reading.codebook, told.reading.catalog} - {None} if told else set()
    named = {MANIFEST, *CROSSWALK, *(file.path for file in manifest.files), *used}
    for name in sorted(set(found.files) - named):
        if not name.lower().endswith((".md", ".txt")):
            what = "a file that the manifest does not name: nothing reads it"
            near = nearest(name, [file.path for file in manifest.files])
            expected = f"its path under files in {MANIFEST}, or no such file"
            yield Problem(
                "manifest", f"{found.release}/{name}", what, expected=expected, nearest=near, severity="warning"
            )


def _crosswalk(found: Found, name: str, archive: Archive) -> bytes:
    if name not in found.files:
        raise ProblemsError([Problem("crosswalk", f"{found.release}/{name}", "the file is missing", expected=name)])
    return archive.read(found.files[name].sha256)


def _matches_its_place(found: Found, manifest: Release, context: Context) -> Iterable[Problem]:
    organisation, series, _ = found.release.split("/")
    file = f"{found.release}/{MANIFEST}"
    for column, said, place in (
        ("organisation", manifest.organisation, organisation),
        ("series", manifest.series, series),
    ):
        if said != place:
            yield Problem(
                "manifest", file, "the manifest names another folder", column=column, value=said, expected=place
            )
    for parent in (f"{organisation}/organisation.yml", f"{organisation}/{series}/series.yml"):
        if f"releases/{parent}" not in context.files:
            yield Problem("manifest", parent, "the file is missing", expected=f"a description of {Path(parent).parent}")


def _locate(
    file: File, number: int, found: Found, archive: Archive, places: Places, policy: FetchPolicy | None
) -> str | None:
    """Checksum of a declared file, by then in the archive: from the folder, the archive, the drop folder or the net.

    None for respondents' answers that are nowhere: many may not be passed on, so they come when somebody gets them.
    """
    name, manifest = f"{found.release}/{file.path}", f"{found.release}/{MANIFEST}"
    seen = found.files.get(file.path)
    if seen is not None:
        if file.sha256 and file.sha256 != seen.sha256:
            raise ProblemsError(
                [
                    Problem(
                        "checksum", name, "the bytes are not the declared ones", value=seen.sha256, expected=file.sha256
                    )
                ]
            )
        return seen.sha256
    if file.sha256:
        if archive.holds(file.sha256):  # a damaged copy is fetched again
            return file.sha256
        dropped = places.find(file.sha256, file.bytes)
        if dropped is None and file.url:
            into = archive.root / FETCHED
            dropped = fetch(file.url, file.sha256, name, policy or FetchPolicy.from_environment(), into)
            archive.put_file(dropped, file.sha256)
            dropped.unlink(missing_ok=True)
            return file.sha256
        if dropped is not None:
            archive.put_file(dropped, file.sha256)
            return file.sha256
        if file.role == "respondents":
            return None
    here = [n for n in found.files if n not in (MANIFEST, QUESTIONS, CATEGORIES)]
    raise ProblemsError(
        [
            Problem(
                # a file named by its checksum may be dropped later: that is tried again at every refresh
                "fetch" if file.sha256 else "manifest",
                manifest,
                "a declared file is not there" + (_passed_over(places) if file.sha256 else ""),
                column=f"files.{number}.path",
                value=file.path,
                expected="the file in this folder, or its address with a checksum",
                nearest=nearest(file.path, here),
            )
        ]
    )


def _passed_over(places: Places) -> str:
    """What lies in the drop folder but was not looked at: one of these may be the file."""
    seen = [f"{path} ({why})" for path, why in sorted(places.skipped.items())]
    if not seen:
        return ""
    more = f" and {len(seen) - SKIPPED_SHOWN} more" if len(seen) > SKIPPED_SHOWN else ""
    verb = "was" if len(seen) == 1 else "were"
    return f"; in the drop folder {', '.join(seen[:SKIPPED_SHOWN])}{more} {verb} passed over"
