"""Where latency begins to climb faster than the rate. Pure."""

import math
from collections.abc import Sequence

POINTS_MIN = 4
"""Fewer rates do not make a curve."""


def knee(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the rate at the knee of a latency-rate curve, or None if it has none.

    Kneedle (Satopaa, Albrecht, Irwin and Raghavan, "Finding a 'Kneedle' in a Haystack", 2011) for a rising
    convex curve, with sensitivity 1 and without its smoothing, on the curve as it is drawn: latency on a
    logarithmic axis. Both axes are scaled to 0..1. The knee is a point at which the curve lies furthest below
    the diagonal, and after which the curve rises towards it by more than the mean step of the rate.

    + points: (rate, latency in ms) with rates rising, latencies above 0
    """
    if len(points) < POINTS_MIN:
        return None
    rates = _scaled([rate for rate, _ in points])
    heights = _scaled([math.log(ms) for _, ms in points])
    if rates is None or heights is None:
        return None
    below = [rate - height for rate, height in zip(rates, heights, strict=True)]
    step = 1.0 / (len(points) - 1)
    threshold, candidate = -math.inf, 0
    for number in range(1, len(points) - 1):
        before, here, after = below[number - 1 : number + 2]
        if before <= here >= after:
            threshold, candidate = here - step, number
        elif before >= here <= after and candidate:
            threshold = 0.0
        if after < threshold:
            return points[candidate][0]
    return None


def _scaled(values: Sequence[float]) -> list[float] | None:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) for value in values] if high > low else None
