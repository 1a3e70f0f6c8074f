"""What awaits review in one release, beside the wave before it.

Belongs here: comparing two crosswalks as they stand in the catalogue. Does not belong here: drafting, and marking
anything as reviewed: `reviewed_by` is a person's name, and a person writes it.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assets.onboarding.previous import OnboardingError, Written, before, read_written, releases_of
from assets.onboarding.words import plain
from assets.onboarding.writing import DECIDE, PAGE
from assets.releases.discover import CATEGORIES, MANIFEST, QUESTIONS
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv
from schemas.manifest import ALL_RESPONDENTS, Release
from schemas.problems import Problem, ProblemsError, nearest

_DECIDE = re.compile(r"#\s*(check|decide):\s*(.+)$")


@dataclass(frozen=True)
class Waiting:
    """One question that nobody has reviewed.

    Attributes:
        question: its id.
        item: its item.
        row: line of questions.csv.
        variable: what holds its answers.
        was: question of the previous wave with the same item; None if there is none.
        wording_was: its wording there, as the file had it.
        wording: the wording here.
        reworded: whether the two differ after normalising.
        base_was: whom it was asked there.
        base: whom it is asked here.
        codes: what changed about its codes, in words.
        decision: `join`, `note`, `break`, `exclude`, with its reason.
    """

    question: str
    item: str
    row: int
    variable: str | None
    was: str | None
    wording_was: str | None
    wording: str
    reworded: bool
    base_was: str | None
    base: str
    codes: tuple[str, ...]
    decision: str


@dataclass(frozen=True)
class Review:
    """A release as a reviewer needs it.

    Attributes:
        release: organisation/series/folder.
        before: the release it is compared with.
        waiting: questions without `reviewed_by`.
        reviewed: questions with it.
        weight: what the manifest says of the weight, and what the wave before said.
        open: what the draft's comments in the manifest leave to check or decide, with the line, and what its page
            says has no row, as far as that is still so.
        gone: items of the wave before that are not asked here.
        problems: why a refresh refuses the release as it stands.
    """

    release: str
    before: str | None
    waiting: tuple[Waiting, ...]
    reviewed: int
    weight: tuple[str, ...]
    open: tuple[str, ...]
    gone: tuple[str, ...]
    problems: tuple[Problem, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "problems": [problem.as_row() for problem in self.problems]}


def find_release(catalogue: Path, asked: str) -> str:
    """The release of this name, or with this unique end (`series/05`, `05`).

    Raises:
        OnboardingError: there is none, or several.
    """
    root = catalogue / "releases"
    known = sorted(path.parent.relative_to(root).as_posix() for path in root.glob(f"*/*/*/{MANIFEST}"))
    name = asked.strip("/")
    hits = [one for one in known if one == name or one.endswith(f"/{name}")]
    if name in hits or len(hits) == 1:
        return name if name in hits else hits[0]
    if hits:
        raise OnboardingError(f"{name!r} is the end of several releases: {', '.join(hits)}; give more of the name")
    near = nearest(name, known)
    raise OnboardingError(f"no release {name!r} in {root}" + (f"; nearest: {near}" if near else ""))


def review(catalogue: Path, release: str) -> Review:
    """What awaits review. Nothing is written.

    Raises:
        ProblemsError: the crosswalk cannot be read. A manifest that a refresh refuses is no obstacle.
    """
    root = catalogue / "releases"
    this, problems = _read(root, release)
    earlier = before(catalogue, release) if not problems else _latest_other(catalogue, release)
    lines = _lines_of(this)
    waiting = [
        _waiting(row, line, this, earlier)
        for row, line in zip(this.questions, lines, strict=True)
        if not row.reviewed_by
    ]
    items = {row.item for row in this.questions}
    gone = tuple(row.item for row in earlier.questions if row.item not in items) if earlier else ()
    return Review(
        release,
        earlier.release if earlier else None,
        tuple(waiting),
        len(this.questions) - len(waiting),
        tuple(_weights(this, earlier, problems)),
        (*_open(this.folder / MANIFEST), *_still_without_row(this)),
        tuple(dict.fromkeys(gone)),
        tuple(problems),
    )


def _read(root: Path, release: str) -> tuple[Written, list[Problem]]:
    """The release; while a draft is open its manifest may be one that a refresh refuses."""
    try:
        return read_written(root, release), []
    except ProblemsError as bad:
        problems = bad.problems
        if any(not problem.file.endswith(MANIFEST) for problem in problems):
            raise
    return _without_manifest(root, release), problems


def _without_manifest(root: Path, release: str) -> Written:
    organisation, series, _ = release.split("/")
    stand_in = Release.model_validate(
        {
            "organisation": organisation,
            "series": series,
            "wave": "unread",
            "vintage": "undated",
            "fieldwork": {"start": "unknown", "end": "unknown"},
            "sample": {"n": "unknown"},
        }
    )
    place = root / release
    tables: list[Any] = []
    for name, model in ((QUESTIONS, QuestionRow), (CATEGORIES, CategoryRow)):
        path = place / name
        rows = read_csv(path.read_bytes(), f"{release}/{name}", model, "crosswalk") if path.is_file() else []
        tables.append(tuple(row for _, row in rows))
    return Written(release, place, stand_in, tables[0], tables[1])


def _latest_other(catalogue: Path, release: str) -> Written | None:
    """The wave before a release whose own days cannot be read: the latest other one."""
    releases, _ = releases_of(catalogue, release.rpartition("/")[0])
    others = [one for one in releases if one.release != release]
    answered = [one for one in others if one.manifest.respondents is not None]
    chosen = answered or others
    return chosen[-1] if chosen else None


def _lines_of(this: Written) -> list[int]:
    path = this.folder / QUESTIONS
    if not path.is_file():
        return []
    return [line for line, _ in read_csv(path.read_bytes(), f"{this.release}/{QUESTIONS}", QuestionRow, "crosswalk")]


def _waiting(row: QuestionRow, line: int, this: Written, earlier: Written | None) -> Waiting:
    was = _counterpart(row, earlier)
    before_text = (was.variable_label or was.wording) if was else None
    now_text = row.variable_label or row.wording
    decision = row.decision + (f": {row.reason}" if row.reason else "")
    return Waiting(
        question=row.question,
        item=row.item,
        row=line,
        variable=row.variable,
        was=f"{was.question} of {earlier.folder.name}" if was and earlier else None,
        wording_was=before_text,
        wording=now_text,
        reworded=before_text is not None and plain(before_text) != plain(now_text),
        base_was=_base(was) if was else None,
        base=_base(row),
        codes=tuple(_codes(row, this.codes(row.question), earlier.codes(was.question))) if was and earlier else (),
        decision=f"{row.question_match}/{row.options_match}, {decision}",
    )


def _counterpart(row: QuestionRow, earlier: Written | None) -> QuestionRow | None:
    """The question of the wave before that is the same item; of a split ballot the one that is worded alike."""
    same = [one for one in earlier.questions if one.item == row.item] if earlier else []
    text = plain(row.variable_label or row.wording)
    return next((one for one in same if plain(one.variable_label or one.wording) == text), same[0] if same else None)


def _base(row: QuestionRow) -> str:
    condition = f" ({row.where})" if row.where else ""
    return (row.base or ALL_RESPONDENTS) + condition


def _codes(question: QuestionRow, now: Sequence[CategoryRow], then: Sequence[CategoryRow]) -> list[str]:
    """What changed: told by the category that a code or a label leads to."""
    out = []
    by_code = {row.code: row for row in then if row.code}
    by_label = {plain(row.label or row.option): row for row in then if row.label or row.option}
    for row in now:
        if row.code is None:
            continue
        called = f"{row.code} {row.label!r}" if row.label else row.code
        same_label, same_code = by_label.get(plain(row.label)), by_code.get(row.code)
        renumbered = same_label is not None and same_label.code not in (None, row.code)
        if same_label is not None and renumbered and question.answer == "single":  # else it is a variable's name
            out.append(f"{called} was {same_label.code}" + _meant(same_code))
        elif same_label is None and same_code is not None and plain(row.label) != plain(same_code.label):
            out.append(f"{called}: the label was {same_code.label!r}")
        elif same_label is None and same_code is None:
            out.append(f"{called} is new")
        other = same_label or same_code
        if other is not None and (other.category, other.kind) != (row.category, row.kind):
            out.append(f"{called} is {row.category or row.kind}, was {other.category or other.kind}")
    here = {row.code for row in now} | {plain(row.label) for row in now if row.label}
    lost = [row for row in then if row.code and row.code not in here and plain(row.label) not in here]
    return out + [f"{row.code} {row.label or ''} is gone".replace("  ", " ") for row in lost]


def _meant(other: CategoryRow | None) -> str:
    return f"; that number was {other.label or other.category!r}" if other is not None else ""


def _weights(this: Written, earlier: Written | None, problems: Sequence[Problem]) -> list[str]:
    out = []
    if any(problem.column == "respondents.weight" for problem in problems):
        out.append("no weight is declared: see what the draft lists in release.yml")
    for called, one in (("now", this), ("before", earlier)):
        answers = one.manifest.respondents if one else None
        if answers is None:
            continue
        facts = "none" if answers.weight == "none" else answers.weight.model_dump(exclude_none=True, exclude={"note"})
        text = facts if isinstance(facts, str) else ", ".join(f"{key} {value}" for key, value in facts.items())
        out.append(f"{called}: {text}")
    return out


def _open(path: Path) -> list[str]:
    """The comments `# check:` and `# decide:` that still stand in a manifest."""
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), start=1):
        match = _DECIDE.search(line)
        if match:
            key = line.split(":", 1)[0].strip(" -") if not line.strip().startswith("#") else ""
            found.append(f"line {number}: {match[1]} {key + ': ' if key else ''}{match[2]}")
    return found


def _still_without_row(this: Written) -> list[str]:
    """Codes and questions for which the draft wrote no row, from its page, less those that have one by now."""
    path = this.folder / PAGE
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    points = re.findall(r"^- (.+)$", text.partition(DECIDE)[2].partition("\n## ")[0], re.MULTILINE)
    written = {(row.question, row.code) for row in this.categories}
    items = {row.item for row in this.questions}
    out = []
    for point in points:
        code = re.match(r"(\S+): code (\S+) .*has no category", point)
        question = re.match(r"\S+ \((\S+)\) has no row: ", point)
        if (code and (code[1], code[2]) not in written) or (question and question[1] not in items):
            out.append(f"{PAGE}: {point}")
    return out
