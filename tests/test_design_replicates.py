"""Replicate weights against R `survey`: the six kinds of case 08, given and made, and what is refused."""

import numpy as np
import pytest

from assets.estimates.design.design import DesignError, survey_design
from assets.estimates.design.effects import design_effects
from assets.estimates.design.replicates import (
    Replicated,
    Replicates,
    common_scale,
    given,
    jackknife,
    replicate_means,
    replicate_ratio,
    replicate_shares,
    replicate_totals,
    replicates_together,
)
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
