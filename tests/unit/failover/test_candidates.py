"""Who may lead next, and who goes first, on literal looks: lag, history, head starts, former leaders."""

from dataclasses import replace

import pytest

from failover.core.actions import AcquireLeaderLock, Hold, Refuse
from failover.core.decision import decide
from failover.core.observed import Observed, Phase, Role
from tests.unit.failover.looks import (
    AT,
    SETTINGS,
    S,
    dead,
    down,
    look,
    member,
    primary,
    record,
    standby,
    view,
)

FENCED = view(record(phase=Phase.FENCED, unchanged_ms=200))
GONE = {"lease_alive": False, "lease_gone_ms": 300}


def claims(seen: Observed) -> bool:
    return isinstance(decide(seen, SETTINGS), AcquireLeaderLock)


# the lag, in both directions


def test_a_replica_that_is_hours_behind_is_not_promoted() -> None:
    action = decide(look(etcd=FENCED, database=standby(scn=AT - 7200 * S)), SETTINGS)
    assert isinstance(action, Refuse)
    assert action.request is None
    assert "7200000 ms behind" in action.why
    assert "limit 5000 ms" in action.why
    assert "--accept-loss" in action.why


@pytest.mark.parametrize(("lag_ns", "leads"), [(5 * S, True), (5 * S + 1_000_000, False)])
def test_the_limit_itself_is_allowed(lag_ns: int, leads: bool) -> None:
    assert claims(look(etcd=FENCED, database=standby(scn=AT - lag_ns))) is leads


def test_a_limit_so_tight_that_nobody_may_lead_is_said_with_both_numbers() -> None:
    tight = replace(SETTINGS, max_failover_lag_ms=50)
    action = decide(look(etcd=dead(**GONE)), tight)
    assert isinstance(action, Refuse)
    assert "100 ms behind" in action.why
    assert "limit 50 ms" in action.why


def test_an_unknown_position_is_no_short_lag() -> None:
    unknown = replace(FENCED, members=(member("b"),))
    assert isinstance(decide(look(etcd=unknown), SETTINGS), Refuse)
    never_known = replace(FENCED, members=(member("a", scn=0), member("b")))
    assert isinstance(decide(look(etcd=never_known), SETTINGS), Refuse)


def test_the_lag_is_to_the_furthest_that_anybody_had() -> None:
    ahead = replace(FENCED, members=(member("a", scn=AT - 10 * S), member("c", scn=AT, unchanged_ms=9000)))
    assert claims(look(etcd=ahead, database=standby(scn=AT - 4 * S)))
    assert not claims(look(etcd=ahead, database=standby(scn=AT - 6 * S)))


def test_an_entry_after_a_long_pause_makes_nobody_late() -> None:
    """Idle, a primary writes every few seconds: who lacks only the last entry has all that was served."""
    idle = replace(FENCED, members=(member("a", settled_scn=AT - 9 * S),))
    assert claims(look(etcd=idle, database=standby(scn=AT - 9 * S)))
    assert not claims(look(etcd=idle, database=standby(scn=AT - 9 * S - 1)))


def test_positions_of_another_history_are_no_measure() -> None:
    other = replace(FENCED, members=(member("a"), member("c", scn=AT + 99 * S, timeline=2)))
    assert claims(look(etcd=other))


def test_another_history_is_not_promoted() -> None:
    action = decide(look(etcd=FENCED, database=standby(timeline=2)), SETTINGS)
    assert isinstance(action, Refuse)
    assert "descend from epoch 2" in action.why
    assert isinstance(decide(look(etcd=FENCED, database=standby(timeline=None)), SETTINGS), Refuse)


def test_a_former_primary_does_not_lead_with_what_it_had() -> None:
    c = replace(member("a", unchanged_ms=1300), host="c")
    led_by_c = dead(leadership=record(host="c", primary="c"), members=(c, member("b")), **GONE)
    action = decide(look(etcd=led_by_c, database=down(Role.PRIMARY)), SETTINGS)
    assert isinstance(action, Refuse)
    assert "was the primary before c" in action.why


# who goes first


def with_c(scn: int, **changes: object) -> tuple[object, ...]:
    return (member("a", unchanged_ms=1300), member("b"), member("c", scn=scn, **changes))


def test_the_candidate_with_more_data_goes_first() -> None:
    ahead = replace(FENCED, members=with_c(AT))
    action = decide(look(etcd=ahead), SETTINGS)
    assert isinstance(action, Hold)
    assert "c may lead before b" in action.why
    assert claims(look(etcd=replace(FENCED, members=with_c(AT - S))))


def test_of_two_with_the_same_data_one_goes_first() -> None:
    same = AT - S // 10
    assert not claims(look(etcd=replace(FENCED, members=with_c(same))))
    as_c = look(me="c", etcd=replace(FENCED, members=with_c(same)))
    assert claims(as_c)


def test_a_head_start_ends() -> None:
    later = view(record(phase=Phase.FENCED, unchanged_ms=400), members=with_c(AT))
    assert claims(look(etcd=later))
    lost = dead(lease_alive=False, lease_gone_ms=399, members=with_c(AT))
    assert not claims(look(etcd=lost))
    silent = (member("a", unchanged_ms=1600), *with_c(AT)[1:])
    assert claims(look(etcd=replace(lost, lease_gone_ms=400, members=silent)))  # type: ignore[arg-type]  # members
    assert not claims(look(etcd=replace(lost, lease_gone_ms=400)))


@pytest.mark.parametrize(
    "changes",
    [
        {"candidate": False},
        {"role": None},
        {"role": Role.PRIMARY},
        {"unchanged_ms": 1200},
        {"timeline": 2},
    ],
)
def test_who_cannot_lead_goes_before_nobody(changes: dict[str, object]) -> None:
    assert claims(look(etcd=replace(FENCED, members=with_c(AT, **changes))))


# the former leader itself


def former(**changes: object) -> Observed:
    """How a, fenced and confirmed, sees its own past lead; b is gone."""
    etcd = view(
        record(phase=Phase.FENCED, unchanged_ms=100), members=(member("a"), member("b", unchanged_ms=1200))
    )
    base = look(me="a", database=down(Role.PRIMARY), etcd=etcd, fenced_epoch=4, peers=())
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of a look


def test_without_a_living_standby_a_former_leader_leads_again_with_a_new_claim() -> None:
    action = decide(former(), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.epoch == 5
    assert not action.automatic


def test_a_living_standby_goes_first_for_a_while() -> None:
    both = view(record(phase=Phase.FENCED, unchanged_ms=2399))
    action = decide(former(etcd=both), SETTINGS)
    assert isinstance(action, Hold)
    assert "b may lead before a" in action.why
    assert claims(former(etcd=view(record(phase=Phase.FENCED, unchanged_ms=2400))))


def test_a_standby_too_far_behind_is_not_waited_for() -> None:
    behind = view(
        record(phase=Phase.FENCED, unchanged_ms=100), members=(member("a"), member("b", scn=AT - 60 * S))
    )
    assert claims(former(etcd=behind))


def test_a_former_leader_starts_its_database_at_most_every_so_often() -> None:
    assert not claims(former(database=down(Role.PRIMARY, started_ago_ms=2999)))
    assert claims(former(database=down(Role.PRIMARY, started_ago_ms=3000)))


def test_a_primary_is_not_held_to_its_own_lag() -> None:
    assert claims(former(database=down(Role.PRIMARY, scn=0, timeline=None)))
    assert claims(former(database=primary(drained=True, scn=0)))
