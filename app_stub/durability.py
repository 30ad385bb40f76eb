"""When a write may be acknowledged: once the standby's log holds it. Pure: time and positions are told to it.

Nobody tells the position of one's own commit in the log. But the primary's position, asked for after the
commit was answered, is at or behind it; a standby that has reached that position has the write.

A standby's position proves nothing by itself: while it is being promoted it jumps ahead into a history of its
own, and for 50 ms still says that it is a standby (measured: with a primary killed 40 ms ahead of it). So a
look asks the standby first and the primary afterwards: a position that the living primary has not reached is
of another history and confirms nothing. A new primary is made only where the old one is fenced or has handed
over all it had; so one that still answers vouches for what its standby has.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

TicketT = TypeVar("TicketT")


class Verdict(StrEnum):
    """What became of the wait of one write."""

    CONFIRMED = "confirmed"
    """The standby has it."""
    ALONE = "alone"
    """The primary alone has it, and its agent said that this is enough: nobody else is promoted."""
    LATE = "late"
    """Not in time; it may still get there."""
    MOVED = "moved"
    """The primary has changed: whether the new one has it, only a look into its journal tells."""


Decided = list[tuple[TicketT, Verdict]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The standby has answered, and the primary is being asked."""

    number: int
    term: int
    standby: int | None
    """The standby's position; None if it did not answer."""


@dataclass(kw_only=True, slots=True)
class _Batch(Generic[TicketT]):
    """The writes that were committed before the same look."""

    number: int
    tickets: list[tuple[TicketT, float]] = field(default_factory=list)
    """With the end of their patience."""
    target: int | None = None


class Durability(Generic[TicketT]):
    """The writes that wait for the standby, and until when none need wait."""

    def __init__(self, *, timeout_s: float) -> None:
        """Begin with nobody waiting; a write waits for `timeout_s` at most."""
        self._timeout_s = timeout_s
        self._batches: deque[_Batch[TicketT]] = deque()
        self._looks = 0
        self._term = 0
        self._alone_until_s = float("-inf")

    @property
    def is_settled(self) -> bool:
        """Whether nobody waits."""
        return not self._batches

    def is_alone(self, now_s: float) -> bool:
        """Say whether writes are acknowledged on the primary alone."""
        return now_s < self._alone_until_s

    def wait(self, ticket: TicketT, *, term: int, now_s: float, until_s: float) -> Verdict | None:
        """Wait for the confirmation of a write whose commit was answered just now, or earlier.

        Args:
            ticket: who is told.
            term: in which the write was committed.
            now_s: the time.
            until_s: the end of its patience, if that is before the time-out.

        Returns:
            The verdict, if it is known at once.
        """
        if term != self._term:
            return Verdict.MOVED
        if self.is_alone(now_s):
            return Verdict.ALONE
        if not self._batches or self._batches[-1].number != self._looks + 1:
            self._batches.append(_Batch(number=self._looks + 1))
        self._batches[-1].tickets.append((ticket, min(until_s, now_s + self._timeout_s)))
        return None

    def move(self, term: int) -> Decided[TicketT]:
        """Begin a term: the primary or its epoch has changed; return those that waited in the last one.

        Whether the new primary is alone is yet to be said.
        """
        if term == self._term:
            return []
        self._term, self._alone_until_s = term, float("-inf")
        return self._decide(Verdict.MOVED)

    def allow(self, until_s: float, now_s: float) -> Decided[TicketT]:
        """Let the primary of this term be enough until then, or no more; return those that need not wait."""
        self._alone_until_s = until_s
        return self._decide(Verdict.ALONE) if self.is_alone(now_s) else []

    def look(self, standby: int | None) -> Look:
        """Return the look that begins now: the question to the primary must be sent after this."""
        self._looks += 1
        return Look(number=self._looks, term=self._term, standby=standby)

    def seen(self, look: Look, primary: int) -> Decided[TicketT]:
        """Take the primary's position, the answer to `look`; return the writes that it confirms."""
        if look.term != self._term:
            return []
        for batch in self._batches:
            if batch.target is None and batch.number <= look.number:
                batch.target = primary
        reached = look.standby
        if reached is None or reached > primary:
            return []
        confirmed = [b for b in self._batches if b.target is not None and b.target <= reached]
        self._batches = deque(b for b in self._batches if b.target is None or b.target > reached)
        return [(ticket, Verdict.CONFIRMED) for b in confirmed for ticket, _ in b.tickets]

    def tick(self, now_s: float) -> Decided[TicketT]:
        """Return those whose patience is over."""
        late: Decided[TicketT] = []
        for batch in self._batches:
            late += [(ticket, Verdict.LATE) for ticket, until_s in batch.tickets if until_s <= now_s]
            batch.tickets = [(ticket, until_s) for ticket, until_s in batch.tickets if until_s > now_s]
        self._batches = deque(batch for batch in self._batches if batch.tickets)
        return late

    def _decide(self, verdict: Verdict) -> Decided[TicketT]:
        decided = [(ticket, verdict) for batch in self._batches for ticket, _ in batch.tickets]
        self._batches.clear()
        return decided
