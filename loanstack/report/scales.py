"""Axes: positions and labels of ticks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_NOTHING = 1e-9
"""A range smaller than this share of its values is treated as a single value."""
_SMALLEST = 0.001


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale from values to a position between 0 and 1, with its ticks."""

    ticks: tuple[float, ...]
    place: Callable[[float], float]


def linear(low: float, high: float, *, count: int = 5) -> Axis:
    """Return a linear axis that covers [low, high], widened to round ticks.

    + count: about how many intervals
    """
    if high - low <= _NOTHING * max(1.0, abs(low), abs(high)):
        high = low + max(1.0, abs(low))
    raw = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(s * magnitude for s in _STEPS if s * magnitude >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    bottom, top = first * step, last * step
    return Axis(
        ticks=tuple(round(n * step, 10) for n in range(first, last + 1)),
        place=lambda value: (value - bottom) / (top - bottom),
    )


def logarithmic(low: float, high: float) -> Axis:
    """Return an axis of whole decades that covers [low, high]; lower values are drawn at its lower end.

    + low, high: the range; no decade below a thousandth is shown
    """
    first = math.floor(math.log10(max(low, _SMALLEST)) + 1e-9)
    last = max(first + 1, math.ceil(math.log10(max(high, _SMALLEST)) - 1e-9))
    bottom = 10.0**first
    return Axis(
        ticks=tuple(10.0**n for n in range(first, last + 1)),
        place=lambda value: (math.log10(max(value, bottom)) - first) / (last - first),
    )


def fixed(high: float, *, count: int = 8) -> Axis:
    """Return an axis from 0 to exactly `high`, for time: it leaves no empty space at its end."""
    round_ticks = linear(0.0, high, count=count).ticks
    return Axis(
        ticks=tuple(tick for tick in round_ticks if tick <= high),
        place=lambda value: value / high if high > 0 else 0.0,
    )


def label(value: float) -> str:
    """Return the label of a tick at `value`: no needless digits, thousands separated."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")
