"""Kept connections from one user to the gateways, and requests over them.

FastHttpUser's own session builds each request from dictionaries, redirects and cookies: 0.46 ms of CPU a
request. On two cores that carry the whole system too, that is a quarter of all there is at 1000/s. This
uses the same library (geventhttpclient: connection pool, TLS, C parser) without that layer: 0.25 ms.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from loadtests.exchange import NoAnswerError, NotSentError, Reply

CONNECT_TIMEOUT_S = 1.0
"""A gateway that is gone must not hold its users: they try another one for their next arrival."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One gateway, as a client reaches it."""

    url: str
    address: str
    port: int
    server_name: str
    """The name in the `Host` header, which the certificate must carry."""
    ca_file: Path | None
    """The authority its certificate must come from; None: no TLS."""


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


class Connections:
    """One user's connections: one to each target it has used, kept open."""

    def __init__(self, targets: Sequence[Target], *, first: int, deadline_s: float) -> None:
        """Prefer target number `first` (modulo their number); give up on an answer after `deadline_s`."""
        self._pools = [_pool(target, deadline_s) for target in targets]
        self._tails = [f"Host: {target.server_name}\r\n{_COMMON}" for target in targets]
        self._current = first % len(targets)

    def send(self, head: str, body: bytes) -> Reply:
        """Send one request, on the kept connection where there is one.

        + head: request line and own headers, each with its line end
        + body: JSON, or empty

        After a failure the next request goes to the next target.

        Raises:
            NotSentError: no connection.
            NoAnswerError: reset, time-out, or an answer that is no HTTP.
        """
        pool = self._pools[self._current]
        try:
            sock = pool.get_socket()
        except OSError as unreachable:
            self._turn()
            raise NotSentError(f"connect: {_words(unreachable)}") from unreachable
        request = f"{head}{self._tails[self._current]}{len(body)}\r\n\r\n".encode("latin-1") + body
        try:
            _send_all(pool, sock, request)
            response = HTTPSocketPoolResponse(sock, pool, method=head[: head.index(" ")])
            return Reply(response.get_code(), response.read(), "retry-after" in response)
        except (OSError, HTTPParseError) as lost:
            self._turn()
            raise NoAnswerError(_words(lost)) from lost

    def connect(self) -> None:
        """Open the connection before it is needed; what fails here fails again when it is."""
        pool = self._pools[self._current]
        with contextlib.suppress(OSError):
            pool.return_socket(pool.get_socket())

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            pool.close()

    def _turn(self) -> None:
        self._current = (self._current + 1) % len(self._pools)


_COMMON = (
    "User-Agent: loanstack-load\r\nAccept: application/json\r\n"
    "Content-Type: application/json\r\nContent-Length: "
)


def _send_all(pool: ConnectionPool, sock: gevent.socket.socket, request: bytes) -> None:
    try:
        sock.sendall(request)
    except OSError:
        # Reading the answer gives the socket back by itself; sending does not.
        pool.release_socket(sock)
        raise


def _words(error: Exception) -> str:
    # The same failure must read the same each time, so that errors can be counted by kind.
    if isinstance(error, TimeoutError):
        return "timed out"
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _pool(target: Target, deadline_s: float) -> ConnectionPool:
    ca_file = target.ca_file
    if ca_file is None:
        return ConnectionPool(
            target.address,
            target.port,
            target.server_name,
            target.port,
            size=1,
            connection_timeout=CONNECT_TIMEOUT_S,
            network_timeout=deadline_s,
        )
    return SSLConnectionPool(
        target.address,
        target.port,
        target.server_name,
        target.port,
        size=1,
        connection_timeout=CONNECT_TIMEOUT_S,
        network_timeout=deadline_s,
        ssl_options={"server_hostname": target.server_name},
        ssl_context_factory=lambda cafile=None: _context(ca_file),
    )


@cache
def _context(ca_file: Path) -> gevent.ssl.SSLContext:
    # One for all users: loading the authorities takes longer than a handshake.
    return gevent.ssl.create_default_context(cafile=str(ca_file))
