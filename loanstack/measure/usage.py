"""Processor time and memory of every host, by systemd unit: read from /proc over SSH, summed here.

Read from /proc and not from control groups, because a host may have version 1 or 2 of them, or none.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inventory.model import Environment, Host, Role
from loanstack.measure.units import PORTAL
from processes import ssh

_TIMEOUT_S = 30.0
_OTHER = "other"

_READ = (
    "getconf CLK_TCK; "
    "grep -sH '' /proc/[0-9]*/stat /proc/[0-9]*/cgroup; "
    "grep -sH '^Pss:' /proc/[0-9]*/smaps_rollup; true"
)
"""Prints clock ticks per second, then `file:line` of each file; processes that end meanwhile are left out."""

_LINE = re.compile(r"^/proc/(?P<pid>\d+)/(?P<file>stat|cgroup|smaps_rollup):(?P<text>.*)$")
_UNIT = re.compile(r"([^/]+)\.(?:service|scope)\b")


class UsageError(RuntimeError):
    """The usage of a host could not be read."""


@dataclass(frozen=True, kw_only=True)
class HostUsage:
    """Processor time and memory of one host's processes so far, by unit."""

    cpu_s: Mapping[str, float] = field(default_factory=dict)
    """Processor time of each process since its start."""
    memory_mib: Mapping[str, float] = field(default_factory=dict)
    """Proportional set size now: shared pages are divided among the processes that share them."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Usage of one unit on one host during a load."""

    host: str
    unit: str
    cpu_s: float
    memory_mib: float


def parse(printed: str) -> HostUsage:
    """Return the usage in the output of the reading command.

    Raises:
        ValueError: the output does not begin with the clock ticks per second.
    """
    lines = printed.splitlines()
    if not lines or not lines[0].isdigit():
        raise ValueError(f"usage: {lines[:1]!r} is not the number of clock ticks per second")
    ticks_per_s = int(lines[0])
    ticks: dict[str, int] = {}
    memory_kib: Counter[str] = Counter()
    units: dict[str, str] = {}
    for line in lines[1:]:
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match["pid"], match["text"]
        if match["file"] == "stat":
            # The program's name may contain blanks and parentheses, so count the fields after it.
            fields = text.rpartition(")")[2].split()
            ticks[pid] = int(fields[11]) + int(fields[12])
        elif match["file"] == "cgroup":
            found = _UNIT.search(text)
            if found is not None:
                units.setdefault(pid, found.group(1))
        else:
            memory_kib[pid] += int(text.split()[1])
    cpu_s: defaultdict[str, float] = defaultdict(float)
    memory_mib: defaultdict[str, float] = defaultdict(float)
    for pid, count in ticks.items():
        unit = units.get(pid, _OTHER)
        cpu_s[unit] += count / ticks_per_s
        memory_mib[unit] += memory_kib[pid] / 1024
    return HostUsage(cpu_s=dict(cpu_s), memory_mib=dict(memory_mib))


def read(env: Environment) -> dict[str, HostUsage]:
    """Return the usage of every host now, all read at once.

    A host that makes load and does not answer is left out: its usage is not part of the system's cost, and
    the record of its load tells that the worker was lost.

    Raises:
        UsageError: a host of another role did not answer; names all such hosts.
    """
    found: dict[str, HostUsage] = {}
    problems: dict[Host, str] = {}
    answers = ssh.run_on_all(env, ((host, _READ) for host in env.hosts), within_s=_TIMEOUT_S)
    for host, answer in answers:
        if answer is None:
            problems[host] = f"{host.name} did not answer within {_TIMEOUT_S:g} s"
            continue
        try:
            found[host.name] = parse(answer.stdout)
        except ValueError:
            problems[host] = f"{host.name}: {answer.stderr.strip() or 'no answer'}"
    fatal = [problem for host, problem in problems.items() if not host.has(Role.LOADGEN)]
    if fatal:
        raise UsageError("; ".join(fatal))
    return found


def rows(before: Mapping[str, HostUsage], after: Mapping[str, HostUsage]) -> tuple[Row, ...]:
    """Return each unit's CPU time between two readings, and its memory at the second; the busiest first."""
    found = [
        Row(
            host=host,
            unit=unit,
            # A unit that was restarted meanwhile counts from 0 again.
            cpu_s=max(0.0, cpu_s - before[host].cpu_s.get(unit, 0.0)) if host in before else cpu_s,
            memory_mib=usage.memory_mib.get(unit, 0.0),
        )
        for host, usage in after.items()
        for unit, cpu_s in usage.cpu_s.items()
    ]
    return tuple(sorted(found, key=lambda row: (-row.cpu_s, -row.memory_mib)))


def figures(
    found: Sequence[Row], env: Environment, *, transactions: float, requests: float = 0.0
) -> dict[str, float]:
    """Return the memory of all hosts, and the processor time per transaction in total and by role.

    Hosts that make load are not part of the measured system: the figure of their role is not in the total.

    + transactions: acknowledged transactions
    + requests: all requests that the portals passed on, queries too
    """
    system = [row for row in found if not env.host(row.host).has(Role.LOADGEN)]
    result = {"memory_mib_total": round(sum(row.memory_mib for row in system), 1)}
    if transactions:
        by_role: defaultdict[str, float] = defaultdict(float)
        for row in found:
            # A host may have two roles: the unit tells which usage is TongWeb's.
            role = Role.TONGWEB if row.unit == PORTAL else env.host(row.host).roles[0]
            by_role[role] += row.cpu_s
        whole_s = sum(row.cpu_s for row in system)
        result["cpu_ms_per_transaction"] = round(1000 * whole_s / transactions, 4)
        result |= {
            f"cpu_ms_per_transaction_{role}": round(1000 * cpu_s / transactions, 4)
            for role, cpu_s in by_role.items()
        }
        if requests and Role.TONGWEB in by_role:
            result["cpu_ms_per_request_portal"] = round(1000 * by_role[Role.TONGWEB] / requests, 4)
    return result


def as_json(found: Sequence[Row], *, transactions: float) -> dict[str, object]:
    """Return the content of `hosts.json`; units that used almost nothing are left out."""
    return {
        "rows": [
            {
                "host": row.host,
                "unit": row.unit,
                "cpu_s": round(row.cpu_s, 2),
                "cpu_ms_per_transaction": round(1000 * row.cpu_s / transactions, 4) if transactions else 0,
                "memory_mib": round(row.memory_mib, 1),
            }
            for row in found
            if row.cpu_s >= 0.05 or row.memory_mib >= 8
        ]
    }
