"""Who is to be written to, as told to everybody who asks: at once, or as soon as it changes."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from failover.core.alone import told_alone
from failover.core.observed import Alone, Observed, Phase
from failover.settings import Durability, Settings

UNKNOWN = "unknown"
"""Said instead of a phase by an agent that does not know: those who ask look elsewhere."""

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Primary:
    """Whose database takes writes."""

    host: str
    address: str
    port: int
    durability: Durability
    alone: Alone | None = None
    """`yes`: services need not wait for a standby. None: only the primary's own agent knows."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is answered to `GET /primary`."""

    epoch: int = 0
    phase: str = UNKNOWN
    primary: Primary | None = None
    """None: nobody serves, as far as this agent knows."""
    tag: str = field(init=False)
    """The same for the same answer, also from an agent that was restarted."""
    body: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        document = self._document()
        digest = hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:12]
        object.__setattr__(self, "tag", f"{self.epoch}-{self.phase}-{digest}")
        object.__setattr__(self, "body", msgspec.json.encode({**document, "tag": self.tag}))

    @property
    def is_alone(self) -> bool:
        """Whether services need not wait for a standby."""
        return self.primary is not None and self.primary.alone is Alone.YES

    @property
    def host(self) -> str | None:
        """Who serves; None: nobody."""
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
            if self.primary.alone is not None:
                document["alone"] = self.primary.alone
        return document


class Announcement:
    """The present answer, and all who wait for another one."""

    def __init__(self) -> None:
        """Begin with not knowing."""
        self._answer = Answer()
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def answer(self) -> Answer:
        """What is answered now."""
        return self._answer

    @property
    def is_closed(self) -> bool:
        """Whether nobody waits any more."""
        return self._is_closed

    def say(self, answer: Answer) -> None:
        """Answer this from now on, and tell it at once to all who wait if it is another one."""
        if answer.tag == self._answer.tag:
            return
        self._answer = answer
        self._wake()

    def close(self) -> None:
        """Let nobody wait any more: the agent is about to end."""
        self._is_closed = True
        self._wake()

    async def other_than(self, tag: str | None, *, wait_s: float) -> Answer:
        """Return the answer once its tag is another one than `tag`, or `wait_s` have passed."""
        try:
            async with asyncio.timeout(wait_s):
                while self._answer.tag == tag and not self._is_closed:
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self._answer

    def _wake(self) -> None:
        # Each event is set once: a waiter that has not run yet cannot miss that it was.
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def answer_of(seen: Observed, settings: Settings) -> Answer:
    """Return what this agent answers, given what it sees."""
    store = seen.store
    if store is None or store.leadership is None:
        return Answer()
    leadership = store.leadership
    # Who has not heard the store for this long may have missed that another host leads.
    is_old = store.answered_ago_ms > settings.timing.lease_ttl_ms
    # The record does not know yet that this host has given its lease up.
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
        alone=told_alone(seen),
    )
    return Answer(epoch=leadership.epoch, phase=leadership.phase, primary=primary)
