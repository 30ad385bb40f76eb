"""The clients of a drill: the load generator, the replication sampler, the prober of direct writes."""

import sys
import time
from collections import deque
from pathlib import Path

import orjson

from chaos.recorders.children import Child
from chaos.recorders.export import save_database
from chaos.system.world import ClientsSeen, WorldError
from inventory.model import Environment, Host
from proof.record import Outcome

SAMPLE_INTERVAL_MS = 250.0
_SAMPLER_OPTIONS = ("--interval-ms", f"{SAMPLE_INTERVAL_MS:g}")

_LONGEST_S = 900
"""Longest duration of the generator; a drill ends it long before. It limits an orphaned generator."""

_RATE_OVER_S = 2.0
_WRITTEN_AFTER_S = 1.0
"""Age from which the ledger is complete: the generator writes it in batches."""

_LOAD_ENDS_WITHIN_S = 30.0
_OTHERS_END_WITHIN_S = 10.0


class LedgerTail:
    """Follows a growing ledger and computes the rate of acknowledged writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._ends: deque[float] = deque()
        self._failed: deque[float] = deque()
        self._first_s: float | None = None
        self._last_acknowledged_s: float | None = None

    def acknowledged_per_s(self, now_s: float, since_s: float = 0.0) -> float:
        """Return acknowledged writes per second, over the last seconds for which the ledger is complete.

        + since_s: if those seconds begin before this unix time, the rate is 0
        """
        self._read()
        until_s = now_s - _WRITTEN_AFTER_S
        from_s = until_s - _RATE_OVER_S
        if from_s < since_s:
            return 0.0
        return sum(from_s <= end < until_s for end in self._ends) / _RATE_OVER_S

    def seen(self, now_s: float, over_s: float) -> ClientsSeen:
        """Return the outcomes of writes over the last seconds for which the ledger is complete."""
        self._read()
        from_s = now_s - _WRITTEN_AFTER_S - over_s
        while self._failed and self._failed[0] < from_s:
            self._failed.popleft()
        while self._ends and self._ends[0] < from_s:
            self._ends.popleft()
        return ClientsSeen(
            last_acknowledged_s=self._last_acknowledged_s,
            acknowledged=len(self._ends),
            failed=len(self._failed),
            is_whole=self._first_s is not None and self._first_s <= from_s,
        )

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                found = file.read()
        except FileNotFoundError:
            return
        self._offset += len(found)
        *lines, self._rest = (self._rest + found).split(b"\n")
        for line in lines:
            write = orjson.loads(line)
            ended_s = write["ended_s"]
            self._first_s = self._first_s or ended_s
            if write["outcome"] == Outcome.ACKNOWLEDGED:
                self._ends.append(ended_s)
                self._last_acknowledged_s = ended_s
            else:
                self._failed.append(ended_s)


class LoadClients:
    """Load, sampler and prober of one drill; implements `chaos.system.world.Clients`."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._children: tuple[tuple[Child, float], ...] = ()
        self._folder: Path | None = None
        self._tail: LedgerTail | None = None

    def start_load(self, rate: float, folder: Path) -> None:
        """Start the background load, the replication sampler and the prober.

        + folder: gets `load/` with the generator's own files, `replication.jsonl` and `probes.jsonl`
        """
        own = folder / "load"
        own.mkdir()
        self._folder = folder
        self._tail = LedgerTail(own / "ledger.jsonl")
        generator = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless"]
        options = {
            "--environment": self._env.name,
            "--scenario": "journey",
            "--rate": f"{rate:g}",
            "--duration": f"{_LONGEST_S}s",
            # No warm-up: a drill measures an outage, and its hypothesis already requires a steady rate.
            "--warm-up": "2s",
            "--run-folder": str(own),
        }
        asked = [part for pair in options.items() for part in pair]
        load = Child("load", [*self._env.client_command, *generator, *asked], own / "locust.log")
        self._children = ((load, _LOAD_ENDS_WITHIN_S),)
        for name, module, out, extra in (
            ("replication sampler", "chaos.recorders.replication", "replication", _SAMPLER_OPTIONS),
            ("prober", "chaos.recorders.write_probe", "probes", ()),
        ):
            argv = [sys.executable, "-m", module, self._env.name, "--out", str(folder / f"{out}.jsonl")]
            child = Child(name, [*argv, *extra], own / f"{out}.log")
            self._children = (*self._children, (child, _OTHERS_END_WITHIN_S))

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        """Return the rate of acknowledged writes over the last seconds; 0 if these begin before `since_s`."""
        return 0.0 if self._tail is None else self._tail.acknowledged_per_s(time.time(), since_s)

    def seen(self, over_s: float) -> ClientsSeen:
        """Return the outcomes of writes over the last seconds."""
        assert self._tail is not None
        return self._tail.seen(time.time(), over_s)

    def stopped_because(self) -> str | None:
        """Return why one of the programs ended by itself; None while all run."""
        for child, _ in self._children:
            if (why := child.ended_because()) is not None:
                return why
        return None

    def stop(self) -> None:
        """End all programs and move the ledger to its place in the run folder; a second call does nothing."""
        children, self._children = self._children, ()
        problems = []
        for child, within_s in children:
            try:
                child.stop(within_s)
            except WorldError as failed:
                problems.append(str(failed))
        if self._folder is not None:
            for name in ("ledger.jsonl", "reads.jsonl", "load.json"):
                written = self._folder / "load" / name
                if written.exists():
                    written.rename(self._folder / name)
        if problems:
            raise WorldError("; ".join(problems))

    def export(self, primary: Host, folder: Path) -> None:
        """Save the journal and the limits of the primary below `folder`."""
        save_database(self._env, folder, since_s=None, near=primary)
