"""Validation of requests: every invalid field is reported, all at once. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from app_stub import problems
from app_stub.money import MAX_AMOUNT_FEN

MAX_ID = 2**53 - 1
"""Ids stay exact in JSON readers that know only doubles."""

_ENTITY = re.compile(r"[A-Z0-9]{2,8}")
_KEY = re.compile(r"[0-9a-f]{32}")
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}")
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a request body."""

    name: str
    allowed: str
    """What a value must be, for the person who reads the error."""
    accepts: Callable[[object], bool]


def _is_int(value: object, low: int, high: int) -> bool:
    # JSON's true is an int to Python; money is not.
    return type(value) is int and low <= value <= high


def amount_field(name: str) -> Field:
    """Return a field for an amount of money in fen."""
    return Field(
        name=name,
        allowed=f"whole number of fen, 1 to {MAX_AMOUNT_FEN}",
        accepts=lambda value: _is_int(value, 1, MAX_AMOUNT_FEN),
    )


def id_field(name: str) -> Field:
    """Return a field for the id of a row."""
    return Field(
        name=name, allowed=f"whole number, 1 to {MAX_ID}", accepts=lambda value: _is_int(value, 1, MAX_ID)
    )


def code_field(name: str) -> Field:
    """Return a field for a code such as a product's."""
    return Field(
        name=name,
        allowed="1 to 16 of A-Z 0-9 _ -, starting with a letter or digit",
        accepts=lambda value: isinstance(value, str) and _CODE.fullmatch(value) is not None,
    )


def text_field(name: str) -> Field:
    """Return a field for a short text in any language."""
    return Field(
        name=name,
        allowed="text of 1 to 64 printable characters",
        accepts=lambda value: isinstance(value, str) and 1 <= len(value) <= 64 and value.isprintable(),
    )


def decode_object(body: bytes) -> dict[str, object]:
    """Return the JSON object in `body`.

    Raises:
        problems.ProblemError: 400, it is not JSON or not an object.
    """
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise problems.ProblemError(problems.bad_json(f"not JSON: {broken}")) from None
    if not isinstance(found, dict):
        raise problems.ProblemError(problems.bad_json("JSON, but not an object"))
    return found


def field_errors(body: Mapping[str, object], fields: tuple[Field, ...]) -> list[problems.FieldError]:
    """Return one error for each missing, wrong or unknown field of `body`."""
    errors = [
        problems.FieldError(field=field.name, value=body.get(field.name), allowed=field.allowed)
        for field in fields
        if not field.accepts(body.get(field.name))
    ]
    if len(body) > len(fields) - len(errors):
        known = {field.name for field in fields}
        names = ", ".join(sorted(known)) or "none"
        errors.extend(
            problems.FieldError(field=name, value=body[name], allowed=f"no such field; known: {names}")
            for name in body
            if name not in known
        )
    return errors


def header_errors(entity: str | None, key: str | None, *, needs_key: bool) -> list[problems.FieldError]:
    """Return one error for each of the two headers that is missing or malformed."""
    errors = []
    if entity is None or _ENTITY.fullmatch(entity) is None:
        errors.append(
            problems.FieldError(
                field="X-Legal-Entity", value=entity, allowed="header with 2 to 8 of A-Z 0-9, such as QH01"
            )
        )
    if needs_key and (key is None or _KEY.fullmatch(key) is None):
        errors.append(
            problems.FieldError(
                field="Idempotency-Key",
                value=key,
                allowed="header with 32 hex digits, as of a UUID; best of version 7, which grows with time",
            )
        )
    return errors


def path_id(text: str, name: str) -> tuple[int, list[problems.FieldError]]:
    """Return the id in a path segment, and the error if it is none (the id is then 0)."""
    if text.isascii() and text.isdigit() and len(text) <= 16 and 1 <= int(text) <= MAX_ID:
        return int(text), []
    return 0, [problems.FieldError(field=name, value=text, allowed=f"whole number, 1 to {MAX_ID}")]
