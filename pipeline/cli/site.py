"""`site`: the explorer's pages, built again or served on this machine.

Belongs here: arguments, the small web server. Does not belong here: the pages (assets.explorer).
"""

import functools
import http.server
import signal
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import bars, show
from warehouse.layout import Layout
from warehouse.lock import writer

HOST = "127.0.0.1"
# The pages need nothing from anywhere else, so a browser may hold them to that.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def site(
    build: Annotated[bool, typer.Option("--build", help="Write the pages from what is published, then stop.")] = False,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 8000,
    as_json: show.AsJson = False,
) -> None:
    """Show the explorer on 127.0.0.1. Stop with Ctrl-C. The pages also open from the disk, without this."""
    layout = Layout.from_environment()
    index = layout.site / "index.html"
    if as_json and not build:
        raise typer.BadParameter("only what --build did can be told as JSON", param_hint="--json")
    if build:
        write(layout, as_json)
        return
    if not index.is_file():
        write(layout)
    try:
        server = serve(layout.site, port)
    except OSError as bad:
        raise typer.BadParameter(f"port {port} cannot be used ({bad.strerror}); choose another with --port") from None
    with server:
        show.out.print(f"the explorer is on http://{HOST}:{server.server_address[1]}/ (Ctrl-C stops it)")
        show.out.print(f"or open {index}", soft_wrap=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            show.out.print("stopped")


def write(layout: Layout, as_json: bool = False) -> None:
    """Build the pages while nobody publishes.

    Raises:
        FileNotFoundError: nothing is published yet.
    """
    from assets.explorer.build import build as build_site

    with bars.stages(1) as bar, writer(layout.lock, "weathervane site --build", say=show.note):
        bar.stage("writing the site")
        done = build_site(layout.link, layout.site)
    index = layout.site / "index.html"
    if as_json:
        told = {"pages": done.pages, "written": len(done.written), "unchanged": done.unchanged}
        show.data({**told, "removed": len(done.removed), "seconds": done.seconds, "index": index})
        return
    show.out.print(
        f"{done.pages} pages: {len(done.written)} written, {done.unchanged} as before, {len(done.removed)} removed; "
        f"{done.seconds:.1f} s",
    )
    show.out.print(f"open {index}", soft_wrap=True)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of one folder, without a line on the terminal for each, and without listings."""

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: object) -> None:
        self.send_error(http.HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A server of a folder on this machine alone; port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    return http.server.ThreadingHTTPServer((HOST, port), functools.partial(_Quiet, directory=str(folder)))
