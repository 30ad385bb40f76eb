"""Memory and open file handles of a host's components, by systemd unit: one answer of the host, parsed. Pure.

Read from /proc and not from control groups, because a host may have version 1 or 2 of them, or none.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.model import Host, Role
from loanstack.measure.units import AGENT, ETCD, GATEWAY, LOAN_SERVICES, OCEANBASE, PORTAL

READ = (
    "cd /proc && for each in [0-9]*; do set -- $each/fd/*; echo $each/fd:$#; done;"
    " grep -sH '^VmRSS:' [0-9]*/status; grep -sH '' [0-9]*/cgroup; true"
)
"""Prints `process/file:text`; processes that end meanwhile are left out."""

_CACHES_SQL = "SELECT SUM(cache_size) FROM oceanbase.__all_virtual_kvcache_info"
_READ_CACHES = f"echo '{_CACHES_SQL}' | loanstack-db sql | sed s/^/caches:/"
"""Prints the size of the database's caches in bytes; they fill up to a share of the database's memory."""
_LINE = re.compile(r"(?P<pid>\d+)/(?P<file>fd|status|cgroup):(?P<text>.*)$")
_CACHES = re.compile(r"caches:(\d+)")
_UNIT = re.compile(r"([^/]+)\.service\b")
_UNITS = {
    Role.GATEWAY: (GATEWAY,),
    Role.TONGWEB: (PORTAL,),
    Role.LOAN: (LOAN_SERVICES,),
    Role.OCEANBASE: (OCEANBASE, AGENT),
    Role.ETCD: (ETCD,),
}


@dataclass(frozen=True, kw_only=True)
class Component:
    """Memory and file handles of one unit's processes at one moment."""

    pid: int
    """Process id of the unit's first process; a different one means that the unit was restarted."""
    memory_mib: float
    """Resident memory of all its processes."""
    handles: int
    """Open files and sockets of all its processes."""
    caches_mib: float = 0.0
    """The part of the memory that a database reports for its caches."""


def question(host: Host) -> str:
    """Return the shell command whose output `parse` reads."""
    return f"{READ}; {_READ_CACHES}" if host.has(Role.OCEANBASE) else READ


def expected(host: Host) -> tuple[str, ...]:
    """Return the units that a host of these roles runs."""
    return tuple(unit for role, units in _UNITS.items() if host.has(role) for unit in units)


def parse(printed: str) -> Mapping[str, Component]:
    """Return the components in a host's output of the command `question`, by unit."""
    units: dict[str, str] = {}
    memory_kib: Counter[str] = Counter()
    handles: Counter[str] = Counter()
    caches_mib = 0.0
    for line in printed.splitlines():
        if (held := _CACHES.fullmatch(line)) is not None:
            caches_mib = int(held[1]) / (1 << 20)
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match["pid"], match["text"]
        if match["file"] == "fd":
            handles[pid] = int(text)
        elif match["file"] == "status":
            memory_kib[pid] = int(text.split()[1])
        elif (found := _UNIT.search(text)) is not None:
            units.setdefault(pid, found[1])
    # A process without memory is a kernel thread, or is just ending.
    pids = [pid for pid in units if memory_kib[pid]]
    return {
        unit: Component(
            pid=min(int(pid) for pid in pids if units[pid] == unit),
            memory_mib=sum(memory_kib[pid] for pid in pids if units[pid] == unit) / 1024,
            handles=sum(handles[pid] for pid in pids if units[pid] == unit),
            caches_mib=caches_mib if unit == OCEANBASE else 0.0,
        )
        for unit in dict.fromkeys(units[pid] for pid in pids)
    }
