"""How far a worker's clock is from this machine's, by asking it the time: as NTP does. Pure.

A question leaves at t0, the worker answers with its time t, the answer is here at t1. Its clock was read
somewhere between, so it is ahead by t - (t0 + t1) / 2, give or take (t1 - t0) / 2: the quickest of several
answers says most.
"""

from collections.abc import Iterable
from typing import NamedTuple


class ClockReading(NamedTuple):
    """One question and its answer; unix seconds."""

    sent_s: float
    """When the question left, by our clock."""
    theirs_s: float
    """The time that was answered."""
    received_s: float
    """When the answer was here, by our clock."""


class Offset(NamedTuple):
    """What a clock is ahead of ours (negative: behind), and how well that is known."""

    ahead_ms: float
    give_or_take_ms: float

    @property
    def at_most_ms(self) -> float:
        """How far apart the clocks may be, whatever way the answers went."""
        return abs(self.ahead_ms) + self.give_or_take_ms


def offset(answers: Iterable[ClockReading]) -> Offset:
    """Return the offset that the quickest of `answers` (at least one) tells."""
    quickest = min(answers, key=lambda asked: asked.received_s - asked.sent_s)
    middle_s = (quickest.sent_s + quickest.received_s) / 2.0
    return Offset(
        ahead_ms=(quickest.theirs_s - middle_s) * 1000.0,
        give_or_take_ms=(quickest.received_s - quickest.sent_s) * 500.0,
    )


def worse(one: Offset | None, other: Offset | None) -> Offset | None:
    """Return the one of two measurements that may be further away; None if there is none."""
    known = [each for each in (one, other) if each is not None]
    return max(known, key=lambda each: each.at_most_ms, default=None)
