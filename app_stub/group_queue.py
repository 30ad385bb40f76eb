"""The writes that wait to be committed together, and which of them go next."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Set
from enum import StrEnum
from itertools import islice

import msgspec

from app_stub import sql
from app_stub.database import Rows
from app_stub.pool import NoConnectionError

MAX_MOVES = 32
"""Writes in one group, at most."""
_TOO_LATE_S = 0.1
"""A write with less time left than this is not sent any more: its outcome would come after its deadline."""


class GroupOutcome(StrEnum):
    """What became of a write in its group."""

    DONE = "done"
    ALONE = "alone"
    """The group was rolled back: nothing was executed."""
    REFUSED = "refused"
    """It found no room: nothing of it was executed."""
    UNCERTAIN = "uncertain"
    AGAIN = "again"
    """As ALONE, because no primary was reached: it goes back into the queue, and nobody outside sees this."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a write, and in which of the pool's terms."""

    outcome: GroupOutcome
    term: int
    refused_by: Rows | None = None
    """What a refused movement found: its limit, locked, behind the movements before it."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One write that waits."""

    row: sql.JournalRow
    move: sql.Move | None
    change: tuple[str, ...]
    """Empty for a movement, whose statement is made for its whole group."""
    outcome: asyncio.Future[Sent]
    queued_s: float
    give_up_s: float

    def refuse(self, why: str) -> None:
        """Tell the write that nothing was executed, and nothing will be."""
        if not self.outcome.done():
            self.outcome.set_exception(NoConnectionError(why))


class GroupQueue:
    """A bounded queue of writes, each with its own deadline."""

    def __init__(self, *, limit: int, clock_s: Callable[[], float]) -> None:
        self._limit = limit
        self._clock_s = clock_s
        self._queue: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, waiting: Waiting) -> None:
        """Queue a write.

        Raises:
            NoConnectionError: too many wait already.
        """
        if len(self._queue) >= self._limit:
            raise NoConnectionError(f"{len(self._queue)} writes wait for a primary already")
        self._queue.append(waiting)

    def put_back(self, group: Iterable[Waiting]) -> None:
        """Queue the writes of a group that reached no primary again, before all others."""
        self._queue.extendleft(group)

    def least_left_s(self) -> float:
        """Return how long it is until the first deadline of those that wait."""
        return min(waiting.give_up_s for waiting in self._queue) - self._clock_s()

    def is_full(self, busy: Set[int]) -> bool:
        """Say whether a whole group waits that is on none of the limits that are `busy`."""
        if len(self._queue) < MAX_MOVES:
            return False
        free = (waiting for waiting in self._queue if not _is_on(busy, waiting))
        return sum(1 for _ in islice(free, MAX_MOVES)) == MAX_MOVES

    def take(self, busy: Set[int] = frozenset()) -> tuple[Waiting, ...]:
        """Take the next group off the queue, movements first; of one key only the first write.

        Args:
            busy: limits that the groups on their way have locked, or wait for: movements on these would wait
                there too, each group for the one before it. They stay, and go together afterwards.
        """
        too_late_s = self._clock_s() + _TOO_LATE_S
        taken: list[Waiting] = []
        keys: set[str] = set()
        later: list[Waiting] = []
        while self._queue and len(taken) < MAX_MOVES:
            waiting = self._queue.popleft()
            key = waiting.row.idempotency_key
            if waiting.give_up_s < too_late_s:
                waiting.refuse("its turn came too late")
            elif key in keys or _is_on(busy, waiting):
                later.append(waiting)
            else:
                taken.append(waiting)
                keys.add(key)
        self._queue.extendleft(reversed(later))
        # Always in this order, so that two groups never lock each other's rows crosswise. Those on one limit
        # stay in the order in which they came.
        return tuple(sorted(taken, key=_lock_order))

    def give_up(self, *, since_s: float, why: str) -> None:
        """Refuse those whose time is over; if it is nobody's, all who waited through the pool's patience.

        Args:
            since_s: when that waiting began.
            why: what they are told.
        """
        now_s = self._clock_s()
        late = {waiting for waiting in self._queue if waiting.give_up_s <= now_s}
        late = late or {waiting for waiting in self._queue if waiting.queued_s <= since_s}
        for waiting in late:
            waiting.refuse(why)
        self._queue = deque(waiting for waiting in self._queue if waiting not in late)


def _is_on(busy: Set[int], waiting: Waiting) -> bool:
    return waiting.move is not None and waiting.move.limit_id in busy


def _lock_order(waiting: Waiting) -> tuple[bool, int]:
    if waiting.move is not None:
        return False, waiting.move.limit_id
    return True, waiting.row.customer_id or 0
