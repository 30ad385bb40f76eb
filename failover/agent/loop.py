"""The agent's loop: observe, decide, act, five times a second; and fence as soon as the lease has lapsed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from failover import clock
from failover.agent.executor import Executor
from failover.agent.memory import Memory
from failover.agent.metrics import Metrics
from failover.agent.observer import Observer
from failover.agent.pace import Pace
from failover.agent.self_fence import SelfFence
from failover.core.actions import Action, ConfirmFenced, FenceSelf, Hold
from failover.core.decision import decide
from failover.core.observed import Observed
from failover.core.observed import Settings as Limits
from failover.core.pace import is_calm
from failover.core.safety import must_fence
from failover.host.local_state import LocalState
from failover.host.notify import Notify

_LOG = logging.getLogger("failover.loop")
_GUARD_S = 0.05
"""Between two checks of the guard while a lease has lapsed and the database is not down yet."""
_PAUSE_S = 0.2
_SHUTDOWN_S = 2.0
_FIRST_READ_S = 1.0


class LocalStates(Protocol):
    """What this module needs of `local_state.LocalStateFile`."""

    def read(self) -> LocalState:
        """Return the recorded state of the data."""


class Loop:
    """The loop, its guard, and the tasks that run for ever in the background."""

    def __init__(
        self,
        limits: Limits,
        memory: Memory,
        *,
        observer: Observer,
        executor: Executor,
        self_fence: SelfFence,
        pace: Pace,
        local_state_file: LocalStates,
        metrics: Metrics,
        notify: Notify,
        background: dict[str, Callable[[], Awaitable[None]]],
        first_read: Callable[[], Awaitable[None]],
        on_cycle: Callable[[Observed], None] = lambda _: None,
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Put the parts together; nothing runs yet.

        Args:
            limits: what the core decides by.
            memory: the agent's own actions.
            observer: collects the observations.
            executor: carries out the decisions.
            self_fence: kills the database.
            pace: interval of the observations, set in each cycle.
            local_state_file: the local state of the data.
            metrics: get the duration of each cycle.
            notify: notifies systemd in each cycle.
            background: what has to go on for ever, by name; started again when it ends.
            first_read: ends when etcd has answered for the first time.
            on_cycle: called with the observations of each cycle.
            now_ms: the steady clock.
        """
        self._limits = limits
        self._memory = memory
        self._observer = observer
        self._executor = executor
        self._self_fence = self_fence
        self._pace = pace
        self._local_state_file = local_state_file
        self._metrics = metrics
        self._notify = notify
        self._background = background
        self._first_read = first_read
        self._on_cycle = on_cycle
        self._now_ms = now_ms
        self._wake = asyncio.Event()
        self._shown = ""
        self._is_stopping = False
        self._action: Action = Hold(why="the agent has just started")
        self._last_cycle_at_ms = now_ms()

    def last_decision(self) -> str:
        """Return the last decision: the action, and why."""
        return f"{type(self._action).__name__}: {self._action.why}"

    def last_cycle_ago_ms(self) -> int:
        """Return the time since the last cycle of the loop."""
        return self._now_ms() - self._last_cycle_at_ms

    def wake(self) -> None:
        """Start the next cycle at once."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; then leave the database down if it was the leader's, and say so."""
        self._memory.local_state = self._local_state_file.read()
        tasks = [self._begin(name, work) for name, work in self._background.items()]
        try:
            await self._await_first_read()
            tasks += [self._begin("guard", self._guard), self._begin("loop", self._loop)]
            await stop.wait()
            await self._shut_down()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._executor.close()

    def run_cycle(self) -> None:
        """Observe, decide, and begin the decided action."""
        self._memory.local_state = self._local_state_file.read()
        seen = self._observer.observe()
        self._on_cycle(seen)
        is_fencing = self._fence_if_needed(seen) or self._memory.fencing
        self._pace.set(is_calm=not is_fencing and is_calm(seen, self._limits))
        if is_fencing:
            return
        # An action in progress that is not a task for the core takes almost no time, so wait for it.
        if self._executor.is_busy and seen.task is None:
            return
        action = decide(seen, self._limits)
        if self._is_stopping and not isinstance(action, FenceSelf | ConfirmFenced):
            return
        self._show(action)
        self._action = action
        if isinstance(action, FenceSelf):
            self._self_fence.begin(action.why)
        elif not isinstance(action, Hold):
            self._executor.begin(action)
        elif not self._executor.is_busy and (proven := self._observer.proven_local_state(seen)) is not None:
            self._executor.save_local_state(proven)

    async def _loop(self) -> None:
        is_first = True
        while True:
            self._wake.clear()
            with self._metrics.loop.time():
                self.run_cycle()
            self._last_cycle_at_ms = self._now_ms()
            self._notify.watchdog()
            if is_first:
                self._notify.ready()
                is_first = False
            try:
                async with asyncio.timeout(self._limits.loop_interval_ms / 1000):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _guard(self) -> None:
        """Fence when the lease lapses; after a pause of this process this is almost its first act.

        The loop checks all other reasons for fencing.
        """
        while True:
            self._fence_if_needed(self._observer.observe())
            await asyncio.sleep(max(self._until_lapse_s(), _GUARD_S))

    def _until_lapse_s(self) -> float:
        """Return the time left until the lease must be renewed again."""
        lease, limits = self._memory.lease, self._limits
        if lease is None:
            # A lease that is acquired meanwhile lasts longer than this.
            return limits.may_write_ms / 2000
        return (lease.renewed_at_ms + limits.may_write_ms - self._now_ms()) / 1000

    def _fence_if_needed(self, seen: Observed) -> bool:
        why = must_fence(seen, self._limits)
        if why is None:
            return False
        self._self_fence.begin(why)
        return True

    async def _await_first_read(self) -> None:
        """If no agent ever led, wait some time for etcd, so that an existing primary is not killed."""
        if self._memory.local_state.epoch == 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_READ_S):
                    await self._first_read()

    def _begin(self, name: str, work: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
        return asyncio.create_task(self._for_ever(name, work), name=name)

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
                _LOG.error("ended", extra={"task": name})
            except Exception:
                # If the loop fails, systemd's watchdog ends the agent; if the guard or etcd watch
                # fails, the lapsed lease does.
                _LOG.exception("failed", extra={"task": name})
            await asyncio.sleep(_PAUSE_S)

    async def _shut_down(self) -> None:
        """End the database with its agent, so that nothing writable is left and a standby need not wait."""
        self._is_stopping = True
        if self._memory.lease is None:
            return
        self._self_fence.begin("the agent was told to stop")
        try:
            async with asyncio.timeout(_SHUTDOWN_S):
                await self._self_fence.wait()
                # The loop still runs, and confirms it in etcd.
                while self._is_unconfirmed():
                    await asyncio.sleep(_GUARD_S)
        except TimeoutError:
            _LOG.warning("stopped without telling etcd")

    def _is_unconfirmed(self) -> bool:
        seen = self._observer.observe()
        leadership = seen.etcd.leadership if seen.etcd else None
        return (
            leadership is not None
            and leadership.host == seen.me
            and leadership.phase not in ("fenced", "handed")
        )

    def _show(self, action: Action) -> None:
        """Log every action, but a Hold only if its reason changed."""
        name = type(action).__name__
        # Numbers in the reason change in every cycle, so ignore them.
        shown = name + "".join(c for c in action.why if not c.isdigit())
        if not isinstance(action, Hold) or shown != self._shown:
            _LOG.info(name, extra={"why": action.why})
            self._notify.status(action.why)
        self._shown = shown
