"""Statistics of the primary's statements during a probe: how long they ran, and how long they waited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from inventory.model import Role
from inventory.ssh import WHILE_CONNECTED, ssh_argv
from loanstack.runs.task import Task
from processes.child import Child

_FILE = "statements-{host}.tsv"
_INTERVAL_S = 2
_PRIMARY = "PRIMARY"
_COLUMNS = 6

# Totals over all cached plans, in microseconds, and the statements that wait for a row lock right now. The
# wait of a plan is its elapsed time less its CPU_TIME: tried on seekdb 1.4, which counts a wait for a row
# lock in neither CPU_TIME nor APPLICATION_WAIT_TIME (always 0), and has no view of wait events or commits.
_SQL = (
    "SELECT UNIX_TIMESTAMP(NOW(6)), (SELECT role FROM oceanbase.__all_virtual_server_stat LIMIT 1),"
    " IFNULL(SUM(EXECUTIONS), 0), IFNULL(SUM(ELAPSED_TIME), 0), IFNULL(SUM(CPU_TIME), 0),"
    " (SELECT COUNT(*) FROM oceanbase.__all_virtual_lock_wait_stat WHERE need_wait = 1)"
    " FROM oceanbase.\\`V\\$OB_PLAN_CACHE_PLAN_STAT\\`;"
)
_LOOP = f'while {WHILE_CONNECTED} && echo "{_SQL}"; do sleep {_INTERVAL_S}; done | loanstack-db sql'


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Counters that a primary reported at one moment."""

    at_s: float
    executions: int
    elapsed_us: int
    cpu_us: int
    blocked: int
    """Statements that waited for a row lock at that moment."""


@dataclass(frozen=True, kw_only=True)
class Statements:
    """Totals over the statements of a window."""

    executions: int
    elapsed_us: int
    waited_us: int
    blocked_share: float
    """Percent of the readings in which a statement waited for a row lock."""


def parse(line: str) -> Reading | None:
    """Return the reading in a line that the client printed; None if it is incomplete or not a primary's."""
    fields = line.split()
    if len(fields) != _COLUMNS or fields[1] != _PRIMARY:
        return None
    try:
        executions, elapsed_us, cpu_us, blocked = map(int, fields[2:])
        at_s = float(fields[0])
    except ValueError:
        return None
    return Reading(at_s=at_s, executions=executions, elapsed_us=elapsed_us, cpu_us=cpu_us, blocked=blocked)


def between(readings: Sequence[Reading], *, from_s: float, until_s: float) -> Statements | None:
    """Return the totals over the statements of a window.

    None if fewer than two readings lie in it, or if the database dropped plans with their totals within it.
    """
    inside = [reading for reading in readings if from_s <= reading.at_s <= until_s]
    if len(inside) < 2:
        return None
    first, last = inside[0], inside[-1]
    executions, elapsed_us, cpu_us = (
        getattr(last, name) - getattr(first, name) for name in ("executions", "elapsed_us", "cpu_us")
    )
    if executions <= 0 or elapsed_us <= 0 or cpu_us < 0:
        return None
    return Statements(
        executions=executions,
        elapsed_us=elapsed_us,
        waited_us=max(0, elapsed_us - cpu_us),
        blocked_share=sum(reading.blocked > 0 for reading in inside) / len(inside),
    )


class DatabaseWatch:
    """Reads every database of a part's environment during a `with` block, into files of the part.

    A database that does not answer leaves no readings; missing evidence does not fail a probe.
    """

    def __init__(self, part: Task) -> None:
        self._part = part
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        part = self._part
        self._children = [
            part.processes.start(
                ssh_argv(part.env, host, _LOOP),
                log=part.log(f"statements-{host.name}"),
                stdout=part.folder.path / _FILE.format(host=host.name),
            )
            for host in part.env.hosts_with(Role.OCEANBASE)
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.end()


def read(folder: Path) -> Mapping[str, Sequence[Reading]]:
    """Return the readings of each file in `folder`."""
    found = {
        path.name: [parse(line) for line in path.read_text(errors="replace").splitlines()]
        for path in sorted(folder.glob(_FILE.format(host="*")))
    }
    return {name: [reading for reading in readings if reading] for name, readings in found.items()}


def of_window(folder: Path, *, from_s: float, until_s: float) -> Statements | None:
    """Return the totals over the primary's statements in a window; None if they are not known."""
    found = [between(readings, from_s=from_s, until_s=until_s) for readings in read(folder).values()]
    known = [one for one in found if one is not None]
    # Two primaries in one window mean that the role moved; the counters then do not show what ran out.
    return known[0] if len(known) == 1 else None
