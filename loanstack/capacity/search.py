"""Which rate is probed next, and what the probes so far say. Pure: a function of what was asked and of them.

The rate doubles until one is not kept, then the bracket is halved (geometrically) until it is as narrow as
the resolution, then both of its ends are repeated. A rate is kept when more than half of its valid probes
are: the exceed ratio of 0.5 that RFC 9971 (MLRsearch) searches with, for systems whose probes do not all end
alike. An end that its repeats refute becomes the other end, and the search goes on from there.

A probe that proved nothing is repeated, and counts for neither side. A rate where every try proved nothing is
where measuring ends: the search goes on below it, and its result is a lower bound.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from proof.verdict import Verdict

GROWTH = 2.0
INVALID_MAX = 3
"""So many probes that prove nothing, and a rate is not probed any more."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for."""

    from_per_s: int
    to_per_s: int
    """Nothing above it is probed; a system that keeps it has at least this capacity."""
    resolution: float
    """How far the ends of the bracket may lie apart in the end, as a share of the lower one."""
    repeats: int
    """Valid probes at each end of the bracket."""
    promised_per_s: int | None = None
    """Probed itself where the bracket holds it, so that no resolution decides whether it is kept."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One probe that has ended. Rates are whole, so that the writes of whole seconds are."""

    rate_per_s: int
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What the probes at one rate came to."""

    rate_per_s: int
    kept: int
    broken: int
    invalid: int

    @property
    def valid(self) -> int:
        """Probes that proved something."""
        return self.kept + self.broken

    @property
    def is_kept(self) -> bool:
        """Whether the rate counts as one that meets the promises."""
        return 2 * self.kept > self.valid

    @property
    def is_spent(self) -> bool:
        """Whether probing it again is of no use."""
        return self.invalid >= INVALID_MAX


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """Between which rates the capacity lies, as far as it is known."""

    low: Tally | None
    """The highest rate that is kept, below the lowest that is not; None: there is none."""
    high: Tally | None
    """The lowest rate that is not kept, or could not be measured; None: all were kept."""

    @property
    def is_measured(self) -> bool:
        """Whether it has both ends, and each of them was seen."""
        return self.low is not None and self.high is not None and self.high.valid > 0


def tallies(probes: Sequence[Probe]) -> tuple[Tally, ...]:
    """Return what the probes came to, by rate, the lowest first."""
    by_rate: dict[int, list[Verdict]] = {}
    for probe in probes:
        by_rate.setdefault(probe.rate_per_s, []).append(probe.verdict)
    return tuple(
        Tally(
            rate_per_s=rate,
            kept=verdicts.count(Verdict.PASS),
            broken=verdicts.count(Verdict.FAIL),
            invalid=verdicts.count(Verdict.INVALID),
        )
        for rate, verdicts in sorted(by_rate.items())
    )


def bracket(probes: Sequence[Probe]) -> Bracket:
    """Return the bracket that the probes leave."""
    found = [tally for tally in tallies(probes) if tally.valid or tally.is_spent]
    high = next((tally for tally in found if not tally.is_kept), None)
    below = [
        tally for tally in found if tally.is_kept and (high is None or tally.rate_per_s < high.rate_per_s)
    ]
    return Bracket(low=below[-1] if below else None, high=high)


def next_rate(search: Search, probes: Sequence[Probe]) -> int | None:
    """Return the rate to probe next, or None when the search is over."""
    unsettled = next((t for t in tallies(probes) if not t.valid and not t.is_spent), None)
    if unsettled is not None:
        return unsettled.rate_per_s
    found = bracket(probes)
    if found.high is None:
        return _further(search, found.low)
    if found.low is not None:
        inside = _inside(search, found.low.rate_per_s, found.high.rate_per_s)
        if inside is not None:
            return inside
    return _unconfirmed(search, found)


def probes_max(search: Search) -> int:
    """Return how many valid probes a search takes at most in a system whose probes all end alike."""
    growth = math.ceil(math.log(search.to_per_s / search.from_per_s, GROWTH)) + 1
    halvings = math.ceil(math.log2(max(1.0, math.log(GROWTH) / math.log1p(search.resolution)))) + 1
    return growth + halvings + 1 + 2 * (search.repeats - 1)


def _further(search: Search, low: Tally | None) -> int | None:
    if low is None:
        return search.from_per_s
    if low.rate_per_s < search.to_per_s:
        return min(round(GROWTH * low.rate_per_s), search.to_per_s)
    return _unconfirmed(search, Bracket(low=low, high=None))


def _unconfirmed(search: Search, found: Bracket) -> int | None:
    for end in (found.low, found.high):
        if end is not None and end.valid < search.repeats and not end.is_spent:
            return end.rate_per_s
    return None


def _inside(search: Search, low: int, high: int) -> int | None:
    """Return the rate that halves a bracket; None if it is narrow enough."""
    if search.promised_per_s is not None and low < search.promised_per_s < high:
        return search.promised_per_s
    if high - low <= 1 or high <= low * (1.0 + search.resolution):
        return None
    # Geometrically, because the resolution is a share; never an end again, whatever rounding does.
    return min(max(round(math.sqrt(low * high)), low + 1), high - 1)
