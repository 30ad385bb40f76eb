"""Speed and load of the machine that everything runs on, without which a rate says little."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LOOP = 2_000_000
_LOOPS = 3
_SHORT = 20
"""The loop is this many times shorter during a load, so that it takes little CPU from the load."""
REFERENCE_LOOP_CPU_MS = 74.0
"""The reference speed: time of the loop during a load of 1000/s on the machine that the README describes,
the mean of five loads (72 to 79). Costs are compared at this speed."""
SLOWER_MAX = 1.5
"""Largest slowdown that is corrected. A loop of sums and a database slow down alike only if the slowdown is
small. Measured: 0.92 to 1.11."""


@dataclass(frozen=True, kw_only=True)
class CpuTimes:
    """Clock ticks of all processors since boot."""

    busy: int
    idle: int
    stolen: int
    """Taken by the hypervisor for other machines."""


def parse_cpu_times(stat: str) -> CpuTimes:
    """Return the processor times in the text of `/proc/stat`."""
    # user nice system idle iowait irq softirq steal; guests are within user already
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, stat.splitlines()[0].split()[1:9])
    return CpuTimes(busy=user + nice + system + irq + softirq, idle=idle + iowait, stolen=steal)


def cpu_times() -> CpuTimes:
    """Return the processor times now."""
    return parse_cpu_times(Path("/proc/stat").read_text())


def figures(before: CpuTimes, after: CpuTimes) -> dict[str, float]:
    """Return how busy all cores were between two moments, and how much time the hypervisor took."""
    busy, idle, stolen = (getattr(after, name) - getattr(before, name) for name in ("busy", "idle", "stolen"))
    whole = busy + idle + stolen
    if whole <= 0:
        return {}
    return {
        "machine_busy_s": round(busy / os.sysconf("SC_CLK_TCK"), 2),
        "machine_busy_percent": round(100 * busy / whole, 1),
        "machine_stolen_percent": round(100 * stolen / whole, 1),
    }


def speed(loop_cpu_ms: float) -> str:
    """Return a sentence that compares the machine's speed with the reference machine's.

    + loop_cpu_ms: CPU time of the loop during the load, see `loop_cpu_ms()`
    """
    ratio = loop_cpu_ms / REFERENCE_LOOP_CPU_MS
    word = "as fast as" if 0.95 <= ratio <= 1.05 else f"{ratio:.2f} times as long as on"
    return f"one core took {loop_cpu_ms:.0f} ms for the loop amid the load, {word} the reference machine"


def at_reference_speed(cpu_ms: float, *, loop_cpu_ms: float) -> float:
    """Return the processor time that would have been used at the reference speed instead of `cpu_ms`.

    The same instructions take longer when other processes use the same caches, clock or physical core; the
    software is not the cause. On a faster machine the measured time is returned, so costs never rise.

    + loop_cpu_ms: CPU time of the loop, in the period in which `cpu_ms` was used
    """
    slower = min(max(loop_cpu_ms / REFERENCE_LOOP_CPU_MS, 1.0), SLOWER_MAX)
    return cpu_ms / slower


def loop_ms() -> float:
    """Return how long one core takes for a fixed loop, to compare machines, or one machine over time.

    The shortest of three runs, because other work on the machine must not count.
    """
    return min(round(1000 * _counted_s(_LOOP, time.perf_counter), 1) for _ in range(_LOOPS))


def loop_cpu_ms() -> float:
    """Return the processor time of the same loop, from a shorter one: a core's speed during a load.

    If other processes use the core's sibling, caches or clock, the same instructions take longer, and all
    measured processor times rise alike. Time in which the thread waited for a core is not counted.
    """
    return round(1000 * _SHORT * _counted_s(_LOOP // _SHORT, time.thread_time), 2)


def _counted_s(rounds: int, clock: Callable[[], float]) -> float:
    started = clock()
    count = 0
    for number in range(rounds):
        count += number & 1
    assert count == rounds // 2
    return clock() - started
