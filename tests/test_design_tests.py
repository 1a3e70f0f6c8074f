"""Rao-Scott and t tests against R `svychisq` and `svyttest`: cases 10, 11, 12 and 14."""

import numpy as np
import pytest

from assets.estimates.design.chi_square import RaoScott, independence
from assets.estimates.design.design import DesignError, degrees_of_freedom, survey_design
from assets.estimates.design.t_test import TTest, one_domain, two_domains
from tests.design_oracles import Case, case

CASE10, CASE11 = "case10_rao_scott", "case11_svyttest"


def compare_table(c: Case, key: str, ours: RaoScott | None) -> None:
    assert ours is not None
    stats = (f"{key}.stat", f"{key}.p", f"{key}.par.ndf", f"{key}.par.ddf")
    c.agree([ours.f, ours.p, ours.df_top, ours.df_bottom], c.r(*stats), 1e-11)


def compare_t(c: Case, key: str, ours: TTest | None) -> None:
    assert ours is not None
    figures = [ours.t, ours.p, ours.df, ours.difference, ours.low, ours.high]
    stats = ("stat", "p", "par.df", "est", "lci", "uci")
    unit = np.array([1.0, 1.0, 1.0, ours.error, ours.error, ours.error])
    c.agree(figures, c.r(*(f"{key}.{stat}" for stat in stats)), 1e-11, unit=unit)


def test_case10_two_questions() -> None:
    c = case(CASE10)
    d = c.design()
    sex, age = c.codes("sex", "fm"), c.codes("age", "1234")
    for prefix, other in (("", sex), ("age_", age)):
        ours = independence(d, c.codes(), other)
        compare_table(c, f"{prefix}F", ours)
        assert ours is not None
        stats = (f"{prefix}Chisq.stat", f"{prefix}Chisq.p", f"{prefix}Chisq.par.df")
        c.agree([ours.pearson, ours.p_first_order, ours.df_pearson], c.r(*stats), 1e-11)
    compare_table(c, "subset", independence(d, c.codes(), sex, ~c.where("age", "1")))


def test_case10_a_domain_has_its_own_degrees_of_freedom() -> None:
    c = case(CASE10)
    d, half = c.design(), c.column("stratum") <= 3
    ours = independence(d, c.codes(), c.codes("sex", "fm"), half)
    assert ours is not None
    assert ours.df_bottom / ours.df_top == pytest.approx(degrees_of_freedom(d, half)) == pytest.approx(9)


def test_case12_waves() -> None:
    c = case("case12_waves_independent")
    compare_table(c, "rao_scott", independence(c.design(), c.codes(), c.codes("wave", "123456")))


def test_tables_without_a_test() -> None:
    d = survey_design([1.0, 1.0, 1.0, 0.0])
    assert independence(d, np.array([0, 1, 0, 1]), np.array([0, 0, 0, 1])) is None  # one column with a weight
    with pytest.raises(DesignError, match="whole numbers"):
        independence(d, np.array([0.5] * 4), np.array([0] * 4))


def test_case11_two_domains_and_one() -> None:
    c = case(CASE11)
    d, score = c.design(), c.column("score")
    f, m = (c.where("sex", sex) for sex in "fm")
    older = ~c.where("age", "1")
    compare_t(c, "two", two_domains(d, score, f, m))
    compare_t(c, "prop", two_domains(d, c.column("y3"), f, m))
    compare_t(c, "subset", two_domains(d, score, f & older, m & older))
    compare_t(c, "one", one_domain(d, score, 5.0))


def test_case12_and_case14_two_waves() -> None:
    for name, key in (("case12_waves_independent", "ttest12"), ("case14_waves_panel_overlap", "ttest")):
        c = case(name)
        compare_t(c, key, two_domains(c.design(), c.column("y"), c.where("wave", "1"), c.where("wave", "2")))


def test_a_domain_of_nobody_and_one_of_no_variance() -> None:
    d = survey_design([1.0, 1.0, 1.0])
    everyone = np.ones(3, np.bool_)
    assert two_domains(d, [1.0, 2.0, 3.0], everyone, ~everyone) is None
    flat = one_domain(d, [1.0, 1.0, 1.0])
    assert flat is not None and np.isnan(flat.t) and flat.error == 0
