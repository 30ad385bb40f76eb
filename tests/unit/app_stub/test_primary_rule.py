"""Which database is written to, on literal histories of what two endpoints said."""

import pytest

from app_stub.primary_rule import Role, Sight, primary_of, seen, two_primaries
from app_stub.settings import Endpoint

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="198.18.2.23", port=2881)
P, S, U = Role.PRIMARY, Role.STANDBY, Role.UNKNOWN


def _chosen(history: list[tuple[Endpoint, Role]]) -> list[Endpoint | None]:
    sights = {A: Sight(endpoint=A), B: Sight(endpoint=B)}
    current: Endpoint | None = None
    chosen = []
    for second, (endpoint, role) in enumerate(history):
        sights[endpoint] = seen(sights[endpoint], role, float(second))
        current = primary_of(tuple(sights.values()), current)
        chosen.append(current)
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
def test_the_primary_after_a_history(history: list[tuple[Endpoint, Role]], last: Endpoint | None) -> None:
    assert ([None, *_chosen(history)])[-1] == last


def test_two_primaries_known_at_once_and_none_followed_before_are_not_trusted() -> None:
    both = (Sight(endpoint=A, role=P, last_answer=P), Sight(endpoint=B, role=P, last_answer=P))
    assert primary_of(both, None) is None
    assert two_primaries(both)


def test_one_primary_is_not_two() -> None:
    assert not two_primaries((Sight(endpoint=A, role=P), Sight(endpoint=B, role=S)))
