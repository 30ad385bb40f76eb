"""Stacked bars: parts that follow each other in time, such as those of a recovery."""

from collections.abc import Sequence
from dataclasses import dataclass

from loanstack.report import svg
from loanstack.report.charts import WIDTH, Limit
from loanstack.report.scales import label, linear

_SIDE, _TOP, _BOTTOM = 14, 26, 26
_ROW, _THICK = 46, 18
_COLOURS = 9
_FAR = 3.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of parts that follow each other."""

    name: str
    parts: Sequence[tuple[str, float]]
    """(name, milliseconds) in order."""
    unit: str = "s"
    """Unit in which the length of the bar is written: `s` or `ms`."""

    @property
    def whole(self) -> str:
        """Length of the whole bar as text, with its unit."""
        return f"{self.whole_ms / 1000:.2f} s" if self.unit == "s" else f"{self.whole_ms:.2f} ms"

    @property
    def whole_ms(self) -> float:
        """Length of the whole bar."""
        return sum(ms for _, ms in self.parts)


def stacked_bars(title: str, bars: Sequence[Bar], *, limit: Limit | None = None) -> str:
    """Return horizontal bars of parts on one axis in the bars' unit, with a legend of all parts.

    + limit: longest that a whole bar may be, in milliseconds
    """
    names = list(dict.fromkeys(name for bar in bars for name, _ in bar.parts))
    longest = max(bar.whole_ms for bar in bars)
    # If all bars are far shorter than the limit, an axis that includes it would make them too short to read:
    # the limit is then only named.
    is_far = limit is not None and limit.value > _FAR * longest
    if limit is not None and not is_far:
        longest = max(longest, limit.value)
    unit = bars[0].unit
    scale = 1000.0 if unit == "s" else 1.0
    axis = linear(0.0, longest / scale, count=6)
    bottom = _TOP + _ROW * len(bars)

    def x(ms: float) -> float:
        return _SIDE + axis.place(ms / scale) * (WIDTH - 2 * _SIDE - 12)

    parts = []
    for tick in axis.ticks:
        place = x(tick * scale)
        parts.append(svg.line("grid", x1=place, y1=_TOP, x2=place, y2=bottom))
        parts.append(svg.text("tick", f"{label(tick)} {unit}", x=place, y=bottom + 17, anchor="middle"))
    for number, bar in enumerate(bars):
        y = _TOP + _ROW * number
        parts.append(svg.text("bar-name", f"{bar.name}: {bar.whole}", x=_SIDE, y=y + 13))
        start = 0.0
        for name, ms in bar.parts:
            style = f"part{names.index(name) % _COLOURS}"
            tip = f"{name}: {ms:.0f} ms" if unit == "s" else f"{name}: {ms:.3f} ms"
            width = x(start + ms) - x(start)
            parts.append(svg.box(style, x=x(start), y=y + 20, width=width, height=_THICK, tip=tip))
            start += ms
    if limit is not None and is_far:
        words = f"{limit.name}, beyond this axis"
        parts.append(svg.text("limit-name", words, x=WIDTH - _SIDE, y=_TOP - 10, anchor="end"))
    elif limit is not None:
        place = x(limit.value)
        parts.append(svg.line("limit", x1=place, y1=_TOP - 8, x2=place, y2=bottom))
        parts.append(svg.text("limit-name", limit.name, x=place - 5, y=_TOP - 10, anchor="end"))
    picture = svg.picture(title, width=WIDTH, height=bottom + _BOTTOM, parts=parts)
    return picture + svg.legend((f"part{n % _COLOURS}", name) for n, name in enumerate(names))
