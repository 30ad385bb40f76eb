"""The planned arrivals of a run: an open model. Pure.

A closed loop asks less of a slow server and so hides its slowness. Here every write has its time before
the first one is sent; a user that comes late sends late, and the latency counts from the planned time.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from random import Random
from typing import NamedTuple

from loadtests.plan.shape import Curve
from loadtests.plan.storm import Storm

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smh])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Spacing(StrEnum):
    """How arrivals lie in time."""

    EVEN = "even"
    """The same distance between all."""
    POISSON = "poisson"
    """Each anywhere in the run, independent of the others, as strangers arrive."""


class Arrival(NamedTuple):
    """One planned write."""

    number: int
    planned_s: float
    """Unix time at which it is due."""
    operation: str
    reads: int
    """So many queries ride along with it."""
    warm_up: bool = False
    """It lies before what is measured."""
    entity: str = ""
    """The legal entity it belongs to, where that is planned."""


def duration_s(text: str) -> float:
    """Return the seconds in a duration such as `90s`, `2m` or `1h`.

    Raises:
        ValueError: no unit, not a number, or zero.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match["number"]) * _SECONDS[match["unit"]] if match else 0.0
    if seconds <= 0:
        raise ValueError(
            f"duration {text!r}; allowed: a number above 0 with its unit s, m or h, such as 120s"
        )
    return seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which write is due when, and what it is."""

    rate_per_s: float
    """The mean over what is measured."""
    duration_s: float
    warm_up_s: float
    offsets_s: Sequence[float]
    """Seconds from the start of what is measured, in order; one for each write, below 0 in the warm-up."""
    operations: Sequence[str]
    reads_per_write: float
    first: int = 0
    """Number of the first arrival: in a part of a plan (`loadtests.plan.share`) each keeps its own."""
    stride: int = 1
    """Distance between the numbers of two arrivals."""
    entities: Sequence[str] = ()
    """The legal entity of each write; none: left to the user that makes it."""
    storm: Storm | None = None

    def __len__(self) -> int:
        return len(self.offsets_s)

    @property
    def measured(self) -> int:
        """How many of the writes are planned behind the warm-up."""
        return len(self.offsets_s) - bisect_left(self.offsets_s, 0.0)

    def arrival(self, index: int, start_s: float) -> Arrival:
        """Return the arrival at `index` (from 0) of a run that is measured from unix time `start_s`."""
        share, offset_s = self.reads_per_write, self.offsets_s[index]
        number = self.first + index * self.stride
        return Arrival(
            number,
            start_s + offset_s,
            self.operations[index],
            int((number + 1) * share) - int(number * share),
            offset_s < 0.0,
            self.entities[index] if self.entities else "",
        )


def planned(
    *,
    curve: Curve,
    duration_s: float,
    weights: Sequence[tuple[str, int]],
    reads_per_write: float,
    spacing: Spacing,
    seed: int,
    warm_up_s: float = 0.0,
) -> Plan:
    """Return a plan with exactly as many writes as the curve's area (rounded), and a warm-up before them.

    In the warm-up the rate grows evenly from nothing to the curve's first one and then stays there, each for
    half of it: a system that was idle fills its caches and pools and compiles what it runs most, as in the
    morning. Its writes are made and recorded as all others.

    + curve: the rate over the duration
    + weights: (operation, weight); the mix is drawn from them with `seed`

    Raises:
        ValueError: no write would be planned, or no operation has a weight.
    """
    count = round(curve.writes)
    if count < 1:
        raise ValueError(f"{curve.mean_per_s:g}/s for {duration_s:g} s plans no write; allowed: at least one")
    names = [name for name, _ in weights]
    if sum(weight for _, weight in weights) <= 0:
        raise ValueError(f"weights {list(weights)}; allowed: at least one above 0")
    random = Random(seed)  # noqa: S311  # a load mix needs repeatability, not secrecy
    if spacing is Spacing.POISSON:
        # Those of a Poisson process, given their count, lie independently and uniformly below its rate.
        places = sorted(random.random() * curve.writes for _ in range(count))
        offsets = array("d", map(curve.time_of, places))
    else:
        # From the number and not added up: the last arrival of a long run is as exact as the first.
        offsets = array("d", map(curve.time_of, range(count)))
    offsets = _warm_up(curve.first_per_s, warm_up_s) + offsets
    return Plan(
        rate_per_s=curve.mean_per_s,
        duration_s=duration_s,
        warm_up_s=warm_up_s,
        offsets_s=offsets,
        operations=random.choices(names, [weight for _, weight in weights], k=len(offsets)),
        reads_per_write=reads_per_write,
    )


def _warm_up(rate_per_s: float, warm_up_s: float) -> "array[float]":
    """Return offsets below 0: as long as the rate grows, their number grows with the square of the time."""
    half_s = warm_up_s / 2.0
    growing, steady = round(rate_per_s * half_s / 2.0), round(rate_per_s * half_s)
    offsets = array("d", (half_s * (sqrt((number + 0.5) / growing) - 2.0) for number in range(growing)))
    offsets.extend(half_s * ((number + 0.5) / steady - 1.0) for number in range(steady))
    return offsets


class Schedule:
    """Hands out the arrivals of a plan, each once, in order."""

    def __init__(self, plan: Plan, *, start_s: float) -> None:
        """Measure from unix time `start_s`; the warm-up lies before it."""
        self.plan = plan
        self.start_s = start_s
        self.taken = 0
        self._end = len(plan)

    def take(self) -> Arrival | None:
        """Return the next arrival, or None when all were taken or the schedule was stopped."""
        number = self.taken
        if number >= self._end:
            return None
        self.taken = number + 1
        return self.plan.arrival(number, self.start_s)

    @property
    def left(self) -> int:
        """How many are yet to be handed out."""
        return self._end - self.taken

    def stop(self, *, after: int) -> None:
        """Hand out nothing after so many arrivals in all."""
        self._end = min(self._end, max(after, self.taken))
