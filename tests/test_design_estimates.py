"""Totals, means, shares and ratios against R `survey`: cases 01 to 07, 12, 14 and 19; and what the design refuses."""

import numpy as np
import pytest

from assets.estimates.design.design import DesignError, Lonely, degrees_of_freedom, survey_design
from assets.estimates.design.effects import design_effects, kish
from assets.estimates.design.linear import Estimate, contrast, means, ratio, shares, t_interval, together, totals
from tests.design_oracles import OPTIONS, case

CASE01 = "case01_strat_cluster"


def known(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


def test_case01_shares_totals_means_ratio() -> None:
    c = case(CASE01)
    d = c.design()
    p = known(shares(d, c.codes(), 4))
    c.agree(p.values, c.r_q("prop.est[#]"))
    c.agree(p.errors, c.r_q("prop.se[#]"))
    unit = np.outer(p.errors, p.errors).ravel()
    stats = [f"vcov.[q{a},q{b}]" for a in OPTIONS for b in OPTIONS]
    c.agree(p.covariance, c.r(*stats), unit=unit)
    t = known(totals(d, np.eye(4)[c.codes()]))
    c.agree(t.values, c.r_q("total.est[#]"))
    c.agree(t.errors, c.r_q("total.se[#]"))
    m = known(means(d, c.column("score")))
    c.agree([m.values[0], m.errors[0]], c.r("mean.est[score]", "mean.se[score]"))
    r = known(ratio(d, c.column("score"), c.column("age")))
    c.agree([r.values[0], r.errors[0]], c.r("ratio.est[score/age]", "ratio.se[score/age]"))
    c.agree(p.errors / p.values, c.r_q("cv.#"))
    net = contrast(p, [1, -1, 0, 0])
    c.agree([net.values[0], net.errors[0]], c.r("net.est[contrast]", "net.se[contrast]"))
    assert p.df == c.r("df.")[0]


def test_case01_intervals_and_design_effects() -> None:
    c = case(CASE01)
    d = c.design()
    p = known(shares(d, c.codes(), 4))
    for name, df in (("ci_t", None), ("ci_norm", np.inf)):
        both = t_interval(p, df=df)
        c.agree(both[:, 0], c.r_q(f"{name}.[#,2.5 %]"))
        c.agree(both[:, 1], c.r_q(f"{name}.[#,97.5 %]"))
    columns = np.eye(4)[c.codes()]
    c.agree(design_effects(d.weights, columns, p), c.r_q("prop.deff[#]"))
    c.agree(design_effects(d.weights, columns, p, with_replacement=True), c.r_q("deff_replace.deff[#]"))
    m = known(means(d, c.column("score")))
    c.agree(design_effects(d.weights, c.column("score"), m), c.r("mean.deff[score]"))


def test_case01_domains() -> None:
    c = case(CASE01)
    d = c.design()
    for sex in "fm":
        p = known(shares(d, c.codes(), 4, c.where("sex", sex)))
        c.agree(p.values, c.r_q(f"by.est[{sex}:#]"))
        c.agree(p.errors, c.r_q(f"by.se[{sex}:#]"))
        for age in "1234":
            m = known(means(d, c.column("score"), c.where("sex", sex) & c.where("age", age)))
            c.agree([m.values[0], m.errors[0]], c.r(f"by2.est[{sex}.{age}]", f"by2.se[{sex}.{age}]"))


def test_case02_population_sizes_of_one_stage() -> None:
    c = case("case02_fpc_one_stage")
    d = c.design(population=c.column("fpc"))
    p = known(shares(d, c.codes(), 4))
    c.agree(p.values, c.r_q("prop.est[#]"))
    c.agree(p.errors, c.r_q("prop.se[#]"))
    c.agree(design_effects(d.weights, np.eye(4)[c.codes()], p), c.r_q("prop.deff[#]"))
    t = known(totals(d, c.column("score")))
    c.agree([t.values[0], t.errors[0]], c.r("total.est[score]", "total.se[score]"))
    f = known(shares(d, c.codes(), 4, c.where("sex", "f")))
    c.agree(f.values, c.r_q("dom.est[#]"))
    c.agree(f.errors, c.r_q("dom.se[#]"))
    assert p.df == c.r("df.")[0]


def test_case03_population_sizes_of_two_stages_and_the_ultimate_cluster() -> None:
    c = case("case03_two_stage_fpc")
    d1, d2 = c.column("fpc1"), c.column("fpc2")
    dnum = c.column("dnum")
    schools = np.array([np.count_nonzero(dnum == x) for x in dnum])
    weights = (d1 / len(np.unique(dnum))) * (d2 / schools)
    d = survey_design(weights, psu=dnum, population=d1, second=c.column("snum"), second_population=d2)
    for name in ("api00", "enroll"):
        both = np.column_stack([c.column("api00"), c.column("enroll")])  # a row without one of them is out of both
        m = known(means(d, both))
        at = ("api00", "enroll").index(name)
        c.agree([m.values[at], m.errors[at]], c.r(f"mean.est[{name}]", f"mean.se[{name}]"))
    t = known(totals(d, c.column("enroll")))
    c.agree([t.values[0], t.errors[0]], c.r("total.est[enroll]", "total.se[enroll]"))
    types = ("E", "H", "M")
    stype = c.codes("stype", types)
    p = known(shares(d, stype, 3))
    c.agree(p.values, c.r(*(f"prop.est[stype{x}]" for x in types)))
    c.agree(p.errors, c.r(*(f"prop.se[stype{x}]" for x in types)))
    u = known(shares(survey_design(c.column("pw"), psu=dnum), stype, 3))
    c.agree(u.values, c.r(*(f"prop_ultimate_cluster.est[stype{x}]" for x in types)))
    c.agree(u.errors, c.r(*(f"prop_ultimate_cluster.se[stype{x}]" for x in types)))
    for x in types:
        m = known(means(d, c.column("api00"), c.where("stype", x)))
        c.agree([m.values[0], m.errors[0]], c.r(f"dom.est[{x}]", f"dom.se[{x}]"))
    assert p.df == c.r("df.")[0]


def test_case04_lone_psu_fails_by_default_and_names_the_stratum() -> None:
    c = case("case04_lonely_psu")
    d = c.design()
    with pytest.raises(DesignError, match="stratum 2, 5:"):
        shares(d, c.codes(), 4)
    with pytest.raises(DesignError, match="stratum 2, 5:"):
        totals(d, c.column("score"))
    assert degrees_of_freedom(d) == c.r("fail.df.")[0]


@pytest.mark.parametrize("rule", ["remove", "certainty", "adjust", "average"])
def test_case04_rules_for_lone_psus(rule: str) -> None:
    c = case("case04_lonely_psu")
    d = c.design(lonely=rule)
    p = known(shares(d, c.codes(), 4))
    c.agree(p.values, c.r_q(f"{rule}.prop.est[#]"))
    c.agree(p.errors, c.r_q(f"{rule}.prop.se[#]"))
    assert p.df == c.r(f"{rule}.df.")[0]
    f = known(shares(d, c.codes(), 4, c.where("sex", "f")))
    c.agree(f.values, c.r_q(f"{rule}.female.est[#]"))
    c.agree(f.errors, c.r_q(f"{rule}.female.se[#]"))
    for name, of in (("total", totals), ("mean", means)):
        e = known(of(d, c.column("score")))
        c.agree([e.values[0], e.errors[0]], c.r(f"{rule}.{name}.est[score]", f"{rule}.{name}.se[score]"))


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("rule", ["fail", "remove", "certainty", "adjust", "average"])
def test_case05_a_psu_that_is_alone_only_inside_the_domain(rule: str, inside: bool) -> None:
    c = case("case05_lonely_in_domain")
    d = c.design(lonely=rule, lonely_in_domains=inside)
    domain = c.where("dom", "1")
    key = f"{rule} {str(inside).upper()}"
    p = known(shares(d, c.codes(), 4, domain))
    c.agree(p.values, c.r_q(f"{key}.prop.est[#]"))
    c.agree(p.errors, c.r_q(f"{key}.prop.se[#]"))
    for name, of in (("total", totals), ("mean", means)):
        e = known(of(d, c.column("score"), domain))
        c.agree([e.values[0], e.errors[0]], c.r(f"{key}.{name}.est[score]", f"{key}.{name}.se[score]"))
    assert p.df == c.r(f"{key}.df.")[0]


def test_case06_domain_without_members_in_some_psus_and_strata() -> None:
    c = case("case06_domain_zero_psus")
    d = c.design()
    domain = c.where("dom", "1")
    p = known(shares(d, c.codes(), 4, domain))
    c.agree(p.values, c.r_q("dom.est[#]"))
    c.agree(p.errors, c.r_q("dom.se[#]"))
    t = known(totals(d, np.eye(4)[c.codes()], domain))
    c.agree(t.values, c.r_q("dom_total.est[#]"))
    c.agree(t.errors, c.r_q("dom_total.se[#]"))
    r = known(ratio(d, domain * c.where("q", "agree"), domain))
    c.agree([r.values[0]], c.r('via_ratio.est[I(dom * (q == "agree"))/dom]'))
    c.agree([r.errors[0]], c.r('via_ratio.se[I(dom * (q == "agree"))/dom]'))
    assert p.df == c.r("df_dom.")[0]
    one = known(shares(d, c.codes(), 4, c.where("one", "1")))
    c.agree(one.values, c.r_q("one_person.est[#]"))
    c.agree(one.errors, c.r_q("one_person.se[#]"))
    assert (one.n, one.df) == (1, 0)


def test_case06_empty_domain_is_nothing_where_r_says_zero() -> None:
    c = case("case06_domain_zero_psus")
    d = c.design()
    never = c.where("never", "1")
    assert c.r_q("empty.est[#]").tolist() == [0.0] * 4  # R; ours on purpose:
    assert shares(d, c.codes(), 4, never) is None
    assert means(d, c.column("score"), never) is None
    assert totals(d, c.column("score"), never) is None
    assert ratio(d, c.column("score"), c.column("age"), never) is None


def test_case06_rows_filtered_before_the_design_give_another_error() -> None:
    c = case("case06_domain_zero_psus")
    wrong = c.r_q("WRONG_filtered_rows.se[#]")
    right = known(shares(c.design(), c.codes(), 4, c.where("dom", "1"))).errors
    assert (np.abs(right / wrong - 1) > 0.01).all()


def test_case07_zero_weights_and_missing_answers() -> None:
    c = case("case07_zero_weights_missing")
    d = c.design()
    q = c.codes()
    p = known(shares(d, q, 4))
    c.agree(p.values, c.r_q("prop.est[#]"))
    c.agree(p.errors, c.r_q("prop.se[#]"))
    columns = np.where(q[:, None] < 0, np.nan, np.eye(4)[q])
    c.agree(design_effects(d.weights, columns, p), c.r_q("prop.deff[#]"))
    t = known(totals(d, columns))
    c.agree(t.values, c.r_q("total.est[#]"))
    c.agree(t.errors, c.r_q("total.se[#]"))
    for sex in "fm":
        f = known(shares(d, q, 4, c.where("sex", sex)))
        c.agree(f.values, c.r_q(f"by.est[{sex}:#]"))
        c.agree(f.errors, c.r_q(f"by.se[{sex}:#]"))
        assert f.n == c.r(f"count.est[{sex}]")[0]
    positive = known(shares(d, q, 4, d.weights > 0))
    c.agree(positive.values, c.r_q("prop_dropzero.est[#]"))
    c.agree(positive.errors, c.r_q("prop_dropzero.se[#]"))
    missing = known(means(d, q < 0))
    c.agree([missing.values[0], missing.errors[0]], c.r("miss.est[is.na(q)TRUE]", "miss.se[is.na(q)TRUE]"))
    assert degrees_of_freedom(d) == c.r("df.")[0]
    assert degrees_of_freedom(d, d.weights > 0) == c.r("df_dropzero.")[0]


def test_case12_independent_waves_have_no_covariance() -> None:
    c = case("case12_waves_independent")
    d = c.design()
    waves = [known(means(d, c.column("y"), c.where("wave", str(t)))) for t in range(1, 7)]
    joint = together(d, waves)
    c.agree(joint.values, c.r(*(f"level.est[{t}]" for t in range(1, 7))))
    unit = np.outer(joint.errors, joint.errors).ravel()
    stats = [f"cov.[{a},{b}]" for a in range(1, 7) for b in range(1, 7)]
    c.agree(joint.covariance, c.r(*stats), unit=unit)
    c.agree(joint.errors, c.r(*(f"level.se[{t}]" for t in range(1, 7))))
    steps = contrast(joint, np.eye(6)[1:] - np.eye(6)[:-1])
    c.agree(steps.values, c.r(*(f"diff.{t}.est[contrast]" for t in range(1, 6))))
    c.agree(steps.errors, c.r(*(f"diff.{t}.se[contrast]" for t in range(1, 6))))
    assert joint.df == c.r("df.")[0]


def test_case12_differences_of_differences() -> None:
    c = case("case12_waves_independent")
    d = c.design()
    cells = {}
    for t in "123456":
        for sex in "fm":
            m = known(means(d, c.column("y"), c.where("wave", t) & c.where("sex", sex)))
            c.agree([m.values[0], m.errors[0]], c.r(f"bysex.est[{t}.{sex}]", f"bysex.se[{t}.{sex}]"))
            cells[sex + t] = m
    four = together(d, [cells[name] for name in ("f1", "m1", "f6", "m6")])
    did = contrast(four, [1, -1, -1, 1])
    c.agree([did.values[0], did.errors[0]], c.r("did.est[contrast]", "did.se[contrast]"))


def test_case14_waves_of_a_panel_share_psus() -> None:
    c = case("case14_waves_panel_overlap")
    d = c.design()
    both = [c.where("wave", t) for t in "12"]
    y = together(d, [known(means(d, c.column("y"), wave)) for wave in both])
    c.agree(y.values, c.r("level.est[1]", "level.est[2]"))
    c.agree(y.errors, c.r("level.se[1]", "level.se[2]"))
    c.agree(y.covariance, c.r(*(f"cov.[{a},{b}]" for a in "12" for b in "12")))
    assert y.df == c.r("df.")[0]
    score = together(d, [known(means(d, c.column("score"), wave)) for wave in both])
    moved = contrast(score, [-1, 1])
    c.agree(moved.values, c.r("diff_score.est[contrast]"), unit=moved.errors)
    c.agree(moved.errors, c.r("diff_score.se[contrast]"))
    change = contrast(y, [-1, 1])
    c.agree(change.values, c.r("diff.est[contrast]"), unit=change.errors)
    c.agree(change.errors, c.r("diff.se[contrast]"))
    apart = np.sqrt((y.errors**2).sum())
    c.agree([apart], c.r("WRONG_independent_se."))
    assert apart > 1.9 * change.errors[0]
    q = together(d, [known(shares(d, c.codes(), 4, wave)) for wave in both])
    names = [f"{t}:q{option}" for t in "12" for option in OPTIONS]
    unit = np.outer(q.errors, q.errors).ravel()
    c.agree(q.covariance, c.r(*(f"covq.[{a},{b}]" for a in names for b in names)), unit=unit)
    steps = contrast(q, np.hstack([-np.eye(4), np.eye(4)]))
    c.agree(steps.values, c.r(*(f"diff_q.{k}.est[contrast]" for k in range(1, 5))), unit=steps.errors)
    c.agree(steps.errors, c.r(*(f"diff_q.{k}.se[contrast]" for k in range(1, 5))))
    net = contrast(q, [-1, 1, 0, 0, 1, -1, 0, 0])
    c.agree([net.values[0], net.errors[0]], c.r("net_change.est[contrast]", "net_change.se[contrast]"), unit=net.errors)


def test_case19_a_wave_as_a_domain_has_its_own_degrees_of_freedom() -> None:
    c = case("case19_nonest_pooled_domain_wave")
    d = c.design()
    for t in range(1, 7):
        wave = c.where("wave", str(t))
        p = known(shares(d, c.codes(), 4, wave))
        c.agree(p.values, c.r_q(f"pooled_domain.est[{t}:#]"))
        c.agree(p.errors, c.r_q(f"pooled_domain.se[{t}:#]"))
        own = survey_design(d.weights[wave], strata=c.column("stratum")[wave], psu=c.column("psu")[wave])
        e = known(shares(own, c.codes()[wave], 4))
        c.agree(e.values, c.r_q(f"own_design.{t}.est[#]"))
        c.agree(e.errors, c.r_q(f"own_design.{t}.se[#]"))
    assert degrees_of_freedom(d) == c.r("df_pooled.")[0]
    assert degrees_of_freedom(d, c.where("wave", "1")) == c.r("df_wave1_sub.")[0] == c.r("df_wave1_own.")[0]


def test_kish_by_hand() -> None:
    deff, n = kish(np.array([1.0, 1.0, 2.0, 0.0]))
    assert (deff, n) == pytest.approx((18 / 16, 16 / 6))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"weights": [1, -1]}, "at least 0"),
        ({"weights": [1, float("nan")]}, "finite"),
        ({"weights": []}, "at least one row"),
        ({"weights": [1, 1], "strata": [1]}, "2 rows"),
        ({"weights": [1, 1], "strata": ["a", None]}, "strata has missing"),
        ({"weights": [1, 1], "psu": [1, float("nan")]}, "psu has missing"),
        ({"weights": [1, 1], "strata": ["a", "b"], "psu": [7, 7]}, "psu 7 lies in more than one"),
        ({"weights": [1, 1], "population": [1, 1]}, "2 sampled from a population of 1"),
        ({"weights": [1, 1], "population": [3, 4]}, "not the same"),
        ({"weights": [1, 1], "population": [3, 0]}, "above 0"),
        ({"weights": [1, 1], "second": [1, 2]}, "both stages"),
        ({"weights": [1, 1], "second_population": [1, 2]}, "without second"),
        ({"weights": [1, 1], "lonely": "ignore"}, "unknown rule"),
    ],
)
def test_a_design_that_contradicts_itself_is_refused(arguments: dict[str, object], told: str) -> None:
    with pytest.raises(DesignError, match=told):
        survey_design(**arguments)  # type: ignore[arg-type]


def test_answers_that_do_not_fit_are_refused() -> None:
    d = survey_design([1.0, 1.0, 1.0])
    with pytest.raises(DesignError, match="below 2"):
        shares(d, [0, 1, 2], 2)
    with pytest.raises(DesignError, match="3 rows"):
        means(d, [1.0, 2.0])
    with pytest.raises(DesignError, match="finite"):
        means(d, [1.0, 2.0, float("inf")])
    with pytest.raises(DesignError, match="mask"):
        means(d, [1.0, 2.0, 3.0], np.array([0, 1, 1]))


def test_a_ratio_to_nothing_is_nothing() -> None:
    assert ratio(survey_design([1.0, 1.0]), [1.0, 2.0], [0.0, 0.0]) is None


def test_rules_for_lone_psus_inside_domains_leave_the_second_stage_alone() -> None:
    def error(rule: Lonely, inside: bool) -> float:
        d = survey_design(
            np.ones(8),
            psu=[1, 1, 1, 1, 2, 2, 2, 2],
            population=[9] * 8,
            second=range(8),
            second_population=[20] * 8,
            lonely=rule,
            lonely_in_domains=inside,
        )
        domain = np.array([1, 0, 0, 0, 1, 1, 0, 0], np.bool_)
        return float(known(totals(d, np.arange(8.0) + 3, domain)).errors[0])

    assert error("adjust", True) == error("adjust", False) == error("remove", False) > 0


@pytest.mark.parametrize("rule", ["fail", "adjust", "average"])
def test_a_lone_second_stage_unit_has_no_variance(rule: Lonely) -> None:
    d = survey_design(
        np.ones(3), psu=[1, 1, 2], population=[9] * 3, second=range(3), second_population=[20] * 3, lonely=rule
    )
    with pytest.raises(DesignError, match="second-stage unit only in PSU 2"):
        totals(d, np.ones(3))


def test_rule_average_needs_a_stratum_to_average() -> None:
    d = survey_design(np.ones(2), strata=[1, 2], lonely="average")
    with pytest.raises(DesignError, match="every stratum"):
        totals(d, np.ones(2))


def test_a_stratum_drawn_whole_is_never_lone() -> None:
    def error(inside: bool) -> float:
        d = survey_design(
            np.ones(5), strata=[1, 1, 2, 2, 2], population=[2, 2, 9, 9, 9], lonely="average", lonely_in_domains=inside
        )
        return float(known(totals(d, np.arange(5.0), np.array([0, 1, 1, 1, 1], np.bool_))).errors[0])

    assert error(True) == error(False) > 0


def test_all_psus_drawn_leave_no_error() -> None:
    d = survey_design([1.0, 1.0, 1.0], strata=["a", "a", "b"], population=[2, 2, 1])
    assert known(means(d, [1.0, 2.0, 5.0])).errors.tolist() == [0.0]
