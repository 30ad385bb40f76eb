"""The planned arrivals of a run: an open model. Pure.

A closed loop sends fewer requests to a slow server, and so hides that it is slow. Here every write gets its
time before the first one is sent. If a user starts a write late, its latency still counts from the planned
time.
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
    """How arrivals are spaced in time."""

    EVEN = "even"
    """Equal distances between arrivals."""
    POISSON = "poisson"
    """Random and independent arrivals, as of customers who do not know each other."""


class Arrival(NamedTuple):
    """One planned write."""

    number: int
    planned_s: float
    """Unix time at which it is due."""
    operation: str
    reads: int
    """Number of queries sent with it."""
    warm_up: bool = False
    """Whether it is due before the measured time."""
    entity: str = ""
    """Its legal entity; None: the plan leaves it to the user."""


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
    """The planned writes, with their times and operations."""

    rate_per_s: float
    """Mean rate over the measured time."""
    duration_s: float
    warm_up_s: float
    offsets_s: Sequence[float]
    """Seconds from the measured start, in order, one for each write; below 0 in the warm-up."""
    operations: Sequence[str]
    reads_per_write: float
    first: int = 0
    """Number of the first arrival; in a share (`loadtests.plan.share`), arrivals keep their numbers."""
    stride: int = 1
    """Difference between the numbers of consecutive arrivals."""
    entities: Sequence[str] = ()
    """The legal entity of each write; none: the user that makes it chooses."""
    storm: Storm | None = None

    def __len__(self) -> int:
        return len(self.offsets_s)

    @property
    def measured(self) -> int:
        """Number of writes planned after the warm-up."""
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
    """Return a plan with as many writes as the curve's area (rounded), and a warm-up before them.

    In the first half of the warm-up the rate grows evenly from 0 to the curve's first rate; in the second
    half it stays there. In that time an idle system fills its caches and pools and compiles its hot code, as
    in the morning. Writes of the warm-up are made and recorded like all others.

    + curve: the rate over the duration
    + weights: (operation, weight); the mix is drawn from these with `seed`

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
        # Given their count, the arrivals of a Poisson process are independent and uniform under the curve.
        places = sorted(random.random() * curve.writes for _ in range(count))
        offsets = array("d", map(curve.time_of, places))
    else:
        # Computed from the number and not by adding, so that the last arrival is as exact as the first.
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
    """Return offsets below 0; while the rate grows, their number grows with the square of the time."""
    half_s = warm_up_s / 2.0
    growing, steady = round(rate_per_s * half_s / 2.0), round(rate_per_s * half_s)
    offsets = array("d", (half_s * (sqrt((number + 0.5) / growing) - 2.0) for number in range(growing)))
    offsets.extend(half_s * ((number + 0.5) / steady - 1.0) for number in range(steady))
    return offsets


class Schedule:
    """Hands out the arrivals of a plan, each once, in order."""

    def __init__(self, plan: Plan, *, start_s: float) -> None:
        """Measure from unix time `start_s`; the warm-up is before it."""
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
        """Number of arrivals that were not taken yet."""
        return self._end - self.taken

    def stop(self, *, after: int) -> None:
        """Return no arrival after the first `after` ones."""
        self._end = min(self._end, max(after, self.taken))
