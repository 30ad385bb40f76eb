"""A load of several workers from its start to its one record: what `loadtests.workers` runs."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from loadtests.engine import progress
from loadtests.plan import options
from loadtests.plan.options import LoadOptions
from loadtests.plan.share import Share
from loadtests.results import clocks, worker_validity
from loadtests.results.clocks import ClockReading, Offset
from loadtests.workers import fingerprint, merge, remote
from loadtests.workers.merge import Part
from loadtests.workers.monitor import Watch, Worker
from loadtests.workers.placement import Place
from loadtests.workers.pool import LOG_FILE, TERMINATE_AFTER_S, Crew, Ended, Said

OK, NO_LOAD, USAGE, INVALID = range(4)
START_LEAD_S = 1.0
"""Between the order to start and the first arrival: until then every worker has heard it."""
_LOOK_EVERY_S = 0.1
_SIGN_EVERY_S = 1.0
_CLOCK_QUESTIONS = 7
_CLOCK_ANSWER_WITHIN_S = 2.0
_FINISH_S, _FINISHED_PER_S = 10.0, 5_000.0
"""A worker reads its ledger once more at its end, and takes so long: some seconds, and what it planned."""
_GENERATOR = (sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless")


class Load:
    """One load of several workers."""

    def __init__(
        self, asked: LoadOptions, env: Environment, argv: Sequence[str], places: Sequence[Place]
    ) -> None:
        """Prepare it.

        + argv: the options that every worker gets, beside its own folder and share
        + places: where each of the workers runs
        """
        self._asked = asked
        self._env = env
        self._argv = argv
        self._plan = options.plan_of(asked, env)
        self._shares = [Share(number=number, of=len(places)) for number in range(1, len(places) + 1)]
        self._places = places
        self._finish_within_s = _FINISH_S + len(self._plan) / _FINISHED_PER_S
        self._crew = Crew()
        self._watch = Watch(workers=[_worker(*each) for each in zip(self._shares, places, strict=True)])
        self._clocks: dict[int, Offset | None] = {}
        self._answer: tuple[float, float] | None = None
        self._asking = 0
        self._first_s: float | None = None
        self._stopped_s: float | None = None
        self._said_s, self._said_acknowledged = 0.0, 0
        self._signed_s = 0.0

    def stop(self) -> None:
        """End it early; what was due by now is still sent."""
        if self._stopped_s is None:
            self._stopped_s = time.time()

    def run(self) -> int:
        """Run it from the start of the workers to their merged record, and return the exit code.

        Raises:
            LedgerError, RunInfoError, FileNotFoundError: the record of a worker is damaged.
        """
        try:
            self._start()
            self._until(lambda: self._watch.all_ready)
            self._measure_clocks()
            if self._stopped_s is None and not self._apart():
                self._begin()
                self._until(lambda: self._watch.all_done)
                self._measure_clocks()
        finally:
            silent = [worker.number for worker in self._watch.lost if worker.status is None]
            for number, message in self._crew.end(unheard=silent, finish_within_s=self._finish_within_s):
                self._watch.heard(number, message, time.monotonic())
        if self._first_s is None:
            return self._not_begun()
        for worker in self._watch.workers:
            self._watch.closed(worker.number, self._crew.status(worker.number))
        self._fetch()
        self._merge(self._first_s + self._plan.warm_up_s)
        for one in self._watch.lost:
            log = merge.folder_of(self._asked.run_folder, one.number) / LOG_FILE
            say(f"{self._name(one)} {one.lost}; its log: {log}")
        done = self._watch.progress
        say(
            progress.ended(
                acknowledged=done.acknowledged,
                planned=len(self._plan),
                errors=done.errors,
                folder=self._asked.run_folder,
            )
        )
        return INVALID if self._watch.lost else OK

    def _start(self) -> None:
        for share, place in zip(self._shares, self._places, strict=True):
            folder = merge.folder_of(self._asked.run_folder, share.number)
            folder.mkdir(parents=True, exist_ok=True)
            argv, far = self._command(share, place, folder), place.host is not None
            self._crew.start(share.number, argv, cwd=PROJECT_ROOT, log=folder / LOG_FILE, far=far)
            self._watch.workers[share.number - 1].heard_s = time.monotonic()

    def _command(self, share: Share, place: Place, folder: Path) -> list[str]:
        options = [*self._argv, "--share", str(share)]
        if place.host is not None:
            within_s = TERMINATE_AFTER_S + self._finish_within_s
            version = fingerprint.of_code()
            return remote.work_argv(self._env, place, options, version=version, end_within_s=within_s)
        where = self._env.client_command if self._asked.host is None else ()
        return [*where, *_GENERATOR, *options, "--run-folder", str(folder), "--linked"]

    def _fetch(self) -> None:
        """Copy here what workers on hosts recorded."""
        for share, place in zip(self._shares, self._places, strict=True):
            if place.host is not None:
                folder = merge.folder_of(self._asked.run_folder, share.number)
                why = remote.fetch(self._env, place, into=folder)
                if why is not None:
                    self._watch.unfetched(share.number, why)

    def _begin(self) -> None:
        """Have all begin at the same time."""
        self._first_s = max(time.time() + START_LEAD_S, self._asked.start_at_s or 0.0)
        self._said_s = time.monotonic()
        for worker in self._watch.workers:
            self._crew.tell(worker.number, "start", at_s=self._first_s)

    def _until(self, reached: Callable[[], bool], within_s: float | None = None) -> None:
        """Listen until something is reached, a worker is lost, the load is stopped, or the time is over."""
        deadline_s = None if within_s is None else time.monotonic() + within_s
        while self._stopped_s is None and not reached():
            self._listen()
            if deadline_s is not None and time.monotonic() > deadline_s:
                return

    def _sign_of_life(self) -> None:
        """Let keepers on hosts know that we are there: a link that is cut says nothing, not even that."""
        if time.monotonic() - self._signed_s < _SIGN_EVERY_S:
            return
        self._signed_s = time.monotonic()
        for worker in self._watch.workers:
            if worker.host is not None:
                self._crew.tell(worker.number, "alive")

    def _listen(self) -> None:
        self._sign_of_life()
        for event in self._crew.events(_LOOK_EVERY_S):
            match event:
                case Said(number, {"said": "clock", "at_s": at_s}):
                    # One that comes after we gave up on it is no answer to what another is asked.
                    if number == self._asking:
                        self._answer = (at_s, time.time())
                case Said(number, message):
                    self._watch.heard(number, message, time.monotonic())
                case Ended(number, status):
                    self._watch.ended(number, status)
        self._watch.look(time.monotonic())
        if self._watch.lost:
            self.stop()
        self._report()

    def _measure_clocks(self) -> None:
        """Ask every worker for its time; of two measurements the worse one counts."""
        for worker in self._watch.workers:
            answers: list[ClockReading] = []
            self._asking = worker.number
            for _ in range(_CLOCK_QUESTIONS):
                self._answer, sent_s = None, time.time()
                self._crew.tell(worker.number, "clock")
                self._until(lambda: self._answer is not None, _CLOCK_ANSWER_WITHIN_S)
                if self._answer is None:
                    break
                answers.append(ClockReading(sent_s, *self._answer))
            else:
                known = self._clocks.get(worker.number)
                self._clocks[worker.number] = clocks.worse(known, clocks.offset(answers))

    def _apart(self) -> list[str]:
        """Return why the workers could not begin together, by what is known of their clocks."""
        names = {worker.number: self._name(worker) for worker in self._watch.workers}
        known = {names[number]: clock for number, clock in self._clocks.items() if clock is not None}
        return worker_validity.apart(known)

    def _name(self, worker: Worker) -> str:
        return worker_validity.named(worker.number, of=len(self._shares), host=worker.host)

    def _report(self) -> None:
        seconds = time.monotonic() - self._said_s
        if self._first_s is None or self._stopped_s is not None or seconds < progress.EVERY_S:
            return
        now = self._watch.progress
        line = progress.running(
            elapsed_s=time.time() - self._first_s - self._plan.warm_up_s,
            acknowledged_per_s=(now.acknowledged - self._said_acknowledged) / seconds,
            errors=now.errors,
            late=now.late,
        )
        self._said_s, self._said_acknowledged = time.monotonic(), now.acknowledged
        say(line)

    def _not_begun(self) -> int:
        """Say why no load came about, in the workers' own words where they refused it."""
        words: dict[str, None] = {}
        for worker in self._watch.lost:
            log = merge.folder_of(self._asked.run_folder, worker.number) / LOG_FILE
            if worker.status == USAGE:
                words |= dict.fromkeys(log.read_text(errors="replace").splitlines())
            else:
                words[f"load: {self._name(worker)} {worker.lost}; its log: {log}"] = None
        words |= dict.fromkeys(f"load: {reason}" for reason in self._apart())
        for line in words or ("load: ended before it began",):
            print_line(line)
        return USAGE if any(worker.status == USAGE for worker in self._watch.lost) else NO_LOAD

    def _merge(self, start_s: float) -> None:
        whole = merge.planned(self._asked, self._plan, start_s=start_s, stopped_s=self._stopped_s)
        parts = []
        for share, worker in zip(self._shares, self._watch.workers, strict=True):
            folder = merge.folder_of(self._asked.run_folder, share.number)
            plan, asked = share.plan(self._plan), replace(self._asked, share=share)
            own = merge.planned(asked, plan, start_s=start_s, stopped_s=self._stopped_s)
            clock = self._clocks.get(share.number)
            parts.append(Part(worker=worker, folder=folder, planned=own, arrivals=len(plan), clock=clock))
        merge.merge(self._asked.run_folder, parts, whole=whole)


def _worker(share: Share, place: Place) -> Worker:
    return Worker(number=share.number, host=None if place.host is None else place.host.name)


def say(line: str) -> None:
    """Tell a human something about the load."""
    print_line(f"load: {line}")


def print_line(line: str) -> None:
    """Print one line as it is."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
