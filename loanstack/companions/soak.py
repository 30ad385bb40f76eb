"""Scenario `soak`: memory and open handles of the components, sampled during an hour of transactions."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from chaos.system.shells import Running, Shells
from chaos.system.world import WorldError
from inventory.model import Environment, Host
from loadtests.results.figures import LoadFigures
from loanstack.companions import components, leak_check
from loanstack.companions.companion import AccompaniedLoad
from loanstack.companions.leak_check import SAMPLES_FILE, ComponentSample
from loanstack.runs.task import Task
from proof.verdict import Finding

INTERVAL_S = 10.0
CACHES_SHARE_MAX = 0.4
"""Share of a database's memory budget: the default of seekdb 1.4's `kvcache_memory_limit`."""
_ANSWER_WITHIN_S = 8.0
_ENDS_WITHIN_S = 15.0


def build(load: AccompaniedLoad) -> "Soak":
    """Return what samples the components beside `load`."""
    return Soak(load.task)


class Soak:
    """Samples every component until the traffic is over."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._over.set()
        self._thread.join(_ENDS_WITHIN_S)

    def finding(self, found: LoadFigures) -> Finding:
        """Return whether the components stayed flat."""
        env, run_info = self._task.env, found.run_info
        return leak_check.judge(
            leak_check.read(self._task.folder.path),
            [(host.name, unit) for host in env.hosts for unit in components.expected(host)],
            env.soak_slo,
            caches_mib_max=CACHES_SHARE_MAX * env.database.memory_mib,
            from_s=run_info.start_s,
            until_s=run_info.start_s + run_info.measured_s,
        )

    def _act(self) -> None:
        shells = Shells(self._task.env)
        try:
            sample_until(self._over, self._task.env, shells, self._task.folder.path)
        finally:
            shells.close()


def sample_until(over: threading.Event, env: Environment, shells: Shells, folder: Path) -> None:
    """Sample the components of `env` into `folder`, every host at the same time, until `over` is set.

    If a host does not answer in time, that sample is missing; too few samples make the soak INVALID.
    """
    hosts = [host for host in env.hosts if components.expected(host)]
    due_s = time.monotonic()
    with (folder / SAMPLES_FILE).open("wb", buffering=0) as file:
        while not over.is_set():
            at_s = time.time()
            begun = [(host, running) for host in hosts if (running := _begin(shells, host)) is not None]
            for host, running in begun:
                for sample in _finish(host, running, at_s):
                    file.write(leak_check.encode(sample))
            due_s = max(due_s + INTERVAL_S, time.monotonic())
            over.wait(due_s - time.monotonic())


def _begin(shells: Shells, host: Host) -> Running | None:
    try:
        return shells.get(host).begin(("bash", "-c", components.question(host)))
    except WorldError:
        return None


def _finish(host: Host, running: Running, at_s: float) -> list[ComponentSample]:
    try:
        done = running.finish(_ANSWER_WITHIN_S)
    except WorldError:
        return []
    found = components.parse(done.stdout)
    return [
        ComponentSample(
            at_s=at_s,
            host=host.name,
            unit=unit,
            pid=found[unit].pid,
            memory_mib=round(found[unit].memory_mib, 3),
            handles=found[unit].handles,
            caches_mib=round(found[unit].caches_mib, 3),
        )
        for unit in components.expected(host)
        if unit in found
    ]
