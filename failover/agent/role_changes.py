"""Actions on this host's database, except fencing: promote, hand over, start, rejoin."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from failover import clock
from failover.agent.leader_record import LeaderRecordUpdater
from failover.agent.memory import Memory, RejoinedFile, RunningTask
from failover.core import observed
from failover.core.actions import HandOver, Promote, Rejoin, Serve, StartDatabase, TakeOver
from failover.core.observed import Guarantee, Phase, Role, TaskKind, UnprotectedMode
from failover.etcd.history_writer import HistoryWriter
from failover.host.local_state import LocalState
from failover.host.tool import ToolError
from failover.settings import Settings

_LOG = logging.getLogger("failover.change")
_CHANGE_S = 60.0
"""Longer than the core allows a change of roles to take: the core ends one that hangs, with its process."""
_START_S = 120.0
_COPY_S = 600.0
_STARTS_AFTER_A_HAND_OVER = 3
"""Starts to try: a database that was killed after a hand-over ends its first start; the next one works
(tried)."""


class ChangeableDatabase(Protocol):
    """What this module needs of `database.DatabaseWatch`."""

    def observe(self) -> observed.Database:
        """Return the database as it stands now."""

    def distrust(self) -> None:
        """Stop trusting `drained`."""

    def trust(self) -> None:
        """Trust `drained` again."""

    async def ask(self) -> None:
        """Ask it now."""

    async def set_epoch(self, epoch: int) -> None:
        """Write an epoch into its table."""

    async def kill(self) -> None:
        """SIGKILL, until no process of it is left."""


class Tool(Protocol):
    """What this module needs of `tool.Tool`."""

    async def run(self, *arguments: str, deadline_s: float) -> str:
        """Return what `loanstack-db` printed."""


class LocalStates(Protocol):
    """What this module needs of `local_state.LocalStateFile`."""

    def read(self) -> LocalState:
        """Return the recorded state."""

    def write(self, local_state: LocalState) -> None:
        """Record a state."""


class RoleChanges:
    """Actions on the database; each may take longer than a loop."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        *,
        database: ChangeableDatabase,
        tool: Tool,
        local_state_file: LocalStates,
        rejoined: RejoinedFile,
        updater: LeaderRecordUpdater,
        history_writer: HistoryWriter,
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Act on `database` through `tool`."""
        self._settings = settings
        self._memory = memory
        self._database = database
        self._tool = tool
        self._local_state_file = local_state_file
        self._rejoined = rejoined
        self._updater = updater
        self._history = history_writer
        self._now_ms = now_ms

    async def promote(self, action: Promote) -> None:
        """Make this standby the primary, although the last one was not drained."""
        epoch = await self._begin_promotion(action)
        await self._tool.run("promote", "--fenced", deadline_s=_CHANGE_S)
        await self._promoted(epoch)

    async def take_over(self, action: TakeOver) -> None:
        """Make this database the primary with all that the last one had."""
        final_scn = self._updater.record(action.revision).leadership.final_scn
        epoch = await self._begin_promotion(action)
        if self._database.observe().role is Role.PRIMARY:
            await self._restart_drained()
            await self._tool.run("promote", "--fenced", deadline_s=_CHANGE_S)
        else:
            try:
                scn = final_scn or self._database.observe().scn
                await self._tool.run("take-over", str(scn), deadline_s=_CHANGE_S)
            except ToolError as failure:
                # The source may have disappeared meanwhile. This database has all its writes, so nothing is
                # lost.
                _LOG.warning("promoting without the source", extra={"error": str(failure)})
                self._updater.assert_leader()
                await self._tool.run("promote", "--fenced", deadline_s=_CHANGE_S)
        await self._promoted(epoch)

    async def serve(self, action: Serve, announce: Callable[[Serve], Awaitable[None]]) -> None:
        """Write the epoch to the local state and into the database's table, then announce this primary."""
        await self._save_local_state(
            LocalState(role=Role.PRIMARY, epoch=action.epoch, timeline=action.timeline)
        )
        await self._database.set_epoch(action.epoch)
        self._updater.assert_leader()
        await announce(action)

    async def start(self, action: StartDatabase) -> None:
        """Start the database on the data it has."""
        if action.guarantee is None:
            self._memory.started_at_ms = self._now_ms()
            await self._start_standby(action.source)
            return
        assert action.revision is not None
        assert action.timeline is not None
        assert action.unprotected is not None
        epoch = await self._write_promotion(
            action.revision, action.guarantee, action.timeline, action.unprotected
        )
        self._memory.started_at_ms = self._now_ms()
        await self._tool.run("start", "--alone", deadline_s=_START_S)
        await self._promoted(epoch)

    async def rejoin(self, action: Rejoin) -> None:
        """Make this database a standby of `action.source`."""
        self._memory.started_at_ms = self._now_ms()
        if action.keep_data:
            await self._start_standby(action.source)
            return
        epoch = self._memory.local_state.epoch
        self._rejoined.write(self._now_ms())
        await self._tool.run("rejoin", self._address(action.source), deadline_s=_COPY_S)
        await self._save_local_state(LocalState(role=Role.STANDBY, epoch=epoch, timeline=action.timeline))
        self._memory.cannot_follow = False
        await self._database.ask()
        self._history.record(action.timeline, "rejoined", action.why, request=action.request)

    async def hand_over(self, action: HandOver) -> None:
        """Drain this primary, and write its final position into etcd."""
        leadership = self._updater.record(action.revision).leadership
        # This database serves, so the statement that made it writable ended long ago: trust its answers
        # again.
        self._database.trust()
        final_scn = int(await self._tool.run("hand-over", deadline_s=_CHANGE_S))
        await self._save_local_state(replace(self._local_state_file.read(), role=Role.STANDBY))
        await self._database.ask()
        await self._updater.change(action.revision, phase=Phase.HANDED, final_scn=final_scn)
        self._history.record(leadership.epoch, "handed", f"{action.why}: it ends at {final_scn}")

    async def save_local_state(self, local_state: LocalState) -> None:
        """Record new knowledge about the data."""
        await self._save_local_state(local_state)

    async def _begin_promotion(self, action: Promote | TakeOver) -> int:
        epoch = await self._write_promotion(
            action.revision, action.guarantee, action.timeline, action.unprotected
        )
        self._updater.assert_leader()
        self._database.distrust()
        return epoch

    async def _write_promotion(
        self, revision: int, guarantee: Guarantee, timeline: int, unprotected: UnprotectedMode
    ) -> int:
        """Record in etcd and on disk that these data are complete, before they become writable."""
        leadership = self._updater.record(revision).leadership
        await self._updater.change(
            revision,
            guarantee=guarantee,
            timeline=timeline,
            primary=self._settings.me,
            unprotected=unprotected,
            catch_up_scn=leadership.catch_up_scn if unprotected is UnprotectedMode.ENDING else None,
        )
        if guarantee is Guarantee.LEASE:
            names = ", ".join(u.host for u in leadership.unfenced)
            self._history.record(leadership.epoch, "fenced", f"the lease of {names} has run out")
        self._history.record(leadership.epoch, "guarantee", guarantee)
        if unprotected is UnprotectedMode.YES and leadership.unprotected is not UnprotectedMode.YES:
            self._history.record(leadership.epoch, "alone", f"no standby follows {self._settings.me} yet")
        noted = replace(self._memory.local_state, role=Role.PRIMARY, timeline=timeline)
        await self._save_local_state(noted)
        self._updater.assert_leader()
        return leadership.epoch

    async def _restart_drained(self) -> None:
        """Restart a drained primary as the standby it has become: the only way to make it writable again."""
        # This is not yet the change of roles, whose time limit is shorter than a start may take.
        self._memory.running_task = RunningTask(kind=TaskKind.START_STANDBY, since_ms=self._now_ms())
        await self._database.kill()
        for number in range(1, _STARTS_AFTER_A_HAND_OVER + 1):
            self._updater.assert_leader()
            try:
                await self._tool.run("start", deadline_s=_START_S)
            except ToolError:
                if number == _STARTS_AFTER_A_HAND_OVER:
                    raise
            else:
                self._memory.running_task = RunningTask(kind=TaskKind.TAKE_OVER, since_ms=self._now_ms())
                return

    async def _start_standby(self, source: str | None) -> None:
        try:
            if source is None:
                await self._tool.run("start", deadline_s=_START_S)
            else:
                await self._tool.run("follow", self._address(source), deadline_s=_START_S)
        except ToolError:
            # The tool has tried more than once. If the leader is gone, the data are not the cause, but then
            # there is no source to copy from either.
            self._memory.cannot_follow = source is not None
            raise
        await self._database.ask()

    async def _promoted(self, epoch: int) -> None:
        await self._database.ask()
        self._history.record(epoch, "promoted", f"the database of {self._settings.me} is the primary")

    async def _save_local_state(self, local_state: LocalState) -> None:
        # A write to disk may take long, so it runs in a thread: leases are renewed meanwhile.
        await asyncio.to_thread(self._local_state_file.write, local_state)
        self._memory.local_state = self._local_state_file.read()

    def _address(self, host: str) -> str:
        address = self._settings.address_of(host)
        if address is None:
            raise ToolError(f"{host} is no host that this agent's settings know")
        return address
