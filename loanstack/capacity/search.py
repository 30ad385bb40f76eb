"""Which rate is probed next, and what the probes so far show. Pure: a function of parameters and probes.

The rate doubles until a rate is not kept. Then the bracket is halved (geometrically) until it is as narrow as
the resolution, and both of its ends are repeated. A rate is kept if more than half of its valid probes
pass: this is the exceed ratio of 0.5 that RFC 9971 (MLRsearch) uses, because repeated probes at one rate may
end differently. If the repeats refute an end, it becomes the other end, and the search continues from there.

An INVALID probe is repeated and counts neither as kept nor as not kept. If every try at a rate is INVALID,
the search measures nothing above it: it continues below, and its result is a lower bound.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from proof.verdict import Verdict

GROWTH = 2.0
INVALID_MAX = 3
"""After this many INVALID probes a rate is not probed again."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Parameters of a search."""

    from_per_s: int
    to_per_s: int
    """Highest rate probed; a system that keeps it has at least this capacity."""
    resolution: float
    """Largest final distance of the bracket's ends, as a share of the lower end."""
    repeats: int
    """Valid probes at each end of the bracket."""
    promised_per_s: int | None = None
    """Promised rate; probed if it lies in the bracket, so that the resolution does not decide its verdict."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One probe that has ended. Rates are whole, so that a whole second has a whole number of writes."""

    rate_per_s: int
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of the probes at one rate, by verdict."""

    rate_per_s: int
    kept: int
    broken: int
    invalid: int

    @property
    def valid(self) -> int:
        """Probes that are not INVALID."""
        return self.kept + self.broken

    @property
    def is_kept(self) -> bool:
        """Whether the rate counts as kept."""
        return 2 * self.kept > self.valid

    @property
    def is_spent(self) -> bool:
        """Whether the rate is not probed again, because every try was INVALID."""
        return self.invalid >= INVALID_MAX


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """The rates between which the capacity lies, as far as known."""

    low: Tally | None
    """The highest rate kept that lies below `high`; None: no such rate."""
    high: Tally | None
    """The lowest rate that is not kept or could not be measured; None: all rates were kept."""

    @property
    def is_measured(self) -> bool:
        """Whether it has both ends, and each has a valid probe."""
        return self.low is not None and self.high is not None and self.high.valid > 0


def tallies(probes: Sequence[Probe]) -> tuple[Tally, ...]:
    """Return the counts at each rate, the lowest rate first."""
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
    """Return the bracket that follows from the probes."""
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
    """Return the most valid probes that a search needs if all probes at one rate end alike."""
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
    # The geometric mean, because the resolution is a share; clamped so that rounding never returns an end.
    return min(max(round(math.sqrt(low * high)), low + 1), high - 1)
