"""What the inventory accepts, services and agents accept: on a host it is too late to refuse it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import env_file
from app_stub.settings import SettingsError as ServiceError
from app_stub.settings import database_from, settings_from
from deploys.content import AUTHORITY
from deploys.failover import deploy as failover
from deploys.failover.spec import failover_spec
from deploys.loan_services import deploy as loan_services
from deploys.loan_services.spec import loan_services_spec
from failover.settings_file import SettingsError as AgentError
from failover.settings_file import parse
from inventory.limits import LIMITS, Limit
from inventory.model import Environment, Role
from inventory.validation import find_problems
from tests.plan.kit import Site, site_of


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        yield site_of("lab", tmp_path_factory.mktemp("lab"), patch)


def _changed(env: Environment, field: str, value: object) -> Environment:
    part, _, name = field.partition(".")
    return replace(env, **{part: replace(getattr(env, part), **{name: value})})


def _refusals(site: Site, env: Environment) -> list[str]:
    """Return what the readers on the hosts refuse of the settings that a deploy would write."""
    found: list[str] = []
    for host in env.hosts_with(Role.LOAN):
        files = loan_services.files_of(loan_services_spec(env, host, site.secrets))
        # The reader looks whether the authority's file is there; on a host it is.
        texts = {file.path: env_file.parse(file.content.replace(AUTHORITY, __file__)) for file in files}
        database_from(texts[loan_services.OWNER_ENVIRONMENT], found, user_prefix="LOAN_OWNER")
        try:
            settings = settings_from(texts[loan_services.ENVIRONMENT])
        except ServiceError as refused:
            found += refused.problems
        else:
            assert settings.database.name == env.database.schema
    for host in env.hosts_with(Role.OCEANBASE):
        spec = failover_spec(env, host, site.secrets, fence_authorities={})
        try:
            parse(failover.settings(spec))
        except AgentError as refused:
            found += refused.problems
    return found


_VALUES = st.one_of(
    st.integers(-1, 100_000),
    st.integers(-1, 100_000_000),
    st.floats(),
    st.floats(0, 700),
    st.none(),
    st.booleans(),
    st.sampled_from(
        [edge + off for limit in LIMITS for edge in (limit.low, limit.high) for off in (-1, 0, 1)]
    ),
)
_CHANGES = st.dictionaries(st.sampled_from([limit.field for limit in LIMITS]), _VALUES, max_size=4)


@given(
    changes=_CHANGES,
    port=st.one_of(st.integers(-1, 65_537), st.floats()),
    schema=st.one_of(st.just("loan"), st.text(max_size=4), st.from_regex(r"[a-z][a-z0-9_]{0,8}\n?")),
)
def test_settings_of_an_accepted_inventory_are_accepted_on_its_hosts(
    site: Site, changes: Mapping[str, object], port: float, schema: str
) -> None:
    env = reduce(lambda found, change: _changed(found, *change), changes.items(), site.env)
    env = _changed(_changed(env, "loan.port", port), "database.schema", schema)
    if not list(find_problems(env)):
        assert _refusals(site, env) == []


def test_the_shipped_lab_is_accepted(site: Site) -> None:
    assert _refusals(site, site.env) == []


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.field)
def test_limits_are_those_of_the_readers(site: Site, limit: Limit) -> None:
    for value in (limit.low - 1, limit.high + 1):
        env = _changed(site.env, limit.field, value)
        problems = [problem for problem in find_problems(env) if problem.field == limit.field]
        assert limit.allowed in {problem.allowed for problem in problems}
        assert _refusals(site, env), f"{limit.field}={value}: no reader refuses it"
