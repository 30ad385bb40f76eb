"""A load of several workers from its start to its one record, on Locust's own master and workers."""

import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent

from inventory.model import Environment
from inventory.ssh import LOAD_TOKEN_VARIABLE
from loadtests.engine import progress
from loadtests.engine.progress import say
from loadtests.plan import options
from loadtests.plan.options import LoadOptions
from loadtests.plan.share import Share
from loadtests.results import worker_validity
from loadtests.results.run_info import LOAD_FILE
from loadtests.workers import merge, messages, remote
from loadtests.workers.clock_questions import ClockQuestions
from loadtests.workers.master import Master
from loadtests.workers.merge import Part
from loadtests.workers.monitor import Monitor, Worker
from loadtests.workers.placement import Place
from loadtests.workers.pool import LOG_FILE, Pool
from proof import clocks
from proof.clocks import Offset
from proof.exits import ExitCode

START_LEAD_S = 1.0
"""Between the order to begin and the first arrival: until then every worker has heard it."""
DONE_WITHIN_S = 60.0
"""Between the last arrival and its outcome: until then it was given up, or its client's deadline is over."""
END_WITHIN_S = 20.0
"""A worker that is ended waits for answers for up to a client's deadline and some seconds."""
_LOOK_EVERY_S = 0.1
_FINISH_S, _FINISHED_PER_S = 10.0, 5_000.0
"""A worker reads its ledger once more at its end, and takes so long: some seconds, and what it planned."""
_TOKEN_BYTES = 16
LOCUSTFILE = "loadtests/locustfile.py"


class Conductor:
    """One load of several workers."""

    def __init__(
        self, asked: LoadOptions, env: Environment, sent: Mapping[str, Any], places: Sequence[Place]
    ) -> None:
        """Prepare it.

        + sent: the options of the locustfile, which every worker gets
        + places: where each of the workers runs
        """
        self._asked = asked
        self._env = env
        self._sent = sent
        self._plan = options.plan_of(asked, env)
        self._shares = [Share(number=number, of=len(places)) for number in range(1, len(places) + 1)]
        self._places = places
        self._numbers = {place.name: number for number, place in enumerate(places, start=1)}
        self._pool = Pool()
        self._monitor = Monitor(workers=[_worker(*each) for each in zip(self._shares, places, strict=True)])
        # In no command line, because everybody on a machine can read those.
        self._token = secrets.token_hex(_TOKEN_BYTES)
        self._master = Master(self._hear, places=self._numbers, token=self._token)
        self._clock = ClockQuestions(self._master)
        self._clocks: dict[int, Offset | None] = {}
        self._first_s: float | None = None
        self._stopped_s: float | None = None
        self._said_s, self._said_acknowledged = 0.0, 0

    def stop(self) -> None:
        """End it early; what was due by now is still sent."""
        if self._stopped_s is None:
            self._stopped_s = time.time()

    def run(self) -> ExitCode:
        """Run it from the start of the workers to their merged record.

        Returns:
            PASS: it ran, or was ended early; INVALID: a worker was lost; USAGE: the workers refused it;
            FAIL: no load came about.

        Raises:
            FileError, FileNotFoundError: the record of a worker is damaged.
        """
        try:
            self._start()
            self._until(lambda: self._monitor.all_here)
            if self._stopped_s is None:
                self._share_out()
                self._until(lambda: self._monitor.all_ready)
                self._measure_clocks()
            if self._stopped_s is None and not self._apart():
                self._begin()
                self._until(lambda: self._monitor.all_done)
                self._measure_clocks()
        finally:
            self._end()
        if self._first_s is None:
            return self._not_begun()
        for worker in self._monitor.workers:
            self._monitor.closed(worker.number, self._status(worker.number))
        self._fetch()
        self._find_unrecorded()
        self._merge(self._first_s + self._plan.warm_up_s)
        for one in self._monitor.lost:
            say(f"{self._name(one)} {one.lost}; its log: {self._log(one.number)}")
        done = self._monitor.progress
        say(
            progress.ended(
                acknowledged=done.acknowledged,
                planned=len(self._plan),
                errors=done.errors,
                folder=self._asked.run_folder,
            )
        )
        return ExitCode.INVALID if self._monitor.lost else ExitCode.PASS

    def _start(self) -> None:
        for share, place in zip(self._shares, self._places, strict=True):
            folder = self._folder(share.number)
            folder.mkdir(parents=True, exist_ok=True)
            argv = self._command(place, folder)
            token = {LOAD_TOKEN_VARIABLE: self._token}
            self._pool.start(share.number, argv, log=folder / LOG_FILE, env=token)
            self._monitor.workers[share.number - 1].heard_s = time.monotonic()

    def _command(self, place: Place, folder: Path) -> list[str]:
        host, port = self._master.address
        if place.host is not None:
            return remote.work_argv(self._env, place, master_port=port)
        locust = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", "--worker"]
        master = ["--master-host", host, "--master-port", str(port)]
        return [*locust, *master, "--place", place.name, "--run-folder", str(folder)]

    def _share_out(self) -> None:
        """Give each worker its share of the plan and its users."""
        for share, place in zip(self._shares, self._places, strict=True):
            plan = {"options": self._sent, "number": share.number, "of": share.of}
            self._master.tell(place.name, messages.PLAN, plan)
        self._master.spawn_users(self._asked.users, workers=len(self._places))

    def _begin(self) -> None:
        """Have all begin at the same time."""
        self._first_s = max(time.time() + START_LEAD_S, self._asked.start_at_s or 0.0)
        self._said_s = time.monotonic()
        takes_s = self._plan.warm_up_s + self._plan.duration_s
        self._monitor.done_by_s = self._said_s + (self._first_s - time.time()) + takes_s + DONE_WITHIN_S
        for place in self._places:
            self._master.tell(place.name, messages.BEGIN, {"at_s": self._first_s})

    def _until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is reached; a lost worker, or whoever ends the load, ends the wait too."""
        while self._stopped_s is None and not reached():
            gevent.sleep(_LOOK_EVERY_S)
            self._look()

    def _look(self) -> None:
        for number in self._pool.newly_ended():
            self._monitor.ended(number, self._status(number))
        self._monitor.look(time.monotonic())
        if self._monitor.lost:
            self.stop()
        self._report()

    def _hear(self, place: str, name: str, data: Mapping[str, Any], received_s: float) -> None:
        number = self._numbers[place]
        if name == messages.CLOCK:
            self._clock.answered(data, received_s)
        self._monitor.heard(number, name, data, time.monotonic())

    def _measure_clocks(self) -> None:
        """Ask every worker for its time; of two measurements the worse one counts."""
        for number, place in enumerate(self._places, start=1):
            if self._stopped_s is None:
                found = self._clock.offset(place.name)
                self._clocks[number] = clocks.worse(self._clocks.get(number, found), found)
                self._look()

    def _apart(self) -> list[str]:
        """Return why the workers could not begin together, by what is known of their clocks."""
        names = {worker.number: self._name(worker) for worker in self._monitor.workers}
        known = {names[number]: clock for number, clock in self._clocks.items() if clock is not None}
        return worker_validity.apart(known)

    def _report(self) -> None:
        seconds = time.monotonic() - self._said_s
        if self._first_s is None or self._stopped_s is not None or seconds < progress.EVERY_S:
            return
        now = self._monitor.progress
        line = progress.running(
            elapsed_s=time.time() - self._first_s - self._plan.warm_up_s,
            acknowledged_per_s=(now.acknowledged - self._said_acknowledged) / seconds,
            errors=now.errors,
            late=now.late,
        )
        self._said_s, self._said_acknowledged = time.monotonic(), now.acknowledged
        say(line)

    def _end(self) -> None:
        """End all workers: with a message those that hear it, the others at once."""
        for worker, place in zip(self._monitor.workers, self._places, strict=True):
            if worker.can_hear:
                self._master.tell(place.name, messages.END)
            elif worker.status is None and self._pool.has(worker.number):
                if place.host is not None:
                    remote.kill(self._env, place)
                self._pool.kill(worker.number)
        self._pool.end(END_WITHIN_S + _FINISH_S + len(self._plan) / _FINISHED_PER_S)
        self._master.close()

    def _fetch(self) -> None:
        """Copy here what workers on hosts recorded."""
        for share, place in zip(self._shares, self._places, strict=True):
            if place.host is not None:
                folder = self._folder(share.number)
                why = remote.fetch(self._env, place, into=folder)
                if why is not None:
                    self._monitor.unfetched(share.number, why)

    def _find_unrecorded(self) -> None:
        """Lose workers that left no record of their own, however they ended."""
        for worker in self._monitor.workers:
            if not (self._folder(worker.number) / LOAD_FILE).exists():
                self._monitor.unfetched(worker.number, f"left no {LOAD_FILE}")

    def _status(self, number: int) -> int:
        """Return how a worker ended: exit code, or minus the signal that killed it."""
        status = self._pool.status(number)
        is_here = self._places[number - 1].host is None
        return status if is_here else remote.worker_status(status, self._log(number))

    def _folder(self, number: int) -> Path:
        return merge.folder_of(self._asked.run_folder, number)

    def _log(self, number: int) -> Path:
        return self._folder(number) / LOG_FILE

    def _name(self, worker: Worker) -> str:
        return worker_validity.named(worker.number, of=len(self._shares), host=worker.host)

    def _not_begun(self) -> ExitCode:
        """Say why no load came about, in the workers' own words where they refused it."""
        refused = dict.fromkeys(why for worker in self._monitor.workers for why in worker.refused)
        for why in refused:
            say(why)
        for worker in self._monitor.lost:
            if not worker.refused:
                say(f"{self._name(worker)} {worker.lost}; its log: {self._log(worker.number)}")
        apart = self._apart()
        for why in apart:
            say(why)
        if not (self._monitor.lost or apart):
            say("ended before it began")
        return ExitCode.USAGE if refused else ExitCode.FAIL

    def _merge(self, start_s: float) -> None:
        whole = merge.planned(self._asked, self._plan, start_s=start_s, stopped_s=self._stopped_s)
        parts = []
        for share, worker in zip(self._shares, self._monitor.workers, strict=True):
            folder = self._folder(share.number)
            plan, asked = share.plan(self._plan), replace(self._asked, share=share)
            own = merge.planned(asked, plan, start_s=start_s, stopped_s=self._stopped_s)
            clock = self._clocks.get(share.number)
            parts.append(Part(worker=worker, folder=folder, planned=own, arrivals=len(plan), clock=clock))
        merge.merge(self._asked.run_folder, parts, whole=whole)


def _worker(share: Share, place: Place) -> Worker:
    return Worker(number=share.number, host=None if place.host is None else place.host.name)
