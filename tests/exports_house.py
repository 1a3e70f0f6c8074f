"""A house for the tests of exports: answers under two licences, published figures, one release under embargo.

Belongs here: the house, and what is true of it. Does not belong here: tests.
"""

from dataclasses import dataclass
from pathlib import Path

from assets.refresh import refresh
from tests import factory, surveys
from tests.conftest import no_audit

UNTIL = "2999-06-15"
FORMULA = '=HYPERLINK("https://example.org","open")'
WORDS = "@SUM(1+1) says the house"
DISCLOSED = {
    "strategy": "one survey a month", "population": "invented adults", "mode": "CATI", "weighting": "none needed",
}  # fmt: skip


@dataclass(frozen=True)
class House:
    """The published database and the surveys behind it.

    Attributes:
        database: its path.
        free: the survey of acme/monthly/01, which may be passed on.
        closed: that of acme/monthly/02, of unknown licence.
    """

    database: Path
    free: surveys.Survey
    closed: surveys.Survey


def make(root: Path) -> House:
    """acme/monthly 01 (MIT), 02 (unknown); acme/weekly 01 (published), 02 (published, under embargo)."""
    layout = factory.house(root)
    free = surveys.write_survey(root / "files", 3, 420)
    closed = surveys.write_survey(root / "files", 4, 420, name="other.sav")
    surveys.write_release(
        layout.catalogue, free, "01", with_file=True, method=DISCLOSED,
        licence={"name": "MIT", "redistribute": True}, producer_notes=WORDS,
    )  # fmt: skip
    surveys.write_release(layout.catalogue, closed, "02", month=2, with_file=True)
    factory.item(layout.catalogue)
    item = layout.catalogue / "items" / "invented.yml"
    item.write_text(
        item.read_text().replace("wording: Do you agree or disagree with invented?", f"wording: '{FORMULA}'")
    )
    factory.series(layout.catalogue, name="weekly")
    for wave in ("01", "02"):
        factory.release(layout.catalogue, wave, series_name="weekly", month=int(wave), percents=(0.3, 99.7, 0))
    with (layout.catalogue / "releases/acme/weekly/02/release.yml").open("a") as manifest:
        manifest.write(f"embargo_until: {UNTIL}\n")
    done = refresh(layout, audit=no_audit)
    told = [str(problem) for problems in done.report.quarantined.values() for problem in problems]
    assert not told, told
    assert done.published is not None
    return House(done.published, free, closed)
