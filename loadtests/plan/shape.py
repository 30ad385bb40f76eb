"""The planned rate over time, as the text of an option, and as a curve whose area is the writes. Pure.

    constant          the rate, from start to end
    ramp:A..B         evenly from A to B writes a second
    steps:A,B,C       A, then B, then C, each for an equal share of the duration
    replay:FILE       the course of a recorded day: a CSV of `second,writes`, stretched to the duration

`ramp` and `steps` contain their own rates; `constant` and `replay` are scaled so that their mean is the given
rate.
"""

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

CONSTANT = "constant"
_RAMP = re.compile(r"ramp:(?P<low>[^.]+(?:\.\d+)?)\.\.(?P<high>.+)")
KINDS = "constant, ramp:A..B, steps:A,B,..., replay:FILE"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a run in which the rate changes linearly from one value to another."""

    length_s: float
    from_per_s: float
    to_per_s: float

    @property
    def writes(self) -> float:
        """The area under it: the number of writes."""
        return self.length_s * (self.from_per_s + self.to_per_s) / 2.0

    def time_of(self, writes: float) -> float:
        """Return the seconds from its start at which `writes` writes are due."""
        slope = (self.to_per_s - self.from_per_s) / self.length_s
        # The form of the root of from*t + slope/2*t^2 = writes that stays exact if the slope is near 0.
        root = math.sqrt(max(self.from_per_s**2 + 2.0 * slope * writes, 0.0))
        below = self.from_per_s + root
        return min(2.0 * writes / below, self.length_s) if below > 0.0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The rate of a whole run."""

    stretches: tuple[Stretch, ...]
    _starts_s: Sequence[float] = field(init=False, repr=False)
    _areas: Sequence[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lengths = (stretch.length_s for stretch in self.stretches)
        object.__setattr__(self, "_starts_s", [0.0, *accumulate(lengths)])
        object.__setattr__(self, "_areas", [0.0, *accumulate(s.writes for s in self.stretches)])

    @property
    def writes(self) -> float:
        """Number of all writes."""
        return self._areas[-1]

    @property
    def mean_per_s(self) -> float:
        """Mean rate."""
        return self.writes / self._starts_s[-1]

    @property
    def highest_per_s(self) -> float:
        """Highest rate."""
        return max(rate for stretch in self.stretches for rate in (stretch.from_per_s, stretch.to_per_s))

    @property
    def first_per_s(self) -> float:
        """Rate at the start."""
        return self.stretches[0].from_per_s

    def time_of(self, writes: float) -> float:
        """Return the seconds from the start at which `writes` writes are due, up to all of them."""
        number = min(max(bisect_right(self._areas, writes) - 1, 0), len(self.stretches) - 1)
        return self._starts_s[number] + self.stretches[number].time_of(writes - self._areas[number])


def brings_no_rate(shape: str) -> bool:
    """Say whether this shape needs a given rate."""
    return shape.partition(":")[0] not in ("ramp", "steps")


def curve_of(shape: str, *, rate_per_s: float | None, duration_s: float) -> Curve:
    """Return the curve of the text `shape`.

    + rate_per_s: mean rate of a shape without its own rates; None: none was given
    + duration_s: length of the run

    Raises:
        ValueError: the shape or its recorded day cannot be read, plans no write, or does not fit the rate.
    """
    kind, _, what = shape.partition(":")
    if not brings_no_rate(shape):
        if rate_per_s is not None:
            raise ValueError(f"shape {shape!r} contains its own rates; leave --rate out")
        rates = _ramp(shape) if kind == "ramp" else [(each, each) for each in _rates(shape, what.split(","))]
    elif kind == "replay" and what:
        rates = _recorded(Path(what))
    elif shape == CONSTANT:
        rates = [(1.0, 1.0)]
    else:
        raise ValueError(f"shape {shape!r}; allowed: {KINDS}")
    length_s = duration_s / len(rates)
    if sum(low + high for low, high in rates) <= 0.0:
        raise ValueError(f"shape {shape!r} plans no write; allowed: at least one rate above 0")
    scale = 1.0
    if brings_no_rate(shape):
        if rate_per_s is None:
            raise ValueError(f"shape {shape!r} needs --rate, the mean rate that it is scaled to")
        scale = rate_per_s * len(rates) * 2.0 / sum(low + high for low, high in rates)
    return Curve(
        stretches=tuple(
            Stretch(length_s=length_s, from_per_s=low * scale, to_per_s=high * scale) for low, high in rates
        )
    )


def _ramp(shape: str) -> list[tuple[float, float]]:
    match = _RAMP.fullmatch(shape)
    if match is None:
        raise ValueError(f"shape {shape!r}; allowed: ramp:A..B, such as ramp:200..1200")
    low, high = _rates(shape, [match["low"], match["high"]])
    return [(low, high)]


def _rates(shape: str, texts: Sequence[str]) -> list[float]:
    rates = []
    for text in texts:
        if not _is_number(text) or float(text) < 0.0:
            raise ValueError(f"shape {shape!r}: rate {text!r}; allowed: a number of writes a second, from 0")
        rates.append(float(text))
    return rates


def _recorded(path: Path) -> list[tuple[float, float]]:
    """Return the writes of each step of a recorded day; all steps have the same length."""
    try:
        with path.open(newline="") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].lstrip().startswith("#")]
    except OSError as wrong:
        raise ValueError(f"{path} cannot be read: {wrong.strerror}") from None
    if rows and not _is_number(rows[0][0]):
        del rows[0]
    found: list[tuple[float, float]] = []
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not all(_is_number(cell) for cell in row) or float(row[1]) < 0.0:
            raise ValueError(f"{path}: row {number} is {','.join(row)!r}; allowed: second,writes")
        found.append((float(row[0]), float(row[1])))
    if len(found) < 2:
        raise ValueError(f"{path} holds {len(found)} steps; allowed: at least 2 rows of second,writes")
    steps_s = [later - earlier for (earlier, _), (later, _) in pairwise(found)]
    if min(steps_s) <= 0.0 or max(steps_s) - min(steps_s) > 1e-6 * max(steps_s):
        grow = f"{min(steps_s):g} to {max(steps_s):g}"
        raise ValueError(f"{path}: seconds must grow in equal steps; they grow by {grow}")
    return [(writes, writes) for _, writes in found]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
