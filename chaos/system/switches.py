"""The switches of an environment for power and network, as commands that its inventory names."""

import time
from collections.abc import Callable

from chaos.system.world import ImpossibleHereError, Pending, WorldError
from inventory.model import Environment, Host
from processes.child import Child

_ON_WITHIN_S = 90.0
_SSH_WITHIN_S = 60.0
_THROWN_WITHIN_S = 30.0


class SwitchCommand:
    """A switch command that is running; neither Ctrl-C nor the end of this process may interrupt it."""

    def __init__(self, argv: tuple[str, ...], what: str) -> None:
        self._child = Child(argv, name=what, outlives_us=True)
        self._confirmed_s: float | None = None

    def wait(self, within_s: float) -> float:
        """Return the time at which the switch had confirmed (unix seconds); raises WorldError."""
        if self._confirmed_s is None:
            done = self._child.ended(within_s)
            if done is None:
                raise WorldError(f"{self._child.name} did not confirm within {within_s:.0f} s")
            if done.returncode != 0:
                raise WorldError(done.sentence(self._child.name))
            self._confirmed_s = time.time()
        return self._confirmed_s


class PowerSwitch:
    """`env.power_command off|on|freeze|thaw HOST`; implements `chaos.system.world.Power`."""

    def __init__(
        self,
        env: Environment,
        *,
        is_reachable: Callable[[Host], bool],
        forget: Callable[[str], None],
    ) -> None:
        """Set up the switch.

        + is_reachable: says whether a host accepts SSH
        + forget: ends open sessions to a host that was switched off
        """
        self._env = env
        self._is_reachable = is_reachable
        self._forget = forget

    def off(self, host: Host) -> Pending:
        """Switch the power off; if the host is already off, this confirms it."""
        return self._throw("off", host)

    def on(self, host: Host) -> None:
        """Switch the host on if it is off, and wait until it accepts SSH."""
        self._throw("on", host).wait(_ON_WITHIN_S)
        self._forget(host.name)
        deadline = time.monotonic() + _SSH_WITHIN_S
        while not self._is_reachable(host):
            if time.monotonic() > deadline:
                raise WorldError(f"waited {_SSH_WITHIN_S:.0f} s for {host.name} to accept SSH after power on")
            time.sleep(0.2)

    def freeze(self, host: Host, *, for_s: float) -> Pending:
        """Freeze all processes of a host; a timer thaws them after `for_s`."""
        return self._throw("freeze", host, "--for", f"{for_s:g}")

    def thaw(self, host: Host) -> None:
        """Thaw a frozen host; does nothing if the host is not frozen, or is off."""
        self._throw("thaw", host).wait(_THROWN_WITHIN_S)

    def _throw(self, position: str, host: Host, *options: str) -> SwitchCommand:
        if not self._env.power_command:
            raise ImpossibleHereError(
                f"environment {self._env.name!r} names no power_command, so {host.name} cannot be switched"
                f" {position}; give one in inventory/{self._env.name}.py"
            )
        argv = (*self._env.power_command, position, host.name, *options)
        return SwitchCommand(argv, f"power {position} {host.name}")


class NetworkSwitch:
    """`env.network_command cut|mend NAME`; implements `chaos.system.world.Network`."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def cut(self, name: str, *, for_s: float) -> Pending:
        """Make the cut of that name; a timer mends it after `for_s`."""
        return self._throw("cut", name, "--for", f"{for_s:g}")

    def mend(self, name: str) -> None:
        """Mend the cut; does nothing if it was not made."""
        self._throw("mend", name).wait(_THROWN_WITHIN_S)

    def _throw(self, verb: str, name: str, *options: str) -> SwitchCommand:
        if not self._env.network_command:
            raise ImpossibleHereError(
                f"environment {self._env.name!r} names no network_command, so its network cannot be broken"
                f" ({verb} {name}); give one in inventory/{self._env.name}.py"
            )
        return SwitchCommand((*self._env.network_command, verb, name, *options), f"network {verb} {name}")
