"""What the database itself says about its statements: how long they took, and what they waited for."""

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from chaos.remote import ssh_argv
from inventory.model import Environment, Host, Role
from loanstack.runs import RunFolder

DATABASE_FILE = "statements.json"
_WITHIN_S = 10.0

# Times are in microseconds. Application waits are those for locks of rows and tables, concurrency waits those
# for latches inside the kernel (OceanBase, "GV$OB_PLAN_CACHE_PLAN_STAT"). seekdb has no other view of waits.
_SQL = """SELECT (SELECT role FROM oceanbase.__all_virtual_server_stat LIMIT 1),
    IFNULL(SUM(EXECUTIONS), 0), IFNULL(SUM(ELAPSED_TIME), 0), IFNULL(SUM(APPLICATION_WAIT_TIME), 0),
    IFNULL(SUM(CONCURRENCY_WAIT_TIME), 0), IFNULL(SUM(USER_IO_WAIT_TIME), 0)
    FROM oceanbase.`V$OB_PLAN_CACHE_PLAN_STAT`;
"""
_COLUMNS = ("executions", "elapsed_us", "lock_wait_us", "latch_wait_us", "io_wait_us")


@dataclass(frozen=True, kw_only=True)
class Statements:
    """Totals over all cached plans of a primary, or what was added to them."""

    executions: int
    elapsed_us: int
    lock_wait_us: int
    latch_wait_us: int
    io_wait_us: int

    def since(self, before: "Statements") -> "Statements | None":
        """Return what was added; None if plans were dropped in between, and their totals with them."""
        added = {name: getattr(self, name) - getattr(before, name) for name in _COLUMNS}
        return Statements(**added) if min(added.values()) >= 0 and added["executions"] else None


def parse(printed: str) -> Statements | None:
    """Return the totals in the client's answer; None unless it is a primary's."""
    fields = printed.split()
    if len(fields) != 1 + len(_COLUMNS) or fields[0] != "PRIMARY":
        return None
    try:
        return Statements(**dict(zip(_COLUMNS, map(int, fields[1:]), strict=True)))
    except ValueError:
        return None


class DatabaseWatch:
    """Totals of the primary at the start of a `with` block and at its end, written into a folder.

    A database that does not answer leaves no totals: evidence that is missing is no reason to fail a probe.
    """

    def __init__(self, env: Environment, folder: RunFolder) -> None:
        self._env = env
        self._folder = folder
        self._before: dict[str, Statements] = {}

    def __enter__(self) -> Self:
        self._before = self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            readings = (self._before, self._read())
            self._folder.write_json(
                DATABASE_FILE, [{name: asdict(one) for name, one in each.items()} for each in readings]
            )

    def _read(self) -> dict[str, Statements]:
        found = {host.name: self._of(host) for host in self._env.hosts_with(Role.OCEANBASE)}
        return {name: one for name, one in found.items() if one is not None}

    def _of(self, host: Host) -> Statements | None:
        try:
            done = subprocess.run(
                ssh_argv(self._env, host, "loanstack-db sql"),
                input=_SQL,
                capture_output=True,
                text=True,
                timeout=_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        return parse(done.stdout)


def read(folder: Path) -> Statements | None:
    """Return what the primary's statements came to in the run of `folder`; None if that is not known."""
    readings = RunFolder(path=folder).read_json(DATABASE_FILE)
    if not readings:
        return None
    before, after = (_of_json(each) for each in readings)
    added = [one.since(before[name]) for name, one in after.items() if name in before]
    return added[0] if len(added) == 1 else None


def _of_json(found: Mapping[str, Mapping[str, int]]) -> dict[str, Statements]:
    return {name: Statements(**totals) for name, totals in found.items()}
