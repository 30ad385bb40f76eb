"""Validation of the running hosts: `pytest tests/hosts --environment lab`.

Every test runs once for each host of the inventory, or of the roles its marker names. Over one shared SSH
connection a host, with the keys and known hosts of the inventory.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra

from inventory import environment
from inventory.model import Environment, Role
from inventory.secrets import Secrets
from inventory.secrets import load as load_secrets
from tests.hosts.kit import Control, Machine


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--environment", default="lab", help="environment of the inventory to validate")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "roles(*roles): run only on hosts that carry one of these roles")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "machine" not in metafunc.fixturenames:
        return
    env = environment(metafunc.config.getoption("--environment"))
    marker = metafunc.definition.get_closest_marker("roles")
    wanted = tuple(Role) if marker is None else marker.args
    names = [host.name for host in env.hosts if any(host.has(role) for role in wanted)]
    metafunc.parametrize("machine", names, indirect=True)


@pytest.fixture(scope="session")
def env(request: pytest.FixtureRequest) -> Environment:
    return environment(request.config.getoption("--environment"))


@pytest.fixture(scope="session")
def secrets(env: Environment) -> Secrets:
    return load_secrets(env.secrets_file, fences=env.fences)


@pytest.fixture(scope="session")
def machines(env: Environment) -> Iterator[dict[str, Machine]]:
    """All hosts by name; connections open at their first use and close with the session."""
    with tempfile.TemporaryDirectory(prefix="loanstack-ssh-") as sockets:
        found = {}
        for host in env.hosts:
            ssh = [
                "-o", "BatchMode=yes",
                "-o", "ConnectTimeout=5",
                "-o", "StrictHostKeyChecking=yes",
                "-o", "IdentitiesOnly=yes",
                "-o", f"UserKnownHostsFile={env.ssh.known_hosts_file}",
                "-o", "ControlMaster=auto",
                "-o", "ControlPersist=60",
                "-o", f"ControlPath={Path(sockets) / host.name}",
                "-i", str(env.ssh.key_file),
            ]  # fmt: skip
            spec = f"ssh://{env.ssh.user}@{host.management_address}"
            probe = testinfra.get_host(spec, ssh_extra_args=" ".join(ssh), controlpersist=0)
            argv = ("ssh", *ssh, f"{env.ssh.user}@{host.management_address}")
            found[host.name] = Machine(spec=host, probe=probe, ssh=argv)
        yield found
        for machine in found.values():
            subprocess.run([*machine.ssh, "-O", "exit"], capture_output=True, check=False, timeout=10)


@pytest.fixture
def machine(request: pytest.FixtureRequest, machines: dict[str, Machine]) -> Machine:
    return machines[request.param]


@pytest.fixture(scope="session")
def client(env: Environment) -> Control:
    """A shell where clients stand: in the DMZ."""
    return Control(prefix=env.client_command)
