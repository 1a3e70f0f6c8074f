"""Opening foreign files: what stands there is looked at before and after, and importing that costs nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets import plain_file
from schemas.problems import ProblemsError
from warehouse.layout import PROJECT


def refusal(path):
    with pytest.raises(ProblemsError) as caught:
        plain_file.open_plain(str(path), "a/file")
    (problem,) = caught.value.problems
    return problem.cause, str(problem)


def test_a_plain_file_is_opened(tmp_path):
    (tmp_path / "file").write_bytes(b"text")
    with plain_file.open_plain(str(tmp_path / "file"), "a/file") as stream:
        assert stream.read() == b"text"


@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "named pipe"), (os.mkdir, "folder")])
def test_what_was_exchanged_after_the_look_is_noticed_and_closed(tmp_path, monkeypatch, make, kind):
    (tmp_path / "plain").write_text("x")
    facts = os.lstat(tmp_path / "plain")
    make(tmp_path / "other")
    handles = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(plain_file.os, "lstat", lambda path: facts)
    told = refusal(tmp_path / "other")
    monkeypatch.undo()
    assert told == ("unsafe_path", f"a/file: a {kind} stands where the file should be; expected a plain file")
    assert len(list(Path("/proc/self/fd").iterdir())) <= handles


def test_a_link_put_there_after_the_look_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "plain").write_text("x")
    facts = os.lstat(tmp_path / "plain")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    monkeypatch.setattr(plain_file.os, "lstat", lambda path: facts)
    told = refusal(tmp_path / "link")
    monkeypatch.undo()
    assert told[0] == "fetch"


def test_it_is_light():
    heavy = "{'pandas', 'numpy', 'pyarrow', 'duckdb', 'pydantic', 'dagster'}"
    code = f"import sys, assets.plain_file; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
