"""The machine that the command runs on, once a second beside a probe: its processors, pressure and disks.

In the lab it is the machine that everything runs on.
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
"""Fewer say nothing about how fast the machine was: the load was too short, or nobody watched it."""

_PRESSURE = ("cpu", "io", "memory")
_STALL = re.compile(r"^(some|full) .*total=(\d+)$", re.MULTILINE)
_NO_DISK = re.compile(r"(loop|ram|zram|dm-|md|sr)\d*|.*\dp\d+$|[sv]d[a-z]+\d+$")
"""Not whole disks of their own: their work is counted below them, or is none."""


@dataclass(frozen=True, kw_only=True)
class MachineSample:
    """Counters at one moment."""

    at_s: float
    cpu: CpuTimes
    stalled_us: Mapping[str, int]
    """`cpu some`, `io full` and so on -> how long so far; empty where the kernel does not say."""
    disks_busy_ms: Mapping[str, int]
    """Disk -> how long requests were under way so far."""
    loop_cpu_ms: float
    """Not a counter: what the fixed loop took right then, see `machine.loop_cpu_ms`."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """What was used between two moments, in percent."""

    busy: float
    """Of all processors."""
    stolen: float
    """Of all processors, taken by the hypervisor for other machines."""
    stalled: Mapping[str, float]
    """Of the time: in which some task, or every one (`full`), waited for `cpu`, `io` or `memory`."""
    disks: Mapping[str, float]
    """Of the time: in which the disk had work."""


def parse_pressure(kind: str, text: str) -> dict[str, int]:
    """Return the totals in `/proc/pressure/<kind>`, microseconds."""
    return {f"{kind} {share}": int(total) for share, total in _STALL.findall(text)}


def parse_disks(text: str) -> dict[str, int]:
    """Return how long each whole disk in `/proc/diskstats` had requests under way, milliseconds."""
    rows = (line.split() for line in text.splitlines())
    return {row[2]: int(row[12]) for row in rows if len(row) > 12 and not _NO_DISK.fullmatch(row[2])}


def used(samples: Sequence[MachineSample], *, from_s: float, until_s: float) -> Used | None:
    """Return what was used in a window; None if no two samples lie in it, one after the other."""
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
            # A kernel without pressure accounting, or with it switched off, which says so at the read.
            continue
    return MachineSample(
        at_s=time.time(),
        cpu=parse_cpu_times(Path("/proc/stat").read_text()),
        stalled_us=stalled,
        disks_busy_ms=parse_disks(Path("/proc/diskstats").read_text()),
        loop_cpu_ms=loop_cpu_ms(),
    )


class MachineWatch:
    """Samples from the start of a `with` block to its end, and writes them into a folder."""

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
    # The last line of a watch that was cut off is no sample; those before it stay.
    with suppress(RecordError, FileNotFoundError):
        found.extend(read_lines(folder / MACHINE_FILE, MachineSample))
    return tuple(found)


def figures(folder: Path, measured: Mapping[str, float], *, is_lab: bool) -> dict[str, float]:
    """Return how fast the machine was over all samples in `folder`, and what that makes of the load's cost.

    Nothing where too little was sampled.

    + measured: figures of the load; `cpu_ms_per_transaction` is the one that depends on the speed
    + is_lab: hosts run on this machine, so that its speed is theirs
    """
    samples = read(folder)
    if len(samples) < SAMPLES_MIN:
        return {}
    # What the load cost is a sum too.
    loop_ms = fmean(sample.loop_cpu_ms for sample in samples)
    found = {"machine_loop_cpu_ms": round(loop_ms, 1)}
    if is_lab and "cpu_ms_per_transaction" in measured:
        cost_ms = at_reference_speed(measured["cpu_ms_per_transaction"], loop_cpu_ms=loop_ms)
        found["cpu_ms_per_transaction_at_reference_speed"] = round(cost_ms, 4)
    return found
