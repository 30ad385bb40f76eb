"""Queries on the primary: repeated within the request's deadline when a connection or a primary is lost."""

import time
from collections.abc import Callable

from app_stub import problems, sql
from app_stub.database import Rows
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.pool import NoConnectionError, Pool

_REPEATED = frozenset({FailureKind.NOT_SENT, FailureKind.RETRY})


class Reader:
    """Runs queries through the pool; a query changes nothing, so it may always be repeated."""

    def __init__(
        self, pool: Pool, recheck_now: Callable[[], None], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool = pool
        self._recheck_now = recheck_now
        self._clock_s = clock_s

    async def read(self, queries: tuple[str, ...], give_up_s: float) -> list[Rows]:
        """Run queries in one round trip; return the rows of each.

        Raises:
            problems.ProblemError: 503, no primary or no connection in time.
        """
        return (await self._read(queries, give_up_s))[0]

    async def read_of_epoch(self, queries: tuple[str, ...], give_up_s: float) -> tuple[list[Rows], int]:
        """As `read`, from a primary of the epoch that is believed in; return the pool's term too.

        What an old primary holds under a key may be gone with it: only the present one's word counts.
        """
        while True:
            (epochs, *rows), epoch, term = await self._read((sql.SELECT_EPOCH, *queries), give_up_s)
            if is_of_epoch(epochs, epoch):
                return rows, term
            self._pool.back_off()
            self._recheck_now()

    async def _read(self, queries: tuple[str, ...], give_up_s: float) -> tuple[list[Rows], int, int]:
        while True:
            try:
                session = await self._pool.acquire(give_up_s - self._clock_s())
            except NoConnectionError as none:
                raise problems.ProblemError(problems.unavailable(str(none))) from none
            epoch, term = self._pool.epoch, self._pool.term
            session.deadline_s = min(session.deadline_s, give_up_s)
            try:
                return await session.read(queries), epoch, term
            except DatabaseFailure as failure:
                self._recheck_now()
                if failure.kind not in _REPEATED or self._clock_s() >= give_up_s:
                    why = problems.unavailable(f"query refused: {failure}")
                    raise problems.ProblemError(why) from failure
            finally:
                self._pool.release(session)


def is_of_epoch(rows: Rows, epoch: int) -> bool:
    """Say whether the rows of `sql.SELECT_EPOCH` are those of a primary of `epoch`."""
    return [tuple(row) for row in rows] == [(epoch,)]
