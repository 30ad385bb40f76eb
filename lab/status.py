"""Status of the lab: which hosts run, since when, and with how much memory."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.table import Table

from inventory.model import Environment, Host
from lab import cgroups
from lab import host as hosts

_STYLE = {"up": "green", "booting": "yellow", "frozen": "yellow", "off": "red"}


class HostState(StrEnum):
    """State of a host."""

    UP = "up"
    BOOTING = "booting"
    """It runs but does not accept SSH, because it is booting or hangs."""
    FROZEN = "frozen"
    """All its processes are frozen."""
    OFF = "off"


@dataclass(frozen=True, kw_only=True)
class HostStatus:
    """Status of one host at one moment."""

    name: str
    centre: str
    roles: tuple[str, ...]
    address: str
    management_address: str
    state: HostState
    uptime_s: float | None
    memory_mib: float | None
    """Working set: its memory without the file cache that can be dropped."""


def of_hosts(environment: Environment) -> tuple[HostStatus, ...]:
    """Return the status of every host of `environment`, in its order."""
    with ThreadPoolExecutor(max_workers=len(environment.hosts)) as pool:
        return tuple(pool.map(_of_host, environment.hosts))


def total_memory_mib(statuses: Sequence[HostStatus]) -> float:
    """Return the memory of all hosts together, in MiB."""
    return sum(s.memory_mib or 0.0 for s in statuses)


def table(statuses: Sequence[HostStatus]) -> Table:
    """Return the statuses as a table for people."""
    shown = Table(title="The lab", caption=f"{total_memory_mib(statuses):,.0f} MiB in use by all hosts")
    for heading in ("host", "centre", "roles", "address", "state"):
        # Where the terminal is narrow, roles go over several lines; a name or a value is never cut.
        shown.add_column(heading, no_wrap=heading != "roles", min_width=8 if heading == "roles" else None)
    shown.add_column("uptime", justify="right", no_wrap=True)
    shown.add_column("memory", justify="right", no_wrap=True)
    for status in statuses:
        shown.add_row(
            status.name,
            status.centre,
            ", ".join(status.roles),
            status.address,
            f"[{_STYLE[status.state]}]{status.state}[/]",
            duration(status.uptime_s),
            "-" if status.memory_mib is None else f"{status.memory_mib:,.0f} MiB",
        )
    return shown


def duration(seconds: float | None) -> str:
    """Return a time span as text for people; `-` for None."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _of_host(host: Host) -> HostStatus:
    pids = cgroups.processes(host.name)
    state = HostState.OFF
    if cgroups.is_frozen(host.name):
        state = HostState.FROZEN
    elif pids:
        state = HostState.UP if hosts.answers_ssh(host.management_address) else HostState.BOOTING
    starts = [start for pid in pids if (start := _started_s(pid)) is not None]
    return HostStatus(
        name=host.name,
        centre=host.centre,
        roles=host.roles,
        address=host.address,
        management_address=host.management_address,
        state=state,
        uptime_s=time.clock_gettime(time.CLOCK_BOOTTIME) - min(starts) if starts else None,
        memory_mib=cgroups.memory_mib(host.name) if pids else None,
    )


def _started_s(pid: int) -> float | None:
    """Return when process `pid` started, in seconds since the machine's boot; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # Field 22 of proc(5), counted from 1; the first two were removed with the name.
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
