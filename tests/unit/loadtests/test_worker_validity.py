"""Every reason for which a load of several workers proves nothing."""

import pytest

from loadtests.results.judge import judge_record
from loadtests.results.worker_validity import spoiled
from proof.verdict import Verdict
from tests.unit.loadtests import records
from tests.unit.loadtests.records import START_S, worker
from tests.unit.loadtests.test_validity import SLO, found


def reasons(*workers, **changed: object) -> list[str]:
    return spoiled(records.run_info(workers=workers, **changed))


def test_workers_that_made_their_parts_spoil_nothing():
    both = (worker(1), worker(2))
    assert reasons(*both) == []
    assert reasons() == []
    assert judge_record(found(run_info={"workers": both}), SLO).verdict is Verdict.PASS


def test_a_lost_worker_is_the_first_reason_of_all():
    lost = worker(2, lost="was killed by SIGKILL", clock_ahead_ms=None, clock_give_or_take_ms=None)
    facts = {"workers": (worker(1), lost), "stopped_s": START_S + 3.0, "lateness_p99_ms": 101.0}
    judgement = judge_record(found(run_info=facts, errors=1), SLO)
    assert judgement.verdict is Verdict.INVALID
    assert judgement.reasons[0] == "worker 2 of 2 was killed by SIGKILL"
    assert judgement.reasons[1] == "the load was ended after 3.0 of 4 s"
    assert not any("clock" in reason for reason in judgement.reasons)


@pytest.mark.parametrize(
    ("ahead_ms", "give_or_take_ms", "reason"),
    [
        (19.0, 1.0, None),
        (-19.0, 1.0, None),
        (19.0, 1.1, "+19.0 ms (give or take 1.1)"),
        (-25.0, 0.0, "-25.0 ms (give or take 0.0)"),
        (0.0, 20.1, "+0.0 ms (give or take 20.1)"),
        (None, None, "could not be measured"),
    ],
)
def test_a_clock_must_be_known_to_be_near(ahead_ms, give_or_take_ms, reason):
    other = worker(2, clock_ahead_ms=ahead_ms, clock_give_or_take_ms=give_or_take_ms)
    said = reasons(worker(1), other)
    assert len(said) == (0 if reason is None else 1 + (ahead_ms is not None and abs(ahead_ms) > 20.0))
    if reason is not None:
        assert said[0].startswith("the clock of worker 2 of 2")
        assert reason in said[0]


def test_two_clocks_that_are_near_ours_may_still_be_apart():
    both = [worker(n, clock_ahead_ms=ms, clock_give_or_take_ms=0.1) for n, ms in ((1, 11.0), (2, -10.0))]
    assert reasons(*both) == ["clocks of workers are 21.0 ms apart; allowed: at most 20 ms"]


def test_any_worker_without_cpu_to_spare_spoils_the_load_and_their_sum_does_not():
    assert reasons(worker(1, cpu_percent=89.0), worker(2, cpu_percent=90.0), cpu_percent=179.0) == []
    busy = (worker(1, cpu_percent=12.0), worker(2, cpu_percent=91.0))
    (reason,) = reasons(*busy, cpu_percent=103.0)
    assert reason.startswith("worker 2 of 2 used 91 % of a core; allowed: at most 90 %")
    both = (worker(1, cpu_percent=60.0), worker(2, cpu_percent=60.0))
    assert judge_record(found(run_info={"workers": both, "cpu_percent": 120.0}), SLO).verdict is Verdict.PASS


def test_a_worker_that_recorded_less_than_its_part_is_named():
    both = (worker(1), worker(2, writes_recorded=19))
    assert reasons(*both) == ["worker 2 of 2 recorded 19 of 20 planned writes"]
    assert reasons(*both, stopped_s=START_S + 1.0) == []
