"""`ui`, `docs`: keeping the house.

Belongs here: starting the UI, writing the generated pages. Does not belong here: what stands on them
(warehouse.dictionary, pipeline.cli.reference), loading.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import show
from warehouse.layout import PROJECT, Layout


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster on 127.0.0.1, with its home inside the data folder, and the explorer on the next port.

    Stop with Ctrl-C.
    """
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
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    if not os.environ.get("WEATHERVANE_SITE_URL"):
        environment |= _explorer(layout, port + 1)
    show.out.print(f"Dagster on http://127.0.0.1:{port} (Ctrl-C stops it)")
    # A shell that starts this in the background makes it ignore SIGINT, and Dagster would then ignore SIGTERM too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()


def _explorer(layout: Layout, port: int) -> dict[str, str]:
    """Serve the explorer beside the UI, whose links lead there; the setting that tells the UI so."""
    from pipeline.cli.site import HOST, serve

    layout.site.mkdir(parents=True, exist_ok=True)
    try:
        server = serve(layout.site, port)
    except (OSError, OverflowError):
        show.out.print(f"port {port} is taken: the explorer is not served, and the UI names its files instead")
        return {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{HOST}:{port}"
    show.out.print(f"the explorer on {url}")
    return {"WEATHERVANE_SITE_URL": url}


def docs() -> None:
    """Write the generated pages: tables, keys, commands, and the JSON Schemas by which editors check the catalogue."""
    from pipeline.cli import reference as commands
    from schemas import reference
    from schemas.tables import TABLES
    from warehouse.dictionary import markdown

    (PROJECT / "docs" / "tables.md").write_text(markdown(TABLES), encoding="utf-8")
    (PROJECT / "docs" / "manifest.md").write_text(reference.markdown(), encoding="utf-8")
    (PROJECT / "docs" / "cli.md").write_text(commands.markdown(), encoding="utf-8")
    for name, text in json_schemas().items():
        (PROJECT / "docs" / "schemas").mkdir(exist_ok=True)
        (PROJECT / "docs" / "schemas" / name).write_text(text, encoding="utf-8")
    show.out.print("wrote docs/tables.md, docs/manifest.md, docs/cli.md and docs/schemas/")


def json_schemas() -> dict[str, str]:
    """File name -> JSON Schema of each YAML contract."""
    from pydantic import BaseModel

    from schemas.claim import Claim
    from schemas.concept import Concepts
    from schemas.item import Item
    from schemas.manifest import Organisation, Release, Series

    models: dict[str, type[BaseModel]] = {
        "release": Release,
        "item": Item,
        "concepts": Concepts,
        "claim": Claim,
        "organisation": Organisation,
        "series": Series,
    }
    return {
        f"{n}.schema.json": json.dumps(m.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
        for n, m in models.items()
    }
