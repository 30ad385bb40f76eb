"""testinfra over one shared SSH connection a host, with its modules chosen for Kylin."""

import subprocess
from pathlib import Path

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host as Probe
from testinfra.modules.package import RpmPackage
from testinfra.modules.service import SystemdService

from inventory.model import Environment, Host
from inventory.ssh import ssh_argv

_DEADLINE_S = 60.0
_SSH_FAILED = 255
"""Exit status of ssh itself; commands end with others."""
_CHOSEN = {"package": RpmPackage, "service": SystemdService}
"""Module by name. testinfra knows no distribution `kylin`: it would take dpkg where that happens to be."""


class SharedConnection(BaseBackend):
    """Runs each command of testinfra through one SSH connection to a host.

    testinfra's own SSH backend has neither stdin, which passwords need, nor a deadline. It also starts a
    local shell for each command, and Python on the host to learn its encoding.
    """

    NAME = "ssh"

    def __init__(self, env: Environment, host: Host, *, sockets: Path) -> None:
        """Open nothing yet: the first command does.

        + sockets: folder of the control sockets, for this process alone
        """
        super().__init__(host.name)
        self._env, self._spec = env, host
        self._socket = ("-o", f"ControlPath={sockets / host.name}")
        self._encoding = "utf-8"

    def __repr__(self) -> str:
        return f"<{self.NAME} {self.hostname}>"  # testinfra shows it with each command that failed

    def run(self, command: str, *args: str, stdin: str = "", **_: object) -> CommandResult:
        """Return the finished command, whatever its exit status.

        + args: quoted, each in the place of a `%s` of `command`
        + stdin: never in an argument list, nor in what a failure prints

        Raises:
            ConnectionError: ssh could not run it.
            TimeoutError: it did not end in time.
        """
        asked = self.get_command(command, *args)
        argv = self._argv(asked, "-o", "ControlMaster=auto", "-o", "ControlPersist=60")
        try:
            done = subprocess.run(
                argv, input=stdin.encode(), capture_output=True, check=False, timeout=_DEADLINE_S
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.hostname}: did not end within {_DEADLINE_S:g} s: {asked}") from None
        if done.returncode == _SSH_FAILED:
            raise ConnectionError(f"{self.hostname}: ssh: {done.stderr.decode(errors='replace').strip()}")
        return self.result(done.returncode, asked.encode(), done.stdout, done.stderr)

    def close(self) -> None:
        """End the connection, if there is one."""
        subprocess.run(self._argv("", "-O", "exit"), capture_output=True, check=False, timeout=10)

    def _argv(self, command: str, *options: str) -> list[str]:
        program, *rest = ssh_argv(self._env, self._spec, command, patient=True)
        return [program, *self._socket, *options, *rest]


def probe_of(backend: BaseBackend) -> Probe:
    """Return testinfra's view of the host behind `backend`."""
    probe = Probe(backend)
    backend.set_host(probe)
    for name, module in _CHOSEN.items():
        setattr(probe, name, type(module.__name__, (module,), {"_host": probe}))
    return probe
