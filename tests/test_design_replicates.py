"""Replicate weights against R `survey`: the six kinds of case 08, given and made, and what is refused."""

from typing import Literal

import numpy as np
import pytest

from assets.estimates.design.design import DesignError, survey_design
from assets.estimates.design.effects import design_effects
from assets.estimates.design.linear import totals
from assets.estimates.design.replicates import (
    Replicated,
    Replicates,
    common_scale,
    given,
    replicate_means,
    replicate_ratio,
    replicate_shares,
    replicate_totals,
    replicates_together,
)
from assets.estimates.design.resampling import bootstrap, half_samples, jackknife, made, number
from tests.design_oracles import Case, case

KINDS = ("JK1", "JKn", "BRR", "Fay", "subbootstrap", "mrbbootstrap")


def known(estimate: Replicated | None) -> Replicated:
    assert estimate is not None
    return estimate


def producer(c: Case, mse: bool) -> Replicates:
    names = [name for name in c.rows[0] if name.startswith("rw")]
    columns = np.column_stack([c.column(name) for name in names])
    return given(c.column("w"), columns, c.column("scale")[0] * c.column("rscales")[: len(names)], mse)


@pytest.mark.parametrize("mse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_case08_replicates_given(kind: str, mse: bool) -> None:
    c = case(f"case08_rep_{kind}")
    r = producer(c, mse)
    key = f"mse{str(mse).upper()}"
    p = known(replicate_shares(r, c.codes(), 4))
    c.agree(p.values, c.r_q(f"{key}.prop.est[#]"))
    c.agree(p.errors, c.r_q(f"{key}.prop.se[#]"))
    m = known(replicate_means(r, c.column("score")))
    c.agree([m.values[0], m.errors[0]], c.r(f"{key}.mean.est[score]", f"{key}.mean.se[score]"))
    c.agree(design_effects(r.weights, c.column("score"), m), c.r(f"{key}.mean.deff[score]"))
    t = known(replicate_totals(r, np.eye(4)[c.codes()]))
    c.agree(t.values, c.r_q(f"{key}.total.est[#]"))
    c.agree(t.errors, c.r_q(f"{key}.total.se[#]"))
    for sex in "fm":
        d = known(replicate_shares(r, c.codes(), 4, c.where("sex", sex)))
        c.agree(d.values, c.r_q(f"{key}.dom.est[{sex}:#]"))
        c.agree(d.errors, c.r_q(f"{key}.dom.se[{sex}:#]"))
    q = known(replicate_ratio(r, c.column("score"), c.column("age")))
    c.agree([q.values[0], q.errors[0]], c.r(f"{key}.ratio.est[score/age]", f"{key}.ratio.se[score/age]"))
    assert p.df == c.r(f"{key}.df.")[0]


def test_case08_replicates_made() -> None:
    for kind in ("JK1", "JKn"):
        c = case(f"case08_rep_{kind}")
        strata = c.column("stratum") if kind == "JKn" else None
        theirs = producer(c, False)
        ours = jackknife(survey_design(c.column("w"), strata=strata, psu=c.column("psu")), kind)
        c.agree(ours.columns, theirs.columns.ravel())
        c.agree(ours.scales, theirs.scales)


@pytest.mark.parametrize(("kind", "rho"), [("BRR", 0.0), ("Fay", 0.3)])
def test_case08_half_samples_made_here_have_the_errors_of_totals_of_r(kind: Literal["BRR", "Fay"], rho: float) -> None:
    """R takes another Hadamard matrix. Balance makes the errors of totals equal with any, and with linearisation."""
    c = case(f"case08_rep_{kind}")
    design = survey_design(c.column("w"), strata=c.column("stratum"), psu=c.column("psu"))
    ours = made(design, kind, rho=rho)
    assert ours.columns.shape[1] >= len(design.first.names) + 1
    totalled = known(replicate_totals(ours, np.eye(4)[c.codes()]))
    linear = totals(design, np.eye(4)[c.codes()])
    assert linear is not None
    np.testing.assert_allclose(totalled.errors, linear.errors, rtol=1e-12)
    c.agree(totalled.errors, c.r_q("mseFALSE.total.se[#]"))
    shared = known(replicate_shares(ours, c.codes(), 4))
    np.testing.assert_allclose(shared.errors, c.r_q("mseFALSE.prop.se[#]"), rtol=0.1)  # not linear: another matrix


def test_half_samples_are_balanced() -> None:
    stratum, psu = np.repeat(np.arange(5), 4), np.repeat(np.arange(10), 2)
    columns = half_samples(survey_design(np.ones(20), strata=stratum, psu=psu)).columns
    assert columns.shape == (20, 8)
    signs = columns[::4] - 1
    np.testing.assert_array_equal(signs @ signs.T, 8 * np.eye(5))
    np.testing.assert_array_equal(columns[::4] + columns[2::4], 2)
    np.testing.assert_allclose(
        half_samples(survey_design(np.ones(20), strata=stratum, psu=psu), 0.3).columns.min(), 0.3
    )


def test_the_bootstrap_draws_one_psu_less_and_scales_it_up() -> None:
    """Rao and Wu 1988: factors are m / (m - 1) times a count, the expected variance of a total is the linear one."""
    draws = np.random.default_rng(5)
    stratum = np.repeat([0, 1, 2], [12, 20, 30])
    psu = np.concatenate([np.arange(12) // 3, 10 + np.arange(20) // 4, 20 + np.arange(30) // 5])
    weights, values = draws.uniform(1, 3, 62), draws.normal(5, 2, 62)
    design = survey_design(weights, strata=stratum, psu=psu)
    replicates = bootstrap(design, 4000, seed=3)
    for name, m in zip((0, 1, 2), (4, 5, 6), strict=True):
        here = stratum == name
        first = np.unique(psu[here], return_index=True)[1]
        factor = (replicates.columns[here] / weights[here, None])[first]
        counts = factor * (m - 1) / m
        np.testing.assert_allclose(counts, np.rint(counts), atol=1e-12)
        np.testing.assert_allclose(counts.sum(axis=0), m - 1)
    linear = totals(design, values)
    assert linear is not None
    np.testing.assert_allclose(known(replicate_totals(replicates, values)).errors, linear.errors, rtol=0.03)
    again = bootstrap(design, 4000, seed=3)
    assert again.columns.tobytes() == replicates.columns.tobytes()
    assert bootstrap(design, 4000, seed=4).columns.tobytes() != replicates.columns.tobytes()


def test_what_has_no_half_samples_or_bootstrap_is_refused() -> None:
    three = survey_design([1.0] * 5, strata=[1, 1, 1, 2, 2])
    with pytest.raises(DesignError, match="1 has 3: use JKn"):
        half_samples(three)
    with pytest.raises(DesignError, match="no replicates with rule fail"):
        bootstrap(survey_design([1.0] * 3, strata=[1, 1, 2]))
    finite = survey_design([1.0] * 4, strata=[1, 1, 2, 2], population=[9, 9, 9, 9])
    for kind in ("BRR", "bootstrap"):
        with pytest.raises(DesignError, match="takes no population sizes"):
            made(finite, kind)  # type: ignore[arg-type]
    with pytest.raises(DesignError, match="a stratum with two PSUs"):
        half_samples(survey_design([1.0] * 2, strata=[1, 2], lonely="certainty"))
    alone = half_samples(survey_design([1.0] * 3, strata=[1, 1, 2], lonely="certainty"))
    assert alone.columns[2].tolist() == [1, 1]
    assert [number(three.first.sampled, kind, 50) for kind in ("JKn", "BRR", "bootstrap")] == [5, 2, 50]


def test_case08_common_scales() -> None:
    for theirs, ours in (
        ("JK1", common_scale("JK1", 8)),
        ("BRR", common_scale("BRR", 8)),
        ("Fay", common_scale("Fay", 8, 0.3)),
        ("subbootstrap", common_scale("bootstrap", 40)),
    ):
        c = case(f"case08_rep_{theirs}")
        c.agree([ours], producer(c, False).scales[:1])
    with pytest.raises(DesignError, match="two replicates"):
        common_scale("BRR", 1)


def test_domains_side_by_side_have_the_covariance_of_all_at_once() -> None:
    c = case("case08_rep_JKn")
    r = producer(c, True)
    whole = known(replicate_shares(r, c.codes(), 4))
    columns = np.eye(4)[c.codes()]
    apart = replicates_together(r, [known(replicate_means(r, column)) for column in columns.T])
    np.testing.assert_allclose(apart.covariance, whole.covariance, rtol=1e-12, atol=1e-18)
    assert (apart.df, apart.n) == (whole.df, whole.n)


def test_a_domain_within_one_psu_loses_the_replicate_without_it_and_says_so() -> None:
    d = survey_design([1.0, 2.0, 1.0, 3.0], psu=[1, 1, 2, 3])
    r = jackknife(d, "JK1")
    e = known(replicate_means(r, [1.0, 2.0, 5.0, 4.0], np.array([True, True, False, False])))
    assert e.lost == 1
    assert e.errors[0] == 0  # within one PSU nothing varies between replicates: df says that this is no precision
    assert e.df == 0
    assert replicate_means(r, [np.nan] * 4) is None
    assert replicate_ratio(r, [1.0] * 4, [0.0] * 4) is None


def test_a_replicate_of_scale_zero_has_no_part_in_the_centre() -> None:
    columns = np.array([[1.0, 2.0, 1.0], [1.0, 0.0, 9.0]])
    with_it = known(replicate_means(given([1.0, 1.0], columns, [0.5, 0.5, 0.0]), [1.0, 2.0]))
    without = known(replicate_means(given([1.0, 1.0], columns[:, :2], 0.5), [1.0, 2.0]))
    assert with_it.errors[0] == without.errors[0] > 0


def test_what_cannot_be_made_or_read_is_refused() -> None:
    strata = survey_design([1.0] * 3, strata=[1, 1, 2])
    with pytest.raises(DesignError, match="JKn"):
        jackknife(strata, "JK1")
    with pytest.raises(DesignError, match="stratum 2"):
        jackknife(strata)
    kept = jackknife(survey_design([1.0] * 3, strata=[1, 1, 2], lonely="certainty"))
    assert kept.columns.tolist() == [[0, 2], [2, 0], [1, 1]]
    with pytest.raises(DesignError, match="shape"):
        given([1.0], [1.0], 1.0)
    with pytest.raises(DesignError, match="2 scales for 1"):
        given([1.0], [[1.0]], [1.0, 1.0])
    with pytest.raises(DesignError, match="finite"):
        given([1.0], [[float("nan")]], 1.0)
    with pytest.raises(DesignError, match="at least 0"):
        given([1.0], [[1.0]], -1.0)
