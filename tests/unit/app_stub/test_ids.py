"""Ids grow with time and do not meet."""

from itertools import pairwise

from app_stub.ids import Ids
from app_stub.validation import MAX_ID

NOW_S = 1_795_000_000.0


def test_a_process_repeats_no_id_within_a_second() -> None:
    ids = Ids(lambda: NOW_S)
    made = [ids.next() for _ in range(4096)]
    assert len(set(made)) == len(made)
    assert max(made) <= MAX_ID


def test_ids_grow_from_second_to_second() -> None:
    now_s = NOW_S
    ids = Ids(lambda: now_s)
    made = []
    for _ in range(5000):
        now_s += 1
        made.append(ids.next())
    assert all(first < second for first, second in pairwise(made))


def test_processes_that_drew_different_numbers_never_meet() -> None:
    one, other = (Ids(lambda: NOW_S, lambda bits, n=number: n) for number in (1, 2))
    assert not {one.next() for _ in range(4096)} & {other.next() for _ in range(4096)}


def test_the_last_second_of_thirty_bits_is_still_exact_in_json() -> None:
    last = Ids(lambda: 1_767_225_600.0 + 2**30 - 1, lambda bits: 2**bits - 1)
    assert last.next() <= MAX_ID
