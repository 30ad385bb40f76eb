"""Writes that arrive together are committed together; movements of money share their statements too.

A COMMIT costs the database several times as much as a statement, and a statement about as much whether it
touches one row or ten. So movements that arrive while a group is on its way go as the next group, and groups
leave at a pace. At a low rate every movement goes alone and at once; the busier the machine, the larger the
groups. Measured (2 busy cores, 64 clients): CPU of primary, standby and services together 1.4 ms a movement
alone, 0.45 ms in groups; 800 movements a second against 2,700.
Admissions, assessments and grants ride along with statements of their own.

Several movements on one limit go in one group too: it locks the limits first, looks which of its movements
fit, each behind those before it, and sends these. So a limit that all draw on is locked once for many
movements, and what finds it used up spoils no group. What comes meanwhile waits here and not for the lock:
groups that wait for each other's limits cost more than their work. A group of different limits is sent
without that look, and has it only once it was refused.

What is sent is all or nothing. If it was refused for another reason than want of room, each write goes on
alone and gets an answer of its own; if its outcome is uncertain, each resolves its own key. Only where the
database it reached is not the primary (any more) do its movements wait together for the one that is: a
hand-over leaves a second's worth of them, too many to be sent one by one.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from app_stub import limit_check, sql
from app_stub.database import Rows, Session
from app_stub.group_queue import GroupOutcome, GroupQueue, Sent, Waiting
from app_stub.metrics import Metrics
from app_stub.outcome import NO_PRIMARY_THERE, DatabaseFailure, FailureKind
from app_stub.pool import NoConnectionError, Pool
from app_stub.reads import is_of_epoch

_LOG = logging.getLogger("loan.group")
_PACE_S = 0.016
"""Between the starts of two groups: what a movement may wait, at most, for being committed with others."""
_WAIT_S = 0.03
"""No movement waits longer for the group before it, which may hang on a locked row."""
_LATE_S = 0.3
"""A group goes on for this long beyond its first deadline: better one late answer than a whole group cut."""


_Outcome = GroupOutcome | Rows
"""What became of a write; of a movement that was refused, the limit that it found."""


class GroupCommit:
    """Collects movements and sends them in groups; make it inside the running loop."""

    def __init__(
        self,
        pool: Pool,
        metrics: Metrics,
        recheck_now: Callable[[], None],
        *,
        queue_limit: int,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._metrics = metrics
        self._recheck_now = recheck_now
        self._clock_s = clock_s
        self._loop = asyncio.get_running_loop()
        self._queue = GroupQueue(limit=queue_limit, clock_s=clock_s)
        self._groups: set[asyncio.Task[None]] = set()
        self._busy: set[int] = set()
        """Limits on which movements are on their way: no two groups ever have one in common."""
        self._is_collecting = False
        """A group waits for its session, and takes along whatever comes until then."""
        self._last_start_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    async def attempt(
        self,
        row: sql.JournalRow,
        move: sql.Move | None,
        change: Callable[[], tuple[str, ...]],
        give_up_s: float,
    ) -> Sent:
        """Send one write with whatever else is waiting.

        Args:
            row: its journal row.
            move: the movement, if it is one.
            change: makes its own statements, if it is none.
            give_up_s: when nothing need be sent any more, by this object's clock.

        Raises:
            NoConnectionError: nothing was executed, and nothing will be.
        """
        waiting = Waiting(
            row=row,
            move=move,
            change=() if move is not None else change(),
            outcome=self._loop.create_future(),
            queued_s=self._clock_s(),
            give_up_s=give_up_s,
        )
        self._queue.add(waiting)
        self._dispatch_soon()
        return await waiting.outcome

    def _dispatch_soon(self) -> None:
        if not self._queue or self._is_collecting:
            return
        if self._queue.is_full(self._busy):
            self._dispatch()
        elif self._timer is None:
            self._dispatch_when_due()

    def _dispatch_when_due(self) -> None:
        due_s = self._last_start_s + (_WAIT_S if self._groups else _PACE_S)
        if self._loop.time() >= due_s:
            self._dispatch()
        else:
            self._timer = self._loop.call_at(due_s, self._dispatch)

    def _dispatch(self) -> None:
        self._stop_timer()
        self._last_start_s = self._loop.time()
        self._is_collecting = True
        task = self._loop.create_task(self._send())
        self._groups.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._groups.discard(task)
        if not self._groups:
            # Nothing is left to wait for but the pace.
            self._stop_timer()
            self._dispatch_soon()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _send(self) -> None:
        try:
            session = await self._session()
        finally:
            self._is_collecting = False
        if session is None:
            return
        group, term = self._queue.take(self._busy), self._pool.term
        limits = {move.limit_id for move in _moves(group)}
        self._busy |= limits
        self._dispatch_soon()
        if not group:
            self._pool.release(session)
            return
        try:
            outcomes = await self._run(group, session)
        except Exception:
            _LOG.exception("group failed")
            # Whether it had been sent is not known here.
            outcomes = [GroupOutcome.UNCERTAIN] * len(group)
        finally:
            self._busy -= limits
        if GroupOutcome.AGAIN in outcomes:
            self._queue.put_back(group)
            self._dispatch_soon()
            return
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(_sent(outcome, term))

    async def _session(self) -> Session | None:
        """Return a session, or None once nobody waits for it any more."""
        while self._queue:
            began_s = self._clock_s()
            try:
                return await self._pool.acquire(self._queue.least_left_s())
            except NoConnectionError as none:
                self._queue.give_up(since_s=began_s, why=str(none))
        return None

    async def _run(self, group: tuple[Waiting, ...], session: Session) -> Sequence[_Outcome]:
        session.deadline_s = min(session.deadline_s, min(w.give_up_s for w in group) + _LATE_S)
        epoch = self._pool.epoch
        try:
            if limit_check.is_crowded(_moves(group)):
                return await self._after_a_look(group, session, epoch)
            try:
                return await self._at_once(group, session, epoch)
            except DatabaseFailure as failure:
                # A movement may just have found no room.
                if failure.kind is not FailureKind.REFUSED or not _moves(group):
                    raise
            await session.rollback()
            return await self._after_a_look(group, session, epoch)
        except DatabaseFailure as failure:
            return [await self._after(failure, session)] * len(group)
        finally:
            self._pool.release(session)

    async def _at_once(self, group: tuple[Waiting, ...], session: Session, epoch: int) -> list[GroupOutcome]:
        statements, places = _statements(group, epoch)
        counts = await session.run(sql.packet(statements), len(statements) + 1)
        self._metrics.groups.observe(len(group))
        # A journal row that was not inserted belongs to a write whose change did not apply.
        return [GroupOutcome.DONE if counts[place] else GroupOutcome.ALONE for place in places]

    async def _after_a_look(
        self, group: tuple[Waiting, ...], session: Session, epoch: int
    ) -> Sequence[_Outcome]:
        """Lock the limits, and send what fits; what does not learns what it found."""
        moves = _moves(group)
        self._metrics.groups_looked_at.inc()
        lock = sql.lock_limits(sorted({move.limit_id for move in moves}))
        epochs, rows = await session.read((sql.SELECT_EPOCH, lock))
        if not is_of_epoch(epochs, epoch):
            raise DatabaseFailure(FailureKind.OTHER_EPOCH, code=0, detail=f"epoch {epochs}, wanted {epoch}")
        refused = [*limit_check.refused(moves, rows), *(None for _ in group[len(moves) :])]
        fitting = tuple(waiting for waiting, by in zip(group, refused, strict=True) if by is None)
        if not fitting:
            await session.rollback()
            return [by or [] for by in refused]
        outcomes = iter(await self._at_once(fitting, session, epoch))
        return [next(outcomes) if by is None else by for by in refused]

    async def _after(self, failure: DatabaseFailure, session: Session) -> GroupOutcome:
        self._metrics.groups_refused.labels(failure.kind.value).inc()
        if failure.kind is FailureKind.UNCERTAIN:
            self._recheck_now()
            return GroupOutcome.UNCERTAIN
        if failure.kind is FailureKind.NOT_SENT:
            # Each such attempt removes one dead connection from the pool: progress, and no reason to pause.
            self._last_start_s = float("-inf")
            return GroupOutcome.AGAIN
        if failure.kind is FailureKind.RETRY:
            session.close()
            return GroupOutcome.ALONE
        await _roll_back(session)
        if failure.kind in NO_PRIMARY_THERE:
            self._pool.back_off()
            self._recheck_now()
            return GroupOutcome.AGAIN
        return GroupOutcome.ALONE


def _sent(outcome: _Outcome, term: int) -> Sent:
    if isinstance(outcome, GroupOutcome):
        return Sent(outcome=outcome, term=term)
    return Sent(outcome=GroupOutcome.REFUSED, term=term, refused_by=outcome)


def _moves(group: tuple[Waiting, ...]) -> tuple[sql.Move, ...]:
    """Return the movements of a group, which are its first writes."""
    return tuple(waiting.move for waiting in group if waiting.move is not None)


def _statements(group: tuple[Waiting, ...], epoch: int) -> tuple[list[str], list[int]]:
    """Return the statements of a group, and for each of its writes the place of the one that journals it."""
    statements: list[str] = []
    places: list[int] = []
    moves = _moves(group)
    if moves:
        statements += sql.grouped_movements(
            moves, tuple(waiting.row for waiting in group[: len(moves)]), epoch
        )
        places += [len(statements) - 1] * len(moves)
    for waiting in group[len(moves) :]:
        statements += sql.conditional(waiting.change, waiting.row, epoch)
        places.append(len(statements) - 1)
    return statements, places


async def _roll_back(session: Session) -> None:
    try:
        await session.rollback()
    except DatabaseFailure:
        # A lost connection ends its transaction too.
        session.close()
