"""`load.json`: what a run planned, and what the generator itself had to spare."""

from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import orjson

from loadtests.shape import CONSTANT

LOAD_FILE = "load.json"


@dataclass(frozen=True, kw_only=True)
class LoadFacts:
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

    @property
    def measured_s(self) -> float:
        """Length of the measured window: the duration, or up to the early end."""
        if self.stopped_s is None:
            return self.duration_s
        return min(max(self.stopped_s - self.start_s, 0.0), self.duration_s)


class LoadFactsError(ValueError):
    """A `load.json` that lacks what its writer promises."""


def write(folder: Path, facts: LoadFacts) -> None:
    """Write `facts` into `folder`, whole or not at all."""
    unfinished = folder / f".{LOAD_FILE}"
    unfinished.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    unfinished.rename(folder / LOAD_FILE)


def read(folder: Path) -> LoadFacts:
    """Return the facts of the run in `folder`.

    Raises:
        FileNotFoundError: the generator was killed before it could write them.
        LoadFactsError: the file is not what `write` writes.
    """
    path = folder / LOAD_FILE
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as broken:
        raise LoadFactsError(f"{path} is not JSON ({broken.msg}); run the load again") from None
    known = {field.name for field in fields(LoadFacts)}
    needed = {field.name for field in fields(LoadFacts) if field.default is MISSING}
    has = set(found) if isinstance(found, dict) else set()
    wrong = (needed - has) | (has - known)
    if wrong:
        raise LoadFactsError(
            f"{path}: fields missing or unknown: {', '.join(sorted(wrong))}; run the load again"
        )
    return LoadFacts(**{**found, "targets": tuple(found["targets"])})
