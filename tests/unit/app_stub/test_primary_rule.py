"""Which database is written to, on literal histories of what databases and agents said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub.primary_rule import (
    Choice,
    EndpointStatus,
    Role,
    Source,
    Word,
    choose,
    highest_epoch,
    primary_among,
    seen,
    two_primaries,
)
from app_stub.settings import Endpoint

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
P, S, U = Role.PRIMARY, Role.STANDBY, Role.UNKNOWN
NOBODY = Choice(primary=None, epoch=0)


def _chosen(history: list[tuple[Endpoint, Role, int]]) -> list[Endpoint | None]:
    statuses = {A: EndpointStatus(endpoint=A), B: EndpointStatus(endpoint=B)}
    choice, least = NOBODY, 0
    chosen = []
    for second, (endpoint, role, epoch) in enumerate(history):
        statuses[endpoint] = seen(statuses[endpoint], role, epoch, float(second))
        now = tuple(statuses.values())
        least = max(least, highest_epoch((), now))
        choice = choose((), now, choice, least)
        chosen.append(choice.primary)
    return chosen


@pytest.mark.parametrize(
    ("history", "last"),
    [
        ([], None),
        ([(A, P)], A),
        ([(A, S), (B, S)], None),
        ([(A, P), (B, S)], A),
        ([(A, P), (B, S), (A, U)], None),
        ([(A, P), (B, S), (A, U), (B, P)], B),
        # The standby is promoted while the old primary is paused and then comes back, unaware.
        ([(A, P), (B, S), (A, U), (B, P), (A, P)], B),
        # Its successor falls silent: the unaware one is still not followed.
        ([(A, P), (B, S), (A, U), (B, P), (A, P), (B, U)], None),
        # Promoted while the old one still answers: at once.
        ([(A, P), (B, S), (B, P)], B),
        # The old one rejoined as standby, and a second failover brings the roles back.
        ([(A, P), (B, S), (A, U), (B, P), (A, S), (B, U), (A, P)], A),
        ([(A, P), (B, S), (A, U), (B, P), (A, S), (B, U), (A, P), (B, P)], A),
        # Nobody was seen to be promoted: the one that is followed stays.
        ([(A, P), (B, P)], A),
        # A short silence of a lone primary ends when it answers again.
        ([(A, P), (B, S), (A, U), (A, P)], A),
    ],
)
def test_the_primary_where_nobody_raises_epochs(
    history: list[tuple[Endpoint, Role]], last: Endpoint | None
) -> None:
    assert ([None, *_chosen([(endpoint, role, 0) for endpoint, role in history])])[-1] == last


@pytest.mark.parametrize(
    ("history", "last"),
    [
        # Who starts in the middle of it sees no promotion, and needs none.
        ([(A, P, 5), (B, P, 6)], B),
        ([(B, P, 6), (A, P, 5)], B),
        ([(A, P, 5), (B, P, 6), (B, U, 0)], None),
        ([(A, P, 5), (B, P, 6), (B, S, 0)], None),
        # Promoted, and a moment later with an epoch of its own.
        ([(A, P, 5), (B, S, 0), (A, U, 0), (B, P, 5)], B),
        ([(A, P, 5), (B, S, 0), (A, U, 0), (B, P, 5), (B, P, 6), (A, P, 5)], B),
        ([(A, P, 5), (B, P, 6), (A, P, 7)], A),
    ],
)
def test_the_primary_by_epochs(history: list[tuple[Endpoint, Role, int]], last: Endpoint | None) -> None:
    assert _chosen(history)[-1] == last


def test_two_primaries_known_at_once_and_none_followed_before_are_not_trusted() -> None:
    both = (
        EndpointStatus(endpoint=A, role=P, last_answer=P),
        EndpointStatus(endpoint=B, role=P, last_answer=P),
    )
    assert primary_among(both, None, 0) is None
    assert two_primaries(both)


def test_one_primary_is_not_two() -> None:
    assert not two_primaries((EndpointStatus(endpoint=A, role=P), EndpointStatus(endpoint=B, role=S)))


def _word(epoch: int, phase: str, primary: Endpoint | None = None) -> Word:
    return Word(epoch=epoch, phase=phase, primary=primary)


ROLES = (
    EndpointStatus(endpoint=A, role=P, last_answer=P, epoch=5),
    EndpointStatus(endpoint=B, role=S, last_answer=S),
)
FOLLOWS_A = Choice(primary=A, epoch=5, source=Source.AGENT)


@pytest.mark.parametrize(
    ("words", "primary", "epoch", "is_held", "source"),
    [
        ((_word(5, "serving", A), _word(5, "serving", A)), A, 5, False, "agent"),
        ((_word(5, "serving", A), None), A, 5, False, "agent"),
        # The agent that was cut off still believes in the old one.
        ((_word(5, "serving", A), _word(6, "recovering")), None, 6, False, "agent"),
        ((_word(5, "serving", A), _word(6, "serving", B)), B, 6, False, "agent"),
        # Phases of one epoch: the furthest is the latest.
        ((_word(6, "serving", B), _word(6, "recovering")), B, 6, False, "agent"),
        ((_word(5, "serving", A), _word(5, "handover")), A, 5, True, "agent"),
        ((_word(5, "handed"), _word(5, "handover")), None, 5, False, "agent"),
        ((_word(5, "fenced"), _word(5, "serving", A)), None, 5, False, "agent"),
        # A hand-over of somebody who was never followed.
        ((_word(7, "handover"), None), None, 7, True, "agent"),
        # Only an agent without knowledge answers, or one whose knowledge is old: the roles, or nobody.
        ((_word(0, "unknown"), None), A, 5, False, "roles"),
        ((None, None), A, 5, False, "roles"),
        ((_word(4, "serving", B), None), None, 5, False, "agent"),
    ],
)
def test_agents_are_believed_before_roles(
    words: tuple[Word | None, ...], primary: Endpoint | None, epoch: int, is_held: bool, source: str
) -> None:
    least = max(5, highest_epoch(words, ROLES))
    found = choose(words, ROLES, FOLLOWS_A, least)
    assert found == Choice(primary=primary, epoch=epoch, is_held=is_held, source=Source(source))


WORDS = st.one_of(
    st.none(),
    st.builds(
        Word,
        epoch=st.integers(0, 4),
        phase=st.sampled_from(["recovering", "serving", "handover", "handed", "fenced", "unknown"]),
        primary=st.sampled_from([A, B]),
    ),
)
SEEN = st.tuples(st.sampled_from([A, B]), st.sampled_from(list(Role)), st.integers(0, 4))


@given(steps=st.lists(st.tuples(WORDS, WORDS, SEEN), max_size=30))
def test_an_epoch_is_never_gone_back_on(
    steps: list[tuple[Word | None, Word | None, tuple[Endpoint, Role, int]]],
) -> None:
    statuses = {A: EndpointStatus(endpoint=A), B: EndpointStatus(endpoint=B)}
    choice, least = NOBODY, 0
    for second, (one, other, (endpoint, role, epoch)) in enumerate(steps):
        statuses[endpoint] = seen(statuses[endpoint], role, epoch, float(second))
        words, now = (one, other), tuple(statuses.values())
        least = max(least, highest_epoch(words, now))
        before, choice = choice, choose(words, now, choice, least)
        assert choice.epoch >= before.epoch
        if choice.primary is not None:
            assert choice.epoch == least
