"""A server that reads paths as Tomcat does, and says which page of the portal it reached."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


def as_container(raw: str) -> str:
    """Return the path that a Java container serves for `raw`: parameters dropped, decoded, dots resolved."""
    segments: list[str] = []
    bare = "/".join(part.partition(";")[0] for part in raw.partition("?")[0].split("/"))
    for segment in unquote(bare).split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    return f"/{'/'.join(segments)}"


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Run one; gives its ip:port, and the list of (path as sent, page reached) that it fills."""
    reached: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reached.append((self.path, as_container(self.path)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", reached
    finally:
        server.shutdown()
        server.server_close()
