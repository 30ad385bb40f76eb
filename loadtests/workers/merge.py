"""From the records of several workers to that of one load; what comes after then need not know of them.

What a worker recorded stays as it is, below `workers/`. A worker that was lost left what it had handed to the
system: all but its last second, and perhaps half a line, which is cut off.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from loadtests.plan.options import LoadOptions
from loadtests.plan.schedule import Plan
from loadtests.results import hdr_log, run_info
from loadtests.results.hdr_log import HDR_FILE
from loadtests.results.run_info import LOAD_FILE, RunInfo, WorkerInfo
from loadtests.workers.monitor import Worker
from proof.clocks import Offset
from proof.files import LEDGER_FILE, READS_FILE, RecordError, replacing
from proof.percentiles import Latencies

WORKERS_DIR = "workers"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One worker's part of a load, after it ended."""

    worker: Worker
    folder: Path
    planned: RunInfo
    """What it was to do, with nothing measured: what is known where it left no `load.json`."""
    arrivals: int
    """All that were planned for it, with those of the warm-up."""
    clock: Offset | None

    @property
    def is_known(self) -> bool:
        """Say whether the worker came to write what only it knew."""
        return (self.folder / LOAD_FILE).exists()


def folder_of(run_folder: Path, number: int) -> Path:
    """Return the folder of worker `number` (from 1) of the run in `run_folder`."""
    return run_folder / WORKERS_DIR / str(number)


def planned(asked: LoadOptions, plan: Plan, *, start_s: float, stopped_s: float | None) -> RunInfo:
    """Return the run info of a load, or of the share of it that was asked for, with nothing measured."""
    return RunInfo(
        environment=asked.environment,
        scenario=asked.scenario,
        rate_per_s=plan.rate_per_s,
        duration_s=asked.duration_s,
        spacing=asked.spacing,
        shape=asked.shape,
        run_seed=asked.run_seed,
        users=len(asked.share.users(asked.users)),
        targets=(),
        writes_planned=plan.measured,
        warm_up_s=plan.warm_up_s,
        start_s=start_s,
        stopped_s=stopped_s,
        cpu_percent=0.0,
        cpu_ms_per_request=0.0,
        memory_mib=0.0,
        lateness_p50_ms=0.0,
        lateness_p99_ms=0.0,
        lateness_max_ms=0.0,
        held_back=0,
        storm=plan.storm,
    )


def merge(run_folder: Path, parts: Sequence[Part], *, whole: RunInfo) -> RunInfo:
    """Write ledger, reads, histograms and `load.json` of the whole load into `run_folder`; return the latter.

    + whole: what all were to do together, with nothing measured, and when it was ended early

    Raises:
        FileError: the record of a worker is damaged, and not just cut off.
    """
    for part in parts:
        if not part.is_known:
            _mend(part.folder)
    merge_lines(run_folder / LEDGER_FILE, [part.folder / LEDGER_FILE for part in parts])
    merge_lines(run_folder / READS_FILE, [part.folder / READS_FILE for part in parts])
    known = [run_info.read(part.folder) if part.is_known else part.planned for part in parts]
    info = merged(whole, parts, known)
    corrected, uncorrected = Latencies(), Latencies()
    for part, own in zip(parts, known, strict=True):
        if not (part.folder / HDR_FILE).exists():
            hdr_log.write_pair(part.folder, own, *hdr_log.of_ledger(part.folder, own))
        for total, found in zip((corrected, uncorrected), hdr_log.read(part.folder), strict=True):
            total.merge(found)
    hdr_log.write_pair(run_folder, info, corrected, uncorrected)
    run_info.write(run_folder, info)
    return info


def merge_lines(into: Path, parts: Sequence[Path]) -> None:
    """Write the lines of all `parts`, each once and unchanged, by the time at which their requests ended.

    Within a part that is the order it was written in, so no part is held in memory.

    Raises:
        RecordError: a line without that time.
    """
    with replacing(into) as file:
        for _, line in heapq.merge(*map(_timed, parts), key=lambda pair: pair[0]):
            file.write(line)


def merged(whole: RunInfo, parts: Sequence[Part], known: Sequence[RunInfo]) -> RunInfo:
    """Return the run info of the whole load.

    + known: those of each part
    """
    requests = sum(info.requests for info in known)
    cpu_ms = sum(info.cpu_ms_per_request * info.requests for info in known)
    workers = tuple(_of_worker(part, info) for part, info in zip(parts, known, strict=True))
    stops = [info.stopped_s for info in (whole, *known) if info.stopped_s is not None]
    return replace(
        whole,
        targets=next((info.targets for info in known if info.targets), ()),
        stopped_s=min(stops, default=None),
        cpu_percent=sum(worker.cpu_percent for worker in workers),
        cpu_ms_per_request=cpu_ms / requests if requests else 0.0,
        memory_mib=sum(worker.memory_mib for worker in workers),
        lateness_p50_ms=max(info.lateness_p50_ms for info in known),
        lateness_p99_ms=max(info.lateness_p99_ms for info in known),
        lateness_max_ms=max(info.lateness_max_ms for info in known),
        held_back=sum(info.held_back for info in known),
        busy_seconds=max(info.busy_seconds for info in known),
        stall_ms=max(info.stall_ms for info in known),
        requests=requests,
        workers=workers,
    )


def _of_worker(part: Part, info: RunInfo) -> WorkerInfo:
    worker, clock = part.worker, part.clock
    is_known = part.is_known
    return WorkerInfo(
        number=worker.number,
        users=part.planned.users,
        writes_planned=part.arrivals,
        writes_recorded=_lines_in(part.folder / LEDGER_FILE),
        cpu_percent=info.cpu_percent if is_known else worker.cpu_percent,
        memory_mib=info.memory_mib if is_known else worker.memory_mib,
        lateness_p99_ms=info.lateness_p99_ms if is_known else None,
        held_back=info.held_back if is_known else None,
        clock_ahead_ms=None if clock is None else clock.ahead_ms,
        clock_give_or_take_ms=None if clock is None else clock.give_or_take_ms,
        lost=worker.lost,
        host=worker.host,
    )


def _timed(path: Path) -> Iterator[tuple[float, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield float(orjson.loads(line)["ended_s"]), line
            except (orjson.JSONDecodeError, KeyError, TypeError):
                raise RecordError(path, number, "not a record with ended_s") from None


def _mend(folder: Path) -> None:
    """Cut off the half line that a killed process may have left in its records; make those it lacks."""
    for name in (LEDGER_FILE, READS_FILE):
        with (folder / name).open("a+b") as file:
            size = file.tell()
            tail = min(size, _LINE_BYTES_MAX)
            file.seek(size - tail)
            file.truncate(size - tail + file.read().rfind(b"\n") + 1)


_LINE_BYTES_MAX = 1 << 20
"""No record is longer: it holds one small JSON answer."""


def _lines_in(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
