"""Connections to the current primary: bounded, first come first served, cut when the primary changes."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable

from asyncmy import errors

from app_stub.database import Session
from app_stub.metrics import Metrics
from app_stub.primary_gate import PrimaryGate
from app_stub.settings import Database, Endpoint

_LOG = logging.getLogger("loan.pool")
_RECONNECT_PAUSE_S = 0.1
_SWEEP_INTERVAL_S = 0.1
_OPENING_AT_ONCE = 4
"""The first connection to a new primary is what requests wait for. Measured: it is there after 5 ms alone,
and after 60 ms among 32 that are opened at once."""

Connect = Callable[[Endpoint], Awaitable[Session]]


class NoConnectionError(Exception):
    """No connection could be had in time; nothing was sent."""


class Pool:
    """Hands out sessions on the primary that the watcher has found.

    A generation is one primary's term: when it ends, its idle sessions are closed, those in use are cut (who
    waits on them learns that the outcome is uncertain), and none of them ever comes back into the pool.
    """

    def __init__(
        self,
        settings: Database,
        connect: Connect,
        metrics: Metrics,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._metrics = metrics
        # Not the loop's clock: finding the running loop costs a system call each time in Python 3.11.
        self._clock_s = clock_s
        self._gate = PrimaryGate(self._serve_waiting)
        self._generation = 0
        self._idle: list[Session] = []
        self._in_use: dict[Session, int] = {}
        self._waiting: deque[asyncio.Future[Session]] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._closed = False
        metrics.pool_size.set(settings.pool_size)
        metrics.pool_idle.set_function(lambda: float(len(self._idle)))
        metrics.pool_in_use.set_function(lambda: float(len(self._in_use)))
        metrics.pool_waiting.set_function(lambda: float(len(self._waiting)))

    @property
    def primary(self) -> Endpoint | None:
        """The endpoint written to; None while none is known."""
        return self._gate.primary

    @property
    def epoch(self) -> int:
        """The primary's epoch, which each write sent to it must carry."""
        return self._gate.epoch

    @property
    def term(self) -> int:
        """Grows whenever the primary or its epoch changes: what was learnt in an earlier term is history."""
        return self._gate.term

    @property
    def usable(self) -> bool:
        """Whether a request would get a connection now or soon: a primary is known and was connected to."""
        return self.primary is not None and (bool(self._idle) or self._generation in self._in_use.values())

    def start(self) -> None:
        """Start cutting connections whose statement is overdue."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    def follow(self, primary: Endpoint | None, epoch: int, *, is_held: bool = False) -> None:
        """Make `primary` the endpoint written to; everything connected to another one is cut at once.

        Args:
            primary: None while there is none.
            epoch: of this primary.
            is_held: it is about to hand over: what is in flight may finish, and nothing new is sent.
        """
        if self._closed:
            return
        if self._gate.point(primary, epoch, is_held=is_held):
            self._start_generation(primary)
        self._serve_waiting()

    def back_off(self) -> None:
        """Send nothing for a moment, or until there is news: the primary has just refused to be one."""
        if not self._closed:
            self._gate.back_off()

    async def acquire(self, timeout_s: float) -> Session:
        """Return a session for one request; give it back with `release`.

        Args:
            timeout_s: what is left of the request's deadline.

        Raises:
            NoConnectionError: no primary or no free session within `wait_ms`, or too many requests wait
                already.
        """
        while self._idle and self._gate.is_open:
            session = self._idle.pop()
            if session.usable:
                return self._hand_out(session)
            self._fill()
        return await self._wait(timeout_s)

    def release(self, session: Session) -> None:
        """Take `session` back; a broken one, or one of an earlier primary, is closed and replaced."""
        generation = self._in_use.pop(session, -1)
        session.deadline_s = float("inf")
        if generation != self._generation or not session.usable or self._closed:
            session.close()
            self._fill()
        else:
            self._offer(session)

    async def close(self) -> None:
        """Cut everything and end the background tasks."""
        tasks = list(self._opening)
        self.follow(None, self.epoch)
        self._closed = True
        self._gate.end_back_off()
        if self._sweeper is not None:
            tasks.append(self._sweeper)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_generation(self, primary: Endpoint | None) -> None:
        self._generation += 1
        for session in (*self._idle, *self._in_use):
            session.close()
        self._idle.clear()
        # Those that still knock at the old primary may hang there for a whole time-out.
        for task in self._opening:
            task.cancel()
        self._opening.clear()
        if primary is None:
            # Requests that wait have sent nothing and wait on: the next primary may come in time.
            self._metrics.primary_lost.inc()
        else:
            self._fill()

    def _serve_waiting(self) -> None:
        for _ in range(min(len(self._idle), len(self._waiting))):
            self._offer(self._idle.pop())

    def _hand_out(self, session: Session) -> Session:
        self._in_use[session] = self._generation
        session.deadline_s = self._clock_s() + self._settings.statement_timeout_ms / 1000
        return session

    async def _wait(self, timeout_s: float) -> Session:
        if len(self._waiting) >= self._settings.queue_limit:
            raise NoConnectionError(f"{len(self._waiting)} requests wait for a connection already")
        began_s = self._clock_s()
        waiter: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._fill()
        try:
            await asyncio.wait((waiter,), timeout=max(min(timeout_s, self._settings.wait_ms / 1000), 0))
            if waiter.done():
                return waiter.result()
            raise NoConnectionError(self._why_none(self._clock_s() - began_s))
        except asyncio.CancelledError:
            if waiter.done():
                # The request was cancelled in the moment it was served: the session must not be lost.
                self.release(waiter.result())
            raise
        finally:
            if not waiter.done():
                waiter.cancel()
                self._waiting.remove(waiter)

    def _why_none(self, waited_s: float) -> str:
        why = f"all connections to {self.primary} busy" if self._gate.is_open else self._gate.why_shut
        return f"{why}; waited {waited_s * 1000:.0f} ms"

    def _offer(self, session: Session) -> None:
        if self._gate.is_open:
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_result(self._hand_out(session))
                    return
        self._idle.append(session)

    def _fill(self) -> None:
        if self.primary is None or self._closed:
            return
        current = sum(generation == self._generation for generation in self._in_use.values())
        missing = self._settings.pool_size - len(self._idle) - current - len(self._opening)
        for _ in range(min(missing, _OPENING_AT_ONCE - len(self._opening))):
            task = asyncio.get_running_loop().create_task(self._open(self.primary, self._generation))
            self._opening.add(task)
            task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled():
            # Its place is free for another; so are those of an earlier generation's.
            self._fill()

    async def _open(self, endpoint: Endpoint, generation: int) -> None:
        while generation == self._generation and not self._closed:
            try:
                session = await self._connect(endpoint)
            except (OSError, errors.MySQLError) as failure:
                self._metrics.connect_failures.inc()
                _LOG.debug("connect failed", extra={"endpoint": str(endpoint), "error": str(failure)})
                await asyncio.sleep(_RECONNECT_PAUSE_S)
                continue
            if generation != self._generation or self._closed:
                session.close()
            else:
                self._offer(session)
            return

    async def _sweep(self) -> None:
        # One timer for all: a time-out per statement would cost more than many statements do.
        while True:
            await asyncio.sleep(_SWEEP_INTERVAL_S)
            now_s = self._clock_s()
            for session in [s for s in self._in_use if s.deadline_s <= now_s]:
                self._metrics.statement_timeouts.inc()
                _LOG.warning("statement overdue, connection cut", extra={"endpoint": str(self.primary)})
                session.close()
