"""What becomes of a switchover or failover: known only when somebody leads, or an agent refuses."""

import asyncio

import pytest

from failover.api.announcement import Answer
from failover.api.backend import RefusedError
from failover.api.outcome import Outcome, judge, outcome_of
from failover.etcd.http_api import EtcdError
from tests.unit.failover import virtual
from tests.unit.failover.fake_backend import FakeBackend, serving

A, B = serving("ob-a", 12), serving("ob-b", 13)


@pytest.mark.parametrize(
    ("now", "handing_over", "expected"),
    [
        (A, False, None),
        (Answer(epoch=12, phase="handed"), True, None),
        (Answer(epoch=13, phase="recovering"), True, None),
        (Answer(), True, None),
        (B, True, (True, "ob-b", 13)),
        (B, False, (True, "ob-b", 13)),
        (A, True, (False, "ob-a", 12)),
        (serving("ob-a", 13), True, (False, "ob-a", 13)),
        # A look at etcd that is older than the first one says nothing.
        (serving("ob-b", 11), False, None),
    ],
)
def test_the_judgement(now: Answer, handing_over: bool, expected: tuple[bool, str, int] | None) -> None:
    found = judge(A, now, to="ob-b", handing_over=handing_over)
    assert (found and (found.done, found.leader, found.epoch)) == expected


def test_a_failover_while_nobody_serves_ends_when_somebody_does() -> None:
    found = judge(Answer(epoch=12, phase="fenced"), B, to="ob-b", handing_over=False)
    assert found is not None
    assert found.done


def followed(backend: FakeBackend, *steps: Answer, deadline_s: float = 5.0) -> Outcome | None:
    async def play() -> Outcome | None:
        backend.announcement.say(A)
        watching = asyncio.ensure_future(
            outcome_of(backend, "r-1", before=A, to="ob-b", deadline_s=deadline_s)
        )
        for step in steps:
            await asyncio.sleep(0.05)
            backend.announcement.say(step)
        return await watching

    return virtual.run(play())


HANDING = (Answer(epoch=12, phase="handover"), Answer(epoch=12, phase="handed"))


def test_a_switchover_is_watched_until_the_other_side_leads() -> None:
    found = followed(FakeBackend(), *HANDING, Answer(epoch=13, phase="recovering"), B)
    assert found is not None
    assert (found.done, found.why) == (True, "ob-b leads under epoch 13")
    assert 200 <= found.took_ms < 2000


def test_a_handover_that_is_called_off_is_no_success() -> None:
    found = followed(FakeBackend(), HANDING[0], Answer(epoch=12, phase="recovering"), A)
    assert found is not None
    assert not found.done
    assert found.why == "the handover to ob-b was called off: ob-a leads on under epoch 12"


def test_what_an_agent_refuses_after_all_is_refused() -> None:
    refusal = {
        "event": "refused",
        "host": "ob-a",
        "detail": "switchover of ob-b refused: x",
        "request": "r-1",
    }
    backend = FakeBackend(happened={12: [{**refusal, "request": "r-0"}, refusal]})
    with pytest.raises(RefusedError) as refused:
        followed(backend)
    assert refused.value.reasons == ("switchover of ob-b refused: x",)


def test_what_does_not_end_is_not_known() -> None:
    assert followed(FakeBackend(failure=EtcdError("silent")), deadline_s=0.8) is None


def test_an_agent_that_ends_watches_no_longer() -> None:
    backend = FakeBackend()

    async def play() -> Outcome | None:
        watching = asyncio.ensure_future(outcome_of(backend, "r-1", before=A, to="ob-b"))
        await asyncio.sleep(0.05)
        backend.announcement.close()
        return await asyncio.wait_for(watching, 1)

    assert virtual.run(play()) is None
