"""A passing moment of a database is looked at again, and not taken for a difference."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deploys.facts.services import Service
from deploys.oceanbase import operations as database
from deploys.oceanbase.facts import Answer, DatabaseState, LocalAnswer, LocalDatabase
from tests.plan.kit import HEALTHY_SERVICE, Facts, primary, standby
from tests.plan.really import commands

_REFUSED = Answer(role="PRIMARY", rows=(), refusal="ERROR 4012 (HY000): Timeout")
_USERS = (("probe", "open sesame"),)


def _seen(looks: Iterator[DatabaseState]) -> Callable[[], DatabaseState]:
    return lambda: next(looks)


def _healthy(*looks: DatabaseState) -> list[str]:
    facts: Facts = {LocalDatabase: _seen(iter(looks))}
    return [str(c) for c in commands(database.database_healthy, facts, max_healthy_lag_ms=500, deadline_s=90)]


def test_a_standby_that_lags_for_a_moment_is_no_change(pauses_s: list[float]) -> None:
    """The look that found it close behind decides: one more might find it lagging again."""
    assert _healthy(standby(None), standby(9_000), standby(80)) == []
    assert len(pauses_s) == 2


def test_a_standby_that_lags_for_longer_is_waited_for(pauses_s: list[float]) -> None:
    assert _healthy(*[standby(9_000)] * 11) == ["/usr/local/sbin/loanstack-db wait-healthy 500 90"]
    assert sum(pauses_s) == pytest.approx(5)


@pytest.mark.parametrize(("looks", "waits"), [(("DOWN", "PRIMARY"), False), (("DOWN",) * 3, True)])
def test_a_database_that_its_agent_is_starting_is_given_a_second(
    looks: tuple[str, ...], waits: bool, pauses_s: list[float]
) -> None:
    seen = (replace(primary(), role=role) for role in looks)
    facts: Facts = {LocalDatabase: _seen(seen), Service: lambda unit: HEALTHY_SERVICE}
    planned = commands(database.database_running, facts, unit="x", max_healthy_lag_ms=500, deadline_s=90)
    assert bool(planned) is waits
    assert sum(pauses_s) <= 1


def _users(*answers: Answer) -> list[str]:
    left = iter(answers)
    facts: Facts = {LocalAnswer: lambda query, of_primary: next(left)}
    return [str(c) for c in commands(database.users_kept, facts, users=_USERS)]


def test_a_database_that_refuses_one_query_is_asked_again(pauses_s: list[float]) -> None:
    (command,) = _users(_REFUSED, _REFUSED, Answer(role="PRIMARY", rows=()))
    assert "loanstack-db sql" in command
    assert len(pauses_s) == 2


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (database.users_kept, {"users": _USERS}),
        (database.scripts_applied, {"scripts": (("schema.sql", "SELECT 1;"),)}),
        (database.parameters_set, {"settings": (("memory_budget", "1G"),)}),
    ],
)
def test_a_database_that_goes_on_refusing_fails_its_host_and_is_told_nothing(
    operation: object, arguments: dict[str, object], pauses_s: list[float]
) -> None:
    facts: Facts = {LocalAnswer: lambda query, of_primary: _REFUSED}
    (command,) = commands(operation, facts, **arguments)
    assert str(command).endswith("exit 1")
    assert "the database refused for 3 s to say what it has: ERROR 4012" in str(command)
    assert sum(pauses_s) == pytest.approx(3)
