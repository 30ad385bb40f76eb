"""Carries out decided actions, one at a time, in the background. Fencing never waits for an action."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from failover import clock
from failover.agent.leader_lock import LeaderLock
from failover.agent.leader_record import Superseded
from failover.agent.memory import Memory, RunningTask
from failover.agent.power_control import PowerControl
from failover.agent.role_changes import RoleChanges
from failover.core.actions import (
    AcquireLeaderLock,
    Action,
    BeginHandover,
    ConfirmFenced,
    FencePeer,
    HandOver,
    PowerOn,
    Promote,
    Refuse,
    Rejoin,
    ResumeLeading,
    Serve,
    SetUnprotectedMode,
    StartDatabase,
    TakeOver,
)
from failover.core.observed import TaskKind
from failover.etcd.http_api import EtcdError
from failover.host.local_state import LocalState
from failover.host.session import SessionError
from failover.host.tool import ToolError

_LOG = logging.getLogger("failover.act")
_EXPECTED = (EtcdError, Superseded, SessionError, ToolError, OSError)


class Executor:
    """Begins actions, and knows whether one is in progress."""

    def __init__(
        self,
        memory: Memory,
        *,
        leader_lock: LeaderLock,
        role_changes: RoleChanges,
        power_control: PowerControl,
        wake: Callable[[], None],
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Act through the three parts; `wake` makes the loop decide again at once."""
        self._memory = memory
        self._leader_lock = leader_lock
        self._role_changes = role_changes
        self._power_control = power_control
        self._wake = wake
        self._now_ms = now_ms
        self._task: asyncio.Task[None] | None = None
        self.last_failure: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an action is in progress; nothing is decided until it has ended."""
        return self._task is not None and not self._task.done()

    def begin(self, action: Action) -> None:
        """Begin `action`, which continues after this method returns."""
        match action:
            case FencePeer():
                self._power_control.fence(action)
            case PowerOn():
                self._power_control.power_on(action)
            case _:
                self._start(action, *self._work_of(action))

    def save_local_state(self, local_state: LocalState) -> None:
        """Begin to record new knowledge about the data."""
        self._start("save local state", None, self._role_changes.save_local_state(local_state))

    def cancel(self) -> None:
        """End the action in progress, wherever it is; operations on fence devices of other hosts continue."""
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """End everything."""
        self.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self._power_control.close()

    def _work_of(self, action: Action) -> tuple[TaskKind | None, Coroutine[Any, Any, None]]:
        match action:
            case AcquireLeaderLock():
                return None, self._leader_lock.acquire_leader_lock(action)
            case ConfirmFenced():
                return None, self._leader_lock.confirm_fenced(action)
            case BeginHandover():
                return None, self._leader_lock.begin_handover(action)
            case ResumeLeading():
                return None, self._leader_lock.resume_leading(action)
            case SetUnprotectedMode():
                return None, self._leader_lock.set_unprotected_mode(action)
            case Refuse():
                return None, self._leader_lock.refuse(action)
            case Serve():
                return None, self._role_changes.serve(action, self._leader_lock.announce)
            case Promote():
                return TaskKind.PROMOTE, self._role_changes.promote(action)
            case TakeOver():
                return TaskKind.TAKE_OVER, self._role_changes.take_over(action)
            case HandOver():
                return TaskKind.HAND_OVER, self._role_changes.hand_over(action)
            case StartDatabase():
                kind = TaskKind.START_STANDBY if action.guarantee is None else TaskKind.START_PRIMARY
                return kind, self._role_changes.start(action)
            case Rejoin():
                return TaskKind.REJOIN, self._rejoin(action)
        raise AssertionError(f"{action} is nothing that could be begun")

    async def _rejoin(self, action: Rejoin) -> None:
        if action.request is not None:
            await self._leader_lock.take_request(action.request)
        await self._role_changes.rejoin(action)

    def _start(self, what: object, kind: TaskKind | None, work: Coroutine[Any, Any, None]) -> None:
        assert not self.is_busy, "one action at a time"
        self._memory.running_task = None if kind is None else RunningTask(kind=kind, since_ms=self._now_ms())
        self._task = asyncio.get_running_loop().create_task(self._whole(what, work))

    async def _whole(self, what: object, work: Coroutine[Any, Any, None]) -> None:
        name = what if isinstance(what, str) else type(what).__name__
        decides_anew = False
        try:
            await work
            self.last_failure = None
            # A repeated action, or one that failed, waits for the next loop.
            decides_anew = not (isinstance(what, Refuse) and what.request is None)
        except _EXPECTED as failure:
            self.last_failure = f"{name}: {failure}"
            _LOG.warning("action ended", extra={"action": name, "error": str(failure)})
        except Exception as failure:
            # A bug of ours ends only this action; the loop decides again, and fencing still works.
            self.last_failure = f"{name}: {failure!r}"
            _LOG.exception("action failed", extra={"action": name})
        finally:
            self._memory.running_task = None
            if decides_anew:
                self._wake()
