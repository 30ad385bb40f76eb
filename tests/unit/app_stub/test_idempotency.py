"""One key, one request: the hash tells any two different requests apart."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app_stub.idempotency import KeyReusedError, Stored, replay, request_hash

ROUTES = st.sampled_from(["/v1/limits/{id}/drawdowns", "/v1/limits/{id}/repayments", "/v1/admissions"])
IDS = st.none() | st.integers(1, 2**53 - 1)
FIELDS = st.dictionaries(
    st.sampled_from(["amount_fen", "reason", "warning_code"]), st.integers(1, 10**13) | st.text(max_size=20)
)
REQUESTS = st.tuples(ROUTES, IDS, FIELDS)


@given(one=REQUESTS, other=REQUESTS)
def test_different_requests_have_different_hashes(
    one: tuple[str, int | None, dict[str, object]], other: tuple[str, int | None, dict[str, object]]
) -> None:
    assume(one != other)
    assert request_hash(*one) != request_hash(*other)


@given(request_=REQUESTS)
def test_the_order_of_fields_does_not_matter(request_: tuple[str, int | None, dict[str, object]]) -> None:
    route, row_id, fields = request_
    turned = dict(reversed(fields.items()))
    assert request_hash(route, row_id, fields) == request_hash(route, row_id, turned)


def test_a_number_and_its_text_are_two_requests() -> None:
    assert request_hash("/r", None, {"a": 1}) != request_hash("/r", None, {"a": "1"})


def test_no_value_can_imitate_another_field() -> None:
    forged = request_hash("/r", None, {"a": "1'\nb='2"})
    assert forged != request_hash("/r", None, {"a": "1", "b": "2"})


def test_a_replay_returns_the_first_answer_to_the_same_request_only() -> None:
    stored = Stored(request_hash="abc", answer=b'{"limit_id":1}')
    assert replay(stored, "abc") == b'{"limit_id":1}'
    with pytest.raises(KeyReusedError):
        replay(stored, "abd")
