"""Estimates of a whole release at once: equal to one figure at a time, to exact fractions, and to themselves.

The second formula is tests/cell_by_cell.py; R's figures through the same function are in
tests/test_respondent_estimates.py.
"""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import duckdb
import numpy as np
import pyarrow.parquet
import pytest

from assets import loading
from assets.estimates.design.design import DesignError, Lonely, survey_design
from assets.estimates.design.linear import means, shares
from assets.estimates.design.residuals import Margins, Regression
from assets.estimates.design.share_intervals import Method
from assets.estimates.engine import coded, moments, sums, sweep, tables
from assets.estimates.engine.coded import Coded, CodedFile
from assets.estimates.engine.frame import Frame, frame, order
from assets.estimates.engine.moments import Banners, banners_of
from assets.estimates.respondents import code_respondents
from assets.questions.answers import Calibration, Sample, TargetColumns
from assets.refresh import refresh
from schemas.problems import ProblemsError
from tests import cell_by_cell, surveys
from tests.conftest import no_audit
from tests.test_respondent_estimates import answer, columns, release, sample, several
from warehouse import connect
from warehouse.layout import Layout

EXACT = 1e-12
RULES = [rule for rule in get_args(Lonely) if rule != "fail"]
FILE = "0" * 64
DESIGNS = {"plain": {}, "strata": {"strata": ["s"]}, "psu": {"psu": "p"}, "both": {"strata": ["s"], "psu": "p"}}


def both_modules() -> list[Any]:
    from assets.estimates.engine import kernel

    return [moments, kernel]


def drawn(seed: int, n: int = 400, kind: str = "both", spread: float = 1.0, lone: bool = True) -> dict[str, Any]:
    """Weights with zeros among them, strata of 1 to 8 PSUs, six columns of a banner, answers of 4 options."""
    draw = np.random.default_rng(seed)
    unit = np.sort(draw.integers(0, 40, n)).astype(np.int32)
    stratum = (np.searchsorted([1, 4, 12, 20, 27] if lone else [4, 12, 20, 27], unit, "right")).astype(np.int32)
    weights = 10 ** draw.uniform(-spread, spread, n) * (draw.random(n) > 0.05)
    chosen = draw.choice(5, n, p=[0.05, 0.45, 0.3, 0.15, 0.05]).astype(np.int16) - 1
    member = np.where(unit % 7 == 0, -1, draw.integers(0, 6, n)).astype(np.int16)
    member[(member == 5) & (stratum > 1)] = 4
    values = np.where(draw.random(n) < 0.1, np.nan, draw.normal(1_000, 3, n).round(1))
    return {
        "weights": weights, "chosen": chosen, "member": member, "scores": values,
        "stratum": stratum if kind in ("strata", "both") else None, "psu": unit if kind in ("psu", "both") else None,
    }  # fmt: skip


def banners(c: dict[str, Any], lonely: str = "remove", **more: Any) -> Banners:
    of = frame(c["weights"], c["stratum"], c["psu"], lonely, **more)  # type: ignore[arg-type]
    return banners_of(of, [np.zeros(len(c["weights"]), np.int16), c["member"]], [1, 6])


def domain(c: dict[str, Any], column: int) -> np.ndarray:
    return np.ones(len(c["weights"]), bool) if column == 0 else c["member"] == column - 1


PARTS = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 1, 1, 1]], bool)


def agrees(c: dict[str, Any], of: Banners, module: Any, design: Any, tolerance: float = EXACT) -> None:
    """Shares, nets and means of all columns against the design functions."""
    found, averages = module.share_sums(of, c["chosen"], 4, PARTS), module.mean_sums(of, c["scores"])
    for at in range(of.size):
        outputs = PARTS.T[np.maximum(c["chosen"], 0)].astype(float)
        outputs[c["chosen"] < 0] = np.nan
        for values, ours, base in (
            (outputs, (found.share[at], found.variance[at]), found.base),
            (c["scores"], (averages.value[[at]], averages.variance[[at]]), averages.base),
        ):
            try:
                expected = means(design, values, domain(c, at))
            except DesignError:
                assert np.isnan(ours[1]).all()
                continue
            if expected is None:
                assert base.n[at] == 0 and np.isnan(ours[0]).all() and np.isnan(ours[1]).all()
                continue
            assert (base.n[at], base.df[at]) == (expected.n, expected.df)
            assert ours[0] == pytest.approx(expected.values, rel=tolerance)
            simple = expected.values * (1 - expected.values) / max(expected.n, 2)
            noise = tolerance * np.abs(simple) if base is found.base else 1e-20
            assert ours[1] == pytest.approx(np.diag(expected.covariance), rel=tolerance, abs=float(np.max(noise)))


@pytest.mark.parametrize("kind", DESIGNS)
@pytest.mark.parametrize("rule", RULES)
def test_all_columns_at_once_as_one_at_a_time(kind: str, rule: Any) -> None:
    for seed in range(3):
        c = drawn(seed, kind=kind)
        if rule == "average":
            c["weights"][c["weights"] == 0] = 0.5  # rows with weight 0 are counted by numpy only, see `sums`
        design = survey_design(c["weights"], strata=c["stratum"], psu=c["psu"], lonely=rule)
        for module in both_modules():
            agrees(c, banners(c, rule), module, design)


@pytest.mark.parametrize("rule", RULES)
def test_lone_psus_inside_columns_and_population_sizes(rule: Any) -> None:
    c = drawn(5, n=250)
    c["weights"][c["weights"] == 0] = 0.5
    psus = np.bincount(c["stratum"][np.unique(c["psu"], return_index=True)[1]])
    population = np.array([1, 9, 30, 8, 100, 50])[: len(psus)].clip(psus)
    design = survey_design(
        c["weights"], strata=c["stratum"], psu=c["psu"], population=population[c["stratum"]], lonely=rule,
        lonely_in_domains=True,
    )  # fmt: skip
    of = banners(c, rule, fraction=psus / population, lonely_in_domains=True)
    for module in both_modules():
        agrees(c, of, module, design)


def test_rows_of_weight_zero_make_a_stratum_present_under_the_rule_average() -> None:
    c = drawn(9)
    c["weights"][c["stratum"] == 2] = 0
    design = survey_design(c["weights"], strata=c["stratum"], psu=c["psu"], lonely="average")
    of = banners(c, "average")
    agrees(c, of, moments, design)
    assert sums.sums_for(of, 1, compiled_from=0)[0] is moments


@pytest.mark.parametrize("kind", DESIGNS)
def test_weights_from_a_millionth_to_a_million(kind: str) -> None:
    c = drawn(11, n=2_000, kind=kind, spread=6.0)
    design = survey_design(c["weights"], strata=c["stratum"], psu=c["psu"], lonely="remove")
    for module in both_modules():
        agrees(c, banners(c), module, design)


def exact(c: dict[str, Any], option: int) -> tuple[Fraction, Fraction]:
    """Share of an option of everyone and its variance, in fractions: no rounding at all."""
    rows = [at for at, one in enumerate(c["chosen"]) if one >= 0]
    w = [Fraction(float(one)) for one in c["weights"]]
    whole = sum(w[at] for at in rows)
    p = sum(w[at] for at in rows if c["chosen"][at] == option) / whole
    psu = c["psu"] if c["psu"] is not None else np.arange(len(w))
    stratum = c["stratum"] if c["stratum"] is not None else np.zeros(len(w), int)
    z = dict.fromkeys(map(int, psu), Fraction(0))
    of = {int(one): int(h) for one, h in zip(psu, stratum, strict=True)}
    for at in rows:
        z[int(psu[at])] += w[at] * ((c["chosen"][at] == option) - p)
    total = Fraction(0)
    for h in set(of.values()):
        mine = [z[one] for one in z if of[one] == h]
        mean = sum(mine, Fraction(0)) / len(mine)
        if len(mine) > 1:
            total += Fraction(len(mine), len(mine) - 1) * sum((one - mean) ** 2 for one in mine)
    return p, total / whole**2


@pytest.mark.parametrize("kind", DESIGNS)
def test_near_zero_and_near_one_as_exact_fractions(kind: str) -> None:
    """A rare option with small weights, a common one with large: shares of 1e-9 and of 1 - 1e-9."""
    c = drawn(2, n=300, kind=kind, spread=0.3)
    c["chosen"] = np.where(np.arange(300) % 17 == 0, 0, 1).astype(np.int16)
    c["weights"] = np.where(c["chosen"] == 0, 1e-6 * (1 + c["weights"]), 1e3 * (1 + c["weights"]))
    known = [exact(c, option) for option in (0, 1)]
    for module in both_modules():
        found = module.share_sums(banners(c), c["chosen"], 2, np.eye(2, dtype=bool))
        for option, (p, variance) in enumerate(known):
            assert found.share[0, option] == pytest.approx(float(p), rel=EXACT)
            assert found.rest[0, option] == pytest.approx(float(1 - p), rel=EXACT)
            assert found.variance[0, option] == pytest.approx(float(variance), rel=EXACT)


def test_psus_that_are_all_alike_have_no_variance_and_not_one_of_rounding() -> None:
    psu = np.repeat(np.arange(12, dtype=np.int32), 10)
    chosen = np.tile(np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], np.int16), 12)
    of = banners_of(frame(np.full(120, 0.7), psu // 4, psu, "fail"), [np.zeros(120, np.int16)], [1])
    for module in both_modules():
        found = module.share_sums(of, chosen, 2, np.eye(2, dtype=bool))
        assert (found.variance <= 1e-25).all()
    chosen = np.sort(chosen)  # strata by answer, every row its own PSU
    of = banners_of(frame(np.full(120, 0.7), chosen.astype(np.int32), None, "fail"), [np.zeros(120, np.int16)], [1])
    for module in both_modules():
        assert (module.share_sums(of, chosen, 2, np.eye(2, dtype=bool)).variance <= 1e-25).all()


@pytest.mark.parametrize("kind", DESIGNS)
def test_an_empty_column_and_one_respondent(kind: str) -> None:
    c = drawn(3, kind=kind)
    c["member"][:] = 0
    c["member"][7], c["weights"][7], c["chosen"][7] = 1, 2.5, 2
    for module in both_modules():
        found = module.share_sums(banners(c), c["chosen"], 4, PARTS)
        assert found.base.n[1:].tolist() == [
            (c["weights"] * (c["chosen"] >= 0) * (c["member"] == 0) > 0).sum(),
            1,
            0,
            0,
            0,
            0,
        ]
        assert found.share[2].tolist() == [0, 0, 1, 0, 0, 1]
        assert found.base.df[2] == 0 and found.base.weight[2] == 2.5
        assert np.isnan(found.share[3]).all() and np.isnan(found.variance[3]).all()


def test_the_compiled_sums_and_numpy_agree_and_repeat_to_the_bit() -> None:
    numpy, compiled = both_modules()
    for kind in DESIGNS:
        c = drawn(21, n=20_000, kind=kind)
        ours, theirs = (one.share_sums(banners(c), c["chosen"], 4, PARTS) for one in (numpy, compiled))
        for name in ("share", "rest", "variance"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=EXACT)
        again = compiled.share_sums(banners(c), c["chosen"], 4, PARTS)
        assert again.variance.tobytes() == theirs.variance.tobytes()


@pytest.mark.parametrize("rule", RULES)
def test_many_columns_of_which_a_psu_has_few(rule: Any) -> None:
    c = drawn(17, n=900, lone=rule != "average")
    weights, columns_ = (c["weights"] + 0.01 if rule == "average" else c["weights"]), 61
    unit = np.cumsum(np.diff(c["psu"], prepend=c["psu"][0]) != 0)
    member = ((unit * 23 + np.arange(900) % 3 * 17) % columns_).astype(np.int16)
    member[np.arange(900) % 11 == 0] = -1
    of = banners_of(frame(weights, c["stratum"], c["psu"], rule), [np.zeros(900, np.int16), member], [1, columns_])
    ours, theirs = (one.share_sums(of, c["chosen"], 4, PARTS) for one in both_modules())
    for name in ("share", "rest", "variance"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-11, atol=1e-18, err_msg=name)
    assert (ours.base.df == theirs.base.df).all() and (ours.base.n == theirs.base.n).all()


def test_the_choice_goes_by_size_alone_and_does_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    of = banners(drawn(1))
    assert sums.sums_for(of, 5)[0] is moments
    assert sums.sums_for(of, 5, compiled_from=400 * 2 * 5)[0] is both_modules()[1]
    monkeypatch.setattr(sums, "find_spec", lambda name: None)
    assert sums.sums_for(of, 5, compiled_from=0)[0] is moments


def test_rows_out_of_order_and_psus_in_two_strata_are_refused() -> None:
    w, up = np.ones(4), np.array([0, 0, 1, 1], np.int32)
    with pytest.raises(ValueError, match="not in the order of their strata"):
        frame(w, up[::-1].copy(), None, "fail")
    for psu in ([1, 1, 1, 2], [1, 2, 1, 3]):
        with pytest.raises(
            ValueError, match="a PSU lies in two strata, or the rows are not in the order of their PSUs"
        ):
            frame(w, up, np.array(psu, np.int32), "fail")
    assert order(up, np.array([1, 2, 3, 3], np.int32)) is None
    shuffled = order(np.array([1, 0, 1, 0], np.int32), np.array([3, 2, 3, 1], np.int32))
    assert shuffled is not None and shuffled.tolist() == [3, 1, 0, 2]


def whole_sample(seed: int, kind: str, n: int = 900) -> Sample:
    """One answer with nets and scores, several answers with a net, a half-sample, two banners."""
    c = drawn(seed, n, kind, spread=0.5)
    draw = np.random.default_rng(seed)
    names, three = ("agree", "neither", "disagree", "dk"), ("tv", "radio", "press")
    nets = {"any_view": ["agree", "disagree"], "any_answer": ["any_view", "neither"]}
    marks = np.where(np.isin(c["chosen"], (-1, 3)), np.nan, c["chosen"] * 1.0)
    first = answer(c["chosen"], names, nets=nets, scores=marks)
    ticked, base = draw.random((n, 3)) < [0.6, 0.02, 0.0], draw.random(n) < 0.8
    second = several(ticked & base[:, None], base, three, {"broadcast": ["tv", "radio"]})
    second = replace(second, question=second.question.model_copy(update={"question": "Q1"}))
    half = answer(np.where(draw.random(n) < 0.5, c["chosen"], -1), names, form="half", question="q2")
    region = columns("region", [("", "north", "south", "east", "west", "isle")[at] for at in c["member"].clip(0, 5)])
    sex = columns("sex", [("f", "m")[at] for at in draw.integers(0, 2, n)])
    units = {name: c[name] for name in ("stratum", "psu") if c[name] is not None}
    return sample(c["weights"], first, second, half, banners=(region, sex), stratum_names=tuple("abcdef"), **units)


def told(kind: str, rule: str = "adjust", **more: Any) -> Any:
    drawn_ = DESIGNS[kind] and DESIGNS[kind] | {"lonely": rule}
    return release(design=drawn_, **more)


def close(ours: float | None, theirs: float | None, unit: float = 1) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return ours == pytest.approx(unit * theirs, rel=EXACT)


@pytest.mark.parametrize(
    ("kind", "method", "normal"),
    [(kind, method, False) for kind, method in zip(list(DESIGNS) * 2, get_args(Method), strict=True)]
    + [("both", "logit", True), ("plain", "beta", True)],
)
def test_every_row_as_one_figure_at_a_time(kind: str, method: Any, normal: bool) -> None:
    given = whole_sample(4, kind)
    manifest = told(kind, interval=method, told={"quantile": "normal" if normal else "t"})
    rows, means_ = (one.to_pylist() for one in tables.estimate(code_respondents(manifest, "h/s/1", given, FILE)))
    rule = "adjust" if DESIGNS[kind] else "fail"
    found = list(cell_by_cell.cells(given, rule, method, normal))
    assert [(row["question"], row["subgroup"], row["subgroup_value"], row["category"]) for row in rows] == [
        (one["question"], *one["place"], one["category"]) for one in found
    ]
    for row, one in zip(rows, found, strict=True):
        assert (row["n"], row["degrees_of_freedom"], row["interval_method"]) == (one["n"], one["df"], one["rule"]), row
        assert set(row["flags"]) - {"part_of_sample"} == one["flags"], row
        for ours, theirs, unit in (
            ("percent", "value", 100), ("standard_error", "error", 100), ("percent_low", "low", 100),
            ("percent_high", "high", 100), ("design_effect", "effect", 1), ("weighted_n", "weighted_n", 1),
        ):  # fmt: skip
            assert close(row[ours], one[theirs], unit), (ours, row, one)
    for row, one in zip(means_, cell_by_cell.scores(given, rule, normal), strict=True):
        assert (row["n"], row["interval_method"], set(row["flags"])) == (one["n"], one["rule"], one["flags"])
        for ours, theirs in (
            ("value", "value"),
            ("standard_error", "error"),
            ("value_low", "low"),
            ("value_high", "high"),
        ):
            assert close(row[ours], one[theirs]), (ours, row, one)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Coded, Path]:
    made = code_respondents(told("both"), "h/s/1", whole_sample(6, "both"), FILE)
    path = tmp_path / loading.ANSWERS
    coded.write(path, made)
    return made, path


def test_coded_answers_come_back_as_they_were(written: tuple[Coded, Path]) -> None:
    made, path = written
    again = CodedFile(path)
    assert loading.ANSWERS == coded.NAME
    assert (again.header, again.rows, again.names) == (made.header, made.rows, made.names)
    for name, array in again.columns(made.names).items():
        assert array.dtype == made.arrays[name].dtype, name
        np.testing.assert_array_equal(array, made.arrays[name])
    types = {one.name: str(one.type) for one in pyarrow.parquet.read_schema(path)}
    assert types == {
        "weight": "double", "stratum": "int32", "psu": "int32", "by_region": "int16", "by_sex": "int16",
        "q_q1": "int16", "score_q1": "double", "q_Q1__tv": "int8", "q_Q1__radio": "int8", "q_Q1__press": "int8",
        "q_q2": "int16",
    }  # fmt: skip
    ours, theirs = tables.estimate(made), tables.estimate(again)
    assert ours[0].equals(theirs[0]) and ours[1].equals(theirs[1])


def test_names_that_sql_would_take_for_one_get_a_number() -> None:
    given = whole_sample(6, "plain")
    upper = replace(given.answers[2], question=given.answers[2].question.model_copy(update={"question": "Q1"}))
    made = code_respondents(told("plain"), "h/s/1", replace(given, answers=(given.answers[0], upper)), FILE)
    assert [one.column for one in made.header.questions] == ["q_q1", "q_Q1_2"]
    assert "stratum" not in made.names and "psu" not in made.names


def test_a_share_in_sql_over_the_coded_answers(written: tuple[Coded, Path]) -> None:
    made, path = written
    row = next(
        row
        for row in tables.estimate(made)[0].to_pylist()
        if (row["category"], row["subgroup_value"]) == ("disagree", "f")
    )
    con = duckdb.connect()
    share = con.execute(
        "SELECT sum(weight) FILTER (q_q1 = 2) / sum(weight) FILTER (q_q1 >= 0) FROM read_parquet(?) WHERE by_sex = 0",
        [str(path)],
    ).fetchone()
    assert share is not None and 100 * share[0] == pytest.approx(row["percent"], rel=EXACT)
    header = con.execute(
        "SELECT decode(value)::JSON ->> '$.questions[0].item' FROM parquet_kv_metadata(?) "
        "WHERE decode(key) = 'weathervane'",
        [str(path)],
    ).fetchone()
    assert header == ("army",)


def test_no_coded_answers_are_refused_with_a_reason(tmp_path: Path, written: tuple[Coded, Path]) -> None:
    made, path = written
    other = tmp_path / "other.parquet"
    for content, what in (
        (b"no parquet", "no file of coded answers"),
        (None, "no header of coded answers"),
        (made.header.model_copy(update={"format": 2}), "coded answers of another format: load the release again"),
    ):
        if isinstance(content, bytes):
            other.write_bytes(content)
        else:
            told_ = None if content is None else {coded.KEY: content.model_dump_json()}
            bare = pyarrow.parquet.read_table(path).replace_schema_metadata(told_)
            pyarrow.parquet.write_table(bare, other)
        with pytest.raises(ProblemsError) as refused:
            CodedFile(other)
        assert what in str(refused.value) and "other.parquet" in str(refused.value)


def test_blocks_of_questions_and_the_order_of_rows_change_nothing(
    written: tuple[Coded, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, path = written
    known = tables.estimate(made)[0]
    monkeypatch.setattr(sweep, "BLOCK", 1)
    assert tables.estimate(CodedFile(path))[0].equals(known)
    given = whole_sample(6, "both")
    turn = np.random.default_rng(0).permutation(given.rows)
    mixed = replace(
        given, weights=given.weights[turn], stratum=given.stratum[turn], psu=given.psu[turn],
        banners=tuple(replace(one, member=one.member[turn]) for one in given.banners),
        answers=tuple(
            replace(
                one, base=one.base[turn], chosen=None if one.chosen is None else one.chosen[turn],
                ticked=None if one.ticked is None else one.ticked[turn],
                scores=None if one.scores is None else one.scores[turn],
            )
            for one in given.answers
        ),
    )  # fmt: skip
    other = tables.estimate(code_respondents(told("both"), "h/s/1", mixed, FILE))[0]
    assert other["estimate_id"].equals(known["estimate_id"])
    for name in ("percent", "standard_error", "percent_low", "design_effect"):
        ours, theirs = (np.array(one[name].to_pylist(), float) for one in (known, other))
        np.testing.assert_allclose(ours, theirs, rtol=EXACT)


def test_compiled_rows_are_the_rows(written: tuple[Coded, Path]) -> None:
    made, _ = written
    for ours, theirs in zip(tables.estimate(made), tables.estimate(made, compiled_from=0), strict=True):
        for name in ours.column_names:
            if ours[name].type == "double":
                values = (np.array(one[name].to_pylist(), float) for one in (ours, theirs))
                np.testing.assert_allclose(*values, rtol=EXACT)
            else:
                assert ours[name].equals(theirs[name]), name


def test_one_thread_and_two_write_the_same_bytes(
    written: tuple[Coded, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums.os, "cpu_count", lambda: 2)
    told = []
    for threads in (1, 2, 2):
        monkeypatch.setattr(sums, "MOST_THREADS", threads)
        for made in tables.estimate(CodedFile(written[1]), compiled_from=0):
            pyarrow.parquet.write_table(made, tmp_path / "table.parquet")
            told.append((tmp_path / "table.parquet").read_bytes())
    assert told[:2] == told[2:4] == told[4:], "threads change the bits"


@pytest.mark.parametrize("kind", DESIGNS)
@pytest.mark.parametrize("rake", [False, True])
def test_weights_made_to_meet_targets_have_the_errors_of_residuals(kind: str, rake: bool, tmp_path: Path) -> None:
    given = whole_sample(8, kind)
    sex = given.banners[1]
    region = replace(given.banners[0], member=given.banners[0].member)
    weights = np.where(region.member >= 0, given.weights, 0.0)
    after = weights * np.where(sex.member == 0, 1.3, 0.8)
    targets = tuple(
        TargetColumns(one.subgroup, one.member, one.values, np.full(len(one.values), 1 / len(one.values)))
        for one in (region, sex)
    )
    made = replace(given, weights=after, calibration=Calibration(targets, weights, after, rake, "raked"))
    manifest = told(kind)
    path = tmp_path / loading.ANSWERS
    coded.write(path, code_respondents(manifest, "h/s/1", made, FILE))
    rows = tables.estimate(CodedFile(path))[0].to_pylist()
    if rake:
        adjustment: Any = Margins(
            tuple(np.where(one.cells < 0, len(one.names), one.cells).astype(np.intp) for one in targets), after
        )
    else:
        cells = np.hstack([one.cells[:, None] == np.arange(len(one.names)) for one in targets]).astype(float)
        adjustment = Regression(cells, weights, after / np.where(weights > 0, weights, 1))
    lonely: Any = "adjust" if DESIGNS[kind] else "fail"
    design = survey_design(after, strata=given.stratum, psu=given.psu, lonely=lonely)
    design = replace(design, adjustments=(adjustment,))
    for value, member in (("all", np.ones(given.rows, bool)), ("f", sex.member == 0)):
        expected = shares(design, given.answers[0].chosen, 4, member)
        assert expected is not None
        mine = [row for row in rows if row["question"] == "q1" and row["subgroup_value"] == value][:4]
        assert [row["percent"] / 100 for row in mine] == pytest.approx(expected.values, rel=EXACT)
        assert [row["standard_error"] / 100 for row in mine] == pytest.approx(expected.errors, rel=1e-9)
        assert "; raked" in mine[0]["variance_method"]


def test_a_frame_of_one_stratum_has_no_units() -> None:
    plain: Frame = frame(np.ones(5), None, None, "fail")
    assert plain.psu_start is None and not plain.lone and plain.plain_factor == 1.25


def test_a_refresh_keeps_the_coded_answers_of_the_load_that_is_published(layout: Layout, tmp_path: Path) -> None:
    survey = surveys.write_survey(tmp_path / "kept", seed=7)
    place = surveys.write_release(layout.catalogue, survey)
    shutil.copyfile(survey.path, layout.inbox / "wave.sav")
    refresh(layout, audit=no_audit)
    first = layout.lake / "acme" / "monthly" / "01" / "0001" / loading.ANSWERS
    found = tables.estimate(CodedFile(first))[0]
    con = connect.read(layout.link)
    published = con.execute("SELECT estimate_id, percent, standard_error FROM estimates ORDER BY ALL").fetchall()
    con.close()
    rows = found.select(["estimate_id", "percent", "standard_error"]).to_pylist()
    assert published == sorted(tuple(row.values()) for row in rows)
    manifest = place / "release.yml"
    manifest.write_text(manifest.read_text().replace("interval: logit", "interval: wilson"))
    refresh(layout, audit=no_audit)
    (only,) = layout.lake.rglob(loading.ANSWERS)
    assert only.parent.name == "0002" and CodedFile(only).header.interval == "wilson"


def test_a_million_equal_weights_are_summed_up_without_drift() -> None:
    """Added one after the other in doubles they are off by 8e-12 of their sum; the right one is their product."""
    rows = 1_000_000
    drawn = frame(np.full(rows, 0.7), None, None, "fail")
    codes = (np.arange(rows) % 4).astype(np.int16)
    banners = moments.banners_of(drawn, [np.zeros(rows, np.int16), codes], [1, 4])
    expected = 0.7 * np.array([rows, *[rows // 4] * 4])
    found = moments.share_sums(banners, codes, 4, np.eye(4, dtype=np.bool_))
    assert found.base.weight == pytest.approx(expected, rel=1e-12, abs=0)
    assert found.base.squares == pytest.approx(0.7 * expected, rel=1e-12, abs=0)
    assert moments.mean_sums(banners, codes.astype(np.float64)).base.weight == pytest.approx(expected, rel=1e-12, abs=0)
