"""`load.json`: what a run planned, and what the generator itself had to spare."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from loadtests.plan.shape import CONSTANT
from loadtests.plan.storm import Storm
from proof.files import FileError, read_json, write_whole

LOAD_FILE = "load.json"


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """What one of several workers had to spare, and whether its part of the load is whole."""

    number: int
    """From 1."""
    users: int
    writes_planned: int
    """With those of the warm-up, as also of what is recorded."""
    writes_recorded: int
    """All in its ledger."""
    cpu_percent: float
    """In percent of one core; of a lost worker, as it said last."""
    memory_mib: float
    lateness_p99_ms: float | None
    """None: a worker that was lost took it along; so with what is held back."""
    held_back: int | None
    clock_ahead_ms: float | None
    """What its clock was ahead of the control machine's; None: not measured."""
    clock_give_or_take_ms: float | None
    lost: str | None
    """Why its part is not whole; None: it is."""
    host: str | None = None
    """Where it ran; None: on the control machine."""


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """What only the generator knows about its run."""

    environment: str
    scenario: str
    rate_per_s: float
    """Mean of the planned rate."""
    duration_s: float
    spacing: str
    """Evenly, or as strangers arrive."""
    run_seed: int
    users: int
    targets: tuple[str, ...]
    """Base URLs the users were spread over."""
    writes_planned: int
    """Arrivals of the whole duration, without those of the warm-up."""
    start_s: float
    """Unix time from which the run is measured."""
    stopped_s: float | None
    """Unix time at which the run was ended early; None if it ran to its end."""
    cpu_percent: float
    """CPU time of the generator over the run, in percent of one core."""
    cpu_ms_per_request: float
    """The same per request, reads included."""
    memory_mib: float
    """Highest resident memory of the generator."""
    lateness_p50_ms: float
    """How late the generator itself started arrivals for which a user stood ready."""
    lateness_p99_ms: float
    lateness_max_ms: float
    held_back: int
    """Arrivals that started late because all users were busy."""
    warm_up_s: float = 0.0
    """How long before `start_s` the first arrival was due."""
    shape: str = CONSTANT
    """How the planned rate went over time."""
    aborted: str | None = None
    """Why it was ended early by itself: the promises that could not be kept any more."""
    busy_seconds: int = 0
    """Seconds of what is measured in which the generator had next to no CPU to spare."""
    requests: int = 0
    """Sent from the first arrival on, reads included."""
    storm: Storm | None = None
    """When one legal entity asked for more than its part; None: never."""
    workers: tuple[WorkerInfo, ...] = ()
    """Those that made the load together; none: one process made it. Then CPU, memory, requests and what was
    held back are sums over them, and a lateness is that of the worker that was latest."""

    @property
    def measured_s(self) -> float:
        """Length of the measured window: the duration, or up to the early end."""
        if self.stopped_s is None:
            return self.duration_s
        return min(max(self.stopped_s - self.start_s, 0.0), self.duration_s)


RunInfoError = FileError
"""What `loadtests.workers` calls it."""


def write(folder: Path, facts: RunInfo) -> None:
    """Write `facts` into `folder`, whole or not at all."""
    text = orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(folder / LOAD_FILE, text)


def read(folder: Path) -> RunInfo:
    """Return the facts of the run in `folder`.

    Raises:
        FileNotFoundError: the generator was killed before it could write them.
        FileError: the file is not what `write` writes.
    """
    return read_json(folder / LOAD_FILE, RunInfo, remedy="run the load again")
