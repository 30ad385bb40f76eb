"""A scripted loan service: a server on loopback that does what a test tells it, and remembers."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client: tuple[str, int]


@dataclass
class Service:
    """What it answers, and what it was asked; `/in-rotation` is answered apart and not remembered."""

    status: int = 200
    body: bytes = b'{"is":"answered"}'
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay_s: float = 0.0
    reads_late_s: float = 0.0
    """How long it leaves unread what comes first over a connection: if it is much, the sender has to wait."""
    may_read: threading.Event = field(default_factory=threading.Event)
    """Until it is set, what comes over new connections stays unread."""
    may_answer: threading.Event = field(default_factory=threading.Event)
    """Until it is set, what was read stays unanswered."""
    closes_unanswered: bool = False
    is_ready: bool = True
    refused: int = 0
    """How often it was asked whether it is ready, and was not."""
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    _server: ThreadingHTTPServer | None = None

    def __post_init__(self) -> None:
        self.may_read.set()
        self.may_answer.set()

    def start(self) -> None:
        """Listen; on the port of before, if it listened before."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                service._sockets.add(self.request)
                if self.request.recv(4, socket.MSG_PEEK) == b"POST":
                    time.sleep(service.reads_late_s)
                    service.may_read.wait()

            def do_GET(self) -> None:
                service.handle(self)

            do_POST = do_GET  # noqa: N815 - the base class calls it so

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def server_bind(self) -> None:
                # A narrow pipe even on loopback: small segments, and the least room that there may be.
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                super().server_bind()

        self._sockets: set[socket.socket] = set()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the port and every connection, as a killed process does."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            for each in self._sockets:
                # Who sent may have hung up.
                with contextlib.suppress(OSError):
                    each.close() if each.fileno() < 0 else each.shutdown(socket.SHUT_RDWR)

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(length)
        if len(body) < length:
            # Given up by who sent it: nothing has arrived.
            request.close_connection = True
            return
        if request.path == "/in-rotation":
            self.refused += not self.is_ready
            self._answer(request, 200 if self.is_ready else 503, {}, b"")
            return
        self.seen.append(
            Seen(request.command, request.path, dict(request.headers.items()), body, request.client_address)
        )
        time.sleep(self.delay_s)
        self.may_answer.wait()
        if self.closes_unanswered:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(request, self.status, self.headers, self.body)

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if status != 204:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
