"""Memory and open file handles of a host's components, by systemd unit: one answer of the host, parsed. Pure.

From /proc and not from control groups, because a host may offer either version of them, or none.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from inventory.model import Host, Role

READ = (
    "cd /proc && for each in [0-9]*; do set -- $each/fd/*; echo $each/fd:$#; done;"
    " grep -sH '^VmRSS:' [0-9]*/status; grep -sH '' [0-9]*/cgroup; true"
)
"""Prints `process/file:text`; processes that end meanwhile are left out."""

_CACHES_SQL = "SELECT SUM(cache_size) FROM oceanbase.__all_virtual_kvcache_info"
_READ_CACHES = f"echo '{_CACHES_SQL}' | loanstack-db sql | sed s/^/caches:/"
"""Prints what the database's caches hold, in bytes; they fill up to a share of its memory."""
_LINE = re.compile(r"(?P<pid>\d+)/(?P<file>fd|status|cgroup):(?P<text>.*)$")
_CACHES = re.compile(r"caches:(\d+)")
_UNIT = re.compile(r"([^/]+)\.service\b")
_UNITS = {
    Role.GATEWAY: ("nginx",),
    Role.TONGWEB: ("loanstack-tongweb",),
    Role.LOAN: ("loanstack-loan",),
    Role.OCEANBASE: ("loanstack-oceanbase", "loanstack-failover"),
    Role.ARBITER: ("etcd",),
}
DATABASE_UNIT = "loanstack-oceanbase"


@dataclass(frozen=True, kw_only=True)
class Component:
    """What the processes of one unit hold at one moment."""

    pid: int
    """Of its first process; another one says that it was restarted."""
    memory_mib: float
    """Resident, of all its processes."""
    handles: int
    """Open files and sockets."""
    caches_mib: float = 0.0
    """Of the memory, what a database says that its caches hold."""


def question(host: Host) -> str:
    """Return the shell command whose answer `parse` reads."""
    return f"{READ}; {_READ_CACHES}" if host.has(Role.OCEANBASE) else READ


def expected(host: Host) -> tuple[str, ...]:
    """Return the units that a host of these roles runs."""
    return tuple(unit for role, units in _UNITS.items() if host.has(role) for unit in units)


def parse(printed: str) -> Mapping[str, Component]:
    """Return the components in what a host answered to its `question`, by unit."""
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
    # What has no memory is a kernel thread, or a process that is just going.
    pids = [pid for pid in units if memory_kib[pid]]
    return {
        unit: Component(
            pid=min(int(pid) for pid in pids if units[pid] == unit),
            memory_mib=sum(memory_kib[pid] for pid in pids if units[pid] == unit) / 1024,
            handles=sum(handles[pid] for pid in pids if units[pid] == unit),
            caches_mib=caches_mib if unit == DATABASE_UNIT else 0.0,
        )
        for unit in dict.fromkeys(units[pid] for pid in pids)
    }
