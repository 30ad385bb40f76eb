"""Requests that make a cold Java virtual machine a warm one, before gateways send it anything.

Cold, it spends twice the time on a request: until some thousands it translates what it runs, and again what
it meets later and had not seen. So it is asked as clients ask: reads and writes, with a body and without,
over more and more connections, and only then often. A service answers the reads that it is ready and refuses
the writes (405), and does nothing.

The host that is warmed up has nothing to spare: a plain socket costs a fifth of what `http.client` does.
"""

import re
import socket
import threading
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit

from hosttools import waiting

STEPS = ((2, 4), (4, 4), (8, 4), (16, 4), (2, 42), (2, 42))
"""(connections at a time of each kind of request, percentage of all requests).

Most of it is over a few connections, because services answer clients at the same time.
"""
_KINDS = 2
_ANSWER_S = 5.0
_CHUNK_BYTES = 1 << 16
_LARGEST_ANSWER_BYTES = 1 << 20
_HEADERS = "Host: warm-up.loan\r\nX-Legal-Entity: none\r\n"
_BODY = '{"amount_fen":100}'
READ = f"GET {{path}} HTTP/1.1\r\n{_HEADERS}\r\n"
WRITE = (
    f"POST {{path}} HTTP/1.1\r\n{_HEADERS}Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n"
    f"Idempotency-Key: warm-up\r\nX-Request-Id: warm-up\r\n\r\n"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,7})\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"


def warm_up_url(portal_url: str) -> str:
    """Return what is asked: a service's readiness, through the portal."""
    return f"{portal_url}/api/readyz"


def warm_up(url: str, requests: int, limit_s: float) -> int:
    """Send the requests; return how many were answered.

    + url: what is asked
    + requests: number of all requests
    + limit_s: time limit, in seconds
    """
    end = waiting.now_s() + limit_s
    answered = 0
    for connections, percentage in STEPS:
        if waiting.now_s() >= end:
            break
        of_a_kind = requests * percentage // (100 * _KINDS)
        answered += _send(url, of_a_kind, connections, end)
    return answered


def _send(url: str, requests: int, connections: int, end_s: float) -> int:
    """Send `requests` of each kind at the same time, each kind over `connections`."""
    path = urlsplit(url).path
    kinds = (READ.format(path=path).encode(), f"{WRITE.format(path=path)}{_BODY}".encode())
    senders = [
        _Sender(url, request, turns, end_s)
        for request, turns in ((kind, _Turns(requests)) for kind in kinds)
        for _ in range(connections)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return sum(sender.answered for sender in senders)


class _Turns:
    """As many turns as there are requests, shared by the connections of a kind."""

    def __init__(self, requests: int) -> None:
        self._numbers = count()
        self._requests = requests

    def take(self) -> bool:
        # `next` of a count is one step of the interpreter, so no two connections get the same number.
        return next(self._numbers) < self._requests


class _Sender(threading.Thread):
    """One connection, made anew after each request that fails."""

    def __init__(self, url: str, request: bytes, turns: _Turns, end_s: float) -> None:
        super().__init__(daemon=True)
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._request, self._turns, self._end_s = request, turns, end_s
        self.answered = 0

    def run(self) -> None:
        while self._has_turn():
            with (
                suppress(OSError, ValueError),
                socket.create_connection(self._address, self._left_s()) as link,
            ):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._ask(link)
                while self._has_turn():
                    self._ask(link)

    def _has_turn(self) -> bool:
        return waiting.now_s() < self._end_s and self._turns.take()

    def _left_s(self) -> float:
        """Return how long the next step may take.

        Raises:
            TimeoutError: the time of the warm-up is over.
        """
        left_s = self._end_s - waiting.now_s()
        if left_s <= 0:
            raise TimeoutError
        return min(left_s, _ANSWER_S)

    def _ask(self, link: socket.socket) -> None:
        link.sendall(self._request)
        answer = b""
        while not _is_whole(answer):
            # A server that sends a byte now and then would be in time each time.
            link.settimeout(self._left_s())
            more = link.recv(_CHUNK_BYTES)
            if not more:
                raise ConnectionResetError
            answer += more
        self.answered += 1


def _is_whole(answer: bytes) -> bool:
    """Return whether `answer` is a whole answer.

    Raises:
        ValueError: its end cannot be told, or is too far away.
    """
    head, end_of_head, body = answer.partition(b"\r\n\r\n")
    if len(answer) > _LARGEST_ANSWER_BYTES:
        raise ValueError("too long")
    if not end_of_head:
        return False
    head += b"\r\n"
    if (length := _LENGTH.search(head)) is not None:
        return len(body) >= int(length[1])
    if _CHUNKED.search(head) is not None:
        return body.endswith(_LAST_CHUNK)
    raise ValueError("neither a length nor chunks")
