"""Takes one service of a host out of rotation, tests it and puts it back, with the tool on the host."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.system.shells import Shells
from chaos.system.world import WorldError
from inventory.model import Environment, Host, Role

TOOL = "/usr/local/sbin/loanstack-rotation"
UPGRADE = "upgrade"
"""Reason that an upgrade leaves on a host that it takes out; the next run finds it after a kill."""
ROLES: Mapping[str, Role] = {"tongweb": Role.TONGWEB, "portal": Role.TONGWEB, "loan": Role.LOAN}
"""Component -> role of the hosts that run it."""
ARTIFACTS: Mapping[str, str] = {"tongweb": "tongweb", "portal": "channel-portal", "loan": "loan-services"}
"""Component -> artifact whose version is the component's."""
DEPLOYS: Mapping[str, str] = {"tongweb": "tongweb", "portal": "tongweb", "loan": "loan_services"}
"""Component -> component of the deploy that installs it."""

_LOOKED_AT_WITHIN_S = 10.0
_DRAINED_WITHIN_S = 60.0
_JUDGED_WITHIN_S = 60.0
_RESTARTED_WITHIN_S = _ROLLED_BACK_WITHIN_S = 240.0


@dataclass(frozen=True, kw_only=True)
class InstanceState:
    """State of a component on one host."""

    host: str
    is_well: bool
    out_because: tuple[str, ...]
    version: str
    previous: str

    @property
    def is_serving(self) -> bool:
        """Whether it gets requests and answers them."""
        return self.is_well and not self.out_because


class Rotation:
    """One component on all of its hosts; every method raises WorldError with the host's last output."""

    def __init__(self, env: Environment, component: str) -> None:
        self._component = component
        self._shells = Shells(env)

    def state(self, host: Host) -> InstanceState:
        """Return the state of the component on `host`."""
        said = self._run(host, "status", (), _LOOKED_AT_WITHIN_S)
        try:
            found = json.loads(said)
            return InstanceState(
                host=host.name,
                is_well=bool(found["is_well"]),
                out_because=tuple(sorted(found["out_because"])),
                version=str(found["version"]),
                previous=str(found["previous"]),
            )
        except (ValueError, KeyError, TypeError):
            raise WorldError(f"{host.name}: {TOOL} {self._component} status said {said!r}") from None

    def drain(self, host: Host) -> None:
        """Take it out of rotation, wait until its requests are done, and close its port to senders."""
        self._run(host, "drain", (UPGRADE,), _DRAINED_WITHIN_S)

    def judge(self, host: Host) -> str:
        """Send it real requests directly, past the gateway or portal; return its answer."""
        return self._run(host, "smoke-test", (), _JUDGED_WITHIN_S)

    def restart(self, host: Host) -> None:
        """Restart it in its current version."""
        self._run(host, "restart", (), _RESTARTED_WITHIN_S)

    def put_back(self, host: Host) -> None:
        """Put it back into rotation."""
        self._run(host, "in", (UPGRADE,), _LOOKED_AT_WITHIN_S)

    def roll_back(self, host: Host) -> str:
        """Install and start its previous version; return that version."""
        return self._run(host, "roll-back", (), _ROLLED_BACK_WITHIN_S)

    def close(self) -> None:
        """Close the connections to the hosts."""
        self._shells.close()

    def _run(self, host: Host, command: str, more: Sequence[str], within_s: float) -> str:
        argv = [TOOL, self._component, command, *more]
        what = f"{self._component} {command}"
        return self._shells.check_run(host, what, argv, within_s=within_s).stdout.strip()
