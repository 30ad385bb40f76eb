"""Computes the figures of a load from the record in its run folder, now or at any later time. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, inf
from pathlib import Path

from loadtests.plan.scenarios import SCENARIOS
from loadtests.results import run_info as run_info_file
from loadtests.results.noisy_neighbour import NoisyNeighbour
from loadtests.results.run_info import RunInfo
from proof import percentiles
from proof.files import LEDGER_FILE, READS_FILE, REPLICATION_FILE, read_if_there, read_lines
from proof.record import Outcome, Read, Sample, Write

HEAT_BOUNDS_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)


@dataclass(frozen=True, kw_only=True)
class Second:
    """One second of a run."""

    second: int
    """Seconds since the run's start."""
    planned: int
    acknowledged: int
    """Acknowledgements that arrived in this second."""
    errors: int
    """Writes that ended in this second without an acknowledgement or a right refusal."""
    latency_p50_ms: float | None
    """p99 of the writes planned in this second, from their planned start; None if none was acknowledged."""
    latency_p99_ms: float | None
    latency_max_ms: float | None
    latency_counts: tuple[int, ...]
    """Counts by latency: one more than `HEAT_BOUNDS_MS`; the last one is at or above all bounds."""
    refused: int = 0
    """Writes that were rightly refused in this second."""


@dataclass(frozen=True, kw_only=True)
class LoadFigures:
    """Figures of a load run."""

    run_info: RunInfo
    values: dict[str, float]
    """Stable name with its unit -> number."""
    seconds: tuple[Second, ...]
    errors_by_kind: dict[str, int]
    """`outcome: status or error` -> count, the most frequent first."""
    corrected: percentiles.Latencies
    """Latencies of acknowledged writes from the planned start."""
    uncorrected: percentiles.Latencies
    """The same from the actual start."""


def of_folder(folder: Path) -> LoadFigures:
    """Return the figures of the run in `folder`; replication samples may be absent.

    Raises:
        FileNotFoundError: the ledger, the reads or `load.json` is missing.
        FileError: a file is damaged.
    """
    return of_records(
        run_info_file.read(folder),
        read_lines(folder / LEDGER_FILE, Write),
        read_lines(folder / READS_FILE, Read),
        read_if_there(folder / REPLICATION_FILE, Sample),
    )


def of_records(
    run_info: RunInfo, writes: Iterable[Write], reads: Iterable[Read], samples: Iterable[Sample]
) -> LoadFigures:
    """Return the figures of a recorded run.

    A write belongs to the measured window if its planned start does. Latencies are those of acknowledged
    writes; corrected ones count from the planned start, uncorrected ones from the actual one.
    Errors are counted at any time, in the warm-up and after the window too.
    """
    tally = _Tally(run_info=run_info)
    for write in writes:
        tally.add_write(write)
    for read in reads:
        tally.add_read(read)
    values = tally.figures()
    values.update(_lag_figures(run_info, samples))
    values.update(_generator_figures(run_info))
    return LoadFigures(
        run_info=run_info,
        values=values,
        seconds=tally.series(),
        errors_by_kind=dict(tally.kinds.most_common()),
        corrected=tally.corrected,
        uncorrected=tally.uncorrected,
    )


@dataclass(kw_only=True)
class _Tally:
    run_info: RunInfo
    corrected: percentiles.Latencies = field(default_factory=percentiles.Latencies)
    uncorrected: percentiles.Latencies = field(default_factory=percentiles.Latencies)
    of_reads: percentiles.Latencies = field(default_factory=percentiles.Latencies)
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    planned: Counter[int] = field(default_factory=Counter)
    acknowledged: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    latencies_ms: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    requests: int = 0
    recorded: int = 0
    sent: int = 0
    acknowledged_in_window: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    refused_in_window: int = 0
    noisy_neighbour: NoisyNeighbour = field(init=False)
    amount_fen: int = 0

    def __post_init__(self) -> None:
        self.noisy_neighbour = NoisyNeighbour(self.run_info.storm)

    def add_write(self, write: Write) -> None:
        self.requests += 1
        planned_s = write.planned_s - self.run_info.start_s
        ended_second = floor(write.ended_s - self.run_info.start_s)
        if write.is_error:
            self._count_error(write)
            self.failed[ended_second] += 1
        if write.outcome != Outcome.UNSENT and self._is_inside(write.started_s - self.run_info.start_s):
            self.sent += 1
        inside = self._is_inside(planned_s)
        if inside:
            self.recorded += 1
            self.planned[int(planned_s)] += 1
        if write.outcome == Outcome.REFUSED:
            self.refused[ended_second] += 1
            self.refused_in_window += inside
        if write.outcome != Outcome.ACKNOWLEDGED:
            return
        self.noisy_neighbour.add(write, planned_s)
        self.acknowledged[ended_second] += 1
        self.amount_fen += write.amount_fen
        if inside:
            self.acknowledged_in_window += 1
            latency_s = write.ended_s - write.planned_s
            self.corrected.add(latency_s)
            self.uncorrected.add(write.ended_s - write.started_s)
            self.latencies_ms[int(planned_s)].append(latency_s * 1000.0)

    def _is_inside(self, offset_s: float) -> bool:
        """Say whether a moment, in seconds from the measured start, is inside the measured window."""
        return 0.0 <= offset_s < self.run_info.measured_s

    def add_read(self, read: Read) -> None:
        self.requests += 1
        if read.is_error:
            self._count_error(read)
            self.outcomes["read"] += 1
        elif self._is_inside(read.planned_s - self.run_info.start_s):
            self.of_reads.add(read.ended_s - read.planned_s)

    def _count_error(self, record: Write | Read) -> None:
        what = record.error or (f"HTTP {record.status}" if record.status else "no answer")
        if isinstance(record, Write):
            kind = str(record.outcome)
            self.outcomes["body" if record.outcome == Outcome.ACKNOWLEDGED else record.outcome] += 1
        else:
            kind = f"read {record.outcome}"
        self.kinds[f"{kind}: {what}"] += 1

    def figures(self) -> dict[str, float]:
        window_s = self.run_info.measured_s
        whole_seconds = range(int(window_s))
        found: dict[str, float] = {
            "tps_planned": self.run_info.rate_per_s,
            "tps_acknowledged": self.acknowledged_in_window / window_s if window_s else 0.0,
            "transactions_acknowledged": self.acknowledged_in_window,
            "transactions_with_warm_up": self.acknowledged.total(),
            "writes_planned": self.run_info.writes_planned,
            "writes_recorded": self.recorded,
            "writes_sent": self.sent,
            "sent_ratio": self.sent / planned if (planned := self._planned()) else 0.0,
            "measured_s": window_s,
            "warm_up_s": self.run_info.warm_up_s,
            "amount_fen": self.amount_fen,
            "errors": self.kinds.total(),
            "requests": self.requests,
            "error_ratio": self.kinds.total() / self.requests if self.requests else 0.0,
            **{f"errors_{name}": self.outcomes[name] for name in _ERROR_NAMES},
            "reads_acknowledged": self.of_reads.count,
            "worst_second_tps": min((self.acknowledged[s] for s in whole_seconds), default=0),
            "worst_second_ratio": min(
                (
                    (self.acknowledged[s] + self.refused[s]) / self.planned[s]
                    for s in whole_seconds
                    if self.planned[s]
                ),
                default=0.0,
            ),
        }
        if self.corrected.count:
            for name, percent in _PERCENTS:
                found[f"latency_{name}_ms"] = self.corrected.percentile_ms(percent)
                found[f"latency_uncorrected_{name}_ms"] = self.uncorrected.percentile_ms(percent)
            found["latency_max_ms"] = self.corrected.max_ms
            found["latency_uncorrected_max_ms"] = self.uncorrected.max_ms
        if self.of_reads.count:
            found["latency_reads_p99_ms"] = self.of_reads.percentile_ms(99.0)
        return found | self._refused_figures() | self.noisy_neighbour.figures()

    def _refused_figures(self) -> dict[str, float]:
        scenario, window_s = SCENARIOS.get(self.run_info.scenario), self.run_info.measured_s
        if scenario is None or not scenario.may_refuse:
            return {}
        answered = self.acknowledged_in_window + self.refused_in_window
        return {
            "writes_refused": self.refused_in_window,
            "tps_answered": answered / window_s if window_s else 0.0,
        }

    def _planned(self) -> int:
        """Return the planned writes of the measured window; for a run that ended early, the recorded ones."""
        return self.run_info.writes_planned if self.run_info.stopped_s is None else self.recorded

    def series(self) -> tuple[Second, ...]:
        seen = (self.planned, self.acknowledged, self.failed)
        last = max((max(counter) for counter in seen if counter), default=-1)
        return tuple(self._second(second) for second in range(last + 1))

    def _second(self, second: int) -> Second:
        latencies = self.latencies_ms.get(second)
        return Second(
            second=second,
            planned=self.planned[second],
            acknowledged=self.acknowledged[second],
            errors=self.failed[second],
            latency_p50_ms=percentiles.nearest_rank(latencies, 50.0) if latencies else None,
            latency_p99_ms=percentiles.nearest_rank(latencies, 99.0) if latencies else None,
            latency_max_ms=max(latencies) if latencies else None,
            latency_counts=_counts(latencies or ()),
            refused=self.refused[second],
        )


def _counts(latencies_ms: Sequence[float]) -> tuple[int, ...]:
    counts = [0] * (len(HEAT_BOUNDS_MS) + 1)
    for latency_ms in latencies_ms:
        counts[bisect_right(HEAT_BOUNDS_MS, latency_ms)] += 1
    return tuple(counts)


_ERROR_NAMES = ("rejected", "indeterminate", "unsent", "body", "read")
_PERCENTS = (("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p999", 99.9))


def _lag_figures(run_info: RunInfo, samples: Iterable[Sample]) -> dict[str, float]:
    end_s = run_info.start_s + run_info.measured_s
    inside = [sample for sample in samples if run_info.start_s <= sample.at_s < end_s]
    heard = [sample for sample in inside if sample.was_heard]
    known = [sample.lag_ms for sample in heard if sample.lag_ms is not None]
    found: dict[str, float] = {
        "standby_lag_samples": len(known),
        "standby_lag_unknown": len(heard) - len(known),
        "standby_lag_unheard": len(inside) - len(heard),
        "standby_lag_unheard_longest_s": _longest_gap_s((run_info.start_s, *(s.at_s for s in heard), end_s)),
    }
    if not known:
        return found
    found["standby_lag_max_ms"] = max(known)
    # A standby whose position is not known counts as infinitely late.
    lags_ms = [*known, *(inf for _ in range(len(heard) - len(known)))]
    for name, percent in (("p50", 50.0), ("p99", 99.0)):
        lag_ms = percentiles.nearest_rank(lags_ms, percent)
        if lag_ms < inf:
            found[f"standby_lag_{name}_ms"] = lag_ms
    return found


def _longest_gap_s(moments_s: Sequence[float]) -> float:
    return max((later - earlier for earlier, later in pairwise(moments_s)), default=0.0)


def _generator_figures(run_info: RunInfo) -> dict[str, float]:
    return {
        "generator_workers": len(run_info.workers) or 1,
        "generator_cpu_percent_max": max(
            (worker.cpu_percent for worker in run_info.workers), default=run_info.cpu_percent
        ),
        "generator_cpu_percent": run_info.cpu_percent,
        "generator_cpu_ms_per_request": run_info.cpu_ms_per_request,
        "generator_lateness_p99_ms": run_info.lateness_p99_ms,
        "generator_lateness_max_ms": run_info.lateness_max_ms,
        "generator_held_back": run_info.held_back,
        "generator_busy_seconds": run_info.busy_seconds,
        "generator_stall_ms": run_info.stall_ms,
        "memory_mib_generator": run_info.memory_mib,
    }
