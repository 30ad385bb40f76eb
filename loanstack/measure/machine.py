"""How fast and how busy the machine is that everything runs on: a rate says little without it."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LOOP = 2_000_000
_LOOPS = 3
_SHORT = 20
"""Beside a load the loop is this much shorter: it must not cost the load what it measures."""
REFERENCE_LOOP_CPU_MS = 74.0
"""The reference speed: what the loop takes amid a load of 1000/s on the machine that the README describes,
the mean of five loads (72 to 79). Costs are compared at this speed."""
SLOWER_MAX = 1.5
"""What is allowed for at most: how a loop of nothing but sums and a database slow down is the same for small
differences alone. Measured: 0.92 to 1.11."""


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
    """Return how busy all cores were between two moments, and how much of them was taken away."""
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
    """Return how fast the machine was against the reference machine, in words.

    + loop_cpu_ms: of the loop amid the load, see there
    """
    ratio = loop_cpu_ms / REFERENCE_LOOP_CPU_MS
    word = "as fast as" if 0.95 <= ratio <= 1.05 else f"{ratio:.2f} times as long as on"
    return f"one core took {loop_cpu_ms:.0f} ms for the loop amid the load, {word} the reference machine"


def at_reference_speed(cpu_ms: float, *, loop_cpu_ms: float) -> float:
    """Return what `cpu_ms` of processor time would have been at the reference speed.

    The same instructions take longer beside neighbours that use the same caches, clock or physical core, and
    that is not the software's doing. A faster machine makes nothing dearer: there it is what was measured.

    + loop_cpu_ms: of the loop, at the time in which `cpu_ms` was used
    """
    slower = min(max(loop_cpu_ms / REFERENCE_LOOP_CPU_MS, 1.0), SLOWER_MAX)
    return cpu_ms / slower


def loop_ms() -> float:
    """Return how long one core takes for a fixed loop: to compare machines, and the same one over time.

    The shortest of three, because what else the machine does at that moment is not its speed.
    """
    return min(round(1000 * _counted_s(_LOOP, time.perf_counter), 1) for _ in range(_LOOPS))


def loop_cpu_ms() -> float:
    """Return the processor time of the same loop, from a shorter one: how fast a core is amid a load.

    A core whose sibling, caches or clock others use takes longer for the same instructions, and whatever is
    measured in processor time is dearer by as much. What the thread waited for a core does not count.
    """
    return round(1000 * _SHORT * _counted_s(_LOOP // _SHORT, time.thread_time), 2)


def _counted_s(rounds: int, clock: Callable[[], float]) -> float:
    started = clock()
    count = 0
    for number in range(rounds):
        count += number & 1
    assert count == rounds // 2
    return clock() - started
