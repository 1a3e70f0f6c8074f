"""What is typed for benchmarks, and peers that are not there. How long anything takes is no test's business."""

from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.__main__ import NAMES, chosen
from benchmarks.estimation import counted, estimated, make


def test_names_are_followed_by_their_own_words() -> None:
    assert chosen([]) == [(name, []) for name in NAMES]
    assert chosen(["refresh", "500", "1000", "estimation", "10000", "--peers", "python"]) == [
        ("refresh", ["500", "1000"]), ("estimation", ["10000", "--peers", "python"])
    ]  # fmt: skip
    with pytest.raises(ValueError, match="'500' is no benchmark; there are refresh, estimation, guards"):
        chosen(["500"])


@pytest.mark.parametrize("name", ["svy", "samplics"])
def test_a_peer_that_is_not_there_gives_no_answer(name: str, tmp_path: Path) -> None:
    assert peers.asked(name, tmp_path / "answers.parquet", 1, 50, None) is None


def test_ours_and_the_bare_count_have_the_same_cells(tmp_path: Path) -> None:
    (tmp_path / "waves").mkdir()
    make(tmp_path / "waves" / "00.parquet", 2_000, questions=2)
    shares = estimated(tmp_path / "waves", compiled=False)
    # The bare count has a cell more for those who did not answer, in each of 29 columns for both questions.
    assert counted(tmp_path / "waves") == shares + 2 * 29
