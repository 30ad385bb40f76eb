"""`load --major-freeze`: force a merge during the traffic, because OceanBase stalls during merges."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from chaos.system.databases import SshDatabases
from chaos.system.pair import database_hosts, find_topology
from chaos.system.shells import Shells
from chaos.system.world import WorldError
from deploys.oceanbase.spec import MERGE_UNIT
from inventory.model import Environment, Host
from inventory.ssh import WHILE_CONNECTED, ssh_argv
from loadtests.results.figures import LoadFigures
from loanstack.companions import measured_start, merges
from loanstack.companions.companion import AccompaniedLoad
from loanstack.companions.merges import MergeProgress
from loanstack.runs.task import Task
from processes.child import Child
from proof.files import LEDGER_FILE, read_lines
from proof.record import Write
from proof.verdict import Finding

DURATION_S_MIN = 30.0
"""In a shorter load a merge has no time to show its effect."""
AT_SHARE = 1.0 / 3.0
"""Share of the duration: late enough to compare with the time before, early enough for the merge to end."""
GRACE_S = 60.0
"""How long after the traffic the end of a merge is waited for."""

_FILE = "merge-{host}.tsv"
_INTERVAL_S = 2
"""Between two queries of a merge's progress: precision of its times. At 0.5 s: 3 % of a core (profile)."""
_TAKEN_WITHIN_S = 20.0
_LEAD_S = 5.0
"""Time before the freeze to log in on the hosts: the handshakes use as much CPU as half a second of load."""
_MERGE = ("systemctl", "start", "--no-block", MERGE_UNIT)
"""The command of the daily timer: on the standby first, which waits for its primary's freeze, then there."""
_SQL = (
    "SELECT UNIX_TIMESTAMP(NOW(6)), (SELECT role FROM oceanbase.__all_virtual_server_stat LIMIT 1),"
    " FROZEN_SCN, LAST_SCN FROM oceanbase.DBA_OB_MAJOR_COMPACTION;"
)
# --force: the client goes on after a query that the database refuses during the merge.
_LOOP = f'while {WHILE_CONNECTED} && echo "{_SQL}"; do sleep {_INTERVAL_S}; done | loanstack-db sql --force'


def build(load: AccompaniedLoad) -> "MajorFreeze":
    """Return what forces and watches a merge amid `load`."""
    return MajorFreeze(load.task, duration_s=load.duration_s, warm_up_s=load.warm_up_s)


class MajorFreeze:
    """Freezes the primary when a third of the measured time is over, and watches each merge until it ends."""

    def __init__(self, task: Task, *, duration_s: float, warm_up_s: float) -> None:
        """Prepare it.

        + duration_s: how long the load is measured
        + warm_up_s: how long it warms up before that
        """
        self._task = task
        self._duration_s = duration_s
        self._warm_up_s = warm_up_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)
        self._children: list[Child] = []
        self._taken_s: float | None = None
        self._problem: str | None = None

    def __enter__(self) -> Self:
        """Begin to watch, and to wait for the time of the freeze."""
        task = self._task
        self._children = [
            task.processes.start(
                ssh_argv(task.env, host, _LOOP),
                log=task.log(f"merge-{host.name}"),
                stdout=task.folder.path / _FILE.format(host=host.name),
            )
            for host in database_hosts(task.env)
        ]
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for merges that still run, unless the traffic was broken off; note when each ended."""
        self._over.set()
        self._thread.join(_TAKEN_WITHIN_S)
        if error is None and self._taken_s is not None:
            self._wait_for_merges(self._taken_s)
        for child in self._children:
            child.end()
        if self._taken_s is not None:
            for merge in (merges.merges(self._read(), since_s=self._taken_s) or {}).values():
                if merge is not None:
                    self._task.folder.note("merged", at_s=merge.until_s, host=merge.host, detail=merge.role)

    def finding(self, found: LoadFigures) -> Finding:
        """Return the finding over the freeze and its merges."""
        writes = read_lines(self._task.folder.path / LEDGER_FILE, Write)
        return merges.judge(found, self._read(), writes, taken_s=self._taken_s, problem=self._problem)

    def _act(self) -> None:
        folder = self._task.folder
        start_s = measured_start.wait(folder.path, warm_up_s=self._warm_up_s, over=self._over)
        if start_s is None:
            return
        due_s = start_s + AT_SHARE * self._duration_s
        if self._over.wait(due_s - _LEAD_S - time.time()):
            return
        try:
            with freezer(self._task.env) as freeze:
                if self._over.wait(due_s - time.time()):
                    return
                at_s = time.time()
                host = freeze()
        except WorldError as refused:
            self._problem = str(refused)
            return
        self._taken_s = at_s
        folder.note("major-freeze", at_s=at_s, host=host.name)
        self._task.console.note(f"MAJOR FREEZE on {host.name}, {at_s - start_s:.0f} s into the load")

    def _wait_for_merges(self, taken_s: float) -> None:
        until_s = time.monotonic() + GRACE_S
        while time.monotonic() < until_s:
            made = merges.merges(self._read(), since_s=taken_s)
            if made is not None and None not in made.values():
                return
            time.sleep(_INTERVAL_S)

    def _read(self) -> Mapping[str, Sequence[MergeProgress]]:
        return read(self._task.folder.path, self._task.env)


@contextmanager
def freezer(env: Environment) -> Iterator[Callable[[], Host]]:
    """Log in on the database hosts; yield a function that freezes the current primary and returns its host.

    Raises:
        WorldError: there is not exactly one primary and one standby, or the primary refused.
    """
    shells = Shells(env)

    def freeze() -> Host:
        topology = find_topology(env, SshDatabases(env, shells))
        for host in (topology.standby, topology.primary):
            shells.check_run(host, "the daily merge", _MERGE, within_s=_TAKEN_WITHIN_S)
        return topology.primary

    try:
        for host in database_hosts(env):
            shells.get(host).open()
        yield freeze
    finally:
        shells.close()


def read(folder: Path, env: Environment) -> dict[str, list[MergeProgress]]:
    """Return the merge progress that each database of `env` reported, from the files in `folder`."""
    found = {}
    for host in database_hosts(env):
        path = folder / _FILE.format(host=host.name)
        lines = path.read_text(errors="replace").splitlines() if path.exists() else ()
        found[host.name] = [reading for line in lines if (reading := merges.parse(line))]
    return found
