"""Runs one idempotent write to an outcome: done, replayed, refused for a reason, or honestly unknown.

A repeat of an idempotent write is safe, because the journal's unique key lets only one through. So whatever
happened to an attempt, its outcome is learnt by sending the same packet again to whoever is the primary now,
until the deadline. Once one attempt is uncertain, no later finding makes the outcome a definite no: the
uncertain one may still be on its way.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from app_stub import idempotency, problems, sql
from app_stub.acknowledgement import Acknowledgement
from app_stub.database import Rows, Session
from app_stub.durability import Verdict
from app_stub.group_commit import GroupCommit
from app_stub.group_queue import GroupOutcome
from app_stub.metrics import Metrics
from app_stub.outcome import NO_PRIMARY_THERE, DatabaseFailure, FailureKind
from app_stub.pool import NoConnectionError, Pool
from app_stub.reads import is_of_epoch

_LOG = logging.getLogger("loan.write")
_REFUSALS_IN_A_ROW = 4
"""Definite failures of one request before it gives up. Uncertain ones, and those at a database that is not
the primary, are repeated until the deadline."""
_PAUSE_S = 0.05


class IdempotentWrite(msgspec.Struct, frozen=True, kw_only=True):
    """A write that is ready to be sent."""

    row: sql.JournalRow
    move: sql.Move | None = None
    """Set for movements of money, which share their statements with others."""
    shares_commit: bool = False
    """Set for other writes that may be committed together with movements."""
    change: Callable[[], tuple[str, ...]]
    """Makes the statements before the journal's, each of which must change one row; most writes that go in a
    group never need them."""
    explain: Callable[[], tuple[str, ...]] = tuple
    """Makes the queries whose rows tell why the change did not apply."""
    refuse: Callable[[list[Rows]], problems.Problem | None] = lambda _rows: None
    """Names the reason from the rows of `explain` (or raises it); None where a repeat may succeed."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a write that stands."""

    answer: bytes
    is_replay: bool
    term: int
    """The pool's, in which it stood in the primary's journal."""


def _nothing_executed(none: NoConnectionError) -> problems.ProblemError:
    return problems.ProblemError(problems.unavailable(f"{none}; nothing was executed"))


class Writer:
    """Sends idempotent writes through the pool."""

    def __init__(
        self,
        pool: Pool,
        metrics: Metrics,
        recheck_now: Callable[[], None],
        group: GroupCommit | None = None,
        acknowledgement: Acknowledgement | None = None,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._metrics = metrics
        self._recheck_now = recheck_now
        self._group = group
        self._acknowledgement = acknowledgement
        self._pause = pause
        self._clock_s = clock_s

    async def perform(self, write: IdempotentWrite, give_up_s: float) -> Written:
        """Run `write` to its outcome.

        Args:
            write: what to do.
            give_up_s: the request's deadline, by this object's clock.

        Raises:
            problems.ProblemError: 409 (key reused), the reason `refuse` names, 503 (nothing was executed) or
                504 (it may have been).
        """
        uncertain = False
        written: Written | None = None
        refused_by: Rows | None = None
        if self._group is not None and (write.move is not None or write.shares_commit):
            try:
                sent = await self._group.attempt(write.row, write.move, write.change, give_up_s)
            except NoConnectionError as none:
                raise _nothing_executed(none) from none
            if sent.outcome is GroupOutcome.DONE:
                written = Written(answer=write.row.answer, is_replay=False, term=sent.term)
            uncertain, refused_by = sent.outcome is GroupOutcome.UNCERTAIN, sent.refused_by
        while True:
            if written is None:
                written = await self._alone(write, give_up_s, uncertain=uncertain, refused_by=refused_by)
            if await self.is_safe(written, write.row.idempotency_key, give_up_s):
                return written
            # The primary has changed since: only the new one can say whether it has the write.
            uncertain, written, refused_by = True, None, None

    async def is_safe(self, written: Written, key: str, give_up_s: float) -> bool:
        """Wait until a write may be acknowledged; False if the primary has changed before.

        Raises:
            problems.ProblemError: 504, the standby does not have it in time.
        """
        if self._acknowledgement is None:
            return True
        verdict = await self._acknowledgement.of(written.term, give_up_s)
        if verdict is Verdict.LATE:
            raise self._unknown(key)
        return verdict is not Verdict.MOVED

    async def _alone(
        self, write: IdempotentWrite, give_up_s: float, *, uncertain: bool, refused_by: Rows | None
    ) -> Written:
        """Send a write, until its outcome is known.

        Args:
            write: what to do.
            give_up_s: the request's deadline.
            uncertain: it may have been done already.
            refused_by: what a movement found in its group, where it was refused: it need not be sent again,
                unless its key is known.
        """
        change = write.change()
        attempts = refusals = 0
        while True:
            try:
                session = await self._pool.acquire(give_up_s - self._clock_s())
            except NoConnectionError as none:
                if not uncertain:
                    raise _nothing_executed(none) from none
                if self._clock_s() >= give_up_s:
                    raise self._unknown(write.row.idempotency_key) from none
                await self._pause(_PAUSE_S)
                continue
            epoch, term = self._pool.epoch, self._pool.term
            session.deadline_s = min(session.deadline_s, give_up_s)
            attempts += 1
            refusals += 1
            try:
                seen, refused_by = refused_by, None
                if seen is None:
                    packet = sql.packet(sql.conditional(change, write.row, epoch))
                    counts = await session.run(packet, len(change) + 2)
                    if counts[-2] == 1:
                        if uncertain:
                            self._metrics.resolved.inc()
                        return Written(answer=write.row.answer, is_replay=False, term=term)
                found = await self._stored_or_reason(session, write, epoch, seen)
            except DatabaseFailure as failure:
                found = await self._after(failure, session, write, epoch)
                uncertain = uncertain or failure.kind is FailureKind.UNCERTAIN
                if failure.kind is FailureKind.NOT_SENT:
                    # Each such attempt removes one dead connection from the pool: progress, not a failure.
                    attempts -= 1
                    refusals -= 1
                elif failure.kind in NO_PRIMARY_THERE:
                    refusals -= 1
            finally:
                self._pool.release(session)
            if isinstance(found, idempotency.Stored):
                return self.replayed(found, write.row.request_hash, term, uncertain=uncertain)
            is_late = self._clock_s() >= give_up_s
            if uncertain:
                if is_late:
                    raise self._unknown(write.row.idempotency_key)
            elif found is not None:
                raise problems.ProblemError(found)
            elif is_late or refusals >= _REFUSALS_IN_A_ROW:
                raise problems.ProblemError(
                    problems.unavailable(f"the database refused {attempts} attempts; nothing was executed")
                )
            if attempts > 1:
                await self._pause(_PAUSE_S)

    def _unknown(self, key: str) -> problems.ProblemError:
        self._metrics.indeterminate.inc()
        _LOG.warning("outcome unknown", extra={"key": key})
        return problems.ProblemError(problems.indeterminate())

    def replayed(
        self, stored: idempotency.Stored, request_hash: str, term: int, *, uncertain: bool = False
    ) -> Written:
        """Return the first answer.

        Args:
            stored: what the journal holds under the key.
            request_hash: of this request.
            term: the pool's, in which it was found.
            uncertain: an attempt of this very request may have stored it, so it is no replay.

        Raises:
            problems.ProblemError: 409, the key was used for another request.
        """
        try:
            answer = idempotency.replay(stored, request_hash)
        except idempotency.KeyReusedError:
            raise problems.ProblemError(problems.key_reused()) from None
        if uncertain:
            self._metrics.resolved.inc()
        else:
            self._metrics.replays.inc()
        return Written(answer=answer, is_replay=not uncertain, term=term)

    async def _stored_or_reason(
        self, session: Session, write: IdempotentWrite, epoch: int, seen: Rows | None = None
    ) -> idempotency.Stored | problems.Problem | None:
        """Return what the key stands for, or why the change does not apply.

        Args:
            session: on a primary of `epoch`, or this raises.
            write: what did not apply.
            epoch: that the primary is believed to have.
            seen: what tells why, if that is known; else it is asked for.
        """
        row = write.row
        lookup = sql.select_stored(entity_code=row.entity_code, idempotency_key=row.idempotency_key)
        explain = write.explain() if seen is None else ()
        epochs, rows, *reasons = await session.read((sql.SELECT_EPOCH, lookup, *explain))
        if not is_of_epoch(epochs, epoch):
            # Whatever else it says was not written or refused by the primary.
            raise DatabaseFailure(FailureKind.OTHER_EPOCH, code=0, detail=f"epoch {epochs}, wanted {epoch}")
        stored = idempotency.stored_in(rows)
        if stored is not None:
            return stored
        try:
            return write.refuse(reasons if seen is None else [seen])
        except problems.ProblemError as raised:
            # Caught here, because after an uncertain attempt no reason may reach the client as a definite no.
            return raised.problem

    async def _after(
        self, failure: DatabaseFailure, session: Session, write: IdempotentWrite, epoch: int
    ) -> idempotency.Stored | problems.Problem | None:
        """Say what follows from `failure`: a stored answer, a definite problem, or None: try again."""
        self._metrics.retries.labels(failure.kind.value).inc()
        if failure.kind is FailureKind.DUPLICATE:
            try:
                await session.rollback()
                return await self._stored_or_reason(session, write, epoch)
            except DatabaseFailure:
                session.close()
                return None
        # The transaction may still be open on the server: only closing ends it for certain.
        session.close()
        if failure.kind is FailureKind.REFUSED:
            _LOG.error(
                "write refused",
                extra={"code": failure.code, "error": str(failure), "kind": write.row.kind.value},
            )
            return problems.unavailable("the database refused the statement; nothing was executed")
        if failure.kind in NO_PRIMARY_THERE:
            self._pool.back_off()
        if failure.kind is not FailureKind.RETRY:
            self._recheck_now()
        return None
