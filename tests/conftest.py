"""What many tests start from: an empty house, the shipped catalogue as a database, files that are not shipped."""

from pathlib import Path

import pytest

from assets.refresh import refresh
from tests import factory
from warehouse.layout import PROJECT, Layout


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


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of survey files and oracles that may not be redistributed."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, the survey files and oracles that may not be passed on; it is not here")
    return folder
