"""When a standby claims, and when it must not: rule 3, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import AcquireLeaderLock, ConfirmFenced, Hold, StartDatabase
from failover.core.decision import decide
from failover.core.observed import Observed, Peer, Phase, Process, Role, Unfenced
from tests.unit.failover.looks import (
    A_UNFENCED,
    AT,
    SETTINGS,
    SILENT,
    claimed,
    dead,
    down,
    look,
    member,
    record,
    standby,
    view,
)

FENCED = view(record(phase=Phase.FENCED, unchanged_ms=200))
GONE = {"lease_alive": False, "lease_gone_ms": 300}


def claims(seen: Observed) -> bool:
    return isinstance(decide(seen, SETTINGS), AcquireLeaderLock)


def test_a_sound_leader_is_followed() -> None:
    action = decide(look(), SETTINGS)
    assert isinstance(action, Hold)
    assert "b follows a" in action.why


# (a) the leader has confirmed


def test_a_fenced_leader_is_replaced_at_once() -> None:
    action = decide(look(etcd=FENCED), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert (action.epoch, action.revision, action.timeline, action.primary) == (5, 70, 3, "a")
    assert action.unfenced == ()
    assert action.automatic


def test_a_leader_that_tells_its_end_directly_is_replaced_at_once() -> None:
    cut_off = Peer(host="a", sql_silent_ms=300, agent_silent_ms=0, reported_fenced_epoch=4)
    etcd = dead(members=(member("a", unchanged_ms=600), member("b")), last_automatic_ago_ms=500)
    action = decide(look(etcd=etcd, peers=(cut_off,)), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.unfenced == ()
    earlier = replace(cut_off, reported_fenced_epoch=3)
    assert not claims(look(etcd=etcd, peers=(earlier,)))


# (b) the lease has ended


def test_an_ended_lease_and_silence_to_etcd_are_enough() -> None:
    action = decide(look(etcd=dead(**GONE)), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.unfenced == (A_UNFENCED,)
    assert "lease of a has ended" in action.why


def test_an_ended_lease_of_a_leader_that_reports_is_waited_for_a_whole_ttl() -> None:
    assert not claims(look(etcd=view(**GONE)))
    assert not claims(look(etcd=view(lease_alive=False, lease_gone_ms=2999)))
    assert claims(look(etcd=view(lease_alive=False, lease_gone_ms=3000)))


def test_a_lease_that_lives_has_not_been_gone() -> None:
    assert not claims(look(etcd=view(lease_alive=True, lease_gone_ms=9000)))


# (c) silence everywhere


def test_silence_everywhere_is_enough() -> None:
    action = decide(look(etcd=dead(), peers=(SILENT,)), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.unfenced == (A_UNFENCED,)
    assert "silent" in action.why


@pytest.mark.parametrize(
    "changes",
    [
        {"etcd": view()},
        {"etcd": dead(members=(member("a", unchanged_ms=1199), member("b")))},
        {"peers": (replace(SILENT, sql_silent_ms=1199),)},
        {"peers": (replace(SILENT, agent_silent_ms=1199),)},
        {"peers": ()},
        {"peers": (replace(SILENT, host="c"),)},
    ],
)
def test_any_sign_of_life_is_one(changes: dict[str, object]) -> None:
    assert not claims(look(**{"etcd": dead(), "peers": (SILENT,), **changes}))


@pytest.mark.parametrize(("leads_ms", "lost"), [(1199, False), (1200, True)])
def test_a_leader_that_never_reported_is_silent_for_as_long_as_it_leads(leads_ms: int, lost: bool) -> None:
    etcd = view(record(unchanged_ms=leads_ms, final_scn=AT), members=(member("b"),))
    assert claims(look(etcd=etcd, peers=(SILENT,))) is lost


# never


@pytest.mark.parametrize("etcd", [dead(**GONE, answered_ago_ms=901), None])
def test_never_without_etcd(etcd: object) -> None:
    assert not claims(look(etcd=etcd, peers=(SILENT,)))


def test_an_answer_within_the_limit_counts() -> None:
    assert claims(look(etcd=dead(**GONE, answered_ago_ms=900)))


@pytest.mark.parametrize("etcd", [dead(**GONE), FENCED, dead()])
def test_never_while_paused(etcd: object) -> None:
    action = decide(look(etcd=replace(etcd, paused=True), peers=(SILENT,)), SETTINGS)  # type: ignore[type-var]  # a view
    assert isinstance(action, Hold)
    assert "paused" in action.why


@pytest.mark.parametrize("etcd", [dead(**GONE), FENCED, dead()])
@pytest.mark.parametrize(
    "changes",
    [
        {"candidate": False},
        {"database": standby(silent_ms=2000)},
        {"database": standby(process=Process.HUNG)},
        {"database": standby(process=Process.STARTING, role=None)},
        {"database": down(Role.STANDBY)},
        {"database": down(None)},
        {"database": standby(recorded_role=None)},
    ],
)
def test_never_with_a_database_that_cannot(etcd: object, changes: dict[str, object]) -> None:
    assert not claims(look(etcd=etcd, peers=(SILENT,), **changes))


def test_a_candidate_whose_database_is_down_starts_it_first() -> None:
    action = decide(look(etcd=dead(**GONE), database=down(Role.STANDBY)), SETTINGS)
    assert isinstance(action, StartDatabase)
    assert action.guarantee is None


# failover cooldown


def test_suspicion_is_not_enough_soon_after_a_failover() -> None:
    assert not claims(look(etcd=dead(last_automatic_ago_ms=9999), peers=(SILENT,)))
    assert claims(look(etcd=dead(last_automatic_ago_ms=10_000), peers=(SILENT,)))
    assert not claims(look(etcd=dead(**GONE, last_automatic_ago_ms=9999)))


def test_an_outage_is_worse_than_a_flap() -> None:
    gone = dead(lease_alive=False, lease_gone_ms=3000, last_automatic_ago_ms=5000)
    assert claims(look(etcd=gone))
    assert claims(look(etcd=replace(FENCED, last_automatic_ago_ms=5000)))


# who is to be fenced


def test_everybody_who_led_and_did_not_confirm_is_carried_along() -> None:
    c_died = replace(claimed(host="c", unfenced=(A_UNFENCED, Unfenced(host="b", epoch=2))), primary="a")
    etcd = view(c_died, members=(member("a"), member("b"), member("c", unchanged_ms=1300)), **GONE)
    action = decide(look(etcd=etcd, peers=()), SETTINGS)
    assert isinstance(action, ConfirmFenced)
    action = decide(look(etcd=etcd, peers=(), fenced_epoch=2), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.epoch == 6
    assert action.unfenced == (A_UNFENCED, Unfenced(host="c", epoch=5))


def test_who_has_confirmed_meanwhile_is_not() -> None:
    c_died = claimed(host="c")
    members = (member("a", fenced=4), member("b"), member("c", unchanged_ms=1300))
    action = decide(look(etcd=view(c_died, members=members, **GONE), peers=()), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert [u.host for u in action.unfenced] == ["c"]
    early = (member("a", fenced=3), *members[1:])
    action = decide(look(etcd=view(c_died, members=early, **GONE), peers=()), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert [u.host for u in action.unfenced] == ["a", "c"]


def test_hosts_that_are_off_stay_known() -> None:
    action = decide(look(etcd=dead(**GONE, leadership=record(powered_off=("c",)))), SETTINGS)
    assert isinstance(action, AcquireLeaderLock)
    assert action.powered_off == ("c",)
