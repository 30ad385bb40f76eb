"""Memory and open handles of each component over a soak: two small charts for each unit."""

from collections.abc import Callable, Sequence
from itertools import cycle

from loanstack.companions.leak_check import ComponentSample
from loanstack.report.charts import Point, Series, Span, time_chart

_HEIGHT = 130
_STYLES = ("good", "accent", "planned")
"""Colours of a unit's hosts, in the order of their names."""
_WHAT: tuple[tuple[str, str, Callable[[ComponentSample], float]], ...] = (
    ("memory", "MiB", lambda sample: sample.memory_mib),
    ("open handles", "handles", lambda sample: float(sample.handles)),
)
"""Name of a drawn value, its unit, and its field in a sample."""


def charts(samples: Sequence[ComponentSample], *, start_s: float, end_s: float) -> list[tuple[str, str]]:
    """Return (caption, chart) of each unit's memory and open handles, with one line for each host.

    + start_s: when the run's time axis begins (unix time)
    + end_s: where the axis ends, in seconds from its start; the first half is shaded, as it is not judged
    """
    drawn = []
    filling = Span(from_s=0.0, until_s=end_s / 2, name="not judged: caches fill")
    for unit in sorted({sample.unit for sample in samples}):
        of_unit = [sample for sample in samples if sample.unit == unit]
        hosts = sorted({sample.host for sample in of_unit})
        lines = [[sample for sample in of_unit if sample.host == host] for host in hosts]
        for what, unit_of_value, value in _WHAT:
            series = [
                Series(name=host, style=style, points=_points(line, value, start_s=start_s))
                for host, line, style in zip(hosts, lines, cycle(_STYLES), strict=False)
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


def _points(
    samples: Sequence[ComponentSample], value: Callable[[ComponentSample], float], *, start_s: float
) -> list[Point | None]:
    """Return one component's line, broken where it was restarted."""
    points: list[Point | None] = []
    pid = None
    for sample in samples:
        if points and sample.pid != pid:
            points.append(None)
        points.append((sample.at_s - start_s, value(sample)))
        pid = sample.pid
    return points
