"""What is known of several workers from what they say, and when one counts as lost. Pure: time is given."""

import math
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.workers import messages
from processes.ssh import UNREACHABLE

READY_WITHIN_S = 60.0
"""Until all users of a worker stand: it starts, asks the gateways, and makes its plan."""
SILENT_S = 5.0
"""A worker says how it stands once a second; one that says nothing for this long hangs or stands still."""


@dataclass(kw_only=True)
class Worker:
    """One worker, as it said and as it ended."""

    number: int
    """From 1."""
    host: str | None = None
    """Where it runs; None: on this machine."""
    heard_s: float = 0.0
    """When it said something last; at first, when it was started."""
    is_here: bool = False
    """It is connected to the master."""
    ready: bool = False
    done: bool = False
    refused: tuple[str, ...] = ()
    """Why it cannot make its share of the load, in its own words."""
    status: int | None = None
    """How its process ended, though nobody had asked for that: exit code, or minus the signal."""
    acknowledged: int = 0
    errors: int = 0
    late: int = 0
    cpu_percent: float = 0.0
    memory_mib: float = 0.0
    lost: str | None = None
    """Why it is lost; None: it is not."""
    is_silent: bool = False
    """It is lost because it says nothing, so it would not hear anything either."""

    @property
    def can_hear(self) -> bool:
        """Say whether an order would reach it."""
        return self.is_here and self.status is None and not self.is_silent


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far all workers are together, as each said last."""

    acknowledged: int
    errors: int
    late: int


@dataclass(kw_only=True)
class Monitor:
    """All workers of one load."""

    workers: Sequence[Worker]
    done_by_s: float = math.inf
    """When every worker has to be done: some time after its last arrival was due."""

    @property
    def lost(self) -> tuple[Worker, ...]:
        """Return those that are lost."""
        return tuple(worker for worker in self.workers if worker.lost is not None)

    @property
    def all_here(self) -> bool:
        """Say whether every worker is connected."""
        return all(worker.is_here for worker in self.workers)

    @property
    def all_ready(self) -> bool:
        """Say whether every user of every worker stands."""
        return all(worker.ready for worker in self.workers)

    @property
    def all_done(self) -> bool:
        """Say whether every arrival of every worker has its outcome."""
        return all(worker.done for worker in self.workers)

    @property
    def progress(self) -> Progress:
        """Return the sums over all workers."""
        return Progress(
            acknowledged=sum(worker.acknowledged for worker in self.workers),
            errors=sum(worker.errors for worker in self.workers),
            late=sum(worker.late for worker in self.workers),
        )

    def heard(self, number: int, name: str, data: Mapping[str, Any], now_s: float) -> None:
        """Take note of a message of worker `number`.

        + name, data: as `loadtests.workers.messages` has them
        """
        worker = self.workers[number - 1]
        worker.heard_s = now_s
        match name:
            case messages.HELLO:
                worker.is_here = True
            case messages.REFUSED:
                worker.refused = tuple(data["problems"])
                _lose(worker, f"refused: {'; '.join(worker.refused)}")
            case messages.READY:
                worker.ready = True
            case messages.STATUS | messages.DONE:
                worker.done = name == messages.DONE
                for field in messages.Status.__annotations__:
                    setattr(worker, field, data[field])

    def ended(self, number: int, status: int) -> None:
        """Take note of the end of worker `number`, which nobody had asked for.

        + status: exit code, or minus the signal that killed it
        """
        worker = self.workers[number - 1]
        worker.status = status
        how = _how(worker, status)
        _lose(worker, f"{how} before its part was done" if status >= 0 else how)

    def closed(self, number: int, status: int) -> None:
        """Take note of how worker `number` ended after its orders did: without a fault, with status 0."""
        worker = self.workers[number - 1]
        if status != 0:
            _lose(worker, f"{_how(worker, status)} when the load was over")

    def unfetched(self, number: int, why: str) -> None:
        """Take note that what worker `number` recorded did not come here."""
        _lose(self.workers[number - 1], why)

    def look(self, now_s: float) -> None:
        """Find those that should have said something by `now_s` (after all that was said is noted)."""
        for worker in self.workers:
            silent_s = now_s - worker.heard_s
            if not worker.ready:
                if silent_s > READY_WITHIN_S:
                    _lose_silent(worker, f"was not ready within {READY_WITHIN_S:g} s")
            elif not worker.done and now_s > self.done_by_s:
                _lose(worker, "was not done in time after its last arrival")
            elif not worker.done and silent_s > SILENT_S:
                _lose_silent(worker, f"said nothing for {SILENT_S:g} s")


def _lose(worker: Worker, how: str) -> None:
    # What came first is why: one that hangs is killed for it.
    worker.lost = worker.lost or how


def _lose_silent(worker: Worker, how: str) -> None:
    worker.is_silent = True
    _lose(worker, how)


def _how(worker: Worker, status: int) -> str:
    if status < 0:
        known = -status in set(signal.Signals)
        return f"was killed by {signal.Signals(-status).name if known else f'signal {-status}'}"
    if worker.host is not None and status == UNREACHABLE:
        return "was cut off from us (its SSH session ended)"
    return f"ended with status {status}"
