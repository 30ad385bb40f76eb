"""Which charts a run gets: the same for every load and every drill, so that runs can be compared."""

from collections.abc import Sequence

from markupsafe import Markup

from loadtests.results.figures import HEAT_BOUNDS_MS
from loanstack.report.bars import Bar, stacked_bars
from loanstack.report.capacity import latency_over_rate
from loanstack.report.charts import Limit, Mark, Series, Span, time_chart
from loanstack.report.latency import heat_map, percentile_curve
from loanstack.report.reading import Run
from loanstack.report.roles import bands
from loanstack.report.series import History
from loanstack.report.soak import charts as soak_charts
from loanstack.report.strips import Strip, strips
from proof import outage

RTO_PARTS = outage.PARTS
"""Parts of a recovery, in the order in which they happen."""

_BARS_MAX = 16
"""More recoveries than this are shown as a distribution only, and not one by one."""


def of_run(run: Run) -> list[tuple[str, Markup]]:
    """Return (caption, chart) of everything that a run shows over time; none for a run without a ledger."""
    history = run.history
    if history is None:
        return []
    marks = [Mark(at_s=at_s, name=name, style=f"mark {_style(event)}") for at_s, name, event in run.marks]
    spans = merge_spans(run.marks, end_s=history.end_s)
    end_s = max(
        history.end_s, max((at_s for at_s, _, _ in run.marks if at_s < history.end_s + 60), default=0.0)
    )
    throughput = [
        Series(name="planned", style="planned", points=history.planned),
        Series(name="acknowledged", style="good", points=history.acknowledged),
    ]
    if history.failed:
        throughput.append(Series(name="not acknowledged", style="bad", points=history.failed, dots=True))
    drawn = [
        (
            "Transactions per second, planned and acknowledged",
            time_chart(
                "Transactions per second",
                throughput,
                unit="per second",
                end_s=end_s,
                marks=marks,
                spans=spans,
            ),
        ),
        (
            "Latency from the planned start, by the second in which it was planned (logarithmic)",
            time_chart(
                "Latency over time",
                [
                    Series(name="p50", style="good", points=history.latency_p50_ms),
                    Series(name="p99", style="accent", points=history.latency_p99_ms),
                ],
                unit="ms",
                end_s=end_s,
                marks=marks,
                spans=spans,
                limit=_limit(run, "latency_p99_ms", "p99 promised"),
                log=True,
            ),
        ),
    ]
    if run.results.verb == "load":
        drawn += _latencies(history)
    if run.lag:
        drawn.append(
            (
                "Standby lag: how far the standby's log is behind the primary's",
                time_chart(
                    "Standby lag over time",
                    [Series(name="lag", style="accent", points=run.lag)],
                    unit="ms",
                    end_s=end_s,
                    marks=marks,
                    limit=_limit(run, "standby_lag_p99_ms", "p99 promised"),
                    height=170,
                ),
            )
        )
    if run.role_intervals:
        drawn.append(
            (
                "Roles: what each database said it was",
                bands("Roles over time", run.role_intervals, end_s=end_s),
            )
        )
    drawn += soak_charts(run.held, start_s=history.start_s, end_s=history.end_s)
    # The chart modules escape every text that they are given.
    return [(caption, Markup(svg)) for caption, svg in drawn]  # noqa: S704


def merge_spans(marks: Sequence[tuple[float, str, str]], *, end_s: float) -> list[Span]:
    """Return the period of a forced merge: from its freeze until all databases have merged, or the run ends.

    + marks: (seconds since the start, label, event) of the run
    """
    began = [at_s for at_s, _, event in marks if event == "major-freeze"]
    ended = [at_s for at_s, _, event in marks if event == "merged"]
    return [Span(from_s=at_s, until_s=max(ended, default=end_s), name="merge") for at_s in began]


def of_capacity(run: Run) -> Markup | None:
    """Return the latency-rate curve of a capacity search; None if nothing was measured."""
    drawn = latency_over_rate("Latency over rate", run.capacity) if run.capacity else None
    return None if drawn is None else Markup(drawn)  # noqa: S704 - escapes its texts


def _latencies(history: History) -> list[tuple[str, str]]:
    if not history.corrected:
        return []
    return [
        (
            "How many writes of each second took how long; each cell is as dark as its count has digits",
            heat_map("Latency over time, all writes", history.latency_heat, HEAT_BOUNDS_MS),
        ),
        (
            "Percentiles of the latency from the planned start, and of the latency from the actual start",
            percentile_curve(
                "Percentiles of latency",
                (
                    ("from the planned start", "accent", history.corrected),
                    ("from the actual start", "good", history.uncorrected),
                ),
            ),
        ),
    ]


def processor_bar(run: Run) -> Markup | None:
    """Return a bar of a transaction's processor time by component; None if it was not measured."""
    components = (run.usage or {}).get("components")
    if not components:
        return None
    bar = Bar(name="one acknowledged transaction", parts=list(components.items()), unit="ms")
    return Markup(stacked_bars("Processor time by component", [bar]))  # noqa: S704 - escapes its texts


def rto_bars(drills: Sequence[Run]) -> Markup | None:
    """Return the recoveries of `drills` as bars of their parts; None if none has parts, or too many have."""
    bars = [bar for bar in (_bar(run) for run in drills) if bar.parts]
    if not 0 < len(bars) <= _BARS_MAX:
        return None
    limits = [p.limit for run in drills for p in run.objectives if p.figure in ("rto_ms", "rto_ms_max")]
    # If the drills have different limits, the chart of their distributions shows these.
    limit = Limit(value=limits[0], name=f"promised: {limits[0] / 1000:g} s") if len({*limits}) == 1 else None
    return Markup(stacked_bars("Recovery time by part", bars, limit=limit))  # noqa: S704 - escapes its texts


def by_drill(drills: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs of each drill by its name, in the order in which the drills first ran."""
    found: dict[str, list[Run]] = {}
    for run in drills:
        found.setdefault(drill_name(run), []).append(run)
    return found


def rto_strips(drills: Sequence[Run]) -> Markup | None:
    """Return the distribution of each drill's recovery times, or None if none was measured."""
    rows = []
    for name, runs in by_drill(drills).items():
        values = [run.results.figures["rto_ms"] for run in runs if "rto_ms" in run.results.figures]
        limits = [p.limit for run in runs for p in run.objectives if p.figure in ("rto_ms", "rto_ms_max")]
        if values:
            rows.append(Strip(name=name, values_ms=values, limit_ms=min(limits, default=None)))
    return Markup(strips("Recovery times by drill", rows)) if rows else None  # noqa: S704 - escapes its texts


def rto_parts(run: Run) -> list[tuple[str, float]]:
    """Return (part, milliseconds) of one drill's recovery, in order."""
    figures = run.results.figures
    return [(part, figures[f"rto_{part}_ms"]) for part in RTO_PARTS if f"rto_{part}_ms" in figures]


def drill_name(run: Run) -> str:
    """Return the name of the drill; a run that does not name one is a group by itself."""
    return str(run.drill["name"]) if run.drill and "name" in run.drill else run.name


def _bar(run: Run) -> Bar:
    return Bar(name=drill_name(run), parts=rto_parts(run))


def _limit(run: Run, figure: str, name: str) -> Limit | None:
    mine = (each for each in run.objectives if each.figure == figure)
    return next((Limit(value=each.limit, name=f"{name}: {each}") for each in mine), None)


def _style(event: str) -> str:
    if event in ("fault", "first-error"):
        return "trouble"
    return "relief" if event in ("recovered", "promoted") else "neutral"
