"""`doctor`, `ui`, `docs`: keeping the house.

Belongs here: checks of the house itself, starting the UI, generated pages. Does not belong here: loading.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import show
from warehouse import versions
from warehouse.layout import PROJECT, Layout


def doctor() -> None:
    """Look at the house: versions, archive, leftovers, lock, database. Exit code 1 if something needs you."""
    layout = Layout.from_environment().ensure()
    bad = 0
    for passed, what in _findings(layout):
        bad += not passed
        show.out.print(
            f"{'ok  ' if passed else 'MEND'}  {what}", style=None if passed else "yellow", markup=False, soft_wrap=True
        )
    if bad:
        raise typer.Exit(1)


def _findings(layout: Layout) -> Iterator[tuple[bool, str]]:
    from assets.isolation import network_isolation
    from assets.publication.publish import why_build
    from assets.releases.archive import Archive
    from assets.releases.ledger import Ledger

    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}"
    if sys.dont_write_bytecode:
        yield True, "PYTHONDONTWRITEBYTECODE is set: starting is slower if packages were installed without bytecode"
    yield layout.catalogue.is_dir(), f"catalogue {layout.catalogue}"
    free = os.statvfs(layout.data)
    gigabytes = free.f_bavail * free.f_frsize / 1e9
    yield gigabytes > 1, f"{gigabytes:.1f} GB free for {layout.data}"
    yield True, f"parsers are cut off from the network by: {network_isolation()}"
    ledger = Ledger(layout.ledger)
    yield (
        True,
        f"ledger at refresh {ledger.head}, {len(ledger.live())} releases live, {len(ledger.quarantined())} set aside",
    )
    damaged = Archive(layout.archive).damaged()
    yield (
        not damaged,
        f"archive: {len(damaged)} damaged files"
        + (f" ({damaged[0]}, …); restore them from a backup" if damaged else ""),
    )
    strays = versions.stray_wals(layout)
    yield (
        not strays,
        f"{len(strays)} stray .wal files" + (f" ({strays[0]}); the next refresh publishes afresh" if strays else ""),
    )
    published = versions.published(layout)
    yield published is not None, f"published: {published.name if published else 'nothing; run weathervane refresh'}"
    why = why_build(layout, ledger)
    yield (
        why is None,
        f"published database is current{'' if why is None else ': no, ' + why + '; run weathervane refresh'}",
    )


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster on 127.0.0.1, with its home inside the data folder. Stop with Ctrl-C."""
    from pipeline import home

    layout = Layout.from_environment()
    home.prepare(layout)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise typer.BadParameter(f"something listens on port {port} already; choose another with --port")
    command = [
        str(Path(sys.executable).with_name("dagster")), "dev", "--workspace", str(PROJECT / "workspace.yaml"),
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    show.out.print(f"Dagster on http://127.0.0.1:{port} (Ctrl-C stops it)")
    # A shell that starts this in the background makes it ignore SIGINT, and Dagster would then ignore SIGTERM too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONWARNINGS": "ignore"})  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()


def docs() -> None:
    """Write the generated pages: docs/tables.md and the JSON Schemas that editors use for the catalogue's YAML."""
    from schemas.tables import TABLES
    from warehouse.dictionary import markdown

    (PROJECT / "docs" / "tables.md").write_text(markdown(TABLES), encoding="utf-8")
    for name, text in json_schemas().items():
        (PROJECT / "docs" / "schemas").mkdir(exist_ok=True)
        (PROJECT / "docs" / "schemas" / name).write_text(text, encoding="utf-8")
    show.out.print("wrote docs/tables.md and docs/schemas/")


def json_schemas() -> dict[str, str]:
    """File name -> JSON Schema of each YAML contract."""
    from pydantic import BaseModel

    from schemas.claim import Claim
    from schemas.item import Item
    from schemas.manifest import Organisation, Release, Series

    models: dict[str, type[BaseModel]] = {
        "release": Release,
        "item": Item,
        "claim": Claim,
        "organisation": Organisation,
        "series": Series,
    }
    return {
        f"{n}.schema.json": json.dumps(m.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
        for n, m in models.items()
    }
