"""A GET over HTTP/1.1 on a kept connection: all that asking the failover agents needs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from app_stub.settings import Endpoint

_MAX_BODY_BYTES = 65_536


class BadAnswerError(OSError):
    """What came back is no HTTP/1.1 answer with a length; the connection is of no further use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class GetConnection:
    """One connection to `endpoint`, opened when it is needed and after each failure anew."""

    def __init__(self, endpoint: Endpoint, *, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, target: str, *, timeout_s: float, headers: Mapping[str, str]) -> Answer:
        """Return the answer.

        Args:
            target: path and query, ready to be sent.
            timeout_s: for the answer, once connected.
            headers: sent with it.

        Raises:
            OSError: refused, cut, late (TimeoutError), or no HTTP (BadAnswerError).
        """
        try:
            reader, writer = await self._connected()
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {self._endpoint}\r\n{lines}\r\n".encode())
            async with asyncio.timeout(timeout_s):
                return await self._answer(reader)
        except asyncio.IncompleteReadError as cut:
            self.close()
            raise ConnectionResetError("the agent closed the connection") from cut
        except BaseException:
            # Also when cancelled: the rest of this answer would be read as the next one.
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            async with asyncio.timeout(self._connect_timeout_s):
                self._streams = await asyncio.open_connection(self._endpoint.host, self._endpoint.port)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.LimitOverrunError as endless:
            raise BadAnswerError("an answer without an end of its head") from endless
        version, _, rest = head[0].partition(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
        }
        status, length = rest[:3], headers.get("content-length", "")
        if version != "HTTP/1.1" or not _is_number(status) or not _is_number(length):
            raise BadAnswerError(f"not an HTTP/1.1 answer with a length: {head[0][:80]!r}")
        if int(length) > _MAX_BODY_BYTES:
            raise BadAnswerError(f"an answer of {length} bytes; allowed: {_MAX_BODY_BYTES}")
        body = await reader.readexactly(int(length))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status=int(status), headers=headers, body=body)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
