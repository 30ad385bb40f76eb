"""Users connect a few at a time; at the stop what was due is still sent, and the rest is not."""

import time
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests import journey_user, options
from loadtests.generator import Generator
from loadtests.journey_user import JourneyUser
from loadtests.ledger import Outcome, Write
from loadtests.recorder import Recorder
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


def sleep_to(made: Generator, second: float) -> None:
    assert made.schedule is not None
    gevent.sleep(max(made.schedule.start_s + second - time.time(), 0.0))


@pytest.mark.parametrize("late_s", [0.02, 0.3])
def test_an_arrival_whose_user_wakes_after_the_stop_is_sent(tmp_path: Path, late_s: float) -> None:
    recorded: list[Write] = []
    made = generator(tmp_path, recorded)
    started = []

    def user() -> None:
        while (arrival := made.next_arrival()) is not None:
            started.append(arrival.number)

    serving = gevent.spawn(user)
    sleep_to(made, 0.95)
    # The process stands still: nobody wakes, though the second arrival falls due.
    assert made.schedule is not None
    time.sleep(max(made.schedule.start_s + 1.0 + late_s - time.time(), 0.0))
    made.stop()
    serving.join(timeout=3)
    assert (started, recorded) == ([0, 1], [])


@pytest.mark.parametrize(("busy_s", "sent"), [(1.5, [0, 1]), (60.0, [0])])
def test_one_that_waits_for_a_user_is_sent_if_that_is_free_in_time(
    tmp_path: Path, busy_s: float, sent: list[int]
) -> None:
    recorded: list[Write] = []
    made = generator(tmp_path, recorded)
    started = []

    def user() -> None:
        while (arrival := made.next_arrival()) is not None:
            started.append(arrival.number)
            made.request_begins()
            gevent.sleep(busy_s)
            made.request_ended()

    serving = gevent.spawn(user)
    sleep_to(made, 1.2)
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

    class NoBooks:
        def watched(self) -> list[None]:
            return []

        def read(self) -> None:
            return None

    waiting: list[Doors] = []
    monkeypatch.setattr(journey_user, "Connections", Doors)
    monkeypatch.setattr(journey_user, "_books", lambda *_: {"": NoBooks()})
    monkeypatch.setattr(JourneyUser, "_read", lambda *_: None)
    made = generator(tmp_path, [])
    users = [gevent.spawn(JourneyUser(made, number).prepare) for number in range(200)]
    gevent.joinall(users, raise_error=True)
    assert len(connecting) == 200
    assert 2 <= max(connecting) <= 50
