"""Offset of a worker's clock from this machine's, measured as NTP does. Pure.

A query leaves at t0, the worker answers with its time t, and the answer arrives at t1. The worker read its
clock at some time in between, so it is ahead by t - (t0 + t1) / 2, plus or minus (t1 - t0) / 2. The fastest
of several answers is the most exact.
"""

from collections.abc import Iterable
from typing import NamedTuple


class ClockReading(NamedTuple):
    """One query and its answer; unix seconds."""

    sent_s: float
    """When the query left, by our clock."""
    theirs_s: float
    """The time in the answer."""
    received_s: float
    """When the answer arrived, by our clock."""


class Offset(NamedTuple):
    """How far a clock is ahead of ours (negative: behind), and the uncertainty."""

    ahead_ms: float
    give_or_take_ms: float

    @property
    def at_most_ms(self) -> float:
        """Largest possible distance of the clocks, with the uncertainty."""
        return abs(self.ahead_ms) + self.give_or_take_ms


def offset(answers: Iterable[ClockReading]) -> Offset:
    """Return the offset by the fastest of `answers` (at least one)."""
    quickest = min(answers, key=lambda asked: asked.received_s - asked.sent_s)
    middle_s = (quickest.sent_s + quickest.received_s) / 2.0
    return Offset(
        ahead_ms=(quickest.theirs_s - middle_s) * 1000.0,
        give_or_take_ms=(quickest.received_s - quickest.sent_s) * 500.0,
    )


def worse(one: Offset | None, other: Offset | None) -> Offset | None:
    """Return the measurement with the larger possible distance; None if there is none."""
    known = [each for each in (one, other) if each is not None]
    return max(known, key=lambda each: each.at_most_ms, default=None)
