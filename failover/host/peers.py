"""Direct observation of the other database hosts, without the store: their SQL ports and their agents."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import msgspec

from failover import clock
from failover.core import observed
from failover.settings import Peer

_PROTOCOL = 10
"""Fifth byte of the greeting of every MySQL server; an open port alone sends no greeting."""
_GREETING_BYTES = 5
_LOOK_S = 0.5


class _Said(msgspec.Struct):
    fenced_epoch: int
    scn: int
    settled_scn: int | None = None


@dataclass
class _Seen:
    sql_at_ms: int
    agent_at_ms: int
    fenced_epoch: int = 0
    scn: int = 0
    settled_scn: int | None = None


class PeerWatch:
    """Observes every peer repeatedly, all at the same time."""

    def __init__(
        self,
        peers: tuple[Peer, ...],
        *,
        sql_port: int,
        agent_port: int,
        pause: Callable[[], Awaitable[None]],
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Watch `peers`; silence counts from now on.

        Args:
            peers: to look at.
            sql_port: of their databases.
            agent_port: of their agents.
            pause: waits until it is time for the next look.
            now_ms: the steady clock.
        """
        self._peers = peers
        self._sql_port = sql_port
        self._agent_port = agent_port
        self._pause = pause
        self._now_ms = now_ms
        self._seen = {p.host: _Seen(sql_at_ms=now_ms(), agent_at_ms=now_ms()) for p in peers}

    def observe(self) -> tuple[observed.Peer, ...]:
        """Return the present knowledge about each peer."""
        now_ms = self._now_ms()
        return tuple(
            observed.Peer(
                host=host,
                sql_silent_ms=now_ms - seen.sql_at_ms,
                agent_silent_ms=now_ms - seen.agent_at_ms,
                says_fenced_epoch=seen.fenced_epoch,
            )
            for host, seen in self._seen.items()
        )

    def position_of(self, host: str) -> tuple[int, int | None]:
        """Return where the agent of `host` last said that its database is (0: never), and has settled."""
        seen = self._seen.get(host)
        return (seen.scn, seen.settled_scn) if seen else (0, None)

    async def run(self) -> None:
        """Observe for ever, even without peers; ends only when cancelled."""
        timeout = aiohttp.ClientTimeout(total=_LOOK_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            await asyncio.gather(
                asyncio.Event().wait(),
                *(self._again_and_again(self._look_at_sql, p) for p in self._peers),
                *(self._again_and_again(lambda p: self._look_at_agent(session, p), p) for p in self._peers),
            )

    async def _again_and_again(self, look: Callable[[Peer], Awaitable[None]], peer: Peer) -> None:
        while True:
            await look(peer)
            await self._pause()

    async def _look_at_sql(self, peer: Peer) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                reader, writer = await asyncio.open_connection(peer.address, self._sql_port)
                try:
                    greeting = await reader.readexactly(_GREETING_BYTES)
                finally:
                    writer.close()
        except (OSError, TimeoutError, EOFError):
            return
        if greeting[4] == _PROTOCOL:
            self._seen[peer.host].sql_at_ms = self._now_ms()

    async def _look_at_agent(self, session: aiohttp.ClientSession, peer: Peer) -> None:
        try:
            async with session.get(f"http://{peer.address}:{self._agent_port}/status") as response:
                said = msgspec.json.decode(await response.read(), type=_Said)
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError):
            return
        seen = self._seen[peer.host]
        seen.agent_at_ms = self._now_ms()
        seen.fenced_epoch, seen.scn, seen.settled_scn = said.fenced_epoch, said.scn, said.settled_scn
