"""Plain pyinfra knows the inventory's hosts by role and centre, and a dead host fails alone."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from paramiko.channel import ChannelFile
from pyinfra.api.command import StringCommand
from pyinfra.api.connectors import get_execution_connectors
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State
from pyinfra.connectors.sshuserclient import SSHClient

from deploys.connector import InventoryConnector
from inventory import environment
from inventory.places import PROJECT_ROOT

PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
NOWHERE = ("--data", "ssh_hostname=127.0.0.1", "--data", "ssh_key=", "--ssh-port", "1")
"""Nothing listens on port 1, so each host that is tried is refused at once, and named."""


def _pyinfra(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYINFRA, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )


def _shown(name: str, *options: str) -> dict[str, dict[str, object]]:
    done = _pyinfra("--json", *options, f"inventory/{name}.py", "debug-inventory")
    assert done.returncode == 0, done.stderr
    return {host["name"]: host for host in json.loads(done.stdout)}


@pytest.fixture(autouse=True, scope="module")
def _set_up() -> None:
    assert "loanstack" in get_execution_connectors(), "pyinfra lacks our entry point: run `make setup` again"


@pytest.mark.parametrize("name", ["lab", "qinghai"])
def test_pyinfra_s_own_command_shows_each_host_in_the_groups_of_its_roles_and_centre(name: str) -> None:
    shown, env = _shown(name), environment(name)
    assert list(shown) == [host.name for host in env.hosts]
    for host in env.hosts:
        groups = shown[host.name]["groups"]
        assert isinstance(groups, list)
        assert set(groups) == {*host.roles, f"centre_{host.centre}", "hosts", name}
        data = shown[host.name]["data"]
        assert isinstance(data, dict)
        assert data["ssh_hostname"] == host.management_address
        assert data["ssh_strict_host_key_checking"] == "yes"


@pytest.mark.parametrize(
    ("limit", "tried"),
    [
        (("gateway",), {"gw-a", "gw-b"}),
        (("centre_b",), {"gw-b", "app-b", "ob-b"}),
        (("etcd", "gw-a"), {"ob-a", "ob-b", "mon-c", "gw-a"}),
    ],
)
def test_limit_takes_roles_centres_and_names(limit: tuple[str, ...], tried: set[str]) -> None:
    limits = [word for each in limit for word in ("--limit", each)]
    done = _pyinfra("-y", *limits, *NOWHERE, "inventory/lab.py", "exec", "--", "true")
    assert set(re.findall(r"\[([a-z-]+)\]\s+Could not connect", done.stderr)) == tried


def test_a_file_of_group_data_is_for_the_hosts_of_its_role(tmp_path: Path) -> None:
    (tmp_path / "gateway.py").write_text("colour = 'green'\n")
    shown = _shown("lab", "--group-data", str(tmp_path))
    green = {name for name, host in shown.items() if "colour" in json.dumps(host["data"])}
    assert green == {"gw-a", "gw-b"}


def test_an_unknown_environment_is_refused_with_the_known_ones() -> None:
    done = _pyinfra("@loanstack/lap", "debug-inventory")
    assert "no environment 'lap'; known: lab, qinghai" in done.stderr


@pytest.fixture
def connector() -> InventoryConnector:
    inventory = Inventory((["@loanstack/lab"], {}))  # type: ignore[no-untyped-call]
    state = State(inventory)
    found = inventory.get_host("gw-a").connector
    assert isinstance(found, InventoryConnector)
    assert found.state is state
    return found


@pytest.fixture
def link() -> Iterator[socket.socket]:
    """A real TCP connection, as paramiko has one."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as mine,
        server.accept()[0],
    ):
        yield mine


def _answered_over(link: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an SSH client connect at once, over `link`."""
    monkeypatch.setattr(SSHClient, "connect", lambda *_, **__: None)
    monkeypatch.setattr(SSHClient, "get_transport", lambda _: SimpleNamespace(sock=link))
    monkeypatch.setattr("pyinfra.connectors.ssh.get_private_key", lambda *_, **__: None)


def test_silence_ends_a_connection(
    connector: InventoryConnector, link: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answered_over(link, monkeypatch)
    connector.connect()
    assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000


def test_a_connection_through_another_host_has_no_socket_to_set(
    connector: InventoryConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answered_over(ChannelFile, monkeypatch)
    connector.connect()


def test_an_end_of_file_fails_one_host_and_not_the_run(
    connector: InventoryConnector, link: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise EOFError

    _answered_over(link, monkeypatch)
    monkeypatch.setattr(SSHClient, "exec_command", gone)
    connector.connect()
    with pytest.raises(ConnectionResetError, match="gw-a closed the connection"):
        connector.run_shell_command(StringCommand("true"))
