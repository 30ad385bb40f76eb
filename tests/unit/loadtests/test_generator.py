"""The moment of the stop: what was due before it counts, and what fell due in it says nothing of anybody."""

import time
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests import options
from loadtests.generator import WAKES_WITHIN_S, Generator
from loadtests.ledger import Outcome
from loadtests.recorder import Recorder
from tests.unit.loadtests.test_options import LAB, checked


@pytest.mark.parametrize(("late_s", "unsent"), [(0.2 * WAKES_WITHIN_S, 0), (WAKES_WITHIN_S + 0.15, 1)])
def test_an_arrival_whose_user_wakes_after_the_stop(tmp_path: Path, late_s: float, unsent: int) -> None:
    asked = checked(
        "--users", "1", "--rate", "1", "--duration", "3s", "--warm-up", "0s", "--run-folder", str(tmp_path)
    )
    nobody: Any = None
    generator = Generator(
        options=asked,
        plan=options.plan_of(asked, LAB),
        population=nobody,
        targets=(),
        deadline_s=0.1,
        recorder=Recorder(tmp_path),
    )
    recorded = []
    generator.record_write = recorded.append  # type: ignore[method-assign]
    started = []

    def user() -> None:
        while (arrival := generator.next_arrival()) is not None:
            started.append(arrival.number)

    generator.user_ready()
    serving = gevent.spawn(user)
    assert generator.schedule is not None
    second_s = generator.schedule.start_s + 1.0
    gevent.sleep(second_s - time.time() - 0.05)
    # The process stands still: nobody wakes, though the second arrival falls due.
    time.sleep(max(second_s + late_s - time.time(), 0.0))
    generator.stop()
    serving.join(timeout=2)
    assert started == [0]
    assert [write.outcome for write in recorded] == [Outcome.UNSENT] * unsent
