"""Which resource ran out during a probe, as far as the evidence shows. Pure.

Each resource has a measured share of use, and a threshold from which it counts as used up, after Gregg's USE
method ("Thinking Methodically about Performance", 2012). The share of use is the utilisation of the resource;
if it has none, the share of time in which something waited for it. Of the resources that are used up, the
deepest is named: a run queue is a symptom of a saturated CPU, so report the CPU and not the queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loanstack.capacity.database_watch import Statements
from loanstack.capacity.prometheus import HostUse, PoolUse
from loanstack.measure.machine_watch import Used

CPU_FULL_PERCENT = 90.0
"""Mean over the window: above it, uneven arrivals find every processor busy."""
STOLEN_FULL_PERCENT = 10.0
DISK_FULL_PERCENT = 90.0
IO_FULL_PERCENT = 20.0
"""Share of the time in which every task that could run waited for a disk."""
BLOCKED_FULL_PERCENT = 50.0
"""Share of the samples in which a statement waited for a row lock."""
WAIT_FULL_PERCENT = 30.0
"""Share of the statements' time in which they waited, for anything that the database counts as waiting."""
POOL_FULL_PERCENT = 50.0
"""Share of the samples in which requests waited for a connection."""
GENERATOR_FULL_PERCENT = 80.0
"""Share of the one core that a generator can use."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was measured during one probe; None or empty: not measured."""

    is_shared: bool = False
    """Whether one machine runs all hosts and the generator (the lab)."""
    cores: int | None = None
    machine: Used | None = None
    """The machine that the command ran on."""
    components: Mapping[str, float] = field(default_factory=dict)
    """Component -> percent of that machine's processors; only if the machine runs all hosts."""
    hosts: Sequence[HostUse] = ()
    pools: Sequence[PoolUse] = ()
    statements: Statements | None = None
    generator_cpu_percent: float | None = None


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource and how much of it was used."""

    name: str
    used: float
    """In percent, measured as `full_at` is."""
    full_at: float
    summary: str
    """The evidence, in words."""

    @property
    def is_full(self) -> bool:
        """Whether the resource ran out."""
        return self.used >= self.full_at

    def __str__(self) -> str:
        return f"{self.name} ({self.summary})"


def ranked(evidence: Evidence) -> tuple[Resource, ...]:
    """Return the measured resources: first those that ran out, the deepest first, then the others by use."""
    found = [*_generator(evidence), *_processors(evidence), *_disks(evidence), *_waits(evidence)]
    full = [resource for resource in found if resource.is_full]
    left = sorted((r for r in found if not r.is_full), key=lambda r: r.used / r.full_at, reverse=True)
    return (*full, *left)


def statement(evidence: Evidence) -> str:
    """Return one sentence that names what ran out, or says that nothing is known to have run out."""
    resources = ranked(evidence)
    if not resources:
        return "ran out: not known, because nothing was measured beside the probe"
    first = resources[0]
    if not first.is_full:
        return f"ran out: nothing that was measured; closest: {first}"
    words = f"ran out: {first}"
    others = [resource.name for resource in resources[1:] if resource.is_full]
    if others:
        words += f"; full as well: {', '.join(others)}"
    if evidence.is_shared and evidence.cores is not None:
        words += f"; all hosts and the load generator share its {evidence.cores} cores"
    return words


def _generator(evidence: Evidence) -> list[Resource]:
    if evidence.generator_cpu_percent is None:
        return []
    percent = evidence.generator_cpu_percent
    return [
        Resource(
            name="the load generator",
            used=percent,
            full_at=GENERATOR_FULL_PERCENT,
            summary=f"{percent:.0f} % of the one core that it can use",
        )
    ]


def _processors(evidence: Evidence) -> list[Resource]:
    machine = evidence.machine
    if machine is None or not evidence.is_shared:
        return [part for use in evidence.hosts for part in _of_host(use)]
    parts = sorted(evidence.components.items(), key=lambda part: -part[1])
    shares = ", ".join(f"{name} {percent:.0f} %" for name, percent in parts)
    stall = machine.stalled.get("cpu some")
    words = f"{machine.busy:.0f} % busy" + (f": {shares}" if shares else "")
    if stall is not None:
        words += f"; tasks waited for it {stall:.0f} % of the time"
    return [
        _stolen("the machine", machine.stolen),
        Resource(
            name="CPU of the machine",
            # Stolen time cannot be used, so a processor that loses some is full below 100 %.
            used=machine.busy + machine.stolen,
            full_at=CPU_FULL_PERCENT,
            summary=words,
        ),
    ]


def _of_host(use: HostUse) -> tuple[Resource, Resource]:
    cpu = Resource(
        name=f"CPU of {use.host}",
        used=use.busy + use.stolen,
        full_at=CPU_FULL_PERCENT,
        summary=f"{use.busy:.0f} % busy",
    )
    return _stolen(use.host, use.stolen), cpu


def _stolen(where: str, percent: float) -> Resource:
    return Resource(
        name=f"processors that the hypervisor gave to others (of {where})",
        used=percent,
        full_at=STOLEN_FULL_PERCENT,
        summary=f"{percent:.0f} % stolen",
    )


def _disks(evidence: Evidence) -> list[Resource]:
    machine = evidence.machine
    if machine is None or not evidence.is_shared:
        return [_disk(f"disk of {use.host}", use.disk) for use in evidence.hosts]
    found = [_disk(f"disk {name}", percent) for name, percent in machine.disks.items()]
    stall = machine.stalled.get("io full")
    if stall is not None:
        summary = f"everything waited for disks {stall:.1f} % of the time"
        found.append(Resource(name="disks", used=stall, full_at=IO_FULL_PERCENT, summary=summary))
    return found


def _disk(name: str, percent: float) -> Resource:
    summary = f"it had work {percent:.0f} % of the time"
    return Resource(name=name, used=percent, full_at=DISK_FULL_PERCENT, summary=summary)


def _waits(evidence: Evidence) -> list[Resource]:
    found = []
    of = evidence.statements
    if of is not None:
        percent, each_us = 100.0 * of.waited_us / of.elapsed_us, of.elapsed_us / of.executions
        blocked = 100.0 * of.blocked_share
        summary = f"statements waited for one in {blocked:.0f} % of the samples"
        found.append(
            Resource(
                name="row locks of the database", used=blocked, full_at=BLOCKED_FULL_PERCENT, summary=summary
            )
        )
        summary = f"{percent:.1f} % of the time of {of.executions} statements, {each_us:.0f} us each"
        found.append(
            Resource(
                name="waits inside the database", used=percent, full_at=WAIT_FULL_PERCENT, summary=summary
            )
        )
    for pool in evidence.pools:
        summary = (
            f"{pool.in_use_mean:.1f} of {pool.size:.0f} connections in use; requests waited in"
            f" {pool.waiting_share:.0%} of the samples"
        )
        used = 100.0 * pool.waiting_share
        found.append(
            Resource(
                name=f"connections of {pool.host}", used=used, full_at=POOL_FULL_PERCENT, summary=summary
            )
        )
    return found
