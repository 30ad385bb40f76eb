"""pyinfra's connector for hosts of the inventory: their groups, and a connection that notices a dead host.

    pyinfra inventory/lab.py debug-inventory                              hosts with their groups
    pyinfra inventory/lab.py exec --limit gateway -- uptime               the hosts of one role
    pyinfra -y inventory/lab.py deploys/site.py --limit centre_b          those of one centre

pyproject.toml makes it known to pyinfra (entry point `pyinfra.connectors`). The inventory's scripts name it.
"""

import socket
from collections.abc import Iterator
from typing import Any

from pyinfra.api.exceptions import PyinfraError
from pyinfra.connectors.ssh import SSHConnector

from inventory import InventoryError, environment, pyinfra_hosts
from inventory.pyinfra_hosts import PyinfraHost

_IDLE_S = 5
_INTERVAL_S = 5
_PROBES = 3
_UNANSWERED_MS = (_IDLE_S + _INTERVAL_S * _PROBES) * 1000


class UnknownEnvironmentError(PyinfraError, KeyError):
    """No environment has the name after `@loanstack/`, or its values do not fit together."""

    def __str__(self) -> str:
        """Return the message without the quotes of a KeyError."""
        return str(self.args[0])


class InventoryConnector(SSHConnector):
    """SSH to the hosts of an environment, `@loanstack/ENVIRONMENT`.

    The connection to a dead host does not end by itself: pyinfra would wait for its answer for ever, and the
    living hosts would wait too. Here an operation on a dead host fails within about 20 s.
    """

    @staticmethod
    def make_names_data(name: str | None = None) -> Iterator[PyinfraHost]:
        """Yield the name, the data and the groups of each host.

        + name: name of the environment

        Raises:
            UnknownEnvironmentError: there is no such environment, or its values do not fit together.
        """
        try:
            found = environment(name or "")
        except (KeyError, InventoryError) as wrong:
            raise UnknownEnvironmentError(str(wrong.args[0])) from wrong
        yield from pyinfra_hosts.of(found)

    def connect(self) -> None:
        """Connect, and have the kernel end the connection if the host is silent."""
        super().connect()
        assert self.client is not None, "the host is connected"
        transport = self.client.get_transport()
        assert transport is not None, "the host is connected"
        if isinstance(transport.sock, socket.socket):  # else through another host: there is no socket to set
            end_when_silent(transport.sock)

    def run_shell_command(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they are
        """Run a command; a host that closes the connection fails alone.

        Raises:
            ConnectionResetError: the host closed the connection.
        """
        # paramiko's EOFError is not an OSError, so pyinfra 3.10 would end the run on every host.
        try:
            return super().run_shell_command(*args, **kwargs)
        except EOFError as gone:
            raise ConnectionResetError(f"{self.host.name} closed the connection") from gone


def end_when_silent(link: socket.socket) -> None:
    """Have the kernel end a connection whose other side has said nothing for about 20 s.

    + link: a TCP connection
    """
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MS)
