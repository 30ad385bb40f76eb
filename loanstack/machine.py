"""How fast and how busy the machine is that everything runs on: a rate says little without it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_LOOP = 2_000_000
_LOOPS = 3
README_LOOP_MS = 64.0
"""What the loop took on the machine of the README's figures, right before its load."""


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


def speed(loop_ms: float) -> str:
    """Return how fast the machine was against the one of the README, in words; + loop_ms: for the loop."""
    ratio = loop_ms / README_LOOP_MS
    word = "as fast as" if 0.95 <= ratio <= 1.05 else f"{ratio:.2f} times as long as on"
    return f"one core took {loop_ms:.0f} ms for the loop, {word} the machine of the README"


def loop_ms() -> float:
    """Return how long one core takes for a fixed loop: to compare machines, and the same one over time.

    The shortest of three, because what else the machine does at that moment is not its speed.
    """
    return min(_loop_ms() for _ in range(_LOOPS))


def _loop_ms() -> float:
    started = time.perf_counter()
    count = 0
    for number in range(_LOOP):
        count += number & 1
    assert count == _LOOP // 2
    return round(1000 * (time.perf_counter() - started), 1)
