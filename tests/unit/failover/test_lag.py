"""A lag is a time, though positions are only those of entries."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.core.lag import NS_IN_MS, SETTLED_AFTER_MS, SettledPosition, lag_between_ns

pauses = st.lists(st.sampled_from([1, 40, 300, 700, 2000, 6000]), min_size=1, max_size=60)
LOOK_MS = 50


def settled(entries: list[int], now_ms: int, every_ms: int = LOOK_MS) -> tuple[int, int | None]:
    """Return where a log with entries at these times is, and has settled, for one that looks all the time."""
    settled = SettledPosition()
    for at_ms in range(now_ms - 3000, now_ms + 1, every_ms):
        settled.add(position(entries, at_ms), at_ms)
    return position(entries, now_ms), settled.scn


def position(entries: list[int], at_ms: int) -> int:
    return entries[bisect_right(entries, at_ms) - 1] * NS_IN_MS


def times(of: list[int]) -> list[int]:
    entries = [0]
    for pause in of:
        entries.append(entries[-1] + pause)
    return entries


@given(pauses, st.integers(0, SETTLED_AFTER_MS), st.integers(3000, 60_000))
def test_who_has_all_but_the_last_half_second_is_not_behind_by_more(
    of: list[int], late_ms: int, now_ms: int
) -> None:
    entries = times(of)
    own = position(entries, now_ms - late_ms)
    assert lag_between_ns(own, *settled(entries, now_ms)) <= SETTLED_AFTER_MS * NS_IN_MS


@given(pauses, st.integers(0, 10_000), st.integers(3000, 60_000))
def test_who_lacks_anything_older_is_as_far_behind_as_the_positions_say(
    of: list[int], late_ms: int, now_ms: int
) -> None:
    entries = times(of)
    own = position(entries, now_ms - late_ms)
    lacks_old = any(own < at * NS_IN_MS and at <= now_ms - SETTLED_AFTER_MS - LOOK_MS for at in entries)
    scn, settled_scn = settled(entries, now_ms)
    if lacks_old:
        assert lag_between_ns(own, scn, settled_scn) == scn - own


def test_who_is_ahead_is_less_than_not_behind() -> None:
    for settled_scn in (1, None):
        assert lag_between_ns(5 * NS_IN_MS, 3 * NS_IN_MS, settled_scn) == -2 * NS_IN_MS


def test_after_a_gap_in_the_looks_nothing_counts_as_new() -> None:
    """All of it may have been written at the gap's beginning."""
    settled = SettledPosition()
    settled.add(1, 1000)
    settled.add(7, 1000 + SETTLED_AFTER_MS + 1)
    assert settled.scn == 7


def test_before_the_first_look_nothing_is_known() -> None:
    assert SettledPosition().scn is None
    assert lag_between_ns(0, 9000 * NS_IN_MS, None) == 9000 * NS_IN_MS


@pytest.mark.parametrize(("passed_ms", "scn"), [(SETTLED_AFTER_MS - 1, 1), (SETTLED_AFTER_MS, 7)])
def test_an_entry_is_new_for_as_long_as_it_says(passed_ms: int, scn: int) -> None:
    settled = SettledPosition()
    settled.add(1, 990)
    settled.add(7, 1000)
    settled.add(7, 1000 + passed_ms // 2)
    settled.add(7, 1000 + passed_ms)
    assert settled.scn == scn
