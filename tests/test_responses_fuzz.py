"""Damaged files, seeded: each ends with a table or a cause, none takes the parent down or leaves anything behind."""

import random
import time

import pyarrow.parquet as pq
import pytest

from assets import isolation
from assets.responses.running import READER
from schemas.vocabulary import QUARANTINE_CAUSES
from tests import responses_files as files

LIMITS = isolation.Limits(memory_bytes=1 << 30, seconds=10, output_bytes=1 << 20, folder_bytes=64 << 20)
MAKERS = {
    "sav": files.write_sav,
    "zsav": lambda path: files.write_sav(path, compress=True, row_compress=False),
    "dta": files.write_dta,
    "csv": files.write_csv,
    "xlsx": files.write_xlsx,
}
NUMBERS = (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\xca\x9a\x3b")


def mutated(raw, draw):
    """The file with one to four wounds; most of them where the file describes itself."""
    raw = bytearray(raw)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(raw) if draw.random() < 0.4 else min(len(raw), 2_500))
        kind = draw.randrange(7)
        if kind == 0:
            raw[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            raw[at] = draw.randrange(256)
        elif kind == 2:
            raw[at : at + 4] = draw.choice(NUMBERS)
        elif kind == 3:
            del raw[at : at + draw.choice((1, 8, 80, 500))]
        elif kind == 4:
            raw[at:at] = raw[max(0, at - draw.choice((1, 8, 80))) : at]
        elif kind == 5:
            del raw[at:]
        else:
            raw[at:at] = draw.randbytes(draw.choice((1, 4, 64)))
        if not raw:
            break
    return bytes(raw)


def fuzz(folder, count, seed, reader=READER, kinds=tuple(MAKERS)):
    originals, scratch = {}, folder / "scratch"
    scratch.mkdir()
    for kind, make in MAKERS.items():
        make(folder / f"original.{kind}")
        originals[kind] = (folder / f"original.{kind}").read_bytes()

    def jobs():
        for number in range(count):
            draw = random.Random(seed * 1_000_003 + number)
            kind = kinds[number % len(kinds)]
            path = folder / f"{number}.{kind}"
            path.write_bytes(mutated(originals[kind], draw))
            yield isolation.Job(
                str(number), (str(path), path.name, {"keep": ["*"]}), path.name, folder / f"out-{number}"
            )

    causes = {}
    start = time.monotonic()
    for outcome in isolation.run(reader, jobs(), LIMITS, 2, scratch):
        out = folder / f"out-{outcome.key}"
        if outcome.problems:
            assert not out.exists()
            assert outcome.value is None
            assert {problem.cause for problem in outcome.problems} <= set(QUARANTINE_CAUSES)
            cause = outcome.problems[0].cause
        else:
            assert sorted(path.name for path in out.iterdir()) == ["codebook.json", "responses.parquet"]
            assert pq.read_metadata(out / "responses.parquet").num_rows == outcome.value["rows"]
            cause = "read"
        causes[cause] = causes.get(cause, 0) + 1
    assert sum(causes.values()) == count
    assert list(scratch.iterdir()) == []
    return causes, time.monotonic() - start


FAST = "tests.responses_files:read_fast"


def test_two_hundred_damaged_files(tmp_path):
    causes, seconds = fuzz(tmp_path, 200, seed=1)
    print(causes, f"{seconds:.1f} s")
    assert causes.get("read", 0) < 150
    assert len(causes) >= 4


def test_a_hundred_damaged_files_for_the_fast_engine(tmp_path):
    causes, seconds = fuzz(tmp_path, 100, 3, FAST, ("sav", "zsav"))
    print(causes, f"{seconds:.1f} s")
    assert len(causes) >= 4


@pytest.mark.soak
@pytest.mark.parametrize(("reader", "kinds"), [(READER, tuple(MAKERS)), (FAST, ("sav", "zsav"))])
def test_two_thousand_damaged_files(tmp_path, reader, kinds):
    causes, seconds = fuzz(tmp_path, 2_000, 2, reader, kinds)
    print(causes, f"{seconds:.1f} s")
    assert len(causes) >= 5
