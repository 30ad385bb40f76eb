"""Whatever is wrong with the environment, and however much: each variable is named once, and no secret is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub.settings import Database, Endpoint, SettingsError, database_from, settings_from

GOOD = {
    "LOAN_DATABASE_ENDPOINTS": "198.18.1.13:2881,198.18.2.23:2881",
    "LOAN_DATABASE_USER": "loan_app",
    "LOAN_DATABASE_PASSWORD": "secret-value",
}
"""The least that is allowed: all else has a default."""

LIMITS = {
    "LOAN_PORT": (1, 65_535),
    "LOAN_POOL_SIZE": (1, 256),
    "LOAN_CONNECT_TIMEOUT_MS": (50, 500),
    "LOAN_STATEMENT_TIMEOUT_MS": (100, 60_000),
    "LOAN_DURABILITY_TIMEOUT_MS": (100, 60_000),
    "LOAN_REQUEST_DEADLINE_MS": (200, 60_000),
    "LOAN_SHUTDOWN_GRACE_S": (1, 300),
}
CHOICES = {"LOAN_DATABASE_KIND": "oceanbase, mariadb", "LOAN_DURABILITY": "local, cross_centre"}
TEXTS = (
    "LOAN_DATABASE_USER",
    "LOAN_DATABASE_PASSWORD",
    "LOAN_DATABASE_NAME",
    "LOAN_LISTEN_ADDRESS",
)

words = st.text(st.characters(codec="ascii", categories=("L", "P", "Z")))


def problems_of(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        settings_from(environment)
    return refused.value.problems


def read(variable: str, text: str) -> object:
    """Return the value of a variable in the settings."""
    settings = settings_from({**GOOD, variable: text})
    return {
        "LOAN_PORT": settings.port,
        "LOAN_POOL_SIZE": settings.database.pool_size,
        "LOAN_CONNECT_TIMEOUT_MS": settings.database.connect_timeout_ms,
        "LOAN_STATEMENT_TIMEOUT_MS": settings.database.statement_timeout_ms,
        "LOAN_DURABILITY_TIMEOUT_MS": settings.durability.timeout_ms,
        "LOAN_REQUEST_DEADLINE_MS": settings.request_deadline_ms,
        "LOAN_SHUTDOWN_GRACE_S": settings.shutdown_grace_s,
    }[variable]


@st.composite
def wrong_texts(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.sets(st.sampled_from([*LIMITS, *CHOICES, *TEXTS]), min_size=1))
    return {name: "" if name in TEXTS else draw(words) for name in sorted(names)}


@given(wrong_texts())
def test_each_bad_variable_is_named_once(wrong: dict[str, str]) -> None:
    problems = problems_of(GOOD | wrong)
    assert sorted(problem.split("=")[0].split(" ")[0] for problem in problems) == sorted(wrong)


@given(st.sets(st.sampled_from(sorted(GOOD)), min_size=1))
def test_each_missing_variable_is_named_once(missing: set[str]) -> None:
    problems = problems_of({name: text for name, text in GOOD.items() if name not in missing})
    assert sorted(problem.split(" ")[0] for problem in problems) == sorted(missing)


@pytest.mark.parametrize(("variable", "limits"), LIMITS.items())
@given(data=st.data())
def test_a_number_is_refused_beyond_its_limits_alone(
    data: st.DataObject, variable: str, limits: tuple[int, int]
) -> None:
    low, high = limits
    for value in (low, high, data.draw(st.integers(low, high))):
        assert read(variable, str(value)) == value
    for value in (low - 1, high + 1, data.draw(st.integers(max_value=low - 1) | st.integers(high + 1))):
        said = f"{variable}='{value}'; allowed: a whole number from {low} to {high}"
        assert problems_of(GOOD | {variable: str(value)}) == (said,)


@pytest.mark.parametrize(("variable", "choices"), CHOICES.items())
def test_another_choice_is_refused_with_the_allowed_ones(variable: str, choices: str) -> None:
    assert problems_of(GOOD | {variable: "other"}) == (f"{variable}='other'; allowed: {choices}",)


@given(
    st.lists(st.tuples(words.filter(lambda word: "," not in word and word.strip() == word), st.integers()))
)
def test_endpoints_are_addresses_with_a_port_of_a_host(pairs: list[tuple[str, int]]) -> None:
    text = ",".join(f"{host}:{port}" for host, port in pairs)
    good = tuple(Endpoint(host=host, port=port) for host, port in pairs if host and 1 <= port <= 65_535)
    problems: list[str] = []
    database = database_from(GOOD | {"LOAN_AGENTS": text}, problems)
    bad = [problem for problem in problems if problem.startswith("LOAN_AGENTS has ")]
    assert len(bad) == len(pairs) - len(good)
    assert any("twice" in problem for problem in problems) == (len(set(good)) < len(good))
    if not problems:
        assert database is not None
        assert database.agents == good


def test_the_seeding_has_a_user_of_its_own_who_is_named_when_missing() -> None:
    problems: list[str] = []
    assert database_from(GOOD, problems, user_prefix="LOAN_OWNER") is None
    assert problems == [
        "LOAN_OWNER_USER is missing or empty; set it in the environment file",
        "LOAN_OWNER_PASSWORD is missing or empty; set it in the environment file",
    ]
    owner = {"LOAN_OWNER_USER": "loan_owner", "LOAN_OWNER_PASSWORD": "of-the-owner"}
    found = database_from(GOOD | owner, [], user_prefix="LOAN_OWNER")
    assert isinstance(found, Database)
    assert (found.user, found.password) == ("loan_owner", "of-the-owner")
    assert "of-the-owner" not in repr(found)
