"""Turns a run's record into lines over time; `loadtests` computes the rates and percentiles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.results import figures, run_info
from loadtests.results.figures import LoadFigures
from loadtests.results.run_info import WorkerInfo
from loanstack.report.charts import Point
from loanstack.runs.folder import RunFolderError
from proof.files import LEDGER_FILE, READS_FILE, FileError, read_lines
from proof.record import Read, Write

_MARKS = {
    "fault": "fault",
    "first-error": "first error",
    "promoted": "promoted",
    "recovered": "recovered",
    "heal": "heal",
    "major-freeze": "major freeze",
    "merged": "merged",
}
"""Events of the timeline that get a mark, and the labels of the marks."""

_OUTCOMES = {
    "acknowledged": "transactions_acknowledged",
    "rejected": "errors_rejected",
    "indeterminate": "errors_indeterminate",
    "unsent": "errors_unsent",
}
"""Outcome of a write -> the figure that counts it."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Data for the charts of one run; times are seconds since its start."""

    start_s: float
    """Unix time of second 0."""
    end_s: float
    planned: tuple[Point, ...]
    acknowledged: tuple[Point, ...]
    failed: tuple[Point, ...]
    """Seconds in which writes were not acknowledged, and how many."""
    latency_p50_ms: tuple[Point | None, ...]
    latency_p99_ms: tuple[Point | None, ...]
    latency_heat: tuple[tuple[int, ...], ...]
    """For each second, how many writes took how long (`figures.HEAT_BOUNDS_MS`)."""
    corrected: tuple[Point, ...]
    """(percent, ms): percentiles of the latency from the planned start."""
    uncorrected: tuple[Point, ...]
    """The same from the actual start, as a closed-model generator would have measured it."""
    outcomes: Mapping[str, int]
    errors_by_kind: Mapping[str, int]
    """Outcomes other than acknowledged, with their counts, the most frequent first."""
    workers: tuple[WorkerInfo, ...] = ()
    """Workers that made the load together; none: one process made it."""


def of_folder(folder: Path) -> History | None:
    """Return the history of the load in `folder`, or None if it holds no finished load.

    Raises:
        RunFolderError: the record is damaged; names file and line.
    """
    # A drill keeps the generator's own files in a folder of their own.
    own = folder if (folder / run_info.LOAD_FILE).exists() else folder / "load"
    try:
        writes = read_lines(folder / LEDGER_FILE, Write)
        reads = read_lines(folder / READS_FILE, Read)
        return of_load(figures.of_records(run_info.read(own), writes, reads, ()))
    except FileNotFoundError:
        return None
    except FileError as damaged:
        raise RunFolderError(str(damaged)) from None


def of_load(found: LoadFigures) -> History:
    """Return the per-second history of a load."""
    # Answers after the window do not fill a whole second; drawn as a rate, they would look like a collapse
    # that never happened. Failures after the window are drawn all the same.
    inside = found.seconds[: max(1, int(found.run_info.measured_s))]
    return History(
        start_s=found.run_info.start_s,
        end_s=max(found.run_info.measured_s, 1.0),
        planned=tuple((s.second + 0.5, float(s.planned)) for s in inside),
        acknowledged=tuple((s.second + 0.5, float(s.acknowledged)) for s in inside),
        failed=tuple((s.second + 0.5, float(s.errors)) for s in found.seconds if s.errors),
        latency_p50_ms=tuple(_point(s.second, s.latency_p50_ms) for s in inside),
        latency_p99_ms=tuple(_point(s.second, s.latency_p99_ms) for s in inside),
        latency_heat=tuple(s.latency_counts for s in inside),
        corrected=found.corrected.curve(),
        uncorrected=found.uncorrected.curve(),
        outcomes={name: int(found.values.get(figure, 0)) for name, figure in _OUTCOMES.items()},
        errors_by_kind=found.errors_by_kind,
        workers=found.run_info.workers,
    )


def lag_points(samples: Iterable[Mapping[str, Any]], history: History) -> tuple[Point | None, ...]:
    """Return (seconds since the start, lag in ms) of the samples during `history`.

    A sample without a lag, because a side did not answer, breaks the line.
    """
    return tuple(
        None if sample.get("lag_ms") is None else (at_s, float(sample["lag_ms"]))
        for sample in samples
        if 0 <= (at_s := float(sample["at_s"]) - history.start_s) <= history.end_s
    )


def marks(timeline: Iterable[Mapping[str, Any]], start_s: float) -> tuple[tuple[float, str, str], ...]:
    """Return (seconds since `start_s`, label, event) of the events that are worth a mark."""
    return tuple(
        (float(event["at_s"]) - start_s, _MARKS[event["event"]], str(event["event"]))
        for event in timeline
        if event.get("event") in _MARKS
    )


def _point(second: int, value: float | None) -> Point | None:
    return None if value is None else (second + 0.5, value)
