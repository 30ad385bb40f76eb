"""What an agent answers to `GET /primary`, given what it sees."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from failover.api.announcement import Announcement, Answer, answer_of
from failover.core.observed import EtcdView, Leadership, Lease, Observed, Phase, UnprotectedMode
from tests.unit.failover import virtual
from tests.unit.failover.config import settings
from tests.unit.failover.fake_backend import serving


def leadership(**changed: Any) -> Leadership:
    usual: dict[str, Any] = {
        "host": "ob-b",
        "epoch": 12,
        "phase": Phase.SERVING,
        "revision": 5,
        "timeline": 11,
        "primary": "ob-b",
    }
    return Leadership(**{**usual, **changed})


def seen(lead: Leadership | None, *, answered_ago_ms: int = 50, lease: Lease | None = None) -> Observed:
    etcd = EtcdView(answered_ago_ms=answered_ago_ms, leadership=lead)
    return Observed(now_ms=100_000, me="ob-a", etcd=etcd, lease=lease)


def test_who_serves_is_told_with_address_port_and_durability() -> None:
    answer = answer_of(seen(leadership()), settings())
    assert (answer.epoch, answer.phase, answer.host) == (12, "serving", "ob-b")
    assert answer.primary is not None
    assert (answer.primary.address, answer.primary.port) == ("127.0.0.1", 2881)
    assert json.loads(answer.body)["durability"] == "cross_centre"


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.SERVING])
def test_a_phase_in_which_nobody_serves_is_told_without_a_primary(phase: Phase) -> None:
    answer = answer_of(seen(leadership(phase=phase)), settings())
    assert (answer.epoch, answer.phase, answer.primary) == (12, phase, None)


def test_an_agent_that_does_not_know_says_so() -> None:
    nothing = Observed(now_ms=100_000, me="ob-a")
    for found, epoch in (
        (nothing, 0),
        (seen(None), 0),
        (seen(leadership(), answered_ago_ms=3001), 12),
        (seen(leadership(phase=Phase.HANDOVER), answered_ago_ms=3001), 12),
        (seen(leadership(host="ob-x")), 12),
    ):
        answer = answer_of(found, settings())
        assert (answer.epoch, answer.phase, answer.primary) == (epoch, "unknown", None)
    assert answer_of(seen(leadership(), answered_ago_ms=3000), settings()).host == "ob-b"


def test_a_leader_that_gave_its_lease_up_does_not_call_itself_the_primary() -> None:
    mine = leadership(host="ob-a")
    assert answer_of(seen(mine), settings()).phase == "unknown"
    held = Lease(epoch=12, renewed_at_ms=99_900)
    assert answer_of(seen(mine, lease=held), settings()).host == "ob-a"


def test_that_a_primary_is_alone_is_told_by_its_own_agent() -> None:
    held = Lease(epoch=12, renewed_at_ms=99_900)
    mine, other = (
        leadership(host="ob-a", unprotected=UnprotectedMode.YES),
        leadership(unprotected=UnprotectedMode.YES),
    )
    assert answer_of(seen(mine, lease=held), settings()).is_unprotected
    assert json.loads(answer_of(seen(mine, lease=held), settings()).body)["alone"] == "yes"
    assert not answer_of(seen(other), settings()).is_unprotected
    assert "alone" not in json.loads(answer_of(seen(other), settings()).body)
    assert not answer_of(
        seen(replace(mine, unprotected=UnprotectedMode.ENDING), lease=held), settings()
    ).is_unprotected
    one = answer_of(seen(mine, lease=held), settings())
    assert (
        one.tag != answer_of(seen(replace(mine, unprotected=UnprotectedMode.NO), lease=held), settings()).tag
    )


def test_the_tag_is_that_of_the_content() -> None:
    one, same = serving("ob-a", 12), serving("ob-a", 12)
    assert one.tag == same.tag
    others = [
        serving("ob-a", 13),
        serving("ob-b", 12),
        replace(one, phase="handover", primary=None),
        replace(one, primary=None),
    ]
    assert len({one.tag, *(other.tag for other in others)}) == 5
    assert all(character.isalnum() or character == "-" for character in one.tag)


def test_a_change_there_and_back_holds_on_and_a_real_one_wakes() -> None:
    async def play() -> None:
        announcement = Announcement()
        announcement.say(serving("ob-a", 12))
        tag = announcement.answer.tag
        waiting = asyncio.ensure_future(announcement.other_than(tag, wait_s=5))
        await asyncio.sleep(0)
        announcement.say(Answer(epoch=12))
        announcement.say(serving("ob-a", 12))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        announcement.say(serving("ob-b", 13))
        assert (await asyncio.wait_for(waiting, 0.5)).host == "ob-b"

    virtual.run(play())
