"""Between claim and promotion: rule 4, on literal looks."""

from dataclasses import replace

import pytest

from failover.core.actions import FencePeer, Hold, Promote, Serve
from failover.core.decision import decide
from failover.core.observed import FenceState, Guarantee, Leadership, Observed, Peer, Phase, Role, Unfenced
from tests.unit.failover.looks import (
    A_UNFENCED,
    NOW,
    SETTINGS,
    SILENT,
    claimed,
    claimer_look,
    device,
    member,
    primary,
    view,
)


def promotes(seen: Observed) -> Guarantee | None:
    action = decide(seen, SETTINGS)
    return action.guarantee if isinstance(action, Promote) else None


def test_a_silent_former_leader_is_switched_off_first() -> None:
    action = decide(claimer_look(), SETTINGS)
    assert isinstance(action, FencePeer)
    assert action.host == "a"
    assert "a led epoch 4" in action.why


def test_its_own_word_is_enough_through_etcd_or_directly() -> None:
    told = view(claimed(), members=(member("a", fenced=4), member("b")))
    assert promotes(claimer_look(etcd=told)) is Guarantee.SELF
    directly = replace(SILENT, agent_silent_ms=0, reported_fenced_epoch=4)
    assert promotes(claimer_look(peers=(directly,))) is Guarantee.SELF


def test_its_word_about_an_earlier_lead_is_not() -> None:
    told = view(claimed(), members=(member("a", fenced=3), member("b")))
    earlier = replace(SILENT, reported_fenced_epoch=3)
    assert promotes(claimer_look(etcd=told, peers=(earlier,))) is None


def test_the_word_of_the_device_is_enough() -> None:
    assert promotes(claimer_look(fence_device=device(FenceState.CONFIRMED))) is Guarantee.DEVICE
    assert promotes(claimer_look(fence_device=device(FenceState.CONFIRMED, "c"))) is None


@pytest.mark.parametrize("state", list(FenceState))
@pytest.mark.parametrize(("since_ms", "over"), [(3999, False), (4000, True)])
def test_a_lease_and_a_margin_after_the_claim_the_lease_is_over(
    state: FenceState, since_ms: int, over: bool
) -> None:
    seen = claimer_look(lock_acquired_at_ms=NOW - since_ms, fence_device=device(state))
    was_off = state in (FenceState.CONFIRMED, FenceState.RELEASED)
    assert promotes(seen) is (Guarantee.DEVICE if was_off else Guarantee.LEASE if over else None)


def test_a_claim_of_unknown_age_is_new() -> None:
    assert promotes(claimer_look(lock_acquired_at_ms=None)) is None


def test_an_answer_of_the_device_is_waited_for_and_a_failure_asked_again() -> None:
    action = decide(claimer_look(fence_device=device(FenceState.ASKED)), SETTINGS)
    assert isinstance(action, Hold)
    assert "a (asked)" in action.why
    assert isinstance(decide(claimer_look(fence_device=device(FenceState.FAILED)), SETTINGS), FencePeer)


def test_an_agent_that_answers_may_confirm_by_itself_for_a_while() -> None:
    answers = (Peer(host="a", sql_silent_ms=5000, agent_silent_ms=1199),)
    assert isinstance(decide(claimer_look(peers=answers), SETTINGS), Hold)
    assert isinstance(decide(claimer_look(peers=()), SETTINGS), Hold)
    late = claimer_look(peers=answers, lock_acquired_at_ms=NOW - 1200)
    assert isinstance(decide(late, SETTINGS), FencePeer)


def test_everybody_has_to_be_fenced_and_the_weakest_guarantee_counts() -> None:
    both = claimed(unfenced=(A_UNFENCED, Unfenced(host="c", epoch=2)))
    told = (member("a"), member("b"), member("c", fenced=2))
    seen = claimer_look(etcd=view(both, members=told))
    assert promotes(seen) is None
    assert promotes(replace(seen, fence_device=device(FenceState.CONFIRMED))) is Guarantee.DEVICE
    assert promotes(replace(seen, lock_acquired_at_ms=NOW - 4000)) is Guarantee.LEASE
    other = replace(seen, etcd=view(both), fence_device=device(FenceState.CONFIRMED))
    action = decide(other, SETTINGS)
    assert isinstance(action, Hold)
    silent_too = (SILENT, replace(SILENT, host="c"))
    action = decide(replace(other, peers=silent_too), SETTINGS)
    assert isinstance(action, FencePeer)
    assert action.host == "c"


def test_who_was_waited_for_before_need_not_be_again_and_stays_known() -> None:
    waited = claimed(unfenced=(replace(A_UNFENCED, lease_over=True),))
    assert promotes(claimer_look(etcd=view(waited))) is Guarantee.LEASE


def test_nobody_to_be_fenced_is_the_best_guarantee() -> None:
    assert promotes(claimer_look(etcd=view(claimed(unfenced=())))) is Guarantee.SELF


# afterwards


def promoted(**changes: object) -> Observed:
    """How b sees itself when its database has become the primary."""
    return claimer_look(**{"database": primary(timeline=5), "etcd": view(begun()), **changes})


def begun(**changes: object) -> Leadership:
    return claimed(**{"primary": "b", "timeline": 5, "guarantee": Guarantee.DEVICE, **changes})


def test_serving_keeps_in_mind_who_is_left_to_the_lease() -> None:
    action = decide(promoted(lock_acquired_at_ms=NOW - 4000), SETTINGS)
    assert isinstance(action, Serve)
    assert action.guarantee is Guarantee.LEASE
    assert action.unfenced == (replace(A_UNFENCED, lease_over=True),)
    assert action.powered_off == ()


def test_serving_forgets_who_was_fenced_and_remembers_who_is_off() -> None:
    action = decide(promoted(fence_device=device(FenceState.CONFIRMED)), SETTINGS)
    assert isinstance(action, Serve)
    assert (action.unfenced, action.powered_off) == ((), ("a",))
    action = decide(promoted(fence_device=device(FenceState.RELEASED)), SETTINGS)
    assert isinstance(action, Serve)
    assert (action.unfenced, action.powered_off) == ((), ())
    told = view(begun(), members=(member("a", fenced=4), member("b")))
    action = decide(promoted(etcd=told), SETTINGS)
    assert isinstance(action, Serve)
    assert (action.guarantee, action.unfenced) == (Guarantee.SELF, ())


def serving(**changes: object) -> Observed:
    """How b serves on a lease guarantee."""
    left = begun(phase=Phase.SERVING, unfenced=(replace(A_UNFENCED, lease_over=True),))
    return promoted(**{"etcd": view(left), **changes})


def test_who_serves_goes_on_fencing_a_former_leader_that_may_be_frozen() -> None:
    action = decide(serving(), SETTINGS)
    assert isinstance(action, FencePeer)
    assert action.host == "a"


@pytest.mark.parametrize(
    "changes",
    [
        {"peers": (replace(SILENT, agent_silent_ms=0),)},
        {"peers": (replace(SILENT, reported_fenced_epoch=4),)},
        {"fence_device": device(FenceState.ASKED)},
        {"fence_device": device(FenceState.RELEASED)},
    ],
)
def test_it_leaves_alone_who_lives_or_has_confirmed_or_is_being_fenced(changes: dict[str, object]) -> None:
    assert isinstance(decide(serving(**changes), SETTINGS), Hold)


def test_it_does_so_while_paused_too() -> None:
    etcd = serving().etcd
    assert etcd is not None
    assert isinstance(decide(serving(etcd=replace(etcd, paused=True)), SETTINGS), FencePeer)
    assert serving().database.role is Role.PRIMARY
