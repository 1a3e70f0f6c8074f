"""Invented surveys as `.sav` files whose true percentages are known, with the release folders that describe them.

A survey has what real files have: labelled answers, don't know and refused as user-missing values, a battery of 0/1
variables, a split ballot, a filter with system-missing values, a weight with zeros beside a decoy that only looks like
one, strata and PSUs whose numbers repeat, an open text and an interview time that must not go any further. The known
figures are plain sums over the rows that were written; no function of the project takes part in them.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import math
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import yaml

from tests import factory

Row = dict[str, Any]

ZEROS = 7  # rows with weight 0
CREATED = b"01 Jan 2400:00:00"  # in place of the clock's in the header, so that a seed gives the same bytes
EVERYONE = "all respondents"

# What the file says, in English and Russian. The keys are ours; `names` are the variables' names in the file.
NAMES = {
    "en": {"sex": "sex", "age": "age", "region": "region", "form": "form"},
    "ru": {"sex": "пол", "age": "возраст", "region": "регион", "form": "форма"},
}
LABELS: dict[str, dict[str, str]] = {
    "en": {
        "sex": "Sex of the respondent", "age": "Age in years", "region": "Region", "form": "Form of the questionnaire",
        "Q1": "Do you support the plan?", "Q2_1": "Television", "Q2_2": "Radio", "Q2_3": "Messengers",
        "Q3": "How far do you trust the council, from 0 to 10?", "Q4": "Is the town going the right way?",
        "Q5": "Why do you support the plan?", "opinion": "What else would you like to say?",
    },
    "ru": {
        "sex": "Пол респондента", "age": "Возраст, лет", "region": "Регион", "form": "Версия анкеты",
        "Q1": "Поддерживаете ли Вы план?", "Q2_1": "Телевидение", "Q2_2": "Радио", "Q2_3": "Мессенджеры",
        "Q3": "Насколько Вы доверяете совету, от 0 до 10?", "Q4": "Город развивается в правильном направлении?",
        "Q5": "Почему Вы поддерживаете план?", "opinion": "Что бы Вы хотели добавить?",
    },
}  # fmt: skip
VALUES: dict[str, dict[str, dict[int, str]]] = {
    "en": {
        "sex": {1: "Male", 2: "Female"}, "region": {1: "North", 2: "South", 3: "West"},
        "form": {1: "Form A", 2: "Form B"},
        "Q1": {1: "Yes, I do", 2: "No, I do not", 97: "Hard to say", 98: "Refused"},
        "Q3": {0: "not at all", 10: "fully", 88: "Hard to say", 99: "Refused"},
        "Q4": {1: "Right", 2: "Wrong", 97: "Hard to say"},
        "Q5": {1: "It is cheap", 2: "It is fair", 3: "Other reason"},
    },
    "ru": {
        "sex": {1: "Мужской", 2: "Женский"}, "region": {1: "Север", 2: "Юг", 3: "Запад"},
        "form": {1: "Версия А", 2: "Версия Б"},
        "Q1": {1: "Да, поддерживаю", 2: "Нет, не поддерживаю", 97: "Затрудняюсь ответить", 98: "Отказ от ответа"},
        "Q3": {0: "совсем не доверяю", 10: "полностью доверяю", 88: "Затрудняюсь ответить", 99: "Отказ от ответа"},
        "Q4": {1: "В правильном", 2: "В неправильном", 97: "Затрудняюсь ответить"},
        "Q5": {1: "Он дешёвый", 2: "Он справедливый", 3: "Другое"},
    },
}  # fmt: skip
MEMBERS = ("Q2_1", "Q2_2", "Q2_3")


@dataclass(frozen=True)
class Code:
    """One code of a question: its category, None where it needs none, and whether it counts."""

    code: str
    category: str | None
    kind: str = "substantive"
    counts: bool = True
    score: float | None = None


@dataclass(frozen=True)
class Question:
    """One question: its item, where it stands in the file, whom it was put to."""

    question: str
    item: str
    variable: str
    codes: tuple[Code, ...]
    nets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: tuple[str, int] | None = None
    base: str | None = None
    form: str = "full"

    @property
    def several(self) -> bool:
        return self.variable == "Q2"

    def chosen(self, row: Row) -> tuple[str, ...] | None:
        """The categories that a respondent chose; None outside the base."""
        if self.where and row[self.where[0]] != self.where[1]:
            return None
        if self.several:
            if all(row[name] is None for name in MEMBERS):
                return None
            return tuple(str(code.category) for code in self.codes if row[code.code] == 1)
        for code in self.codes:
            if code.code == _text(row[self.variable]):
                return (str(code.category),) if code.counts else None
        raise AssertionError(f"{self.variable} has a code without a row: {row[self.variable]}")


_RIGHT = (Code("1", "right"), Code("2", "wrong"), Code("97", "dont_know", "dont_know"))
QUESTIONS = (
    Question(
        "Q1", "plan-support", "Q1",
        (Code("1", "support"), Code("2", "oppose"), Code("97", "dont_know", "dont_know"),
         Code("98", "refused", "refused", counts=False)),
        nets=(("any_view", ("support", "oppose")),),
    ),
    Question(
        "Q2", "news-sources", "Q2",
        (Code("Q2_1", "television"), Code("Q2_2", "radio"), Code("Q2_3", "messengers")),
        nets=(("broadcast", ("television", "radio")),),
    ),
    Question(
        "Q3", "council-trust", "Q3",
        (*(Code(str(at), f"p{at}", score=at) for at in range(11)), Code("88", "dont_know", "dont_know"),
         Code("99", "refused", "refused")),
        nets=(("low", tuple(f"p{at}" for at in range(5))), ("high", tuple(f"p{at}" for at in range(6, 11)))),
    ),
    Question("Q4A", "town-direction", "Q4", _RIGHT, where=("form", 1), form="version"),
    Question("Q4B", "town-direction-reversed", "Q4", _RIGHT, where=("form", 2), form="version"),
    Question(
        "Q5", "plan-reason", "Q5",
        (Code("1", "cheap"), Code("2", "fair"), Code("3", "other"), Code(".", None, "not_asked", counts=False)),
        base="those who support the plan",
    ),
)  # fmt: skip

# Banner -> column -> whom it holds; the total is everyone.
COLUMNS: dict[str, dict[str, Callable[[Row], bool]]] = {
    "total": {"all": lambda row: True},
    "sex": {"male": lambda row: row["sex"] == 1, "female": lambda row: row["sex"] == 2},
    "age": {
        "18-34": lambda row: row["age"] <= 34,
        "35-54": lambda row: 35 <= row["age"] <= 54,
        "55+": lambda row: row["age"] >= 55,
    },
    "region": {
        "north": lambda row: row["region"] == 1,
        "south_west": lambda row: row["region"] in (2, 3),
    },
}
COLUMNS["sex_age"] = {
    f"{sex}, {age}": lambda row, one=one, other=other: one(row) and other(row)  # type: ignore[misc]
    for sex, one in COLUMNS["sex"].items()
    for age, other in COLUMNS["age"].items()
}


@dataclass(frozen=True)
class Known:
    """A true figure: percent (or a mean, in the unit of its scores), unweighted and weighted base."""

    value: float
    n: int
    weighted_n: float


@dataclass(frozen=True)
class Survey:
    """A written file and what is true of it.

    Attributes:
        path: the file.
        rows: what was written, by our own names; None is system-missing.
        language: of labels and of some names of variables, `en` or `ru`.
        shares: (item, category, subgroup, column) -> weighted percent, nets included.
        means: (item, subgroup, column) -> weighted mean of the scores.
    """

    path: Path
    rows: tuple[Row, ...]
    language: str
    shares: dict[tuple[str, str, str, str], Known]
    means: dict[tuple[str, str, str], Known]

    @property
    def raw(self) -> bytes:
        return self.path.read_bytes()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def weighted_n(self) -> float:
        return math.fsum(row["wes"] for row in self.rows)

    def name(self, variable: str) -> str:
        """What the file calls a variable."""
        return NAMES[self.language].get(variable, variable)

    def label(self, variable: str) -> str:
        return LABELS[self.language].get(variable, "")

    def values(self, variable: str) -> dict[int, str]:
        return VALUES[self.language].get(variable, {})


def write_survey(
    folder: Path, seed: int = 1, n: int = 600, *, support: float = 0.4, cyrillic: bool = False, name: str = "wave.sav"
) -> Survey:
    """Write a file of n respondents, the same bytes for the same arguments.

    Args:
        folder: where to; made if it is missing.
        seed: of the answers.
        n: rows; with fewer than 400 some columns are too small for a share.
        support: share of `support` among the respondents from whom the answers to Q1 are drawn.
        cyrillic: Russian labels, and Cyrillic names of sex, age, region and form.
        name: of the file.
    """
    rows = tuple(_respondents(random.Random(seed), n, support))
    folder.mkdir(parents=True, exist_ok=True)
    language = "ru" if cyrillic else "en"
    survey = Survey(folder / name, rows, language, _known_shares(rows), _known_means(rows))
    _write(survey)
    return survey


def write_release(
    catalogue: Path,
    survey: Survey,
    wave: str = "01",
    *,
    organisation: str = "acme",
    series: str = "monthly",
    folder: str | None = None,
    month: int = 1,
    design: bool = True,
    interval: str = "logit",
    reviewed_by: str | None = "tests",
    with_file: bool = False,
    respondents: dict[str, Any] | None = None,
    **manifest: Any,
) -> Path:
    """The release of a survey with its items, house and series; returns its folder.

    Args:
        catalogue: the root, with `items` and `releases` below.
        survey: what `write_survey` gave.
        wave: id of the wave, and of the folder unless `folder` says otherwise.
        organisation: made if missing, as is the series.
        series: id of the series.
        folder: name of the folder.
        month: of 2024, for fieldwork and vintage.
        design: whether the manifest tells strata and PSU.
        interval: method of the intervals.
        reviewed_by: who reviewed the questions; None leaves them provisional.
        with_file: whether the file lies in the folder, or somewhere else and is known by its checksum.
        respondents: keys of the block `respondents` in place of those here.
        manifest: keys of the manifest in place of those here.
    """
    factory.series(catalogue, organisation, series)
    for question in QUESTIONS:
        _dump(catalogue / "items" / f"{question.item}.yml", _item(question))
    place = catalogue / "releases" / organisation / series / (folder or wave)
    told = _respondents_block(survey, design, interval) | (respondents or {})
    _dump(
        place / "release.yml",
        {
            "organisation": organisation, "series": series, "wave": wave, "title": f"Invented survey {wave}",
            "vintage": f"2024-{month:02d}-28",
            "fieldwork": {"start": f"2024-{month:02d}-01", "end": f"2024-{month:02d}-10"},
            "sample": {"n": len(survey.rows) - ZEROS, "probability": "yes"},
            "method": {"population": "invented adults", "mode": "CATI"},
            "files": [_file(survey)],
            "respondents": {key: value for key, value in told.items() if value is not None},
            "source_url": f"https://example.org/{organisation}/{series}/{wave}",
        } | manifest,
    )  # fmt: skip
    _table(place / "questions.csv", (_question_row(survey, one, reviewed_by) for one in QUESTIONS))
    _table(place / "categories.csv", (row for one in QUESTIONS for row in _category_rows(survey, one)))
    if with_file:
        shutil.copyfile(survey.path, place / survey.path.name)
    return place


def _respondents(chance: random.Random, n: int, support: float) -> Iterator[Row]:
    weightless = set(chance.sample(range(n), ZEROS))
    for number in range(n):
        sex, age, stratum = chance.choice((1, 2)), chance.randint(18, 84), number % 5 + 1
        draw = chance.random()
        q1 = 1 if draw < support else 2 if draw < 0.85 else 97 if draw < 0.95 else 98
        skipped = chance.random() < 0.05
        tv = 0.2 + age / 120
        trust = 88 if chance.random() < 0.08 else 99 if chance.random() < 0.03 else min(10, int(chance.gauss(5.5, 2.4)))
        yield {
            "caseid": number + 1,
            "stratum": stratum,
            "psu": chance.randint(1, 4),  # the same numbers in every stratum
            "sex": sex,
            "age": age,
            "region": chance.choice((1, 1, 2, 3)),
            "form": number % 2 + 1,
            "Q1": q1,
            **{
                name: None if skipped else int(chance.random() < share)
                for name, share in zip(MEMBERS, (tv, 0.25, 0.5), strict=True)
            },
            "Q3": max(0, trust),
            "Q4": chance.choices((1, 2, 97), (45, 40, 15))[0],
            "Q5": chance.choices((1, 2, 3), (5, 3, 2))[0] if q1 == 1 else None,
            "opinion": chance.choice(("", "The roads need repair", "Больше деревьев на улице Мира")),
            "start_time": dt.datetime(2024, 1, 1, 9) + dt.timedelta(seconds=chance.randrange(800_000)),
            "for_weight": (sex - 1) * 4 + min(3, (age - 18) // 18) + 1,
            "wes": 0.0 if number in weightless else round(chance.lognormvariate(-0.08, 0.4), 4) + 0.0001,
        }


def _known_shares(rows: tuple[Row, ...]) -> dict[tuple[str, str, str, str], Known]:
    known = {}
    for question in QUESTIONS:
        answers = [(row, question.chosen(row)) for row in rows if row["wes"] > 0]
        told = {str(code.category): (str(code.category),) for code in question.codes if code.counts}
        for subgroup, column, holds in _columns():
            there = [(row["wes"], chosen) for row, chosen in answers if chosen is not None and holds(row)]
            whole = math.fsum(weight for weight, _ in there)
            for category, parts in (told | dict(question.nets)).items():
                part = math.fsum(weight for weight, chosen in there if set(parts) & set(chosen))
                known[question.item, category, subgroup, column] = Known(100 * part / whole, len(there), whole)
    return known


def _known_means(rows: tuple[Row, ...]) -> dict[tuple[str, str, str], Known]:
    known = {}
    for subgroup, column, holds in _columns():
        there = [(row["wes"], row["Q3"]) for row in rows if row["wes"] > 0 and row["Q3"] <= 10 and holds(row)]
        whole = math.fsum(weight for weight, _ in there)
        mean = math.fsum(weight * score for weight, score in there) / whole
        known["council-trust", subgroup, column] = Known(mean, len(there), whole)
    return known


def _columns() -> Iterator[tuple[str, str, Callable[[Row], bool]]]:
    for subgroup, columns in COLUMNS.items():
        for column, holds in columns.items():
            yield subgroup, column, holds


def _write(survey: Survey) -> None:
    frame = pd.DataFrame(list(survey.rows)).astype(dict.fromkeys((*MEMBERS, "Q5"), "float64"))
    cells = {code: f"cell {code}" for code in range(1, 9)}
    labelled = {name: survey.values(name) for name in VALUES[survey.language]} | {"for_weight": cells}
    pyreadstat.write_sav(
        frame.rename(columns=survey.name),
        survey.path,
        column_labels={survey.name(name): survey.label(name) for name in LABELS[survey.language]},
        variable_value_labels={survey.name(name): labels for name, labels in labelled.items()},
        missing_ranges={"Q3": [88, 99]},
        row_compress=True,
    )
    raw = bytearray(survey.raw)
    raw[92 : 92 + len(CREATED)] = CREATED
    survey.path.write_bytes(raw)


def _file(survey: Survey) -> dict[str, Any]:
    return {
        "path": survey.path.name, "role": "respondents", "sha256": survey.sha256, "bytes": len(survey.raw),
        "obtain": "https://example.org/data",
    }  # fmt: skip


def _respondents_block(survey: Survey, design: bool, interval: str) -> dict[str, Any]:
    weights = [row["wes"] for row in survey.rows if row["wes"] > 0]
    sex, region = survey.values("sex"), survey.values("region")
    return {
        "file": survey.path.name,
        "expect_rows": len(survey.rows),
        "weight": {
            "variable": "wes", "mean": round(math.fsum(weights) / len(weights), 4), "zeros": ZEROS,
            "lowest": math.floor(min(weights) * 1000) / 1000, "highest": math.ceil(max(weights) * 1000) / 1000,
        },
        "design": {"strata": ["stratum"], "psu": "psu"} if design else None,
        "interval": interval,
        "banners": [
            {"subgroup": "sex", "variable": survey.name("sex"), "values": [
                {"value": "male", "codes": "1", "label": sex[1]}, {"value": "female", "codes": "2", "label": sex[2]},
            ]},
            {"subgroup": "age", "variable": survey.name("age"), "values": [
                {"value": "18-34", "codes": "18..34"}, {"value": "35-54", "codes": "35..54"},
                {"value": "55+", "codes": "55.."},
            ]},
            {"subgroup": "region", "variable": survey.name("region"), "values": [
                {"value": "north", "codes": "1", "label": region[1]},
                {"value": "south_west", "codes": "2|3", "label": f"{region[2]}|{region[3]}"},
            ]},
            {"subgroup": "sex_age", "cross": ["sex", "age"]},
        ],
        "reading": {"sets": [{"name": "Q2", "label": "News", "members": list(MEMBERS), "counted": "1"}]},
    }  # fmt: skip


def _item(question: Question) -> dict[str, Any]:
    categories: list[dict[str, Any]] = [
        {"id": code.category, "label": str(code.category).replace("_", " ").capitalize(), "kind": code.kind}
        | ({} if code.score is None else {"score": code.score})
        for code in question.codes
        if code.category is not None
    ]
    categories += [{"id": net, "label": net, "kind": "net", "of": list(of)} for net, of in question.nets]
    return {
        "item": question.item, "concept": f"invented {question.item}", "title": f"Invented {question.item}",
        "wording": LABELS["en"].get(question.variable, "Where do you get your news?"), "wording_kind": "verbatim",
        "answer": "multiple" if question.several else "single", "categories": categories,
    }  # fmt: skip


def _question_row(survey: Survey, question: Question, reviewed_by: str | None) -> dict[str, Any]:
    where = f"{survey.name(question.where[0])}={question.where[1]}" if question.where else None
    return {
        "question": question.question, "item": question.item,
        "wording": survey.label(question.variable) or "Where do you get your news?",
        "wording_kind": "verbatim", "question_match": "same", "options_match": "same",
        "answer": "multiple" if question.several else "single", "form": question.form, "decision": "join",
        "reviewed_by": reviewed_by, "variable": question.variable,
        "variable_label": "News" if question.several else survey.label(question.variable),
        "where": where, "base": question.base,
    }  # fmt: skip


def _category_rows(survey: Survey, question: Question) -> Iterator[dict[str, Any]]:
    labels = {str(code): label for code, label in survey.values(question.variable).items()}
    for code in question.codes:
        label = survey.label(code.code) if question.several else labels.get(code.code)
        default = code.kind not in ("not_asked", "system")
        yield {
            "question": question.question, "code": code.code, "label": label, "category": code.category,
            "kind": code.kind, "in_base": None if code.counts == default else "no",
        }  # fmt: skip


def _text(value: object) -> str:
    return "." if value is None else str(value)


def _dump(path: Path, told: dict[str, Any]) -> None:
    factory.write(path, yaml.safe_dump(told, allow_unicode=True, sort_keys=False))


def _table(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    told, text = list(rows), io.StringIO()
    writer = csv.DictWriter(text, list(told[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(told)
    factory.write(path, text.getvalue())
