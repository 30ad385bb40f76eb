"""How far another clock is from this machine's, by asking it the time: as NTP does. Pure.

A question leaves at t0, the worker answers with its time t, the answer is here at t1. Its clock was read
somewhere between, so it is ahead by t - (t0 + t1) / 2, give or take (t1 - t0) / 2: the quickest of several
answers says most.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from inventory.model import Environment, Role
from proof.record import HostClock, Moment

CERTAIN_OFFSET = "clock_offset_certain_ms"
"""The figure that is judged: how far the furthest clock of a host is away at least."""


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
    def at_least_ms(self) -> float:
        """How far apart the clocks certainly are."""
        return max(abs(self.ahead_ms) - self.give_or_take_ms, 0.0)

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
    """Return the one of two measurements that may be further away; None, if one of them failed, is worst."""
    if one is None or other is None:
        return None
    return max(one, other, key=lambda each: each.at_most_ms)


def figures(clocks: Iterable[HostClock]) -> dict[str, float]:
    """Return how far the clocks of hosts were from this machine's; nothing if none is known.

    Figures: `clock_offset_max_ms`, the furthest as it was measured, with `clock_offset_uncertainty_ms`; and
    `clock_offset_certain_ms`, the furthest whatever way the answers went.
    """
    known = [found for _, found in _known(clocks)]
    if not known:
        return {}
    furthest = max(known, key=lambda each: abs(each.ahead_ms))
    return {
        "clock_offset_max_ms": abs(furthest.ahead_ms),
        "clock_offset_uncertainty_ms": furthest.give_or_take_ms,
        CERTAIN_OFFSET: max(each.at_least_ms for each in known),
    }


def details(clocks: Iterable[HostClock]) -> dict[str, str]:
    """Return which clock is behind the figure that is judged: figure -> words."""
    clock, found = max(_known(clocks), key=lambda each: each[1].at_least_ms, default=(None, None))
    if clock is None or found is None:
        return {}
    told = f"{clock.host} {found.ahead_ms:+.1f} ms, give or take {found.give_or_take_ms:.1f}"
    return {CERTAIN_OFFSET: f"{told}, at the {clock.moment} of the run"}


def unread(clocks: Collection[HostClock], env: Environment, *, broken: Collection[str] = ()) -> Iterator[str]:
    """Yield why the clocks of some hosts are not known; nothing where nobody asked any of them.

    A host that makes load may be lost: the load itself says so.

    + broken: hosts that a fault hit in between, which may not answer at the end
    """
    known = {(clock.host, clock.moment) for clock, _ in _known(clocks)}
    names = [host.name for host in env.hosts if not host.has(Role.LOADGEN)]
    for moment in Moment if clocks else ():
        excused = broken if moment is Moment.END else ()
        silent = [name for name in names if (name, moment) not in known and name not in excused]
        if silent:
            yield f"the clocks of {', '.join(silent)} could not be read at the {moment} of the run"


def _known(clocks: Iterable[HostClock]) -> Iterator[tuple[HostClock, Offset]]:
    for clock in clocks:
        if clock.ahead_ms is not None and clock.give_or_take_ms is not None:
            yield clock, Offset(clock.ahead_ms, clock.give_or_take_ms)
