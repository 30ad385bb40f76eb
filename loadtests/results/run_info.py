"""`load.json`: the plan of a run, and the generator's own spare capacity."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from loadtests.plan.shape import CONSTANT
from loadtests.plan.storm import Storm
from proof.files import read_json, write_whole

LOAD_FILE = "load.json"


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """Spare capacity of one of several workers, and whether its part of the load is complete."""

    number: int
    """From 1."""
    users: int
    writes_planned: int
    """Planned writes, with those of the warm-up; the recorded writes include them too."""
    writes_recorded: int
    """All writes in its ledger."""
    cpu_percent: float
    """CPU in percent of one core; for a lost worker, its last report."""
    memory_mib: float
    lateness_p99_ms: float | None
    """None for a lost worker, as for `held_back`: its values are not known."""
    held_back: int | None
    clock_ahead_ms: float | None
    """How far its clock was ahead of the control machine's; None: not measured."""
    clock_give_or_take_ms: float | None
    lost: str | None
    """Why its part is not complete; None: it is complete."""
    host: str | None = None
    """Where it ran; None: on the control machine."""


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """Facts about a run that only its generator knows."""

    environment: str
    scenario: str
    rate_per_s: float
    """Mean of the planned rate."""
    duration_s: float
    spacing: str
    """`even` or `poisson`."""
    run_seed: int
    users: int
    targets: tuple[str, ...]
    """Base URLs that the users were spread over."""
    writes_planned: int
    """Arrivals of the whole duration, without those of the warm-up."""
    start_s: float
    """Unix time from which the run is measured."""
    stopped_s: float | None
    """Unix time at which the run was ended early; None if it ran to its end."""
    cpu_percent: float
    """CPU time of the generator over the run, in percent of one core."""
    cpu_ms_per_request: float
    """CPU time per request, reads included."""
    memory_mib: float
    """Highest resident memory of the generator."""
    lateness_p50_ms: float
    """How late the generator itself started arrivals for which a user was ready."""
    lateness_p99_ms: float
    lateness_max_ms: float
    held_back: int
    """Arrivals that started late because all users were busy."""
    warm_up_s: float = 0.0
    """How long before `start_s` the first arrival was due."""
    shape: str = CONSTANT
    """How the planned rate changed over time."""
    aborted: str | None = None
    """Why the run ended itself early: the promises that could no longer be kept."""
    busy_seconds: int = 0
    """Measured seconds in which the generator had almost no spare CPU."""
    stall_ms: float = 0.0
    """Longest time for which the generator itself stood still while it was measured."""
    requests: int = 0
    """Requests sent from the first arrival on, reads included."""
    storm: Storm | None = None
    """The storm of one legal entity; None: there was none."""
    workers: tuple[WorkerInfo, ...] = ()
    """Workers that made the load together; none: one process made it. With workers, CPU, memory, requests and
    `held_back` are sums over them, and each lateness is the worst of them."""

    @property
    def measured_s(self) -> float:
        """Length of the measured window: the duration, or the time until an early end."""
        if self.stopped_s is None:
            return self.duration_s
        return min(max(self.stopped_s - self.start_s, 0.0), self.duration_s)


def write(folder: Path, run_info: RunInfo) -> None:
    """Write `run_info` into `folder` atomically."""
    text = orjson.dumps(run_info, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(folder / LOAD_FILE, text)


def read(folder: Path) -> RunInfo:
    """Return the run info in `folder`.

    Raises:
        FileNotFoundError: the generator was killed before it could write them.
        FileError: the file is incomplete or damaged.
    """
    return read_json(folder / LOAD_FILE, RunInfo, remedy="run the load again")
