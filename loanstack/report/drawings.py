"""Which charts a run gets: the same ones for every load and every drill, so that they can be compared."""

from collections.abc import Sequence

from markupsafe import Markup

from loanstack.report.bars import Bar, stacked_bars
from loanstack.report.charts import Limit, Mark, Series, time_chart
from loanstack.report.reading import Run

RTO_PARTS = ("detect", "decide", "fence", "promote", "reroute", "recover")
"""Parts of a recovery, in the order in which they happen."""


def of_run(run: Run) -> list[tuple[str, Markup]]:
    """Return (caption, chart) for throughput, latency and standby lag; none for a run without a ledger."""
    history = run.history
    if history is None:
        return []
    marks = [Mark(at_s=at_s, name=name, style=f"mark {_style(event)}") for at_s, name, event in run.marks]
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
            time_chart("Transactions per second", throughput, unit="per second", end_s=end_s, marks=marks),
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
                limit=_limit(run, "latency_p99_ms", "p99 promised"),
                log=True,
            ),
        ),
    ]
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
    # The chart module escapes every text that it is given.
    return [(caption, Markup(svg)) for caption, svg in drawn]  # noqa: S704


def rto_bars(drills: Sequence[Run]) -> Markup | None:
    """Return the recoveries of `drills` as bars of their parts, or None if none has parts."""
    bars = [bar for bar in (_bar(run) for run in drills) if bar.parts]
    if not bars:
        return None
    limits = [p.limit for run in drills for p in run.promises if p.figure == "rto_ms_max"]
    limit = Limit(value=min(limits), name=f"promised: {min(limits) / 1000:g} s") if limits else None
    return Markup(stacked_bars("Recovery time by part", bars, limit=limit))  # noqa: S704 - escapes its texts


def rto_parts(run: Run) -> list[tuple[str, float]]:
    """Return (part, milliseconds) of one drill's recovery, in order."""
    figures = run.results.figures
    return [(part, figures[f"rto_{part}_ms"]) for part in RTO_PARTS if f"rto_{part}_ms" in figures]


def _bar(run: Run) -> Bar:
    name = str(run.drill["name"]) if run.drill and "name" in run.drill else run.name
    return Bar(name=name, parts=rto_parts(run))


def _limit(run: Run, figure: str, name: str) -> Limit | None:
    return next((Limit(value=p.limit, name=f"{name}: {p}") for p in run.promises if p.figure == figure), None)


def _style(event: str) -> str:
    if event in ("fault", "first-error"):
        return "trouble"
    return "relief" if event in ("recovered", "promoted") else "neutral"
