"""Faults on hosts over SSH, and the check for residue."""

import time

from chaos.system.host_fault import (
    AGENT_UNIT,
    DATABASE_UNIT,
    ETCD_UNIT,
    LOAN_UNIT,
    ON_SMALL_DISK,
    TABLE,
    TONGWEB_UNIT,
    UNITS,
    HostFault,
    begin_argv,
    undo_argv,
)
from chaos.system.shells import Running, Shells, succeeded
from chaos.system.world import Pending
from inventory.model import Host

_UNDONE_WITHIN_S = 60.0
_LOOKED_AT_WITHIN_S = 15.0
_ANSWERS_WITHIN_S = 2.0
_TIMED_OUT = 124
"""Exit status of `timeout`: there was no answer. A refused connection is an answer."""

# `loanstack-db promote` uses the table `loanstack_promote` to cut the old source off for a moment.
_RESIDUE = f"""
for table in {TABLE} loanstack_promote; do
    if nft list tables | grep -qw "$table"; then echo "its network is cut (nft table $table)"; fi
done
systemctl list-units --all --plain --no-legend --full '{UNITS}*' |
    grep --only-matching '^{UNITS}[^ ]*' | sed 's/$/ is left/'
if mount | grep -qw {UNITS}disk; then echo '{ON_SMALL_DISK}'; fi
for unit in {DATABASE_UNIT} {AGENT_UNIT} {ETCD_UNIT} {TONGWEB_UNIT} {LOAN_UNIT}; do
    if systemctl cat "$unit" >/dev/null 2>&1; then
        state=$(systemctl is-active "$unit")
        if [ "$state" != active ]; then echo "$unit is $state"; fi
    fi
done
exit 0
"""


class RemotePending:
    """A command that was sent to a host and runs there."""

    def __init__(self, running: Running, host: Host, what: str) -> None:
        self._running = running
        self._host = host
        self._what = what

    def wait(self, within_s: float) -> float:
        """Return the time at which the host had confirmed the command (unix seconds); raises WorldError."""
        succeeded(self._host, self._what, self._running.finish(within_s))
        return time.time()


class SshHosts:
    """The hosts of one environment; implements `chaos.system.world.Hosts`."""

    def __init__(self, shells: Shells, *, database_port: int) -> None:
        self._shells = shells
        self._database_port = database_port

    def begin(self, host: Host, fault: HostFault, *, for_s: float) -> Pending:
        """Make `fault` on `host`; a timer there undoes it after `for_s`, even if the control machine dies."""
        return RemotePending(self._shells.get(host).begin(begin_argv(fault, for_s=for_s)), host, fault.name)

    def undo(self, host: Host, fault: HostFault) -> None:
        """Undo `fault` and stop its timer; does nothing if there is neither. Raises WorldError."""
        self._shells.check_run(host, f"undo {fault.name}", undo_argv(fault), within_s=_UNDONE_WITHIN_S)

    def shows(self, host: Host, fault: HostFault) -> str | None:
        """Return None if `fault` is seen to act on `host`, else the actual state there; raises WorldError."""
        done = self._shells.get(host).run(["bash", "-c", fault.seen], within_s=_LOOKED_AT_WITHIN_S)
        return None if done.returncode == 0 else f"{host.name}: {done.stdout.strip() or 'nothing of it'}"

    def reaches(self, host: Host, other: Host) -> bool:
        """Say whether the database port of `other` answers `host`, even with a refusal; raises WorldError."""
        connect = f"exec 3<>/dev/tcp/{other.address}/{self._database_port}"
        argv = ["timeout", f"{_ANSWERS_WITHIN_S:g}", "bash", "-c", connect]
        done = self._shells.get(host).run(argv, within_s=_LOOKED_AT_WITHIN_S)
        return done.returncode != _TIMED_OUT

    def residue(self, host: Host) -> tuple[str, ...]:
        """Return things that drills left on the host, and its units that do not run."""
        done = self._shells.check_run(
            host, "look for residue", ["bash", "-c", _RESIDUE], within_s=_LOOKED_AT_WITHIN_S
        )
        return tuple(line for line in done.stdout.splitlines() if line.strip())
