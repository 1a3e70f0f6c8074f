"""What scripts rely on: exit codes, JSON of the documented shape, streams, completion; and that docs/cli.md says so.

Belongs here: promises of the command line as a whole. Does not belong here: what single commands do.
"""

import ast
import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from pipeline.cli import bars, codes, main, shapes, show
from pipeline.cli.main import app
from pipeline.cli.reference import markdown
from pipeline.cli.shape import Leaf, Many, faults
from tests.conftest import Ask
from tests.test_cli import COMMAND
from warehouse.layout import PROJECT

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PROMISED = (
    "refresh", "status", "trend", "compare", "claim", "add", "review", "verify", "export", "site", "sql", "cite",
    "rebuild", "doctor",
)  # fmt: skip


def test_the_page_is_current() -> None:
    assert (PROJECT / "docs" / "cli.md").read_text(encoding="utf-8") == markdown(), "run: make docs"


def test_the_commands_are_there_and_those_that_print_data_have_json_of_a_documented_shape() -> None:
    assert set(PROMISED) <= COMMANDS.keys()
    with_json = {name for name, one in COMMANDS.items() if any("--json" in param.opts for param in one.params)}
    assert set(PROMISED) <= with_json
    undocumented = with_json - shapes.SHAPES.keys()
    assert not undocumented, f"pipeline/cli/shapes.py lacks the shape of {', '.join(sorted(undocumented))}"
    assert {name.split()[0] for name in shapes.SHAPES} <= with_json


def test_every_command_and_option_says_what_it_is_for() -> None:
    for name, one in COMMANDS.items():
        assert one.help, name
        silent = [param.name for param in one.params if not getattr(param, "help", None) and param.name != "help"]
        assert not silent, f"{name}: {silent} have no help"


ESTIMATE = "SELECT estimate_id FROM estimates WHERE item = 'belarus-army-role' ORDER BY ALL LIMIT 1"


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("status", ["status"]),
        ("trend", ["trend", "territorial-concessions"]),
        ("trend", ["trend", "territorial-concessions", "--subgroup", "region"]),
        ("compare", ["compare", "territorial-concessions", "2022-05", "2025-12"]),
        ("compare", ["compare", "belarus-army-role", "08", "10"]),
        ("claim", ["claim", "only three percent support sending the army", "--date", "2022-10-15"]),
        ("claim", ["claim", "they said so"]),
        ("verify", ["verify"]),
        ("sql", ["sql", "SELECT 1 AS a, DATE '2022-03-05' AS c, [1] AS e"]),
        ("review", ["review", "chatham-house/belarus/08"]),
        ("digest", ["digest"]),
    ],
)  # fmt: skip
def test_json_has_the_shape_that_the_page_says(ask: Ask, shape: str, words: list[str]) -> None:
    code = codes.NOTHING if words == ["claim", "they said so"] else codes.FINE
    told = json.loads(ask(*words, "--json", code=code), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(faults(told, shapes.SHAPES[shape])) == []


def test_json_of_a_citation_and_of_values_that_json_does_not_know(ask: Ask) -> None:
    (row,) = json.loads(ask("sql", ESTIMATE, "--json"))
    told = json.loads(ask("cite", row["estimate_id"], "--json"))
    assert list(faults(told, shapes.SHAPES["cite"])) == []
    query = "SELECT 'nan'::DOUBLE AS b, DATE '2022-03-05' AS c, 1.5::DECIMAL(4, 2) AS d, NULL AS e"
    assert json.loads(ask("sql", query, "--json")) == [{"b": None, "c": "2022-03-05", "d": 1.5, "e": None}]


def test_shapes_find_what_is_wrong() -> None:
    shape = Many({"a": Leaf("integer", ""), "b": Leaf("texts", "", True)})
    assert list(faults([{"a": 1, "b": ["x"]}, {"a": 2, "b": None}], shape)) == []
    wrong_ones: list[Any] = [
        {},
        [{"a": 1}],
        [{"a": True, "b": None}],
        [{"a": 1, "b": "x"}],
        [{"a": 1, "b": [], "c": 1}],
        [{"a": None, "b": None}],
    ]
    for wrong in wrong_ones:
        assert len(list(faults(wrong, shape))) == 1, wrong


# ---- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], codes.FINE),
        (["status"], codes.FINE),
        (["trend", "--help"], codes.FINE),
        ([], codes.USAGE),
        (["no-such-command"], codes.USAGE),
        (["refresh", "--acept", "x"], codes.USAGE),
        (["trend"], codes.USAGE),
        (["trend", "no-such-item"], codes.USAGE),
        (["sql", "SELECT"], codes.USAGE),
        (["site", "--json"], codes.USAGE),
        (["site", "--port", "70000"], codes.USAGE),
        (["claim", "they said so"], codes.NOTHING),
        (["cite", "nothing"], codes.USAGE),
    ],
)
def test_exit_codes(ask: Ask, words: list[str], code: int) -> None:
    assert "Traceback" not in ask(*words, code=code)


def test_a_misspelt_option_is_not_taken_for_releases_set_aside() -> None:
    """The unit that the documentation gives for a timer takes 2 for a success, and nothing else."""
    pages = [page.read_text(encoding="utf-8") for page in (PROJECT / "docs").rglob("*.md")]
    taken = {code for page in pages for code in re.findall(r"^\s*SuccessExitStatus=(.*)$", page, re.MULTILINE)}
    assert taken == {str(codes.AWAITS)} and codes.USAGE != codes.AWAITS


def test_every_exit_code_in_the_code_is_in_the_table() -> None:
    """Commands leave with a name of codes, never with a number."""
    for file in sorted((PROJECT / "pipeline" / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit"):
                for given in node.args:
                    assert not isinstance(given, ast.Constant), f"{file.name}:{node.lineno} leaves with a number"
    assert {code for of in codes.OF_COMMAND.values() for code in of} <= codes.MEANING.keys()


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.cli.look.connect.read", stopped)
    assert CliRunner().invoke(app, ["status"]).exit_code == codes.INTERRUPTED


# ---- errors and streams ---------------------------------------------------------------------------------------------


def ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of the whole command."""
    monkeypatch.setattr(sys, "argv", ["weathervane", *words])
    with pytest.raises(SystemExit) as left:
        main.main()
    told = capsys.readouterr()
    return int(left.value.code or 0), told.out, told.err


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["trend", "x"],
        ["compare", "x", "1", "2"],
        ["cite", "x"],
        ["sql", "FROM about"],
        ["claim", "3 % support it"],
        ["verify"],
        ["site", "--build"],
        ["rebuild"],
        ["digest"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("json_too", [False, True])
def test_without_a_database_every_command_says_what_to_do(
    words: list[str],
    json_too: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path / "data"))
    code, out, err = ends(monkeypatch, capsys, *words, *(["--json"] if json_too else []))
    assert (code, out) == (codes.FAILED, ""), out
    assert "refresh" in err and "Traceback" not in err


def _folder_as_a_file(data: Path) -> None:
    data.write_text("")


def _no_database(data: Path) -> None:
    data.mkdir()
    (data / "weathervane.duckdb").write_bytes(b"\0" * 5000)


def _older_database(data: Path) -> None:
    import duckdb

    data.mkdir()
    duckdb.connect(str(data / "weathervane.duckdb")).close()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_folder_as_a_file, "WEATHERVANE_DATA"),
        (_no_database, "weathervane doctor"),
        (_older_database, "weathervane refresh makes it anew"),
    ],
)
def test_damage_is_told_and_not_traced(
    damage: Any, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(tmp_path / "data")
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path / "data"))
    code, out, err = ends(monkeypatch, capsys, "status", "--json")
    assert (code, out) == (codes.FAILED, "")
    assert told in err and "Traceback" not in err


def test_a_refresh_that_cannot_begin_says_which_setting_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path / "file"))
    code, out, err = ends(monkeypatch, capsys, "refresh", "--json")
    assert (code, out) == (codes.FAILED, "") and "Not a directory; is WEATHERVANE_DATA a folder" in err
    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("WEATHERVANE_CATALOG", str(tmp_path / "nowhere"))
    code, out, err = ends(monkeypatch, capsys, "refresh", "--json")
    assert (code, out) == (codes.FAILED, "") and "is WEATHERVANE_CATALOG right?" in err


def test_a_warehouse_that_is_being_written_names_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from warehouse.lock import writer

    monkeypatch.setenv("WEATHERVANE_DATA", str(tmp_path))
    monkeypatch.setattr("pipeline.cli.site.writer", lambda path, who, say: writer(path, who, 0.0, say))
    with writer(tmp_path / "writer.lock", "weathervane refresh"):
        code, out, err = ends(monkeypatch, capsys, "site", "--build", "--json")
    assert (code, out) == (codes.FAILED, "")
    assert "being written by weathervane refresh" in err and "try again when it is done" in err


def test_an_unforeseen_error_says_how_to_find_out_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("pipeline.cli.look.connect.read", broken)
    code, _, err = ends(monkeypatch, capsys, "status")
    assert code == codes.FAILED and "ZeroDivisionError" in err and "WEATHERVANE_TRACEBACK=1" in err
    monkeypatch.setenv("WEATHERVANE_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["weathervane", "status"])
    with pytest.raises(ZeroDivisionError):
        main.main()


def test_a_folder_that_may_not_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/srv/data/archive")

    monkeypatch.setattr("pipeline.cli.look.connect.read", refused)
    code, _, err = ends(monkeypatch, capsys, "status")
    assert code == codes.FAILED and "/srv/data/archive: Permission denied; make it readable and writable" in err


# ---- progress, terminals, completion --------------------------------------------------------------------------------


def test_progress_is_drawn_in_a_terminal_and_nowhere_else() -> None:
    code = (
        "from pipeline.cli import bars; from assets.watching import counted\n"
        "with bars.stages(2) as bar:\n"
        "    bar.stage('loading')\n"
        "    for _ in counted(range(3), 'releases read'): pass\n"
        "print('done')\n"
    )
    quiet = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert (quiet.stdout, quiet.stderr) == ("done\n", "")
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, stderr=theirs, env=env
    )
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(ours, 4096):
            seen += chunk
    os.close(ours)
    assert process.communicate(timeout=60)[0] == b"done\n", "what was asked for went to the file, not to the terminal"
    assert b"loading" in seen and b"releases read" in seen and b"3/3" in seen
    assert seen.rstrip().endswith((b"\x1b[2K", b"\x1b[?25h", b"\x1b[1A\x1b[2K")), "the bars are wiped at the end"


def test_a_bar_that_nobody_sees_costs_nothing() -> None:
    with bars.stages(1, quiet=True) as bar:
        bar.stage("x")
        bar.step("y", 1, None)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("weathervane tre", ["trend"]),
        ("weathervane trend belarus-army", ["belarus-army-role"]),
        ("weathervane trend belarus-army-role join_r", ["join_russia"]),
        ("weathervane trend belarus-army-role --category join_r", ["join_russia"]),
        ("weathervane compare belarus-army-role 0", ["09", "08"]),
        ("weathervane trend --series chatham", ["chatham-house/belarus"]),
        ("weathervane trend belarus-army-role --series ", ["chatham-house/belarus"]),
        ("weathervane verify chatham-house/belarus/0", ["chatham-house/belarus/08"]),
        ("weathervane review chatham-house/belarus/10", ["chatham-house/belarus/10"]),
        ("weathervane trend territorial-concessions --subgroup region=E", ["region=East"]),
    ],
)  # fmt: skip
def test_completion_offers_what_is_published(
    published: Path, line: str, offered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = line.split()
    at = len(words) if line.endswith(" ") else len(words) - 1
    monkeypatch.setenv("WEATHERVANE_DATA", str(published.parents[1]))
    monkeypatch.setenv("_WEATHERVANE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(at))
    done = CliRunner().invoke(app, [], prog_name="weathervane")
    assert set(offered) <= set(done.stdout.splitlines()), done.output
    assert all(one.startswith("" if line.endswith(" ") else words[-1]) for one in done.stdout.splitlines())


def test_completion_without_a_database_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    env = {
        **os.environ, "WEATHERVANE_DATA": str(tmp_path), "_WEATHERVANE_COMPLETE": "complete_bash",
        "COMP_WORDS": "weathervane trend bel", "COMP_CWORD": "2",
    }  # fmt: skip
    done = subprocess.run([COMMAND], env=env, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("width", ["80", "60"])
@pytest.mark.parametrize(
    "words",
    [
        ["trend", "territorial-concessions"],
        ["compare", "territorial-concessions", "2022-05", "2022-07"],
        ["sql", "SELECT * FROM waves LIMIT 2"],
    ],
    ids=lambda words: words[0],
)
def test_tables_fit_the_terminal(ask: Ask, words: list[str], width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    text = ask(*words)
    # A row by itself is `name  value`; its value may be long and is left to the terminal to wrap.
    long = [line for line in text.splitlines() if len(line) > int(width) and not re.match(r" *\w+  \S", line)]
    assert not long, long[0]


def test_a_table_that_does_not_fit_is_turned_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show.out, "_width", 20)
    written = io.StringIO()
    monkeypatch.setattr(show.out, "_file", written)  # the property would put the present stream in its place for good
    show.table(["wave", "percent", "interval"], [["a long name", "12.5", "10.1-14.9"]], right=("percent", "interval"))
    text = written.getvalue()
    assert "-- 1 of 1" in text and "10.1-14.9" in text and "a long name" in text
