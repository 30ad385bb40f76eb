"""Charts as inline SVG: no script, no network; colours come from the page's style sheet by class."""

from collections.abc import Sequence
from dataclasses import dataclass

from loanstack.report import svg
from loanstack.report.scales import Axis, fixed, label, linear, logarithmic

WIDTH = 720
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 26, 30
_MARK_ROOM = 64
"""Least distance between two mark labels on the same row."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line: points by time, and the class that colours it."""

    name: str
    style: str
    points: Sequence[Point | None]
    """(seconds since the start, value) in order; None breaks the line."""
    dots: bool = False
    """Draw single points instead of a line: for rare events."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something that happened at one moment: a fault, a promotion, the recovery."""

    at_s: float
    name: str
    style: str = "mark"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A period in which something else ran, such as a merge; in seconds since the start."""

    from_s: float
    until_s: float
    name: str


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A horizontal line at the value that was promised or asked for."""

    value: float
    name: str


def time_chart(
    title: str,
    series: Sequence[Series],
    *,
    unit: str,
    end_s: float,
    marks: Sequence[Mark] = (),
    spans: Sequence[Span] = (),
    limit: Limit | None = None,
    log: bool = False,
    height: int = 210,
) -> str:
    """Return a chart of `series` over time.

    + title: what the chart shows; also read out by screen readers
    + unit: unit of the values, written at the top of the axis
    + end_s: where the time axis ends, in seconds since the start
    + log: decades instead of a linear axis: for latencies that span milliseconds to seconds
    """
    shown = [mark for mark in sorted(marks, key=lambda m: m.at_s) if 0 <= mark.at_s <= end_s]
    rows = _mark_rows(shown, end_s)
    top = _TOP + (14 * (max(rows, default=-1) + 1))
    total = height + top - _TOP
    x_axis = fixed(end_s)
    y_axis = _value_axis(series, limit, log=log)
    frame = _Frame(x_axis=x_axis, y_axis=y_axis, top=top, bottom=total - _BOTTOM)
    parts = [
        *(_shaded(span, frame, end_s) for span in spans if span.from_s < end_s),
        *_grid(frame, unit),
        *(_drawn(one, frame) for one in series),
        *_limit_line(frame, limit),
        *(part for mark, row in zip(shown, rows, strict=True) for part in _mark_line(frame, mark, row)),
    ]
    legend = svg.legend((one.style, one.name) for one in series) if len(series) > 1 else ""
    return svg.picture(title, width=WIDTH, height=total, parts=parts) + legend


@dataclass(frozen=True, kw_only=True)
class _Frame:
    x_axis: Axis
    y_axis: Axis
    top: float
    bottom: float

    def x(self, value: float) -> float:
        return _LEFT + self.x_axis.place(value) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.bottom - self.y_axis.place(value) * (self.bottom - self.top)


def _value_axis(series: Sequence[Series], limit: Limit | None, *, log: bool) -> Axis:
    values = [point[1] for one in series for point in one.points if point is not None]
    if limit is not None:
        values.append(limit.value)
    if log:
        positive = [value for value in values if value > 0] or [1.0]
        return logarithmic(min(positive), max(positive))
    return linear(0.0, max(values, default=1.0) * 1.04)


def _grid(frame: _Frame, unit: str) -> list[str]:
    parts = [svg.text("unit", unit, x=_LEFT, y=13)]
    for tick in frame.y_axis.ticks:
        y = frame.y(tick)
        parts.append(svg.line("grid", x1=_LEFT, y1=y, x2=WIDTH - _RIGHT, y2=y))
        parts.append(svg.text("tick", label(tick), x=_LEFT - 7, y=y + 3.5, anchor="end"))
    for tick in frame.x_axis.ticks:
        x = frame.x(tick)
        words = f"{label(tick)} s" if tick == frame.x_axis.ticks[-1] else label(tick)
        parts.append(svg.line("tickline", x1=x, y1=frame.bottom, x2=x, y2=frame.bottom + 4))
        parts.append(svg.text("tick", words, x=x, y=frame.bottom + 17, anchor="middle"))
    return parts


def _shaded(span: Span, frame: _Frame, end_s: float) -> str:
    left, right = frame.x(max(span.from_s, 0.0)), frame.x(min(span.until_s, end_s))
    size = {"width": max(right - left, 0.0), "height": frame.bottom - frame.top}
    return svg.box("span", x=left, y=frame.top, tip=span.name, **size)


def _drawn(series: Series, frame: _Frame) -> str:
    if series.dots:
        return "".join(
            f'<circle class="dot {series.style}" cx="{frame.x(p[0]):.1f}" cy="{frame.y(p[1]):.1f}" r="2.2"/>'
            for p in series.points
            if p is not None
        )
    commands = []
    pen_down = False
    for point in series.points:
        if point is None:
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{frame.x(point[0]):.1f} {frame.y(point[1]):.1f}")
        pen_down = True
    return f'<path class="line {series.style}" d="{"".join(commands)}"/>'


def _limit_line(frame: _Frame, limit: Limit | None) -> list[str]:
    if limit is None:
        return []
    y = frame.y(limit.value)
    right = WIDTH - _RIGHT
    return [
        svg.line("limit", x1=_LEFT, y1=y, x2=right, y2=y),
        svg.text("limit-name", limit.name, x=right, y=y - 5, anchor="end"),
    ]


def _mark_rows(marks: Sequence[Mark], end_s: float) -> list[int]:
    """Give each mark a row for its label, later marks lower rows, so that no line crosses a label."""
    scale = (WIDTH - _LEFT - _RIGHT) / end_s if end_s else 0.0
    rows: list[int] = []
    for number in reversed(range(len(marks))):
        end = marks[number].at_s * scale + max(_MARK_ROOM, 6.2 * len(marks[number].name) + 12)
        touched = [
            row for later, row in zip(marks[number + 1 :], rows, strict=True) if later.at_s * scale < end
        ]
        rows.insert(0, max(touched, default=-1) + 1)
    return rows


def _mark_line(frame: _Frame, mark: Mark, row: int) -> list[str]:
    x = frame.x(mark.at_s)
    y = frame.top - 8 - 14 * row
    # A label that would leave the picture on the right hangs to the left of its line.
    left = x > WIDTH - 6.2 * len(mark.name) - 16
    anchor, shift = ("end", -4) if left else ("start", 4)
    return [
        svg.line(mark.style, x1=x, y1=y - 8, x2=x, y2=frame.bottom),
        svg.text(f"mark-name {mark.style}", mark.name, x=x + shift, y=y, anchor=anchor),
    ]
