"""Validation of the running hosts: `pytest tests/hosts --environment lab -n auto`.

Every test runs once for each host of the inventory, or of the roles its marker names. Over one shared SSH
connection a host and worker, with the keys and known hosts of the inventory.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory.model import Environment, Role
from inventory.purpose import CONSENT_VARIABLE, NotAllowedError, require_named
from inventory.secrets import Secrets
from inventory.secrets import load as load_secrets
from loanstack.runs.task import CommandError, find_environment, require_reachable
from tests.hosts.connection import SharedConnection, probe_of
from tests.hosts.groups import GroupScheduling
from tests.hosts.kit import Control, Machine

_ENVIRONMENT = pytest.StashKey[Environment]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--environment", default="lab", help="environment of the inventory to validate")
    parser.addoption(
        "--yes",
        metavar="NAME",
        default=os.environ.get(CONSENT_VARIABLE),
        help="name of the environment once more, needed for one that is not the lab",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """With `-n`, keep the tests of a group on one worker, unless another `--dist` was asked for."""
    if config.option.dist != "load":
        return None
    return GroupScheduling(config, log, hosts=config.stash[_ENVIRONMENT].hosts)


def pytest_configure(config: pytest.Config) -> None:
    try:
        config.stash[_ENVIRONMENT] = find_environment(config.getoption("--environment"))
    except CommandError as wrong:
        raise pytest.UsageError(f"--environment: {wrong}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse what must not be reached, or cannot be, before any host is contacted."""
    if session.config.option.collectonly:
        return
    env = session.config.stash[_ENVIRONMENT]
    try:
        require_named(env.name, env.purpose, consent=session.config.getoption("--yes"))
        require_reachable(env)
    except (NotAllowedError, CommandError) as refused:
        raise pytest.UsageError(str(refused)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "machine" not in metafunc.fixturenames:
        return
    env = metafunc.config.stash[_ENVIRONMENT]
    marker = metafunc.definition.get_closest_marker("roles")
    wanted = tuple(Role) if marker is None else marker.args
    names = [host.name for host in env.hosts if any(host.has(role) for role in wanted)]
    metafunc.parametrize("machine", names, indirect=True)


@pytest.fixture(scope="session")
def env(request: pytest.FixtureRequest) -> Environment:
    return request.config.stash[_ENVIRONMENT]


@pytest.fixture(scope="session")
def secrets(env: Environment) -> Secrets:
    return load_secrets(env.secrets_file, fences=env.fences)


@pytest.fixture(scope="session")
def machines(env: Environment) -> Iterator[dict[str, Machine]]:
    """All hosts by name; connections open at their first use and close with the session."""
    with tempfile.TemporaryDirectory(prefix="loanstack-ssh-") as sockets:
        connections = {host: SharedConnection(env, host, sockets=Path(sockets)) for host in env.hosts}
        yield {host.name: Machine(spec=host, probe=probe_of(ssh)) for host, ssh in connections.items()}
        for ssh in connections.values():
            ssh.close()


@pytest.fixture
def machine(request: pytest.FixtureRequest, machines: dict[str, Machine]) -> Machine:
    return machines[request.param]


@pytest.fixture(scope="session")
def client(env: Environment) -> Control:
    """A shell where clients stand: in the DMZ."""
    return Control(prefix=env.client_command)
