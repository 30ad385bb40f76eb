"""Whatever is wrong with a settings file, and however much: each mistake is named once, and no secret is."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.settings_file import SettingsError, parse
from tests.unit.failover.config import settings_file

Path = tuple[str | int, ...]

LIMITS = {
    "sql_port": (1, 65_535),
    "agent.port": (1, 65_535),
    "timing.lease_ttl_ms": (1000, 600_000),
    "timing.loop_interval_ms": (20, 10_000),
    "timing.calm_interval_ms": (20, 10_000),
    "timing.store_timeout_ms": (20, 60_000),
    "timing.safety_margin_ms": (100, 60_000),
    "timing.database_silent_ms": (100, 600_000),
    "timing.peer_silent_ms": (100, 600_000),
    "timing.max_failover_lag_ms": (1, 86_400_000),
    "timing.failover_cooldown_ms": (0, 86_400_000),
    "timing.rejoin_interval_ms": (0, 86_400_000),
    "durability.timeout_ms": (1, 600_000),
    "durability.degrade_after_ms": (1, 86_400_000),
}
"""Of every number in the file."""
SECRETS = {"store.password", "agent.token", "agent.reading_key"}
MAY_BE_NULL = {"durability.degrade_after_ms"}


def leaves(found: object, path: Path = ()) -> list[Path]:
    """Return the paths of all values that are neither objects nor lists."""
    if isinstance(found, dict):
        return [each for name, value in found.items() for each in leaves(value, (*path, name))]
    if isinstance(found, list):
        return [each for number, value in enumerate(found) for each in leaves(value, (*path, number))]
    return [path]


def objects(found: object, path: Path = ()) -> list[Path]:
    """Return the paths of all objects, the outermost included."""
    if isinstance(found, dict):
        return [path, *(each for name, value in found.items() for each in objects(value, (*path, name)))]
    if isinstance(found, list):
        return [each for number, value in enumerate(found) for each in objects(value, (*path, number))]
    return []


GOOD = settings_file()
LEAVES = leaves(GOOD)
FIELDS = [path for path in LEAVES if isinstance(path[-1], str)]


def at(found: Any, path: Path) -> Any:
    for step in path:
        found = found[step]
    return found


def shown(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def spoilt(values: dict[Path, object]) -> Any:
    found = copy.deepcopy(GOOD)
    for path, value in values.items():
        at(found, path[:-1])[path[-1]] = value
    return found


def problems_of(found: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        parse(found)
    return refused.value.problems


def problems_if_any(found: object) -> tuple[str, ...]:
    try:
        parse(found)
    except SettingsError as refused:
        return refused.problems
    return ()


def named(problems: tuple[str, ...]) -> list[str]:
    """Return the paths that problems begin with."""
    return sorted(problem.split("=")[0].split(";")[0].split(" ")[0] for problem in problems)


def of_another_type(path: Path) -> st.SearchStrategy[object]:
    good = at(GOOD, path)
    values: list[st.SearchStrategy[Any]] = [st.floats(), st.just([]), st.just({}), st.just([{}])]
    if not isinstance(good, str):
        values.append(st.text())
    if not isinstance(good, bool):
        values.append(st.booleans())
    if isinstance(good, (str, bool)):
        values.append(st.integers())
    if shown(path) not in MAY_BE_NULL:
        values.append(st.none())
    return st.one_of(values)


@st.composite
def wrong_values(draw: st.DrawFn) -> dict[Path, object]:
    paths = draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=6, unique=True))
    return {path: draw(of_another_type(path)) for path in paths}


@given(wrong_values())
def test_each_value_of_another_type_is_named_once(values: dict[Path, object]) -> None:
    assert named(problems_of(spoilt(values))) == sorted(map(shown, values))


@given(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6, unique=True))
def test_each_missing_field_is_named_once(paths: list[Path]) -> None:
    found = copy.deepcopy(GOOD)
    for path in paths:
        del at(found, path[:-1])[path[-1]]
    assert sorted(problems_of(found)) == sorted(f"{shown(path)} is missing" for path in paths)


@given(
    st.dictionaries(
        st.sampled_from(objects(GOOD)), st.from_regex(r"x_[a-z]{1,8}", fullmatch=True), min_size=1
    )
)
def test_each_unknown_field_is_named_once(names: dict[Path, str]) -> None:
    found = spoilt({(*path, name): 1 for path, name in names.items()})
    expected = sorted(f"{shown((*path, name))} is unknown; remove it" for path, name in names.items())
    assert sorted(problems_of(found)) == expected


def test_every_number_of_the_file_has_a_known_limit() -> None:
    numbers = {shown(path) for path in LEAVES if type(at(GOOD, path)) is int}
    assert numbers == set(LIMITS)


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
@given(data=st.data())
def test_a_number_is_refused_beyond_its_limits_alone(
    data: st.DataObject, name: str, limits: tuple[int, int]
) -> None:
    low, high = limits
    inside, outside = st.integers(low, high), st.integers(max_value=low - 1) | st.integers(min_value=high + 1)
    path = tuple(name.split("."))
    said = f"allowed: a whole number from {low} to {high}"
    value = data.draw(outside | st.sampled_from([low - 1, high + 1]))
    assert problems_of(spoilt({path: value}))[0].startswith(f"{name}={value}; {said}")
    for value in (low, high, data.draw(inside)):
        # Beside the others it may still be too small.
        assert not any(said in problem for problem in problems_if_any(spoilt({path: value})))


@given(st.sampled_from(sorted(SECRETS)), st.integers(10**9, 10**12) | st.just("short-secret"))
def test_no_wrong_secret_is_shown(name: str, secret: int | str) -> None:
    too_short = {"agent.token": secret, "store.password": [secret], "agent.reading_key": {"x": secret}}
    problems = problems_of(spoilt({tuple(name.split(".")): too_short[name]}))
    assert [problem.split(";")[0] for problem in problems] == [name]
    assert str(secret) not in problems[0]
