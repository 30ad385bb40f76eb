"""Samples the machine that the command runs on once a second: processors, pressure and disks.

In the lab all hosts run on this machine.
"""

import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Self

from loanstack.measure.machine import CpuTimes, at_reference_speed, loop_cpu_ms, parse_cpu_times
from proof.files import RecordError, read_lines

MACHINE_FILE = "machine.jsonl"
INTERVAL_S = 1.0
SAMPLES_MIN = 10
"""Fewer samples do not tell the machine's speed: the load was too short, or was not watched."""

_PRESSURE = ("cpu", "io", "memory")
_STALL = re.compile(r"^(some|full) .*total=(\d+)$", re.MULTILINE)
_NO_DISK = re.compile(r"(loop|ram|zram|dm-|md|sr)\d*|.*\dp\d+$|[sv]d[a-z]+\d+$")
"""Prefixes of devices that are not whole disks: their work is counted for the disks below, or is none."""


@dataclass(frozen=True, kw_only=True)
class MachineSample:
    """Counters at one moment."""

    at_s: float
    cpu: CpuTimes
    stalled_us: Mapping[str, int]
    """`cpu some`, `io full` and so on -> total so far; empty if the kernel has no pressure accounting."""
    disks_busy_ms: Mapping[str, int]
    """Disk -> total time with requests under way so far."""
    loop_cpu_ms: float
    """Not a counter: CPU time of the fixed loop at that moment, see `machine.loop_cpu_ms`."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """Use of the machine between two moments, in percent."""

    busy: float
    """Busy share of all processors."""
    stolen: float
    """Share of all processors that the hypervisor took for other machines."""
    stalled: Mapping[str, float]
    """Share of the time in which some task, or every task (`full`), waited for `cpu`, `io` or `memory`."""
    disks: Mapping[str, float]
    """Share of the time in which the disk had work."""


def parse_pressure(kind: str, text: str) -> dict[str, int]:
    """Return the totals in the text of `/proc/pressure/<kind>`, in microseconds."""
    return {f"{kind} {share}": int(total) for share, total in _STALL.findall(text)}


def parse_disks(text: str) -> dict[str, int]:
    """Return the time with requests under way of each whole disk in `/proc/diskstats`, in milliseconds."""
    rows = (line.split() for line in text.splitlines())
    return {row[2]: int(row[12]) for row in rows if len(row) > 12 and not _NO_DISK.fullmatch(row[2])}


def used(samples: Sequence[MachineSample], *, from_s: float, until_s: float) -> Used | None:
    """Return the machine's use in a window; None if fewer than two samples of different times lie in it."""
    inside = [sample for sample in samples if from_s <= sample.at_s <= until_s]
    if len(inside) < 2:
        return None
    first, last = inside[0], inside[-1]
    busy, idle, stolen = (
        getattr(last.cpu, name) - getattr(first.cpu, name) for name in ("busy", "idle", "stolen")
    )
    ticks = max(busy + idle + stolen, 1)
    seconds = last.at_s - first.at_s
    if seconds <= 0.0:
        return None
    return Used(
        busy=100.0 * busy / ticks,
        stolen=100.0 * stolen / ticks,
        stalled={
            name: (total - first.stalled_us.get(name, total)) / seconds / 1e4
            for name, total in last.stalled_us.items()
        },
        disks={
            name: (busy_ms - first.disks_busy_ms.get(name, busy_ms)) / seconds / 10.0
            for name, busy_ms in last.disks_busy_ms.items()
        },
    )


def sample() -> MachineSample:
    """Return the counters now."""
    stalled: dict[str, int] = {}
    for kind in _PRESSURE:
        try:
            stalled |= parse_pressure(kind, Path("/proc/pressure", kind).read_text())
        except OSError:
            # The kernel has no pressure accounting, or it is switched off: then reading fails.
            continue
    return MachineSample(
        at_s=time.time(),
        cpu=parse_cpu_times(Path("/proc/stat").read_text()),
        stalled_us=stalled,
        disks_busy_ms=parse_disks(Path("/proc/diskstats").read_text()),
        loop_cpu_ms=loop_cpu_ms(),
    )


class MachineWatch:
    """Samples the machine during a `with` block, and writes the samples into a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / MACHINE_FILE
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with self._path.open("w") as file:
            while True:
                file.write(json.dumps(asdict(sample())) + "\n")
                if self._over.wait(INTERVAL_S):
                    return


def read(folder: Path) -> tuple[MachineSample, ...]:
    """Return the samples in `folder`; none if nothing was sampled."""
    found: list[MachineSample] = []
    # If the watch was killed, its last line may be incomplete; the samples before it count.
    with suppress(RecordError, FileNotFoundError):
        found.extend(read_lines(folder / MACHINE_FILE, MachineSample))
    return tuple(found)


def figures(folder: Path, measured: Mapping[str, float], *, is_lab: bool) -> dict[str, float]:
    """Return the machine's mean speed in `folder`, and the load's CPU cost at the reference speed.

    Nothing if there are fewer than `SAMPLES_MIN` samples.

    + measured: figures of the load, of which `cpu_ms_per_transaction` depends on the speed
    + is_lab: whether the hosts run on this machine, so that its speed is theirs
    """
    samples = read(folder)
    if len(samples) < SAMPLES_MIN:
        return {}
    # The mean, not the minimum: the load's cost is a sum over the same time.
    loop_ms = fmean(sample.loop_cpu_ms for sample in samples)
    found = {"machine_loop_cpu_ms": round(loop_ms, 1)}
    if is_lab and "cpu_ms_per_transaction" in measured:
        cost_ms = at_reference_speed(measured["cpu_ms_per_transaction"], loop_cpu_ms=loop_ms)
        found["cpu_ms_per_transaction_at_reference_speed"] = round(cost_ms, 4)
    return found
