"""Idempotency keys: one key stands for one request, and its first answer is given again. Pure."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

_DIGEST_BYTES = 16


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal holds under a key."""

    request_hash: str
    answer: bytes


class KeyReusedError(Exception):
    """The key stands for another request."""


def request_hash(route: str, row_id: int | None, fields: dict[str, object]) -> str:
    """Return what identifies a request: its route, its row and its checked fields, whatever their order.

    Args:
        route: template such as `/v1/limits/{id}/drawdowns`.
        row_id: the id in the path, None where the route has none.
        fields: body after validation.

    Returns:
        32 hex digits (BLAKE2b, 128 bits).
    """
    parts = [route, "" if row_id is None else str(row_id)]
    # repr tells 1 from "1", and quotes text so that no value can imitate a separator.
    parts.extend(f"{name}={fields[name]!r}" for name in sorted(fields))
    return blake2b("\n".join(parts).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def stored_in(rows: Sequence[Sequence[object]]) -> Stored | None:
    """Return what the rows of `sql.select_stored` hold; None if there are none."""
    if not rows:
        return None
    return Stored(request_hash=str(rows[0][0]), answer=str(rows[0][1]).encode())


def replay(stored: Stored, wanted_hash: str) -> bytes:
    """Return the first answer.

    Raises:
        KeyReusedError: the key was used for a request with another hash.
    """
    if stored.request_hash != wanted_hash:
        raise KeyReusedError
    return stored.answer
