"""`readings.json`: counters of the hosts and of this machine, read right before and right after a load."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

import msgspec

from inventory.model import Environment, Role
from loanstack.measure.machine import CpuTimes
from loanstack.measure.portal_counts import Counts
from loanstack.measure.usage import HostUsage
from proof.files import read_json, write_whole

READINGS_FILE = "readings.json"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All counters at one moment."""

    hosts: Mapping[str, HostUsage]
    """Processor time and memory of each host's processes so far."""
    portals: Mapping[str, Counts]
    """Requests that each portal has counted so far."""
    machine: CpuTimes
    """Clock ticks of this machine's processors so far."""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The readings before and after one load."""

    before: Reading
    after: Reading
    figures: Mapping[str, float] = field(default_factory=dict)
    """Figures measured once, before the load: of the seeding, and of the machine's speed."""


class ReadingsError(ValueError):
    """A `readings.json` that is incomplete or damaged."""


def require_whole(found: Readings, env: Environment) -> None:
    """Check that every host was read before and after the load, with counters that only grew.

    Raises:
        ReadingsError: a host was not; names it. Hosts that make load may be missing: the load's own record
            tells when one is lost.
    """
    names = {host.name for host in env.hosts if not host.has(Role.LOADGEN)}
    for when, reading in (("before", found.before), ("after", found.after)):
        if missing := sorted(names - reading.hosts.keys()):
            raise ReadingsError(f"{READINGS_FILE}: {', '.join(missing)} not read {when} the load")
    if found.after.machine.busy < found.before.machine.busy:
        raise ReadingsError(f"{READINGS_FILE}: what was read after the load is from before it")
    wrong = [
        f"{name} {unit}"
        for reading in (found.before, found.after)
        for name, usage in reading.hosts.items()
        for unit, value in (*usage.cpu_s.items(), *usage.memory_mib.items())
        if not (isfinite(value) and value >= 0.0)
    ]
    if wrong:
        raise ReadingsError(f"{READINGS_FILE}: negative or no numbers: {', '.join(wrong[:5])}")


def write(folder: Path, readings: Readings) -> None:
    """Write `readings` into `folder`, whole or not at all."""
    write_whole(folder / READINGS_FILE, msgspec.json.format(msgspec.json.encode(readings), indent=1))


def read(folder: Path) -> Readings:
    """Return the readings of the load in `folder`.

    Raises:
        FileNotFoundError: the load was broken off before its end.
        FileError: the file is not what `write` writes.
    """
    return read_json(folder / READINGS_FILE, Readings)
