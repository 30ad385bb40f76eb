"""The clients of a drill: the load generator, the replication sampler, the prober of direct writes."""

import sys
import time
from collections import deque
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from chaos.recorders.clocks import record_clocks
from chaos.recorders.export import save_database
from chaos.system.world import ClientsSeen, WorldError
from inventory.model import Environment, Host
from processes.child import Child
from processes.group import Processes
from proof.files import LEDGER_FILE, READS_FILE
from proof.record import Moment, Outcome, Read, Write

SAMPLE_INTERVAL_MS = 250.0
_SAMPLER_OPTIONS = ("--interval-ms", f"{SAMPLE_INTERVAL_MS:g}")

_LONGEST_S = 900
"""Longest duration of the generator; a drill ends it long before. It limits an orphaned generator."""

_RATE_OVER_S = 2.0
_WRITTEN_AFTER_S = 1.0
"""Age from which the ledger is complete: the generator writes it in batches."""

_LOAD_ENDS_WITHIN_S = 30.0
_OTHERS_END_WITHIN_S = 10.0


class RecordTail:
    """Follows the growing record of a load and computes the recent rates of its outcomes."""

    def __init__(self, folder: Path) -> None:
        """Follow the record in `folder`; it may not be there yet."""
        self._writes = _GrowingLines(folder / LEDGER_FILE, Write)
        self._reads = _GrowingLines(folder / READS_FILE, Read)
        self._acknowledged_s: deque[float] = deque()
        self._served_s: deque[float] = deque()
        self._failed_s: deque[float] = deque()
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
        return sum(from_s <= end_s < until_s for end_s in self._acknowledged_s) / _RATE_OVER_S

    def seen(self, now_s: float, over_s: float) -> ClientsSeen:
        """Return the outcomes of writes over the last seconds for which the ledger is complete."""
        self._read()
        from_s = now_s - _WRITTEN_AFTER_S - over_s
        for moments_s in (self._acknowledged_s, self._served_s, self._failed_s):
            while moments_s and moments_s[0] < from_s:
                moments_s.popleft()
        return ClientsSeen(
            last_acknowledged_s=self._last_acknowledged_s,
            served=len(self._served_s),
            failed=len(self._failed_s),
            is_whole=self._first_s is not None and self._first_s <= from_s,
        )

    def _read(self) -> None:
        for write in self._writes.more():
            self._first_s = self._first_s or write.ended_s
            if write.outcome == Outcome.ACKNOWLEDGED:
                self._acknowledged_s.append(write.ended_s)
                self._last_acknowledged_s = write.ended_s
            self._count(write)
        for read in self._reads.more():
            self._count(read)

    def _count(self, request: Write | Read) -> None:
        # As in the verdict: a query that failed, and an acknowledgement with a wrong body, are no service.
        (self._failed_s if request.is_error else self._served_s).append(request.ended_s)


_Record = TypeVar("_Record", Write, Read)


class _GrowingLines(Generic[_Record]):
    """The lines of a file that somebody still writes."""

    def __init__(self, path: Path, kind: type[_Record]) -> None:
        self._path = path
        self._decoder: msgspec.json.Decoder[_Record] = msgspec.json.Decoder(kind)
        self._offset = 0
        self._rest = b""

    def more(self) -> list[_Record]:
        """Return the records whose lines were completed since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                found = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(found)
        *lines, self._rest = (self._rest + found).split(b"\n")
        return [self._decoder.decode(line) for line in lines]


class LoadClients:
    """Load, sampler and prober of one drill; implements `chaos.system.world.Clients`."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._processes = Processes()
        self._children: tuple[Child, ...] = ()
        self._folder: Path | None = None
        self._tail: RecordTail | None = None

    def start_load(self, rate: float, folder: Path) -> None:
        """Start the background load, the replication sampler and the prober.

        + folder: gets `load/` with the generator's own files, `replication.jsonl`, `probes.jsonl` and
          `clocks.jsonl`
        """
        own = folder / "load"
        own.mkdir()
        record_clocks(self._env, folder, Moment.BEGIN)
        self._folder = folder
        self._tail = RecordTail(own)
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
        self._start("load", [*self._env.client_command, *generator, *asked], "locust", _LOAD_ENDS_WITHIN_S)
        for name, module, out, extra in (
            ("replication sampler", "chaos.recorders.replication", "replication", _SAMPLER_OPTIONS),
            ("prober", "chaos.recorders.write_probe", "probes", ()),
        ):
            argv = [sys.executable, "-m", module, self._env.name, "--out", str(folder / f"{out}.jsonl")]
            self._start(name, [*argv, *extra], out, _OTHERS_END_WITHIN_S)

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        """Return the rate of acknowledged writes over the last seconds; 0 if these begin before `since_s`."""
        return 0.0 if self._tail is None else self._tail.acknowledged_per_s(time.time(), since_s)

    def seen(self, over_s: float) -> ClientsSeen:
        """Return the outcomes of writes over the last seconds."""
        assert self._tail is not None
        return self._tail.seen(time.time(), over_s)

    def stopped_because(self) -> str | None:
        """Return why one of the programs ended by itself; None while all run."""
        for child in self._children:
            if (why := child.ended_because()) is not None:
                return why
        return None

    def stop(self) -> None:
        """End all programs and move the ledger to its place in the run folder; a second call does nothing."""
        children, self._children = self._children, ()
        problems = [problem for child in children if (problem := end_cleanly(child)) is not None]
        if self._folder is not None:
            for name in ("ledger.jsonl", "reads.jsonl", "load.json"):
                written = self._folder / "load" / name
                if written.exists():
                    written.rename(self._folder / name)
        if problems:
            raise WorldError("; ".join(problems))

    def export(self, primary: Host, folder: Path) -> None:
        """Save the journal and the limits of the primary below `folder`, and the clocks of all hosts."""
        record_clocks(self._env, folder, Moment.END)
        save_database(self._env, folder, since_s=None, near=primary)

    def _start(self, name: str, argv: list[str], log_name: str, ends_within_s: float) -> None:
        assert self._folder is not None
        log = self._folder / "load" / f"{log_name}.log"
        child = self._processes.start(argv, name=name, log=log, grace_s=ends_within_s)
        self._children = (*self._children, child)


def end_cleanly(child: Child) -> str | None:
    """End `child`, and return what is wrong with how it ended, now or before; None: nothing."""
    done = child.end()
    if child.was_killed:
        return (
            f"{child.name} did not end within {child.grace_s:.0f} s of SIGTERM and was killed; its record may"
            " lack its end"
        )
    return child.ended_because() if done.returncode != 0 else None
