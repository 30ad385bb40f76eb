"""Every invalid field is reported, all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import validation
from app_stub.money import MAX_AMOUNT_FEN
from app_stub.problems import ProblemError

AMOUNT = (validation.amount_field("amount_fen"),)
THREE = (
    validation.id_field("customer_id"),
    validation.code_field("product_code"),
    validation.amount_field("requested_fen"),
)


@pytest.mark.parametrize("value", [1, MAX_AMOUNT_FEN])
def test_amounts_that_are_allowed(value: int) -> None:
    assert validation.field_errors({"amount_fen": value}, AMOUNT) == []


@pytest.mark.parametrize("value", [0, -1, MAX_AMOUNT_FEN + 1, 1.0, 1.5, True, "1", None, [], {}])
def test_amounts_that_are_not(value: object) -> None:
    (error,) = validation.field_errors({"amount_fen": value}, AMOUNT)
    assert (error.field, error.value) == ("amount_fen", value)


def test_all_wrong_fields_are_reported_at_once() -> None:
    errors = validation.field_errors({"customer_id": -1, "requested_fen": "x", "colour": "red"}, THREE)
    assert [error.field for error in errors] == ["customer_id", "product_code", "requested_fen", "colour"]
    assert errors[-1].allowed == "no such field; known: customer_id, product_code, requested_fen"


@given(
    body=st.dictionaries(
        st.sampled_from(["customer_id", "product_code", "requested_fen", "x", "y"]),
        st.integers(-5, 5) | st.text(alphabet="ABab-", max_size=3) | st.booleans() | st.none(),
    )
)
def test_a_body_without_errors_has_exactly_the_known_fields(body: dict[str, object]) -> None:
    errors = validation.field_errors(body, THREE)
    named = [error.field for error in errors]
    assert len(named) == len(set(named))
    assert {"x", "y"} & set(body) <= set(named)
    if not errors:
        assert set(body) == {"customer_id", "product_code", "requested_fen"}


@given(body=st.binary(max_size=40))
def test_a_body_is_an_object_or_a_400(body: bytes) -> None:
    statuses = []
    try:
        found: object = validation.decode_object(body)
    except ProblemError as raised:
        found = {}
        statuses.append(raised.problem.status)
    assert isinstance(found, dict)
    assert statuses in ([], [400])


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'"x"', b"null", b"{", b'{"a":\xff}', b"{} {}"])
def test_what_is_no_json_object(body: bytes) -> None:
    with pytest.raises(ProblemError) as raised:
        validation.decode_object(body)
    assert raised.value.problem.kind == "bad-json"


@pytest.mark.parametrize(
    ("entity", "key", "fields"),
    [
        ("QH01", "0" * 32, []),
        (None, None, ["X-Legal-Entity", "Idempotency-Key"]),
        ("qh01", "0" * 32, ["X-Legal-Entity"]),
        ("QH01'--", "0" * 32, ["X-Legal-Entity"]),
        ("QH01", "0" * 31, ["Idempotency-Key"]),
        ("QH01", "G" * 32, ["Idempotency-Key"]),
        ("QH01", "0" * 32 + "\n", ["Idempotency-Key"]),
    ],
)
def test_headers(entity: str | None, key: str | None, fields: list[str]) -> None:
    assert [e.field for e in validation.header_errors(entity, key, needs_key=True)] == fields


@pytest.mark.parametrize("text", ["0", "-1", "abc", "", "1" * 17, "9007199254740992", "１", "1.0", " 1"])
def test_path_ids_that_are_none(text: str) -> None:
    identity, errors = validation.path_id(text, "limit_id")
    assert (identity, [error.field for error in errors]) == (0, ["limit_id"])


def test_texts_in_any_language_are_allowed_and_control_characters_are_not() -> None:
    field = validation.text_field("reason")
    assert all(field.accepts(text) for text in ("价格回升", "བཀྲ་ཤིས།", "ᠮᠣᠩᠭᠣᠯ", "x" * 64))
    assert not any(field.accepts(text) for text in ("", "x" * 65, "a\nb", "a\x00", 5))
