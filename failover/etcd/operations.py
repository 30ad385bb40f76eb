"""Operations and conditions of etcd's transactions. Pure."""

from typing import Any

from failover.etcd.http_api import Answer, decoded, encoded

Json = dict[str, Any]


def put(key: str, text: str, *, lease: str | None = None) -> Json:
    """Return the operation that writes a key; with `lease`, the key is deleted when the lease ends."""
    operation: Json = {"key": encoded(key), "value": encoded(text)}
    if lease is not None:
        operation["lease"] = lease
    return {"request_put": operation}


def delete(key: str, end: str | None = None) -> Json:
    """Return the operation that deletes a key, or all from `key` up to `end`."""
    return {"request_delete_range": keys(key, end)}


def read(key: str, end: str | None = None) -> Json:
    """Return the operation that reads a key, or all from `key` up to `end`."""
    return {"request_range": keys(key, end)}


def keys(key: str, end: str | None = None) -> Json:
    """Return the range of a key, or of all keys from `key` up to `end`."""
    named: Json = {"key": encoded(key)}
    if end is not None:
        named["range_end"] = encoded(end)
    return named


def unchanged(key: str, revision: int | str) -> Json:
    """Return the condition that a key was last changed at `revision`; 0: that the key does not exist."""
    return {"key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


def first_kv(answer: Answer) -> tuple[str, int] | None:
    """Return text and revision of the first key that a range found, or None."""
    for kv in answer.get("kvs", []):
        return decoded(kv["value"]), int(kv["mod_revision"])
    return None


def first_kv_of_failure(answer: Answer) -> tuple[str, int] | None:
    """Return text and revision of the key that a failed transaction read, or None."""
    return first_kv(answer["responses"][0]["response_range"])
