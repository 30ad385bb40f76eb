"""Questions over HTTP and HTTPS: short answers, within a time limit."""

import http.client
from collections.abc import Mapping
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
            answer = connection.getresponse()
            body = _body(answer, end)
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


def _body(answer: http.client.HTTPResponse, end: float) -> bytes:
    # An enemy could send one byte now and then for ever, and each would be in time.
    body = b""
    while len(body) < _LARGEST_ANSWER_BYTES and waiting.now_s() < end:
        chunk = answer.read1(_CHUNK_BYTES)
        if not chunk:
            return body
        body += chunk
    raise TimeoutError
