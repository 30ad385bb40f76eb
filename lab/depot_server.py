"""The depot's web server: serves the files below one folder, on the management network only.

`python -m lab.depot_server FOLDER ADDRESS PORT`. Runs until it is killed.
"""

import functools
import http.server
import sys
from collections.abc import Callable
from pathlib import Path

from lab.supervise import keep_up


class _Handler(http.server.SimpleHTTPRequestHandler):
    # Keep-alive: dnf fetches dozens of small files over one connection.
    protocol_version = "HTTP/1.1"
    extensions_map = {"": "application/octet-stream"}  # noqa: RUF012 - the base class declares it so

    def list_directory(self, path: object) -> None:
        """Refuse listings, which hosts do not need."""
        self.send_error(404)


def handler_for(folder: Path) -> Callable[..., _Handler]:
    """Return the request handler for files below `folder`."""
    return functools.partial(_Handler, directory=str(folder))


def serve(folder: Path, address: str, port: int) -> None:
    """Serve `folder` until the process ends."""
    with http.server.ThreadingHTTPServer((address, port), handler_for(folder)) as server:
        server.serve_forever()


if __name__ == "__main__":
    keep_up(serve, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
