"""What holds for any look at all, said independently of how the decision is made."""

from dataclasses import replace

from hypothesis import event, given, settings

from failover.core import actions as a
from failover.core.decision import decide, must_fence
from failover.core.observed import (
    FenceState,
    Observed,
    Phase,
    Process,
    Role,
    TaskKind,
    Unfenced,
    UnprotectedMode,
)
from failover.core.safety import could_write
from tests.unit.failover.any_look import looks
from tests.unit.failover.looks import SETTINGS

NEEDS_THE_LEAD = (
    a.Promote,
    a.TakeOver,
    a.Serve,
    a.BeginHandover,
    a.HandOver,
    a.ResumeLeading,
    a.FencePeer,
    a.SetUnprotectedMode,
)


def leads(seen: Observed) -> bool:
    """The record names this host with the epoch of its lease, and the lease is fresh."""
    record = seen.etcd.leadership if seen.etcd else None
    lease = seen.lease
    return (
        record is not None
        and lease is not None
        and (record.host, record.epoch) == (seen.me, lease.epoch)
        and seen.now_ms - lease.renewed_at_ms < SETTINGS.lease_ttl_ms - SETTINGS.safety_margin_ms
    )


def is_fenced(former: Unfenced, seen: Observed) -> bool:
    assert seen.etcd is not None
    told = [m.fenced for m in seen.etcd.members if m.host == former.host]
    told += [p.reported_fenced_epoch for p in seen.peers if p.host == former.host]
    known = (FenceState.CONFIRMED, FenceState.RELEASED)
    off = any(r.host == former.host and r.state in known for r in seen.fence_device)
    waited_ms = 0 if seen.lock_acquired_at_ms is None else seen.now_ms - seen.lock_acquired_at_ms
    over = waited_ms >= SETTINGS.lease_ttl_ms + SETTINGS.safety_margin_ms
    return off or over or former.lease_over or any(epoch >= former.epoch for epoch in told)


def makes_writable(action: a.Action) -> bool:
    return isinstance(action, a.Promote | a.TakeOver) or (
        isinstance(action, a.StartDatabase) and action.guarantee is not None
    )


def there_is_always_an_answer_and_a_reason(seen: Observed, action: a.Action) -> None:
    assert action.why


def what_a_leader_does_is_done_by_the_leader_only(seen: Observed, action: a.Action) -> None:
    if isinstance(action, NEEDS_THE_LEAD) or makes_writable(action):
        assert leads(seen)
        assert seen.etcd is not None
        assert seen.etcd.answered_ago_ms <= SETTINGS.etcd_silent_ms


def nothing_is_made_writable_before_every_former_leader_is_fenced(seen: Observed, action: a.Action) -> None:
    if makes_writable(action) or isinstance(action, a.Serve):
        assert seen.etcd is not None
        assert seen.etcd.leadership is not None
        assert all(is_fenced(former, seen) for former in seen.etcd.leadership.unfenced)


def nobody_leads_without_what_the_primary_alone_acknowledged(seen: Observed, action: a.Action) -> None:
    if not isinstance(action, a.AcquireLeaderLock) or action.accept_loss:
        return
    record = seen.etcd.leadership if seen.etcd else None
    if record is None or record.primary == seen.me:
        return
    has_all = record.final_scn is not None and seen.database.scn >= record.final_scn
    assert record.unprotected is UnprotectedMode.NO or has_all


def what_was_acknowledged_alone_is_forgotten_only_when_all_have_it(seen: Observed, action: a.Action) -> None:
    record = seen.etcd.leadership if seen.etcd else None
    if not isinstance(action, a.SetUnprotectedMode) or action.unprotected is not UnprotectedMode.NO:
        return
    assert record is not None
    assert seen.etcd is not None
    assert record.unprotected is UnprotectedMode.ENDING
    assert record.catch_up_scn is not None
    others = [m for m in seen.etcd.members if m.candidate and m.host != seen.me]
    assert others
    assert all(m.scn >= record.catch_up_scn and m.timeline == record.timeline for m in others)


def foreign_data_are_made_writable_only_for_an_operator_who_accepts_it(
    seen: Observed, action: a.Action
) -> None:
    if makes_writable(action):
        assert seen.etcd is not None
        record = seen.etcd.leadership
        assert record is not None
        own = record.primary == seen.me or seen.database.timeline == record.timeline
        assert own or record.accept_loss
        assert seen.candidate


def a_database_that_may_write_without_a_fresh_lease_is_fenced(seen: Observed, action: a.Action) -> None:
    fresh = seen.lease is not None and seen.now_ms - seen.lease.renewed_at_ms < 2000
    nobody_led = seen.etcd is not None and seen.etcd.leadership is None and seen.lease is None
    if fresh or nobody_led or not could_write(seen.database, seen.task):
        return
    assert must_fence(seen, SETTINGS) is not None
    assert isinstance(action, a.FenceSelf)


def time_alone_makes_no_database_writable_again(seen: Observed, action: a.Action) -> None:
    if must_fence(seen, SETTINGS) is not None:
        assert must_fence(replace(seen, now_ms=seen.now_ms + 1), SETTINGS) is not None
        assert must_fence(replace(seen, now_ms=seen.now_ms + 100_000), SETTINGS) is not None


def a_claim_follows_the_record_and_carries_on_what_it_knows(seen: Observed, action: a.Action) -> None:
    if not isinstance(action, a.AcquireLeaderLock):
        return
    etcd = seen.etcd
    assert etcd is not None
    assert etcd.answered_ago_ms <= SETTINGS.etcd_silent_ms
    assert seen.candidate
    record = etcd.leadership
    if record is None:
        assert action.revision == 0
        assert action.epoch > max((m.epoch for m in etcd.members), default=0)
        return
    assert (action.epoch, action.revision) == (record.epoch + 1, record.revision)
    assert (action.timeline, action.primary) == (record.timeline, record.primary)
    assert not could_write(seen.database, seen.task)
    told = {m.host: m.fenced for m in etcd.members}
    directly = {p.host: p.reported_fenced_epoch for p in seen.peers}
    open_leads = [u for u in record.unfenced if u.host != record.host]
    if record.phase not in (Phase.FENCED, Phase.HANDED):
        open_leads.append(Unfenced(host=record.host, epoch=record.epoch))
    expected = {
        u.host
        for u in open_leads
        if u.host != seen.me and max(told.get(u.host, 0), directly.get(u.host, 0)) < u.epoch
    }
    assert {u.host for u in action.unfenced} >= expected
    assert seen.me not in {u.host for u in action.unfenced}


def whoever_is_behind_or_has_other_data_claims_only_with_the_loss_accepted(
    seen: Observed, action: a.Action
) -> None:
    if not isinstance(action, a.AcquireLeaderLock):
        return
    assert seen.etcd is not None
    record = seen.etcd.leadership
    if record is None or record.primary == seen.me or action.accept_loss:
        return
    assert seen.database.timeline == record.timeline
    assert seen.database.recorded_role is Role.STANDBY
    known = [m.scn for m in seen.etcd.members if (m.host, m.timeline) == (record.primary, record.timeline)]
    last = record.final_scn if record.final_scn is not None else known[0]
    assert last - seen.database.scn < (SETTINGS.max_failover_lag_ms + 1) * 1_000_000


def nothing_happens_by_itself_while_paused(seen: Observed, action: a.Action) -> None:
    if seen.etcd is None or not seen.etcd.paused:
        return
    handed = seen.etcd.leadership is not None and seen.etcd.leadership.phase is Phase.HANDED
    if isinstance(action, a.AcquireLeaderLock):
        assert action.request is not None or handed
    if isinstance(action, a.Rejoin):
        assert action.request is not None


def data_are_given_up_only_for_a_leader_that_serves_and_never_too_often(
    seen: Observed, action: a.Action
) -> None:
    if not isinstance(action, a.Rejoin):
        return
    assert seen.etcd is not None
    record = seen.etcd.leadership
    assert record is not None
    assert record.host == action.source != seen.me
    assert record.phase in (Phase.SERVING, Phase.HANDOVER)
    assert not could_write(seen.database, seen.task)
    assert action.timeline == record.timeline
    if not action.keep_data:
        assert seen.etcd.lease_alive
        soon = seen.rejoined_ago_ms is not None and seen.rejoined_ago_ms < SETTINGS.rejoin_interval_ms
        assert action.request is not None or not soon


def nothing_is_confirmed_that_is_not_so(seen: Observed, action: a.Action) -> None:
    if isinstance(action, a.ConfirmFenced):
        assert not could_write(seen.database, seen.task)


def a_task_is_only_ever_interrupted_by_fencing(seen: Observed, action: a.Action) -> None:
    if seen.task is not None:
        assert isinstance(action, a.Hold | a.FenceSelf)


def a_former_primary_is_never_started_as_a_standby(seen: Observed, action: a.Action) -> None:
    if isinstance(action, a.StartDatabase):
        assert seen.database.process is Process.DOWN
        started_as_standby = action.guarantee is None
        assert started_as_standby == (seen.database.recorded_role is Role.STANDBY)


def a_promotion_under_way_counts_as_writable(seen: Observed, action: a.Action) -> None:
    if seen.task is not None and seen.task.kind in (
        TaskKind.PROMOTE,
        TaskKind.TAKE_OVER,
        TaskKind.START_PRIMARY,
    ):
        assert could_write(seen.database, seen.task)


PROPERTIES = (
    there_is_always_an_answer_and_a_reason,
    what_a_leader_does_is_done_by_the_leader_only,
    nothing_is_made_writable_before_every_former_leader_is_fenced,
    foreign_data_are_made_writable_only_for_an_operator_who_accepts_it,
    a_database_that_may_write_without_a_fresh_lease_is_fenced,
    time_alone_makes_no_database_writable_again,
    a_claim_follows_the_record_and_carries_on_what_it_knows,
    whoever_is_behind_or_has_other_data_claims_only_with_the_loss_accepted,
    nobody_leads_without_what_the_primary_alone_acknowledged,
    what_was_acknowledged_alone_is_forgotten_only_when_all_have_it,
    nothing_happens_by_itself_while_paused,
    data_are_given_up_only_for_a_leader_that_serves_and_never_too_often,
    nothing_is_confirmed_that_is_not_so,
    a_task_is_only_ever_interrupted_by_fencing,
    a_former_primary_is_never_started_as_a_standby,
    a_promotion_under_way_counts_as_writable,
)


@settings(max_examples=3000)
@given(looks)
def test_all_of_it_for_any_look(seen: Observed) -> None:
    action = decide(seen, SETTINGS)
    event(type(action).__name__)
    for holds in PROPERTIES:
        holds(seen, action)
