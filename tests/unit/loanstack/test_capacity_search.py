"""The search for the capacity, on simulated systems: orderly, noisy, a cliff, failing at once, or never."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstack.capacity.search import (
    INVALID_MAX,
    Probe,
    Search,
    bracket,
    next_rate,
    probes_max,
    tallies,
)
from proof.verdict import Verdict

System = Callable[[int], Verdict]

PASS, FAIL, INVALID = Verdict.PASS, Verdict.FAIL, Verdict.INVALID
SEARCH = Search(from_per_s=100, to_per_s=10_000, resolution=0.05, repeats=3)

searches = st.builds(
    lambda low, factor, resolution, repeats, promised: Search(
        from_per_s=low,
        to_per_s=max(low + 1, round(low * factor)),
        resolution=resolution,
        repeats=repeats,
        promised_per_s=promised,
    ),
    st.integers(1, 3000),
    st.floats(1.0, 200.0),
    st.floats(0.01, 0.5),
    st.integers(1, 7),
    st.none() | st.integers(1, 20_000),
)


def searched(search: Search, system: System, *, most: int = 2000) -> list[Probe]:
    probes: list[Probe] = []
    while (rate := next_rate(search, probes)) is not None:
        assert len(probes) < most, "the search does not end"
        probes.append(Probe(rate_per_s=rate, verdict=system(rate)))
    return probes


def orderly(capacity: float) -> System:
    return lambda rate: PASS if rate <= capacity else FAIL


def probes_of(*found: tuple[int, Verdict]) -> list[Probe]:
    return [Probe(rate_per_s=rate, verdict=verdict) for rate, verdict in found]


def test_it_doubles_then_halves_then_repeats_both_ends() -> None:
    search = Search(from_per_s=400, to_per_s=10_000, resolution=0.1, repeats=2)
    rates = [probe.rate_per_s for probe in searched(search, orderly(1250))]
    assert rates == [400, 800, 1600, 1131, 1345, 1233, 1233, 1345]


def test_the_promised_rate_is_probed_itself_where_it_lies_between() -> None:
    search = Search(from_per_s=400, to_per_s=10_000, resolution=0.5, repeats=1, promised_per_s=1200)
    rates = [probe.rate_per_s for probe in searched(search, orderly(1250))]
    assert rates == [400, 800, 1600, 1200]


@given(searches, st.floats(0.5, 700_000.0))
def test_an_orderly_system_is_bracketed_to_the_resolution(search: Search, capacity: float) -> None:
    probes = searched(search, orderly(capacity))
    found = bracket(probes)
    assert len(probes) <= probes_max(search)
    assert all(search.from_per_s <= probe.rate_per_s <= search.to_per_s for probe in probes)
    if capacity < search.from_per_s:
        assert found.low is None
        assert found.high is not None
        assert found.high.rate_per_s == search.from_per_s
    elif capacity >= search.to_per_s:
        assert found.high is None
        assert found.low is not None
        assert found.low.rate_per_s == search.to_per_s
    else:
        assert found.low is not None
        assert found.high is not None
        low, high = found.low.rate_per_s, found.high.rate_per_s
        assert low <= capacity < high
        assert high <= low * (1.0 + search.resolution) or high == low + 1
    for end in (found.low, found.high):
        assert end is None or end.valid >= search.repeats


@given(searches, st.floats(1.0, 20_000.0), st.floats(0.0, 0.5), st.floats(0.0, 0.9), st.integers())
def test_noise_never_keeps_it_from_ending_and_never_turns_its_ends_round(
    search: Search, capacity: float, width: float, invalid: float, seed: int
) -> None:
    chance = random.Random(seed)

    def noisy(rate: int) -> Verdict:
        if chance.random() < invalid:
            return INVALID
        odds = 1.0 / (1.0 + math.exp(min(50.0, math.log(rate / capacity) / max(width, 1e-6))))
        return PASS if chance.random() < odds else FAIL

    probes = searched(search, noisy)
    found = bracket(probes)
    if found.low is not None and found.high is not None:
        assert found.low.rate_per_s < found.high.rate_per_s
        assert not any(found.low.rate_per_s < p.rate_per_s < found.high.rate_per_s for p in probes)
    if found.low is not None:
        assert 2 * found.low.kept > found.low.valid >= 1
    for tally in tallies(probes):
        assert tally.valid <= search.repeats
        assert tally.invalid <= INVALID_MAX
    for end in (found.low, found.high):
        assert end is None or end.valid >= search.repeats or end.is_spent


@given(searches, st.floats(1.0, 20_000.0), st.integers())
def test_probes_that_prove_nothing_change_nothing_but_the_count(
    search: Search, capacity: float, seed: int
) -> None:
    chance, was_invalid = random.Random(seed), [False]
    system = orderly(capacity)
    tries: dict[int, int] = {}

    def hiccup(rate: int) -> Verdict:
        if chance.random() < 0.3 and tries.get(rate, 0) < INVALID_MAX - 1:
            tries[rate] = tries.get(rate, 0) + 1
            was_invalid[0] = True
            return INVALID
        return system(rate)

    disturbed = searched(search, hiccup)
    assert [p for p in disturbed if p.verdict is not INVALID] == searched(search, system)


@pytest.mark.parametrize("seed", range(40))
def test_a_noisy_boundary_is_found_within_its_own_width(seed: int) -> None:
    chance, capacity, width = random.Random(seed), 1300.0, 0.03

    def noisy(rate: int) -> Verdict:
        odds = 1.0 / (1.0 + math.exp(math.log(rate / capacity) / width))
        return PASS if chance.random() < odds else FAIL

    found = bracket(searched(SEARCH, noisy))
    assert found.low is not None
    assert found.high is not None
    assert capacity * 0.87 < found.low.rate_per_s < found.high.rate_per_s < capacity * 1.15


def test_one_glitch_far_below_costs_probes_and_no_capacity() -> None:
    glitches = {200: [FAIL]}

    def glitching(rate: int) -> Verdict:
        return glitches[rate].pop() if glitches.get(rate) else orderly(1000)(rate)

    found = bracket(searched(SEARCH, glitching))
    assert found.low is not None
    assert found.high is not None
    assert found.low.rate_per_s <= 1000 < found.high.rate_per_s


def test_a_rate_that_half_of_its_probes_keep_is_not_kept() -> None:
    found = bracket(probes_of((100, PASS), (200, PASS), (200, FAIL)))
    assert (found.low and found.low.rate_per_s, found.high and found.high.rate_per_s) == (100, 200)


def test_a_cliff_into_what_cannot_be_measured_ends_in_a_lower_bound() -> None:
    probes = searched(SEARCH, lambda rate: PASS if rate <= 700 else INVALID)
    found = bracket(probes)
    assert found.low is not None
    assert found.high is not None
    assert found.low.rate_per_s <= 700 < found.high.rate_per_s <= found.low.rate_per_s * 1.05
    assert (found.high.valid, found.high.invalid, found.is_measured) == (0, INVALID_MAX, False)


def test_nothing_but_invalid_probes_ends_too() -> None:
    probes = searched(SEARCH, lambda _rate: INVALID)
    assert [probe.rate_per_s for probe in probes] == [100] * INVALID_MAX
    assert bracket(probes).low is None


def test_an_end_that_its_repeats_refute_becomes_the_other_end() -> None:
    search = Search(from_per_s=100, to_per_s=200, resolution=0.5, repeats=3)
    probes = probes_of((100, PASS), (200, FAIL), (141, FAIL), (100, PASS), (100, PASS), (141, PASS))
    assert next_rate(search, probes) == 141
    assert next_rate(search, [*probes, *probes_of((141, PASS))]) == 200
