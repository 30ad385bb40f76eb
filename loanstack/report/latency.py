"""Latency of all writes: the percentile curve, and a heat map over time. No average hides a slow write."""

import math
from collections.abc import Sequence

from loanstack.report import svg
from loanstack.report.charts import WIDTH, Point
from loanstack.report.scales import fixed, label, logarithmic

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 26, 30
_CURVE_HEIGHT = 220
_ROW = 13
_PERCENTS = (0.0, 90.0, 99.0, 99.9, 99.99, 99.999)
"""Percentages at which the axis has ticks."""
_FAINTEST = 0.12
"""Opacity of a cell with one write: a single slow write must be visible."""


def percentile_curve(title: str, curves: Sequence[tuple[str, str, Sequence[Point]]]) -> str:
    """Return latency over percentiles, on an axis where each further nine (90, 99, 99.9) has the same width.

    + curves: (name, style, points of (percent below 100, milliseconds)), each with at least one point
    """
    values = [ms for _, _, points in curves for _, ms in points]
    y_axis = logarithmic(min(values), max(values))
    reach = max(_nines(percent) for _, _, points in curves for percent, _ in points)
    top, bottom = _TOP, _TOP + _CURVE_HEIGHT

    def x(percent: float) -> float:
        return _LEFT + _nines(percent) / reach * (WIDTH - _LEFT - _RIGHT) if reach else float(_LEFT)

    def y(ms: float) -> float:
        return bottom - y_axis.place(ms) * (bottom - top)

    parts = [svg.text("unit", "ms", x=_LEFT, y=13)]
    for tick in y_axis.ticks:
        parts.append(svg.line("grid", x1=_LEFT, y1=y(tick), x2=WIDTH - _RIGHT, y2=y(tick)))
        parts.append(svg.text("tick", label(tick), x=_LEFT - 7, y=y(tick) + 3.5, anchor="end"))
    for percent in _PERCENTS:
        if _nines(percent) <= reach:
            words, place = f"{percent:g} %", x(percent)
            # The label of a tick at the right edge would be cut off.
            anchor = "end" if place > WIDTH - 2 * _RIGHT else "middle"
            parts.append(svg.line("tickline", x1=place, y1=bottom, x2=place, y2=bottom + 4))
            parts.append(svg.text("tick", words, x=place, y=bottom + 17, anchor=anchor))
    for _, style, points in curves:
        commands = "L".join(f"{x(percent):.1f} {y(ms):.1f}" for percent, ms in points)
        parts.append(f'<path class="line {style}" d="M{commands}"/>')
    legend = svg.legend((style, name) for name, style, _ in curves)
    return svg.picture(title, width=WIDTH, height=bottom + _BOTTOM, parts=parts) + legend


def heat_map(title: str, cells: Sequence[Sequence[int]], bounds_ms: Sequence[float]) -> str:
    """Return a heat map of latency over time: the more writes a cell counts, the darker it is.

    + cells: one row of counts a second; each row has one count more than there are bounds
    + bounds_ms: rising; count n lies below bound n, the last one at or above all
    """
    rows = len(bounds_ms) + 1
    used = [row for row in range(rows) if any(second[row] for second in cells)] or [0]
    lowest, highest = min(used), max(used)
    most = max((count for second in cells for count in second), default=0)
    bottom = _TOP + _ROW * (highest - lowest + 1)
    x_axis = fixed(float(len(cells)))

    def x(second: float) -> float:
        return _LEFT + x_axis.place(second) * (WIDTH - _LEFT - _RIGHT)

    def y(row: int) -> float:
        return bottom - _ROW * (row - lowest + 1)

    parts = [svg.text("unit", "ms", x=_LEFT, y=13)]
    words = [*(f"< {label(bound)}" for bound in bounds_ms), f">= {label(bounds_ms[-1])}"]
    parts += [
        svg.text("tick", words[row], x=_LEFT - 7, y=y(row) + _ROW - 3, anchor="end")
        for row in range(lowest, highest + 1)
    ]
    parts += [
        svg.box(
            "heat",
            x=x(second),
            y=y(row),
            width=x(1) - x(0),
            height=_ROW - 1,
            tip=f"second {second}: {label(counts[row])} took {words[row]} ms",
            opacity=_strength(counts[row], most),
        )
        for second, counts in enumerate(cells)
        for row in range(lowest, highest + 1)
        if counts[row]
    ]
    for tick in x_axis.ticks:
        at = f"{label(tick)} s" if tick == x_axis.ticks[-1] else label(tick)
        parts.append(svg.text("tick", at, x=x(tick), y=bottom + 17, anchor="middle"))
    return svg.picture(title, width=WIDTH, height=bottom + _BOTTOM, parts=parts)


def _nines(percent: float) -> float:
    """Return how many nines a percentage has: 90 has one, 99 two."""
    return -math.log10(1.0 - percent / 100.0)


def _strength(count: int, most: int) -> float:
    """Return the opacity by order of magnitude: a few slow writes among hundreds must be visible."""
    if most <= 1:
        return 1.0
    return _FAINTEST + (1.0 - _FAINTEST) * math.log(count) / math.log(most)
