"""The latency-rate curve of a capacity search: every probe, the promised latency, the knee."""

from collections.abc import Mapping
from typing import Any

from loanstack.capacity.probed import Probed, curve, from_json
from loanstack.report import svg
from loanstack.report.charts import WIDTH
from loanstack.report.scales import Axis, label, linear, logarithmic
from proof.titles import number
from proof.verdict import Verdict

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 24, 44, 44
_HEIGHT = 260
_MARK_ROOM = 110
"""Further right, the name of a mark would leave the picture."""
_STYLES = {Verdict.PASS: "kept", Verdict.FAIL: "bad", Verdict.INVALID: "unproved"}
_WORDS = {Verdict.PASS: "every promise kept", Verdict.FAIL: "not kept", Verdict.INVALID: "proved nothing"}


def latency_over_rate(title: str, found: Mapping[str, Any]) -> str | None:
    """Return p50 and p99 over the rate, or None if no probe measured a latency.

    + found: content of `capacity.json`
    """
    probes = [one for one in from_json(found) if one.figures.get("latency_p99_ms", 0.0) > 0.0]
    if not probes:
        return None
    limit_ms = float(found["latency_p99_ms_max"])
    lines = {
        "p50": ("good", curve(probes, "latency_p50_ms")),
        "p99": ("accent", curve(probes, "latency_p99_ms")),
    }
    shown = [ms for _, points in lines.values() for _, ms in points]
    shown += [limit_ms, *(one.figures["latency_p99_ms"] for one in probes)]
    x_axis = linear(0.0, max(one.rate_per_s for one in probes), count=8)
    y_axis = logarithmic(min(shown), max(shown))
    bottom = _TOP + _HEIGHT

    def x(rate: float) -> float:
        return _LEFT + x_axis.place(rate) * (WIDTH - _LEFT - _RIGHT)

    def y(ms: float) -> float:
        return bottom - y_axis.place(ms) * _HEIGHT

    parts = _axes(x_axis, y_axis)
    for style, points in lines.values():
        if points:
            commands = "L".join(f"{x(rate):.1f} {y(ms):.1f}" for rate, ms in points)
            parts.append(f'<path class="line {style}" d="M{commands}"/>')
    parts.append(svg.line("limit", x1=_LEFT, y1=y(limit_ms), x2=WIDTH - _RIGHT, y2=y(limit_ms)))
    words = f"p99 promised: {number(limit_ms)} ms"
    parts.append(svg.text("limit-name", words, x=_LEFT + 6, y=y(limit_ms) - 5))
    marks = (("capacity", found["capacity_tps"], "relief"), ("knee", found["knee_tps"], ""))
    known = sorted(
        (rate, f"{name} {number(rate)}/s", style) for name, rate, style in marks if rate is not None
    )
    for count, (rate, name, style) in enumerate(known, start=1):
        # The left mark's name stands to the left of its line, so that no line crosses the other mark's name.
        anchor = "start" if count == len(known) and x(rate) < WIDTH - _MARK_ROOM else "end"
        parts += _mark(name, x(rate), bottom=bottom, style=style, anchor=anchor)
    parts += [_dot(one, x=x(one.rate_per_s), y=y(one.figures["latency_p99_ms"])) for one in probes]
    seen = dict.fromkeys(one.verdict for one in probes)
    legend = svg.legend(
        [*((style, name) for name, (style, _) in lines.items()), *((_STYLES[v], _WORDS[v]) for v in seen)]
    )
    return svg.picture(title, width=WIDTH, height=bottom + _BOTTOM, parts=parts) + legend


def _axes(x_axis: Axis, y_axis: Axis) -> list[str]:
    bottom, right = _TOP + _HEIGHT, WIDTH - _RIGHT
    parts = [svg.text("unit", "ms", x=_LEFT, y=13)]
    for tick in y_axis.ticks:
        y = bottom - y_axis.place(tick) * _HEIGHT
        parts.append(svg.line("grid", x1=_LEFT, y1=y, x2=right, y2=y))
        parts.append(svg.text("tick", label(tick), x=_LEFT - 7, y=y + 3.5, anchor="end"))
    for tick in x_axis.ticks:
        x = _LEFT + x_axis.place(tick) * (right - _LEFT)
        parts.append(svg.line("tickline", x1=x, y1=bottom, x2=x, y2=bottom + 4))
        parts.append(svg.text("tick", label(tick), x=x, y=bottom + 17, anchor="middle"))
    parts.append(svg.text("unit", "planned writes per second", x=right, y=bottom + 34, anchor="end"))
    return parts


def _mark(name: str, x: float, *, bottom: float, style: str, anchor: str) -> list[str]:
    shift = 5 if anchor == "start" else -5
    return [
        svg.line(f"mark {style}", x1=x, y1=_TOP - 18, x2=x, y2=bottom),
        svg.text(f"mark-name {style}", name, x=x + shift, y=_TOP - 10, anchor=anchor),
    ]


def _dot(one: Probed, *, x: float, y: float) -> str:
    tip = f"{one.folder}: {one.verdict.value}, p99 {number(one.figures['latency_p99_ms'])} ms"
    return svg.dot(_STYLES[one.verdict], x=x, y=y, tip=tip, radius=4.0)
