"""Switching other hosts off and on through their fence devices, beside everything else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from failover.actions import FencePeer, PowerOn
from failover.fence_devices import Device, FenceError, switched
from failover.gateway import StoreError
from failover.leader_record import LeaderKeeper, Superseded
from failover.memory import Memory
from failover.observed import FenceState
from failover.recorder import Recorder

_LOG = logging.getLogger("failover.power")
_PAUSE_AFTER_FAILURE_S = 2.0

Switched = Callable[..., Awaitable[None]]


class DeviceOf(Protocol):
    """Finds the device of a host."""

    def __call__(self, host: str) -> Device | None:
        """Return the device of `host`; None: there is none."""


class Powering:
    """At most one thing at a time with each host's device."""

    def __init__(
        self,
        memory: Memory,
        *,
        device_of: DeviceOf,
        keeper: LeaderKeeper,
        recorder: Recorder,
        epoch: Callable[[], int],
        wake: Callable[[], None],
        pause_s: float,
        switch: Switched = switched,
    ) -> None:
        """Switch hosts.

        Args:
            memory: gets the reports.
            device_of: finds devices.
            keeper: takes hosts that are on again out of the record.
            recorder: told about it.
            epoch: the epoch in whose history it belongs.
            wake: called when there is a report.
            pause_s: between a failure and its report, so that it is not tried again at once.
            switch: switches a device and waits for it.
        """
        self._memory = memory
        self._device_of = device_of
        self._keeper = keeper
        self._recorder = recorder
        self._epoch = epoch
        self._wake = wake
        self._pause_s = pause_s
        self._switch = switch
        self._busy: dict[str, asyncio.Task[None]] = {}
        self.counts = {"confirmed": 0, "failed": 0}

    def is_busy_with(self, host: str) -> bool:
        """Say whether the device of `host` is being used."""
        return host in self._busy and not self._busy[host].done()

    def fence(self, action: FencePeer) -> None:
        """Have a host switched off; its report is ASKED when this returns."""
        if not self.is_busy_with(action.host):
            self._memory.reports[action.host] = FenceState.ASKED
            self._begin(action.host, self._fence(action))

    def power_on(self, action: PowerOn) -> None:
        """Have a host switched on."""
        if not self.is_busy_with(action.host):
            self._begin(action.host, self._power_on(action))

    async def close(self) -> None:
        """End what goes on."""
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    def _begin(self, host: str, work: Awaitable[None]) -> None:
        async def whole() -> None:
            await work
            self._wake()

        self._busy[host] = asyncio.get_running_loop().create_task(whole())

    def _device(self, host: str) -> Device:
        device = self._device_of(host)
        if device is None:
            raise FenceError(f"{host} has no fence device")
        return device

    async def _fence(self, action: FencePeer) -> None:
        epoch, claimed_at_ms = self._epoch(), self._memory.claimed_at_ms
        state, said = FenceState.CONFIRMED, f"the fence device of {action.host} says that it is off"
        try:
            await self._switch(self._device(action.host), on=False)
        except FenceError as failure:
            state, said = FenceState.FAILED, f"{action.host} was not switched off: {failure}"
        self.counts["confirmed" if state is FenceState.CONFIRMED else "failed"] += 1
        self._recorder.record(epoch, "fenced" if state is FenceState.CONFIRMED else "not fenced", said)
        if state is FenceState.FAILED:
            await asyncio.sleep(self._pause_s)
        # What was asked under an earlier claim counts for that one only.
        if self._memory.claimed_at_ms == claimed_at_ms:
            self._memory.reports[action.host] = state

    async def _power_on(self, action: PowerOn) -> None:
        try:
            await self._switch(self._device(action.host), on=True)
            self._memory.reports.pop(action.host, None)
            self._recorder.record(self._epoch(), "powered on", action.why)
            if action.revision is not None:
                record = self._keeper.record(action.revision)
                left = tuple(h for h in record.leadership.powered_off if h != action.host)
                await self._keeper.change(action.revision, powered_off=left)
        except (FenceError, StoreError, Superseded) as failure:
            _LOG.warning("not powered on", extra={"host": action.host, "error": str(failure)})
            await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
