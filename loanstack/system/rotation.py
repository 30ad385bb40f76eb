"""One service of a host through `loanstack-rotation` there: out, judged, and back in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.system.shells import Shells
from chaos.system.world import WorldError
from inventory.model import Environment, Host, Role

TOOL = "/usr/local/sbin/loanstack-rotation"
UPGRADE = "upgrade"
"""The reason that an upgrade leaves on a host; one that was killed finds it there again."""
ROLES: Mapping[str, Role] = {"tongweb": Role.TONGWEB, "portal": Role.TONGWEB, "loan": Role.LOAN}
"""Whose hosts run which component."""
ARTIFACTS: Mapping[str, str] = {"tongweb": "tongweb", "portal": "channel-portal", "loan": "loan-services"}
"""What a component's version is the version of."""
DEPLOYS: Mapping[str, str] = {"tongweb": "tongweb", "portal": "tongweb", "loan": "loan_services"}
"""Which part of the deploy brings a component."""

_LOOKED_AT_WITHIN_S = 10.0
_DRAINED_WITHIN_S = 60.0
_JUDGED_WITHIN_S = 60.0
_RESTARTED_WITHIN_S = _ROLLED_BACK_WITHIN_S = 240.0


@dataclass(frozen=True, kw_only=True)
class InstanceState:
    """A component on one host."""

    host: str
    is_well: bool
    out_because: tuple[str, ...]
    version: str
    previous: str

    @property
    def is_serving(self) -> bool:
        """Whether requests are sent to it and answered."""
        return self.is_well and not self.out_because


class Rotation:
    """One component on all of its hosts; every method raises WorldError with the host's last words."""

    def __init__(self, env: Environment, component: str) -> None:
        self._component = component
        self._shells = Shells(env)

    def state(self, host: Host) -> InstanceState:
        """Return how it is on `host`."""
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
        """Take it out, wait until nothing is under way, and let nobody in who sends requests."""
        self._run(host, "drain", (UPGRADE,), _DRAINED_WITHIN_S)

    def judge(self, host: Host) -> str:
        """Send it real requests past those that send them otherwise; returns what it answered."""
        return self._run(host, "gate", (), _JUDGED_WITHIN_S)

    def restart(self, host: Host) -> None:
        """Start the version that it has anew."""
        self._run(host, "restart", (), _RESTARTED_WITHIN_S)

    def put_back(self, host: Host) -> None:
        """Let it be sent requests again."""
        self._run(host, "in", (UPGRADE,), _LOOKED_AT_WITHIN_S)

    def roll_back(self, host: Host) -> str:
        """Put the version of before in place and start it; returns that version."""
        return self._run(host, "roll-back", (), _ROLLED_BACK_WITHIN_S)

    def close(self) -> None:
        """End the connections."""
        self._shells.close()

    def _run(self, host: Host, command: str, more: Sequence[str], within_s: float) -> str:
        argv = [TOOL, self._component, command, *more]
        what = f"{self._component} {command}"
        return self._shells.check_run(host, what, argv, within_s=within_s).stdout.strip()
