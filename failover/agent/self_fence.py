"""Kills this host's database at once, whatever else is in progress."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from failover import clock
from failover.agent.memory import HeldLease, Memory
from failover.etcd.history_writer import HistoryWriter

_LOG = logging.getLogger("failover.fence")


class KillableDatabase(Protocol):
    """What this module needs of `database.DatabaseWatch`."""

    def kill_now(self) -> None:
        """Send SIGKILL without waiting."""

    async def kill(self) -> None:
        """SIGKILL, until no process of it is left."""


class SelfFence:
    """Drops the lease, kills the database, and reports it when the database is certainly down."""

    def __init__(
        self,
        memory: Memory,
        database: KillableDatabase,
        history_writer: HistoryWriter,
        *,
        cancel_work: Callable[[], None],
        on_result: Callable[[str], None] = lambda _: None,
        wake: Callable[[], None],
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Fence `database`.

        Args:
            memory: its lease is dropped.
            database: to kill.
            history_writer: records it.
            cancel_work: ends everything that might start or promote the database.
            on_result: called with the result.
            wake: called when it begins, and when the database is down.
            now_ms: the steady clock.
        """
        self._memory = memory
        self._database = database
        self._history = history_writer
        self._cancel_work = cancel_work
        self._on_result = on_result
        self._wake = wake
        self._now_ms = now_ms
        self._finishing: asyncio.Task[None] | None = None
        self.last_ms: int | None = None
        """How long the last fencing took."""

    def begin(self, why: str) -> None:
        """Drop the lease and send SIGKILL before this returns; the rest is done in the background."""
        if self._memory.fencing:
            return
        began_ms = self._now_ms()
        lease, self._memory.lease = self._memory.lease, None
        self._memory.fencing = True
        self._database.kill_now()
        self._cancel_work()
        if lease is not None:
            self._history.record(lease.epoch, "detected", why)
        else:
            _LOG.warning("fencing", extra={"why": why})
        self._finishing = asyncio.get_running_loop().create_task(self._finish(lease, began_ms))
        # From now on, and not only when the database is down, services are not sent here any more.
        self._wake()

    async def wait(self) -> None:
        """Wait until the database is down, if it is being fenced."""
        if self._finishing is not None:
            await self._finishing

    async def _finish(self, lease: HeldLease | None, began_ms: int) -> None:
        try:
            await self._database.kill()
        finally:
            self._memory.fencing = False
        self.last_ms = self._now_ms() - began_ms
        self._on_result("done")
        if lease is not None:
            self._memory.fenced_epoch = max(self._memory.fenced_epoch, lease.epoch)
            self._history.record(lease.epoch, "fenced", f"the database is down after {self.last_ms} ms")
        self._wake()
