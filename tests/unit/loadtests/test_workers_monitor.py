"""When a worker counts as lost, from literal histories."""

from typing import Any

import pytest

from loadtests.workers import messages
from loadtests.workers.monitor import READY_WITHIN_S, SILENT_S, Monitor, Progress, Worker

Message = tuple[str, dict[str, Any]]
HELLO: Message = (messages.HELLO, {"place": "here/1"})
READY: Message = (messages.READY, {})


def status(acknowledged: int, name: str = messages.STATUS, **more: float) -> Message:
    others = {"errors": 0, "late": 0, "cpu_percent": 12.5, "memory_mib": 50.0}
    return name, {"acknowledged": acknowledged, **others, **more}


def done(acknowledged: int = 1, **more: float) -> Message:
    return status(acknowledged, messages.DONE, **more)


def monitor(*heard: Message) -> Monitor:
    """Two workers that both said all of `heard` at second 0."""
    found = Monitor(workers=[Worker(number=1), Worker(number=2)])
    for message in heard:
        for number in (1, 2):
            found.heard(number, *message, 0.0)
    return found


def losses(found: Monitor) -> list[tuple[int, str | None]]:
    return [(worker.number, worker.lost) for worker in found.lost]


def test_all_are_here_ready_and_done_when_each_said_so():
    found = monitor()
    for message, word in ((HELLO, "all_here"), (READY, "all_ready"), (done(5), "all_done")):
        found.heard(1, *message, 0.0)
        assert not getattr(found, word)
        found.heard(2, *message, 0.0)
        assert getattr(found, word)


def test_progress_is_summed_over_what_each_said_last():
    found = monitor(READY, status(3, errors=1, late=2))
    found.heard(2, *status(10, errors=1, late=0), 1.0)
    assert found.progress == Progress(acknowledged=13, errors=2, late=2)
    found.heard(1, *done(20, errors=4), 2.0)
    assert found.progress == Progress(acknowledged=30, errors=5, late=0)
    assert (found.workers[1].cpu_percent, found.workers[1].memory_mib) == (12.5, 50.0)


def test_one_that_refuses_is_lost_for_its_own_reasons():
    found = monitor(HELLO)
    found.heard(2, messages.REFUSED, {"problems": ["no gateway", "no customers"]}, 1.0)
    found.ended(2, 2)
    assert losses(found) == [(2, "refused: no gateway; no customers")]
    assert found.workers[1].refused == ("no gateway", "no customers")


def test_an_order_reaches_those_that_are_connected_run_and_speak():
    found = monitor()
    assert not found.workers[0].can_hear
    found.heard(1, *HELLO, 0.0)
    found.heard(2, *HELLO, SILENT_S)
    for number in (1, 2):
        found.heard(number, *READY, 0.1 if number == 1 else SILENT_S)
    assert [worker.can_hear for worker in found.workers] == [True, True]
    found.look(SILENT_S + 0.2)
    assert [worker.can_hear for worker in found.workers] == [False, True]
    found.ended(2, 1)
    assert not found.workers[1].can_hear


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (-9, "was killed by SIGKILL"),
        (-15, "was killed by SIGTERM"),
        (0, "ended with status 0 before its part was done"),
        (1, "ended with status 1 before its part was done"),
    ],
)
def test_one_that_ends_unasked_is_lost_at_once(code, how):
    found = monitor(READY, status(1))
    found.ended(2, code)
    assert losses(found) == [(2, how)]
    assert found.workers[1].status == code


def test_a_session_that_ends_by_itself_cut_its_worker_off_and_only_a_host_has_one():
    found = Monitor(workers=[Worker(number=1), Worker(number=2, host="load-b")])
    for number in (1, 2):
        found.ended(number, 255)
    assert losses(found) == [
        (1, "ended with status 255 before its part was done"),
        (2, "was cut off from us (its SSH session ended) before its part was done"),
    ]


def test_a_record_that_did_not_come_loses_its_worker_unless_it_was_lost_before():
    found = monitor(READY, done())
    found.closed(2, -9)
    for number in (1, 2):
        found.unfetched(number, "did not send its record")
    assert losses(found) == [
        (1, "did not send its record"),
        (2, "was killed by SIGKILL when the load was over"),
    ]


def test_one_that_ends_while_it_waits_for_the_others_is_lost_too():
    found = monitor(READY, done())
    found.ended(1, -9)
    assert losses(found) == [(1, "was killed by SIGKILL")]


def test_one_that_fails_while_it_is_ended_is_lost_and_one_that_ends_well_is_not():
    found = monitor(READY, done())
    found.closed(1, 0)
    found.closed(2, 1)
    assert losses(found) == [(2, "ended with status 1 when the load was over")]
    found.closed(1, -9)
    assert losses(found)[0] == (1, "was killed by SIGKILL when the load was over")


def test_one_that_says_nothing_is_lost_and_one_that_is_done_may_be_silent():
    found = monitor(READY, status(1))
    found.heard(2, *done(), 1.0)
    found.look(SILENT_S)
    assert losses(found) == []
    found.look(SILENT_S + 0.1)
    assert losses(found) == [(1, "said nothing for 5 s")]


def test_one_that_does_not_get_ready_is_lost():
    found = monitor()
    found.heard(2, *READY, READY_WITHIN_S)
    found.look(READY_WITHIN_S)
    assert losses(found) == []
    found.look(READY_WITHIN_S + 0.1)
    assert losses(found) == [(1, "was not ready within 60 s")]


def test_the_first_reason_stays():
    found = monitor(READY, status(1))
    found.look(SILENT_S + 1.0)
    found.ended(1, -9)
    assert losses(found)[0] == (1, "said nothing for 5 s")


def test_one_that_speaks_on_and_is_never_done_is_lost_at_last():
    found = monitor(HELLO, READY, status(1))
    found.done_by_s = 100.0
    for number in (1, 2):
        found.heard(number, *status(1), 100.1)
    found.heard(2, *done(), 100.1)
    found.look(100.0)
    assert losses(found) == []
    found.look(100.1)
    assert losses(found) == [(1, "was not done in time after its last arrival")]
    assert found.workers[0].can_hear


def test_a_signal_without_a_name_is_told_by_its_number():
    found = monitor(READY)
    found.ended(1, -40)
    assert losses(found) == [(1, "was killed by signal 40")]
