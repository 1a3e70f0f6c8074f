"""What many tests start from: an empty house, the shipped catalogue as a database, files that are not shipped."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from typer.testing import CliRunner

from assets.refresh import refresh
from tests import factory
from warehouse.layout import PROJECT, Layout

if TYPE_CHECKING:
    from tests import exports_house

Ask = Callable[..., str]


def no_audit(*_: object) -> list[object]:
    """Stands for the audit where it is not what a test is about: Great Expectations takes seconds to import."""
    return []


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty house with its own, empty catalogue."""
    return factory.house(tmp_path)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that a refresh makes of the shipped catalogue."""
    done = refresh(Layout(tmp_path_factory.mktemp("shipped") / "data", PROJECT / "catalog"), audit=no_audit)
    told = "\n".join(str(problem) for problems in done.report.quarantined.values() for problem in problems)
    assert not told, f"the shipped catalogue has problems:\n{told}"
    assert done.published is not None
    return done.published


@pytest.fixture
def ask(published: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """A command that only looks at the database of the shipped catalogue; what it prints."""
    from pipeline.cli import show
    from pipeline.cli.main import app

    monkeypatch.setenv("WEATHERVANE_DATA", str(published.parents[1]))
    monkeypatch.setenv("COLUMNS", "160")
    # A console that was made while COLUMNS was set would keep that width for all tests of the process.
    monkeypatch.setattr(show, "out", Console(highlight=False))
    monkeypatch.setattr(show.out, "_width", None)

    def asked(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == code, done.output
        return done.output

    return asked


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of survey files and oracles that may not be redistributed."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, the survey files and oracles that may not be passed on; it is not here")
    return folder


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A house with two waves of an invented survey, of 900 people each: strata, PSUs, weights, four banners."""
    from tests.surveys import write_release, write_survey

    root = tmp_path_factory.mktemp("answered")
    layout = factory.house(root)
    for number, support in ((1, 0.3), (2, 0.5)):
        survey = write_survey(root / "files", number, n=900, support=support, name=f"wave{number}.sav")
        write_release(layout.catalogue, survey, f"{number:02d}", month=number, with_file=True)
    assert refresh(layout, audit=no_audit).published is not None
    return layout


@pytest.fixture(scope="session")
def exports_house(tmp_path_factory: pytest.TempPathFactory) -> "exports_house.House":
    """Answers under two licences, published figures, one release under embargo (tests.exports_house)."""
    from tests import exports_house

    return exports_house.make(tmp_path_factory.mktemp("exports"))
