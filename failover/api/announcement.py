"""The announcement of the database to write to: answered at once, or as soon as it changes."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from failover.core.observed import Observed, Phase, UnprotectedMode
from failover.core.unprotected import reported_unprotected_mode
from failover.settings import Durability, Settings

UNKNOWN = "unknown"
"""In place of a phase, if the agent does not know the leader; clients then ask another agent."""

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The host whose database takes writes."""

    host: str
    address: str
    port: int
    durability: Durability
    unprotected: UnprotectedMode | None = None
    """`yes`: services need not wait for a standby. None: only the primary's own agent knows."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is answered to `GET /primary`."""

    epoch: int = 0
    phase: str = UNKNOWN
    primary: Primary | None = None
    """Host that serves; None: no host serves, as far as this agent knows."""
    tag: str = field(init=False)
    """Equal for equal answers, even after a restart of the agent."""
    body: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        document = self._document()
        digest = hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:12]
        object.__setattr__(self, "tag", f"{self.epoch}-{self.phase}-{digest}")
        object.__setattr__(self, "body", msgspec.json.encode({**document, "tag": self.tag}))

    @property
    def is_unprotected(self) -> bool:
        """Whether services need not wait for a standby."""
        return self.primary is not None and self.primary.unprotected is UnprotectedMode.YES

    @property
    def host(self) -> str | None:
        """Host that serves; None: there is none."""
        return None if self.primary is None else self.primary.host

    def _document(self) -> Json:
        document: Json = {"epoch": self.epoch, "phase": self.phase}
        if self.primary is not None:
            durability = self.primary.durability
            document |= {
                "host": self.primary.host,
                "address": self.primary.address,
                "port": self.primary.port,
                "durability": durability.mode,
                "durability_timeout_ms": durability.timeout_ms,
                "degrade_after_ms": durability.degrade_after_ms,
            }
            if self.primary.unprotected is not None:
                document["alone"] = self.primary.unprotected
        return document


class Announcement:
    """The present answer, and the clients that wait for another one."""

    def __init__(self) -> None:
        """Begin with an unknown leader."""
        self._answer = Answer()
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def answer(self) -> Answer:
        """The present answer."""
        return self._answer

    @property
    def is_closed(self) -> bool:
        """Whether no client waits any more."""
        return self._is_closed

    def say(self, answer: Answer) -> None:
        """Answer this from now on; if it differs from the last answer, send it at once to waiting clients."""
        if answer.tag == self._answer.tag:
            return
        self._answer = answer
        self._wake()

    def close(self) -> None:
        """End all waiting, because the agent is about to end."""
        self._is_closed = True
        self._wake()

    async def other_than(self, tag: str | None, *, wait_s: float) -> Answer:
        """Return the answer when its tag differs from `tag`, or after `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                while self._answer.tag == tag and not self._is_closed:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self._answer

    def _wake(self) -> None:
        # Each event is set only once, so a waiter that has not run yet cannot miss it.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def answer_of(seen: Observed, settings: Settings) -> Answer:
    """Return this agent's answer for what it observes."""
    etcd = seen.etcd
    if etcd is None or etcd.leadership is None:
        return Answer()
    leadership = etcd.leadership
    # After a silence of etcd this long, another host may lead without this agent knowing it.
    is_old = etcd.answered_ago_ms > settings.timing.lease_ttl_ms
    # The record does not yet show that this host has given up its lease.
    gave_up = leadership.host == seen.me and seen.lease is None
    serves = leadership.phase is Phase.SERVING
    address = settings.address_of(leadership.host)
    if is_old or (serves and (gave_up or address is None)):
        return Answer(epoch=leadership.epoch)
    if not serves or address is None:
        return Answer(epoch=leadership.epoch, phase=leadership.phase)
    primary = Primary(
        host=leadership.host,
        address=address,
        port=settings.sql_port,
        durability=settings.durability,
        unprotected=reported_unprotected_mode(seen),
    )
    return Answer(epoch=leadership.epoch, phase=leadership.phase, primary=primary)
