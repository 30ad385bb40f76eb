"""HTTP as clients send it, whole, in pieces, too large and broken, over a real socket."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
import uvloop

from app_stub.http_server import Connections
from app_stub.services import Answer

MAX_BODY_BYTES = 64
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Connections], Awaitable[None]]


class Echo:
    """Answers with what it was asked; `hold` makes it wait."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.hold.set()
        self.asked: list[tuple[str, str, dict[bytes, bytes], bytes]] = []

    async def handle(self, method: str, target: str, headers: Mapping[bytes, bytes], body: bytes) -> Answer:
        self.asked.append((method, target, dict(headers), body))
        await self.hold.wait()
        return Answer(status=200, body=b"%b %b" % (target.encode(), body), content_type=b"text/plain")


def _talk(talk: Talk, echo: Echo | None = None) -> Echo:
    async def play() -> Echo:
        answering = echo or Echo()
        connections = Connections(answering.handle, max_body_bytes=MAX_BODY_BYTES)
        server = await asyncio.get_running_loop().create_server(connections.accept, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        async with asyncio.timeout(120):
            await talk(reader, writer, connections)
        writer.close()
        server.close()
        return answering

    return uvloop.run(play())


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head.split(b" ")[1]), head, await reader.readexactly(length)


POST = b"POST /v1/x?a=1 HTTP/1.1\r\nHost: h\r\nX-Legal-Entity: QH01\r\nContent-Length: 5\r\n\r\nhello"


def test_a_request_is_answered_and_the_connection_kept() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Connections) -> None:
        for _round in range(3):
            writer.write(POST)
            status, head, body = await _answer(reader)
            assert (status, body) == (200, b"/v1/x?a=1 hello")
            assert b"Connection" not in head

    echo = _talk(talk)
    assert echo.asked[0][:2] == ("POST", "/v1/x?a=1")
    assert echo.asked[0][2][b"x-legal-entity"] == b"QH01"


def test_a_request_in_single_bytes_is_one_request() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Connections) -> None:
        for place in range(len(POST)):
            writer.write(POST[place : place + 1])
            await asyncio.sleep(0)
        assert (await _answer(reader))[2] == b"/v1/x?a=1 hello"

    assert len(_talk(talk).asked) == 1


def test_pipelined_requests_are_answered_in_order() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Connections) -> None:
        for number in range(40):
            writer.write(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
        assert [(await _answer(reader))[2] for _ in range(40)] == [b"/%d " % n for n in range(40)]

    _talk(talk)


def test_a_chunked_body_is_put_together() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Connections) -> None:
        writer.write(b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert (await _answer(reader))[2] == b"/c abcde"

    _talk(talk)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n", 413),
        (
            b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n"
            + b"x" * 65
            + b"\r\n0\r\n\r\n",
            413,
        ),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
def test_what_cannot_be_read_is_refused_once_and_the_connection_closed(sent: bytes, status: int) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Connections) -> None:
        writer.write(sent)
        found, head, body = await _answer(reader)
        assert found == status
        assert b"application/problem+json" in head
        assert b"Connection: close" in head
        assert b'"status":%d' % status in body
        assert await reader.read() == b""

    assert _talk(talk).asked == []


def test_a_client_that_asks_for_it_is_closed() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Connections) -> None:
        writer.write(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b"Connection: close" in (await _answer(reader))[1]
        assert await reader.read() == b""

    _talk(talk)


def test_draining_finishes_what_runs_closes_what_is_idle_and_cuts_nothing() -> None:
    echo = Echo()

    async def talk(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connections: Connections
    ) -> None:
        idle_reader, idle_writer = await asyncio.open_connection(*writer.get_extra_info("peername"))
        echo.hold.clear()
        writer.write(POST)
        while not echo.asked:
            await asyncio.sleep(0.01)
        draining = asyncio.create_task(connections.drain(60))
        assert await idle_reader.read() == b""
        echo.hold.set()
        assert b"Connection: close" in (await _answer(reader))[1]
        assert await draining == 0
        idle_writer.close()

    _talk(talk, echo)


def test_draining_cuts_what_does_not_finish_in_time() -> None:
    echo = Echo()

    async def talk(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connections: Connections
    ) -> None:
        echo.hold.clear()
        writer.write(POST)
        while not echo.asked:
            await asyncio.sleep(0.01)
        assert await connections.drain(0.1) == 1
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await _answer(reader)
        echo.hold.set()

    _talk(talk, echo)


def test_a_client_that_leaves_does_not_stop_its_request() -> None:
    echo = Echo()

    async def talk(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connections: Connections
    ) -> None:
        echo.hold.clear()
        writer.write(POST)
        while not echo.asked:
            await asyncio.sleep(0.01)
        writer.transport.abort()
        while connections.open:
            await asyncio.sleep(0.01)
        echo.hold.set()
        await asyncio.sleep(0.01)

    assert len(_talk(talk, echo).asked) == 1
