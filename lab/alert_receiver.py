"""The receiver of the lab's alerts, in place of a bank's duty desk: it writes each message to a file.

`python -m lab.alert_receiver FILE ADDRESS PORT`. Runs until it is killed, in the lab's own control group.
"""

import http.server
import json
import secrets
import sys
import threading
from http import HTTPStatus
from pathlib import Path

from inventory import lab as lab_inventory
from inventory import secrets as inventory_secrets
from lab.supervise import keep_up

PATH = "/alerts"
_BODY_MAX_BYTES = 1 << 20
_FILE_MAX_BYTES = 16 << 20
"""A longer file is begun anew, so that a lab that runs for weeks fills no disk."""
_CLIENT_SILENT_S = 5.0


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = _CLIENT_SILENT_S
    token: str
    file: Path
    writing: threading.Lock

    def do_POST(self) -> None:
        status = self._take()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _take(self) -> HTTPStatus:
        if not _is_bearer(self.headers.get("Authorization", ""), self.token):
            return HTTPStatus.UNAUTHORIZED
        length = self.headers.get("Content-Length", "")
        if self.path != PATH:
            return HTTPStatus.NOT_FOUND
        if not (length.isascii() and length.isdigit() and int(length) <= _BODY_MAX_BYTES):
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        try:
            message = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return HTTPStatus.BAD_REQUEST
        with self.writing:  # two messages never mix in the file
            is_full = self.file.exists() and self.file.stat().st_size > _FILE_MAX_BYTES
            with self.file.open("w" if is_full else "a") as file:
                file.write(json.dumps(message) + "\n")
        return HTTPStatus.OK


def _is_bearer(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), f"Bearer {token}".encode())


def server_of(file: Path, token: str, address: str, port: int) -> http.server.ThreadingHTTPServer:
    """Return a server that writes to `file`, and asks for `token`; a slow client keeps no other one waiting.

    + address, port: where it listens; 0: any free port
    """
    parts = {"file": file, "token": token, "writing": threading.Lock()}
    return http.server.ThreadingHTTPServer((address, port), type("Handler", (_Handler,), parts))


def serve(file: Path, address: str, port: int) -> None:
    """Serve until the process ends."""
    token = inventory_secrets.load(lab_inventory.ENVIRONMENT.secrets_file).alert_webhook_token
    with server_of(file, token, address, port) as server:
        server.serve_forever()


if __name__ == "__main__":
    keep_up(serve, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
