"""What each component held over a soak: memory and open handles, a small chart for each of a unit's two."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from loanstack.beside.flatness import Sample
from loanstack.report.charts import Point, Series, Span, time_chart

_HEIGHT = 130
_STYLES = ("good", "accent", "planned")
"""Of a unit's hosts, in the inventory's order."""


def charts(samples: Sequence[Sample], *, start_s: float, end_s: float) -> list[tuple[str, str]]:
    """Return (caption, chart) of each unit's memory and open handles, one line a host.

    + start_s: when the run's time axis begins (unix time)
    + end_s: where it ends, in seconds from there; its first half is shaded, for it is not judged
    """
    drawn = []
    filling = Span(from_s=0.0, until_s=end_s / 2, name="not judged: caches fill")
    for unit in sorted({sample.unit for sample in samples}):
        of_unit = [sample for sample in samples if sample.unit == unit]
        hosts = sorted({sample.host for sample in of_unit})
        lines = [[sample for sample in of_unit if sample.host == host] for host in hosts]
        for what, unit_of_value in (("memory", "MiB"), ("open handles", "handles")):
            series = [
                Series(name=host, style=style, points=_points(line, what, start_s=start_s))
                for host, style, line in zip(hosts, _styles(len(hosts)), lines, strict=True)
            ]
            chart = time_chart(
                f"{unit}: {what}",
                series,
                unit=unit_of_value,
                end_s=end_s,
                spans=[filling],
                height=_HEIGHT,
            )
            drawn.append((f"{unit}: {what}, on {' and '.join(hosts)} (shaded: not judged)", chart))
    return drawn


def _styles(count: int) -> Iterable[str]:
    return (_STYLES[number % len(_STYLES)] for number in range(count))


def _points(samples: Sequence[Sample], what: str, *, start_s: float) -> list[Point | None]:
    """Return one component's line, broken where it was restarted."""
    held = [
        (sample.at_s - start_s, sample.memory_mib if what == "memory" else float(sample.handles))
        for sample in samples
    ]
    points: list[Point | None] = list(held[:1])
    for (before, after), point in zip(pairwise(samples), held[1:], strict=True):
        points += [point] if before.pid == after.pid else [None, point]
    return points
