"""Waves that share people or primary units: declared in manifests, seen in `changes`. R's answers: tests/oracles."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.parquet
import pytest
import yaml

from assets.refresh import refresh
from assets.releases.shelf import lake_folder
from assets.trends.change import two_sided
from tests import factory
from tests.conftest import no_audit
from tests.design_oracles import Case, case
from warehouse import build, connect
from warehouse.layout import Layout

PEOPLE = {"units": "people", "id": "id"}
COLUMNS = {"all": ("total", "all"), "men": ("sex", "men"), "women": ("sex", "women")}
ANSWERS = ("no", "unsure", "yes")
ITEM = {
    "item": "mood", "concept": "mood", "title": "Mood", "wording": "Are you?", "wording_kind": "verbatim",
    "categories": [{"id": one, "label": one.capitalize()} for one in ANSWERS],
}  # fmt: skip
QUESTIONS = (
    "question,item,wording,wording_kind,question_match,options_match,decision,reason,reviewed_by,variable,base\n"
    "q,mood,Are you?,verbatim,same,same,join,,tests,q,who answered\n"
)
CATEGORIES = "question,code,label,category,kind\n"


def people(number: int) -> list[dict[str, str]]:
    """Respondents of one wave."""
    return [dict(row) for row in case("panel_people").rows if row["wave"] == str(number)]


def wave(
    layout: Layout, series: str, number: int, rows: list[dict[str, str]], panel: Any, design: Any = None
) -> None:  # fmt: skip
    """A release with these respondents in its folder."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    raw, place = text.getvalue(), layout.catalogue / "releases" / "acme" / series / f"{number:02d}"
    file = {"path": "answers.csv", "role": "respondents", "sha256": hashlib.sha256(raw.encode()).hexdigest(),
            "bytes": len(raw.encode()), "obtain": "https://example.org"}  # fmt: skip
    told = {
        "file": "answers.csv", "expect_rows": len(rows), "weight": {"variable": "w"},
        "design": {"strata": ["stratum"]} if design is None else design, "panel": panel,
        "banners": [{"subgroup": "sex", "variable": "sex",
                     "values": [{"value": one, "codes": one} for one in ("men", "women")]}],
    }  # fmt: skip
    month = f"2024-{number:02d}"
    release = {
        "organisation": "acme", "series": series, "wave": f"{number:02d}", "title": f"Wave {number}",
        "vintage": f"{month}-28", "fieldwork": {"start": f"{month}-01", "end": f"{month}-10"},
        "sample": {"n": len(rows), "probability": "yes"}, "method": {"population": "adults", "mode": "CATI"},
        "files": [file], "respondents": {key: value for key, value in told.items() if value},
        "source_url": "https://example.org",
    }  # fmt: skip
    factory.series(layout.catalogue, name=series)
    factory.write(layout.catalogue / "items" / "mood.yml", yaml.safe_dump(ITEM))
    factory.write(place / "release.yml", yaml.safe_dump(json.loads(json.dumps(release))))
    factory.write(place / "questions.csv", QUESTIONS)
    given = {row["q"] for row in rows}
    codes = [f"q,{one},,{one},substantive\n" if one else "q,.,,,not_asked\n" for one in (*ANSWERS, "") if one in given]
    factory.write(place / "categories.csv", CATEGORIES + "".join(codes))
    factory.write(place / "answers.csv", raw)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, dict[str, list[str]]]:
    """A series for every case, loaded together; and what was said of releases that were set aside."""
    layout = factory.house(tmp_path_factory.mktemp("panels"))
    for number in (1, 2):
        wave(layout, "panel", number, people(number), PEOPLE)
    known = {row["id"] for row in people(1)}
    renamed = [row | {"id": str(9000 + at), "before": row["id"] if row["id"] in known else ""}
               for at, row in enumerate(people(2))]  # fmt: skip
    wave(layout, "renamed", 1, people(1), PEOPLE | {"names": "wave"})
    also = [{"wave": "01", "id": "before"}]
    wave(layout, "renamed", 2, renamed, PEOPLE | {"names": "wave", "also_in": also})
    for series, (one, two, _) in SILENT.items():
        wave(layout, series, 1, people(1), one)
        wave(layout, series, 2, people(2), two)
    for number in (1, 2):
        rows = clustered(case("case14_waves_panel_overlap"), number)
        wave(layout, "clusters", number, rows, {"units": "psus"}, {"strata": ["stratum"], "psu": "psu"})
    for series, (told, damage, _) in DAMAGED.items():
        wave(layout, series, 1, damage(people(1)), told)
    for number in (1, 2, 3):
        wave(layout, "three", number, people(2 if number == 2 else 1), PEOPLE)
    wave(layout, "people-in-clusters", 1, clustered(case("case14_waves_panel_overlap"), 1), PEOPLE, {"psu": "psu"})
    done = refresh(layout, audit=no_audit)
    return layout, {name.split("/")[1]: [str(one) for one in told] for name, told in done.report.quarantined.items()}


Ask = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(house: tuple[Layout, dict[str, list[str]]]) -> Iterator[Ask]:
    con = connect.read(house[0].link)
    yield lambda query: con.sql(query).to_arrow_table().to_pylist()
    con.close()


def changes(ask: Ask, series: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of `changes` by column of the banner and answer."""
    found = ask(f"FROM changes WHERE series = '{series}'")
    assert found, f"series {series} was not loaded"
    return {(row["subgroup_value"], row["category"]): row for row in found}


def errors(ask: Ask, series: str) -> dict[tuple[str, str], float]:
    found = ask(f"FROM estimates WHERE subgroup = 'total' AND series = '{series}'")
    return {(row["wave"], row["category"]): row["standard_error"] for row in found}


def test_correlations_are_those_of_r(ask: Ask) -> None:
    """R stacks both files; people who moved to another stratum are units of their own there and here."""
    found, c = changes(ask, "panel"), case("panel_people")
    for group, (_, value) in COLUMNS.items():
        ours = [found[value, answer]["correlation"] for answer in ANSWERS]
        c.agree(ours, c.r(*(f"{group}.{answer}.correlation" for answer in ANSWERS)), 1e-9, unit=1, of=group)
        gap = [found[value, answer]["change"] / 100 for answer in ANSWERS]
        c.agree(gap, c.r(*(f"{group}.{answer}.change" for answer in ANSWERS)), 1e-9, unit=1, of=group)


def test_the_error_of_a_change_is_that_of_the_two_figures_with_their_correlation(ask: Ask) -> None:
    """Of the stacked design R's own error differs by the number of units that it counts: below 0.2 %."""
    found, c, known = changes(ask, "panel"), case("panel_people"), errors(ask, "panel")
    for answer in ANSWERS:
        row = found["all", answer]
        one, two = (known[number, answer] for number in ("01", "02"))
        expected = (one**2 + two**2 - 2 * row["correlation"] * one * two) ** 0.5
        assert row["standard_error"] == pytest.approx(expected, rel=1e-12)
        assert row["standard_error"] / 100 == pytest.approx(c.r(f"all.{answer}.change_se")[0], rel=0.002)
        assert row["standard_error"] < (one**2 + two**2) ** 0.5, "taken as independent it would be larger"
        assert row["reasons"] == ["117 people are in both samples; 3 more, who are in another stratum now, are taken "
                                  "as others"]  # fmt: skip


def test_names_of_people_stay_in_the_lake_and_are_no_names(
    house: tuple[Layout, dict[str, list[str]]], ask: Ask
) -> None:  # fmt: skip
    kept = lake_folder(house[0], "acme/panel/02", 1) / "answers.parquet"
    units = pyarrow.parquet.read_table(kept, columns=["unit"])["unit"].to_pylist()
    names = {int(row["id"]) for row in people(2)}
    assert len(units) == len(names)
    assert not set(units) & names
    columns = {row["column_name"] for row in ask("SELECT column_name FROM information_schema.columns")}
    assert "correlation" in columns
    assert not columns & {"unit", "unit_stratum", "unit_in_01"}


def test_names_of_one_wave_are_matched_by_those_that_a_later_file_gives(ask: Ask) -> None:
    """The second file has interviews of its own, and of earlier ones the names that they had."""
    found, same = (
        {key: row["correlation"] for key, row in changes(ask, series).items()} for series in ("renamed", "panel")
    )
    assert found == pytest.approx(same)


SILENT: dict[str, tuple[Any, Any, list[str]]] = {
    "nobody-says-anything": (None, None, []),
    "names-of-one-wave": (PEOPLE | {"names": "wave"}, PEOPLE | {"names": "wave"}, []),
    "the-other-does-not-name-them": (
        PEOPLE, None,
        ["names that hold in the series are known of people in wave 01 only: taken as independent"],
    ),
    "the-wave-meant-does-not-name-them": (
        None, PEOPLE | {"names": "wave", "also_in": [{"wave": "01", "id": "id"}]},
        ["people of wave 01 are in wave 02, but the file of wave 01 does not name them: taken as independent"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("series", SILENT)
def test_without_names_on_both_sides_samples_are_independent_and_it_says_so(ask: Ask, series: str) -> None:
    row, known = changes(ask, series)["all", "yes"], errors(ask, series)
    assert (row["correlation"], row["reasons"]) == (None, SILENT[series][2])
    assert row["standard_error"] == pytest.approx((known["01", "yes"] ** 2 + known["02", "yes"] ** 2) ** 0.5)


def test_primary_units_that_were_drawn_once_as_r(ask: Ask) -> None:
    """Case 14: the same PSUs in both waves; without them the error is twice as large."""
    c, row = case("case14_waves_panel_overlap"), changes(ask, "clusters")["all", "yes"]
    c.agree([row["change"] / 100, row["standard_error"] / 100],
            c.r("diff.est[contrast]", "diff.se[contrast]"), 1e-9, unit=0.04, of="psus")  # fmt: skip
    assert row["standard_error"] / 100 < 0.55 * c.r("WRONG_independent_se.")[0]
    assert row["reasons"] == ["20 primary units are in both samples"]


def test_a_line_through_waves_that_share_people_says_that_it_takes_them_as_independent(ask: Ask) -> None:
    rows = ask("FROM trend_tests WHERE series = 'three'")
    assert len(rows) == 9
    for row in rows:
        assert row["reasons"] == ["waves share people or primary units, which the line takes as independent"]


def test_everybody_again_with_the_same_answers_has_no_error(ask: Ask) -> None:
    """Waves 1 and 3 are the same file: the correlation is 1, nothing can have changed, and there is no test."""
    rows = ask("FROM changes WHERE series = 'three' AND pair = 'first_last'")
    assert len(rows) == 9
    for row in rows:
        assert (row["correlation"], row["change"], row["verdict"]) == (pytest.approx(1), 0, "not_tested")
        assert row["standard_error"] == 0
        same = "not tested: the people of both samples are the same and gave the same answers"
        assert row["reasons"][-2:] == ["240 people are in both samples", same]


def clustered(c: Case, number: int) -> list[dict[str, str]]:
    """Case 14 in the columns of this page: y is yes or no."""
    rows = [row for row in c.rows if row["wave"] == str(number)]
    return [
        {"id": str(at), "stratum": row["stratum"], "psu": row["psu"], "w": row["w"],
         "sex": "men" if row["sex"] == "m" else "women", "q": {"1": "yes", "0": "no"}.get(row["y"], "")}
        for at, row in enumerate(rows)
    ]  # fmt: skip


def emptied(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [rows[0] | {"id": ""}, *rows[1:]]


def doubled(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [rows[0] | {"id": rows[1]["id"]}, *rows[1:]]


DAMAGED: dict[str, tuple[Any, Callable[[list[dict[str, str]]], list[dict[str, str]]], str]] = {
    "no-such-variable": (PEOPLE | {"id": "ID"}, list, "respondents.panel.id: a variable that"),
    "no-such-variable-of-another-wave": (
        PEOPLE | {"also_in": [{"wave": "01", "id": "before"}]}, list, "respondents.panel.also_in.0.id: a variable that",
    ),
    "nobodys-name": (PEOPLE, emptied, "respondents.panel.id: respondents without a name in the panel (found '1 row')"),
    "one-name-of-two": (PEOPLE, doubled, "people have the name of somebody else (found '1 row')"),
    "people-without-id": ({"units": "people"}, list, "id belongs to people, and people need it"),
    "psus-with-id": ({"units": "psus", "id": "id"}, list, "id belongs to people"),
    "psus-without-psu": ({"units": "psus"}, list, "psus without design.psu"),
    "psus-of-one-wave": ({"units": "psus", "names": "wave"}, list, "psus have the names of the design"),
    "a-wave-twice": (PEOPLE | {"also_in": [{"wave": "01", "id": "id"}] * 2}, list, "stands twice under also_in"),
}  # fmt: skip


@pytest.mark.parametrize("series", DAMAGED)
def test_a_panel_that_cannot_be_read_sets_the_release_aside(
    house: tuple[Layout, dict[str, list[str]]], series: str
) -> None:  # fmt: skip
    said = house[1].get(series, [])
    assert any(DAMAGED[series][2] in text for text in said), said


def test_people_in_a_design_of_clusters_are_refused_and_nothing_else_is_set_aside(
    house: tuple[Layout, dict[str, list[str]]],
) -> None:
    said = house[1]
    assert any("people, and the design has psu" in text for text in said["people-in-clusters"]), said
    assert set(said) == {*DAMAGED, "people-in-clusters"}


def test_compare_in_sql_says_the_same_as_changes_in_every_column(ask: Ask) -> None:
    """Two roads: SQL with its own normal tail and its own quadratic, numpy with math.erfc."""
    figures = ("change", "standard_error", "correlation", "change_low", "change_high", "p_value", "detectable_change")
    known = {(row["series"], *(row[name] for name in ("subgroup", "subgroup_value", "category"))): row
             for row in ask("FROM changes WHERE wave_from = '01' AND wave_to = '02'")}  # fmt: skip
    seen = 0
    for subgroup in ("total", "sex"):
        for row in ask(f"FROM compare_groups('mood', '02', '01', '{subgroup}')"):
            theirs = known[row["series"], row["subgroup"], row["subgroup_value"], row["category"]]
            assert (row["wave_a"], row["wave_b"]) == ("01", "02"), "the earlier wave first, whatever was asked"
            assert (row["comparability"], row["reasons"]) == (theirs["comparability"], theirs["reasons"])
            for name in figures:
                expected = None if theirs[name] is None else pytest.approx(theirs[name], rel=2e-8)
                assert row[name] == expected, (name, row["series"], row["subgroup_value"])
            seen += 1
    assert seen == len(known)
    assert any(row["correlation"] for row in known.values())


def test_the_tail_in_sql_is_the_normal_one_far_out(ask: Ask) -> None:
    """From z = 0.1 to 30: relative differences below 1e-8, beside math.erfc."""
    text = (build.SQL / "macros.sql").read_text(encoding="utf-8")
    formula = text[text.index("WHEN d.z > 37") : text.index("END AS p_value")]
    rows = ask(f"SELECT d.z, CASE {formula} END AS p FROM (SELECT unnest(range(1, 301)) / 10.0 AS z) AS d")
    assert len(rows) == 300
    for row in rows:
        assert row["p"] == pytest.approx(float(two_sided(row["z"])), rel=1e-8), row["z"]
