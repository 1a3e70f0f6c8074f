"""What Dagster is told: a snapshot of every definition, the settings, and what loading the definitions may import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.explorer.build import build
from assets.faces import ROOMS, group
from pipeline.build import build_defs
from pipeline.settings import SettingError, Settings
from schemas.remedies import REMEDIES
from schemas.vocabulary import QUARANTINE_CAUSES
from warehouse.layout import PROJECT

SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.txt"


def described() -> str:
    repository = build_defs(settings=Settings()).get_repository_def()
    graph = repository.asset_graph
    lines = ["assets (group: key <- what it needs)"]
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        needs = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        kind = " (external, by release)" if not node.is_materializable else ""
        lines.append(f"  {node.group_name}: {key.to_user_string()}{kind}" + (f" <- {needs}" if needs else ""))
    lines += ["", "checks (* blocks)"]
    for check in sorted(graph.asset_check_keys, key=lambda one: (one.asset_key, one.name)):
        blocks = "*" if graph.get(check).blocking else " "
        lines.append(f"  {blocks} {check.asset_key.to_user_string()}: {check.name}")
    lines += ["", "jobs (what they make)"]
    for job in sorted(repository.get_all_jobs(), key=lambda one: one.name):
        if not job.name.startswith("__"):
            made = sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys)
            lines.append(f"  {job.name}: {', '.join(made)}; executor {job.executor_def.name}")
    lines += ["", "schedules"]
    lines += [
        f"  {one.name}: {one.job_name} at {one.cron_schedule!r} {one.execution_timezone}, {one.default_status.value}"
        for one in repository.schedule_defs
    ]
    lines += ["", "sensors"]
    lines += [
        f"  {one.name}: {one.job_name if one.has_jobs else 'no job'}, every {one.minimum_interval_seconds} s, "
        f"{one.default_status.value}"
        for one in sorted(repository.sensor_defs, key=lambda one: one.name)
    ]
    return "\n".join(lines) + "\n"


def test_definitions_are_those_of_the_snapshot():
    # To write it anew: .venv/bin/python -m tests.test_definitions
    assert described() == SNAPSHOT.read_text()


def test_every_asset_says_what_it_is_whose_and_of_what_kind():
    specs = build_defs(settings=Settings()).resolve_all_asset_specs()
    assert len(specs) == 11
    for spec in specs:
        assert spec.description and len(spec.description) > 60, spec.key
        assert spec.owners == ["team:survey-desk"] and spec.group_name != "default" and spec.kinds, spec.key


def test_groups_sort_in_the_order_of_the_flow():
    """Dagster lists groups by name, and numbers in names as numbers."""
    graph = build_defs(settings=Settings()).get_repository_def().asset_graph
    flow = list(dict.fromkeys(graph.get(key).group_name for key in graph.toposorted_asset_keys))
    assert sorted(flow) == [group(room) for room in ROOMS]
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        assert all(graph.get(parent).group_name <= node.group_name for parent in node.parent_keys), key


def test_every_asset_has_a_page_and_code_that_exist(published, tmp_path):
    build(published, tmp_path)
    for spec in build_defs(settings=Settings(site_url="http://127.0.0.1:8000")).resolve_all_asset_specs():
        page, module = spec.metadata["explorer page"].value, spec.metadata["code"].value
        assert (tmp_path / page.removeprefix("http://127.0.0.1:8000/")).is_file(), (spec.key, page)
        assert (PROJECT / module).is_file(), (spec.key, module)


def test_every_cause_has_a_remedy():
    assert set(REMEDIES) == set(QUARANTINE_CAUSES)


def test_every_check_job_schedule_and_sensor_says_what_it_is():
    defs = build_defs(settings=Settings())
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    for key in graph.asset_check_keys:
        assert len(graph.get(key).description or "") > 20, key
    for one in (repository.get_job("refresh"), *repository.schedule_defs, *repository.sensor_defs):
        assert len(one.description or "") > 40, one.name


def test_columns_are_declared_with_words():
    specs = {spec.key.to_user_string(): spec for spec in build_defs(settings=Settings()).resolve_all_asset_specs()}
    schema = specs["trends"].metadata["dagster/column_schema"]
    assert {"percent", "comparability", "reasons"} <= {column.name for column in schema.columns}
    assert all(column.description for column in schema.columns)


def test_the_workspace_loads_from_another_folder(tmp_path):
    """As the UI loads it: the code server reads workspace.yaml while the current folder is somewhere else."""
    code = (
        "from dagster._core.workspace.load import load_workspace_process_context_from_yaml_paths as load\n"
        "import dagster as dg, sys\n"
        "with dg.DagsterInstance.get() as instance, load(instance, [sys.argv[1]]) as process:\n"
        "    context = process.create_request_context()\n"
        "    entry = context.get_code_location_entries()['weathervane']\n"
        "    assert entry.load_error is None, entry.load_error\n"
        "    repository = context.code_locations[0].get_repository('__repository__')\n"
        "    print(sorted(job.name for job in repository.get_all_jobs()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(PROJECT / "workspace.yaml")],
        cwd="/", capture_output=True, text=True, timeout=120, env=_environment(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "refresh" in done.stdout


def test_loading_the_definitions_imports_nothing_heavy(tmp_path):
    code = "import json, sys, pipeline.definitions; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(tmp_path),
        cwd=PROJECT,
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    assert loaded & {"great_expectations", "altair", "vl_convert", "scipy", "openpyxl", "python_calamine"} == set()


def _environment(tmp_path: Path) -> dict[str, str]:
    ours = {"WEATHERVANE_DATA": str(tmp_path), "DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WEATHERVANE_", "DAGSTER_"))}
    return {**kept, **ours}


@pytest.fixture
def environment(monkeypatch):
    for name in ("NIGHTLY_AT", "TIMEZONE", "ALERT_URL", "SENSOR_SECONDS", "SITE_URL"):
        monkeypatch.delenv(f"WEATHERVANE_{name}", raising=False)
    return lambda **values: [monkeypatch.setenv(f"WEATHERVANE_{name}", value) for name, value in values.items()]


def test_settings_have_defaults(environment):
    assert Settings.from_environment() == Settings("04:15", "UTC", None, 60)


def test_settings_come_from_the_environment(environment):
    environment(NIGHTLY_AT="5:07", TIMEZONE="Europe/Warsaw", ALERT_URL="http://127.0.0.1:1/", SENSOR_SECONDS="30")
    schedule = build_defs().get_repository_def().get_schedule_def("nightly_refresh")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("7 5 * * *", "Europe/Warsaw")
    assert Settings.from_environment().alert_url == "http://127.0.0.1:1/"
    assert build_defs().get_repository_def().get_sensor_def("new_releases").minimum_interval_seconds == 30


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("NIGHTLY_AT", "25:00", "expected a time of day such as 04:15"),
        ("NIGHTLY_AT", "noon", "expected a time of day such as 04:15"),
        ("NIGHTLY_AT", "04:15\n", "expected a time of day such as 04:15"),
        ("TIMEZONE", "Warsaw", "expected a name such as Europe/Warsaw"),
        ("TIMEZONE", "../etc/passwd", "expected a name such as Europe/Warsaw"),
        ("SITE_URL", "127.0.0.1:8000", "expected the address of the explorer, such as http://127.0.0.1:8000"),
        ("SENSOR_SECONDS", "soon", "expected a number of seconds such as 60"),
        ("SENSOR_SECONDS", "0", "expected a number of seconds such as 60"),
        ("ALERT_URL", "hooks.example.org/secret", "expected one that begins with https://"),
    ],
)
def test_a_setting_that_cannot_be_used_says_which_and_what_was_expected(environment, name, value, says):
    environment(**{name: value})
    with pytest.raises(SettingError, match=says) as bad:
        Settings.from_environment()
    assert f"WEATHERVANE_{name}" in str(bad.value)
    assert "secret" not in str(bad.value)


def test_resources_can_be_replaced():
    assert build_defs(settings=Settings(), resources={"house": dg.ResourceDefinition.none_resource()})


if __name__ == "__main__":
    SNAPSHOT.parent.mkdir(exist_ok=True)
    SNAPSHOT.write_text(described())
