"""Writes that arrive together are committed together; movements of money share their statements too.

A COMMIT costs the database several times as much as a statement, and a statement about as much whether it
touches one row or ten. So movements that arrive while a group is on its way go as the next group, and groups
leave at a pace. At a low rate every movement goes alone and at once; the busier the machine, the larger the
groups. Measured (2 busy cores, 64 clients): CPU of primary, standby and services together 1.4 ms a movement
alone, 0.45 ms in groups; 800 movements a second against 2,700.
Admissions, assessments and grants ride along with statements of their own.

A group is all or nothing and never decides anything but success: if it was refused, for whatever reason, each
movement goes on by itself and gets an answer of its own; if its outcome is uncertain, each resolves its own
key.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from app_stub import sql
from app_stub.database import Session
from app_stub.metrics import Metrics
from app_stub.outcome import DatabaseFailure, Meaning
from app_stub.pool import NoConnectionError, Pool

_LOG = logging.getLogger("loan.group")
_PACE_S = 0.016
"""Between the starts of two groups: what a movement may wait, at most, for being committed with others."""
_WAIT_S = 0.03
"""No movement waits longer for the group before it, which may hang on a locked row."""
_MAX_MOVES = 32
_PATIENCE_S = 60.0
"""The pool's own limits on waiting are far shorter."""


class Together(StrEnum):
    """What became of a movement in its group."""

    DONE = "done"
    ALONE = "alone"
    """The group was rolled back or never sent: nothing was executed."""
    UNCERTAIN = "uncertain"


class _Waiting(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    row: sql.JournalRow
    move: sql.Move | None
    change: tuple[str, ...]
    """Empty for a movement, whose statement is made for its whole group."""
    outcome: asyncio.Future[Together]


class GroupCommit:
    """Collects movements and sends them in groups; make it inside the running loop."""

    def __init__(self, pool: Pool, metrics: Metrics, suspect: Callable[[], None]) -> None:
        self._pool = pool
        self._metrics = metrics
        self._suspect = suspect
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._groups: set[asyncio.Task[None]] = set()
        self._last_start_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    async def attempt(
        self, row: sql.JournalRow, move: sql.Move | None, change: Callable[[], tuple[str, ...]]
    ) -> Together:
        """Send one write with whatever else is waiting.

        Args:
            row: its journal row.
            move: the movement, if it is one.
            change: makes its own statements, if it is none.

        Raises:
            NoConnectionError: nothing was sent.
        """
        waiting = _Waiting(
            row=row,
            move=move,
            change=() if move is not None else change(),
            outcome=self._loop.create_future(),
        )
        self._queue.append(waiting)
        if len(self._queue) >= _MAX_MOVES:
            self._dispatch()
        elif self._timer is None:
            self._dispatch_when_due()
        return await waiting.outcome

    def _dispatch_when_due(self) -> None:
        due_s = self._last_start_s + (_WAIT_S if self._groups else _PACE_S)
        if self._loop.time() >= due_s:
            self._dispatch()
        else:
            self._timer = self._loop.call_at(due_s, self._dispatch)

    def _dispatch(self) -> None:
        self._stop_timer()
        group = self._take()
        if group:
            self._last_start_s = self._loop.time()
            task = self._loop.create_task(self._send(group))
            self._groups.add(task)
            task.add_done_callback(self._sent)
        if self._queue:
            self._dispatch_when_due()

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._groups.discard(task)
        if self._queue and not self._groups:
            # Nothing is left to wait for but the pace.
            self._stop_timer()
            self._dispatch_when_due()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take(self) -> tuple[_Waiting, ...]:
        """Take the next group off the queue: of one limit, and of one key, only the first movement."""
        taken: list[_Waiting] = []
        limits: set[int] = set()
        keys: set[str] = set()
        later: list[_Waiting] = []
        while self._queue and len(taken) < _MAX_MOVES:
            waiting = self._queue.popleft()
            key, move = waiting.row.idempotency_key, waiting.move
            if key in keys or (move is not None and move.limit_id in limits):
                later.append(waiting)
                continue
            taken.append(waiting)
            keys.add(key)
            if move is not None:
                limits.add(move.limit_id)
        self._queue.extendleft(reversed(later))
        # Always in this order, so that two groups never lock each other's rows crosswise.
        return tuple(sorted(taken, key=_lock_order))

    async def _send(self, group: tuple[_Waiting, ...]) -> None:
        outcomes = [Together.ALONE] * len(group)
        try:
            outcomes = await self._run(group)
        except NoConnectionError as none:
            for waiting in group:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(NoConnectionError(str(none)))
        except Exception:
            _LOG.exception("group failed")
            # Whether it had been sent is not known here.
            outcomes = [Together.UNCERTAIN] * len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)

    async def _run(self, group: tuple[_Waiting, ...]) -> list[Together]:
        statements, places = _statements(group)
        session = await self._pool.acquire(_PATIENCE_S)
        try:
            counts = await session.run(sql.packet(statements), len(statements) + 1)
        except DatabaseFailure as failure:
            self._metrics.groups_refused.inc()
            if failure.meaning is Meaning.UNCERTAIN:
                self._suspect()
                return [Together.UNCERTAIN] * len(group)
            if failure.meaning in (Meaning.DUPLICATE, Meaning.REFUSED):
                await _roll_back(session)
            else:
                session.close()
            return [Together.ALONE] * len(group)
        finally:
            self._pool.release(session)
        self._metrics.groups.observe(len(group))
        # A journal row that was not inserted belongs to a write whose change did not apply.
        return [Together.DONE if counts[place] else Together.ALONE for place in places]


def _lock_order(waiting: _Waiting) -> tuple[bool, int]:
    if waiting.move is not None:
        return False, waiting.move.limit_id
    return True, waiting.row.customer_id or 0


def _statements(group: tuple[_Waiting, ...]) -> tuple[list[str], list[int]]:
    """Return the statements of a group, and for each of its writes the place of the one that journals it."""
    statements: list[str] = []
    places: list[int] = []
    moves = [(waiting.move, waiting.row) for waiting in group if waiting.move is not None]
    if moves:
        statements += sql.together(tuple(move for move, _ in moves), tuple(row for _, row in moves))
        places += [1] * len(moves)
    for waiting in group[len(moves) :]:
        statements += sql.conditional(waiting.change, waiting.row)
        places.append(len(statements) - 1)
    return statements, places


async def _roll_back(session: Session) -> None:
    try:
        await session.rollback()
    except DatabaseFailure:
        # A lost connection ends its transaction too.
        session.close()
