"""What a failover may lose, and what it may not."""

from hypothesis import assume, given
from hypothesis import strategies as st

from proof.checkers.loss import fault_moment_s, lost_within_lag
from proof.history import FaultWindow
from proof.verdict import Verdict
from tests.unit.chaos.histories import failover, sample, write

FAULT_S = 200.0
AT_ONCE = FaultWindow(started_s=FAULT_S, ended_s=FAULT_S, promoted_s=202.0)
BEFORE = tuple(write(f"b{n}", ended_s=190 + n) for n in range(10))


def test_a_loss_within_the_lag_passes_and_is_listed() -> None:
    found = lost_within_lag(failover(*BEFORE, write("k", ended_s=199.95), lost=("k",)))
    assert found.verdict is Verdict.PASS
    assert found.figures["acknowledged_lost"] == 1
    assert found.figures["lag_before_fault_ms"] == 100.0
    assert found.listed[0]["key"] == "k"
    assert found.listed[0]["before_fault_ms"] == 40.0


def test_nothing_lost_is_a_pass_with_an_empty_window() -> None:
    found = lost_within_lag(failover(*BEFORE))
    assert found.verdict is Verdict.PASS
    assert found.figures["lost_window_ms"] == 0.0


def test_a_loss_older_than_the_lag_fails() -> None:
    # 100 ms of lag and 250 ms between samples: 350 ms are explained, 390 are not.
    found = lost_within_lag(failover(*BEFORE, write("k", ended_s=199.60), lost=("k",)))
    assert found.verdict is Verdict.FAIL
    assert "more than 350 ms before the fault" in found.reasons[0]


def test_one_old_loss_among_young_ones_fails() -> None:
    found = lost_within_lag(failover(*BEFORE, write("k", ended_s=199.99), lost=("k", "b3")))
    assert found.verdict is Verdict.FAIL
    assert found.figures["acknowledged_lost"] == 2


def test_a_loss_begun_after_the_fault_fails() -> None:
    found = lost_within_lag(failover(*BEFORE, write("k", ended_s=205.0), lost=("k",)))
    assert found.verdict is Verdict.FAIL
    assert "begun after the fault" in found.reasons[0]


def test_a_loss_acknowledged_by_the_new_primary_fails() -> None:
    held = write("k", started_s=199.9, ended_s=202.5)
    found = lost_within_lag(failover(*BEFORE, held, lost=("k",)))
    assert found.verdict is Verdict.FAIL
    assert "acknowledged by the new primary" in found.reasons[0]


def test_an_answer_that_was_on_its_way_when_the_primary_died_may_be_lost() -> None:
    on_its_way = write("k", started_s=199.98, ended_s=200.05)
    assert lost_within_lag(failover(*BEFORE, on_its_way, lost=("k",))).verdict is Verdict.PASS


def test_a_slow_power_switch_does_not_widen_the_window() -> None:
    # Sent at 199, certain at 200; clients saw the last acknowledgement at 199.3.
    fault = FaultWindow(started_s=199.0, ended_s=200.0)
    record = failover(*BEFORE, write("k", ended_s=199.3), write("old", ended_s=198.9), fault=fault)
    assert fault_moment_s(record, fault) == 199.3
    lost = failover(
        *BEFORE,
        write("k", ended_s=199.3),
        write("old", ended_s=198.6),
        lost=("old",),
        fault=fault,
        samples=(sample(198.0, 100.0),),
    )
    assert lost_within_lag(lost).verdict is Verdict.FAIL


def test_without_samples_a_loss_cannot_be_judged() -> None:
    for samples in ((), (sample(199.9, None),), (sample(100.0, 50.0),), (sample(201.0, 50.0),)):
        found = lost_within_lag(failover(*BEFORE, write("k", ended_s=199.99), lost=("k",), samples=samples))
        assert found.verdict is Verdict.INVALID


def test_without_a_fault_there_is_nothing_to_judge() -> None:
    assert lost_within_lag(failover(*BEFORE, fault=None)).verdict is Verdict.INVALID


def test_too_few_writes_prove_nothing() -> None:
    assert lost_within_lag(failover(*BEFORE, acknowledged_min=11)).verdict is Verdict.INVALID


_BEFORE_MS = st.lists(st.integers(1, 20_000), min_size=5, max_size=60, unique=True)


@given(before_ms=_BEFORE_MS, lag_ms=st.integers(0, 400))
def test_whatever_a_lagging_standby_lacks_is_explained(before_ms: list[int], lag_ms: int) -> None:
    writes = {f"k{ms}": write(f"k{ms}", ended_s=FAULT_S - ms / 1000) for ms in before_ms}
    lost = tuple(f"k{ms}" for ms in before_ms if ms <= lag_ms)
    record = failover(*writes.values(), lost=lost, fault=AT_ONCE, samples=(sample(199.0, float(lag_ms)),))
    found = lost_within_lag(record)
    assert found.verdict is Verdict.PASS
    assert sorted(str(listed["key"]) for listed in found.listed) == sorted(lost)


@given(before_ms=_BEFORE_MS, lag_ms=st.integers(0, 400), data=st.data())
def test_any_one_older_loss_is_noticed(before_ms: list[int], lag_ms: int, data: st.DataObject) -> None:
    # The fault acted no earlier than it was sent, so what matters is the age at that moment.
    explained_ms = lag_ms + 250
    old = [ms for ms in before_ms if ms > explained_ms + 1]
    assume(old)
    extra = data.draw(st.sampled_from(old))
    writes = {f"k{ms}": write(f"k{ms}", ended_s=FAULT_S - ms / 1000) for ms in before_ms}
    lost = (*(f"k{ms}" for ms in before_ms if ms <= lag_ms), f"k{extra}")
    record = failover(*writes.values(), lost=lost, fault=AT_ONCE, samples=(sample(199.0, float(lag_ms)),))
    assert lost_within_lag(record).verdict is Verdict.FAIL


def test_a_hole_in_the_log_is_no_tail_of_it() -> None:
    missing = write("k", ended_s=199.90)
    later = write("later", ended_s=199.98, started_s=199.95)
    amid = write("amid", ended_s=199.98, started_s=199.89)
    assert lost_within_lag(failover(*BEFORE, missing, amid, lost=("k",))).verdict is Verdict.PASS
    found = lost_within_lag(failover(*BEFORE, missing, later, lost=("k",)))
    assert found.verdict is Verdict.FAIL
    assert found.reasons[0].startswith("1 writes are present that began after a missing write")
    assert lost_within_lag(failover(*BEFORE, missing, later, lost=("k", "later"))).verdict is Verdict.PASS
