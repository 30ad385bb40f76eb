"""Questions over HTTPS: short answers, within a time limit, from whom the authority vouches for."""

import http.client
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

_LARGEST_ANSWER_BYTES = 1 << 16
_CHUNK_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A certificate of this host, and the key that belongs to it."""

    certificate: str
    """Path of the PEM chain."""
    private_key: str
    """Path of the PEM key."""


def get(url: str, *, authority: str, identity: Identity | None = None, limit_s: float) -> str | None:
    """Return the body of the answer 200; None: another answer, or none in time.

    + url: an https address
    + authority: path of the PEM certificate of the authority
    + identity: what this host shows; None: nothing
    + limit_s: time limit for the whole answer, in seconds
    """
    end = time.monotonic() + limit_s
    address = urlsplit(url)
    try:
        trust = ssl.create_default_context(cafile=authority)
        if identity is not None:
            trust.load_cert_chain(identity.certificate, identity.private_key)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=limit_s, context=trust
        )
        try:
            connection.request("GET", address.path or "/")
            answer = connection.getresponse()
            body = _body(answer, end)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return body.decode(errors="replace") if answer.status == http.client.OK else None


def _body(answer: http.client.HTTPResponse, end: float) -> bytes:
    # An enemy could send one byte now and then for ever, and each would be in time.
    body = b""
    while len(body) < _LARGEST_ANSWER_BYTES and time.monotonic() < end:
        chunk = answer.read1(_CHUNK_BYTES)
        if not chunk:
            return body
        body += chunk
    raise TimeoutError
