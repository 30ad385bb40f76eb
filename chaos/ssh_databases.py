"""The verbs on database hosts, over SSH: `loanstack-db` on the host does the work."""

import shlex
import socket

from chaos.host_fault import DATABASE_UNIT as UNIT
from chaos.remote import Shells
from chaos.sql_session import PositionReading, SqlSession
from chaos.ssh_hosts import RemotePending
from chaos.world import DOWN, UNREACHABLE, Pending, WorldError
from inventory.model import Environment, Host

FENCE_FILE = f"/run/systemd/system/{UNIT}.d/90-drill-fence.conf"
"""A drop-in below /run: a mask cannot cover a unit file in /etc, and a reboot takes this away, which is
safe because the unit itself refuses to start as primary while its peer is one."""

SSH_PORT = 22
_REACHABLE_WITHIN_S = 1.0
"""A greeting takes a process of its own there, which on a busy host comes late."""
_ROLE_WITHIN_S = 8.0
_FENCE_WITHIN_S = 15.0
_PROMOTE_WITHIN_S = 60.0
_START_WITHIN_S = 120.0
_REJOIN_WITHIN_S = 300.0

_KILL = f"""
pid=$(systemctl show --property=MainPID --value {UNIT})
if [ "$pid" -lt 2 ]; then echo 'no process runs'; exit 1; fi
kill -9 "$pid"
"""

# Assert, not Condition: a refused start must be a failure that somebody sees.
_FENCE = f"""
set -e
mkdir -p {shlex.quote(FENCE_FILE.rsplit("/", 1)[0])}
printf '[Unit]\\nAssertPathExists=!%s\\n' {FENCE_FILE} >{FENCE_FILE}
systemctl daemon-reload
systemctl kill --signal=SIGKILL {UNIT} 2>/dev/null || true
for try in $(seq 100); do
    state=$(systemctl show --property=ActiveState --value {UNIT})
    listening=$(ss --no-header --listening --tcp --numeric "sport = :$1")
    case $state in inactive | failed) if [ -z "$listening" ]; then exit 0; fi ;; esac
    sleep 0.1
done
echo "the unit is $state, listening: ${{listening:-nothing}}"
exit 1
"""

_UNFENCE = f"""
if [ -e {FENCE_FILE} ]; then
    rm -f {FENCE_FILE}
    rmdir --ignore-fail-on-non-empty {FENCE_FILE.rsplit("/", 1)[0]}
    systemctl daemon-reload
fi
"""


class SshDatabases:
    """The database hosts of one environment; implements `chaos.world.Databases`."""

    def __init__(self, env: Environment, shells: Shells) -> None:
        self._env = env
        self._shells = shells
        self._sessions: dict[str, SqlSession] = {}

    def open(self, hosts: tuple[Host, ...]) -> None:
        """Open the shells and sessions to `hosts`, so that nothing in a drill waits for a handshake."""
        for host in hosts:
            self._shells.of(host).open()
            self._session(host).ask()

    def close(self) -> None:
        """End all sessions."""
        for name in tuple(self._sessions):
            self.forget(name)

    def forget(self, name: str) -> None:
        """End the session to a host that was switched off; the next use connects anew."""
        session = self._sessions.pop(name, None)
        if session is not None:
            session.close()

    def read(self, host: Host, within_ms: float) -> PositionReading | None:
        """Ask a database for role and position over the open session; None if it does not answer."""
        return self._session(host).read(within_ms / 1000)

    def answers(self, host: Host, *, seen_from: Host, within_ms: float) -> bool:
        """Say whether `host` accepts a connection to its SQL port from where `seen_from` stands."""
        target = shlex.quote(f"/dev/tcp/{host.address}/{self._env.database.sql_port}")
        argv = ["timeout", f"{within_ms / 1000:.3f}", "bash", "-c", f"exec 3<>{target}"]
        return self._shells.of(seen_from).run(argv, within_s=within_ms / 1000 + 2).returncode == 0

    def role(self, host: Host) -> str:
        """Return PRIMARY, STANDBY, DOWN or UNREACHABLE; slow and sure."""
        if not self.is_reachable(host):
            return UNREACHABLE
        try:
            done = self._shells.of(host).run(["loanstack-db", "role"], within_s=_ROLE_WITHIN_S)
        except WorldError:
            return UNREACHABLE
        if done.returncode != 0:
            raise WorldError(
                f"{host.name}: 'loanstack-db role' ended with {done.returncode}: {done.output!r};"
                " deploy the environment first"
            )
        return done.output.strip() or DOWN

    def is_reachable(self, host: Host) -> bool:
        """Say whether an SSH server greets at the host's management address, within a second.

        A connection alone says little: a frozen host's kernel accepts it, and nobody is there.
        """
        try:
            address = (host.management_address, SSH_PORT)
            with socket.create_connection(address, timeout=_REACHABLE_WITHIN_S) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def kill(self, host: Host) -> Pending:
        """Kill the database process (SIGKILL, by its pid)."""
        running = self._shells.of(host).begin(["bash", "-c", _KILL])
        return RemotePending(running, host, "kill the database")

    def fence(self, host: Host) -> None:
        """Forbid the database unit to start, kill what runs of it, and confirm that nothing is left."""
        port = str(self._env.database.sql_port)
        self._shells.must(host, "fence", ["bash", "-c", _FENCE, "fence", port], within_s=_FENCE_WITHIN_S)

    def unfence(self, host: Host) -> None:
        """Allow the database unit to start again; does nothing if it was allowed."""
        self._shells.must(host, "lift the fence", ["bash", "-c", _UNFENCE], within_s=_FENCE_WITHIN_S)

    def start(self, host: Host) -> None:
        """Start the database unit with the data it has."""
        self._shells.must(host, "start", ["loanstack-db", "start"], within_s=_START_WITHIN_S)

    def promote(self, host: Host) -> None:
        """Make a standby the primary; the caller has fenced the old one."""
        self._shells.must(
            host, "promote", ["loanstack-db", "promote", "--fenced"], within_s=_PROMOTE_WITHIN_S
        )

    def rejoin(self, host: Host, source: Host) -> None:
        """Empty a database and let it follow `source`."""
        argv = ["loanstack-db", "rejoin", source.address]
        self._shells.must(host, f"rejoin {source.name}", argv, within_s=_REJOIN_WITHIN_S)

    def _session(self, host: Host) -> SqlSession:
        return self._sessions.setdefault(host.name, SqlSession(self._env, host))
