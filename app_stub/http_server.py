"""HTTP/1.1 on asyncio with the parser of Node.js (httptools): all between a socket and the application.

Measured on one core with a constant answer: 24 us of CPU a request, against 60 us for granian (RSGI), whose
Rust threads must wake the Python one for every request.
One connection answers its requests in the order they came. TLS is the gateway's.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import cast

import httptools

from app_stub import problems
from app_stub.application import problem_answer
from app_stub.services import Answer

_LOG = logging.getLogger("loan.http")
_MAX_HEAD_BYTES = 16_384
_MAX_QUEUED = 16
"""Pipelined requests of one connection that are read ahead; then reading pauses."""
_DRAIN_IDLE_S = 0.5
"""While stopping, kept connections get this long for a request that is on its way, before they are closed."""
_REASON = {status.value: status.phrase.encode() for status in HTTPStatus}

Handle = Callable[[str, str, Mapping[bytes, bytes], bytes], Awaitable[Answer]]


class Connections:
    """The open client connections of one process, and whether it is stopping."""

    def __init__(self, handle: Handle, *, max_body_bytes: int) -> None:
        self.handle = handle
        self.max_body_bytes = max_body_bytes
        self.open: set[HttpConnection] = set()
        self.running: set[asyncio.Task[None]] = set()
        """Requests being answered, also those whose client has left; the loop holds them only weakly."""
        self.is_draining = False
        self.loop = asyncio.get_running_loop()

    def accept(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return HttpConnection(self)

    async def drain(self, grace_s: float) -> int:
        """Finish what is being answered and close every connection.

        Args:
            grace_s: how long to wait for it at most.

        Returns:
            Connections and requests that were cut because they did not finish in time.
        """
        self.is_draining = True
        loop = self.loop
        end_s = loop.time() + grace_s
        await asyncio.sleep(min(_DRAIN_IDLE_S, grace_s))
        while (self.open or self.running) and loop.time() < end_s:
            for connection in tuple(self.open):
                connection.close_if_idle()
            await asyncio.sleep(0.02)
        left = max(len(self.open), len(self.running))
        for connection in tuple(self.open):
            connection.abort()
        return left


class HttpConnection(asyncio.Protocol):
    """One client connection."""

    __slots__ = (
        "_body",
        "_busy",
        "_connections",
        "_head_bytes",
        "_headers",
        "_is_paused",
        "_keep_alive",
        "_parser",
        "_queue",
        "_refused",
        "_target",
        "_transport",
    )  # fmt: skip

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[tuple[str, str, dict[bytes, bytes], bytes, bool]] = deque()
        self._busy = False
        self._is_paused = False
        self._refused: problems.Problem | None = None
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        # uvloop's transports have the interface, and not the base class.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the transport; a request that runs goes on to its outcome, unheard."""
        self._transport = None
        self._connections.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Parse; whole requests are queued by `on_message_complete`."""
        if self._refused is not None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(problems.bad_http("upgrades are not supported"))
        except (httptools.HttpParserError, httptools.HttpParserCallbackError) as broken:
            self._refuse(problems.bad_http(f"not HTTP/1.1: {broken}"))
        if self._refused is not None and not self._busy:
            self._answer_refused()

    def on_message_begin(self) -> None:
        """Start a new request."""
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self._target = b""
        self._head_bytes = 0
        self._keep_alive = True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._target += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._headers[name.lower()] = value
        self._count_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Refuse early what is announced as too large."""
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._connections.max_body_bytes:
            self._refuse(problems.too_large(self._connections.max_body_bytes))

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, up to the limit."""
        if len(self._body) + len(body) > self._connections.max_body_bytes:
            self._refuse(problems.too_large(self._connections.max_body_bytes))
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Queue the request, and start answering unless one is being answered."""
        if self._refused is not None:
            return
        request = (
            self._parser.get_method().decode("latin-1"),
            self._target.decode("latin-1"),
            self._headers,
            self._body,
            self._parser.should_keep_alive(),
        )
        self._queue.append(request)
        if len(self._queue) >= _MAX_QUEUED and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        if not self._busy:
            self._busy = True
            task = self._connections.loop.create_task(self._answer_all())
            self._connections.running.add(task)
            task.add_done_callback(self._connections.running.discard)

    def close_if_idle(self) -> None:
        """Close unless a request is being answered."""
        if not self._busy and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close whatever is going on."""
        if self._transport is not None:
            self._transport.abort()

    async def _answer_all(self) -> None:
        connections = self._connections
        try:
            while self._queue:
                method, target, headers, body, keep_alive = self._queue.popleft()
                answer = await connections.handle(method, target, headers, body)
                if self._transport is None:
                    return
                self._write(answer, keep_alive=keep_alive and not connections.is_draining)
                if self._is_paused and not self._queue and not self._transport.is_closing():
                    self._is_paused = False
                    self._transport.resume_reading()
        finally:
            self._busy = False
        if self._refused is not None:
            self._answer_refused()

    def _write(self, answer: Answer, *, keep_alive: bool) -> None:
        transport = self._transport
        if transport is None:
            return
        head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n" % (
            answer.status,
            _REASON.get(answer.status, b""),
            answer.content_type,
            len(answer.body),
        )
        for name, value in answer.headers:
            head += b"%b: %b\r\n" % (name, value)
        if keep_alive:
            transport.write(head + b"\r\n" + answer.body)
        else:
            self._queue.clear()
            transport.write(head + b"Connection: close\r\n\r\n" + answer.body)
            transport.close()

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MAX_HEAD_BYTES:
            self._refuse(problems.headers_too_large(_MAX_HEAD_BYTES))

    def _refuse(self, problem: problems.Problem) -> None:
        if self._refused is None:
            self._refused = problem

    def _answer_refused(self) -> None:
        if self._refused is not None:
            self._write(problem_answer(self._refused), keep_alive=False)
