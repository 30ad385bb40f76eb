"""Questions over HTTP and HTTPS: short answers, within a time limit."""

import http.client
import io
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from hosttools import waiting

_LARGEST_ANSWER_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whom this host believes over HTTPS, and what it shows itself."""

    authority: str
    """Path of the PEM certificate of the authority."""
    certificate: str | None = None
    """Path of this host's own PEM chain; None: it shows nothing."""
    private_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, whatever its status."""

    status: int
    body: str
    """Its text; bytes that are no UTF-8 are replaced."""


def ask(
    url: str, *, limit_s: float, headers: Mapping[str, str] = _NO_HEADERS, trust: Trust | None = None
) -> Answer | None:
    """Return the answer to a GET; None: there was none in time, or it was too long.

    + url: an http or https address
    + limit_s: time limit for the whole answer, in seconds
    + headers: sent beside the usual ones
    + trust: needed for https
    """
    end = waiting.now_s() + limit_s
    address = urlsplit(url)
    path = f"{address.path or '/'}{'?' if address.query else ''}{address.query}"
    try:
        connection = _connection(address.hostname or "", address.port, limit_s, trust)
        try:
            connection.request("GET", path, headers=dict(headers))
            with closing(http.client.HTTPResponse(connection.sock, method="GET")) as answer:
                answer.fp = io.BufferedReader(_InTime(answer.fp.detach(), connection.sock, end))
                answer.begin()
                body = _body(answer)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return Answer(status=answer.status, body=body.decode(errors="replace"))


def body_of(url: str, *, limit_s: float, trust: Trust | None = None) -> str | None:
    """Return the body of the answer 200 to a GET; None: another answer, or none in time.

    + url, limit_s, trust: as for `ask`
    """
    answer = ask(url, limit_s=limit_s, trust=trust)
    return answer.body if answer is not None and answer.status == http.client.OK else None


def is_refused(url: str, *, limit_s: float) -> bool:
    """Return whether the host refuses connections there: then no process listens, and silence means no more.

    + url: an http or https address
    + limit_s: time limit, in seconds
    """
    address = urlsplit(url)
    port = address.port or (http.client.HTTPS_PORT if address.scheme == "https" else http.client.HTTP_PORT)
    try:
        socket.create_connection((address.hostname or "", port), timeout=limit_s).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _connection(
    host: str, port: int | None, limit_s: float, trust: Trust | None
) -> http.client.HTTPConnection:
    if trust is None:
        return http.client.HTTPConnection(host, port, timeout=limit_s)
    import ssl  # it takes 8 ms, and most questions are without

    context = ssl.create_default_context(cafile=trust.authority)
    if trust.certificate is not None:
        context.load_cert_chain(trust.certificate, trust.private_key)
    return http.client.HTTPSConnection(host, port, timeout=limit_s, context=context)


def _body(answer: http.client.HTTPResponse) -> bytes:
    body = b""
    while len(body) < _LARGEST_ANSWER_BYTES:
        chunk = answer.read1(_CHUNK_BYTES)
        if not chunk:
            return body
        body += chunk
    raise ValueError("too long")


class _InTime(io.RawIOBase):
    """What a connection receives until a moment.

    Its own time limit is for one step: an enemy could send one byte now and then for ever, headers as well.
    """

    def __init__(self, received: io.RawIOBase, link: socket.socket, end_s: float) -> None:
        super().__init__()
        self._received, self._link, self._end_s = received, link, end_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override] # it gets no other buffer
        left_s = self._end_s - waiting.now_s()
        if left_s <= 0:
            raise TimeoutError
        self._link.settimeout(left_s)
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()
