"""Detects a host that dies in the middle of a run.

The connection to a dead host does not end by itself. pyinfra would wait for its answer for ever, and the
living hosts would wait too.
"""

import socket
from typing import Any

from pyinfra.api.host import Host
from pyinfra.connectors.ssh import SSHConnector

_IDLE_S = 5
_INTERVAL_S = 5
_PROBES = 3
_UNANSWERED_MS = (_IDLE_S + _INTERVAL_S * _PROBES) * 1000


def notice_death_of(host: Host) -> None:
    """Make operations on a dead host fail within about 20 s, without affecting other hosts.

    + host: a connected host; a host with another connector than SSH is not changed
    """
    connector = host.connector
    if not isinstance(connector, SSHConnector) or connector.client is None:
        return
    transport = connector.client.get_transport()
    assert transport is not None, "the host is connected"
    link = transport.sock
    if not isinstance(link, socket.socket):
        return  # the connection goes through another host, so there is no socket to set
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNANSWERED_MS)
    ask = connector.run_shell_command

    def ask_or_say_gone(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they are
        # paramiko's EOFError is not an OSError, so pyinfra 3.10 would end the run on every host.
        try:
            return ask(*args, **kwargs)
        except EOFError as gone:
            raise ConnectionResetError(f"{host.name} closed the connection") from gone

    connector.run_shell_command = ask_or_say_gone  # type: ignore[method-assign]
