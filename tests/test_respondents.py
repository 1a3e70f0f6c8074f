"""Respondents' answers through the crosswalk: what a person did not look at stops the release, and says where."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.questions.answers import Answer, Sample
from assets.questions.harmonise import Inputs, harmonise
from assets.questions.respondents import RespondentInputs, harmonise_respondents
from assets.responses.read import read
from schemas.codebook import Codebook, MultipleResponse, ValueLabel, Variable
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.item import Item
from schemas.manifest import Release
from schemas.respondents import Respondents

RELEASE = "house/monitor/08"
KINDS = {"dont_know": "dont_know", "refused": "refused", "skipped": "not_asked"}
ITEM = {"concept": "war", "title": "?", "wording": "?", "wording_kind": "verbatim"}
QUESTION = {
    "wording": "?", "wording_kind": "verbatim", "question_match": "same", "options_match": "same", "decision": "join",
}  # fmt: skip


def item(name: str, *ids: str, **more: Any) -> Item:
    """An item; a category is `id` or `id:score`."""
    categories = []
    for text in ids:
        one, _, score = text.partition(":")
        categories.append({"id": one, "label": one, "kind": KINDS.get(one, "substantive")} | _score(score))
    return Item.model_validate({**ITEM, "item": name, "categories": categories, **more})


def _score(text: str) -> dict[str, float]:
    return {"score": float(text)} if text else {}


def variable(name: str, *labels: str, stored: str = "double", **more: Any) -> Variable:
    """A variable; a label is `code=label`."""
    pairs = [ValueLabel(code=text.split("=")[0], label=text.split("=")[1]) for text in labels]
    return Variable(name=name, column=name, stored=stored, labels=pairs, **more)


@dataclass
class Case:
    """A file and a crosswalk that fit; a test changes one thing of them."""

    folder: Path
    columns: dict[str, list[Any]]
    variables: list[Variable]
    items: list[Item]
    questions: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    told: dict[str, Any] = field(default_factory=dict)
    sets: list[MultipleResponse] = field(default_factory=list)
    weight: str | None = None

    def run(self) -> tuple[Sample | None, list[str]]:
        """The sample, and the problems as sentences without the name of the release."""
        path = self.folder / "responses.parquet"
        pq.write_table(pa.table(self.columns), path, row_group_size=3)
        rows = len(next(iter(self.columns.values())))
        codebook = Codebook(format="sav", rows=rows, columns=len(self.variables), variables=self.variables,
                            sets=self.sets, weight=self.weight)  # fmt: skip
        told = {"file": "wave.sav", "expect_rows": rows, "weight": "none", **self.told}
        given = RespondentInputs(
            RELEASE,
            Respondents.model_validate(told),
            [(at, QuestionRow.model_validate({**QUESTION, **one})) for at, one in enumerate(self.questions, 2)],
            [(at, CategoryRow.model_validate(one)) for at, one in enumerate(self.categories, 2)],
            {one.item: one for one in self.items},
            codebook,
            path,
            f"{RELEASE}/wave.sav",
        )
        sample, problems = harmonise_respondents(given)
        assert (sample is None) == any(one.severity == "error" for one in problems)
        said = {"crosswalk": (".csv",), "manifest": ("release.yml",), "truncated": ("wave.sav",)}
        assert all(one.file.endswith(said[one.cause]) for one in problems)
        return sample, [str(one).replace(f"{RELEASE}/", "") for one in problems]

    def problems(self) -> list[str]:
        return self.run()[1]

    def sample(self) -> Sample:
        sample, problems = self.run()
        assert problems == []
        assert sample is not None
        return sample

    def answer(self, name: str) -> Answer:
        return next(one for one in self.sample().answers if one.item.item == name)


def code(question: str, number: str, label: str | None, category: str | None, kind: str | None = None, **more: Any):
    told = kind or KINDS.get(category or "", "substantive")
    return {"question": question, "code": number, "label": label, "category": category, "kind": told, **more}


NAN = float("nan")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Eight respondents, one question of yes, no, don't know and a system-missing value."""
    return Case(
        tmp_path,
        {
            "q1": [1.0, 2.0, 1.0, 98.0, None, 2.0, 1.0, 1.0],
            "sex": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0],
            "age": [18.0, 29.0, 30.0, 44.0, 45.0, 60.0, 75.0, 99.0],
            "w": [0.5, 1.5, 1.0, 1.0, 1.0, 1.0, 0.0, None],
        },
        [
            variable("q1", "1=Yes", "2=No", "98=Hard to say", label="Do you support it?"),
            variable("sex", "1=male", "2=female", label="Sex"),
            variable("age", "99=no age", label="Age"),
            variable("w", label="Weight"),
        ],
        [item("support", "yes:1", "no:-1", "dont_know")],
        [{"question": "Q1", "item": "support", "variable": "q1", "variable_label": "Do you support it?"}],
        [
            code("Q1", "1", "Yes", "yes"),
            code("Q1", "2", "No", "no"),
            code("Q1", "98", "Hard to say", "dont_know"),
            code("Q1", ".", None, None, "system"),
        ],
    )


def test_answers_are_categories_in_the_order_of_the_item(case: Case) -> None:
    case.told = {"weight": {"variable": "w", "zeros": 1, "missing": 1}}
    sample = case.sample()
    (answer,) = sample.answers
    assert answer.categories == ("yes", "no", "dont_know")
    assert answer.chosen is not None
    assert answer.chosen.tolist() == [0, 1, 0, 2, -1, 1, 0, 0]
    assert answer.base.tolist() == [True, True, True, True, False, True, True, True]
    assert answer.scores is not None
    np.testing.assert_equal(answer.scores, [1, -1, 1, NAN, NAN, -1, 1, 1])
    assert answer.ticked is None
    assert sample.weights.tolist() == [0.5, 1.5, 1, 1, 1, 1, 0, 0]
    told = [(one.code, one.label, one.category, one.kind, one.in_base, one.score, one.n) for one in answer.codes]
    assert told == [
        ("1", "Yes", "yes", "substantive", True, 1.0, 2),
        ("2", "No", "no", "substantive", True, -1.0, 2),
        ("98", "Hard to say", "dont_know", "dont_know", True, None, 1),
        (".", None, None, "system", False, None, 1),
    ]
    assert (sample.stratum, sample.psu, sample.stratum_names, sample.banners) == (None, None, (), ())


def change(case: Case, table: str, row: int, **more: Any) -> None:
    rows = case.questions if table == "questions" else case.categories
    rows[row] = {**rows[row], **more}


def test_rows_of_another_release_are_left_out_before_anything_is_counted(case: Case) -> None:
    case.told = {"rows": "sex=1 & age!=45", "weight": {"variable": "w", "zeros": 1, "mean": 0.75}}
    del case.categories[2:]
    case.columns["q1"][4] = 7.0  # a code of a row that is not of this release
    del case.categories[1]
    sample = case.sample()
    assert sample.rows == 3
    assert sample.weights.tolist() == [0.5, 1.0, 0.0]
    assert sample.answers[0].chosen is not None
    assert sample.answers[0].chosen.tolist() == [0, 0, 0]
    assert sample.answers[0].categories == ("yes",)


NO_ROW = "expected a row with code {} in categories.csv"
CASES: dict[str, tuple[Any, list[str]]] = {
    "a-file-that-was-cut": (
        lambda c: c.told.update(expect_rows=9),
        ["wave.sav: the file has fewer rows than the manifest says: it was cut, or is another file (found '8 rows'); "
         "expected 9 rows"],
    ),
    "a-file-that-grew": (
        lambda c: c.told.update(expect_rows=7),
        ["release.yml, column respondents.expect_rows: the file has more rows than the manifest says (found '7'); "
         "expected 8, if this is the file that was meant"],
    ),
    "nobody-selected": (
        lambda c: c.told.update(rows="sex=1 & age=60..74"),
        ["release.yml, column respondents.rows: a condition that selects nobody (found 'sex=1 & age=60..74'); "
         "expected at least one respondent"],
    ),
    "rows-cannot-be-told": (
        lambda c: (
            c.told.update(
                rows="sexx=1", weight={"variable": "ww"}, design={"strata": ["region"], "psu": "point"},
                banners=[{"subgroup": "sex", "variable": "Sex", "values": [{"value": "m", "codes": "1"}]}],
            ),
            change(c, "questions", 0, where="agee=18..29", form="half"),
            change(c, "categories", 0, label="No"),
        ),
        [
            "release.yml, column respondents.rows: a variable that wave.sav does not have (found 'sexx'); expected the "
            "name of a variable of the file; nearest: 'sex'",
            "release.yml, column respondents.weight.variable: a variable that wave.sav does not have (found 'ww'); "
            "expected the name of a variable of the file; nearest: 'w'",
            "release.yml, column respondents.design.strata.0: a variable that wave.sav does not have (found "
            "'region'); expected the name of a variable of the file",
            "release.yml, column respondents.design.psu: a variable that wave.sav does not have (found 'point'); "
            "expected the name of a variable of the file",
            "release.yml, column respondents.banners.0.variable: a variable that wave.sav does not have; one there "
            "differs only in capital and small letters (found 'Sex'); expected the name of a variable of the file; "
            "nearest: 'sex'",
            "questions.csv, row 2, column where: a variable that wave.sav does not have (found 'agee'); expected the "
            "name of a variable of the file; nearest: 'age'",
            "categories.csv, row 2, column label: the label of code 1 is not the file's (found 'No'); expected the "
            "file's label 'Yes'; nearest: '2 No'",
        ],
    ),
    "renamed-variable": (
        lambda c: change(c, "questions", 0, variable="support_2024"),
        ["questions.csv, row 2, column variable: a variable that wave.sav does not have (found 'support_2024'); "
         "expected the name of a variable of the file; nearest: 'q1'"],
    ),
    "other-case": (
        lambda c: change(c, "questions", 0, variable="Q1"),
        ["questions.csv, row 2, column variable: a variable that wave.sav does not have; one there differs only in "
         "capital and small letters (found 'Q1'); expected the name of a variable of the file; nearest: 'q1'"],
    ),
    "other-script": (
        lambda c: change(c, "questions", 0, where="аge=18..99", base="adults"),
        ["questions.csv, row 2, column where: a variable that wave.sav does not have; one there looks the same: its "
         "character 1 is LATIN SMALL LETTER A, here it is CYRILLIC SMALL LETTER A (found 'аge'); expected the name of "
         "a variable of the file; nearest: 'age'"],
    ),
    "left-out-for-privacy": (
        lambda c: c.variables.__setitem__(0, variable("q1", label="Do you support it?", dropped="free_text")),
        ["questions.csv, row 2, column variable: a variable that was left out because it looks like free text (found "
         "'q1'); expected its name under respondents.reading.keep in release.yml, if it may be kept"],
    ),
    "another-variable-label": (
        lambda c: change(c, "questions", 0, variable_label="Do you oppose that?"),
        ["questions.csv, row 2, column variable_label: the label of q1 is not the file's (found 'Do you oppose "
         "that?'); expected the file's label 'Do you support it?'"],
    ),
    "the-label-of-another-variable": (
        lambda c: change(c, "questions", 0, variable_label="Weight"),
        ["questions.csv, row 2, column variable_label: the label of q1 is not the file's (found 'Weight'); expected "
         "the file's label 'Do you support it?'; nearest: 'w Weight'"],
    ),
    "no-variable-label": (
        lambda c: change(c, "questions", 0, variable_label=None),
        ["questions.csv, row 2, column variable_label: the label of q1 is missing; expected the file's label 'Do you "
         "support it?'"],
    ),
    "a-label-that-the-file-lacks": (
        lambda c: change(c, "categories", 3, label="no answer"),
        ["categories.csv, row 5, column label: the label of code ., which the file does not label (found 'no answer'); "
         "expected nothing"],
    ),
    "no-label": (
        lambda c: change(c, "categories", 1, label=None),
        ["categories.csv, row 3, column label: the label of code 2 is missing; expected the file's label 'No'"],
    ),
    "codes-without-a-row": (
        lambda c: (c.categories.__delitem__(slice(2, 4)), c.columns["q1"].__setitem__(0, 3.0)),
        [
            "questions.csv, row 2, column variable: a code of q1 without a row (found '3'); " + NO_ROW.format("3"),
            "questions.csv, row 2, column variable: a code of q1 without a row (found '98'); expected a row with code "
            "98 and label 'Hard to say' in categories.csv",
            "questions.csv, row 2, column variable: the system-missing value of q1 without a row (found '.'); "
            "expected a row with code . in categories.csv",
        ],
    ),
    "a-new-code-like-an-old-one": (
        lambda c: (
            c.variables.__setitem__(
                0, variable("q1", "1=Yes", "2=No", "98=Hard to say", "99=Hard to tell", label="Do you support it?")),
            c.columns["q1"].__setitem__(0, 99.0),
        ),
        ["questions.csv, row 2, column variable: a code of q1 without a row (found '99'); expected a row with code 99 "
         "and label 'Hard to tell' in categories.csv; nearest: '98 Hard to say'"],
    ),
    "not-a-question": (
        lambda c: (
            c.columns.update(age=[18.0] * 100, sex=[1.0] * 100, w=[1.0] * 100, q1=[n / 8 for n in range(100)]),
            c.told.update(expect_rows=100),
            c.categories.__delitem__(3),
        ),
        ["questions.csv, row 2, column variable: 98 codes of q1 without a row (found 'q1'); expected a variable with "
         "the answers to a question"],
    ),
    "stale-codes": (
        lambda c: (
            c.categories.append(code("Q1", "97", None, "dont_know")),
            c.columns["q1"].__setitem__(4, 1.0),
        ),
        [
            "categories.csv, row 5, column code: a stale row: q1 has no such code among those who were asked (found "
            "'.'); expected a code that occurs or has a label in the file, or no row",
            "categories.csv, row 6, column code: a stale row: q1 has no such code among those who were asked (found "
            "'97'); expected a code that occurs or has a label in the file, or no row",
        ],
    ),
    "a-code-that-changed": (
        lambda c: change(c, "categories", 2, code="89", label=None),
        [
            "questions.csv, row 2, column variable: a code of q1 without a row (found '98'); expected a row with code "
            "98 and label 'Hard to say' in categories.csv",
            "categories.csv, row 4, column code: a stale row: q1 has no such code among those who were asked (found "
            "'89'); expected a code that occurs or has a label in the file, or no row",
        ],
    ),
    "a-code-twice": (
        lambda c: c.categories.append(code("Q1", "1.0", "Yes", "no")),
        ["categories.csv, row 6, column code: a code stands twice (first in row 2) (found '1.0'); expected each code "
         "once"],
    ),
    "the-same-row-twice": (
        lambda c: c.categories.append(code("Q1", "1", "Yes", "no")),
        ["categories.csv, row 6, column code: a row stands twice (first in row 2) (found '1'); expected each once"],
    ),
    "another-category": (
        lambda c: change(c, "categories", 0, category="yess"),
        ["categories.csv, row 2, column category: a category that item support does not have (found 'yess'); expected "
         "one of yes, no, dont_know; nearest: 'yes'"],
    ),
    "another-kind": (
        lambda c: change(c, "categories", 2, kind="refused"),
        ["categories.csv, row 4, column kind: another kind than item support gives dont_know (found 'refused'); "
         "expected dont_know"],
    ),
    "a-code-that-is-a-net": (
        lambda c: (
            c.items.__setitem__(0, Item.model_validate({**ITEM, "item": "support", "categories": [
                *[one.model_dump() for one in c.items[0].categories],
                {"id": "any", "label": "any", "kind": "net", "of": ["yes", "no"]}]})),
            change(c, "categories", 0, category="any", kind="net"),
        ),
        ["categories.csv, row 2, column category: a code that is a net (found 'any'); expected one of the categories "
         "that the net adds up"],
    ),
    "an-item-that-is-not-there": (
        lambda c: change(c, "questions", 0, item="suport"),
        ["questions.csv, row 2, column item: an item that does not exist (found 'suport'); expected a file of that "
         "name in catalog/items; nearest: 'support'"],
    ),
    "a-code-without-a-variable": (
        lambda c: change(c, "questions", 0, variable=None, variable_label=None),
        [f"categories.csv, row {row}, column code: a code of a question without a variable (found '{found}'); expected "
         "variable in its row of questions.csv, or no code" for row, found in enumerate(("1", "2", "98", "."), 2)],
    ),
    "not-asked-without-a-base": (
        lambda c: change(c, "categories", 2, category=None, kind="not_asked"),
        ["questions.csv, row 2, column base: part of the sample was not asked (code 98); expected the base in words, "
         "or form half or version"],
    ),
    "where-without-a-base": (
        lambda c: change(c, "questions", 0, where="age=18..98"),
        ["questions.csv, row 2, column base: a question with where, and nothing says in words who was asked; expected "
         "the base in words, or form half or version"],
    ),
    "where-with-an-unknown-code": (
        lambda c: change(c, "questions", 0, where="sex!=3", base="some"),
        ["questions.csv, row 2, column where: a code that sex does not have (found '3'); expected one of 1, 2"],
    ),
    "several-answers-of-one-variable": (
        lambda c: change(c, "questions", 0, answer="multiple"),
        ["questions.csv, row 2, column answer: q1 is one variable (found 'multiple'); expected single"],
    ),
    "weight-that-is-text": (
        lambda c: (
            c.variables.append(variable("wt", stored="text")), c.columns.update(wt=["1"] * 8),
            c.told.update(weight={"variable": "wt"}),
        ),
        ["release.yml, column respondents.weight.variable: a weight that is text (found 'wt'); expected a numeric "
         "variable"],
    ),
    "weight-that-is-a-cell": (
        lambda c: (
            c.told.update(weight={"variable": "sex"}),
            setattr(c, "weight", "w"),
        ),
        ["release.yml, column respondents.weight.variable: sex looks like codes (labelled 1..2), not like a weight "
         "(found 'sex'); expected a variable with weights; nearest: 'w'"],
    ),
    "negative-and-infinite-weights": (
        lambda c: (
            c.told.update(weight={"variable": "w"}),
            c.columns.update(w=[-1.0, float("inf"), -2.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ),
        [
            "release.yml, column respondents.weight.variable: negative weights (found '2 rows'); expected weights of "
            "0 and above",
            "release.yml, column respondents.weight.variable: infinite weights (found '1 row'); expected weights of "
            "0 and above",
        ],
    ),
    "weights-as-told": (
        lambda c: c.told.update(
            weight={"variable": "w", "zeros": 3, "missing": 0, "mean": 1.02, "lowest": 0.6, "highest": 1.4}),
        [
            "release.yml, column respondents.weight.zeros: another number of rows with weight 0 (found '1'); expected "
            "3, as the manifest says",
            "release.yml, column respondents.weight.missing: another number of rows without a weight (found '1'); "
            "expected 0, as the manifest says",
            "release.yml, column respondents.weight.mean: another mean of the weights above 0 (found '1'); expected "
            "1.02 to 1 %, as the manifest says",
            "release.yml, column respondents.weight.lowest: a lower weight (found '0.5'); expected none above 0 below "
            "0.6, as the manifest says",
            "release.yml, column respondents.weight.highest: a higher weight (found '1.5'); expected none above 1.4, "
            "as the manifest says",
        ],
    ),
    "no-weight-at-all": (
        lambda c: (c.columns.update(w=[0.0] * 8), c.told.update(weight={"variable": "w", "zeros": 8})),
        ["release.yml, column respondents.weight.variable: no row has a weight above 0 (found '0 rows'); expected a "
         "variable with weights of this release's rows"],
    ),
    "strata-where-weights-are-not-known": (
        lambda c: c.told.update(weight={"variable": "sex"}, design={"strata": ["q1"], "psu": "point"}),
        [
            "release.yml, column respondents.weight.variable: sex looks like codes (labelled 1..2), not like a weight "
            "(found 'sex'); expected a variable with weights",
            "release.yml, column respondents.design.psu: a variable that wave.sav does not have (found 'point'); "
            "expected the name of a variable of the file",
        ],
    ),
    "respondents-without-a-stratum": (
        lambda c: c.told.update(
            weight={"variable": "w", "zeros": 1, "missing": 1}, design={"strata": ["sex", "q1"], "psu": "q1"}),
        [
            "release.yml, column respondents.design.strata.1: respondents without a stratum (found '1 row'); expected "
            "a value for everyone with a weight above 0, or rows that leave them out",
            "release.yml, column respondents.design.psu: respondents without a PSU (found '1 row'); expected a value "
            "for everyone with a weight above 0, or rows that leave them out",
        ],
    ),
    "a-banner-with-codes-left-over": (
        lambda c: c.told.update(banners=[{"subgroup": "age", "variable": "age", "values": [
            {"value": "18-29", "codes": "18..29"}, {"value": "29-30", "codes": "29..30"}]}]),
        [
            "release.yml, column respondents.banners.0.values: codes of age in no column of age (found '44, 45, 60, "
            "75, 99'); expected every code under values or outside",
            "release.yml, column respondents.banners.0.values: codes of age in two columns of age, or in one and "
            "outside (found '29'); expected each code once",
        ],
    ),
    "a-banner-without-its-missing-values": (
        lambda c: c.told.update(banners=[{"subgroup": "view", "variable": "q1", "outside": "98", "values": [
            {"value": "all", "codes": "1|2", "label": "Yes | No"}]}]),
        ["release.yml, column respondents.banners.0.values: codes of q1 in no column of view (found '.'); expected "
         "every code under values or outside"],
    ),
    "a-banner-with-another-label": (
        lambda c: c.told.update(banners=[{"subgroup": "sex", "variable": "sex", "values": [
            {"value": "men", "codes": "1", "label": "female"}, {"value": "women", "codes": "2"}]}]),
        [
            "release.yml, column respondents.banners.0.values.0.label: the label of the codes is not the file's (found "
            "'female'); expected the file's label 'male'",
            "release.yml, column respondents.banners.0.values.1.label: the label of the codes is missing; expected the "
            "file's label 'female'",
        ],
    ),
    "a-banner-with-an-empty-column": (
        lambda c: c.told.update(banners=[{"subgroup": "age", "variable": "age", "outside": "99", "values": [
            {"value": "all", "codes": "18..98"}, {"value": "old", "codes": "100.."}, {"value": "x", "codes": "17"}]}]),
        [
            "release.yml, column respondents.banners.0.values.1.codes: a stale column: nobody is in age 'old' (found "
            "'100..'); expected codes that somebody has, or no such column",
            "release.yml, column respondents.banners.0.values.2.codes: a code that age does not have (found '17'); "
            "expected one of 18, 29, 30, 44, 45, 60, 75, 99",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_is_said_with_its_place(case: Case, name: str) -> None:
    broken, expected = CASES[name]
    broken(case)
    assert case.problems() == expected


def test_problems_of_all_parts_come_at_once(case: Case) -> None:
    case.told = {"expect_rows": 9, "weight": {"variable": "q1"}, "design": {"psu": "region"}}
    change(case, "questions", 0, variable_label="?")
    change(case, "categories", 0, label="yes")
    places = [sentence.split(": ")[0] for sentence in case.problems()]
    assert places == [
        "wave.sav",
        "release.yml, column respondents.weight.variable",
        "release.yml, column respondents.design.psu",
        "questions.csv, row 2, column variable_label",
        "categories.csv, row 2, column label",
    ]


def test_long_labels_are_shortened_and_the_difference_is_said(case: Case) -> None:
    long = "Do you, personally, support or not support the actions of the armed forces, or is it hard to say?"
    case.variables[0] = variable("q1", "1=Yes", "2=No", "98=Hard to say", label=long)
    change(case, "questions", 0, variable_label=long.replace("hard", "difficult"))
    assert case.problems() == [
        "questions.csv, row 2, column variable_label: the label of q1 is not the file's (they part at character 86) "
        f"(found '{long[:79]}…'); expected the file's label '{long[:79]}…'"
    ]


def test_blanks_at_the_ends_of_names_and_labels_and_the_end_of_a_line_do_not_count(case: Case) -> None:
    case.columns["q1 "] = case.columns.pop("q1")
    case.variables[0] = variable("q1 ", "1= Yes ", "2=No", "98=Hard to say", label="Do you\r\nsupport it? ")
    change(case, "questions", 0, variable_label="Do you\nsupport it?")
    assert case.sample().answers[0].base.sum() == 7


def test_a_dotted_name_is_not_taken_for_its_beginning(case: Case) -> None:
    case.columns = {"q1.2": [3.0] * 8, **case.columns}
    case.variables.append(variable("q1.2"))
    assert case.sample().answers[0].base.sum() == 7


def test_one_variable_with_two_wordings_is_two_questions(case: Case) -> None:
    case.items.append(item("old-support", "yes", "no"))
    case.questions = [
        {**case.questions[0], "where": "sex=2", "form": "version"},
        {**case.questions[0], "question": "Q1old", "item": "old-support", "where": "sex=1", "form": "version"},
    ]
    case.categories = [one for one in case.categories if one["code"] != "."]
    case.categories += [code("Q1old", "1", "Yes", "yes"), code("Q1old", ".", None, None, "system")]
    new, old = case.sample().answers
    assert new.base.tolist() == [False, True] * 4
    assert new.chosen is not None
    assert new.chosen.tolist() == [-1, 1, -1, 2, -1, 1, -1, 0]
    assert [(one.code, one.n) for one in new.codes] == [("1", 1), ("2", 2), ("98", 1)]
    # "no" was not given to those with the old wording and has no row here: it is no category with 0 percent.
    assert old.categories == ("yes",)
    assert old.base.tolist() == [True, False, True, False, False, False, True, False]


def test_codes_outside_the_base_and_codes_that_share_a_category(case: Case) -> None:
    case.columns["q1"][4] = 97.0
    case.categories[3] = code("Q1", "97", None, "dont_know", in_base="no")
    case.categories[1] = code("Q1", "2", "No", "yes", score=0.5)
    answer = case.answer("support")
    assert answer.categories == ("yes", "dont_know")
    assert answer.chosen is not None and answer.scores is not None
    assert answer.chosen.tolist() == [0, 0, 0, 1, -1, 0, 0, 0]
    np.testing.assert_equal(answer.scores, [1, 0.5, 1, NAN, NAN, 0.5, 1, 1])


def test_not_asked_with_a_base_in_words(case: Case) -> None:
    change(case, "categories", 2, category=None, kind="not_asked")
    for more in ({"base": "those who vote"}, {"form": "half"}):
        case.questions[0] |= more
        assert case.sample().answers[0].base.tolist() == [True, True, True, False, False, True, True, True]


def test_tagged_missing_values_are_codes(case: Case) -> None:
    case.columns["q1"][3] = None
    case.columns["q1@missing"] = [None, None, None, ".d", None, None, None, None]
    case.variables[0] = variable(
        "q1", "1=Yes", "2=No", ".d=Hard to say", label="Do you support it?", tags=[".d"], tag_column="q1@missing"
    )
    change(case, "categories", 2, code=".d")
    answer = case.answer("support")
    assert answer.chosen is not None
    assert answer.chosen.tolist() == [0, 1, 0, 2, -1, 1, 0, 0]
    change(case, "questions", 0, where="q1!=.d", base="all but some")
    change(case, "categories", 2, code="98", label=None)
    assert case.problems() == [
        "categories.csv, row 4, column code: a stale row: q1 has no such code among those who were asked (found "
        "'98'); expected a code that occurs or has a label in the file, or no row"
    ]


def test_texts_are_codes_and_blank_text_is_system_missing(case: Case) -> None:
    case.columns["q1"] = ["yes ", "no", "yes", "01", "", "no", ".", None]
    case.variables[0] = variable("q1", stored="text", label="Do you support it?")
    case.categories = [
        code("Q1", "yes", None, "yes"),
        code("Q1", "no", None, "no"),
        code("Q1", "01", None, "no"),
        code("Q1", '"."', None, "dont_know"),
        code("Q1", ".", None, None, "system"),
    ]
    answer = case.answer("support")
    assert answer.chosen is not None
    assert answer.chosen.tolist() == [0, 1, 0, 1, -1, 1, 2, -1]
    assert [(one.code, one.n) for one in answer.codes] == [("yes", 2), ("no", 2), ("01", 1), ('"."', 1), (".", 2)]


def test_facts_of_the_weights(case: Case) -> None:
    case.columns["w"] = [2.0, 1.0, 1.0, 1.0, 1.0, 0.0, None, 9.0]
    case.variables[3] = variable("w", label="Weight", missing_codes=["9"])
    case.told = {
        "weight": {"variable": "w", "zeros": 1, "missing": 2, "mean": 1.2, "lowest": 1, "highest": 2},
        "design": {"strata": ["sex"], "psu": "age"},
    }
    assert case.sample().facts == {
        "variable": "w", "rows": 8, "n": 5, "zeros": 1, "missing": 2, "weighted_n": 6.0, "mean": 1.2, "lowest": 1.0,
        "highest": 2.0, "design_effect": pytest.approx(5 * 8 / 36), "n_effective": pytest.approx(36 / 8),
        "strata": ["sex"], "psu": "age", "method": None, "iterations": None, "largest_difference": None,
        "share_at_bounds": None,
    }  # fmt: skip
    case.told = {}
    unweighted = case.sample()
    assert unweighted.weights.tolist() == [1.0] * 8
    assert (unweighted.facts["variable"], unweighted.facts["n"], unweighted.facts["design_effect"]) == (None, 8, 1.0)


def test_strata_are_crossed_and_psus_unique_within_them(case: Case) -> None:
    case.columns["psu"] = ["a", "a", "b", "a", "b", "a", "a", ""]
    case.columns["q1"][7] = None
    case.variables.append(variable("psu", stored="text"))
    case.told = {
        "weight": {"variable": "w", "zeros": 1, "missing": 1},
        "design": {"strata": ["sex"], "psu": "psu"},
    }
    sample = case.sample()
    assert sample.stratum is not None and sample.psu is not None
    assert sample.stratum_names == ("sex=1", "sex=2")
    assert sample.stratum.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    # The last row has no PSU and no weight: that of the first row that counts, unique within its own stratum.
    assert sample.psu.tolist() == [0, 2, 1, 2, 1, 2, 0, 2]
    case.told["design"] = {"strata": ["sex", "psu"]}
    assert case.sample().stratum_names == ("sex=1, psu=a", "sex=1, psu=b", "sex=2, psu=a")
    case.columns["psu"] = ["a"] * 8
    case.told["design"] = {"strata": ["psu"]}
    assert (case.sample().stratum, case.sample().stratum_names) == (None, ())


def test_banners_and_their_crossing(case: Case) -> None:
    case.told = {
        "banners": [
            {"subgroup": "sex", "variable": "sex", "values": [
                {"value": "men", "codes": "1", "label": "male"}, {"value": "women", "codes": "2", "label": "female"}]},
            {"subgroup": "age", "variable": "age", "outside": "99|.", "values": [
                {"value": "18-29", "codes": "18..29"}, {"value": "30-59", "codes": "30..59"},
                {"value": "60+", "codes": "60..98"}]},
            {"subgroup": "view", "variable": "q1", "outside": ".|98", "values": [
                {"value": "any", "codes": "1|2", "label": "Yes | No"}]},
            {"subgroup": "age_by_view", "cross": ["age", "view"]},
            {"subgroup": "age_by_sex", "cross": ["age", "sex"]},
        ]
    }  # fmt: skip
    sex, age, view, by_view, by_sex = case.sample().banners
    assert (sex.values, sex.member.tolist()) == (("men", "women"), [0, 1, 0, 1, 0, 1, 0, 1])
    assert age.member.tolist() == [0, 0, 1, 1, 1, 2, 2, -1]
    assert view.member.tolist() == [0, 0, 0, -1, -1, 0, 0, 0]
    assert by_view.values == ("18-29, any", "30-59, any", "60+, any")
    assert by_view.member.tolist() == [0, 0, 1, -1, -1, 2, 2, -1]
    assert by_sex.values == ("18-29, men", "18-29, women", "30-59, men", "30-59, women", "60+, men", "60+, women")
    assert by_sex.member.tolist() == [0, 1, 2, 3, 2, 5, 4, -1]
    case.told["banners"][1]["values"][0]["codes"] = "18"
    case.told["banners"][1]["outside"] = "99|29|."
    assert case.sample().banners[4].values == (
        "18-29, men", "30-59, men", "30-59, women", "60+, men", "60+, women",
    )  # fmt: skip


# Several answers


@pytest.fixture
def battery(case: Case) -> Case:
    """A battery of three: 1 chosen, 2 not chosen, 9 not asked (declared missing), blank."""
    case.columns |= {
        "m1": [1.0, 1.0, 2.0, 2.0, None, 9.0, 2.0, 1.0],
        "m2": [1.0, 2.0, 2.0, 2.0, None, 9.0, 1.0, None],
        "m3": [2.0, 2.0, 2.0, 1.0, None, 9.0, 1.0, None],
    }
    for name, label in (("m1", "Television"), ("m2", "Internet"), ("m3", "None of these")):
        case.variables.append(variable(name, "1=chosen", "2=not chosen", label=label, missing_codes=["9"]))
    case.sets = [MultipleResponse(name="media", label="Where from?", kind="dichotomy", counted="1",
                                  members=["m1", "m2", "m3"])]  # fmt: skip
    case.items = [item("media", "tv", "web", "nothing")]
    case.questions = [
        {"question": "M", "item": "media", "variable": "$media", "variable_label": "Where from?", "answer": "multiple"}
    ]
    case.categories = [
        code("M", "m1", "Television", "tv"), code("M", "m2", "Internet", "web"),
        code("M", "m3", "None of these", "nothing"),
    ]  # fmt: skip
    return case


def ticks(answer: Answer) -> list[str]:
    assert answer.ticked is not None and answer.chosen is None
    return ["".join("x" if one else "-" for one in row) for row in answer.ticked]


def test_a_battery_is_ticked_where_it_has_the_counted_code(battery: Case) -> None:
    answer = battery.answer("media")
    assert ticks(answer) == ["xx-", "x--", "---", "--x", "---", "---", "-xx", "x--"]
    assert answer.base.tolist() == [True, True, True, True, False, False, True, True]
    assert [(one.code, one.label, one.category, one.n) for one in answer.codes] == [
        ("m1", "Television", "tv", 3),
        ("m2", "Internet", "web", 2),
        ("m3", "None of these", "nothing", 2),
    ]
    battery.questions[0]["variable"] = "media"
    assert battery.answer("media").base.sum() == 6


def test_in_a_battery_of_chosen_and_blank_a_blank_is_not_chosen(battery: Case) -> None:
    for name in ("m1", "m2", "m3"):
        battery.columns[name] = [None if one == 2.0 else one for one in battery.columns[name]]
    answer = battery.answer("media")
    assert answer.base.tolist() == [True, True, True, True, True, False, True, True]
    battery.questions[0] |= {"where": "sex=1", "base": "men"}
    assert battery.answer("media").base.tolist() == [True, False, True, False, True, False, True, False]


def test_two_members_may_be_one_category_and_one_may_put_outside_the_base(battery: Case) -> None:
    battery.categories[1] |= {"category": "tv"}
    battery.categories[2] |= {"category": None, "kind": "not_asked"}
    battery.questions[0] |= {"base": "those who were shown the list"}
    answer = battery.answer("media")
    assert answer.categories == ("tv",)
    assert ticks(answer) == ["x", "x", "-", "-", "-", "-", "-", "x"]
    assert answer.base.tolist() == [True, True, True, False, False, False, False, True]


def test_members_and_rows_of_a_battery_must_match(battery: Case) -> None:
    battery.categories[0] |= {"label": "TV"}
    battery.categories[2] |= {"code": "m4"}
    battery.questions[0] |= {"answer": "single"}
    assert battery.problems() == [
        "questions.csv, row 2, column answer: media is a multiple-response set (found 'single'); expected multiple",
        "questions.csv, row 2, column variable: a member of $media without a row (found 'm3'); expected a row with "
        "code m3 and label 'None of these' in categories.csv; nearest: 'm4 None of these'",
        "categories.csv, row 4, column code: a stale row: $media has no such member (found 'm4'); expected the name of "
        "a member, or no row",
        "categories.csv, row 2, column label: the label of code m1 is not the file's (found 'TV'); expected the file's "
        "label 'Television'",
    ]


def test_a_third_code_of_a_battery_is_said(battery: Case) -> None:
    battery.columns["m1"][2] = 7.0
    sample, problems = battery.run()
    assert sample is not None
    assert problems == [
        "questions.csv, row 2, column variable: several codes of m1 count as not chosen (found '2, 7'); expected one "
        "code beside the counted one, or codes that the file declares missing"
    ]


def test_a_member_that_was_left_out(battery: Case) -> None:
    battery.variables[-1] = variable("m3", label="None of these", dropped="contact")
    assert battery.problems() == [
        "questions.csv, row 2, column variable: a variable that was left out because it looks like a contact (found "
        "'m3'); expected its name under respondents.reading.keep in release.yml, if it may be kept"
    ]


@pytest.fixture
def mentions(battery: Case) -> Case:
    """Two mentions of one list."""
    battery.columns |= {
        "a1": [1.0, 2.0, 1.0, 98.0, None, 2.0, 1.0, 99.0],
        "a2": [2.0, None, 1.0, None, None, 1.0, None, 99.0],
    }
    labels = ("1=TV", "2=web", "98=Hard to say", "99=not asked")
    battery.variables += [variable(name, *labels, label=f"Mention {name}") for name in ("a1", "a2")]
    battery.sets = [MultipleResponse(name="media", label="Where from?", kind="category", members=["a1", "a2"])]
    battery.items = [item("media", "tv", "web", "dont_know")]
    battery.questions[0] |= {"base": "form A"}
    battery.categories = [
        code("M", "1", "TV", "tv"), code("M", "2", "web", "web"), code("M", "98", "Hard to say", "dont_know"),
        code("M", "99", "not asked", None, "not_asked"), code("M", ".", None, None, "system"),
    ]  # fmt: skip
    return battery


def test_each_member_of_a_category_set_holds_one_answer(mentions: Case) -> None:
    answer = mentions.answer("media")
    assert ticks(answer) == ["xx-", "-x-", "x--", "--x", "---", "xx-", "x--", "---"]
    assert answer.base.tolist() == [True, True, True, True, False, True, True, False]
    assert [(one.code, one.n) for one in answer.codes] == [("1", 4), ("2", 3), ("98", 1), ("99", 1), (".", 1)]


def test_a_category_set_needs_the_missing_value_only_for_those_without_any_answer(mentions: Case) -> None:
    mentions.columns["a1"][4] = 3.0
    mentions.questions[0] |= {"base": None}
    assert mentions.problems() == [
        "questions.csv, row 2, column variable: a code of $media without a row (found '3'); expected a row with code 3 "
        "in categories.csv",
        "categories.csv, row 6, column code: a stale row: $media has no such code among those who were asked (found "
        "'.'); expected a code that occurs or has a label in the file, or no row",
        "questions.csv, row 2, column base: part of the sample was not asked (code 99); expected the base in words, or "
        "form half or version",
    ]


# Items computed from others


@pytest.fixture
def trust(case: Case) -> Case:
    """Three questions, an index, a count and a crossing of them."""
    case.columns |= {
        "t1": [1.0, 2.0, 1.0, 9.0, None, 2.0, 1.0, 1.0],
        "t2": [1.0, 2.0, 2.0, 1.0, None, 9.0, 1.0, 2.0],
        "t3": [1.0, 2.0, 2.0, 9.0, None, 1.0, 1.0, 2.0],
    }
    names = ("t1", "t2", "t3")
    case.items = [item(name, "trust:100", "distrust:0", "dont_know") for name in names]
    case.items += [
        item("index", derived={"kind": "index", "of": list(names), "at_least": 2}),
        item("count", "n0", "n1", "n2", "n3", "n4", derived={"kind": "count", "of": list(names), "category": "trust"}),
        item("cross", "trust_trust", "trust_distrust", "distrust_distrust",
             derived={"kind": "cross", "of": ["t1", "t2"]}),
        item("high", "n0", "n1:1", derived={"kind": "count", "of": ["cross"], "category": "trust_trust"}),
    ]  # fmt: skip
    # Those that are computed stand first: the order of the rows says nothing.
    case.questions = [{"question": name, "item": name} for name in ("high", "cross", "count", "index")]
    case.questions += [{"question": name, "item": name, "variable": name} for name in names]
    case.categories = []
    for name in names:
        case.variables.append(variable(name, "1=trust", "2=distrust", "9=hard to say"))
        case.categories += [
            code(name, "1", "trust", "trust"), code(name, "2", "distrust", "distrust"),
            code(name, "9", "hard to say", "dont_know"), code(name, ".", None, None, "system"),
        ]  # fmt: skip
    return case


def test_index_count_and_cross(trust: Case) -> None:
    answers = trust.sample().answers
    assert [one.question.question for one in answers] == ["high", "cross", "count", "index", "t1", "t2", "t3"]
    high, cross, count, index = answers[:4]
    assert index.scores is not None and index.chosen is not None
    np.testing.assert_allclose(index.scores, [100, 0, 100 / 3, NAN, NAN, 50, 100, 100 / 3])
    assert index.base.tolist() == [True, True, True, False, False, True, True, True]
    assert (index.categories, set(index.chosen.tolist()), index.codes) == ((), {-1}, ())
    assert count.categories == ("n0", "n1", "n2", "n3")
    assert count.chosen is not None and count.chosen.tolist() == [3, 0, 1, -1, -1, -1, 3, 1]
    assert count.scores is None
    assert cross.categories == ("trust_trust", "trust_distrust", "distrust_distrust")
    assert cross.chosen is not None and cross.chosen.tolist() == [0, 2, 1, -1, -1, -1, 0, 1]
    assert high.chosen is not None and high.chosen.tolist() == [1, 0, 0, -1, -1, -1, 1, 0]
    assert high.scores is not None
    np.testing.assert_equal(high.scores, [1, NAN, NAN, NAN, NAN, NAN, 1, NAN])


def test_a_count_takes_nets_and_several_answers(battery: Case) -> None:
    media = battery.items[0].model_dump()
    media["categories"].append({"id": "any", "label": "any", "kind": "net", "of": ["tv", "web"]})
    battery.items = [
        Item.model_validate(media),
        item("users", "n0", "n1", derived={"kind": "count", "of": ["media"], "category": "any"}),
    ]
    battery.questions.append({"question": "users", "item": "users", "where": "age=18..59", "base": "under 60"})
    answer = battery.answer("users")
    assert answer.chosen is not None
    assert answer.chosen.tolist() == [1, 1, 0, 0, -1, -1, -1, -1]


DERIVED: dict[str, tuple[Any, list[str]]] = {
    "no-question-of-the-component": (
        lambda c: (c.questions.pop(), c.categories.__delitem__(slice(8, 12))),
        [f"questions.csv, row {row}, column item: {name} is computed from t3, and no question of this release is that "
         "item (found 't3'); expected a row with item t3 and its variable in questions.csv"
         for row, name in ((4, "count"), (5, "index"))],
    ),
    "two-questions-of-the-component": (
        lambda c: (
            c.questions.append({"question": "t1b", "item": "t1", "variable": "t1", "where": "sex=1", "form": "half"}),
            c.categories.extend({**one, "question": "t1b"} for one in c.categories[:4]),
            c.questions.__delitem__(slice(0, 3)),
        ),
        ["questions.csv, row 2, column item: index is computed from t1, and several questions are that item (t1, t1b) "
         "(found 't1'); expected one question of this release with that item"],
    ),
    "a-component-that-has-problems": (
        lambda c: change(c, "questions", 4, variable="t9"),
        ["questions.csv, row 6, column variable: a variable that wave.sav does not have (found 't9'); expected the "
         "name of a variable of the file"],
    ),
    "a-circle": (
        lambda c: c.items.__setitem__(5, item("cross", "n1", derived={"kind": "cross", "of": ["t1", "high"]})),
        [f"questions.csv, row {row}, column item: {one} is computed from {other}, which is computed from it or waits "
         f"for such a circle (found '{one}'); expected items that can be computed one after another"
         for row, one, other in ((2, "high", "cross"), (3, "cross", "high"))],
    ),
    "a-result-that-is-not-declared": (
        lambda c: (
            c.items.__setitem__(5, item("cross", "trust_trust", "trust_distrst",
                                        derived={"kind": "cross", "of": ["t1", "t2"]})),
            c.questions.pop(0),
        ),
        [
            "questions.csv, row 2, column item: a result of cross that the item does not declare (found "
            "'trust_distrust'); expected a category of that id in items/cross.yml; nearest: 'trust_distrst'",
            "questions.csv, row 2, column item: a result of cross that the item does not declare (found "
            "'distrust_distrust'); expected a category of that id in items/cross.yml; nearest: 'trust_distrst'",
        ],
    ),
    "an-index-without-scores": (
        lambda c: c.items.__setitem__(1, item("t2", "trust", "distrust", "dont_know")),
        ["questions.csv, row 5, column item: index is an index, and no answer of t2 has a score (found 't2'); expected "
         "score in its categories"],
    ),
    "a-category-that-is-not-there": (
        lambda c: c.items.__setitem__(
            4, item("count", "n0", derived={"kind": "count", "of": ["t1"], "category": "trusts"})),
        ["questions.csv, row 4, column item: count counts trusts, which t1 does not have (found 'trusts'); expected "
         "one of trust, distrust, dont_know; nearest: 'trust'"],
    ),
    "a-derived-item-with-a-variable": (
        lambda c: (change(c, "questions", 1, variable="sex", variable_label="Sex"), c.questions.pop(0)),
        ["questions.csv, row 2, column variable: cross is computed from other items, and this question has a variable "
         "(found 'sex'); expected no variable, or another item"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DERIVED)
def test_what_cannot_be_computed_is_said(trust: Case, name: str) -> None:
    broken, expected = DERIVED[name]
    broken(trust)
    assert trust.problems() == expected


def test_several_answers_cannot_be_crossed(battery: Case) -> None:
    battery.items.append(item("both", "a", derived={"kind": "cross", "of": ["media", "media"]}))
    battery.questions.append({"question": "both", "item": "both"})
    assert battery.problems() == [
        "questions.csv, row 3, column item: both crosses media, which has several answers (found 'media'); expected "
        "items with one answer"
    ]


# Published figures beside answers


def test_questions_of_respondents_and_their_codes_need_no_figure(trust: Case) -> None:
    release = Release.model_validate({
        "organisation": "house", "series": "monitor", "wave": "08", "vintage": "2022-03-20",
        "fieldwork": {"start": "2022-03-05", "end": "2022-03-14"}, "sample": {"n": 896},
    })  # fmt: skip
    trust.questions.append({"question": "t9", "item": "t1"})  # published only, and nothing is published
    trust.categories += [
        {**code("t1", "8", None, "trust"), "option": "trust fully"},
        code("t2", "1", None, "trust"), code("t9", "1", None, "trust"), code("t3", "7", None, "trusts"),
    ]  # fmt: skip
    questions = [(at, QuestionRow.model_validate({**QUESTION, **one})) for at, one in enumerate(trust.questions, 2)]
    categories = [(at, CategoryRow.model_validate(one)) for at, one in enumerate(trust.categories, 2)]
    items = {one.item: one for one in trust.items}
    figures, problems = harmonise(Inputs(RELEASE, release, [], questions, categories, items))
    assert figures == []
    assert [str(one).replace(f"{RELEASE}/", "") for one in problems] == [
        "categories.csv, row 15, column code: a row stands twice (first in row 6) (found '1'); expected each once",
        "categories.csv, row 16, column code: a code of a question without a variable (found '1'); expected variable "
        "in its row of questions.csv, or no code",
        "categories.csv, row 17, column category: a category that item t3 does not have (found 'trusts'); expected one "
        "of trust, distrust, dont_know; nearest: 'trust'",
        "questions.csv, row 9, column question: a stale row: no figure uses it (found 't9'); expected a row that a "
        "figure uses, or none",
        "categories.csv, row 14, column option: a stale row: no figure uses it (found 'trust fully'); expected a row "
        "that a figure uses, or none",
    ]


# A real file: Chronicles, wave 2, where half of the sample heard the old wording


@pytest.mark.shared
def test_the_split_ballot_of_a_real_wave_gives_the_published_shares(shared: Path, tmp_path: Path) -> None:
    """Chronicles, "Special military operation: the attitude of Russians" (waves 1 to 6), table 2.1.1."""
    read(str(shared / "microdata/chronicles-russia/data/wave_02.sav"), "wave_02.sav", {}, folder=str(tmp_path))
    codebook = Codebook.model_validate_json((tmp_path / "codebook.json").read_text(encoding="utf-8"))
    asked = codebook.variable("Q11")
    assert asked is not None
    labels = {one.code: one.label for one in asked.labels}
    means = {"1": "yes", "2": "no", "99": "dont_know", "100": "refused"}
    questions, categories = [], []
    for at, (name, codes) in enumerate((("old", ("1", "2", "99")), ("new", ("1", "2", "99", "100"))), start=1):
        where = f"подвыборка_2={at}"
        told = {"question": name, "item": name, "variable": "Q11", "variable_label": asked.label, "where": where}
        questions.append((at + 1, QuestionRow.model_validate({**QUESTION, **told, "form": "version"})))
        rows = [code(name, one, labels[one], means[one]) for one in codes]
        categories += [(at, CategoryRow.model_validate(row)) for row in rows]
    items = {name: item(name, "yes", "no", "dont_know", "refused") for name in ("old", "new")}
    block = {"file": "wave_02.sav", "expect_rows": 1811, "weight": {"variable": "wes_age_gender_tnp", "zeros": 21}}
    answers = tmp_path / "responses.parquet"

    def run(**more: Any) -> tuple[Sample | None, list[str]]:
        given = RespondentInputs(RELEASE, Respondents.model_validate({**block, **more}), questions, categories, items,
                                 codebook, answers, "wave_02.sav")  # fmt: skip
        sample, problems = harmonise_respondents(given)
        return sample, [str(one) for one in problems]

    sample, problems = run()
    assert problems == []
    assert sample is not None
    found = {}
    for answer in sample.answers:
        assert answer.chosen is not None
        weights = np.where(answer.base, sample.weights, 0.0)
        share = [weights[answer.chosen == at].sum() / weights.sum() for at in range(len(answer.categories))]
        found[answer.item.item] = [round(100 * one) for one in share], int((weights > 0).sum()), round(weights.sum())
    assert found == {"old": ([70, 14, 16], 928, 922), "new": ([63, 7, 17, 12], 862, 868)}
    assert run(weight={"variable": "for_weight"})[1] == [
        f"{RELEASE}/release.yml, column respondents.weight.variable: for_weight looks like codes (labelled 1..12), not "
        "like a weight (found 'for_weight'); expected a variable with weights"
    ]
