"""A failover agent on loopback that says what a test wants, and holds its answers back as a real one does."""

import asyncio
from urllib.parse import parse_qs

import msgspec

from app_stub.settings import Endpoint
from failover import signature

KEY = "key-of-the-agents-readers"


class FakeAgent:
    """Answers `GET /primary`; make it with `start`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._document: dict[str, object] = {"epoch": 0, "phase": "unknown"}
        self._changed = asyncio.Event()
        self._number = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.endpoint = Endpoint(host="127.0.0.1", port=1)
        self.raw: bytes | None = None
        """Sent instead of an answer."""
        self.key = KEY
        """With which it signs what it says; empty: not at all."""

    async def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        port = self.endpoint.port if self.endpoint.port > 1 else 0
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.endpoint = Endpoint(host="127.0.0.1", port=self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        await asyncio.sleep(0)

    def says(self, epoch: int, phase: str, primary: Endpoint | None = None, *, alone: bool = False) -> None:
        """Change the answer."""
        self._document = {"epoch": epoch, "phase": phase}
        if primary is not None:
            self._document |= {"host": "ob", "address": primary.host, "port": primary.port}
            self._document |= {"alone": "yes" if alone else "ending"}
        self._number += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                target = head.split(" ")[1]
                self.asked.append(target)
                query = parse_qs(target.partition("?")[2])
                if query.get("unless") == [self._tag]:
                    wait_s = int(query["wait_ms"][0]) / 1000
                    await asyncio.wait((asyncio.ensure_future(self._changed.wait()),), timeout=wait_s)
                nonce = head.partition("Loanstack-Nonce: ")[2].partition("\r\n")[0]
                writer.write(self.raw if self.raw is not None else self.answer(nonce, target))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    @property
    def _tag(self) -> str:
        return f"{self._number}/of this test&"

    def answer(self, nonce: str, target: str) -> bytes:
        """Return what it answers now."""
        body = msgspec.json.encode(self._document | {"tag": self._tag, "durability": "local"})
        status, reason = (200, "OK") if "address" in self._document else (503, "Service Unavailable")
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        )
        if self.key:
            signed = signature.of_answer(self.key, nonce=nonce, target=target, status=status, body=body)
            head += f"{signature.SIGNATURE_HEADER}: {signed}\r\n"
        return f"{head}\r\n".encode() + body
