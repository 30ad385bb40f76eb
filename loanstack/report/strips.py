"""Strip plots: every value of a group is a dot on one axis, so that the whole distribution is visible."""

from collections.abc import Sequence
from dataclasses import dataclass

from loanstack.report import svg
from loanstack.report.charts import WIDTH
from loanstack.report.scales import label, linear
from proof.percentiles import nearest_rank

_SIDE, _TOP, _BOTTOM = 14, 8, 26
_ROW = 40
_LINE = 26
"""Distance of a strip's dots from the top of its row; the strip's name stands above the dots."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One group of values."""

    name: str
    values_ms: Sequence[float]
    """At least one."""
    limit_ms: float | None = None
    """Limit of the longest value."""

    @property
    def words(self) -> str:
        """Name and percentiles, as written above the dots."""
        figures = {"p50": 50, "p95": 95, "max": 100}
        said = ", ".join(f"{w} {nearest_rank(self.values_ms, q) / 1000:.2f} s" for w, q in figures.items())
        times = len(self.values_ms)
        return f"{self.name}: {said} ({times} run{'s' if times > 1 else ''})"


def strips(title: str, rows: Sequence[Strip]) -> str:
    """Return `rows` on one axis in seconds: dots, their p50 and p95, and each one's limit."""
    longest = max(max(row.values_ms) for row in rows)
    # A limit far above all values would squeeze the dots into a corner, so it is left out.
    limits = [row.limit_ms for row in rows if row.limit_ms is not None and row.limit_ms <= 3 * longest]
    axis = linear(0.0, max(longest, *limits, 1.0) / 1000, count=6)
    bottom = _TOP + _ROW * len(rows) + 6

    def x(ms: float) -> float:
        return _SIDE + axis.place(ms / 1000) * (WIDTH - 2 * _SIDE - 12)

    parts = []
    for tick in axis.ticks:
        parts.append(svg.line("grid", x1=x(tick * 1000), y1=_TOP, x2=x(tick * 1000), y2=bottom))
        words = f"{label(tick)} s"
        parts.append(svg.text("tick", words, x=x(tick * 1000), y=bottom + 17, anchor="middle"))
    for number, row in enumerate(rows):
        y = _TOP + _ROW * number + _LINE
        parts.append(svg.text("bar-name", row.words, x=_SIDE, y=y - 10))
        for share in (0.5, 0.95):
            place = x(nearest_rank(row.values_ms, 100 * share))
            parts.append(svg.line("quantile", x1=place, y1=y - 6, x2=place, y2=y + 6))
        if row.limit_ms is not None and row.limit_ms in limits:
            parts.append(svg.line("limit", x1=x(row.limit_ms), y1=y - 9, x2=x(row.limit_ms), y2=y + 9))
        parts += [svg.dot("run", x=x(ms), y=y, tip=f"{ms:.0f} ms") for ms in sorted(row.values_ms)]
    return svg.picture(title, width=WIDTH, height=bottom + _BOTTOM, parts=parts)
