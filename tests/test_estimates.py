"""Estimates from published figures: the interval is the one others publish, and absent where nothing supports one."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest

from assets.estimates.published import Z95, base_size, estimate, wilson
from assets.questions.harmonise import Figure
from schemas.crosswalk import QuestionRow
from schemas.item import Item
from schemas.manifest import ALL_RESPONDENTS, Base, Release

ITEM = Item.model_validate(
    {
        "item": "army",
        "concept": "war",
        "title": "Army",
        "wording": "?",
        "wording_kind": "verbatim",
        "categories": [{"id": "join", "label": "Join"}, {"id": "stay", "label": "Stay"}],
    }
)


def release(n: Any = 896, deff: float | None = None, **more: Any) -> Release:
    effect = {"value": deff, "basis": "stated", "reason": "test"} if deff else None
    return Release.model_validate(
        {
            "organisation": "house",
            "series": "monitor",
            "wave": "08",
            "vintage": "2022-03-20",
            "fieldwork": {"start": "2022-03-05", "end": "2022-03-14"},
            "sample": {"n": n, "design_effect": effect, "probability": "yes"} | more.pop("sample", {}),
            **more,
        }
    )


def figure(
    percent: str | None = "3",
    *,
    value: float | None = 3.0,
    base: dict[str, Any] | None = None,
    question: dict[str, Any] | None = None,
    **row: Any,
) -> Figure:
    asked = QuestionRow.model_validate(
        {
            "question": "q1",
            "item": "army",
            "wording": "?",
            "wording_kind": "verbatim",
            "question_match": "same",
            "options_match": "same",
            "decision": "join",
            "reviewed_by": "tests",
        }
        | (question or {})
    )
    of = Base.model_validate({"text": ALL_RESPONDENTS, "n": "sample"} | (base or {}))
    printed = {
        "percent": percent,
        "percent_value": value,
        "qualifier": "exact",
        "standing": "figure",
        "published": "2022-03-20",
        "source_url": "https://example.org/8",
        "confidence": "read_directly",
    }
    return Figure(printed | row, asked, ITEM, "join", of)


def one(of: Release, *figures: Figure) -> dict[str, Any]:
    [row] = estimate(of, "house/monitor/08", figures)
    return row


# --- the interval ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_newcombes_method_3(count: int, n: int, low: float, high: float) -> None:
    assert [round(end, 4) for end in wilson(count / n, n)] == [low, high]


def test_three_percent_of_896_is_2_1_to_4_3() -> None:
    row = one(release(), figure())
    assert (round(row["percent_low"], 1), round(row["percent_high"], 1)) == (2.1, 4.3)
    assert row["interval_method"] == "wilson"


@pytest.mark.parametrize(("p", "low", "high"), [(0.0, 0.0, None), (1.0, None, 1.0)])
def test_at_0_and_100_percent_the_interval_has_width_and_stays_inside(p, low, high) -> None:
    found = wilson(p, 500)
    assert (found[0] if low is not None else found[1]) == (low if low is not None else high)
    assert 0 <= found[0] < found[1] <= 1


def test_wilson_solves_its_defining_equation() -> None:
    """Both ends are the shares for which the observed one lies exactly z standard errors away."""
    for p, n in ((0.03, 896), (0.5, 10), (0.97, 12.5), (0.001, 100_000)):
        for end in wilson(p, n):
            assert abs(p - end) == pytest.approx(Z95 * math.sqrt(end * (1 - end) / n), abs=1e-12)


def test_wilson_agrees_with_svyciprop_of_r(shared: Path) -> None:
    """`svyciprop(~y, des, method = "wilson")` of R survey 4.5.

    R takes n from the design and the quantile from its degrees of freedom. Both enter only as n / z^2, which follows
    from the sum of R's two ends; ours must then give each of them.
    """
    case = shared / "reference" / "case09_svyciprop.out.4.5.csv"
    with case.open() as file:
        answers = {row["stat"]: row["value"] for row in csv.DictReader(file)}
    names = sorted({stat.rsplit(".", 1)[0] for stat in answers if stat.startswith("wilson ")})
    assert len(names) >= 4, f"no Wilson answers in {case.name}"
    compared = 0
    for name in names:
        share, low, high = (float(answers[f"{name}.{part}"]) for part in ("est", "lci", "uci"))
        if not 0 < share < 1 or math.isnan(low):
            continue
        ratio = (1 - low - high) / (low + high - 2 * share)
        assert wilson(share, ratio, 1.0) == pytest.approx((low, high), rel=1e-9)
        compared += 1
    assert compared >= 4


def test_the_design_effect_shrinks_n_and_is_named() -> None:
    plain, inflated = one(release(1500), figure()), one(release(1500, deff=1.5), figure())
    assert inflated["n_effective"] == 1000
    assert inflated["n"] == 1500
    assert inflated["standard_error"] == pytest.approx(plain["standard_error"] * math.sqrt(1.5))
    assert inflated["variance_method"] == "binomial on n / design effect (stated 1.5)"
    assert plain["variance_method"] == "binomial on n / design effect (assumed 1)"
    assert "design_effect_assumed" in plain["flags"]
    assert "design_effect_assumed" not in inflated["flags"]


def test_an_opt_in_panel_has_a_model_based_interval_and_says_so() -> None:
    row = one(release(sample={"probability": "no"}), figure())
    assert row["interval_method"] == "wilson, model-based"
    assert "opt_in_panel" in row["flags"]


def test_a_small_base_is_flagged_by_its_effective_size() -> None:
    assert "small_base" not in one(release(100), figure())["flags"]
    assert "small_base" in one(release(149, deff=1.5), figure())["flags"]


# --- where there is none -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "flag"),
    [
        ({"qualifier": "about"}, "no_interval_not_exact"),
        ({"qualifier": "more_than"}, "no_interval_not_exact"),
        ({"percent": "2-4", "value": None, "qualifier": "range"}, "no_interval_not_exact"),
        ({"base": {"n": "unknown"}}, "no_interval_n_unknown"),
        ({"question": {"n": "unknown"}}, "no_interval_n_unknown"),
        ({"question": {"form": "half"}}, "no_interval_n_unknown"),
        ({"question": {"form": "version"}}, "no_interval_n_unknown"),
    ],
)
def test_what_is_not_exact_or_of_unknown_size_claims_no_precision(printed: dict[str, Any], flag: str) -> None:
    row = one(release(), figure(**printed))
    for column in ("percent_low", "percent_high", "standard_error", "n_effective", "design_effect", "interval_method"):
        assert row.get(column) is None, column
    assert flag in row["flags"]
    assert row["published_text"] == printed.get("percent", "3")


def test_a_range_is_no_number() -> None:
    row = one(release(), figure("2-4", value=None, qualifier="range"))
    assert row["percent"] is None
    assert row["published_text"] == "2-4"


# --- whom it is of -----------------------------------------------------------------------------------------

MEN = {"text": "men", "subgroup": "sex", "value": "men"}


@pytest.mark.parametrize(
    ("base", "question", "n"),
    [
        ({}, {}, 896),
        ({}, {"form": "half", "n": 450}, 450),
        ({}, {"form": "half"}, None),
        ({}, {"n": "unknown"}, None),
        ({**MEN, "n": 400}, {}, 400),
        ({**MEN, "n": "unknown"}, {}, None),
        ({**MEN, "n": 400}, {"form": "half", "n": 450}, None),  # how many men were in the half, nobody says
        ({"text": "aware", "base": "aware", "n": 300}, {}, 300),
        ({"text": "aware", "base": "aware", "n": 300}, {"n": 450}, None),
    ],
)
def test_n_is_that_of_question_and_subgroup_or_unknown(base: dict, question: dict, n: int | None) -> None:
    assert base_size(release(), figure(base=base, question=question)) == n


def test_a_half_sample_of_known_size_has_the_wider_interval_and_says_so() -> None:
    whole, half = one(release(), figure()), one(release(), figure(question={"form": "half", "n": 448}))
    assert half["n"] == 448
    assert half["standard_error"] == pytest.approx(whole["standard_error"] * math.sqrt(2))
    assert "part_of_sample" in half["flags"]


def test_what_a_reader_must_know_is_flagged() -> None:
    row = one(
        release(status="interim"),
        figure(confidence="secondary_report", question={"reviewed_by": None, "decision": "exclude", "reason": "other"},
               base={"text": "aware", "base": "aware", "n": 300}),
    )  # fmt: skip
    assert row["flags"] == [
        "base_not_all", "design_effect_assumed", "interim", "outside_trends", "provisional", "second_hand",
    ]  # fmt: skip


def test_a_retelling_is_never_an_estimate_and_an_earlier_value_is() -> None:
    of = [
        figure(),
        figure("5", value=5.0, standing="retelling"),
        figure("4", value=4.0, standing="superseded", published="2022-03-15"),
        figure("3", standing="repeat"),
    ]
    rows = estimate(release(), "house/monitor/08", of)
    assert [(row["percent"], row["standing"]) for row in rows] == [(3, "figure"), (4, "superseded")]


def test_an_earlier_value_quoted_on_two_pages_is_one_value() -> None:
    old = {"value": 4.0, "standing": "superseded", "published": "2022-03-15"}
    rows = estimate(
        release(),
        "house/monitor/08",
        [figure("4", **old), figure(), figure("4", **old, source_url="https://b.example")],
    )
    assert [(row["percent"], row["source_url"]) for row in rows] == [
        (3, "https://example.org/8"),
        (4, "https://example.org/8"),
    ]


# --- ids ---------------------------------------------------------------------------------------------------


def test_the_id_is_the_same_for_the_same_inputs_on_any_day_and_machine() -> None:
    assert one(release(), figure())["estimate_id"] == "ec5838c25dcfc1e86"


@pytest.mark.parametrize(
    ("of", "printed"),
    [
        ({"n": 897}, {}),
        ({"deff": 1.2}, {}),
        ({"wave": "09"}, {}),
        ({}, {"percent": "4", "value": 4.0}),
        ({}, {"percent": "3.0"}),
        ({}, {"qualifier": "about"}),
        ({}, {"published": "2022-03-21"}),
        ({}, {"base": {**MEN, "n": 896}}),
        ({}, {"base": {"text": "aware", "base": "aware", "n": 896}}),
    ],
)
def test_the_id_is_another_when_an_input_is_another(of: dict[str, Any], printed: dict[str, Any]) -> None:
    assert one(release(**of), figure(**printed))["estimate_id"] != one(release(), figure())["estimate_id"]


def test_the_id_does_not_depend_on_where_the_figure_stands_or_what_we_note() -> None:
    same = one(release(our_notes="read twice"), figure(source_url="https://mirror.example", note="checked"))
    assert same["estimate_id"] == one(release(), figure())["estimate_id"]
