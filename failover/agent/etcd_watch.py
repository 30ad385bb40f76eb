"""Reads etcd repeatedly, renews the agent's own lease, and measures how long values stood still.

Values come only from these reads, each of which is linearizable. Notifications of etcd about changes
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
from failover.core.observed import EtcdView, Leadership
from failover.etcd.client import EtcdSnapshot
from failover.etcd.http_api import EtcdError
from failover.etcd.records import LeaderRecord
from failover.settings import Timing

_LOG = logging.getLogger("failover.etcd")
_LOOPS_A_PUT = 2
"""The agent's own member record is put once in this many loops: each put costs every member of etcd a
disk write."""
_LISTEN_AGAIN_S = 0.5


class Etcd(Protocol):
    """What this module needs of `client.EtcdClient`."""

    async def read(self, *, host: str = "", member: str | None = None) -> EtcdSnapshot:
        """Return what etcd holds, and put a member."""

    async def keep_alive(self, lease: str) -> bool:
        """Let a lease last on."""

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever anything changes except the agents' reports about themselves."""


@dataclass
class UnchangedTimers:
    """Measures for how long values stood still, counting only time in which they were observed."""

    _since: dict[Hashable, tuple[Hashable, int]] = field(default_factory=dict)

    def update(self, values: Mapping[Hashable, Hashable], credit_ms: int) -> None:
        """Update with the values that were just read; forget values that no longer exist."""
        self._since = {
            key: (value, self._since[key][1] + credit_ms)
            if key in self._since and self._since[key][0] == value
            else (value, 0)
            for key, value in values.items()
        }

    def ms(self, key: Hashable) -> int:
        """Return for how long `key` has stood still."""
        return self._since[key][1] if key in self._since else 0


class EtcdWatch:
    """The last read of etcd, and knowledge from earlier reads."""

    def __init__(
        self,
        etcd: Etcd,
        memory: Memory,
        *,
        me: str,
        timing: Timing,
        pace: Pace,
        member_text: Callable[[], str],
        on_read: Callable[[], None] = lambda: None,
        now_ms: Callable[[], int] = clock.steady_ms,
        wall_s: Callable[[], float] = clock.wall_s,
    ) -> None:
        """Watch.

        Args:
            etcd: to read.
            memory: holds the lease that is renewed.
            me: this host.
            timing: how long things may take.
            pace: interval of the reads.
            member_text: returns this agent's report about itself.
            on_read: called after each read that was answered.
            now_ms: the steady clock.
            wall_s: the Unix time.
        """
        self._etcd = etcd
        self._memory = memory
        self._me = me
        self._pace = pace
        self._put_interval_ms = _LOOPS_A_PUT * timing.loop_interval_ms
        self._credit_ms = timing.calm_interval_ms + timing.loop_interval_ms
        self._member_text = member_text
        self._on_read = on_read
        self._now_ms = now_ms
        self._wall_s = wall_s
        self._still = UnchangedTimers()
        self._snapshot: EtcdSnapshot | None = None
        self._answered_at_ms = 0
        self._automatic: tuple[float, int] | None = None
        self._recheck = asyncio.Event()
        self._answered = asyncio.Event()
        self._puts_now = True
        self._put_at_ms = 0
        self.failures = 0
        self.last_failure = ""

    @property
    def record(self) -> LeaderRecord | None:
        """The record `leader` as last seen."""
        return self._snapshot.leader if self._snapshot else None

    @property
    def snapshot(self) -> EtcdSnapshot | None:
        """The last read; None: none was answered yet."""
        return self._snapshot

    def observe(self) -> EtcdView | None:
        """Return the last read as the core needs it; None: none was answered yet."""
        snapshot = self._snapshot
        if snapshot is None:
            return None
        request = snapshot.request
        return EtcdView(
            answered_ago_ms=max(0, self._now_ms() - self._answered_at_ms),
            leadership=self._leadership(snapshot),
            lease_alive=snapshot.lease_alive,
            lease_gone_ms=0 if snapshot.lease_alive else self._still.ms("lease"),
            members=tuple(
                replace(seen.member, unchanged_ms=self._still.ms(("member", seen.member.host)))
                for seen in snapshot.members
            ),
            request=None if request is None else replace(request, unchanged_ms=self._still.ms("request")),
            paused=snapshot.paused is not None,
            last_automatic_ago_ms=self._automatic_ago_ms(snapshot),
        )

    async def first_read(self) -> None:
        """Wait until etcd has answered for the first time."""
        await self._answered.wait()

    def recheck_now(self, *, put: bool = False) -> None:
        """Read at once, for example after a change; with `put`, put the agent's own member record too."""
        self._puts_now = self._puts_now or put
        self._recheck.set()

    async def run(self) -> None:
        """Read for ever; ends only when cancelled."""
        while True:
            started_ms = self._now_ms()
            self._recheck.clear()
            await self.poll(put=self._puts_now or started_ms - self._put_at_ms >= self._put_interval_ms)
            left_s = self._pace.interval_s - (self._now_ms() - started_ms) / 1000
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    await self._recheck.wait()
            except TimeoutError:
                continue

    async def listen(self) -> None:
        """Read at once whenever etcd notifies a change; ends only when cancelled."""
        while True:
            # Changes before this moment were not notified, so read once.
            self.recheck_now()
            try:
                async for _ in self._etcd.changes():
                    self.recheck_now()
            except EtcdError as failure:
                _LOG.info("etcd notifies no changes", extra={"error": str(failure)})
            await asyncio.sleep(_LISTEN_AGAIN_S)

    async def poll(self, *, put: bool) -> None:
        """Renew the lease and read etcd at the same time; an unanswered call is no error here."""
        lease, sent_ms = self._memory.lease, self._now_ms()
        if put:
            self._puts_now, self._put_at_ms = False, sent_ms
        reading = self._etcd.read(host=self._me, member=self._member_text()) if put else self._etcd.read()
        kept, snapshot = await asyncio.gather(self._keep(lease), reading, return_exceptions=True)
        if isinstance(snapshot, BaseException):
            self._puts_now = self._puts_now or put
            self._failed(snapshot)
            return
        self._accept(snapshot)
        if isinstance(kept, BaseException):
            self._failed(kept)
        elif lease is not None and self._memory.lease is lease:
            self._renew(lease, kept, snapshot, sent_ms)
        self._on_read()

    async def _keep(self, lease: HeldLease | None) -> bool:
        return lease is not None and await self._etcd.keep_alive(lease.id)

    def _renew(self, lease: HeldLease, kept: bool, snapshot: EtcdSnapshot, sent_ms: int) -> None:
        if not kept:
            _LOG.warning("the lease has ended in etcd", extra={"epoch": lease.epoch})
            self._memory.lease = None
            return
        leadership = snapshot.leader.leadership if snapshot.leader else None
        if leadership and (leadership.host, leadership.epoch) == (self._me, lease.epoch):
            self._memory.lease = replace(lease, renewed_at_ms=sent_ms)

    def _accept(self, snapshot: EtcdSnapshot) -> None:
        if self._snapshot is not None and snapshot.revision < self._snapshot.revision:
            # The answer to a later read arrived first.
            return
        now_ms = self._now_ms()
        # A long silence of etcd or of this agent does not count: nothing was observed in that time.
        credit_ms = min(now_ms - self._answered_at_ms, self._credit_ms) if self._snapshot else 0
        values: dict[Hashable, Hashable] = {("member", s.member.host): s.revision for s in snapshot.members}
        if snapshot.leader is not None:
            values["leader"] = snapshot.leader.leadership.revision
        if snapshot.request is not None:
            values["request"] = snapshot.request_revision
        if not snapshot.lease_alive:
            values["lease"] = None
        self._still.update(values, credit_ms)
        self._snapshot, self._answered_at_ms = snapshot, now_ms
        self._answered.set()
        self.last_failure = ""

    def _failed(self, failure: BaseException) -> None:
        self.failures += 1
        if not isinstance(failure, EtcdError):
            # A bug of ours is treated as silence of etcd: if it lasts, a leader here is fenced.
            _LOG.error("the read of etcd failed", exc_info=failure)
        elif not self.last_failure:
            _LOG.warning("etcd does not answer", extra={"error": str(failure)})
        self.last_failure = str(failure) or type(failure).__name__

    def _leadership(self, snapshot: EtcdSnapshot) -> Leadership | None:
        if snapshot.leader is None:
            return None
        return replace(snapshot.leader.leadership, unchanged_ms=self._still.ms("leader"))

    def _automatic_ago_ms(self, snapshot: EtcdSnapshot) -> int | None:
        """Return the time on this host's steady clock; another host's Unix time is converted once."""
        at_s = snapshot.leader.last_automatic_s if snapshot.leader else None
        if at_s is None:
            return None
        now_ms = self._now_ms()
        if self._automatic is None or self._automatic[0] != at_s:
            ago_ms = max(0, round((self._wall_s() - at_s) * 1000))
            self._automatic = (at_s, now_ms - ago_ms)
        return now_ms - self._automatic[1]
