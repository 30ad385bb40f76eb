"""Reads the store repeatedly, renews the agent's own lease, and measures how long values stood still.

Values come only from these reads, each of which is linearizable. Notifications of the store about changes
only make the next read begin at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from failover import clock
from failover.agent.memory import HeldLease, Memory
from failover.agent.pace import Pace
from failover.core.observed import Leadership, StoreView
from failover.settings import Timing
from failover.store.client import Sight
from failover.store.gateway import StoreError
from failover.store.records import LeaderRecord

_LOG = logging.getLogger("failover.store")
_LOOPS_A_PUT = 2
"""The agent's own member record is put once in this many loops: each put costs every member of the store a
disk write."""
_LISTEN_AGAIN_S = 0.5


class Store(Protocol):
    """What this module needs of `client.Store`."""

    async def look(self, *, host: str = "", member: str | None = None) -> Sight:
        """Return what the store holds, and put a member."""

    async def keep_alive(self, lease: str) -> bool:
        """Let a lease last on."""

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever anything changes except the agents' reports about themselves."""


@dataclass
class Stillness:
    """Measures for how long values stood still, counting only time in which they were observed."""

    _since: dict[Hashable, tuple[Hashable, int]] = field(default_factory=dict)

    def note(self, values: Mapping[Hashable, Hashable], credit_ms: int) -> None:
        """Note the values that were just seen; forget values that no longer exist."""
        self._since = {
            key: (value, self._since[key][1] + credit_ms)
            if key in self._since and self._since[key][0] == value
            else (value, 0)
            for key, value in values.items()
        }

    def ms(self, key: Hashable) -> int:
        """Return for how long `key` has stood still."""
        return self._since[key][1] if key in self._since else 0


class StoreWatch:
    """The last read of the store, and knowledge from earlier reads."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        *,
        me: str,
        timing: Timing,
        pace: Pace,
        member_text: Callable[[], str],
        on_look: Callable[[], None] = lambda: None,
        now_ms: Callable[[], int] = clock.steady_ms,
        wall_s: Callable[[], float] = clock.wall_s,
    ) -> None:
        """Watch.

        Args:
            store: to look at.
            memory: holds the lease that is renewed.
            me: this host.
            timing: how long things may take.
            pace: how often to look.
            member_text: what this agent says about itself now.
            on_look: told after each look that was answered.
            now_ms: the steady clock.
            wall_s: the Unix time.
        """
        self._store = store
        self._memory = memory
        self._me = me
        self._pace = pace
        self._put_interval_ms = _LOOPS_A_PUT * timing.loop_interval_ms
        self._credit_ms = timing.calm_interval_ms + timing.loop_interval_ms
        self._member_text = member_text
        self._on_look = on_look
        self._now_ms = now_ms
        self._wall_s = wall_s
        self._still = Stillness()
        self._sight: Sight | None = None
        self._answered_at_ms = 0
        self._automatic: tuple[float, int] | None = None
        self._hurry = asyncio.Event()
        self._answered = asyncio.Event()
        self._puts_now = True
        self._put_at_ms = 0
        self.failures = 0
        self.last_failure = ""

    @property
    def record(self) -> LeaderRecord | None:
        """The record `leader` as last seen."""
        return self._sight.leader if self._sight else None

    @property
    def sight(self) -> Sight | None:
        """The last look; None: none was answered yet."""
        return self._sight

    def observe(self) -> StoreView | None:
        """Return the last look as the core needs it; None: none was answered yet."""
        sight = self._sight
        if sight is None:
            return None
        request = sight.request
        return StoreView(
            answered_ago_ms=max(0, self._now_ms() - self._answered_at_ms),
            leadership=self._leadership(sight),
            lease_alive=sight.lease_alive,
            lease_gone_ms=0 if sight.lease_alive else self._still.ms("lease"),
            members=tuple(
                replace(seen.member, unchanged_ms=self._still.ms(("member", seen.member.host)))
                for seen in sight.members
            ),
            request=None if request is None else replace(request, unchanged_ms=self._still.ms("request")),
            paused=sight.paused is not None,
            last_automatic_ago_ms=self._automatic_ago_ms(sight),
        )

    async def first_look(self) -> None:
        """Wait until the store has answered for the first time."""
        await self._answered.wait()

    def hurry(self, *, put: bool = False) -> None:
        """Read at once, for example after a change; with `put`, put the agent's own member record too."""
        self._puts_now = self._puts_now or put
        self._hurry.set()

    async def run(self) -> None:
        """Look for ever; ends only when cancelled."""
        while True:
            started_ms = self._now_ms()
            self._hurry.clear()
            await self.turn(put=self._puts_now or started_ms - self._put_at_ms >= self._put_interval_ms)
            left_s = self._pace.interval_s - (self._now_ms() - started_ms) / 1000
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    await self._hurry.wait()
            except TimeoutError:
                continue

    async def listen(self) -> None:
        """Look at once whenever the store says that something changed; ends only when cancelled."""
        while True:
            # Changes before this moment were not notified, so read once.
            self.hurry()
            try:
                async for _ in self._store.changes():
                    self.hurry()
            except StoreError as failure:
                _LOG.info("the store tells no changes", extra={"error": str(failure)})
            await asyncio.sleep(_LISTEN_AGAIN_S)

    async def turn(self, *, put: bool) -> None:
        """Renew the lease and read the store at the same time; an unanswered call is no error here."""
        lease, sent_ms = self._memory.lease, self._now_ms()
        if put:
            self._puts_now, self._put_at_ms = False, sent_ms
        looking = self._store.look(host=self._me, member=self._member_text()) if put else self._store.look()
        kept, sight = await asyncio.gather(self._keep(lease), looking, return_exceptions=True)
        if isinstance(sight, BaseException):
            self._puts_now = self._puts_now or put
            self._failed(sight)
            return
        self._note(sight)
        if isinstance(kept, BaseException):
            self._failed(kept)
        elif lease is not None and self._memory.lease is lease:
            self._renew(lease, kept, sight, sent_ms)
        self._on_look()

    async def _keep(self, lease: HeldLease | None) -> bool:
        return lease is not None and await self._store.keep_alive(lease.id)

    def _renew(self, lease: HeldLease, kept: bool, sight: Sight, sent_ms: int) -> None:
        if not kept:
            _LOG.warning("the store says that the lease ended", extra={"epoch": lease.epoch})
            self._memory.lease = None
            return
        leadership = sight.leader.leadership if sight.leader else None
        if leadership and (leadership.host, leadership.epoch) == (self._me, lease.epoch):
            self._memory.lease = replace(lease, renewed_at_ms=sent_ms)

    def _note(self, sight: Sight) -> None:
        if self._sight is not None and sight.revision < self._sight.revision:
            # The answer to a later read arrived first.
            return
        now_ms = self._now_ms()
        # A long silence of the store or of this agent does not count: nothing was observed in that time.
        credit_ms = min(now_ms - self._answered_at_ms, self._credit_ms) if self._sight else 0
        values: dict[Hashable, Hashable] = {("member", s.member.host): s.revision for s in sight.members}
        if sight.leader is not None:
            values["leader"] = sight.leader.leadership.revision
        if sight.request is not None:
            values["request"] = sight.request_revision
        if not sight.lease_alive:
            values["lease"] = None
        self._still.note(values, credit_ms)
        self._sight, self._answered_at_ms = sight, now_ms
        self._answered.set()
        self.last_failure = ""

    def _failed(self, failure: BaseException) -> None:
        self.failures += 1
        if not isinstance(failure, StoreError):
            # A bug of ours is treated as silence of the store: if it lasts, a leader here is fenced.
            _LOG.error("looking at the store failed", exc_info=failure)
        elif not self.last_failure:
            _LOG.warning("the store does not answer", extra={"error": str(failure)})
        self.last_failure = str(failure) or type(failure).__name__

    def _leadership(self, sight: Sight) -> Leadership | None:
        if sight.leader is None:
            return None
        return replace(sight.leader.leadership, unchanged_ms=self._still.ms("leader"))

    def _automatic_ago_ms(self, sight: Sight) -> int | None:
        """Return the time on this host's steady clock; another host's Unix time is converted once."""
        at_s = sight.leader.last_automatic_s if sight.leader else None
        if at_s is None:
            return None
        now_ms = self._now_ms()
        if self._automatic is None or self._automatic[0] != at_s:
            ago_ms = max(0, round((self._wall_s() - at_s) * 1000))
            self._automatic = (at_s, now_ms - ago_ms)
        return now_ms - self._automatic[1]
