"""This host's own database: watched over a kept connection, and killed at once if needed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from failover import clock
from failover.core import observed
from failover.core.lag import SettledPosition
from failover.core.observed import Process
from failover.host.processes import Running
from failover.host.session import Answer, SessionError

_LOG = logging.getLogger("failover.database")
_ROLE_INTERVAL_MS = 1000
"""Between two queries of the role while all is well: only its own agent changes the role."""
_EPOCH_INTERVAL_MS = 1000
_EPOCH_PAUSE_MS = 5000
_DUMPS_INTERVAL_MS = 60_000
_DUMPS_TIMEOUT_S = 0.5
"""Time limit of the query for a mere figure: it must not delay the query that proves the database alive."""
_KILL_INTERVAL_S = 0.005


class Connection(Protocol):
    """What this module needs of `session.Session`."""

    async def look(self, *, timeout_s: float) -> Answer:
        """Return the database's role and position."""

    async def position(self, *, timeout_s: float) -> int:
        """Return the database's position."""

    async def dumps(self, *, timeout_s: float) -> int:
        """Return how many dumps of one table wait to be merged, at most."""

    async def epoch(self, *, timeout_s: float) -> int:
        """Return the epoch in its table."""

    async def set_epoch(self, epoch: int, *, timeout_s: float) -> None:
        """Raise the epoch in its table."""

    def close(self) -> None:
        """Cut the connection."""


class ProcessSource(Protocol):
    """What this module needs of `processes.Processes`."""

    def look(self) -> Running:
        """Return what runs now."""

    def kill(self) -> tuple[int, ...]:
        """Send SIGKILL to all of them; return those that are left."""


class ProcessFollower(Protocol):
    """What this module needs of `exit_watch.ExitWatch`."""

    def follow(self, identity: tuple[int, int] | None) -> None:
        """Follow this process from now on."""

    def close(self) -> None:
        """Follow nothing any more."""


@dataclass(frozen=True, kw_only=True)
class LastAnswer:
    """The last answer of the database."""

    answer: Answer
    at_ms: int
    identity: tuple[int, int]
    """Identity of the process that gave the answer."""


class DatabaseWatch:
    """Queries the database repeatedly, and keeps its last answer."""

    def __init__(
        self,
        *,
        processes: ProcessSource,
        connect: Callable[[], Awaitable[Connection]],
        is_open: Callable[[], bool],
        interval_ms: int,
        silent_ms: int,
        is_calm: Callable[[], bool],
        exit_watch: ProcessFollower,
        now_ms: Callable[[], int] = clock.steady_ms,
    ) -> None:
        """Watch.

        Args:
            processes: of the database.
            connect: opens a connection to it.
            is_open: says whether anything answers at its port.
            interval_ms: how often to ask.
            silent_ms: how long to wait for one answer.
            is_calm: says whether all is well, and the role need not be asked for each time.
            exit_watch: watches the process for its exit.
            now_ms: the steady clock.
        """
        self._processes = processes
        self._connect = connect
        self._is_open = is_open
        self._interval_s = interval_ms / 1000
        self._timeout_s = silent_ms / 1000
        self._is_calm = is_calm
        self._exit_watch = exit_watch
        self._now_ms = now_ms
        self._connection: Connection | None = None
        self._last_answer: LastAnswer | None = None
        self._scn = 0
        self._settled = SettledPosition()
        self._epoch: int | None = None
        self._dumps: int | None = None
        self._ask_epoch_at_ms = self._ask_role_at_ms = self._ask_dumps_at_ms = 0
        self._distrusted: tuple[int, int] | None = None
        self._asking = asyncio.Lock()
        self.failures = 0

    @property
    def epoch(self) -> int | None:
        """The epoch in its table as last read from the running process; None: not read."""
        return self._epoch

    def observe(self) -> observed.Database:
        """Return the database's present state; its `follows` is an address, and not a host's name.

        The local state on disk is not part of it.
        """
        running, now_ms = self._processes.look(), self._now_ms()
        if running.identity is None:
            return observed.Database(process=Process.DOWN, scn=self._scn, settled_scn=self._settled.scn)
        last_answer = self._last_answer_of(running.identity)
        works = Process.STARTING if last_answer is None else Process.RUNNING
        since_ms = last_answer.at_ms if last_answer else running.started_at_ms
        return observed.Database(
            process=Process.HUNG if running.stopped else works,
            role=last_answer.answer.role if last_answer else None,
            scn=self._scn,
            settled_scn=self._settled.scn,
            silent_ms=max(0, now_ms - since_ms),
            drained=last_answer is not None and self._is_drained(last_answer),
            follows=last_answer.answer.source if last_answer else None,
            dumps=self._dumps,
        )

    def distrust(self) -> None:
        """Stop trusting `drained` for the running process: a statement may make it writable at any time."""
        self._distrusted = self._processes.look().identity

    def trust(self) -> None:
        """Trust `drained` again: no statement that may make it writable is in progress any more."""
        self._distrusted = None

    async def run(self) -> None:
        """Ask for ever; ends only when cancelled."""
        try:
            while True:
                await self._ask_what_is_due()
                await asyncio.sleep(self._interval_s)
        finally:
            self._exit_watch.close()
            self._forget()

    async def ask(self) -> None:
        """Query everything now, because something was just changed; a missing answer is no error."""
        self._ask_role_at_ms = 0
        await self._ask_what_is_due()

    async def _ask_what_is_due(self) -> None:
        async with self._asking:
            running = self._processes.look()
            self._exit_watch.follow(running.identity)
            if running.identity is None:
                self._forget()
            else:
                await self._ask(running.identity)

    async def set_epoch(self, epoch: int) -> None:
        """Write `epoch` into its table.

        Raises:
            SessionError: it refused, did not answer in time, or knows a higher epoch.
        """
        connection = await self._connect()
        try:
            await connection.set_epoch(epoch, timeout_s=self._timeout_s)
        finally:
            connection.close()
        self._epoch = epoch

    def kill_now(self) -> None:
        """Send SIGKILL, and wait for nothing."""
        self._processes.kill()

    async def kill(self) -> None:
        """SIGKILL, until no process of it is left and its port is closed. Never gives up by itself."""
        while self._processes.kill() or self._is_open():
            await asyncio.sleep(_KILL_INTERVAL_S)
        self._forget()

    async def _ask(self, identity: tuple[int, int]) -> None:
        try:
            if self._connection is None:
                self._ask_epoch_at_ms = 0
                self._connection = await self._connect()
            self._accept(await self._answer(self._connection, identity), identity)
            await self._ask_epoch()
            await self._ask_dumps()
        except SessionError as failure:
            self.failures += 1
            _LOG.debug("no answer", extra={"error": str(failure)})
            self._close()

    async def _answer(self, connection: Connection, identity: tuple[int, int]) -> Answer:
        """Return the database's full answer, or its last answer with the present position."""
        last_answer, now_ms = self._last_answer_of(identity), self._now_ms()
        if last_answer is not None and self._is_calm() and now_ms < self._ask_role_at_ms:
            return replace(last_answer.answer, scn=await connection.position(timeout_s=self._timeout_s))
        answer = await connection.look(timeout_s=self._timeout_s)
        self._ask_role_at_ms = now_ms + _ROLE_INTERVAL_MS
        return answer

    async def _ask_epoch(self) -> None:
        """Query the epoch now and then; a standby without the table still counts as answering."""
        now_ms = self._now_ms()
        if self._connection is None or now_ms < self._ask_epoch_at_ms:
            return
        try:
            self._epoch = await self._connection.epoch(timeout_s=self._timeout_s)
            self._ask_epoch_at_ms = now_ms + _EPOCH_INTERVAL_MS
        except SessionError as failure:
            # A failing query may take long, so it is not repeated soon: it would delay the other query.
            self._ask_epoch_at_ms = now_ms + _EPOCH_PAUSE_MS
            _LOG.info("epoch not read", extra={"error": str(failure)})

    async def _ask_dumps(self) -> None:
        now_ms = self._now_ms()
        if self._connection is None or now_ms < self._ask_dumps_at_ms:
            return
        self._ask_dumps_at_ms = now_ms + _DUMPS_INTERVAL_MS
        try:
            self._dumps = await self._connection.dumps(timeout_s=_DUMPS_TIMEOUT_S)
        except SessionError as failure:
            self._dumps = None
            self._close()
            _LOG.info("dumps not counted", extra={"error": str(failure)})

    def _accept(self, answer: Answer, identity: tuple[int, int]) -> None:
        # The answer is of this process only if the same process ran before and after the query.
        if self._processes.look().identity == identity:
            now_ms = self._now_ms()
            self._last_answer = LastAnswer(answer=answer, at_ms=now_ms, identity=identity)
            self._scn = answer.scn
            self._settled.add(answer.scn, now_ms)

    def _last_answer_of(self, identity: tuple[int, int]) -> LastAnswer | None:
        last_answer = self._last_answer
        return last_answer if last_answer is not None and last_answer.identity == identity else None

    def _is_drained(self, last_answer: LastAnswer) -> bool:
        return last_answer.answer.drained and last_answer.identity != self._distrusted

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _forget(self) -> None:
        self._close()
        self._last_answer, self._epoch, self._dumps = None, None, None
