"""Idempotency keys of a load: valid, apart from each other, and growing with time."""

import time
from uuid import RFC_4122, UUID

from app_stub.validation import header_errors
from loadtests.engine.generator import new_key

COUNT = 5_000


def test_keys_are_uuids_of_version_7_that_the_services_take() -> None:
    keys = [new_key() for _ in range(COUNT)]
    assert len(set(keys)) == COUNT
    assert {UUID(key).version for key in keys} == {7}
    assert {UUID(key).variant for key in keys} == {RFC_4122}
    assert [header_errors("QH01", key, needs_key=True) for key in keys[:10]] == [[]] * 10


def test_keys_grow_with_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    first = new_key()
    time.sleep(0.002)
    second = new_key()
    after_ms = time.time_ns() // 1_000_000
    assert before_ms <= int(first[:12], 16) < int(second[:12], 16) <= after_ms
    assert first < second
