"""Whether memory and handles of the components stayed flat over a soak. Pure but for the record's file.

Only the second half is judged, because caches fill during the first. The slope is the Theil-Sen estimator,
the median of the slopes between all pairs of samples: a garbage collection or a burst changes it little.
A database's memory is a sawtooth, because it keeps rows until it dumps them. So the slope is taken of its
floor: the minimum over each stretch that is long enough to hold a dump. The database's caches are left out of
it: they go on filling for longer than an hour, and have a limit of their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median

import orjson

from inventory.slo import SoakSlo
from loanstack.measure.units import OCEANBASE
from proof.files import read_if_there
from proof.verdict import Finding, Verdict

SAMPLES_FILE = "components.jsonl"
NAME = "soak"
_THINNED_TO = 300
"""Samples used at most: more would not change the slope, and the number of pairs grows with the square."""

Key = tuple[str, str]
"""Host and unit."""


@dataclass(frozen=True, kw_only=True)
class ComponentSample:
    """Memory and file handles of one component at one moment."""

    at_s: float
    host: str
    unit: str
    pid: int
    memory_mib: float
    handles: int
    caches_mib: float = 0.0
    """The part of the memory that a database's caches hold."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How one component's memory and file handles changed over a soak."""

    host: str
    unit: str
    samples: int
    judged_samples: int
    restarts: int
    memory_mib_first: float = 0.0
    memory_mib_last: float = 0.0
    memory_mib_per_h: float = 0.0
    memory_mib_per_h_max: float
    caches_mib: float = 0.0
    """Maximum over the whole window."""
    caches_mib_max: float = 0.0
    handles_first: int = 0
    handles_last: int = 0
    handles_per_h: float = 0.0
    handles_per_h_max: float
    samples_min: int

    @property
    def violations(self) -> tuple[str, ...]:
        """One sentence for each value that grew faster than promised, or passed its limit."""
        grew = []
        if self.memory_mib_per_h > self.memory_mib_per_h_max:
            most = f"promised: at most {self.memory_mib_per_h_max:g}"
            grew.append(f"{self.name}: memory grows by {self.memory_mib_per_h:.1f} MiB/h; {most}")
        if self.caches_mib > self.caches_mib_max:
            most = f"their limit: {self.caches_mib_max:g}"
            grew.append(f"{self.name}: its caches hold {self.caches_mib:.0f} MiB; {most}")
        if self.handles_per_h > self.handles_per_h_max:
            most = f"promised: at most {self.handles_per_h_max:g}"
            grew.append(f"{self.name}: {self.handles_per_h:.1f} more open handles an hour; {most}")
        return tuple(grew)

    @property
    def name(self) -> str:
        """The component's name in sentences."""
        return f"{self.unit} on {self.host}"


def encode(sample: ComponentSample) -> bytes:
    """Return the JSON line of `sample`, with its newline."""
    return orjson.dumps(sample, option=orjson.OPT_APPEND_NEWLINE)


def read(folder: Path) -> Iterator[ComponentSample]:
    """Yield the samples in `folder`; none if there are none."""
    yield from read_if_there(folder / SAMPLES_FILE, ComponentSample)


def slope_per_h(points: Sequence[tuple[float, float]]) -> float:
    """Return the growth of a value per hour (Theil-Sen); 0 if no two points differ in time.

    + points: (seconds, value)
    """
    step = max(1, -(-len(points) // _THINNED_TO))
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(points[::step], 2)
        if later[0] > earlier[0]
    ]
    return 3600.0 * median(slopes) if slopes else 0.0


def floor(points: Sequence[tuple[float, float]], stretch: int) -> list[tuple[float, float]]:
    """Return the minimum of each run of `stretch` consecutive points, at the time of the first of them.

    + points: (seconds, value)
    """
    return [
        (points[first][0], min(value for _, value in points[first : first + stretch]))
        for first in range(len(points) - stretch + 1)
    ]


def judge(
    samples: Iterable[ComponentSample],
    expected: Iterable[Key],
    slo: SoakSlo,
    *,
    from_s: float,
    until_s: float,
    caches_mib_max: float,
) -> Finding:
    """Return whether every expected component stayed flat in the second half of a window (unix times).

    A component that was restarted is not flat, whatever its slope is. Too few samples: INVALID.

    + caches_mib_max: limit of a database's caches
    """
    series: defaultdict[Key, list[ComponentSample]] = defaultdict(list)
    for sample in samples:
        if from_s <= sample.at_s < until_s:
            series[sample.host, sample.unit].append(sample)
    half_s = from_s + (until_s - from_s) / 2.0
    trends = [
        trend(key, series[key], slo, half_s=half_s, caches_mib_max=caches_mib_max)
        for key in sorted(set(expected))
    ]
    restarted = [f"{one.name} was restarted: {one.restarts} in all" for one in trends if one.restarts]
    few = [one for one in trends if one.judged_samples < one.samples_min]
    missing = [
        f"{one.judged_samples} samples in the judged half of {one.name}; needed: at least {one.samples_min}"
        for one in sorted(few, key=lambda one: one.judged_samples - one.samples_min)
    ][:1]
    violations = [] if few else [grew for one in trends for grew in one.violations]
    broken = (*restarted, *violations)
    return Finding(
        name=NAME,
        verdict=Verdict.FAIL if broken else Verdict.INVALID if missing else Verdict.PASS,
        reasons=(*broken, *missing),
        figures={
            "soak_components": len(trends),
            "soak_samples": min((one.judged_samples for one in trends), default=0),
            "soak_memory_mib_per_h_max": max((one.memory_mib_per_h for one in trends), default=0.0),
            "soak_caches_mib_max": max((one.caches_mib for one in trends), default=0.0),
            "soak_handles_per_h_max": max((one.handles_per_h for one in trends), default=0.0),
            "soak_restarts": sum(one.restarts for one in trends),
        },
        listed=tuple(asdict(one) for one in trends),
    )


def trend(
    key: Key, samples: Sequence[ComponentSample], slo: SoakSlo, *, half_s: float, caches_mib_max: float
) -> Trend:
    """Return the trend of the component `key`; samples from `half_s` (unix time) on are judged."""
    host, unit = key
    judged = [sample for sample in samples if sample.at_s >= half_s]
    is_database = unit == OCEANBASE
    memory = [(one.at_s, one.memory_mib - one.caches_mib) for one in judged]
    if is_database:
        memory = floor(memory, slo.database_dump_samples)
    found = Trend(
        host=host,
        unit=unit,
        samples=len(samples),
        judged_samples=len(judged),
        restarts=sum(one.pid != following.pid for one, following in pairwise(samples)),
        memory_mib_per_h_max=slo.database_memory_mib_per_h_max if is_database else slo.memory_mib_per_h_max,
        caches_mib=round(max((one.caches_mib for one in samples), default=0.0), 1),
        caches_mib_max=caches_mib_max if is_database else 0.0,
        handles_per_h_max=slo.handles_per_h_max,
        samples_min=slo.database_samples_min if is_database else slo.samples_min,
    )
    if not samples:
        return found
    return replace(
        found,
        memory_mib_first=round(samples[0].memory_mib, 1),
        memory_mib_last=round(samples[-1].memory_mib, 1),
        memory_mib_per_h=round(slope_per_h(memory), 1),
        handles_first=samples[0].handles,
        handles_last=samples[-1].handles,
        handles_per_h=round(slope_per_h([(one.at_s, float(one.handles)) for one in judged]), 1),
    )
