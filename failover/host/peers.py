"""Direct observation of the other database hosts, without etcd: their SQL ports and their agents.

What an agent says decides whether another host may lead. So an answer counts only if it is signed with the
agents' token, answers this very question, and is given by the agent that was asked: another one would sign a
question that somebody passed on to it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import msgspec

from failover import clock, signature
from failover.core import observed
from failover.settings import Peer

_LOG = logging.getLogger("failover.peers")
_PROTOCOL = 10
"""Fifth byte of the greeting of every MySQL server; an open port alone sends no greeting."""
_GREETING_BYTES = 5
_LOOK_S = 0.5
_PATH = "/status"


class _PeerStatus(msgspec.Struct):
    me: str
    fenced_epoch: int
    scn: int
    settled_scn: int | None = None


@dataclass
class _PeerState:
    sql_at_ms: int
    agent_at_ms: int
    fenced_epoch: int = 0
    scn: int = 0
    settled_scn: int | None = None
    is_rejected: bool = False
    """Whether its last answer was refused; logged once and not several times a second."""


class PeerWatch:
    """Observes every peer repeatedly, all at the same time."""

    def __init__(
        self,
        peers: tuple[Peer, ...],
        *,
        sql_port: int,
        agent_port: int,
        token: str,
        pause: Callable[[], Awaitable[None]],
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Watch `peers`; silence counts from now on.

        Args:
            peers: to observe.
            sql_port: of their databases.
            agent_port: of their agents.
            token: with which agents sign what they say.
            pause: waits until it is time for the next observation.
            now_ms: the steady clock.
        """
        self._peers = peers
        self._sql_port = sql_port
        self._agent_port = agent_port
        self._token = token
        self._pause = pause
        self._now_ms = now_ms
        self._seen = {p.host: _PeerState(sql_at_ms=now_ms(), agent_at_ms=now_ms()) for p in peers}

    def observe(self) -> tuple[observed.Peer, ...]:
        """Return the present knowledge about each peer."""
        now_ms = self._now_ms()
        return tuple(
            observed.Peer(
                host=host,
                sql_silent_ms=now_ms - seen.sql_at_ms,
                agent_silent_ms=now_ms - seen.agent_at_ms,
                reported_fenced_epoch=seen.fenced_epoch,
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
        nonce = signature.fresh_nonce()
        url = f"http://{peer.address}:{self._agent_port}{_PATH}"
        try:
            async with session.get(url, headers={signature.NONCE_HEADER: nonce}) as response:
                status, body = response.status, await response.read()
                given = response.headers.get(signature.SIGNATURE_HEADER, "")
        except (aiohttp.ClientError, OSError, TimeoutError):
            return
        seen = self._seen[peer.host]
        expected = signature.of_answer(self._token, nonce=nonce, target=_PATH, status=status, body=body)
        said = _status_from(peer.host, body) if signature.is_equal(given, expected) else None
        if (said is None) != seen.is_rejected:
            seen.is_rejected = said is None
            _LOG.warning(
                "an answer is not that agent's" if seen.is_rejected else "its answers are its own again",
                extra={"peer": peer.host, "address": peer.address},
            )
        if said is None:
            return
        seen.agent_at_ms = self._now_ms()
        seen.fenced_epoch, seen.scn, seen.settled_scn = said.fenced_epoch, said.scn, said.settled_scn


def _status_from(host: str, body: bytes) -> _PeerStatus | None:
    """Return what the agent of `host` says; None: another one's answer, or one of another version."""
    try:
        said = msgspec.json.decode(body, type=_PeerStatus)
    except msgspec.MsgspecError:
        return None
    return said if said.me == host else None
