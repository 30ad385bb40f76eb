"""The power switch of an environment: the command its inventory names."""

import subprocess
import time
from collections.abc import Callable

from chaos.world import Pending, WorldError
from inventory.model import Environment, Host
from inventory.places import PROJECT_ROOT

_ON_WITHIN_S = 90.0
_SSH_WITHIN_S = 60.0


class SwitchedOff:
    """A power switch that is being thrown."""

    def __init__(self, process: "subprocess.Popen[str]", what: str) -> None:
        self._process = process
        self._what = what
        self._ended_s: float | None = None

    def wait(self, within_s: float) -> float:
        """Return when the switch had confirmed (unix seconds); raises WorldError."""
        if self._ended_s is None:
            try:
                _, said = self._process.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                raise WorldError(f"{self._what} did not confirm within {within_s:.0f} s") from None
            if self._process.returncode != 0:
                last = said.strip().splitlines()[-1:] or ["nothing"]
                raise WorldError(f"{self._what} ended with {self._process.returncode} and said {last[0]!r}")
            self._ended_s = time.time()
        return self._ended_s


class PowerSwitch:
    """`env.power_command off|on HOST`; implements `chaos.world.Power`."""

    def __init__(
        self,
        env: Environment,
        *,
        is_reachable: Callable[[Host], bool],
        forget: Callable[[str], None],
    ) -> None:
        """Make the switch.

        + is_reachable: says whether a host accepts SSH
        + forget: ends open sessions to a host that was off
        """
        self._command = env.power_command
        self._env = env
        self._is_reachable = is_reachable
        self._forget = forget

    def off(self, host: Host) -> Pending:
        """Pull the plug; also confirms that a dead host is off."""
        return self._throw("off", host)

    def on(self, host: Host) -> None:
        """Switch on and wait until the host accepts SSH."""
        self._throw("on", host).wait(_ON_WITHIN_S)
        self._forget(host.name)
        deadline = time.monotonic() + _SSH_WITHIN_S
        while not self._is_reachable(host):
            if time.monotonic() > deadline:
                raise WorldError(f"waited {_SSH_WITHIN_S:.0f} s for {host.name} to accept SSH after power on")
            time.sleep(0.2)

    def _throw(self, position: str, host: Host) -> SwitchedOff:
        if not self._command:
            raise WorldError(
                f"environment {self._env.name!r} names no power_command, so {host.name} cannot be switched"
                f" {position}; give one in inventory/{self._env.name}.py"
            )
        argv = [*self._command, position, host.name]
        # Its own session: Ctrl-C must not leave a switch half-thrown.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT_ROOT,
            start_new_session=True,
        )
        return SwitchedOff(process, f"power {position} {host.name}")
