"""Databases over SSH: reading role and position, and killing one."""

import socket

from chaos.system.host_fault import DATABASE_UNIT as UNIT
from chaos.system.hosts import RemotePending
from chaos.system.shells import Shells
from chaos.system.sql_session import RoleAndPosition, SqlSession
from chaos.system.world import DOWN, UNREACHABLE, Pending, WorldError
from inventory.model import Environment, Host

SSH_PORT = 22
_REACHABLE_WITHIN_S = 1.0
"""Time for an SSH greeting: the host starts a process for it, which takes long on a busy host."""
_ROLE_WITHIN_S = 8.0

_KILL = f"""
pid=$(systemctl show --property=MainPID --value {UNIT})
if [ "$pid" -lt 2 ]; then echo 'no process runs'; exit 1; fi
kill -9 "$pid"
"""


class SshDatabases:
    """The database hosts of one environment; implements `chaos.system.world.Databases`."""

    def __init__(self, env: Environment, shells: Shells) -> None:
        self._env = env
        self._shells = shells
        self._sessions: dict[str, SqlSession] = {}

    def open(self, hosts: tuple[Host, ...]) -> None:
        """Open the shells and sessions to `hosts` now, so that a drill does not wait for handshakes."""
        for host in hosts:
            self._shells.get(host).open()
            self._session(host).ask()

    def close(self) -> None:
        """End all sessions."""
        for name in tuple(self._sessions):
            self.forget(name)

    def forget(self, name: str) -> None:
        """End the session to a host that was switched off; the next use connects again."""
        session = self._sessions.pop(name, None)
        if session is not None:
            session.close()

    def read(self, host: Host, within_ms: float) -> RoleAndPosition | None:
        """Ask a database for role and position over the open session; None if it does not answer."""
        return self._session(host).read(within_ms / 1000)

    def role(self, host: Host) -> str:
        """Return PRIMARY, STANDBY, DOWN or UNREACHABLE; slow but reliable."""
        if not self.is_reachable(host):
            return UNREACHABLE
        try:
            done = self._shells.get(host).run(["loanstack-db", "role"], within_s=_ROLE_WITHIN_S)
        except WorldError:
            return UNREACHABLE
        if done.returncode != 0:
            raise WorldError(
                f"{host.name}: 'loanstack-db role' ended with {done.returncode}: {done.stdout!r};"
                " deploy the environment first"
            )
        return done.stdout.strip() or DOWN

    def is_reachable(self, host: Host) -> bool:
        """Say whether an SSH server sends its greeting at the host's management address within a second.

        A connection alone proves little: the kernel of a frozen host accepts it, but no server answers.
        """
        try:
            address = (host.management_address, SSH_PORT)
            with socket.create_connection(address, timeout=_REACHABLE_WITHIN_S) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def kill(self, host: Host) -> Pending:
        """Kill the database process (SIGKILL, by its pid)."""
        running = self._shells.get(host).begin(["bash", "-c", _KILL])
        return RemotePending(running, host, "kill the database")

    def _session(self, host: Host) -> SqlSession:
        return self._sessions.setdefault(host.name, SqlSession(self._env, host))
