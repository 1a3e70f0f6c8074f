"""Estimates from respondents' answers: R's figures through the whole function, and what is said at the edges.

R's answers are those of tests/oracles (R 4.2.2, survey 4.5; the calls lie beside them).
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assets.estimates.design.design import survey_design
from assets.estimates.design.linear import shares
from assets.estimates.respondents import estimate_respondents
from assets.questions.answers import Answer, CodeCount, Columns, Sample
from assets.releases.ledger import VALUES
from schemas.crosswalk import QuestionRow
from schemas.item import Item
from schemas.manifest import Release
from schemas.problems import ProblemsError
from schemas.tables.figures import ESTIMATES, SCORES
from tests.design_oracles import OPTIONS, Case, case

CLOSE = 1e-9
FILE = "0" * 64


def release(*, design: Any = None, weight: Any = "w", interval: str = "logit", **more: Any) -> Release:
    told: dict[str, Any] = {
        "file": "answers.sav",
        "expect_rows": 1,
        "weight": weight if weight == "none" else {"variable": weight},
        "interval": interval,
        "banners": more.pop("banners", []),
    }
    if design:
        told["design"] = design
    return Release.model_validate(
        {
            "organisation": "house",
            "series": "monitor",
            "wave": "08",
            "vintage": "2022-03-20",
            "fieldwork": {"start": "2022-03", "end": "2022-03-14"},
            "sample": {"n": 100, "probability": more.pop("probability", "yes")},
            "files": [{"path": "answers.sav", "role": "respondents"}],
            "respondents": told | more.pop("told", {}),
            "source_url": "https://example.org/08",
            **more,
        }
    )


def item(categories: tuple[str, ...], nets: dict[str, list[str]] | None = None, name: str = "army") -> Item:
    listed: list[dict[str, Any]] = [{"id": one, "label": one} for one in categories]
    listed += [{"id": net, "label": net, "kind": "net", "of": of} for net, of in (nets or {}).items()]
    told = {"item": name, "concept": "war", "title": "Army", "wording": "?", "wording_kind": "verbatim"}
    return Item.model_validate(told | {"categories": listed})


def question(**more: Any) -> QuestionRow:
    told = {"question": "q1", "item": "army", "wording": "?", "wording_kind": "verbatim", "question_match": "same"}
    return QuestionRow.model_validate(
        told | {"options_match": "same", "decision": "join", "reviewed_by": "tests", "variable": "q"} | more
    )


def codes(categories: tuple[str, ...]) -> tuple[CodeCount, ...]:
    return tuple(CodeCount(str(at), one, one, "substantive", True, None, 1) for at, one in enumerate(categories))


def answer(
    chosen: Any,
    categories: tuple[str, ...] = OPTIONS,
    *,
    nets: dict[str, list[str]] | None = None,
    scores: Any = None,
    codes_are: tuple[CodeCount, ...] | None = None,
    **row: Any,
) -> Answer:
    positions = np.asarray(chosen, dtype=np.int16)
    values = None if scores is None else np.asarray(scores, dtype=np.float64)
    known = codes(categories) if codes_are is None else codes_are
    return Answer(question(**row), item(categories, nets), categories, positions, None, positions >= 0, values, known)


def several(ticked: Any, base: Any, categories: tuple[str, ...], nets: dict[str, list[str]]) -> Answer:
    row, asked = question(answer="multiple"), np.asarray(base, dtype=np.bool_)
    return Answer(row, item(categories, nets), categories, None, np.asarray(ticked), asked, None, codes(categories))


def columns(subgroup: str, values: list[str]) -> Columns:
    names = tuple(sorted(set(values) - {""}))
    return Columns(subgroup, names, np.array([names.index(v) if v else -1 for v in values], dtype=np.int16))


def sample(weights: Any, *answers: Answer, banners: tuple[Columns, ...] = (), **more: Any) -> Sample:
    w = np.asarray(weights, dtype=np.float64)
    given: dict[str, Any] = {"stratum": None, "psu": None, "stratum_names": ("all",)} | more
    return Sample(w, given["stratum"], given["psu"], given["stratum_names"], banners, answers)


def sample_of(c: Case, *answers: Answer, banners: tuple[Columns, ...] = ()) -> Sample:
    """A case of R's with its strata and PSUs, numbered as harmonisation numbers them."""
    names, stratum = np.unique(c.text("stratum"), return_inverse=True)
    _, psu = np.unique(c.text("psu"), return_inverse=True)
    return sample(
        c.column("w"), *answers, banners=banners, stratum=stratum.astype(np.int32), psu=psu.astype(np.int32),
        stratum_names=tuple(map(str, names)),
    )  # fmt: skip


DESIGN = {"strata": ["stratum"], "psu": "psu"}


def rows_of(told: Release, of: Sample) -> dict[tuple[str, str], dict[str, Any]]:
    """(category, column) -> estimate."""
    estimates, _ = estimate_respondents(told, "house/monitor/08", of, FILE)
    found = {(row["category"], row["subgroup_value"]): row for row in estimates}
    assert len(found) == len(estimates), "a category has two rows in one column"
    return found


def field(rows: dict[tuple[str, str], dict[str, Any]], name: str, column: str = "all") -> np.ndarray:
    return np.array([rows[option, column][name] for option in OPTIONS], dtype=np.float64)


def simple(n: int = 200, **more: Any) -> Sample:
    """The first tenth agrees, the others disagree; weights 1 and 2 in turn."""
    chosen = [0] * (n // 10) + [1] * (n - n // 10)
    return sample(np.arange(n) % 2 + 1, answer(chosen, ("agree", "disagree"), **more))


def test_case01_strata_psu_and_domains_as_r() -> None:
    c = case("case01_strat_cluster")
    given = sample_of(c, answer(c.codes(), scores=c.column("score")), banners=(columns("sex", c.text("sex")),))
    told = release(design=DESIGN, interval="mean")
    rows = rows_of(told, given)
    c.agree(field(rows, "percent") / 100, c.r_q("prop.est[#]"), CLOSE)
    c.agree(field(rows, "standard_error") / 100, c.r_q("prop.se[#]"), CLOSE)
    c.agree(field(rows, "design_effect"), c.r_q("deff_replace.deff[#]"), CLOSE)
    c.agree(field(rows, "percent_low") / 100, np.maximum(c.r_q("ci_t.[#,2.5 %]"), 0), CLOSE)
    c.agree(field(rows, "percent_high") / 100, c.r_q("ci_t.[#,97.5 %]"), CLOSE)
    assert set(field(rows, "degrees_of_freedom")) == {c.r("df.")[0]}
    for sex in "fm":
        c.agree(field(rows, "percent", sex) / 100, c.r_q(f"by.est[{sex}:#]"), CLOSE)
        c.agree(field(rows, "standard_error", sex) / 100, c.r_q(f"by.se[{sex}:#]"), CLOSE)
        assert rows["agree", sex]["n"] == c.where("sex", sex).sum()
    _, scores = estimate_respondents(told, "house/monitor/08", given, FILE)
    total = scores[0]
    c.agree([total["value"], total["standard_error"]], c.r("mean.est[score]", "mean.se[score]"), CLOSE)
    assert (total["statistic"], total["interval_method"], total["subgroup_value"]) == ("mean", "t", "all")


@pytest.mark.parametrize("method", ["logit", "xlogit", "mean", "beta", "wilson", "asin"])
def test_case09_intervals_as_r_with_the_degrees_of_freedom_of_the_domain(method: str) -> None:
    c = case("case09_svyciprop")
    sexes = (columns("sex", c.text("sex")),)
    for variable, column, domain in (("y1", "all", "all"), ("y3", "all", "all"), ("y3", "f", "f")):
        yes = answer(c.column(variable).astype(int), ("no", "yes"))
        row = rows_of(release(design=DESIGN, interval=method), sample_of(c, yes, banners=sexes))["yes", column]
        # R's logit stops its iterations at 1e-8; xlogit is the same formula without iterations.
        rule = "xlogit" if method == "logit" else method
        theirs = c.r(*(f"{rule} {variable} {domain}.{end}" for end in ("est", "lci", "uci")))
        theirs[1] = max(theirs[1], 0)
        c.agree(np.array([row["percent"], row["percent_low"], row["percent_high"]]) / 100, theirs, CLOSE)
        c.agree([row["degrees_of_freedom"]], c.r("df_f." if domain == "f" else "df."), CLOSE)
        assert row["interval_method"] == method


def test_case03_psus_without_strata_as_r() -> None:
    """R's `apiclus2`, schools within districts, the district as ultimate cluster."""
    c, types = case("case03_two_stage_fpc"), ("E", "H", "M")
    _, psu = np.unique(c.text("dnum"), return_inverse=True)
    given = sample(c.column("pw"), answer(c.codes("stype", types), ("e", "h", "m")), psu=psu.astype(np.int32))
    rows = rows_of(release(design={"psu": "dnum"}), given)
    for name, field_of in (("est", "percent"), ("se", "standard_error")):
        ours = [rows[one.lower(), "all"][field_of] / 100 for one in types]
        c.agree(ours, c.r(*(f"prop_ultimate_cluster.{name}[stype{one}]" for one in types)), CLOSE)
    assert rows["e", "all"]["variance_method"] == "Taylor linearisation, PSU"


def test_case07_zero_weights_and_missing_answers_as_r() -> None:
    c = case("case07_zero_weights_missing")
    given = sample_of(c, answer(c.codes()), banners=(columns("sex", c.text("sex")),))
    rows = rows_of(release(design=DESIGN), given)
    c.agree(field(rows, "percent") / 100, c.r_q("prop.est[#]"), CLOSE)
    c.agree(field(rows, "standard_error") / 100, c.r_q("prop.se[#]"), CLOSE)
    c.agree(field(rows, "percent", "m") / 100, c.r_q("by.est[m:#]"), CLOSE)
    c.agree(field(rows, "standard_error", "m") / 100, c.r_q("by.se[m:#]"), CLOSE)
    counted = (c.column("w") > 0) & (c.codes() >= 0)
    assert rows["agree", "all"]["n"] == counted.sum() < len(counted)
    assert rows["agree", "all"]["weighted_n"] == pytest.approx(c.column("w")[counted].sum(), rel=1e-12)


def test_case19_waves_as_domains_as_r() -> None:
    c = case("case19_nonest_pooled_domain_wave")
    rows = rows_of(release(design=DESIGN), sample_of(c, answer(c.codes()), banners=(columns("wave", c.text("wave")),)))
    for wave in "123456":
        c.agree(field(rows, "percent", wave) / 100, c.r_q(f"pooled_domain.est[{wave}:#]"), CLOSE)
        c.agree(field(rows, "standard_error", wave) / 100, c.r_q(f"pooled_domain.se[{wave}:#]"), CLOSE)
    c.agree([rows["agree", "1"]["degrees_of_freedom"]], c.r("df_wave1_sub."), CLOSE)


@pytest.mark.parametrize("rule", ["remove", "certainty", "adjust", "average"])
def test_case04_lone_psus_as_r(rule: str) -> None:
    c = case("case04_lonely_psu")
    rows = rows_of(release(design=DESIGN | {"lonely": rule}), sample_of(c, answer(c.codes())))
    c.agree(field(rows, "percent") / 100, c.r_q(f"{rule}.prop.est[#]"), CLOSE)
    c.agree(field(rows, "standard_error") / 100, c.r_q(f"{rule}.prop.se[#]"), CLOSE)
    assert rows["agree", "all"]["variance_method"] == f"Taylor linearisation, strata and PSU; lone PSU: {rule}"


def test_lone_psus_without_a_rule_set_the_release_aside_and_are_all_named() -> None:
    c = case("case04_lonely_psu")
    with pytest.raises(ProblemsError) as told:
        rows_of(release(design=DESIGN), sample_of(c, answer(c.codes())))
    (problem,) = told.value.problems
    assert (problem.cause, problem.file) == ("manifest", "house/monitor/08/release.yml")
    assert (problem.column, problem.value) == ("respondents.design.lonely", "2, 5")
    assert problem.expected and all(rule in problem.expected for rule in ("remove", "certainty", "adjust", "average"))


def test_weights_only_by_the_textbook_formula() -> None:
    """Lumley 2010, ch. 2: n / (n - 1) sum (w (y - p) / W)^2, n the rows of the whole sample, in plain sums."""
    weights = [0.5 + (7 * i % 11) / 10 for i in range(300)]
    chosen = [(5 * i + i // 7) % 3 for i in range(300)]
    region = ["north" if i % 4 else "south" for i in range(300)]
    rows = rows_of(release(), sample(weights, answer(chosen, ("a", "b", "c")), banners=(columns("region", region),)))
    for place, members in (("all", range(300)), ("south", range(0, 300, 4))):
        whole = math.fsum(weights[i] for i in members)
        p = math.fsum(weights[i] for i in members if chosen[i] == 1) / whole
        squares = math.fsum((weights[i] * ((chosen[i] == 1) - p) / whole) ** 2 for i in members)
        error = math.sqrt(squares * 300 / 299)
        row = rows["b", place]
        assert (row["percent"], row["standard_error"]) == pytest.approx((100 * p, 100 * error), rel=1e-12)
        assert row["degrees_of_freedom"] == len(members) - 1
        deff = error**2 / (p * (1 - p) / (len(members) - 1))
        assert (row["design_effect"], row["n_effective"]) == pytest.approx((deff, len(members) / deff), rel=1e-12)
        assert row["variance_method"] == "Taylor linearisation, weights only"


def test_rows_have_the_declared_columns_and_the_release_of_their_figure() -> None:
    given = simple(scores=[1.0] * 20 + [3.0] * 180)
    estimates, scores = estimate_respondents(release(), "house/monitor/08", given, FILE)
    assert set(estimates[0]) == set(VALUES.names) - {"load_vintage"}
    assert set(scores[0]) == set(SCORES.columns)
    row = estimates[0]
    assert (row["release"], row["question"], row["basis"], row["qualifier"]) == (
        "house/monitor/08", "q1", "microdata", "exact",
    )  # fmt: skip
    assert (str(row["fieldwork_start"]), str(row["fieldwork_end"])) == ("2022-03-01", "2022-03-14")
    assert (row["base"], row["vintage"], row["standing"], row["published_text"]) == (
        "all respondents", "2022-03-20", "figure", None,
    )  # fmt: skip
    for rows, table in ((estimates, ESTIMATES), (scores, SCORES)):
        for name, column in table.columns.items():
            assert column.nullable or all(one[name] is not None for one in rows), f"{name} may not be empty"


def test_a_net_is_a_union_with_its_own_error_and_comes_after_the_categories() -> None:
    c = case("case01_strat_cluster")
    nets = {"any_view": ["agree", "disagree"], "any_answer": ["any_view", "neither"]}
    rows = rows_of(release(design=DESIGN), sample_of(c, answer(c.codes(), nets=nets)))
    assert [category for category, _ in rows] == [*OPTIONS, "any_view", "any_answer"]
    both, rest = rows["any_view", "all"], rows["any_answer", "all"]
    assert both["percent"] == pytest.approx(rows["agree", "all"]["percent"] + rows["disagree", "all"]["percent"])
    dk = rows["dk", "all"]
    assert (rest["percent"], rest["standard_error"]) == pytest.approx((100 - dk["percent"], dk["standard_error"]))
    assert both["standard_error"] < rows["agree", "all"]["standard_error"] + rows["disagree", "all"]["standard_error"]


def test_a_net_of_several_answers_counts_everyone_once() -> None:
    ticked = np.zeros((100, 3), bool)
    ticked[:40, 0] = ticked[20:60, 1] = True
    base = np.arange(100) < 80
    told = several(ticked, base, ("tv", "radio", "press"), {"broadcast": ["tv", "radio"]})
    rows = rows_of(release(weight="none"), sample(np.ones(100), told))
    assert {c: rows[c, "all"]["percent"] for c in ("tv", "radio", "press", "broadcast")} == {
        "tv": 50, "radio": 50, "press": 0, "broadcast": 75,
    }  # fmt: skip
    row = rows["broadcast", "all"]
    assert (row["n"], row["variance_method"], row["flags"]) == (
        80, "Taylor linearisation, no weights", ["small_base", "unweighted"],
    )  # fmt: skip


def test_categories_that_the_question_did_not_offer_have_no_row() -> None:
    asked = answer([0] * 60 + [1] * 60, ("agree", "disagree"))
    nets = {"mute": ["neither"], "sure": ["agree", "neither"]}
    one = replace(asked, item=item(("agree", "disagree", "neither"), nets))
    assert [category for category, _ in rows_of(release(), sample(np.ones(120), one))] == ["agree", "disagree", "sure"]


@pytest.mark.parametrize("drawn", [{}, {"strata": ["s"]}, {"psu": "p"}, DESIGN])
def test_leaving_out_the_rows_outside_a_column_changes_nothing(drawn: dict[str, Any]) -> None:
    draw = np.random.default_rng(3)
    psu = np.sort(draw.integers(0, 40, 500)).astype(np.int32)
    units = {"stratum": psu // 8} if "strata" in drawn else {}
    units |= {"psu": psu} if "psu" in drawn else {}
    weights, chosen = draw.lognormal(size=500) * (draw.random(500) > 0.05), draw.integers(-1, 4, 500)
    inside = (draw.random(500) < 0.6) & ((psu % 3 > 0) if "psu" in drawn else True)
    whole = survey_design(weights, strata=units.get("stratum"), psu=units.get("psu"))
    expected = shares(whole, chosen, 4, inside)
    assert expected is not None
    place = columns("at", ["x" if one else "" for one in inside])
    names = tuple(str(one) for one in range(5))
    given = sample(weights, answer(chosen), banners=(place,), stratum_names=names, **units)
    rows = rows_of(release(design=drawn), given)
    assert field(rows, "percent", "x") == pytest.approx(100 * expected.values, rel=1e-12)
    assert field(rows, "standard_error", "x") == pytest.approx(100 * expected.errors, rel=1e-12)
    assert rows["agree", "x"]["degrees_of_freedom"] == expected.df


def test_a_share_of_nothing_or_everything_has_the_beta_interval_with_kish_effective_n() -> None:
    given = sample(np.arange(200) % 2 + 1, answer([1] * 200, ("agree", "disagree")))
    rows = rows_of(release(probability="no"), given)
    none, all_ = rows["agree", "all"], rows["disagree", "all"]
    effective = 300**2 / (100 + 4 * 100)
    width = 100 * (1 - 0.025 ** (1 / effective))
    assert (none["percent"], none["percent_low"], all_["percent"], all_["percent_high"]) == (0, 0, 100, 100)
    assert (none["percent_high"], 100 - all_["percent_low"]) == pytest.approx((width, width), rel=1e-12)
    assert none["interval_method"] == "beta (p = 0), model-based"
    assert all_["interval_method"] == "beta (p = 1), model-based"
    assert (none["n_effective"], none["design_effect"]) == pytest.approx((effective, 200 / effective))
    assert "opt_in_panel" in none["flags"]


@pytest.mark.parametrize(("n", "flags"), [(100, []), (99, ["small_base"]), (30, ["small_base"]), (29, ["suppressed"])])
def test_small_bases_are_flagged_and_smaller_ones_suppressed(n: int, flags: list[str]) -> None:
    chosen = [at % 2 for at in range(n)]
    told = sample(np.ones(n), answer(chosen, ("agree", "disagree"), scores=np.array(chosen, float)))
    estimates, scores = estimate_respondents(release(), "house/monitor/08", told, FILE)
    gone = flags == ["suppressed"]
    for row, value in ((estimates[0], "percent"), (scores[0], "value")):
        assert (row["flags"], row["n"], row["weighted_n"]) == (flags, n, n)
        for name in (value, f"{value}_low", f"{value}_high", "standard_error", "variance_method", "interval_method"):
            assert (row[name] is None) == gone, f"{name} of {n}"


def test_a_column_without_anybody_has_no_row_and_one_respondent_is_suppressed() -> None:
    chosen, weights = [0, 1] * 60, np.ones(120)
    place = ["a"] * 100 + ["b"] * 18 + ["c", "d"]
    chosen[118], weights[119] = -1, 0
    rows = rows_of(release(), sample(weights, answer(chosen, ("agree", "disagree")), banners=(columns("at", place),)))
    assert {column for _, column in rows} == {"all", "a", "b"}
    alone = sample(np.ones(1), answer([0], ("agree", "disagree")))
    assert rows_of(release(), alone)["agree", "all"]["flags"] == ["suppressed"]
    nobody = sample(np.zeros(5), answer([0] * 5, ("agree", "disagree")))
    assert estimate_respondents(release(), "house/monitor/08", nobody, FILE) == ([], [])


def test_no_variance_and_no_degrees_of_freedom_are_said_and_never_a_number() -> None:
    psu = np.repeat(np.arange(4, dtype=np.int32), 50)
    alike = answer([0, 1] * 100, ("agree", "disagree"), scores=np.full(200, 0.1))
    places = columns("psu", [str(one) for one in psu])
    given = sample(np.ones(200), alike, psu=psu, banners=(places,))
    estimates, scores = estimate_respondents(release(design={"psu": "psu"}), "house/monitor/08", given, FILE)
    row = estimates[0]
    assert (row["percent"], row["standard_error"], row["percent_low"], row["flags"]) == (
        50,
        None,
        None,
        ["no_variance"],
    )
    assert row["n_effective"] == 200
    assert (scores[0]["value"], scores[0]["standard_error"], scores[0]["flags"]) == (
        pytest.approx(0.1), None, ["no_variance"],
    )  # fmt: skip
    uneven = answer([0] * 60 + [1] * 60 + [0] * 80, ("agree", "disagree"))
    halves = columns("half", [("x", "y")[one % 2] for one in psu])
    stratum = (psu // 2).astype(np.int32)
    mixed = sample(np.ones(200), uneven, psu=psu, stratum=stratum, stratum_names=("city", "land"), banners=(halves,))
    row = rows_of(release(design=DESIGN), mixed)["agree", "y"]
    assert (row["percent"], row["degrees_of_freedom"], row["percent_low"]) == (60, 0, None)
    assert row["standard_error"] > 0 and row["flags"] == ["no_degrees_of_freedom"]
    for row in [*estimates, *scores]:
        assert not any(isinstance(v, float) and not math.isfinite(v) for v in row.values()), row


def test_average_without_a_good_stratum_in_a_column_leaves_the_share_without_error() -> None:
    stratum = np.repeat(np.array([0, 1, 1], dtype=np.int32), 50)
    psu = np.repeat(np.arange(3, dtype=np.int32), 50)
    given = sample(
        np.ones(150), answer([0, 1, 1] * 50, ("agree", "disagree")), stratum=stratum, psu=psu,
        stratum_names=("city", "land"), banners=(columns("stratum", [str(one) for one in stratum]),),
    )  # fmt: skip
    rows = rows_of(release(design=DESIGN | {"lonely": "average"}), given)
    lone = rows["agree", "0"]
    assert lone["percent"] == pytest.approx(34)
    assert (lone["standard_error"], lone["flags"]) == (None, ["no_variance", "small_base"])


def test_flags_of_release_and_question() -> None:
    half = simple(form="half", base="those who vote", reviewed_by=None, decision="exclude")
    row = rows_of(release(status="interim"), half)["agree", "all"]
    assert row["flags"] == ["base_not_all", "interim", "outside_trends", "part_of_sample", "provisional"]
    assert row["base"] == "those who vote"


def test_an_index_has_a_mean_and_no_shares() -> None:
    told = {"item": "trust", "concept": "trust", "title": "Trust", "wording": "-", "wording_kind": "paraphrase"}
    of = Item.model_validate(told | {"derived": {"kind": "index", "of": ["army"]}})
    scores = np.where(np.arange(200) < 150, np.arange(200) % 5, math.nan)
    index = Answer(
        question(variable=None), of, (), np.full(200, -1, np.int16), None, ~np.isnan(scores), scores
    )  # fmt: skip
    estimates, found = estimate_respondents(release(), "house/monitor/08", sample(np.ones(200), index), FILE)
    assert estimates == []
    (row,) = found
    assert (row["statistic"], row["value"], row["n"]) == ("index", pytest.approx(2), 150)


def test_the_id_depends_on_the_inputs_of_the_figure_and_on_nothing_else() -> None:
    first = rows_of(release(), simple())["agree", "all"]["estimate_id"]
    assert len(first) == 17 and first[0] == "e" and first[1:] == first[1:].lower()

    def again(told: Release | None = None, **more: Any) -> str:
        return str(rows_of(told or release(), simple(**more))["agree", "all"]["estimate_id"])

    assert again(reviewed_by=None, decision="note", reason="why", note="so") == first
    counted = tuple(
        CodeCount(str(at), None, c, "substantive", True, None, 7) for at, c in enumerate(["agree", "disagree"])
    )
    assert again(codes_are=counted) == first, "labels and counts do not change a figure"
    others = [
        again(where="age=18..29", base="young"),
        again(release(interval="wilson")),
        again(release(weight="w2")),
        again(release(design={"psu": "psu"})),
        again(release(told={"rows": "sample=1"})),
        again(codes_are=(*counted[:1], CodeCount("5", None, "disagree", "substantive", True, None, 7))),
    ]
    other_file = estimate_respondents(release(), "house/monitor/08", simple(), "1" * 64)[0][0]["estimate_id"]
    assert len({first, other_file, *others}) == 8


def test_the_id_of_a_net_and_of_a_column_depends_on_their_definition() -> None:
    def id_of(cell: tuple[str, str], age: str, parts: list[str]) -> str:
        banner = {"subgroup": "age", "variable": "age", "values": [{"value": "young", "codes": age}]}
        given = sample(
            np.ones(200), answer([0, 1, 2, 3] * 50, nets={"net": parts}), banners=(columns("age", ["young"] * 200),)
        )
        return str(rows_of(release(banners=[banner]), given)[cell]["estimate_id"])

    parts = ["agree", "dk"]
    assert id_of(("net", "all"), "1", parts) != id_of(("net", "all"), "1", ["agree", "neither"])
    assert id_of(("agree", "all"), "1", parts) == id_of(("agree", "all"), "2", ["agree", "neither"])
    assert id_of(("agree", "young"), "1", parts) != id_of(("agree", "young"), "2", parts)


def test_the_id_of_a_derived_item_depends_on_what_it_is_derived_from() -> None:
    told = {"item": "views", "concept": "war", "title": "Views", "wording": "-", "wording_kind": "paraphrase"}
    of = Item.model_validate(
        told
        | {"categories": [{"id": "n0", "label": "0"}, {"id": "n1", "label": "1"}]}
        | {"derived": {"kind": "count", "of": ["army"], "category": "agree"}}
    )

    def id_of(part: Answer) -> str:
        row = question(question="views", item="views", variable=None)
        assert part.chosen is not None
        count = Answer(row, of, ("n0", "n1"), (part.chosen == 0).astype(np.int16), None, part.base, None)
        estimates, _ = estimate_respondents(release(), "house/monitor/08", sample(np.ones(200), part, count), FILE)
        return str(next(row["estimate_id"] for row in estimates if row["category"] == "n1"))

    chosen = [0, 1, 2, 3] * 50
    first = id_of(answer(chosen))
    assert id_of(answer(chosen, note="another note")) == first
    assert id_of(answer(chosen, where="age=18..29")) != first
    assert id_of(answer(chosen, codes_are=codes(OPTIONS)[::-1])) == first, "the order of rows means nothing"
    assert id_of(answer(chosen, codes_are=codes(OPTIONS)[:3])) != first
