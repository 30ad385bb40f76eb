"""Users connect a few at a time; at the stop what was due is still sent, and the rest is not."""

import heapq
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.event
import pytest

from loadtests.engine import generator as generator_module
from loadtests.engine import journey_user
from loadtests.engine.generator import Generator
from loadtests.engine.journey_user import JourneyUser
from loadtests.engine.recorder import Recorder
from loadtests.plan import options
from proof.record import Outcome, Write
from tests.unit.loadtests.test_options import LAB, checked


def generator(folder: Path, recorded: list[Write]) -> Generator:
    """One user, an arrival a second."""
    asked = checked(
        "--users", "1", "--rate", "1", "--duration", "3s", "--warm-up", "0s", "--run-folder", str(folder)
    )
    nobody: Any = None
    found = Generator(
        options=asked,
        plan=options.plan_of(asked, LAB),
        population=nobody,
        targets=(),
        deadline_s=0.1,
        recorder=Recorder(folder),
    )
    found.record_write = recorded.append  # type: ignore[method-assign]
    found.user_ready()
    return found


class VirtualTime:
    """Passes only while every greenlet waits, and then at once to the next that wakes."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._wakes: list[tuple[float, int, gevent.event.Event]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return int(self.now_s * 1e9)

    def process_time(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        wake = gevent.event.Event()
        heapq.heappush(self._wakes, (self.now_s + seconds, next(self._numbers), wake))
        wake.wait()

    def pass_by(self) -> None:
        """Let time pass for ever."""
        while True:
            gevent.idle()
            if self._wakes:
                due_s, _, wake = heapq.heappop(self._wakes)
                self.now_s = max(self.now_s, due_s)
                wake.set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualTime]:
    made = VirtualTime()
    monkeypatch.setattr(generator_module, "time", made)
    asleep = SimpleNamespace(sleep=made.sleep, event=gevent.event)
    monkeypatch.setattr(generator_module, "gevent", asleep)
    passing = gevent.spawn(made.pass_by)
    yield made
    passing.kill()


def sleep_to(clock: VirtualTime, made: Generator, second: float) -> None:
    assert made.schedule is not None
    clock.sleep(max(made.schedule.start_s + second - clock.now_s, 0.0))


@pytest.mark.parametrize("late_s", [0.02, 0.3])
def test_an_arrival_whose_user_wakes_after_the_stop_is_sent(
    tmp_path: Path, clock: VirtualTime, late_s: float
) -> None:
    recorded: list[Write] = []
    made = generator(tmp_path, recorded)
    started = []

    def user() -> None:
        while (arrival := made.next_arrival()) is not None:
            started.append(arrival.number)

    serving = gevent.spawn(user)
    sleep_to(clock, made, 0.95)
    # The process stands still: nobody wakes, though the second arrival falls due.
    assert made.schedule is not None
    clock.now_s = made.schedule.start_s + 1.0 + late_s
    made.stop()
    serving.join(timeout=120)
    assert (started, recorded) == ([0, 1], [])


@pytest.mark.parametrize(("busy_s", "sent"), [(1.5, [0, 1]), (60.0, [0])])
def test_one_that_waits_for_a_user_is_sent_if_that_is_free_in_time(
    tmp_path: Path, clock: VirtualTime, busy_s: float, sent: list[int]
) -> None:
    recorded: list[Write] = []
    made = generator(tmp_path, recorded)
    started = []

    def user() -> None:
        while (arrival := made.next_arrival()) is not None:
            started.append(arrival.number)
            made.request_begins()
            clock.sleep(busy_s)
            made.request_ended()

    serving = gevent.spawn(user)
    sleep_to(clock, made, 1.2)
    made.stop()
    assert started == sent
    assert [write.outcome for write in recorded] == [Outcome.UNSENT] * (2 - len(sent))
    serving.kill()


def test_users_connect_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, the handshakes of a thousand users took longer than a user waits (40 of them, seen)."""
    connecting: list[int] = []

    class Doors:
        def __init__(self, *_: object, **__: object) -> None: ...

        def connect(self) -> None:
            waiting.append(self)
            connecting.append(len(waiting))
            gevent.sleep(0.001)
            waiting.remove(self)

    class NoState:
        def watched(self) -> list[None]:
            return []

        def read(self) -> None:
            return None

    waiting: list[Doors] = []
    monkeypatch.setattr(journey_user, "Connections", Doors)
    monkeypatch.setattr(journey_user, "_states", lambda *_: {"": NoState()})
    monkeypatch.setattr(JourneyUser, "_read", lambda *_: None)
    made = generator(tmp_path, [])
    users = [gevent.spawn(JourneyUser(made, number).prepare) for number in range(200)]
    gevent.joinall(users, raise_error=True)
    assert len(connecting) == 200
    assert 2 <= max(connecting) <= 50
