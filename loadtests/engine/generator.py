"""A running load: its arrivals, its record, and the generator's own spare capacity."""

import gc
import resource
import secrets
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable

import gevent
import gevent.event
from gevent.lock import BoundedSemaphore

from loadtests.engine.recorder import Recorder
from loadtests.plan.options import LoadOptions
from loadtests.plan.schedule import Arrival, Plan, Schedule
from loadtests.results.budget import Meter
from loadtests.results.run_info import RunInfo
from loadtests.results.worker_validity import GENERATOR_CPU_PERCENT_MAX
from loadtests.transport import exchange
from loadtests.transport.connections import Target
from loadtests.users.population import Population
from proof import percentiles
from proof.record import Read, Write

UNSENT_AFTER_S = 5.0
"""An arrival is given up if no user is free within this time: a real customer would have left."""
_LOOKS_EVERY_S = 0.02
_CPU_LOOKS_EVERY_S = 1.0
READY_LEAD_S = 0.5
"""Time between the moment when all users are ready and the first arrival."""
_PREPARING_MAX = 32

Sent = Callable[[Write | Read], None]


class Generator:
    """One run: its schedule, its users' shared state, and the generator's spare capacity."""

    def __init__(
        self,
        *,
        options: LoadOptions,
        plan: Plan,
        population: Population,
        targets: tuple[Target, ...],
        deadline_s: float,
        recorder: Recorder,
        sent: Sent | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Prepare a run.

        + deadline_s: a user gives up on an answer after this long
        + sent: called with every record, for Locust's own statistics
        + meter: gets every record; the run ends when a budget is overspent
        """
        self.options = options
        self.population = population
        self.targets = targets
        self.deadline_s = deadline_s
        self.recorder = recorder
        self._sent = sent
        self._meter = meter
        self.aborted: str | None = None
        self.plan = plan
        self.user_numbers = options.share.users(options.users)
        """Users of this process."""
        self.ready = gevent.event.Event()
        """Set when all users are ready."""
        self.preparing = BoundedSemaphore(_PREPARING_MAX)
        """Limits how many users prepare at once: each of a thousand handshakes would miss the deadline."""
        self.schedule: Schedule | None = None
        self.stopped_s: float | None = None
        self.finished = gevent.event.Event()
        self._started = gevent.event.Event()
        self._ready = 0
        self._done = 0
        self._under_way = 0
        self._lateness_ms = array("d")
        self._held_back = 0
        self._busy_seconds = 0
        self._stall_s = 0.0
        self._cpu_start_s = 0.0
        self._cpu_s = 0.0
        self._first_requests = 0

    def user_ready(self) -> None:
        """Count a user that is ready; after the last one the run begins, unless a conductor starts it."""
        self._ready += 1
        if self._ready == len(self.user_numbers) and self.schedule is None:
            # The objects that exist now live to the end, so the collector need not search them. Records are
            # written and dropped, and contain no cycles.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 50, 100)
            self.ready.set()
            if not self.options.is_conducted:
                self.begin(time.time() + READY_LEAD_S)

    def begin(self, first_s: float) -> None:
        """Begin the run: its first arrival is due at unix time `first_s`, or at a later `--start-at`."""
        first_s = max(first_s, self.options.start_at_s or 0.0)
        self._cpu_start_s = time.process_time()
        self._first_requests = self.recorder.reads
        self.schedule = Schedule(self.plan, start_s=first_s + self.plan.warm_up_s)
        self._started.set()

    def next_arrival(self) -> Arrival | None:
        """Return the next arrival once it is due, or None when the run is over."""
        self._started.wait()
        while self.schedule is not None:
            arrival = self.schedule.take()
            if arrival is None:
                return None
            wait_s = arrival.planned_s - time.time()
            if wait_s > 0.0:
                gevent.sleep(wait_s)
                if self.stopped_s is not None and arrival.planned_s > self.stopped_s:
                    return None
                self._lateness_ms.append((time.time() - arrival.planned_s) * 1000.0)
                return arrival
            self._held_back += 1
            if wait_s > -UNSENT_AFTER_S:
                return arrival
            self._give_up(arrival)
        return None

    def _give_up(self, arrival: Arrival) -> None:
        self.record_write(exchange.unsent(arrival, key=new_key(), ended_s=time.time()))

    def record_write(self, record: Write) -> None:
        """Record a write."""
        self.recorder.write(record)
        self._tell(record)

    def record_read(self, record: Read) -> None:
        """Record a query."""
        self.recorder.read(record)
        self._tell(record)

    def _tell(self, record: Write | Read) -> None:
        if self._sent is not None:
            self._sent(record)
        if self._meter is not None:
            self._meter.add(record)

    def abort_if_failed(self) -> bool:
        """End the run if a promise can no longer be kept; return whether it was ended for that."""
        if self._meter is not None and self.aborted is None and not self.finished.is_set():
            self.aborted = self._meter.overspent()
            if self.aborted is not None:
                self.stop()
        return self.aborted is not None

    def request_begins(self) -> None:
        """Count a write that starts."""
        self._under_way += 1

    def request_ended(self) -> None:
        """Count a write that got its outcome."""
        self._under_way -= 1

    def user_done(self) -> None:
        """Count a user that has nothing left to do; the last one ends the run."""
        self._done += 1
        if self._done == len(self.user_numbers):
            self._measure_cpu()
            self.finished.set()

    def stop(self) -> None:
        """End the run: send only the arrivals that are already due, and return when all have an outcome.

        An arrival that waits for a user at this moment has not failed yet. It fails if it is not sent within
        a user's deadline.
        """
        if self.finished.is_set() or self.stopped_s is not None:
            return
        self.stopped_s = time.time()
        self._measure_cpu()
        if self.schedule is not None:
            self.schedule.stop(after=self.schedule.taken + self.waiting())
        self._started.set()
        until_s = self.stopped_s + self.deadline_s + 2.0
        # Sleep first, so that users whose arrivals became due at this moment can wake.
        gevent.sleep(_LOOKS_EVERY_S)
        while (self._under_way or self._left()) and time.time() < until_s:
            gevent.sleep(_LOOKS_EVERY_S)
        while self.schedule is not None and (arrival := self.schedule.take()) is not None:
            self._give_up(arrival)

    def watch_cpu(self) -> None:
        """Until the end, count the measured seconds without spare CPU, and the longest standstill."""
        self._started.wait()
        used_s, at_s = time.process_time(), time.time()
        while not self.finished.wait(timeout=_CPU_LOOKS_EVERY_S):
            now_used_s, now_s = time.process_time(), time.time()
            share = 100.0 * (now_used_s - used_s) / max(now_s - at_s, 1e-9)
            if self.schedule is not None and at_s >= self.schedule.start_s:
                self._busy_seconds += share > GENERATOR_CPU_PERCENT_MAX
                # A loop that wakes late ran nothing in between: no user was busy, whatever waited for one.
                self._stall_s = max(self._stall_s, now_s - at_s - _CPU_LOOKS_EVERY_S)
            used_s, at_s = now_used_s, now_s

    def _left(self) -> int:
        return 0 if self.schedule is None else self.schedule.left

    def waiting(self) -> int:
        """Return how many arrivals are due and have not been started."""
        if self.schedule is None:
            return 0
        due = bisect_right(self.plan.offsets_s, time.time() - self.schedule.start_s)
        return max(due - self.schedule.taken, 0)

    def run_info(self) -> RunInfo:
        """Return the facts about the run that only the generator knows."""
        start_s = self.schedule.start_s if self.schedule is not None else self.stopped_s or time.time()
        end_s = self.stopped_s or start_s + self.plan.duration_s
        wall_s = end_s - start_s + self.plan.warm_up_s
        requests = self.recorder.writes + self.recorder.reads - self._first_requests
        late = self._lateness_ms
        return RunInfo(
            environment=self.options.environment,
            scenario=self.options.scenario,
            rate_per_s=self.plan.rate_per_s,
            duration_s=self.options.duration_s,
            spacing=self.options.spacing,
            shape=self.options.shape,
            run_seed=self.options.run_seed,
            users=len(self.user_numbers),
            targets=tuple(target.url for target in self.targets),
            writes_planned=self.plan.measured,
            warm_up_s=self.plan.warm_up_s,
            start_s=start_s,
            stopped_s=self.stopped_s,
            # It may have been ended before its first arrival was due.
            cpu_percent=100.0 * self._cpu_s / wall_s if wall_s > 0.0 else 0.0,
            cpu_ms_per_request=1000.0 * self._cpu_s / requests if requests else 0.0,
            memory_mib=self.memory_mib(),
            lateness_p50_ms=percentiles.nearest_rank(late, 50.0) if late else 0.0,
            lateness_p99_ms=percentiles.nearest_rank(late, 99.0) if late else 0.0,
            lateness_max_ms=max(late, default=0.0),
            held_back=self._held_back,
            busy_seconds=self._busy_seconds,
            stall_ms=1000.0 * self._stall_s,
            aborted=self.aborted,
            requests=requests,
            storm=self.plan.storm,
        )

    @property
    def cpu_percent(self) -> float:
        """CPU time since the run began, in percent of one core; 0 before."""
        if self.schedule is None:
            return 0.0
        wall_s = time.time() - self.schedule.start_s + self.plan.warm_up_s
        return 100.0 * (time.process_time() - self._cpu_start_s) / wall_s if wall_s > 0.0 else 0.0

    @staticmethod
    def memory_mib() -> float:
        """Return the highest resident memory so far."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0

    def _measure_cpu(self) -> None:
        self._cpu_s = time.process_time() - self._cpu_start_s if self._cpu_start_s else 0.0


def new_key() -> str:
    """Return a fresh idempotency key: a UUID of version 7 (RFC 9562), which grows with time.

    With random keys, each merge of the database would rewrite its whole journal; see `app_stub/schema.sql`.
    """
    random = secrets.randbits(74)
    return f"{time.time_ns() // 1_000_000:012x}7{random >> 62:03x}{2 << 62 | random & (1 << 62) - 1:016x}"
