"""From printed figures to cells of items: every figure is placed once, and what disagrees is kept and said."""

from typing import Any

import pytest

from assets.questions.cells import check_cells, check_sums, conflicts
from assets.questions.harmonise import Figure, Inputs, harmonise
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.item import Item
from schemas.manifest import Release

ITEM = Item.model_validate(
    {
        "item": "army",
        "concept": "war",
        "title": "Army",
        "wording": "?",
        "wording_kind": "verbatim",
        "categories": [
            {"id": "join", "label": "Join"},
            {"id": "help", "label": "Help"},
            {"id": "stay", "label": "Stay out"},
            {"id": "any_role", "label": "Any role", "kind": "net", "of": ["join", "help"]},
        ],
    }
)
MANIFEST = Release.model_validate(
    {
        "organisation": "house",
        "series": "monitor",
        "wave": "08",
        "vintage": "2022-03-20",
        "fieldwork": {"start": "2022-03-05", "end": "2022-03-14"},
        "sample": {"n": 896},
        "bases": [
            {"text": "all respondents", "n": "sample"},
            {"text": "men", "subgroup": "sex", "value": "men", "n": 400},
        ],
    }
)


def printed(option: str, percent: str, row: int = 2, **more: Any) -> dict[str, Any]:
    """A figure as the reader gives it."""
    is_range = "-" in percent
    return {
        "question": "q1", "option": option, "base": "all respondents", "percent": percent,
        "percent_value": None if is_range else float(percent), "row": row, "file": "house/monitor/08/toplines.csv",
        "standing": "figure", "qualifier": "range" if is_range else "exact", "published": "2022-03-20",
        "source_url": "https://example.org", "note": None, **more,
    }  # fmt: skip


def placed(*figures: dict[str, Any], answer: str = "single", **manifest: Any) -> tuple[list[Figure], list[str]]:
    """The figures, joined with a crosswalk that knows every option by the name of its category."""
    question = QuestionRow.model_validate(
        {
            "question": "q1", "item": "army", "wording": "?", "wording_kind": "verbatim", "question_match": "same",
            "options_match": "same", "answer": answer, "decision": "join",
        }
    )  # fmt: skip
    options = sorted({row["option"] for row in figures})
    categories = [
        CategoryRow(question="q1", option=option, category=option, kind=ITEM.kinds()[option]) for option in options
    ]
    used = {row["base"] for row in figures}
    release = MANIFEST.model_copy(update={"bases": [b for b in MANIFEST.bases if b.text in used], **manifest})
    rows = list(enumerate(categories, start=2))
    given = Inputs("house/monitor/08", release, list(figures), [(2, question)], rows, {"army": ITEM})
    found, problems = harmonise(given)
    return found, [str(problem) for problem in problems]


def checked(*figures: dict[str, Any], answer: str = "single") -> tuple[list[Figure], list[str]]:
    found, problems = placed(*figures, answer=answer)
    assert problems == []
    return found, [f"{p.severity}: {p}" for p in check_cells(found) + check_sums(found)]


def test_a_figure_is_placed_by_question_option_and_base() -> None:
    found, problems = placed(printed("join", "3"), printed("join", "4", 3, base="men"))
    assert problems == []
    assert [figure.cell for figure in found] == [("army", "join", "total", "all"), ("army", "join", "sex", "men")]


def test_rows_that_stand_twice_in_the_crosswalk_are_refused() -> None:
    question = QuestionRow.model_validate(
        {
            "question": "q1", "item": "army", "wording": "?", "wording_kind": "verbatim", "question_match": "same",
            "options_match": "same", "decision": "join",
        }
    )  # fmt: skip
    category = CategoryRow(question="q1", option="join", category="join", kind="substantive")
    release = MANIFEST.model_copy(update={"bases": MANIFEST.bases[:1]})
    given = Inputs(
        "r", release, [printed("join", "3")], [(2, question), (3, question)], [(2, category), (5, category)],
        {"army": ITEM},
    )  # fmt: skip
    assert [str(problem) for problem in harmonise(given)[1]] == [
        "r/questions.csv, row 3, column question: a row stands twice (first in row 2) (found 'q1'); expected each once",
        "r/categories.csv, row 5, column option: a row stands twice (first in row 2) (found 'join'); "
        "expected each once",
    ]


def test_a_repeat_that_is_only_rounded_agrees_and_one_that_differs_is_refused() -> None:
    assert checked(printed("join", "27.2"), printed("join", "27", 3, standing="repeat"))[1] == []
    assert checked(printed("join", "27.2"), printed("join", "28", 3, standing="repeat"))[1] == [
        "error: house/monitor/08/toplines.csv, row 3, column percent: a repeat that differs from its figure "
        "(army / join / total / all) (found '28'); expected 27.2, or standing superseded, interim or retelling"
    ]


def test_a_repeat_needs_its_figure() -> None:
    assert checked(printed("join", "27", standing="repeat"))[1] == [
        "error: house/monitor/08/toplines.csv, row 2, column standing: a repeat without its figure "
        "(army / join / total / all) (found 'repeat'); expected one row of this cell with standing figure"
    ]


def test_a_retelling_that_disagrees_marks_the_cell_as_contested_and_is_a_conflict() -> None:
    found, problems = checked(printed("join", "3"), printed("join", "5", 3, standing="retelling", note="a newspaper"))
    assert problems == []
    assert [sorted(figure.flags) for figure in found] == [["contested"], []]
    assert conflicts(found, []) == [
        {
            "kind": "figure",
            "subject": "army / join / total / all",
            "ours": "3 (2022-03-20)",
            "other": "5 (2022-03-20, retelling)",
            "source": "https://example.org",
            "reason": "a newspaper",
        }
    ]


@pytest.mark.parametrize(
    ("percents", "expected"),
    [
        (("40", "50", "10"), []),
        (("40", "50", "11.5"), []),  # three options, half a point of rounding each
        (("40", "50", "12"), ["warning: house/monitor/08/toplines.csv, row 4, column percent: the options of army "
                              "(total: all) add to 102 (found '102'); expected at most 101.5"]),
        (("40", "50", "30"), ["error: house/monitor/08/toplines.csv, row 4, column percent: the options of army "
                              "(total: all) add to 120 (found '120'); expected at most 101.5; is it multiple choice "
                              "(answer: multiple), or is a net counted as an option?"]),
        (("40", "50", "2-40"), []),  # a range is no number
    ],
)  # fmt: skip
def test_single_answers_add_up_within_rounding(percents: tuple[str, ...], expected: list[str]) -> None:
    options = ("join", "help", "stay")
    rows = [printed(option, text, row) for row, (option, text) in enumerate(zip(options, percents, strict=True), 2)]
    assert checked(*rows)[1] == expected


def test_nets_and_multiple_answers_may_add_to_more() -> None:
    figures = [printed("join", "40"), printed("help", "50", 3), printed("stay", "10", 4), printed("any_role", "90", 5)]
    assert checked(*figures)[1] == []
    assert checked(*[printed(name, "80", row) for row, name in enumerate(("join", "help", "stay"), 2)],
                   answer="multiple")[1] == []  # fmt: skip


def test_a_sum_is_that_of_one_subgroup() -> None:
    rows = [printed("join", "60"), printed("stay", "40", 3), printed("join", "70", 4, base="men")]
    assert checked(*rows)[1] == []
