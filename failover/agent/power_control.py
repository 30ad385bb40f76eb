"""Switches other hosts off and on with their fence devices, in the background."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from failover.agent.leader_record import LeaderRecordUpdater, Superseded
from failover.agent.memory import Memory
from failover.core.actions import FencePeer, PowerOn
from failover.core.observed import FenceState
from failover.etcd.history_writer import HistoryWriter
from failover.etcd.http_api import EtcdError
from failover.host.controller import Power
from failover.host.devices import Report

_LOG = logging.getLogger("failover.power")
_PAUSE_AFTER_FAILURE_S = 2.0


class PowerControl:
    """Switches hosts; at most one operation at a time for each host's device."""

    def __init__(
        self,
        memory: Memory,
        *,
        switch: Callable[[str, Power], Awaitable[Report]],
        updater: LeaderRecordUpdater,
        history_writer: HistoryWriter,
        epoch: Callable[[], int],
        wake: Callable[[], None],
        pause_s: float,
        on_result: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Switch hosts.

        Args:
            memory: gets the reports.
            switch: switches a host by its device, and waits until the device confirms it.
            updater: takes hosts that are on again out of the record.
            history_writer: records it.
            epoch: the epoch in whose history it belongs.
            wake: called when there is a report.
            pause_s: between a failure and its report, so that it is not tried again at once.
            on_result: called with the result of a fencing.
        """
        self._memory = memory
        self._switch = switch
        self._updater = updater
        self._history = history_writer
        self._epoch = epoch
        self._wake = wake
        self._pause_s = pause_s
        self._on_result = on_result
        self._busy: dict[str, asyncio.Task[None]] = {}

    def fence(self, action: FencePeer) -> None:
        """Have a host switched off; its report is ASKED when this returns."""
        if not self._is_busy_with(action.host):
            self._memory.reports[action.host] = FenceState.ASKED
            self._begin(action.host, self._fence(action))

    def power_on(self, action: PowerOn) -> None:
        """Have a host switched on."""
        if not self._is_busy_with(action.host):
            self._begin(action.host, self._power_on(action))

    async def close(self) -> None:
        """End the operations in progress."""
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _is_busy_with(self, host: str) -> bool:
        return host in self._busy and not self._busy[host].done()

    def _begin(self, host: str, work: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            await work
            self._wake()

        self._busy[host] = asyncio.get_running_loop().create_task(whole())

    async def _fence(self, action: FencePeer) -> None:
        epoch, lock_acquired_at_ms = self._epoch(), self._memory.lock_acquired_at_ms
        report = await self._switch(action.host, Power.OFF)
        self._on_result("confirmed" if report.confirmed else "failed")
        self._history.record(epoch, "fenced" if report.confirmed else "not fenced", report.reason)
        if not report.confirmed:
            await asyncio.sleep(self._pause_s)
        # A report counts only for the epoch in which the device was asked.
        if self._memory.lock_acquired_at_ms == lock_acquired_at_ms:
            state = FenceState.CONFIRMED if report.confirmed else FenceState.FAILED
            self._memory.reports[action.host] = state

    async def _power_on(self, action: PowerOn) -> None:
        try:
            report = await self._switch(action.host, Power.ON)
            if report.confirmed:
                if action.host in self._memory.reports:
                    self._memory.reports[action.host] = FenceState.RELEASED
                self._history.record(self._epoch(), "powered on", f"{action.why}; {report.reason}")
                await self._remove_powered_off(action)
                return
            failure: object = report.reason
        except (EtcdError, Superseded) as failed:
            failure = failed
        _LOG.warning("not powered on", extra={"host": action.host, "error": str(failure)})
        await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)

    async def _remove_powered_off(self, action: PowerOn) -> None:
        if action.revision is not None:
            record = self._updater.record(action.revision)
            left = tuple(h for h in record.leadership.powered_off if h != action.host)
            await self._updater.change(action.revision, powered_off=left)
