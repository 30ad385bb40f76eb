"""Kept connections from one user to the gateways, and requests over them.

FastHttpUser's own session builds each request through layers for dictionaries, redirects and cookies: 0.46
ms of CPU per request. On two cores that also run the whole system, that is a quarter of the CPU at 1000/s.
This module uses the parser of the same library on a kept socket, without those layers, for half of that
time.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from select import POLLIN
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl
from gevent.monkey import get_original
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse

from loadtests.transport.exchange import NoAnswerError, NotSentError, Reply

_poll = get_original("select", "poll")
"""Polls the kernel directly; gevent's own poll would go through its event loop. `select` does not support
file descriptors above 1,023, and a thousand users have more."""
_COMMON = (
    "User-Agent: loanstack-load\r\nAccept: application/json\r\n"
    "Content-Type: application/json\r\nContent-Length: "
)
_READ_BYTES = 16_384
_SIMPLE_HEAD = re.compile(
    rb"HTTP/1\.1 (?P<status>[2-5]\d\d) (?!(?s:.)*\r\n(?i:connection: *close|transfer-encoding:))"
    rb"(?s:.)*?\r\n(?i:content-length): *(?P<length>\d{1,9})(?:\r\n|$)"
)
"""The head of nearly every answer. Matching it here costs a tenth of a callback for each header."""
CONNECT_TIMEOUT_S = 1.0
"""Time limit of a connect: users must soon give up a dead gateway, and try another for the next arrival."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One gateway, as a client reaches it."""

    url: str
    address: str
    port: int
    server_name: str
    """The name in the `Host` header, which the certificate must contain."""
    ca_file: Path | None
    """The authority that must have signed its certificate; None: no TLS."""


def target_of(url: str) -> Target:
    """Return the target of a `--host` URL: TLS checked against the system's authorities, or plain HTTP.

    Raises:
        ValueError: not an http or https URL with a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(f"--host {url!r}; allowed: http://ADDRESS:PORT or https://NAME:PORT without a path")
    tls = parts.scheme == "https"
    paths = gevent.ssl.get_default_verify_paths()
    return Target(
        url=url,
        address=parts.hostname,
        port=parts.port or (443 if tls else 80),
        server_name=parts.hostname,
        ca_file=Path(paths.cafile or paths.openssl_cafile) if tls else None,
    )


class Connection:
    """A kept connection to one target; opened when first needed, and again after it was closed."""

    def __init__(self, target: Target, *, deadline_s: float) -> None:
        """Give up on an answer after `deadline_s`."""
        self._target = target
        self._deadline_s = deadline_s
        self._tail = f"Host: {target.server_name}\r\n{_COMMON}"
        self._socket: gevent.socket.socket | None = None
        self._arrived = _poll()

    def open(self) -> gevent.socket.socket:
        """Return the kept socket, or a new one if there is none or the other side has closed it.

        Raises:
            NotSentError: the target cannot be reached, or its certificate is wrong.
        """
        if self._socket is not None:
            if not self._arrived.poll(0) or self._is_idle(self._socket):
                return self._socket
            self.close()
        try:
            self._socket = self._connected()
        except OSError as unreachable:
            raise NotSentError(f"connect: {_words(unreachable)}") from unreachable
        self._arrived = _poll()
        self._arrived.register(self._socket, POLLIN)
        return self._socket

    def send(self, head: str, body: bytes) -> Reply:
        """Send one request and return its answer; see `Exchange`."""
        sock = self.open()
        try:
            request = f"{head}{self._tail}{len(body)}\r\n\r\n".encode("latin-1") + body
            # Requests fit into the socket's buffer. `sendall` would first ask the kernel for its size.
            sent = sock.send(request)
            if sent < len(request):
                sock.sendall(request[sent:])
            reply, keep = _answer(sock, head[: head.index(" ")])
        except (OSError, HTTPParseError) as lost:
            self.close()
            raise NoAnswerError(_words(lost)) from lost
        except BaseException:
            self.close()
            raise
        if not keep:
            self.close()
        return reply

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _is_idle(self, sock: gevent.socket.socket) -> bool:
        """Say whether data between two answers is only TLS's own (session tickets), and not the end."""
        sock.settimeout(0.0)
        try:
            sock.recv(1)
        except (gevent.ssl.SSLWantReadError, BlockingIOError):
            sock.settimeout(self._deadline_s)
            return True
        except OSError:
            return False
        # The connection has ended, or the server sent unexpected bytes.
        return False

    def _connected(self) -> gevent.socket.socket:
        target = self._target
        sock = gevent.socket.create_connection((target.address, target.port), timeout=CONNECT_TIMEOUT_S)
        try:
            sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if target.ca_file is not None:
                sock = _context(target.ca_file).wrap_socket(sock, server_hostname=target.server_name)
            sock.settimeout(self._deadline_s)
        except OSError:
            sock.close()
            raise
        return sock


class Connections:
    """One user's connections, one to each gateway."""

    def __init__(self, targets: Sequence[Target], *, first: int, deadline_s: float) -> None:
        """Use target number `first` (modulo their number) until it fails."""
        self._connections = [Connection(target, deadline_s=deadline_s) for target in targets]
        self._current = first % len(targets)

    def send(self, head: str, body: bytes) -> Reply:
        """Send one request; see `Exchange`. After a failure the next request goes to the next target."""
        try:
            return self._connections[self._current].send(head, body)
        except (NotSentError, NoAnswerError):
            self._current = (self._current + 1) % len(self._connections)
            raise

    def connect(self) -> None:
        """Open the connection early; an error is ignored here, because the next request meets it again."""
        with contextlib.suppress(NotSentError):
            self._connections[self._current].open()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()


def _answer(sock: gevent.socket.socket, method: str) -> tuple[Reply, bool]:
    """Return the answer to a request, and whether the connection may be kept."""
    data = sock.recv(_READ_BYTES)
    head, end, body = data.partition(b"\r\n\r\n")
    match = _SIMPLE_HEAD.match(head) if end else None
    if match is None:
        # Any other kind of answer: let the library's parser handle it.
        response = HTTPSocketResponse(sock, method=method, pre_buffered=data)
        reply = Reply(response.get_code(), response.read(), "retry-after" in response)
        return reply, not response.should_close()
    left = int(match["length"]) - len(body)
    while left > 0:
        more = sock.recv(_READ_BYTES)
        if not more:
            raise HTTPParseError("connection closed before end of the body")
        body += more
        left -= len(more)
    # If there is more data than announced, the connection cannot be used for another request.
    return Reply(int(match["status"]), body, b"\r\nretry-after:" in head.lower()), left == 0


def _words(error: Exception) -> str:
    # The same failure must read the same each time, so that errors can be counted by kind.
    if isinstance(error, TimeoutError):
        return "timed out"
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


@cache
def _context(ca_file: Path) -> gevent.ssl.SSLContext:
    # One for all users: loading the authorities takes longer than a handshake.
    return gevent.ssl.create_default_context(cafile=str(ca_file))
